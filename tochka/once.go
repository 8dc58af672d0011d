package tochka

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/acquiring-go/acquiring"
)

// deed is something that moves money and for which the bank has no key. The
// Ledger remembers it by the shop's key, and the operation's own movements tell
// whether it was done.
type deed struct {
	op    string
	entry LedgerEntry // Kind, Payment, Key, Amount
	kind  OrderType   // the movement that it makes
	// allow says whether the operation's state permits it, and may fill in the
	// amount.
	allow func(o *Operation, e *LedgerEntry) error
	// act asks the bank, and gives the number of the movement, if the bank
	// says it.
	act func(ctx context.Context, e LedgerEntry) (id string, err error)
	// hint is what to do when nobody knows.
	hint string
}

// done is what became of a deed.
type done struct {
	entry LedgerEntry
	after *Operation // nil: it could not be read
}

// owner is a mark of this Client in the ledger.
func (c *Client) owner() string {
	c.ownerOnce.Do(func() {
		var b [8]byte
		_, _ = rand.Read(b[:]) // never fails
		c.ownerMark = hex.EncodeToString(b[:])
	})
	return c.ownerMark
}

// once does a deed unless it was done under its key before.
func (c *Client) once(ctx context.Context, d deed) (*done, error) {
	unlock, err := c.locks.lock(ctx, d.entry.Kind+" "+d.entry.Payment)
	if err != nil {
		return nil, acquiring.InOp(provider, d.op, err)
	}
	defer unlock()
	d.entry.Shop = c.conf.Shop
	known, err := c.ledger.OfPayment(ctx, d.entry.Shop, d.entry.Kind, d.entry.Payment)
	if err != nil {
		return nil, ledgerError(d.op, err, acquiring.OutcomeNotSent)
	}
	var old *LedgerEntry
	for i := range known {
		if known[i].Key == d.entry.Key {
			old = &known[i]
		}
	}
	if old != nil {
		return c.again(ctx, d, *old)
	}
	o, err := c.own(ctx, d.op, d.entry.Payment)
	if err != nil {
		return nil, notSent(err)
	}
	if err := d.allow(o, &d.entry); err != nil {
		return nil, err
	}
	for _, e := range o.entries(d.kind) {
		d.entry.Seen = append(d.entry.Seen, e.key())
	}
	d.entry.Owner, d.entry.At = c.owner(), c.now()
	existing, err := c.ledger.Begin(ctx, d.entry)
	switch {
	case err != nil:
		return nil, ledgerError(d.op, err, acquiring.OutcomeNotSent)
	case existing != nil:
		return nil, busy(d.op)
	}
	return c.perform(ctx, d, true)
}

// again is a deed whose key the ledger has already.
func (c *Client) again(ctx context.Context, d deed, old LedgerEntry) (*done, error) {
	if d.entry.Amount != 0 && d.entry.Amount != old.Amount {
		return nil, &acquiring.Error{Provider: provider, Op: d.op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected,
			Message: fmt.Sprintf("the key %q belongs to a %s of %s already", old.Key, old.Kind, old.Amount), Hint: "give another one another key"}
	}
	if old.ID == unseen {
		return c.seen(ctx, d, old)
	}
	if old.ID != "" {
		o, err := c.own(ctx, d.op, old.Payment)
		if err != nil {
			o = nil
		}
		return &done{old, o}, nil
	}
	old, err := c.takeOver(ctx, d.op, old)
	if err != nil {
		return nil, err
	}
	o, err := c.own(ctx, d.op, old.Payment)
	if err != nil {
		return nil, d.unknown(err)
	}
	d.entry = old
	id, err := c.made(ctx, d, o)
	switch {
	case err != nil:
		return nil, d.unknown(err)
	case id != "":
		return c.settled(ctx, d, id, o)
	}
	if o.Status == OperationOnRefund {
		return nil, d.unknown(&acquiring.Error{Provider: provider, Op: d.op, Kind: acquiring.ErrUnavailable, Message: "a refund of the payment is under way"})
	}
	// It was not done: the first request did not arrive.
	if err := d.allow(o, &d.entry); err != nil {
		return nil, err
	}
	d.entry.Owner, d.entry.At = c.owner(), c.now()
	if err := c.ledger.Save(ctx, d.entry); err != nil {
		return nil, ledgerError(d.op, err, acquiring.OutcomeNotSent)
	}
	return c.perform(ctx, d, false)
}

// perform asks the bank and finds out what became of it.
func (c *Client) perform(ctx context.Context, d deed, first bool) (*done, error) {
	id, err := d.act(ctx, d.entry)
	switch {
	case err == nil:
		after, readErr := c.own(ctx, d.op, d.entry.Payment)
		if readErr != nil {
			after = nil
		}
		if id == "" && after != nil {
			id, _ = c.made(ctx, d, after) // not known is not seen
		}
		if id == "" {
			// Done, but under which number cannot be seen yet: the next call with
			// the key looks for it.
			_, _ = c.settled(ctx, d, unseen, after)
			return nil, d.unknown(errUnseen)
		}
		return c.settled(ctx, d, id, after)
	case acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown:
		if first {
			if forget := c.ledger.Forget(context.WithoutCancel(ctx), d.entry); forget != nil {
				c.rest.Logger().WarnContext(ctx, "a refused entry stays in the ledger", "kind", d.entry.Kind, "key", d.entry.Key, "error", forget)
			}
		}
		return nil, err
	case ctx.Err() != nil:
		return nil, d.unknown(err)
	}
	after, readErr := c.own(ctx, d.op, d.entry.Payment)
	if readErr != nil {
		return nil, d.unknown(err)
	}
	if id, rival := c.made(ctx, d, after); id != "" && rival == nil {
		return c.settled(ctx, d, id, after)
	}
	return nil, d.unknown(err)
}

// errUnseen says that a deed was done and cannot be named.
var errUnseen = errors.New("the bank did it, and its number is not to be seen yet")

// seen looks for the number of a deed that was done.
func (c *Client) seen(ctx context.Context, d deed, old LedgerEntry) (*done, error) {
	d.entry = old
	o, err := c.own(ctx, d.op, old.Payment)
	if err != nil {
		return nil, d.unknown(err)
	}
	id, err := c.made(ctx, d, o)
	switch {
	case err != nil:
		return nil, d.unknown(err)
	case id == "":
		return nil, d.unknown(errUnseen)
	}
	return c.settled(ctx, d, id, o)
}

// settled writes the number into the ledger. That the bank did it is certain,
// so a ledger that fails is told in the log: the next call finds the movement.
func (c *Client) settled(ctx context.Context, d deed, id string, after *Operation) (*done, error) {
	d.entry.ID = id
	if err := c.ledger.Save(context.WithoutCancel(ctx), d.entry); err != nil {
		c.rest.Logger().ErrorContext(ctx, "what the bank did was not written into the ledger", "kind", d.entry.Kind, "key", d.entry.Key, "id", id, "error", err)
	}
	return &done{d.entry, after}, nil
}

// unknown is an error after which nobody knows.
func (d deed) unknown(err error) error {
	known := acquiring.Error{Provider: provider, Op: d.op, Kind: acquiring.ErrUnavailable}
	var e *acquiring.Error
	if errors.As(err, &e) {
		known = *e
	} else {
		known.Err = err
	}
	known.Outcome, known.Hint = acquiring.OutcomeUnknown, d.hint
	return &known
}

func ledgerError(op string, err error, outcome acquiring.Outcome) error {
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrUnavailable, Outcome: outcome, Message: "the Ledger failed", Err: err}
}
