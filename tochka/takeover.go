package tochka

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring"
)

// otherBusy is how long another Client's attempt may be under way: longer than
// any call takes. After that it crashed, and its entry is taken over.
const otherBusy = 2 * time.Minute

// ledgerTakeover marks who took an entry over from a Client that crashed. Its
// Key is made of the entry and of who had it before.
const ledgerTakeover = "takeover"

// busy says whether another Client may be at work on the entry.
func (c *Client) busy(e LedgerEntry) bool {
	return e.Owner != c.owner() && c.now().Sub(e.At) < otherBusy
}

// takeOver makes an open entry this Client's own: an error is busy's, or the
// Ledger's. Of several that find the entry of one that crashed, one gets it:
// who begins the mark of the takeover first.
func (c *Client) takeOver(ctx context.Context, op string, old LedgerEntry) (LedgerEntry, error) {
	if old.Owner == c.owner() {
		return old, nil
	}
	for last := old; ; {
		if c.busy(last) {
			return old, busy(op)
		}
		sum := sha256.Sum256([]byte(fmt.Sprintf("%s\n%d\n%s\n%s", last.Owner, last.At.UnixNano(), old.Kind, old.Key)))
		mark := LedgerEntry{Shop: old.Shop, Kind: ledgerTakeover, Payment: old.Payment, Key: hex.EncodeToString(sum[:]), Amount: old.Amount, Owner: c.owner(), At: c.now()}
		other, err := c.ledger.Begin(ctx, mark)
		if err != nil {
			return old, ledgerError(op, err, acquiring.OutcomeUnknown)
		}
		if other == nil {
			break
		}
		last = *other // crashed too, if it is old
	}
	// Somebody may have taken it over and finished since it was read.
	known, err := c.ledger.OfPayment(ctx, old.Shop, old.Kind, old.Payment)
	if err != nil {
		return old, ledgerError(op, err, acquiring.OutcomeUnknown)
	}
	if !slices.ContainsFunc(known, func(k LedgerEntry) bool {
		return k.Key == old.Key && k.Owner == old.Owner && k.At.Equal(old.At) && k.ID == ""
	}) {
		return old, busy(op)
	}
	old.Owner, old.At = c.owner(), c.now()
	if err := c.ledger.Save(ctx, old); err != nil {
		return old, ledgerError(op, err, acquiring.OutcomeUnknown)
	}
	return old, nil
}

// busy is the error of a key that another Client works on: what becomes of it
// nobody knows yet.
func busy(op string) error {
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeUnknown,
		Message: "the same key is being worked on elsewhere", Hint: "ask again with the same key in a few minutes"}
}

// errRival says that a movement may be another Client's, which is at work on a
// deed of the same sum.
var errRival = errors.New("another program is at work on the same sum of this payment")

// made is the number of the movement that the deed made; "": it made none yet.
// The ledger is read after the operation, so that who made a movement has had
// the time to say so.
func (c *Client) made(ctx context.Context, d deed, o *Operation) (string, error) {
	known, err := c.ledger.OfPayment(ctx, d.entry.Shop, d.entry.Kind, d.entry.Payment)
	if err != nil {
		return "", err
	}
	// What others surely did has a movement too, and goes first.
	var others []LedgerEntry
	if d.entry.ID != unseen {
		for _, k := range known {
			if k.ID == unseen && k.Key != d.entry.Key && k.Amount == d.entry.Amount {
				others = append(others, k)
			}
		}
	}
	for _, e := range o.entries(d.kind) {
		id := e.key()
		if e.Amount.Amount() != d.entry.Amount || slices.Contains(d.entry.Seen, id) {
			continue
		}
		if slices.ContainsFunc(known, func(k LedgerEntry) bool { return k.ID == id && k.Key != d.entry.Key }) {
			continue
		}
		if slices.ContainsFunc(known, func(k LedgerEntry) bool {
			return k.ID == "" && k.Key != d.entry.Key && k.Amount == d.entry.Amount && !slices.Contains(k.Seen, id) && c.busy(k)
		}) {
			return "", errRival
		}
		if at := slices.IndexFunc(others, func(k LedgerEntry) bool { return !slices.Contains(k.Seen, id) }); at >= 0 {
			others = slices.Delete(others, at, at+1)
			continue
		}
		return id, nil
	}
	return "", nil
}
