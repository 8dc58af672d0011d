package dbtest

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/queue"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// The test binary is also the replica: a process of its own, to be killed.
const (
	roleVariable = "ACQUIRING_TEST_REPLICA" // "credit", "print"
	jobVariable  = "ACQUIRING_TEST_JOB"
)

// job is what a replica is told.
type job struct {
	Dialect sqlinbox.Dialect
	Driver  string
	DSN     string
	Prefix  string
	News    int
	End     bool // end when all is done; otherwise begin again, until killed
	Komtet  service
}

// service is where the emulated cash registers are.
type service struct {
	BaseURL, ShopID, Secret string
	QueueID                 int
}

func (s service) client() (*komtet.Client, error) {
	return komtet.New(komtet.Config{Environment: acquiring.Test, BaseURL: s.BaseURL, ShopID: s.ShopID, Secret: s.Secret, QueueID: s.QueueID,
		TaxSystem: fiscal.TaxSimplifiedIncome, Place: "https://lavka.example", Logger: quiet})
}

func (j job) place() place { return place{j.Dialect, j.Driver, j.DSN, j.Prefix} }

func newsKey(n int) string { return fmt.Sprintf("bank/shop/%d/paid", n) }

// kopecks is what the news n credits: all different, so that a sum tells.
func kopecks(n int) int64 { return int64(1000 + n*7) }

func allKopecks(news int) (sum int64) {
	for n := range news {
		sum += kopecks(n)
	}
	return sum
}

// replica is the program of a replica.
func replica(role string) error {
	var j job
	if err := json.Unmarshal([]byte(os.Getenv(jobVariable)), &j); err != nil {
		return err
	}
	db, err := j.place().open()
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(8)
	switch role {
	case "credit":
		return j.creditAll(db, func(ctx context.Context, n int) error {
			return j.place().credit(ctx, newsKey(n), n%accounts, kopecks(n))
		})
	case "print":
		return j.print(db)
	}
	return errors.New("unknown role")
}

// creditAll takes all the news in an order of its own, as callbacks and polls
// would bring them, several at a time.
func (j job) creditAll(db *sql.DB, credit func(ctx context.Context, n int) error) error {
	inbox, err := j.place().newInbox(db, sqlinbox.Runs(20))
	if err != nil {
		return err
	}
	ctx := context.Background()
	for {
		var left atomic.Int32
		places := make(chan struct{}, 6)
		var wg sync.WaitGroup
		var fault atomic.Value
		for _, n := range rand.Perm(j.News) {
			places <- struct{}{}
			wg.Go(func() {
				defer func() { <-places }()
				err := inbox.Once(ctx, newsKey(n), func(ctx context.Context) error { return credit(ctx, n) })
				switch {
				case errors.Is(err, webhook.ErrInFlight):
					left.Add(1) // the provider comes again
				case err != nil:
					fault.Store(err)
				}
			})
		}
		wg.Wait()
		if err, ok := fault.Load().(error); ok {
			return err
		}
		if j.End && left.Load() == 0 {
			return nil
		}
	}
}

// print credits, enqueues the receipt in the same transaction, and prints what
// is in the queue.
func (j job) print(db *sql.DB) error {
	register, err := j.Komtet.client()
	if err != nil {
		return err
	}
	p := j.place()
	q, err := p.newQueue(db, queue.Register("komtet", register), queue.Every(20*time.Millisecond), queue.Backoff(20*time.Millisecond, 200*time.Millisecond),
		queue.Timeout(400*time.Millisecond), queue.Lease(900*time.Millisecond), queue.Report(j.report))
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	printing := make(chan error, 1)
	go func() { printing <- q.Run(ctx) }()
	err = j.creditAll(db, func(ctx context.Context, n int) error {
		if err := p.credit(ctx, newsKey(n), n%accounts, kopecks(n)); err != nil {
			return err
		}
		return q.Enqueue(ctx, sqlinbox.Tx(ctx), "komtet", receiptOf(n))
	})
	if err != nil {
		return err
	}
	for open := true; open; time.Sleep(20 * time.Millisecond) {
		counts, err := q.Counts(ctx)
		if err != nil {
			return err
		}
		open = false
		for _, c := range counts {
			open = open || c.State.Open()
		}
	}
	stop()
	return <-printing
}

// gang is a number of replicas of which one after another is killed.
type gang struct {
	t       *testing.T
	role    string
	job     job
	running []*exec.Cmd
	kills   int
}

func (g *gang) start(j job) *exec.Cmd {
	g.t.Helper()
	told, err := json.Marshal(j)
	require.NoError(g.t, err)
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), roleVariable+"="+g.role, jobVariable+"="+string(told))
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	require.NoError(g.t, cmd.Start())
	return cmd
}

// rage runs replicas for the time and kills them with SIGKILL, one every now
// and then, and starts another in its place; in the end all of them.
func (g *gang) rage(replicas int, d time.Duration, meanwhile func()) {
	g.t.Helper()
	for range replicas {
		g.running = append(g.running, g.start(g.job))
	}
	for end := time.Now().Add(d); time.Now().Before(end); {
		time.Sleep(time.Duration(80+rand.IntN(250)) * time.Millisecond)
		if meanwhile != nil {
			meanwhile()
		}
		victim := rand.IntN(replicas)
		g.kill(victim)
		g.running[victim] = g.start(g.job)
	}
	for i := range g.running {
		g.kill(i)
	}
}

func (g *gang) kill(i int) {
	g.t.Helper()
	require.NoError(g.t, g.running[i].Process.Kill(), "it ran until it was killed")
	var exit *exec.ExitError
	require.ErrorAs(g.t, g.running[i].Wait(), &exit)
	require.Equal(g.t, "signal: killed", exit.String())
	g.kills++
}

// finish lets one replica end the work.
func (g *gang) finish() {
	g.t.Helper()
	j := g.job
	j.End = true
	require.NoError(g.t, g.start(j).Wait())
}

// agrees is how many of the news are credited, after the ledger, the accounts
// and the marks were compared. One statement looks at all of them: the server
// may still be committing what a killed replica has sent.
func (s *shop) agrees(t *testing.T) int64 {
	t.Helper()
	var credited, distinct, marks, ledger, accounts int64
	l := s.table("ledger")
	require.NoError(t, s.db.QueryRow("SELECT (SELECT COUNT(*) FROM "+l+"), (SELECT COUNT(DISTINCT news) FROM "+l+"), (SELECT COUNT(*) FROM "+s.table("inbox")+"), "+
		"(SELECT COALESCE(SUM(kopecks), 0) FROM "+l+"), (SELECT COALESCE(SUM(kopecks), 0) FROM "+s.table("accounts")+")").
		Scan(&credited, &distinct, &marks, &ledger, &accounts))
	require.Equal(t, credited, marks, "both or neither, at whatever line they were killed")
	require.Equal(t, credited, distinct, "credited twice")
	require.Equal(t, ledger, accounts)
	return credited
}

// Three processes at the same news, killed with SIGKILL again and again: each
// of the news is credited exactly once.
func TestKillNine(t *testing.T) {
	over(t, func(t *testing.T, p place) {
		if testing.Short() {
			t.Skip("takes some seconds")
		}
		s := newShop(t, p)
		const news = 50_000
		g := &gang{t: t, role: "credit", job: job{Dialect: p.dialect, Driver: p.driver, DSN: p.dsn, Prefix: p.prefix, News: news}}
		g.rage(3, testSeconds(), nil)
		credited := s.agrees(t)
		assert.Positive(t, credited, "the replicas get something done between two kills")
		t.Logf("%d kills, %d of %d news credited meanwhile", g.kills, credited, news)

		// The rest is finished in a smaller job, to have an end.
		g.job.News = min(news, max(2000, int(credited)/4))
		g.finish()
		want := map[string]bool{}
		rows, err := s.db.Query("SELECT news, kopecks FROM " + p.table("ledger"))
		require.NoError(t, err)
		defer rows.Close()
		var sum int64
		for rows.Next() {
			var key string
			var k int64
			require.NoError(t, rows.Scan(&key, &k))
			var n int
			_, err := fmt.Sscanf(key, "bank/shop/%d/paid", &n)
			require.NoError(t, err)
			require.Equal(t, kopecks(n), k)
			require.False(t, want[key], "%s credited twice", key)
			want[key] = true
			sum += k
		}
		require.NoError(t, rows.Err())
		for n := range g.job.News {
			require.True(t, want[newsKey(n)], "%s was lost", newsKey(n))
		}
		s.balanced(t, len(want), sum)
	})
}
