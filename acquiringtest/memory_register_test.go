package acquiringtest

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

func memoryRegisterHarness(opt MemoryRegisterOptions, wrap func(*MemoryRegister) fiscal.Register) RegisterHarness {
	return RegisterHarness{
		Provider: memoryName,
		New: func(t testing.TB, so ShopOptions) *RegisterShop {
			o := opt
			o.Shop, o.Logger = so.Label, so.Logger
			m := NewMemoryRegister(o)
			var r fiscal.Register = m
			if wrap != nil {
				r = wrap(m)
			}
			return &RegisterShop{
				Register: r, Wrong: func() fiscal.Register { return m.Wrong() },
				Secrets: []string{m.password, string(m.desk.key)}, Config: m,
				Print: m.Print, Refuse: m.Refuse, Fail: func(f Fault) error { m.Fail(f); return nil },
				Callbacks: m.Callbacks, Documents: m.Documents,
				Requests: func() int { m.desk.mu.Lock(); defer m.desk.mu.Unlock(); return m.desk.requests },
			}
		},
		BadConfigs: map[string]func() error{"Config.Password": func() error {
			return acquiring.InOp(memoryName, "New", acquiring.Invalid("Config.Password", "is empty"))
		}},
		Quirks: RegisterQuirks{Signature: []string{memorySignature}},
	}
}

func TestMemoryRegister(t *testing.T) {
	RunRegister(t, memoryRegisterHarness(MemoryRegisterOptions{}, nil))
}

func TestMemoryRegisterPrintsAtOnce(t *testing.T) {
	h := memoryRegisterHarness(MemoryRegisterOptions{PrintAtOnce: true}, nil)
	h.Skip = map[string]string{"Document/Failed": "what is printed at once cannot fail", "RegisterCallback/Failed": "the same"}
	RunRegister(t, h)
}

// wrongRegister is MemoryRegister with a method replaced.
type wrongRegister struct {
	*MemoryRegister
	submit func(m *MemoryRegister, ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error)
	get    func(m *MemoryRegister, ctx context.Context, id string) (*fiscal.Document, error)
	verify func(m *MemoryRegister, ctx context.Context, r *http.Request) (*fiscal.Document, error)
}

func (w wrongRegister) Submit(ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
	if w.submit != nil {
		return w.submit(w.MemoryRegister, ctx, r)
	}
	return w.MemoryRegister.Submit(ctx, r)
}

func (w wrongRegister) GetDocument(ctx context.Context, id string) (*fiscal.Document, error) {
	if w.get != nil {
		return w.get(w.MemoryRegister, ctx, id)
	}
	return w.MemoryRegister.GetDocument(ctx, id)
}

func (w wrongRegister) VerifyCallback(ctx context.Context, r *http.Request) (*fiscal.Document, error) {
	if w.verify != nil {
		return w.verify(w.MemoryRegister, ctx, r)
	}
	return w.MemoryRegister.VerifyCallback(ctx, r)
}

// printAnew makes a document whatever is there.
func printAnew(m *MemoryRegister, ctx context.Context, r fiscal.Receipt, retry bool) (doc *fiscal.Document, err error) {
	for range 2 {
		err = m.do(ctx, OpSubmit, "Submit", func(d *memoryDesk) *acquiring.Error {
			made := &memoryDocument{receipt: r, Document: fiscal.Document{ID: string(secret()[:8]), ReceiptID: r.ID, Status: fiscal.DocumentQueued}}
			d.documents[made.ID] = made
			doc = made.view()
			return nil
		})
		if err == nil || !retry {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return doc, nil
}

var registerMutants = []struct {
	name string
	w    wrongRegister
	want []string
}{
	{"prints again", wrongRegister{submit: func(m *MemoryRegister, ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
		return printAnew(m, ctx, r, false)
	}}, []string{"Submit/SameReceiptTwice", "Submit/SameReceiptAfterPrinting", "Submit/SameReceiptConcurrently", "SubmitFault/SlowBeyondDeadline"}},
	{"prints again when the answer is lost", wrongRegister{submit: func(m *MemoryRegister, ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
		return printAnew(m, ctx, r, true)
	}}, []string{"SubmitFault/LostAnswer", "SubmitFault/Cut"}},
	{"takes a receipt that exists for an error", wrongRegister{submit: func(m *MemoryRegister, ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
		d, err := m.Submit(ctx, r)
		if err == nil && d.Existed {
			return nil, &acquiring.Error{Provider: memoryName, Op: "Submit", Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected}
		}
		return d, err
	}}, []string{"Submit/SameReceiptTwice", "SubmitFault/SlowBeyondDeadline"}},
	{"does not say that it existed", wrongRegister{submit: func(m *MemoryRegister, ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
		d, err := m.Submit(ctx, r)
		if err == nil {
			d.Existed = false
		}
		return d, err
	}}, []string{"Submit/SameReceiptTwice"}},
	{"checks nothing", wrongRegister{submit: func(m *MemoryRegister, ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
		_, _ = m.GetDocument(ctx, "x")
		return m.Submit(ctx, r)
	}}, []string{"Submit/InvalidRefusedBeforeSending"}},
	{"hides the path", wrongRegister{submit: func(m *MemoryRegister, ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
		d, err := m.Submit(ctx, r)
		return d, changedError(err, func(e *acquiring.Error) {
			if e.Kind == acquiring.ErrInvalid {
				e.Message, e.Err = "is wrong", nil
			}
		})
	}}, []string{"Submit/InvalidRefusedBeforeSending"}},
	{"writes into the caller's lines", wrongRegister{submit: func(m *MemoryRegister, ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
		mutated.Lock()
		if len(r.Lines) > 0 {
			r.Lines[0].ID = r.ID
		}
		mutated.Unlock()
		return m.Submit(ctx, r)
	}}, []string{"Submit/QueuedThenPrinted", "Submit/ReceiptShared"}},
	{"prints a return as a sale", wrongRegister{submit: func(m *MemoryRegister, ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
		if r.Total() != 0 && r.Type == fiscal.SaleReturn {
			r.Type = fiscal.Sale
		}
		return m.Submit(ctx, r)
	}}, []string{"Kind/SaleReturn"}},
	{"knows no new rate", wrongRegister{submit: func(m *MemoryRegister, ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
		if len(r.Lines) > 0 && r.Lines[0].VAT == fiscal.VAT22 {
			return nil, acquiring.InOp(memoryName, "Submit", acquiring.Invalid("lines[0].vat", "is not known"))
		}
		return m.Submit(ctx, r)
	}}, []string{"Kind/VAT"}},
	{"drops the correction", wrongRegister{submit: func(m *MemoryRegister, ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
		if r.Correction != nil {
			return nil, acquiring.Unsupported(memoryName, "Submit", "no corrections")
		}
		return m.Submit(ctx, r)
	}}, []string{"Kind/Correction"}},
	{"tells another total", wrongRegister{get: func(m *MemoryRegister, ctx context.Context, id string) (*fiscal.Document, error) {
		d, err := m.GetDocument(ctx, id)
		if err == nil && d.Fiscal != nil {
			d.Fiscal.Total /= 100
		}
		return d, err
	}}, []string{"Submit/QueuedThenPrinted", "Submit/FractionalQuantity"}},
	{"takes an error for a queued document", wrongRegister{get: func(m *MemoryRegister, ctx context.Context, id string) (*fiscal.Document, error) {
		d, err := m.GetDocument(ctx, id)
		if err != nil {
			return &fiscal.Document{ID: id, Status: fiscal.DocumentQueued}, nil
		}
		return d, err
	}}, []string{"Document/UnknownID", "Document/HostileID", "DocumentFault/ServerError", "DocumentFault/HTML"}},
	{"does not say why it failed", wrongRegister{get: func(m *MemoryRegister, ctx context.Context, id string) (*fiscal.Document, error) {
		d, err := m.GetDocument(ctx, id)
		if err == nil {
			d.Failure = nil
		}
		return d, err
	}}, []string{"Document/Failed"}},
	{"leaks the password", wrongRegister{get: func(m *MemoryRegister, ctx context.Context, id string) (*fiscal.Document, error) {
		d, err := m.GetDocument(ctx, id)
		return d, changedError(err, func(e *acquiring.Error) { e.Hint = "curl -u shop:" + m.password })
	}}, []string{"Document/UnknownID"}},
	{"believes any callback", wrongRegister{verify: func(m *MemoryRegister, ctx context.Context, r *http.Request) (*fiscal.Document, error) {
		var n memoryNotice
		if err := json.NewDecoder(http.MaxBytesReader(nil, r.Body, memoryBodyLimit)).Decode(&n); err != nil {
			return nil, forged("no JSON")
		}
		return &fiscal.Document{ID: n.ID, ReceiptID: n.Receipt, Status: fiscal.DocumentPrinted, Fiscal: &fiscal.FiscalData{FP: n.Sign}}, nil
	}}, []string{"RegisterCallback/Forged", "RegisterCallback/SignatureChanged", "RegisterCallback/AnotherShops", "RegisterCallback/Garbage", "RegisterCallback/Failed"}},
	{"skips the check without a signature", wrongRegister{verify: func(m *MemoryRegister, ctx context.Context, r *http.Request) (*fiscal.Document, error) {
		if r.Header.Get(memorySignature) == "" {
			_, body := readAll(r)
			if len(body) > memoryBodyLimit {
				return nil, forged("too long")
			}
			r = Delivered("", "https://shop.example/receipt", http.Header{memorySignature: {m.desk.sign(body)}}, body)
		}
		return m.VerifyCallback(ctx, r)
	}}, []string{"RegisterCallback/Forged", "RegisterCallback/SignatureChanged", "RegisterCallback/BodyLimit"}},
}

// runRegisterMutant is TestMutant's part for registers.
func runRegisterMutant(t *testing.T, name string) {
	t.Helper()
	for _, m := range registerMutants {
		if m.name == name || "register: "+m.name == name {
			RunRegister(t, memoryRegisterHarness(MemoryRegisterOptions{}, func(r *MemoryRegister) fiscal.Register {
				w := m.w
				w.MemoryRegister = r
				return w
			}))
			return
		}
	}
	t.Fatal("no mutant ", name)
}

// TestTheSuiteFindsRegisterMutants shows that RunRegister can fail.
func TestTheSuiteFindsRegisterMutants(t *testing.T) {
	for _, m := range registerMutants {
		for _, b := range m.want {
			assert.Contains(t, RegisterNames(), b, "a mutant waits for a behaviour that is not there")
		}
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			findMutant(t, "register: "+m.name, m.want)
		})
	}
}
