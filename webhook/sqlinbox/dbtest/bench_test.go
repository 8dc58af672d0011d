package dbtest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// BenchmarkOnce is news per second, and the latency at the 99th percentile, for
// one and for three replicas with eight calls at once each; bare is the same
// writes in a transaction without an Inbox.
//
//	go test -run '^$' -bench Once -benchtime 3s
func BenchmarkOnce(b *testing.B) {
	places := []place{{sqlinbox.SQLite, "sqlite", "", "b_"}, {sqlinbox.PostgreSQL, "pgx", os.Getenv("ACQUIRING_POSTGRES_DSN"), "b_"}, {sqlinbox.MySQL, "mysql", os.Getenv("ACQUIRING_MYSQL_DSN"), "b_"}}
	for _, p := range places {
		for _, replicas := range []int{1, 3} {
			for _, bare := range []bool{true, false} {
				name := fmt.Sprintf("%s/replicas=%d/inbox", p.dialect, replicas)
				if bare {
					name = fmt.Sprintf("%s/replicas=%d/bare", p.dialect, replicas)
				}
				b.Run(name, func(b *testing.B) {
					p := p
					if p.dialect == sqlinbox.SQLite {
						p.dsn = "file:" + b.TempDir() + "/shop.db?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(5000)"
					} else if p.dsn == "" {
						b.Skip("its DSN is not set")
					}
					benchmark(b, p, replicas, bare)
				})
			}
		}
	}
}

func benchmark(b *testing.B, p place, replicas int, bare bool) {
	const each = 8
	db, err := p.open()
	require.NoError(b, err)
	defer db.Close()
	drop := func() {
		for _, name := range []string{"inbox", "ledger"} {
			_, err := db.Exec("DROP TABLE IF EXISTS " + p.table(name))
			require.NoError(b, err)
		}
	}
	drop()
	defer drop()
	inbox, err := p.newInbox(db)
	require.NoError(b, err)
	require.NoError(b, inbox.Migrate(b.Context()))
	_, err = db.Exec("CREATE TABLE " + p.table("ledger") + " (news VARCHAR(190) NOT NULL, kopecks BIGINT NOT NULL)")
	require.NoError(b, err)
	insert := p.bind("INSERT INTO " + p.table("ledger") + " (news, kopecks) VALUES (?, ?)")

	var next atomic.Int64
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	b.ResetTimer()
	for range replicas {
		db, err := p.open()
		require.NoError(b, err)
		defer db.Close()
		db.SetMaxIdleConns(each)
		inbox, err := p.newInbox(db)
		require.NoError(b, err)
		for range each {
			wg.Go(func() {
				var own []time.Duration
				for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
					key, start := newsKey(int(n)), time.Now()
					var err error
					if bare {
						tx, beginErr := db.BeginTx(b.Context(), nil)
						if err = beginErr; err == nil {
							if _, err = tx.Exec(insert, key, 100); err == nil {
								err = tx.Commit()
							}
						}
					} else {
						err = inbox.Once(b.Context(), key, func(ctx context.Context) error {
							_, err := sqlinbox.Tx(ctx).ExecContext(ctx, insert, key, 100)
							return err
						})
					}
					if err != nil {
						b.Error(err)
						return
					}
					own = append(own, time.Since(start))
				}
				mu.Lock()
				defer mu.Unlock()
				took = append(took, own...)
			})
		}
	}
	wg.Wait()
	b.StopTimer()
	if len(took) == 0 {
		return
	}
	slices.Sort(took)
	b.ReportMetric(float64(len(took))/b.Elapsed().Seconds(), "news/s")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
}
