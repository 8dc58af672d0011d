package retailcrmtest_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
	"github.com/acquiring-go/acquiring/money"
)

func start(t *testing.T, opts ...retailcrmtest.Option) (*retailcrmtest.Server, *module) {
	t.Helper()
	crm := retailcrmtest.NewServer(append([]retailcrmtest.Option{retailcrmtest.WithLimit(0)}, opts...)...)
	t.Cleanup(crm.Close)
	m := newModule(t)
	account, err := crm.Connect(m.URL + "/connect")
	require.NoError(t, err)
	assert.Equal(t, m.URL+"/settings/"+clientID, account.AccountURL)
	return crm, m
}

// invoiced is a payment of 1299.50 with its link made.
func invoiced(t *testing.T, crm *retailcrmtest.Server) (retailcrmtest.Payment, retailcrmtest.Invoice) {
	t.Helper()
	o := crm.AddOrder(retailcrmtest.Order{Customer: retailcrmtest.Customer{Email: "ivan@example.ru", Phone: "79001112233", FirstName: "Иван"},
		Items: []retailcrmtest.Item{{Name: "Чай", Price: money.RUB(1299, 50), Quantity: "1", Unit: "шт", VAT: "vat20", PaymentMethod: "full_prepayment", PaymentObject: "commodity"}}})
	p, err := crm.AddPayment(o.Number, code, shop, money.RUB(1299, 50))
	require.NoError(t, err)
	i, err := crm.CreateLink(p.ID)
	require.NoError(t, err)
	p, _ = crm.Payment(p.ID)
	return p, i
}

func TestConnection(t *testing.T) {
	crm, m := start(t)
	assert.Equal(t, crm.URL, m.crm, "the module cuts the slash")
	got, ok := crm.Module(code)
	require.True(t, ok)
	assert.Equal(t, clientID, got.ClientID)
	assert.Equal(t, "/payment/status", got.PaymentActions["status"])
	assert.Equal(t, 1, got.Edits)

	a, err := crm.Register(m.URL+"/connect", retailcrmtest.Token(m.key, "another secret"), m.key)
	require.NoError(t, err)
	assert.Equal(t, http.StatusUnauthorized, a.Status)
	m.secret = "another"
	_, err = crm.Connect(m.URL + "/connect")
	var refused *retailcrmtest.Refusal
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "Invalid token", refused.Message)
}

// TestToken: the published vectors.
func TestToken(t *testing.T) {
	assert.Equal(t, "96de09a0f8699191b28587118ac57df88bbf6c2d0c131d196dcd90f7efd68c93", retailcrmtest.Token("key", "secret"))
	assert.Equal(t, "016ab397889c59a1f61a07d69857880a0d867aa1b0edb1014971757cf7a25bb1", retailcrmtest.Token("api_key", "secret"))
	assert.Equal(t, "b4220e746c5e5909943384506cc1eb15b7a07a62d93be58abcb257d374d86113", retailcrmtest.Token("k3yForCrmApi0000000000000000abcd", "module-secret-77"))
}

func TestKeyAndPermissions(t *testing.T) {
	crm := retailcrmtest.NewServer()
	defer crm.Close()
	status, body := ask(t, crm.URL, "", "integration-modules/x", "", "")
	assert.Equal(t, 403, status)
	assert.Contains(t, body, "missing")
	status, body = ask(t, crm.URL, "wrong", "integration-modules/x", "", "")
	assert.Equal(t, 403, status)
	assert.JSONEq(t, `{"success":false,"errorMsg":"Wrong \"apiKey\" value."}`, body)

	manual := crm.CreateKey(retailcrmtest.MethodModule, retailcrmtest.MethodModuleEdit, retailcrmtest.MethodUpdateInvoice)
	status, body = ask(t, crm.URL, manual, "/api/credentials", "", "")
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"success":true,"credentials":["/api/integration-modules/{code}","/api/integration-modules/{code}/edit","/api/payment/(updateInvoice|check)"],
		"scopes":[],"siteAccess":"access_full","sitesAvailable":[]}`, body)
	status, body = ask(t, crm.URL, manual, "payment/create-invoice", "createInvoice", `{"paymentId":1}`)
	assert.Equal(t, 403, status)
	assert.Contains(t, body, "/api/payment/create-invoice", "the missing permission is named")
	status, _ = ask(t, crm.URL, manual, "integration-modules/x", "", "")
	assert.Equal(t, 404, status)

	crm.RevokeKey(manual)
	status, _ = ask(t, crm.URL, manual, "/api/credentials", "", "")
	assert.Equal(t, 403, status)

	status, body = ask(t, crm.URL, "", "/api/system-info", "", "")
	assert.Equal(t, 200, status)
	assert.Contains(t, body, crm.URL)
	status, _ = ask(t, crm.URL, crm.CreateKey(), "payment/nothing", "", "")
	assert.Equal(t, 404, status)
}

func TestLimit(t *testing.T) {
	clock := retailcrmtest.NewClock(time.Date(2026, 3, 14, 12, 0, 0, 0, time.UTC))
	crm := retailcrmtest.NewServer(retailcrmtest.WithClock(clock))
	defer crm.Close()
	key := crm.CreateKey()
	for range retailcrmtest.DefaultLimit {
		status, _ := ask(t, crm.URL, key, "/api/credentials", "", "")
		require.Equal(t, 200, status)
	}
	status, _ := ask(t, crm.URL, key, "/api/credentials", "", "")
	assert.Equal(t, 503, status)
	status, _ = ask(t, crm.URL, crm.CreateKey(), "/api/credentials", "", "")
	assert.Equal(t, 200, status, "the limit is a key's own")
	crm.Advance(time.Second)
	status, _ = ask(t, crm.URL, key, "/api/credentials", "", "")
	assert.Equal(t, 200, status)
}

func TestScopesAreWidened(t *testing.T) {
	crm := retailcrmtest.NewServer()
	defer crm.Close()
	m := newModule(t)
	m.crm, m.key = crm.URL, crm.CreateKey(retailcrmtest.ScopeIntegrationWrite)
	status, body := m.call("integration-modules/acquiring/edit", "integrationModule", m.registration())
	require.Equal(t, 200, status, body)
	status, _ = m.call("payment/check", "check", `{}`)
	assert.Equal(t, 403, status)
	old := m.key
	status, body = m.call("integration-modules/acquiring/update-scopes", "requires", `{"scopes":["payments_write"]}`)
	require.Equal(t, 200, status, body)
	got, _ := crm.Module(code)
	require.NotEqual(t, old, got.Key)
	assert.Contains(t, body, got.Key)
	status, _ = m.call("payment/check", "check", `{}`)
	assert.Equal(t, 403, status, "the old key is good no more")
	m.key = got.Key
	status, _ = m.call("payment/check", "check", `{}`)
	assert.Equal(t, 400, status)
}

func TestRegistrationIsChecked(t *testing.T) {
	crm := retailcrmtest.NewServer(retailcrmtest.WithLimit(0))
	defer crm.Close()
	m := newModule(t)
	m.crm, m.key = crm.URL, crm.CreateKey()
	for name, change := range map[string][2]string{
		"clientId":        {`"clientId":"` + clientID + `"`, `"clientId":""`},
		"code":            {`{"code":"acquiring"`, `{"code":"other"`},
		"active":          {`"active":true,"name":"Банк"`, `"name":"Банк"`},
		"baseUrl":         {m.URL, "mod.example"},
		"refund":          {`"refund":"/payment/refund",`, ``},
		"payments/create": {`"/payment/create"`, `"payments/create"`},
		"invoiceTypes":    {`["link"]`, `["qr"]`},
		"currencies":      {`["RUB"]`, `["rub"]`},
		"shops":           {`"code":"closed"`, `"code":"` + shop + `"`},
		"colour":          {`"active":true,"name":"Банк"`, `"colour":"red","active":true,"name":"Банк"`},
	} {
		body := strings.Replace(m.registration(), change[0], change[1], 1)
		require.NotEqual(t, m.registration(), body, name)
		status, answer := m.call("integration-modules/acquiring/edit", "integrationModule", body)
		assert.Equal(t, 400, status, name)
		assert.Contains(t, answer, `"errors":{`, name)
		if name != "payments/create" {
			assert.Contains(t, answer, name)
		}
	}
	_, ok := crm.Module(code)
	assert.False(t, ok)
	for _, raw := range []struct{ kind, body string }{
		{"application/json", m.registration()},
		{"application/x-www-form-urlencoded", url.Values{"module": {m.registration()}}.Encode()},
		{"application/x-www-form-urlencoded", url.Values{"integrationModule": {m.registration()}, "apiKey": {m.key}}.Encode()},
		{"application/x-www-form-urlencoded", url.Values{"integrationModule": {"[]"}}.Encode()},
	} {
		r, err := http.NewRequest(http.MethodPost, crm.URL+"/api/v5/integration-modules/acquiring/edit", strings.NewReader(raw.body))
		require.NoError(t, err)
		r.Header.Set("X-API-KEY", m.key)
		r.Header.Set("Content-Type", raw.kind)
		resp, err := http.DefaultClient.Do(r)
		require.NoError(t, err)
		assert.Equal(t, 400, resp.StatusCode)
		_ = resp.Body.Close()
	}
}

// TestLifeOfAnInvoice: the payment's status changes by update-invoice and by
// nothing else.
func TestLifeOfAnInvoice(t *testing.T) {
	crm, m := start(t)
	p, i := invoiced(t, crm)
	assert.Equal(t, "https://mod.example/pay/aZ3k9Q", i.Link)
	assert.Equal(t, retailcrmtest.PaymentInvoiced, p.Status)
	assert.Equal(t, clientID, m.last("create").Get("clientId"))
	create := m.last("create").Get("create")
	assert.Contains(t, create, `"amount":1299.5,`)
	assert.Contains(t, create, `"phone":"79001112233"`)
	assert.Contains(t, create, i.UUID)
	again, err := crm.CreateLink(p.ID)
	require.NoError(t, err)
	assert.Equal(t, i.UUID, again.UUID)
	assert.Equal(t, 1, m.count("create"))

	status, body := m.call("payment/check", "check", `{"invoiceUuid":"`+i.UUID+`","amount":1299.5,"currency":"RUB"}`)
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"success":true,"result":{"success":true}}`, body)

	state, err := crm.Status(p.ID)
	require.NoError(t, err)
	assert.Equal(t, "succeeded", state.Status)
	assert.Equal(t, time.Date(2025, 6, 2, 12, 4, 5, 0, time.UTC), state.PaidAt.UTC())
	p, _ = crm.Payment(p.ID)
	assert.Equal(t, retailcrmtest.PaymentInvoiced, p.Status, "an answer to a question changes nothing")

	update := func(rest string) (int, string) {
		return m.call("payment/update-invoice", "updateInvoice", `{"invoiceUuid":"`+i.UUID+`","paymentId":"`+own+`",`+rest+`}`)
	}
	status, body = update(`"status":"succeeded","amount":1299.5,"paidAt":"2025-06-02 15:04:05","refundable":true,"cancellable":false`)
	require.Equal(t, 200, status, body)
	assert.JSONEq(t, `{"success":true}`, body)
	p, _ = crm.Payment(p.ID)
	assert.Equal(t, retailcrmtest.PaymentPaid, p.Status)
	assert.Equal(t, time.Date(2025, 6, 2, 12, 4, 5, 0, time.UTC), p.PaidAt.UTC())

	status, body = m.call("payment/check", "check", `{"invoiceUuid":"`+i.UUID+`","amount":1299.5,"currency":"RUB"}`)
	assert.Equal(t, 200, status)
	assert.Contains(t, body, "уже оплачен", "the outer success is true, the inner one false")

	refund, err := crm.Refund(p.ID, money.RUB(100, 50))
	require.NoError(t, err)
	assert.Equal(t, money.RUB(100, 50), refund.Amount)
	assert.Contains(t, m.last("refund").Get("refund"), `"amount":100.5`)
	status, _ = update(`"status":"succeeded","refundable":true,"refund":{"id":"rf-1","status":"succeeded","amount":100.5,"comment":"Возврат"}`)
	require.Equal(t, 200, status)
	status, body = m.call("payment/invoice/"+i.UUID, "", "")
	assert.Equal(t, 200, status)
	assert.Contains(t, body, `"amount":"1299.50"`, "text")
	assert.Contains(t, body, `"amount":100.5`, "a number")
	status, _ = update(`"status":"refundSucceeded","refund":{"id":"rf-2","status":"succeeded","amount":1199.01}`)
	assert.Equal(t, 400, status, "a kopeck too much")
	status, _ = update(`"status":"refundSucceeded","refundable":false,"refund":{"id":"rf-2","status":"succeeded","amount":1199}`)
	require.Equal(t, 200, status)
	got, _ := crm.Invoice(i.UUID)
	assert.Equal(t, money.RUB(1299, 50), got.Refunded())
	assert.Len(t, got.Refunds, 2)
	assert.False(t, got.Refundable)
	assert.Zero(t, got.Backward)
	p, _ = crm.Payment(p.ID)
	assert.Equal(t, retailcrmtest.PaymentReturned, p.Status)
}

func TestUpdateIsChecked(t *testing.T) {
	crm, m := start(t)
	_, i := invoiced(t, crm)
	for _, body := range []string{
		`{"status":"succeeded"}`, `{"invoiceUuid":"sdsds"}`, `{"invoiceUuid":"` + i.UUID + `","status":"UNKNOW_STATUS"}`,
		`{"invoiceUuid":"` + i.UUID + `","invoiceUrl":"not_valid.url"}`, `{"invoiceUuid":"` + i.UUID + `","amount":"1299.50"}`,
		`{"invoiceUuid":"` + i.UUID + `","amount":12.345}`, `{"invoiceUuid":"` + i.UUID + `","paidAt":"02.06.2025"}`,
		`{"invoiceUuid":"` + i.UUID + `","refundable":"yes"}`, `{"invoiceUuid":"` + i.UUID + `","paymentId":"somebody-elses"}`,
		`{"invoiceUuid":"` + i.UUID + `","refund":{"id":"1","status":"done","amount":1}}`,
		`{"invoiceUuid":"` + i.UUID + `","refund":{"id":"1","status":"succeeded","amount":0}}`, `{"invoiceUuid":"` + i.UUID + `","state":"succeeded"}`,
	} {
		status, answer := m.call("payment/update-invoice", "updateInvoice", body)
		assert.Equal(t, 400, status, body)
		assert.Contains(t, answer, `"errors":[`, body)
	}
	status, _ := m.call("payment/update-invoice", "updateInvoice", `{"invoiceUuid":"00000000-0000-4000-8000-000000000000","status":"succeeded"}`)
	assert.Equal(t, 404, status)
	status, _ = m.call("payment/update-invoice", "updateInvoice", `{"invoiceUuid":"`+i.UUID+`","status":null,"amount":null,"refundable":null}`)
	assert.Equal(t, 200, status, "null is absent")
	got, _ := crm.Invoice(i.UUID)
	assert.Equal(t, retailcrmtest.StatusPending, got.Status)
	assert.Equal(t, money.RUB(1299, 50), got.Amount)
	assert.True(t, got.Cancellable)
}

func TestBackward(t *testing.T) {
	for _, only := range []bool{false, true} {
		var opts []retailcrmtest.Option
		if only {
			opts = append(opts, retailcrmtest.WithForwardOnly())
		}
		crm, m := start(t, opts...)
		p, i := invoiced(t, crm)
		for _, next := range []string{"succeeded", "pending"} {
			m.call("payment/update-invoice", "updateInvoice", `{"invoiceUuid":"`+i.UUID+`","status":"`+next+`"}`)
		}
		got, _ := crm.Invoice(i.UUID)
		p, _ = crm.Payment(p.ID)
		if only {
			assert.Equal(t, retailcrmtest.PaymentPaid, p.Status)
			assert.Zero(t, got.Backward)
		} else {
			assert.Equal(t, retailcrmtest.PaymentInvoiced, p.Status)
			assert.Equal(t, 1, got.Backward)
		}
	}
}

func TestCheckAfterTheManagerChangedHisMind(t *testing.T) {
	crm, m := start(t)
	p, i := invoiced(t, crm)
	check := func(sum string) string {
		status, body := m.call("payment/check", "check", `{"invoiceUuid":"`+i.UUID+`","amount":`+sum+`,"currency":"RUB"}`)
		require.Equal(t, 200, status)
		return body
	}
	assert.Contains(t, check("1299.51"), "Сумма")
	require.NoError(t, crm.ChangeAmount(p.ID, money.RUB(1000, 0)))
	assert.Contains(t, check("1299.5"), "Сумма")
	assert.JSONEq(t, `{"success":true,"result":{"success":true}}`, check("1000"))
	crm.RefuseChecks("Заказ на складе не найден")
	assert.Contains(t, check("1000"), "на складе")
	crm.RefuseChecks("")
	require.NoError(t, crm.DeletePayment(p.ID))
	assert.Contains(t, check("1000"), "удалена")
}

func TestManagerHearsTheRefusal(t *testing.T) {
	crm, m := start(t)
	o := crm.AddOrder(retailcrmtest.Order{})
	_, err := crm.AddPayment(o.Number, code, "closed", money.RUB(1, 0))
	require.Error(t, err, "a payment type of a shop that is switched off")
	p, err := crm.AddPayment(o.Number, code, shop, money.RUB(100, 0))
	require.NoError(t, err)
	m.answer("create", `400 {"success":false,"errorMsg":"Магазин отключён","errors":["shop"]}`)
	i, err := crm.CreateLink(p.ID)
	var refused *retailcrmtest.Refusal
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, "Магазин отключён", refused.Message)
	assert.Equal(t, "Магазин отключён", i.Error)

	for _, nonsense := range []string{`{"success":true,"result":{"paymentId":7,"invoiceUrl":"https://mod.example/p"}}`,
		`{"success":true,"result":{"paymentId":"7","invoiceUrl":"/p"}}`, `201 {"success":true,"result":{"paymentId":"7","invoiceUrl":"https://mod.example/p"}}`,
		`<html>`, `[]`, `{}`} {
		m.answer("create", nonsense)
		_, err = crm.CreateLink(p.ID)
		var broken *retailcrmtest.Nonsense
		require.ErrorAs(t, err, &broken, nonsense)
	}
}

// TestRepeats: without an answer the CRM calls again with the same form.
func TestRepeats(t *testing.T) {
	crm, m := start(t, retailcrmtest.WithRepeats(2))
	m.answer("create", "")
	o := crm.AddOrder(retailcrmtest.Order{})
	p, err := crm.AddPayment(o.Number, code, shop, money.RUB(100, 0))
	require.NoError(t, err)
	_, err = crm.CreateLink(p.ID)
	require.ErrorIs(t, err, retailcrmtest.ErrNoAnswer)
	assert.Equal(t, 3, m.count("create"))
	first := m.last("create").Get("create")
	m.answer("create", `{"success":true,"result":{"paymentId":"1","invoiceUrl":"https://mod.example/p","cancellable":true}}`)
	_, err = crm.CreateLink(p.ID)
	require.NoError(t, err)
	assert.Equal(t, first, m.last("create").Get("create"), "the same invoice")
}

func TestActs(t *testing.T) {
	crm, m := start(t, retailcrmtest.WithWholeCustomer())
	crm.AmountsAsText(true)
	p, i := invoiced(t, crm)
	assert.Contains(t, m.last("create").Get("create"), `"amount":"1299.50"`)
	assert.Contains(t, m.last("create").Get("create"), `"phones":[{"number":"79001112233"}]`)
	require.NoError(t, crm.Approve(p.ID, money.RUB(1000, 0)))
	assert.JSONEq(t, `{"paymentId":"`+own+`","amount":"1000.00"}`, m.last("approve").Get("approve"))
	require.NoError(t, crm.Approve(p.ID, 0))
	assert.JSONEq(t, `{"paymentId":"`+own+`"}`, m.last("approve").Get("approve"))
	require.NoError(t, crm.Cancel(p.ID))
	assert.JSONEq(t, `{"paymentId":"`+own+`"}`, m.last("cancel").Get("cancel"))

	require.NoError(t, crm.Activity(code, false, false))
	assert.JSONEq(t, `{"active":false,"freeze":false}`, m.last("activity").Get("activity"))
	got, _ := crm.Module(code)
	assert.False(t, got.Active)
	m.answer("activity", `{"success":false}`)
	require.Error(t, crm.Activity(code, true, false))

	a, err := crm.Send(code, "refund", url.Values{"refund": {`{"paymentId":0}`}})
	require.NoError(t, err)
	assert.Equal(t, 200, a.Status)
	assert.Empty(t, m.last("refund").Get("clientId"))

	crm.Fail(retailcrmtest.Fault{Op: retailcrmtest.OpUpdateInvoice, Kind: retailcrmtest.ServerError, Status: 503})
	status, _ := m.call("payment/update-invoice", "updateInvoice", `{"invoiceUuid":"`+i.UUID+`","status":"succeeded"}`)
	assert.Equal(t, 503, status)
	all := crm.Requests()
	assert.Equal(t, retailcrmtest.OpUpdateInvoice, all[len(all)-1].Op)
	for _, d := range crm.Deliveries() {
		assert.NotEmpty(t, d.Event)
	}
}

func TestInvoicesOverTheAPI(t *testing.T) {
	crm, m := start(t, retailcrmtest.WithTextIDs())
	o := crm.AddOrder(retailcrmtest.Order{})
	p, err := crm.AddPayment(o.Number, code, shop, money.RUB(6697, 0))
	require.NoError(t, err)
	id := `"paymentId":` + itoa(p.ID)
	status, body := m.call("payment/create-invoice", "createInvoice", `{`+id+`,"returnUrl":"https://tea.example/thanks"}`)
	assert.Equal(t, 200, status)
	assert.JSONEq(t, `{"success":true,"result":{"link":"https://mod.example/pay/aZ3k9Q"}}`, body)
	assert.Contains(t, m.last("create").Get("create"), `"returnUrl":"https://tea.example/thanks"`)
	status, _ = m.call("payment/create-invoice", "createInvoice", `{"paymentId":1}`)
	assert.Equal(t, 404, status)

	p, err = crm.AddPayment(o.Number, code, shop, money.RUB(6697, 0))
	require.NoError(t, err)
	id = `"paymentId":` + itoa(p.ID)
	status, body = m.call("payment/invoice/import", "invoice", `{`+id+`,"externalId":"979","amount":6697,"currency":"RUB","status":"succeeded",`+
		`"createdAt":"2025-07-08 00:00:00","paidAt":"2025-07-08 00:10:00","refundable":true}`)
	require.Equal(t, 200, status, body)
	all := crm.Invoices()
	assert.JSONEq(t, `{"success":true,"invoice":{"invoiceUuid":"`+all[len(all)-1].UUID+`"}}`, body)
	p, _ = crm.Payment(p.ID)
	assert.Equal(t, retailcrmtest.PaymentPaid, p.Status)
	status, body = m.call("payment/invoice/"+p.InvoiceUUID, "", "")
	assert.Equal(t, 200, status)
	assert.Contains(t, body, `"paymentId":"`+itoa(p.ID)+`"`)
	status, _ = m.call("payment/invoice/import", "invoice", `{`+id+`,"externalId":"979","amount":6697,"currency":"RUB","status":"succeeded"}`)
	assert.Equal(t, 400, status, "twice")
	status, body = m.call("payment/invoice/7684160f-5ebe-4787-b031-1fc9e659f123", "", "")
	assert.Equal(t, 404, status)
	assert.JSONEq(t, `{"success":false}`, body)
}
