package komtet

import (
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// TaskState is where a task stands.
type TaskState string

// The states of a task. Done and failed are final.
const (
	TaskNew        TaskState = "new"        // in the queue
	TaskProcessing TaskState = "processing" // at the cash register
	TaskDone       TaskState = "done"       // printed
	TaskError      TaskState = "error"      // not printed: Task.ErrorDescription says why
)

// Document is the state in the words of all registers. A state that this
// version does not know is fiscal.DocumentUnknown.
func (s TaskState) Document() fiscal.DocumentStatus {
	switch s {
	case TaskNew, TaskProcessing:
		return fiscal.DocumentQueued
	case TaskDone:
		return fiscal.DocumentPrinted
	case TaskError:
		return fiscal.DocumentFailed
	}
	return fiscal.DocumentUnknown
}

// QueueState says whether a queue has a cash register on line.
type QueueState string

// The states of a queue.
const (
	QueueActive  QueueState = "active"  // a cash register is on line
	QueuePassive QueueState = "passive" // none is: receipts wait
)

// Codes of errors that are known by name; the service has more, listed in a
// document that its own pages link to.
const (
	CodeUnauthorized = "AUT00" // 403: the shop or the signature is wrong
	CodeDuplicate    = "VLD11" // 422: the external_id was used in this shop
)

// hintOf says what to do about an error of the service's.
func hintOf(code, message string) string {
	switch {
	case code == CodeUnauthorized:
		return "check Config.ShopID and Config.Secret with the cabinet, and that Config.BaseURL is the address that the service itself sees"
	case code == CodeDuplicate:
		return "the receipt with this number was accepted before; read its task, and give another receipt another number"
	case aboutMarking(message):
		return hintMarking
	case strings.HasPrefix(code, "VLD"):
		return "correct the receipt: nothing was printed, and the same number may be used again"
	}
	return ""
}

const hintAgain = "submit the same receipt again: its number keeps it from being printed twice"

const hintMarking = "the marking code was refused: scan it again with its group separators (0x1D), check that it is in circulation, and sell the line with a new Receipt.ID"

// aboutMarking says whether the service's words are about a marking code.
func aboutMarking(message string) bool {
	message = strings.ToLower(message)
	return strings.Contains(message, "маркиров") || strings.Contains(message, "mark_code") || strings.Contains(message, "nomenclature_code") ||
		strings.Contains(message, "честный знак")
}

// hintOfStatus says what to do when only the HTTP status speaks.
func hintOfStatus(status int, wait time.Duration) string {
	switch {
	case status == 429, status == 503 && wait > 0:
		return "the queue takes no more just now: wait as long as RetryAfter says and submit the same receipt again, it is printed once"
	case status >= 500:
		return hintAgain
	case status == 401, status == 403:
		return hintOf(CodeUnauthorized, "")
	case status == 404:
		return "check the number of the queue, task, order or employee, and that it belongs to this shop"
	case status >= 300 && status < 400:
		return "the address redirects, and a redirected request would carry a wrong signature: put the final address into Config.BaseURL"
	}
	return ""
}

// Err is the error of a task that failed, nil for any other: kind
// acquiring.ErrDeclined with the service's words and what to do.
func (t *Task) Err() error {
	if t.State != TaskError {
		return nil
	}
	e := &acquiring.Error{Provider: provider, Op: "task " + t.IDString(), Kind: acquiring.ErrDeclined, Outcome: acquiring.OutcomeRejected,
		Message: string(t.ErrorDescription), Hint: "nothing was printed: remove the cause and submit the receipt with a new ID, such as " + t.ExternalID.String() + "-r2"}
	if aboutMarking(e.Message) {
		e.Hint = hintMarking
	}
	return e
}
