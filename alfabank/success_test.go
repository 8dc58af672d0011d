package alfabank

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// method is one of the bank's with what its success looks like.
type method struct {
	path, success string
	call          func(c *Client) error
}

func methods() []method {
	reg := RegisterRequest{OrderNumber: "1", Amount: 1, ReturnURL: "https://a.example"}
	return []method{
		{"register.do", registeredOK, func(c *Client) error { _, err := c.Register(ctx, reg); return err }},
		{"registerPreAuth.do", registeredOK, func(c *Client) error { _, err := c.RegisterPreAuth(ctx, reg); return err }},
		{status, paid(), func(c *Client) error { _, err := c.GetStatus(ctx, id); return err }},
		{"getOrderStatus.do", `{"ErrorCode":"0","OrderStatus":2,"Amount":1}`, func(c *Client) error { _, err := c.GetOrderStatus(ctx, id); return err }},
		{"deposit.do", done, func(c *Client) error { _, err := c.Deposit(ctx, DepositRequest{OrderID: id}); return err }},
		{"reverse.do", done, func(c *Client) error { _, err := c.Reverse(ctx, ReverseRequest{OrderID: id}); return err }},
		{"refund.do", done, func(c *Client) error { _, err := c.RefundOrder(ctx, OrderRefund{OrderID: id}); return err }},
		{"decline.do", done, func(c *Client) error {
			_, err := c.Decline(ctx, DeclineRequest{OrderID: id, OrderNumber: "1"})
			return err
		}},
		{"processRawSumRefund.do", done, func(c *Client) error { _, err := c.ProcessRawSumRefund(ctx, RawSumRefund{}); return err }},
		{"processRawPositionRefund.do", done, func(c *Client) error { _, err := c.ProcessRawPositionRefund(ctx, RawPositionRefund{}); return err }},
		{"paymentorder.do", `{"errorCode":0}`, func(c *Client) error { _, err := c.PaymentOrder(ctx, CardPayment{Holder: "A"}); return err }},
		{"paymentOrderBinding.do", `{"errorCode":0}`, func(c *Client) error { _, err := c.PaymentOrderBinding(ctx, BindingPayment{}); return err }},
		{"3ds/continue.do", `{"errorCode":0}`, func(c *Client) error { _, err := c.Continue3DS(ctx, id); return err }},
		{"finish3dsPayment.do", `{"errorCode":0}`, func(c *Client) error { _, err := c.Finish3DS(ctx, id, ""); return err }},
		{"finish3dsVer2Payment.do", `{"errorCode":0}`, func(c *Client) error { _, err := c.Finish3DSVer2(ctx, "a", id); return err }},
		{"instantPayment.do", `{"errorCode":"0","orderStatus":{"OrderStatus":2}}`, func(c *Client) error {
			_, err := c.InstantPayment(ctx, InstantRequest{RegisterRequest: reg})
			return err
		}},
		{"verifyCard.do", `{"errorCode":"0","actionCode":0}`, func(c *Client) error {
			_, err := c.VerifyCard(ctx, VerifyCardRequest{PAN: "4000001111111118"})
			return err
		}},
		{"bindCard.do", done, func(c *Client) error { _, err := c.BindCard(ctx, "b"); return err }},
		{"extendBinding.do", done, func(c *Client) error { _, err := c.ExtendBinding(ctx, "b", "203601"); return err }},
		{"createBindingNoPayment.do", `{"bindingId":"47db","errorCode":0,"error":false}`, func(c *Client) error {
			_, err := c.CreateBindingNoPayment(ctx, NewBinding{PAN: "5555555555555599"})
			return err
		}},
		{"getBindingsByCardOrId.do", `{"bindings":[]}`, func(c *Client) error {
			_, err := c.GetBindingsByCardOrID(ctx, BindingsByRequest{BindingID: "b"})
			return err
		}},
		{"sbp/c2b/qr/dynamic/get.do", `{"qrStatus":"STARTED"}`, func(c *Client) error { _, err := c.GetSBPQR(ctx, SBPQRRequest{}); return err }},
		{"sbp/c2b/qr/status.do", `{"status":"STARTED"}`, func(c *Client) error { _, err := c.GetSBPQRStatus(ctx, id, ""); return err }},
		{"sbp/c2b/qr/dynamic/reject.do", `{"rejected":true}`, func(c *Client) error { return c.RejectSBPQR(ctx, id, "") }},
		{"sbp/c2b/getBindings.do", `{"bindings":[]}`, func(c *Client) error { _, err := c.GetSBPBindings(ctx, "a", "", true); return err }},
		{"sbp/c2b/unBind.do", `{"errorCode":2}`, func(c *Client) error { return c.UnbindSBP(ctx, "b") }},
		{"templates/create.do", `{"status":"SUCCESS","template":{"templateId":"t"}}`, func(c *Client) error {
			_, err := c.CreateTemplate(ctx, Template{Name: "a", NameForClient: "b"})
			return err
		}},
		{"templates/get.do", `{"status":"SUCCESS"}`, func(c *Client) error { _, err := c.GetTemplate(ctx, "t", nil); return err }},
		{"templates/update.do", `{"status":"SUCCESS"}`, func(c *Client) error { return c.UpdateTemplate(ctx, Template{ID: "t"}) }},
		{"templates/getList.do", `{"status":"SUCCESS","templates":[]}`, func(c *Client) error { _, err := c.ListTemplates(ctx, ""); return err }},
		{"templates/createTemplate.do", `{"templateId":"t"}`, func(c *Client) error { _, err := c.CreateStaticQR(ctx, StaticQRRequest{Name: "a"}); return err }},
		{"templates/getTemplateDetails.do", `{"templateId":"t"}`, func(c *Client) error { _, err := c.GetStaticQR(ctx, "t"); return err }},
		{"templates/updateTemplate.do", `{"templateId":"t"}`, func(c *Client) error {
			_, err := c.UpdateStaticQR(ctx, StaticQRRequest{ID: "t", Name: "a", Status: "ACTIVE"})
			return err
		}},
		{"alfapay/payment.do", `{"success":true,"data":{"orderId":"9b1d","redirect":"https://a.example"}}`, func(c *Client) error {
			_, err := c.AlfaPay(ctx, AlfaPayRequest{ReturnURL: "https://a.example"})
			return err
		}},
		{"google/payment.do", `{"success":true}`, func(c *Client) error { _, err := c.PayWithWallet(ctx, WalletGoogle, WalletPayment{}); return err }},
		{"recurrentPayment.do", `{"success":true}`, func(c *Client) error { _, err := c.RecurrentPayment(ctx, RecurrentRequest{}); return err }},
		{"closeOfdReceipt.do", `{"success":true}`, func(c *Client) error { return c.CloseReceipt(ctx, CloseReceiptRequest{OrderID: id}) }},
		{"getReceiptStatus.do", `{"errorCode":"0","receipt":[]}`, func(c *Client) error { _, err := c.GetReceiptStatus(ctx, ReceiptQuery{OrderID: id}); return err }},
		{"getLastOrdersForMerchants.do", `{"errorCode":0}`, func(c *Client) error { _, err := c.GetLastOrders(ctx, OrdersQuery{Size: 1}); return err }},
		{"addParams.do", done, func(c *Client) error { _, err := c.AddParams(ctx, id, map[string]string{"a": "b"}); return err }},
		{"verifyEnrollment.do", `{"errorCode":"0","enrolled":"Y"}`, func(c *Client) error { _, err := c.VerifyEnrollment(ctx, "5555555555555599"); return err }},
		{"paymentotherway.do", `{"errorCode":"0"}`, func(c *Client) error { _, err := c.PaymentOtherWay(ctx, id, "A"); return err }},
	}
}

// Of every method: its success, and that no error code in an HTTP 200, in
// either spelling and type, and no broken or foreign answer is ever one.
func TestSuccessIsToldApart(t *testing.T) {
	for _, m := range methods() {
		t.Run(m.path, func(t *testing.T) {
			t.Parallel()
			answered := func(a answer) error {
				b := newBank(t).answer(m.path, a)
				// One try: repeating reads takes its time elsewhere.
				c := b.client()
				return m.call(c)
			}
			assert.NoError(t, answered(answer{status: 200, body: m.success}))
			for _, body := range []string{`{"errorCode":"5","errorMessage":"Доступ запрещён"}`, `{"errorCode":5,"errorMessage":"Access denied"}`,
				`{"ErrorCode":"5","ErrorMessage":"Access denied"}`, `{"success":false,"status":"FAIL","error":{"code":5,"message":"Доступ запрещён"}}`} {
				err := answered(answer{status: 200, body: body})
				assert.ErrorIs(t, err, acquiring.ErrUnauthorized, body)
				assert.Equal(t, acquiring.OutcomeRejected, acquiring.OutcomeOf(err), body)
				// An error beside all that a success has is an error.
				err = answered(answer{status: 200, body: strings.TrimSuffix(strings.NewReplacer(`"errorCode":"0",`, "", `"errorCode":"0"`, `"x":1`, `"errorCode":0,`, "", `"errorCode":0`, `"x":1`,
					`"ErrorCode":"0",`, "", `"errorCode":2`, `"x":1`, `"errorCode":0}`, `"x":1}`, `"success":true`, `"success":false`, "SUCCESS", "FAIL").Replace(m.success), "}") + "," + body[1:]})
				assert.Error(t, err, body)
			}
			for _, body := range []string{"", "<html><h1>502</h1></html>", `{"errorCode":`, `[]`, `"ok"`} {
				err := answered(answer{status: 200, body: body})
				assert.ErrorIs(t, err, acquiring.ErrProtocol, body)
				assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), body)
			}
			assert.ErrorIs(t, answered(answer{status: 404, body: "Not Found"}), acquiring.ErrProtocol)
			err := answered(answer{status: 403, body: "<html>Forbidden</html>"})
			assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
			assert.Contains(t, problem(t, err).Hint, "outside Russia")
		})
	}
}

// A failing gateway with a success in its body is a failing gateway. Reads are
// repeated; what moves money is not.
func Test502IsError(t *testing.T) {
	t.Parallel()
	for _, m := range methods() {
		switch m.path {
		case status, "getOrderStatus.do", "getBindingsByCardOrId.do", "sbp/c2b/qr/status.do", "sbp/c2b/getBindings.do", "templates/get.do", "templates/getList.do",
			"templates/getTemplateDetails.do", "getReceiptStatus.do", "getLastOrdersForMerchants.do", "verifyEnrollment.do":
			continue // reads, repeated with pauses: one of them below
		}
		b := newBank(t).answer(m.path, answer{status: 502, body: m.success})
		err := m.call(b.client())
		assert.ErrorIs(t, err, acquiring.ErrUnavailable, m.path)
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), m.path)
		assert.Len(t, b.asked, 1, m.path)
	}
	b := newBank(t).answer(status, answer{status: 502, body: paid()}, answer{status: 200, body: paid()})
	_, err := b.client().GetStatus(ctx, id)
	assert.NoError(t, err)
	assert.Len(t, b.asked, 2)
}

// What must be there beside the missing error code.
func TestHalfASuccessIsNone(t *testing.T) {
	for _, tt := range []struct{ path, body string }{
		{"register.do", `{}`}, {"register.do", `{"errorCode":"0"}`}, {"register.do", `{"orderId":"x"}`}, {"register.do", `{"formUrl":"x"}`},
		{status, `{"errorCode":"0"}`}, {status, `{"errorCode":"0","orderStatus":null}`}, {"getOrderStatus.do", `{"ErrorCode":"0"}`},
		{"createBindingNoPayment.do", `{"errorCode":0,"error":false}`}, {"createBindingNoPayment.do", `{"bindingId":"a","errorCode":0,"error":true}`},
		{"sbp/c2b/qr/dynamic/get.do", `{}`}, {"sbp/c2b/qr/status.do", `{"errorCode":0}`}, {"sbp/c2b/qr/dynamic/reject.do", `{}`}, {"sbp/c2b/qr/dynamic/reject.do", `{"rejected":false}`},
		{"sbp/c2b/unBind.do", `{"errorCode":5}`}, {"templates/create.do", `{}`}, {"templates/create.do", `{"status":"FAIL"}`}, {"templates/create.do", `{"status":"ACTIVE"}`},
		{"templates/createTemplate.do", `{}`}, {"templates/createTemplate.do", `{"errorCode":"2","errorMessage":"x"}`}, {"closeOfdReceipt.do", `{}`}, {"closeOfdReceipt.do", `{"success":false}`},
		{"alfapay/payment.do", `{"success":true}`}, {"alfapay/payment.do", `{"success":false,"error":{"message":"Нет"}}`}, {"alfapay/payment.do", `{}`},
	} {
		for _, m := range methods() {
			if m.path == tt.path {
				assert.Error(t, m.call(newBank(t).on(m.path, tt.body).client()), fmt.Sprint(tt))
			}
		}
	}
}

// Code 0 is "processed", not "paid".
func TestProcessedIsNotPaid(t *testing.T) {
	b := newBank(t).on("3ds/continue.do", `{"redirect":"https://tea.example/fail","error":"Operation declined.","errorCode":0,"is3DSVer2":true,"errorTypeName":"DATA_INPUT_ERROR","processingErrorType":"CLIENT_ERROR"}`,
		`{"errorCode":0,"errorTypeName":"TDS_UNKNOWN_ARES_STATUS","processingErrorType":"MANDATORY_3DSECURE","errorMessage":"Error 3-D Secure authorization."}`, `{"errorCode":0,"processingErrorType":"NO_ERROR"}`)
	c := b.client()
	for _, want := range []bool{true, true, false} {
		a, err := c.Continue3DS(ctx, id)
		require.NoError(t, err)
		_, declined := a.Declined()
		assert.Equal(t, want, declined)
	}
}

// The table of instantPayment.do.
func TestInstantPaymentResults(t *testing.T) {
	for body, want := range map[string]InstantResult{
		`{"errorCode":"0","orderStatus":{"ErrorCode":"0","OrderStatus":2,"Amount":100,"Pan":"500000**1115"}}`: InstantPaid,
		`{"errorCode":"0","orderStatus":{"OrderStatus":"1"},"acsUrl":null}`:                                   InstantPaid,
		`{"errorCode":"0","orderStatus":{"OrderStatus":0},"acsUrl":"https://acs.example","paReq":"e"}`:        InstantChallenge,
		`{"errorCode":"0","orderStatus":{"OrderStatus":0},"acsUrl":"https://acs.example","packedCReq":"e"}`:   InstantChallenge,
		`{"errorCode":"0","threeDSMethodUrlServer":"https://acs.example"}`:                                    InstantChallenge,
		`{"errorCode":"0","orderStatus":{"OrderStatus":0}}`:                                                   InstantRejected,
		`{"errorCode":"0","orderStatus":{"OrderStatus":6}}`:                                                   InstantRejected,
		`{"errorCode":"0"}`: InstantRejected,
	} {
		a, err := newBank(t).on("instantPayment.do", body).client().InstantPayment(ctx, InstantRequest{RegisterRequest: RegisterRequest{ReturnURL: "https://a.example"}})
		require.NoError(t, err, body)
		assert.Equal(t, want, a.Result(), body)
	}
}

// What refusals mean, by method, code and words.
func TestRefusals(t *testing.T) {
	c := newBank(t).client()
	for _, tt := range []struct {
		op, code, words string
		kind            error
		outcome         acquiring.Outcome
	}{
		{"register.do", "1", "Заказ с таким номером уже обработан", acquiring.ErrDuplicate, acquiring.OutcomeRejected},
		{"register.do", "1", "Неверный номер заказа", acquiring.ErrInvalid, acquiring.OutcomeRejected},
		{"paymentOrderBinding.do", "1", "Связка не подходит", acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"templates/create.do", "1", "bad request", acquiring.ErrInvalid, acquiring.OutcomeRejected},
		{"templates/createTemplate.do", "2", "field is empty", acquiring.ErrInvalid, acquiring.OutcomeRejected},
		{"unBindCard.do", "2", "Связка не активна", acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"unBindCard.do", "2", "Информация не найдена", acquiring.ErrNotFound, acquiring.OutcomeRejected},
		{status, "2", "Заказ отклонен по причине ошибки в реквизитах платежа", acquiring.ErrDeclined, acquiring.OutcomeRejected},
		{"register.do", "3", "Неизвестная валюта", acquiring.ErrInvalid, acquiring.OutcomeRejected},
		{"register.do", "4", "[returnUrl] is empty", acquiring.ErrInvalid, acquiring.OutcomeRejected},
		{"register.do", "5", "[userName] or [password] or [token] is empty", acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		{"register.do", "5", "Пользователь должен сменить свой пароль", acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		{"register.do", "5", "Неверно указано значение одного из параметров", acquiring.ErrInvalid, acquiring.OutcomeRejected},
		{"paymentOrderBinding.do", "5", "[clientId] is empty", acquiring.ErrInvalid, acquiring.OutcomeRejected},
		{"refund.do", "5", "Refund amount exceeds deposited amount", acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"deposit.do", "5", "Сумма превышает сумму холда", acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"refund.do", "5", "Неверная сумма", acquiring.ErrInvalid, acquiring.OutcomeRejected},
		{"refund.do", "5", "Заказ не найден", acquiring.ErrNotFound, acquiring.OutcomeRejected},
		{"templates/get.do", "5", "", acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		{"templates/get.do", "6", "unknown template", acquiring.ErrNotFound, acquiring.OutcomeRejected},
		{"refund.do", "7", "Payment must be in a correct state", acquiring.ErrConflict, acquiring.OutcomeRejected},
		{"refund.do", "7", "Системная ошибка", acquiring.ErrUnavailable, acquiring.OutcomeUnknown},
		{"refund.do", "7", "", acquiring.ErrUnavailable, acquiring.OutcomeUnknown},
		{"register.do", "8", "x", acquiring.ErrInvalid, acquiring.OutcomeRejected},
		{"register.do", "13", "Нет прав на AUTO_PAYMENT", acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		{"register.do", "13", "FORCE_TDS вместе с AUTO_PAYMENT", acquiring.ErrInvalid, acquiring.OutcomeRejected},
		{"register.do", "13", "VERIFY", acquiring.ErrUnauthorized, acquiring.OutcomeRejected},
		{"register.do", "14", "features", acquiring.ErrInvalid, acquiring.OutcomeRejected},
		{"register.do", "999", "новое", acquiring.ErrInvalid, acquiring.OutcomeRejected},
	} {
		kind, outcome, _ := c.classify(tt.op, tt.code, tt.words)
		assert.Equal(t, tt.kind, kind, fmt.Sprint(tt))
		assert.Equal(t, tt.outcome, outcome, fmt.Sprint(tt))
	}
}

// "Access denied" is explained by its usual causes.
func TestAccessDeniedIsExplained(t *testing.T) {
	production, err := New(Config{Environment: acquiring.Production, UserName: "r-teashop-api", Password: "p"})
	require.NoError(t, err)
	_, _, hint := production.classify("refund.do", "5", "Access denied")
	for _, cause := range []string{"production contour", "payment.alfabank.ru", "pay.alfabank.ru", "-operator", "Config.Installation", "refund.do must be switched on", "must be changed"} {
		assert.Contains(t, hint, cause)
	}
	_, err = newBank(t).on(status, deniedAnswer).client().GetStatus(ctx, id)
	assert.Contains(t, problem(t, err).Hint, "test contour")
	assert.Contains(t, problem(t, err).Hint, "Config.BaseURL")
}
