package telemetry_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/telemetry"
)

func Example() {
	spans := tracetest.NewInMemoryExporter() // in a program: an OTLP exporter
	tracer := trace.NewTracerProvider(trace.WithSyncer(spans))
	seen, err := telemetry.New(tracer, metric.NewMeterProvider())
	if err != nil {
		log.Fatal(err)
	}
	bank := sberbanktest.NewServer()
	defer bank.Close()
	conf := bank.Config()
	conf.Observe = seen.Call
	client, err := sberbank.New(conf)
	if err != nil {
		log.Fatal(err)
	}

	ctx, request := tracer.Tracer("shop").Start(context.Background(), "POST /checkout")
	if _, err := client.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(1499, 90), ReturnURL: "https://shop.example"}); err != nil {
		log.Fatal(err)
	}
	request.End()
	for _, span := range spans.GetSpans() {
		fmt.Println(span.Name)
	}
	// Output:
	// sberbank register.do
	// POST /checkout
}
