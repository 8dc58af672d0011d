package paymastertest

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// The statuses of a payment in v2.
const (
	pending      = "Pending"
	confirmation = "Confirmation"
	authorized   = "Authorized"
	settled      = "Settled"
	cancelled    = "Cancelled"
	rejected     = "Rejected"
)

// The states of a payment in the classic protocol.
const (
	initiated  = "INITIATED"
	processing = "PROCESSING"
	complete   = "COMPLETE"
	failed     = "CANCELLED"
)

// payment is a payment of either generation.
type payment struct {
	id, number  string
	classic     bool
	page        string // its name in the address of the payment page
	created     time.Time
	updated     time.Time
	status      string
	result      string // result code, in v2's words
	code        int    // of the classic protocol
	amount      money.Amount
	held        money.Amount
	captured    money.Amount
	currency    string
	description string
	dual        bool // held first
	test        bool
	expires     time.Time
	timer       *emulator.Timer

	method     string // "BankCard"; "": not chosen
	only       string // the one method the shop wants
	instrument string // masked card
	pan        string
	callback   string // where the notifications go
	returnTo   string

	params       any
	customer     object
	tokenization *tokenization
	saved        *token // made by this payment
	step         *step
	receipt      *Receipt // to be printed when it is paid
	acsReturn    string

	form   *form // classic
	asking bool  // the shop is being asked
	try    *card // the card that waits for the customer's code
}

// step is a confirmation under way.
type step struct {
	kind string
	url  string
	id   string // of the transaction at the ACS
	next string // the step after it
	pan  string
}

func (p *payment) final() bool {
	switch p.status {
	case settled, cancelled, rejected, complete, failed:
		return true
	}
	return false
}

// unpaid says whether the customer can still pay.
func (p *payment) unpaid() bool {
	return !p.final() && p.held == 0
}

// paid is what was taken.
func (p *payment) paid() bool { return p.status == settled || p.status == complete }

// open enters a new payment.
func (s *Server) open(p *payment) {
	now := s.base.Clock.Now().UTC()
	p.created, p.updated = now.Truncate(time.Second), now
	if s.opt.unknown.Milliseconds {
		p.created = now.Truncate(time.Millisecond)
	}
	if p.classic {
		s.nextSysID += int64(1 + s.base.IDs.IntN(9))
		p.id, p.page, p.status = fmt.Sprint(s.nextSysID), s.base.IDs.UUID(), initiated
	} else {
		s.nextID += int64(1 + s.base.IDs.IntN(9))
		p.id, p.page, p.status = fmt.Sprint(s.nextID), s.base.IDs.Hex(32), pending
	}
	s.payments[p.id], s.pages[p.page] = p, p
	s.list = append(s.list, p)
	link, protocol := s.URL+"/cpay/"+p.page, ""
	if p.classic {
		link, protocol = s.URL+"/payment/process/"+p.page, "classic"
	}
	s.base.Books.Open(emulator.Order{ID: p.id, Number: p.number, Amount: p.amount, Currency: p.currency, State: p.status, Created: p.created,
		Link: link, Protocol: protocol, TwoStage: p.dual})
	if !p.expires.IsZero() {
		p.timer = s.base.Clock.AtFunc(p.expires, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if p.unpaid() {
				s.expire(p)
			}
		})
	}
}

// change moves the payment and tells the shop.
func (s *Server) change(p *payment, status string) {
	p.status, p.updated = status, s.base.Clock.Now().UTC()
	s.base.Books.State(p.id, status)
	if p.final() {
		p.timer.Stop()
		p.step, p.try = nil, nil
	}
	if !p.classic {
		s.notify(p)
	}
}

// obtain is the money coming: held, or held and taken at once. The customer
// paid by method with the card.
func (s *Server) obtain(p *payment, method, pan string) {
	p.method, p.pan, p.result, p.code, p.step, p.try = method, pan, "Success", 0, nil, nil
	p.instrument = masked(pan)
	p.held = p.amount
	s.move(p.id, emulator.Authorized, p.amount, "")
	s.saveCard(p)
	if p.dual {
		p.timer.Stop()
		if life := s.opt.unknown.HoldLife; life > 0 {
			p.timer = s.base.Clock.AfterFunc(life, func() {
				s.mu.Lock()
				defer s.mu.Unlock()
				if p.status == authorized || p.status == processing {
					s.release(p, "PaymentExpired")
				}
			})
		}
		if p.classic {
			s.change(p, processing)
			if s.opt.unknown.HoldNotice != NoticeAtConfirm {
				s.notifyClassic(p)
			}
			return
		}
		s.change(p, authorized)
		return
	}
	s.take(p, p.amount)
}

// take captures; what is left of the hold is let go.
func (s *Server) take(p *payment, amount money.Amount) {
	p.captured = amount
	s.move(p.id, emulator.Captured, amount, "")
	s.move(p.id, emulator.Released, p.held-amount, "")
	if p.receipt != nil {
		p.receipt.Amount = amount
		s.print(p.receipt)
	}
	if !p.classic {
		s.change(p, settled)
		return
	}
	s.change(p, complete)
	if !p.dual || s.opt.unknown.HoldNotice != NoticeAtHold {
		s.notifyClassic(p)
	}
}

// release lets a hold go.
func (s *Server) release(p *payment, result string) {
	s.move(p.id, emulator.Released, p.held, "")
	if result != "" {
		p.result, p.code = result, classicCodes[result]
	}
	if p.classic {
		s.change(p, failed)
		return
	}
	s.change(p, cancelled)
}

// refuse is a declined attempt.
func (s *Server) refuse(p *payment, result string) {
	p.result, p.code, p.step, p.try = result, classicCodes[result], nil, nil
	switch {
	case p.classic:
		s.change(p, failed)
	case s.opt.unknown.RetryAfterDecline && result != "CancelledByUser":
		if p.status != pending {
			s.change(p, pending)
		}
	case result == "CancelledByUser":
		s.change(p, cancelled)
	default:
		s.change(p, rejected)
	}
}

// expire is the time running out.
func (s *Server) expire(p *payment) {
	p.result, p.code = "PaymentExpired", -15
	switch {
	case p.classic:
		s.change(p, failed)
	case s.opt.unknown.ExpiredRejected:
		s.change(p, rejected)
	default:
		s.change(p, cancelled)
	}
}

// find finds a payment by its id, the address of its page or the page's name,
// or the shop's number: the last one under it that was paid or held, else the
// last one. The lock is held.
func (s *Server) find(id string) *payment {
	if id == "" {
		return nil
	}
	if p := s.payments[id]; p != nil {
		return p
	}
	if p := s.pages[strings.ToLower(id[strings.LastIndexByte(id, '/')+1:])]; p != nil {
		return p
	}
	return s.byNumber(id)
}

func (s *Server) byNumber(number string) *payment {
	var last *payment
	for _, p := range s.list {
		if p.number == number && (last == nil || p.held > 0 || last.held == 0) {
			last = p
		}
	}
	return last
}

// reach is find that opens a payment form's link as a browser would.
func (s *Server) reach(id string) (*payment, error) {
	if strings.HasPrefix(id, "http://") || strings.HasPrefix(id, "https://") {
		var err error
		if id, err = s.Open(id); err != nil {
			return nil, err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(id)
	switch {
	case p == nil:
		return nil, fmt.Errorf("paymastertest: no payment %q", id)
	case !p.unpaid():
		return nil, fmt.Errorf("paymastertest: payment %q is %s", id, p.status)
	}
	return p, nil
}

// Open opens a payment link as the customer's browser does, and says under
// which id the payment is: a classic link makes a payment when it is opened.
func (s *Server) Open(link string) (id string, err error) {
	at := link
	if rest, ok := strings.CutPrefix(link, s.URL); ok {
		// Below a prefix of somebody's handler, ours sees the path without it.
		if u, err := url.Parse(s.URL); err == nil {
			at = u.Scheme + "://" + u.Host + rest
		}
	}
	resp, err := s.Client().Get(at)
	if err != nil {
		return "", err
	}
	_ = resp.Body.Close()
	if to := resp.Header.Get("Location"); to != "" {
		link = to
	} else if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("paymastertest: %s: HTTP %d", link, resp.StatusCode)
	}
	link, _, _ = strings.Cut(link, "?")
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.find(link); p != nil {
		return p.id, nil
	}
	return "", errors.New("paymastertest: the payment form was refused: " + resp.Header.Get(reasonHeader))
}

// Pay is the customer paying, by card, or by SBP where the payment takes only
// that: an id, the shop's number, or the payment link. A two-stage payment is
// held. An error says that there is no such payment, or that it cannot be paid.
func (s *Server) Pay(id string) error { return s.PayWith(id, CardPays) }

// PayWith pays by one of the test cards; the bank's questions are answered as
// it wants. A declined card is no error: see what became of it with Order.
func (s *Server) PayWith(id, pan string) error {
	p, err := s.reach(id)
	if err != nil {
		return err
	}
	now := s.Now()
	c := look(pan, "12", fmt.Sprint(now.Year()+3), "000", now)
	c.step = ""
	if p.classic {
		switch code := s.attempt(p, c); code {
		case -8, -14, -16, -21:
			return fmt.Errorf("paymastertest: payment %q: %d %s", id, code, classicTexts[code])
		}
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !p.unpaid() {
		return fmt.Errorf("paymastertest: payment %q is %s", id, p.status)
	}
	if c.result != "" {
		s.refuse(p, c.result)
		return nil
	}
	if p.method == "Sbp" || strings.EqualFold(p.only, "sbp") {
		s.obtain(p, "Sbp", "")
		return nil
	}
	s.obtain(p, "BankCard", pan)
	return nil
}

// PaySBP is the customer paying by SBP (v2).
func (s *Server) PaySBP(id string) error {
	p, err := s.reach(id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.classic || !p.unpaid() || p.only != "" && !strings.EqualFold(p.only, "sbp") {
		return fmt.Errorf("paymastertest: payment %q cannot be paid by SBP", id)
	}
	s.obtain(p, "Sbp", "")
	return nil
}

// Decline is the bank refusing the customer's attempt: the payment is Rejected,
// or CANCELLED in the classic protocol.
func (s *Server) Decline(id string) error { return s.DeclineWith(id, declinedOrdinary) }

// DeclineWith declines with a result code of v2: "InsufficientFunds", or
// "CancelledByUser", which leaves the payment Cancelled.
func (s *Server) DeclineWith(id, resultCode string) error {
	if results[resultCode] == "" {
		return fmt.Errorf("paymastertest: no result code %q", resultCode)
	}
	p, err := s.reach(id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.refuse(p, resultCode)
	return nil
}

// Expire lets the time of a payment run out.
func (s *Server) Expire(id string) error {
	p, err := s.reach(id)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(p)
	return nil
}

// Payable are the payments under the shop's number that were paid or held or
// still can be, oldest first: two of them mean that the customer can pay twice.
// Of the attempts under one classic number only one can succeed: it, or the
// last one, stands for them.
func (s *Server) Payable(number string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []string
	for _, p := range s.list {
		if p.number == number && !p.classic && (!p.final() || p.paid()) {
			out = append(out, p.id)
		}
	}
	if p := s.byNumber(number); p != nil && p.classic && (!p.final() || p.paid()) {
		out = append(out, p.id)
	}
	return out
}
