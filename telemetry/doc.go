// Package telemetry shows the library's work in OpenTelemetry: each call to a
// provider and each notification from one, as spans and as metrics. It is a
// module of its own, so that nobody who imports the library gets OpenTelemetry
// with it.
//
//	seen, err := telemetry.New(tracerProvider, meterProvider)
//	…
//	client, err := sberbank.New(sberbank.Config{…, Observe: seen.Call})
//	http.Handle("/hooks/sberbank", webhook.Handler(client, process, webhook.Observe(seen.Notification)))
//	poller := &webhook.Poller{…, Observe: seen.Notification}
//
// # Spans
//
// A call makes a span of the kind client, a child of the span in the caller's
// context: "sberbank register.do". A repeated attempt is a span of its own. No
// trace header is sent to the provider: who called us is none of its business.
//
// A notification puts its attributes on the span in its context, where the
// handler is wrapped by an instrumentation such as otelhttp; the work of process
// is then below that span. Without one, and for what the Poller found, it makes
// a span of its own.
//
// # Metrics
//
//	acquiring.call.duration          histogram, seconds: calls to providers
//	acquiring.notification.duration  histogram, seconds: notifications and polls
//
// Counts are the histograms' own.
//
// # Attributes
//
//	acquiring.provider, acquiring.shop, acquiring.op      whom, which account, which method
//	acquiring.attempt                                     spans only; from 1
//	acquiring.outcome                                     a notification's (webhook.Outcome); of a failed call whether the money may have moved
//	acquiring.source, acquiring.kind, acquiring.status    a notification's: who brought it, what it is about, the payment's state
//	acquiring.payment_id, acquiring.order_id              spans only: they would make a series for each payment
//	error.type                                            the error's kind
//	http.request.method, http.response.status_code, server.address
//
// No secret, no customer and no card is in any of them: the observations that
// they are made of hold none.
package telemetry
