package acquiringtest

import (
	"testing"

	"github.com/acquiring-go/acquiring"
)

// memoryHarness runs the suite over Memory, or over what wrap makes of it.
func memoryHarness(opt MemoryOptions, wrap func(*Memory) acquiring.Acquirer) Harness {
	return Harness{
		Provider: memoryName,
		New: func(t testing.TB, so ShopOptions) *Shop {
			o := opt
			o.Shop, o.Logger = so.Label, so.Logger
			m := NewMemory(o)
			var a acquiring.Acquirer = m
			if wrap != nil {
				a = wrap(m)
			}
			return &Shop{
				Acquirer: a,
				Wrong:    func() acquiring.Acquirer { return m.Wrong() },
				Secrets:  []string{m.password, string(m.bank.key)},
				Config:   m,
				Pay:      m.Pay, Decline: m.Decline, Expire: m.Expire, Settle: m.Settle,
				Fail:      func(f Fault) error { m.Fail(f); return nil },
				Callbacks: m.Callbacks,
				Books:     m.Books,
				Orders:    m.bank.payable,
				Requests:  func() int { m.bank.mu.Lock(); defer m.bank.mu.Unlock(); return m.bank.requests },
			}
		},
		BadConfigs: map[string]func() error{
			"Config.Password": func() error {
				return acquiring.InOp(memoryName, "New", acquiring.Invalid("Config.Password", "is empty"))
			},
		},
		Quirks: Quirks{
			UnsignedCallbacks: opt.UnsignedCallbacks, AsyncRefund: opt.AsyncRefunds, MaxOrderID: MemoryMaxOrderID,
			Signature: signatureOf(opt),
		},
		Skip: map[string]string{"Pay/DeclinedThenPaid": "a declined payment of Memory stays declined"},
	}
}

func signatureOf(opt MemoryOptions) []string {
	if opt.UnsignedCallbacks {
		return nil
	}
	return []string{"sign"}
}

// A fault without Times happens once, as one of an emulator does: the call is
// made again, and succeeds.
func TestMemoryFaultHappensOnce(t *testing.T) {
	m := NewMemory(MemoryOptions{})
	m.Fail(Fault{Op: OpCreate, Kind: ServerError})
	if _, err := m.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: 100}); err != nil {
		t.Fatal(err)
	}
	if m.bank.requests != 3 { // the failed one, the look for the order, and the one that is made again
		t.Errorf("the invoice took %d requests instead of three", m.bank.requests)
	}
	kassa := NewMemoryRegister(MemoryRegisterOptions{})
	r := *receipt(ordinarySum)
	r.ID = "R-1"
	kassa.Fail(Fault{Op: OpSubmit, Kind: ServerError})
	if _, err := kassa.Submit(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if kassa.desk.requests != 2 {
		t.Errorf("the receipt took %d requests instead of two", kassa.desk.requests)
	}
}

func TestMemory(t *testing.T) { Run(t, memoryHarness(MemoryOptions{}, nil)) }

func TestMemoryUnsigned(t *testing.T) {
	Run(t, memoryHarness(MemoryOptions{UnsignedCallbacks: true}, nil))
}

func TestMemoryAsyncRefunds(t *testing.T) {
	Run(t, memoryHarness(MemoryOptions{AsyncRefunds: true}, nil))
}
