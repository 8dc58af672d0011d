package tochka

import (
	"container/list"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// Ledger remembers what was asked of the bank under the shop's own keys: the
// bank knows no key of a refund or a charge, and no order number of a QR code.
// A shop that must not refund twice after a restart, or runs on several
// machines, keeps the entries in its own database: package tochka/sqlledger does
// so over database/sql, in one table unique over Shop, Kind, Payment and Key.
// [NewMemoryLedger] remembers as long as the process lives.
//
// An entry without ID whose Client crashed is taken over by another after two
// minutes; a row of Kind "takeover" says by whom, so that it is one only. The
// clocks of the machines must agree as far as that.
//
// It is safe for concurrent use. Its errors stop the call before anything is
// sent, or are told after it.
type Ledger interface {
	// Begin stores the entry unless there is one with the same Shop, Kind,
	// Payment and Key; then it returns that one and stores nothing. The two
	// must be one step for all processes.
	Begin(ctx context.Context, e LedgerEntry) (existing *LedgerEntry, err error)
	// Save replaces the entry with the same Shop, Kind, Payment and Key.
	Save(ctx context.Context, e LedgerEntry) error
	// Forget removes it: the bank surely did not carry it out.
	Forget(ctx context.Context, e LedgerEntry) error
	// OfPayment are all entries of a kind with that Payment, oldest first.
	OfPayment(ctx context.Context, shop, kind, payment string) ([]LedgerEntry, error)
	// ByID is the entry of a kind with that ID; nil: there is none.
	ByID(ctx context.Context, shop, kind, id string) (*LedgerEntry, error)
}

// Kinds of entries in a Ledger; LedgerSubscription is one more.
const (
	LedgerRefund = "refund" // Key is RefundRequest.Key
	LedgerCharge = "charge" // Key is ChargeRequest.OrderID
	LedgerQR     = "qr"     // Key is InvoiceRequest.OrderID
)

// unseen is the ID of what the bank surely did under a number that could not be
// seen yet: it is never asked for again.
const unseen = "?"

// LedgerEntry is one thing that was asked of the bank.
type LedgerEntry struct {
	Shop    string       // Config.Shop
	Kind    string       // LedgerRefund, LedgerCharge, LedgerQR, LedgerSubscription, or "takeover" (see Ledger)
	Payment string       // the operation or the QR code refunded, the subscription charged; of a QR code made, Config.CustomerCode
	Key     string       // the shop's own
	Amount  money.Amount // of the refund, the charge or the code
	Seen    []string     // the bank's numbers of such entries before it was asked
	ID      string       // the bank's number; "": the outcome is not known; "?": it was done, and the number is not to be seen yet
	Owner   string       // of the Client that asked; tells a crash from work under way
	At      time.Time    // when it was asked for last
}

// NewMemoryLedger is a Ledger of this process. It holds at most limit entries
// (0: 100 000) and forgets the oldest.
func NewMemoryLedger(limit int) Ledger {
	if limit <= 0 {
		limit = 100_000
	}
	return &memoryLedger{limit: limit, entries: map[ledgerKey]*list.Element{}, byID: map[ledgerKey]*list.Element{}, ofPayment: map[ledgerKey][]*list.Element{}}
}

type ledgerKey struct{ shop, kind, payment, key string }

type memoryLedger struct {
	mu        sync.Mutex
	limit     int
	order     list.List // of *LedgerEntry, oldest first
	entries   map[ledgerKey]*list.Element
	byID      map[ledgerKey]*list.Element   // payment "", key the ID
	ofPayment map[ledgerKey][]*list.Element // key ""
}

func keyOf(e *LedgerEntry) ledgerKey { return ledgerKey{e.Shop, e.Kind, e.Payment, e.Key} }
func idOf(e *LedgerEntry) ledgerKey  { return ledgerKey{e.Shop, e.Kind, "", e.ID} }
func ofOf(e *LedgerEntry) ledgerKey  { return ledgerKey{e.Shop, e.Kind, e.Payment, ""} }

// copyOf is an entry that shares nothing with the one stored.
func copyOf(e *LedgerEntry) LedgerEntry {
	c := *e
	c.Seen = slices.Clone(e.Seen)
	return c
}

func (m *memoryLedger) Begin(_ context.Context, e LedgerEntry) (*LedgerEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, ok := m.entries[keyOf(&e)]; ok {
		old := copyOf(at.Value.(*LedgerEntry))
		return &old, nil
	}
	m.put(e)
	return nil, nil
}

func (m *memoryLedger) put(e LedgerEntry) {
	own := copyOf(&e)
	at := m.order.PushBack(&own)
	m.entries[keyOf(&own)] = at
	m.ofPayment[ofOf(&own)] = append(m.ofPayment[ofOf(&own)], at)
	if own.ID != "" {
		m.byID[idOf(&own)] = at
	}
	if m.order.Len() > m.limit {
		m.drop(m.order.Front())
	}
}

func (m *memoryLedger) drop(at *list.Element) {
	e := m.order.Remove(at).(*LedgerEntry)
	delete(m.entries, keyOf(e))
	delete(m.byID, idOf(e))
	of := ofOf(e)
	rest := slices.DeleteFunc(m.ofPayment[of], func(o *list.Element) bool { return o == at })
	if len(rest) == 0 {
		delete(m.ofPayment, of)
	} else {
		m.ofPayment[of] = rest
	}
}

func (m *memoryLedger) Save(_ context.Context, e LedgerEntry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.entries[keyOf(&e)]
	if !ok {
		m.put(e)
		return nil
	}
	old := at.Value.(*LedgerEntry)
	delete(m.byID, idOf(old))
	*old = copyOf(&e)
	if old.ID != "" {
		m.byID[idOf(old)] = at
	}
	return nil
}

func (m *memoryLedger) Forget(_ context.Context, e LedgerEntry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if at, ok := m.entries[keyOf(&e)]; ok {
		m.drop(at)
	}
	return nil
}

func (m *memoryLedger) OfPayment(_ context.Context, shop, kind, payment string) ([]LedgerEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []LedgerEntry
	for _, at := range m.ofPayment[ledgerKey{shop, kind, payment, ""}] {
		out = append(out, copyOf(at.Value.(*LedgerEntry)))
	}
	return out, nil
}

func (m *memoryLedger) ByID(_ context.Context, shop, kind, id string) (*LedgerEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.byID[ledgerKey{shop, kind, "", id}]
	if !ok {
		return nil, nil
	}
	e := copyOf(at.Value.(*LedgerEntry))
	return &e, nil
}
