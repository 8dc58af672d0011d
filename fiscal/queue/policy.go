package queue

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// policy decides what the register's answer makes of a receipt.
type policy struct {
	first, last, overdue time.Duration
	submissions          int
}

// change is what is stored of a receipt after a request.
type change struct {
	state     State
	wait      time.Duration // until it is worked at again; without meaning when the state is not open
	document  *fiscal.Document
	id        string // Document.ID
	failures  int
	attention string
	lastError string
}

// news says whether the change is Report's business.
func (c change) news(it *Item) bool {
	return c.state != it.State && !c.state.Open() || c.attention != "" && it.Attention == ""
}

// after is what an answer of the register makes of the receipt.
func (p policy) after(it *Item, d *fiscal.Document, err error) change {
	c := change{state: it.State, id: it.documentID, document: it.Document, attention: it.Attention}
	switch {
	case err == nil && d == nil:
		err = errors.New("the register returned neither a document nor an error")
	case err == nil && d.ReceiptID != "" && d.ReceiptID != it.Receipt.ID:
		err = fmt.Errorf("the register returned the document of receipt %q for %q", d.ReceiptID, it.Receipt.ID)
		c.attention = err.Error()
	}
	if err != nil {
		return p.failed(it, c, err)
	}
	c.document = d
	if d.ID != "" {
		c.id = d.ID
	}
	switch d.Status {
	case fiscal.DocumentPrinted:
		c.state, c.attention = Printed, differs(it.Receipt, d)
		return c
	case fiscal.DocumentFailed:
		return p.refused(it, c, d)
	}
	c.state, c.wait = Sent, jitter(p.first)
	if it.State == Sent {
		c.wait = jitter(min(max(it.now.Sub(it.ChangedAt)/2, p.first), p.last))
	}
	return p.late(it, c, "the register has not printed it yet; is it on?")
}

// failed is what an error of a request makes of the receipt.
func (p policy) failed(it *Item, c change, err error) change {
	c.lastError = err.Error()
	c.failures = it.failures + 1
	c.wait = p.backoff(it.failures)
	var e *acquiring.Error
	if errors.As(err, &e) {
		c.wait = max(c.wait, p.asked(e))
	}
	var panicked *panicError
	submitting := it.submits()
	switch {
	case acquiring.Temporary(err), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
	case errors.As(err, &panicked):
		c.attention = "the client of the register panicked: " + err.Error()
	case errors.Is(err, acquiring.ErrUnauthorized):
		// Not the receipt's fault: it goes on by itself when that is mended.
		c.attention = "the register does not accept the credentials: " + err.Error()
		c.wait = p.last
	case errors.Is(err, acquiring.ErrDuplicate):
		// It is there, and the service does not say where. A notification, or
		// a later submission under the same ID, may tell.
		c.state = Sent
		c.attention = "the service has a receipt with this number and does not say which document it is: " + err.Error()
		c.wait = p.last
	case submitting && acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown:
		c.state = Failed
		c.attention = "the receipt was refused: " + err.Error()
		return c
	case !submitting && acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown:
		c.attention = "the document cannot be looked at: " + err.Error()
		c.wait = p.last
	}
	return p.late(it, c, err.Error())
}

// asked is the pause that the service asks for, up to the age at which a person
// must hear of the receipt.
func (p policy) asked(e *acquiring.Error) time.Duration { return min(e.RetryAfter, p.overdue) }

// refused is what a document that was not printed makes of the receipt.
func (p policy) refused(it *Item, c change, d *fiscal.Document) change {
	words, retryable := "no reason given", false
	if f := d.Failure; f != nil {
		retryable = f.Retryable
		words = f.Message
		if f.Code != "" {
			words += " (code " + f.Code + ")"
		}
	}
	c.lastError = words
	if retryable && it.Submissions < p.submissions {
		c.state, c.failures = Queued, it.failures+1
		c.wait = p.backoff(it.failures)
		return p.late(it, c, "the register could not print it: "+words)
	}
	c.state = Failed
	c.attention = "the register did not print it: " + words + "; make sure that it is not printed, then enqueue it under another ID"
	if retryable {
		c.attention = "the register did not print it in " + strconv.Itoa(it.Submissions) + " submissions: " + words
	}
	return c
}

// late asks for attention when the receipt has waited too long.
func (p policy) late(it *Item, c change, why string) change {
	if age := it.now.Sub(it.EnqueuedAt); c.attention == "" && age >= p.overdue {
		c.attention = "not printed for " + age.Round(time.Minute).String() + ": " + why
	}
	return c
}

func (p policy) backoff(failures int) time.Duration {
	wait := p.first
	for range failures {
		if wait *= 2; wait >= p.last {
			return jitter(p.last)
		}
	}
	return jitter(wait)
}

// jitter spreads a wait by a tenth to both sides.
func jitter(d time.Duration) time.Duration { return d - d/10 + rand.N(d/5+1) }

// differs says what was printed otherwise than wanted; "": nothing.
func differs(r fiscal.Receipt, d *fiscal.Document) string {
	if d.Fiscal == nil {
		return "printed, and the register does not say how"
	}
	switch total := r.Total(); {
	case d.Fiscal.Total != 0 && d.Fiscal.Total != total:
		return "printed with the total " + d.Fiscal.Total.String() + " instead of " + total.String()
	case r.Correction == nil && d.Fiscal.Type != 0 && d.Fiscal.Type != r.Type:
		return "printed as " + d.Fiscal.Type.String() + " instead of " + r.Type.String()
	}
	return ""
}
