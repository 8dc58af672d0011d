package broker_test

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-amqp/v3/pkg/amqp"
	"github.com/ThreeDotsLabs/watermill-nats/v2/pkg/nats"
	wmsql "github.com/ThreeDotsLabs/watermill-sql/v4/pkg/sql"
	"github.com/ThreeDotsLabs/watermill/message"
	natsgo "github.com/nats-io/nats.go"
	amqpgo "github.com/rabbitmq/amqp091-go"
	"github.com/stretchr/testify/require"
)

// The kinds of bus.
const (
	jetStream  = "NATS JetStream"
	rabbitMQ   = "RabbitMQ"
	postgreSQL = "PostgreSQL"
)

// bus is a topic of a broker, with one for poison beside it. It is handed to
// other processes as JSON.
type bus struct {
	Kind    string
	Address string
	Topic   string
}

func (b bus) poison() string { return b.Topic + "_poison" }

// onBuses runs the test on each broker whose address is in the environment.
func onBuses(t *testing.T, test func(t *testing.T, b bus)) {
	for _, kind := range []string{jetStream, rabbitMQ, postgreSQL} {
		t.Run(kind, func(t *testing.T) { onBus(t, kind, test) })
	}
}

// onBus runs the test on one.
func onBus(t *testing.T, kind string, test func(t *testing.T, b bus)) {
	variable := map[string]string{jetStream: "ACQUIRING_NATS_URL", rabbitMQ: "ACQUIRING_AMQP_URL", postgreSQL: "ACQUIRING_POSTGRES_DSN"}[kind]
	b := bus{Kind: kind, Address: os.Getenv(variable), Topic: "acquiring_" + strconv.FormatUint(rand.Uint64N(1<<40), 36)}
	if b.Address == "" {
		t.Skip(variable + " is not set: " + kind + " is not tested")
	}
	require.NoError(t, b.prepare())
	t.Cleanup(func() { require.NoError(t, b.drop()) })
	test(t, b)
}

// prepare makes what a shop makes beforehand, so that no message comes too
// early.
func (b bus) prepare() error {
	switch b.Kind {
	case jetStream:
		return b.atNATS(func(js natsgo.JetStreamContext, topic string) error {
			_, err := js.AddStream(&natsgo.StreamConfig{Name: topic, Subjects: []string{topic}, Storage: natsgo.FileStorage})
			return err
		})
	default:
		sub, err := b.subscriber()
		if err != nil {
			return err
		}
		defer sub.Close()
		for _, topic := range []string{b.Topic, b.poison()} {
			if err := sub.(message.SubscribeInitializer).SubscribeInitialize(topic); err != nil {
				return err
			}
		}
		return nil
	}
}

func (b bus) drop() error {
	switch b.Kind {
	case jetStream:
		return b.atNATS(func(js natsgo.JetStreamContext, topic string) error { return js.DeleteStream(topic) })
	case rabbitMQ:
		conn, err := amqpgo.Dial(b.Address)
		if err != nil {
			return err
		}
		defer conn.Close()
		ch, err := conn.Channel()
		if err != nil {
			return err
		}
		_, err = ch.QueueDelete(b.Topic, false, false, false)
		_, err2 := ch.QueueDelete(b.poison(), false, false, false)
		return errors.Join(err, err2)
	default:
		db, err := sql.Open("pgx", b.Address)
		if err != nil {
			return err
		}
		defer db.Close()
		_, err = db.Exec(fmt.Sprintf(`DROP TABLE IF EXISTS "watermill_%s", "watermill_offsets_%[1]s", "watermill_%s", "watermill_offsets_%[2]s"`, b.Topic, b.poison()))
		return err
	}
}

func (b bus) atNATS(f func(js natsgo.JetStreamContext, topic string) error) error {
	conn, err := natsgo.Connect(b.Address)
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := conn.JetStream()
	if err != nil {
		return err
	}
	return errors.Join(f(js, b.Topic), f(js, b.poison()))
}

// patient is for a busy machine.
var patient = []natsgo.Option{natsgo.Timeout(15 * time.Second)}

// The publishers and subscribers are set as the package's page says; the times
// are shorter, so that what a killed consumer held comes again soon.

func (b bus) publisher() (message.Publisher, error) {
	switch b.Kind {
	case jetStream:
		return nats.NewPublisher(nats.PublisherConfig{URL: b.Address, NatsOptions: patient, JetStream: nats.JetStreamConfig{TrackMsgId: true}}, watermill.NopLogger{})
	case rabbitMQ:
		return amqp.NewPublisher(b.queue(), watermill.NopLogger{})
	default:
		db, err := sql.Open("pgx", b.Address)
		if err != nil {
			return nil, err
		}
		pub, err := wmsql.NewPublisher(wmsql.BeginnerFromStdSQL(db), wmsql.PublisherConfig{SchemaAdapter: schema}, watermill.NopLogger{})
		return publisherOf{pub, db}, err
	}
}

func (b bus) subscriber() (message.Subscriber, error) {
	switch b.Kind {
	case jetStream:
		return nats.NewSubscriber(nats.SubscriberConfig{URL: b.Address, QueueGroupPrefix: "ledger", NakDelay: nats.NewStaticDelay(10 * time.Millisecond),
			CloseTimeout: 5 * time.Second, NatsOptions: patient,
			JetStream: nats.JetStreamConfig{DurablePrefix: "ledger", SubscribeOptions: []natsgo.SubOpt{
				natsgo.DeliverAll(), natsgo.AckExplicit(), natsgo.ManualAck(), natsgo.AckWait(2 * time.Second), natsgo.MaxAckPending(60)}},
		}, watermill.NopLogger{})
	case rabbitMQ:
		return amqp.NewSubscriber(b.queue(), watermill.NopLogger{})
	default:
		db, err := sql.Open("pgx", b.Address)
		if err != nil {
			return nil, err
		}
		sub, err := wmsql.NewSubscriber(wmsql.BeginnerFromStdSQL(db), wmsql.SubscriberConfig{ConsumerGroup: "ledger", SchemaAdapter: schema, OffsetsAdapter: wmsql.DefaultPostgreSQLOffsetsAdapter{},
			PollInterval: 20 * time.Millisecond, RetryInterval: 20 * time.Millisecond, ResendInterval: 5 * time.Millisecond}, watermill.NopLogger{})
		return subscriberOf{sub, db}, err
	}
}

// queue is a durable queue of the topic's name, with publisher confirms.
func (b bus) queue() amqp.Config {
	c := amqp.NewDurableQueueConfig(b.Address)
	c.Publish.ConfirmDelivery = true
	c.Publish.ChannelPoolSize = 2
	c.Consume.Qos.PrefetchCount = 8
	return c
}

var schema = wmsql.DefaultPostgreSQLSchema{SubscribeBatchSize: 20}

type publisherOf struct {
	*wmsql.Publisher
	db *sql.DB
}

func (p publisherOf) Close() error { return errors.Join(p.Publisher.Close(), p.db.Close()) }

type subscriberOf struct {
	*wmsql.Subscriber
	db *sql.DB
}

func (s subscriberOf) Close() error { return errors.Join(s.Subscriber.Close(), s.db.Close()) }
