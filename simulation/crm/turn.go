package crm

import (
	"context"
	"iter"
	"time"

	"github.com/acquiring-go/acquiring/fiscal/queue"
	"github.com/acquiring-go/acquiring/webhook"
)

// A program that runs one thing after another, so that a run can be repeated:
// each worker gets a turn, and works at one thing at a time.

// Poll asks for the invoices that are open, one after another; after is called
// after each.
func (s *Shop) Poll(ctx context.Context, after func()) {
	open, err := s.open(ctx)
	if err != nil {
		return
	}
	for _, p := range open {
		if ctx.Err() != nil {
			return
		}
		one, done := context.WithCancel(ctx)
		p.Since = time.Now().Add(-time.Hour)
		poller := s.poller()
		poller.Pending = func(context.Context) iter.Seq2[webhook.Pending, error] {
			return func(yield func(webhook.Pending, error) bool) { yield(p, nil) }
		}
		poller.Every, poller.First, poller.Gap = time.Hour, 1, 1
		poller.Observe = func(context.Context, webhook.Observation) { done() }
		_ = poller.Run(one)
		done()
		after()
	}
}

// DoErrands tries each refund and each hold that is due once; after is called
// after each.
func (s *Shop) DoErrands(ctx context.Context, after func()) {
	for _, e := range s.allErrands() {
		due, err := e.due(ctx, 1000)
		if err != nil {
			return
		}
		for _, key := range due {
			if ctx.Err() == nil {
				e.try(ctx, key)
				after()
			}
		}
	}
}

// Print works at the receipts of one register until all are printed, or patience
// requests were made; all says which. seen hears of each request.
func (s *Shop) Print(ctx context.Context, register string, patience int, seen func(queue.Observation)) (all bool, err error) {
	for range patience {
		counts, err := s.receipts.Counts(ctx)
		if err != nil {
			return false, err
		}
		open := 0
		for _, c := range counts {
			if c.Register == register && c.State.Open() {
				open += c.Items
			}
		}
		if open == 0 {
			return true, nil
		}
		one, done := context.WithCancel(ctx)
		q, err := queue.New(s.db, s.Dialect, queue.Table(s.table("receipts")), queue.Logger(s.log), queue.Register(register, s.registers[register]),
			queue.Every(time.Millisecond), queue.Backoff(1, 1), queue.Timeout(s.conf.Pace.PrintLimit), queue.Lease(2*s.conf.Pace.PrintLimit+1), queue.Parallel(1),
			queue.Submissions(1000), queue.Report(s.printed), queue.Observe(func(_ context.Context, o queue.Observation) {
				seen(o)
				done()
			}))
		if err != nil {
			done()
			return false, err
		}
		err = q.Run(one)
		done()
		if err != nil {
			return false, err
		}
	}
	return false, nil
}
