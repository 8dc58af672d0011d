package paykeeper

import (
	"context"
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring"
)

// best is the invoice that tells most of an order: the paid one, else one that
// waits, else the last.
func best(found []*InvoiceInfo) *InvoiceInfo {
	rank := func(i *InvoiceInfo) int {
		switch i.Status {
		case InvoicePaid:
			return 2
		case InvoiceCreated, InvoiceSent:
			return 1
		}
		return 0
	}
	top := found[0]
	for _, i := range found[1:] {
		if r, t := rank(i), rank(top); r > t || r == t && i.ID > top.ID {
			top = i
		}
	}
	return top
}

// findInvoices are the invoices with exactly this order number, of the last
// days. The parameters of the search are not documented: a service that refuses
// it is asked for the list, and so is one whose search does not find what the
// list has. An invoice that is not found would be issued twice, and its payment
// be news twice.
func (a *Acquirer) findInvoices(ctx context.Context, orderID string) ([]*InvoiceInfo, error) {
	now := a.c.now()
	from, to := now.Add(-a.c.cfg.Lookback), now.Add(24*time.Hour)
	found, err := a.c.SearchInvoices(ctx, orderID, from, to)
	if err != nil && !refusesToLook(err) {
		return nil, err
	}
	searched := err == nil
	found = exact(found, orderID)
	if len(found) > 0 {
		a.c.searchFinds.Store(true)
	}
	if searched && a.c.searchFinds.Load() {
		return found, nil
	}
	var all []*InvoiceInfo
	tried := !searched
	for inv, err := range a.c.Invoices(ctx, InvoiceFilter{From: from, To: to}) {
		if err != nil && searched && refusesToLook(err) {
			return found, nil // there is nothing but the search
		}
		if err != nil {
			return nil, err
		}
		all = append(all, inv)
		if tried || inv.OrderID == "" || inv.ID == "" {
			continue
		}
		tried = true // one invoice that is there tells whether the search finds
		known, err := a.c.SearchInvoices(ctx, inv.OrderID, from, to)
		if err != nil && !refusesToLook(err) {
			return nil, err
		}
		if slices.ContainsFunc(known, func(k *InvoiceInfo) bool { return k.ID == inv.ID }) {
			a.c.searchFinds.Store(true)
			return found, nil
		}
	}
	return exact(all, orderID), nil
}

// refusesToLook says whether the service does not know the call, or not in this
// form: another call may do.
func refusesToLook(err error) bool {
	return acquiring.OutcomeOf(err) == acquiring.OutcomeRejected && !errors.Is(err, acquiring.ErrUnauthorized)
}

func exact(found []*InvoiceInfo, orderID string) []*InvoiceInfo {
	var out []*InvoiceInfo
	for _, inv := range found {
		if inv.OrderID == orderID && inv.ID != "" {
			out = append(out, inv)
		}
	}
	return out
}

// FindByOrder finds the order's payment, by its invoices of the last days
// (Config.Lookback) and then by its payments.
func (a *Acquirer) FindByOrder(ctx context.Context, orderID string) (*acquiring.Payment, error) {
	const op = "FindByOrder"
	if orderID == "" {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("orderID", "is empty"))
	}
	found, err := a.findInvoices(ctx, orderID)
	if err != nil {
		return nil, err
	}
	if len(found) > 0 {
		if inv := best(found); inv.Status == InvoicePaid || inv.PaymentID != "" {
			return a.GetStatus(ctx, acquiring.PaymentID(inv.ID))
		}
	}
	p, err := a.findPayment(ctx, orderID)
	switch {
	case err != nil:
		return nil, err
	case p != nil && (len(found) == 0 || p.Status.Received()):
		id, err := a.idOf(ctx, found, p)
		if err != nil {
			return nil, err
		}
		return a.whole(ctx, op, id, nil, p)
	case len(found) > 0:
		return a.GetStatus(ctx, acquiring.PaymentID(best(found).ID))
	}
	return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected,
		Message: "there is no invoice and no payment of this order in the time of Config.Lookback"}
}

// idOf is the number that the payment goes by: its invoice's, if it has one.
// The invoices were read before the payment, which may have come in between:
// they are read once more before it is said that none is its own. Under two
// numbers one payment would be news twice.
func (a *Acquirer) idOf(ctx context.Context, invoices []*InvoiceInfo, p *PaymentInfo) (acquiring.PaymentID, error) {
	for _, inv := range invoices {
		if inv.PaymentID == p.ID {
			return acquiring.PaymentID(inv.ID), nil
		}
	}
	inv, err := a.invoiceOf(ctx, p)
	if err != nil || inv == nil {
		return acquiring.PaymentID(p.ID), err
	}
	return acquiring.PaymentID(inv.ID), nil
}

// findPayment is the payment of the order that tells most: received before
// pending before failed, then the last; nil: none in the time of Lookback.
// That there is none the search may say as a refusal, which the list then
// confirms.
func (a *Acquirer) findPayment(ctx context.Context, orderID string) (*PaymentInfo, error) {
	now := a.c.now()
	from, to := now.Add(-a.c.cfg.Lookback), now.Add(24*time.Hour)
	found, err := a.c.SearchPayments(ctx, orderID, from, to)
	if err != nil {
		if acquiring.OutcomeOf(err) != acquiring.OutcomeRejected || errors.Is(err, acquiring.ErrUnauthorized) {
			return nil, err
		}
		for p, err := range a.c.Payments(ctx, PaymentFilter{From: from, To: to, QueryText: orderID}) {
			if err != nil {
				return nil, err
			}
			found = append(found, p)
		}
	}
	rank := func(p *PaymentInfo) int {
		switch s := p.Status.Status(); {
		case p.Status.Received():
			return 3
		case s == acquiring.StatusPending || s == acquiring.StatusUnknown:
			return 2
		}
		return 1
	}
	var top *PaymentInfo
	for _, p := range found {
		if p.OrderID != orderID {
			continue
		}
		if top == nil || rank(p) > rank(top) || rank(p) == rank(top) && p.PendingAt.After(top.PendingAt) {
			top = p
		}
	}
	return top, nil
}

// invoiceOf is the invoice behind a payment; nil: there is none.
func (a *Acquirer) invoiceOf(ctx context.Context, p *PaymentInfo) (*InvoiceInfo, error) {
	if p.OrderID == "" {
		return nil, nil
	}
	found, err := a.findInvoices(ctx, p.OrderID)
	if err != nil {
		return nil, err
	}
	for _, inv := range found {
		if inv.PaymentID == p.ID {
			return inv, nil
		}
	}
	return nil, nil
}

// Payments lists what was paid, or tried: the payments begun in the time of
// the filter, each under its invoice's number where it has one. Invoices that
// nobody has tried to pay are not among them: see Client.Invoices. The filter's
// zero From is Config.Lookback ago.
func (a *Acquirer) Payments(ctx context.Context, filter acquiring.Filter) iter.Seq2[*acquiring.Payment, error] {
	return func(yield func(*acquiring.Payment, error) bool) {
		const op = "Payments"
		from, to := filter.From, filter.To
		if from.IsZero() {
			from = a.c.now().Add(-a.c.cfg.Lookback)
		}
		if to.IsZero() {
			to = a.c.now().Add(24 * time.Hour)
		}
		invoices, began := map[PaymentID]*InvoiceInfo{}, a.c.now()
		for inv, err := range a.c.Invoices(ctx, InvoiceFilter{From: from.Add(-a.c.cfg.Lookback), To: to, Statuses: []InvoiceStatus{InvoicePaid}}) {
			if err != nil {
				yield(nil, err)
				return
			}
			if inv.PaymentID != "" {
				invoices[inv.PaymentID] = inv
			}
		}
		n := 0
		for p, err := range a.c.Payments(ctx, PaymentFilter{From: from, To: to}) {
			if err != nil {
				yield(nil, err)
				return
			}
			inv := invoices[p.ID]
			if inv == nil && p.PendingAt.After(began.Add(-time.Hour)) {
				// It may have come in since the invoices were read.
				if inv, err = a.invoiceOf(ctx, p); err != nil {
					yield(nil, err)
					return
				}
			}
			id := acquiring.PaymentID(p.ID)
			if inv != nil {
				id = acquiring.PaymentID(inv.ID)
			}
			h, err := a.holdOf(ctx, op, p)
			if err != nil {
				yield(nil, err)
				return
			}
			out := a.payment(id, inv, p, h)
			if !wanted(filter, p.PendingAt, out.Status) {
				continue
			}
			if !yield(out, nil) {
				return
			}
			if n++; filter.Limit > 0 && n == filter.Limit {
				return
			}
		}
	}
}

// wanted says whether the filter lets the payment through. It is begun when the
// customer begins to pay, which may be days after its invoice was issued.
func wanted(f acquiring.Filter, begun time.Time, status acquiring.Status) bool {
	if !begun.IsZero() && (!f.From.IsZero() && begun.Before(f.From) || !f.To.IsZero() && !begun.Before(f.To)) {
		return false
	}
	return len(f.Statuses) == 0 || slices.Contains(f.Statuses, status)
}
