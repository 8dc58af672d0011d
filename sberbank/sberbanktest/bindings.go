package sberbanktest

import (
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

func amountOf(kopecks int64) money.Amount { return money.Amount(kopecks) }

// bind saves the card of a payment, once for each client and card.
func (s *Server) bind(o *order) {
	b, fresh := s.wallet.Save(o.shop(), o.ClientID, *o.Paid, o.Way, o.Deck)
	o.Saved = b
	if fresh && b.Way == "SBERPAY" {
		s.notifyBinding(b, "bindingCreated")
	}
}

// bonusOf is what the saved card has of bonuses (СберСпасибо).
func (s *Server) bonusOf(b *gateway.Binding) money.Amount { return startBonus - s.spent[b.ID] }

const startBonus = money.Amount(12300)

// SetBindingOutcome makes charges of a saved card end with that actionCode;
// 0: as the card itself.
func (s *Server) SetBindingOutcome(bindingID string, actionCode int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := s.wallet.Any(bindingID)
	if b == nil {
		return fmt.Errorf("sberbanktest: no binding %q", bindingID)
	}
	b.Outcome = actionCode
	return nil
}

// Bindings are the active saved cards of a client, oldest first.
func (s *Server) Bindings(clientID string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wallet.Active(clientID)
}

// binding is the saved card that the call names.
func (c *call) binding() *gateway.Binding {
	return c.s.wallet.Find(shopOf(c.m, c.legacy), c.Str("bindingId"))
}

func (c *call) setBinding(active bool) (obj, *gateway.Refusal) {
	if c.legacy && c.Str("bindingId") == "" {
		return nil, gateway.Refuse(1, tParam)
	}
	b := c.binding()
	switch {
	case b == nil:
		return nil, gateway.Refuse(2, tBindingNone)
	case b.Active == active && active:
		return nil, gateway.Refuse(2, tBindActive)
	case b.Active == active:
		return nil, gateway.Refuse(2, tBindInactive)
	}
	b.Active = active
	if !active && b.Way == "SBERPAY" {
		c.s.notifyBinding(b, "bindingDeactivated")
	}
	return c.done(), nil
}

func (c *call) unbindCard() (obj, *gateway.Refusal) { return c.setBinding(false) }
func (c *call) bindCard() (obj, *gateway.Refusal)   { return c.setBinding(true) }

// done is a success without further news.
func (c *call) done() obj {
	if c.legacy {
		return obj{"errorCode": "0", "errorMessage": ""}
	}
	return c.ok(nil)
}

func (c *call) getBindings() (obj, *gateway.Refusal) {
	client := c.Str("clientId")
	if client == "" {
		return nil, gateway.Refuse(1, tParam).Because("clientId is needed")
	}
	return c.listBindings(func(b *gateway.Binding) bool { return b.ClientID == client }, false)
}

func (c *call) getBindingsByCard() (obj, *gateway.Refusal) {
	pan, id := c.Str("pan"), c.Str("bindingId")
	switch {
	case c.legacy && pan == "" && id == "":
		return nil, gateway.Refuse(1, tParam)
	case !c.legacy && (pan == "") == (id == ""):
		return nil, gateway.Refuse(5, tSchema).Because("exactly one of pan and bindingId must be sent")
	case pan != "":
		return c.listBindings(func(b *gateway.Binding) bool { return b.Card.PAN == pan }, true)
	}
	return c.listBindings(func(b *gateway.Binding) bool { return b.ID == id }, true)
}

func (c *call) getAllBindings() (obj, *gateway.Refusal) {
	return c.listBindings(func(*gateway.Binding) bool { return true }, true)
}

func (c *call) listBindings(fits func(*gateway.Binding) bool, withClient bool) (obj, *gateway.Refusal) {
	list := []obj{}
	for _, b := range c.s.wallet.Of(shopOf(c.m, c.legacy), fits) {
		if len(list) == 100 {
			break
		}
		if (!b.Active && !c.Yes("showInactive")) || (b.Expired(c.now) && !c.Yes("showExpired")) {
			continue
		}
		e := obj{"bindingId": b.ID, "maskedPan": b.Deck.Mask(b.Card.PAN), "expiryDate": b.Card.Expiry}
		if withClient {
			e["clientId"] = b.ClientID
		}
		if !c.legacy {
			e["bindingStatus"] = map[bool]string{true: "1", false: "0"}[b.Active]
			e["paymentWay"], e["paymentSystem"] = b.Way, b.Card.System
		}
		list = append(list, e)
	}
	if len(list) == 0 && c.legacy {
		return nil, gateway.Refuse(2, tNothingFound)
	}
	out := c.done()
	out["bindings"] = list
	return out, nil
}

// extendBinding is the legacy extendBinding.do.
func (c *call) extendBinding() (obj, *gateway.Refusal) {
	expiry := c.Str("newExpiry")
	if c.Str("bindingId") == "" || len(expiry) != 6 || !gateway.Digits(expiry) {
		return nil, gateway.Refuse(1, tParam)
	}
	b := c.binding()
	if b == nil || !b.Active {
		return nil, gateway.Refuse(2, tBindingNone)
	}
	if expiry <= b.Card.Expiry {
		return nil, gateway.Refuse(1, tParam).Because("newExpiry is not later than the present one")
	}
	b.Card.Expiry = expiry
	return c.done(), nil
}

// createBinding is the legacy createBindingNoPayment.do.
func (c *call) createBinding() (obj, *gateway.Refusal) {
	pan, expiry, client := c.Str("pan"), c.Str("expiry"), c.Str("clientId")
	if !gateway.Luhn(pan) || len(expiry) != 6 || !gateway.Digits(expiry) || client == "" {
		return nil, gateway.Refuse(1, tParam)
	}
	cd := legacyDeck.Look(pan, expiry[:4], expiry[4:], "", c.Str("cardholderName"), c.now)
	b := c.s.wallet.Add(shopOf(c.m, true), client, cd, "CARD", &legacyDeck)
	out := c.done()
	out["bindingId"], out["maskedPan"], out["expiryDate"], out["clientId"] = b.ID, b.Deck.Mask(pan), expiry, client
	return out, nil
}

// loyaltyBalance is getLoyaltyBalance.
func (c *call) loyaltyBalance() (obj, *gateway.Refusal) {
	b := c.binding()
	if b == nil {
		return nil, gateway.Refuse(1, tBindingNone)
	}
	return c.ok(obj{"loyaltyOperations": []obj{{"serviceName": "sbrf_spasibo", "bonusBalance": c.s.bonusOf(b)}}}), nil
}

// maskedPhone shows the last four digits of a payer's phone.
func maskedPhone(digits string) string {
	if len(digits) <= 4 {
		return digits
	}
	return strings.Repeat("*", len(digits)-4) + digits[len(digits)-4:]
}
