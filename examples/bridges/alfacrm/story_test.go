package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/bridges/alfacrm/alfacrmtest"
	"github.com/acquiring-go/acquiring/examples/internal/bridge/bridgetest"
	"github.com/acquiring-go/acquiring/money"
)

// TestCheckList walks through the manual: the settings are tried, an invoice
// is issued, it is paid, the client's account in AlfaCRM has the income, money
// is given back, and AlfaCRM has that too. Over both banks and databases.
func TestCheckList(t *testing.T) {
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		for _, shop := range []string{"sber", "pm"} {
			t.Run(database+"/"+shop, func(t *testing.T) {
				w := newWorld(t, func(conf map[string]any) {
					if database == "PostgreSQL" {
						conf["database"] = bridgetest.PostgreSQL(t)
					}
				})
				out := w.Command("check")
				assert.Contains(t, out, "shop sber (sberbank): good; its callbacks come to "+w.URL+"/hooks/sber")
				assert.Contains(t, out, "shop pm (paymaster): good")
				assert.Contains(t, out, "pay_account_id 4:")
				assert.Contains(t, out, "pay_item_id 2:")

				w.Start()
				number := w.invoice(shop, "-email", "parent@example.com")
				assert.True(t, strings.HasPrefix(number, "2091-"), number)
				w.Tell()
				assert.Empty(t, w.crm.Pays(), "nothing is posted before the money is taken")
				w.Pay(shop, number)
				w.Tell()
				pays := w.crm.Pays()
				require.Len(t, pays, 1)
				got := pays[0]
				assert.Equal(t, alfacrmtest.DefaultCustomer, got.Customer)
				assert.Equal(t, alfacrmtest.DefaultBranch, got.Branch)
				assert.Equal(t, alfacrmtest.DefaultCashDesk, got.CashDesk)
				assert.Equal(t, alfacrmtest.DefaultArticle, got.Article)
				assert.Equal(t, alfacrmtest.TypeIncome, got.Type)
				assert.Equal(t, money.RUB(3500, 0), got.Income)
				assert.True(t, got.Confirmed)
				assert.Contains(t, got.Note, number)
				zone, err := time.LoadLocation("Asia/Vladivostok")
				require.NoError(t, err)
				day := time.Now().In(zone)
				assert.Contains(t, []string{day.Format("02.01.2006"), day.Add(-time.Minute).Format("02.01.2006")}, got.Date)
				state := w.Command("status", number)
				assert.Contains(t, state, "paid")
				id := state[strings.LastIndex(state, " ")+1:]
				assert.Contains(t, got.Note, "платёж "+strings.TrimSpace(id))
				assert.Equal(t, money.RUB(3500, 0), w.crm.Balance(alfacrmtest.DefaultCustomer))

				// The bank repeats itself; the balance stays.
				if shop == "sber" {
					require.NoError(t, w.Sber.Resend(strings.TrimSpace(id)))
					w.Sber.Deliver()
				} else {
					require.NoError(t, w.PM.Resend(strings.TrimSpace(id)))
					w.PM.Deliver()
				}
				w.Tell()
				assert.Len(t, w.crm.Pays(), 1)

				w.Command("refund", number, "-amount", "1000.00", "-key", "r-1")
				w.Command("refund", number, "-amount", "1000.00", "-key", "r-1")
				w.Learn(number, "given back 1000.00")
				w.Tell()
				pays = w.crm.Pays()
				require.Len(t, pays, 2)
				assert.Equal(t, alfacrmtest.TypeRefund, pays[1].Type)
				assert.Equal(t, money.RUB(1000, 0), pays[1].Expenditure)
				assert.Contains(t, pays[1].Note, "возврат "+strings.TrimSpace(id)+"/100000")
				w.Command("refund", number)
				w.Learn(number, "given back 3500.00")
				w.Tell()
				assert.Len(t, w.crm.Pays(), 3)
				assert.Zero(t, w.crm.Balance(alfacrmtest.DefaultCustomer))
				assert.Equal(t, map[string]int{"done": 3}, w.Counts())
				assert.Contains(t, w.Command("news", "-state", "done"), "3 in state done")
				for _, secret := range []string{alfacrmtest.DefaultAPIKey, bridgetest.Bearer, "callback_key"} {
					assert.NotContains(t, w.Log(), secret)
				}
			})
		}
	}
}

// TestAPI: the same over HTTP, as a site would.
func TestAPI(t *testing.T) {
	w := started(newWorld(t, nil))
	body := `{"ref":"2091","amount":"1499.90","description":"Октябрь","number":"2091-oct","payer":"Иванова А."}`
	for _, key := range []string{"", "wrong-key-of-the-tests"} {
		status, _ := w.HTTP(http.MethodPost, "/invoices", key, body)
		assert.Equal(t, http.StatusUnauthorized, status)
	}
	status, first := w.HTTP(http.MethodPost, "/invoices", bridgetest.Bearer, body)
	require.Equal(t, http.StatusOK, status, first)
	status, second := w.HTTP(http.MethodPost, "/invoices", bridgetest.Bearer, body)
	require.Equal(t, http.StatusOK, status)
	assert.Equal(t, first, second, "the same number is the same link")
	var link struct{ Number, PayURL, Amount string }
	require.NoError(t, json.Unmarshal([]byte(strings.ReplaceAll(first, "pay_url", "PayURL")), &link))
	assert.Equal(t, "1499.90", link.Amount)
	assert.Contains(t, link.PayURL, w.Sber.URL)

	for _, wrong := range []string{`{"ref":"2091"}`, `{"ref":"2091","amount":"1,5,5"}`, `{"ref":"2091","amount":"-1"}`, `{"ref":"x","amount":"1"}`,
		`{"amount":"1"}`, `{"ref":"2091","amount":"1","shop":"nobody"}`, `{"ref":"2091","amount":1}`, `{"ref":"2091","amount":"1","number":"a_2"}`, `{`} {
		status, answer := w.HTTP(http.MethodPost, "/invoices", bridgetest.Bearer, wrong)
		assert.Equal(t, http.StatusBadRequest, status, wrong+answer)
	}
	status, _ = w.HTTP(http.MethodPost, "/invoices", bridgetest.Bearer, `{"ref":"7","amount":"1"}`)
	assert.Equal(t, http.StatusNotFound, status, "AlfaCRM has no such client")

	// Another sum under the same number: the old link is withdrawn.
	status, answer := w.HTTP(http.MethodPost, "/invoices", bridgetest.Bearer, strings.Replace(body, "1499.90", "1500", 1))
	require.Equal(t, http.StatusOK, status, answer)
	assert.Contains(t, answer, `"2091-oct_2"`)

	w.Pay("sber", "2091-oct_2")
	w.Tell()
	status, answer = w.HTTP(http.MethodGet, "/invoices/2091-oct", bridgetest.Bearer, "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, answer, `"status":"paid"`)
	assert.Contains(t, answer, `"taken":"1500.00"`)
	assert.Equal(t, "Иванова А.", w.crm.Pays()[0].Payer)
	status, _ = w.HTTP(http.MethodPost, "/invoices", bridgetest.Bearer, body)
	assert.Equal(t, http.StatusConflict, status, "it is paid")
	status, answer = w.HTTP(http.MethodPost, "/invoices/2091-oct/refund", bridgetest.Bearer, `{"amount":"100.00"}`)
	assert.Equal(t, http.StatusOK, status, answer)
	w.Tell()
	assert.Equal(t, money.RUB(1400, 0), w.crm.Balance(alfacrmtest.DefaultCustomer))
	status, answer = w.HTTP(http.MethodGet, "/news?state=done", bridgetest.Bearer, "")
	assert.Equal(t, http.StatusOK, status)
	assert.Contains(t, answer, `"kind":"refund"`)
	status, _ = w.HTTP(http.MethodGet, "/thanks", "", "")
	assert.Equal(t, http.StatusOK, status)
	status, _ = w.HTTP(http.MethodGet, "/healthz", "", "")
	assert.Equal(t, http.StatusOK, status)
	status, _ = w.HTTP(http.MethodPost, "/hooks/nobody", "", "")
	assert.Equal(t, http.StatusNotFound, status)
}

// TestForged: nobody but the bank is believed.
func TestForged(t *testing.T) {
	w := started(newWorld(t, nil))
	number := w.invoice("sber")
	o, _ := w.Sber.Order(number)
	status, _ := w.HTTP(http.MethodGet, "/hooks/sber?mdOrder="+o.ID+"&orderNumber="+number+"&operation=deposited&status=1&checksum=00", "", "")
	assert.Equal(t, http.StatusForbidden, status)
	w.Tell()
	assert.Empty(t, w.crm.Pays())
	assert.Empty(t, w.Counts())
}

// TestForeign: payments whose invoice was made elsewhere find their client by
// the rules, or wait for a person.
func TestForeign(t *testing.T) {
	w := newWorld(t, nil, alfacrmtest.WithCustomer(alfacrmtest.Customer{ID: 2091, Name: "Иванова"}), alfacrmtest.WithCustomer(alfacrmtest.Customer{ID: 7, Name: "Седьмой"}))
	mine := w.invoice("sber", "-number", "7-x", "-ref", "7")
	w.Conf["database"] = w.Conf["database"].(string) + "2" // a bridge that lost its memory
	w.Rewrite()
	w.Start()
	w.Pay("sber", mine)
	w.Tell()
	require.Len(t, w.crm.Pays(), 1)
	assert.Equal(t, 7, w.crm.Pays()[0].Customer, "by the order number")

	w.Conf["database"] = w.Conf["database"].(string) + "3"
	w.Rewrite()
	stray := w.invoice("sber", "-number", "stray")
	w.Conf["database"] = w.Conf["database"].(string) + "4"
	w.Rewrite()
	w.Start()
	w.Pay("sber", stray)
	w.Tell()
	assert.Equal(t, map[string]int{"attention": 1}, w.Counts())
	out := w.Command("news")
	assert.Contains(t, out, "order stray")
	key, _, _ := strings.Cut(out, "\t")
	w.Command("assign", key, "2091")
	w.Tell()
	assert.Equal(t, map[string]int{"done": 1}, w.Counts())
	assert.Equal(t, money.RUB(3500, 0), w.crm.Balance(2091))
	_, err := w.Try("retry", key)
	require.ErrorContains(t, err, "done already")
}

// TestReceipts: the bank prints a receipt for the sale and for each part that
// goes back; without an address for it no invoice is made.
func TestReceipts(t *testing.T) {
	w := started(newWorld(t, func(conf map[string]any) {
		conf["receipt"] = map[string]any{"item": "Занятия", "vat": "none", "tax_system": "usn_income", "ffd": "1.2", "inn": "7707083893",
			"email": "school@example.com", "place": "https://school.example"}
	}))
	for _, shop := range []string{"sber", "pm"} {
		_, err := w.Try("invoice", "-shop", shop, "-ref", "2091", "-amount", "3500.00")
		require.ErrorContains(t, err, "receipt")
		number := w.invoice(shop, "-email", "parent@example.com")
		w.Pay(shop, number)
		w.Command("refund", number, "-amount", "1000.00", "-key", "r-1")
		w.Learn(number, "given back 1000.00")
		w.Command("refund", number, "-amount", "1000.00", "-key", "r-1")
		w.Command("refund", number, "-key", "r-2")
		w.Learn(number, "given back 3500.00")
		w.Command("refund", number, "-amount", "2500.00", "-key", "r-2")
		w.Learn(number, "given back 3500.00")
		w.Tell()
		assert.Zero(t, w.crm.Balance(alfacrmtest.DefaultCustomer))
		if shop == "pm" {
			o, _ := w.PM.Order(number)
			assert.Len(t, w.PM.Receipts(o.ID), 3)
		}
	}
	_, err := w.Try("refund", w.invoice("sber", "-email", "a@example.com"), "-amount", "1.00")
	require.ErrorContains(t, err, "nothing to give back")
	var totals []string
	for _, r := range w.Sber.Receipts() {
		totals = append(totals, fmt.Sprint(r.Refund, " ", r.Total))
	}
	assert.Equal(t, []string{"false 3500.00", "true 1000.00", "true 2500.00"}, totals)
}
