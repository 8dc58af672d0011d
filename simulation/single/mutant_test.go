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
