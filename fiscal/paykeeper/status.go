package paykeeper

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// InvoiceStatus and PaymentStatus in the words of package acquiring. What the
// service says and these do not know is StatusUnknown: not final, to be asked
// again.

// Status is the invoice's status as far as the invoice alone tells: a paid one
// is StatusPaid, though its payment may be refunded since.
func (s InvoiceStatus) Status() acquiring.Status {
	switch s {
	case InvoiceCreated, InvoiceSent:
		return acquiring.StatusPending
	case InvoicePaid:
		return acquiring.StatusPaid
	case InvoiceExpired:
		return acquiring.StatusExpired
	}
	return acquiring.StatusUnknown
}

// Status is the payment's status as far as its word tells. Of a hold it does
// not tell: see Config.TwoStage.
func (s PaymentStatus) Status() acquiring.Status {
	switch s {
	case PaymentPending:
		return acquiring.StatusPending
	case PaymentObtained, PaymentSuccess, PaymentStuck, PaymentRefunding:
		return acquiring.StatusPaid
	case PaymentCanceled:
		return acquiring.StatusCanceled
	case PaymentFailed:
		return acquiring.StatusDeclined
	case PaymentRefunded:
		return acquiring.StatusRefunded
	case PaymentPartiallyRefunded:
		return acquiring.StatusPartiallyRefunded
	}
	return acquiring.StatusUnknown
}

// Received says whether the money was received, or held.
func (s PaymentStatus) Received() bool {
	switch s {
	case PaymentObtained, PaymentSuccess, PaymentStuck, PaymentRefunding, PaymentRefunded, PaymentPartiallyRefunded:
		return true
	}
	return false
}

// holdState is what is known of a payment's hold.
type holdState string

const (
	holdNone     holdState = ""         // not held
	holdHeld     holdState = "held"     // on hold, surely
	holdAssumed  holdState = "assumed"  // the account is two-stage, and nothing is known
	holdCaptured holdState = "captured" // was held, was taken
	holdVoided   holdState = "voided"   // was held, was released
)

// hold is what the store keeps of a held payment.
type hold struct {
	State    holdState    `json:"state"`
	Until    time.Time    `json:"until,omitzero"`    // the service takes the money by itself on this day
	Captured money.Amount `json:"captured,omitzero"` // of holdCaptured
}

func (h hold) open() bool { return h.State == holdHeld || h.State == holdAssumed }

// payment is a payment in the words of package acquiring. inv is nil for one
// that no invoice is known of.
func (a *Acquirer) payment(id acquiring.PaymentID, inv *InvoiceInfo, p *PaymentInfo, h hold) *acquiring.Payment {
	out := &acquiring.Payment{ID: id, Currency: "RUB", Test: a.c.cfg.Environment == acquiring.Test}
	var raw struct {
		Invoice json.RawMessage `json:"invoice,omitempty"`
		Payment json.RawMessage `json:"payment,omitempty"`
	}
	if inv != nil {
		out.OrderID, out.Amount, out.CreatedAt, out.PaidAt = inv.OrderID, inv.Amount, inv.CreatedAt, inv.PaidAt
		out.Status, out.ProviderStatus, raw.Invoice = inv.Status.Status(), string(inv.Status), inv.Raw
	}
	if p != nil {
		raw.Payment = p.Raw
		a.addPayment(out, p, h)
	}
	if data, err := json.Marshal(raw); err == nil {
		out.Raw = data
	}
	return out
}

func (a *Acquirer) addPayment(out *acquiring.Payment, p *PaymentInfo, h hold) {
	if out.OrderID == "" {
		out.OrderID = p.OrderID
	}
	if out.Amount == 0 {
		out.Amount = p.Amount
	}
	if out.CreatedAt.IsZero() {
		out.CreatedAt = p.PendingAt
	}
	if !p.ObtainedAt.IsZero() {
		out.PaidAt = p.ObtainedAt
	}
	out.Status, out.ProviderStatus = p.Status.Status(), string(p.Status)
	if p.Status == PaymentCanceled && !p.ObtainedAt.IsZero() {
		out.Status = acquiring.StatusVoided // the money had come and was held: this is no withdrawn invoice
	}
	out.Method = method(p)
	if a.c.cfg.HoldStatus != "" && string(p.Status) == a.c.cfg.HoldStatus {
		h = hold{State: holdHeld}
	}
	switch {
	case out.Status == acquiring.StatusDeclined:
		out.Failure = &acquiring.Failure{Code: string(p.Status), Message: "PayKeeper does not say why; the cabinet does"}
	case h.State == holdVoided, h.open() && p.Status == PaymentRefunded:
		out.Status = acquiring.StatusVoided
	case h.open() && (p.Status.Received() || h.State == holdHeld && out.Status == acquiring.StatusUnknown):
		out.Status = acquiring.StatusAuthorized
	case p.Status.Received():
		a.addMoney(out, p, h)
	}
	if !out.Status.Succeeded() && out.Status != acquiring.StatusAuthorized && out.Status != acquiring.StatusVoided {
		out.PaidAt = time.Time{}
	}
}

// addMoney tells what was taken and what was given back. The released part of
// a hold the service may or may not count as refunded; it was never taken.
func (a *Acquirer) addMoney(out *acquiring.Payment, p *PaymentInfo, h hold) {
	out.Captured, out.Refunded = p.Amount, p.Refunded
	if h.State == holdCaptured && h.Captured > 0 && h.Captured < out.Amount {
		out.Captured = h.Captured
		if released := out.Amount - h.Captured; p.Amount == out.Amount && out.Refunded >= released {
			out.Refunded -= released
		}
	}
	if p.Status == PaymentRefunded && out.Refunded < out.Captured {
		out.Refunded = out.Captured
	}
	switch {
	case out.Refunded == 0 && p.Status != PaymentPartiallyRefunded, out.Refunded == 0 && h.State == holdCaptured:
		out.Status = acquiring.StatusPaid
	case out.Refunded >= out.Captured && out.Captured > 0:
		out.Status = acquiring.StatusRefunded
	default:
		out.Status = acquiring.StatusPartiallyRefunded
	}
}

// method tells the way to pay by the payment system's name, the only sign
// there is.
func method(p *PaymentInfo) acquiring.Method {
	words := plainWords(p.SiteDescription + " " + p.SystemDescription)
	switch {
	case strings.TrimSpace(words) == "":
		return ""
	case strings.Contains(words, "сбп"), strings.Contains(words, "быстрых платежей"), strings.Contains(words, "sbp"):
		return acquiring.MethodSBP
	case strings.Contains(words, "карт"), strings.Contains(words, "card"):
		return acquiring.MethodCard
	}
	return acquiring.MethodOther
}
