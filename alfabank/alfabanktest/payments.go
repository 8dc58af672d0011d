package alfabanktest

import (
	"encoding/base64"
	"net/http"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// payable finds the order of a payment and refuses one that cannot be paid.
func (c *call) payable(idName string) (*order, *refusal) {
	o, no := c.order(c.Str(idName))
	if no != nil {
		return nil, no
	}
	if why := c.s.desk.Payable(&o.Order); why != nil {
		return nil, refuse(c.choose(c.s.cfg.unknowns.WrongStateCode, 7), *why)
	}
	return o, nil
}

// cardData reads the card of a request: pan is its number, expiry YYYYMM. A
// seToken is, in this emulator, base64 of {"pan","cvc","expiry"}.
func (c *call) cardData(pan, cvc, expiry, holder string) (gateway.Card, *refusal) {
	if token := c.Str("seToken"); token != "" {
		raw, err := base64.StdEncoding.DecodeString(token)
		in := gateway.ObjectOf(string(raw))
		if err != nil || in == nil {
			return gateway.Card{}, refuse(5, tParam).Because("seToken cannot be decrypted")
		}
		pan, cvc, expiry = gateway.ScalarText(in["pan"]), gateway.ScalarText(in["cvc"]), gateway.ScalarText(in["expiry"])
	}
	if !gateway.Digits(pan) || len(pan) < 13 || len(pan) > 19 || len(expiry) != 6 || !gateway.Digits(expiry) || expiry[4:] < "01" || expiry[4:] > "12" {
		return gateway.Card{}, refuse(1, tBadCard)
	}
	return deck.Look(pan, expiry[:4], expiry[4:], cvc, holder, c.now), nil
}

// indicator checks tii: what a merchant-initiated payment needs. A tii that
// lacks the original payment silently becomes a plain payment.
func (c *call) indicator(o *order, stored bool) *refusal {
	tii := c.Str("tii")
	switch tii {
	case "", "CI", "F", "U", "RI", "R", "II", "I":
	default:
		return refuse(5, tParam).Because("unknown tii")
	}
	merchant := tii == "U" || tii == "R" || tii == "I"
	switch {
	case merchant && !c.m.may(MIT):
		return refuse(5, tAccess).Because("not switched on: " + string(MIT))
	case merchant && o.PreAuth:
		return refuse(5, tParam).Because("tii U, R and I are for one-stage payments only")
	case !stored && (tii == "R" || tii == "U" || tii == "F") && (c.Str("originalPaymentNetRefNum") == "" || c.Str("originalPaymentDate") == ""):
		tii = ""
	}
	o.tii = tii
	return nil
}

// alone says whether nobody is there to be asked for a code.
func (o *order) alone() bool { return o.tii == "U" || o.tii == "R" || o.tii == "I" }

// paymentOrder is paymentorder.do: card data on the merchant's own page.
func (c *call) paymentOrder() (obj, *refusal) {
	if no := c.need("MDORDER", "language"); no != nil {
		return nil, no
	}
	o, no := c.payable("MDORDER")
	if no != nil {
		return nil, no
	}
	if c.Str("sbpSubscriptionToken") != "" {
		return c.payToken(o)
	}
	if no := c.need("TEXT"); no != nil && c.Str("seToken") == "" {
		return nil, no
	}
	if o.BindingID != "" {
		return nil, refuse(5, tBindOther).Because("the order can be paid with its binding only")
	}
	trans := c.Str("threeDSServerTransId")
	if trans == "" {
		trans = c.Str("threeDSServerTransID") // as the example spells it
	}
	if trans != "" && o.Challenge != nil && o.Challenge.ID == trans {
		return c.afterMethod(o)
	}
	if no := c.indicator(o, false); no != nil {
		return nil, no
	}
	expiry := c.Str("$EXPIRY")
	if expiry == "" {
		expiry = c.Str("YYYY") + c.Str("MM")
	}
	card, no := c.cardData(c.Str("$PAN"), c.Str("$CVC"), expiry, c.Str("TEXT"))
	if no != nil {
		return nil, no
	}
	if ip := c.Str("ip"); ip != "" {
		o.IP = ip
	}
	if mail := c.Str("email"); mail != "" {
		o.Email = mail
	}
	o.noBinding = o.noBinding || c.Yes("bindingNotNeeded")
	o.SetParams(c.Object("jsonParams"))
	return c.payWith(o, card, "CARD"), nil
}

// payWith makes the attempt, or sends the customer to his bank first.
func (c *call) payWith(o *order, card gateway.Card, way string) obj {
	inTDS := card.Flow != gateway.FlowNone && card.Flow != gateway.FlowAttempt
	if o.alone() || o.Has("FORCE_SSL") || o.Has("AUTO_PAYMENT") || !inTDS || (o.Issuer(&card) != 0 && card.Flow != gateway.FlowFrictionless) {
		c.s.desk.Authorize(&o.Order, &card, way, o.Issuer(&card), o.tii == "CI")
		return c.attempted(o, false)
	}
	term := c.Str("threeDSVer2FinishUrl")
	if term == "" {
		term = c.s.URL + "/payment/rest/finish3ds.do"
	}
	ch := c.s.desk.StartChallenge(&o.Order, card, term, o.tii == "CI")
	if card.Flow == gateway.FlowPaReq {
		return obj{"errorCode": 0, "info": tInfo.In(c.lang), "acsUrl": c.s.URL + "/acs/pareq", "paReq": ch.Request(),
			"termUrl": c.s.URL + "/payment/rest/finish3ds.do?lang=" + pageLang(c.lang)}
	}
	server := c.s.URL + "/3dsserver/gather?threeDSServerTransID=" + ch.ID
	notify := c.Str("threeDSMethodNotificationUrl")
	if notify == "" {
		notify = server
	}
	return obj{"errorCode": 0, "is3DSVer2": true, "threeDSServerTransId": ch.ID, "threeDSMethodURL": c.s.URL + "/acs/method", "threeDSMethodURLServer": server,
		"threeDSMethodDataPacked": gateway.Packed(obj{"threeDSServerTransID": ch.ID, "threeDSMethodNotificationURL": notify})}
}

// afterMethod goes on after the fingerprint step: to the code, or to the end.
func (c *call) afterMethod(o *order) (obj, *refusal) {
	ch := o.Challenge
	if ch.Card.Flow == gateway.FlowFrictionless {
		c.s.desk.EndChallenge(&o.Order, true)
		return c.attempted(o, true), nil
	}
	return obj{"errorCode": 0, "is3DSVer2": true, "info": tInfo.In(c.lang), "acsUrl": c.s.URL + "/acs/creq", "packedCReq": ch.Request()}, nil
}

// attempted is the answer to an attempt that was made: errorCode 0 means that
// it was processed, not that it was paid.
func (c *call) attempted(o *order, secure bool) obj {
	if o.Action == 0 {
		out := obj{"redirect": o.Return(true, c.s.URL), "info": tInfo.In(c.lang), "errorCode": 0}
		if secure {
			out["is3DSVer2"] = true
		}
		return out
	}
	words, kind, fault := tDeclined.In(c.lang), "CLIENT_ERROR", "DATA_INPUT_ERROR"
	if o.Action <= -2005 && o.Action >= -2020 && o.Action != -2007 && o.Action != -2013 {
		words, kind, fault = t3DS.In(c.lang), "MANDATORY_3DSECURE", "TDS_UNKNOWN_ARES_STATUS"
	}
	return obj{"redirect": o.Return(false, c.s.URL), "error": words, "errorCode": 0, "is3DSVer2": secure, "errorTypeName": fault,
		"processingErrorType": kind, "errorMessage": words}
}

// waiting finds the order whose customer is at his bank.
func (c *call) waiting(id string) (*order, *refusal) {
	o, no := c.order(id)
	if no != nil {
		return nil, no
	}
	if o.Status != gateway.AtACS || o.Challenge == nil {
		return nil, c.wrongState()
	}
	return o, nil
}

func (c *call) continue3DS() (obj, *refusal) {
	o, no := c.waiting(c.Str("mdOrder"))
	if no != nil {
		return nil, no
	}
	return c.afterMethod(o)
}

// finish3DS1 is finish3dsPayment.do. What the ACS said counts, not what the
// merchant brings.
func (c *call) finish3DS1() (obj, *refusal) {
	if no := c.need("mdOrder", "paRes"); no != nil {
		return nil, no
	}
	o, no := c.waiting(c.Str("mdOrder"))
	if no != nil {
		return nil, no
	}
	said := gateway.Unpacked(c.Str("paRes"))
	if gateway.ScalarText(said["threeDSServerTransID"]) != o.Challenge.ID {
		return nil, refuse(5, tParam).Because("paRes is not this order's")
	}
	c.s.desk.EndChallenge(&o.Order, o.Challenge.Finished && o.Challenge.Success)
	return c.attempted(o, false), nil
}

// finish3DS2 is finish3dsVer2Payment.do.
func (c *call) finish3DS2() (obj, *refusal) {
	if no := c.need("threeDSServerTransId"); no != nil {
		return nil, no
	}
	o := c.s.challenged(c.Str("threeDSServerTransId"))
	if id := c.Str("threeDSVer2MdOrder"); o == nil || o.merchant != c.m || (id != "" && id != o.ID) {
		return nil, refuse(6, tUnknown)
	}
	if !o.Challenge.Finished {
		return nil, c.wrongState().Because("the customer has not been at his bank")
	}
	c.s.desk.EndChallenge(&o.Order, o.Challenge.Success)
	return c.attempted(o, true), nil
}

// finishInBrowser is finish3ds.do, where the customer's browser brings what
// his bank said: it ends the payment and sends him to the shop.
func (s *Server) finishInBrowser(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	word := r.PostForm.Get("PaRes")
	if word == "" {
		word = r.PostForm.Get("cres")
	}
	said := gateway.Unpacked(word)
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.challenged(gateway.ScalarText(said["threeDSServerTransID"]))
	if o == nil {
		gateway.EmptyHTML(w, http.StatusBadRequest)
		return
	}
	s.desk.EndChallenge(&o.Order, o.Challenge.Finished && o.Challenge.Success)
	http.Redirect(w, r, o.Return(o.Action == 0, s.URL), http.StatusSeeOther)
}

func (s *Server) challenged(id string) *order {
	for i := len(s.all) - 1; i >= 0; i-- {
		if o := s.all[i]; o.Challenge != nil && o.Challenge.ID == id && o.Status == gateway.AtACS {
			return o
		}
	}
	return nil
}

// instant is instantPayment.do: registers and pays in one call.
func (c *call) instant() (obj, *refusal) {
	back := c.Str("backUrl")
	if back == "" {
		back = c.Str("returnUrl")
	}
	if back == "" {
		return nil, refuse(4, emptyText("backUrl"))
	}
	c.In["returnUrl"] = back
	o, no := c.readOrder(c.Yes("preAuth"), "orderNumber", "amount")
	if no != nil {
		return nil, no
	}
	if no := c.indicator(o, c.Str("bindingId") != ""); no != nil {
		return nil, no
	}
	if id := c.Str("sbpTemplateId"); id != "" {
		return c.cashLink(o, id)
	}
	card, way := gateway.Card{}, "CARD"
	if o.BindingID != "" {
		b := c.s.wallet.Find(o.shop(), o.BindingID)
		if !b.Active {
			return nil, refuse(2, tBindOff)
		}
		o.Saved, card, way = b, b.Now(c.now), b.Way
	} else {
		expiry := c.Str("expiry")
		if card, no = c.cardData(c.Str("pan"), c.Str("cvc"), expiry, c.Str("cardHolderName")); no != nil {
			return nil, no
		}
	}
	c.s.enter(o)
	if card.Flow == gateway.FlowFrictionless {
		c.s.desk.Authorize(&o.Order, &card, way, o.Issuer(&card), o.tii == "CI")
		return c.instantAnswer(o, c.attempted(o, true)), nil
	}
	out := c.payWith(o, card, way)
	if o.Challenge != nil && card.Flow == gateway.FlowChallenge {
		// One call, so the browser goes to the customer's bank at once.
		out = obj{"errorCode": 0, "info": tInfo.In(c.lang), "is3DSVer2": true, "threeDSServerTransId": o.Challenge.ID, "acsUrl": c.s.URL + "/acs/creq",
			"paReq": o.Challenge.Request(), "termUrl": o.Challenge.TermURL}
	}
	return c.instantAnswer(o, out), nil
}

// instantAnswer adds the order's state in the capitals of the older methods; it
// says 0 while nothing was paid.
func (c *call) instantAnswer(o *order, out obj) obj {
	st := c.oldWords(o)
	if o.Status == gateway.AtACS || o.Status == gateway.Declined {
		st["OrderStatus"] = gateway.Registered
	}
	if o.Action == 0 {
		st["originalActionCode"] = "00"
	}
	if o.RRN != "" {
		st["rrn"] = o.RRN
	}
	if o.PreAuth {
		st["approvedAmount"] = o.Held
	}
	out["orderStatus"], out["orderId"], out["errorCode"] = st, o.ID, "0"
	return out
}

// verifyCard is verifyCard.do: is the card alive. The order ends reversed.
func (c *call) verifyCard() (obj, *refusal) {
	amount, ok := c.sum("amount")
	if !ok {
		return nil, refuse(5, tAmount)
	}
	o := c.s.own(c.m, amount)
	o.ReturnURL, o.FailURL, o.Lang, o.ClientID = c.Str("returnUrl"), c.Str("failUrl"), c.lang, c.Str("clientId")
	if o.ReturnURL == "" {
		o.ReturnURL = c.Str("backUrl")
	}
	o.Features = []string{"VERIFY"}
	card, no := c.cardData(c.Str("pan"), c.Str("cvc"), c.Str("expiry"), c.Str("cardholderName"))
	if no != nil {
		return nil, no
	}
	c.s.enter(o)
	out := obj{}
	if o.Deck = &deck; o.NeedsCode(&card) {
		out = c.payWith(o, card, "CARD")
	} else {
		c.s.desk.Authorize(&o.Order, &card, "CARD", o.Issuer(&card), false)
		out["rrn"], out["authCode"], out["actionCode"], out["actionCodeDescription"] = o.RRN, "123456", o.Action, ""
		if o.Action != 0 {
			out["actionCodeDescription"] = gateway.ActionText(o.Action, c.lang)
		}
		out["time"], out["eci"] = gateway.MS(c.now), "07"
	}
	out["orderId"], out["orderNumber"], out["amount"], out["currency"] = o.ID, o.Number, amount, c.currency()
	return c.ok(out), nil
}
