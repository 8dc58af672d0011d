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

func TestMemory(t *testing.T) { Run(t, memoryHarness(MemoryOptions{}, nil)) }

func TestMemoryUnsigned(t *testing.T) {
	Run(t, memoryHarness(MemoryOptions{UnsignedCallbacks: true}, nil))
}

func TestMemoryAsyncRefunds(t *testing.T) {
	Run(t, memoryHarness(MemoryOptions{AsyncRefunds: true}, nil))
}
