package gateway

import (
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// Flow is how a card is authenticated.
type Flow uint8

// The flows of 3-D Secure.
const (
	FlowNone         Flow = iota // the card is not in 3-D Secure
	FlowFrictionless             // 3DS2 without a question
	FlowChallenge                // 3DS2 with a code
	FlowPaReq                    // 3DS1 with a code
	FlowAttempt                  // the issuer takes part only formally: result A
)

// TestCard is a card that a bank publishes for tests.
type TestCard struct {
	PAN, CVCs, System string // CVCs: those published, separated by a space
	Expiry            string // YYYYMM, the newest published
	AnyExpiry         bool   // the card pays whatever its date
	Flow              Flow
	Action            int   // actionCode of every attempt
	Limit             int64 // kopecks on it; 0: enough
	Note              Text
}

// Deck is the test cards of one gateway and its manners with cards.
type Deck struct {
	Cards       []TestCard
	WrongNumber int    // actionCode of a number that fails the Luhn check
	WrongCVC    int    // actionCode of a CVC that is not the card's
	Code        string // that its ACS takes
	Stars       string // in a masked number; "": one for each hidden digit
}

// Find is the test card of that number; nil: the deck has none.
func (d *Deck) Find(pan string) *TestCard {
	for i := range d.Cards {
		if d.Cards[i].PAN == pan {
			return &d.Cards[i]
		}
	}
	return nil
}

// validUntil is the expiry to be shown: the published one while it lasts,
// later a far one, as the banks move them too.
func (c *TestCard) validUntil(now time.Time) string {
	if c.Action == 101 {
		return c.Expiry
	}
	if c.Expiry == "" || c.Expiry < Month(now) {
		return strconv.Itoa(now.Year()+9) + "12"
	}
	return c.Expiry
}

// Month is YYYYMM in Moscow.
func Month(t time.Time) string { return t.In(Moscow).Format("200601") }

// pageCards are the cards as the payment page lists them.
func (d *Deck) pageCards(now time.Time, lang string) []emulator.TestCard {
	out := make([]emulator.TestCard, len(d.Cards))
	for i := range d.Cards {
		until := d.Cards[i].validUntil(now)
		cvc, _, _ := strings.Cut(d.Cards[i].CVCs, " ")
		out[i] = emulator.TestCard{PAN: d.Cards[i].PAN, Month: until[4:], Year: until[:4], CVC: cvc, Behaviour: d.Cards[i].Note.In(lang)}
	}
	return out
}

// Card is a card as the customer gave it, or as it was saved.
type Card struct {
	PAN, Expiry, Holder, System string // Expiry: YYYYMM
	Flow                        Flow
	Action                      int
	Limit                       int64
}

// Look finds out what the issuer will say to the card data. An empty CVC is
// not checked: it is the caller's business whether one is needed.
func (d *Deck) Look(pan, year, month, cvc, holder string, now time.Time) Card {
	c := Card{PAN: pan, Expiry: year + month, Holder: holder, System: brand(pan)}
	known := d.Find(pan)
	switch {
	case known == nil && !Luhn(pan):
		c.Action = d.WrongNumber
	case known == nil:
		c.Action = 53
	default:
		c.Flow, c.Action, c.Limit, c.System = known.Flow, known.Action, known.Limit, known.System
		switch {
		case c.Expiry < Month(now) && !known.AnyExpiry:
			c.Action = 101
		case cvc != "" && !strings.Contains(" "+known.CVCs+" ", " "+cvc+" "):
			c.Action = d.WrongCVC
		}
	}
	return c
}

// Whole is the test card of that number with its right data.
func (d *Deck) Whole(pan string, now time.Time) Card {
	year, month := "2035", "12"
	if known := d.Find(pan); known != nil {
		until := known.validUntil(now)
		year, month = until[:4], until[4:]
	}
	return d.Look(pan, year, month, "", "IVAN IVANOV", now)
}

// brand is the payment system by the first digits.
func brand(pan string) string {
	switch {
	case len(pan) > 4 && pan[:4] >= "2200" && pan[:4] <= "2204":
		return "MIR"
	case strings.HasPrefix(pan, "4"):
		return "VISA"
	case strings.HasPrefix(pan, "5"):
		return "MASTERCARD"
	case strings.HasPrefix(pan, "62"):
		return "CUP"
	case strings.HasPrefix(pan, "35"):
		return "JCB"
	}
	return "Undefined"
}

// Luhn says whether the number's last digit checks.
func Luhn(pan string) bool {
	sum, double := 0, false
	for i := len(pan) - 1; i >= 0; i-- {
		digit := int(pan[i] - '0')
		if double {
			if digit *= 2; digit > 9 {
				digit -= 9
			}
		}
		sum += digit
		double = !double
	}
	return len(pan) >= 13 && sum%10 == 0
}

// Mask shows the first six and the last four digits.
func (d *Deck) Mask(pan string) string {
	if len(pan) < 13 {
		return pan
	}
	stars := d.Stars
	if stars == "" {
		stars = strings.Repeat("*", len(pan)-10)
	}
	return pan[:6] + stars + pan[len(pan)-4:]
}

// Binding is a saved card (связка).
type Binding struct {
	ID, ClientID string
	Shop         string // whose it is, in the emulator's words
	Card         Card
	Way          string // paymentWay of charges
	Active       bool
	Outcome      int // actionCode of charges; 0: as the card
	Deck         *Deck
}

// Now is the card as it would answer a charge now.
func (b *Binding) Now(at time.Time) Card {
	c := b.Card
	c.Action = 0
	switch {
	case b.Outcome != 0:
		c.Action = b.Outcome
	case b.Expired(at):
		c.Action = 101
	}
	return c
}

// Expired says whether the card's date is over.
func (b *Binding) Expired(at time.Time) bool { return b.Card.Expiry < Month(at) }

// Wallet is all saved cards.
type Wallet struct {
	IDs  *emulator.IDs
	byID map[string]*Binding
	all  []*Binding
}

// Save keeps a card: once for each shop, client, card and way, and active
// again when it was not. fresh says that it is a new one.
func (w *Wallet) Save(shop, clientID string, c Card, way string, deck *Deck) (b *Binding, fresh bool) {
	for _, b := range w.all {
		if b.Shop == shop && b.ClientID == clientID && b.Card.PAN == c.PAN && b.Way == way {
			b.Active, b.Card = true, c
			return b, false
		}
	}
	return w.Add(shop, clientID, c, way, deck), true
}

// Add keeps a card under a new id.
func (w *Wallet) Add(shop, clientID string, c Card, way string, deck *Deck) *Binding {
	b := &Binding{ID: w.IDs.UUID(), ClientID: clientID, Shop: shop, Card: c, Way: way, Active: true, Deck: deck}
	if w.byID == nil {
		w.byID = map[string]*Binding{}
	}
	w.byID[b.ID] = b
	w.all = append(w.all, b)
	return b
}

// Any is the saved card of that id, whosever it is; nil: there is none.
func (w *Wallet) Any(id string) *Binding { return w.byID[id] }

// Find is the shop's saved card of that id; nil: it has none.
func (w *Wallet) Find(shop, id string) *Binding {
	if b := w.byID[id]; b != nil && b.Shop == shop {
		return b
	}
	return nil
}

// Of are the shop's saved cards that fit, oldest first.
func (w *Wallet) Of(shop string, fits func(*Binding) bool) []*Binding {
	var out []*Binding
	for _, b := range w.all {
		if b.Shop == shop && fits(b) {
			out = append(out, b)
		}
	}
	return out
}

// Active are the ids of a client's active cards at all shops, oldest first.
func (w *Wallet) Active(clientID string) []string {
	var out []string
	for _, b := range w.all {
		if b.ClientID == clientID && b.Active {
			out = append(out, b.ID)
		}
	}
	return out
}
