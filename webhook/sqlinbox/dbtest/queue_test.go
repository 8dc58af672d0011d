package dbtest

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
	"github.com/acquiring-go/acquiring/fiscal/queue"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

func receiptOf(n int) fiscal.Receipt {
	return fiscal.NewSale(fmt.Sprintf("R-%d", n), fiscal.Contact{Email: "buyer@lavka.example"},
		fiscal.GoodsLine("Чайник 🫖", money.Amount(kopecks(n)), fiscal.Pieces(1), fiscal.VATNone))
}

// report writes what became of the receipt into the ledger, in the same
// transaction: exactly once.
func (j job) report(ctx context.Context, tx *sql.Tx, it queue.Item) error {
	p := j.place()
	_, err := tx.ExecContext(ctx, p.bind("INSERT INTO "+p.table("printed")+" (receipt, state) VALUES (?, ?)"), it.Receipt.ID, string(it.State))
	return err
}

// newPrinter is a shop with a table of what was reported, and an emulated
// cash register.
func newPrinter(t *testing.T, p place, options ...komtettest.Option) (*shop, *komtettest.Server, job) {
	t.Helper()
	s := newShop(t, p)
	q, err := p.newQueue(s.db)
	require.NoError(t, err)
	require.NoError(t, q.Migrate(t.Context()))
	_, err = s.db.Exec("CREATE TABLE " + p.table("printed") + " (receipt VARCHAR(64) NOT NULL, state VARCHAR(10) NOT NULL)")
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = s.db.Exec("DROP TABLE " + p.table("printed")) })
	// It listens where the replicas' processes find it.
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	srv := komtettest.NewServer(append([]komtettest.Option{komtettest.WithClock(komtettest.NewRunningClock(time.Now(), 20)),
		komtettest.WithoutListening(), komtettest.WithPublicURL("http://" + l.Addr().String())}, options...)...)
	t.Cleanup(srv.Close)
	web := &http.Server{Handler: srv.Handler(), ReadHeaderTimeout: time.Minute}
	go func() { _ = web.Serve(l) }()
	t.Cleanup(func() { _ = web.Close() })
	cfg := srv.Config()
	return s, srv, job{Dialect: p.dialect, Driver: p.driver, DSN: p.dsn, Prefix: p.prefix, Komtet: service{cfg.BaseURL, cfg.ShopID, cfg.Secret, cfg.QueueID}}
}

func (s *shop) worker(t *testing.T, j job, opts ...queue.Option) (*queue.Queue, *komtet.Client) {
	t.Helper()
	register, err := j.Komtet.client()
	require.NoError(t, err)
	q, err := s.newQueue(s.db, append([]queue.Option{queue.Register("komtet", register), queue.Every(5 * time.Millisecond), queue.Backoff(5*time.Millisecond, 100*time.Millisecond),
		queue.Timeout(time.Second), queue.Lease(3 * time.Second), queue.Report(j.report)}, opts...)...)
	require.NoError(t, err)
	return q, register
}

func running(t *testing.T, q *queue.Queue) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { assert.NoError(t, q.Run(ctx)) })
	stop = sync.OnceFunc(func() { cancel(); wg.Wait() })
	t.Cleanup(stop)
	return stop
}

func state(t *testing.T, q *queue.Queue, id string) queue.State {
	t.Helper()
	it, err := q.Get(t.Context(), "komtet", id)
	require.NoError(t, err)
	return it.State
}

func TestReceiptIsPrinted(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s, srv, j := newPrinter(t, p)
		q, _ := s.worker(t, j)
		inbox := p.inbox(t, s.db)
		ctx := t.Context()

		// Both or neither.
		fault := errors.New("no")
		err := inbox.Once(ctx, "paid", func(ctx context.Context) error {
			return errors.Join(q.Enqueue(ctx, sqlinbox.Tx(ctx), "komtet", receiptOf(1)), fault)
		})
		require.ErrorIs(t, err, fault)
		_, err = q.Get(ctx, "komtet", "R-1")
		require.ErrorIs(t, err, acquiring.ErrNotFound)
		require.NoError(t, inbox.Once(ctx, "paid", func(ctx context.Context) error {
			return q.Enqueue(ctx, sqlinbox.Tx(ctx), "komtet", receiptOf(1))
		}))
		it, err := q.Get(ctx, "komtet", "R-1")
		require.NoError(t, err)
		assert.Equal(t, queue.Queued, it.State)
		assert.WithinDuration(t, time.Now(), it.EnqueuedAt, 5*time.Second)
		assert.WithinDuration(t, time.Now(), it.Receipt.SoldAt, 5*time.Second)
		want := receiptOf(1)
		want.SoldAt = it.Receipt.SoldAt
		assert.Equal(t, want, it.Receipt)

		// The same is a success, another is not.
		require.NoError(t, q.Enqueue(ctx, nil, "komtet", receiptOf(1)))
		other := receiptOf(2)
		other.ID = "R-1"
		assert.ErrorIs(t, q.Enqueue(ctx, nil, "komtet", other), acquiring.ErrConflict)
		require.NoError(t, q.Enqueue(ctx, nil, "other", other), "another register's queue")

		stop := running(t, q)
		require.Eventually(t, func() bool { return state(t, q, "R-1") == queue.Printed }, 5*time.Second, 10*time.Millisecond)
		stop()
		it, err = q.Get(ctx, "komtet", "R-1")
		require.NoError(t, err)
		require.NotNil(t, it.Document)
		assert.Equal(t, fiscal.DocumentPrinted, it.Document.Status)
		assert.Equal(t, want.Total(), it.Document.Fiscal.Total)
		assert.NotEmpty(t, it.Document.Fiscal.FP)
		assert.Equal(t, 1, it.Submissions)
		assert.Empty(t, it.Attention)
		assert.Zero(t, it.NextAt)
		assert.Len(t, srv.Tasks(), 1)
		assert.EqualValues(t, 1, s.number(t, "SELECT COUNT(*) FROM "+p.table("printed")+" WHERE receipt = 'R-1' AND state = 'printed'"))
		assert.ErrorIs(t, q.Retry(ctx, "komtet", "R-1"), acquiring.ErrConflict)

		counts, err := q.Counts(ctx)
		require.NoError(t, err)
		for i := range counts {
			assert.Less(t, counts[i].Oldest, time.Minute)
			counts[i].Oldest = 0
		}
		assert.ElementsMatch(t, []queue.Count{{Register: "komtet", State: queue.Printed, Items: 1}, {Register: "other", State: queue.Queued, Items: 1}}, counts)
	})
}

// The answer to the submission is lost each time; the receipt is there once.
func TestLostAnswers(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s, srv, j := newPrinter(t, p)
		const receipts = 8
		srv.Fail(komtettest.Fault{Op: komtettest.OpTask, Kind: komtettest.LostAnswer, Times: 2 * receipts})
		srv.Fail(komtettest.Fault{Op: komtettest.OpGetTask, Kind: komtettest.Cut, Times: 4})
		q, _ := s.worker(t, j)
		for n := range receipts {
			require.NoError(t, q.Enqueue(t.Context(), nil, "komtet", receiptOf(n)))
		}
		running(t, q)
		for n := range receipts {
			id := receiptOf(n).ID
			require.Eventually(t, func() bool { return state(t, q, id) == queue.Printed }, 10*time.Second, 10*time.Millisecond, id)
		}
		tasks := map[string]int{}
		for _, task := range srv.Tasks() {
			tasks[task.ExternalID]++
		}
		assert.Len(t, tasks, receipts)
		assert.Len(t, srv.Tasks(), receipts, "each once")
	})
}

func attention(t *testing.T, q *queue.Queue) map[string]string {
	t.Helper()
	all := map[string]string{}
	for it, err := range q.NeedsAttention(t.Context()) {
		require.NoError(t, err)
		all[it.Receipt.ID] = it.Attention
		assert.False(t, it.AttentionAt.IsZero())
	}
	return all
}

// What a person must look at, and what he can do.
func TestAttention(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s, srv, j := newPrinter(t, p)
		q, _ := s.worker(t, j)
		ctx := t.Context()
		srv.Refuse("R-1", "Код маркировки не найден")
		bad := receiptOf(2)
		bad.Contact = fiscal.Contact{}
		bad.Lines = nil
		for _, r := range []fiscal.Receipt{receiptOf(1), bad, receiptOf(3)} {
			require.NoError(t, q.Enqueue(ctx, nil, "komtet", r))
		}
		require.NoError(t, q.Enqueue(ctx, nil, "nobody's", receiptOf(4)))
		stop := running(t, q)
		require.Eventually(t, func() bool {
			return state(t, q, "R-1") == queue.Failed && state(t, q, "R-2") == queue.Failed && state(t, q, "R-3") == queue.Printed
		}, 5*time.Second, 10*time.Millisecond)
		all := attention(t, q)
		assert.Len(t, all, 2)
		assert.Contains(t, all["R-1"], "Код маркировки не найден")
		assert.Contains(t, all["R-1"], "under another ID")
		assert.Contains(t, all["R-2"], "items")
		assert.Len(t, srv.Tasks(), 2, "nothing was submitted under another ID")
		assert.EqualValues(t, 2, s.number(t, "SELECT COUNT(*) FROM "+p.table("printed")+" WHERE state = 'failed'"))
		stop()

		// No worker has the register.
		lost, err := p.newQueue(s.db, queue.Overdue(time.Millisecond))
		require.NoError(t, err)
		assert.Contains(t, attention(t, lost)["R-4"], "nobody's")

		// He prints the first by hand; the second is submitted again as it is.
		require.NoError(t, q.Resolve(ctx, "komtet", "R-1", "printed at the desk"))
		require.NoError(t, q.Resolve(ctx, "komtet", "R-1", "printed at the desk"))
		require.NoError(t, q.Retry(ctx, "komtet", "R-2"))
		assert.Equal(t, queue.Queued, state(t, q, "R-2"))
		assert.Empty(t, attention(t, q))
		it, err := q.Get(ctx, "komtet", "R-1")
		require.NoError(t, err)
		assert.Equal(t, queue.Failed, it.State)
		assert.Equal(t, "printed at the desk", it.LastError)
		for _, call := range []error{q.Retry(ctx, "komtet", "R-9"), q.Resolve(ctx, "komtet", "R-9", "")} {
			assert.ErrorIs(t, call, acquiring.ErrNotFound)
		}
		running(t, q)
		require.Eventually(t, func() bool { return state(t, q, "R-2") == queue.Failed }, 5*time.Second, 10*time.Millisecond)
		assert.Contains(t, attention(t, q), "R-2")
	})
}

// Many that need attention come page by page, each once, in order.
func TestAttentionPages(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s, _, j := newPrinter(t, p)
		q, _ := s.worker(t, j)
		const receipts = 250
		for n := range receipts {
			require.NoError(t, q.Enqueue(t.Context(), nil, "komtet", receiptOf(n)))
		}
		_, err := s.db.Exec("UPDATE " + p.table("receipts") + " SET state = 'failed', attention = 'look', next_at = 4611686018427387904, attention_at = CASE WHEN receipt_id LIKE 'R-1%' THEN 1000 ELSE 2000 END")
		require.NoError(t, err)
		var ids []string
		var last time.Time
		for it, err := range q.NeedsAttention(t.Context()) {
			require.NoError(t, err)
			assert.False(t, it.AttentionAt.Before(last))
			last = it.AttentionAt
			ids = append(ids, it.Receipt.ID)
			require.NoError(t, q.Resolve(t.Context(), "komtet", it.Receipt.ID, ""), "while it is read")
		}
		assert.Len(t, ids, receipts)
		assert.Empty(t, attention(t, q))

		_, err = s.db.Exec("UPDATE " + p.table("receipts") + " SET changed_at = 1000 WHERE receipt_id LIKE 'R-2%'")
		require.NoError(t, err)
		n, err := q.Cleanup(t.Context(), 24*time.Hour)
		require.NoError(t, err)
		assert.EqualValues(t, 61, n)
		_, err = q.Cleanup(t.Context(), time.Hour)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
	})
}

// A notification of the service is quicker than the look; a forged one does
// nothing.
func TestNotification(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		url := "https://shop.example/hooks/komtet"
		clock := komtettest.NewClock(time.Now())
		s, srv, j := newPrinter(t, p, komtettest.WithClock(clock), komtettest.WithCallbackURL(url))
		q, register := s.worker(t, j, queue.Backoff(time.Hour, time.Hour))
		require.NoError(t, q.Enqueue(t.Context(), nil, "komtet", receiptOf(1)))
		stop := running(t, q)
		require.Eventually(t, func() bool { return state(t, q, "R-1") == queue.Sent }, 5*time.Second, 10*time.Millisecond)
		require.NoError(t, srv.Print("R-1"))
		task, ok := srv.Task("R-1")
		require.True(t, ok)
		d, err := register.GetDocument(t.Context(), fmt.Sprint(task.ID))
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() { assert.NoError(t, q.Update(t.Context(), "komtet", d)) })
		}
		wg.Wait()
		stop()
		assert.Equal(t, queue.Printed, state(t, q, "R-1"))
		assert.EqualValues(t, 1, s.number(t, "SELECT COUNT(*) FROM "+p.table("printed")), "reported once")
		without := *d
		without.ReceiptID = ""
		assert.NoError(t, q.Update(t.Context(), "komtet", &without), "found by the document's number")
		without.ID = "no such"
		assert.ErrorIs(t, q.Update(t.Context(), "komtet", &without), acquiring.ErrNotFound)
	})
}

// The program dies before or after each statement of the worker, and the
// receipt is printed and reported once.
func TestQueueCrashes(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s, srv, j := newPrinter(t, p)
		var lived atomic.Bool
		receipts := 0
		for at := 1; !lived.Load() && at < 80; {
			var wg sync.WaitGroup
			for range 8 {
				for _, after := range []bool{false, true} {
					receipts++
					n, f := receipts, &faults{at: at, after: after}
					wg.Go(func() {
						if s.printThroughCrash(t, j, n, f) {
							lived.Store(true)
						}
					})
				}
				at++
			}
			wg.Wait()
		}
		assert.True(t, lived.Load())
		assert.GreaterOrEqual(t, receipts, 30, "the worker needs more statements than that")
		assert.Len(t, srv.Tasks(), receipts, "each receipt once")
	})
}

// printThroughCrash enqueues a receipt in a program that dies as planned, and
// finishes in another. It says whether the first one lived.
func (s *shop) printThroughCrash(t *testing.T, j job, n int, f *faults) (lived bool) {
	r := receiptOf(n)
	name := "register " + r.ID // of its own, so that no other worker takes it
	dying := &shop{s.place, s.broken(t, f)}
	worker := func(s *shop) *queue.Queue {
		_, register := s.worker(t, j)
		q, err := s.newQueue(s.db, queue.Register(name, register), queue.Every(5*time.Millisecond), queue.Backoff(5*time.Millisecond, 100*time.Millisecond),
			queue.Timeout(300*time.Millisecond), queue.Lease(700*time.Millisecond), queue.Report(j.report))
		assert.NoError(t, err)
		return q
	}
	q, fresh := worker(dying), worker(s)
	printed := func() bool {
		it, err := fresh.Get(t.Context(), name, r.ID)
		return err == nil && it.State == queue.Printed
	}
	_ = q.Enqueue(t.Context(), nil, name, r)
	stop := running(t, q)
	assert.Eventually(t, func() bool { return f.gone() || printed() }, 10*time.Second, 5*time.Millisecond)
	lived = !f.gone()
	stop()
	assert.NoError(t, fresh.Enqueue(t.Context(), nil, name, r))
	stop = running(t, fresh)
	assert.Eventually(t, printed, 10*time.Second, 5*time.Millisecond, "died at %d", f.at)
	stop()
	assert.EqualValues(t, 1, s.number(t, "SELECT COUNT(*) FROM "+s.table("printed")+" WHERE receipt = ?", r.ID), "died at %d", f.at)
	return lived
}

// stuck hangs beyond every limit, and then says something that is not true any
// more.
type stuck struct {
	fiscal.Register
	took, back chan struct{}
}

func (r stuck) Submit(context.Context, fiscal.Receipt) (*fiscal.Document, error) {
	close(r.took)
	<-r.back
	return nil, acquiring.Invalid("items", "are missing")
}

// A replica that was frozen comes back after its lease: another has printed the
// receipt meanwhile, and what the first one stores is refused.
func TestLateReplica(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s, _, j := newPrinter(t, p)
		limits := []queue.Option{queue.Timeout(100 * time.Millisecond), queue.Lease(300 * time.Millisecond)}
		frozen := stuck{took: make(chan struct{}), back: make(chan struct{})}
		late, _ := s.worker(t, j, append(limits, queue.Register("komtet", frozen), queue.Parallel(1))...)
		q, _ := s.worker(t, j, limits...)
		require.NoError(t, q.Enqueue(t.Context(), nil, "komtet", receiptOf(1)))
		stop := running(t, late)
		<-frozen.took
		running(t, q)
		require.Eventually(t, func() bool { return state(t, q, "R-1") == queue.Printed }, 10*time.Second, 10*time.Millisecond)
		close(frozen.back)
		stop()
		assert.Equal(t, queue.Printed, state(t, q, "R-1"))
		assert.EqualValues(t, 1, s.number(t, "SELECT COUNT(*) FROM "+p.table("printed")), "reported once")
		assert.Empty(t, attention(t, q))
	})
}

// If Report fails, the receipt is not stored as printed, and Report hears it
// again.
func TestReportFails(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		s, srv, j := newPrinter(t, p)
		var mu sync.Mutex
		heard := 0
		q, _ := s.worker(t, j, queue.Report(func(ctx context.Context, tx *sql.Tx, it queue.Item) error {
			mu.Lock()
			defer mu.Unlock()
			heard++
			if err := j.report(ctx, tx, it); err != nil {
				return err
			}
			switch heard {
			case 1:
				return errors.New("the mail is full")
			case 2:
				panic("and broken")
			}
			return nil
		}))
		require.NoError(t, q.Enqueue(t.Context(), nil, "komtet", receiptOf(1)))
		stop := running(t, q)
		require.Eventually(t, func() bool { return state(t, q, "R-1") == queue.Printed }, 5*time.Second, 10*time.Millisecond)
		stop()
		assert.Equal(t, 3, heard)
		assert.EqualValues(t, 1, s.number(t, "SELECT COUNT(*) FROM "+p.table("printed")))
		assert.Len(t, srv.Tasks(), 1)
	})
}

// Three processes credit and print, the register's service loses answers, and
// the processes are killed again and again: each payment is credited once, each
// receipt printed once.
func TestKillNinePrinting(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		if testing.Short() {
			t.Skip("takes some seconds")
		}
		s, srv, j := newPrinter(t, p)
		const news = 300
		j.News = news
		g := &gang{t: t, role: "print", job: j}
		kinds := []komtettest.FaultKind{komtettest.LostAnswer, komtettest.Cut, komtettest.ServerError, komtettest.Drop, komtettest.HTML, komtettest.Empty}
		ops := []string{komtettest.OpTask, komtettest.OpGetTask}
		g.rage(3, testSeconds()*3/4, func() {
			srv.Fail(komtettest.Fault{Op: ops[rand.IntN(len(ops))], Kind: kinds[rand.IntN(len(kinds))], Times: 1 + rand.IntN(5)})
		})
		printed := s.number(t, "SELECT COUNT(*) FROM "+p.table("printed"))
		srv.ClearFaults()
		g.finish()
		s.balanced(t, news, allKopecks(news))
		require.EqualValues(t, news, s.number(t, "SELECT COUNT(*) FROM "+p.table("receipts")+" WHERE state = 'printed'"))
		require.EqualValues(t, news, s.number(t, "SELECT COUNT(*) FROM "+p.table("printed")), "reports")
		require.EqualValues(t, news, s.number(t, "SELECT COUNT(DISTINCT receipt) FROM "+p.table("printed")))
		tasks := srv.Tasks()
		require.Len(t, tasks, news, "each receipt is at the service once")
		var sum money.Amount
		for _, task := range tasks {
			assert.Equal(t, komtettest.StateDone, task.State)
			assert.True(t, strings.HasPrefix(task.ExternalID, "R-"))
			sum += task.Total
		}
		assert.EqualValues(t, allKopecks(news), sum)
		q, err := p.newQueue(s.db)
		require.NoError(t, err)
		assert.Empty(t, attention(t, q))
		t.Logf("%d kills, %d of %d receipts printed meanwhile", g.kills, printed, news)
	})
}
