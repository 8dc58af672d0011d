package queue

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	shuffle "math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/sqldb"
)

// store is the table, as the worker needs it.
type store interface {
	// due are the receipts of the register that may be worked at, longest due
	// first.
	due(ctx context.Context, register string, limit int) ([]string, error)
	// claim takes a receipt for the time; nil: somebody else has it, or it is
	// not due any more.
	claim(ctx context.Context, register, receiptID, lease string, hold time.Duration) (*Item, error)
	// save stores the change and calls then within the same transaction;
	// false: the receipt went on without us meanwhile, and nothing was stored.
	save(ctx context.Context, it *Item, c change, then func(context.Context, *sql.Tx, Item) error) (bool, error)
}

// Run works at the receipts of the registers that New was given until ctx ends,
// and returns nil after finishing what was begun. Without a register it is
// acquiring.ErrInvalid at once. Any number of replicas run at once; one Queue
// runs once.
func (q *Queue) Run(ctx context.Context) error {
	if len(q.registers) == 0 {
		return acquiring.InOp("", "queue.Run", acquiring.Invalid("Register", "there is none to print with"))
	}
	var serving sync.WaitGroup
	for name, r := range q.registers {
		serving.Go(func() { q.serve(ctx, name, r) })
	}
	serving.Wait()
	return nil
}

// serve works for one register, so that one that is down keeps no other
// waiting.
func (q *Queue) serve(ctx context.Context, name string, r fiscal.Register) {
	var working sync.WaitGroup
	defer working.Wait()
	places := make(chan struct{}, q.parallel)
	rest := &rest{}
	for pause(ctx, rest.left()) {
		began := 0
		// More than there is room for, and in another order than the other
		// replicas', so that they do not all reach for the same.
		ids, err := q.store.due(ctx, name, 8*q.parallel)
		shuffle.Shuffle(len(ids), func(i, j int) { ids[i], ids[j] = ids[j], ids[i] })
		if err != nil && ctx.Err() == nil {
			q.log.LogAttrs(ctx, slog.LevelError, "receipts: the queue cannot be read", slog.String("register", name), slog.String("error", err.Error()))
		}
		for _, id := range ids {
			select {
			case places <- struct{}{}:
			case <-ctx.Done():
				return
			}
			if ctx.Err() != nil || rest.left() > 0 {
				<-places
				break
			}
			it, err := q.store.claim(ctx, name, id, rand.Text(), q.lease)
			if err != nil || it == nil {
				<-places
				if err != nil && ctx.Err() == nil {
					q.log.LogAttrs(ctx, slog.LevelError, "receipts: the receipt cannot be taken", slog.String("register", name), slog.String("receipt", id), slog.String("error", err.Error()))
				}
				continue
			}
			began++
			working.Go(func() {
				defer func() { <-places }()
				rest.until(q.work(ctx, r, it))
			})
		}
		if began < q.parallel && !pause(ctx, jitter(q.every)) {
			return
		}
	}
}

// rest is how long the service wants to be left alone.
type rest struct {
	mu  sync.Mutex
	end time.Time
}

func (r *rest) until(t time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.After(r.end) {
		r.end = t
	}
}

func (r *rest) left() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Until(r.end)
}

func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// work makes one request for the receipt and stores what came of it. It returns
// until when the service wants to be left alone.
func (q *Queue) work(ctx context.Context, r fiscal.Register, it *Item) (rest time.Time) {
	// What was begun is finished also when the program is told to stop.
	ctx = context.WithoutCancel(ctx)
	asking, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	start := time.Now()
	o := Observation{Register: it.Register, ReceiptID: it.Receipt.ID, Op: "look"}
	var d *fiscal.Document
	var err error
	if it.submits() {
		o.Op = "submit"
		d, err = guard(func() (*fiscal.Document, error) { return r.Submit(asking, it.Receipt) })
	} else {
		d, err = guard(func() (*fiscal.Document, error) { return r.GetDocument(asking, it.documentID) })
	}
	o.Took, o.Err = time.Since(start), err
	c := q.after(it, d, err)
	if o.Err == nil && c.failures > it.failures {
		o.Err = errors.New(c.lastError)
	}
	q.keep(ctx, it, c, &o)
	var e *acquiring.Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		rest = time.Now().Add(q.asked(e))
	}
	return rest
}

// keep stores the change, and tells of it.
func (q *Queue) keep(ctx context.Context, it *Item, c change, o *Observation) {
	ctx, cancel := context.WithTimeout(ctx, q.timeout)
	defer cancel()
	kept, err := q.save(ctx, it, c)
	if err != nil {
		// The change, or what Report did with it, could not be stored. What is
		// known goes in without its news; the same news comes again.
		o.Err = errors.Join(o.Err, err)
		again := change{state: it.State, id: c.id, document: it.Document, attention: it.Attention,
			failures: it.failures + 1, wait: q.backoff(it.failures), lastError: err.Error()}
		if c.id != "" && again.state == Queued && c.state != Failed {
			again.state = Sent
		}
		again = q.late(it, again, err.Error())
		if _, err := q.store.save(ctx, it, again, nil); err != nil {
			o.Err = errors.Join(o.Err, err) // it is worked at again when the lease is over
		}
		c = again
	}
	o.State, o.Attention = c.state, c.attention
	q.tell(ctx, o, kept || err != nil)
}

func (q *Queue) save(ctx context.Context, it *Item, c change) (bool, error) {
	if !c.news(it) || q.report == nil {
		return q.store.save(ctx, it, c, nil)
	}
	return q.store.save(ctx, it, c, func(ctx context.Context, tx *sql.Tx, it Item) error {
		_, err := guard(func() (*fiscal.Document, error) { return nil, q.report(ctx, tx, it) })
		if err != nil {
			return fmt.Errorf("Report: %w", err)
		}
		return nil
	})
}

// tell logs and observes.
func (q *Queue) tell(ctx context.Context, o *Observation, kept bool) {
	level, words := slog.LevelDebug, "receipt not printed yet"
	switch {
	case !kept:
		words = "receipt went on without us"
	case o.Attention != "":
		level, words = slog.LevelError, "receipt needs attention"
	case o.State == Printed:
		level, words = slog.LevelInfo, "receipt printed"
	case o.Err != nil:
		level, words = slog.LevelWarn, "receipt delayed"
	}
	if q.log.Enabled(ctx, level) {
		attrs := []slog.Attr{slog.String("register", o.Register), slog.String("receipt", o.ReceiptID), slog.String("op", o.Op), slog.String("state", string(o.State)), slog.Duration("took", o.Took)}
		if o.Attention != "" {
			attrs = append(attrs, slog.String("attention", o.Attention))
		}
		if o.Err != nil {
			attrs = append(attrs, slog.String("error", o.Err.Error()))
		}
		q.log.LogAttrs(ctx, level, words, attrs...)
	}
	if q.observe == nil {
		return
	}
	_, err := guard(func() (*fiscal.Document, error) { q.observe(ctx, *o); return nil, nil })
	if err != nil {
		q.log.LogAttrs(ctx, slog.LevelError, "receipts: the Observe hook panicked", slog.String("receipt", o.ReceiptID), slog.String("error", err.Error()))
	}
}

// panicError is a panic of a Register or of Report.
type panicError struct{ value any }

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

func guard(f func() (*fiscal.Document, error)) (d *fiscal.Document, err error) {
	defer func() {
		if v := recover(); v != nil {
			d, err = nil, &panicError{v}
		}
	}()
	return f()
}

// Update takes what a register said of a document by itself: what
// fiscal.Register.VerifyCallback returned. A document that is not final, or
// that changes nothing, is passed over. acquiring.ErrNotFound: no receipt of
// this queue is meant. acquiring.ErrInvalid: the document is nil, or has neither
// ReceiptID nor ID.
func (q *Queue) Update(ctx context.Context, register string, d *fiscal.Document) error {
	const op = "queue.Update"
	if d == nil {
		return acquiring.InOp("", op, acquiring.Invalid("document", "is nil"))
	}
	for n := 0; ; n++ {
		it, err := q.find(ctx, register, d)
		if err != nil {
			return acquiring.InOp("", op, err)
		}
		kept, err := q.update(ctx, it, d)
		if err != nil {
			return fmt.Errorf("%s: %w", op, err)
		}
		if kept {
			return nil
		}
		if !sqldb.Pause(ctx, n) {
			return context.Cause(ctx) // a replica was quicker each time
		}
	}
}

// update is Update of a receipt as it was read; false: it has gone on since.
func (q *Queue) update(ctx context.Context, it *Item, d *fiscal.Document) (bool, error) {
	switch {
	case !d.Status.Final(), it.State == Printed, it.State == Failed && d.Status == fiscal.DocumentFailed:
		return true, nil
	case d.Status == fiscal.DocumentFailed && d.ID != "" && it.documentID != "" && d.ID != it.documentID:
		return true, nil // of another document than the one that is waited for
	}
	start := time.Now()
	o := Observation{Register: it.Register, ReceiptID: it.Receipt.ID, Op: "callback"}
	c := q.after(it, d, nil)
	kept, err := q.save(ctx, it, c)
	if !kept && err == nil {
		return false, nil
	}
	o.State, o.Attention, o.Took, o.Err = c.state, c.attention, time.Since(start), err
	if err != nil {
		o.State, o.Attention = it.State, it.Attention
	}
	q.tell(ctx, &o, true)
	return true, err
}

// find is the receipt that the document is about.
func (q *Queue) find(ctx context.Context, register string, d *fiscal.Document) (*Item, error) {
	if d.ReceiptID != "" {
		return q.Get(ctx, register, d.ReceiptID)
	}
	if d.ID == "" {
		return nil, acquiring.Invalid("document", "has neither ReceiptID nor ID")
	}
	return q.byDocument(ctx, register, d.ID)
}

// Handler takes the notifications of the register of that name, which New was
// given, and answers with nothing but the status: 200 when the document is
// stored or is none of this queue's, 403 for a forged one, 400 for one that
// cannot be taken at all (acquiring.ErrInvalid: the register has no callback
// address), 503 and 500 when it is to come again. It panics when there is no
// such register.
func (q *Queue) Handler(register string) http.Handler {
	r, ok := q.registers[register]
	if !ok {
		panic("queue.Handler: there is no register " + register)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(req.Context()), q.timeout)
		defer cancel()
		d, err := guard(func() (*fiscal.Document, error) { return r.VerifyCallback(ctx, req) })
		if err == nil {
			if err = q.Update(ctx, register, d); errors.Is(err, acquiring.ErrNotFound) {
				err = nil
			}
		} else {
			q.log.LogAttrs(ctx, slog.LevelWarn, "receipts: a notification was not accepted", slog.String("register", register), slog.String("error", err.Error()))
		}
		switch {
		case err == nil:
			w.WriteHeader(http.StatusOK)
		case errors.Is(err, acquiring.ErrSignature):
			w.WriteHeader(http.StatusForbidden)
		case errors.Is(err, acquiring.ErrInvalid):
			w.WriteHeader(http.StatusBadRequest)
		case acquiring.Temporary(err):
			w.WriteHeader(http.StatusServiceUnavailable)
		default:
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
}
