package queue

import (
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// State is where a receipt stands.
type State string

// The states.
const (
	Queued  State = "queued"  // not known to be at the service
	Sent    State = "sent"    // the service has it, and has not printed it yet
	Printed State = "printed" // Item.Document.Fiscal says how
	Failed  State = "failed"  // not printed, and not tried any more
)

// Open says whether the receipt is still being worked at.
func (s State) Open() bool { return s == Queued || s == Sent }

// Item is a receipt in the queue. Times are the database's.
type Item struct {
	Register string
	Receipt  fiscal.Receipt
	State    State
	// Document is the last that the register said of it; nil: nothing yet.
	Document *fiscal.Document
	// Attention is why a person must look, "" while nobody need, AttentionAt
	// since when.
	Attention   string
	AttentionAt time.Time
	// Submissions counts the submissions begun, all under Receipt.ID.
	Submissions int
	// LastError is what went wrong last, or the note of Resolve.
	LastError  string
	EnqueuedAt time.Time
	ChangedAt  time.Time
	NextAt     time.Time // when it is worked at next; zero: never again

	documentID string
	failures   int       // in a row
	now        time.Time // by the database's clock, when it was read
	lease      string
}

// submits says whether the next request submits the receipt, for the first time
// or once more, or looks at its document.
func (it *Item) submits() bool { return it.documentID == "" || it.State == Queued }

const (
	maxRegister   = 64
	maxReceiptID  = 128
	maxDocumentID = 255
	maxReceipt    = 1 << 20
	maxText       = 2000
)

// checkText refuses what some database would store differently.
func checkText(field, s string, most int) *acquiring.Error {
	switch {
	case s == "":
		return acquiring.Invalid(field, "is empty")
	case utf8.RuneCountInString(s) > most:
		return acquiring.Invalid(field, fmt.Sprintf("has more than %d characters", most))
	case !utf8.ValidString(s) || strings.IndexFunc(s, unicode.IsControl) >= 0 || strings.TrimSpace(s) != s:
		return acquiring.Invalid(field, "must be UTF-8 text without control characters, and without spaces around it")
	}
	return nil
}

// storable is foreign text as every database takes it.
func storable(s string, most int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "?"), "\x00", "?")
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
