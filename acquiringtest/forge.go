package acquiringtest

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

var forgeryBehaviours = []behaviour{
	{"Forgery/ValueChanged", forgeryChanged},
	{"Forgery/ValueRemoved", forgeryRemoved},
	{"Forgery/ChangedAndRemoved", forgeryChangedAndRemoved},
	{"Forgery/SignatureChanged", forgerySignature},
	{"Forgery/ParameterDoubled", forgeryDoubled},
	{"Forgery/ValueInAnotherPlace", forgeryElsewhere},
	{"Forgery/Cut", forgeryCut},
	{"Forgery/ByteFlipped", forgeryFlipped},
	{"Forgery/TokenWithoutSignature", forgeryToken},
	{"Forgery/PaidNewsForAnotherPayment", forgeryLie},
	{"Forgery/AnotherShopsNews", forgeryOtherShop},
}

// genuine is a true notification of a payment, and the request that bore it.
func (e *env) genuine() (*acquiring.Invoice, *acquiring.Callback, *wire) {
	e.Helper()
	inv := e.paid()
	cb, w := e.news(inv.ID, acquiring.StatusPaid)
	if cb == nil {
		e.Skip("the provider announces no payment: there is nothing to forge")
	}
	return inv, cb, w
}

// unbelieved gives the client a forged notification. It must be refused; or,
// when only what means nothing was changed, say exactly what the true one
// says; or, where nothing is signed, say what the provider says when asked.
func (e *env) unbelieved(what string, r *http.Request, truth *acquiring.Callback) {
	e.Helper()
	cb, err := e.a.VerifyCallback(e.ctx, r)
	if err != nil {
		e.refused(what, err, acquiring.ErrSignature)
		return
	}
	if cb.Kind == acquiring.CallbackQuestion && !cb.Status.Succeeded() {
		return // a question believes nothing: the caller answers it
	}
	if !cb.Signed {
		if !e.h.Quirks.UnsignedCallbacks {
			e.Errorf("%s is accepted as unsigned, though this provider signs", what)
			return
		}
		if cb.Kind == acquiring.CallbackPayment {
			e.truth(cb)
		}
		return
	}
	if cb.Kind != truth.Kind || cb.PaymentID != truth.PaymentID || cb.OrderID != truth.OrderID || cb.Status != truth.Status ||
		cb.Amount != truth.Amount || cb.Key != truth.Key {
		e.Errorf("%s is believed: it says %s of %s for order %q (key %q); the true one %s of %s for %q (key %q)",
			what, cb.Status, cb.Amount, cb.OrderID, cb.Key, truth.Status, truth.Amount, truth.OrderID, truth.Key)
	}
}

func forgeryChanged(e *env) {
	_, cb, w := e.genuine()
	for _, l := range w.leaves {
		for _, v := range variants(l.value) {
			e.unbelieved(fmt.Sprintf("a notification with %s changed to %s", l.name, quoted(v)), w.changed(map[string]string{l.name: v}), cb)
		}
	}
}

func forgeryRemoved(e *env) {
	_, cb, w := e.genuine()
	for _, l := range w.leaves {
		e.unbelieved("a notification without "+l.name, w.changed(nil, l.name), cb)
	}
	for name := range w.base.Header {
		r := w.request()
		r.Header.Del(name)
		e.unbelieved("a notification without the header "+name, r, cb)
	}
}

// forgeryChangedAndRemoved takes each value away while another is changed: one
// of them is the signature, and a verifier that skips a check when its input
// is missing is found out.
func forgeryChangedAndRemoved(e *env) {
	_, cb, w := e.genuine()
	names := e.h.Quirks.Signature
	for _, l := range w.leaves {
		names = append(names[:len(names):len(names)], l.name)
	}
	for _, gone := range names {
		for _, l := range w.leaves {
			if l.name == gone {
				continue
			}
			v := variants(l.value)[0]
			e.unbelieved(fmt.Sprintf("a notification with %s changed and %s left out", l.name, gone), w.changed(map[string]string{l.name: v}, gone), cb)
			e.unbelieved(fmt.Sprintf("a notification with %s changed and %s empty", l.name, gone), w.changed(map[string]string{l.name: v, gone: ""}), cb)
		}
	}
}

// forgerySignature: where the signature is known to be, any change of it is
// refused, whatever the rest says.
func forgerySignature(e *env) {
	if e.h.Quirks.UnsignedCallbacks {
		e.Skip("Quirks.UnsignedCallbacks: there is no signature")
	}
	_, _, w := e.genuine()
	refuse := func(what string, r *http.Request) {
		e.Helper()
		_, err := e.a.VerifyCallback(e.ctx, r)
		e.refused(what, err, acquiring.ErrSignature)
	}
	if len(e.h.Quirks.Signature) == 0 && w.kind != inToken {
		e.Fatal("Quirks.Signature does not say where the signature of a callback is")
	}
	for _, name := range e.h.Quirks.Signature {
		refuse("a notification without "+name, w.changed(nil, name))
		if values := w.base.Header.Values(name); len(values) > 0 {
			for _, v := range append(variants(values[0]), strings.Repeat("0", len(values[0]))) {
				r := w.request()
				r.Header.Set(name, v)
				refuse("a notification with the header "+name+" changed", r)
			}
			continue
		}
		for _, l := range w.leaves {
			if l.name != name {
				continue
			}
			for _, v := range append(variants(l.value), strings.Repeat("0", len(l.value))) {
				refuse("a notification with "+name+" changed", w.changed(map[string]string{name: v}))
			}
		}
	}
}

// forgeryDoubled: of a parameter that comes twice, the verifier and the reader
// may see different ones.
func forgeryDoubled(e *env) {
	_, cb, w := e.genuine()
	for _, l := range w.leaves {
		for _, v := range append(variants(l.value), l.value) {
			for _, first := range []bool{true, false} {
				r, ok := w.doubled(l.name, v, first)
				if !ok {
					e.doubledJSON(w, l, v, cb)
					continue
				}
				_, err := e.a.VerifyCallback(e.ctx, r)
				e.refused(fmt.Sprintf("a notification with %s twice, once as %s", l.name, quoted(v)), err, acquiring.ErrSignature)
			}
		}
	}
}

func (e *env) doubledJSON(w *wire, l leaf, v string, cb *acquiring.Callback) {
	e.Helper()
	text := strings.TrimSpace(string(w.body))
	if w.kind != inJSON || len(l.path) != 1 || text[0] != '{' {
		return
	}
	member := string(mustJSON(l.name)) + ":" + string(mustJSON(v))
	for _, body := range []string{"{" + member + "," + text[1:], strings.TrimSuffix(text, "}") + "," + member + "}", text + "{" + member + "}", text + text} {
		e.unbelieved("a notification with "+l.name+" twice", w.with(w.base.URL.RawQuery, []byte(body)), cb)
	}
}

// forgeryElsewhere: a signed form with another in the query, or a signed query
// with a form in the body.
func forgeryElsewhere(e *env) {
	_, cb, w := e.genuine()
	var lies []leaf
	for _, l := range w.leaves {
		lies = append(lies, leaf{name: l.name, value: variants(l.value)[0]})
	}
	lie := encodePairs(lies)
	switch w.kind {
	case inQuery:
		r := w.with(w.base.URL.RawQuery, []byte(lie))
		r.Method = http.MethodPost
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		e.unbelieved("a signed query with a lying form in the body", r, cb)
	case inForm, inJSON, inToken:
		e.unbelieved("a signed body with lying parameters in the query", w.with(lie, w.body), cb)
		for _, l := range lies {
			r := w.request()
			r.Header.Set(strings.Map(headerName, l.name), l.value)
			e.unbelieved("a signed body with a lying header", r, cb)
		}
	}
}

func headerName(r rune) rune {
	if r < 'A' || r > 'z' || (r > 'Z' && r < 'a') {
		return 'X'
	}
	return r
}

func forgeryCut(e *env) {
	_, cb, w := e.genuine()
	if w.kind == inQuery {
		q := w.base.URL.RawQuery
		for _, n := range []int{0, 1, len(q) / 4, len(q) / 2, len(q) - 10, len(q) - 1} {
			if n >= 0 && n < len(q) {
				e.unbelieved(fmt.Sprintf("a notification cut at %d of %d bytes", n, len(q)), w.with(q[:n], nil), cb)
			}
		}
		return
	}
	for _, n := range []int{0, 1, len(w.body) / 4, len(w.body) / 2, len(w.body) - 10, len(w.body) - 1} {
		if n >= 0 && n < len(w.body) {
			e.unbelieved(fmt.Sprintf("a notification cut at %d of %d bytes", n, len(w.body)), w.with(w.base.URL.RawQuery, w.body[:n]), cb)
		}
	}
}

// forgeryFlipped changes the notification byte by byte, about a hundred times.
func forgeryFlipped(e *env) {
	_, cb, w := e.genuine()
	raw := []byte(w.base.URL.RawQuery)
	if w.kind != inQuery {
		raw = w.body
	}
	for at := 0; at < len(raw); at += 1 + len(raw)/100 {
		b := append([]byte(nil), raw...)
		b[at] ^= 1
		what := fmt.Sprintf("a notification with byte %d changed", at)
		if w.kind == inQuery {
			e.unbelieved(what, w.with(string(b), nil), cb)
		} else {
			e.unbelieved(what, w.with(w.base.URL.RawQuery, b), cb)
		}
	}
}

func forgeryToken(e *env) {
	_, _, w := e.genuine()
	if w.kind != inToken {
		e.Skip("the provider's notification is no signed token")
	}
	refuse := func(what string, r *http.Request) {
		e.Helper()
		_, err := e.a.VerifyCallback(e.ctx, r)
		e.refused(what, err, acquiring.ErrSignature)
	}
	refuse("a token with alg none", w.unsigned(nil))
	parts := strings.Split(strings.TrimSpace(string(w.body)), ".")
	body := func(s string) *http.Request { return w.with(w.base.URL.RawQuery, []byte(s)) }
	refuse("a token without its signature", body(parts[0]+"."+parts[1]+"."))
	refuse("a token with another's signature", body(parts[0]+"."+parts[1]+"."+strings.Repeat("A", len(parts[2]))))
	for _, alg := range []string{"HS256", "RS512", "ES256", "PS256"} {
		head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"` + alg + `","typ":"JWT"}`))
		if head == parts[0] {
			continue // its own
		}
		refuse("a token with alg "+alg, body(head+"."+parts[1]+"."+parts[2]))
	}
}

// forgeryLie: the true notification of one payment, made to speak of another
// that was never paid.
func forgeryLie(e *env) {
	inv, _, w := e.genuine()
	unpaid := e.issue(sum(inv.Amount * 3))
	change := map[string]string{}
	for _, l := range w.leaves {
		switch l.value {
		case string(inv.ID):
			change[l.name] = string(unpaid.ID)
		case inv.OrderID:
			change[l.name] = unpaid.OrderID
		}
	}
	if len(change) == 0 {
		e.Fatalf("the notification names neither the payment %s nor the order %s", inv.ID, inv.OrderID)
	}
	lies := []*http.Request{w.changed(change)}
	for _, gone := range e.h.Quirks.Signature {
		lies = append(lies, w.changed(change, gone))
		empty := map[string]string{gone: ""}
		for k, v := range change {
			empty[k] = v
		}
		lies = append(lies, w.changed(empty))
	}
	for name, v := range change { // only one of the two
		lies = append(lies, w.changed(map[string]string{name: v}))
	}
	if w.kind == inToken {
		lies = append(lies, w.unsigned(change))
	}
	for i, r := range lies {
		cb, err := e.a.VerifyCallback(e.ctx, r)
		if err != nil {
			e.refused(fmt.Sprintf("lie %d about an unpaid payment", i), err, acquiring.ErrSignature)
			continue
		}
		if !e.h.Quirks.UnsignedCallbacks {
			e.Errorf("lie %d about an unpaid payment is accepted: %s is %s", i, cb.PaymentID, cb.Status)
			continue
		}
		if cb.Kind == acquiring.CallbackPayment {
			if cb.PaymentID == unpaid.ID && cb.Status.Succeeded() {
				e.Errorf("lie %d is believed: the unpaid payment %s is %s", i, cb.PaymentID, cb.Status)
			}
			e.truth(cb)
		}
	}
	e.inBooks(unpaid.ID, Books{})
}

// forgeryOtherShop: a notification that is genuine, and another shop's.
func forgeryOtherShop(e *env) {
	other := e.open(2)
	r := e.request()
	mine, theirs := e.create(r), other.create(r)
	other.pay(theirs.ID)
	for _, req := range other.callbacks(theirs.ID) {
		cb, err := e.a.VerifyCallback(e.ctx, e.read(req).request())
		switch {
		case err != nil:
			e.refused("another shop's notification", err, acquiring.ErrSignature)
		case cb.Kind != acquiring.CallbackPayment: // answered, and none of our business
		case cb.Signed:
			e.Errorf("another shop's notification is accepted: %s of order %s is %s", cb.PaymentID, cb.OrderID, cb.Status)
		default:
			e.truth(cb)
		}
	}
	e.is(mine.ID, acquiring.StatusPending)
	other.finish()
}

var shopBehaviours = []behaviour{
	{"Shops/TwoInOneProcess", shopsTwo},
	{"Errors/NoSecretAnywhere", errorsNoSecret},
}

// shopsTwo: two clients of one provider, used at the same time, never see each
// other's payments or use each other's credentials.
func shopsTwo(e *env) {
	shops := []*env{e, e.open(2)}
	e.together(8, func(i int) {
		s := shops[i%2]
		r := s.request(sum(ordinarySum + money.Amount(100*i)))
		inv, err := s.a.CreateInvoice(s.ctx, r)
		if err != nil {
			s.Errorf("shop %d: CreateInvoice: %v", i%2+1, err)
			return
		}
		if err := s.shop.Pay(inv.ID); err != nil {
			s.Errorf("shop %d: the customer cannot pay: %v", i%2+1, err)
			return
		}
		p, err := s.a.GetStatus(s.ctx, inv.ID)
		if err != nil || p.Status != acquiring.StatusPaid || p.Captured != r.Amount || p.OrderID != r.OrderID {
			s.Errorf("shop %d: the payment of %s for %s is %+v, %v", i%2+1, r.Amount, r.OrderID, p, err)
			return
		}
		for _, req := range s.shop.Callbacks(inv.ID) {
			cb, err := s.a.VerifyCallback(s.ctx, req)
			if err != nil {
				s.Errorf("shop %d: its own notification is refused: %v", i%2+1, err)
			} else if cb.Kind == acquiring.CallbackPayment && cb.PaymentID != inv.ID {
				s.Errorf("shop %d: its notification speaks of %s; the payment is %s", i%2+1, cb.PaymentID, inv.ID)
			}
		}
	})
	shops[1].finish()
}

// errorsNoSecret makes every call fail in several ways; the watcher looks at
// each error and at the log.
func errorsNoSecret(e *env) {
	e.require("Shop.Secrets", len(e.shop.Secrets) > 0)
	inv := e.paid()
	calls := []struct {
		op Op
		do func(w *watched) error
	}{
		{OpStatus, func(w *watched) error { _, err := w.GetStatus(e.ctx, inv.ID); return err }},
		{OpCreate, func(w *watched) error { _, err := w.CreateInvoice(e.ctx, e.request()); return err }},
		{OpRefund, func(w *watched) error {
			_, err := w.Refund(e.ctx, acquiring.RefundRequest{ID: inv.ID, Key: "secret-1", Amount: e.part()})
			return err
		}},
	}
	for _, c := range calls {
		for _, kind := range []FaultKind{ServerError, HTML, Cut, Drop} {
			if e.shop.Fail == nil || e.shop.Fail(Fault{Op: c.op, Kind: kind, Times: 1}) != nil {
				continue
			}
			_ = c.do(e.a)
		}
	}
	if e.shop.Wrong != nil {
		w := e.watch(e.shop.Wrong())
		for _, c := range calls {
			e.refused("a call with wrong credentials", c.do(w), acquiring.ErrUnauthorized)
		}
	}
	_ = e.books(inv.ID)
}
