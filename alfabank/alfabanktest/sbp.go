package alfabanktest

import (
	"encoding/base64"
	"net/url"
	"strconv"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// sbpMember is the id of the payer's bank in SBP.
const sbpMember = "100000000008"

// qrCode is a dynamic SBP code of an order.
type qrCode struct {
	id, payload string
	rejected    bool // by the merchant
	subscribes  bool
	name, subID string // subscriptionServiceName and Id
}

// sbpBinding is an account that may be charged through SBP.
type sbpBinding struct {
	id, clientID, shop, member, token string
	serviceName, serviceID            string
	active                            bool
}

// issueQR gives the order its SBP code.
func (s *Server) issueQR(o *order) *qrCode {
	if o.qr == nil || o.qr.rejected {
		id := s.base.IDs.QR("AD")
		o.qr = &qrCode{id: id, payload: gateway.QRLink(id, sbpMember, o.Amount)}
	}
	return o.qr
}

// qrStatus is where the code stands.
func (o *order) qrStatus() string {
	switch {
	case o.qr.rejected:
		return "REJECTED_BY_USER"
	case o.Status == gateway.Waiting:
		return "CONFIRMED"
	case o.Open():
		return "STARTED"
	case o.Status == gateway.Declined || !o.bySBP():
		return "REJECTED"
	}
	return "ACCEPTED"
}

// paySBP is what the customer's bank does with the code.
func (s *Server) paySBP(o *order) {
	qr := s.issueQR(o)
	way := "SBP_C2B"
	s.throughSBP(o, way, 0, func() {
		if !qr.subscribes || o.ClientID == "" {
			return
		}
		b := &sbpBinding{id: s.base.IDs.UUID(), clientID: o.ClientID, shop: o.shop(), member: sbpMember, token: s.base.IDs.Hex(32),
			serviceName: qr.name, serviceID: qr.subID, active: true}
		s.sbp = append(s.sbp, b)
		o.sbpBinding = b
		s.notifyBinding(o.merchant, b.id, b.clientID, "bindingCreated", true)
	})
}

// throughSBP ends the payment, at once or after SBP's delay.
func (s *Server) throughSBP(o *order, way string, action int, paid func()) {
	finish := func() {
		if action == 0 {
			paid()
		}
		s.desk.Authorize(&o.Order, nil, way, action, false)
	}
	if s.cfg.sbpDelay == 0 {
		finish()
		return
	}
	o.Action, o.Way = -99, way
	s.desk.SetStatus(&o.Order, gateway.Waiting)
	s.base.Clock.AfterFunc(s.cfg.sbpDelay, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if o.Status == gateway.Waiting {
			finish()
		}
	})
}

// qrGet is sbp/c2b/qr/dynamic/get.do.
func (c *call) qrGet() (obj, *refusal) {
	if no := c.need("mdOrder"); no != nil {
		return nil, no
	}
	o, no := c.order(c.Str("mdOrder"))
	if no != nil {
		return nil, no
	}
	switch {
	case o.PreAuth:
		return nil, refuse(5, tParam).Because("SBP has no two-stage payments")
	case !o.Open() && o.qr == nil:
		return nil, c.wrongState()
	}
	sized := 0
	for _, name := range []string{"qrHeight", "qrWidth"} {
		if v := c.Str(name); v != "" {
			n, err := strconv.Atoi(v)
			if err != nil || n < 10 || n > 1000 {
				return nil, refuse(5, tParam).Because(name + " is 10 to 1000")
			}
			sized++
		}
	}
	for name, most := range map[string]int{"paymentPurpose": 140, "subscriptionServiceName": 70, "subscriptionServiceId": 32} {
		if utf8.RuneCountInString(c.Str(name)) > most {
			return nil, refuse(5, tParam).Because(name + " is longer than " + strconv.Itoa(most) + " characters")
		}
	}
	if f := c.Str("qrFormat"); f != "" && f != "matrix" && f != "image" {
		return nil, refuse(5, tParam).Because("qrFormat is matrix or image")
	}
	qr := o.qr
	if o.Status == gateway.Registered || o.Status == gateway.AtACS {
		qr = c.s.issueQR(o)
	}
	if c.Yes("createSubscription") {
		switch {
		case !c.m.may(SBPBindings):
			return nil, refuse(5, tAccess).Because("not switched on: " + string(SBPBindings))
		case o.ClientID == "":
			return nil, refuse(5, emptyText("clientId"))
		}
		qr.subscribes, qr.name, qr.subID = true, c.Str("subscriptionServiceName"), c.Str("subscriptionServiceId")
	}
	if to := c.Str("redirectUrl"); to != "" && len(to) <= 1024 {
		if u, err := url.Parse(to); err == nil && u.Scheme != "" {
			o.ReturnURL = to
		}
	}
	out := obj{"qrId": qr.id}
	c.qrWord(out, o.qrStatus())
	if o.qrStatus() == "STARTED" {
		out["payload"] = qr.payload
		if sized == 2 {
			out["renderedQr"] = c.s.rendered(qr.payload, c.Str("qrFormat"))
		}
	}
	return out, nil
}

// qrWord writes the state under the name that was chosen.
func (c *call) qrWord(out obj, status string) {
	if c.s.cfg.unknowns.StatusWord {
		out["status"] = status
		return
	}
	out["qrStatus"] = status
}

// rendered is the picture as base64; in place of a matrix, whose form is not
// published, the link.
func (s *Server) rendered(payload, format string) string {
	if png := s.base.QRImage(payload); png != nil && format != "matrix" {
		return base64.StdEncoding.EncodeToString(png)
	}
	return base64.StdEncoding.EncodeToString([]byte(payload))
}

// code finds the order and its code.
func (c *call) code() (*order, *refusal) {
	if no := c.need("mdOrder"); no != nil {
		return nil, no
	}
	o, no := c.order(c.Str("mdOrder"))
	if no != nil {
		return nil, no
	}
	if o.qr == nil || (c.Str("qrId") != "" && c.Str("qrId") != o.qr.id) {
		return nil, refuse(6, tUnknown).Because("the order has no such code")
	}
	return o, nil
}

// qrState is sbp/c2b/qr/status.do.
func (c *call) qrState() (obj, *refusal) {
	o, no := c.code()
	if no != nil {
		return nil, no
	}
	state := "CREATED"
	switch {
	case o.Status == gateway.Declined:
		state = "DECLINED"
	case !o.Open():
		state = "DEPOSITED"
	}
	kind := "DYNAMIC"
	if o.template != nil && o.template.static() {
		kind = "STATIC"
	}
	out := obj{"qrType": kind, "transactionState": state}
	c.qrWord(out, o.qrStatus())
	return out, nil
}

// qrReject is sbp/c2b/qr/dynamic/reject.do.
func (c *call) qrReject() (obj, *refusal) {
	o, no := c.code()
	switch {
	case no != nil:
		return nil, no
	case o.qrStatus() != "STARTED":
		return obj{"rejected": false}, nil
	}
	o.qr.rejected = true
	return obj{"rejected": true}, nil
}

// sbpAccount finds a saved account.
func (s *Server) sbpAccount(shop, id string) *sbpBinding {
	for _, b := range s.sbp {
		if b.id == id && b.shop == shop {
			return b
		}
	}
	return nil
}

func (c *call) sbpBindings() (obj, *refusal) {
	client := c.Str("clientId")
	if client == "" {
		return nil, refuse(5, tNoClient)
	}
	list := []obj{}
	for _, b := range c.s.sbp {
		if b.shop != c.shop() || b.clientID != client || (c.Str("bindingId") != "" && c.Str("bindingId") != b.id) || (!b.active && !c.Yes("showDisabled")) {
			continue
		}
		list = append(list, obj{"bindingId": b.id, "clientId": b.clientID, "displayLabel": "Счёт " + b.token[:4], "memberId": b.member,
			"subscriptionToken": b.token, "subscriptionServiceName": b.serviceName, "subscriptionServiceId": b.serviceID})
	}
	return obj{"bindings": list}, nil
}

// sbpUnbind is sbp/c2b/unBind.do, whose success the document prints with code
// 2.
func (c *call) sbpUnbind() (obj, *refusal) {
	b := c.s.sbpAccount(c.shop(), c.Str("bindingId"))
	if b == nil {
		return nil, refuse(5, tAccess).Because("no such binding")
	}
	if b.active {
		b.active = false
		c.s.notifyBinding(c.m, b.id, b.clientID, "bindingActivityChanged", false)
	}
	words := tUnbound.In(c.lang)
	code := 2
	if c.s.cfg.unknowns.UnbindSBPSaysZero {
		code = 0
	}
	return obj{"error": words, "errorCode": code, "is3DSVer2": false, "errorMessage": words}, nil
}

// chargeSBP charges a saved account.
func (c *call) chargeSBP(o *order, b *sbpBinding) (obj, *refusal) {
	action := 0
	switch {
	case b.clientID != o.ClientID:
		return nil, refuse(1, tBindOther)
	case o.PreAuth:
		return nil, refuse(5, tParam).Because("SBP has no two-stage payments")
	case !b.active:
		action = -3100
	}
	qr := c.s.issueQR(o)
	o.sbpBinding = b
	c.s.throughSBP(o, "SBP_C2B_BINDING", action, func() {})
	if o.Status == gateway.Waiting {
		return obj{"errorCode": 0, "bindingId": b.id, "processingErrorType": "NO_ERROR",
			"sbpC2bInfo": obj{"qrId": qr.id, "payload": qr.payload, "status": o.qrStatus(), "renderedQr": c.s.rendered(qr.payload, "")}}, nil
	}
	out := c.attempted(o, false)
	out["bindingId"] = b.id
	return out, nil
}

// payToken is paymentorder.do with a token that the merchant got elsewhere.
func (c *call) payToken(o *order) (obj, *refusal) {
	if c.Str("sbpMemberId") == "" {
		return nil, refuse(4, emptyText("sbpMemberId"))
	}
	action := -5031
	for _, b := range c.s.sbp {
		if b.token == c.Str("sbpSubscriptionToken") && b.member == c.Str("sbpMemberId") && b.active {
			action = 0
			o.sbpBinding = b
		}
	}
	c.s.throughSBP(o, "SBP_C2B_BINDING", action, func() {})
	return c.attempted(o, false), nil
}
