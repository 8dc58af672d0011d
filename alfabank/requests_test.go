package alfabank

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// invoice is the order of the specification's example.
func invoice() acquiring.InvoiceRequest {
	return acquiring.InvoiceRequest{OrderID: "A-1001", Amount: money.RUB(1299, 0), Description: "Чай", Language: "ru",
		ReturnURL: "https://tea.example/ok", FailURL: "https://tea.example/fail", Metadata: map[string]string{"crm": "42"},
		Extra: map[string]string{"features": "FORCE_TDS"}}
}

func tea(vat fiscal.VAT, method fiscal.PaymentMethod, price money.Amount) *fiscal.Receipt {
	return &fiscal.Receipt{Type: fiscal.Sale, TaxSystem: fiscal.TaxGeneral, Contact: fiscal.Contact{Email: "ivan@example.ru"},
		Lines: []fiscal.Line{{ID: "tea-1", Name: "Чай", Price: price, Quantity: fiscal.Pieces(1), VAT: vat, Method: method, Subject: fiscal.Goods}}}
}

func TestRegisterIsAsInTheDocument(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK)
	c := b.client()
	inv, err := c.CreateInvoice(context.Background(), invoice())
	require.NoError(t, err)
	wantForm(t, "register.form", b.last("register.do"))
	assert.Equal(t, "/payment/rest/register.do", b.last("register.do").path)
	assert.Equal(t, acquiring.PaymentID(id), inv.ID)
	assert.Equal(t, page, inv.PayURL)
	assert.Equal(t, "RUB", inv.Currency)
	assert.True(t, inv.ExpiresAt.IsZero())
	assert.JSONEq(t, registeredOK, string(inv.Raw))

	child := b.client(func(c *Config) { c.Features, c.MerchantLogin = []string{"FORCE_TDS"}, "child" })
	inv, err = child.CreateInvoice(context.Background(), acquiring.InvoiceRequest{OrderID: "A-1002", Amount: money.RUB(2598, 0), Description: "Чай,\n 2  пачки",
		Language: "EN", ReturnURL: "https://tea.example/ok", CallbackURL: "https://tea.example/cb", TTL: time.Hour, SaveCard: true,
		Customer: acquiring.Customer{ID: "buyer-42", Email: "ivan@example.ru", Phone: "+79161234567"}, Extra: map[string]string{"ip": "203.0.113.7"}})
	require.NoError(t, err)
	wantForm(t, "register_full.form", b.last("register.do"))
	assert.WithinDuration(t, time.Now().Add(time.Hour), inv.ExpiresAt, time.Minute)

	r := invoice()
	r.OrderID, r.Description, r.Language, r.FailURL, r.Metadata, r.Extra = "A-1003", "", "", "", nil, nil
	r.Receipt = tea(fiscal.VAT22, fiscal.FullPrepayment, r.Amount)
	_, err = c.CreateInvoice(context.Background(), r)
	require.NoError(t, err)
	got := b.last("register.do")
	// The position's number is the library's own choice where the line's ID
	// is no number.
	var cart struct {
		CartItems struct {
			Items []struct{ PositionID string }
		}
	}
	require.NoError(t, json.Unmarshal([]byte(got.form(t).Get("orderBundle")), &cart))
	assert.Regexp(t, `^[1-9][0-9]{0,11}$`, cart.CartItems.Items[0].PositionID)
	got.body = replaceForm(t, got, "orderBundle", `"positionId":"`+cart.CartItems.Items[0].PositionID+`"`, `"positionId":"1"`)
	wantForm(t, "register_receipt.form", got)
}

// The bank's text knows a telephone as +79998887766 or as ten digits.
func TestPhoneIsInTheBanksForm(t *testing.T) {
	for given, want := range map[string]string{"+79161234567": "+79161234567", "79161234567": "+79161234567", "89161234567": "+79161234567",
		"9161234567": "+79161234567", "+375291234567": "+375291234567", "": ""} {
		b := newBank(t).on("register.do", registeredOK)
		r := plainInvoice()
		r.Customer.Phone = given
		_, err := b.client().CreateInvoice(ctx, r)
		require.NoError(t, err)
		assert.Equal(t, want, b.last("register.do").form(t).Get("phone"), given)
	}
	r := tea(fiscal.VATNone, fiscal.FullPayment, 100)
	r.Contact = fiscal.Contact{Phone: "89161234567"}
	out, err := newBank(t).client().NewReceipt(r)
	require.NoError(t, err)
	assert.Equal(t, "79161234567", out.Cart.CustomerDetails.Phone)
}

func TestTemplatesAndAlfaPayAreJSON(t *testing.T) {
	ctx := context.Background()
	b := newBank(t).on("templates/create.do", `{"status":"SUCCESS","template":{"templateId":"umoPoMUCbGrsKRKT","status":"ACTIVE","qrTemplate":{"payload":"https://alfa.rbsuat.com/sc/umoPoMUCbGrsKRKT"}}}`).
		on("templates/createTemplate.do", `{"templateId":"BS1A002R685NUVE58NNA6O3DF8ELMGUE","name":"Касса 1","type":"SBP_QR","status":"ACTIVE","startDate":"2025-06-02T10:00:00","description":"x","qrTemplate":{"payload":"https://qr.nspk.ru/BS1A002R685NUVE58NNA6O3DF8ELMGUE","renderedQr":"iVBOR"}}`).
		on("alfapay/payment.do", `{"success":true,"data":{"orderId":"9b1d","redirect":"https://alfa.example"}}`)
	c := b.client()
	sum, single := money.RUB(1500, 0), true
	link, err := c.CreateTemplate(ctx, Template{Name: "gift", NameForClient: "Подарок", Amount: &sum, Currency: "643", SinglePayment: &single})
	require.NoError(t, err)
	wantJSON(t, "template_create.json", b.last("templates/create.do"))
	assert.Equal(t, "https://alfa.rbsuat.com/sc/umoPoMUCbGrsKRKT", link.QR.Payload.String())

	code, err := c.CreateStaticQR(ctx, StaticQRRequest{Name: "Касса 1", QR: &TemplateQRAsked{Height: "200", Width: "200"}})
	require.NoError(t, err)
	wantJSON(t, "static_qr.json", b.last("templates/createTemplate.do"))
	assert.Equal(t, "x", code.Description.String(), "a name that the answer's head has too")
	assert.Equal(t, "2025-06-02T07:00:00Z", code.StartDate.Format(time.RFC3339))

	out, err := c.AlfaPay(ctx, AlfaPayRequest{OrderNumber: "AP-5", Amount: 129900, ReturnURL: "https://tea.example/ok", FailURL: "https://tea.example/f", Description: "Чай", IP: "203.0.113.7"})
	require.NoError(t, err)
	wantJSON(t, "alfapay.json", b.last("alfapay/payment.do"))
	assert.Equal(t, "/payment/alfapay/payment.do", b.last("alfapay/payment.do").path)
	assert.Equal(t, "9b1d", out.Data.OrderID.String())
	_, err = b.client(func(c *Config) { c.AlfaPayURL = "/alfapay/payment.do" }).AlfaPay(ctx, AlfaPayRequest{OrderNumber: "1", Amount: 1, ReturnURL: "https://a.example"})
	assert.Error(t, err)
	assert.Equal(t, "/alfapay/payment.do", b.last("alfapay/payment.do").path)

	// As a form, the template is one field of JSON text.
	_, err = b.client(func(c *Config) { c.TemplatesAsForm = true }).CreateTemplate(ctx, Template{Name: "gift", NameForClient: "Подарок"})
	require.NoError(t, err)
	got := b.last("templates/create.do").form(t)
	assert.ElementsMatch(t, []string{"userName", "password", "template", "language"}, slices.Collect(maps.Keys(got)))
	assert.JSONEq(t, `{"type":"ECOM","name":"gift","nameForClient":"Подарок"}`, got.Get("template"))
}

// replaceForm replaces a part of one parameter's value.
func replaceForm(t *testing.T, got asked, name, old, new string) string {
	v := got.form(t)
	v.Set(name, strings.Replace(v.Get(name), old, new, 1))
	return v.Encode()
}

// Every method of the typed API sends its fields and no other.
func TestEveryMethodSendsItsFieldsAndNoOther(t *testing.T) {
	ctx := context.Background()
	at := DateTime{Time: time.Date(2026, 5, 1, 9, 0, 0, 0, time.UTC)}
	n, free := 0, true
	deposited := money.Amount(129900)
	items := &CartItems{Items: []CartItem{{PositionID: "1"}}}
	reg := RegisterRequest{OrderNumber: "H-7", Amount: 500000, ReturnURL: "https://tea.example/ok"}
	for _, tt := range []struct {
		name   string
		call   func(c *Client) error
		path   string
		fields []string // without the credentials
	}{
		{"registerPreAuth", func(c *Client) error {
			r := reg
			r.AutoReverseDate, r.AutocompletionDate, r.ExpirationDate = at, at, at
			_, err := c.RegisterPreAuth(ctx, r)
			return err
		}, "registerPreAuth.do", []string{"orderNumber", "amount", "returnUrl", "autoReverseDate", "autocompletionDate", "expirationDate"}},
		{"register, all of it", func(c *Client) error {
			_, err := c.Register(ctx, RegisterRequest{OrderNumber: "1", ReturnURL: "https://a.example", IP: "::1", MerchantINN: "7707083893", Holder: "I P", BindingID: "b",
				PostAddress: "Moscow", PageView: "MOBILE", PrepaymentMdOrder: id, Fee: 5, TaxSystem: &n, OFDParams: Params{"cashier": "И"}, AddressesSame: "Y",
				Billing: &BillingPayer{City: "Moscow"}, Shipping: &ShippingPayer{Method: "01"}, PreOrder: &PreOrderPayer{Date: "20260501"}, OrderPayer: &OrderPayer{Mobile: "79161234567"}})
			return err
		}, "register.do", []string{"orderNumber", "amount", "returnUrl", "ip", "merchantInn", "cardholderName", "bindingId", "postAddress", "pageView", "prepaymentMdOrder", "feeInput",
			"taxSystem", "additionalOfdParams", "billingAndShippingAddressMatchIndicator", "billingPayerData", "shippingPayerData", "preOrderPayerData", "orderPayerData"}},
		{"status", func(c *Client) error {
			_, err := c.GetOrderStatusExtended(ctx, StatusRequest{OrderNumber: "1", MerchantLogin: "child"})
			return err
		}, status, []string{"orderNumber", "merchantLogin", "language"}},
		{"deposit", func(c *Client) error {
			_, err := c.Deposit(ctx, DepositRequest{OrderID: id, Items: items, JSONParams: Params{"a": "b"}})
			return err
		}, "deposit.do", []string{"orderId", "amount", "depositItems", "jsonParams", "language"}},
		{"reverse", func(c *Client) error {
			_, err := c.Reverse(ctx, ReverseRequest{OrderID: id, Amount: 5, JSONParams: Params{"penalty": "1300"}})
			return err
		}, "reverse.do", []string{"orderId", "amount", "jsonParams", "language"}},
		{"reverse whole", func(c *Client) error { _, err := c.Reverse(ctx, ReverseRequest{OrderID: id}); return err },
			"reverse.do", []string{"orderId", "language"}},
		{"refund", func(c *Client) error {
			_, err := c.RefundOrder(ctx, OrderRefund{OrderID: id, ExternalRefundID: "k", ExpectedDeposited: &deposited, Items: items, OFDParams: Params{"a": "b"}})
			return err
		}, "refund.do", []string{"orderId", "amount", "externalRefundId", "expectedDepositedAmount", "refundItems", "additionalOfdParams", "language"}},
		{"raw sum", func(c *Client) error {
			_, err := c.ProcessRawSumRefund(ctx, RawSumRefund{OrderID: id, Amount: 5000, Position: &RawPosition{Name: "Доставка", ItemCode: "dlv"}})
			return err
		}, "processRawSumRefund.do", []string{"orderId", "amount", "ofdParams", "language"}},
		{"raw position", func(c *Client) error {
			_, err := c.ProcessRawPositionRefund(ctx, RawPositionRefund{OrderID: id, Amount: 10000, PositionID: "1"})
			return err
		}, "processRawPositionRefund.do", []string{"orderId", "amount", "positionId"}},
		{"decline", func(c *Client) error {
			_, err := c.Decline(ctx, DeclineRequest{OrderID: id, OrderNumber: "A-1001"})
			return err
		}, "decline.do", []string{"orderId", "orderNumber", "language"}},
		{"instant", func(c *Client) error {
			_, err := c.InstantPayment(ctx, InstantRequest{RegisterRequest: reg, PAN: "4000001111111118", CVC: "123", Expiry: "203012", CardHolder: "TEST", PreAuth: true, Initiator: InitiatorStore,
				OriginalRRN: "1", OriginalDate: Millis{time.Now()}, Exemption: "LVP", SBPTemplateID: "q", BindingNotNeeded: true})
			return err
		}, "instantPayment.do", []string{"orderNumber", "amount", "returnUrl", "backUrl", "pan", "cvc", "expiry", "cardHolderName", "preAuth", "tii", "originalPaymentNetRefNum", "originalPaymentDate",
			"externalScaExemptionIndicator", "sbpTemplateId", "bindingNotNeeded"}},
		{"paymentorder", func(c *Client) error {
			_, err := c.PaymentOrder(ctx, CardPayment{OrderID: id, PAN: "5555555555555599", CVC: "123", Year: "2034", Month: "12", Holder: "TEST CARDHOLDER", Language: "en"})
			return err
		}, "paymentorder.do", []string{"MDORDER", "$PAN", "$CVC", "YYYY", "MM", "TEXT", "language"}},
		{"3ds continue", func(c *Client) error { _, err := c.Continue3DS(ctx, id); return err }, "3ds/continue.do", []string{"mdOrder"}},
		{"3ds finish", func(c *Client) error { _, err := c.Finish3DS(ctx, id, "eJz"); return err }, "finish3dsPayment.do", []string{"mdOrder", "paRes"}},
		{"3ds 2 finish", func(c *Client) error { _, err := c.Finish3DSVer2(ctx, "5a1d", ""); return err }, "finish3dsVer2Payment.do", []string{"threeDSServerTransId"}},
		{"verifyCard", func(c *Client) error {
			_, err := c.VerifyCard(ctx, VerifyCardRequest{PAN: "4000001111111118", CVC: "123", Expiry: "203012"})
			return err
		}, "verifyCard.do", []string{"pan", "cvc", "expiry", "amount"}},
		{"binding payment", func(c *Client) error {
			_, err := c.PaymentOrderBinding(ctx, BindingPayment{OrderID: id, BindingID: "b"})
			return err
		}, "paymentOrderBinding.do", []string{"mdOrder", "bindingId", "tii", "language"}},
		{"bindings", func(c *Client) error {
			_, err := c.GetBindings(ctx, BindingsRequest{ClientID: "buyer-42", Type: "C", ShowExpired: true})
			return err
		}, "getBindings.do", []string{"clientId", "bindingType", "showExpired"}},
		{"bindings by card", func(c *Client) error {
			_, err := c.GetBindingsByCardOrID(ctx, BindingsByRequest{BindingID: "b"})
			return err
		}, "getBindingsByCardOrId.do", []string{"bindingId"}},
		{"bind", func(c *Client) error { _, err := c.BindCard(ctx, "b"); return err }, "bindCard.do", []string{"bindingId", "language"}},
		{"unbind", func(c *Client) error { _, err := c.UnbindCard(ctx, "b"); return err }, "unBindCard.do", []string{"bindingId", "language"}},
		{"extend", func(c *Client) error { _, err := c.ExtendBinding(ctx, "b", "203601"); return err }, "extendBinding.do", []string{"bindingId", "newExpiry", "language"}},
		{"create binding", func(c *Client) error {
			_, err := c.CreateBindingNoPayment(ctx, NewBinding{ClientID: "buyer-42", PAN: "5555555555555599", Expiry: "203412", Holder: "TEST CARDHOLDER"})
			return err
		}, "createBindingNoPayment.do", []string{"clientId", "pan", "expiryDate", "cardholderName"}},
		{"QR", func(c *Client) error {
			_, err := c.GetSBPQR(ctx, SBPQRRequest{OrderID: id, Format: "image", Width: 200, Height: 200, RedirectURL: "https://tea.example/ok", CreateSubscription: true, ServiceName: "Подписка", ServiceID: "s"})
			return err
		}, "sbp/c2b/qr/dynamic/get.do", []string{"mdOrder", "qrFormat", "qrWidth", "qrHeight", "redirectUrl", "createSubscription", "subscriptionServiceName", "subscriptionServiceId"}},
		{"QR status", func(c *Client) error { _, err := c.GetSBPQRStatus(ctx, id, "AD10"); return err }, "sbp/c2b/qr/status.do", []string{"mdOrder", "qrId"}},
		{"QR reject", func(c *Client) error { return c.RejectSBPQR(ctx, id, "AD10") }, "sbp/c2b/qr/dynamic/reject.do", []string{"mdOrder", "qrId"}},
		{"SBP bindings", func(c *Client) error { _, err := c.GetSBPBindings(ctx, "buyer-42", "", false); return err }, "sbp/c2b/getBindings.do", []string{"clientId"}},
		{"SBP unbind", func(c *Client) error { return c.UnbindSBP(ctx, "b") }, "sbp/c2b/unBind.do", []string{"bindingId"}},
		{"link", func(c *Client) error { _, err := c.GetTemplate(ctx, "u", &TemplateQRAsked{Height: "200"}); return err }, "templates/get.do", []string{"username", "template"}},
		{"link update", func(c *Client) error {
			return c.UpdateTemplate(ctx, Template{ID: "u", Status: TemplateInactive, FreeAmount: &free})
		}, "templates/update.do", []string{"username", "template"}},
		{"links", func(c *Client) error { _, err := c.ListTemplates(ctx, TemplateActive); return err }, "templates/getList.do", []string{"username", "status"}},
		{"static QR", func(c *Client) error { _, err := c.GetStaticQR(ctx, "B"); return err }, "templates/getTemplateDetails.do", []string{"username", "templateId"}},
		{"static QR update", func(c *Client) error {
			_, err := c.UpdateStaticQR(ctx, StaticQRRequest{ID: "B", Name: "Касса 1", Status: TemplateInactive})
			return err
		}, "templates/updateTemplate.do", []string{"username", "templateId", "name", "status"}},
		{"close receipt", func(c *Client) error {
			return c.CloseReceipt(ctx, CloseReceiptRequest{OrderID: id, Amount: 129900, OrderBundle: &Cart{CartItems: *items}})
		}, "closeOfdReceipt.do", []string{"mdOrder", "amount", "orderBundle"}},
		{"receipts", func(c *Client) error { _, err := c.GetReceiptStatus(ctx, ReceiptQuery{UUID: "790925e5"}); return err }, "getReceiptStatus.do", []string{"uuid", "language"}},
		{"old status", func(c *Client) error { _, err := c.GetOrderStatus(ctx, id); return err }, "getOrderStatus.do", []string{"orderId", "language"}},
		{"orders", func(c *Client) error {
			_, err := c.GetLastOrders(ctx, OrdersQuery{Size: 100, ByCreated: true})
			return err
		}, "getLastOrdersForMerchants.do",
			[]string{"page", "size", "from", "to", "transactionStates", "merchants", "searchByCreatedDate", "language"}},
		{"addParams", func(c *Client) error {
			_, err := c.AddParams(ctx, id, map[string]string{"courier": "Иван"})
			return err
		}, "addParams.do", []string{"orderId", "params", "language"}},
		{"enrollment", func(c *Client) error { _, err := c.VerifyEnrollment(ctx, "5555555555555599"); return err }, "verifyEnrollment.do", []string{"pan"}},
		{"other way", func(c *Client) error { _, err := c.PaymentOtherWay(ctx, id, "ALFA_ALFACLICK"); return err }, "paymentotherway.do", []string{"MDORDER", "paymentWay", "language"}},
		{"recurrent", func(c *Client) error {
			_, err := c.RecurrentPayment(ctx, RecurrentRequest{OrderNumber: "1", BindingID: "b", Amount: 1})
			return err
		}, "recurrentPayment.do", []string{"orderNumber", "bindingId", "amount", "language"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			// One answer that every method takes for success.
			const yes = `{"errorCode":0,"success":true,"status":"SUCCESS","orderId":"x","formUrl":"u","orderStatus":2,"bindings":[],"bindingId":"b","qrStatus":"STARTED","rejected":true,"templateId":"t"}`
			answer := yes
			switch tt.path {
			case "instantPayment.do", "recurrentPayment.do":
				answer = `{"errorCode":0,"success":true,"orderId":"x","orderStatus":{"OrderStatus":2}}`
			}
			b := newBank(t).on(tt.path, answer)
			require.NoError(t, tt.call(b.client()))
			require.Len(t, b.asked, 1)
			want := append(slices.Clone(tt.fields), "userName", "password")
			if tt.path == "recurrentPayment.do" || slices.Contains(tt.fields, "username") {
				var body map[string]any
				require.NoError(t, json.Unmarshal([]byte(b.asked[0].body), &body))
				assert.ElementsMatch(t, want, slices.Collect(maps.Keys(body)))
				return
			}
			got := b.asked[0].form(t)
			assert.ElementsMatch(t, want, slices.Collect(maps.Keys(got)))
			for name, v := range got {
				if name != "merchants" {
					assert.NotEmpty(t, v[0], name)
				}
			}
		})
	}
}

func TestWalletCarriesTheMerchantsLogin(t *testing.T) {
	b := newBank(t).on("google/payment.do", `{"success":true,"data":{"orderId":"x"}}`)
	_, err := b.client().PayWithWallet(context.Background(), WalletGoogle, WalletPayment{Merchant: "teashop", OrderNumber: "1", PaymentToken: "dG9rZW4="})
	require.NoError(t, err)
	assert.JSONEq(t, `{"merchant":"teashop","orderNumber":"1","paymentToken":"dG9rZW4="}`, b.asked[0].body)
	_, err = b.client().PayWithWallet(context.Background(), "../refund", WalletPayment{})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

// The parameters go into the query on demand, with an empty body.
func TestParametersInQuery(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK)
	_, err := b.client(func(c *Config) { c.ParametersInQuery = true }).CreateInvoice(context.Background(), invoice())
	require.NoError(t, err)
	got := b.last("register.do")
	assert.Empty(t, got.body)
	assert.Equal(t, password, got.form(t).Get("password"))
	assert.Equal(t, "A-1001", got.form(t).Get("orderNumber"))
	b.answer("deposit.do", answer{status: 500, body: "x"})
	_, err = b.client(func(c *Config) { c.ParametersInQuery = true; c.BaseURL = "http://127.0.0.1:1" }).Deposit(context.Background(), DepositRequest{OrderID: id})
	assert.NotContains(t, err.Error(), "password=", "an error holds no query")
}

func TestRawPositionMethodByName(t *testing.T) {
	b := newBank(t).on("processRawPositionOrderRefund.do", done)
	_, err := b.client(func(c *Config) { c.RawPositionMethod = "processRawPositionOrderRefund.do" }).ProcessRawPositionRefund(context.Background(), RawPositionRefund{OrderID: id, Amount: 1})
	assert.NoError(t, err)
}

// The cabinet's own call for callbacks, as the bank's shop modules make it.
func TestUpdateCallbacks(t *testing.T) {
	b := newBank(t).on("/mportal/mvc/public/merchant/update/r-teashop", "ok")
	out, err := b.client().UpdateCallbacks(context.Background(), CallbackSettings{Enabled: true, Addresses: []string{"https://shop.example/cb"}})
	require.NoError(t, err)
	assert.Equal(t, "ok", string(out))
	got := b.asked[0]
	assert.JSONEq(t, `{"callbacks_enabled":true,"callback_type":"STATIC","callback_addresses":"https://shop.example/cb","callback_http_method":"GET","callback_operations":"deposited,approved,declinedByTimeout,reversed,refunded"}`, got.body)
	assert.Equal(t, "Basic ci10ZWFzaG9wLWFwaTpwKnc/MSUmPQ==", got.header.Get("Authorization"))
	_, err = b.client(func(c *Config) { c.UserName = "old-api" }).UpdateCallbacks(context.Background(), CallbackSettings{Dynamic: true, Method: "POST"})
	assert.ErrorContains(t, err, "order callbacks from the bank's support")
	_, err = b.client().UpdateCallbacks(context.Background(), CallbackSettings{Addresses: []string{"shop.example"}})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

func TestOutsideItsLimits(t *testing.T) {
	ctx := context.Background()
	b := newBank(t)
	c := b.client()
	for name, call := range map[string]func() error{
		"no return address": func() error { _, err := c.Register(ctx, RegisterRequest{OrderNumber: "1", Amount: 1}); return err },
		"a return without scheme": func() error {
			_, err := c.Register(ctx, RegisterRequest{OrderNumber: "1", Amount: 1, ReturnURL: "tea.example/ok"})
			return err
		},
		"a relative failUrl": func() error {
			_, err := c.Register(ctx, RegisterRequest{OrderNumber: "1", Amount: 1, ReturnURL: "https://a.example", FailURL: "./f"})
			return err
		},
		"credentials in Extra": func() error {
			_, err := c.Register(ctx, RegisterRequest{OrderNumber: "1", Amount: 1, ReturnURL: "https://a.example", Extra: map[string]string{"password": "x"}})
			return err
		},
		"a field twice": func() error {
			_, err := c.Register(ctx, RegisterRequest{OrderNumber: "1", Amount: 1, ReturnURL: "https://a.example", Extra: map[string]string{"amount": "2"}})
			return err
		},
		"no number": func() error { _, err := c.GetOrderStatusExtended(ctx, StatusRequest{}); return err },
		"two numbers": func() error {
			_, err := c.GetBindingsByCardOrID(ctx, BindingsByRequest{PAN: "1", BindingID: "2"})
			return err
		},
		"half a decline":                func() error { _, err := c.Decline(ctx, DeclineRequest{OrderID: id}); return err },
		"an instant payment to nowhere": func() error { _, err := c.InstantPayment(ctx, InstantRequest{}); return err },
		"no holder":                     func() error { _, err := c.PaymentOrder(ctx, CardPayment{OrderID: id}); return err },
		"no card":                       func() error { _, err := c.VerifyCard(ctx, VerifyCardRequest{}); return err },
		"no card to save":               func() error { _, err := c.CreateBindingNoPayment(ctx, NewBinding{}); return err },
		"no customer":                   func() error { _, err := c.GetBindings(ctx, BindingsRequest{}); return err },
		"no SBP customer":               func() error { _, err := c.GetSBPBindings(ctx, "", "", false); return err },
		"a bad expiry":                  func() error { _, err := c.ExtendBinding(ctx, "b", "36-01"); return err },
		"a huge QR":                     func() error { _, err := c.GetSBPQR(ctx, SBPQRRequest{OrderID: id, Width: 1001}); return err },
		"a link without name":           func() error { _, err := c.CreateTemplate(ctx, Template{}); return err },
		"a link without words":          func() error { _, err := c.CreateTemplate(ctx, Template{Name: "a"}); return err },
		"no link":                       func() error { return c.UpdateTemplate(ctx, Template{}) },
		"a code without name":           func() error { _, err := c.CreateStaticQR(ctx, StaticQRRequest{}); return err },
		"no code":                       func() error { _, err := c.UpdateStaticQR(ctx, StaticQRRequest{ID: "B"}); return err },
		"no receipt":                    func() error { return c.CloseReceipt(ctx, CloseReceiptRequest{}) },
		"no receipts":                   func() error { _, err := c.GetReceiptStatus(ctx, ReceiptQuery{}); return err },
		"no AlfaPay return":             func() error { _, err := c.AlfaPay(ctx, AlfaPayRequest{}); return err },
		"a page of 201":                 func() error { _, err := c.GetLastOrders(ctx, OrdersQuery{Size: 201}); return err },
		"no parameters":                 func() error { _, err := c.AddParams(ctx, id, nil); return err },
		"no PAN":                        func() error { _, err := c.VerifyEnrollment(ctx, "12"); return err },
		"no JSON": func() error {
			_, err := c.RecurrentPayment(ctx, RecurrentRequest{Params: Params{"a": func() {}}})
			return err
		},
		"no form": func() error { _, err := c.Deposit(ctx, DepositRequest{JSONParams: Params{"a": func() {}}}); return err },
	} {
		err := call()
		assert.ErrorIs(t, err, acquiring.ErrInvalid, name)
		assert.Equal(t, acquiring.OutcomeNotSent, acquiring.OutcomeOf(err), name)
	}
	assert.Empty(t, b.asked)
}

// Requests that hold a card do not show it.
func TestCardsAreHidden(t *testing.T) {
	const pan = "5555555555555599"
	for _, v := range []interface {
		String() string
		GoString() string
	}{CardPayment{PAN: pan, CVC: "987"}, InstantRequest{PAN: pan, CVC: "987"}, VerifyCardRequest{PAN: pan, CVC: "987"}, BindingsByRequest{PAN: pan}, NewBinding{PAN: pan}, BindingPayment{CVC: "987"}} {
		assert.NotContains(t, v.String()+v.GoString(), pan)
		assert.NotContains(t, v.String()+v.GoString(), "987")
	}
}

func TestStepsOfAPayment(t *testing.T) {
	for text, want := range map[string]rbs.PaymentStep{
		`{"errorCode":0,"is3DSVer2":true,"threeDSMethodURLServer":"https://a","threeDSMethodDataPacked":"e"}`: rbs.StepMethod,
		`{"errorCode":0,"threeDSMethodUrlServer":"https://a"}`:                                                rbs.StepMethod,
		`{"errorCode":0,"acsUrl":"https://acs","packedCReq":"e"}`:                                             rbs.StepChallenge,
		`{"errorCode":0,"acsUrl":"https://acs","paReq":"e"}`:                                                  rbs.StepPaReq,
		`{"errorCode":0,"redirect":"https://tea.example/ok"}`:                                                 rbs.StepDone,
	} {
		c := newBank(t).on("3ds/continue.do", text).client()
		a, err := c.Continue3DS(context.Background(), id)
		require.NoError(t, err)
		assert.Equal(t, want, a.Next(), text)
	}
}

func TestDescriptionIsOneLine(t *testing.T) {
	for in, want := range map[string]string{
		"": "", " ": "", "Абонемент": "Абонемент", "на октябрь": "на октябрь", " a": "a", "a ": "a", "a  b": "a b", "a\tb\r\nc": "a b c",
		"a\u00a0b": "a b", "a\x7fb": "a b", "\xff \xfe": "\xff \xfe", strings.Repeat("я", 600): strings.Repeat("я", 512),
	} {
		assert.Equal(t, want, description(in), "%q", in)
	}
}
