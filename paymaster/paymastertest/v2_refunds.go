package paymastertest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// refund is a refund of either generation: its states are v2's words.
type refund struct {
	id       string
	p        *payment
	external string // externalID of the classic REST
	amount   money.Amount
	status   string // Pending, Executing (classic only), Success, Rejected
	result   string
	created  time.Time
	updated  time.Time
	receipt  *Receipt
	timer    *emulator.Timer
}

// Refund is a refund on PayMaster's side.
type Refund struct {
	ID        string
	PaymentID string
	Key       string // externalID of the classic REST
	Amount    money.Amount
	Status    string // "Pending", "Executing", "Success" or "Rejected"
	Result    string // why it was rejected
	Created   time.Time
}

// The states of a refund.
const (
	executing = "Executing"
	success   = "Success"
)

// Refunds are the refunds of a payment, oldest first, those still to be
// executed among them.
func (s *Server) Refunds(id string) []Refund {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.find(id)
	var out []Refund
	for _, r := range s.refunds {
		if r.p == p {
			out = append(out, Refund{r.id, p.id, r.external, r.amount, r.status, r.result, r.created})
		}
	}
	return out
}

// ExecuteRefunds carries out all refunds that wait, at once, and says how many.
func (s *Server) ExecuteRefunds() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, r := range s.refunds {
		if r.waits() {
			s.execute(r)
			n++
		}
	}
	return n
}

// RejectRefunds makes the next n refunds fail when they are executed, with a
// result code: "" is TransactionDeclined.
func (s *Server) RejectRefunds(n int, resultCode string) {
	if resultCode == "" {
		resultCode = declinedOrdinary
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.refusals = append(s.refusals, resultCode)
	}
}

func (r *refund) waits() bool { return r.status == pending || r.status == executing }

// refundable is what can still be refunded.
func (s *Server) refundable(p *payment) money.Amount {
	left := p.captured
	for _, r := range s.refunds {
		if r.p == p && r.status != rejected {
			left -= r.amount
		}
	}
	return left
}

// startRefund accepts a refund, which is executed later.
func (s *Server) startRefund(p *payment, amount money.Amount, external string, receipt *Receipt) *refund {
	now := s.base.Clock.Now().UTC()
	s.nextRefund += int64(1 + s.base.IDs.IntN(9))
	r := &refund{id: fmt.Sprint(s.nextRefund), p: p, external: external, amount: amount, status: pending, created: now.Truncate(time.Millisecond), updated: now, receipt: receipt}
	if receipt != nil {
		receipt.PaymentID, receipt.Type = p.id, "Refund"
	}
	s.refunds = append(s.refunds, r)
	step := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.status == pending && p.classic {
			r.status, r.updated = executing, s.base.Clock.Now().UTC()
			return
		}
		if r.waits() {
			s.execute(r)
		}
	}
	if p.classic {
		s.base.Clock.AfterFunc(s.opt.refundTakes/2, step)
	}
	r.timer = s.base.Clock.AfterFunc(s.opt.refundTakes, step)
	return r
}

func (s *Server) execute(r *refund) {
	r.timer.Stop()
	r.updated = s.base.Clock.Now().UTC()
	if len(s.refusals) > 0 {
		r.status, r.result = rejected, s.refusals[0]
		s.refusals = s.refusals[1:]
		return
	}
	r.status, r.result = success, "Success"
	s.move(r.p.id, emulator.Refunded, r.amount, r.id)
	if r.receipt != nil {
		s.print(r.receipt)
	}
}

func (s *Server) createRefund(c call) (any, *refusal) {
	k := &check{}
	id := k.text(c.body, "PaymentId", true)
	amount, currency := k.amount(c.body, "Amount", true, s.opt.account.Currencies)
	receipt := s.receipt(k, c.body, "Receipt", amount)
	if no := k.refusal(); no != nil {
		return nil, no
	}
	p := s.payments[id]
	switch {
	case p == nil || p.classic:
		return nil, s.notFound("Payment")
	case currency != p.currency:
		return nil, invalid("Invalid Amount.Currency value.")
	case p.status != settled:
		return nil, wrongState("The payment is " + p.status + ", not Settled.")
	case amount > s.refundable(p):
		return nil, wrongState("The amount is more than is left of the payment.")
	}
	return s.refundView(s.startRefund(p, amount, "", receipt)), nil
}

func (s *Server) refundView(r *refund) any {
	return struct {
		ID         any    `json:"id"`
		Created    string `json:"created"`
		Status     string `json:"status"`
		PaymentID  any    `json:"paymentId"`
		Amount     any    `json:"amount"`
		ResultCode string `json:"resultCode,omitempty"`
	}{s.number(r.id), stamp(r.created), r.status, s.number(r.p.id), s.sum(r.amount, r.p.currency), r.result}
}

func (s *Server) readRefund(c call) (any, *refusal) {
	for _, r := range s.refunds {
		if r.id == c.id && !r.p.classic {
			return s.refundView(r), nil
		}
	}
	return nil, s.notFound("Refund")
}

func (s *Server) listRefunds(c call) (any, *refusal) {
	from, to, no := s.period(c.query, false)
	if no != nil {
		return nil, no
	}
	var found []*refund
	for _, r := range s.refunds {
		if !r.p.classic && s.within(r.created, from, to) {
			found = append(found, r)
		}
	}
	return page(s, c.query, found, func(r *refund) string { return r.id }, s.refundView)
}

// Receipt is a fiscal receipt that PayMaster's cash register was given: with a
// payment, a capture, a refund, or by itself.
type Receipt struct {
	ID           string
	PaymentID    string
	Type         string // "Payment" or "Refund"
	Amount       money.Amount
	Status       string // "Pending", "Success" or "Rejected"
	Email, Phone string
	Lines        []ReceiptLine
	Created      time.Time
}

// ReceiptLine is a line of it, with the words as they came.
type ReceiptLine struct {
	Name            string
	Quantity, Price string
	Sum             money.Amount
	VAT             string
	Subject, Method string
	Agent           string // classic: the index
	Marking         string
}

// print gives a receipt to the cash register.
func (s *Server) print(r *Receipt) {
	s.nextReceipt++
	r.ID, r.Status, r.Created = "r-"+strconv.FormatInt(s.nextReceipt, 10), pending, s.base.Clock.Now().UTC().Truncate(time.Second)
	s.receipts = append(s.receipts, r)
	s.base.Clock.AfterFunc(s.opt.receiptTakes, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		r.Status = success
		if s.badReceipts > 0 {
			s.badReceipts--
			r.Status = rejected
		}
	})
}

// Receipts are the receipts of a payment, oldest first.
func (s *Server) Receipts(id string) []Receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Receipt
	if p := s.find(id); p != nil {
		for _, r := range s.receipts {
			if r.PaymentID == p.id {
				e := *r
				e.Lines = slices.Clone(r.Lines)
				out = append(out, e)
			}
		}
	}
	return out
}

// RejectReceipts makes the cash register refuse the next n receipts.
func (s *Server) RejectReceipts(n int) {
	s.mu.Lock()
	s.badReceipts += n
	s.mu.Unlock()
}

func (s *Server) createReceipt(c call) (any, *refusal) {
	k := &check{}
	id := k.text(c.body, "PaymentId", true)
	kind := k.word(c.body, "Type", true, []string{"Payment", "Refund"})
	amount, _ := k.amount(c.body, "Amount", true, s.opt.account.Currencies)
	r := s.receipt(k, c.body, "", amount)
	if no := k.refusal(); no != nil {
		return nil, no
	}
	p := s.payments[id]
	switch {
	case p == nil || p.classic:
		return nil, s.notFound("Payment")
	case p.status != settled && p.status != authorized:
		return nil, wrongState("The payment is " + p.status + ".")
	}
	r.PaymentID, r.Type = p.id, kind
	s.print(r)
	return s.receiptView(r), nil
}

func (s *Server) receiptView(r *Receipt) any {
	return struct {
		ID        string `json:"id"`
		Created   string `json:"created"`
		PaymentID any    `json:"paymentId"`
		Amount    any    `json:"amount"`
		Type      string `json:"type"`
		Status    string `json:"status"`
	}{r.ID, stamp(r.Created), s.number(r.PaymentID), s.sum(r.Amount, s.payments[r.PaymentID].currency), r.Type, r.Status}
}

func (s *Server) readReceipt(c call) (any, *refusal) {
	for _, r := range s.receipts {
		if r.ID == c.id {
			return s.receiptView(r), nil
		}
	}
	return nil, s.notFound("Receipt")
}

func (s *Server) listReceipts(c call) (any, *refusal) {
	id := c.query["paymentid"]
	if id == "" {
		return nil, invalid("Specify required PaymentId value.")
	}
	if p := s.payments[id]; p == nil || p.classic {
		return nil, s.notFound("Payment")
	}
	out := []any{}
	for _, r := range s.receipts {
		if r.PaymentID == id {
			out = append(out, s.receiptView(r))
		}
	}
	if s.opt.unknown.ReceiptsArray {
		return out, nil
	}
	return map[string]any{"items": out}, nil
}
