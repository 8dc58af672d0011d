package paykeeper

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// meeting is a Store whose first two readers of a key see the same: neither
// goes on before the other has read.
type meeting struct {
	Store
	suffix  string
	mu      sync.Mutex
	readers int
	both    chan struct{}
}

func (m *meeting) Get(ctx context.Context, key string) ([]byte, error) {
	value, err := m.Store.Get(ctx, key)
	if !strings.HasSuffix(key, m.suffix) {
		return value, err
	}
	m.mu.Lock()
	m.readers++
	n := m.readers
	if n == 2 {
		close(m.both)
	}
	m.mu.Unlock()
	if n <= 2 {
		<-m.both
	}
	return value, err
}

// A program died in the middle of a call, or the service refused it, and two
// others find what it left at the same moment: one of them makes the call.
func TestCrashedCallIsTakenOverByOneProgram(t *testing.T) {
	refused := `{"result":"fail","msg":"Попробуйте позже"}`
	for name, call := range map[string]struct {
		path, key string
		do        func(c *Client, inv acquiring.PaymentID) error
		made      func(f *fake) int
	}{
		"refund": {"/change/payment/reverse/", "/refund/k1", func(c *Client, inv acquiring.PaymentID) error {
			_, err := c.Acquirer().Refund(context.Background(), refundOf(inv, "k1", money.RUB(200, 0)))
			return err
		}, func(f *fake) int { return len(f.refunds) }},
		"receipt": {"/change/receipt/print/", "/receipt/R-1", func(c *Client, _ acquiring.PaymentID) error {
			_, err := c.Submit(context.Background(), sale("R-1"))
			return err
		}, func(f *fake) int { return len(f.receipts) }},
		"charge": {"/change/binding/execute/", "/charge/S-1", func(c *Client, _ acquiring.PaymentID) error {
			_, err := c.Acquirer().Charge(context.Background(), acquiring.ChargeRequest{Token: "5f0c", OrderID: "S-1", Amount: money.RUB(250, 0),
				Description: "Подписка", Customer: acquiring.Customer{ID: "user-9"}})
			return err
		}, func(f *fake) int { return len(f.payments) - 1 }},
	} {
		for _, left := range []string{"died", "refused"} {
			t.Run(name+"/"+left, func(t *testing.T) {
				f := newFake(t)
				shared := NewMemoryStore(0)
				now := today
				with := func(s Store) *Client {
					return f.client(func(c *Config) { c.Store, c.Now = s, func() time.Time { return now } })
				}
				inv := issue(t, with(shared).Acquirer(), "A-1", money.RUB(1000, 0))
				f.Pay(inv.ID)
				if left == "died" {
					f.fail(call.path, drop)
				} else {
					f.answers[call.path] = refused
				}
				require.Error(t, call.do(with(shared), inv.ID))
				delete(f.answers, call.path)
				require.Zero(t, call.made(f))

				now = now.Add(inFlight)
				store := &meeting{Store: shared, suffix: call.key, both: make(chan struct{})}
				errs := make([]error, 2)
				var wg sync.WaitGroup
				for i := range errs {
					c := with(store)
					wg.Go(func() { errs[i] = call.do(c, inv.ID) })
				}
				wg.Wait()
				assert.Equal(t, 1, call.made(f))
				for _, err := range errs {
					if err != nil {
						wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeUnknown)
					}
				}
				require.NoError(t, call.do(with(shared), inv.ID))
				assert.Equal(t, 1, call.made(f), "and it is known to be done")
				for name := range shared.values {
					assert.LessOrEqual(t, len(name), 64, "no key is longer than what it is made of")
				}
			})
		}
	}
}

// Two programs give the same sum back under two keys. The refund of the one that
// is answered late is not taken for that of the one that never arrived.
func TestTwinRefundsOfTwoProgramsAreToldApart(t *testing.T) {
	f := newFake(t)
	shared := NewMemoryStore(0)
	one, two := f.client(func(c *Config) { c.Store = shared }), f.client(func(c *Config) { c.Store = shared })
	inv := issue(t, one.Acquirer(), "A-1", money.RUB(1000, 0))
	f.Pay(inv.ID)
	var other error
	way := &meanwhile{at: "/change/payment/reverse/", do: func() {
		// The first is carried out; its answer is still under way.
		f.fail("/change/payment/reverse/", drop)
		_, other = two.Acquirer().Refund(bg(t), refundOf(inv.ID, "k2", money.RUB(200, 0)))
	}}
	slow := f.client(func(c *Config) { c.Store, c.HTTPClient = shared, &http.Client{Transport: way} })
	first, err := slow.Acquirer().Refund(bg(t), refundOf(inv.ID, "k1", money.RUB(200, 0)))
	require.NoError(t, err)
	require.Len(t, f.refunds, 1)
	wantError(t, other, acquiring.ErrConflict, acquiring.OutcomeUnknown)
	f.mu.Lock()
	clear(f.faults)
	f.mu.Unlock()
	second, err := two.Acquirer().Refund(bg(t), refundOf(inv.ID, "k2", money.RUB(200, 0)))
	require.NoError(t, err)
	assert.NotEqual(t, first.ID, second.ID)
	assert.Len(t, f.refunds, 2)
}

// meanwhile does something between the first request of a path and its answer.
type meanwhile struct {
	at string
	do func()
}

func (m *meanwhile) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := http.DefaultTransport.RoundTrip(r)
	if do := m.do; r.URL.Path == m.at && do != nil {
		m.do = nil
		do()
	}
	return resp, err
}

// Who took a call over and died too is followed in his turn.
func TestCrashedCallIsTakenOverAgain(t *testing.T) {
	f := newFake(t)
	store := NewMemoryStore(0)
	now := today
	client := func() *Client {
		return f.client(func(c *Config) { c.Store, c.Now = store, func() time.Time { return now } })
	}
	for i := range 4 {
		if i < 3 {
			f.fail("/change/receipt/print/", drop)
		}
		_, err := client().Submit(bg(t), sale("R-1"))
		if i < 3 {
			wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
		} else {
			require.NoError(t, err)
		}
		now = now.Add(inFlight)
	}
	assert.Len(t, f.receipts, 1)

	// One noted that he takes it over, and died before he could say so.
	f.fail("/change/receipt/print/", drop)
	_, err := client().Submit(bg(t), sale("R-2"))
	require.Error(t, err)
	now = now.Add(inFlight)
	dying := f.client(func(c *Config) {
		c.Store, c.Now = deaf{store}, func() time.Time { return now }
	})
	_, err = dying.Submit(bg(t), sale("R-2"))
	require.Error(t, err)
	_, err = client().Submit(bg(t), sale("R-2"))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeUnknown)
	now = now.Add(inFlight)
	d, err := client().Submit(bg(t), sale("R-2"))
	require.NoError(t, err)
	assert.Equal(t, fiscal.DocumentQueued, d.Status)
	assert.Len(t, f.receipts, 2)
}

// deaf is a Store that sets nothing.
type deaf struct{ Store }

func (deaf) Set(context.Context, string, []byte) error { return context.DeadlineExceeded }

// marking is a Store that does something before a call is marked as taken over.
type marking struct {
	Store
	do func()
}

func (m *marking) Add(ctx context.Context, key string, value []byte) (bool, error) {
	if do := m.do; do != nil && strings.Contains(key, "/after/") {
		m.do = nil
		do()
	}
	return m.Store.Add(ctx, key, value)
}

// A call that another took over and finished, since this program looked, is not
// made again.
func TestCallThatWasFinishedMeanwhileIsNotMadeAgain(t *testing.T) {
	f := newFake(t)
	store, now := NewMemoryStore(0), today
	client := func(s Store) *Client {
		return f.client(func(c *Config) { c.Store, c.Now = s, func() time.Time { return now } })
	}
	f.fail("/change/receipt/print/", drop)
	_, err := client(store).Submit(bg(t), sale("R-1"))
	require.Error(t, err)
	now = now.Add(inFlight)
	late := client(&marking{Store: store, do: func() {
		_, err := client(store).Submit(bg(t), sale("R-1"))
		require.NoError(t, err)
		now = now.Add(inFlight)
	}})
	_, err = late.Submit(bg(t), sale("R-1"))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeUnknown)
	assert.Len(t, f.receipts, 1)
}
