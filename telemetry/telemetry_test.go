package telemetry

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/orangedata/orangedatatest"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"
	"github.com/acquiring-go/acquiring/webhook"
)

// seen is a Telemetry with what it recorded.
type seen struct {
	*Telemetry
	spans  *tracetest.SpanRecorder
	tracer *trace.TracerProvider
	reader *metric.ManualReader
}

func record(t *testing.T) *seen {
	t.Helper()
	s := &seen{spans: tracetest.NewSpanRecorder(), reader: metric.NewManualReader()}
	s.tracer = trace.NewTracerProvider(trace.WithSpanProcessor(s.spans))
	var err error
	s.Telemetry, err = New(s.tracer, metric.NewMeterProvider(metric.WithReader(s.reader)))
	require.NoError(t, err)
	return s
}

// counts are the points of a histogram by the given attributes.
func (s *seen) counts(t *testing.T, name string, keys ...attribute.Key) map[string]uint64 {
	t.Helper()
	var all metricdata.ResourceMetrics
	require.NoError(t, s.reader.Collect(t.Context(), &all))
	out := map[string]uint64{}
	for _, scope := range all.ScopeMetrics {
		for _, m := range scope.Metrics {
			if m.Name != name {
				continue
			}
			assert.Equal(t, "s", m.Unit)
			for _, p := range m.Data.(metricdata.Histogram[float64]).DataPoints {
				var parts []string
				for _, k := range keys {
					v, _ := p.Attributes.Value(k)
					parts = append(parts, v.String())
				}
				out[strings.Join(parts, " ")] += p.Count
			}
		}
	}
	return out
}

func attributes(span trace.ReadOnlySpan) map[attribute.Key]string {
	out := map[attribute.Key]string{}
	for _, a := range span.Attributes() {
		out[a.Key] = a.Value.String()
	}
	return out
}

// TestEveryProvider: each client tells of its calls, and its word for itself is
// in the span's name.
func TestEveryProvider(t *testing.T) {
	s := record(t)
	sber, alfa, master, bank := sberbanktest.NewServer(), alfabanktest.NewServer(), paymastertest.NewServer(), tochkatest.NewServer()
	kassa, orange, keeper := komtettest.NewServer(), orangedatatest.NewServer(), paykeepertest.NewServer()
	for _, e := range []interface{ Close() }{sber, alfa, master, bank, kassa, orange, keeper} {
		t.Cleanup(e.Close)
	}
	var all []acquiring.Checker
	add := func(c acquiring.Checker, err error) {
		require.NoError(t, err)
		all = append(all, c)
	}
	c1 := sber.Config()
	c1.Observe = s.Call
	add(sberbank.New(c1))
	c2 := alfa.Config()
	c2.Observe = s.Call
	add(alfabank.New(c2))
	c3 := master.Config()
	c3.Observe = s.Call
	add(paymaster.New(c3))
	c4 := master.ClassicConfig()
	c4.Observe = s.Call
	add(paymaster.NewClassic(c4))
	c5 := bank.Config()
	c5.Observe = s.Call
	add(tochka.New(c5))
	c6 := kassa.Config()
	c6.Observe = s.Call
	add(komtet.New(c6))
	c7 := orange.Config()
	c7.Observe = s.Call
	add(orangedata.New(c7))
	c8 := keeper.Config()
	c8.Observe = s.Call
	pay, err := paykeeper.New(c8)
	require.NoError(t, err)
	add(pay.Acquirer(), nil)

	for i, c := range all {
		before := len(s.spans.Ended())
		ctx, parent := s.tracer.Tracer("test").Start(t.Context(), "checks")
		require.NoError(t, c.Check(ctx), "%T", c)
		spans := s.spans.Ended()[before:]
		require.NotEmpty(t, spans, "%d: %T tells of no call", i, c)
		for _, span := range spans {
			assert.Equal(t, parent.SpanContext().SpanID(), span.Parent().SpanID(), "below the caller's")
			a := attributes(span)
			assert.Equal(t, a["acquiring.provider"]+" "+a["acquiring.op"], span.Name())
			assert.NotEmpty(t, a["acquiring.op"])
			assert.Equal(t, "1", a["acquiring.attempt"])
			assert.NotEmpty(t, a["http.response.status_code"])
			assert.False(t, span.EndTime().Before(span.StartTime()))
		}
		parent.End()
	}
	calls := s.counts(t, "acquiring.call.duration", "acquiring.provider")
	for _, p := range []string{"sberbank", "alfabank", "paymaster", "tochka", "komtet", "orangedata", "paykeeper"} {
		assert.NotZero(t, calls[p], "%v", calls)
	}
	everything := fmt.Sprint(s.counts(t, "acquiring.call.duration", "acquiring.op", "server.address", "acquiring.shop"))
	for _, span := range s.spans.Ended() {
		everything += span.Name() + fmt.Sprint(span.Attributes())
	}
	for _, secret := range []string{c1.Password, c2.Password, c3.Token, c4.SecretKey, c4.Password, c5.Token, c6.Secret, c8.Password, c8.Secret} {
		require.NotEmpty(t, secret)
		assert.NotContains(t, everything, secret)
	}
}

// TestRepeatedCall: each attempt is a span; the failed one says what it was and
// whether money may have moved.
func TestRepeatedCall(t *testing.T) {
	s := record(t)
	bank := sberbanktest.NewServer()
	t.Cleanup(bank.Close)
	conf := bank.Config()
	conf.Observe = s.Call
	client, err := sberbank.New(conf)
	require.NoError(t, err)
	invoice, err := client.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(10, 0), ReturnURL: "https://shop.example"})
	require.NoError(t, err)
	before := len(s.spans.Ended())
	bank.Fail(sberbanktest.Fault{Kind: sberbanktest.ServerError, Times: 1})
	_, err = client.GetStatus(t.Context(), invoice.ID)
	require.NoError(t, err)
	spans := s.spans.Ended()[before:]
	require.Len(t, spans, 2)
	first, last := attributes(spans[0]), attributes(spans[1])
	assert.Equal(t, []string{"1", "unavailable", "unknown"}, []string{first["acquiring.attempt"], first["error.type"], first["acquiring.outcome"]})
	assert.Equal(t, codes.Error, spans[0].Status().Code)
	assert.Equal(t, []string{"2", "200", ""}, []string{last["acquiring.attempt"], last["http.response.status_code"], last["error.type"]})
	assert.Equal(t, codes.Unset, spans[1].Status().Code)
	assert.EqualValues(t, 1, s.counts(t, "acquiring.call.duration", "error.type")["unavailable"])
}

// TestNotification: an authentic one and a forged one, with a span of the
// server around them and without.
func TestNotification(t *testing.T) {
	s := record(t)
	var client *sberbank.Client
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		webhook.Handler(client, func(context.Context, webhook.Event) error { return nil }, webhook.Observe(s.Notification), webhook.Logger(slog.New(slog.DiscardHandler))).ServeHTTP(w, r)
	})
	around := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, span := s.tracer.Tracer("server").Start(r.Context(), "POST /hooks")
		defer span.End()
		handler.ServeHTTP(w, r.WithContext(ctx))
	})
	for name, h := range map[string]http.Handler{"alone": handler, "within": around} {
		t.Run(name, func(t *testing.T) {
			s = record(t)
			shop := httptest.NewServer(h)
			t.Cleanup(shop.Close)
			bank := sberbanktest.NewServer(sberbanktest.WithCallbackURL(shop.URL))
			t.Cleanup(bank.Close)
			var err error
			client, err = sberbank.New(bank.Config())
			require.NoError(t, err)
			invoice, err := client.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(10, 0), ReturnURL: "https://shop.example"})
			require.NoError(t, err)
			require.NoError(t, bank.Pay(string(invoice.ID)))
			bank.Deliver()
			require.NoError(t, bank.Forge(string(invoice.ID)))
			bank.Deliver()

			assert.Equal(t, map[string]uint64{"sberbank processed paid": 1, "sberbank forged unknown": 1},
				s.counts(t, "acquiring.notification.duration", "acquiring.provider", "acquiring.outcome", "acquiring.status"))
			spans := s.spans.Ended()
			require.Len(t, spans, 2)
			want := map[string]string{"alone": "sberbank callback", "within": "POST /hooks"}[name]
			paid, forged := attributes(spans[0]), attributes(spans[1])
			assert.Equal(t, want, spans[0].Name())
			assert.Equal(t, []string{"A-1", string(invoice.ID), "200"}, []string{paid["acquiring.order_id"], paid["acquiring.payment_id"], paid["http.response.status_code"]})
			assert.Equal(t, []string{"forged", "signature", "403"}, []string{forged["acquiring.outcome"], forged["error.type"], forged["http.response.status_code"]})
			assert.Equal(t, codes.Error, spans[1].Status().Code)
		})
	}
}

// TestKindsHaveWords: no kind of the library's errors is _OTHER.
func TestKindsHaveWords(t *testing.T) {
	for e, word := range kinds {
		assert.Equal(t, word, kind(fmt.Errorf("wrapped: %w", &acquiring.Error{Kind: e})))
	}
	assert.Equal(t, "_OTHER", kind(context.Canceled))
}
