package sberbanktest

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

func (c *call) register() (obj, *gateway.Refusal)        { return c.newOrder(false) }
func (c *call) registerPreAuth() (obj, *gateway.Refusal) { return c.newOrder(true) }

// newOrder is register.do and registerPreAuth.do of either gateway.
func (c *call) newOrder(preAuth bool) (obj, *gateway.Refusal) {
	o, no := c.readOrder(preAuth)
	if no != nil {
		return nil, no
	}
	c.enter(o)
	out := obj{"orderId": o.ID, "formUrl": c.formURL(o)}
	if c.legacy {
		return out, nil
	}
	if !c.s.cfg.unknowns.NoExternalParams && o.bundle["installments"] == nil {
		out["externalParams"] = c.externalParams(o)
	}
	return c.ok(out), nil
}

// readOrder checks everything about a new order; nothing is entered yet.
func (c *call) readOrder(preAuth bool) (*order, *gateway.Refusal) {
	amount, ok := c.sum("amount")
	if !ok {
		return nil, gateway.Refuse(5, tAmount)
	}
	o := &order{merchant: c.m, legacy: c.legacy, refunds: map[string]refundMemo{}, Order: gateway.Order{
		PreAuth: preAuth, Number: c.Str("orderNumber"), Amount: amount, Deck: deckOf(c.legacy),
		ReturnURL: c.Str("returnUrl"), FailURL: c.Str("failUrl"), DynamicURL: c.Str("dynamicCallbackUrl"), Description: c.Str("description"),
		Lang: c.lang, ClientID: c.Str("clientId"), BindingID: c.Str("bindingId"), Email: c.Str("email"), Phone: c.Str("phone"),
		Created: c.now, Action: -100,
	}}
	o.Heard = func(e gateway.Event) { c.s.heard(o, e) }
	if cur := c.Str("currency"); cur != "" && cur != "643" {
		return nil, gateway.Refuse(3, tCurrency)
	}
	if c.s.numbers[numberKey{c.m, c.legacy, o.Number}] != nil {
		return nil, gateway.Refuse(1, tDuplicate)
	}
	if features := c.Str("features"); features != "" {
		o.Features = strings.Split(features, ";")
		for _, f := range o.Features {
			if !slices.Contains([]string{"VERIFY", "AUTO_PAYMENT", "FORCE_SSL", "FORCE_TDS", "FORCE_FULL_TDS"}, f) {
				return nil, gateway.Refuse(14, tFeatures)
			}
		}
	}
	if no := c.readParams(o, c.Object("jsonParams")); no != nil {
		return nil, no
	}
	subscribes := o.Param("qrType") == "SUBSCRIPTION_SBP"
	if amount == 0 && !o.Has("VERIFY") && !subscribes {
		return nil, gateway.Refuse(5, tAmount).Because("amount 0 needs features VERIFY or an SBP subscription")
	}
	if o.BindingID != "" {
		b := c.s.wallet.Find(o.shop(), o.BindingID)
		if b == nil || b.ClientID != o.ClientID {
			return nil, gateway.Refuse(1, tBindingOther)
		}
	}
	if no := c.readTimes(o); no != nil {
		return nil, no
	}
	if bundle := c.Object("orderBundle"); bundle != nil {
		cart, no := c.readCart(bundle, amount, "SELL", nil)
		if no != nil {
			return nil, no
		}
		if cart != nil && cart.fiscal && !c.legacy && o.Email == "" && o.Phone == "" {
			return nil, gateway.Refuse(4, tMissing).Because("a receipt needs email or phone at the top level")
		}
		o.bundle, o.cart = bundle, cart
	}
	return o, nil
}

func (c *call) readParams(o *order, in obj) *gateway.Refusal {
	o.SetParams(in)
	if c.legacy {
		if o.Email == "" {
			o.Email = o.Param("email")
		}
		return nil
	}
	if in["app2app"] == true && o.Param("app.deepLink") == "" {
		return gateway.Refuse(5, tSchema).Because("app2app needs app.deepLink")
	}
	if strings.HasPrefix(o.Param("sbp.scenario"), "C2B_SUBSCRIPTION") {
		o.subPurpose = o.Param("sbp.subscriptionPurpose")
		if o.subPurpose == "" || len([]rune(o.subPurpose)) > 256 {
			return gateway.Refuse(5, tSchema).Because("a subscription needs sbp.subscriptionPurpose, up to 256 characters")
		}
	}
	if q := o.Param("qrType"); q != "" && q != "DYNAMIC_QR_SBP" && q != "SUBSCRIPTION_SBP" && q != "SBERPAY_DYNAMIC_QR" {
		return gateway.Refuse(5, tSchema).Because("unknown qrType")
	}
	return nil
}

// readTimes sets when the order's time is over.
func (c *call) readTimes(o *order) *gateway.Refusal {
	o.Expires = c.now.Add(1200 * time.Second)
	if v := c.Str("sessionTimeoutSecs"); v != "" {
		secs, err := strconv.ParseInt(v, 10, 64)
		if err != nil || secs < 0 {
			return gateway.Refuse(5, tParam)
		}
		o.Expires = c.now.Add(time.Duration(secs) * time.Second)
	}
	if v := c.Str("expirationDate"); v != "" {
		t, err := gateway.ParseMoscow(v)
		if err != nil {
			return gateway.Refuse(5, tParam)
		}
		o.Expires = t
	}
	if !c.legacy && o.qrOnly() && o.Expires.Sub(c.now) > 90*24*time.Hour {
		return gateway.Refuse(5, tSchema).Because("an order of SBP lives 90 days at most")
	}
	if v := c.Str("autocompletionDate"); v != "" {
		t, err := gateway.ParseMoscow(v)
		if err != nil {
			return gateway.Refuse(5, tParam)
		}
		o.AutoComplete = t
	}
	return nil
}

// enter takes the order into the bank's books.
func (c *call) enter(o *order) {
	s := c.s
	s.desk.Enter(&o.Order)
	o.formID = o.ID
	if s.cfg.unknowns.OtherFormID {
		o.formID = s.base.IDs.UUID()
		s.forms[o.formID] = o
	}
	protocol := ""
	if o.legacy {
		protocol = "legacy"
	}
	s.base.Books.Describe(o.ID, c.formURL(o), protocol)
	s.orders[o.ID] = o
	s.numbers[numberKey{o.merchant, o.legacy, o.Number}] = o
	s.latest[o.Number] = o
	s.all = append(s.all, o)
	s.notify(o, "created", true, nil)
}

func (c *call) formURL(o *order) string {
	switch {
	case o.legacy:
		lang := "ru"
		if o.Lang == "en" {
			lang = "en"
		}
		return c.s.URL + "/payment/merchants/emulator/payment_" + lang + ".html?mdOrder=" + o.formID
	case o.bundle["installments"] != nil:
		return c.s.URL + "/credits/pay_ru?orderId=" + o.formID
	}
	return c.s.URL + "/pp/pay_ru?orderId=" + o.formID
}

func (c *call) deposit() (obj, *gateway.Refusal) {
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	name := "amount"
	if c.op == "autoCompletion" {
		name = "compositeAmount"
	}
	amount, ok := c.sum(name)
	if !ok {
		return nil, gateway.Refuse(5, tAmount)
	}
	if no := c.s.unlocked(o); no != nil {
		return nil, no
	}
	switch {
	case o.Status != gateway.Held && c.legacy:
		return nil, gateway.Refuse(7, tWrongState)
	case o.Status != gateway.Held && (!o.PreAuth || o.Status > gateway.Refunded || o.Status == gateway.Registered):
		return nil, gateway.Refuse(7, tNoPreAuth)
	case o.Status != gateway.Held:
		return nil, gateway.Refuse(5, gateway.TextStatus)
	}
	if name == "compositeAmount" {
		if amount < o.Bonus {
			return nil, gateway.Refuse(5, tAmount)
		}
		amount -= o.Bonus
	}
	switch {
	case amount == 0 && (c.legacy || c.s.cfg.unknowns.ZeroMeansAll):
		amount = o.Held
	case amount == 0:
		return nil, gateway.Refuse(5, tAmount).Because("amount 0 is not confirmed for the new gateway; see Unknowns.ZeroMeansAll")
	case c.legacy && amount < 100:
		return nil, gateway.Refuse(5, tDepositSum)
	case amount > o.Held:
		return nil, gateway.Refuse(5, tOverHold)
	}
	cart, no := c.operationCart(o, amount+o.bonusIf(name), "SELL", "depositItems")
	if no != nil {
		return nil, no
	}
	c.s.complete(o, amount, cart)
	if c.legacy {
		return obj{"errorCode": 0}, nil
	}
	return c.ok(nil), nil
}

func (o *order) bonusIf(field string) money.Amount {
	if field == "compositeAmount" {
		return o.Bonus
	}
	return 0
}

func (c *call) reverse() (obj, *gateway.Refusal) {
	if c.legacy && c.Str("orderId") == "" {
		return nil, gateway.Refuse(5, tParam)
	}
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	wrong := gateway.Refuse(5, gateway.TextStatus)
	if c.legacy {
		wrong = gateway.Refuse(7, tWrongState)
	}
	left := o.Held
	if o.Status == gateway.Paid {
		left = o.Captured
	}
	if no := c.s.unlocked(o); no != nil {
		return nil, no
	}
	switch {
	case o.Status != gateway.Held && o.Status != gateway.Paid:
		return nil, wrong
	case o.Status == gateway.Paid && (o.PreAuth || !c.s.sameDay(o)):
		return nil, wrong.Because("a one-stage payment can be reversed on its Moscow day only, a two-stage one before deposit only: refund it")
	}
	amount := left
	if c.has("amount") && !c.legacy {
		amount, _ = c.sum("amount")
		if amount == 0 || amount > left {
			return nil, gateway.Refuse(5, tAmount)
		}
	}
	if amount < left && o.partReversed {
		return nil, gateway.Refuse(5, tSecondPart)
	}
	if _, no := c.operationCart(o, amount, "SELL_REFUND", ""); no != nil {
		return nil, no
	}
	c.s.reverse(o, amount)
	if c.legacy {
		return obj{"errorCode": "0", "errorMessage": ""}, nil
	}
	return c.ok(nil), nil
}

// reverse lets a hold go or gives a payment of the same day back.
func (s *Server) reverse(o *order, amount money.Amount) {
	wasPaid := o.Status == gateway.Paid
	s.op(o, "REVERSAL", amount, 400, "")
	s.desk.Reverse(&o.Order, amount)
	if o.Status != gateway.Reversed {
		o.partReversed = true
	} else if wasPaid {
		s.makeReceipt(o, o.cart, "REVERSAL", true)
	}
	s.notify(o, "reversed", true, nil)
}

func (c *call) refund() (obj, *gateway.Refusal) {
	if c.legacy && c.Str("orderId") == "" {
		return nil, gateway.Refuse(5, tParam)
	}
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	name := "amount"
	if c.op == "autoRefund" {
		name = "compositeAmount"
	}
	amount, ok := c.sum(name)
	if !ok {
		return nil, gateway.Refuse(5, tAmount)
	}
	key := gateway.ScalarText(c.Object("jsonParams")["externalRefundId"])
	if c.legacy && key == "" {
		key = c.Str("externalRefundId")
	}
	if len(key) > 36 {
		return nil, gateway.Refuse(5, tSchema).Because("externalRefundId is longer than 36 characters")
	}
	hash := ""
	if key != "" {
		body, _ := json.Marshal(c.In)
		hash = hashOf(body)
		if memo, known := o.refunds[key]; known {
			if memo.hash != hash {
				return nil, gateway.Refuse(5, tRefundKey)
			}
			return c.refunded(o), nil
		}
	}
	left := o.Captured - o.Refunded - o.refunding
	if name == "compositeAmount" {
		left += o.Bonus - o.bonusRefunded
	}
	if no := c.s.unlocked(o); no != nil {
		return nil, no
	}
	switch {
	case o.Status != gateway.Paid && o.Status != gateway.Refunded:
		if c.legacy {
			return nil, gateway.Refuse(7, tWrongState)
		}
		return nil, gateway.Refuse(c.s.code(c.s.cfg.unknowns.NotPaidCode, 7), tNoPayment)
	case amount == 0 && !c.legacy && c.s.cfg.unknowns.ZeroMeansAll:
		amount = left
	case c.legacy && amount < 100:
		return nil, gateway.Refuse(7, tLessRouble)
	case amount == 0:
		return nil, gateway.Refuse(5, tAmount).Because("amount 0 is not confirmed; see Unknowns.ZeroMeansAll")
	}
	if amount > left {
		if c.legacy {
			return nil, gateway.Refuse(7, tOverRefund)
		}
		return nil, gateway.Refuse(c.s.code(c.s.cfg.unknowns.OverRefundCode, 5), tOverRefund)
	}
	cart, no := c.operationCart(o, amount, "SELL_REFUND", "refundItems")
	if no != nil {
		return nil, no
	}
	if cart == nil && amount == left && o.Refunded+o.refunding == 0 && o.cart != nil {
		cart = o.cart
	}
	if key != "" {
		o.refunds[key] = refundMemo{hash: hash}
	}
	cash := amount
	if name == "compositeAmount" {
		bonus := min(o.Bonus-o.bonusRefunded, amount)
		o.bonusRefunded += bonus
		cash -= bonus
	}
	c.s.startRefund(o, cash, key, cart)
	return c.refunded(o), nil
}

// refunded is the answer to a refund: SBP's are accepted and carried out later.
func (c *call) refunded(o *order) obj {
	if c.legacy {
		return obj{"errorCode": 0}
	}
	out := c.ok(nil)
	if c.s.cfg.sbpRefund > 0 && o.bySBP() {
		out["errorMessage"] = tAccepted.In(c.lang)
	}
	return out
}

// startRefund gives money back: at once, or after a while where SBP takes one.
func (s *Server) startRefund(o *order, amount money.Amount, key string, cart *cart) {
	done := func() {
		s.desk.Refund(&o.Order, amount, key)
		s.op(o, "REFUND", amount, 0, key)
		s.makeReceipt(o, cart, "REFUND", true)
		s.notify(o, "refunded", true, map[string]string{"externalRefundId": key, "operationRefundedAmount": strconv.FormatInt(int64(amount), 10)})
	}
	if s.cfg.sbpRefund == 0 || !o.bySBP() {
		done()
		return
	}
	// The sum is taken aside at once: two refunds on their way must not exceed
	// the payment together.
	o.Action = -99
	o.refunding += amount
	s.base.Clock.AfterFunc(s.cfg.sbpRefund, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		o.refunding -= amount
		done()
	})
}

func (o *order) bySBP() bool { return strings.HasPrefix(o.Way, "SB") && strings.Contains(o.Way, "SBP") }

func (c *call) decline() (obj, *gateway.Refusal) {
	o, no := c.orderByRef()
	if no != nil {
		return nil, no
	}
	if no := c.s.unlocked(o); no != nil {
		return nil, no
	}
	switch {
	case o.Status != gateway.Registered:
		return nil, gateway.Refuse(5, gateway.TextStatus)
	}
	c.s.desk.SetStatus(&o.Order, gateway.Declined)
	if c.legacy {
		return obj{"errorCode": "0", "errorMessage": ""}, nil
	}
	return c.ok(nil), nil
}
