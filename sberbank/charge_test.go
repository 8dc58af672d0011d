package sberbank

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

func charge() acquiring.ChargeRequest {
	return acquiring.ChargeRequest{OrderID: "SUB-88-2026-03", Token: "1d2c3b4a-5e6f-4a1b-8c2d-3e4f5a6b7c8d", Amount: money.RUB(299, 0), Customer: acquiring.Customer{ID: "u-88"}}
}

const directOK = `{"success":true,"data":{"orderId":"` + id + `","orderNumber":"SUB-88-2026-03"},"orderStatus":{"orderStatus":2,"actionCode":0,"amount":29900,"currency":"643","paymentAmountInfo":{"approvedAmount":29900,"depositedAmount":29900,"refundedAmount":0},"cardAuthInfo":{"pan":"220220******2424"}}}`

func declinedOrder(code string) string {
	return strings.Replace(orderJSON(0, "", ""), `"actionCode":0`, `"actionCode":`+code, 1)
}

func TestChargeByRecurrentPayment(t *testing.T) {
	ctx := context.Background()
	b := newBank(t).on("recurrentPayment.do", directOK).on("getOrderStatusExtended.do", paid())
	r := charge()
	r.Metadata = map[string]string{"deal": "1"}
	p, err := b.client(ProtocolJSON).Charge(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	wantJSON(t, "recurrent.json", b.last("recurrentPayment.do"))

	// The status cannot be read: the answer's own order is as good.
	b = newBank(t).on("recurrentPayment.do", directOK).on("getOrderStatusExtended.do", denied)
	p, err = b.client(ProtocolJSON).Charge(ctx, charge())
	require.NoError(t, err)
	assert.Equal(t, money.RUB(299, 0), p.Captured)
	assert.Equal(t, "SUB-88-2026-03", p.OrderID)
	b = newBank(t).on("recurrentPayment.do", `{"success":true,"data":{"orderId":"`+id+`"}}`).on("getOrderStatusExtended.do", denied)
	p, err = b.client(ProtocolJSON).Charge(ctx, charge())
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPending, p.Status)

	b = newBank(t).on("recurrentPayment.do", directOK).on("getOrderStatusExtended.do", declinedOrder("101"))
	_, err = b.client(ProtocolJSON).Charge(ctx, charge())
	assert.ErrorIs(t, err, acquiring.ErrDeclined)
	assert.ErrorContains(t, err, "DeleteToken")
	b = newBank(t).on("recurrentPayment.do", directOK).on("getOrderStatusExtended.do", declinedOrder("1019"))
	_, err = b.client(ProtocolJSON).Charge(ctx, charge())
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), "the processing did not answer")

	b = newBank(t).on("recurrentPayment.do", `{"success":false,"error":{"code":"1","description":"Заказ с таким номером уже обработан"}}`)
	_, err = b.client(ProtocolJSON).Charge(ctx, charge())
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
}

func TestLostChargeIsFoundOut(t *testing.T) {
	ctx := context.Background()
	b := newBank(t).onAnswer("recurrentPayment.do", lost).on("getOrderStatusExtended.do", paid())
	p, err := b.client(ProtocolJSON).Charge(ctx, charge())
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.Len(t, b.calls("recurrentPayment.do"), 1, "it was charged: not charged again")

	b = newBank(t).onAnswer("recurrentPayment.do", lost, ok(directOK)).on("getOrderStatusExtended.do", notFound, paid())
	_, err = b.client(ProtocolJSON).Charge(ctx, charge())
	require.NoError(t, err)
	assert.Len(t, b.calls("recurrentPayment.do"), 2)

	b = newBank(t).onAnswer("recurrentPayment.do", lost).on("getOrderStatusExtended.do", denied)
	_, err = b.client(ProtocolJSON).Charge(ctx, charge())
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
	assert.Len(t, b.calls("recurrentPayment.do"), 1)
}

// The answer is lost, the order is not there yet, and the repeated call is
// refused because the first arrives just then: the charge was made.
func TestLostChargeThatArrivesLate(t *testing.T) {
	ctx := context.Background()
	b := newBank(t).onAnswer("recurrentPayment.do", lost, ok(`{"success":false,"error":{"code":"1","description":"Заказ с таким номером уже обработан"}}`)).
		on("getOrderStatusExtended.do", notFound, paid())
	p, err := b.client(ProtocolJSON).Charge(ctx, charge())
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)

	b = newBank(t).onAnswer("recurrentPayment.do", lost, answer{status: 429}).on("getOrderStatusExtended.do", notFound)
	_, err = b.client(ProtocolJSON).Charge(ctx, charge())
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), "the second call was refused, not the first")
}

// Code 1 says many things: that the binding cannot pay is not that the number
// is used.
func TestBindingThatCannotPayIsNoDuplicate(t *testing.T) {
	for _, words := range []string{"Заказ не может быть оплачен данной связкой", "Связка не найдена"} {
		_, err := newBank(t).on("recurrentPayment.do", `{"success":false,"error":{"code":"1","description":"`+words+`"}}`).client(ProtocolJSON).Charge(context.Background(), charge())
		assert.ErrorIs(t, err, acquiring.ErrConflict, words)
		assert.NotErrorIs(t, err, acquiring.ErrDuplicate, words)
	}
}

// A success without the bank's number of the order is found by the shop's.
func TestChargeAnswerWithoutNumber(t *testing.T) {
	p, err := newBank(t).on("recurrentPayment.do", `{"success":true}`).on("getOrderStatusExtended.do", paid()).client(ProtocolJSON).Charge(context.Background(), charge())
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(id), p.ID)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
}

// An answer without success does not say that nothing was charged.
func TestChargeAnswerWithoutSuccess(t *testing.T) {
	for _, body := range []string{`{}`, `{"errorCode":"0"}`, `{"success":null,"data":{"orderId":"x"}}`} {
		b := newBank(t).on("recurrentPayment.do", body).on("getOrderStatusExtended.do", denied)
		_, err := b.client(ProtocolJSON).Charge(context.Background(), charge())
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), body)
		p, err := newBank(t).on("recurrentPayment.do", body).on("getOrderStatusExtended.do", paid()).client(ProtocolJSON).Charge(context.Background(), charge())
		require.NoError(t, err, body)
		assert.Equal(t, acquiring.StatusPaid, p.Status)
	}
}

func TestChargeByOrderAndBinding(t *testing.T) {
	ctx := context.Background()
	const payOK = `{"redirect":"https://localhost/","info":"Ваш платёж обработан","errorCode":0}`
	r := charge()
	_, err := newBank(t).client(ProtocolLegacy).Charge(ctx, r)
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "IP", e.Field)
	r.IP = "203.0.113.7"

	b := newBank(t).on("register.do", registeredOK).on("paymentOrderBinding.do", payOK).on("getOrderStatusExtended.do", paid())
	p, err := b.client(ProtocolLegacy, func(c *Config) { c.Features = "FORCE_SSL" }).Charge(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	v, _ := url.ParseQuery(b.last("register.do").body)
	assert.Equal(t, "1200", v.Get("sessionTimeoutSecs"))
	assert.Equal(t, "FORCE_SSL;AUTO_PAYMENT", v.Get("features"))
	assert.Equal(t, "u-88", v.Get("clientId"))
	v, _ = url.ParseQuery(b.last("paymentOrderBinding.do").body)
	assert.Equal(t, url.Values{"userName": {"shop417"}, "password": {"Secret-Password-18"}, "mdOrder": {id}, "bindingId": {r.Token}, "ip": {"203.0.113.7"}, "language": {"ru"}}, v)

	r.Hold = true
	b = newBank(t).on("registerPreAuth.do", registeredOK).on("paymentOrderBinding.do", payOK).on("getOrderStatusExtended.do", held())
	p, err = b.client(ProtocolJSON).Charge(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusAuthorized, p.Status)
	r.Hold = false

	// errorCode 0 is not a payment.
	b = newBank(t).on("register.do", registeredOK).on("getOrderStatusExtended.do", pending()).
		on("paymentOrderBinding.do", `{"errorCode":0,"error":"Операция отклонена","errorMessage":"Операция отклонена","processingErrorType":"CLIENT_ERROR"}`)
	_, err = b.client(ProtocolLegacy).Charge(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrDeclined)

	b = newBank(t).on("register.do", registeredOK).onAnswer("paymentOrderBinding.do", lost).on("getOrderStatusExtended.do", paid())
	_, err = b.client(ProtocolLegacy).Charge(ctx, r)
	require.NoError(t, err)
	b = newBank(t).on("register.do", registeredOK).onAnswer("paymentOrderBinding.do", lost).on("getOrderStatusExtended.do", pending())
	_, err = b.client(ProtocolLegacy).Charge(ctx, r)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
	b = newBank(t).on("register.do", registeredOK).on("paymentOrderBinding.do", payOK).on("getOrderStatusExtended.do", denied)
	_, err = b.client(ProtocolLegacy).Charge(ctx, r)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
	assert.ErrorContains(t, err, "FindByOrder")
	b = newBank(t).on("register.do", registeredOK).on("paymentOrderBinding.do", `{"errorCode":2,"errorMessage":"Связка не найдена"}`)
	_, err = b.client(ProtocolLegacy).Charge(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrNotFound)

	// The order's own answer is lost.
	same := strings.Replace(pending(), "154990", "29900", 1)
	b = newBank(t).onAnswer("register.do", lost).on("paymentOrderBinding.do", payOK).on("getOrderStatusExtended.do", same, paid())
	_, err = b.client(ProtocolLegacy).Charge(ctx, r)
	require.NoError(t, err)
	assert.Len(t, b.calls("register.do"), 1)
	b = newBank(t).onAnswer("register.do", lost, ok(registeredOK)).on("paymentOrderBinding.do", payOK).on("getOrderStatusExtended.do", notFound, paid())
	_, err = b.client(ProtocolLegacy).Charge(ctx, r)
	require.NoError(t, err)
	b = newBank(t).on("register.do", duplicate).on("getOrderStatusExtended.do", paid())
	_, err = b.client(ProtocolLegacy).Charge(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.Empty(t, b.calls("paymentOrderBinding.do"))
}

func TestChargeOfASubscription(t *testing.T) {
	ctx := context.Background()
	r := charge()
	r.Token = "sbp:c0ffee00c0ffee00c0ffee00c0ffee00:100000000111"
	_, err := newBank(t).client(ProtocolJSON).Charge(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrInvalid, "it needs a description")
	r.Description = "Подписка, март"
	_, err = newBank(t).client(ProtocolLegacy).Charge(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	b := newBank(t).on("register.do", registeredOK).on("paymentOrderBySubscription", `{"errorCode":"0"}`).on("getOrderStatusExtended.do", strings.Replace(pending(), "-100", "-99", 1))
	p, err := b.client(ProtocolJSON).Charge(ctx, r)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPending, p.Status)
	assert.Equal(t, map[string]any{"userName": "shop417", "password": "Secret-Password-18", "orderId": id, "subscriptionId": "c0ffee00c0ffee00c0ffee00c0ffee00", "memberId": "100000000111"}, members(t, b.last("paymentOrderBySubscription").body))
	b = newBank(t).on("register.do", registeredOK).on("paymentOrderBySubscription", `{"errorCode":"0"}`).on("getOrderStatusExtended.do", declinedOrder("-5031"))
	_, err = b.client(ProtocolJSON).Charge(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrDeclined)
	b = newBank(t).on("register.do", registeredOK).on("paymentOrderBySubscription", denied)
	_, err = b.client(ProtocolJSON).Charge(ctx, r)
	assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	b = newBank(t).on("register.do", registeredOK).onAnswer("paymentOrderBySubscription", lost).on("getOrderStatusExtended.do", denied)
	_, err = b.client(ProtocolJSON).Charge(ctx, r)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
}

func TestDeleteToken(t *testing.T) {
	ctx := context.Background()
	require.NoError(t, newBank(t).on("unbindCard.do", done).client(ProtocolJSON).DeleteToken(ctx, "b"))
	require.NoError(t, newBank(t).on("unBindCard.do", `{"errorCode":"2","errorMessage":"Binging isn't active"}`).client(ProtocolLegacy).DeleteToken(ctx, "b"), "forgotten already")
	assert.ErrorIs(t, newBank(t).on("unbindCard.do", denied).client(ProtocolJSON).DeleteToken(ctx, "b"), acquiring.ErrUnauthorized)
	assert.ErrorIs(t, newBank(t).client(ProtocolJSON).DeleteToken(ctx, "sbp:a:b"), acquiring.ErrUnsupported)
	assert.ErrorIs(t, newBank(t).client(ProtocolJSON).DeleteToken(ctx, ""), acquiring.ErrInvalid)
}

func TestList(t *testing.T) {
	ctx := context.Background()
	page := func(total string, orders ...string) string {
		return `{"errorCode":0,"orderStatuses":[` + strings.Join(orders, ",") + `],"totalCount":` + total + `}`
	}
	b := newBank(t).on("getLastOrdersForMerchants.do", page("3", paid(), held()), page("3", pending()))
	conf := b.config(ProtocolJSON)
	c, err := NewLegacy(conf)
	require.NoError(t, err)
	var got []acquiring.Status
	from := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for p, err := range c.Payments(ctx, acquiring.Filter{From: from, To: from.AddDate(0, 0, 7)}) {
		require.NoError(t, err)
		got = append(got, p.Status)
	}
	assert.Equal(t, []acquiring.Status{acquiring.StatusPaid, acquiring.StatusAuthorized, acquiring.StatusPending}, got)
	wantForm(t, "last_orders.form", b.calls("getLastOrdersForMerchants.do")[0])
	assert.Len(t, b.asked, 2)

	count := 0
	for range c.Payments(ctx, acquiring.Filter{From: from, To: from.Add(time.Hour)}) {
		count++
	}
	assert.Zero(t, count, "outside of the time asked for")
	b = newBank(t).on("getLastOrdersForMerchants.do", page("2", paid(), held()))
	conf.BaseURL = b.URL
	c, err = NewLegacy(conf)
	require.NoError(t, err)
	for p, err := range c.Payments(ctx, acquiring.Filter{Statuses: []acquiring.Status{acquiring.StatusAuthorized}}) {
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusAuthorized, p.Status)
		count++
	}
	assert.Equal(t, 1, count)
	for range c.Payments(ctx, acquiring.Filter{Limit: 1}) {
		count++
	}
	assert.Equal(t, 2, count)
	for range c.Payments(ctx, acquiring.Filter{}) {
		break
	}
	b = newBank(t).on("getLastOrdersForMerchants.do", denied)
	conf.BaseURL = b.URL
	c, err = NewLegacy(conf)
	require.NoError(t, err)
	for _, err := range c.Payments(ctx, acquiring.Filter{}) {
		assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	}
	conf.UserName = ""
	_, err = NewLegacy(conf)
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	var client any = b.client(ProtocolJSON)
	_, lists := client.(acquiring.Lister)
	assert.False(t, lists, "a client of the new gateway does not claim to list")
}

func TestBindings(t *testing.T) {
	ctx := context.Background()
	list, err := newBank(t).on("getBindings.do", `{"errorCode":"2","errorMessage":"Информация не найдена."}`).client(ProtocolLegacy).GetBindings(ctx, BindingsRequest{ClientID: "u"})
	require.NoError(t, err)
	assert.Empty(t, list)
	list, err = newBank(t).on("getBindings.do", `{"errorCode":"0","bindings":[{"bindingId":156456146,"maskedPan":"5555555****5599","expiryDate":201901}]}`).client(ProtocolLegacy).GetBindings(ctx, BindingsRequest{ClientID: "u"})
	require.NoError(t, err)
	assert.Equal(t, "156456146", list[0].ID.String())
	_, err = newBank(t).on("getBindings.do", denied).client(ProtocolJSON).GetBindings(ctx, BindingsRequest{ClientID: "u"})
	assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
}
