package acquiringtest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// MemoryRegister is a fiscal.Register with no service behind it, for unit
// tests: a double. It keeps receipts in memory, prints when told (Print, or at
// once with MemoryRegisterOptions.PrintAtOnce), makes callbacks, and fails on
// demand. Its fiscal data are imaginary: no tax service has ever seen them.
//
// It is safe for concurrent use.
type MemoryRegister struct {
	opt      MemoryRegisterOptions
	password string
	desk     *memoryDesk
}

// MemoryRegisterOptions configure a [MemoryRegister]. The zero value is good.
type MemoryRegisterOptions struct {
	Shop        string       // label for logs
	Password    string       // of the imaginary account; "": a random one
	Logger      *slog.Logger // nil: nothing is logged
	PrintAtOnce bool         // a receipt is printed as it is submitted
}

// memoryDesk is the imaginary service.
type memoryDesk struct {
	mu        sync.Mutex
	password  string
	key       []byte // of callbacks
	documents map[string]*memoryDocument
	byReceipt map[string]*memoryDocument
	faults    memoryBank // its list of faults only
	requests  int
}

type memoryDocument struct {
	fiscal.Document
	receipt fiscal.Receipt
	news    [][]byte
}

// NewMemoryRegister opens a shop at an imaginary cash-register service.
func NewMemoryRegister(opt MemoryRegisterOptions) *MemoryRegister {
	if opt.Password == "" {
		opt.Password = rand.Text()
	}
	if opt.Logger == nil {
		opt.Logger = slog.New(slog.DiscardHandler)
	}
	return &MemoryRegister{opt: opt, password: opt.Password, desk: &memoryDesk{
		password: opt.Password, key: secret(), documents: map[string]*memoryDocument{}, byReceipt: map[string]*memoryDocument{},
	}}
}

// Wrong is a client of the same imaginary service with a wrong password.
func (m *MemoryRegister) Wrong() *MemoryRegister {
	w := *m
	w.password = "wrong"
	return &w
}

// String does not show the password.
func (m *MemoryRegister) String() string {
	return "acquiringtest.MemoryRegister(" + m.opt.Shop + ")"
}

// GoString does not show the password.
func (m *MemoryRegister) GoString() string { return m.String() }

// LogValue does not show the password.
func (m *MemoryRegister) LogValue() slog.Value { return slog.StringValue(m.String()) }

// do is one exchange with the imaginary service: Memory's, on another desk.
func (m *MemoryRegister) do(ctx context.Context, op Op, name string, work func(d *memoryDesk) *acquiring.Error) error {
	d := m.desk
	d.mu.Lock()
	d.requests++
	d.mu.Unlock()
	line := Memory{bank: &d.faults, log: m.opt.Logger}
	return line.do(ctx, op, name, func(*memoryBank) *acquiring.Error {
		d.mu.Lock()
		defer d.mu.Unlock()
		if m.password != d.password {
			return &acquiring.Error{Kind: acquiring.ErrUnauthorized, Outcome: acquiring.OutcomeRejected, Code: "401", Message: "access denied"}
		}
		return work(d)
	})
}

// Submit implements fiscal.Register. The imaginary service knows the receipts'
// numbers: after an unknown outcome the same receipt is submitted again.
func (m *MemoryRegister) Submit(ctx context.Context, r fiscal.Receipt) (doc *fiscal.Document, err error) {
	if r.ID == "" {
		return nil, acquiring.InOp(memoryName, "Submit", acquiring.Invalid("ID", "is empty; give the shop's own number of the document"))
	}
	if err := r.Validate(); err != nil {
		e := acquiring.Invalid("Receipt", err.Error())
		e.Err = err
		return nil, acquiring.InOp(memoryName, "Submit", e)
	}
	for range 2 {
		err = m.do(ctx, OpSubmit, "Submit", func(d *memoryDesk) *acquiring.Error {
			if old := d.byReceipt[r.ID]; old != nil {
				if old.receipt.Total() != r.Total() {
					return &acquiring.Error{Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected, Message: "the number is taken by another receipt"}
				}
				doc = old.view()
				doc.Existed = true
				return nil
			}
			n := len(d.documents) + 1
			made := &memoryDocument{receipt: r, Document: fiscal.Document{ID: fmt.Sprintf("D-%d", n), ReceiptID: r.ID, Status: fiscal.DocumentQueued}}
			d.documents[made.ID], d.byReceipt[r.ID] = made, made
			if m.opt.PrintAtOnce {
				d.print(made)
			}
			doc = made.view()
			return nil
		})
		if !unknown(ctx, err) {
			break
		}
	}
	if err != nil {
		return nil, err
	}
	return doc, nil
}

// GetDocument implements fiscal.Register.
func (m *MemoryRegister) GetDocument(ctx context.Context, id string) (doc *fiscal.Document, err error) {
	if id == "" {
		return nil, acquiring.InOp(memoryName, "GetDocument", acquiring.Invalid("ID", "is empty"))
	}
	for range 3 {
		err = m.do(ctx, OpDocument, "GetDocument", func(d *memoryDesk) *acquiring.Error {
			found := d.documents[id]
			if found == nil {
				return &acquiring.Error{Kind: acquiring.ErrNotFound, Outcome: acquiring.OutcomeRejected, Code: "404", Message: "no such document"}
			}
			doc = found.view()
			return nil
		})
		if err == nil {
			return doc, nil
		}
		if !errors.Is(err, acquiring.ErrUnavailable) || ctx.Err() != nil {
			break
		}
	}
	return nil, err
}

// view is a copy for the caller.
func (d *memoryDocument) view() *fiscal.Document {
	v := d.Document
	if v.Fiscal != nil {
		f := *v.Fiscal
		v.Fiscal = &f
	}
	if v.Failure != nil {
		f := *v.Failure
		v.Failure = &f
	}
	return &v
}

func (d *memoryDesk) print(doc *memoryDocument) {
	n := len(d.documents)
	doc.Status, doc.Failure = fiscal.DocumentPrinted, nil
	doc.Fiscal = &fiscal.FiscalData{
		FN: "9999078900000001", FD: fmt.Sprint(n), FP: fmt.Sprintf("%010d", 1000+n), Shift: 1, Number: n,
		RegNumber: "0000000000000001", Time: time.Now(), Total: doc.receipt.Total(), Type: doc.receipt.Type,
	}
	d.announce(doc)
}

// memoryNotice is the body of a callback.
type memoryNotice struct {
	ID      string `json:"id"`
	Receipt string `json:"receipt"`
	Status  string `json:"status"`
	Sign    string `json:"fp,omitempty"`
	Why     string `json:"why,omitempty"`
}

func (d *memoryDesk) announce(doc *memoryDocument) {
	n := memoryNotice{ID: doc.ID, Receipt: doc.ReceiptID, Status: doc.Status.String()}
	if doc.Fiscal != nil {
		n.Sign = doc.Fiscal.FP
	}
	if doc.Failure != nil {
		n.Why = doc.Failure.Message
	}
	doc.news = append(doc.news, mustJSON(n))
}

// Print is the cash register printing a queued document.
func (m *MemoryRegister) Print(id string) error {
	return m.queued(id, m.desk.print)
}

// Refuse is the cash register failing to print a queued document, because it
// is off.
func (m *MemoryRegister) Refuse(id string) error {
	return m.queued(id, func(doc *memoryDocument) {
		doc.Status = fiscal.DocumentFailed
		doc.Failure = &fiscal.DocumentFailure{Code: "off", Message: "the cash register is off", Retryable: true}
		m.desk.announce(doc)
	})
}

func (m *MemoryRegister) queued(id string, do func(*memoryDocument)) error {
	m.desk.mu.Lock()
	defer m.desk.mu.Unlock()
	doc := m.desk.documents[id]
	if doc == nil || doc.Status != fiscal.DocumentQueued {
		return errors.New("acquiringtest: no such document in the queue")
	}
	do(doc)
	return nil
}

// Fail arms a fault for calls to come: OpSubmit, OpDocument; Times 0 is once,
// and the call is made again then: to see the error give Times Always.
func (m *MemoryRegister) Fail(f Fault) {
	f.Times = max(f.Times, 1)
	m.desk.faults.mu.Lock()
	defer m.desk.faults.mu.Unlock()
	m.desk.faults.faults = append(m.desk.faults.faults, &f)
}

// Documents is how many documents the imaginary service has of the receipt.
func (m *MemoryRegister) Documents(receiptID string) int {
	m.desk.mu.Lock()
	defer m.desk.mu.Unlock()
	n := 0
	for _, doc := range m.desk.documents {
		if doc.ReceiptID == receiptID {
			n++
		}
	}
	return n
}

// memorySignature is the header with the signature of a callback.
const memorySignature = "X-Signature"

// Callbacks are the notifications of the document so far, oldest first, as a
// shop's server receives them; each call makes new requests.
func (m *MemoryRegister) Callbacks(id string) []*http.Request {
	m.desk.mu.Lock()
	defer m.desk.mu.Unlock()
	doc := m.desk.documents[id]
	if doc == nil {
		return nil
	}
	var out []*http.Request
	for _, body := range doc.news {
		header := http.Header{"Content-Type": {"application/json"}, memorySignature: {m.desk.sign(body)}}
		out = append(out, Delivered(http.MethodPost, "https://shop.example/receipt", header, body))
	}
	return out
}

func (d *memoryDesk) sign(body []byte) string {
	mac := hmac.New(sha256.New, d.key)
	_, _ = mac.Write(body)
	return hex.EncodeToString(mac.Sum(nil))
}

// VerifyCallback implements fiscal.Register: the signature is over the body as
// it came.
func (m *MemoryRegister) VerifyCallback(ctx context.Context, r *http.Request) (*fiscal.Document, error) {
	if r.Body == nil {
		return nil, forged("it has no body")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, memoryBodyLimit+1))
	if err != nil || len(body) > memoryBodyLimit {
		return nil, forged("its body cannot be read, or is larger than 64 KiB")
	}
	if !hmac.Equal([]byte(r.Header.Get(memorySignature)), []byte(m.desk.sign(body))) {
		return nil, forged("its signature is not the service's")
	}
	var n memoryNotice
	dec := json.NewDecoder(bytes.NewReader(body))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&n); err != nil || n.ID == "" {
		return nil, forged("it says nothing of a document")
	}
	doc := &fiscal.Document{ID: n.ID, ReceiptID: n.Receipt, Raw: body}
	switch n.Status {
	case fiscal.DocumentPrinted.String():
		doc.Status, doc.Fiscal = fiscal.DocumentPrinted, &fiscal.FiscalData{FP: n.Sign}
	case fiscal.DocumentFailed.String():
		doc.Status, doc.Failure = fiscal.DocumentFailed, &fiscal.DocumentFailure{Message: n.Why}
	default:
		doc.Status = fiscal.DocumentQueued
	}
	return doc, nil
}
