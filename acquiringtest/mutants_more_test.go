package acquiringtest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

var otherMutants = []mutant{
	{name: "takes an error for an unpaid payment", want: []string{"Fault/StatusServerError", "Fault/StatusHTML", "Fault/StatusCut", "Status/UnknownID"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			p, err := m.GetStatus(ctx, id)
			if err != nil {
				return &acquiring.Payment{ID: id, Status: acquiring.StatusPending, Currency: "RUB"}, nil
			}
			return p, nil
		})},
	{name: "reads once only", want: []string{"Fault/StatusRecovers"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (p *acquiring.Payment, err error) {
			err = m.change(ctx, OpStatus, "GetStatus", id, func(_ *memoryBank, found *memoryPayment) *acquiring.Error { p = found.view(); return nil })
			return p, err
		})},
	{name: "takes a hold for a payment", want: []string{"Hold/Authorised", "Hold/CaptureTooMuch"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			p, err := m.GetStatus(ctx, id)
			if err == nil && p.Status == acquiring.StatusAuthorized {
				p.Status, p.Captured = acquiring.StatusPaid, p.Amount
			}
			return p, err
		})},
	{name: "forgets what was refunded", want: []string{"Refund/Part", "Refund/Several"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			p, err := m.GetStatus(ctx, id)
			if err == nil {
				p.Refunded = 0
			}
			return p, err
		})},
	{name: "does not say why it was declined", want: []string{"Pay/Declined"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			p, err := m.GetStatus(ctx, id)
			if err == nil {
				p.Failure = nil
			}
			return p, err
		})},
	{name: "never lets an invoice expire", want: []string{"Pay/Expired"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			p, err := m.GetStatus(ctx, id)
			if err == nil && p.Status == acquiring.StatusExpired {
				p.Status = acquiring.StatusPending
			}
			return p, err
		})},
	{name: "shows the card", want: []string{"Pay/CallbackAndStatus"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			p, err := m.GetStatus(ctx, id)
			if err == nil && p.Card != nil {
				p.Card.Masked = "2200001111110053"
			}
			return p, err
		})},
	{name: "reads only the beginning of an ID", want: []string{"Status/HostileID"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			clean := acquiring.PaymentID(regexp.MustCompile(`^[0-9a-f-]*`).FindString(string(id)))
			p, err := m.GetStatus(ctx, clean)
			if err == nil {
				p.ID = id
			}
			return p, err
		})},
	{name: "loses Retry-After", want: []string{"Fault/StatusRateLimited"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			p, err := m.GetStatus(ctx, id)
			return p, changedError(err, func(e *acquiring.Error) { e.RetryAfter = 0 })
		})},
	{name: "leaks the password in errors", want: []string{"Errors/NoSecretAnywhere", "Create/WrongCredentials"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			p, err := m.GetStatus(ctx, id)
			return p, changedError(err, func(e *acquiring.Error) { e.Err = errors.New("GET /status?password=" + m.password) })
		}), change: withWrong(func(m *Memory) acquiring.Acquirer {
			return looks{m.Wrong(), func(_ *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
				p, err := m.Wrong().GetStatus(ctx, id)
				return p, changedError(err, func(e *acquiring.Error) { e.Err = errors.New("GET /status?password=" + m.password) })
			}}
		})},
	{name: "logs the password", want: []string{"Pay/CallbackAndStatus", "Errors/NoSecretAnywhere"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			m.log.Debug("request", "header", "Authorization: Bearer "+m.password)
			return m.GetStatus(ctx, id)
		})},
	{name: "gives errors of another type", want: []string{"Status/UnknownID"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			p, err := m.GetStatus(ctx, id)
			if err != nil {
				return nil, fmt.Errorf("status: %s", err)
			}
			return p, nil
		})},
	{name: "gives errors without operation", want: []string{"Status/UnknownID"},
		wrap: looking(func(m *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
			p, err := m.GetStatus(ctx, id)
			return p, changedError(err, func(e *acquiring.Error) { e.Op = "" })
		})},
	{name: "takes wrong credentials for a bad request", want: []string{"Create/WrongCredentials"},
		change: withWrong(func(m *Memory) acquiring.Acquirer {
			return looks{m.Wrong(), func(w *Memory, ctx ctxT, id acquiring.PaymentID) (*acquiring.Payment, error) {
				p, err := w.GetStatus(ctx, id)
				return p, changedError(err, func(e *acquiring.Error) { e.Kind = acquiring.ErrProtocol })
			}}
		})},
	{name: "keeps one account for the whole process", want: []string{"Shops/TwoInOneProcess", "Forgery/AnotherShopsNews"},
		wrap: nil, change: func(h *Harness) {
			inner := h.New
			h.Sequential = true
			h.New = func(t testing.TB, opt ShopOptions) *Shop {
				s := inner(t, opt)
				last = s.Config.(*Memory)
				s.Acquirer = global{s.Config.(*Memory)}
				return s
			}
		}},
	{name: "captures again and again", want: []string{"Hold/CaptureTwice", "Hold/CaptureAfterVoid", "Hold/CaptureUnpaid"},
		wrap: capturing(func(m *Memory, ctx ctxT, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
			p, err := m.Capture(ctx, r)
			if errors.Is(err, acquiring.ErrConflict) {
				return m.GetStatus(ctx, r.ID)
			}
			return p, err
		})},
	{name: "captures all for a part", want: []string{"Hold/CapturePart", "Hold/RefundAfterCapture"},
		wrap: capturing(func(m *Memory, ctx ctxT, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
			r.Amount = min(r.Amount, 0)
			return m.Capture(ctx, r)
		})},
	{name: "says the capture was refused when its answer was lost", want: []string{"Hold/CaptureLostAnswer"},
		wrap: capturing(func(m *Memory, ctx ctxT, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
			p, err := m.Capture(ctx, r)
			return p, changedError(err, func(e *acquiring.Error) { e.Outcome = acquiring.OutcomeRejected })
		})},
	{name: "voids nothing", want: []string{"Hold/Void"}, wrap: func(m *Memory) acquiring.Acquirer { return voids{m} }},
	{name: "cancels what is paid", want: []string{"Cancel/Paid"}, wrap: func(m *Memory) acquiring.Acquirer { return cancels{m} }},
	{name: "charges twice", want: []string{"Token/ChargeRepeated"}, wrap: func(m *Memory) acquiring.Acquirer { return charges{m} }},
	{name: "charges again when the answer is lost", want: []string{"Token/ChargeLostAnswer", "Token/UnknownToken"}, wrap: func(m *Memory) acquiring.Acquirer { return recharges{m} }},
	{name: "cannot forget a card twice", want: []string{"Token/Deleted"}, wrap: func(m *Memory) acquiring.Acquirer { return deletes{m} }},
	{name: "lists in silence and without filter", want: []string{"List/Filtered", "List/Stopped", "List/WrongCredentials"},
		wrap: func(m *Memory) acquiring.Acquirer { return lists{m} }, change: withWrong(func(m *Memory) acquiring.Acquirer { return lists{m.Wrong()} })},
	{name: "finds another order's payment", want: []string{"Find/ByOrder", "Find/UnknownOrder"}, wrap: func(m *Memory) acquiring.Acquirer { return finds{m} }},
	{name: "forgets the payment behind the code", want: []string{"QR/Paid"}, wrap: func(m *Memory) acquiring.Acquirer { return codes{m} }},
	{name: "has a Config that shows the password", want: []string{"Config/HidesSecrets"},
		change: func(h *Harness) {
			inner := h.New
			h.New = func(t testing.TB, opt ShopOptions) *Shop {
				s := inner(t, opt)
				s.Config = struct{ UserName, Password string }{"api", s.Secrets[0]}
				return s
			}
		}},
	{name: "has one name for two shops", want: []string{"Config/Named"}, wrap: func(m *Memory) acquiring.Acquirer { return nameless{m} }},
	{name: "is a client that shows the password", want: []string{"Config/HidesSecrets"}, change: func(h *Harness) {
		inner := h.New
		h.New = func(t testing.TB, opt ShopOptions) *Shop {
			s := inner(t, opt)
			s.Acquirer = &struct {
				acquiring.Acquirer
				config struct{ password string }
			}{s.Acquirer, struct{ password string }{s.Secrets[0]}}
			return s
		}
	}},
	{name: "harness: no customer", want: []string{"Pay/CallbackAndStatus", "Pay/Declined", "Pay/Expired"},
		change: lacking(func(s *Shop) { s.Pay, s.Decline, s.Expire = nil, nil, nil })},
	{name: "harness: no books", want: []string{"Refund/Part", "Create/Repeated", "Hold/Void"},
		change: lacking(func(s *Shop) { s.Books, s.Orders = nil, nil })},
	{name: "harness: no callbacks", want: []string{"Callback/Paid", "Forgery/ValueChanged"}, change: lacking(func(s *Shop) { s.Callbacks = nil })},
	{name: "harness: no faults", want: []string{"Fault/CreateLostAnswer"}, change: lacking(func(s *Shop) { s.Fail = nil })},
	{name: "harness: nobody counts requests", want: []string{"Create/InvalidRefusedBeforeSending"}, change: lacking(func(s *Shop) { s.Requests = nil })},
	{name: "takes an empty password", want: []string{"Config/BadRefused"},
		change: func(h *Harness) { h.BadConfigs["Config.Password"] = func() error { return nil } }},
	{name: "names another field of the Config", want: []string{"Config/BadRefused"},
		change: func(h *Harness) {
			h.BadConfigs["Config.Environment"] = func() error {
				return acquiring.InOp(memoryName, "New", acquiring.Invalid("Config.Password", "is empty"))
			}
		}},
}

// last is what a careless package keeps in a variable.
var last *Memory

// nameless is a client that forgets its shop's label.
type nameless struct{ *Memory }

func (nameless) Name() (provider, shop string) { return memoryName, "" }

// global is a client that uses the account that was set up last.
type global struct{ *Memory }

func (global) CreateInvoice(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
	return last.CreateInvoice(ctx, r)
}
func (global) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	return last.GetStatus(ctx, id)
}
func (global) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	return last.VerifyCallback(ctx, r)
}

// lacking is a harness that was not filled in.
func lacking(drop func(*Shop)) func(*Harness) {
	return func(h *Harness) {
		inner := h.New
		h.New = func(t testing.TB, opt ShopOptions) *Shop {
			s := inner(t, opt)
			drop(s)
			return s
		}
	}
}

func withWrong(wrong func(*Memory) acquiring.Acquirer) func(*Harness) {
	return func(h *Harness) {
		inner := h.New
		h.New = func(t testing.TB, opt ShopOptions) *Shop {
			s := inner(t, opt)
			s.Wrong = func() acquiring.Acquirer { return wrong(s.Config.(*Memory)) }
			return s
		}
	}
}

// mutantVariable names the mutant that a child process is to run.
const mutantVariable = "ACQUIRINGTEST_MUTANT"

// TestMutant runs the suite over one mutant, in a process of its own: it is
// meant to fail.
func TestMutant(t *testing.T) {
	name := os.Getenv(mutantVariable)
	if name == "" {
		t.Skip("only in the processes that TestTheSuiteFindsMutants starts")
	}
	for _, m := range slices.Concat(callbackMutants, requestMutants, otherMutants) {
		if m.name == name {
			h := memoryHarness(m.opt, m.wrap)
			if m.change != nil {
				m.change(&h)
			}
			Run(t, h)
			return
		}
	}
	if !runCarrierMutant(t, name) {
		runRegisterMutant(t, name)
	}
}

// TestTheSuiteFindsMutants shows that the suite can fail: each mutant fails
// just where it should.
func TestTheSuiteFindsMutants(t *testing.T) {
	var caught []string
	all := slices.Concat(callbackMutants, requestMutants, otherMutants)
	t.Run("each", func(t *testing.T) {
		for _, m := range all {
			caught = append(caught, m.want...)
			t.Run(m.name, func(t *testing.T) {
				t.Parallel()
				findMutant(t, m.name, m.want)
			})
		}
	})
	for _, b := range caught {
		assert.Contains(t, Names(), b, "a mutant waits for a behaviour that is not there")
	}
}

// findMutant runs the behaviours over the mutant and looks that each fails.
func findMutant(t *testing.T, name string, want []string) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	var groups, members []string
	for _, b := range want {
		group, member, _ := strings.Cut(b, "/")
		groups, members = append(groups, group), append(members, member)
	}
	pattern := fmt.Sprintf("^TestMutant$/^(%s)$/^(%s)$", strings.Join(groups, "|"), strings.Join(members, "|"))
	cmd := exec.CommandContext(t.Context(), exe, "-test.run", pattern, "-test.v", "-test.timeout", "60s")
	cmd.Env = append(os.Environ(), mutantVariable+"="+name)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, "the mutant passes:\n%s", out)
	for _, b := range want {
		assert.Regexp(t, `--- FAIL: TestMutant/`+regexp.QuoteMeta(b)+` `, string(out), "the suite does not see the mutant in %s", b)
	}
	t.Logf("found:\n%s", complaints(out))
}

// complaints are the lines of the failures' own words.
func complaints(out []byte) string {
	var b strings.Builder
	for line := range strings.SplitSeq(string(out), "\n") {
		if strings.Contains(line, ".go:") && b.Len() < 1000 {
			b.WriteString(strings.TrimSpace(line) + "\n")
		}
	}
	return b.String()
}

// TestSkip shows that a skip without a reason, or of nothing, fails the run.
func TestSkip(t *testing.T) {
	for name, reason := range map[string]string{"Refund/Nothing": "a reason", "Refund/Part": " "} {
		h := memoryHarness(MemoryOptions{}, nil)
		h.Skip[name] = reason
		wrong := wrongSkips(h.Skip, Names())
		assert.Equal(t, []string{name}, wrong)
	}
	assert.Empty(t, wrongSkips(map[string]string{"Hold": "one-stage only", "Refund/Part": "whole only"}, Names()))
}

// TestNames shows that no two behaviours share a name.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for _, name := range append(Names(), RegisterNames()...) {
		assert.False(t, seen[name], name)
		assert.Regexp(t, `^[A-Z][A-Za-z]+/[A-Z][A-Za-z]+$`, name)
		seen[name] = true
	}
}
