package webhook

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
)

// Pending is a payment whose end is not known yet.
type Pending struct {
	Acquirer acquiring.Acquirer
	// ID is Invoice.ID. Where it was lost (CreateInvoice ended with an unknown
	// outcome), leave it empty and give OrderID: an Acquirer that is a Finder
	// is asked by it. Beside the ID it stands in for the number that the
	// provider does not repeat.
	ID      acquiring.PaymentID
	OrderID string
	// Status is what is known of it: only what it can become is news. The zero
	// value is StatusUnknown: everything beyond pending is news.
	Status acquiring.Status
	// Since is when the invoice was issued: the longer ago, the more rarely it
	// is asked for. Zero: since the Poller first saw it.
	Since time.Time
	// Until is when to give up; zero: Poller.GiveUpAfter after Since.
	Until time.Time
}

// Defaults of [Poller]: what its fields are when they are zero.
const (
	DefaultEvery       = 10 * time.Second       // between two looks at Pending
	DefaultFirst       = 30 * time.Second       // the age at which a payment is asked for first, and the shortest between two questions about it
	DefaultLast        = 30 * time.Minute       // the longest between two questions about one payment
	DefaultGiveUpAfter = 7 * 24 * time.Hour     // of age
	DefaultGap         = 200 * time.Millisecond // between two questions to one account
	DefaultParallel    = 4                      // questions open at once to one account
)

// mostRest is how long an account rests at the most unless Last is longer.
const mostRest = time.Hour

// Poller asks for the payments whose callback never came and gives their news
// to the same process, through the same Inbox, as the Handler does: whoever
// comes first is processed, the other finds it done (see [NewsKey]). Set the
// fields and call Run, once. Pending, Process and Inbox are required.
//
// A payment is asked for First after it was issued, and then when its age has
// grown by half, but not sooner than First and not later than Last after the
// question before: at the age of 30 s, 60 s, 90 s, 135 s, … and then every half
// an hour. An event whose process failed, and a provider that could not be
// asked, come again First later, and then after twice as long each time, up to
// Last. Each wait is spread by a tenth to both sides.
//
// Several Pollers over the same payments do no harm and ask twice; to share
// the work, let Pending lock what it yields.
type Poller struct {
	// Pending yields the open payments; it is called at each look, so keep a
	// query with an index behind it. An error is logged and ends the look: what
	// was yielded before it is polled, what is behind it is not. A payment that
	// is not yielded any more is forgotten.
	// What is yielded although it has ended is asked for on and on until it
	// is given up, which is the way to learn of refunds where the provider
	// does not notify them.
	Pending func(ctx context.Context) iter.Seq2[Pending, error]
	// Process is the Handler's own.
	Process func(ctx context.Context, e Event) error
	// Inbox is the Handler's own.
	Inbox Inbox

	Every       time.Duration // between two looks at Pending; 0: DefaultEvery
	First       time.Duration // the age at which a payment is asked for first, and the shortest between two questions about it; 0: DefaultFirst
	Last        time.Duration // the longest between two questions about one payment; 0: DefaultLast
	GiveUpAfter time.Duration // of age; 0: DefaultGiveUpAfter
	Timeout     time.Duration // of one question, and again of process; 0: DefaultTimeout

	// Gap is the shortest time between two questions to one merchant account;
	// 0: DefaultGap. When the provider asks for a pause (HTTP 429,
	// Retry-After), the account rests that long, but at most for an hour, or for
	// Last where that is longer: a wrong answer must not keep payments from being
	// found.
	Gap time.Duration
	// Parallel is how many questions may be open at once to one merchant
	// account; 0: DefaultParallel. Accounts do not wait for each other.
	Parallel int

	Expect  ExpectFunc                               // as the Handler's option; nil: nothing is compared
	Logger  *slog.Logger                             // nil: slog.Default
	Observe func(ctx context.Context, o Observation) // as the Handler's option
}

// Run polls until the context ends, and returns nil then, after the events
// that were being processed came to their end: they are not cut off. It asks the
// providers; what fails there is logged and observed. The error is ErrInvalid,
// at once, for a Poller without Pending, Process or Inbox.
func (p *Poller) Run(ctx context.Context) error {
	switch {
	case p.Pending == nil:
		return acquiring.Invalid("Poller.Pending", "is nil; give the function that yields the open payments")
	case p.Process == nil:
		return acquiring.Invalid("Poller.Process", "is nil; give the Handler's")
	case p.Inbox == nil:
		return acquiring.Invalid("Poller.Inbox", "is nil; give the Handler's, or what a callback and a poll both learn of is processed twice")
	}
	or := func(d, otherwise time.Duration) time.Duration {
		if d <= 0 {
			return otherwise
		}
		return d
	}
	run := &polling{
		config:  newConfig([]Option{WithInbox(p.Inbox), Logger(p.Logger), Observe(p.Observe), Timeout(p.Timeout), Expect(p.Expect)}),
		pending: p.Pending, process: p.Process,
		first: or(p.First, DefaultFirst), last: or(p.Last, DefaultLast), giveUp: or(p.GiveUpAfter, DefaultGiveUpAfter),
		gap: or(p.Gap, DefaultGap), parallel: p.Parallel,
		known: map[pollKey]*polled{}, accounts: map[account]*pace{},
	}
	if run.parallel <= 0 {
		run.parallel = DefaultParallel
	}
	tick := time.NewTicker(or(p.Every, DefaultEvery))
	defer tick.Stop()
	defer run.work.Wait()
	for {
		run.look(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// account is a merchant account; pollKey a payment in it.
type (
	account struct{ provider, shop string }
	pollKey struct {
		account
		id    acquiring.PaymentID
		order string // only where there is no id
	}
)

// polled is what the Poller knows of a payment; its fields are guarded by
// polling.mu, except that while busy is set they belong to its worker.
type polled struct {
	pollKey
	Pending
	next  time.Time
	fails int
	seen  int // the look that yielded it last
	busy  bool
	over  bool             // given up
	told  acquiring.Status // the last status that was processed
}

// pace is the speed of one account.
type pace struct {
	running bool      // a batch is being worked through
	free    time.Time // when the next question may be asked
}

type polling struct {
	*config
	pending             func(ctx context.Context) iter.Seq2[Pending, error]
	process             func(ctx context.Context, e Event) error
	first, last, giveUp time.Duration
	gap                 time.Duration
	parallel            int

	work sync.WaitGroup

	mu       sync.Mutex
	looks    int
	known    map[pollKey]*polled
	accounts map[account]*pace
}

// look goes through the open payments and starts to ask for those that are
// due: one batch for each account that is not at one already.
func (r *polling) look(ctx context.Context) {
	due := map[account][]*polled{}
	now := time.Now()
	r.looks++
	err := r.each(ctx, func(item Pending) {
		if p := r.note(item, now); p != nil {
			due[p.account] = append(due[p.account], p)
		}
	})
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		r.log.LogAttrs(ctx, slog.LevelError, "poller: the open payments could not be listed", slog.String("error", err.Error()))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		for key, p := range r.known {
			if p.seen != r.looks && !p.busy {
				delete(r.known, key)
			}
		}
	}
	for at, batch := range due {
		// The longest overdue first, and no more than a minute's worth: what is
		// left is looked at again before it is asked for.
		slices.SortFunc(batch, func(a, b *polled) int { return a.next.Compare(b.next) })
		batch = batch[:min(len(batch), max(r.parallel, int(time.Minute/r.gap)))]
		speed := r.accounts[at]
		if speed == nil {
			speed = &pace{}
			r.accounts[at] = speed
		}
		if speed.running {
			continue
		}
		speed.running = true
		for _, p := range batch {
			p.busy = true
		}
		r.work.Go(func() { r.batch(ctx, speed, batch) })
	}
}

// each calls f for each open payment; a panic of the user's iterator is its
// error.
func (r *polling) each(ctx context.Context, f func(Pending)) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = newPanic(p)
		}
	}()
	for item, err := range r.pending(ctx) {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if item.Acquirer == nil || (item.ID == "" && item.OrderID == "") {
			r.log.LogAttrs(ctx, slog.LevelError, "poller: a pending payment has no Acquirer, or neither ID nor OrderID",
				slog.String("payment", string(item.ID)), slog.String("order", item.OrderID))
			continue
		}
		f(item)
	}
	return nil
}

// note remembers the payment, and returns it if it is due.
func (r *polling) note(item Pending, now time.Time) *polled {
	var key pollKey
	key.provider, key.shop = nameOf(item.Acquirer)
	if key.id = item.ID; key.id == "" {
		key.order = item.OrderID
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p := r.known[key]
	if p == nil {
		p = &polled{pollKey: key, Pending: item}
		if p.Since.IsZero() {
			p.Since = now
		}
		p.next = p.Since.Add(jitter(r.first))
		r.known[key] = p
	}
	p.seen = r.looks
	if p.busy || p.over {
		return nil
	}
	p.Acquirer, p.Status, p.OrderID, p.Until = item.Acquirer, item.Status, item.OrderID, item.Until
	if !item.Since.IsZero() {
		p.Since = item.Since
	}
	if now.Before(p.next) && now.Before(p.end(r.giveUp)) {
		return nil
	}
	if p.fails > 0 && now.Before(p.next) {
		return nil
	}
	return p
}

// end is when to give the payment up.
func (p *polled) end(after time.Duration) time.Time {
	if p.Until.IsZero() {
		return p.Since.Add(after)
	}
	return p.Until
}

// batch asks for the payments of one account, at its pace.
func (r *polling) batch(ctx context.Context, speed *pace, batch []*polled) {
	var workers sync.WaitGroup
	places := make(chan struct{}, r.parallel)
	for _, p := range batch {
		select {
		case places <- struct{}{}:
		case <-ctx.Done():
		}
		if !r.wait(ctx, speed) {
			break
		}
		workers.Go(func() {
			defer func() { <-places }()
			rest := r.poll(ctx, p)
			r.mu.Lock()
			defer r.mu.Unlock()
			p.busy = false
			if until := time.Now().Add(min(rest, max(mostRest, r.last))); rest > 0 && until.After(speed.free) {
				speed.free = until
			}
		})
	}
	workers.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	speed.running = false
	for _, p := range batch {
		p.busy = false
	}
}

// wait until the account may be asked again; false: the context ended.
func (r *polling) wait(ctx context.Context, speed *pace) bool {
	for ctx.Err() == nil {
		now := time.Now()
		r.mu.Lock()
		free := speed.free
		if !free.After(now) {
			speed.free = now.Add(r.gap)
			r.mu.Unlock()
			return true
		}
		r.mu.Unlock()
		timer := time.NewTimer(free.Sub(now))
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		}
	}
	return false
}

// poll asks for one payment, gives its news to process, plans the next
// question, and returns how long the provider wants to be left alone.
func (r *polling) poll(ctx context.Context, p *polled) (rest time.Duration) {
	start := time.Now()
	o := &Observation{Source: FromPoller, Provider: p.provider, Shop: p.shop, PaymentID: p.ID, OrderID: p.OrderID, Status: p.Status}
	err := r.ask(ctx, p, o)
	if ctx.Err() != nil && o.Outcome == Unavailable {
		return 0 // told to stop while asking
	}
	o.Took = time.Since(start)
	r.report(context.WithoutCancel(ctx), o)
	now := time.Now()
	switch o.Outcome {
	case Processed, Duplicate, NoNews:
		p.fails = 0
		p.next = now.Add(jitter(min(max(now.Sub(p.Since)/2, r.first), r.last)))
	default:
		p.next = now.Add(jitter(r.backoff(p.fails)))
		p.fails++
	}
	return retryAfter(err)
}

// backoff is the wait after so many failures and one more: First, doubled each
// time up to Last.
func (r *polling) backoff(fails int) time.Duration {
	wait := r.first
	for range fails {
		if wait > r.last/2 {
			return r.last
		}
		wait *= 2
	}
	return min(wait, r.last)
}

// ask is poll without its bookkeeping. The error is the one of the outcome.
func (r *polling) ask(ctx context.Context, p *polled, o *Observation) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = newPanic(v)
			o.Outcome, o.Err = Panicked, err
		}
	}()
	end := func(outcome Outcome, err error) error {
		o.Outcome, o.Err = outcome, err
		return err
	}
	reading, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	over := !time.Now().Before(p.end(r.giveUp))
	payment, err := readPayment(reading, p.Acquirer, p.ID, p.OrderID)
	switch {
	case over && errors.Is(err, acquiring.ErrNotFound):
		payment = &acquiring.Payment{ID: p.ID, OrderID: p.OrderID, Status: acquiring.StatusPending}
	case err != nil && (acquiring.Temporary(err) || contextEnded(err) || errors.Is(err, acquiring.ErrProtocol)):
		return end(Unavailable, err)
	case p.ID == "" && errors.Is(err, acquiring.ErrNotFound):
		return end(NoNews, nil) // an invoice that was never issued, or is not there yet
	case err != nil:
		return end(Misread, err)
	case p.ID != "" && payment.ID != "" && payment.ID != p.ID:
		return end(Mismatch, fmt.Errorf("the provider was asked for payment %q and returned %q", p.ID, payment.ID))
	}
	payment = ofOrder(payment, p.OrderID)
	o.see(payment)
	e, news := r.news(p, payment, over)
	if !news {
		p.over = over
		return end(NoNews, nil)
	}
	if r.expect != nil && (payment.Status.Succeeded() || payment.Status == acquiring.StatusAuthorized) {
		why, err := unexpected(reading, r.expect, payment.OrderID, payment.Amount, payment.Currency)
		if err != nil {
			return end(Failed, err)
		}
		if why != "" {
			return end(Mismatch, errors.New(why))
		}
	}
	o.Key, o.Status = e.Key, e.Payment.Status
	// What was begun is finished also when the program is told to stop.
	working, done := context.WithTimeout(context.WithoutCancel(ctx), r.timeout)
	defer done()
	outcome, err := deliver(working, r.inbox, r.process, e)
	if outcome == Processed || outcome == Duplicate {
		p.told = e.Payment.Status
		p.over = e.GaveUp || (over && e.Payment.Status.Final())
	}
	return end(outcome, err)
}

// news is the event that the payment read makes; false: it makes none.
func (r *polling) news(p *polled, payment *acquiring.Payment, over bool) (Event, bool) {
	key := NewsKey(p.provider, p.shop, payment)
	fresh := key != "" && p.Status.CanBecome(payment.Status) && (p.told == acquiring.StatusUnknown || p.told.CanBecome(payment.Status))
	gaveUp := over && !fresh && !payment.Status.Final()
	switch {
	case gaveUp && payment.Status == acquiring.StatusPending && !p.Status.Final():
		// To the shop the invoice has expired, and a later notification of the
		// same is no news.
		expired := *payment
		expired.Status = acquiring.StatusExpired
		if expired.ID == "" {
			expired.ID = p.ID
		}
		payment = &expired
		if key = NewsKey(p.provider, p.shop, payment); key == "" {
			key = escapeKey(p.provider) + "/" + escapeKey(p.shop) + "/order/" + escapeKey(p.OrderID) + "/" + payment.Status.String()
		}
	case gaveUp:
		// Money is held, or the provider says what we do not know: a person
		// has to look. It is told beside the news of the status itself.
		key = escapeKey(p.provider) + "/" + escapeKey(p.shop) + "/" + escapeKey(string(payment.ID)) + "/" + payment.Status.String() + "/given up"
	case !fresh:
		return Event{}, false
	}
	return Event{
		Callback: &acquiring.Callback{Kind: acquiring.CallbackPayment, Key: key, PaymentID: payment.ID, OrderID: payment.OrderID,
			Status: payment.Status, Amount: payment.Amount, Payment: payment},
		Payment: payment, Key: key, Source: FromPoller, GaveUp: gaveUp,
	}, true
}

// jitter spreads a wait by a tenth to both sides, so that payments issued
// together are not asked for together for ever.
func jitter(d time.Duration) time.Duration {
	return d - d/10 + rand.N(d/5+1)
}
