package acquiringtest

import (
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/acquiring-go/acquiring"
)

var callbackBehaviours = []behaviour{
	{"Callback/Paid", callbackPaid},
	{"Callback/Repeated", callbackRepeated},
	{"Callback/NewsHasOwnKey", callbackKeys},
	{"Callback/Reordered", callbackReordered},
	{"Callback/Concurrent", callbackConcurrent},
	{"Callback/WhileProviderIsDown", callbackDown},
	{"Callback/BodyLimit", callbackLimit},
	{"Callback/Garbage", callbackGarbage},
}

// callbacks are the notifications sent so far.
func (e *env) callbacks(id acquiring.PaymentID) []*http.Request {
	e.Helper()
	e.require("Shop.Callbacks", e.shop.Callbacks != nil)
	e.settle()
	return e.shop.Callbacks(id)
}

func (e *env) silent(s acquiring.Status) bool { return slices.Contains(e.h.Quirks.Silent, s) }

// sameNews: a provider's "refunded" need not say whether all was.
func sameNews(a, b acquiring.Status) bool {
	back := func(s acquiring.Status) bool {
		return s == acquiring.StatusRefunded || s == acquiring.StatusPartiallyRefunded
	}
	return a == b || (back(a) && back(b))
}

// announced finds the notification of that status, verified; nil when the
// provider sends none.
func (e *env) announced(id acquiring.PaymentID, want acquiring.Status) *acquiring.Callback {
	e.Helper()
	cb, _ := e.news(id, want)
	return cb
}

// news is the last notification of that status, and the request that bore it.
func (e *env) news(id acquiring.PaymentID, want acquiring.Status) (*acquiring.Callback, *wire) {
	e.Helper()
	if e.silent(want) {
		return nil, nil
	}
	var found *acquiring.Callback
	var bearer *wire
	var seen []string
	for _, r := range e.callbacks(id) {
		w := e.read(r)
		cb, err := e.a.VerifyCallback(e.ctx, w.request())
		if err != nil {
			e.Errorf("the provider's own notification is refused: %v", err)
			continue
		}
		e.authentic(cb)
		if cb.Kind == acquiring.CallbackPayment {
			if cb.PaymentID != id {
				e.Errorf("Callback.PaymentID is %q; the payment is %q", cb.PaymentID, id)
			}
			seen = append(seen, cb.Status.String())
			if sameNews(cb.Status, want) {
				found, bearer = cb, w
			}
		}
	}
	if found == nil {
		e.Errorf("%s was not announced; the notifications of %s say %v (if the provider sends none, put it in Quirks.Silent)", want, id, seen)
	}
	return found, bearer
}

// authentic is what holds for every notification that a client accepts.
func (e *env) authentic(cb *acquiring.Callback) {
	e.Helper()
	if cb.Reply.Status != 0 && (cb.Reply.Status < 200 || cb.Reply.Status > 299) {
		e.Errorf("Callback.Reply has status %d; the provider would think it failed", cb.Reply.Status)
	}
	if cb.Kind != acquiring.CallbackPayment {
		return
	}
	if !strings.HasPrefix(cb.Key, "shop") && !strings.HasPrefix(cb.Key, e.h.Provider) {
		e.Errorf("Callback.Key is %q; it must begin with the shop's label or the provider's name", cb.Key)
	}
	if leaked(cb.Key, e.shop.Secrets) >= 0 {
		e.Errorf("Callback.Key holds a secret")
	}
	if cb.Signed == e.h.Quirks.UnsignedCallbacks {
		e.Errorf("Callback.Signed is %v; Quirks.UnsignedCallbacks is %v", cb.Signed, e.h.Quirks.UnsignedCallbacks)
	}
	if cb.Status == acquiring.StatusUnknown {
		e.Error("Callback.Status is unknown")
	}
	if cb.Payment != nil && (cb.Payment.ID != cb.PaymentID || cb.Payment.Status != cb.Status) {
		e.Errorf("Callback says %s %s, its Payment %s %s", cb.PaymentID, cb.Status, cb.Payment.ID, cb.Payment.Status)
	}
	if !cb.Signed {
		e.truth(cb)
	}
}

// truth: what is not signed must be what the provider says when asked.
func (e *env) truth(cb *acquiring.Callback) {
	e.Helper()
	if cb.Payment == nil {
		e.Error("an unsigned notification is accepted without reading the payment back (Callback.Payment is nil)")
		return
	}
	p, err := e.a.GetStatus(e.ctx, cb.PaymentID)
	if err != nil {
		e.Errorf("an unsigned notification is accepted for %q, which cannot be read: %v", cb.PaymentID, err)
		return
	}
	if p.Status != cb.Status || (cb.OrderID != "" && cb.OrderID != p.OrderID) || (cb.Amount != 0 && cb.Amount != p.Amount && cb.Amount != p.Captured) {
		e.Errorf("an unsigned notification is believed: it says %s of %s for %s; the provider says %s of %s for %s",
			cb.Status, cb.Amount, cb.OrderID, p.Status, p.Amount, p.OrderID)
	}
}

func callbackPaid(e *env) {
	r := e.request()
	inv := e.create(r)
	e.pay(inv.ID)
	cb := e.announced(inv.ID, acquiring.StatusPaid)
	if cb == nil {
		return
	}
	if cb.OrderID != "" && cb.OrderID != r.OrderID {
		e.Errorf("Callback.OrderID is %q; want %q", cb.OrderID, r.OrderID)
	}
	if cb.Amount != 0 && cb.Amount != r.Amount {
		e.Errorf("Callback.Amount is %s; want %s", cb.Amount, r.Amount)
	}
	if len(cb.Raw) == 0 {
		e.Error("Callback.Raw is empty: nobody can look at it later")
	}
}

func callbackRepeated(e *env) {
	inv := e.paid()
	cb, w := e.news(inv.ID, acquiring.StatusPaid)
	if cb == nil {
		return
	}
	for range 3 {
		r := w.request()
		r.Header.Set("X-Attempt", "again")
		again, err := e.a.VerifyCallback(e.ctx, r)
		if err != nil {
			e.Fatalf("the notification sent again is refused: %v", err)
		}
		if again.Key != cb.Key {
			e.Errorf("the same news has the keys %q and %q: it would be processed twice", cb.Key, again.Key)
		}
	}
}

func callbackKeys(e *env) {
	one, two := e.paid(), e.paid()
	a, b := e.announced(one.ID, acquiring.StatusPaid), e.announced(two.ID, acquiring.StatusPaid)
	if a == nil || b == nil {
		return
	}
	if a.Key == b.Key {
		e.Errorf("two payments' news has one key %q: the second would be lost", a.Key)
	}
	e.refund(one.ID, "key-1", 0)
	e.settle()
	if c := e.announced(one.ID, acquiring.StatusRefunded); c != nil && c.Key == a.Key {
		e.Errorf("the payment and its refund have one key %q: the refund would be lost", c.Key)
	}
}

// callbackReordered plays all notifications of a payment in several wrong
// orders and twice over: a store that heeds CanBecome ends where the payment
// is.
func callbackReordered(e *env) {
	inv := e.paid()
	e.refund(inv.ID, "order-1", 0)
	e.settle()
	truth := e.status(inv.ID)
	requests := e.callbacks(inv.ID)
	orders := [][]*http.Request{requests, reversed(requests), append(reversed(requests), requests...)}
	for i, order := range orders {
		now, best := acquiring.StatusPending, acquiring.StatusPending
		var told []string
		for _, r := range order {
			cb, err := e.a.VerifyCallback(e.ctx, e.read(r).request())
			if err != nil {
				e.Errorf("the provider's own notification is refused: %v", err)
				continue
			}
			if cb.Kind != acquiring.CallbackPayment {
				continue
			}
			told = append(told, cb.Status.String())
			if now.CanBecome(cb.Status) {
				now = cb.Status
			}
			best = max(best, cb.Status)
		}
		if now != best || (!e.silent(acquiring.StatusPaid) && !now.Succeeded()) {
			e.Errorf("order %d of the notifications (%v) ends in %s; the provider says %s", i, told, now, truth.Status)
		}
	}
}

func reversed(in []*http.Request) []*http.Request {
	out := slices.Clone(in)
	slices.Reverse(out)
	return out
}

func callbackConcurrent(e *env) {
	inv := e.paid()
	cb, w := e.news(inv.ID, acquiring.StatusPaid)
	if cb == nil {
		return
	}
	var mu sync.Mutex
	keys := map[string]int{}
	e.together(16, func(int) {
		got, err := e.a.VerifyCallback(e.ctx, w.request())
		if err != nil {
			e.Errorf("the notification is refused when it comes many times at once: %v", err)
			return
		}
		mu.Lock()
		keys[got.Key]++
		mu.Unlock()
	})
	if len(keys) != 1 {
		e.Errorf("one notification has the keys %v", keys)
	}
}

// callbackDown: a notification that cannot be checked just now is not a forged
// one: the provider must send it again.
func callbackDown(e *env) {
	inv := e.paid()
	cb, w := e.news(inv.ID, acquiring.StatusPaid)
	if cb == nil {
		return
	}
	e.fail(Fault{Op: OpStatus, Kind: ServerError, Times: Always})
	got, err := e.a.VerifyCallback(e.ctx, w.request())
	switch {
	case err == nil && !got.Signed:
		e.Error("an unsigned notification is accepted while the provider cannot be asked")
	case err == nil && (got.Key != cb.Key || got.Status != cb.Status):
		e.Errorf("while the provider is down the notification says %s with key %q; before, %s with %q", got.Status, got.Key, cb.Status, cb.Key)
	case err != nil && !acquiring.Temporary(err):
		e.Errorf("while the provider is down the notification is refused for good, and its news lost: %v", err)
	}
}

// callbackLimit: who sends megabytes is refused before they are read.
func callbackLimit(e *env) {
	inv := e.paid()
	_, w := e.news(inv.ID, acquiring.StatusPaid)
	heads := []string{"", "{\"id\":\"", "a="}
	if w != nil {
		heads = append(heads, string(w.body))
	}
	for _, head := range heads {
		body := &endless{head: head}
		r, err := http.NewRequestWithContext(e.ctx, http.MethodPost, "https://shop.example/callback", body)
		if err != nil {
			e.Fatal(err)
		}
		if w != nil {
			r.Header = w.base.Header.Clone()
		}
		r.ContentLength = -1
		if _, err = e.a.VerifyCallback(e.ctx, r); err == nil {
			e.Errorf("a body of 10 MB that begins with %s is accepted", quoted(head))
			continue
		}
		e.refused("a body of 10 MB", err, acquiring.ErrSignature)
		if body.read > 64<<10+4096 {
			e.Errorf("%d bytes of a body of 10 MB were read; the limit is 64 KiB", body.read)
		}
	}
}

// endless is a body of 10 MB that counts what is read of it.
type endless struct {
	head string
	read int
}

func (b *endless) Read(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		at := b.read + n
		switch {
		case at < len(b.head):
			p[n] = b.head[at]
		case at < 10<<20:
			p[n] = 'x'
		default:
			b.read += n
			return n, io.EOF
		}
		n++
	}
	b.read += n
	return n, nil
}

func (b *endless) Close() error { return nil }

// broken is a body that fails in the middle.
type broken struct{ head io.Reader }

func (b *broken) Read(p []byte) (int, error) {
	n, err := b.head.Read(p)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

func (b *broken) Close() error { return nil }

// callbackGarbage: anybody can send anything to the callback address.
func callbackGarbage(e *env) {
	inv := e.paid()
	_, w := e.news(inv.ID, acquiring.StatusPaid)
	bodies := []string{
		"", " ", "\x00", "\xef\xbb\xbf", "null", "true", "0", "[]", "{}", "[[[[", `{"id":null}`, `{"id":{}}`, `{"id":[1]}`, `{"id":1e999}`,
		strings.Repeat("[", 20000), strings.Repeat(`{"a":`, 10000), "=", "&&&&", "a", "%", "%zz=1", "a=%ff%fe", "a;b", "\xff\xfe",
		"eyJhbGciOiJub25lIn0.e30.", "..", "a.b.c", strings.Repeat("a=1&", 5000), "<html><body>hello</body></html>",
		"orderNumber=" + inv.OrderID + "&mdOrder=" + string(inv.ID) + "&operation=deposited&status=1",
		`{"status":"Settled"}`, `{"id":"` + string(e.unknownID()) + `","status":"Settled"}`,
	}
	types := []string{"", "application/json", "application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x", "\x00"}
	try := func(r *http.Request, what string) {
		e.Helper()
		cb, err := e.a.VerifyCallback(e.ctx, r)
		if err != nil {
			e.refused(what, err, acquiring.ErrSignature)
			return
		}
		if cb.Signed || (cb.Kind == acquiring.CallbackPayment && !e.h.Quirks.UnsignedCallbacks) {
			e.Errorf("%s is accepted as %+v", what, cb)
			return
		}
		if cb.Kind == acquiring.CallbackPayment {
			e.truth(cb)
		}
	}
	for _, body := range bodies {
		for _, contentType := range types {
			r, err := http.NewRequestWithContext(e.ctx, http.MethodPost, "https://shop.example/callback", strings.NewReader(body))
			if err != nil {
				e.Fatal(err)
			}
			r.Header["Content-Type"] = []string{contentType}
			try(r, "the body "+quoted(body)+" of type "+quoted(contentType))
		}
		r, err := http.NewRequestWithContext(e.ctx, http.MethodGet, "https://shop.example/callback", nil)
		if err != nil {
			e.Fatal(err)
		}
		r.URL.RawQuery = body
		try(r, "the query "+quoted(body))
	}
	if w != nil && len(w.body) > 0 {
		r := w.request()
		r.Body = &broken{strings.NewReader(string(w.body[:len(w.body)/2]))}
		if _, err := e.a.VerifyCallback(e.ctx, r); err == nil {
			e.Error("a body that broke off is accepted")
		}
	}
}
