package sberbank

import (
	"context"
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// invoice is the order of the specification's example.
func invoice() acquiring.InvoiceRequest {
	return acquiring.InvoiceRequest{
		OrderID: "CRM-2026-000417", Amount: money.RUB(1549, 90), Description: "Заказ 417", Language: "ru", TTL: time.Hour,
		Customer: acquiring.Customer{ID: "u-88", Email: "ivan@example.org"}, SaveCard: true, ReturnURL: "https://crm.example/pay/ok", FailURL: "https://crm.example/pay/fail",
		Metadata: map[string]string{"crmDeal": "417"},
		Extra: map[string]string{"features": "FORCE_TDS", "jsonParams.pdAgreement": "true", "jsonParams.web2app": "true",
			"jsonParams.sberpay.backurl": "https://crm.example/b?s=@{BankResultState}"},
	}
}

func teaReceipt() *fiscal.Receipt {
	return &fiscal.Receipt{Type: fiscal.Sale, FFD: fiscal.FFD12, Contact: fiscal.Contact{Email: "ivan@example.org"}, Lines: []fiscal.Line{
		{ID: "SKU-1", Name: "Чай", Price: money.RUB(400, 0), Quantity: 1_500_000, VAT: fiscal.VAT10, Method: fiscal.FullPayment, Subject: fiscal.Goods, Unit: fiscal.Kilogram},
		{ID: "DLV", Name: "Доставка", Price: money.RUB(199, 50), Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone, Method: fiscal.FullPayment, Subject: fiscal.Service},
	}}
}

func teaInvoice() acquiring.InvoiceRequest {
	return acquiring.InvoiceRequest{OrderID: "CRM-2026-000418", Amount: money.RUB(799, 50), ReturnURL: "https://crm.example/ok", Receipt: teaReceipt()}
}

func TestRegisterIsAsInTheDocument(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK)
	c := b.client(ProtocolJSON)
	inv, err := c.CreateInvoice(context.Background(), invoice())
	require.NoError(t, err)
	got := b.last("register.do")
	assert.Equal(t, "/ecomm/gw/partner/api/v1/register.do", got.path)
	wantJSON(t, "register.json", got)
	assert.Regexp(t, `^[0-9a-zA-Z-_#]{1,255}$`, got.header.Get("x-idempotencyKey"))
	assert.Equal(t, acquiring.PaymentID(id), inv.ID)
	assert.Equal(t, "https://sbox.payecom.ru/pay_ru?orderId="+id, inv.PayURL)
	assert.WithinDuration(t, time.Now().Add(time.Hour), inv.ExpiresAt, time.Minute)

	_, err = b.client(ProtocolJSON, func(c *Config) { c.Receipt.INN = "7700000000" }).CreateInvoice(context.Background(), teaInvoice())
	require.NoError(t, err)
	wantJSON(t, "register_receipt.json", b.last("register.do"))
}

func TestLegacyRegisterIsAForm(t *testing.T) {
	b := newBank(t).on("register.do", `{"orderId":"`+id+`","formUrl":"https://3dsec.sberbank.ru/p"}`)
	c := b.client(ProtocolLegacy)
	_, err := c.CreateInvoice(context.Background(), invoice())
	require.NoError(t, err)
	got := b.last("register.do")
	assert.Equal(t, "/payment/rest/register.do", got.path)
	assert.Empty(t, got.header.Get("x-idempotencyKey"))
	wantForm(t, "register_legacy.form", got)

	_, err = c.CreateInvoice(context.Background(), teaInvoice())
	require.NoError(t, err)
	wantForm(t, "register_receipt_legacy.form", b.last("register.do"))
}

// each calls every method of the typed API and pins the path and the names of
// the fields at both gateways; "": the gateway has no such method.
func TestEveryMethodSendsItsFieldsAndNoOther(t *testing.T) {
	ctx := context.Background()
	bundle := &OrderBundle{CartItems: CartItems{Items: []Item{{PositionID: "1"}}}}
	type test struct {
		name         string
		call         func(c *Client) error
		json, legacy string   // paths
		fields       []string // of JSON, without the credentials
		form         []string // of the form; nil: the same
		raw          bool     // no credentials in the body
	}
	tests := []test{
		{"registerPreAuth", func(c *Client) error {
			_, err := c.RegisterPreAuth(ctx, RegisterRequest{OrderNumber: "1", Amount: 1, ReturnURL: "u", AutocompletionDate: DateTime{Time: time.Now()}, ExpirationDate: DateTime{Time: time.Now()}})
			return err
		}, "/v1/registerPreAuth.do", "/rest/registerPreAuth.do", []string{"orderNumber", "amount", "returnUrl", "autocompletionDate", "expirationDate"}, nil, false},
		{"register with the legacy's own", func(c *Client) error {
			n := 0
			_, err := c.Register(ctx, RegisterRequest{OrderNumber: "1", Amount: 0, ReturnURL: "u", PageView: "MOBILE", IP: "1.1.1.1", TaxSystem: &n, AdditionalOFDParams: map[string]string{"cashier": "И"}})
			return err
		}, "/v1/register.do", "/rest/register.do", []string{"orderNumber", "amount", "returnUrl"}, []string{"orderNumber", "amount", "returnUrl", "pageView", "ip", "taxSystem", "additionalOfdParams"}, false},
		{"status", func(c *Client) error {
			_, err := c.GetOrderStatusExtended(ctx, StatusRequest{OrderNumber: "1"})
			return err
		}, "/v1/getOrderStatusExtended.do", "/rest/getOrderStatusExtended.do", []string{"orderNumber", "language"}, nil, false},
		{"old status", func(c *Client) error { _, err := c.GetOrderStatus(ctx, id); return err },
			"", "/rest/getOrderStatus.do", nil, []string{"orderId", "language"}, false},
		{"deposit", func(c *Client) error {
			_, err := c.Deposit(ctx, DepositRequest{OrderID: id, Amount: 0, OrderBundle: bundle, Items: &LegacyItems{Items: []LegacyItem{{}}}})
			return err
		}, "/v1/deposit.do", "/rest/deposit.do", []string{"orderId", "amount", "language", "orderBundle"}, []string{"orderId", "amount", "language", "depositItems"}, false},
		{"reverse", func(c *Client) error {
			_, err := c.Reverse(ctx, ReverseRequest{OrderID: id, Amount: 5, JSONParams: Params{"a": "b"}})
			return err
		}, "/v1/reverse.do", "/rest/reverse.do", []string{"orderId", "amount", "language", "jsonParams"}, []string{"orderId", "language"}, false},
		{"refund", func(c *Client) error {
			_, err := c.RefundOrder(ctx, OrderRefund{OrderID: id, Amount: 100, ExternalRefundID: "k", OrderBundle: bundle})
			return err
		}, "/v1/refund.do", "/rest/refund.do", []string{"orderId", "amount", "language", "jsonParams", "orderBundle"}, []string{"orderId", "amount", "language", "externalRefundId"}, false},
		{"decline", func(c *Client) error { _, err := c.Decline(ctx, DeclineRequest{OrderID: id}); return err },
			"/v1/decline.do", "/rest/decline.do", []string{"orderId", "language"}, nil, false},
		{"paymentOrder", func(c *Client) error {
			_, err := c.PaymentOrder(ctx, CardPayment{OrderID: id, PAN: "2202205000012424", CVC: "669", Year: "2035", Month: "05", Holder: "I", IP: "1.1.1.1", Email: "a@b.ru", BindingNotNeeded: true})
			return err
		}, "/v1/paymentOrder.do", "/rest/paymentorder.do", []string{"MDORDER", "$PAN", "$CVC", "YYYY", "MM", "TEXT", "language", "ip", "email", "bindingNotNeeded"}, nil, false},
		{"finish3dsMethod", func(c *Client) error { _, err := c.Finish3DSMethod(ctx, id, "t", true); return err },
			"/v1/finish3dsMethod.do", "", []string{"mdOrder", "threeDSServerTransId", "threeDSCompInd"}, nil, false},
		{"finish3dsPayment", func(c *Client) error { _, err := c.Finish3DSPayment(ctx, id, "c", ""); return err },
			"/v1/finish3dsPayment.do", "", []string{"mdOrder", "cRes"}, nil, false},
		{"SberPay", func(c *Client) error { _, err := c.SberPayPush(ctx, id, "79161234567"); return err },
			"/v1/paymentSberPay.do", "", []string{"orderId", "phone"}, nil, false},
		{"subscription", func(c *Client) error { _, err := c.PayBySubscription(ctx, id, "s", "m"); return err },
			"/v1/paymentOrderBySubscription", "", []string{"orderId", "subscriptionId", "memberId"}, nil, false},
		{"binding", func(c *Client) error {
			_, err := c.PaymentOrderBinding(ctx, BindingPayment{OrderID: id, BindingID: "b", IP: "1.1.1.1"})
			return err
		}, "/v1/paymentOrderBinding.do", "/rest/paymentOrderBinding.do", []string{"mdOrder", "bindingId", "ip", "language"}, nil, false},
		{"recurrent", func(c *Client) error {
			_, err := c.RecurrentPayment(ctx, RecurrentRequest{OrderNumber: "1", BindingID: "b", Amount: 5, AdditionalParameters: Params{"a": "b"}})
			return err
		}, "/v1/recurrentPayment.do", "/payment/recurrentPayment.do", []string{"orderNumber", "bindingId", "amount", "language", "additionalParameters"}, nil, false},
		{"Mir Pay", func(c *Client) error {
			_, err := c.MirPay(ctx, MirPayRequest{OrderNumber: "1", Amount: 5, PaymentToken: "t", PreAuth: true})
			return err
		}, "/v1/mir/paymentDirect.do", "", []string{"orderNumber", "amount", "paymentToken", "language", "preAuth"}, nil, false},
		{"bindings", func(c *Client) error {
			_, err := c.GetBindings(ctx, BindingsRequest{ClientID: "u", ShowExpired: true, ShowInactive: true, BindingType: "C"})
			return err
		}, "/v1/getBindings.do", "/rest/getBindings.do", []string{"clientId", "showExpired", "showInactive", "language"}, []string{"clientId", "showExpired", "bindingType"}, false},
		{"bindings by", func(c *Client) error {
			_, err := c.GetBindingsByCardOrID(ctx, BindingsByRequest{BindingID: "b"})
			return err
		}, "/v1/getBindingsByCardOrId.do", "/rest/getBindingsByCardOrId.do", []string{"bindingId", "language"}, []string{"bindingId"}, false},
		{"bind", func(c *Client) error { _, err := c.BindCard(ctx, "b"); return err },
			"/v1/bindCard.do", "/rest/bindCard.do", []string{"bindingId", "language"}, []string{"bindingId"}, false},
		{"unbind", func(c *Client) error { _, err := c.UnbindCard(ctx, "b"); return err },
			"/v1/unbindCard.do", "/rest/unBindCard.do", []string{"bindingId", "language"}, []string{"bindingId"}, false},
		{"extend", func(c *Client) error { _, err := c.ExtendBinding(ctx, "b", "203605"); return err },
			"", "/rest/extendBinding.do", nil, []string{"bindingId", "newExpiry"}, false},
		{"binding without payment", func(c *Client) error {
			_, err := c.CreateBindingNoPayment(ctx, NewBinding{PAN: "2202205000012424", Expiry: "203505", ClientID: "u"})
			return err
		}, "", "/rest/createBindingNoPayment.do", nil, []string{"pan", "expiry", "clientId"}, false},
		{"receipt status", func(c *Client) error { _, err := c.GetReceiptStatus(ctx, ReceiptQuery{OrderID: id}); return err },
			"/api/ofd/v1/getReceiptStatus", "/rest/getReceiptStatus.do", []string{"orderId"}, nil, false},
		{"retry receipt", func(c *Client) error { _, err := c.RetryReceipt(ctx, "a", "b"); return err },
			"/api/ofd/v1/retryReceipt", "", []string{"receiptIds"}, nil, false},
		{"do receipt", func(c *Client) error {
			_, err := c.DoReceipt(ctx, DoReceiptRequest{OrderID: id, Email: "a@b.ru", OrderBundle: bundle})
			return err
		}, "/api/ofd/v1/doReceipt", "", []string{"orderId", "email", "orderBundle"}, nil, false},
		{"external receipt", func(c *Client) error {
			_, err := c.RegisterExternalReceipt(ctx, ExternalReceipt{OrderID: id, CashboxID: "1", BasketID: "2", Return: true})
			return err
		}, "", "/fes-nspk-proxy/externalReceipt", nil, []string{"mdOrder", "receipt", "jsonParams"}, true},
		{"loyalty balance", func(c *Client) error { _, err := c.GetLoyaltyBalance(ctx, "b"); return err },
			"/v1/getLoyaltyBalance", "", []string{"bindingId"}, nil, false},
		{"auto completion", func(c *Client) error {
			_, err := c.AutoCompletion(ctx, LoyaltyRequest{OrderID: id, CompositeAmount: 5})
			return err
		}, "/v1/autoCompletion", "", []string{"orderId", "compositeAmount"}, nil, false},
		{"auto refund", func(c *Client) error {
			_, err := c.AutoRefund(ctx, LoyaltyRequest{OrderID: id, CompositeAmount: 5, ExternalRefundID: "r-1", JSONParams: Params{"a": "b"}})
			return err
		}, "/v1/autoRefund", "", []string{"orderId", "compositeAmount", "jsonParams"}, nil, false},
		{"password", func(c *Client) error {
			_, err := c.SetPermanentPassword(ctx, "shop417", "Tmp123", "")
			return err
		}, "/api/accounts/v1/set-permanent-password", "", []string{"login", "tmpPassword"}, nil, true},
		{"api key", func(c *Client) error { _, err := c.GenerateAPIKey(ctx, "mobile"); return err },
			"/api/accounts/v1/apikey/generate", "", []string{"description"}, nil, false},
		{"last orders", func(c *Client) error {
			_, err := c.GetLastOrders(ctx, OrdersQuery{Size: 50, ByCreated: true})
			return err
		}, "", "/rest/getLastOrdersForMerchants.do", nil, []string{"page", "size", "from", "to", "transactionStates", "merchants", "searchByCreatedDate", "language"}, false},
		{"enrollment", func(c *Client) error { _, err := c.VerifyEnrollment(ctx, "2202205000012424"); return err },
			"", "/rest/verifyEnrollment.do", nil, []string{"pan"}, false},
		{"SSL list", func(c *Client) error { _, err := c.UpdateSSLCardList(ctx, id); return err },
			"", "/rest/updateSSLCardList.do", nil, []string{"mdorder"}, false},
		{"instant refund", func(c *Client) error {
			_, err := c.InstantRefund(ctx, InstantRefundRequest{OrderNumber: "1", Amount: 5, BindingID: "b"})
			return err
		}, "", "/rest/instantRefund.do", nil, []string{"orderNumber", "amount", "bindingId"}, false},
		{"raw sum", func(c *Client) error {
			_, err := c.ProcessRawSumRefund(ctx, RawSumRefund{OrderID: id, Amount: 5, TaxType: new(int)})
			return err
		}, "", "/rest/processRawSumRefund.do", nil, []string{"orderId", "amount", "taxType"}, false},
		{"raw position", func(c *Client) error {
			_, err := c.ProcessRawPositionRefund(ctx, RawPositionRefund{OrderID: id, Amount: 5, PositionID: "1"})
			return err
		}, "", "/rest/processRawPositionRefund.do", nil, []string{"orderId", "amount", "positionId"}, false},
		{"QR", func(c *Client) error {
			_, err := c.GetSBPQR(ctx, SBPQRRequest{OrderID: id, Format: "image", Width: 300})
			return err
		},
			"", "/sbp/c2b/qr/dynamic/get.do", nil, []string{"mdOrder", "qrFormat", "qrWidth"}, false},
		{"QR status", func(c *Client) error { _, err := c.GetSBPQRStatus(ctx, id, "q"); return err },
			"", "/sbp/c2b/qr/status.do", nil, []string{"mdOrder", "qrId"}, false},
		{"credit", func(c *Client) error {
			_, err := c.RegisterCredit(ctx, RegisterRequest{OrderNumber: "1", Amount: 5, ReturnURL: "u"})
			return err
		}, "", "/sbercredit/register.do", nil, []string{"orderNumber", "amount", "returnUrl"}, false},
		{"credit hold", func(c *Client) error {
			_, err := c.RegisterCreditPreAuth(ctx, RegisterRequest{OrderNumber: "1", Amount: 5, ReturnURL: "u"})
			return err
		}, "", "/sbercredit/registerPreAuth.do", nil, []string{"orderNumber", "amount", "returnUrl"}, false},
		{"wallet", func(c *Client) error {
			_, err := c.PayWithWallet(ctx, WalletMir, WalletPayment{Merchant: "shop", OrderNumber: "1", PaymentToken: "t"})
			return err
		}, "", "/payment/mir/payment.do", nil, []string{"merchant", "orderNumber", "paymentToken"}, true},
	}
	// One answer that every method takes for success.
	const yes = `{"errorCode":0,"success":true,"orderId":"` + id + `","formUrl":"u","orderStatus":2,"bindings":[]}`
	const paidYes = `{"success":true,"data":{"orderId":"` + id + `"},"orderStatus":{"orderStatus":2}}`
	for _, tt := range tests {
		for _, p := range []Protocol{ProtocolJSON, ProtocolLegacy} {
			t.Run(tt.name+" "+p.String(), func(t *testing.T) {
				path, fields := tt.json, tt.fields
				if p == ProtocolLegacy {
					path = tt.legacy
					if tt.form != nil {
						fields = tt.form
					}
				}
				b := newBank(t)
				name := path[len(path)-len(lastPart(path)):]
				switch tt.name {
				case "recurrent", "Mir Pay", "wallet":
					b.on(name, paidYes)
				default:
					b.on(name, yes)
				}
				err := tt.call(b.client(p))
				if path == "" {
					assert.ErrorIs(t, err, acquiring.ErrUnsupported)
					assert.Equal(t, acquiring.OutcomeNotSent, acquiring.OutcomeOf(err))
					assert.Empty(t, b.asked)
					return
				}
				require.NoError(t, err)
				require.Len(t, b.asked, 1)
				got := b.asked[0]
				assert.Regexp(t, path+"$", got.path)
				want := slices.Clone(fields)
				if !tt.raw {
					want = append(want, "userName", "password")
				}
				assert.ElementsMatch(t, want, names(t, got))
			})
		}
	}
}

func lastPart(path string) string {
	for i := len(path) - 1; i >= 0; i-- {
		if path[i] == '/' {
			return path[i+1:]
		}
	}
	return path
}

func names(t *testing.T, a asked) []string {
	if json.Valid([]byte(a.body)) {
		return slices.Collect(maps.Keys(members(t, a.body)))
	}
	v, err := url.ParseQuery(a.body)
	require.NoError(t, err)
	return slices.Collect(maps.Keys(v))
}

func TestExactlyOneNumber(t *testing.T) {
	c := newBank(t).client(ProtocolJSON)
	ctx := context.Background()
	for _, call := range []func() error{
		func() error { _, err := c.GetOrderStatusExtended(ctx, StatusRequest{}); return err },
		func() error {
			_, err := c.GetOrderStatusExtended(ctx, StatusRequest{OrderID: "a", OrderNumber: "b"})
			return err
		},
		func() error { _, err := c.Decline(ctx, DeclineRequest{}); return err },
		func() error { _, err := c.Finish3DSPayment(ctx, id, "a", "b"); return err },
		func() error { _, err := c.GetBindingsByCardOrID(ctx, BindingsByRequest{}); return err },
		func() error { _, err := c.GetReceiptStatus(ctx, ReceiptQuery{}); return err },
		func() error { _, err := c.DoReceipt(ctx, DoReceiptRequest{}); return err },
		func() error { _, err := c.DoReceipt(ctx, DoReceiptRequest{OrderID: "a"}); return err },
		func() error { _, err := c.RetryReceipt(ctx); return err },
		func() error { _, err := c.SberPayPush(ctx, id, "8 (916)"); return err },
		func() error { _, err := c.SetPermanentPassword(ctx, "", "", ""); return err },
		func() error { _, err := c.SetPermanentPassword(ctx, "a", "b", "short"); return err },
	} {
		err := call()
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
		assert.Equal(t, acquiring.OutcomeNotSent, acquiring.OutcomeOf(err))
	}
	l := newBank(t).client(ProtocolLegacy)
	_, err := l.GetLastOrders(ctx, OrdersQuery{})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	_, err = l.VerifyEnrollment(ctx, "1")
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	_, err = l.ExtendBinding(ctx, "b", "05/26")
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	_, err = l.PayWithWallet(ctx, "../x", WalletPayment{})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

func TestCallbackSettings(t *testing.T) {
	b := newBank(t).on("shop417", `OK`)
	c := b.client(ProtocolLegacy, func(c *Config) { c.UserName = "shop417-api" })
	require.NoError(t, c.UpdateCallbacks(context.Background(), CallbackSettings{URL: "https://crm.example/cb", Operations: []string{"deposited", "refunded"}}))
	got := b.last("shop417")
	assert.Equal(t, "/mportal-uat/mvc/public/merchant/update/shop417", got.path)
	assert.JSONEq(t, `{"callbacks_enabled":true,"callback_type":"STATIC","callback_addresses":"https://crm.example/cb","callback_http_method":"GET","callback_operations":"deposited,refunded"}`, got.body)
	assert.Equal(t, "Basic c2hvcDQxNy1hcGk6U2VjcmV0LVBhc3N3b3JkLTE4", got.header.Get("Authorization"))
	assert.ErrorIs(t, c.UpdateCallbacks(context.Background(), CallbackSettings{}), acquiring.ErrInvalid)
	assert.ErrorIs(t, b.client(ProtocolJSON).UpdateCallbacks(context.Background(), CallbackSettings{}), acquiring.ErrUnsupported)
	b.onAnswer("shop417", answer{status: 401})
	b.answers["shop417"] = b.answers["shop417"][1:]
	assert.ErrorIs(t, c.UpdateCallbacks(context.Background(), CallbackSettings{URL: "https://crm.example/cb", POST: true, Dynamic: true}), acquiring.ErrUnauthorized)
}
