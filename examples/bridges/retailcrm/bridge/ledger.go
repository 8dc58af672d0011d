package bridge

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/acquiring-go/acquiring/tochka"
)

// ledger is tochka.Ledger in the bridge's database: the bank knows no key of a
// refund, so the bridge remembers what it asked for.
type ledger struct{ s *store }

var _ tochka.Ledger = ledger{}

// Begin stores the entry unless it is there.
func (l ledger) Begin(ctx context.Context, e tochka.LedgerEntry) (existing *tochka.LedgerEntry, err error) {
	doc, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	err = l.s.do(ctx, func(w *work) error {
		existing = nil
		n, err := w.exec(ctx, `INSERT INTO retailcrm_ledger (shop, kind, payment, entry_key, bank_id, doc, at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (shop, kind, payment, entry_key) DO NOTHING`, e.Shop, e.Kind, e.Payment, e.Key, e.ID, string(doc), e.At.UnixNano())
		if err != nil || n == 1 {
			return err
		}
		existing, err = scanEntry(w.QueryRowContext(ctx, l.s.dialect.Bind("SELECT doc FROM retailcrm_ledger WHERE shop = ? AND kind = ? AND payment = ? AND entry_key = ?"),
			e.Shop, e.Kind, e.Payment, e.Key).Scan)
		return err
	})
	return existing, err
}

func scanEntry(scan func(...any) error) (*tochka.LedgerEntry, error) {
	var doc string
	if err := scan(&doc); errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	e := &tochka.LedgerEntry{}
	return e, json.Unmarshal([]byte(doc), e)
}

// Save replaces it.
func (l ledger) Save(ctx context.Context, e tochka.LedgerEntry) error {
	doc, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return l.s.do(ctx, func(w *work) error {
		_, err := w.exec(ctx, "UPDATE retailcrm_ledger SET bank_id = ?, doc = ?, at = ? WHERE shop = ? AND kind = ? AND payment = ? AND entry_key = ?",
			e.ID, string(doc), e.At.UnixNano(), e.Shop, e.Kind, e.Payment, e.Key)
		return err
	})
}

// Forget removes it.
func (l ledger) Forget(ctx context.Context, e tochka.LedgerEntry) error {
	return l.s.do(ctx, func(w *work) error {
		_, err := w.exec(ctx, "DELETE FROM retailcrm_ledger WHERE shop = ? AND kind = ? AND payment = ? AND entry_key = ?", e.Shop, e.Kind, e.Payment, e.Key)
		return err
	})
}

// OfPayment lists those of a payment, oldest first.
func (l ledger) OfPayment(ctx context.Context, shop, kind, payment string) ([]tochka.LedgerEntry, error) {
	rows, err := l.s.db.QueryContext(ctx, l.s.dialect.Bind("SELECT doc FROM retailcrm_ledger WHERE shop = ? AND kind = ? AND payment = ? ORDER BY at"), shop, kind, payment)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []tochka.LedgerEntry
	for rows.Next() {
		e, err := scanEntry(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, *e)
	}
	return all, rows.Err()
}

// ByID finds one by the bank's number.
func (l ledger) ByID(ctx context.Context, shop, kind, id string) (*tochka.LedgerEntry, error) {
	return scanEntry(l.s.db.QueryRowContext(ctx, l.s.dialect.Bind("SELECT doc FROM retailcrm_ledger WHERE shop = ? AND kind = ? AND bank_id = ? LIMIT 1"), shop, kind, id).Scan)
}
