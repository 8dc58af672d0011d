package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/bridges/autoweboffice/api"
	"github.com/acquiring-go/acquiring/examples/bridges/autoweboffice/autowebofficetest"
	"github.com/acquiring-go/acquiring/examples/internal/bridge/bridgetest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

// TestFiftyRoubles is the manual's own test: a product of 50 roubles is
// ordered, paid, and its invoice becomes paid; then the money goes back. Over
// both banks and databases.
func TestFiftyRoubles(t *testing.T) {
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		for _, shop := range []string{"sber", "pm"} {
			t.Run(database+"/"+shop, func(t *testing.T) {
				w := newWorld(t, nil)
				if database == "PostgreSQL" {
					w.Conf["database"] = bridgetest.PostgreSQL(t)
					w.Rewrite()
				}
				out := w.Command("check")
				assert.Contains(t, out, "shop "+shop)
				assert.Contains(t, out, "API KEY GET reads invoices")
				w.Start()

				id := w.product(money.RUB(50, 0))
				number := w.invoice(shop, id)
				assert.Equal(t, "awo-"+strconv.Itoa(id), number)
				w.Tell()
				assert.Equal(t, autowebofficetest.StatusCreated, w.office.Account(id).Status, "a link is no payment")
				w.Pay(shop, number)
				w.Tell()
				assert.Equal(t, autowebofficetest.StatusPaid, w.office.Account(id).Status)
				state := w.Command("status", number)
				assert.Contains(t, state, "ordered 50.00, taken 50.00")

				// The bank repeats itself; AutoWebOffice is told once.
				payment := strings.TrimSpace(state[strings.LastIndex(state, " ")+1:])
				if shop == "sber" {
					require.NoError(t, w.Sber.Resend(payment))
					w.Sber.Deliver()
				} else {
					require.NoError(t, w.PM.Resend(payment))
					w.PM.Deliver()
				}
				w.Tell()
				assert.Len(t, w.office.Changes(), 1)
				_, err := w.Try("invoice", "-shop", shop, "-ref", strconv.Itoa(id))
				require.ErrorContains(t, err, "paid already")

				// The money goes back; by the service's description nobody but a
				// person marks the return.
				w.Command("refund", number)
				w.Learn(number, "given back 50.00")
				w.Tell()
				assert.Equal(t, map[string]int{"done": 1, "attention": 1}, w.Counts())
				news := w.Command("news")
				assert.Contains(t, news, "возврат товара")
				key, _, _ := strings.Cut(news, "\t")
				w.Command("resolve", key, "отмечено в карточке счёта")
				assert.Equal(t, map[string]int{"done": 2}, w.Counts())
				noKeys(t, w)
			})
		}
	}
}

// noKeys: the keys travel in addresses, and are nowhere to be read.
func noKeys(t *testing.T, w *world) {
	t.Helper()
	for _, key := range []string{autowebofficetest.DefaultGetKey, autowebofficetest.DefaultSetKey, bridgetest.Bearer} {
		assert.NotContains(t, w.Log(), key)
	}
}

// TestRefundStatus: where the shop has a status for it, a whole refund sets it
// and a partial one waits for a person.
func TestRefundStatus(t *testing.T) {
	w := started(newWorld(t, func(c map[string]any) { c["status"] = map[string]any{"refunded": 2} }))
	whole, part := w.product(money.RUB(50, 0)), w.product(money.RUB(50, 0))
	for _, id := range []int{whole, part} {
		number := w.invoice("sber", id)
		w.Pay("sber", number)
		if id == part {
			w.Command("refund", number, "-amount", "20.00")
		} else {
			w.Command("refund", number)
		}
	}
	w.Tell()
	assert.Equal(t, autowebofficetest.StatusRefused, w.office.Account(whole).Status)
	assert.Equal(t, autowebofficetest.StatusPaid, w.office.Account(part).Status)
	assert.Contains(t, w.Command("news"), "no partial return")
}

// TestAnotherSum: an invoice whose sum changed after the link was made is not
// marked paid; a person sees it.
func TestAnotherSum(t *testing.T) {
	w := started(newWorld(t, nil))
	id := w.product(money.RUB(50, 0))
	number := w.invoice("sber", id)
	w.office.SetSum(id, money.RUB(500, 0))
	w.Pay("sber", number)
	w.Tell()
	assert.Equal(t, autowebofficetest.StatusCreated, w.office.Account(id).Status)
	assert.Empty(t, w.office.Changes())
	news := w.Command("news")
	assert.Contains(t, news, "is for 500.00, and 50.00 was paid")
	w.office.SetSum(id, money.RUB(50, 0)) // the person puts it right
	key, _, _ := strings.Cut(news, "\t")
	w.Command("retry", key)
	w.Tell()
	assert.Equal(t, autowebofficetest.StatusPaid, w.office.Account(id).Status)

	// A new link has the new sum, and the old one does not take the old sum.
	id = w.product(money.RUB(50, 0))
	old := w.invoice("sber", id)
	w.office.SetSum(id, money.RUB(60, 0))
	again := w.invoice("sber", id)
	assert.Equal(t, old+"_2", again)
	o, _ := w.Sber.Order(old)
	require.Error(t, w.Sber.Pay(o.ID), "it is withdrawn")
	w.Pay("sber", again)
	w.Tell()
	assert.Equal(t, autowebofficetest.StatusPaid, w.office.Account(id).Status)
}

// TestPaidTwice: two links of one invoice at two banks, both paid: the second
// payment waits for a person, and its refund leaves the invoice paid.
func TestPaidTwice(t *testing.T) {
	w := started(newWorld(t, func(c map[string]any) { c["status"] = map[string]any{"refunded": 2} }))
	id := w.product(money.RUB(50, 0))
	first := w.invoice("sber", id)
	o, _ := w.Sber.Order(first)
	// The link expires by the bridge's clock, and a second one is made.
	w.Advance(25 * time.Hour)
	second := w.invoice("sber", id)
	require.NotEqual(t, first, second)
	w.Pay("sber", second)
	w.Tell()
	require.NoError(t, w.Sber.Pay(o.ID))
	w.Sber.Deliver()
	w.Tell()
	assert.Len(t, w.office.Changes(), 1)
	news := w.Command("news")
	assert.Contains(t, news, "paid twice")
	w.Command("refund", first)
	key, _, _ := strings.Cut(news, "\t")
	w.Command("resolve", key, "вернули")
	w.Tell()
	assert.Equal(t, autowebofficetest.StatusPaid, w.office.Account(id).Status)
	assert.Len(t, w.office.Changes(), 1)
}

// TestPayLink: the address for AutoWebOffice's letters leads to the payment
// page, makes nothing for a preview, and says what is wrong.
func TestPayLink(t *testing.T) {
	w := started(newWorld(t, nil))
	id := w.product(money.RUB(50, 0))
	path := "/pay/" + payPath + "/"
	status, _ := w.HTTP(http.MethodHead, path+strconv.Itoa(id), "", "")
	assert.Equal(t, http.StatusOK, status)
	assert.Empty(t, w.Sber.Orders())
	ask := func(method, agent string) (int, string) {
		r, err := http.NewRequest(method, w.URL+path+strconv.Itoa(id), nil)
		require.NoError(t, err)
		r.Header.Set("User-Agent", agent)
		resp, err := http.DefaultTransport.RoundTrip(r)
		require.NoError(t, err)
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		return resp.StatusCode, string(body)
	}
	for _, agent := range []string{"TelegramBot (like TwitterBot)", "WhatsApp/2.23.20.0", "facebookexternalhit/1.1", "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)"} {
		status, page := ask(http.MethodGet, agent)
		assert.Equal(t, http.StatusOK, status, agent)
		assert.Contains(t, page, `<form method="post">`, "a person who was taken for a machine goes on")
	}
	assert.Empty(t, w.Sber.Orders(), "messengers look at links before people do")
	status, _ = ask(http.MethodPost, "WhatsApp/2.23.20.0")
	assert.Equal(t, http.StatusFound, status)
	status, first := w.HTTP(http.MethodGet, path+strconv.Itoa(id), "", "")
	assert.Equal(t, http.StatusFound, status)
	assert.Contains(t, first, w.Sber.URL)
	_, second := w.HTTP(http.MethodGet, path+strconv.Itoa(id), "", "")
	assert.Equal(t, first, second)
	status, _ = w.HTTP(http.MethodGet, path+"99999", "", "")
	assert.Equal(t, http.StatusNotFound, status)
	status, _ = w.HTTP(http.MethodGet, path+"abc", "", "")
	assert.Equal(t, http.StatusNotFound, status)
	status, _ = w.HTTP(http.MethodGet, "/pay/another-path-0f3a00/"+strconv.Itoa(id), "", "")
	assert.Equal(t, http.StatusNotFound, status)
	w.Pay("sber", "awo-"+strconv.Itoa(id))
	w.Tell()
	status, text := w.HTTP(http.MethodGet, path+strconv.Itoa(id), "", "")
	assert.Equal(t, http.StatusConflict, status)
	assert.Contains(t, text, "уже оплачен")
}

// TestOnceWhateverBreaks: whatever goes wrong with AutoWebOffice, the invoice
// is paid in the end; no key is logged.
func TestOnceWhateverBreaks(t *testing.T) {
	w := started(newWorld(t, nil))
	for _, op := range []string{autowebofficetest.OpReadAccounts, autowebofficetest.OpChangeAccount} {
		for _, kind := range []autowebofficetest.FaultKind{autowebofficetest.Drop, autowebofficetest.LostAnswer, autowebofficetest.ServerError, autowebofficetest.HTML,
			autowebofficetest.Cut, autowebofficetest.RateLimit, autowebofficetest.Empty} {
			for _, times := range []int{1, 4} {
				id := w.product(money.RUB(50, 0))
				number := w.invoice("sber", id)
				w.office.Fail(autowebofficetest.Fault{Op: op, Kind: kind, Times: times})
				w.Pay("sber", number)
				w.Tell()
				w.office.ClearFaults()
				name := fmt.Sprintf("%s, %s, %d times", op, kind, times)
				assert.Equal(t, autowebofficetest.StatusPaid, w.office.Account(id).Status, name)
			}
		}
	}
	seen := map[int]int{}
	for _, c := range w.office.Changes() {
		seen[c.Account]++
	}
	for id, n := range seen {
		assert.Equal(t, 1, n, "invoice %d is changed once: letters and deliveries hang on it", id)
	}
	noKeys(t, w)
}

// TestUnknowns: the story holds whichever way the open questions of the API
// are answered.
func TestUnknowns(t *testing.T) {
	for name, u := range map[string]autowebofficetest.Unknowns{
		"text errors":   {TextErrors: true, EmptyReads404: true},
		"single object": {SingleObject: true, Numbers: true, WholeSums: true},
		"silent put":    {PutIsSilent: true},
		"put is array":  {PutIsArray: true, SetKeyReads: true, PagesFromZero: true},
		"missing 200":   {MissingStatus: 200, KeyStatus: 200},
	} {
		t.Run(name, func(t *testing.T) {
			w := started(newWorld(t, nil, autowebofficetest.WithUnknowns(u)))
			id := w.product(money.RUB(50, 50))
			number := w.invoice("sber", id)
			w.Pay("sber", number)
			w.Tell()
			assert.Equal(t, autowebofficetest.StatusPaid, w.office.Account(id).Status)
			assert.Equal(t, map[string]int{"done": 1}, w.Counts())
			assert.Len(t, w.office.Changes(), 1)
			_, err := w.Try("invoice", "-ref", "99999")
			require.Error(t, err)
		})
	}
	w := started(newWorld(t, func(c map[string]any) { c["fields"] = map[string]any{"sum": "sum_total"}; c["read_by_id"] = true }, autowebofficetest.WithSumField("sum_total")))
	id := w.product(money.RUB(50, 0))
	w.Pay("sber", w.invoice("sber", id))
	w.Tell()
	assert.Equal(t, autowebofficetest.StatusPaid, w.office.Account(id).Status)
}

// TestWrongKeys: what is wrong is said without the key.
func TestWrongKeys(t *testing.T) {
	for _, u := range []autowebofficetest.Unknowns{{}, {TextErrors: true}, {KeyStatus: 200}} {
		office := autowebofficetest.NewServer(autowebofficetest.WithUnknowns(u))
		id := office.AddAccount(autowebofficetest.Account{Sum: money.RUB(50, 0)})
		c, err := api.New(api.Config{BaseURL: office.URL, KeyGet: "wrong-get-key", KeySet: "wrong-set-key"})
		require.NoError(t, err)
		_, err = c.Get(context.Background(), id)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "wrong-get-key")
		err = c.SetStatus(context.Background(), id, api.StatusPaid)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "wrong-set-key")
		assert.Empty(t, office.Changes())
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", c, api.Config{KeyGet: "wrong-get-key"}, c), "wrong-get-key")
		office.Close()
	}
	_, err := api.New(api.Config{BaseURL: "https://school.autoweboffice.ru", KeyGet: "g"})
	require.ErrorIs(t, err, acquiring.ErrInvalid)
}

// TestParallel: payments come at once, each notified several times.
func TestParallel(t *testing.T) {
	w := newWorld(t, nil)
	b, err := w.Program(io.Discard).Bridge(context.Background(), w.File)
	require.NoError(t, err)
	w.Use(b)
	w.Sber.Mischief(sberbanktest.Mischief{Duplicates: 2})
	const payments = 10
	var ids []int
	for range payments {
		id := w.product(money.RUB(50, 0))
		w.invoice("sber", id)
		ids = append(ids, id)
	}
	ctx, stop := context.WithCancel(context.Background())
	running := make(chan error, 1)
	go func() { running <- b.Run(ctx) }()
	var all sync.WaitGroup
	for _, id := range ids {
		all.Go(func() {
			o, _ := w.Sber.Order("awo-" + strconv.Itoa(id))
			assert.NoError(t, w.Sber.Pay(o.ID))
		})
	}
	all.Wait()
	w.Sber.Deliver()
	require.Eventually(t, func() bool { return w.Counts()["done"] == payments }, 20*time.Second, 10*time.Millisecond)
	stop()
	require.NoError(t, <-running)
	require.NoError(t, b.Close())
	assert.Len(t, w.office.Changes(), payments)
}

// TestKilled: the process is killed while AutoWebOffice is asked; started
// again it marks the invoice paid.
func TestKilled(t *testing.T) {
	for name, fault := range map[string]autowebofficetest.Fault{
		"while reading":               {Op: autowebofficetest.OpReadAccounts, Kind: autowebofficetest.Delay, Delay: time.Minute},
		"while writing, not done yet": {Op: autowebofficetest.OpChangeAccount, Kind: autowebofficetest.Delay, Delay: time.Minute},
		"after writing":               {Op: autowebofficetest.OpChangeAccount, Kind: autowebofficetest.LostAnswer, Delay: time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			p := bridgetest.Spawn(w.World, bridgetest.Free(t))
			id := w.product(money.RUB(50, 0))
			status, answer := w.HTTP(http.MethodPost, "/invoices", bridgetest.Bearer, `{"ref":"`+strconv.Itoa(id)+`"}`)
			require.Equal(t, http.StatusOK, status, answer)
			o, ok := w.Sber.Order("awo-" + strconv.Itoa(id))
			require.True(t, ok)
			w.office.Fail(fault)
			require.NoError(t, w.Sber.Pay(o.ID))
			w.Sber.Deliver()
			time.Sleep(100 * time.Millisecond) // the request is under way
			p.Kill()
			w.office.ClearFaults()
			p.Run()
			require.Eventually(t, func() bool { return p.Done() == 1 }, 20*time.Second, 10*time.Millisecond)
			assert.Equal(t, autowebofficetest.StatusPaid, w.office.Account(id).Status)
			assert.Len(t, w.office.Changes(), 1)
		})
	}
}

// TestDemo: the first thing that a newcomer sees is right.
func TestDemo(t *testing.T) {
	var out strings.Builder
	require.NoError(t, demo(context.Background(), &out))
	for _, line := range []string{"на 50.00, статус 1", "на 50.00, статус 5", "на 1499.90, статус 5", "на 500.00, статус 1", "2 in state attention"} {
		assert.Contains(t, out.String(), line)
	}
}

// TestSumChangedAndTheBankFailed: the old link was withdrawn and the new one
// could not be made. The next try makes it, and asks for nothing twice.
func TestSumChangedAndTheBankFailed(t *testing.T) {
	w := started(newWorld(t, nil))
	id := w.product(money.RUB(50, 0))
	path := "/pay/" + payPath + "/" + strconv.Itoa(id)
	status, old := w.HTTP(http.MethodGet, path, "", "")
	require.Equal(t, http.StatusFound, status)
	w.office.SetSum(id, money.RUB(60, 0))
	w.Sber.Fail(sberbanktest.Fault{Op: "register.do", Kind: sberbanktest.ServerError, Status: 429, Times: -1})
	status, _ = w.HTTP(http.MethodGet, path, "", "")
	require.Equal(t, http.StatusServiceUnavailable, status)
	w.Sber.ClearFaults()
	w.office.SetSum(id, money.RUB(50, 0)) // and back
	status, link := w.HTTP(http.MethodGet, path, "", "")
	require.Equal(t, http.StatusFound, status, link)
	assert.NotEqual(t, old, link, "nobody can pay there any more")
	w.office.SetSum(id, money.RUB(60, 0))
	status, link = w.HTTP(http.MethodGet, path, "", "")
	require.Equal(t, http.StatusFound, status, link)
	orders := w.Sber.Orders()
	number := orders[len(orders)-1].Number
	w.Pay("sber", number)
	w.Tell()
	assert.Equal(t, autowebofficetest.StatusPaid, w.office.Account(id).Status)
}

// TestPaidInTwoShops: the customer was given a link of each bank and paid both.
// A person hears of it, and what is given back of the second one takes nothing
// from the first.
func TestPaidInTwoShops(t *testing.T) {
	w := started(newWorld(t, func(section map[string]any) { section["status"] = map[string]any{"refunded": 7} }))
	id := w.product(money.RUB(50, 0))
	first, second := w.invoice("sber", id), w.invoice("pm", id)
	w.Pay("sber", first)
	w.Tell()
	w.Pay("pm", second)
	w.Tell()
	assert.Equal(t, map[string]int{"done": 1, "attention": 1}, w.Counts())
	news := w.Command("news")
	assert.Contains(t, news, "was paid twice: order "+second+" of shop pm brought 50.00 more")
	w.Command("refund", second, "-shop", "pm")
	w.PM.ExecuteRefunds()
	require.Eventually(t, func() bool { return strings.Contains(w.Command("status", second, "-shop", "pm"), "given back 50.00") }, 10*time.Second, 20*time.Millisecond)
	key, _, _ := strings.Cut(news, "\t")
	w.Command("resolve", key, "given back")
	w.Tell()
	assert.Equal(t, map[string]int{"done": 3}, w.Counts())
	assert.Equal(t, autowebofficetest.StatusPaid, w.office.Account(id).Status)
}

// TestOneCodeOfAnInvoice: 05001 is 5001, and who opened the one link keeps
// nobody from the other.
func TestOneCodeOfAnInvoice(t *testing.T) {
	w := started(newWorld(t, nil))
	id := strconv.Itoa(w.product(money.RUB(50, 0)))
	status, first := w.HTTP(http.MethodGet, "/pay/"+payPath+"/0"+id, "", "")
	require.Equal(t, http.StatusFound, status, first)
	status, second := w.HTTP(http.MethodGet, "/pay/"+payPath+"/"+id, "", "")
	require.Equal(t, http.StatusFound, status, second)
	assert.Equal(t, first, second)
}
