package single_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/simulation/crm"
	"github.com/acquiring-go/acquiring/simulation/single"
	"github.com/acquiring-go/acquiring/simulation/world"
	"github.com/acquiring-go/acquiring/webhook"
)

// unmarked runs process in its transaction, and leaves no mark that the next
// one would meet.
type unmarked struct {
	webhook.Inbox
	n *atomic.Int64
}

func (u unmarked) Once(ctx context.Context, key string, process func(ctx context.Context) error) error {
	return u.Inbox.Once(ctx, fmt.Sprint(key, "/", u.n.Add(1)), process)
}

// outside marks in one transaction and processes in another.
type outside struct{ webhook.Inbox }

func (o outside) Once(ctx context.Context, key string, process func(ctx context.Context) error) error {
	fresh := false
	err := o.Inbox.Once(ctx, key, func(context.Context) error { fresh = true; return nil })
	if err != nil || !fresh {
		return err
	}
	return o.Inbox.Once(ctx, key+"/work", process)
}

// trusting takes Sberbank's callback for what it says when its signature does
// not fit.
type trusting struct{ acquiring.Acquirer }

func (a trusting) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	cb, err := a.Acquirer.VerifyCallback(ctx, r)
	if !errors.Is(err, acquiring.ErrSignature) {
		return cb, err
	}
	var said struct{ MdOrder, OrderNumber string }
	if json.Unmarshal(body, &said) != nil || said.OrderNumber == "" {
		return nil, err
	}
	return &acquiring.Callback{Key: said.MdOrder + "/forged", PaymentID: acquiring.PaymentID(said.MdOrder), OrderID: said.OrderNumber, Status: acquiring.StatusPaid, Signed: true,
		Payment: &acquiring.Payment{ID: acquiring.PaymentID(said.MdOrder), OrderID: said.OrderNumber, Status: acquiring.StatusPaid, Amount: 100, Captured: 100}}, nil
}

// taker is a client that a mutant changes.
type taker interface {
	acquiring.Acquirer
	acquiring.Capturer
	acquiring.Finder
}

// eager takes money that is held for money that was paid.
type eager struct{ taker }

func (a eager) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	p, err := a.taker.GetStatus(ctx, id)
	if err == nil && p.Status == acquiring.StatusAuthorized {
		p.Status, p.Captured = acquiring.StatusPaid, p.Amount
	}
	return p, err
}

// greedy takes the whole of a hold, whatever was wanted of it.
type greedy struct{ taker }

func (a greedy) Capture(ctx context.Context, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
	wanted := r.Amount
	r.Amount = 0
	p, err := a.taker.Capture(ctx, r)
	if err == nil {
		p.Captured = wanted // and says nothing of it
	}
	return p, err
}

// forgetful says that it let a hold go, and does not.
type forgetful struct{ taker }

func (a forgetful) Void(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	p, err := a.taker.GetStatus(ctx, id)
	if err == nil {
		p.Status = acquiring.StatusVoided
	}
	return p, err
}

// whole says of each bank that it takes the whole of a hold or nothing.
type whole struct{ taker }

func (a whole) Capture(ctx context.Context, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
	p, err := a.GetStatus(ctx, r.ID)
	if err == nil && r.Amount != p.Amount {
		return nil, acquiring.Unsupported("whole", "Capture", "not a part")
	}
	return a.taker.Capture(ctx, r)
}

// TestHoldMutants: the comparison sees what a program does wrong with a hold,
// also where ledger and books agree.
func TestHoldMutants(t *testing.T) {
	clear, err := world.WeatherNamed("clear")
	require.NoError(t, err)
	for name, m := range map[string]struct {
		change func(taker) acquiring.Acquirer
		says   []string
		agree  bool // what was credited is what was captured
	}{
		"credits what is held":      {func(a taker) acquiring.Acquirer { return eager{a} }, []string{": captured 0.00, credited ", "the shop never showed it"}, false},
		"takes all, wanted a part":  {func(a taker) acquiring.Acquirer { return greedy{a} }, []string{"the provider should have "}, true},
		"lets nothing go":           {func(a taker) acquiring.Acquirer { return forgetful{a} }, []string{" is held still, wanted was 0.00 of "}, true},
		"refuses what the bank can": {func(a taker) acquiring.Acquirer { return whole{a} }, []string{"the shop refused what "}, true},
	} {
		t.Run(name, func(t *testing.T) {
			r := play(t, single.Options{Seed: *seed, Orders: 120, Weather: clear, Acquirer: func(_ string, a acquiring.Acquirer) acquiring.Acquirer {
				if c, ok := a.(taker); ok {
					return m.change(c)
				}
				return a
			}})
			for _, says := range m.says {
				found := false
				for _, f := range r.Faults {
					found = found || strings.Contains(f, says)
				}
				assert.True(t, found, "no %q; the comparison says only %q", says, r.Faults)
			}
			assert.Equal(t, m.agree, r.Captured == r.Credited)
			t.Logf("captured %s, credited %s, holds %d taken, %d in part, %d let go, %d differences", r.Captured, r.Credited, r.Taken, r.InPart, r.LetGo, len(r.Faults))
		})
	}
}

// TestMutants: the comparison sees what a program does wrong that neglects one
// of the library's rules.
func TestMutants(t *testing.T) {
	weather := func(name string) world.Weather {
		w, err := world.WeatherNamed(name)
		require.NoError(t, err)
		return w
	}
	for name, m := range map[string]struct {
		o    single.Options
		says string
	}{
		"an inbox that does not mark": {single.Options{Weather: weather("doubled"),
			Inbox: func(i webhook.Inbox) webhook.Inbox { return unmarked{i, new(atomic.Int64)} }}, ", credited "},
		"credited outside the transaction": {single.Options{Weather: weather("clear"), Lifetime: 25,
			Inbox: func(i webhook.Inbox) webhook.Inbox { return outside{i} }}, "credited 0.00"},
		"a handler that trusts": {single.Options{Weather: weather("forged"), Trust: true,
			Acquirer: func(name string, a acquiring.Acquirer) acquiring.Acquirer {
				if name == crm.Sberbank {
					return trusting{a}
				}
				return a
			}}, "a forged callback"},
	} {
		t.Run(name, func(t *testing.T) {
			m.o.Seed, m.o.Orders = *seed, 60
			m.o.NoExpectation = m.o.Trust // the sum is another line of defence
			r := play(t, m.o)
			found := false
			for _, f := range r.Faults {
				found = found || strings.Contains(f, m.says)
			}
			assert.True(t, found, "the comparison says only %q", r.Faults)
			assert.NotEqual(t, r.Captured, r.Credited)
			t.Logf("captured %s, credited %s, %d forged believed, %d differences", r.Captured, r.Credited, r.ForgedAccepted, len(r.Faults))
		})
	}
}
