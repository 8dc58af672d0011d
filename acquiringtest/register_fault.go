package acquiringtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

var registerFaultBehaviours = []registerBehaviour{
	{"SubmitFault/LostAnswer", func(e *registerEnv) { submitFault(e, LostAnswer) }},
	{"SubmitFault/Cut", func(e *registerEnv) { submitFault(e, Cut) }},
	{"SubmitFault/Drop", func(e *registerEnv) { submitFault(e, Drop) }},
	{"SubmitFault/ServerError", func(e *registerEnv) { submitFault(e, ServerError) }},
	{"SubmitFault/HTML", func(e *registerEnv) { submitFault(e, HTML) }},
	{"SubmitFault/Empty", func(e *registerEnv) { submitFault(e, Empty) }},
	{"SubmitFault/Down", submitDown},
	{"SubmitFault/RateLimited", submitRateLimited},
	{"SubmitFault/SlowBeyondDeadline", submitSlow},
	{"SubmitFault/CancelledBefore", submitCancelled},
	{"DocumentFault/ServerError", func(e *registerEnv) { documentFault(e, ServerError, acquiring.ErrUnavailable) }},
	{"DocumentFault/Drop", func(e *registerEnv) { documentFault(e, Drop, acquiring.ErrUnavailable) }},
	{"DocumentFault/HTML", func(e *registerEnv) { documentFault(e, HTML, acquiring.ErrProtocol, acquiring.ErrUnavailable) }},
	{"DocumentFault/Cut", func(e *registerEnv) { documentFault(e, Cut, acquiring.ErrProtocol, acquiring.ErrUnavailable) }},
	{"DocumentFault/Recovers", documentRecovers},
}

// submitFault: whatever became of the first answer, the receipt submitted
// again ends in one document.
func submitFault(e *registerEnv, kind FaultKind) {
	r := e.receipt()
	e.fail(Fault{Op: OpSubmit, Kind: kind, Times: 1})
	d := e.submitOnce(r)
	e.documents(r.ID, 1)
	if d != nil {
		e.print(d, r.Total())
	}
}

// submitOnce repeats the receipt until it is known to be there.
func (e *registerEnv) submitOnce(r fiscal.Receipt) *fiscal.Document {
	e.Helper()
	for n := range 4 {
		d, err := e.r.Submit(e.ctx, r)
		if err == nil {
			return d
		}
		if acquiring.OutcomeOf(err) == acquiring.OutcomeRejected {
			e.Errorf("the receipt, time %d, is said to be refused, but nothing refused it: %v", n+1, err)
		}
		e.refused("Submit without an answer", err, acquiring.ErrUnavailable, acquiring.ErrProtocol)
	}
	e.Errorf("the receipt %s is not there after four calls", r.ID)
	return nil
}

func submitDown(e *registerEnv) {
	r := e.receipt()
	e.fail(Fault{Op: OpSubmit, Kind: ServerError, Times: Always})
	_, err := e.r.Submit(e.ctx, r)
	e.refused("Submit to a service that is down", err, acquiring.ErrUnavailable)
	e.outcome("Submit to a service that is down", err, acquiring.OutcomeUnknown)
	e.documents(r.ID, 0)
}

func submitRateLimited(e *registerEnv) {
	r := e.receipt()
	e.fail(Fault{Op: OpSubmit, Kind: RateLimited, Times: Always, Delay: 45 * time.Second})
	(&env{T: e.T}).rateLimited("Submit", func() error { _, err := e.r.Submit(e.ctx, r); return err })
	e.documents(r.ID, 0)
}

func submitSlow(e *registerEnv) {
	r := e.receipt()
	e.fail(Fault{Op: OpSubmit, Kind: Slow, Times: 1, Delay: 2 * time.Second})
	ctx, cancel := context.WithTimeout(e.ctx, 300*time.Millisecond)
	defer cancel()
	_, err := e.r.Submit(ctx, r)
	if err == nil {
		e.Error("Submit has an answer that the service has not given yet")
	} else {
		e.outcome("Submit beyond its deadline", err, acquiring.OutcomeUnknown)
		if !errors.Is(err, context.DeadlineExceeded) {
			e.Errorf("the error does not say that the context ended: %v", err)
		}
	}
	e.submitOnce(r)
	e.documents(r.ID, 1)
}

func submitCancelled(e *registerEnv) {
	r := e.receipt()
	ctx, cancel := context.WithCancel(e.ctx)
	cancel()
	_, err := e.r.Submit(ctx, r)
	if err == nil {
		e.Error("Submit with a cancelled context succeeds")
	} else {
		e.outcome("Submit with a cancelled context", err, acquiring.OutcomeNotSent)
		if !errors.Is(err, context.Canceled) {
			e.Errorf("the error does not say that the context was cancelled: %v", err)
		}
	}
	e.documents(r.ID, 0)
	e.submit(r)
}

func documentFault(e *registerEnv, kind FaultKind, kinds ...error) {
	d := e.submit(e.receipt())
	e.fail(Fault{Op: OpDocument, Kind: kind, Times: Always})
	_, err := e.r.GetDocument(e.ctx, d.ID)
	e.refused("GetDocument answered with "+string(kind), err, kinds...)
}

func documentRecovers(e *registerEnv) {
	d := e.submit(e.receipt())
	e.fail(Fault{Op: OpDocument, Kind: ServerError, Times: 1})
	if got, err := e.r.GetDocument(e.ctx, d.ID); err != nil || got.ID != d.ID {
		e.Errorf("GetDocument after one server error: %+v, %v; a read is safe to repeat", got, err)
	}
}

var registerCallbackBehaviours = []registerBehaviour{
	{"RegisterCallback/Printed", registerCallbackPrinted},
	{"RegisterCallback/Failed", registerCallbackFailed},
	{"RegisterCallback/Repeated", registerCallbackRepeated},
	{"RegisterCallback/Forged", registerCallbackForged},
	{"RegisterCallback/SignatureChanged", registerCallbackSignature},
	{"RegisterCallback/AnotherShops", registerCallbackOther},
	{"RegisterCallback/BodyLimit", registerCallbackLimit},
	{"RegisterCallback/Garbage", registerCallbackGarbage},
}

// news is the last notification of the document.
func (e *registerEnv) news(d *fiscal.Document) *wire {
	e.Helper()
	if e.h.Quirks.NoCallbacks {
		e.Skip("Quirks.NoCallbacks: the service sends no notifications")
	}
	e.require("RegisterShop.Callbacks", e.shop.Callbacks != nil)
	all := e.shop.Callbacks(d.ID)
	if len(all) == 0 {
		e.Fatalf("the service announced nothing of document %s", d.ID)
	}
	return readWire(e.T, all[len(all)-1])
}

// printed is a document that was printed, and the notification of it.
func (e *registerEnv) printed() (*fiscal.Document, *wire) {
	e.Helper()
	r := e.receipt()
	d := e.print(e.submit(r), r.Total())
	return d, e.news(d)
}

func (e *registerEnv) verified(w *wire, want *fiscal.Document) *fiscal.Document {
	e.Helper()
	got, err := e.r.VerifyCallback(e.ctx, w.request())
	if err != nil {
		e.Fatalf("the service's own notification is refused: %v", err)
	}
	if got.ID != want.ID || got.Status != want.Status {
		e.Errorf("the notification says that %s is %s; want %s, %s", got.ID, got.Status, want.ID, want.Status)
	}
	return got
}

func registerCallbackPrinted(e *registerEnv) {
	d, w := e.printed()
	got := e.verified(w, d)
	if got.Fiscal != nil && d.Fiscal != nil && got.Fiscal.FP != d.Fiscal.FP {
		e.Errorf("the notification has the fiscal sign %q; the document %q", got.Fiscal.FP, d.Fiscal.FP)
	}
}

func registerCallbackFailed(e *registerEnv) {
	if e.h.Quirks.SilentFailure {
		e.Skip("Quirks.SilentFailure: the service does not announce failures")
	}
	e.require("RegisterShop.Refuse", e.shop.Refuse != nil)
	d := e.submit(e.receipt())
	if err := e.shop.Refuse(d.ID); err != nil {
		e.Fatalf("RegisterShop.Refuse(%s): %v", d.ID, err)
	}
	w := e.news(d)
	e.verified(w, e.document(d.ID))
}

func registerCallbackRepeated(e *registerEnv) {
	d, w := e.printed()
	for range 3 {
		e.verified(w, d)
	}
	together(8, func(int) {
		if _, err := e.r.VerifyCallback(e.ctx, w.request()); err != nil {
			e.Errorf("the notification is refused when it comes many times at once: %v", err)
		}
	})
}

// unbelieved gives the client a forged notification: it is refused, or says
// what the true one says, or what the service says when asked.
func (e *registerEnv) unbelieved(what string, r *http.Request, truth *fiscal.Document) {
	e.Helper()
	got, err := e.r.VerifyCallback(e.ctx, r)
	if err != nil {
		e.refused(what, err, acquiring.ErrSignature)
		return
	}
	if e.h.Quirks.UnsignedCallbacks {
		real, err := e.r.GetDocument(e.ctx, got.ID)
		if err != nil || real.Status != got.Status {
			e.Errorf("%s is believed: it says that %s is %s; the service says %+v, %v", what, got.ID, got.Status, real, err)
		}
		return
	}
	if got.ID != truth.ID || got.Status != truth.Status || got.ReceiptID != truth.ReceiptID {
		e.Errorf("%s is believed: it says that %s (receipt %s) is %s; the true one %s (%s), %s", what, got.ID, got.ReceiptID, got.Status, truth.ID, truth.ReceiptID, truth.Status)
	}
}

func registerCallbackForged(e *registerEnv) {
	d, w := e.printed()
	truth := e.verified(w, d)
	queued := e.submit(e.receipt())
	gone := append([]string{""}, e.h.Quirks.Signature...)
	for _, l := range w.leaves {
		gone = append(gone, l.name)
		values := variants(l.value)
		if l.value == d.ID {
			values = append(values, queued.ID) // printed news for a document that was not
		}
		for _, v := range values {
			for _, drop := range append([]string{""}, e.h.Quirks.Signature...) {
				e.unbelieved(fmt.Sprintf("a notification with %s changed to %s, without %q", l.name, quoted(v), drop), w.changed(map[string]string{l.name: v}, drop), truth)
			}
		}
	}
	for _, name := range gone[1:] {
		e.unbelieved("a notification without "+name, w.changed(nil, name), truth)
	}
	for _, n := range []int{0, 1, len(w.body) / 2, len(w.body) - 1} {
		if n >= 0 && n < len(w.body) {
			e.unbelieved(fmt.Sprintf("a notification cut at %d of %d bytes", n, len(w.body)), w.with(w.base.URL.RawQuery, w.body[:n]), truth)
		}
	}
	for at := 0; at < len(w.body); at += 1 + len(w.body)/60 {
		b := append([]byte(nil), w.body...)
		b[at] ^= 1
		e.unbelieved(fmt.Sprintf("a notification with byte %d changed", at), w.with(w.base.URL.RawQuery, b), truth)
	}
	for _, l := range w.leaves {
		for _, first := range []bool{true, false} {
			if r, ok := w.doubled(l.name, variants(l.value)[0], first); ok {
				e.unbelieved("a notification with "+l.name+" twice", r, truth)
			}
		}
	}
}

func registerCallbackSignature(e *registerEnv) {
	if e.h.Quirks.UnsignedCallbacks {
		e.Skip("Quirks.UnsignedCallbacks: there is no signature")
	}
	_, w := e.printed()
	if len(e.h.Quirks.Signature) == 0 {
		e.Fatal("Quirks.Signature does not say where the signature of a callback is")
	}
	for _, name := range e.h.Quirks.Signature {
		_, err := e.r.VerifyCallback(e.ctx, w.changed(nil, name))
		e.refused("a notification without "+name, err, acquiring.ErrSignature)
		if v := w.base.Header.Get(name); v != "" {
			for _, forged := range append(variants(v), strings.Repeat("0", len(v))) {
				r := w.request()
				r.Header.Set(name, forged)
				_, err := e.r.VerifyCallback(e.ctx, r)
				e.refused("a notification with the header "+name+" changed", err, acquiring.ErrSignature)
			}
		}
		for _, l := range w.leaves {
			if l.name == name {
				for _, forged := range append(variants(l.value), strings.Repeat("0", len(l.value))) {
					_, err := e.r.VerifyCallback(e.ctx, w.changed(map[string]string{name: forged}))
					e.refused("a notification with "+name+" changed", err, acquiring.ErrSignature)
				}
			}
		}
	}
}

func registerCallbackOther(e *registerEnv) {
	other := e.open(2)
	r := other.receipt()
	theirs := other.print(other.submit(r), r.Total())
	w := other.news(theirs)
	got, err := e.r.VerifyCallback(e.ctx, w.request())
	switch {
	case err != nil:
		e.refused("another shop's notification", err, acquiring.ErrSignature)
	case !e.h.Quirks.UnsignedCallbacks:
		e.Errorf("another shop's notification is accepted: %s is %s", got.ID, got.Status)
	default:
		e.unbelieved("another shop's notification", w.request(), got)
	}
	other.finish()
}

func registerCallbackLimit(e *registerEnv) {
	if e.h.Quirks.NoCallbacks {
		e.Skip("Quirks.NoCallbacks: the service sends no notifications")
	}
	for _, head := range []string{"", `{"id":"`, "a="} {
		body := &endless{head: head}
		r, err := http.NewRequestWithContext(e.ctx, http.MethodPost, "https://shop.example/receipt", body)
		if err != nil {
			e.Fatal(err)
		}
		r.ContentLength = -1
		_, err = e.r.VerifyCallback(e.ctx, r)
		e.refused("a body of 10 MB", err, acquiring.ErrSignature)
		if body.read > 64<<10+4096 {
			e.Errorf("%d bytes of a body of 10 MB were read; the limit is 64 KiB", body.read)
		}
	}
}

func registerCallbackGarbage(e *registerEnv) {
	want := []error{acquiring.ErrSignature}
	if e.h.Quirks.NoCallbacks {
		want = append(want, acquiring.ErrUnsupported)
	}
	for _, body := range []string{
		"", " ", "null", "[]", "{}", "[[[[", `{"id":null}`, `{"id":{}}`, strings.Repeat("[", 20000), "=", "%zz=1", "a=%ff",
		`{"id":` + e.unknownID() + `,"external_id":"R-1","state":"done"}`, `{"id":"R-1"}`, "\xff\xfe",
	} {
		r, err := http.NewRequestWithContext(e.ctx, http.MethodPost, "https://shop.example/receipt", strings.NewReader(body))
		if err != nil {
			e.Fatal(err)
		}
		_, err = e.r.VerifyCallback(e.ctx, r)
		e.refused("the body "+quoted(body), err, want...)
	}
}
