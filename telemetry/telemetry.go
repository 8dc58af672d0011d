package telemetry

import (
	"context"
	"errors"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

const scope = "github.com/acquiring-go/acquiring/telemetry"

// buckets of both histograms, in seconds: a provider answers in 0.1–1 s, and
// gives up at 30.
var buckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30}

// Telemetry makes spans and metrics of what it is shown. It is safe for
// concurrent use.
type Telemetry struct {
	tracer        trace.Tracer
	calls         metric.Float64Histogram
	notifications metric.Float64Histogram
}

// New makes the instruments. The providers are the program's own
// (otel.GetTracerProvider and otel.GetMeterProvider, or those that it set up);
// an error is the meter's.
func New(tp trace.TracerProvider, mp metric.MeterProvider) (*Telemetry, error) {
	meter := mp.Meter(scope)
	calls, err := meter.Float64Histogram("acquiring.call.duration", metric.WithUnit("s"),
		metric.WithDescription("Calls to providers, each attempt by itself"), metric.WithExplicitBucketBoundaries(buckets...))
	if err != nil {
		return nil, err
	}
	notifications, err := meter.Float64Histogram("acquiring.notification.duration", metric.WithUnit("s"),
		metric.WithDescription("Notifications answered and payments polled"), metric.WithExplicitBucketBoundaries(buckets...))
	if err != nil {
		return nil, err
	}
	return &Telemetry{tp.Tracer(scope), calls, notifications}, nil
}

// Call is an acquiring.Observer: the Observe of every provider's Config.
func (t *Telemetry) Call(ctx context.Context, c acquiring.Call) {
	attrs := []attribute.KeyValue{
		attribute.String("acquiring.provider", c.Provider), attribute.String("acquiring.shop", c.Shop), attribute.String("acquiring.op", c.Op),
		attribute.String("http.request.method", c.Method), attribute.String("server.address", c.Host),
	}
	if c.HTTPStatus != 0 {
		attrs = append(attrs, attribute.Int("http.response.status_code", c.HTTPStatus))
	}
	if c.Err != nil {
		attrs = append(attrs, attribute.String("error.type", kind(c.Err)), attribute.String("acquiring.outcome", acquiring.OutcomeOf(c.Err).String()))
	}
	t.calls.Record(ctx, c.Took.Seconds(), metric.WithAttributes(attrs...))

	_, span := t.tracer.Start(ctx, c.Provider+" "+c.Op, trace.WithSpanKind(trace.SpanKindClient), trace.WithTimestamp(c.Start),
		trace.WithAttributes(attrs...), trace.WithAttributes(attribute.Int("acquiring.attempt", c.Attempt)))
	fail(span, c.Err)
	span.End(trace.WithTimestamp(c.Start.Add(c.Took)))
}

// Notification is the hook of webhook.Observe and of webhook.Poller.
func (t *Telemetry) Notification(ctx context.Context, o webhook.Observation) {
	attrs := []attribute.KeyValue{
		attribute.String("acquiring.provider", o.Provider), attribute.String("acquiring.shop", o.Shop),
		attribute.String("acquiring.source", string(o.Source)), attribute.String("acquiring.outcome", string(o.Outcome)),
		attribute.String("acquiring.kind", o.Kind.String()), attribute.String("acquiring.status", o.Status.String()),
	}
	if o.HTTP != 0 {
		attrs = append(attrs, attribute.Int("http.response.status_code", o.HTTP))
	}
	if o.Err != nil {
		attrs = append(attrs, attribute.String("error.type", kind(o.Err)))
	}
	t.notifications.Record(ctx, o.Took.Seconds(), metric.WithAttributes(attrs...))

	ids := []attribute.KeyValue{attribute.String("acquiring.payment_id", string(o.PaymentID)), attribute.String("acquiring.order_id", o.OrderID)}
	if span := trace.SpanFromContext(ctx); o.Source == webhook.FromCallback && span.IsRecording() {
		span.SetAttributes(append(attrs, ids...)...)
		fail(span, o.Err)
		return
	}
	end := time.Now()
	_, span := t.tracer.Start(ctx, o.Provider+" "+string(o.Source), trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(end.Add(-o.Took)),
		trace.WithAttributes(attrs...), trace.WithAttributes(ids...))
	fail(span, o.Err)
	span.End(trace.WithTimestamp(end))
}

func fail(span trace.Span, err error) {
	if err != nil {
		span.SetStatus(codes.Error, err.Error())
	}
}

// kinds are the errors that error.type tells apart.
var kinds = map[error]string{
	acquiring.ErrInvalid: "invalid", acquiring.ErrUnauthorized: "unauthorized", acquiring.ErrNotFound: "not_found",
	acquiring.ErrDuplicate: "duplicate", acquiring.ErrDeclined: "declined", acquiring.ErrConflict: "conflict",
	acquiring.ErrRateLimited: "rate_limited", acquiring.ErrUnavailable: "unavailable", acquiring.ErrUnsupported: "unsupported",
	acquiring.ErrSignature: "signature", acquiring.ErrProtocol: "protocol",
}

// kind is a word for the error: its kind, or _OTHER, as OpenTelemetry calls
// what has none.
func kind(err error) string {
	var e *acquiring.Error
	if errors.As(err, &e) {
		if word, ok := kinds[e.Kind]; ok {
			return word
		}
	}
	return "_OTHER"
}
