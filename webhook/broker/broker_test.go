package broker_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
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
)

var quiet = slog.New(slog.DiscardHandler)

// paid is the news that an order was paid.
func paid(order string, sum money.Amount) webhook.Event {
	p := &acquiring.Payment{ID: acquiring.PaymentID("id-" + order), OrderID: order, Status: acquiring.StatusPaid, Amount: sum, Captured: sum, Currency: "RUB"}
	return webhook.Event{Key: webhook.NewsKey("bank", "school", p), Source: webhook.FromCallback, Payment: p,
		Callback: &acquiring.Callback{PaymentID: p.ID, OrderID: order, Status: p.Status, Signed: true}}
}

// outlet is a publisher that fails when told, and keeps what it was given.
type outlet struct {
	mu     sync.Mutex
	err    error
	topics []string
	sent   []*message.Message
}

func (o *outlet) Publish(topic string, messages ...*message.Message) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.err != nil {
		return o.err
	}
	for _, m := range messages {
		o.topics = append(o.topics, topic)
		o.sent = append(o.sent, m)
	}
	return nil
}

func (o *outlet) Close() error { return nil }

func key(t *testing.T, secret string) *webhook.HMAC {
	t.Helper()
	k, err := webhook.NewHMAC(sha256.New, []byte(secret))
	require.NoError(t, err)
	return k
}

func TestMessage(t *testing.T) {
	out := &outlet{}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	require.NoError(t, broker.Publish(out, "payments")(ctx, paid("A-7", 149990)))
	require.Len(t, out.sent, 1)
	m := out.sent[0]
	assert.Equal(t, []string{"payments"}, out.topics)
	assert.Equal(t, ctx, m.Context())
	assert.Equal(t, message.Metadata{
		broker.MetaVersion: "1", broker.MetaKey: "bank/school/id-A-7/paid", broker.MetaPayment: "id-A-7", broker.MetaOrder: "A-7", broker.MetaStatus: "paid",
	}, m.Metadata)

	partition, err := broker.PartitionKey("payments", m)
	require.NoError(t, err)
	assert.Equal(t, "id-A-7", partition)

	id, err := uuid.Parse(m.UUID)
	require.NoError(t, err)
	assert.Equal(t, uuid.Version(8), id.Version())
	assert.Equal(t, "2598acb2-0b8a-8903-a4ce-b88d8662e04b", m.UUID, "brokers drop repetitions by it: it must not change from release to release")

	again := func(topic string, e webhook.Event) string {
		m, err := broker.NewMessage(topic, e)
		require.NoError(t, err)
		return m.UUID
	}
	assert.Equal(t, m.UUID, again("payments", paid("A-7", 149990)))
	assert.NotEqual(t, m.UUID, again("payments", paid("A-8", 149990)))
	assert.NotEqual(t, m.UUID, again("audit", paid("A-7", 149990)), "two topics of one JetStream stream")
}

// The provider hears success only when the broker has taken the message.
func TestTheProviderHearsTheBroker(t *testing.T) {
	bank := sberbanktest.NewServer(sberbanktest.WithClock(sberbanktest.NewClock(time.Now())))
	defer bank.Close()
	client, err := sberbank.New(bank.Config())
	require.NoError(t, err)
	out := &outlet{err: errors.New("no quorum")}
	handler := webhook.Handler(client, broker.Publish(out, "payments"), webhook.Logger(quiet))

	invoice, err := client.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-7", Amount: money.RUB(1499, 90), ReturnURL: "https://school.example/", CallbackURL: "https://school.example/hook"})
	require.NoError(t, err)
	require.NoError(t, bank.Pay(string(invoice.ID)))
	hear := func() int {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, bank.Deliveries()[0].Request())
		return w.Code
	}
	assert.Equal(t, http.StatusInternalServerError, hear())
	out.err = nil
	assert.Equal(t, http.StatusOK, hear())
	assert.Equal(t, http.StatusOK, hear())
	require.Len(t, out.sent, 1, "the repetition was known")
	e, err := broker.ParseMessage(out.sent[0])
	require.NoError(t, err)
	assert.Equal(t, money.RUB(1499, 90), e.Payment.Captured)
	assert.Equal(t, "A-7", e.Payment.OrderID)
	assert.Regexp(t, `^\d{6}\*+\d{4}$`, e.Payment.Card.Masked)
}

func TestHandlerRunsProcessOnce(t *testing.T) {
	inbox := webhook.NewMemoryInbox(0)
	var runs []string
	fault := errors.New("the database is away")
	process := func(ctx context.Context, e webhook.Event) error {
		runs = append(runs, e.Payment.OrderID)
		return fault
	}
	ledger := broker.Handler("ledger", inbox, process)
	m, err := broker.NewMessage("payments", paid("A-7", 100))
	require.NoError(t, err)

	err = ledger(m)
	require.ErrorIs(t, err, fault)
	assert.False(t, broker.IsPoison(err), "it is to come again")
	assert.ErrorContains(t, err, "ledger: bank/school/id-A-7/paid")
	fault = nil
	require.NoError(t, ledger(m))
	require.NoError(t, ledger(m.Copy()))
	other := m.Copy()
	other.UUID = "of somebody else's making"
	require.NoError(t, ledger(other), "the key counts, not the UUID")
	assert.Equal(t, []string{"A-7", "A-7"}, runs)

	// Another consumer over the same Inbox hears of it too, and so does a
	// consumer whose Inbox a webhook.Handler has marked.
	require.NoError(t, broker.Handler("mail", inbox, process)(m))
	assert.Len(t, runs, 3)
	shared := webhook.NewMemoryInbox(0)
	require.NoError(t, shared.Once(t.Context(), paid("A-7", 100).Key, func(context.Context) error { return nil }))
	require.NoError(t, broker.Handler("ledger", shared, process)(m))
	assert.Len(t, runs, 4)
	require.NoError(t, broker.Handler("a", shared, process)(m))
	require.NoError(t, broker.Handler("a:bank", shared, process)(m))
	assert.Len(t, runs, 6)
}

func TestAPanicIsAnError(t *testing.T) {
	inbox := webhook.NewMemoryInbox(0)
	bad := true
	handler := broker.Handler("ledger", inbox, func(context.Context, webhook.Event) error {
		if bad {
			panic("nil map")
		}
		return nil
	})
	m, err := broker.NewMessage("payments", paid("A-7", 100))
	require.NoError(t, err)
	err = handler(m)
	require.ErrorContains(t, err, "process panicked: nil map")
	assert.ErrorContains(t, err, "broker_test.go", "with its stack")
	assert.False(t, broker.IsPoison(err))
	bad = false
	require.NoError(t, handler(m), "the key stayed free")
}

// While one replica is at it, another is told to come again; the message is
// not acknowledged.
func TestInFlightComesAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		inbox := webhook.NewMemoryInbox(0)
		runs := 0
		handler := broker.Handler("ledger", inbox, func(context.Context, webhook.Event) error {
			runs++
			time.Sleep(time.Minute)
			return nil
		})
		m, err := broker.NewMessage("payments", paid("A-7", 100))
		require.NoError(t, err)
		go func() { _ = handler(m) }()
		synctest.Wait()
		copied := m.Copy()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		copied.SetContext(ctx)
		require.ErrorIs(t, handler(copied), webhook.ErrInFlight)
		time.Sleep(time.Minute)
		require.NoError(t, handler(m.Copy()))
		assert.Equal(t, 1, runs)
	})
}

// What a message that was forged or changed in the broker gives: without
// Signed it is believed, as the package's page says; with it, poison.
func TestWhoIsBelieved(t *testing.T) {
	var credited []money.Amount
	process := func(_ context.Context, e webhook.Event) error {
		credited = append(credited, e.Payment.Captured)
		return nil
	}
	secret, old := key(t, "the shop's own secret"), key(t, "last year's")
	consume := func(m *message.Message, opts ...broker.Option) error {
		return broker.Handler("ledger", webhook.NewMemoryInbox(0), process, opts...)(m)
	}
	forged := func(m *message.Message) *message.Message {
		c := m.Copy()
		c.Payload = []byte(strings.Replace(string(m.Payload), `"captured":100`, `"captured":100000000`, 1))
		require.NotEqual(t, m.Payload, c.Payload)
		return c
	}
	plain, err := broker.NewMessage("payments", paid("A-7", 100))
	require.NoError(t, err)
	require.NoError(t, consume(forged(plain)))
	require.Equal(t, []money.Amount{100000000}, credited, "the broker is trusted")

	credited = nil
	signed, err := broker.NewMessage("payments", paid("A-7", 100), broker.Signed(secret))
	require.NoError(t, err)
	require.Len(t, signed.Metadata.Get(broker.MetaSignature), 64)
	require.NoError(t, consume(signed), "a consumer without the key does not check")
	require.NoError(t, consume(signed, broker.Signed(secret)))
	require.NoError(t, consume(signed, broker.Signed(old, secret)), "while the key is being changed")
	require.Len(t, credited, 3)

	another, err := broker.NewMessage("payments", paid("A-8", 5), broker.Signed(secret))
	require.NoError(t, err)
	moved := forged(signed)
	moved.Metadata.Set(broker.MetaSignature, another.Metadata.Get(broker.MetaSignature))
	garbage := signed.Copy()
	garbage.Payload = []byte("not JSON, and not signed")
	for name, m := range map[string]*message.Message{"unsigned": plain, "changed": forged(signed), "another's signature": moved, "garbage": garbage} {
		err := consume(m, broker.Signed(secret))
		require.ErrorIs(t, err, acquiring.ErrSignature, name)
		assert.True(t, broker.IsPoison(err), name)
	}
	require.ErrorIs(t, consume(signed, broker.Signed(old)), acquiring.ErrSignature)
	assert.Len(t, credited, 3)

	// Metadata are not covered and not believed.
	relabelled := signed.Copy()
	relabelled.UUID = "another"
	relabelled.Metadata.Set(broker.MetaKey, "bank/school/id-A-9/paid")
	relabelled.Metadata.Set(broker.MetaVersion, "9")
	e, err := broker.ParseMessage(relabelled, broker.Signed(secret))
	require.NoError(t, err)
	assert.Equal(t, "bank/school/id-A-7/paid", e.Key)
}

// Messages that cannot be read are put aside with the reason, and hold up
// nothing.
func TestPoisonIsPutAside(t *testing.T) {
	bus := gochannel.NewGoChannel(gochannel.Config{Persistent: true}, watermill.NopLogger{})
	defer bus.Close()
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	require.NoError(t, err)
	poison, err := middleware.PoisonQueueWithFilter(bus, "payments_poison", broker.IsPoison)
	require.NoError(t, err)
	router.AddMiddleware(poison)
	done := make(chan string, 10)
	failed := false
	router.AddConsumerHandler("ledger", "payments", bus, broker.Handler("ledger", webhook.NewMemoryInbox(0), func(_ context.Context, e webhook.Event) error {
		if !failed {
			failed = true
			return errors.New("comes again, and is not put aside")
		}
		done <- e.Payment.OrderID
		return nil
	}))
	aside, err := bus.Subscribe(t.Context(), "payments_poison")
	require.NoError(t, err)
	go func() { _ = router.Run(t.Context()) }()
	<-router.Running()

	require.NoError(t, bus.Publish("payments", message.NewMessage("m-1", []byte("{"))))
	require.NoError(t, broker.Publish(bus, "payments")(t.Context(), paid("A-7", 100)))
	require.NoError(t, bus.Publish("payments", message.NewMessage("m-2", []byte(`{"version":2}`))))
	assert.Equal(t, "A-7", <-done)
	reasons := map[string]string{}
	for range 2 {
		m := <-aside
		m.Ack()
		reasons[m.UUID] = m.Metadata.Get(middleware.ReasonForPoisonedKey)
	}
	assert.Equal(t, map[string]string{
		"m-1": `broker: message "m-1": not a payment event: unexpected end of JSON input`,
		"m-2": `broker: message "m-2": unknown version: 2, this program knows 1`,
	}, reasons)
}

func TestMissingArguments(t *testing.T) {
	process := func(context.Context, webhook.Event) error { return nil }
	for name, f := range map[string]func(){
		"publisher": func() { broker.Publish(nil, "payments") },
		"topic":     func() { broker.Publish(&outlet{}, "") },
		"name":      func() { broker.Handler("", webhook.NewMemoryInbox(0), process) },
		"inbox":     func() { broker.Handler("ledger", nil, process) },
		"process":   func() { broker.Handler("ledger", webhook.NewMemoryInbox(0), nil) },
		"no key":    func() { broker.Signed() },
		"nil key":   func() { broker.Signed(nil) },
	} {
		assert.Panics(t, f, name)
	}
}
