package sberbanktest

import (
	"encoding/base64"
	"net/url"
	"strconv"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// paymentOrder is payment by card data on the merchant's own page.
func (c *call) paymentOrder() (obj, *gateway.Refusal) {
	o, no := c.order(c.Str("MDORDER"))
	if no != nil {
		return nil, no
	}
	if no := c.s.payable(o); no != nil {
		return nil, no
	}
	if month, _ := strconv.Atoi(c.Str("MM")); month < 1 || month > 12 {
		return nil, gateway.Refuse(1, tParam).Because("MM must be 01 to 12")
	}
	if c.legacy && (!gateway.Digits(c.Str("$PAN")) || len(c.Str("$PAN")) < 13) {
		return nil, gateway.Refuse(1, tParam).Because("$PAN must be 13 to 19 digits")
	}
	o.IP = c.Str("ip")
	if e := c.Str("email"); e != "" && o.Email == "" {
		o.Email = e
	}
	cd := deckOf(c.legacy).Look(c.Str("$PAN"), c.Str("YYYY"), c.Str("MM"), c.Str("$CVC"), c.Str("TEXT"), c.now)
	return c.payWith(o, cd, "CARD", !c.Yes("bindingNotNeeded"))
}

// payWith makes the attempt, or sends the customer to his bank first.
func (c *call) payWith(o *order, cd gateway.Card, way string, save bool) (obj, *gateway.Refusal) {
	external := c.Object("jsonParams")["cavv"] != nil // 3-D Secure was made elsewhere
	if o.NeedsCode(&cd) && !external {
		return c.askCode(o, cd, save), nil
	}
	c.s.desk.Authorize(&o.Order, &cd, way, o.Issuer(&cd), save)
	return c.attempted(o)
}

// attempted is the answer to an attempt that was made.
func (c *call) attempted(o *order) (obj, *gateway.Refusal) {
	if o.Action == 0 {
		return c.finished(o), nil
	}
	if c.legacy {
		// The legacy gateway calls a declined payment a success.
		words := tSoftDecline.In(c.lang)
		return obj{"errorCode": 0, "error": words, "errorMessage": words, "info": words + "...", "processingErrorType": "CLIENT_ERROR", "is3DSVer2": false}, nil
	}
	return nil, gateway.Refuse(5, tDeclined)
}

// finished is the answer to a payment that needs nothing more.
func (c *call) finished(o *order) obj {
	if c.legacy {
		return obj{"redirect": c.s.returnTo(o, true), "info": tInfo.In(c.lang) + "...", "errorCode": 0}
	}
	return obj{"errorCode": "0", "error": tOK.In(c.lang), "info": tInfo.In(c.lang), "redirect": c.s.returnTo(o, true)}
}

// askCode starts 3-D Secure the way that the request allows.
func (c *call) askCode(o *order, cd gateway.Card, save bool) obj {
	term, notify := c.Str("termUrl"), c.Str("threeDSMethodNotificationUrl")
	ch := c.s.desk.StartChallenge(&o.Order, cd, term, save)
	out := obj{"errorCode": "0", "error": tOK.In(c.lang)}
	if c.legacy {
		return obj{"errorCode": 0, "info": tInfo.In(c.lang) + "...", "acsUrl": c.s.URL + "/acs/pareq", "paReq": ch.Request(), "termUrl": c.s.URL + "/payment/rest/finish3ds.do"}
	}
	switch {
	case cd.Flow == gateway.FlowPaReq && term != "":
		out["acsUrl"], out["paReq"], out["termUrl"] = c.s.URL+"/acs/pareq", ch.Request(), term
	case notify != "" && cd.Flow == gateway.FlowChallenge:
		out["threeDSMethodURL"], out["threeDSMethodNotificationUrl"] = c.s.URL+"/acs/method", notify
		out["threeDSServerTransId"] = ch.ID
		out["threeDSMethodData"] = gateway.Packed(obj{"threeDSServerTransID": ch.ID, "threeDSMethodNotificationURL": notify})
	case term != "":
		out["acsUrl"], out["cReq"], out["termUrl"] = c.s.URL+"/acs/creq", ch.Request(), term
	default:
		// The gateway's own page asks.
		out["formUrl"] = c.s.URL + "/process_form/start?mdOrder=" + o.formID
		out["info"], out["redirect"] = tInfo.In(c.lang), o.ReturnURL
	}
	return out
}

func (c *call) waiting(id string) (*order, *gateway.Refusal) {
	o, no := c.order(id)
	if no != nil {
		return nil, no
	}
	if o.Status != gateway.AtACS || o.Challenge == nil {
		return nil, gateway.Refuse(5, gateway.TextStatus)
	}
	return o, nil
}

func (c *call) finish3dsMethod() (obj, *gateway.Refusal) {
	o, no := c.waiting(c.Str("mdOrder"))
	if no != nil {
		return nil, no
	}
	if c.Str("threeDSServerTransId") != o.Challenge.ID {
		return nil, gateway.Refuse(5, tSchema).Because("threeDSServerTransId is another")
	}
	out := obj{"errorCode": "0", "error": tOK.In(c.lang), "acsUrl": c.s.URL + "/acs/creq", "cReq": o.Challenge.Request()}
	if o.Challenge.TermURL != "" {
		out["termUrl"] = o.Challenge.TermURL
	}
	return out, nil
}

func (c *call) finish3dsPayment() (obj, *gateway.Refusal) {
	word := c.Str("cRes")
	if word == "" {
		word = c.Str("paRes")
	}
	if word == "" || (c.has("cRes") && c.has("paRes")) {
		return nil, gateway.Refuse(5, tSchema).Because("exactly one of cRes and paRes must be sent")
	}
	o, no := c.waiting(c.Str("mdOrder"))
	if no != nil {
		return nil, no
	}
	said := gateway.Unpacked(word)
	if gateway.ScalarText(said["threeDSServerTransID"]) != o.Challenge.ID {
		return nil, gateway.Refuse(5, tParam).Because("cRes or paRes is not this order's")
	}
	// What the ACS said counts, not what the browser carried.
	c.s.desk.EndChallenge(&o.Order, o.Challenge.Finished && o.Challenge.Success && gateway.ScalarText(said["transStatus"]) == "Y")
	if o.Action != 0 {
		return nil, gateway.Refuse(5, tDeclined)
	}
	return c.ok(obj{"info": tInfo.In(c.lang), "redirect": c.s.returnTo(o, true)}), nil
}

// paymentSberPay sends a push to the customer's phone; PaySberPay is what he
// does with it.
func (c *call) paymentSberPay() (obj, *gateway.Refusal) {
	o, no := c.order(c.Str("orderId"))
	if no != nil {
		return nil, no
	}
	if p := c.Str("phone"); len(p) != 11 || p[0] != '7' {
		return nil, gateway.Refuse(9, tPhone)
	}
	if no := c.s.payable(o); no != nil {
		return nil, no
	}
	return obj{"errorCode": "0"}, nil
}

// payBinding is paymentOrderBinding.do: payment by a saved card.
func (c *call) payBinding() (obj, *gateway.Refusal) {
	if c.legacy && (c.Str("mdOrder") == "" || c.Str("bindingId") == "" || c.Str("ip") == "") {
		return nil, gateway.Refuse(1, tParam).Because("mdOrder, bindingId and ip are needed")
	}
	b := c.binding()
	o, no := c.order(c.Str("mdOrder"))
	switch {
	case no != nil && c.legacy:
		return nil, gateway.Refuse(2, tNotFound)
	case no != nil:
		return nil, no
	case b == nil:
		if c.legacy {
			return nil, gateway.Refuse(2, tBindingNone)
		}
		return nil, gateway.Refuse(1, tBindingNone)
	case b.ClientID != o.ClientID:
		return nil, gateway.Refuse(1, tBindingOther)
	case !b.Active:
		return nil, gateway.Refuse(2, tBindInactive)
	}
	if no := c.s.payable(o); no != nil {
		return nil, no
	}
	o.IP, o.Saved = c.Str("ip"), b
	c.spend(o, b, c.Object("jsonParams"))
	cd := b.Now(c.now)
	if o.NeedsCode(&cd) && !o.Has("FORCE_TDS") && !o.Has("FORCE_FULL_TDS") {
		cd.Flow = gateway.FlowFrictionless // a saved card is not asked again unless the order demands it
	}
	return c.payWith(o, cd, b.Way, false)
}

// spend pays a part with the bonuses of the binding (sbrf_spasibo).
func (c *call) spend(o *order, b *gateway.Binding, params obj) {
	n, err := strconv.ParseInt(gateway.ScalarText(params["sbrf_spasibo:amount_bonus"]), 10, 64)
	if err != nil || n <= 0 {
		return
	}
	o.Bonus = min(amountOf(n), c.s.bonusOf(b), o.Amount-1)
	c.s.spent[b.ID] += o.Bonus
}

// recurrent is recurrentPayment.do: registers and charges at once.
func (c *call) recurrent() (obj, *gateway.Refusal) {
	b := c.binding()
	if b == nil {
		return nil, gateway.Refuse(1, tBindingNone)
	}
	if !b.Active {
		return nil, gateway.Refuse(2, tBindInactive)
	}
	params := c.Object("additionalParameters")
	if params == nil {
		params = c.Object("jsonParams")
	}
	c.In["clientId"], c.In["jsonParams"] = b.ClientID, params
	if params == nil {
		delete(c.In, "jsonParams")
	}
	o, no := c.readOrder(false)
	if no != nil {
		return nil, no
	}
	c.enter(o)
	o.Saved = b
	c.spend(o, b, params)
	cd := b.Now(c.now)
	c.s.desk.Authorize(&o.Order, &cd, b.Way, o.Issuer(&cd), false)
	return c.charged(o)
}

// charged is the answer of family B to a payment that was made in one call.
func (c *call) charged(o *order) (obj, *gateway.Refusal) {
	data := obj{"orderId": o.ID, "orderNumber": o.Number}
	if o.Action != 0 {
		// One call, one attempt: nobody can try this order again.
		c.s.desk.SetStatus(&o.Order, gateway.Declined)
		no := gateway.Refuse(5, tDeclined)
		no.With = obj{"data": data}
		return nil, no
	}
	st := obj{"orderStatus": o.Status, "actionCode": o.Action, "amount": o.Amount, "currency": "643", "date": gateway.MS(o.Created), "authDateTime": gateway.MS(o.AuthAt),
		"authRefNum": o.RRN, "approvalCode": o.Approval, "terminalId": terminalID, "bankInfo": obj{},
		"paymentAmountInfo": obj{"approvedAmount": o.Held, "depositedAmount": o.Captured, "refundedAmount": o.Refunded, "paymentState": gateway.PaymentStates[o.Status]}}
	if o.Paid != nil {
		st["cardAuthInfo"] = obj{"pan": o.Deck.Mask(o.Paid.PAN), "expiration": o.Paid.Expiry, "paymentSystem": o.Paid.System}
	}
	if c.legacy {
		st["errorCode"], st["orderNumber"], st["attributes"] = "0", o.Number, o.attributes()
	}
	return obj{"success": true, "data": data, "orderStatus": st}, nil
}

// mobilePay is MirPay and its dead brothers: the token is the card. A token
// that decodes to JSON with a "pan" of a test card is that card; any other one
// pays.
func (c *call) mobilePay() (obj, *gateway.Refusal) {
	raw, err := base64.StdEncoding.DecodeString(c.Str("paymentToken"))
	if err != nil {
		return nil, gateway.Refuse(4, tToken)
	}
	pan := gateway.ScalarText(gateway.ObjectOf(string(raw))["pan"])
	if pan == "" {
		pan = "2202205000012424"
		if c.legacy {
			pan = "5555555555555599"
		}
	}
	if f := c.Str("features"); f != "" && f != "VERIFY" {
		return nil, gateway.Refuse(14, tFeatures)
	}
	if cur := c.Str("currencyCode"); cur != "" {
		c.In["currency"] = cur
	}
	if p := c.Object("additionalParameters"); p != nil {
		c.In["jsonParams"] = p
	}
	o, no := c.readOrder(c.Yes("preAuth"))
	if no != nil {
		return nil, no
	}
	c.enter(o)
	cd := o.Deck.Whole(pan, c.now)
	cd.Flow = gateway.FlowFrictionless
	c.s.desk.Authorize(&o.Order, &cd, "MIR_PAY", o.Issuer(&cd), true)
	return c.charged(o)
}

// returnTo is where the customer goes after paying.
func (s *Server) returnTo(o *order, paid bool) string {
	switch {
	case o.legacy:
		return o.Return(paid, s.URL)
	case s.cfg.unknowns.ReturnParam != "":
		return gateway.AddQuery(o.ReturnTo(paid), url.QueryEscape(s.cfg.unknowns.ReturnParam)+"="+o.ID)
	}
	return o.ReturnTo(paid)
}
