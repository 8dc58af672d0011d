package broker_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"time"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/message/router/middleware"
	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/broker"
)

// A payment is notified three times and published twice; the order is credited
// once.
func Example() {
	bank := sberbanktest.NewServer(sberbanktest.WithClock(sberbanktest.NewClock(time.Date(2026, 9, 1, 9, 0, 0, 0, time.UTC))))
	defer bank.Close()
	client, err := sberbank.New(bank.Config())
	if err != nil {
		panic(err)
	}

	// In your program: a publisher and subscribers of NATS, RabbitMQ, …
	bus := gochannel.NewGoChannel(gochannel.Config{BlockPublishUntilSubscriberAck: true}, watermill.NopLogger{})
	defer bus.Close()

	// The program that does the work.
	orders := map[string]acquiring.Payment{} // in your program: a table, its row locked through sqlinbox.Tx(ctx)
	credit := func(ctx context.Context, e webhook.Event) error {
		known := orders[e.Payment.OrderID]
		if !known.Status.CanBecome(e.Payment.Status) || e.Payment.Refunded < known.Refunded {
			return nil // older than what we know
		}
		orders[e.Payment.OrderID] = *e.Payment
		fmt.Println("order", e.Payment.OrderID, "is", e.Payment.Status, "with", e.Payment.Left())
		return nil
	}
	router, err := message.NewRouter(message.RouterConfig{}, watermill.NopLogger{})
	if err != nil {
		panic(err)
	}
	poison, err := middleware.PoisonQueueWithFilter(bus, "payments_poison", broker.IsPoison)
	if err != nil {
		panic(err)
	}
	router.AddMiddleware(poison, func(next message.HandlerFunc) message.HandlerFunc {
		return func(m *message.Message) ([]*message.Message, error) {
			fmt.Printf("message for %s: %s\n", m.Metadata.Get(broker.MetaOrder), m.Metadata.Get(broker.MetaStatus))
			return next(m)
		}
	})
	inbox := webhook.NewMemoryInbox(0) // in your program: sqlinbox
	router.AddConsumerHandler("ledger", "payments", bus, broker.Handler("ledger", inbox, credit))
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() { _ = router.Run(ctx) }()
	<-router.Running()

	// The program that takes the notifications.
	publish := broker.Publish(bus, "payments")
	hook := webhook.Handler(client, publish, webhook.Logger(quiet))
	invoice, err := client.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "A-7", Amount: money.RUB(1499, 90),
		ReturnURL: "https://school.example/thanks", CallbackURL: "https://school.example/hooks/sberbank"})
	if err != nil {
		panic(err)
	}
	if err := bank.Pay(string(invoice.ID)); err != nil {
		panic(err)
	}
	notify := func() {
		w := httptest.NewRecorder()
		hook.ServeHTTP(w, bank.Deliveries()[0].Request())
		fmt.Println("the bank hears", w.Code)
	}
	notify()
	notify()
	fmt.Println("after a restart, the memory of what was published is gone:")
	hook = webhook.Handler(client, publish, webhook.Logger(quiet))
	notify()
	// Output:
	// message for A-7: paid
	// order A-7 is paid with 1499.90
	// the bank hears 200
	// the bank hears 200
	// after a restart, the memory of what was published is gone:
	// message for A-7: paid
	// the bank hears 200
}
