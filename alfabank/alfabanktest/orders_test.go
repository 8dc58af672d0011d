package alfabanktest

import (
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

func TestHoldAndDeposit(t *testing.T) {
	b := open(t)
	id := b.hold("H-1", "")
	refusedWith(t, b.call("deposit.do", "orderId="+id+"&amount=0"), "7", tState)
	require.NoError(t, b.Pay(id))
	assert.Equal(t, []string{"approved"}, b.heard())
	b.is(id, "1", "129900", "0", "0")
	refusedWith(t, b.call("deposit.do", "orderId="+id+"&amount=129901"), "5", tOverHold)
	refusedWith(t, b.call("deposit.do", "orderId="+id+"&amount=x"), "5", tAmount)
	refusedWith(t, b.call("deposit.do", "orderId="+id), "4", emptyText("amount"))
	refusedWith(t, b.call("deposit.do", "amount=1&orderId=none"), "6", tUnknown)
	done(t, b.call("deposit.do", "orderId="+id+"&amount=100000"))
	assert.Equal(t, []string{"deposited"}, b.heard())
	b.is(id, "2", "129900", "100000", "0")
	refusedWith(t, b.call("deposit.do", "orderId="+id+"&amount=29900"), "7", tState)
	o, _ := b.Order(id)
	assert.EqualValues(t, 29900, o.Released)

	whole := b.hold("H-2", "")
	require.NoError(t, b.Pay(whole))
	done(t, b.call("deposit.do", "orderId="+whole+"&amount=0"))
	b.is(whole, "2", "129900", "129900", "0")

	no := open(t, WithMerchant(Merchant{Off: []Right{PartialCompletion}}), WithUnknowns(Unknowns{WrongStateCode: 5}))
	id = no.hold("H-1", "")
	refusedWith(t, no.call("deposit.do", "orderId="+id+"&amount=1"), "5", tState)
	require.NoError(t, no.Pay(id))
	refusedWith(t, no.call("deposit.do", "orderId="+id+"&amount=1"), "5", tAccess)
}

func TestMultipleCompletion(t *testing.T) {
	b := open(t, WithMerchant(Merchant{On: []Right{MultipleCompletion}}))
	id := b.hold("H-1", "")
	require.NoError(t, b.Pay(id))
	done(t, b.call("deposit.do", "orderId="+id+"&amount=50000"))
	b.is(id, "8", "129900", "50000", "0")
	assert.Equal(t, "DEPOSITED", b.state(id)["paymentAmountInfo"].(obj)["paymentState"])
	refusedWith(t, b.call("deposit.do", "orderId="+id+"&amount=79901"), "5", tOverHold)
	done(t, b.call("deposit.do", "orderId="+id+"&amount=0"))
	b.is(id, "2", "129900", "129900", "0")

	part := b.hold("H-2", "")
	require.NoError(t, b.Pay(part))
	done(t, b.call("deposit.do", "orderId="+part+"&amount=50000"))
	done(t, b.call("refund.do", "orderId="+part+"&amount=20000"))
	b.is(part, "4", "129900", "30000", "20000")
	o, _ := b.Order(part)
	assert.EqualValues(t, 79900, o.Released, "nothing more is taken of the hold")

	late := b.hold("H-3", "")
	require.NoError(t, b.Pay(late))
	done(t, b.call("deposit.do", "orderId="+late+"&amount=50000"))
	b.Advance(8 * 24 * time.Hour)
	b.is(late, "2", "129900", "50000", "0")
}

func TestHoldsEndByThemselves(t *testing.T) {
	b := open(t)
	complete := b.hold("H-1", "&autocompletionDate=2025-06-03T12:00:00")
	release := b.hold("H-2", "&autoReverseDate=2025-06-03T13:00:00")
	forgotten := b.hold("H-3", "")
	for _, id := range []string{complete, release, forgotten} {
		require.NoError(t, b.Pay(id))
	}
	b.take()
	b.Advance(24 * time.Hour)
	assert.Equal(t, []string{"deposited", "reversed"}, b.heard())
	b.is(complete, "2", "129900", "129900", "0")
	b.is(release, "3", "0", "0", "0")
	b.is(forgotten, "1", "129900", "0", "0")
	b.Advance(6 * 24 * time.Hour)
	b.is(forgotten, "3", "0", "0", "0")
	assert.Equal(t, []string{"reversed"}, b.heard())
	soon := open(t, WithHoldLimit(time.Hour))
	id := soon.hold("H-1", "&autoReverseDate=2025-06-09T13:00:00")
	require.NoError(t, soon.Pay(id))
	soon.Advance(time.Hour)
	soon.is(id, "3", "0", "0", "0")
}

func TestReverse(t *testing.T) {
	b := open(t)
	held := b.hold("H-1", "")
	require.NoError(t, b.Pay(held))
	done(t, b.call("reverse.do", "orderId="+held))
	b.is(held, "3", "0", "0", "0")
	assert.Contains(t, b.state(held), "reversedDate")
	assert.Equal(t, []string{"approved", "reversed"}, b.heard())
	refusedWith(t, b.call("reverse.do", "orderId="+held), "7", tState)
	refusedWith(t, b.call("refund.do", "orderId="+held+"&amount=0"), "7", tState)

	part := b.hold("H-2", "")
	require.NoError(t, b.Pay(part))
	done(t, b.call("reverse.do", "orderId="+part+"&amount=29900"))
	b.is(part, "1", "100000", "0", "0")
	refusedWith(t, b.call("reverse.do", "orderId="+part), "7", tState)
	done(t, b.call("deposit.do", "orderId="+part+"&amount=0"))
	b.is(part, "2", "100000", "100000", "0")

	// A failed attempt uses the only one up.
	burnt := b.hold("H-3", "")
	refusedWith(t, b.call("reverse.do", "orderId="+burnt), "7", tState)
	require.NoError(t, b.Pay(burnt))
	refusedWith(t, b.call("reverse.do", "orderId="+burnt), "7", tState)
	over := b.hold("H-4", "")
	require.NoError(t, b.Pay(over))
	refusedWith(t, b.call("reverse.do", "orderId="+over+"&amount=129901"), "5", tAmount)

	today := b.paid("A-1", "")
	done(t, b.call("reverse.do", "orderId="+today))
	b.is(today, "3", "0", "0", "0")
	yesterday := b.paid("A-2", "")
	b.Advance(12 * time.Hour)
	refusedWith(t, b.call("reverse.do", "orderId="+yesterday), "7", tState)
	refusedWith(t, b.call("reverse.do", ""), "4", emptyText("orderId"))
	refusedWith(t, b.call("reverse.do", "orderId=x"), "6", tUnknown)

	never := open(t, WithUnknowns(Unknowns{ReverseWindow: -1}))
	refusedWith(t, never.call("reverse.do", "orderId="+never.paid("A-1", "")), "7", tState)
	keeps := open(t, WithUnknowns(Unknowns{ReverseKeepsAmounts: true}))
	id := keeps.hold("H-1", "")
	require.NoError(t, keeps.Pay(id))
	done(t, keeps.call("reverse.do", "orderId="+id))
	keeps.is(id, "3", "129900", "0", "0")
}

func TestPenalty(t *testing.T) {
	b := open(t, WithMerchant(Merchant{On: []Right{Penalties}}))
	params := "&jsonParams=" + url.QueryEscape(`{"penalty":"1300"}`)
	held := b.hold("H-1", "")
	require.NoError(t, b.Pay(held))
	done(t, b.call("reverse.do", "orderId="+held+params))
	o, _ := b.Order(held)
	assert.EqualValues(t, 1300, o.Captured)
	paid := b.paid("A-1", "")
	done(t, b.call("reverse.do", "orderId="+paid+params))
	o, _ = b.Order(paid)
	assert.EqualValues(t, 1300, o.Net())
	refunded := b.paid("A-2", "")
	done(t, b.call("refund.do", "amount=0&orderId="+refunded+params))
	b.is(refunded, "4", "129900", "1300", "128600")
	refusedWith(t, b.call("refund.do", "amount=100&orderId="+refunded), "5", tOverRefund)
	other := b.paid("A-3", "")
	refusedWith(t, b.call("refund.do", "amount=1200&orderId="+other+params), "5", tPenalty)
	refusedWith(t, b.call("processRawSumRefund.do", "amount=10000&orderId="+other+params), "5", tPenalty)
	none := open(t)
	refusedWith(t, none.call("reverse.do", "orderId="+none.paid("A-1", "")+params), "5", tPenalty)
}

func TestRefund(t *testing.T) {
	b := open(t)
	id := b.paid("A-1001", "")
	done(t, b.call("refund.do", "orderId="+id+"&amount=29900&externalRefundId=rf-2025-000017&expectedDepositedAmount=129900"))
	st := b.state(id)
	b.is(id, "4", "129900", "100000", "29900")
	assert.Equal(t, "REFUNDED", st["paymentAmountInfo"].(obj)["paymentState"])
	line := st["refunds"].([]any)[0].(obj)
	assert.Equal(t, []any{"2025-06-02", "rf-2025-000017", "0", num("29900")}, []any{line["date"], line["externalRefundId"], line["actionCode"], line["amount"]})
	assert.Len(t, line["referenceNumber"], 12)
	got := b.take()
	assert.Equal(t, []string{"refunded", "29900", "299,00"}, []string{got[0].params.Get("operation"), got[0].params.Get("operationRefundedAmount"), got[0].params.Get("operationRefundedAmountFormatted")})

	// The same key again, also with another sum, refunds nothing.
	done(t, b.call("refund.do", "orderId="+id+"&amount=29900&externalRefundId=rf-2025-000017"))
	done(t, b.call("refund.do", "orderId="+id+"&amount=50000&externalRefundId=rf-2025-000017"))
	b.is(id, "4", "129900", "100000", "29900")
	refusedWith(t, b.call("refund.do", "orderId="+id+"&amount=100&expectedDepositedAmount=129900"), "5", tExpected)
	refusedWith(t, b.call("refund.do", "orderId="+id+"&amount=100001"), "5", tOverRefund)
	refusedWith(t, b.call("refund.do", "orderId="+id+"&amount=1.5"), "5", tAmount)
	refusedWith(t, b.call("refund.do", "orderId="+id), "4", emptyText("amount"))
	refusedWith(t, b.call("refund.do", "orderId="+id+"&amount=1&externalRefundId=1234567890123456789012345678901234567"), "5", tParam)
	refusedWith(t, b.call("refund.do", "orderId="+id+"&amount=1&additionalOfdParams="+url.QueryEscape(`{"cashier":"Анна"}`)), "5", tParam)
	done(t, b.call("refund.do", "orderId="+id+"&amount=0"))
	b.is(id, "4", "129900", "0", "129900")
	refusedWith(t, b.call("refund.do", "orderId="+id+"&amount=0"), "7", tState)
	o, _ := b.Order(id)
	assert.Equal(t, []emulator.MoveKind{emulator.Authorized, emulator.Captured, emulator.Refunded, emulator.Refunded},
		[]emulator.MoveKind{o.Moves[0].Kind, o.Moves[1].Kind, o.Moves[2].Kind, o.Moves[3].Kind})
	refusedWith(t, b.call("refund.do", "orderId="+b.register("A-1002", "")+"&amount=0"), "7", tState)

	keeps := open(t, WithUnknowns(Unknowns{RefundKeepsDeposited: true, RefundKeyChecksSum: true, OverRefundCode: 7}))
	id = keeps.paid("A-1", "")
	done(t, keeps.call("refund.do", "orderId="+id+"&amount=29900&externalRefundId=k"))
	keeps.is(id, "4", "129900", "129900", "29900")
	refusedWith(t, keeps.call("refund.do", "orderId="+id+"&amount=1&externalRefundId=k"), "5", tRefundKey)
	refusedWith(t, keeps.call("refund.do", "orderId="+id+"&amount=100001"), "7", tOverRefund)
}

const basket1 = `{"customerDetails":{"email":"ivan@example.ru"},"cartItems":{"items":[{"positionId":1,"name":"Чай","quantity":{"value":2,"measure":"0"},"itemPrice":50000,"itemAmount":100000,"itemCode":"tea-1",` +
	`"tax":{"taxType":14,"taxSum":18033},"itemAttributes":{"attributes":[{"name":"paymentMethod","value":"1"},{"name":"paymentObject","value":"1"}]}},` +
	`{"positionId":"2","name":"Чашка","quantity":{"value":1,"measure":"0"},"itemAmount":29900,"itemCode":"cup-1"}]}}`

func items(list string) string { return url.QueryEscape(`{"items":[` + list + `]}`) }

const (
	oneTea = `{"positionId":1,"name":"Чай","quantity":{"value":1,"measure":"0"},"itemAmount":50000,"itemCode":"tea-1"}`
	theCup = `{"positionId":2,"name":"Чашка","quantity":{"value":1,"measure":"0"},"itemAmount":29900,"itemCode":"cup-1"}`
)

func TestRefundByPositions(t *testing.T) {
	b := open(t)
	id := b.paid("A-1", "&orderBundle="+url.QueryEscape(basket1)+"&taxSystem=0&additionalOfdParams="+url.QueryEscape(`{"cashier":"Анна"}`))
	refusedWith(t, b.call("refund.do", "orderId="+id+"&amount=40000&refundItems="+items(oneTea)), "8", tBasketSum)
	done(t, b.call("refund.do", "orderId="+id+"&amount=50000&refundItems="+items(oneTea)+"&additionalOfdParams="+url.QueryEscape(`{"cashier":"Анна"}`)))
	left := b.state(id)["ofdOrderBundle"].([]any)
	assert.Equal(t, obj{"value": "1", "measure": "0"}, left[0].(obj)["quantity"])
	assert.Equal(t, num("50000"), left[0].(obj)["itemAmount"])
	done(t, b.call("refund.do", "orderId="+id+"&amount=79900&refundItems="+items(oneTea+","+theCup)))
	assert.Empty(t, b.state(id)["ofdOrderBundle"])
	other := b.paid("A-2", "&orderBundle="+url.QueryEscape(basket1))
	done(t, b.call("refund.do", "orderId="+other+"&amount=29900&refundItems="+items(theCup)))
	refusedWith(t, b.call("refund.do", "orderId="+other+"&amount=29900&refundItems="+items(theCup)), "8", tBasket)
	for _, bad := range []string{
		`{"positionId":3,"name":"Чай","quantity":{"value":1,"measure":"0"},"itemAmount":50000,"itemCode":"tea-1"}`,
		`{"positionId":1,"name":"Кофе","quantity":{"value":1,"measure":"0"},"itemAmount":50000,"itemCode":"tea-1"}`,
		`{"positionId":1,"name":"Чай","quantity":{"value":3,"measure":"0"},"itemAmount":50000,"itemCode":"tea-1"}`,
		oneTea + "," + oneTea,
		"",
	} {
		refusedWith(t, b.call("refund.do", "orderId="+other+"&amount=50000&refundItems="+items(bad)), "8", tBasket)
	}
	assert.Equal(t, "5", b.call("refund.do", "orderId="+other+"&amount=50000&refundItems=x")["errorCode"])

	held := b.hold("H-1", "&orderBundle="+url.QueryEscape(basket1))
	require.NoError(t, b.Pay(held))
	refusedWith(t, b.call("deposit.do", "orderId="+held+"&amount=0&depositItems="+items(oneTea)), "8", tBasketSum)
	done(t, b.call("deposit.do", "orderId="+held+"&amount=50000&depositItems="+items(oneTea)))
}

func TestRawRefunds(t *testing.T) {
	b := open(t)
	id := b.paid("A-1", "&orderBundle="+url.QueryEscape(basket1))
	done(t, b.call("processRawPositionRefund.do", "orderId="+id+"&amount=10000&positionId=1"))
	done(t, b.call("processRawPositionOrderRefund.do", "orderId="+id+"&amount=10000"))
	refusedWith(t, b.call("processRawPositionRefund.do", "orderId="+id+"&amount=10000&positionId=9"), "5", tNoBasketPos)
	refusedWith(t, b.call("refund.do", "orderId="+id+"&amount=100"), "7", tRawOnly)
	done(t, b.call("processRawSumRefund.do", "orderId="+id+"&amount=5000&ofdParams="+url.QueryEscape(`{"name":"Доставка","itemCode":"dlv","taxType":0}`)))
	refusedWith(t, b.call("processRawPositionRefund.do", "orderId="+id+"&amount=10000&positionId=1"), "7", tRawOnly)
	refusedWith(t, b.call("processRawSumRefund.do", "orderId="+id+"&amount=5000&ofdParams="+url.QueryEscape(`{"taxType":99}`)), "5", tBasket)
	refusedWith(t, b.call("processRawSumRefund.do", "orderId="+id+"&amount=500000"), "5", tOverRefund)
	refusedWith(t, b.call("processRawSumRefund.do", "orderId="+id+"&amount=x"), "5", tAmount)
	refusedWith(t, b.call("processRawSumRefund.do", "orderId=x&amount=1"), "6", tUnknown)
	refusedWith(t, b.call("processRawSumRefund.do", "amount=1"), "4", emptyText("orderId"))
	refusedWith(t, b.call("processRawPositionRefund.do", "amount=1"), "4", emptyText("orderId"))
	done(t, b.call("processRawSumRefund.do", "orderId="+id+"&amount=0"))
	b.is(id, "4", "129900", "0", "129900")
	no := open(t, WithMerchant(Merchant{Off: []Right{RawRefunds}}))
	refusedWith(t, no.call("processRawSumRefund.do", "amount=1&orderId=x"), "5", tAccess)
}

func TestDecline(t *testing.T) {
	b := open(t)
	id := b.register("A-1", "")
	refusedWith(t, b.call("decline.do", "orderId="+id), "4", emptyText("orderNumber"))
	refusedWith(t, b.call("decline.do", "orderId="+id+"&orderNumber=A-2"), "6", tUnknown)
	done(t, b.call("decline.do", "orderId="+id+"&orderNumber=A-1"))
	assert.Equal(t, num("6"), b.state(id)["orderStatus"])
	assert.Error(t, b.Pay(id))
	refusedWith(t, b.call("decline.do", "orderId="+id+"&orderNumber=A-1"), "7", tState)
	refusedWith(t, b.call("register.do", "orderNumber=A-1&amount=1&returnUrl="+ok), "1", tDuplicate)
	held := b.hold("H-1", "")
	require.NoError(t, b.Pay(held))
	refusedWith(t, b.call("decline.do", "orderId="+held+"&orderNumber=H-1"), "7", tState)
	lenient := open(t, WithUnknowns(Unknowns{DeclineByIDAlone: true}))
	done(t, lenient.call("decline.do", "orderId="+lenient.register("A-1", "")))
}

func TestFailedAttempts(t *testing.T) {
	b := open(t)
	id := b.register("A-1", "")
	require.NoError(t, b.FailAttempt(id, 0))
	st := b.state(id)
	assert.Equal(t, []any{num("0"), "116", "Not enough money"}, []any{st["orderStatus"], st["actionCode"], st["actionCodeDescription"]})
	require.NoError(t, b.PayCard(id, "5168494895055780"))
	assert.Equal(t, "-2011", b.state(id)["actionCode"])
	require.NoError(t, b.Pay(id))
	b.is(id, "2", "129900", "129900", "0")
	assert.Equal(t, []string{"deposited!", "deposited!", "deposited"}, b.heard())
	lost := b.hold("A-2", "")
	require.NoError(t, b.Decline(lost))
	assert.Equal(t, num("6"), b.state(lost)["orderStatus"])
	assert.Equal(t, []string{"approved!", "approved!", "approved!"}, b.heard())
	assert.Error(t, b.Pay("nobody"))

	once := open(t, WithAttempts(1), WithCallbacks(CallbackSettings{NoFailedAttempts: true}))
	id = once.register("A-1", "")
	require.NoError(t, once.FailAttempt(id, 999))
	assert.Equal(t, num("6"), once.state(id)["orderStatus"])
	assert.Empty(t, once.heard())
	assert.ErrorContains(t, once.Pay(id), gateway.TextAttempts.EN)
}
