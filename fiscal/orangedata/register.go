package orangedata

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

var (
	_ fiscal.Register   = (*Client)(nil)
	_ acquiring.Checker = (*Client)(nil)
)

// Submit puts the receipt into the queue (fiscal.Register): as a document, with
// Receipt.Correction as a correction of its FFD version. Everything wrong with
// it is refused before anything is sent, all at once: acquiring.ErrInvalid with
// fiscal.Faults in it.
//
// Submitting the receipt again prints nothing twice and returns the first
// document, with Existed set and as far as it is by now; so it does after an
// unknown outcome. An ID that holds another receipt gives
// acquiring.ErrDuplicate. A first document that was refused or expired comes
// back DocumentFailed: it needs a new ID.
//
// Document.ID is Receipt.ID, for corrections with "corrections/" or
// "correction12/" before it.
func (c *Client) Submit(ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
	const op = "Submit"
	s, err := c.seal(r)
	if err != nil {
		return nil, acquiring.InOp(Provider, op, err)
	}
	err = c.queue(ctx, op, s.kind, s.body)
	switch {
	case err == nil:
		return &fiscal.Document{ID: documentID(s.kind, s.id), ReceiptID: s.id, Status: fiscal.DocumentQueued}, nil
	case errors.Is(err, acquiring.ErrDuplicate):
		return c.existing(ctx, s, err)
	case acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown && ctx.Err() == nil:
		// It may have arrived. If it did, this is what was asked for.
		doc, look := c.existing(ctx, s, err)
		if look == nil || errors.Is(look, acquiring.ErrDuplicate) {
			return doc, look
		}
	}
	return nil, err
}

// existing reads the document that is there under the ID of a submitted one,
// and makes sure that it is the same.
func (c *Client) existing(ctx context.Context, s *sealed, cause error) (*fiscal.Document, error) {
	st, err := c.status(ctx, s.kind, s.id)
	if errors.Is(err, acquiring.ErrNotFound) {
		var e *acquiring.Error
		if errors.As(cause, &e) {
			own := *e
			if own.Outcome != acquiring.OutcomeUnknown { // else it may be this very receipt, not to be seen yet
				own.Hint = "the ID is taken by a document of another kind, or was used up by one that was refused: submit the receipt under a new ID"
			}
			return nil, &own
		}
		return nil, cause
	}
	if err != nil {
		// It is there, and only how it stands could not be read: submitting it
		// once more asks again. That the question was refused, or not sent, says
		// nothing of the receipt.
		return nil, unread(err)
	}
	if st.State == StateDone {
		if what := s.differs(st.Printed); what != "" {
			return nil, &acquiring.Error{Provider: Provider, Op: "Submit", Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected, Field: "id",
				Message: "is of another document, printed already: its " + what + " is not the same", Hint: "give every receipt an ID of its own, made from what it is for: A-1001-sale, A-1001-refund-1"}
		}
	}
	doc := c.document(s.kind, s.id, st)
	doc.Existed = true
	return doc, nil
}

// unread is the error of a receipt whose ID is taken, by itself most probably,
// and whose document could not be looked at.
func unread(err error) error {
	var e *acquiring.Error
	if !errors.As(err, &e) {
		return err
	}
	own := *e
	own.Outcome = acquiring.OutcomeUnknown
	if own.Hint != "" {
		own.Hint += "; "
	}
	own.Hint += hintTaken
	return &own
}

// differs says in what the printed document is another one than s; "" when it
// is the same, or does not say. Values are compared, not bytes: the service
// writes the echo anew.
func (s *sealed) differs(p *Printed) string {
	if s.totals != nil {
		switch {
		case p.Correction == nil:
		case p.Correction.Type != s.totals.Type:
			return "type"
		case p.Correction.TotalSum != s.totals.TotalSum:
			return "total"
		}
		return ""
	}
	if p.Content == nil {
		return ""
	}
	switch got, want := p.Content, s.sent(); {
	case got.Type != want.Type:
		return "type"
	case len(got.Positions) != len(want.Positions):
		return "number of lines"
	case got.Total() != want.Total():
		return "total"
	case got.UseTax20 != want.UseTax20:
		return "rate of VAT"
	case len(got.CheckClose.Payments) > 0 && !samePayments(got.CheckClose.Payments, want.CheckClose.Payments):
		return "way of payment" // the receipt that sets an advance off is not that of the advance
	default:
		for i := range want.Positions {
			g, w := &got.Positions[i], &want.Positions[i]
			switch {
			case g.Price != w.Price, g.quantity() != w.quantity():
				return "line " + strconv.Itoa(i)
			case g.Tax != w.Tax:
				return "rate of VAT in line " + strconv.Itoa(i)
			case g.PaymentMethodType != 0 && w.PaymentMethodType != 0 && g.PaymentMethodType != w.PaymentMethodType:
				return "payment method in line " + strconv.Itoa(i)
			}
		}
	}
	return ""
}

// sent is the content with what Receipt.Extra added to it.
func (s *sealed) sent() *Content {
	var body struct {
		Content Content `json:"content"`
	}
	if json.Unmarshal(s.body, &body) != nil {
		return s.content
	}
	return &body.Content
}

// samePayments compares the sums of each kind; several parts of one kind are
// one sum.
func samePayments(a, b []PaymentPart) bool {
	sums := map[int]Rubles{}
	for _, p := range a {
		sums[p.Type] += p.Amount
	}
	for _, p := range b {
		sums[p.Type] -= p.Amount
	}
	for _, left := range sums {
		if left != 0 {
			return false
		}
	}
	return true
}

// GetDocument says where the document stands (fiscal.Register). The id is that
// of Document.ID, for an ordinary receipt Receipt.ID itself. One that the
// organisation does not have gives acquiring.ErrNotFound.
func (c *Client) GetDocument(ctx context.Context, id string) (*fiscal.Document, error) {
	kind, plain := splitID(id)
	st, err := c.status(ctx, kind, plain)
	if err != nil {
		return nil, err
	}
	return c.document(kind, plain, st), nil
}

// documentID tells the kinds apart: each has an address of its own. An ID has
// no slash itself.
func documentID(kind Kind, id string) string {
	if kind == KindDocument {
		return id
	}
	return string(kind) + "/" + id
}

func splitID(id string) (Kind, string) {
	for _, kind := range []Kind{KindCorrection, KindCorrection12} {
		if plain, ok := strings.CutPrefix(id, string(kind)+"/"); ok {
			return kind, plain
		}
	}
	return KindDocument, id
}

// document is a status in the terms of package fiscal.
func (c *Client) document(kind Kind, id string, st *Status) *fiscal.Document {
	doc := &fiscal.Document{ID: documentID(kind, id), ReceiptID: id, Raw: json.RawMessage(st.Raw)}
	switch st.State {
	case StatePending:
		doc.Status = fiscal.DocumentQueued
	case StateDone:
		doc.Status = fiscal.DocumentPrinted
		doc.Fiscal = c.fiscal(id, st.Printed)
	case StateRejected:
		doc.Status = fiscal.DocumentFailed
		doc.Failure = &fiscal.DocumentFailure{Code: "422", Message: marksText(st.Marks) + "; " + hintMark}
	case StateExpired:
		doc.Status = fiscal.DocumentFailed
		// The cause may pass, but not for this ID: submitted again, it is the
		// expired document again.
		doc.Failure = &fiscal.DocumentFailure{Code: "524", Message: "no register of the group printed it in its time; " + hintRegisterOff}
	}
	return doc
}

func (c *Client) fiscal(id string, p *Printed) *fiscal.FiscalData {
	f := &fiscal.FiscalData{FN: p.FSNumber, FD: strconv.FormatInt(p.DocumentNumber, 10), FP: p.FP, Shift: int(p.ShiftNumber), Number: int(p.DocumentIndex),
		RegNumber: p.DeviceRN, FactoryNumber: p.DeviceSN, Time: p.Time(c.zone), Total: p.Total(),
		OFDName: p.OFDName, OFDINN: p.OFDINN, OFDSite: p.OFDWebsite, FNSSite: p.FNSWebsite}
	switch {
	case p.Content != nil:
		f.Type = fiscal.Settlement(p.Content.Type)
	case p.Correction != nil:
		f.Type = fiscal.Settlement(p.Correction.Type)
	}
	if c.conf.ReceiptURL != "" {
		f.URL = c.conf.ReceiptURL + "/" + url.PathEscape(c.conf.INN) + "/" + url.PathEscape(id)
	}
	return f
}
