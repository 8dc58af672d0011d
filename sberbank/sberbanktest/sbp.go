package sberbanktest

import (
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// sbpMember is the id of the payer's bank in SBP.
const sbpMember = "100000000111"

// The ways to pay that SBP makes. waySBP is ours: a payment by a plain code,
// where the bank names none.
const (
	waySBP     = "SBP"
	waySBPSub  = "SBERPAY_SBP_C2B_DYN"
	waySBPSubs = "SBERPAY_SBP_C2B_DYN_SUBS"
)

// subscription is an SBP subscription: the payer's account that may be charged.
type subscription struct {
	id, member, phone string
	merchant          *merchant
	active            bool
}

// qrOnly says whether the order asked for an SBP code.
func (o *order) qrOnly() bool {
	q := o.Param("qrType")
	return q == "DYNAMIC_QR_SBP" || q == "SUBSCRIPTION_SBP"
}

func (o *order) subscribes() bool {
	return strings.HasPrefix(o.Param("sbp.scenario"), "C2B_SUBSCRIPTION")
}

// issueQR gives the order its SBP code.
func (s *Server) issueQR(o *order) {
	if o.qrcID != "" || o.merchant.NoSBP {
		return
	}
	if o.Param("qrType") == "SUBSCRIPTION_SBP" {
		o.qrcID = s.base.IDs.QR("AB")
		o.qrPayload = gateway.WithCRC("https://sub.nspk.ru/" + o.qrcID + "?type=03&bank=" + sbpMember)
		return
	}
	o.qrcID = s.base.IDs.QR("AD")
	o.qrPayload = gateway.QRLink(o.qrcID, sbpMember, o.Amount)
}

// externalParams are the links beside formUrl.
func (c *call) externalParams(o *order) obj {
	out := obj{}
	flow := "Web2App"
	if o.Param("app2app") == "true" {
		flow = "App2App"
	}
	out["sbolDeepLink"] = "sberpay://invoicing/v2?bankInvoiceId=" + plainID(o.ID) + "&operationType=" + flow
	out["sbolBankInvoiceId"] = plainID(o.ID)
	switch {
	case o.qrOnly():
		c.s.issueQR(o)
		if o.qrcID != "" {
			out["qrcId"], out["sbpPayload"] = o.qrcID, o.qrPayload
		}
	case o.Param("sberpay.qr.c2b") == "true", o.Param("qrType") == "SBERPAY_DYNAMIC_QR":
		out["sberPayload"] = "https://platiqr.ru/?dynamicQr=" + c.s.base.IDs.Hex(32)
	}
	return out
}

// paySBP is a payment, or a consent, in the payer's bank.
func (s *Server) paySBP(o *order) {
	s.issueQR(o)
	now := s.base.Clock.Now()
	if o.Param("qrType") == "SUBSCRIPTION_SBP" {
		o.Attempts++
		o.Action, o.PaidAt = 0, now
		o.sub = s.subscribe(o.merchant)
		s.desk.SetStatus(&o.Order, gateway.Paid)
		s.notify(o, "subscriptionCreated", true, nil)
		return
	}
	way := waySBP
	if o.subscribes() {
		way = waySBPSub
	}
	o.extTransactionID = "B" + s.base.IDs.Digits(31)
	s.desk.Authorize(&o.Order, nil, way, 0, false)
	if o.subscribes() {
		o.sub = s.subscribe(o.merchant)
		s.notify(o, "subscriptionCreated", true, nil)
	}
}

func (s *Server) subscribe(m *merchant) *subscription {
	sub := &subscription{id: s.base.IDs.Hex(32), member: sbpMember, phone: maskedPhone("79" + s.base.IDs.Digits(9)), merchant: m, active: true}
	s.subs[sub.id] = sub
	return sub
}

// DeleteSubscription is what only the payer can do, in his bank's app.
func (s *Server) DeleteSubscription(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	sub := s.subs[id]
	if sub == nil {
		return fmt.Errorf("sberbanktest: no subscription %q", id)
	}
	sub.active = false
	return nil
}

// payBySubscription is paymentOrderBySubscription: taken now, done later.
func (c *call) payBySubscription() (obj, *gateway.Refusal) {
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	if o.Description == "" {
		return nil, gateway.Refuse(4, tMissing).Because("the order of a charge by subscription needs a description")
	}
	if no := c.s.payable(o); no != nil {
		return nil, no
	}
	sub := c.s.subs[c.Str("subscriptionId")]
	finish := func() {
		if o.Status != gateway.Registered {
			return
		}
		c.s.issueQR(o)
		if sub == nil || !sub.active || sub.merchant != o.merchant || (c.has("memberId") && c.Str("memberId") != sub.member) {
			// The order stays open; only the attempt failed.
			o.Attempts++
			o.Action, o.Way, o.AuthAt = -5031, waySBPSubs, c.s.base.Clock.Now()
			c.s.op(o, "AUTHORIZATION", o.Amount, -5031, "")
			return
		}
		c.s.desk.Authorize(&o.Order, nil, waySBPSubs, 0, false)
	}
	if c.s.cfg.sbpDelay == 0 {
		finish()
		return obj{"errorCode": "0"}, nil
	}
	o.Action = -99
	c.s.base.Clock.AfterFunc(c.s.cfg.sbpDelay, func() {
		c.s.mu.Lock()
		defer c.s.mu.Unlock()
		finish()
	})
	return obj{"errorCode": "0"}, nil
}

// legacyQR is sbp/c2b/qr/dynamic/get.do.
func (c *call) legacyQR() (obj, *gateway.Refusal) {
	o, no := c.order(c.Str("mdOrder"))
	if no != nil {
		return nil, no
	}
	if c.m.NoSBP {
		return nil, gateway.Refuse(5, tNoRight)
	}
	if no := c.s.payable(o); no != nil {
		return nil, no
	}
	switch f := c.Str("qrFormat"); f {
	case "", "matrix", "image":
	default:
		return nil, gateway.Refuse(5, tParam).Because("qrFormat is matrix or image")
	}
	c.s.issueQR(o)
	out := obj{"errorCode": "0", "qrId": o.qrcID, "payload": o.qrPayload, "qrStatus": o.qrStatus()}
	if png := c.s.base.QRImage(o.qrPayload); png != nil && c.Str("qrFormat") == "image" {
		out["renderedQr"] = png // base64 in JSON
	}
	return out, nil
}

// legacyQRStatus is sbp/c2b/qr/status.do, or dynamic/status.do.
func (c *call) legacyQRStatus() (obj, *gateway.Refusal) {
	o, no := c.order(c.Str("mdOrder"))
	if no != nil {
		return nil, no
	}
	if o.qrcID == "" || (c.Str("qrId") != "" && c.Str("qrId") != o.qrcID) {
		return nil, gateway.Refuse(6, tWrongNumber)
	}
	return obj{"errorCode": "0", "qrType": "DYNAMIC_QR_SBP", "qrStatus": o.qrStatus(), "transactionState": gateway.PaymentStates[o.Status]}, nil
}

func (o *order) qrStatus() string {
	switch o.Status {
	case gateway.Registered, gateway.AtACS:
		return "STARTED"
	case gateway.Paid, gateway.Held, gateway.Refunded:
		return "ACCEPTED"
	}
	return "REJECTED"
}
