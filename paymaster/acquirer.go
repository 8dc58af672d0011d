package paymaster

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

var (
	_ acquiring.Acquirer = (*Client)(nil)
	_ acquiring.Capturer = (*Client)(nil)
	_ acquiring.Canceler = (*Client)(nil)
	_ acquiring.Finder   = (*Client)(nil)
	_ acquiring.QRIssuer = (*Client)(nil)
	_ acquiring.Charger  = (*Client)(nil)
	_ acquiring.Lister   = (*Client)(nil)
	_ acquiring.Checker  = (*Client)(nil)
	_ acquiring.Named    = (*Client)(nil)
)

// Slack around a period that is searched: bounds are not documented, and
// clocks differ.
const (
	before = time.Minute
	after  = 24 * time.Hour
)

// GetStatus reads the payment. The API does not say what was refunded: for a
// paid one the shop's refunds since its creation are listed and summed up,
// those still being executed included. A client of acquiring.Production
// answers ErrConflict for a test payment.
func (c *Client) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	if err := checkID("GetStatus", "ID", string(id)); err != nil {
		return nil, err
	}
	info, err := c.read(ctx, "GetStatus", string(id))
	if err != nil {
		return nil, err
	}
	return c.whole(ctx, info)
}

// read reads a payment of this shop.
func (c *Client) read(ctx context.Context, op, id string) (*PaymentInfo, error) {
	info, err := c.GetPayment(ctx, id)
	if err != nil {
		return nil, err
	}
	switch {
	case info.MerchantID != "" && !strings.EqualFold(info.MerchantID, c.conf.MerchantID):
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected,
			Message: "the payment is of another shop than Config.MerchantID"}
	case bool(info.TestMode) && !c.takesTests():
		return nil, testRefused(op)
	}
	return info, nil
}

func (c *Client) takesTests() bool {
	return c.conf.Environment == acquiring.Test || c.conf.AcceptTest
}

// testRefused is the error of a test payment at a production client.
func testRefused(op string) error {
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected,
		Message: "it is a test payment, no money was taken, and Config.Environment is acquiring.Production",
		Hint:    "give nothing for it; to try a live installation set Config.AcceptTest for that time"}
}

// whole is the payment with what was refunded.
func (c *Client) whole(ctx context.Context, info *PaymentInfo) (*acquiring.Payment, error) {
	var refunds []*RefundInfo
	if info.Status == StatusSettled {
		var err error
		if refunds, err = c.refunds(ctx, info); err != nil {
			return nil, err
		}
	}
	return info.Payment(refunds), nil
}

// refunds are the refunds of the payment.
func (c *Client) refunds(ctx context.Context, info *PaymentInfo) (found []*RefundInfo, err error) {
	since := info.Created.Time
	if since.IsZero() {
		since = c.now().Add(-c.searchPeriod())
	}
	for r, err := range c.ListRefunds(ctx, Period{since.Add(-before), c.now().Add(after)}) {
		if err != nil {
			return nil, err
		}
		if r.PaymentID == info.ID {
			found = append(found, r)
		}
	}
	return found, nil
}

// Payment is the payment in the library's own terms. Its refunds count unless
// they were rejected. A payment that was captured in part has no member for
// that: Captured is the sum that the API shows, and Amount the one that the
// client put among the params of a hold, so that both are known where the API
// shows what was taken. It is believed only of a payment that the client read.
func (p *PaymentInfo) Payment(refunds []*RefundInfo) *acquiring.Payment {
	out := &acquiring.Payment{
		ID: acquiring.PaymentID(p.ID), OrderID: string(p.Invoice.OrderNo), Status: p.status(), Amount: p.Amount.Value.Amount(),
		Currency: strings.ToUpper(p.Amount.Currency), Test: bool(p.TestMode), CreatedAt: p.Created.Time,
		Failure: failureOf(p.ResultCode, string(p.Message)), ProviderStatus: p.Status, Raw: p.Raw,
	}
	for name, value := range p.Invoice.Params {
		if name == orderedParam {
			continue
		}
		if out.Metadata == nil {
			out.Metadata = make(map[string]string, len(p.Invoice.Params))
		}
		out.Metadata[name] = string(value)
	}
	if d := p.PaymentData; d != nil {
		out.Method = methodOf(d.PaymentMethod)
		if d.InstrumentTitle != "" || d.CardInfo != nil {
			out.Card = &acquiring.Card{Masked: maskPAN(string(d.InstrumentTitle))}
			if i := d.CardInfo; i != nil {
				out.Card.Brand, out.Card.Issuer, out.Card.Country = i.Brand, i.Issuer, i.Country
			}
		}
	}
	if t := p.PaymentToken; t != nil && t.ID != "" {
		if out.Card == nil {
			out.Card = &acquiring.Card{Masked: maskPAN(string(t.Title))}
		}
		out.Card.Token = string(t.ID)
	}
	if out.Status == acquiring.StatusPaid {
		out.Captured = out.Amount
		for _, r := range refunds {
			if r.PaymentID == p.ID && r.Status != OperationRejected {
				out.Refunded += r.Amount.Value.Amount()
			}
		}
		switch {
		case out.Refunded >= out.Captured && out.Refunded > 0:
			out.Status = acquiring.StatusRefunded
		case out.Refunded > 0:
			out.Status = acquiring.StatusPartiallyRefunded
		}
		out.Amount = p.ordered()
	}
	return out
}

func (c *Client) searchPeriod() time.Duration {
	if c.conf.SearchPeriod == 0 {
		return DefaultSearchPeriod
	}
	return c.conf.SearchPeriod
}

// FindByOrder looks through the payments of the last Config.SearchPeriod: the
// API has no search by the order's number. Of several it is the paid one, or
// else the held one, or else one that can still be paid, the latest of its
// kind.
func (c *Client) FindByOrder(ctx context.Context, orderID string) (*acquiring.Payment, error) {
	const op = "FindByOrder"
	if strings.TrimSpace(orderID) == "" {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("OrderID", "is empty"))
	}
	found, err := c.search(ctx, orderID, c.searchPeriod())
	if err != nil {
		return nil, err
	}
	if found == nil {
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected,
			Message: fmt.Sprintf("there is no payment of this order in the last %s", c.searchPeriod()), Hint: "for an older one set Config.SearchPeriod"}
	}
	return c.GetStatus(ctx, acquiring.PaymentID(found.ID))
}

// search is the best of the payments with this order number; nil: there is
// none.
func (c *Client) search(ctx context.Context, orderID string, period time.Duration) (*PaymentInfo, error) {
	var best *PaymentInfo
	rank := func(p *PaymentInfo) int {
		switch p.Status {
		case StatusSettled:
			return 3
		case StatusAuthorized:
			return 2
		case StatusCancelled, StatusRejected:
			return 0
		}
		return 1
	}
	now := c.now()
	for p, err := range c.ListPayments(ctx, Period{now.Add(-period - before), now.Add(after)}) {
		if err != nil {
			return nil, err
		}
		if string(p.Invoice.OrderNo) != orderID || (p.MerchantID != "" && !strings.EqualFold(p.MerchantID, c.conf.MerchantID)) {
			continue
		}
		if best == nil || rank(p) > rank(best) || (rank(p) == rank(best) && !p.Created.Before(best.Created.Time)) {
			best = p
		}
	}
	return best, nil
}

// Payments lists the shop's payments by pages, in PayMaster's order; a zero From
// is 2010. The list
// does not say whether a payment is a test one: read it with GetStatus before
// anything is given for it. What was refunded is added from the list of
// refunds.
func (c *Client) Payments(ctx context.Context, f acquiring.Filter) iter.Seq2[*acquiring.Payment, error] {
	return func(yield func(*acquiring.Payment, error) bool) {
		period := Period{End: c.now().Add(after)}
		if !f.From.IsZero() {
			period.Start = f.From.Add(-before)
		}
		if !f.To.IsZero() {
			period.End = f.To.Add(before)
		}
		var refunds map[Text][]*RefundInfo
		n := 0
		for info, err := range c.ListPayments(ctx, period) {
			if err != nil {
				yield(nil, err)
				return
			}
			at := info.Created.Time
			if (!f.From.IsZero() && at.Before(f.From)) || (!f.To.IsZero() && !at.Before(f.To)) {
				continue
			}
			if info.Status == StatusSettled && refunds == nil {
				refunds = map[Text][]*RefundInfo{}
				for r, err := range c.ListRefunds(ctx, Period{period.Start, c.now().Add(after)}) {
					if err != nil {
						yield(nil, err)
						return
					}
					refunds[r.PaymentID] = append(refunds[r.PaymentID], r)
				}
			}
			p := info.Payment(refunds[info.ID])
			if len(f.Statuses) > 0 && !slices.Contains(f.Statuses, p.Status) {
				continue
			}
			if !yield(p, nil) {
				return
			}
			if n++; f.Limit > 0 && n >= f.Limit {
				return
			}
		}
	}
}

// Check lists the payments of the last minute: the token and the shop's number
// are good if it is answered.
func (c *Client) Check(ctx context.Context) error {
	now := c.now()
	for _, err := range c.ListPayments(ctx, Period{now.Add(-time.Minute), now}) {
		return err
	}
	return nil
}

// Capture takes the held money or a part of it (confirm). With a receipt, its
// total must be the sum that is taken.
func (c *Client) Capture(ctx context.Context, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
	const op = "Capture"
	if err := acquiring.InOp(provider, op, r.Validate()); err != nil {
		return nil, err
	}
	if err := checkID(op, "ID", string(r.ID)); err != nil {
		return nil, err
	}
	info, err := c.read(ctx, op, string(r.ID))
	if err != nil {
		return nil, err
	}
	held := info.Payment(nil)
	sum := r.Amount
	switch {
	case held.Status != acquiring.StatusAuthorized:
		return nil, conflict(op, held, "not held", "")
	case sum == 0:
		sum = held.Amount
	case sum > held.Amount:
		return nil, conflict(op, held, fmt.Sprintf("only %s of it is held", held.Amount), "")
	}
	var receipt *Receipt
	if r.Receipt != nil {
		if total := r.Receipt.Total(); total != sum {
			return nil, acquiring.InOp(provider, op, acquiring.Invalid("Receipt", fmt.Sprintf("comes to %s, but %s is taken", total, sum)))
		}
		if receipt, err = newReceipt(r.Receipt, fiscal.Sale); err != nil {
			return nil, acquiring.InOp(provider, op, err)
		}
	}
	do := func() error {
		return c.ConfirmPayment(ctx, string(r.ID), Sum(sum, info.Amount.Currency), receipt)
	}
	p, err := c.change(ctx, op, held, do, acquiring.StatusPaid)
	if err != nil {
		return nil, err
	}
	p.Amount = held.Amount
	if p.Captured == 0 || p.Captured > sum {
		p.Captured = sum
	}
	return p, nil
}

// Void releases the hold (cancel); nothing is taken. A payment that is not held
// gives ErrConflict; one that was released already is returned as it is.
func (c *Client) Void(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	const op = "Void"
	if err := checkID(op, "ID", string(id)); err != nil {
		return nil, err
	}
	info, err := c.read(ctx, op, string(id))
	if err != nil {
		return nil, err
	}
	held := info.Payment(nil)
	switch {
	case held.Status == acquiring.StatusVoided:
		return held, nil
	case held.Status.Succeeded():
		return nil, conflict(op, held, "not held", "give the money back with Refund")
	case held.Status != acquiring.StatusAuthorized:
		return nil, conflict(op, held, "not held", "")
	}
	p, err := c.change(ctx, op, held, func() error { return c.CancelPayment(ctx, string(id)) }, acquiring.StatusCanceled)
	if err != nil {
		return nil, err
	}
	p.Status = acquiring.StatusVoided
	return p, nil
}

// change moves a payment from the state it has to another. PayMaster's success
// is an empty answer, and so is a broken proxy's: only the payment itself tells
// whether it was done. It is asked for again only while the state is the old
// one: PayMaster refuses the step from any other.
func (c *Client) change(ctx context.Context, op string, was *acquiring.Payment, do func() error, to acquiring.Status) (*acquiring.Payment, error) {
	arrived := func(s acquiring.Status) bool {
		return s == to || (to == acquiring.StatusCanceled && s == acquiring.StatusVoided) || (to == acquiring.StatusPaid && s.Succeeded())
	}
	for try := 1; ; try++ {
		err := do()
		refused := err != nil && acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown
		if refused && try == 1 || err != nil && ctx.Err() != nil {
			return nil, err
		}
		info, readErr := c.GetPayment(ctx, string(was.ID))
		if readErr != nil && err != nil {
			return nil, err
		}
		if readErr != nil {
			return nil, unsure(op, "PayMaster answered that it is done, and the payment cannot be read", readErr)
		}
		p := info.Payment(nil)
		switch {
		case arrived(p.Status):
			return p, nil
		case p.Status != was.Status && err != nil:
			return nil, err
		case p.Status != was.Status:
			return nil, conflict(op, p, "not what it was before", "")
		case refused || err == nil && try == tries:
			return nil, unsure(op, "PayMaster was asked, and the payment is as it was before", err)
		case try == tries:
			return nil, err
		}
	}
}

// tries is how often a step that is safe to repeat is asked for.
const tries = 3

// unsure is the error of a step of which nobody knows whether it was done.
func unsure(op, why string, err error) error {
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown, Message: why,
		Hint: "read it before asking again", Err: err}
}

// Cancel withdraws an unpaid payment: ErrConflict where it is paid or held, nil
// where it ended unpaid already. Whether PayMaster lets that be done is
// not documented: where it does not, the error is its own, and the link lives
// until its time runs out.
func (c *Client) Cancel(ctx context.Context, id acquiring.PaymentID) error {
	const op = "Cancel"
	if err := checkID(op, "ID", string(id)); err != nil {
		return err
	}
	info, err := c.read(ctx, op, string(id))
	if err != nil {
		return err
	}
	p := info.Payment(nil)
	switch {
	case p.Status == acquiring.StatusAuthorized:
		return conflict(op, p, "cannot be withdrawn", "release the hold with Void")
	case p.Status.Succeeded():
		return conflict(op, p, "cannot be withdrawn", "give the money back with Refund")
	case p.Status.Final():
		return nil
	}
	for try := 1; ; try++ {
		err = c.CancelPayment(ctx, string(id))
		if errors.Is(err, acquiring.ErrUnauthorized) || err != nil && acquiring.OutcomeOf(err) == acquiring.OutcomeNotSent {
			return err
		}
		// An empty answer is PayMaster's success, and a broken proxy's too.
		info, readErr := c.GetPayment(ctx, string(id))
		if readErr != nil && err == nil {
			err = unsure(op, "PayMaster answered that it is done, and the payment cannot be read", readErr)
		}
		if readErr != nil {
			return err
		}
		p = info.Payment(nil)
		switch {
		case p.Status == acquiring.StatusAuthorized || p.Status.Succeeded():
			return conflict(op, p, "cannot be withdrawn any more", "")
		case p.Status.Final():
			return nil
		case err == nil && try == tries:
			return unsure(op, "PayMaster answered that it is done, and the link lives", nil)
		case err != nil && (try == tries || acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown):
			return err
		}
	}
}

// left is what can still be given back.
func left(p *acquiring.Payment, op string) (money.Amount, error) {
	switch {
	case p.Status == acquiring.StatusAuthorized:
		return 0, conflict(op, p, "was not taken", "release the hold with Void")
	case !p.Status.Succeeded():
		return 0, conflict(op, p, "was not paid", "")
	}
	return p.Left(), nil
}
