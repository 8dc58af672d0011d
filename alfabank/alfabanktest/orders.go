package alfabanktest

import (
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

func (c *call) deposit() (obj, *refusal) {
	if no := c.need("orderId", "amount"); no != nil {
		return nil, no
	}
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	amount, ok := c.sum("amount")
	left := o.Held - o.Captured
	switch {
	case !ok:
		return nil, refuse(5, tAmount)
	case o.Status != gateway.Held && o.Status != gateway.PartlyPaid:
		return nil, c.wrongState()
	case amount > left:
		return nil, refuse(5, tOverHold)
	case amount == 0:
		amount = left
	case amount < left && !c.m.may(PartialCompletion):
		return nil, refuse(5, tAccess).Because("not switched on: " + string(PartialCompletion))
	}
	b, no := c.operationBasket(o, "depositItems", amount)
	if no != nil {
		return nil, no
	}
	c.s.complete(o, amount, b)
	return c.done(), nil
}

// penalty is the fee that the merchant keeps.
func (c *call) penalty(amount money.Amount) (money.Amount, *refusal) {
	text := gateway.ScalarText(c.Object("jsonParams")["penalty"])
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || money.Amount(n) > amount || !c.m.may(Penalties) {
		return 0, refuse(5, tPenalty)
	}
	return money.Amount(n), nil
}

func (c *call) reverse() (obj, *refusal) {
	if no := c.need("orderId"); no != nil {
		return nil, no
	}
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	if o.reversed {
		return nil, c.wrongState().Because("reverse.do can be tried once for an order")
	}
	o.reversed = true
	left := o.Held
	if o.Status == gateway.Paid {
		left = o.Captured
	}
	amount, ok := c.sum("amount")
	if amount == 0 {
		amount = left
	}
	switch {
	case o.Status != gateway.Held && o.Status != gateway.Paid:
		return nil, c.wrongState()
	case o.Status == gateway.Paid && !c.s.inWindow(o):
		return nil, c.wrongState().Because("the time for reversals is over: refund it")
	case !ok || amount > left:
		return nil, refuse(5, tAmount)
	}
	penalty, no := c.penalty(amount)
	switch {
	case no != nil:
		return nil, no
	case penalty > 0 && o.Status == gateway.Held:
		c.s.desk.Complete(&o.Order, penalty, false)
	case penalty > 0:
		c.s.desk.Reverse(&o.Order, amount-penalty)
	default:
		paid := o.Status == gateway.Paid
		c.s.desk.Reverse(&o.Order, amount)
		if paid && o.Status == gateway.Reversed {
			c.s.print(o, o.basket, amount, true, false)
		}
	}
	c.s.notify(o, "reversed", true)
	return c.done(), nil
}

// inWindow says whether a one-stage payment can still be reversed.
func (s *Server) inWindow(o *order) bool {
	now, window := s.base.Clock.Now(), s.cfg.unknowns.ReverseWindow
	if window != 0 {
		return now.Sub(o.PaidAt) < window
	}
	day := func(t time.Time) string { return t.In(gateway.Moscow).Format(time.DateOnly) }
	return day(now) == day(o.PaidAt) && o.Refunded == 0
}

func (c *call) refund() (obj, *refusal) {
	if no := c.need("orderId", "amount"); no != nil {
		return nil, no
	}
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	amount, ok := c.sum("amount")
	if !ok {
		return nil, refuse(5, tAmount)
	}
	key := c.Str("externalRefundId")
	if len(key) > 36 {
		return nil, refuse(5, tParam).Because("externalRefundId is longer than 36 characters")
	}
	for _, r := range o.refunds {
		if key != "" && r.key == key {
			if c.s.cfg.unknowns.RefundKeyChecksSum && amount != 0 && amount != r.amount {
				return nil, refuse(5, tRefundKey)
			}
			return c.done(), nil
		}
	}
	if o.raw {
		return nil, refuse(7, tRawOnly)
	}
	if want := c.Str("expectedDepositedAmount"); want != "" && want != strconv.FormatInt(int64(c.s.desk.Deposited(&o.Order)), 10) {
		return nil, refuse(5, tExpected).Because("depositedAmount is " + strconv.FormatInt(int64(c.s.desk.Deposited(&o.Order)), 10))
	}
	amount, no = c.refundable(o, amount)
	if no != nil {
		return nil, no
	}
	b, no := c.operationBasket(o, "refundItems", amount)
	if no != nil {
		return nil, no
	}
	if c.Object("additionalOfdParams") != nil && o.ofd == nil {
		return nil, refuse(5, tParam).Because("additionalOfdParams only where the registration had them")
	}
	penalty, no := c.penalty(amount)
	if no != nil {
		return nil, no
	}
	if b == nil && amount == o.Captured {
		b = o.basket
	}
	c.s.refund(o, amount-penalty, key, b)
	o.kept += penalty
	return c.done(), nil
}

// refundable is how much of the payment is given back; 0 asks for all of it.
func (c *call) refundable(o *order, amount money.Amount) (money.Amount, *refusal) {
	left := o.Captured - o.Refunded - o.kept
	switch {
	case o.Status != gateway.Paid && o.Status != gateway.Refunded && o.Status != gateway.PartlyPaid:
		return 0, c.wrongState().Because("nothing was debited")
	case amount > left:
		return 0, refuse(c.choose(c.s.cfg.unknowns.OverRefundCode, 5), tOverRefund)
	case amount == 0 && left == 0:
		return 0, c.wrongState().Because("nothing is left")
	case amount == 0:
		amount = left
	}
	return amount, nil
}

// refund gives money back.
func (s *Server) refund(o *order, amount money.Amount, key string, b *basket) {
	if o.Status == gateway.PartlyPaid {
		s.desk.Complete(&o.Order, 0, false) // nothing more is taken of the hold
	}
	s.desk.Refund(&o.Order, amount, key)
	o.refunds = append(o.refunds, refundLine{at: s.base.Clock.Now(), amount: amount, key: key, rrn: s.base.IDs.Digits(12), approval: s.base.IDs.Letters(6)})
	if b != nil {
		o.giveBack(b)
		s.print(o, b, amount, true, false)
	}
	s.notify(o, "refunded", true)
}

// rawSum is processRawSumRefund.do: a refund with one line of its own on the
// receipt.
func (c *call) rawSum() (obj, *refusal) {
	if no := c.need("orderId", "amount"); no != nil {
		return nil, no
	}
	return c.rawRefund(func(o *order, amount money.Amount) (*basket, *refusal) {
		penalty, no := c.penalty(amount)
		if no == nil && penalty > 0 {
			no = refuse(5, tPenalty).Because("the emulator has no penalty here")
		}
		line := c.Object("ofdParams")
		if tax := gateway.ScalarText(line["taxType"]); tax != "" && !taxTypes[tax] {
			return nil, refuse(5, tBasket).Because("ofdParams.taxType")
		}
		name := gateway.ScalarText(line["name"])
		if name == "" {
			name = "Возврат"
		}
		o.rawSum = true
		return &basket{total: amount, items: []gateway.CartItem{{Position: "1", Name: name, Code: gateway.ScalarText(line["itemCode"]), Milli: 1000, Price: amount, Amount: amount}}}, no
	})
}

// rawPosition is processRawPositionRefund.do: of one position of the basket,
// whatever was given back of it before.
func (c *call) rawPosition() (obj, *refusal) {
	if no := c.need("orderId", "amount"); no != nil {
		return nil, no
	}
	return c.rawRefund(func(o *order, amount money.Amount) (*basket, *refusal) {
		position := c.Str("positionId")
		if o.rawSum {
			return nil, refuse(7, tRawOnly)
		}
		if position == "" {
			return &basket{total: amount}, nil
		}
		if o.basket != nil {
			for _, it := range o.basket.items {
				if it.Position == position {
					it.Amount = amount
					return &basket{total: amount, items: []gateway.CartItem{it}}, nil
				}
			}
		}
		return nil, refuse(5, tNoBasketPos)
	})
}

func (c *call) rawRefund(line func(*order, money.Amount) (*basket, *refusal)) (obj, *refusal) {
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	amount, ok := c.sum("amount")
	if !ok {
		return nil, refuse(5, tAmount)
	}
	if amount, no = c.refundable(o, amount); no != nil {
		return nil, no
	}
	b, no := line(o, amount)
	if no != nil {
		return nil, no
	}
	o.raw = true
	c.s.refund(o, amount, "", b)
	return c.done(), nil
}

func (c *call) decline() (obj, *refusal) {
	need := []string{"orderId", "orderNumber"}
	if c.s.cfg.unknowns.DeclineByIDAlone {
		need = need[:1]
	}
	if no := c.need(need...); no != nil {
		return nil, no
	}
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	if n := c.Str("orderNumber"); n != "" && n != o.Number {
		return nil, refuse(6, tUnknown).Because("orderNumber is not that order's")
	}
	if !o.Open() {
		return nil, c.wrongState()
	}
	c.s.desk.SetStatus(&o.Order, gateway.Declined)
	return c.done(), nil
}
