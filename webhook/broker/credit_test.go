package broker_test

import (
	"bufio"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/google/uuid"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/broker"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// rough is a publisher in bad weather: it fails, fails after the message was
// stored, or stores it twice.
type rough struct {
	message.Publisher
	calm atomic.Bool

	mu     sync.Mutex
	stored map[string]bool // the keys of what surely is in the broker
	faults int
}

func (r *rough) Publish(topic string, messages ...*message.Message) error {
	chance := rand.IntN(20)
	if r.calm.Load() {
		chance = 19
	}
	if chance < 5 {
		r.mu.Lock()
		r.faults++
		r.mu.Unlock()
	}
	if chance < 2 {
		return errors.New("the broker is away")
	}
	if err := r.Publisher.Publish(topic, messages...); err != nil {
		return err
	}
	r.mu.Lock()
	for _, m := range messages {
		r.stored[m.Metadata.Get(broker.MetaKey)] = true
	}
	r.mu.Unlock()
	switch chance {
	case 2:
		return errors.New("the confirmation was lost")
	case 3, 4:
		for _, m := range messages {
			twin := m.Copy()
			if chance == 3 { // past the broker's own deduplication
				twin.UUID = uuid.NewString()
			}
			if err := r.Publisher.Publish(topic, twin); err != nil {
				return err
			}
		}
	}
	return nil
}

func (r *rough) keys() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.stored)
}

// hook is the shop's address: a webhook.Handler that is restarted.
type hook struct {
	current atomic.Pointer[http.Handler]
	make    func() http.Handler
}

func (h *hook) restart() {
	handler := h.make()
	h.current.Store(&handler)
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	(*h.current.Load()).ServeHTTP(w, r)
}

// lastKey begins the keys of the last messages.
const lastKey = "last/"

// shop is all of it together.
type shop struct {
	t      *testing.T
	bank   *sberbanktest.Server
	client *sberbank.Client
	hook   *hook
	pub    *rough
	topic  string
	db     *sql.DB
	ledger ledger
	crew   crew
	ids    map[string]acquiring.PaymentID

	disturbed int
}

func newShop(t *testing.T, l ledger, topic string, pub message.Publisher, c crew) *shop {
	s := &shop{t: t, hook: &hook{}, pub: &rough{Publisher: pub, stored: map[string]bool{}}, topic: topic, db: l.create(t), ledger: l, crew: c, ids: map[string]acquiring.PaymentID{}}
	s.bank = sberbanktest.NewServer(sberbanktest.WithClock(sberbanktest.NewClock(time.Now())), sberbanktest.WithCallbackHandler(s.hook))
	t.Cleanup(s.bank.Close)
	config := s.bank.Config()
	config.HTTPClient, config.Logger = s.bank.Client(), quiet
	client, err := sberbank.New(config)
	require.NoError(t, err)
	s.client = client
	s.hook.make = func() http.Handler {
		return webhook.Handler(client, broker.Publish(s.pub, topic), webhook.Logger(quiet))
	}
	s.hook.restart()
	return s
}

// trade takes the payments and moves them on, while the callbacks are doubled
// and overtake each other, the hook is restarted, and consumers are killed.
func (s *shop) trade(payments int) {
	ctx := s.t.Context()
	ids := make([]acquiring.PaymentID, payments)
	for i := range payments {
		order := fmt.Sprintf("A-%d", i)
		_, err := s.db.Exec(s.ledger.Dialect.Bind("INSERT INTO "+s.ledger.table("orders")+" (id, status, captured, refunded) VALUES (?, 'pending', 0, 0)"), order)
		require.NoError(s.t, err)
		invoice, err := s.client.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: order, Amount: money.Amount(10_000 + 7*i), ReturnURL: "https://school.example/",
			CallbackURL: "https://school.example/hook", Hold: i%10 < 4})
		require.NoError(s.t, err)
		ids[i], s.ids[order] = invoice.ID, invoice.ID
	}
	for i := range consumers {
		s.crew.start(i)
	}
	for i, id := range ids {
		switch i % 10 {
		case 8:
			require.NoError(s.t, s.bank.Decline(string(id)))
		case 9:
			require.NoError(s.t, s.bank.Expire(string(id)))
		default:
			require.NoError(s.t, s.bank.Pay(string(id)))
		}
		s.weather(i)
	}
	for round := range 2 {
		for i, id := range ids {
			var err error
			refund := func(sum money.Amount) error {
				_, err := s.client.Refund(ctx, acquiring.RefundRequest{ID: id, Key: fmt.Sprintf("%d-%d", i, round), Amount: sum})
				return err
			}
			switch {
			case i%10 == 0 && round == 0:
				_, err = s.client.Capture(ctx, acquiring.CaptureRequest{ID: id})
			case i%10 == 1 && round == 0:
				_, err = s.client.Capture(ctx, acquiring.CaptureRequest{ID: id, Amount: 5_000})
			case i%10 == 1, i%10 == 4:
				err = refund(1_001)
			case i%10 == 2 && round == 0:
				_, err = s.client.Void(ctx, id)
			case i%10 == 5 && round == 1:
				err = refund(0)
			}
			require.NoError(s.t, err)
			s.weather(i)
		}
	}
	// Whatever the provider gave up is sent once more, with all the rest, to a
	// hook that has forgotten everything.
	s.pub.calm.Store(true)
	s.bank.Mischief(sberbanktest.Mischief{})
	s.bank.Advance(time.Hour)
	s.hook.restart()
	for _, d := range s.bank.Deliveries() {
		if !d.Forged {
			require.NoError(s.t, s.bank.Resend(d.ID))
		}
	}
	s.bank.Advance(time.Hour)
}

func (s *shop) weather(i int) {
	if i%15 == 0 {
		s.bank.Mischief(sberbanktest.Mischief{Duplicates: rand.IntN(3), Reorder: time.Duration(rand.IntN(3)) * 5 * time.Second, Forge: 1})
		s.bank.Advance(10 * time.Second)
	}
	if i%60 == 59 {
		s.hook.restart()
		s.disturb()
	}
}

// disturb kills a consumer, or stops it in order, and starts another.
func (s *shop) disturb() {
	victim := rand.IntN(consumers)
	if s.disturbed++; s.disturbed%3 != 0 {
		s.crew.kill(victim)
		return
	}
	s.crew.stop(victim)
	s.crew.start(victim)
}

// settle goes on killing for the time, lets the rest be consumed, and ends the
// consumers.
func (s *shop) settle(rage time.Duration) {
	for end := time.Now().Add(rage); time.Now().Before(end); {
		time.Sleep(time.Duration(150+rand.IntN(250)) * time.Millisecond)
		s.disturb()
	}
	for i := range 20 {
		e := paid(fmt.Sprintf("last-%d", i), 1)
		e.Key = fmt.Sprintf("%s%d", lastKey, i)
		require.NoError(s.t, broker.Publish(s.pub, s.topic)(s.t.Context(), e))
	}
	ctx, end := context.WithCancel(s.t.Context())
	var polling sync.WaitGroup
	polling.Go(func() { s.poll(ctx) })
	require.Eventually(s.t, func() bool {
		return len(s.open()) == 0 && len(s.processed()) == s.pub.keys()
	}, 90*time.Second, 50*time.Millisecond, "everything is consumed")
	end()
	polling.Wait()
	for i := range consumers {
		s.crew.stop(i)
	}
}

// poll finds what the bank does not notify: that a payment was declined.
func (s *shop) poll(ctx context.Context) {
	poller := &webhook.Poller{
		Process: broker.Publish(s.pub, s.topic),
		Inbox:   webhook.NewMemoryInbox(0),
		Pending: func(context.Context) iter.Seq2[webhook.Pending, error] {
			return func(yield func(webhook.Pending, error) bool) {
				for _, order := range s.open() {
					if !yield(webhook.Pending{Acquirer: s.client, OrderID: order, ID: s.ids[order]}, nil) {
						return
					}
				}
			}
		},
		Every: 20 * time.Millisecond, First: time.Millisecond, Gap: time.Millisecond, Logger: quiet,
	}
	assert.NoError(s.t, poller.Run(ctx))
}

// open are the orders that nothing is known of.
func (s *shop) open() (orders []string) {
	rows, err := s.db.Query("SELECT id FROM " + s.ledger.table("orders") + " WHERE status = 'pending'")
	if !assert.NoError(s.t, err) {
		return nil
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		assert.NoError(s.t, rows.Scan(&id))
		orders = append(orders, id)
	}
	assert.NoError(s.t, rows.Err())
	return orders
}

// processed is how often each of the news was processed, rolled back work not
// counted.
func (s *shop) processed() map[string]int {
	rows, err := s.db.Query("SELECT news, COUNT(*) FROM " + s.ledger.table("news") + " GROUP BY news")
	require.NoError(s.t, err)
	defer rows.Close()
	counts := map[string]int{}
	for rows.Next() {
		var key string
		var n int
		require.NoError(s.t, rows.Scan(&key, &n))
		counts[key] = n
	}
	require.NoError(s.t, rows.Err())
	return counts
}

// audit compares the ledger with the bank's own books.
func (s *shop) audit() {
	t := s.t
	processed := s.processed()
	for key := range s.pub.stored {
		require.Equal(t, 1, processed[key], key)
	}
	require.Len(t, processed, len(s.pub.stored), "nothing but what was published")

	var total, net int64
	moved := 0
	for _, order := range s.bank.Orders() {
		var status string
		var captured, refunded money.Amount
		require.NoError(t, s.db.QueryRow(s.ledger.Dialect.Bind("SELECT status, captured, refunded FROM "+s.ledger.table("orders")+" WHERE id = ?"), order.Number).Scan(&status, &captured, &refunded))
		require.Equal(t, order.Captured, captured, "order %s: captured", order.Number)
		require.Equal(t, order.Refunded, refunded, "order %s: refunded", order.Number)
		p, err := s.client.GetStatus(t.Context(), acquiring.PaymentID(order.ID))
		require.NoError(t, err)
		require.Equal(t, p.Status.String(), status, "order %s", order.Number)
		var entries int64
		require.NoError(t, s.db.QueryRow(s.ledger.Dialect.Bind("SELECT COALESCE(SUM(kopecks), 0) FROM "+s.ledger.table("entries")+" WHERE order_id = ?"), order.Number).Scan(&entries))
		require.Equal(t, int64(order.Net()), entries, "order %s: the entries", order.Number)
		net += int64(order.Net())
		if order.Captured > 0 {
			moved++
		}
	}
	require.NoError(t, s.db.QueryRow("SELECT SUM(kopecks) FROM "+s.ledger.table("entries")).Scan(&total))
	require.Equal(t, net, total, "the ledger and the bank's books")
	require.Positive(t, net)

	runs := 0
	log, err := os.Open(s.ledger.Log)
	require.NoError(t, err)
	defer log.Close()
	for lines := bufio.NewScanner(log); lines.Scan(); {
		runs++
	}
	assert.Greater(t, runs, len(processed), "redelivery was forced")
	assert.Positive(t, s.pub.faults)
	assert.Positive(t, s.crew.kills())
	t.Logf("%d payments, %d of them brought money, %s in all; %d pieces of news, process ran %d times, %d consumers killed, %d faults of the publisher",
		len(s.bank.Orders()), moved, money.Amount(net), len(processed), runs, s.crew.kills(), s.pub.faults)
}

// poison puts two messages that nobody can read between the others.
func (s *shop) poison() {
	for i, payload := range []string{`{"version":2}`, `{"not":"an event"}`} { // JSON, because of PostgreSQL's column
		require.NoError(s.t, s.pub.Publisher.Publish(s.topic, message.NewMessage(fmt.Sprintf("poison-%d", i), []byte(payload))))
	}
}

// putAside waits for both in the poison topic.
func (s *shop) putAside(sub message.Subscriber, topic string) {
	ctx, cancel := context.WithCancel(s.t.Context())
	defer cancel()
	aside, err := sub.Subscribe(ctx, topic)
	require.NoError(s.t, err)
	found := map[string]bool{}
	for len(found) < 2 {
		select {
		case m := <-aside:
			found[m.UUID] = true
			m.Ack()
		case <-time.After(60 * time.Second):
			require.Fail(s.t, "the poison did not arrive", found)
		}
	}
	require.Equal(s.t, map[string]bool{"poison-0": true, "poison-1": true}, found)
}

func sqliteLedger(t *testing.T) ledger {
	dir := t.TempDir()
	return ledger{Dialect: sqlinbox.SQLite, Driver: "sqlite", Prefix: "shop", Log: filepath.Join(dir, "runs"),
		DSN: "file:" + filepath.Join(dir, "shop.db") + "?_pragma=journal_mode(WAL)&_pragma=synchronous(NORMAL)&_pragma=busy_timeout(20)"}
}

// Some hundred payments at the emulated bank, through callbacks and a broker,
// to three consumers that fail, panic and are killed with kill -9: the ledger
// is what the bank's books say, each piece of news in it once.
func TestCreditedOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	onBuses(t, func(t *testing.T, b bus) {
		l := sqliteLedger(t)
		if b.Kind == postgreSQL {
			l.Dialect, l.Driver, l.DSN, l.Prefix = sqlinbox.PostgreSQL, "pgx", b.Address, b.Topic
		}
		l.Deadly = true
		pub, err := b.publisher()
		require.NoError(t, err)
		defer pub.Close()
		sub, err := b.subscriber()
		require.NoError(t, err)
		defer sub.Close()
		s := newShop(t, l, b.Topic, pub, &processes{t: t, job: job{b, l}})
		s.poison()
		s.trade(300)
		s.settle(3 * time.Second)
		s.putAside(sub, b.poison())
		s.audit()
	})
}

// The same without a broker: three consumers that each get every message.
func TestCreditedOnceOnGoChannel(t *testing.T) {
	l := sqliteLedger(t)
	bus := gochannel.NewGoChannel(gochannel.Config{Persistent: true}, watermill.NopLogger{})
	defer bus.Close()
	s := newShop(t, l, "payments", bus, &routines{t: t, bus: bus, ledger: l})
	s.poison()
	s.trade(120)
	s.settle(0)
	s.putAside(bus, "poison")
	s.audit()
}
