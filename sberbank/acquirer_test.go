package sberbank

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
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

func plainInvoice() acquiring.InvoiceRequest {
	return acquiring.InvoiceRequest{OrderID: "CRM-1", Amount: money.RUB(1549, 90), ReturnURL: "https://crm.example/ok"}
}

func TestInvoiceIsCheckedBeforeItIsSent(t *testing.T) {
	b := newBank(t)
	for _, p := range []Protocol{ProtocolJSON, ProtocolLegacy} {
		c := b.client(p)
		for field, change := range map[string]func(*acquiring.InvoiceRequest){
			"OrderID":          func(r *acquiring.InvoiceRequest) { r.OrderID = strings.Repeat("9", 37) },
			"OrderID ":         func(r *acquiring.InvoiceRequest) { r.OrderID = "" },
			"OrderID  ":        func(r *acquiring.InvoiceRequest) { r.OrderID = "order—7" },
			"OrderID   ":       func(r *acquiring.InvoiceRequest) { r.OrderID = "7;status;1" },
			"Amount":           func(r *acquiring.InvoiceRequest) { r.Amount = 0 },
			"Amount ":          func(r *acquiring.InvoiceRequest) { r.Amount = -5 },
			"Amount  ":         func(r *acquiring.InvoiceRequest) { r.Amount = 1_000_000_000_000 },
			"Currency":         func(r *acquiring.InvoiceRequest) { r.Currency = "EUR" },
			"ReturnURL":        func(r *acquiring.InvoiceRequest) { r.ReturnURL = "" },
			"ReturnURL ":       func(r *acquiring.InvoiceRequest) { r.ReturnURL = "crm.example/ok" },
			"ReturnURL  ":      func(r *acquiring.InvoiceRequest) { r.ReturnURL = "https://магазин.рф/ok" },
			"FailURL":          func(r *acquiring.InvoiceRequest) { r.FailURL = "https://crm.example/" + strings.Repeat("x", 2048) },
			"CallbackURL":      func(r *acquiring.InvoiceRequest) { r.CallbackURL = "https://crm.example/" + strings.Repeat("x", 512) },
			"Language":         func(r *acquiring.InvoiceRequest) { r.Language = "de" },
			"Customer.ID":      func(r *acquiring.InvoiceRequest) { r.Customer.ID = "Иван" },
			"Customer.Email":   func(r *acquiring.InvoiceRequest) { r.Customer.Email = "нет" },
			"Customer.Phone":   func(r *acquiring.InvoiceRequest) { r.Customer.Phone = "8 (916) 123" },
			"TTL":              func(r *acquiring.InvoiceRequest) { r.TTL = time.Millisecond },
			"Metadata[qrType]": func(r *acquiring.InvoiceRequest) { r.Metadata = map[string]string{"qrType": "x"} },
			"Metadata[a]":      func(r *acquiring.InvoiceRequest) { r.Metadata = map[string]string{"a": strings.Repeat("x", 1025)} },
			"Extra[amount]":    func(r *acquiring.InvoiceRequest) { r.Extra = map[string]string{"amount": "1"} },
			"Receipt":          func(r *acquiring.InvoiceRequest) { r.Receipt = teaReceipt() },
		} {
			r := plainInvoice()
			change(&r)
			_, err := c.CreateInvoice(context.Background(), r)
			var e *acquiring.Error
			require.ErrorAs(t, err, &e, field)
			assert.ErrorIs(t, err, acquiring.ErrInvalid, field)
			assert.Equal(t, strings.TrimSpace(field), e.Field)
			assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
			assert.Equal(t, "sberbank", e.Provider)
		}
	}
	assert.Empty(t, b.asked)
	r := plainInvoice()
	r.OrderID = strings.Repeat("9", 33)
	_, err := b.client(ProtocolLegacy).CreateInvoice(context.Background(), r)
	assert.ErrorIs(t, err, acquiring.ErrInvalid, "the legacy gateway takes 32")
	var e *acquiring.Error
	r = plainInvoice()
	r.Metadata = map[string]string{"a": strings.Repeat("ы", 600), "b": strings.Repeat("ы", 500)}
	_, err = b.client(ProtocolLegacy).CreateInvoice(context.Background(), r)
	require.ErrorAs(t, err, &e, "the legacy gateway takes 1024 characters of jsonParams")
	assert.Equal(t, "Metadata", e.Field)
	r = plainInvoice()
	r.Methods, r.TTL = []acquiring.Method{acquiring.MethodSBP}, 91*24*time.Hour
	_, err = b.client(ProtocolJSON).CreateInvoice(context.Background(), r)
	require.ErrorAs(t, err, &e, "a code of SBP lives 90 days")
	assert.Equal(t, "TTL", e.Field)
	assert.Empty(t, b.asked)
	r = plainInvoice()
	r.CallbackURL = "http://crm.example/cb"
	_, err = b.client(ProtocolJSON, func(c *Config) { c.Environment = acquiring.Production }).CreateInvoice(context.Background(), r)
	assert.ErrorIs(t, err, acquiring.ErrInvalid, "production calls back https only")
}

func TestInvoiceWithHoldCallbackAndUnicode(t *testing.T) {
	b := newBank(t).on("registerPreAuth.do", registeredOK)
	r := plainInvoice()
	r.OrderID, r.Hold, r.CallbackURL = "Счёт-42/А №7", true, "https://crm.example/cb"
	r.Description = "Чай «Эрл Грей» — 2 шт… 🎁\nс доставкой"
	_, err := b.client(ProtocolJSON, func(c *Config) { c.MerchantLogin = "child"; c.Features = "FORCE_SSL" }).CreateInvoice(context.Background(), r)
	require.NoError(t, err)
	m := members(t, b.last("registerPreAuth.do").body)
	assert.Equal(t, "Счёт-42/А №7", m["orderNumber"])
	assert.Equal(t, `Чай "Эрл Грей" - 2 шт... с доставкой`, m["description"])
	assert.Equal(t, "https://crm.example/cb", m["dynamicCallbackUrl"])
	assert.Equal(t, "child", m["merchantLogin"])
	assert.Equal(t, "FORCE_SSL", m["features"])
	assert.NotContains(t, m, "language", "the page's language is the shop's")
}

func TestTokenRegistersAndNothingElse(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK)
	c := b.client(ProtocolLegacy, func(c *Config) { c.UserName, c.Password, c.Token = "", "", "tok-417" })
	_, err := c.CreateInvoice(context.Background(), plainInvoice())
	require.NoError(t, err)
	v, _ := url.ParseQuery(b.last("register.do").body)
	assert.Equal(t, "tok-417", v.Get("token"))
	assert.False(t, v.Has("userName") || v.Has("password"))
	_, err = c.GetStatus(context.Background(), id)
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "Config.UserName", e.Field)
	assert.ErrorIs(t, c.Check(context.Background()), acquiring.ErrUnsupported)
}

func TestDuplicateOrderNumber(t *testing.T) {
	for _, p := range []Protocol{ProtocolJSON, ProtocolLegacy} {
		b := newBank(t).on("register.do", duplicate).on("getOrderStatusExtended.do", pending())
		_, err := b.client(p).CreateInvoice(context.Background(), plainInvoice())
		var e *acquiring.Error
		require.ErrorAs(t, err, &e)
		assert.ErrorIs(t, err, acquiring.ErrDuplicate)
		assert.Equal(t, acquiring.OutcomeRejected, e.Outcome)
		assert.Contains(t, e.Hint, id)
		assert.Contains(t, e.Hint, "Attempt")
		assert.Len(t, b.calls("register.do"), 1)
	}
	b := newBank(t).on("register.do", duplicate).on("getOrderStatusExtended.do", denied)
	_, err := b.client(ProtocolJSON).CreateInvoice(context.Background(), plainInvoice())
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.ErrorContains(t, err, "the number is taken")
}

func TestLostRegistrationIsFoundOut(t *testing.T) {
	ctx := context.Background()
	t.Run("it never arrived", func(t *testing.T) {
		b := newBank(t).onAnswer("register.do", lost, ok(registeredOK)).on("getOrderStatusExtended.do", notFound)
		inv, err := b.client(ProtocolJSON).CreateInvoice(ctx, plainInvoice())
		require.NoError(t, err)
		assert.NotEmpty(t, inv.PayURL)
		calls := b.calls("register.do")
		require.Len(t, calls, 2)
		assert.Equal(t, calls[0].body, calls[1].body)
		assert.Equal(t, calls[0].header.Get("x-idempotencyKey"), calls[1].header.Get("x-idempotencyKey"))
		assert.Equal(t, "CRM-1", members(t, b.last("getOrderStatusExtended.do").body)["orderNumber"])
	})
	t.Run("it arrived, and the gateway keeps first answers", func(t *testing.T) {
		b := newBank(t).onAnswer("register.do", answer{status: 502, body: "<html>Bad Gateway"}, ok(registeredOK)).on("getOrderStatusExtended.do", pending())
		inv, err := b.client(ProtocolJSON).CreateInvoice(ctx, plainInvoice())
		require.NoError(t, err)
		assert.Equal(t, acquiring.PaymentID(id), inv.ID)
	})
	t.Run("it arrived, and its page is lost", func(t *testing.T) {
		b := newBank(t).onAnswer("register.do", lost, ok(duplicate)).on("getOrderStatusExtended.do", pending())
		_, err := b.client(ProtocolLegacy).CreateInvoice(ctx, plainInvoice())
		assert.ErrorIs(t, err, acquiring.ErrDuplicate)
		assert.ErrorContains(t, err, "may be this very request")
		assert.ErrorContains(t, err, id)
	})
	t.Run("a cut answer", func(t *testing.T) {
		b := newBank(t).on("register.do", registeredOK[:50], duplicate).on("getOrderStatusExtended.do", pending())
		_, err := b.client(ProtocolJSON).CreateInvoice(ctx, plainInvoice())
		assert.ErrorIs(t, err, acquiring.ErrDuplicate)
	})
	t.Run("nothing can be learned", func(t *testing.T) {
		b := newBank(t).onAnswer("register.do", lost).on("getOrderStatusExtended.do", denied)
		_, err := b.client(ProtocolJSON).CreateInvoice(ctx, plainInvoice())
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
		assert.Len(t, b.calls("register.do"), 1, "access denied decides nothing")
	})
	t.Run("it is lost twice", func(t *testing.T) {
		b := newBank(t).onAnswer("register.do", lost, lost).on("getOrderStatusExtended.do", pending())
		_, err := b.client(ProtocolJSON).CreateInvoice(ctx, plainInvoice())
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
	})
	t.Run("the context ended", func(t *testing.T) {
		gone, cancel := context.WithCancel(ctx)
		cancel()
		b := newBank(t).on("register.do", registeredOK)
		_, err := b.client(ProtocolJSON).CreateInvoice(gone, plainInvoice())
		assert.ErrorIs(t, err, context.Canceled)
		assert.Empty(t, b.asked)
	})
}

func TestStatusAndFinder(t *testing.T) {
	b := newBank(t).on("getOrderStatusExtended.do", paid())
	c := b.client(ProtocolJSON)
	p, err := c.GetStatus(context.Background(), id)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPaid, p.Status)
	assert.True(t, p.Test)
	assert.Equal(t, map[string]any{"userName": "shop417", "password": "Secret-Password-18", "orderId": id, "language": "ru"}, members(t, b.last("getOrderStatusExtended.do").body))
	p, err = c.FindByOrder(context.Background(), "CRM-1")
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(id), p.ID)
	_, err = c.FindByOrder(context.Background(), strings.Repeat("9", 40))
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	_, err = c.GetStatus(context.Background(), "")
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	for _, body := range []string{notFound, `{"errorCode":"5","errorMessage":"Заказ не найден"}`, `{"errorCode":9,"errorMessage":"Неверныий номер заказа"}`} {
		_, err = newBank(t).on("getOrderStatusExtended.do", body).client(ProtocolJSON).GetStatus(context.Background(), id)
		assert.ErrorIs(t, err, acquiring.ErrNotFound, body)
	}
}

func TestSubscriptionIsAToken(t *testing.T) {
	b := newBank(t).on("getOrderStatusExtended.do", `{"errorCode":"0","orderNumber":"S","orderStatus":2,"amount":0,"currency":"643","attributes":[{"name":"mdOrder","value":"`+id+`"},{"name":"subscriptionId","value":"c0ffee"},{"name":"memberId","value":"100000000111"}]}`)
	p, err := b.client(ProtocolJSON).GetStatus(context.Background(), id)
	require.NoError(t, err)
	assert.Zero(t, p.Captured, "nothing was paid")
	assert.Equal(t, "sbp:c0ffee:100000000111", p.Card.Token)
}

func TestRefundHasItsKey(t *testing.T) {
	b := newBank(t).on("refund.do", done)
	c := b.client(ProtocolJSON)
	r := acquiring.RefundRequest{ID: id, Key: "ref-417-1", Amount: money.RUB(500, 0)}
	ref, err := c.Refund(context.Background(), r)
	require.NoError(t, err)
	assert.Equal(t, acquiring.RefundDone, ref.Status)
	assert.Equal(t, "ref-417-1", ref.ID)
	wantJSON(t, "refund.json", b.last("refund.do"))
	assert.Len(t, b.asked, 1, "a named sum needs no look")

	b = newBank(t).on("refund.do", `{"errorCode":"0","errorMessage":"Запрос принят в обработку"}`)
	ref, err = b.client(ProtocolJSON).Refund(context.Background(), r)
	require.NoError(t, err)
	assert.Equal(t, acquiring.RefundPending, ref.Status)

	for _, bad := range []acquiring.RefundRequest{{}, {ID: id}, {ID: id, Key: strings.Repeat("k", 37)}, {ID: id, Key: "a b"}, {ID: id, Key: "k", Amount: -1}, {ID: id, Key: "k", Amount: rbs.MaxAmount + 1}} {
		_, err = c.Refund(context.Background(), bad)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
	}
	_, err = b.client(ProtocolLegacy).Refund(context.Background(), acquiring.RefundRequest{ID: id, Key: "k", Amount: 99})
	assert.ErrorIs(t, err, acquiring.ErrInvalid, "less than a ruble")
}

func TestRefundOfAllThatIsLeft(t *testing.T) {
	for name, amounts := range map[string]string{
		"deposited stays":   `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":54990`,
		"deposited shrinks": `"approvedAmount":154990,"depositedAmount":100000,"refundedAmount":54990`,
	} {
		b := newBank(t).on("refund.do", done).on("getOrderStatusExtended.do", orderJSON(4, amounts, ""))
		ref, err := b.client(ProtocolJSON).Refund(context.Background(), acquiring.RefundRequest{ID: id, Key: "k"})
		require.NoError(t, err, name)
		assert.Equal(t, money.RUB(1000, 0), ref.Amount, name)
		assert.EqualValues(t, 100000, members(t, b.last("refund.do").body)["amount"], name)
	}
	for name, body := range map[string]string{"held": held(), "pending": pending(), "given back": orderJSON(4, `"approvedAmount":154990,"depositedAmount":0,"refundedAmount":154990`, ""),
		"bonuses": orderJSON(2, `"approvedAmount":100000,"depositedAmount":100000,"refundedAmount":0`, `,"loyaltyInfo":{"paymentBonus":{"depositedAmountBonus":54990}}`)} {
		b := newBank(t).on("getOrderStatusExtended.do", body)
		_, err := b.client(ProtocolJSON).Refund(context.Background(), acquiring.RefundRequest{ID: id, Key: "k"})
		assert.ErrorIs(t, err, acquiring.ErrConflict, name)
	}
}

// After a refund of a part of a partial capture the sums have two readings.
func TestRefundOfAllThatIsLeftInBothReadings(t *testing.T) {
	ctx := context.Background()
	ambiguous := orderJSON(4, `"approvedAmount":154990,"depositedAmount":100000,"refundedAmount":40000`, "")
	tooMuch := `{"errorCode":"7","errorMessage":"Общая сумма возвратов превышает сумму заказа"}`
	for _, p := range protocols {
		b := newBank(t).on("refund.do", tooMuch, done).on("getOrderStatusExtended.do", ambiguous)
		ref, err := b.client(p).Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k"})
		require.NoError(t, err)
		assert.Equal(t, money.RUB(600, 0), ref.Amount)
		b = newBank(t).on("refund.do", done).on("getOrderStatusExtended.do", ambiguous)
		ref, err = b.client(p).Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k"})
		require.NoError(t, err)
		assert.Equal(t, money.RUB(1000, 0), ref.Amount)

		// One order that proves that a refund does not lower the sum settles it.
		proof := orderJSON(4, `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":50000`, "")
		b = newBank(t).on("refund.do", done).on("getOrderStatusExtended.do", proof, ambiguous)
		c := b.client(p)
		_, err = c.GetStatus(ctx, id)
		require.NoError(t, err)
		payment, err := c.GetStatus(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, money.RUB(1000, 0), payment.Captured)
		ref, err = c.Refund(ctx, acquiring.RefundRequest{ID: id, Key: "k"})
		require.NoError(t, err)
		assert.Equal(t, money.RUB(600, 0), ref.Amount)
	}
}

// The same Key never refunds twice, also when the sum was not named.
func TestRefundKeyInTheHistory(t *testing.T) {
	history := `,"operations":[{"type":"AUTHORIZATION","amount":154990,"actionCode":0},{"type":"REFUND","amount":154990,"externalRefundId":"k","actionCode":0}]`
	b := newBank(t).on("getOrderStatusExtended.do", orderJSON(4, `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":154990`, history))
	ref, err := b.client(ProtocolJSON).Refund(context.Background(), acquiring.RefundRequest{ID: id, Key: "k"})
	require.NoError(t, err)
	assert.Equal(t, money.RUB(1549, 90), ref.Amount)
	assert.Empty(t, b.calls("refund.do"))
	_, err = b.client(ProtocolLegacy).Refund(context.Background(), acquiring.RefundRequest{ID: id, Key: "k", Amount: 500})
	assert.ErrorIs(t, err, acquiring.ErrConflict, "the key belongs to another sum")
	assert.Empty(t, b.calls("refund.do"))
}

func TestLostRefund(t *testing.T) {
	ctx := context.Background()
	r := acquiring.RefundRequest{ID: id, Key: "k", Amount: money.RUB(500, 0)}
	after := orderJSON(4, `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":50000`, "")
	withKey := orderJSON(4, `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":50000`, `,"operations":[{"type":"REFUND","amount":50000,"externalRefundId":"k","actionCode":0}]`)
	t.Run("new: the key makes it repeatable", func(t *testing.T) {
		b := newBank(t).onAnswer("refund.do", lost, ok(done))
		_, err := b.client(ProtocolJSON).Refund(ctx, r)
		require.NoError(t, err)
		calls := b.calls("refund.do")
		require.Len(t, calls, 2)
		assert.Equal(t, calls[0].body, calls[1].body, "the bank compares the whole body")
	})
	t.Run("new: found by its key", func(t *testing.T) {
		b := newBank(t).onAnswer("refund.do", answer{status: 200, body: "<html>"}).on("getOrderStatusExtended.do", withKey)
		ref, err := b.client(ProtocolJSON).Refund(ctx, r)
		require.NoError(t, err)
		assert.Equal(t, acquiring.RefundDone, ref.Status)
	})
	t.Run("legacy: the sum has grown", func(t *testing.T) {
		b := newBank(t).onAnswer("refund.do", lost).on("getOrderStatusExtended.do", paid(), after)
		ref, err := b.client(ProtocolLegacy).Refund(ctx, r)
		require.NoError(t, err)
		assert.Equal(t, money.RUB(500, 0), ref.Amount)
		assert.Len(t, b.calls("refund.do"), 1)
	})
	t.Run("legacy: the sum is unchanged", func(t *testing.T) {
		b := newBank(t).onAnswer("refund.do", lost, ok(`{"errorCode":0}`)).on("getOrderStatusExtended.do", paid())
		_, err := b.client(ProtocolLegacy).Refund(ctx, r)
		require.NoError(t, err)
		assert.Len(t, b.calls("refund.do"), 2)
	})
	t.Run("legacy: SBP has not done it yet", func(t *testing.T) {
		b := newBank(t).onAnswer("refund.do", lost, ok(`{"errorCode":0}`)).on("getOrderStatusExtended.do", paid(), strings.Replace(paid(), `"actionCode":0`, `"actionCode":-99`, 1))
		_, err := b.client(ProtocolLegacy).Refund(ctx, r)
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
		assert.Len(t, b.calls("refund.do"), 1, "a second call could give the money back twice")
	})
	t.Run("legacy: answers without sums", func(t *testing.T) {
		b := newBank(t).onAnswer("refund.do", lost, ok(`{"errorCode":0}`)).on("getOrderStatusExtended.do", orderJSON(2, "", ""), orderJSON(4, "", ""))
		_, err := b.client(ProtocolLegacy).Refund(ctx, r)
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
		assert.Len(t, b.calls("refund.do"), 1, "that nothing is seen to have grown is no proof")
		b = newBank(t).onAnswer("refund.do", lost, ok(`{"errorCode":0}`)).on("getOrderStatusExtended.do", orderJSON(2, "", ""))
		_, err = b.client(ProtocolLegacy).Refund(ctx, r)
		require.NoError(t, err, "any refund moves the order's state: there was none")
	})
	t.Run("legacy: another sum", func(t *testing.T) {
		b := newBank(t).onAnswer("refund.do", lost).on("getOrderStatusExtended.do", paid(), orderJSON(4, `"approvedAmount":154990,"depositedAmount":154990,"refundedAmount":70000`, ""))
		_, err := b.client(ProtocolLegacy).Refund(ctx, r)
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
		assert.Len(t, b.calls("refund.do"), 1)
	})
	t.Run("new: the repeated call finds the order locked by the first", func(t *testing.T) {
		locked := ok(`{"errorCode":"5","errorMessage":"Заказ заблокирован другим действием"}`)
		b := newBank(t).onAnswer("refund.do", answer{status: 502}, locked, ok(done)).on("getOrderStatusExtended.do", paid())
		_, err := b.client(ProtocolJSON).Refund(ctx, r)
		require.NoError(t, err)
		calls := b.calls("refund.do")
		require.Len(t, calls, 3)
		assert.Equal(t, calls[0].body, calls[2].body)
		b = newBank(t).onAnswer("refund.do", answer{status: 502}, locked).on("getOrderStatusExtended.do", paid())
		_, err = b.client(ProtocolJSON).Refund(ctx, r)
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
		assert.ErrorContains(t, err, "the same Key")
	})
	t.Run("legacy: the first call arrives beside the second", func(t *testing.T) {
		over := ok(`{"errorCode":"7","errorMessage":"Общая сумма возвратов превышает сумму заказа"}`)
		b := newBank(t).onAnswer("refund.do", lost, over).on("getOrderStatusExtended.do", paid(), paid(), after)
		ref, err := b.client(ProtocolLegacy).Refund(ctx, r)
		require.NoError(t, err)
		assert.Equal(t, money.RUB(500, 0), ref.Amount)
		b = newBank(t).onAnswer("refund.do", lost, over).on("getOrderStatusExtended.do", paid())
		_, err = b.client(ProtocolLegacy).Refund(ctx, r)
		assert.ErrorIs(t, err, acquiring.ErrConflict)
		b = newBank(t).onAnswer("refund.do", lost, answer{status: 429}).on("getOrderStatusExtended.do", paid())
		_, err = b.client(ProtocolLegacy).Refund(ctx, r)
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), "the second call was refused, not the first")
	})
	t.Run("nothing can be learned", func(t *testing.T) {
		b := newBank(t).onAnswer("refund.do", answer{status: 200, body: ""}).on("getOrderStatusExtended.do", denied)
		_, err := b.client(ProtocolJSON).Refund(ctx, r)
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
		assert.ErrorContains(t, err, "the same Key")
	})
}

func TestRefundReceiptKeepsThePositions(t *testing.T) {
	bundle := `,"orderBundle":{"cartItems":{"items":[{"positionId":"1","itemCode":"SKU-1","name":"Чай"},{"positionId":2,"itemCode":"DLV","name":"Доставка"}]}}`
	b := newBank(t).on("refund.do", done).on("getOrderStatusExtended.do", orderJSON(2, `"approvedAmount":79950,"depositedAmount":79950,"refundedAmount":0`, bundle))
	back := teaReceipt()
	back.Type, back.Lines = fiscal.SaleReturn, back.Lines[1:]
	r := acquiring.RefundRequest{ID: id, Key: "ref-417-1", Amount: money.RUB(199, 50), Receipt: back}
	_, err := b.client(ProtocolJSON).Refund(context.Background(), r)
	require.NoError(t, err)
	wantJSON(t, "refund_receipt.json", b.last("refund.do"))

	back.Lines[0].ID = ""
	_, err = b.client(ProtocolLegacy).Refund(context.Background(), r)
	require.NoError(t, err)
	v, _ := url.ParseQuery(b.last("refund.do").body)
	var items LegacyItems
	require.NoError(t, json.Unmarshal([]byte(v.Get("refundItems")), &items))
	assert.Equal(t, "2", items.Items[0].PositionID)
	assert.Equal(t, "DLV", items.Items[0].ItemCode)

	sale := teaReceipt()
	sale.Lines = sale.Lines[1:]
	_, err = b.client(ProtocolJSON).Refund(context.Background(), acquiring.RefundRequest{ID: id, Key: "k", Amount: money.RUB(199, 50), Receipt: sale})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	assert.ErrorContains(t, err, "SaleReturn")
	_, err = b.client(ProtocolJSON).Refund(context.Background(), acquiring.RefundRequest{ID: id, Key: "k", Receipt: back})
	assert.ErrorIs(t, err, acquiring.ErrInvalid, "the whole sum is left, the receipt is for a part")
}

func TestCapture(t *testing.T) {
	ctx := context.Background()
	for name, r := range map[string]acquiring.CaptureRequest{"a part": {ID: id, Amount: money.RUB(1200, 0)}, "all": {ID: id}} {
		want := r.Amount
		if want == 0 {
			want = money.RUB(1549, 90)
		}
		taken := orderJSON(2, `"approvedAmount":154990,"depositedAmount":`+want.Minor()+`,"refundedAmount":0`, "")
		for _, p := range []Protocol{ProtocolJSON, ProtocolLegacy} {
			b := newBank(t).on("deposit.do", done).on("getOrderStatusExtended.do", held(), taken)
			after, err := b.client(p).Capture(ctx, r)
			require.NoError(t, err, name)
			assert.Equal(t, want, after.Captured, name)
			assert.Contains(t, b.last("deposit.do").body, want.Minor(), "the real sum is sent, not 0")
		}
	}
	for name, body := range map[string]string{"paid": paid(), "pending": pending()} {
		b := newBank(t).on("getOrderStatusExtended.do", body)
		_, err := b.client(ProtocolJSON).Capture(ctx, acquiring.CaptureRequest{ID: id})
		assert.ErrorIs(t, err, acquiring.ErrConflict, name)
	}
	b := newBank(t).on("getOrderStatusExtended.do", held())
	_, err := b.client(ProtocolJSON).Capture(ctx, acquiring.CaptureRequest{ID: id, Amount: money.RUB(2000, 0)})
	assert.ErrorIs(t, err, acquiring.ErrInvalid, "more than is held")
	_, err = b.client(ProtocolJSON).Capture(ctx, acquiring.CaptureRequest{})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)

	b = newBank(t).onAnswer("deposit.do", lost, ok(done)).on("getOrderStatusExtended.do", held(), held(), paid())
	_, err = b.client(ProtocolJSON).Capture(ctx, acquiring.CaptureRequest{ID: id})
	require.NoError(t, err)
	assert.Len(t, b.calls("deposit.do"), 2, "still held: asked again")
	b = newBank(t).onAnswer("deposit.do", lost).on("getOrderStatusExtended.do", held(), paid())
	_, err = b.client(ProtocolJSON).Capture(ctx, acquiring.CaptureRequest{ID: id})
	require.NoError(t, err)
	assert.Len(t, b.calls("deposit.do"), 1, "taken: not asked again")
	b = newBank(t).on("deposit.do", done).on("getOrderStatusExtended.do", held(), denied)
	after, err := b.client(ProtocolJSON).Capture(ctx, acquiring.CaptureRequest{ID: id})
	require.NoError(t, err, "the money is taken whatever the look at it says")
	assert.Equal(t, money.RUB(1549, 90), after.Captured)

	part := teaReceipt()
	held2 := orderJSON(1, `"approvedAmount":79950,"depositedAmount":0,"refundedAmount":0`, "")
	for _, p := range []Protocol{ProtocolJSON, ProtocolLegacy} {
		b = newBank(t).on("deposit.do", done).on("getOrderStatusExtended.do", held2)
		_, err = b.client(p).Capture(ctx, acquiring.CaptureRequest{ID: id, Amount: money.RUB(799, 50), Receipt: part})
		require.NoError(t, err)
		assert.Regexp(t, "orderBundle|depositItems", b.last("deposit.do").body)
	}
}

func TestVoidAndCancel(t *testing.T) {
	ctx := context.Background()
	voided := orderJSON(3, `"approvedAmount":0,"depositedAmount":0,"refundedAmount":0`, "")
	b := newBank(t).on("reverse.do", done).on("getOrderStatusExtended.do", held(), voided)
	p, err := b.client(ProtocolJSON).Void(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusVoided, p.Status)
	b = newBank(t).on("getOrderStatusExtended.do", voided)
	_, err = b.client(ProtocolJSON).Void(ctx, id)
	require.NoError(t, err, "released already")
	b = newBank(t).on("getOrderStatusExtended.do", paid())
	_, err = b.client(ProtocolJSON).Void(ctx, id)
	assert.ErrorIs(t, err, acquiring.ErrConflict)
	b = newBank(t).onAnswer("reverse.do", lost).on("getOrderStatusExtended.do", held(), voided)
	_, err = b.client(ProtocolLegacy).Void(ctx, id)
	require.NoError(t, err, "lost, and found to be done")
	b = newBank(t).onAnswer("reverse.do", lost).on("getOrderStatusExtended.do", held())
	_, err = b.client(ProtocolLegacy).Void(ctx, id)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
	b = newBank(t).on("reverse.do", done).on("getOrderStatusExtended.do", held(), denied)
	p, err = b.client(ProtocolJSON).Void(ctx, id)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusVoided, p.Status)

	wrong := `{"errorCode":"5","errorMessage":"Неверный статус заказа"}`
	require.NoError(t, newBank(t).on("decline.do", done).client(ProtocolJSON).Cancel(ctx, id))
	declined := strings.Replace(orderJSON(6, "", ""), `"actionCode":0`, `"actionCode":-100`, 1)
	require.NoError(t, newBank(t).on("decline.do", wrong).on("getOrderStatusExtended.do", declined).client(ProtocolJSON).Cancel(ctx, id), "withdrawn already")
	assert.ErrorIs(t, newBank(t).on("decline.do", wrong).on("getOrderStatusExtended.do", paid()).client(ProtocolJSON).Cancel(ctx, id), acquiring.ErrConflict)
	assert.ErrorIs(t, newBank(t).on("decline.do", notFound).client(ProtocolJSON).Cancel(ctx, id), acquiring.ErrNotFound)
	assert.ErrorIs(t, newBank(t).on("decline.do", wrong).on("getOrderStatusExtended.do", denied).client(ProtocolJSON).Cancel(ctx, id), acquiring.ErrConflict)
	assert.ErrorIs(t, newBank(t).client(ProtocolJSON).Cancel(ctx, ""), acquiring.ErrInvalid)
}

func TestQR(t *testing.T) {
	ctx := context.Background()
	code := strings.TrimSuffix(registeredOK, "}") + `,"externalParams":{"qrcId":"AD10","sbpPayload":"https://qr.nspk.ru/AD10?type=02"}}`
	b := newBank(t).on("register.do", code)
	qr, err := b.client(ProtocolJSON).CreateQR(ctx, plainInvoice())
	require.NoError(t, err)
	assert.Equal(t, "https://qr.nspk.ru/AD10?type=02", qr.Payload)
	assert.Equal(t, acquiring.PaymentID(id), qr.PaymentID)
	assert.Equal(t, map[string]any{"qrType": "DYNAMIC_QR_SBP", "sbp.scenario": "C2B"}, members(t, b.last("register.do").body)["jsonParams"])
	_, err = newBank(t).on("register.do", registeredOK).client(ProtocolJSON).CreateQR(ctx, plainInvoice())
	assert.ErrorIs(t, err, acquiring.ErrUnsupported)

	b = newBank(t).on("register.do", registeredOK).on("get.do", `{"errorCode":"0","qrId":"AD11","payload":"https://qr.nspk.ru/AD11","renderedQr":"iVBORw0KGgo="}`)
	qr, err = b.client(ProtocolLegacy).CreateQR(ctx, plainInvoice())
	require.NoError(t, err)
	assert.Equal(t, "image/png", qr.ImageType)
	assert.Equal(t, "\x89PNG\r\n\x1a\n", string(qr.Image))
	_, err = newBank(t).on("register.do", registeredOK).on("get.do", denied).client(ProtocolLegacy).CreateQR(ctx, plainInvoice())
	assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
}

// What Extra asks for is sent as it is: a payment that makes a subscription too.
func TestQRThatSubscribes(t *testing.T) {
	b := newBank(t).on("register.do", strings.Replace(registeredOK, `"formUrl"`, `"externalParams":{"qrcId":"AD1","sbpPayload":"https://qr.nspk.ru/AD1"},"formUrl"`, 1))
	r := plainInvoice()
	r.Extra = map[string]string{"jsonParams.sbp.scenario": "C2B_SUBSCRIPTION_WITH_PAYMENT", "jsonParams.sbp.subscriptionPurpose": "Абонемент"}
	_, err := b.client(ProtocolJSON).CreateQR(context.Background(), r)
	require.NoError(t, err)
	assert.Equal(t, map[string]any{"qrType": "DYNAMIC_QR_SBP", "sbp.scenario": "C2B_SUBSCRIPTION_WITH_PAYMENT", "sbp.subscriptionPurpose": "Абонемент"},
		members(t, b.last("register.do").body)["jsonParams"])
}

func TestCheck(t *testing.T) {
	ctx := context.Background()
	for _, p := range []Protocol{ProtocolJSON, ProtocolLegacy} {
		require.NoError(t, newBank(t).on("getOrderStatusExtended.do", notFound).client(p).Check(ctx))
		err := newBank(t).on("getOrderStatusExtended.do", denied).client(p).Check(ctx)
		assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
		assert.ErrorContains(t, err, "-operator")
		assert.Error(t, newBank(t).client(p).Check(ctx), "a wrong address is no success")
	}
}

func TestRefusalsAreClassified(t *testing.T) {
	for _, tt := range []struct {
		op, code, message string
		kind              error
	}{
		{"register.do", "1", "Заказ с таким номером уже обработан", acquiring.ErrDuplicate},
		{"register.do", "1", "Заказ с таким номером уже зарегистрирован, но не оплачен", acquiring.ErrDuplicate},
		{"register.do", "1", "Неверный номер заказа", acquiring.ErrInvalid},
		{"paymentOrderBinding.do", "1", "Заказ не может быть оплачен данной связкой", acquiring.ErrConflict},
		{"unbindCard.do", "2", "Binding isn't active", acquiring.ErrConflict},
		{"paymentOrderBinding.do", "2", "Связка не найдена", acquiring.ErrNotFound},
		{"register.do", "3", "Неизвестная валюта", acquiring.ErrInvalid},
		{"refund.do", "5", "Доступ запрещён", acquiring.ErrUnauthorized},
		{"refund.do", "5", "Access denied", acquiring.ErrUnauthorized},
		{"register.do", "5", "[userName] or [password] or [token] is empty", acquiring.ErrUnauthorized},
		{"register.do", "5", "Пользователь должен сменить свой пароль", acquiring.ErrUnauthorized},
		{"deposit.do", "5", "Сумма завершения превышает сумму холдирования", acquiring.ErrConflict},
		{"decline.do", "5", "Неверный статус заказа", acquiring.ErrConflict},
		{"reverse.do", "5", "Нельзя провести частичную отмену более одного раза", acquiring.ErrConflict},
		{"paymentOrder.do", "5", "Превышено допустимое количество попыток оплаты", acquiring.ErrDeclined},
		{"refund.do", "5", "Заказ заблокирован другим действием", acquiring.ErrUnavailable},
		{"paymentOrder.do", "5", "Платёж отклонён", acquiring.ErrDeclined},
		{"register.do", "5", "Error, value of the request parameter", acquiring.ErrInvalid},
		{"refund.do", "6", "Неверный номер заказа", acquiring.ErrNotFound},
		{"updateSSLCardList.do", "6", "Номер карты уже присутствует списке", acquiring.ErrConflict},
		{"refund.do", "7", "Не найдена успешная платежная операция", acquiring.ErrConflict},
		{"refund.do", "7", "Общая сумма возвратов превышает сумму заказа", acquiring.ErrConflict},
		{"refund.do", "7", "Системная ошибка", acquiring.ErrUnavailable},
		{"register.do", "8", "Сумма корзины", acquiring.ErrInvalid},
		{"register.do", "12", "Empty amount", acquiring.ErrInvalid},
		{"register.do", "13", "Нет прав", acquiring.ErrUnauthorized},
		{"register.do", "14", "Features", acquiring.ErrInvalid},
		{"paymentOrderBinding.do", "15", "Связка деактивирована", acquiring.ErrConflict},
		{"register.do", "99", "?", acquiring.ErrInvalid},
	} {
		kind, _, _ := classify(tt.op, tt.code, tt.message)
		assert.Equal(t, tt.kind, kind, "%s %s %s", tt.op, tt.code, tt.message)
	}
	_, outcome, _ := classify("refund.do", "7", "Системная ошибка")
	assert.Equal(t, acquiring.OutcomeUnknown, outcome, "a system error says nothing of the money")
}

func TestErrorsNameTheCall(t *testing.T) {
	b := newBank(t).on("refund.do", `{"errorCode":"7","errorMessage":"Не найдена успешная платежная операция"}`)
	_, err := b.client(ProtocolJSON).Refund(context.Background(), acquiring.RefundRequest{ID: id, Key: "k", Amount: 100})
	var e *acquiring.Error
	require.True(t, errors.As(err, &e))
	assert.Equal(t, "sberbank: refund.do: Не найдена успешная платежная операция (code 7): state does not allow it; look with GetStatus: a hold is released with Void, and what was not paid is withdrawn with Cancel", e.Error())
}
