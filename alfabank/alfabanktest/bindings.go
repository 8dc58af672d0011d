package alfabanktest

import (
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// payBinding is paymentOrderBinding.do: payment by a saved card, or by a saved
// SBP account.
func (c *call) payBinding() (obj, *refusal) {
	need := []string{"mdOrder", "bindingId"}
	if c.s.cfg.unknowns.StrictTII {
		need = append(need, "tii")
	}
	if no := c.need(need...); no != nil {
		return nil, no
	}
	o, no := c.payable("mdOrder")
	if no != nil {
		return nil, no
	}
	if o.ClientID == "" {
		return nil, refuse(5, emptyText("clientId"))
	}
	if no := c.indicator(o, true); no != nil {
		return nil, no
	}
	if ip := c.Str("ip"); ip != "" {
		o.IP = ip
	}
	if b := c.s.sbpAccount(o.shop(), c.Str("bindingId")); b != nil {
		return c.chargeSBP(o, b)
	}
	b := c.s.wallet.Find(o.shop(), c.Str("bindingId"))
	switch {
	case b == nil:
		return nil, refuse(2, tBindMiss)
	case b.ClientID != o.ClientID, o.BindingID != "" && o.BindingID != b.ID:
		return nil, refuse(1, tBindOther)
	case !b.Active:
		return nil, refuse(2, tBindOff)
	}
	o.Saved = b
	card := b.Now(c.now)
	if !o.Has("FORCE_TDS") && !o.Has("FORCE_FULL_TDS") {
		card.Flow = gateway.FlowNone // a saved card is not asked again unless the order demands it
	}
	out := c.payWith(o, card, b.Way)
	out["bindingId"] = b.ID
	return out, nil
}

func (c *call) getBindings() (obj, *refusal) {
	client := c.Str("clientId")
	if client == "" {
		return nil, refuse(5, emptyText("clientId"))
	}
	id, kind := c.Str("bindingId"), c.Str("bindingType")
	return c.listBindings(func(b *gateway.Binding) bool {
		// All saved cards here are common ones.
		return b.ClientID == client && (id == "" || b.ID == id) && (kind == "" || kind == "C")
	}, func(b *gateway.Binding, e obj) {
		tail := b.Card.PAN[len(b.Card.PAN)-4:]
		e["paymentWay"], e["paymentSystem"], e["bindingCategory"] = "CARD", b.Card.System, "COMMON"
		e["displayLabel"] = strings.Repeat("X", len(b.Card.PAN)-4) + tail
	})
}

func (c *call) getBindingsByCard() (obj, *refusal) {
	pan, id := c.Str("pan"), c.Str("bindingId")
	if pan == "" && id == "" {
		return nil, refuse(4, emptyText("pan"))
	}
	return c.listBindings(func(b *gateway.Binding) bool {
		if pan != "" {
			return b.Card.PAN == pan
		}
		return b.ID == id
	}, func(b *gateway.Binding, e obj) { e["clientId"] = b.ClientID })
}

func (c *call) listBindings(fits func(*gateway.Binding) bool, more func(*gateway.Binding, obj)) (obj, *refusal) {
	list := []obj{}
	for _, b := range c.s.wallet.Of(c.shop(), fits) {
		if !b.Active || (b.Expired(c.now) && !c.Yes("showExpired")) {
			continue
		}
		e := obj{"bindingId": b.ID, "maskedPan": deck.Mask(b.Card.PAN), "expiryDate": b.Card.Expiry}
		more(b, e)
		list = append(list, e)
	}
	if len(list) == 0 && !c.s.cfg.unknowns.NothingFoundIsEmpty {
		return nil, refuse(2, tNothing)
	}
	return c.ok(obj{"bindings": list}), nil
}

func (c *call) unbindCard() (obj, *refusal) { return c.setBinding(false) }
func (c *call) bindCard() (obj, *refusal)   { return c.setBinding(true) }

func (c *call) setBinding(active bool) (obj, *refusal) {
	if no := c.need("bindingId"); no != nil {
		return nil, no
	}
	b := c.s.wallet.Find(c.shop(), c.Str("bindingId"))
	switch {
	case b == nil:
		return nil, refuse(2, tBindMiss)
	case b.Active == active && active:
		return nil, refuse(2, tBindOn)
	case b.Active == active:
		return nil, refuse(2, tBindOff)
	}
	b.Active = active
	c.s.notifyBinding(c.m, b.ID, b.ClientID, "bindingActivityChanged", active)
	return c.ok(nil), nil
}

func (c *call) extendBinding() (obj, *refusal) {
	if no := c.need("bindingId", "newExpiry"); no != nil {
		return nil, no
	}
	expiry := c.Str("newExpiry")
	b := c.s.wallet.Find(c.shop(), c.Str("bindingId"))
	switch {
	case len(expiry) != 6 || !gateway.Digits(expiry) || expiry[4:] < "01" || expiry[4:] > "12":
		return nil, refuse(5, tParam).Because("newExpiry is YYYYMM")
	case b == nil:
		return nil, refuse(2, tBindMiss)
	case !b.Active:
		return nil, refuse(2, tBindOff)
	}
	b.Card.Expiry = expiry
	return c.ok(nil), nil
}

// createBinding is createBindingNoPayment.do.
func (c *call) createBinding() (obj, *refusal) {
	if no := c.need("clientId", "cardholderName", "expiryDate", "pan"); no != nil {
		return nil, no
	}
	pan, expiry := c.Str("pan"), c.Str("expiryDate")
	if !gateway.Digits(pan) || !gateway.Luhn(pan) || len(expiry) != 6 || !gateway.Digits(expiry) {
		return nil, refuse(1, tBadCard)
	}
	card := deck.Look(pan, expiry[:4], expiry[4:], "", c.Str("cardholderName"), c.now)
	b, fresh := c.s.wallet.Save(c.shop(), c.Str("clientId"), card, "CARD_BINDING", &deck)
	if fresh {
		c.s.notifyBinding(c.m, b.ID, b.ClientID, "bindingCreated", true)
	}
	return obj{"maskedPan": deck.Mask(pan), "expiryDate": expiry, "cardholderName": card.Holder, "clientId": b.ClientID, "bindingId": b.ID,
		"errorCode": 0, "error": false}, nil
}
