package crm

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/tochka"
)

// kept is what PayKeeper's client keeps (paykeeper.Store).
type kept struct{ s *Shop }

var _ paykeeper.Store = kept{}

// Get gives the value, nil when there is none.
func (k kept) Get(ctx context.Context, key string) ([]byte, error) {
	var value string
	err := k.s.db.QueryRowContext(ctx, k.s.sql("SELECT content FROM {kept} WHERE name = ?"), key).Scan(&value)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	return []byte(value), err
}

// Add stores the value unless the key is there already.
func (k kept) Add(ctx context.Context, key string, value []byte) (bool, error) {
	result, err := k.s.db.ExecContext(ctx, k.s.sql("INSERT INTO {kept} (name, content) VALUES (?, ?)"+k.s.absent("name")), key, string(value))
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}

// Set stores the value, whatever was there.
func (k kept) Set(ctx context.Context, key string, value []byte) error {
	if added, err := k.Add(ctx, key, value); added || err != nil {
		return err
	}
	_, err := k.s.db.ExecContext(ctx, k.s.sql("UPDATE {kept} SET content = ? WHERE name = ?"), string(value), key)
	return err
}

// deeds is what Tochka's client keeps (tochka.Ledger).
type deeds struct{ s *Shop }

var _ tochka.Ledger = deeds{}

const ofDeed = " WHERE shop = ? AND kind = ? AND payment = ? AND deed_key = ?"

// Begin stores the entry unless there is one under its key.
func (d deeds) Begin(ctx context.Context, e tochka.LedgerEntry) (*tochka.LedgerEntry, error) {
	text, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	result, err := d.s.db.ExecContext(ctx, d.s.sql("INSERT INTO {deeds} (shop, kind, payment, deed_key, id, entry, made_at) VALUES (?, ?, ?, ?, ?, ?, ?)"+d.s.absent("shop")),
		e.Shop, e.Kind, e.Payment, e.Key, e.ID, string(text), time.Now().UnixNano())
	if err != nil {
		return nil, err
	}
	if n, err := result.RowsAffected(); n == 1 || err != nil {
		return nil, err
	}
	return d.one(ctx, "SELECT entry FROM {deeds}"+ofDeed, e.Shop, e.Kind, e.Payment, e.Key)
}

// Save replaces the entry under its key.
func (d deeds) Save(ctx context.Context, e tochka.LedgerEntry) error {
	text, err := json.Marshal(e)
	if err != nil {
		return err
	}
	_, err = d.s.db.ExecContext(ctx, d.s.sql("UPDATE {deeds} SET id = ?, entry = ?"+ofDeed), e.ID, string(text), e.Shop, e.Kind, e.Payment, e.Key)
	return err
}

// Forget removes it.
func (d deeds) Forget(ctx context.Context, e tochka.LedgerEntry) error {
	_, err := d.s.db.ExecContext(ctx, d.s.sql("DELETE FROM {deeds}"+ofDeed), e.Shop, e.Kind, e.Payment, e.Key)
	return err
}

// OfPayment are all entries of a kind with that payment, oldest first.
func (d deeds) OfPayment(ctx context.Context, shop, kind, payment string) (all []tochka.LedgerEntry, err error) {
	rows, err := d.s.db.QueryContext(ctx, d.s.sql("SELECT entry FROM {deeds} WHERE shop = ? AND kind = ? AND payment = ? ORDER BY made_at"), shop, kind, payment)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		var e tochka.LedgerEntry
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			return nil, err
		}
		e.At = d.s.conf.Pace.aged(e.At)
		all = append(all, e)
	}
	return all, rows.Err()
}

// ByID is the entry of a kind with that number of the bank's.
func (d deeds) ByID(ctx context.Context, shop, kind, id string) (*tochka.LedgerEntry, error) {
	return d.one(ctx, "SELECT entry FROM {deeds} WHERE shop = ? AND kind = ? AND id = ?", shop, kind, id)
}

func (d deeds) one(ctx context.Context, query string, args ...any) (*tochka.LedgerEntry, error) {
	var text string
	err := d.s.db.QueryRowContext(ctx, d.s.sql(query), args...).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	e := &tochka.LedgerEntry{}
	if err := json.Unmarshal([]byte(text), e); err != nil {
		return nil, err
	}
	e.At = d.s.conf.Pace.aged(e.At)
	return e, nil
}
