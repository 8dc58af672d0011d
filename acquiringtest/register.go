package acquiringtest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// RegisterHarness is how [RunRegister] reaches one cash-register service. See
// [Harness], whose fields of the same names mean the same.
type RegisterHarness struct {
	Provider   string
	New        func(t testing.TB, opt ShopOptions) *RegisterShop
	Quirks     RegisterQuirks
	Skip       map[string]string
	BadConfigs map[string]func() error
	// Prepare changes an ordinary receipt into one that this service takes.
	Prepare func(*fiscal.Receipt)
	// ReceiptID makes the shop's n-th document number; nil: "R-1", "R-2", …
	ReceiptID func(n int) string
	// UnknownID is a well-formed number of a document that is not there; "":
	// "999999999".
	UnknownID  string
	Patience   time.Duration
	Sequential bool
}

// RegisterShop is a client of a cash-register service and the service behind
// it.
type RegisterShop struct {
	Register fiscal.Register
	Wrong    func() fiscal.Register // with wrong credentials
	Secrets  []string
	Config   any

	// Print is the cash register printing the document (Document.ID).
	Print func(documentID string) error
	// Refuse is the cash register failing to print it: it is off, its paper
	// is out.
	Refuse func(documentID string) error
	Fail   func(Fault) error // OpSubmit, OpDocument
	// Callbacks are the notifications of the document so far, as received.
	Callbacks func(documentID string) []*http.Request
	// Documents is how many documents the service has under Receipt.ID.
	Documents func(receiptID string) int
	// Requests is how many requests the service has got; nil: counted by
	// ShopOptions.HTTPClient.
	Requests func() int
}

// RegisterQuirks are the ways in which services differ without being wrong.
type RegisterQuirks struct {
	NoCallbacks       bool     // the service sends none; VerifyCallback gives ErrUnsupported
	UnsignedCallbacks bool     // the document is read back
	Signature         []string // parameters and headers of a callback that hold its signature
	SilentFailure     bool     // a document that failed is not announced

	FFD            []fiscal.FFD // the formats; nil: 1.05 and 1.2
	NoCorrection   bool         // correction receipts give ErrUnsupported
	NoTotal        bool         // FiscalData.Total is not told
	UnheardFailure bool         // the service does not say whether a failure may pass, or it passes under another ID only (DocumentFailure.Retryable)
}

// registerBehaviour is one named thing that every Register does.
type registerBehaviour struct {
	name string
	run  func(e *registerEnv)
}

func allRegisterBehaviours() []registerBehaviour {
	var all []registerBehaviour
	for _, group := range [][]registerBehaviour{registerBehaviours, registerFaultBehaviours, registerCallbackBehaviours} {
		all = append(all, group...)
	}
	return all
}

// RegisterNames are the names of all behaviours of RunRegister, as
// RegisterHarness.Skip takes them.
func RegisterNames() []string {
	var names []string
	for _, b := range allRegisterBehaviours() {
		names = append(names, b.name)
	}
	return names
}

// RunRegister shows that a Register keeps the contract of package fiscal, one
// subtest for each behaviour, each over a service of its own.
func RunRegister(t *testing.T, h RegisterHarness) {
	t.Helper()
	if h.New == nil || h.Provider == "" {
		t.Fatal("acquiringtest: the RegisterHarness needs Provider and New")
	}
	checkSkips(t, h.Skip, RegisterNames())
	var all []behaviour
	for _, b := range allRegisterBehaviours() {
		all = append(all, behaviour{name: b.name})
	}
	runs := map[string]func(*registerEnv){}
	for _, b := range allRegisterBehaviours() {
		runs[b.name] = b.run
	}
	for _, group := range groupsOf(all) {
		t.Run(group.name, func(t *testing.T) {
			skipIfNamed(t, h.Skip, group.name)
			for _, b := range group.members {
				t.Run(strings.TrimPrefix(b.name, group.name+"/"), func(t *testing.T) {
					skipIfNamed(t, h.Skip, b.name)
					if !h.Sequential {
						t.Parallel()
					}
					e := (&registerEnv{T: t, h: &h, numbers: new(atomic.Int64)}).open(1)
					runs[b.name](e)
					e.finish()
				})
			}
		})
	}
}

// registerEnv is one behaviour's world.
type registerEnv struct {
	*testing.T
	h       *RegisterHarness
	shop    *RegisterShop
	r       *watchedRegister
	log     *logBuffer
	ctx     context.Context
	numbers *atomic.Int64
	counted *atomic.Int64
}

func (e *registerEnv) open(number int) *registerEnv {
	e.Helper()
	log := &logBuffer{}
	client, counted := countingClient()
	shop := e.h.New(e.T, ShopOptions{
		Number: number, Label: fmt.Sprintf("shop%d", number), HTTPClient: client,
		Logger: slog.New(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if shop == nil || shop.Register == nil {
		e.Fatal("RegisterHarness.New gave no Register")
	}
	ctx, cancel := context.WithTimeout(e.Context(), 5*e.patience())
	e.Cleanup(cancel)
	n := &registerEnv{T: e.T, h: e.h, shop: shop, log: log, ctx: ctx, numbers: e.numbers, counted: counted}
	n.r = n.watch(shop.Register)
	return n
}

func (e *registerEnv) patience() time.Duration {
	if e.h.Patience > 0 {
		return e.h.Patience
	}
	return 30 * time.Second
}

func (e *registerEnv) watch(r fiscal.Register) *watchedRegister {
	return &watchedRegister{watched{T: e.T, provider: e.h.Provider, secrets: e.shop.Secrets, patience: e.patience()}, r}
}

func (e *registerEnv) finish() {
	e.Helper()
	if found := leaked(e.log.String(), e.shop.Secrets); found >= 0 {
		e.Errorf("the log holds secret number %d of RegisterShop.Secrets", found)
	}
}

func (e *registerEnv) require(what string, have bool) {
	e.Helper()
	if !have {
		e.Fatalf("the harness has no %s; give it, or name this behaviour in RegisterHarness.Skip with the reason", what)
	}
}

// watchedRegister is the client under test with a watcher before it.
type watchedRegister struct {
	watched
	r fiscal.Register
}

func (w *watchedRegister) Submit(ctx context.Context, r fiscal.Receipt) (d *fiscal.Document, err error) {
	w.Helper()
	err = w.call(ctx, "Submit", r, func(ctx context.Context) error { d, err = w.r.Submit(ctx, r); return err })
	d, err = w.document("Submit", d, err)
	if err == nil && d.ReceiptID != r.ID {
		w.Errorf("Submit: Document.ReceiptID is %q; the receipt's is %q", d.ReceiptID, r.ID)
	}
	return d, err
}

func (w *watchedRegister) GetDocument(ctx context.Context, id string) (d *fiscal.Document, err error) {
	w.Helper()
	err = w.call(ctx, "GetDocument", nil, func(ctx context.Context) error { d, err = w.r.GetDocument(ctx, id); return err })
	if d, err = w.document("GetDocument", d, err); err == nil && d.ID != id {
		w.Errorf("GetDocument: Document.ID is %q; asked for %q", d.ID, id)
	}
	return d, err
}

func (w *watchedRegister) VerifyCallback(ctx context.Context, r *http.Request) (d *fiscal.Document, err error) {
	w.Helper()
	err = w.call(ctx, "VerifyCallback", nil, func(ctx context.Context) error { d, err = w.r.VerifyCallback(ctx, r); return err })
	return w.document("VerifyCallback", d, err)
}

// document is what holds for every document that a client gives.
func (w *watchedRegister) document(name string, d *fiscal.Document, err error) (*fiscal.Document, error) {
	w.Helper()
	if err != nil {
		return nil, err
	}
	if d == nil {
		w.Fatalf("%s gave neither a document nor an error", name)
	}
	switch {
	case d.ID == "":
		w.Errorf("%s: Document.ID is empty", name)
	case d.Status == fiscal.DocumentUnknown:
		w.Errorf("%s: the document's status is unknown", name)
	case d.Status == fiscal.DocumentFailed && (d.Failure == nil || d.Failure.Message+d.Failure.Code == ""):
		w.Errorf("%s: the document failed, and nobody learns why", name)
	case d.Status != fiscal.DocumentFailed && d.Failure != nil:
		w.Errorf("%s: the document is %s and has a Failure", name, d.Status)
	case d.Status != fiscal.DocumentPrinted && d.Fiscal != nil:
		w.Errorf("%s: the document is %s and has fiscal data", name, d.Status)
	}
	w.checkRaw(name, d.Raw)
	return d, nil
}

// requests

func (e *registerEnv) receipt(changes ...func(*fiscal.Receipt)) fiscal.Receipt {
	n := int(e.numbers.Add(1))
	r := *receipt(ordinarySum)
	r.ID = fmt.Sprintf("R-%d", n)
	if e.h.ReceiptID != nil {
		r.ID = e.h.ReceiptID(n)
	}
	r.Contact.Phone = ""
	if e.h.Prepare != nil {
		e.h.Prepare(&r)
	}
	for _, change := range changes {
		change(&r)
	}
	return r
}

func (e *registerEnv) submit(r fiscal.Receipt) *fiscal.Document {
	e.Helper()
	d, err := e.r.Submit(e.ctx, r)
	if err != nil {
		e.Fatalf("Submit(%s): %v", r.ID, err)
	}
	return d
}

// print lets the register print the document and reads it.
func (e *registerEnv) print(d *fiscal.Document, total money.Amount) *fiscal.Document {
	e.Helper()
	e.require("RegisterShop.Print", e.shop.Print != nil)
	if d.Status == fiscal.DocumentQueued {
		if err := e.shop.Print(d.ID); err != nil {
			e.Fatalf("RegisterShop.Print(%s): %v", d.ID, err)
		}
	}
	got := e.document(d.ID)
	if got.Status != fiscal.DocumentPrinted {
		e.Errorf("the document %s is %s; want printed (failure %+v)", d.ID, got.Status, got.Failure)
		return got
	}
	f := got.Fiscal
	switch {
	case f == nil:
		e.Errorf("the printed document %s has no fiscal data", d.ID)
	case f.FP == "" && f.FD == "":
		e.Errorf("the fiscal data of %s has neither the number nor the sign of the document: %+v", d.ID, f)
	case f.Total != total && (f.Total != 0 || !e.h.Quirks.NoTotal):
		e.Errorf("the printed total is %s; the receipt's is %s", f.Total, total)
	}
	return got
}

func (e *registerEnv) document(id string) *fiscal.Document {
	e.Helper()
	d, err := e.r.GetDocument(e.ctx, id)
	if err != nil {
		e.Fatalf("GetDocument(%s): %v", id, err)
	}
	return d
}

// documents compares what the service has under the receipt's number.
func (e *registerEnv) documents(receiptID string, want int) {
	e.Helper()
	e.require("RegisterShop.Documents", e.shop.Documents != nil)
	if got := e.shop.Documents(receiptID); got != want {
		e.Errorf("the service has %d documents of receipt %s; want %d", got, receiptID, want)
	}
}

func (e *registerEnv) fail(f Fault) {
	e.Helper()
	e.require("RegisterShop.Fail", e.shop.Fail != nil)
	err := e.shop.Fail(f)
	if errors.Is(err, errors.ErrUnsupported) {
		e.Skipf("the emulator has no fault %q for %q: %v", f.Kind, f.Op, err)
	}
	if err != nil {
		e.Fatalf("RegisterShop.Fail(%+v): %v", f, err)
	}
}

func (e *registerEnv) refused(what string, err error, kinds ...error) {
	e.Helper()
	(&env{T: e.T}).refused(what, err, kinds...)
}

func (e *registerEnv) outcome(what string, err error, want acquiring.Outcome) {
	e.Helper()
	outcome(&env{T: e.T}, what, err, want)
}

func (e *registerEnv) unknownID() string {
	if e.h.UnknownID != "" {
		return e.h.UnknownID
	}
	return "999999999"
}

// nothingSent runs f and shows that the service got no request meanwhile.
func (e *registerEnv) nothingSent(f func()) {
	e.Helper()
	_, _ = e.r.r.GetDocument(e.ctx, e.unknownID())
	count := func() int {
		if e.shop.Requests != nil {
			return e.shop.Requests()
		}
		return int(e.counted.Load())
	}
	before := count()
	if before == 0 {
		e.Fatal("the suite cannot count requests: pass ShopOptions.HTTPClient to the client, or give RegisterShop.Requests")
	}
	f()
	if after := count(); after != before {
		e.Errorf("%d requests were sent to the service; want none", after-before)
	}
}
