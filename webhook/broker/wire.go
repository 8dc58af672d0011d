package broker

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// Version is the version of the wire form that this package writes, and the
// only one that it reads.
const Version = 1

// wireEvent is a webhook.Event on the wire. The names are for other programs
// too: change none.
type wireEvent struct {
	Version  int            `json:"version"`
	Key      string         `json:"key"`
	Source   webhook.Source `json:"source,omitempty"`
	GaveUp   bool           `json:"gave_up,omitempty"`
	Callback *wireCallback  `json:"callback"`
	Payment  *wirePayment   `json:"payment,omitempty"`
}

type wireCallback struct {
	Kind      wireKind            `json:"kind"`
	Key       string              `json:"key,omitempty"`
	PaymentID acquiring.PaymentID `json:"payment_id,omitempty"`
	OrderID   string              `json:"order_id,omitempty"`
	Status    wireStatus          `json:"status"`
	Amount    money.Amount        `json:"amount,omitempty"`
	Signed    bool                `json:"signed,omitempty"`
	Payment   *wirePayment        `json:"payment,omitempty"`
	Reply     wireReply           `json:"reply,omitzero"`
	Refusal   wireReply           `json:"refusal,omitzero"`
	Raw       []byte              `json:"raw,omitempty"`
}

// wireReply, wireCard and wireFailure are converted as a whole: a field that
// is added to the original does not compile until it has its name here.
type wireReply struct {
	Status      int    `json:"status,omitempty"`
	ContentType string `json:"content_type,omitempty"`
	Body        []byte `json:"body,omitempty"`
}

type wirePayment struct {
	ID             acquiring.PaymentID `json:"id,omitempty"`
	OrderID        string              `json:"order_id,omitempty"`
	Status         wireStatus          `json:"status"`
	Amount         money.Amount        `json:"amount"`
	Captured       money.Amount        `json:"captured"`
	Refunded       money.Amount        `json:"refunded"`
	Currency       string              `json:"currency,omitempty"`
	Method         acquiring.Method    `json:"method,omitempty"`
	Card           *wireCard           `json:"card,omitempty"`
	Test           bool                `json:"test,omitempty"`
	CreatedAt      time.Time           `json:"created_at,omitzero"`
	PaidAt         time.Time           `json:"paid_at,omitzero"`
	Failure        *wireFailure        `json:"failure,omitempty"`
	Metadata       map[string]string   `json:"metadata,omitempty"`
	ProviderStatus string              `json:"provider_status,omitempty"`
	// Raw is in base64, because JSON within JSON does not keep its bytes, and
	// not every provider's answer is JSON.
	Raw []byte `json:"raw,omitempty"`
}

type wireCard struct {
	Masked      string `json:"masked,omitempty"`
	ExpiryMonth int    `json:"expiry_month,omitempty"`
	ExpiryYear  int    `json:"expiry_year,omitempty"`
	Holder      string `json:"holder,omitempty"`
	Brand       string `json:"brand,omitempty"`
	Issuer      string `json:"issuer,omitempty"`
	Country     string `json:"country,omitempty"`
	Token       string `json:"token,omitempty"`
}

type wireFailure struct {
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
}

// wireStatus is a status by its name. acquiring.Status reads a name it does
// not know as StatusUnknown; here that would lose the news in silence.
type wireStatus acquiring.Status

// MarshalText writes the name; a status without one is an error.
func (s wireStatus) MarshalText() ([]byte, error) {
	text := []byte(acquiring.Status(s).String())
	var back wireStatus
	return text, back.UnmarshalText(text)
}

// UnmarshalText reads a name; an unknown one is an error.
func (s *wireStatus) UnmarshalText(text []byte) error {
	var status acquiring.Status
	_ = status.UnmarshalText(text)
	if status.String() != string(text) {
		return fmt.Errorf("status %s is unknown", quote(text))
	}
	*s = wireStatus(status)
	return nil
}

// wireKind is the kind of a callback by its name.
type wireKind acquiring.CallbackKind

var kinds = []acquiring.CallbackKind{acquiring.CallbackPayment, acquiring.CallbackOther}

// MarshalText writes the name. A question has none: who asks it waits for the
// answer, and a broker gives none.
func (k wireKind) MarshalText() ([]byte, error) {
	for _, known := range kinds {
		if acquiring.CallbackKind(k) == known {
			return []byte(known.String()), nil
		}
	}
	return nil, errors.New("only news of payments and other notifications can be published; a question is to be answered at once")
}

// UnmarshalText reads a name; an unknown one is an error.
func (k *wireKind) UnmarshalText(text []byte) error {
	for _, known := range kinds {
		if known.String() == string(text) {
			*k = wireKind(known)
			return nil
		}
	}
	return fmt.Errorf("kind %s is unknown", quote(text))
}

// quote is foreign text for an error: short, in ASCII, in one line.
func quote(text []byte) string {
	if len(text) > 40 {
		text = text[:40]
	}
	return fmt.Sprintf("%+q", text)
}

// marshal writes the wire form. What the wire cannot say exactly is an error.
func marshal(e webhook.Event, raw bool) ([]byte, error) {
	w := wireEvent{Version: Version, Key: e.Key, Source: e.Source, GaveUp: e.GaveUp, Callback: toCallback(e.Callback, raw), Payment: toPayment(e.Payment, raw)}
	if err := w.check(); err != nil {
		return nil, err
	}
	// encoding/json would replace what is not UTF-8, and two keys would become
	// one.
	if at, found := notUTF8(reflect.ValueOf(&w)); found {
		return nil, fmt.Errorf("event%s is not UTF-8", at)
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(w); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n")), nil
}

// unmarshal reads the wire form. kind is what is wrong: ErrMalformed or
// ErrVersion.
func unmarshal(payload []byte) (e webhook.Event, kind, err error) {
	var head struct {
		Version *int `json:"version"`
	}
	if err := json.Unmarshal(payload, &head); err != nil {
		return e, ErrMalformed, err
	}
	if head.Version == nil {
		return e, ErrMalformed, errors.New("there is no version")
	}
	if *head.Version != Version {
		return e, ErrVersion, fmt.Errorf("%d, this program knows %d", *head.Version, Version)
	}
	var w wireEvent
	if err := json.Unmarshal(payload, &w); err != nil {
		return e, ErrMalformed, err
	}
	if err := w.check(); err != nil {
		return e, ErrMalformed, err
	}
	return webhook.Event{Key: w.Key, Source: w.Source, GaveUp: w.GaveUp, Callback: w.Callback.event(), Payment: w.Payment.event()}, nil, nil
}

// check is what process may rely on.
func (w *wireEvent) check() error {
	switch {
	case w.Key == "":
		return errors.New("there is no key: without one the Inbox cannot tell the news apart")
	case w.Callback == nil:
		return errors.New("there is no callback")
	case acquiring.CallbackKind(w.Callback.Kind) == acquiring.CallbackPayment && w.Payment == nil:
		return errors.New("it is news of a payment without the payment")
	}
	for _, p := range []*wirePayment{w.Payment, w.Callback.Payment} {
		if p != nil && (!writable(p.CreatedAt) || !writable(p.PaidAt)) {
			return errors.New("a time is not between the years 0 and 9999")
		}
	}
	return nil
}

// writable says whether JSON has a form for the time in UTC.
func writable(t time.Time) bool { year := t.UTC().Year(); return year >= 0 && year <= 9999 }

func toCallback(c *acquiring.Callback, raw bool) *wireCallback {
	if c == nil {
		return nil
	}
	w := &wireCallback{Kind: wireKind(c.Kind), Key: c.Key, PaymentID: c.PaymentID, OrderID: c.OrderID, Status: wireStatus(c.Status),
		Amount: c.Amount, Signed: c.Signed, Payment: toPayment(c.Payment, raw), Reply: wireReply(c.Reply), Refusal: wireReply(c.Refusal)}
	if raw {
		w.Raw = c.Raw
	}
	return w
}

func (w *wireCallback) event() *acquiring.Callback {
	return &acquiring.Callback{Kind: acquiring.CallbackKind(w.Kind), Key: w.Key, PaymentID: w.PaymentID, OrderID: w.OrderID, Status: acquiring.Status(w.Status),
		Amount: w.Amount, Signed: w.Signed, Payment: w.Payment.event(), Reply: acquiring.Reply(w.Reply), Refusal: acquiring.Reply(w.Refusal), Raw: w.Raw}
}

func toPayment(p *acquiring.Payment, raw bool) *wirePayment {
	if p == nil {
		return nil
	}
	w := &wirePayment{ID: p.ID, OrderID: p.OrderID, Status: wireStatus(p.Status), Amount: p.Amount, Captured: p.Captured, Refunded: p.Refunded,
		Currency: p.Currency, Method: p.Method, Card: toCard(p.Card), Test: p.Test, CreatedAt: p.CreatedAt.UTC(), PaidAt: p.PaidAt.UTC(),
		Failure: (*wireFailure)(p.Failure), Metadata: p.Metadata, ProviderStatus: p.ProviderStatus}
	if raw {
		w.Raw = p.Raw
	}
	return w
}

// toCard masks the number even where an Acquirer of somebody else's did not:
// a broker keeps what it is given, and shows it to whoever operates it.
func toCard(c *acquiring.Card) *wireCard {
	if c == nil {
		return nil
	}
	w := wireCard(*c)
	total := 0
	for _, r := range w.Masked {
		if r >= '0' && r <= '9' {
			total++
		}
	}
	if total >= 12 { // a mask leaves ten at most
		seen := 0
		w.Masked = strings.Map(func(r rune) rune {
			if r < '0' || r > '9' {
				return r
			}
			if seen++; seen > 6 && seen <= total-4 {
				return '*'
			}
			return r
		}, w.Masked)
	}
	return &w
}

func (w *wirePayment) event() *acquiring.Payment {
	if w == nil {
		return nil
	}
	return &acquiring.Payment{ID: w.ID, OrderID: w.OrderID, Status: acquiring.Status(w.Status), Amount: w.Amount, Captured: w.Captured, Refunded: w.Refunded,
		Currency: w.Currency, Method: w.Method, Card: (*acquiring.Card)(w.Card), Test: w.Test, CreatedAt: w.CreatedAt.UTC(), PaidAt: w.PaidAt.UTC(),
		Failure: (*acquiring.Failure)(w.Failure), Metadata: w.Metadata, ProviderStatus: w.ProviderStatus, Raw: w.Raw}
}

// notUTF8 finds a text in v that is not UTF-8, and says where.
func notUTF8(v reflect.Value) (at string, found bool) {
	switch v.Kind() {
	case reflect.String:
		return "", !utf8.ValidString(v.String())
	case reflect.Pointer:
		if !v.IsNil() {
			return notUTF8(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			return "", false
		}
		for i := range v.NumField() {
			if at, found := notUTF8(v.Field(i)); found {
				return "." + v.Type().Field(i).Name + at, true
			}
		}
	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			for _, part := range []reflect.Value{it.Key(), it.Value()} {
				if at, found := notUTF8(part); found {
					return at, true
				}
			}
		}
	}
	return "", false
}
