package main

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/bridges/alfacrm/alfacrmtest"
	"github.com/acquiring-go/acquiring/examples/bridges/alfacrm/api"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

// TestOnceWhateverBreaks: whatever goes wrong at whatever step of AlfaCRM's,
// the payment is posted in the end, and once.
func TestOnceWhateverBreaks(t *testing.T) {
	kinds := []alfacrmtest.FaultKind{alfacrmtest.Drop, alfacrmtest.LostAnswer, alfacrmtest.ServerError, alfacrmtest.HTML, alfacrmtest.Cut,
		alfacrmtest.RateLimit, alfacrmtest.Empty}
	w := started(newWorld(t, nil))
	var want money.Amount
	for _, op := range []string{alfacrmtest.OpLogin, alfacrmtest.OpPayIndex, alfacrmtest.OpPayCreate} {
		for _, kind := range kinds {
			for _, times := range []int{1, 3} {
				number := w.invoice("sber")
				if op == alfacrmtest.OpLogin {
					w.crm.RevokeTokens()
				}
				w.crm.Fail(alfacrmtest.Fault{Op: op, Kind: kind, Times: times})
				w.Pay("sber", number)
				w.Tell()
				w.crm.ClearFaults()
				want += money.RUB(3500, 0)
				assert.Equal(t, want, w.crm.Balance(alfacrmtest.DefaultCustomer), "%s, %s, %d times", op, kind, times)
			}
		}
	}
	assert.Len(t, w.crm.Pays(), 3*len(kinds)*2)
	assert.Equal(t, map[string]int{"done": 3 * len(kinds) * 2}, w.Counts())
	assert.Zero(t, w.crm.Overlaps())
	assert.NotContains(t, w.Log(), alfacrmtest.DefaultAPIKey)
}

// TestParallelEvents: many payments, each notified several times at once; one
// income each, and one request to AlfaCRM at a time.
func TestParallelEvents(t *testing.T) {
	w := newWorld(t, nil, alfacrmtest.WithOneAtATime(time.Millisecond))
	b, err := w.Program(&strings.Builder{}).Bridge(context.Background(), w.File)
	require.NoError(t, err)
	w.Use(b)
	const payments = 12
	var numbers []string
	for range payments {
		numbers = append(numbers, w.invoice("sber"))
	}
	w.Sber.Mischief(sberbanktest.Mischief{Duplicates: 3})
	ctx, stop := context.WithCancel(context.Background())
	running := make(chan error, 1)
	go func() { running <- b.Run(ctx) }()
	var all sync.WaitGroup
	for _, number := range numbers {
		all.Go(func() {
			o, _ := w.Sber.Order(number)
			assert.NoError(t, w.Sber.Pay(o.ID))
		})
	}
	all.Wait()
	w.Sber.Deliver()
	require.Eventually(t, func() bool { return w.Counts()["done"] == payments }, 20*time.Second, 10*time.Millisecond)
	stop()
	require.NoError(t, <-running)
	require.NoError(t, b.Close())
	assert.Len(t, w.crm.Pays(), payments)
	assert.Equal(t, money.RUB(3500*payments, 0), w.crm.Balance(alfacrmtest.DefaultCustomer))
	assert.Zero(t, w.crm.Overlaps())
}

// TestLostCallback: the bank's callback never comes; the Poller finds the
// payment, and a callback that comes afterwards adds nothing.
func TestLostCallback(t *testing.T) {
	w := newWorld(t, nil)
	p := w.Program(&strings.Builder{})
	p.Poller.Every, p.Poller.First, p.Poller.Last, p.Poller.Gap = 10*time.Millisecond, time.Millisecond, 20*time.Millisecond, time.Millisecond
	p.Outbox.Every = 10 * time.Millisecond
	b, err := p.Bridge(context.Background(), w.File)
	require.NoError(t, err)
	w.Use(b)
	w.Sber.Mischief(sberbanktest.Mischief{Lose: -1})
	number := w.invoice("sber")
	ctx, stop := context.WithCancel(context.Background())
	running := make(chan error, 1)
	go func() { running <- b.Run(ctx) }()
	w.Pay("sber", number)
	require.Eventually(t, func() bool { return len(w.crm.Pays()) == 1 }, 20*time.Second, 10*time.Millisecond)
	w.Sber.Mischief(sberbanktest.Mischief{})
	o, _ := w.Sber.Order(number)
	require.NoError(t, w.Sber.Resend(o.ID))
	w.Sber.Deliver()
	// So is a refund that was made in the bank's cabinet.
	cabinet, err := sberbank.New(w.Sber.Config())
	require.NoError(t, err)
	_, err = cabinet.Refund(ctx, acquiring.RefundRequest{ID: acquiring.PaymentID(o.ID), Key: "cabinet-1", Amount: money.RUB(500, 0)})
	require.NoError(t, err)
	require.Eventually(t, func() bool { return w.crm.Balance(alfacrmtest.DefaultCustomer) == money.RUB(3000, 0) }, 20*time.Second, 10*time.Millisecond)
	stop()
	require.NoError(t, <-running)
	require.NoError(t, b.Close())
	assert.Len(t, w.crm.Pays(), 2)
}

// TestTokenExpires: a token is renewed before its time, and when AlfaCRM forgot
// it earlier.
func TestTokenExpires(t *testing.T) {
	for _, status := range []int{401, 403} {
		clock := alfacrmtest.NewClock(time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))
		crm := alfacrmtest.NewServer(alfacrmtest.WithClock(clock), alfacrmtest.WithUnknowns(alfacrmtest.Unknowns{TokenStatus: status}))
		c, err := api.New(api.Config{BaseURL: crm.URL, Email: alfacrmtest.DefaultEmail, APIKey: alfacrmtest.DefaultAPIKey, Now: clock.Now})
		require.NoError(t, err)
		ask := func() {
			t.Helper()
			_, err := c.PayIndex(context.Background(), alfacrmtest.DefaultBranch, alfacrmtest.DefaultCustomer, nil)
			require.NoError(t, err)
		}
		ask()
		ask()
		assert.Equal(t, 1, crm.Logins(), "the token is kept")
		crm.Advance(api.TokenLife)
		ask()
		assert.Equal(t, 2, crm.Logins(), "renewed before AlfaCRM forgets it")
		for _, e := range crm.Requests() {
			assert.Equal(t, http.StatusOK, e.Status)
		}
		crm.RevokeTokens()
		ask()
		assert.Equal(t, 3, crm.Logins(), "forgotten before its time")
		crm.Close()
	}
}

// TestWrongCredentials: what is wrong is said, and the payment waits.
func TestWrongCredentials(t *testing.T) {
	for _, user := range []alfacrmtest.User{{Email: alfacrmtest.DefaultEmail, APIKey: "another"}, {Email: alfacrmtest.DefaultEmail, APIKey: alfacrmtest.DefaultAPIKey, NoAPI: true}} {
		for _, unknowns := range []alfacrmtest.Unknowns{{}, {DeniedAs200: true}, {HTMLErrors: true}, {LoginStatus: 401}} {
			crm := alfacrmtest.NewServer(alfacrmtest.WithUser(user), alfacrmtest.WithUnknowns(unknowns))
			c, err := api.New(api.Config{BaseURL: crm.URL, Email: alfacrmtest.DefaultEmail, APIKey: alfacrmtest.DefaultAPIKey})
			require.NoError(t, err)
			_, err = c.PayCreate(context.Background(), api.Pay{BranchID: 1, CustomerID: 2091, PayTypeID: 1, PayAccountID: 4, PayItemID: 2, Income: 1, DocumentDate: "14.03.2026"})
			require.ErrorIs(t, err, acquiring.ErrUnauthorized, "%+v", unknowns)
			assert.NotEqual(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
			assert.Contains(t, err.Error(), "v2api")
			assert.NotContains(t, err.Error(), alfacrmtest.DefaultAPIKey)
			crm.Close()
		}
	}
}

// TestUnknowns: the story holds whichever way the open questions of AlfaCRM's
// API are answered.
func TestUnknowns(t *testing.T) {
	for name, u := range map[string]struct {
		unknowns alfacrmtest.Unknowns
		conf     func(map[string]any)
		person   bool // the refund waits for a person
	}{
		"as numbers":      {unknowns: alfacrmtest.Unknowns{SumsAsNumbers: true}, conf: func(c map[string]any) { c["amount_as_number"] = true }},
		"ids as text":     {unknowns: alfacrmtest.Unknowns{IDsAsText: true, ISODates: true, OneToken: true}},
		"pages from one":  {unknowns: alfacrmtest.Unknowns{PagesFromOne: true}},
		"oldest first":    {unknowns: alfacrmtest.Unknowns{OldestFirst: true, NoDateFilter: true, ItemRequired: true}},
		"custom field":    {unknowns: alfacrmtest.Unknowns{}, conf: func(c map[string]any) { c["custom_field"] = "custom_md_order" }},
		"custom dropped":  {unknowns: alfacrmtest.Unknowns{DropCustom: true}, conf: func(c map[string]any) { c["custom_field"] = "custom_md_order" }},
		"refund income":   {unknowns: alfacrmtest.Unknowns{RefundAsIncome: true}, conf: func(c map[string]any) { c["refund"] = map[string]any{"mode": "income"} }},
		"no refunds":      {unknowns: alfacrmtest.Unknowns{NoRefunds: true}, person: true},
		"no refunds, 400": {unknowns: alfacrmtest.Unknowns{NoRefunds: true, InvalidStatus: 400, ErrorsAsList: true}, person: true},
		"no success":      {unknowns: alfacrmtest.Unknowns{NoRefunds: true, NoSuccess: true}, person: true},
		"by a person":     {unknowns: alfacrmtest.Unknowns{}, conf: func(c map[string]any) { c["refund"] = map[string]any{"mode": "person"} }, person: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(conf map[string]any) {
				if u.conf != nil {
					u.conf(conf["alfacrm"].(map[string]any))
				}
			}, alfacrmtest.WithUnknowns(u.unknowns), alfacrmtest.WithPageSize(2, 2))
			for range 5 { // so that the search has pages
				w.crm.AddPay(alfacrmtest.Pay{Branch: 1, Customer: 2091, Type: 1, CashDesk: 4, Article: 2, Income: 100, Date: "01.03.2026", Note: "наличные"})
			}
			w.Start()
			number := w.invoice("sber")
			w.Pay("sber", number)
			w.crm.Fail(alfacrmtest.Fault{Op: alfacrmtest.OpPayCreate, Kind: alfacrmtest.LostAnswer})
			w.Tell()
			require.Len(t, w.crm.Pays(), 6)
			w.Command("refund", number)
			w.Tell()
			if !u.person {
				assert.Len(t, w.crm.Pays(), 7)
				assert.Equal(t, map[string]int{"done": 2}, w.Counts())
				return
			}
			assert.Len(t, w.crm.Pays(), 6)
			assert.Equal(t, map[string]int{"done": 1, "attention": 1}, w.Counts())
			out := w.Command("news")
			key, _, _ := strings.Cut(out, "\t")
			if name == "by a person" {
				// The person posts it with the note that was asked for; retry finds it.
				_, note, _ := strings.Cut(out, `note "`)
				note, _, _ = strings.Cut(note, `"`)
				w.crm.AddPay(alfacrmtest.Pay{Branch: 1, Customer: 2091, Type: 3, CashDesk: 4, Article: 2, Expenditure: money.RUB(3500, 0), Date: "01.03.2026", Note: note})
				w.Command("retry", key)
				w.Tell()
			} else {
				w.Command("resolve", key, "проведено вручную")
			}
			assert.Equal(t, map[string]int{"done": 2}, w.Counts())
		})
	}
}

// TestPostedByHand: what a person posted meanwhile is not posted again, and
// one with another sum is left to a person.
func TestPostedByHand(t *testing.T) {
	w := started(newWorld(t, nil))
	first, second := w.invoice("sber"), w.invoice("sber")
	for _, number := range []string{first, second} {
		o, _ := w.Sber.Order(number)
		sum := money.RUB(3500, 0)
		if number == second {
			sum = money.RUB(350, 0)
		}
		w.crm.AddPay(alfacrmtest.Pay{Branch: 1, Customer: 2091, Type: 1, CashDesk: 4, Article: 2, Income: sum, Date: "01.03.2026", Note: "Сбер, mdOrder " + o.ID + ", картой"})
		w.Pay("sber", number)
	}
	w.Tell()
	assert.Len(t, w.crm.Pays(), 2)
	assert.Equal(t, map[string]int{"done": 1, "attention": 1}, w.Counts())
	assert.Contains(t, w.Command("news"), "another sum")
}

// TestShortNumber: a short number in somebody's note is not the bank's.
func TestShortNumber(t *testing.T) {
	w := started(newWorld(t, nil))
	number := w.invoice("pm")
	w.Pay("pm", number)
	state := w.Command("status", number)
	id := strings.TrimSpace(state[strings.LastIndex(state, " ")+1:])
	require.Less(t, len(id), long)
	w.crm.AddPay(alfacrmtest.Pay{Branch: 1, Customer: 2091, Type: 1, CashDesk: 4, Article: 2, Income: money.RUB(3500, 0), Date: "01.03.2026", Note: "договор " + id})
	w.Tell()
	assert.Len(t, w.crm.Pays(), 2)
	assert.Equal(t, map[string]int{"done": 1}, w.Counts())
}

// TestDemo: the first thing that a newcomer sees is right.
func TestDemo(t *testing.T) {
	var out strings.Builder
	require.NoError(t, demo(context.Background(), &out))
	for _, line := range []string{"баланс клиента 2091: 3500.00", "баланс клиента 2091: 4999.90", "баланс клиента 2091: 3999.90", "3 in state done"} {
		assert.Contains(t, out.String(), line)
	}
}

// TestHasWord: a number is not found within a longer one.
func TestHasWord(t *testing.T) {
	for text, want := range map[string]bool{"платёж 123": true, "платёж 1234": false, "платёж 0123, 123": true, "123": true, "": false, "a123": false, "123-4": false, "(123)": true, "возврат 123/500": false} {
		assert.Equal(t, want, hasWord(text, "123"), text)
	}
}

// TestConfig: what is wrong in the file is named.
func TestConfig(t *testing.T) {
	for want, change := range map[string]func(c map[string]any){
		"public_url":                    func(c map[string]any) { c["public_url"] = "" },
		"key has 5":                     func(c map[string]any) { c["key"] = "short" },
		"ref.pattern":                   func(c map[string]any) { c["ref"] = map[string]any{"pattern": "^\\d+-"} },
		`unknown field "publik_url"`:    func(c map[string]any) { c["publik_url"] = "x" },
		"receipt.tax_system":            func(c map[string]any) { c["receipt"] = map[string]any{"vat": "none", "tax_system": "usn"} },
		"receipt.method":                func(c map[string]any) { c["receipt"] = map[string]any{"vat": "none", "method": "later"} },
		"receipt: ":                     func(c map[string]any) { c["receipt"] = map[string]any{"vat": "19"} },
		"database":                      func(c map[string]any) { c["database"] = "" },
		"alfacrm.post needs":            func(c map[string]any) { c["alfacrm"].(map[string]any)["post"] = map[string]any{"branch_id": 1} },
		"alfacrm.zone":                  func(c map[string]any) { c["alfacrm"].(map[string]any)["zone"] = "Moscow" },
		"refund.mode":                   func(c map[string]any) { c["alfacrm"].(map[string]any)["refund"] = map[string]any{"mode": "x"} },
		"begin with custom_":            func(c map[string]any) { c["alfacrm"].(map[string]any)["custom_field"] = "md_order" },
		`there is no shop "x"`:          func(c map[string]any) { c["alfacrm"].(map[string]any)["shops"] = map[string]any{"x": map[string]any{}} },
		"environment has no NO_SUCH":    func(c map[string]any) { c["alfacrm"].(map[string]any)["api_key"] = "$NO_SUCH" },
		"Config.APIKey":                 func(c map[string]any) { c["alfacrm"].(map[string]any)["api_key"] = "" },
		"not an absolute http(s) addre": func(c map[string]any) { c["alfacrm"].(map[string]any)["url"] = "school" },
		"shops: there is none":          func(c map[string]any) { c["shops"] = []any{}; c["alfacrm"].(map[string]any)["shops"] = nil },
	} {
		w := newWorld(t, change)
		_, err := w.Try("check")
		require.ErrorContains(t, err, want)
	}
	_, err := newWorld(t, nil).Try("fly")
	require.ErrorContains(t, err, "fly")
}
