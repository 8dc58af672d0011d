package broker

import (
	"errors"
	"fmt"
)

// ErrMalformed is the kind of a PoisonError for a message that is not an event.
var ErrMalformed = errors.New("not a payment event")

// ErrVersion is the kind of a PoisonError for an event of a version that this
// consumer does not know: it was published by a newer program. Whoever would
// rather have it come again until the consumers are upgraded gives Watermill's
// poison middleware a filter of his own.
var ErrVersion = errors.New("unknown version")

// PoisonError says that a message can never be processed, however often it is
// delivered. Of the message's content it shows at most the value at fault, cut
// short.
type PoisonError struct {
	UUID   string // the message's
	Kind   error  // ErrMalformed, ErrVersion, or acquiring.ErrSignature
	Reason string
}

// Error names the message, the kind and the reason, in one line.
func (e *PoisonError) Error() string {
	return fmt.Sprintf("broker: message %+q: %v: %s", e.UUID, e.Kind, e.Reason)
}

// Unwrap is the kind.
func (e *PoisonError) Unwrap() error { return e.Kind }

// IsPoison says whether there is a PoisonError in err: the filter for
// Watermill's middleware.PoisonQueueWithFilter.
func IsPoison(err error) bool {
	var p *PoisonError
	return errors.As(err, &p)
}
