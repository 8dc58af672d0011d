package broker_test

import (
	"context"
	"database/sql"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	wmsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	natsgo "github.com/nats-io/nats.go"
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

// Each broker returns the payload byte for byte, so that signatures hold, and
// the metadata and the UUID with it.
func TestBytesAreKept(t *testing.T) {
	onBuses(t, func(t *testing.T, b bus) {
		sent := paid("Заказ \x01 <&>\u2028  ", 1<<53+1)
		sent.Callback.Raw = []byte("\x00\xff\r\n ")
		sent.Payment.Metadata = map[string]string{" ": "", "б": "\t", "a": "1.0"}
		secret := key(t, "the shop's own secret")
		m, err := broker.NewMessage(b.Topic, sent, broker.Signed(secret), broker.WithRaw())
		require.NoError(t, err)

		pub, err := b.publisher()
		require.NoError(t, err)
		defer pub.Close()
		sub, err := b.subscriber()
		require.NoError(t, err)
		defer sub.Close()
		require.NoError(t, broker.Publish(pub, b.Topic, broker.Signed(secret), broker.WithRaw())(t.Context(), sent))
		messages, err := sub.Subscribe(t.Context(), b.Topic)
		require.NoError(t, err)
		select {
		case got := <-messages:
			got.Ack()
			assert.Equal(t, string(m.Payload), string(got.Payload))
			assert.Equal(t, m.UUID, got.UUID)
			assert.Equal(t, m.Metadata.Get(broker.MetaSignature), got.Metadata.Get(broker.MetaSignature))
			e, err := broker.ParseMessage(got, broker.Signed(secret))
			require.NoError(t, err)
			assert.Equal(t, sent, e)
		case <-time.After(30 * time.Second):
			require.Fail(t, "the message did not arrive")
		}
	})
}

// JetStream drops by itself what is published again within its window.
func TestJetStreamDropsRepetitions(t *testing.T) {
	onBus(t, jetStream, func(t *testing.T, b bus) {
		pub, err := b.publisher()
		require.NoError(t, err)
		defer pub.Close()
		for range 3 {
			require.NoError(t, broker.Publish(pub, b.Topic)(t.Context(), paid("A-7", 100)))
			require.NoError(t, broker.Publish(pub, b.Topic)(t.Context(), paid("A-8", 100)))
		}
		require.NoError(t, b.atNATS(func(js natsgo.JetStreamContext, topic string) error {
			info, err := js.StreamInfo(topic)
			if topic == b.Topic && err == nil {
				assert.EqualValues(t, 2, info.State.Msgs)
			}
			return err
		}))
	})
}

// The news is marked, the order credited and the message published in one
// transaction: all or nothing, and nothing twice.
func TestOutbox(t *testing.T) {
	onBus(t, postgreSQL, func(t *testing.T, b bus) {
		l := ledger{Dialect: sqlinbox.PostgreSQL, Driver: "pgx", DSN: b.Address, Prefix: b.Topic, Calm: true, Log: t.TempDir() + "/runs"}
		db := l.create(t)
		_, err := db.Exec("INSERT INTO " + l.table("orders") + " VALUES ('A-7', 'pending', 0, 0)")
		require.NoError(t, err)
		inbox, err := l.inbox(db)
		require.NoError(t, err)

		bank := sberbanktest.NewServer(sberbanktest.WithClock(sberbanktest.NewClock(time.Now())))
		defer bank.Close()
		client, err := sberbank.New(bank.Config())
		require.NoError(t, err)
		invoice, err := client.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-7", Amount: money.RUB(1499, 90), ReturnURL: "https://school.example/", CallbackURL: "https://school.example/hook"})
		require.NoError(t, err)
		require.NoError(t, bank.Pay(string(invoice.ID)))

		var fault error
		process := func(ctx context.Context, e webhook.Event) error {
			if err := l.post(ctx, e); err != nil {
				return err
			}
			outbox, err := wmsql.NewPublisher(wmsql.TxFromStdSQL(sqlinbox.Tx(ctx)), wmsql.PublisherConfig{SchemaAdapter: schema}, watermill.NopLogger{})
			if err != nil {
				return err
			}
			return errors.Join(broker.Publish(outbox, b.Topic)(ctx, e), fault)
		}
		hear := func() int {
			w := httptest.NewRecorder()
			webhook.Handler(client, process, webhook.WithInbox(inbox), webhook.Logger(quiet)).ServeHTTP(w, bank.Deliveries()[0].Request())
			return w.Code
		}
		count := func(table string) (n int) {
			require.NoError(t, db.QueryRow("SELECT COUNT(*) FROM "+table).Scan(&n))
			return n
		}
		messages := `"watermill_` + b.Topic + `"`

		fault = errFault
		assert.Equal(t, http.StatusInternalServerError, hear())
		assert.Zero(t, count(messages))
		assert.Zero(t, count(l.table("entries")))
		fault = nil
		for range 3 {
			assert.Equal(t, http.StatusOK, hear())
		}
		assert.Equal(t, 1, count(messages))
		assert.Equal(t, 1, count(l.table("entries")))

		// A consumer over the very same Inbox hears of it.
		sub, err := b.subscriber()
		require.NoError(t, err)
		defer sub.Close()
		arrived, err := sub.Subscribe(t.Context(), b.Topic)
		require.NoError(t, err)
		select {
		case m := <-arrived:
			mails := 0
			require.NoError(t, broker.Handler("mail", inbox, func(context.Context, webhook.Event) error { mails++; return nil })(m))
			m.Ack()
			assert.Equal(t, 1, mails)
		case <-time.After(30 * time.Second):
			require.Fail(t, "the message did not arrive")
		}
	})
}

// An outbox in PostgreSQL: the news is marked, the order credited and the
// message published in one transaction, at the program that takes the
// notifications. Watermill's forwarder takes the messages on to another broker
// where that is wanted.
func ExamplePublish_outbox() {
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		panic(err)
	}
	inbox, err := sqlinbox.New(db, sqlinbox.PostgreSQL)
	if err != nil {
		panic(err)
	}
	client, err := sberbank.New(sberbank.Config{Environment: acquiring.Test, UserName: "shop-api", Password: os.Getenv("SBERBANK_PASSWORD"), CallbackKey: os.Getenv("SBERBANK_CALLBACK_KEY")})
	if err != nil {
		panic(err)
	}
	http.Handle("/hooks/sberbank", webhook.Handler(client, func(ctx context.Context, e webhook.Event) error {
		tx := sqlinbox.Tx(ctx)
		if e.Payment.Status == acquiring.StatusPaid {
			if _, err := tx.ExecContext(ctx, "UPDATE orders SET paid = $1 WHERE id = $2", e.Payment.Captured, e.Payment.OrderID); err != nil {
				return err
			}
		}
		// The topic's table must be there already: a transaction makes none.
		outbox, err := wmsql.NewPublisher(wmsql.TxFromStdSQL(tx), wmsql.PublisherConfig{SchemaAdapter: wmsql.DefaultPostgreSQLSchema{}}, nil)
		if err != nil {
			return err
		}
		return broker.Publish(outbox, "payments")(ctx, e)
	}, webhook.WithInbox(inbox)))
}

// The consumer's own database: the mark in the Inbox and the credit are one
// transaction, so what the broker delivers again is credited once.
func ExampleHandler() {
	db, err := sql.Open("pgx", os.Getenv("DATABASE_URL"))
	if err != nil {
		panic(err)
	}
	inbox, err := sqlinbox.New(db, sqlinbox.PostgreSQL)
	if err != nil {
		panic(err)
	}
	handler := broker.Handler("ledger", inbox, func(ctx context.Context, e webhook.Event) error {
		tx, p := sqlinbox.Tx(ctx), e.Payment
		var (
			known    string
			captured money.Amount
			refunded money.Amount
			status   acquiring.Status
		)
		if err := tx.QueryRowContext(ctx, "SELECT status, captured, refunded FROM orders WHERE id = $1 FOR UPDATE", p.OrderID).Scan(&known, &captured, &refunded); err != nil {
			return err
		}
		if err := status.UnmarshalText([]byte(known)); err != nil {
			return err
		}
		if !status.CanBecome(p.Status) || p.Refunded < refunded {
			return nil // older than what we know
		}
		_, err := tx.ExecContext(ctx, "UPDATE orders SET status = $1, captured = $2, refunded = $3 WHERE id = $4", p.Status.String(), p.Captured, p.Refunded, p.OrderID)
		return err
	})
	_ = handler // router.AddConsumerHandler("ledger", "payments", subscriber, handler)
}
