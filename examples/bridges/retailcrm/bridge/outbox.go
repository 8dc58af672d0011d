package bridge

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
)

// The outbox holds what has to be done outside of the database: news for the
// CRM and moves of money at the bank. A task is put there in the transaction
// that makes it necessary and stays until it is done, so a program that is
// killed in between goes on with it at its next start.
//
// Tasks of one subject and lane are done in order, one at a time. News of an
// invoice never overtake each other; a bank that does not answer does not hold
// them up.

// Kinds of tasks.
const (
	taskUpdate   = "update"   // tell the CRM: body is crm.Update
	taskRegister = "register" // register the module in the account
	taskConfirm  = "confirm"  // ask the CRM, then take or release a hold: body is attemptBody
	taskVerify   = "verify"   // ask the CRM about what was taken already: attemptBody
	taskBack     = "back"     // give money back that should not have come: attemptBody
	taskWithdraw = "withdraw" // make a session unpayable: attemptBody
	taskClose    = "close"    // make another payment of an attempt's order unpayable: attemptBody
)

const laneCRM = "crm"

type attemptBody struct {
	N  int
	ID acquiring.PaymentID // of taskClose
}

type task struct {
	Seq      int64
	ClientID string
	Subject  string // an invoice's PaymentID, or "register:" and a ClientID
	Lane     string
	Kind     string
	Body     json.RawMessage
	Tries    int
}

const (
	firstPause = time.Second
	lastPause  = 5 * time.Minute
	worried    = 8 // tries after which a person is told
)

// enqueue puts a task into the outbox.
func (w *work) enqueue(ctx context.Context, clientID, subject, lane, kind string, body any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return err
	}
	now := w.s.now().UnixMilli()
	_, err = w.exec(ctx, `INSERT INTO retailcrm_outbox (client_id, subject, lane, kind, body, tries, next_at, done_at, error, created_at)
		VALUES (?, ?, ?, ?, ?, 0, ?, 0, '', ?)`, clientID, subject, lane, kind, string(b), now, now)
	return err
}

// bank puts a task about an attempt into the outbox.
func (w *work) bank(ctx context.Context, inv *invoice, kind string, n int) error {
	return w.enqueue(ctx, inv.ClientID, inv.PaymentID, fmt.Sprintf("%s:%d", kind, n), kind, attemptBody{N: n})
}

// closing puts the closing of a page into the outbox: the attempt's order was
// paid by another payment than the page's.
func (w *work) closing(ctx context.Context, inv *invoice, n int, id acquiring.PaymentID) error {
	return w.enqueue(ctx, inv.ClientID, inv.PaymentID, fmt.Sprintf("%s:%d", taskClose, n), taskClose, attemptBody{n, id})
}

// awake tells the worker that there may be something to do.
func (s *store) awake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// due are the tasks at the head of their lanes whose time has come.
func (s *store) due(ctx context.Context, limit int) ([]task, error) {
	rows, err := s.db.QueryContext(ctx, s.dialect.Bind(`SELECT seq, client_id, subject, lane, kind, body, tries FROM retailcrm_outbox o WHERE done_at = 0 AND next_at <= ?
		AND NOT EXISTS (SELECT 1 FROM retailcrm_outbox p WHERE p.done_at = 0 AND p.subject = o.subject AND p.lane = o.lane AND p.seq < o.seq)
		ORDER BY seq LIMIT ?`), s.now().UnixMilli(), limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var all []task
	for rows.Next() {
		var t task
		var body string
		if err := rows.Scan(&t.Seq, &t.ClientID, &t.Subject, &t.Lane, &t.Kind, &body, &t.Tries); err != nil {
			return nil, err
		}
		t.Body = json.RawMessage(body)
		all = append(all, t)
	}
	return all, rows.Err()
}

// begin counts a try before it is made. false: somebody else has done the
// task meanwhile.
func (s *store) begin(ctx context.Context, t *task) (bool, error) {
	var open bool
	err := s.do(ctx, func(w *work) error {
		err := w.QueryRowContext(ctx, s.dialect.Bind("SELECT tries FROM retailcrm_outbox WHERE seq = ? AND done_at = 0"), t.Seq).Scan(&t.Tries)
		if errors.Is(err, sql.ErrNoRows) {
			open = false
			return nil
		}
		if err != nil {
			return err
		}
		open = true
		_, err = w.exec(ctx, "UPDATE retailcrm_outbox SET tries = tries + 1 WHERE seq = ?", t.Seq)
		return err
	})
	return open, err
}

// done ends a task; why is "" for one that succeeded.
func (s *store) done(ctx context.Context, t *task, why string) error {
	return s.do(ctx, func(w *work) error {
		_, err := w.exec(ctx, "UPDATE retailcrm_outbox SET done_at = ?, error = ? WHERE seq = ?", s.now().UnixMilli(), why, t.Seq)
		return err
	})
}

// later puts a task off.
func (s *store) later(ctx context.Context, t *task, pause time.Duration, why string) error {
	return s.do(ctx, func(w *work) error {
		_, err := w.exec(ctx, "UPDATE retailcrm_outbox SET next_at = ?, error = ? WHERE seq = ?", s.now().Add(pause).UnixMilli(), why, t.Seq)
		return err
	})
}

// pending is how many tasks wait.
func (s *store) pending(ctx context.Context) (n int, err error) {
	err = s.db.QueryRowContext(ctx, "SELECT count(*) FROM retailcrm_outbox WHERE done_at = 0").Scan(&n)
	return n, err
}

// forget deletes the tasks that were done longer ago than that, and notes of
// four times the age.
func (s *store) forget(ctx context.Context, age time.Duration) error {
	return s.do(ctx, func(w *work) error {
		if _, err := w.exec(ctx, "DELETE FROM retailcrm_outbox WHERE done_at > 0 AND done_at < ?", s.now().Add(-age).UnixMilli()); err != nil {
			return err
		}
		_, err := w.exec(ctx, "DELETE FROM retailcrm_notes WHERE at < ?", s.now().Add(-4*age).UnixMilli())
		return err
	})
}

// worker does the tasks.
type worker struct {
	b *Bridge

	mu     sync.Mutex
	busy   map[int64]bool
	paused map[string]time.Time // accounts of the CRM that asked for a pause
}

const parallel = 8

// run works until ctx ends, and finishes what was begun.
func (k *worker) run(ctx context.Context) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	slots := make(chan struct{}, parallel)
	for {
		tasks, err := k.b.store.due(ctx, 4*parallel)
		if err != nil && ctx.Err() == nil {
			k.b.log.Error("the outbox cannot be read", "error", err)
		}
		for _, t := range tasks {
			if !k.take(t) {
				continue
			}
			select {
			case slots <- struct{}{}:
			case <-ctx.Done():
			}
			if ctx.Err() != nil { // the next start goes on with it
				k.release(t)
				return
			}
			wg.Go(func() {
				defer func() { <-slots; k.release(t) }()
				k.perform(context.WithoutCancel(ctx), t)
				k.b.store.awake() // the next one of the lane
			})
		}
		select {
		case <-ctx.Done():
			return
		case <-k.b.store.wake:
		case <-tick.C:
		}
	}
}

// drain does what is due, one after another, until nothing is.
func (k *worker) drain(ctx context.Context) (done int, err error) {
	for ctx.Err() == nil {
		tasks, err := k.b.store.due(ctx, parallel)
		if err != nil {
			return done, err
		}
		worked := false
		for _, t := range tasks {
			if k.take(t) {
				k.perform(ctx, t)
				k.release(t)
				worked = true
				done++
			}
		}
		if !worked {
			return done, nil
		}
	}
	return done, ctx.Err()
}

func (k *worker) take(t task) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.busy[t.Seq] || t.Lane == laneCRM && k.b.now().Before(k.paused[t.ClientID]) {
		return false
	}
	k.busy[t.Seq] = true
	return true
}

func (k *worker) release(t task) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.busy, t.Seq)
}

func (k *worker) pause(clientID string, d time.Duration) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if until := k.b.now().Add(d); until.After(k.paused[clientID]) {
		k.paused[clientID] = until
	}
}

// perform does one task and stores what came of it.
func (k *worker) perform(ctx context.Context, t task) {
	ctx, cancel := context.WithTimeout(ctx, workTime)
	defer cancel()
	unlock, err := k.b.store.lock(ctx, t.Subject)
	if err != nil {
		return
	}
	defer unlock()
	if open, err := k.b.store.begin(ctx, &t); err != nil || !open {
		return
	}
	again := t.Tries > 0
	err = k.do(ctx, t, again)
	// What came of it is stored also when the time is over.
	ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	k.settle(ctx, t, err)
}

// do does it. A panic is an error: else one bad task would end the program, and
// again at each start.
func (k *worker) do(ctx context.Context, t task, again bool) (err error) {
	defer func() {
		if p := recover(); p != nil {
			k.b.log.Error("a task panicked", "task", t.Kind, "seq", t.Seq, "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	switch t.Kind {
	case taskUpdate:
		return k.b.deliver(ctx, t, again)
	case taskRegister:
		return k.b.register(ctx, t.ClientID)
	}
	var body attemptBody
	if err := json.Unmarshal(t.Body, &body); err != nil {
		return err
	}
	return k.b.move(ctx, t.Kind, t.Subject, body)
}

// settle ends the task, or puts it off. Only what the CRM refused for good
// ends without having been done; a person is told.
func (k *worker) settle(ctx context.Context, t task, err error) {
	log := k.b.log.With("task", t.Kind, "seq", t.Seq, "subject", t.Subject, "try", t.Tries+1)
	switch {
	case err == nil:
		log.Info("done")
		if err := k.b.store.done(ctx, &t, ""); err != nil {
			log.Error("not stored", "error", err)
		}
		return
	case t.Lane == laneCRM && crm.Refused(err):
		log.Error("refused", "error", err)
		k.tell(ctx, t, "RetailCRM не принимает сообщение: "+err.Error())
		if err := k.b.store.done(ctx, &t, err.Error()); err != nil {
			log.Error("not stored", "error", err)
		}
		return
	}
	pause := min(firstPause<<min(t.Tries, 12), lastPause)
	pause += rand.N(pause/4 + 1)
	var e *acquiring.Error
	if errors.As(err, &e) {
		pause = max(pause, e.RetryAfter)
		if t.Lane == laneCRM && acquiring.Temporary(e) && e.Outcome != acquiring.OutcomeNotSent {
			k.pause(t.ClientID, pause)
		}
	}
	if t.Tries+1 == worried || t.Tries == 0 && errors.Is(err, acquiring.ErrUnauthorized) {
		k.tell(ctx, t, "Не получается, попытки продолжаются: "+err.Error())
	}
	log.Warn("put off", "pause", pause, "error", err)
	if err := k.b.store.later(ctx, &t, pause, err.Error()); err != nil {
		log.Error("not stored", "error", err)
	}
}

// tell notes something for a person.
func (k *worker) tell(ctx context.Context, t task, text string) {
	_ = k.b.store.do(ctx, func(w *work) error {
		shop := ""
		if inv, err := w.load(ctx, t.Subject); err == nil {
			shop, text = inv.Shop, "Счёт "+inv.Number+". "+text
		}
		return w.note(ctx, t.ClientID, shop, text)
	})
}
