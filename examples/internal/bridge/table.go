package bridge

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/outbox"
	"github.com/acquiring-go/acquiring/examples/internal/shops"
	"github.com/acquiring-go/acquiring/internal/sqldb"
	"github.com/acquiring-go/acquiring/money"
)

// row is a payment as the bridge knows it.
type row struct {
	Shop, Number string // Number as the acquirer has it, with the attempt
	Base         string // without it
	Ref          string
	Payer        string
	Amount       money.Amount // ordered
	Own          bool         // the invoice was made here
	ID           acquiring.PaymentID
	PayURL       string
	Status       acquiring.Status
	Taken        money.Amount // told to the CRM
	Again        bool         // another attempt at the same order was paid before
	Refunded     money.Amount // told to the CRM
	CreatedAt    time.Time
	ExpiresAt    time.Time
	Receipt      string // fiscal.Receipt of the sale as JSON; "": none
}

// took says whether the row's own payment has brought money, also if that went
// back since.
func (r *row) took() bool {
	return r.ID != "" && (r.Taken > 0 || r.Status.Succeeded() || r.Status == acquiring.StatusAuthorized || r.Status == acquiring.StatusVoided)
}

const table = "bridge_payments"

const rowColumns = "shop, number, base, ref, payer, amount, own, payment_id, pay_url, status, taken, again, refunded, created_at, expires_at, receipt"

func schema(d outbox.Dialect) []string {
	return []string{
		"CREATE TABLE IF NOT EXISTS " + table + " (\n" +
			"  shop " + d.IndexColumn(64, false) + ",\n" +
			"  number " + d.IndexColumn(128, false) + ", -- of the order, as the acquirer has it\n" +
			"  base " + d.IndexColumn(128, false) + ", -- without the number of the attempt\n" +
			"  ref TEXT NOT NULL, -- the CRM's number of the customer or of its invoice\n" +
			"  payer TEXT NOT NULL,\n" +
			"  amount BIGINT NOT NULL, -- kopecks, as all sums here\n" +
			"  own INT NOT NULL, -- 1: the invoice was made here\n" +
			"  payment_id TEXT NOT NULL,\n" +
			"  pay_url TEXT NOT NULL,\n" +
			"  status " + d.IndexColumn(24, true) + ",\n" +
			"  taken BIGINT NOT NULL, -- told to the CRM\n" +
			"  again INT NOT NULL, -- 1: another attempt at the order was paid before\n" +
			"  refunded BIGINT NOT NULL, -- told to the CRM\n" +
			"  created_at BIGINT NOT NULL, -- Unix milliseconds, as all times here\n" +
			"  expires_at BIGINT NOT NULL, -- 0: unknown\n" +
			"  receipt TEXT NOT NULL, -- of the sale, as JSON\n" +
			"  PRIMARY KEY (shop, number)\n)",
		refundSchema, madeSchema,
		"CREATE INDEX IF NOT EXISTS bridge_payments_base ON " + table + " (shop, base)",
		"CREATE INDEX IF NOT EXISTS bridge_payments_order ON " + table + " (base)",
		"CREATE INDEX IF NOT EXISTS bridge_payments_status ON " + table + " (shop, status, created_at)",
	}
}

// querier is a *sql.DB or a *sql.Tx.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// bit is a truth as the tables have it.
func bit(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// rows runs a query for rows.
func (b *Bridge) rows(ctx context.Context, q querier, where string, args ...any) (all []row, err error) {
	rows, err := q.QueryContext(ctx, b.dialect.Bind("SELECT "+rowColumns+" FROM "+table+" "+where), args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var r row
		var amount, taken, refunded, created, expires int64
		var status, id string
		if err := rows.Scan(&r.Shop, &r.Number, &r.Base, &r.Ref, &r.Payer, &amount, &r.Own, &id, &r.PayURL, &status, &taken, &r.Again, &refunded, &created, &expires, &r.Receipt); err != nil {
			return nil, err
		}
		r.Amount, r.Taken, r.Refunded, r.ID = money.Amount(amount), money.Amount(taken), money.Amount(refunded), acquiring.PaymentID(id)
		if err := r.Status.UnmarshalText([]byte(status)); err != nil {
			return nil, err
		}
		r.CreatedAt = time.UnixMilli(created)
		if expires != 0 {
			r.ExpiresAt = time.UnixMilli(expires)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

// one is the row of a number; nil: there is none.
func (b *Bridge) one(ctx context.Context, q querier, shop, number string, lock bool) (*row, error) {
	where := "WHERE shop = ? AND number = ?"
	if lock && b.dialect == outbox.PostgreSQL {
		where += " FOR UPDATE"
	}
	all, err := b.rows(ctx, q, where, shop, number)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

// insert enters a new row; false: the number is there already.
func (b *Bridge) insert(ctx context.Context, q querier, r row) (bool, error) {
	result, err := q.ExecContext(ctx, b.dialect.Bind("INSERT INTO "+table+" ("+rowColumns+") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (shop, number) DO NOTHING"),
		r.Shop, r.Number, r.Base, r.Ref, r.Payer, int64(r.Amount), bit(r.Own), string(r.ID), r.PayURL, r.Status.String(), int64(r.Taken), bit(r.Again), int64(r.Refunded),
		millis(r.CreatedAt), millis(r.ExpiresAt), r.Receipt)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

func (b *Bridge) exec(ctx context.Context, q querier, query string, args ...any) error {
	_, err := q.ExecContext(ctx, b.dialect.Bind(query), args...)
	return err
}

// issued stores what the acquirer answered. The end of a payment that was
// withdrawn for this one may have been told meanwhile: this one begins. Where
// money came meanwhile it is acquiring.ErrConflict, and the link is for nobody.
func (b *Bridge) issued(ctx context.Context, a shops.Account, r *row) error {
	paid := false
	err := b.dialect.Retry(ctx, func(ctx context.Context) error {
		paid = false
		tx, err := sqldb.Begin(ctx, b.db, nil)
		if err != nil {
			return err
		}
		defer tx.Rollback()
		now, err := b.one(ctx, tx, r.Shop, r.Number, true)
		switch {
		case err != nil:
			return err
		case now == nil: // another replica was refused the number, and forgot it
			_, err = b.insert(ctx, tx, *r)
		case now.took():
			paid = true
			if r.ID != now.ID {
				err = b.putWithdraw(ctx, tx.Tx, a, now, r.ID)
			}
		default:
			err = b.exec(ctx, tx, "UPDATE "+table+" SET payment_id = ?, pay_url = ?, expires_at = ?, receipt = ?, status = ? WHERE shop = ? AND number = ?",
				string(r.ID), r.PayURL, millis(r.ExpiresAt), r.Receipt, acquiring.StatusPending.String(), r.Shop, r.Number)
		}
		if err != nil {
			return err
		}
		return tx.Commit()
	})
	if err == nil && paid {
		b.box.Wake()
		return conflict("order %s is paid already", r.Number)
	}
	return err
}

// withdrawn forgets a number for which there is surely no invoice, unless a
// payment came meanwhile.
func (b *Bridge) withdrawn(ctx context.Context, r *row) error {
	return b.dialect.Retry(ctx, func(ctx context.Context) error {
		return b.exec(ctx, b.db, "DELETE FROM "+table+" WHERE shop = ? AND number = ? AND status = 'pending' AND payment_id = ''", r.Shop, r.Number)
	})
}

// watch is how long after its invoice a payment is watched for refunds: it may
// have been paid in the last hour of its link.
func (b *Bridge) watch() time.Duration {
	return 24*time.Hour*time.Duration(b.conf.WatchDays) + hours(b.conf.LinkHours)
}

// open are the payments that are to be asked for: without an end, and paid
// ones as long as their refunds are watched. since is when that begins: when
// the invoice was made, or later when money was last given back by it here.
func (b *Bridge) open(ctx context.Context, shop string) (all []row, since func(row) time.Time, err error) {
	from := b.now().Add(-b.watch()).UnixMilli()
	asked := map[string]time.Time{}
	rows, err := b.db.QueryContext(ctx, b.dialect.Bind("SELECT number, MAX(created_at) FROM "+refundTable+" WHERE shop = ? AND created_at > ? GROUP BY number"), shop, from)
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var number string
		var at int64
		if err := rows.Scan(&number, &at); err != nil {
			return nil, nil, err
		}
		asked[number] = time.UnixMilli(at)
	}
	if err := rows.Err(); err != nil {
		return nil, nil, err
	}
	all, err = b.rows(ctx, b.db, "WHERE shop = ? AND (status IN ('unknown', 'pending', 'authorized') OR (status IN ('paid', 'partially_refunded') AND (created_at > ?"+
		" OR number IN (SELECT number FROM "+refundTable+" WHERE shop = ? AND created_at > ?)))) ORDER BY created_at", shop, from, shop, from)
	return all, func(r row) time.Time {
		if at := asked[r.Number]; r.Status.Succeeded() && at.After(r.CreatedAt) {
			return at
		}
		return r.CreatedAt
	}, err
}

// find is an order by its number, with the attempt or without: the attempt that
// was paid, that of this very number before others, or else the newest; "" for
// shop: any.
func (b *Bridge) find(ctx context.Context, shop, number string) (*row, error) {
	where, args := "WHERE (number = ? OR base = ?)", []any{number, number}
	if shop != "" {
		where, args = where+" AND shop = ?", append(args, shop)
	}
	all, err := b.rows(ctx, b.db, where+" ORDER BY created_at DESC", args...)
	if err != nil {
		return nil, err
	}
	var best *row
	of := ""
	for i, r := range all {
		if r.beside() && r.Number != number {
			continue
		}
		if of != "" && r.Shop != of {
			return nil, acquiring.Invalid("shop", fmt.Sprintf("is empty, and order %s is in several shops: name one", number))
		}
		of = r.Shop
		paid := r.Status.Succeeded()
		if best == nil || paid && (!best.Status.Succeeded() || r.Number == number) {
			best = &all[i]
		}
	}
	if best == nil {
		return nil, &acquiring.Error{Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected, Message: "there is no order " + number}
	}
	return best, nil
}

// migrate creates the tables of the bridge, of the inbox and of the outbox.
func (b *Bridge) migrate(ctx context.Context) error {
	return errors.Join(b.dialect.Migrate(ctx, b.db, table, schema(b.dialect)), b.inbox.Migrate(ctx), b.box.Migrate(ctx))
}
