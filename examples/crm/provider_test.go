package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/examples/internal/sandbox"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// settingsForm is what a person fills in on the page of a new shop.
func (w *world) settingsForm(provider, way, receiptBy string) settingsForm {
	w.t.Helper()
	form := settingsForm{"provider": {provider}, "name": {"Проверка " + provider}, "mode": {"test"}, "active": {"yes"}, "entity": {"1"}, "cash_desk": {w.word(store.CashDesks)},
		"pay_type": {w.word(store.PayTypes)}, "article": {w.word(store.Articles)}, "stages": {"one"}, "order_prefix": {"T-" + provider[:3] + "-"}, "receipt_by": {receiptBy},
		"tax_system": {fmt.Sprint(int(fiscal.TaxSimplifiedIncome))}, "vat": {string(fiscal.VATNone)}, "subject": {"4"}, "pay_method": {"4"}, "ffd": {"1.2"}, "notify_email": {"buh@school.example"}}
	fields, secrets := w.demo.Credentials(provider, way)
	all := maps.Clone(fields)
	maps.Copy(all, secrets)
	for key, value := range all {
		form.Set(key, value)
	}
	return form
}

// settingsForm is the form of a shop's settings.
type settingsForm url.Values

func (f settingsForm) Set(key, value string) { url.Values(f).Set(key, value) }
func (f settingsForm) Get(key string) string { return url.Values(f).Get(key) }
func (f settingsForm) Del(key string)        { url.Values(f).Del(key) }

// with is the form with further fields and secrets.
func (f settingsForm) with(fields, secrets map[string]string) settingsForm {
	for _, more := range []map[string]string{fields, secrets} {
		for key, value := range more {
			f.Set(key, value)
		}
	}
	return f
}

func (w *world) word(kind string) string {
	words, err := w.store.Words(w.t.Context(), w.store.DB, kind)
	require.NoError(w.t, err)
	return fmt.Sprint(words[0].ID)
}

// newShop fills the settings in and gives the shop that was made.
func (w *world) newShop(form settingsForm) store.Shop {
	w.t.Helper()
	to := w.staff.must("/shops/new?provider="+form.Get("provider"), "/shops", url.Values(form))
	var id int64
	_, err := fmt.Sscanf(to, "/shops/%d", &id)
	require.NoError(w.t, err, to)
	shop, err := w.store.Shop(w.t.Context(), w.store.DB, id)
	require.NoError(w.t, err)
	require.Empty(w.t, shop.CheckError)
	require.False(w.t, shop.CheckedAt.IsZero(), "the connection was not checked")
	return shop
}

// TestEachProvider: from the settings to paid and given back, in two parts,
// with the receipts of all three.
func TestEachProvider(t *testing.T) {
	for _, provider := range shops.Providers() {
		t.Run(provider.Key, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, time.Hour)
			printer := "acquirer"
			if provider.Key == "sberbank-legacy" {
				printer = "none" // its cart is optional, and the demonstration has none
			}
			shop := w.newShop(w.settingsForm(provider.Key, "jwt", printer))
			page := fmt.Sprintf("/shops/%d", shop.ID)
			settings := w.staff.get(page)
			require.Contains(t, settings, w.shops.HookURL(shop))
			switch provider.Key { // what a person does in the cabinet
			case "paykeeper":
				require.NoError(t, w.bank.SetCallbackURL(sandbox.PayKeeper, w.shops.HookURL(shop)))
			case "tochka":
				w.staff.must(page, page+"/subscribe", nil)
			}
			client := w.client("Мария Воронова")
			i := w.invoice(client, shop, "4 499,90")
			require.Equal(t, money.RUB(4499, 90), i.Amount)
			require.EqualValues(t, 0, w.balance(client))

			w.pay(i, shop)
			w.until(i.ID, "paid")
			require.Equal(t, money.RUB(4499, 90), w.balance(client))
			require.Contains(t, plain(newVisitor(t, w.url).get("/r/"+i.Short)), "Оплата получена")

			var others int
			require.NoError(t, w.store.DB.QueryRow("SELECT COUNT(*) FROM withdrawals").Scan(&others))
			require.Zero(t, others, "the payment is the one that was issued")

			a := w.attempt(i.ID)
			w.giveBack(a.ID, "1000")
			w.until(i.ID, "partially_refunded")
			require.Equal(t, money.RUB(3499, 90), w.balance(client))
			if provider.Key == "tochka" {
				// The bank takes the next refund when the one before is executed.
				w.bank.Advance(4 * 24 * time.Hour)
			}
			w.giveBack(a.ID, "3499,90")
			if provider.Key == "tochka" {
				require.Contains(t, plain(w.staff.get(fmt.Sprintf("/invoices/%d", i.ID))), "принят банком")
				w.bank.Advance(4 * 24 * time.Hour)
				w.staff.must(fmt.Sprintf("/invoices/%d", i.ID), fmt.Sprintf("/attempts/%d/check", a.ID), nil)
			}
			w.until(i.ID, "refunded")
			require.EqualValues(t, 0, w.balance(client))

			if printer != "none" {
				want := 3
				if provider.Key == "tochka" {
					want = 1
				}
				documents := map[string]bool{}
				for _, r := range w.receiptsPrinted(a.ID, want) {
					if r.Fiscal == "" {
						continue // the provider does not tell
					}
					var data fiscal.FiscalData
					require.NoError(t, json.Unmarshal([]byte(r.Fiscal), &data))
					require.False(t, documents[data.FD], "document %s is shown for two receipts", data.FD)
					documents[data.FD] = true
				}
			}
			require.Contains(t, plain(w.staff.get(fmt.Sprintf("/invoices/%d", i.ID))), "возвращён")
		})
	}
}

// receiptsPrinted waits for the receipts of an attempt.
func (w *world) receiptsPrinted(attempt int64, want int) []store.Receipt {
	w.t.Helper()
	var rows []store.Receipt
	require.Eventually(w.t, func() bool {
		var err error
		rows, err = w.store.Receipts(w.t.Context(), w.store.DB, attempt)
		require.NoError(w.t, err)
		printed := 0
		for _, r := range rows {
			if r.State == store.ReceiptPrinted {
				printed++
			}
		}
		if printed < want {
			w.bank.Advance(time.Minute)
		}
		return printed >= want
	}, 30*time.Second, 100*time.Millisecond, "%+v\n%s", rows, w.log)
	require.Len(w.t, rows, want)
	return rows
}

// TestEachRegister: the receipt and the return receipt of a payment through a
// bank that prints none, with their fiscal data and QR code on the page.
func TestEachRegister(t *testing.T) {
	for provider, register := range map[string]string{"paymaster": "komtet", "alfabank": "orangedata", "sberbank": "paykeeper"} {
		t.Run(register, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, time.Hour)
			shop := w.newShop(w.settingsForm(provider, "", register).with(w.demo.RegisterCredentials(register)))
			client := w.client("Игорь Павлов")
			i := w.invoice(client, shop, "1500")
			w.pay(i, shop)
			w.until(i.ID, "paid")
			a := w.attempt(i.ID)
			w.receiptsPrinted(a.ID, 1)
			w.giveBack(a.ID, "500")
			w.until(i.ID, "partially_refunded")
			rows := w.receiptsPrinted(a.ID, 2)
			require.Equal(t, int(fiscal.Sale), rows[0].Type)
			require.Equal(t, money.RUB(1500, 0), rows[0].Total)
			require.Equal(t, int(fiscal.SaleReturn), rows[1].Type)
			require.Equal(t, money.RUB(500, 0), rows[1].Total)
			page := w.staff.get(fmt.Sprintf("/receipts/%d", rows[1].ID))
			require.Contains(t, page, `id="receipt-qr"`)
			require.Contains(t, plain(page), "ФПД")
			require.Contains(t, newVisitor(t, w.url).get("/p/"+i.Short), "Приход")
		})
	}
}

func TestSBPOnlyShowsTheCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, time.Hour)
	form := w.settingsForm("sberbank", "", "none")
	form.Set("sbp_only", "yes")
	shop := w.newShop(form)
	client := w.client("Тимур Ахметов")
	i := w.invoice(client, shop, "990")
	payer := newVisitor(t, w.url)
	require.Equal(t, "/p/"+i.Short, payer.must("/p/"+i.Short, "/p/"+i.Short+"/pay", url.Values{"way": {"qr"}}))
	page := payer.get("/p/" + i.Short)
	require.Contains(t, page, `id="sbp-qr" data-payload="https://qr.nspk.ru/`)
	require.NoError(t, w.bank.Sberbank.PaySBP(string(w.attempt(i.ID).PaymentID)))
	w.until(i.ID, "paid")
	require.Equal(t, money.RUB(990, 0), w.balance(client))
	require.Contains(t, plain(payer.get("/p/"+i.Short)), "платить больше не нужно")
}

func TestHold(t *testing.T) {
	for _, provider := range []string{"sberbank", "sberbank-legacy", "alfabank", "tochka"} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, time.Hour)
			form := w.settingsForm(provider, "jwt", "none")
			form.Set("stages", "two")
			shop := w.newShop(form)
			if provider == "tochka" {
				page := fmt.Sprintf("/shops/%d", shop.ID)
				w.staff.must(page, page+"/subscribe", nil)
			}
			client := w.client("Ольга Кузнецова")

			taken := w.invoice(client, shop, "3000")
			w.pay(taken, shop)
			w.until(taken.ID, "authorized")
			require.EqualValues(t, 0, w.balance(client), "a hold is no money yet")
			page := fmt.Sprintf("/invoices/%d", taken.ID)
			w.staff.must(page, fmt.Sprintf("/attempts/%d/capture", w.attempt(taken.ID).ID), url.Values{"amount": {"3000"}})
			w.until(taken.ID, "paid")
			require.Equal(t, money.RUB(3000, 0), w.balance(client))

			released := w.invoice(client, shop, "2000")
			w.pay(released, shop)
			w.until(released.ID, "authorized")
			page = fmt.Sprintf("/invoices/%d", released.ID)
			void := fmt.Sprintf("/attempts/%d/void", w.attempt(released.ID).ID)
			w.staff.must(page, void, nil)
			if provider == "tochka" { // what the bank cannot do is said
				if w.read(released.ID).Status.String() == "authorized" {
					require.Contains(t, plain(w.staff.get(page)), "Провайдер этого не умеет")
					return
				}
			}
			w.until(released.ID, "voided")
			require.Equal(t, money.RUB(3000, 0), w.balance(client))
			require.True(t, strings.Contains(plain(w.staff.get(page)), "холд отменён"))
		})
	}
}

// TestPartOfAHold: a part is taken, its receipt is of the part, and all of the
// part can be given back.
func TestPartOfAHold(t *testing.T) {
	for provider, printer := range map[string]string{"sberbank": "acquirer", "alfabank": "orangedata"} {
		t.Run(provider, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, time.Hour)
			form := w.settingsForm(provider, "", printer)
			if printer != "acquirer" {
				form = form.with(w.demo.RegisterCredentials(printer))
			}
			form.Set("stages", "two")
			shop := w.newShop(form)
			client := w.client("Ольга Кузнецова")
			i := w.invoice(client, shop, "3000")
			w.pay(i, shop)
			w.until(i.ID, "authorized")
			a := w.attempt(i.ID)
			page := fmt.Sprintf("/invoices/%d", i.ID)
			w.staff.must(page, fmt.Sprintf("/attempts/%d/capture", a.ID), url.Values{"amount": {"5000"}})
			require.Contains(t, plain(w.staff.get(page)), "не больше удержанного")
			w.staff.must(page, fmt.Sprintf("/attempts/%d/capture", a.ID), url.Values{"amount": {"1200,50"}})
			w.until(i.ID, "paid")
			require.Equal(t, money.RUB(1200, 50), w.balance(client))
			rows := w.receiptsPrinted(a.ID, 1)
			require.Equal(t, money.RUB(1200, 50), rows[0].Total)
			w.giveBack(a.ID, "1200,50")
			w.until(i.ID, "refunded")
			require.EqualValues(t, 0, w.balance(client))
			rows = w.receiptsPrinted(a.ID, 2)
			require.Equal(t, money.RUB(1200, 50), rows[1].Total)
		})
	}
}
