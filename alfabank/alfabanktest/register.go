package alfabanktest

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

func (c *call) register() (obj, *refusal)        { return c.newOrder(false) }
func (c *call) registerPreAuth() (obj, *refusal) { return c.newOrder(true) }

func (c *call) newOrder(preAuth bool) (obj, *refusal) {
	o, no := c.readOrder(preAuth, "orderNumber", "amount", "returnUrl")
	if no != nil {
		return nil, no
	}
	c.s.enter(o)
	out := obj{"orderId": o.ID, "formUrl": c.s.formURL(o)}
	if c.s.cfg.unknowns.RegisterSaysZero {
		out["errorCode"] = "0"
	}
	return out, nil
}

var features = []string{"AUTO_PAYMENT", "VERIFY", "SBP_BINDING", "FORCE_TDS", "FORCE_SSL", "FORCE_FULL_TDS", "FORCE_CREATE_BINDING"}

// limits are the longest texts of a registration, in characters.
var limits = []struct {
	name string
	max  int
}{{"returnUrl", 512}, {"failUrl", 512}, {"dynamicCallbackUrl", 512}, {"description", 598}, {"ip", 39}, {"clientId", 255}, {"merchantLogin", 255},
	{"merchantInn", 16}, {"cardholderName", 150}, {"bindingId", 255}, {"postAddress", 255}, {"email", 40}, {"pageView", 20}, {"prepaymentMdOrder", 36}}

// readOrder checks everything about a new order: what is missing, what is
// wrong, currency, features, and at last whether the number was used. Nothing
// is entered yet.
func (c *call) readOrder(preAuth bool, required ...string) (*order, *refusal) {
	if c.Str("orderNumber") == "" && c.m.may(OrderNumbers) {
		c.In["orderNumber"] = c.s.nextNumber()
	}
	if no := c.need(required...); no != nil {
		return nil, no
	}
	amount, ok := c.sum("amount")
	if !ok {
		return nil, refuse(5, tAmount)
	}
	o := &order{merchant: c.m, owner: c.shop(), taxes: c.Str("taxSystem"), ofd: c.Object("additionalOfdParams"), post: c.Str("postAddress"),
		tii: c.Str("tii"), noBinding: c.Yes("bindingNotNeeded"), Order: gateway.Order{
			PreAuth: preAuth, Number: c.Str("orderNumber"), Amount: amount, ReturnURL: c.Str("returnUrl"), FailURL: c.Str("failUrl"),
			Description: c.Str("description"), Lang: c.lang, ClientID: c.Str("clientId"), BindingID: c.Str("bindingId"),
			Email: c.Str("email"), Phone: c.Str("phone"), IP: c.Str("ip"), Features: c.all["features"], Created: c.now,
		}}
	if c.m.may(DynamicCallbacks) {
		o.DynamicURL = c.Str("dynamicCallbackUrl")
	}
	if no := c.checkFormats(o); no != nil {
		return nil, no
	}
	if no := c.readTimes(o); no != nil {
		return nil, no
	}
	if cur := c.Str("currency"); cur != "" && cur != "643" && cur != "810" {
		return nil, refuse(3, tCurrency)
	}
	if no := c.checkFeatures(o); no != nil {
		return nil, no
	}
	if amount == 0 && !o.Has("VERIFY") && !o.Has("SBP_BINDING") {
		return nil, refuse(5, tAmount).Because("amount 0 needs VERIFY or SBP_BINDING")
	}
	if no := c.readBasket(o); no != nil {
		return nil, no
	}
	if o.BindingID != "" {
		if b := c.s.wallet.Find(o.shop(), o.BindingID); b == nil || b.ClientID != o.ClientID {
			return nil, refuse(1, tBindOther)
		}
	}
	if c.s.numbers[numberKey{o.owner, o.Number}] != nil {
		return nil, refuse(1, tDuplicate)
	}
	return o, nil
}

func (c *call) checkFormats(o *order) *refusal {
	most := 36
	if c.s.cfg.unknowns.ShortNumbers {
		most = 32
	}
	if utf8.RuneCountInString(o.Number) > most {
		return refuse(1, tBadNumber).Because("orderNumber is longer than " + strconv.Itoa(most) + " characters")
	}
	if strings.HasPrefix(o.ReturnURL, ".") || strings.HasPrefix(o.ReturnURL, "/") {
		return refuse(4, tReturnURL)
	}
	for _, l := range limits {
		if utf8.RuneCountInString(c.Str(l.name)) > l.max {
			return refuse(5, tParam).Because(l.name + " is longer than " + strconv.Itoa(l.max) + " characters")
		}
	}
	if c.In["jsonParams"] != nil {
		for name, v := range c.Object("jsonParams") {
			if _, text := v.(string); !text {
				return refuse(5, tParam).Because("jsonParams." + name + " is not a text")
			}
		}
		o.SetParams(c.Object("jsonParams"))
	}
	if p := strings.TrimPrefix(o.Phone, "+"); p != "" && (!gateway.Digits(p) || len(p) < 10 || len(p) > 15) {
		return refuse(5, tParam).Because("phone is +79998887766 or ten digits")
	}
	if o.Email != "" && strings.Count(o.Email, "@") != 1 {
		return refuse(5, tParam).Because("email is no address")
	}
	if fee := c.Str("feeInput"); fee != "" {
		if !c.m.may(FeeInput) {
			return refuse(5, tAccess).Because("not switched on: feeInput")
		}
		if !gateway.Digits(fee) || len(fee) > 8 {
			return refuse(5, tParam).Because("feeInput is up to 8 digits")
		}
	}
	if v := o.taxes; v != "" && (len(v) != 1 || v < "0" || v > "5") {
		return refuse(5, tParam).Because("taxSystem is 0 to 5")
	}
	if v := c.Str("billingAndShippingAddressMatchIndicator"); v != "" && v != "Y" && v != "N" {
		return refuse(5, tParam).Because("billingAndShippingAddressMatchIndicator is Y or N")
	}
	return nil
}

func (c *call) checkFeatures(o *order) *refusal {
	for _, f := range o.Features {
		if !slices.Contains(features, f) {
			return refuse(14, tBadFeatures).Because("unknown feature " + f + "; several are several fields")
		}
	}
	switch {
	case o.Has("AUTO_PAYMENT") && (o.Has("FORCE_TDS") || o.Has("FORCE_SSL")):
		return refuse(13, tForce)
	case o.Has("AUTO_PAYMENT") && !c.m.may(AutoPayment), o.Has("VERIFY") && !c.m.may(Verification):
		return refuse(13, tNoAuto)
	case o.Has("SBP_BINDING") && !c.m.may(SBPBindings):
		return refuse(5, tAccess).Because("not switched on: " + string(SBPBindings))
	case (o.Has("FORCE_CREATE_BINDING") || o.Has("SBP_BINDING")) && o.ClientID == "":
		return refuse(5, emptyText("clientId"))
	case o.Has("FORCE_CREATE_BINDING") && !c.m.may(ForcedBindings):
		return refuse(5, tAccess).Because("not switched on: " + string(ForcedBindings))
	case o.Has("FORCE_CREATE_BINDING") && (o.BindingID != "" || o.noBinding):
		return refuse(14, tBadFeatures).Because("FORCE_CREATE_BINDING with bindingId or bindingNotNeeded")
	}
	return nil
}

// readTimes sets when the order's time is over, and what becomes of its hold.
func (c *call) readTimes(o *order) *refusal {
	o.Expires = c.now.Add(c.s.cfg.session)
	if v := c.Str("sessionTimeoutSecs"); v != "" {
		secs, err := strconv.ParseInt(v, 10, 64)
		if err != nil || secs < 0 || len(v) > 9 {
			return refuse(5, tParam).Because("sessionTimeoutSecs is up to 9 digits")
		}
		o.Expires = c.now.Add(time.Duration(secs) * time.Second)
	}
	for _, f := range []struct {
		name  string
		to    *time.Time
		right Right
	}{{"expirationDate", &o.Expires, ""}, {"autocompletionDate", &o.AutoComplete, AutoDates}, {"autoReverseDate", &o.AutoReverse, AutoDates}} {
		v := c.Str(f.name)
		if v == "" || (f.right != "" && !o.PreAuth) {
			continue
		}
		t, err := gateway.ParseMoscow(v)
		if err != nil {
			return refuse(5, tParam).Because(f.name + " is yyyy-MM-ddTHH:mm:ss")
		}
		if f.right != "" && !c.m.may(f.right) {
			return refuse(5, tAccess).Because("not switched on: " + string(f.right))
		}
		*f.to = t
	}
	return nil
}

// own makes an order of the bank's own making: a link's, a static code's.
func (s *Server) own(m *Merchant, amount money.Amount) *order {
	now := s.base.Clock.Now()
	return &order{merchant: m, owner: m.UserName, Order: gateway.Order{Number: s.nextNumber(), Amount: amount, ReturnURL: s.URL + "/payment/merchants/ecom/finish.html",
		Created: now, Expires: now.Add(s.cfg.session), Lang: m.Language}}
}
