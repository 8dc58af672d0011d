package bridge

import (
	"bytes"
	"database/sql"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/environ"
	"github.com/acquiring-go/acquiring/examples/internal/outbox"
	"github.com/acquiring-go/acquiring/examples/internal/shops"
)

// Config is the part of a bridge's file that all bridges have.
type Config struct {
	Listen    string `json:"listen"`     // 127.0.0.1:8080 unless set; HTTPS is the proxy's before it
	PublicURL string `json:"public_url"` // https://pay.school.example: how the banks and customers reach it
	// Database is a file of SQLite, or postgres://… . What is in it must
	// survive: it is the memory of what was posted.
	Database  string `json:"database"`
	Key       string `json:"key"`        // for POST /invoices, 16 characters or more; $NAME: from the environment
	PayPath   string `json:"pay_path"`   // secret part of /pay/{path}/{ref}, $NAME too; "": there is no such address
	ReturnURL string `json:"return_url"` // where the customer goes after paying; "": a page of the bridge's own
	LinkHours int    `json:"link_hours"` // how long a link lives; 0: 24
	// WatchDays is how long a paid payment is asked for its refunds: those
	// made in the bank's cabinet are not notified by every bank. 0: 14.
	WatchDays int          `json:"watch_refunds_days"`
	Receipt   *ReceiptRule `json:"receipt"` // absent: no receipt is asked of the banks
	Ref       RefRule      `json:"ref"`
	Shops     []shops.Shop `json:"shops"`
}

// RefRule says to whom a payment belongs whose invoice was not made here.
type RefRule struct {
	Metadata string `json:"metadata"` // the payment's own field that has the CRM's number
	Pattern  string `json:"pattern"`  // of the order number; its first group is the CRM's number: ^(\d+)-

	pattern *regexp.Regexp
}

// Load reads a file of JSON into the bridge's own configuration. A field that
// it does not have is an error: it is mistyped.
func Load(file string, into any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	if _, err := dec.Token(); err != io.EOF {
		return fmt.Errorf("%s: something follows the object", file)
	}
	return nil
}

// complete checks the configuration and fills in the defaults.
func (c *Config) complete(get environ.Getenv) error {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:8080"
	}
	if c.LinkHours == 0 {
		c.LinkHours = 24
	}
	if c.WatchDays == 0 {
		c.WatchDays = 14
	}
	if c.LinkHours < 0 || c.WatchDays < 0 {
		return fmt.Errorf("link_hours and watch_refunds_days must not be less than zero")
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	if c.PublicURL == "" {
		return fmt.Errorf("public_url is missing: the banks call it")
	}
	if err := acquiring.CheckURL("public_url", c.PublicURL); err != nil {
		return err
	}
	if err := acquiring.CheckURL("return_url", c.ReturnURL); err != nil {
		return err
	}
	if c.ReturnURL == "" {
		c.ReturnURL = c.PublicURL + "/thanks"
	}
	var err error
	if c.Key, err = shops.Resolve(c.Key, get); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	if c.PayPath, err = shops.Resolve(c.PayPath, get); err != nil {
		return fmt.Errorf("pay_path: %w", err)
	}
	for name, secret := range map[string]string{"key": c.Key, "pay_path": c.PayPath} {
		if secret != "" && len(secret) < 16 {
			return fmt.Errorf("%s has %d characters; give 16 or more, chosen at random", name, len(secret))
		}
	}
	if c.PayPath != url.PathEscape(c.PayPath) {
		return fmt.Errorf("pay_path must be letters and digits")
	}
	if err := c.Receipt.check(); err != nil {
		return err
	}
	if c.Ref.Pattern != "" {
		if c.Ref.pattern, err = regexp.Compile(c.Ref.Pattern); err != nil {
			return fmt.Errorf("ref.pattern: %w", err)
		}
		if c.Ref.pattern.NumSubexp() == 0 {
			return fmt.Errorf("ref.pattern has no group: write it as ^(\\d+)-")
		}
	}
	return nil
}

// find is the CRM's number of the one to whom a foreign payment belongs; "":
// the rules do not tell.
func (r RefRule) find(p *acquiring.Payment) string {
	if ref := p.Metadata[r.Metadata]; r.Metadata != "" && ref != "" {
		return ref
	}
	if r.pattern != nil {
		order, _ := acquiring.SplitAttempt(p.OrderID)
		if m := r.pattern.FindStringSubmatch(order); m != nil {
			return m[1]
		}
	}
	return ""
}

// OpenDatabase opens a file of SQLite or, by postgres://…, PostgreSQL.
func OpenDatabase(dsn string) (*sql.DB, outbox.Dialect, error) {
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		db, err := sql.Open("pgx", dsn)
		return db, outbox.PostgreSQL, err
	}
	if dsn == "" {
		return nil, 0, fmt.Errorf("database is missing: a file, or postgres://…")
	}
	// It holds names and e-mails of customers: nobody else is to read it.
	f, err := os.OpenFile(dsn, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, 0, err
	}
	u := url.URL{Scheme: "file", Opaque: url.PathEscape(dsn), RawQuery: "_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(5000)&_txlock=immediate"}
	u.Opaque = strings.ReplaceAll(u.Opaque, "%2F", "/")
	db, err := sql.Open("sqlite", u.String())
	return db, outbox.SQLite, err
}

// hours as a duration.
func hours(n int) time.Duration { return time.Duration(n) * time.Hour }
