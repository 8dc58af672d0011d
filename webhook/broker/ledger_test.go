package broker_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	_ "github.com/jackc/pgx/v5/stdlib"
	"github.com/stretchr/testify/require"
	_ "modernc.org/sqlite"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/broker"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// ledger is the consumer's own side: the orders with what is known of them,
// the entries that credited them, and a line for each piece of news that was
// processed. No table but the Inbox's has a key of the news: nothing else keeps
// it right. It is handed to other processes as JSON.
type ledger struct {
	Dialect sqlinbox.Dialect
	Driver  string
	DSN     string
	Prefix  string
	Log     string // a file, with a line for each run of process, whatever came of it
	Calm    bool   // without faults
	Deadly  bool   // one of the faults is kill -9 in the middle of the transaction
}

func (l ledger) table(name string) string { return l.Prefix + "_" + name }

func (l ledger) open() (*sql.DB, error) { return sql.Open(l.Driver, l.DSN) }

func (l ledger) inbox(db *sql.DB) (*sqlinbox.Inbox, error) {
	return sqlinbox.New(db, l.Dialect, sqlinbox.Table(l.table("inbox")), sqlinbox.Logger(quiet), sqlinbox.Runs(20))
}

func (l ledger) create(t *testing.T) *sql.DB {
	t.Helper()
	db, err := l.open()
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, name := range []string{"inbox", "orders", "entries", "news"} {
			_, err := db.Exec("DROP TABLE IF EXISTS " + l.table(name))
			require.NoError(t, err)
		}
		require.NoError(t, db.Close())
	})
	inbox, err := l.inbox(db)
	require.NoError(t, err)
	require.NoError(t, inbox.Migrate(t.Context()))
	for _, columns := range []string{
		"orders (id VARCHAR(36) PRIMARY KEY, status VARCHAR(30) NOT NULL, captured BIGINT NOT NULL, refunded BIGINT NOT NULL)",
		"entries (order_id VARCHAR(36) NOT NULL, kopecks BIGINT NOT NULL)",
		"news (news VARCHAR(200) NOT NULL)",
	} {
		_, err := db.Exec("CREATE TABLE " + l.Prefix + "_" + columns)
		require.NoError(t, err)
	}
	return db
}

var errFault = errors.New("a fault of the test's")

// post brings the order up to the news, in the transaction of the Inbox, and
// fails every now and then on the way.
func (l ledger) post(ctx context.Context, e webhook.Event) error {
	if err := l.note(e.Key); err != nil {
		return err
	}
	chance := rand.IntN(20)
	if l.Calm {
		chance = 19
	}
	if chance == 0 {
		return errFault
	}
	tx := sqlinbox.Tx(ctx)
	exec := func(statement string, args ...any) error {
		_, err := tx.ExecContext(ctx, l.Dialect.Bind(statement), args...)
		return err
	}
	if err := exec("INSERT INTO "+l.table("news")+" (news) VALUES (?)", e.Key); err != nil {
		return err
	}
	if strings.HasPrefix(e.Key, lastKey) {
		return nil
	}
	lock := ""
	if l.Dialect == sqlinbox.PostgreSQL {
		lock = " FOR UPDATE"
	}
	p := e.Payment
	var known struct {
		status             string
		captured, refunded money.Amount
	}
	err := tx.QueryRowContext(ctx, l.Dialect.Bind("SELECT status, captured, refunded FROM "+l.table("orders")+" WHERE id = ?"+lock), p.OrderID).Scan(&known.status, &known.captured, &known.refunded)
	if err != nil {
		return fmt.Errorf("order %q: %w", p.OrderID, err)
	}
	var status acquiring.Status
	if err := status.UnmarshalText([]byte(known.status)); err != nil {
		return err
	}
	if !status.CanBecome(p.Status) || p.Refunded < known.refunded {
		return nil // older than what we know
	}
	if change := p.Captured - p.Refunded - (known.captured - known.refunded); change != 0 {
		if err := exec("INSERT INTO "+l.table("entries")+" (order_id, kopecks) VALUES (?, ?)", p.OrderID, int64(change)); err != nil {
			return err
		}
	}
	err = exec("UPDATE "+l.table("orders")+" SET status = ?, captured = ?, refunded = ? WHERE id = ?", p.Status.String(), int64(p.Captured), int64(p.Refunded), p.OrderID)
	switch chance {
	case 1, 2:
		return errors.Join(err, errFault)
	case 3:
		panic(errFault)
	case 4:
		if l.Deadly {
			return killMyself()
		}
	}
	return err
}

// killMyself does not return.
func killMyself() error {
	self, err := os.FindProcess(os.Getpid())
	if err != nil {
		return err
	}
	if err := self.Kill(); err != nil {
		return err
	}
	select {}
}

func (l ledger) note(key string) error {
	f, err := os.OpenFile(l.Log, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(key + "\n")
	return errors.Join(err, f.Close())
}

// consume is a consumer, until the context ends.
func (l ledger) consume(ctx context.Context, topic string, sub message.Subscriber, aside message.Publisher, asideTopic string) error {
	db, err := l.open()
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(8)
	inbox, err := l.inbox(db)
	if err != nil {
		return err
	}
	router, err := message.NewRouter(message.RouterConfig{CloseTimeout: 10 * time.Second}, watermill.NopLogger{})
	if err != nil {
		return err
	}
	poison, err := middleware.PoisonQueueWithFilter(aside, asideTopic, broker.IsPoison)
	if err != nil {
		return err
	}
	router.AddMiddleware(poison)
	router.AddConsumerHandler("ledger", topic, sub, broker.Handler("ledger", inbox, l.post))
	return router.Run(ctx)
}
