package webhook_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// bank is an acquirer with the simplest of protocols: a form signed with
// HMAC-SHA256 over everything before "&sign=".
type bank struct {
	acquiring.Acquirer // what the webhook package does not call
	shop               string
	mac                *webhook.HMAC
	unsigned           bool // believes nothing and reads back itself
	whole              bool // puts the payment into the callback

	mu       sync.Mutex
	payments map[acquiring.PaymentID]*acquiring.Payment
	err      error // what GetStatus fails with
	asked    int
	onAsk    func()
}

func newBank(shop string) *bank {
	mac, err := webhook.NewHMAC(sha256.New, []byte("key of "+shop+"!"))
	if err != nil {
		panic(err)
	}
	return &bank{shop: shop, mac: mac, payments: map[acquiring.PaymentID]*acquiring.Payment{}}
}

func (b *bank) Name() (string, string) { return "bank", b.shop }

// set makes the payment stand so; the sums follow from the status.
func (b *bank) set(id acquiring.PaymentID, order string, status acquiring.Status, amount money.Amount) *acquiring.Payment {
	p := &acquiring.Payment{ID: id, OrderID: order, Status: status, Amount: amount, Currency: "RUB"}
	if status.Succeeded() {
		p.Captured = amount
	}
	if status == acquiring.StatusRefunded {
		p.Refunded = amount
	}
	b.put(p)
	return p
}

func (b *bank) put(p *acquiring.Payment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.payments[p.ID] = p
}

func (b *bank) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

func (b *bank) questions() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked
}

func (b *bank) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	if b.onAsk != nil {
		b.onAsk()
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked++
	if b.err != nil {
		return nil, b.err
	}
	p, ok := b.payments[id]
	if !ok {
		return nil, &acquiring.Error{Provider: "bank", Op: "GetStatus", Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected, Message: "no such payment"}
	}
	c := *p
	return &c, nil
}

func (b *bank) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	raw, err := webhook.ReadBody(r, 0)
	if err != nil {
		return nil, err
	}
	body := string(raw)
	if !b.unsigned {
		message, sign, ok := strings.Cut(body, "&sign=")
		if !ok || !b.mac.VerifyHex([]byte(message), sign) {
			return nil, &acquiring.Error{Provider: "bank", Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected, Message: "the signature is wrong"}
		}
		body = message
	}
	params, err := webhook.ParseForm(nil, body)
	if err != nil {
		return nil, err
	}
	get := func(name string) string { v, _ := params.Get(name); return v }
	cb := &acquiring.Callback{PaymentID: acquiring.PaymentID(get("id")), OrderID: get("order"), Signed: !b.unsigned,
		Raw: raw, Reply: acquiring.Reply{ContentType: "text/plain", Body: []byte("OK")}}
	if get("key") != "none" {
		cb.Key = b.shop + ":" + get("id") + ":" + get("status") + ":" + get("key")
	}
	_ = cb.Status.UnmarshalText([]byte(get("status")))
	if v := get("amount"); v != "" {
		n, _ := strconv.ParseInt(v, 10, 64)
		cb.Amount = money.Amount(n)
	}
	switch get("kind") {
	case "question":
		cb.Kind, cb.Reply.Body = acquiring.CallbackQuestion, []byte("YES")
		if b.whole {
			cb.Payment = &acquiring.Payment{OrderID: cb.OrderID, Amount: cb.Amount, Currency: get("currency")}
		}
		return cb, nil
	case "other":
		cb.Kind = acquiring.CallbackOther
		return cb, nil
	}
	if b.unsigned {
		if cb.Payment, err = b.GetStatus(ctx, cb.PaymentID); err != nil {
			return nil, err
		}
		cb.OrderID, cb.Status, cb.Amount = cb.Payment.OrderID, cb.Payment.Status, 0
	} else if b.whole {
		cb.Payment = &acquiring.Payment{ID: cb.PaymentID, OrderID: cb.OrderID, Status: cb.Status, Amount: cb.Amount, Currency: get("currency")}
		if v := get("refunded"); v != "" {
			n, _ := strconv.ParseInt(v, 10, 64)
			cb.Payment.Refunded = money.Amount(n)
		}
	}
	return cb, nil
}

// notify is the bank's notification: pairs of names and values, signed.
func (b *bank) notify(pairs ...string) *http.Request {
	var body strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if i > 0 {
			body.WriteByte('&')
		}
		body.WriteString(pairs[i] + "=" + url.QueryEscape(pairs[i+1]))
	}
	message := body.String()
	if !b.unsigned {
		message += "&sign=" + hex.EncodeToString(b.mac.Sum(nil, []byte(message)))
	}
	return httptest.NewRequest(http.MethodPost, "/hooks/"+b.shop, strings.NewReader(message))
}

// finder is a bank that finds a payment by the order's number.
type finder struct{ *bank }

func (f finder) FindByOrder(ctx context.Context, order string) (*acquiring.Payment, error) {
	f.mu.Lock()
	id := acquiring.PaymentID("absent")
	for _, p := range f.payments {
		if p.OrderID == order {
			id = p.ID
		}
	}
	f.mu.Unlock()
	return f.GetStatus(ctx, id)
}

// plain is an acquirer that does not say its name.
type plain struct{ acquiring.Acquirer }

// books write down what process was told.
type books struct {
	mu     sync.Mutex
	events []webhook.Event
	err    error
	before func(ctx context.Context) error
}

func (b *books) process(ctx context.Context, e webhook.Event) error {
	if b.before != nil {
		if err := b.before(ctx); err != nil {
			return err
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.err != nil {
		return b.err
	}
	b.events = append(b.events, e)
	return nil
}

func (b *books) all() []webhook.Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]webhook.Event(nil), b.events...)
}

func (b *books) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.err = err
}

// sightings are what the Observe hook saw.
type sightings struct {
	mu  sync.Mutex
	all []webhook.Observation
}

func (s *sightings) observe(_ context.Context, o webhook.Observation) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, o)
}

func (s *sightings) last() webhook.Observation {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.all) == 0 {
		return webhook.Observation{}
	}
	return s.all[len(s.all)-1]
}

func (s *sightings) outcomes() []webhook.Outcome {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []webhook.Outcome
	for _, o := range s.all {
		out = append(out, o.Outcome)
	}
	return out
}

func send(h http.Handler, r *http.Request) (code int, body string, header http.Header) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	data, _ := io.ReadAll(w.Result().Body)
	return w.Code, string(data), w.Result().Header
}
