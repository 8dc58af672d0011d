package acquiringtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// memoryBank is the provider behind Memory: what it knows of the shop.
type memoryBank struct {
	mu       sync.Mutex
	shop     string
	password string
	key      []byte // of callbacks
	unsigned bool
	async    bool
	requests int
	payments map[acquiring.PaymentID]*memoryPayment
	order    []*memoryPayment
	byOrder  map[string]*memoryPayment
	tokens   map[string]bool
	faults   []*Fault
}

type memoryPayment struct {
	acquiring.Payment
	hold     bool
	saveCard bool
	callback string
	refunds  []*acquiring.Refund
	keys     map[string]*acquiring.Refund
	news     []memoryNews
}

// memoryNews is a notification that was sent.
type memoryNews struct {
	number int
	status acquiring.Status
	amount money.Amount
}

func newMemoryBank(opt MemoryOptions) *memoryBank {
	return &memoryBank{
		shop: opt.Shop, password: opt.Password, key: secret(), unsigned: opt.UnsignedCallbacks, async: opt.AsyncRefunds,
		payments: map[acquiring.PaymentID]*memoryPayment{}, byOrder: map[string]*memoryPayment{}, tokens: map[string]bool{},
	}
}

// takeFault is the fault that hits a call now; the caller holds the lock.
func (b *memoryBank) takeFault(op Op) Fault {
	for _, f := range b.faults {
		if f.Op == op && f.Times > 0 {
			f.Times--
			return *f
		}
	}
	return Fault{}
}

func (b *memoryBank) add(r acquiring.InvoiceRequest) *memoryPayment {
	p := &memoryPayment{hold: r.Hold, saveCard: r.SaveCard, callback: r.CallbackURL, keys: map[string]*acquiring.Refund{}}
	p.Payment = acquiring.Payment{
		ID: acquiring.PaymentID(hex.EncodeToString(secret()[:8])), OrderID: r.OrderID, Status: acquiring.StatusPending,
		Amount: r.Amount, Currency: r.CurrencyOrRUB(), Test: true, CreatedAt: time.Now(), Metadata: copyMap(r.Metadata),
	}
	b.payments[p.ID], b.byOrder[p.OrderID] = p, p
	b.order = append(b.order, p)
	return p
}

func copyMap(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		out[k] = v
	}
	return out
}

// view is a copy for the caller.
func (p *memoryPayment) view() *acquiring.Payment {
	v := p.Payment
	v.ProviderStatus = v.Status.String()
	v.Metadata = copyMap(v.Metadata)
	if v.Card != nil {
		c := *v.Card
		v.Card = &c
	}
	return &v
}

// move changes the status and sends the news.
func (b *memoryBank) move(p *memoryPayment, s acquiring.Status) {
	p.Status = s
	p.news = append(p.news, memoryNews{number: len(p.news) + 1, status: s, amount: p.Amount})
}

func (b *memoryBank) pay(p *memoryPayment) {
	p.Method, p.PaidAt = acquiring.MethodCard, time.Now()
	p.Card = &acquiring.Card{Masked: "220000******0053", ExpiryMonth: 12, ExpiryYear: 2034, Brand: "MIR"}
	if p.saveCard {
		p.Card.Token = hex.EncodeToString(secret()[:10])
		b.tokens[p.Card.Token] = true
	}
	if p.hold {
		b.move(p, acquiring.StatusAuthorized)
		return
	}
	p.Captured = p.Amount
	b.move(p, acquiring.StatusPaid)
}

// customer is something that befalls an unpaid invoice.
func (b *memoryBank) customer(id acquiring.PaymentID, do func(*memoryBank, *memoryPayment)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.payments[id]
	if p == nil {
		return errors.New("acquiringtest: no such payment")
	}
	if p.Status != acquiring.StatusPending {
		return fmt.Errorf("acquiringtest: the payment is %s", p.Status)
	}
	do(b, p)
	return nil
}

func (b *memoryBank) refund(p *memoryPayment, r acquiring.RefundRequest) (*acquiring.Refund, *acquiring.Error) {
	if made := p.keys[r.Key]; made != nil {
		if r.Amount != 0 && r.Amount != made.Amount {
			return nil, &acquiring.Error{Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected, Message: "this key made a refund of another sum"}
		}
		return made, nil
	}
	left := p.sumLeft()
	amount := r.Amount
	if amount == 0 {
		amount = left
	}
	switch {
	case p.Captured == 0:
		return nil, conflict("the payment is not paid")
	case left == 0:
		return nil, conflict("all was given back")
	case amount > left:
		return nil, conflict("more than is left")
	}
	made := &acquiring.Refund{ID: fmt.Sprintf("%s-%d", p.ID, len(p.refunds)+1), PaymentID: p.ID, Amount: amount, Status: acquiring.RefundPending}
	p.refunds = append(p.refunds, made)
	p.keys[r.Key] = made
	if !b.async {
		b.execute(p, made)
	}
	return made, nil
}

func (b *memoryBank) execute(p *memoryPayment, r *acquiring.Refund) {
	r.Status = acquiring.RefundDone
	p.Refunded += r.Amount
	next := acquiring.StatusPartiallyRefunded
	if p.Refunded == p.Captured {
		next = acquiring.StatusRefunded
	}
	b.move(p, next)
}

func (b *memoryBank) settle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.order {
		for _, r := range p.refunds {
			if r.Status == acquiring.RefundPending {
				b.execute(p, r)
			}
		}
	}
}

func (b *memoryBank) list(f acquiring.Filter) []*acquiring.Payment {
	var out []*acquiring.Payment
	for _, p := range slices.Backward(b.order) {
		switch {
		case !f.From.IsZero() && p.CreatedAt.Before(f.From), !f.To.IsZero() && !p.CreatedAt.Before(f.To):
		case len(f.Statuses) > 0 && !slices.Contains(f.Statuses, p.Status):
		case f.Limit > 0 && len(out) == f.Limit:
			return out
		default:
			out = append(out, p.view())
		}
	}
	return out
}

// payable are the payments under the order number and its attempts that were
// paid or can be.
func (b *memoryBank) payable(orderID string) []acquiring.PaymentID {
	b.mu.Lock()
	defer b.mu.Unlock()
	var ids []acquiring.PaymentID
	for _, p := range b.order {
		if SameOrder(p.OrderID, orderID) && (p.Status == acquiring.StatusPending || p.Status == acquiring.StatusAuthorized || p.Status.Succeeded()) {
			ids = append(ids, p.ID)
		}
	}
	return ids
}

// Callbacks are the notifications of the payment so far, oldest first, as a
// shop's server receives them; each call makes new requests. They go to
// InvoiceRequest.CallbackURL.
func (m *Memory) Callbacks(id acquiring.PaymentID) []*http.Request {
	b := m.bank
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.payments[id]
	if p == nil {
		return nil
	}
	to := p.callback
	if to == "" {
		to = "https://shop.example/callback"
	}
	var out []*http.Request
	for _, n := range p.news {
		form := url.Values{
			"shop": {b.shop}, "payment": {string(p.ID)}, "order": {p.OrderID}, "news": {strconv.Itoa(n.number)},
			"status": {n.status.String()}, "amount": {n.amount.Minor()},
		}
		if !b.unsigned {
			form.Set("sign", b.sign(form))
		}
		body := form.Encode()
		r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, to, strings.NewReader(body))
		if err != nil {
			continue // an address that CreateInvoice has checked
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		out = append(out, r)
	}
	return out
}

// sign is over the sorted parameters, each with its length, so that no two
// sets of them look alike.
func (b *memoryBank) sign(form url.Values) string {
	mac := hmac.New(sha256.New, b.key)
	for _, name := range keys(form) {
		if name != "sign" {
			for _, v := range form[name] {
				_, _ = fmt.Fprintf(mac, "%d:%s=%d:%s;", len(name), name, len(v), v)
			}
		}
	}
	return hex.EncodeToString(mac.Sum(nil))
}

// memoryBodyLimit is how much of a callback is read.
const memoryBodyLimit = 64 << 10

func forged(why string) error {
	return &acquiring.Error{Provider: memoryName, Op: "VerifyCallback", Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected, Message: why}
}

// parseMemoryForm reads the body of a callback: each parameter once.
func parseMemoryForm(r *http.Request) (url.Values, []byte, error) {
	if r.Method != http.MethodPost || r.Body == nil {
		return nil, nil, forged("it is not a POST with a body")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, memoryBodyLimit+1))
	switch {
	case err != nil:
		return nil, nil, forged("its body cannot be read")
	case len(body) > memoryBodyLimit:
		return nil, nil, forged("its body is larger than 64 KiB")
	case bytes.ContainsRune(body, ';') || !utf8.Valid(body):
		return nil, nil, forged("its body is not a form")
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, nil, forged("its body is not a form")
	}
	for _, values := range form {
		if len(values) != 1 || !utf8.ValidString(values[0]) {
			return nil, nil, forged("a parameter comes twice or is not UTF-8")
		}
	}
	return form, body, nil
}

// VerifyCallback implements acquiring.Acquirer.
func (m *Memory) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	form, raw, err := parseMemoryForm(r)
	if err != nil {
		return nil, err
	}
	b := m.bank
	if b.unsigned {
		return m.readBack(ctx, form, raw)
	}
	if !hmac.Equal([]byte(form.Get("sign")), []byte(b.sign(form))) {
		return nil, forged("its signature is not the provider's")
	}
	return m.believed(form, raw)
}

// believed is a callback whose signature was checked.
func (m *Memory) believed(form url.Values, raw []byte) (*acquiring.Callback, error) {
	cb := &acquiring.Callback{
		PaymentID: acquiring.PaymentID(form.Get("payment")), OrderID: form.Get("order"), Signed: true, Raw: raw,
		Key: m.opt.Shop + ":" + form.Get("payment") + ":" + form.Get("news"),
	}
	_ = cb.Status.UnmarshalText([]byte(form.Get("status")))
	amount, err := money.ParseMinor(form.Get("amount"))
	if err != nil || cb.PaymentID == "" || cb.Status == acquiring.StatusUnknown {
		return nil, forged("it says nothing of a payment")
	}
	cb.Amount = amount
	return cb, nil
}

// readBack believes nothing but that something happened to a payment.
func (m *Memory) readBack(ctx context.Context, form url.Values, raw []byte) (*acquiring.Callback, error) {
	id := acquiring.PaymentID(form.Get("payment"))
	if id == "" || form.Get("shop") != m.bank.shop {
		return nil, forged("it names no payment of this shop")
	}
	p, err := m.GetStatus(ctx, id)
	if errors.Is(err, acquiring.ErrNotFound) {
		return nil, forged("the provider knows no such payment")
	}
	if err != nil {
		return nil, acquiring.InOp(memoryName, "VerifyCallback", err)
	}
	if p.OrderID != form.Get("order") {
		return nil, forged("the payment is of another order")
	}
	return &acquiring.Callback{
		PaymentID: p.ID, OrderID: p.OrderID, Status: p.Status, Amount: p.Amount, Payment: p, Raw: raw,
		Key: m.opt.Shop + ":" + string(p.ID) + ":" + p.Status.String() + ":" + p.Refunded.Minor(),
	}, nil
}
