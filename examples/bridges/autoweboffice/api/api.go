// Package api is a client of АвтоВебОфис (AutoWebOffice), as far as marking an
// invoice paid needs it: https://{shop}.autoweboffice.ru/?r=api/rest/accounts.
//
// The service takes its keys in the address of each request. They are kept out
// of every error and log line here; keep them out of a proxy's log yourself.
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/money"
)

const provider = "autoweboffice"

// The statuses of an invoice (id_account_status) as the service describes them.
const (
	StatusCreated  = 1 // создан
	StatusRefused  = 2 // отказ
	StatusHandling = 3 // в обработке
	StatusError    = 4 // ошибка
	StatusPaid     = 5 // оплачен
)

// Fields are the names of an invoice's fields. Zero ones have the names that
// the service's own examples show.
type Fields struct {
	ID      string `json:"id"`      // id_account
	Sum     string `json:"sum"`     // account_sum
	Status  string `json:"status"`  // id_account_status
	Number  string `json:"number"`  // account_number, which the customer sees
	Deleted string `json:"deleted"` // deleted
}

func (f Fields) complete() Fields {
	for _, d := range []struct {
		name *string
		or   string
	}{{&f.ID, "id_account"}, {&f.Sum, "account_sum"}, {&f.Status, "id_account_status"}, {&f.Number, "account_number"}, {&f.Deleted, "deleted"}} {
		if *d.name == "" {
			*d.name = d.or
		}
	}
	return f
}

// Config is a shop of AutoWebOffice.
type Config struct {
	BaseURL    string // https://school.autoweboffice.ru
	KeyGet     string // API KEY GET: reads
	KeySet     string // API KEY SET: writes
	Fields     Fields
	ReadByID   bool          // read with id=N in place of search[id_account]=N
	Timeout    time.Duration // of one request; 0: 20 seconds
	HTTPClient *http.Client  // nil: one of its own
	Logger     *slog.Logger
}

// String shows no secret.
func (c Config) String() string {
	return fmt.Sprintf("api.Config{%s get %s set %s}", c.BaseURL, rest.Mask(c.KeyGet), rest.Mask(c.KeySet))
}

// GoString is String, for %#v.
func (c Config) GoString() string { return c.String() }

// LogValue is String, for logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Client calls one shop. It is safe for concurrent use.
type Client struct {
	conf Config
	rest *rest.Client
}

// New checks the configuration; it asks the service nothing.
func New(conf Config) (*Client, error) {
	switch {
	case conf.KeyGet == "":
		return nil, acquiring.Invalid("Config.KeyGet", "is empty; it is API KEY GET in Настройки → API")
	case conf.KeySet == "":
		return nil, acquiring.Invalid("Config.KeySet", "is empty; it is API KEY SET in Настройки → API")
	}
	conf.Fields = conf.Fields.complete()
	if conf.Timeout == 0 {
		conf.Timeout = 20 * time.Second
	}
	r, err := rest.New(rest.Options{Provider: provider, BaseURL: conf.BaseURL, HTTPClient: conf.HTTPClient, Logger: conf.Logger,
		Secrets: []string{conf.KeyGet, conf.KeySet}, Timeout: conf.Timeout})
	if err != nil {
		return nil, err
	}
	return &Client{conf, r}, nil
}

// String shows no secret.
func (c *Client) String() string { return "api.Client{" + c.rest.BaseURL() + "}" }

// GoString is String, for %#v.
func (c *Client) GoString() string { return c.String() }

// Invoice is an invoice (счёт).
type Invoice struct {
	ID      int
	Number  string // which the customer sees
	Sum     money.Amount
	Status  int
	Deleted bool
	Email   string
	Phone   string
	Name    string
}

// accounts makes a request to the resource of invoices.
func (c *Client) accounts(ctx context.Context, op, method, key string, params url.Values, read bool) (*rest.Response, rest.Call, error) {
	params.Set("r", "api/rest/accounts")
	params.Set("key", key)
	call := rest.Call{Op: op, Method: method, Path: "/", Query: params, Repeatable: read}
	resp, err := c.rest.Do(ctx, call)
	if err != nil {
		return nil, call, err
	}
	kind, outcome := rest.KindOfStatus(resp.Status)
	if kind == nil {
		return resp, call, nil
	}
	e := c.rest.Error(call, resp, kind, outcome, "", c.rest.Excerpt(resp.Body))
	if errors.Is(kind, acquiring.ErrUnauthorized) {
		e.Hint = "check API KEY GET and API KEY SET in Настройки → API, and that the tariff has both"
	}
	return nil, call, e
}

// Get reads an invoice; acquiring.ErrNotFound: there is none of that number.
func (c *Client) Get(ctx context.Context, id int) (Invoice, error) {
	const op = "accounts.get"
	params := url.Values{}
	if c.conf.ReadByID {
		params.Set("id", strconv.Itoa(id))
	} else {
		params.Set("search["+c.conf.Fields.ID+"]", strconv.Itoa(id))
	}
	resp, call, err := c.accounts(ctx, op, http.MethodGet, c.conf.KeyGet, params, true)
	if err != nil {
		return Invoice{}, err
	}
	all, err := c.objects(call, resp)
	if err != nil {
		return Invoice{}, err
	}
	for _, o := range all {
		inv, err := c.invoice(o)
		if err != nil {
			return Invoice{}, c.rest.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeNotSent, "", err.Error())
		}
		if inv.ID == id {
			return inv, nil
		}
	}
	return Invoice{}, c.rest.Error(call, nil, acquiring.ErrNotFound, acquiring.OutcomeRejected, "", fmt.Sprintf("there is no invoice %d", id))
}

// SetStatus changes an invoice's status. The same status twice is the same as
// once; after an unknown outcome read the invoice.
func (c *Client) SetStatus(ctx context.Context, id, status int) error {
	// The answer is the invoice as it is now; the change is compared in it.
	name, value := c.conf.Fields.Status, strconv.Itoa(status)
	resp, call, err := c.accounts(ctx, "accounts.put", http.MethodPut, c.conf.KeySet, url.Values{"id": {strconv.Itoa(id)}, name: {value}}, false)
	if err != nil {
		return err
	}
	all, err := c.objects(call, resp)
	if err != nil && !errors.Is(err, acquiring.ErrProtocol) {
		return err
	}
	for _, o := range all {
		if field(o, c.conf.Fields.ID) != strconv.Itoa(id) {
			continue
		}
		if got := field(o, name); got != value {
			return c.rest.Error(call, resp, acquiring.ErrConflict, acquiring.OutcomeRejected, "", fmt.Sprintf("invoice %d has %s %q and not %s", id, name, got, value))
		}
		return nil
	}
	// An answer without the invoice: what became of it is to be read.
	if inv, err := c.Get(ctx, id); err == nil && inv.Status == status {
		return nil
	}
	return c.rest.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the answer does not show the invoice: "+c.rest.Excerpt(resp.Body))
}

type object map[string]json.RawMessage

// objects reads an object, a list of them, or several documents one after
// another: the service answers in all three ways.
func (c *Client) objects(call rest.Call, r *rest.Response) ([]object, error) {
	var all []object
	dec := json.NewDecoder(bytes.NewReader(bytes.TrimPrefix(r.Body, []byte("\xef\xbb\xbf"))))
	for n := 0; ; n++ {
		var raw json.RawMessage
		err := dec.Decode(&raw)
		if err != nil && n > 0 && !dec.More() {
			return all, nil
		}
		if err != nil {
			// DecodeJSON knows how to describe an answer that is none.
			var v any
			if err := c.rest.DecodeJSON(call, r, &v); err != nil {
				return nil, err
			}
			return nil, c.rest.Error(call, r, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the answer cannot be read")
		}
		var one object
		var list []object
		switch {
		case json.Unmarshal(raw, &list) == nil:
			all = append(all, list...)
		case json.Unmarshal(raw, &one) == nil:
			if words := fault(one); words != "" {
				return nil, c.rest.Error(call, r, acquiring.ErrInvalid, acquiring.OutcomeRejected, "", words)
			}
			all = append(all, one)
		default:
			return nil, c.rest.Error(call, r, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the answer is neither an invoice nor a list: "+c.rest.Excerpt(raw))
		}
	}
}

// fault are the words of an answer that is an error though its status is 200.
func fault(o object) string {
	for _, name := range []string{"error", "errors", "message"} {
		if raw, ok := o[name]; ok && string(raw) != "null" && string(raw) != "[]" && string(raw) != "{}" && string(raw) != `""` && string(raw) != "false" {
			return strings.Trim(string(raw), `"`)
		}
	}
	return ""
}

// field is a field as text, whether the service writes it as text or number.
func field(o object, name string) string {
	raw := bytes.TrimSpace(o[name])
	var s string
	switch {
	case len(raw) == 0, string(raw) == "null":
		return ""
	case json.Unmarshal(raw, &s) == nil:
		return s
	}
	return string(raw)
}

func (c *Client) invoice(o object) (Invoice, error) {
	f := c.conf.Fields
	inv := Invoice{Number: field(o, f.Number), Email: field(o, "email"), Phone: field(o, "phone_number"),
		Name: strings.Join(strings.Fields(field(o, "last_name")+" "+field(o, "name")+" "+field(o, "middle_name")), " ")}
	var err error
	if inv.ID, err = strconv.Atoi(field(o, f.ID)); err != nil {
		return inv, fmt.Errorf("an invoice without %s: is fields.id right?", f.ID)
	}
	if inv.Sum, err = money.Parse(field(o, f.Sum)); err != nil {
		return inv, fmt.Errorf("invoice %d: %s: %w; is fields.sum right?", inv.ID, f.Sum, err)
	}
	if inv.Status, err = strconv.Atoi(field(o, f.Status)); err != nil {
		return inv, fmt.Errorf("invoice %d has no %s: is fields.status right?", inv.ID, f.Status)
	}
	deleted := field(o, f.Deleted)
	inv.Deleted = deleted != "" && deleted != "0" && deleted != "false"
	return inv, nil
}

// Check reads the newest invoice, to see that the key for reading is good.
func (c *Client) Check(ctx context.Context) error {
	resp, call, err := c.accounts(ctx, "accounts.get", http.MethodGet, c.conf.KeyGet, url.Values{"param[pagesize]": {"1"}}, true)
	if err != nil {
		return err
	}
	_, err = c.objects(call, resp)
	return err
}
