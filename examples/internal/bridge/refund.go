package bridge

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// Refund gives money back at the acquirer and lets the CRM hear of it. 0: all
// that is left. The same refund asked for twice in the same state of the
// payment is made once; key "" makes it so, your own key does it always.
func (b *Bridge) Refund(ctx context.Context, shop, number string, sum money.Amount, key string) (*acquiring.Refund, error) {
	r, err := b.find(ctx, shop, number)
	if err != nil {
		return nil, err
	}
	a, err := b.account(r.Shop)
	if err != nil {
		return nil, err
	}
	if !r.Status.Succeeded() {
		return nil, conflict("order %s is %s: there is nothing to give back", r.Number, r.Status)
	}
	if key == "" {
		digest := sha256.Sum256(fmt.Appendf(nil, "%s/%s/%d/%d", r.Shop, r.Number, r.Refunded, sum))
		key = "refund-" + hex.EncodeToString(digest[:12])
	}
	request, err := b.refundRequest(ctx, r, sum, key)
	if err != nil {
		return nil, err
	}
	if request.Known, err = b.known(ctx, r, key); err != nil {
		return nil, err
	}
	refund, err := a.Acquirer.Refund(ctx, request)
	if errors.Is(err, acquiring.ErrDuplicate) {
		return nil, duplicate(err, r, request)
	}
	if err != nil {
		return nil, err
	}
	if err := b.made(context.WithoutCancel(ctx), r, key, refund.ID); err != nil {
		// The money went back; the bank tells which refund it was by the key or
		// by the sum.
		b.log.Warn("bridge: the refund is made, its number was not stored", "order", r.Number, "refund", refund.ID, "error", err.Error())
	}
	if _, err := b.Learn(ctx, a.Code, r.ID); err != nil {
		// The money went back; the Poller will tell the CRM.
		b.log.Warn("bridge: the refund is made, the payment could not be read back", "order", r.Number, "error", err.Error())
	}
	return refund, nil
}

// duplicate is the error of a refund that the bank has heard of and does not
// say what became of. A person must know which one to look for.
func duplicate(err error, r *row, request acquiring.RefundRequest) error {
	what := "all that was left"
	if request.Amount != 0 {
		what = request.Amount.String()
	}
	others := "none"
	if len(request.Known) > 0 {
		others = strings.Join(request.Known, ", ")
	}
	return fmt.Errorf("the bank has had the refund with the key %s (%s of order %s, payment %s) before and does not say what became of it; look for it in the bank's cabinet "+
		"(refunds of this payment that other keys made: %s): if it is there, the money went back; only if it is not, ask for it with another key: %w",
		request.Key, what, r.Number, r.ID, others, err)
}

const (
	refundTable = "bridge_refunds"
	madeTable   = "bridge_refunds_made"
)

// madeSchema is the bank's numbers of the refunds that it answered.
var madeSchema = "CREATE TABLE IF NOT EXISTS " + madeTable + ` (
  shop VARCHAR(64) NOT NULL,
  refund_key VARCHAR(64) NOT NULL,
  number VARCHAR(128) NOT NULL, -- of the order
  refund_id TEXT NOT NULL, -- the bank's
  PRIMARY KEY (shop, refund_key)
)`

// made stores the bank's number of a refund.
func (b *Bridge) made(ctx context.Context, r *row, key, id string) error {
	if id == "" {
		return nil
	}
	return b.dialect.Retry(ctx, func(ctx context.Context) error {
		return b.exec(ctx, b.db, "INSERT INTO "+madeTable+" (shop, refund_key, number, refund_id) VALUES (?, ?, ?, ?) ON CONFLICT (shop, refund_key) DO UPDATE SET refund_id = excluded.refund_id",
			r.Shop, key, r.Number, id)
	})
}

// known are the bank's numbers of the order's refunds that other keys made.
func (b *Bridge) known(ctx context.Context, r *row, key string) (ids []string, err error) {
	err = b.dialect.Retry(ctx, func(ctx context.Context) error {
		ids = nil
		rows, err := b.db.QueryContext(ctx, b.dialect.Bind("SELECT refund_id FROM "+madeTable+" WHERE shop = ? AND number = ? AND refund_key <> ? ORDER BY refund_key"), r.Shop, r.Number, key)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		return rows.Err()
	})
	return ids, err
}

// refundSchema is the memory of what was asked under a key: asked again, it
// must be the same to the byte, the receipt too, though the payment is in
// another state by then.
var refundSchema = "CREATE TABLE IF NOT EXISTS " + refundTable + ` (
  shop VARCHAR(64) NOT NULL,
  refund_key VARCHAR(64) NOT NULL,
  number VARCHAR(128) NOT NULL, -- of the order
  amount BIGINT NOT NULL, -- kopecks; 0: all that was left
  receipt TEXT NOT NULL, -- fiscal.Receipt as JSON; "": none
  created_at BIGINT NOT NULL,
  PRIMARY KEY (shop, refund_key)
)`

// refundRequest is what is asked under the key, now or earlier.
func (b *Bridge) refundRequest(ctx context.Context, r *row, sum money.Amount, key string) (acquiring.RefundRequest, error) {
	request := acquiring.RefundRequest{ID: r.ID, Key: key, Amount: sum}
	if err := request.Validate(); err != nil {
		return request, err
	}
	if len(key) > 36 {
		return request, acquiring.Invalid("key", "has more than 36 characters: not every bank takes it")
	}
	if old, err := b.askedRefund(ctx, r, sum, key); old != nil || err != nil {
		if old != nil {
			request = *old
		}
		return request, err
	}
	left := r.Taken - r.Refunded
	if sum > left || left <= 0 {
		return request, conflict("order %s has %s left to give back", r.Number, left)
	}
	stored := ""
	if r.Receipt != "" {
		if sum == 0 {
			request.Amount = left // the receipt needs to know
		}
		var err error
		if request.Receipt, err = giveBack(r.Receipt, key, request.Amount, r.Refunded); err != nil {
			return request, err
		}
		body, err := json.Marshal(request.Receipt)
		if err != nil {
			return request, err
		}
		stored = string(body)
	}
	err := b.dialect.Retry(ctx, func(ctx context.Context) error {
		return b.exec(ctx, b.db, "INSERT INTO "+refundTable+" (shop, refund_key, number, amount, receipt, created_at) VALUES (?, ?, ?, ?, ?, ?)"+
			" ON CONFLICT (shop, refund_key) DO NOTHING", r.Shop, key, r.Number, int64(request.Amount), stored, b.now().UnixMilli())
	})
	if err != nil {
		return request, err
	}
	// Somebody else may have asked with the same key meanwhile: his words count.
	old, err := b.askedRefund(ctx, r, sum, key)
	if err != nil || old == nil {
		return request, errors.Join(err, errUnseen)
	}
	return *old, nil
}

// askedRefund is what was asked under the key before; nil: nothing.
func (b *Bridge) askedRefund(ctx context.Context, r *row, sum money.Amount, key string) (*acquiring.RefundRequest, error) {
	var number, receipt string
	var amount int64
	err := b.dialect.Retry(ctx, func(ctx context.Context) error {
		return b.db.QueryRowContext(ctx, b.dialect.Bind("SELECT number, amount, receipt FROM "+refundTable+" WHERE shop = ? AND refund_key = ?"), r.Shop, key).
			Scan(&number, &amount, &receipt)
	})
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case number != r.Number, sum != 0 && amount != 0 && int64(sum) != amount:
		return nil, conflict("refund key %s was used for %s of order %s", key, money.Amount(amount), number)
	}
	request := &acquiring.RefundRequest{ID: r.ID, Key: key, Amount: money.Amount(amount)}
	if receipt != "" {
		request.Receipt = &fiscal.Receipt{}
		if err := json.Unmarshal([]byte(receipt), request.Receipt); err != nil {
			return nil, fmt.Errorf("the stored receipt cannot be read: %w", err)
		}
	}
	return request, nil
}
