package bridge

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"time"
)

// connection is an account of RetailCRM.
type connection struct {
	ClientID   string // what the CRM sends back in each call
	Path       string // the part of the module's address that nobody guesses
	Page       string // the same of its settings page
	SystemURL  string
	APIKey     string
	Active     bool
	Frozen     bool
	Registered string // digest of the registration that the CRM has
	CreatedAt  time.Time
}

const connectionColumns = "client_id, path, page, system_url, api_key, active, frozen, registered, created_at"

func scanConnection(scan func(...any) error) (*connection, error) {
	var c connection
	var active, frozen, at int64
	err := scan(&c.ClientID, &c.Path, &c.Page, &c.SystemURL, &c.APIKey, &active, &frozen, &c.Registered, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, errNotFound
	}
	c.Active, c.Frozen, c.CreatedAt = active == 1, frozen == 1, time.UnixMilli(at)
	return &c, err
}

// connection finds one by a column of connectionColumns.
func (s *store) connection(ctx context.Context, column, value string) (*connection, error) {
	return scanConnection(s.db.QueryRowContext(ctx, s.dialect.Bind("SELECT "+connectionColumns+" FROM retailcrm_connections WHERE "+column+" = ?"), value).Scan)
}

// connections are all, in the order they came.
func (s *store) connections(ctx context.Context) ([]*connection, error) {
	rows, err := s.db.QueryContext(ctx, "SELECT "+connectionColumns+" FROM retailcrm_connections ORDER BY created_at, client_id")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []*connection
	for rows.Next() {
		c, err := scanConnection(rows.Scan)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, rows.Err()
}

// connect stores an account: a new one, or the known one with its new key. A
// key that comes anew also switches the module on again.
func (s *store) connect(ctx context.Context, systemURL, apiKey string) (*connection, error) {
	c := connection{ClientID: uuid4(), Path: secret(32), Page: secret(24)}
	err := s.do(ctx, func(w *work) error {
		_, err := w.exec(ctx, "INSERT INTO retailcrm_connections ("+connectionColumns+`) VALUES (?, ?, ?, ?, ?, 1, 0, '', ?)
			ON CONFLICT (system_url) DO UPDATE SET api_key = excluded.api_key, active = 1, frozen = 0, registered = ''`,
			c.ClientID, c.Path, c.Page, systemURL, apiKey, s.now().UnixMilli())
		return err
	})
	if err != nil {
		return nil, err
	}
	return s.connection(ctx, "system_url", systemURL)
}

// hook is the unguessable part of a shop's callback address, made once.
func (s *store) hook(ctx context.Context, code string) (hook string, err error) {
	err = s.do(ctx, func(w *work) error {
		if _, err := w.exec(ctx, "INSERT INTO retailcrm_shops (code, hook) VALUES (?, ?) ON CONFLICT (code) DO NOTHING", code, secret(24)); err != nil {
			return err
		}
		return w.QueryRowContext(ctx, s.dialect.Bind("SELECT hook FROM retailcrm_shops WHERE code = ?"), code).Scan(&hook)
	})
	return hook, err
}

// secret is n random bytes in hexadecimal digits.
func secret(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return hex.EncodeToString(b)
}

// uuid4 is a random UUID.
func uuid4() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

const base62 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// slug is the end of a short link.
func slug(n int) string {
	out := make([]byte, 0, n)
	b := make([]byte, 32)
	for len(out) < n {
		_, _ = rand.Read(b)
		for _, v := range b {
			if v < 248 && len(out) < n { // 248 is 4·62: no letter is likelier than another
				out = append(out, base62[v%62])
			}
		}
	}
	return string(out)
}

// equal compares secrets in constant time.
func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
