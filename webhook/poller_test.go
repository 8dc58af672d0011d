package webhook_test

import (
	"bytes"
	"context"
	"errors"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// open is the shop's list of open payments.
type open struct {
	mu    sync.Mutex
	items []webhook.Pending
	err   error
}

func (o *open) set(items ...webhook.Pending) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.items = items
}

func (o *open) list(context.Context) iter.Seq2[webhook.Pending, error] {
	return func(yield func(webhook.Pending, error) bool) {
		o.mu.Lock()
		items, err := append([]webhook.Pending(nil), o.items...), o.err
		o.mu.Unlock()
		for _, i := range items {
			if !yield(i, nil) {
				return
			}
		}
		if err != nil {
			yield(webhook.Pending{}, err)
		}
	}
}

// polling runs a Poller in a bubble until the test ends.
type pollTest struct {
	bank  *bank
	open  *open
	books *books
	seen  *sightings
	inbox webhook.Inbox
	stop  func()
}

func startPoller(t *testing.T, change func(*webhook.Poller)) *pollTest {
	t.Helper()
	p := &pollTest{bank: newBank("school"), open: &open{}, books: &books{}, seen: &sightings{}, inbox: webhook.NewMemoryInbox(0)}
	poller := &webhook.Poller{Pending: p.open.list, Process: p.books.process, Inbox: p.inbox, Observe: p.seen.observe, Logger: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(poller)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- poller.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		assert.NoError(t, <-ended)
	})
	return p
}

func (p *pollTest) pending(id acquiring.PaymentID) webhook.Pending {
	return webhook.Pending{Acquirer: p.bank, ID: id, Status: acquiring.StatusPending, Since: time.Now()}
}

func TestPollerFindsThePaymentWhoseCallbackNeverCame(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, nil)
		defer p.stop()
		p.bank.set("p1", "A-7", acquiring.StatusPending, 149990)
		p.open.set(p.pending("p1"))
		time.Sleep(5 * time.Minute)
		assert.Empty(t, p.books.all(), "pending is no news")
		p.bank.set("p1", "A-7", acquiring.StatusPaid, 149990)
		time.Sleep(5 * time.Minute)
		events := p.books.all()
		require.Len(t, events, 1)
		e := events[0]
		assert.Equal(t, webhook.FromPoller, e.Source)
		assert.Equal(t, "bank/school/p1/paid", e.Key)
		assert.Equal(t, money.Amount(149990), e.Payment.Captured)
		require.NotNil(t, e.Callback)
		assert.Equal(t, acquiring.CallbackPayment, e.Callback.Kind)
		assert.Equal(t, acquiring.PaymentID("p1"), e.Callback.PaymentID)
		assert.Equal(t, "A-7", e.Callback.OrderID)
		assert.Equal(t, acquiring.StatusPaid, e.Callback.Status)
		assert.False(t, e.Callback.Signed)
		assert.False(t, e.GaveUp)
		o := p.seen.last()
		assert.Equal(t, webhook.FromPoller, o.Source)
		assert.Zero(t, o.HTTP)
	})
}

func TestPollAndCallbackOfTheSameNewsCreditOnce(t *testing.T) {
	for name, opts := range map[string][]webhook.Option{"read back": nil, "trusted": {webhook.TrustCallback()}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := startPoller(t, nil)
				defer p.stop()
				h := webhook.Handler(p.bank, p.books.process, append(opts, quiet, webhook.WithInbox(p.inbox))...)
				p.bank.set("p1", "A-1", acquiring.StatusPaid, 1000)
				p.bank.set("p2", "A-2", acquiring.StatusPaid, 1000)
				p.open.set(p.pending("p1"), p.pending("p2"))

				code, _, _ := send(h, p.bank.notify("id", "p1", "status", "paid", "amount", "1000"))
				assert.Equal(t, 200, code)
				time.Sleep(2 * time.Minute)
				code, _, _ = send(h, p.bank.notify("id", "p2", "status", "paid", "amount", "1000"))
				assert.Equal(t, 200, code, "late, and answered success")
				require.Len(t, p.books.all(), 2)
				assert.Contains(t, p.seen.outcomes(), webhook.Duplicate)
			})
		})
	}
}

func TestPollerAsksEverMoreRarely(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, func(p *webhook.Poller) { p.Every = time.Second; p.Last = 10 * time.Minute })
		defer p.stop()
		var mu sync.Mutex
		var asked []time.Duration
		start := time.Now()
		p.bank.set("p1", "A-7", acquiring.StatusPending, 1000)
		p.bank.onAsk = func() {
			mu.Lock()
			defer mu.Unlock()
			asked = append(asked, time.Since(start))
		}
		p.open.set(p.pending("p1"))
		time.Sleep(6 * time.Hour)
		mu.Lock()
		defer mu.Unlock()
		require.NotEmpty(t, asked)
		assert.InDelta(t, 30, asked[0].Seconds(), 5)
		for i := 1; i < len(asked); i++ {
			gap := asked[i] - asked[i-1]
			want := min(max(asked[i-1]/2, 30*time.Second), 10*time.Minute)
			assert.InEpsilon(t, want.Seconds(), gap.Seconds(), 0.15, "question %d", i)
		}
		assert.InDelta(t, 44, len(asked), 6)
	})
}

func TestPollerAsksAtOnceForWhatIsOldAtTheStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, nil)
		defer p.stop()
		p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
		old := p.pending("p1")
		old.Since = time.Now().Add(-time.Hour)
		p.open.set(old)
		time.Sleep(webhook.DefaultEvery + time.Second)
		assert.Len(t, p.books.all(), 1)
	})
}

func TestPollerRepeatsAFailedEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, nil)
		defer p.stop()
		p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
		p.books.fail(errors.New("database is down"))
		p.open.set(p.pending("p1"))
		time.Sleep(10 * time.Minute)
		n := len(p.seen.outcomes())
		assert.Equal(t, webhook.Failed, p.seen.last().Outcome)
		assert.True(t, n >= 3 && n <= 6, "%d tries in ten minutes: it backs off", n)
		p.books.fail(nil)
		time.Sleep(40 * time.Minute)
		assert.Len(t, p.books.all(), 1)
	})
}

func TestPollerWhenTheProviderFails(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want webhook.Outcome
	}{
		"unavailable": {&acquiring.Error{Kind: acquiring.ErrUnavailable}, webhook.Unavailable},
		"credentials": {&acquiring.Error{Kind: acquiring.ErrUnauthorized}, webhook.Misread},
		"unknown id":  {&acquiring.Error{Kind: acquiring.ErrNotFound}, webhook.Misread},
		"rubbish":     {&acquiring.Error{Kind: acquiring.ErrProtocol}, webhook.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := startPoller(t, nil)
				defer p.stop()
				p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
				p.bank.fail(tt.err)
				p.open.set(p.pending("p1"))
				time.Sleep(5 * time.Minute)
				assert.Equal(t, tt.want, p.seen.last().Outcome)
				assert.Empty(t, p.books.all())
				p.bank.fail(nil)
				time.Sleep(time.Hour)
				assert.Len(t, p.books.all(), 1)
			})
		})
	}
}

// The wait is doubled at each failure, and a shop may ask for the first time
// after hours: the doubling must end at Last and not in a number below zero.
func TestPollerBacksOffHoweverLateItBegins(t *testing.T) {
	for _, first := range []time.Duration{30 * time.Second, 3 * time.Hour, 24 * time.Hour, 1 << 43, 1 << 60} {
		t.Run(first.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := startPoller(t, func(p *webhook.Poller) { p.First, p.GiveUpAfter = first, 1<<61 })
				defer p.stop()
				p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
				p.bank.fail(&acquiring.Error{Kind: acquiring.ErrUnavailable})
				item := p.pending("p1")
				item.Since = item.Since.Add(-first * 2)
				p.open.set(item)
				time.Sleep(24 * time.Hour)
				n := p.bank.questions()
				assert.True(t, n >= 40 && n <= 70, "%d questions in a day, at most every half an hour", n)
				p.bank.fail(nil)
				time.Sleep(time.Hour)
				assert.Len(t, p.books.all(), 1)
			})
		})
	}
}

func TestPollerLeavesTheAccountAloneWhenAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, func(p *webhook.Poller) { p.Every = time.Second; p.First = 2 * time.Second; p.Parallel = 1 })
		defer p.stop()
		calm := newBank("calm")
		calm.set("c1", "C-1", acquiring.StatusPaid, 1000)
		p.bank.fail(&acquiring.Error{Kind: acquiring.ErrRateLimited, RetryAfter: 3 * time.Minute})
		p.open.set(p.pending("p1"), p.pending("p2"), p.pending("p3"),
			webhook.Pending{Acquirer: calm, ID: "c1", Since: time.Now()})
		time.Sleep(2 * time.Minute)
		assert.Equal(t, 1, p.bank.questions(), "the whole account rests")
		assert.Len(t, p.books.all(), 1, "the other account does not")
		time.Sleep(2 * time.Minute)
		assert.Equal(t, 2, p.bank.questions())
	})
}

// A page of maintenance, or a clock that is wrong, may ask for a pause of years:
// the payments that come in meanwhile are found nevertheless.
func TestPollerDoesNotRestForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, nil)
		defer p.stop()
		p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
		p.bank.fail(&acquiring.Error{Kind: acquiring.ErrUnavailable, RetryAfter: 10_000 * time.Hour})
		p.open.set(p.pending("p1"), p.pending("p2"))
		time.Sleep(10 * time.Hour)
		assert.LessOrEqual(t, p.bank.questions(), 11, "once an hour")
		p.bank.fail(nil)
		time.Sleep(90 * time.Minute)
		assert.Len(t, p.books.all(), 1)
	})
}

func TestPollerKeepsTheGapAndTheNumberAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var at, most atomic.Int32
		var times []time.Time
		var mu sync.Mutex
		p := startPoller(t, func(p *webhook.Poller) { p.Gap = 500 * time.Millisecond; p.Parallel = 3 })
		defer p.stop()
		p.bank.onAsk = func() {
			n := at.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			mu.Lock()
			times = append(times, time.Now())
			mu.Unlock()
			time.Sleep(4 * time.Second)
			at.Add(-1)
		}
		var items []webhook.Pending
		for i := range 20 {
			id := acquiring.PaymentID(rune('a' + i))
			p.bank.set(id, string(id), acquiring.StatusPaid, 1000)
			items = append(items, p.pending(id))
		}
		p.open.set(items...)
		time.Sleep(3 * time.Minute)
		assert.Len(t, p.books.all(), 20)
		assert.EqualValues(t, 3, most.Load())
		mu.Lock()
		defer mu.Unlock()
		for i := 1; i < len(times); i++ {
			assert.GreaterOrEqual(t, times[i].Sub(times[i-1]), 500*time.Millisecond)
		}
	})
}

func TestPollerGivesUp(t *testing.T) {
	day := func(p *webhook.Poller) { p.GiveUpAfter = 24 * time.Hour }
	t.Run("an unpaid invoice has expired", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := startPoller(t, day)
			defer p.stop()
			issued := p.bank.set("p1", "A-7", acquiring.StatusPending, 1000)
			issued.ProviderStatus = "CREATED"
			p.open.set(p.pending("p1"))
			time.Sleep(24*time.Hour - time.Minute)
			assert.Empty(t, p.books.all())
			time.Sleep(2 * time.Minute)
			require.Len(t, p.books.all(), 1)
			e := p.books.all()[0]
			assert.True(t, e.GaveUp)
			assert.Equal(t, acquiring.StatusExpired, e.Payment.Status)
			assert.Equal(t, "CREATED", e.Payment.ProviderStatus)
			assert.Equal(t, "bank/school/p1/expired", e.Key, "a notification of the same comes too late")
			n := p.bank.questions()
			time.Sleep(24 * time.Hour)
			assert.Equal(t, n, p.bank.questions(), "it is not asked for again")
			assert.Len(t, p.books.all(), 1)
		})
	})
	t.Run("at the time that the payment has of its own", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := startPoller(t, day)
			defer p.stop()
			p.bank.set("p1", "A-7", acquiring.StatusPending, 1000)
			item := p.pending("p1")
			item.Until = time.Now().Add(20 * time.Minute)
			p.open.set(item)
			time.Sleep(21 * time.Minute)
			require.Len(t, p.books.all(), 1)
		})
	})
	t.Run("but looks once more, and paid in the last moment is paid", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := startPoller(t, day)
			defer p.stop()
			p.bank.set("p1", "A-7", acquiring.StatusPending, 1000)
			p.open.set(p.pending("p1"))
			time.Sleep(24*time.Hour - 5*time.Second)
			p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
			time.Sleep(time.Minute)
			require.Len(t, p.books.all(), 1)
			assert.Equal(t, acquiring.StatusPaid, p.books.all()[0].Payment.Status)
			assert.False(t, p.books.all()[0].GaveUp)
		})
	})
	t.Run("not while the provider cannot be asked", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := startPoller(t, day)
			defer p.stop()
			p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
			p.bank.fail(&acquiring.Error{Kind: acquiring.ErrUnavailable})
			p.open.set(p.pending("p1"))
			time.Sleep(30 * time.Hour)
			assert.Empty(t, p.books.all())
			assert.Less(t, p.bank.questions(), 80, "with backoff beyond the end too")
			p.bank.fail(nil)
			time.Sleep(time.Hour)
			require.Len(t, p.books.all(), 1)
			assert.Equal(t, acquiring.StatusPaid, p.books.all()[0].Payment.Status)
		})
	})
	t.Run("a hold and a status nobody knows are for a person", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := startPoller(t, day)
			defer p.stop()
			p.bank.set("held", "A-1", acquiring.StatusAuthorized, 1000)
			p.bank.set("odd", "A-2", acquiring.StatusUnknown, 1000)
			p.open.set(p.pending("held"), p.pending("odd"))
			time.Sleep(25 * time.Hour)
			events := map[string]webhook.Event{}
			for _, e := range p.books.all() {
				events[e.Key] = e
			}
			require.Len(t, events, 3)
			assert.False(t, events["bank/school/held/authorized"].GaveUp)
			assert.True(t, events["bank/school/held/authorized/given up"].GaveUp)
			assert.Equal(t, acquiring.StatusAuthorized, events["bank/school/held/authorized/given up"].Payment.Status)
			assert.True(t, events["bank/school/odd/unknown/given up"].GaveUp)
			assert.Equal(t, acquiring.StatusUnknown, events["bank/school/odd/unknown/given up"].Payment.Status)
		})
	})
	t.Run("an invoice that was never issued", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := startPoller(t, day)
			defer p.stop()
			p.open.set(webhook.Pending{Acquirer: finder{p.bank}, OrderID: "A-9", Since: time.Now()})
			time.Sleep(23 * time.Hour)
			assert.Equal(t, webhook.NoNews, p.seen.last().Outcome)
			time.Sleep(2 * time.Hour)
			require.Len(t, p.books.all(), 1)
			assert.Equal(t, "bank/school/order/A-9/expired", p.books.all()[0].Key)
			assert.True(t, p.books.all()[0].GaveUp)
		})
	})
}

func TestPollerAsksByTheOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, nil)
		defer p.stop()
		p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
		p.open.set(webhook.Pending{Acquirer: finder{p.bank}, OrderID: "A-7"})
		time.Sleep(time.Minute)
		require.Len(t, p.books.all(), 1)
		assert.Equal(t, "bank/school/p1/paid", p.books.all()[0].Key)
	})
}

func TestPollerMovesOnlyForward(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, func(p *webhook.Poller) { p.Last = time.Minute })
		defer p.stop()
		stored := p.pending("p1")
		p.open.set(stored)
		for _, s := range []acquiring.Status{acquiring.StatusAuthorized, acquiring.StatusPaid, acquiring.StatusAuthorized, acquiring.StatusDeclined,
			acquiring.StatusPending, acquiring.StatusPaid, acquiring.StatusRefunded, acquiring.StatusPaid} {
			p.bank.set("p1", "A-7", s, 1000)
			time.Sleep(10 * time.Minute)
		}
		var got []acquiring.Status
		for _, e := range p.books.all() {
			got = append(got, e.Payment.Status)
		}
		assert.Equal(t, []acquiring.Status{acquiring.StatusAuthorized, acquiring.StatusPaid, acquiring.StatusRefunded}, got)

		t.Log("what the shop knows counts too, also of another process")
		known := p.pending("p2")
		known.Status = acquiring.StatusPaid
		p.open.set(known)
		p.bank.set("p2", "A-8", acquiring.StatusDeclined, 1000)
		time.Sleep(10 * time.Minute)
		assert.Len(t, p.books.all(), 3)
	})
}

func TestPollerLearnsOfEachPartialRefund(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, func(p *webhook.Poller) { p.Last = time.Minute })
		defer p.stop()
		item := p.pending("p1")
		item.Status = acquiring.StatusPaid
		p.open.set(item)
		for _, refunded := range []money.Amount{100, 100, 250} {
			p.bank.put(&acquiring.Payment{ID: "p1", Status: acquiring.StatusPartiallyRefunded, Amount: 1000, Captured: 1000, Refunded: refunded})
			time.Sleep(10 * time.Minute)
		}
		require.Len(t, p.books.all(), 2)
		assert.Equal(t, money.Amount(250), p.books.all()[1].Payment.Refunded)
	})
}

func TestPollerCompares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failing atomic.Bool
		p := startPoller(t, func(p *webhook.Poller) {
			p.Expect = func(_ context.Context, order string) (money.Amount, string, error) {
				if failing.Load() {
					return 0, "", errors.New("db")
				}
				return 999, "RUB", nil
			}
		})
		defer p.stop()
		p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
		p.open.set(p.pending("p1"))
		time.Sleep(time.Minute)
		assert.Equal(t, webhook.Mismatch, p.seen.last().Outcome)
		failing.Store(true)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, webhook.Failed, p.seen.last().Outcome)
		p.bank.mu.Lock()
		p.bank.payments["p1"] = &acquiring.Payment{ID: "p9", Status: acquiring.StatusPaid}
		p.bank.mu.Unlock()
		time.Sleep(time.Hour)
		assert.Equal(t, webhook.Mismatch, p.seen.last().Outcome, "another payment than the one asked for")
		assert.Empty(t, p.books.all())
	})
}

func TestPollerStopsGracefully(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		started := make(chan struct{})
		p := startPoller(t, func(p *webhook.Poller) {
			process := p.Process
			p.Process = func(ctx context.Context, e webhook.Event) error {
				close(started)
				time.Sleep(10 * time.Second)
				if err := ctx.Err(); err != nil {
					return err
				}
				return process(ctx, e)
			}
		})
		p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
		p.open.set(p.pending("p1"))
		<-started
		p.stop()
		assert.Len(t, p.books.all(), 1, "what was begun came to its end")
	})
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, func(p *webhook.Poller) { p.Gap = time.Hour })
		p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
		p.bank.set("p2", "A-8", acquiring.StatusPaid, 1000)
		p.open.set(p.pending("p1"), p.pending("p2"))
		time.Sleep(5 * time.Minute)
		start := time.Now()
		p.stop()
		assert.Zero(t, time.Since(start), "a wait is cut short")
		assert.Len(t, p.books.all(), 1)
	})
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, nil)
		p.open.set(webhook.Pending{Acquirer: slowBank{p.bank}, ID: "p1"})
		time.Sleep(45 * time.Second)
		start := time.Now()
		p.stop()
		assert.Zero(t, time.Since(start), "so is a question")
		assert.Empty(t, p.seen.outcomes())
	})
}

// slowBank never answers.
type slowBank struct{ *bank }

func (slowBank) GetStatus(ctx context.Context, _ acquiring.PaymentID) (*acquiring.Payment, error) {
	<-ctx.Done()
	return nil, &acquiring.Error{Kind: acquiring.ErrUnavailable, Err: ctx.Err()}
}

func TestPollerSurvivesTheUsersFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := startPoller(t, func(p *webhook.Poller) {
			p.Logger = slog.New(slog.NewTextHandler(&log, nil))
			process := p.Process
			p.Process = func(ctx context.Context, e webhook.Event) error {
				if e.Payment.ID == "bad" {
					panic("boom")
				}
				return process(ctx, e)
			}
		})
		defer p.stop()
		p.bank.set("good", "A-1", acquiring.StatusPaid, 1000)
		p.bank.set("bad", "A-2", acquiring.StatusPaid, 1000)
		p.open.set(webhook.Pending{}, webhook.Pending{Acquirer: p.bank}, p.pending("bad"), p.pending("good"))
		p.open.mu.Lock()
		p.open.err = errors.New("database is down")
		p.open.mu.Unlock()
		time.Sleep(time.Minute)
		assert.Len(t, p.books.all(), 1)
		p.stop()
		assert.Contains(t, log.String(), "panic: boom")
		assert.Contains(t, log.String(), "database is down")
		assert.Contains(t, log.String(), "neither ID nor OrderID")
	})
	synctest.Test(t, func(t *testing.T) {
		var panicking atomic.Bool
		panicking.Store(true)
		p := startPoller(t, func(p *webhook.Poller) {
			list := p.Pending
			p.Pending = func(ctx context.Context) iter.Seq2[webhook.Pending, error] {
				if panicking.Load() {
					panic("boom")
				}
				return list(ctx)
			}
		})
		defer p.stop()
		p.bank.set("p1", "A-7", acquiring.StatusPaid, 1000)
		p.bank.onAsk = func() {
			if p.bank.questions() == 0 {
				p.bank.mu.Lock()
				p.bank.asked++
				p.bank.mu.Unlock()
				panic("the client's own")
			}
		}
		p.open.set(p.pending("p1"))
		time.Sleep(time.Minute)
		panicking.Store(false)
		time.Sleep(10 * time.Minute)
		assert.Len(t, p.books.all(), 1)
		assert.Equal(t, webhook.Panicked, p.seen.outcomes()[0])
	})
}

func TestPollerForgetsWhatIsNotYielded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := startPoller(t, nil)
		defer p.stop()
		p.bank.set("p1", "A-7", acquiring.StatusPending, 1000)
		p.open.set(p.pending("p1"))
		time.Sleep(10*time.Minute + 5*time.Second) // between two looks
		n := p.bank.questions()
		p.open.set()
		time.Sleep(10 * time.Hour)
		assert.Equal(t, n, p.bank.questions())
	})
}

func TestPollerNeedsItsFields(t *testing.T) {
	full := webhook.Poller{Pending: (&open{}).list, Process: (&books{}).process, Inbox: webhook.NewMemoryInbox(0)}
	for field, change := range map[string]func(*webhook.Poller){
		"Poller.Pending": func(p *webhook.Poller) { p.Pending = nil },
		"Poller.Process": func(p *webhook.Poller) { p.Process = nil },
		"Poller.Inbox":   func(p *webhook.Poller) { p.Inbox = nil },
	} {
		p := full
		change(&p)
		var e *acquiring.Error
		require.ErrorAs(t, p.Run(t.Context()), &e)
		assert.Equal(t, field, e.Field)
		assert.ErrorIs(t, e, acquiring.ErrInvalid)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, full.Run(ctx))
}
