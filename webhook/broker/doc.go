// Package broker carries verified payment news through a message broker, for
// shops that have outgrown one process: one program takes the notifications,
// others credit orders, print receipts and write mails. Any broker will do
// that Watermill has a publisher for: NATS JetStream, RabbitMQ, Kafka,
// PostgreSQL and others.
//
// Where the notifications come in, Publish stands in the place of process:
//
//	http.Handle("/hooks/sberbank", webhook.Handler(client, broker.Publish(publisher, "payments")))
//	poller := &webhook.Poller{Process: broker.Publish(publisher, "payments"), …}
//
// Where the work is done, [Handler] is a Watermill handler around process:
//
//	router.AddConsumerHandler("ledger", "payments", subscriber, broker.Handler("ledger", inbox, func(ctx context.Context, e webhook.Event) error {
//		… as in webhook.Handler; sqlinbox.Tx(ctx) is there too …
//	}))
//
// # Nothing lost, nothing twice
//
// The provider hears success only after the broker has confirmed that it keeps
// the message; otherwise it sends its notification again. From there on the
// broker delivers at least once: after a crash, a timeout or an error of
// process the same message comes again, perhaps to another replica, perhaps
// while the first one is still at work. The consumer's Inbox makes once of it:
// with package sqlinbox the mark and what process wrote through sqlinbox.Tx
// are committed together.
//
// The Inbox where the notifications come in may be the one in memory: what it
// forgets is published twice, and the consumer does it once. A message's UUID
// is made from the topic and the event's key, so a broker that drops repeated
// ids (JetStream's Nats-Msg-Id) drops most repetitions by itself.
//
// # What to set at the broker
//
// Success must mean that the message is stored, and an acknowledgement that
// process returned nil. Neither is every default:
//
//   - NATS: JetStream, with a stream of file storage made beforehand. In
//     watermill-nats JetStreamConfig.TrackMsgId at the publisher; at the
//     consumers DurablePrefix and QueueGroupPrefix, NakDelay against a hot
//     loop, and among the SubscribeOptions nats.ManualAck (without it a
//     consumer that is being closed acknowledges what it was at, and that news
//     is lost) and nats.AckWait above the time that process takes.
//   - RabbitMQ: PublishConfig.ConfirmDelivery, and the queue declared before
//     the first message, by a consumer or by hand: RabbitMQ confirms a message
//     that no queue takes and throws it away, and watermill-amqp does not say
//     so, with Mandatory either. NewDurableQueueConfig, or an exchange with
//     durable queues. A quorum queue of RabbitMQ 4 drops a message after 20
//     deliveries: give it a dead-letter exchange, or a delivery limit of -1.
//   - PostgreSQL, MySQL: nothing at the publisher; the row is committed. At the
//     consumers the schema with offsets (DefaultPostgreSQLSchema and its
//     OffsetsAdapter); PostgreSQLQueueSchema marks a whole batch when a part of
//     it was acknowledged, so it needs SubscribeBatchSize 1. A message is seen
//     after every transaction that was open when it was written has ended, so
//     keep process short.
//   - Kafka: acks of all replicas, and [PartitionKey] in
//     NewWithPartitioningMarshaler.
//   - GoChannel keeps nothing: for tests and demonstrations.
//
// With PostgreSQL, a publisher over watermill-sql's
// TxFromStdSQL(sqlinbox.Tx(ctx)) puts the message into the very transaction
// that marks the news done and credits the order: an outbox, from which
// Watermill's forwarder feeds any other broker.
//
// # Order
//
// No order is promised: a redelivered message is overtaken by later ones, and
// three consumers are never in step. An event carries the payment as it stood
// when it was read, so compare before you write, under the lock of the order's
// row:
//
//	if !order.Status.CanBecome(e.Payment.Status) || e.Payment.Refunded < order.Refunded {
//		return nil // older than what we know
//	}
//
// The second comparison is for partial refunds, of which there may be several.
// [PartitionKey] keeps the messages of one payment in one partition where the
// broker has such, which makes overtaking rare and does not rule it out.
//
// # Messages that cannot be read
//
// A message that is not an event, has a version that this consumer does not
// know, or lacks its signature gives a [PoisonError], however often it is
// delivered. Put it aside, with its reason, by Watermill's own middleware, and
// keep everything else coming again:
//
//	poison, err := middleware.PoisonQueueWithFilter(publisher, "payments_poison", broker.IsPoison)
//	router.AddMiddleware(poison)
//
// Watch that topic: each message in it may be money somebody paid. Whoever
// publishes one again by hand, at a broker that drops repeated ids, gives it
// another UUID or waits until the broker has forgotten the first (two minutes
// at JetStream, unless set otherwise). Without the middleware such a message
// comes back for ever, which holds up some brokers' queues and loses nothing
// either.
//
// # Who is believed
//
// The broker is trusted. Whoever can write to the topic can have an order
// credited: the consumer does not ask the provider again. Close the topic to
// everybody else, with credentials and TLS. Where that is not enough, [Signed]
// has each message signed with a key that the broker does not know; what was
// forged or changed on the way is then poison of kind
// acquiring.ErrSignature. The signature covers the payload and nothing else;
// nothing in the metadata is believed. A message that is repeated or kept back
// has a valid signature: the Inbox and CanBecome are against that. The broker
// must return the payload byte for byte: a column of type JSON in MySQL, or
// JSONB in PostgreSQL, does not; make it BLOB or BYTEA.
//
// # The wire form
//
// The payload is JSON, of [Version] 1:
//
//	{
//	  "version": 1,
//	  "key": "sberbank/school/7f1a/paid",
//	  "source": "callback",
//	  "callback": {"kind": "payment", "key": "…", "payment_id": "7f1a", "order_id": "A-7", "status": "paid", "amount": 149990, "signed": true, …},
//	  "payment": {"id": "7f1a", "order_id": "A-7", "status": "paid", "amount": 149990, "captured": 149990, "currency": "RUB", …}
//	}
//
// Sums are integers of kopecks. Statuses and kinds are the words of
// acquiring.Status and acquiring.CallbackKind, times are in UTC, bytes are in
// base64, what is empty is left out. Within a version fields are only ever
// added, and a consumer passes over those it does not know; whatever an old
// consumer must not pass over raises the version. So upgrade consumers before
// publishers.
//
// What the provider sent, byte for byte (Callback.Raw, Payment.Raw), is left
// out unless [WithRaw] asks for it: it holds more about the customer than the
// consumer needs. Card numbers are masked. The token of a saved card
// (Card.Token) is there, because the consumer is who keeps it.
//
// The metadata repeat, for routing and for eyes, what is in the payload: see
// [MetaVersion] and the other names.
package broker
