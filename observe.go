package acquiring

import (
	"context"
	"time"
)

// Call is one request to a provider, or one attempt at it when it was tried
// again: what Config.Observe of every provider gets, for metrics and traces. It
// holds no secret, no body and no address beyond the host.
type Call struct {
	Provider string // "sberbank"
	Shop     string // the shop's label
	Op       string // the provider's method: "register.do", "POST payments"
	Method   string // of HTTP
	Host     string // with the port, where the address has one
	Attempt  int    // from 1; a higher one is a repetition

	Start time.Time     // of this attempt
	Took  time.Duration // to the end of the answer

	HTTPStatus int   // 0: there was no answer
	Bytes      int   // of the answer
	Err        error // of the transport, or a status of 429 and 5xx: an *Error; a refusal with a 200 or a 4xx is not seen here
}

// Observer is called once for each attempt at a request, when it ended, in the
// goroutine that made it: it must not block. ctx is that of the request, with
// the caller's span in it.
type Observer = func(ctx context.Context, c Call)
