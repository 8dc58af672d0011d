package bridge

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/outbox"
	"github.com/acquiring-go/acquiring/examples/internal/shops"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// Options are what a Bridge is made of.
type Options struct {
	Config   Config
	CRM      CRM
	Accounts []shops.Account // the first is used where an order names none
	DB       *sql.DB
	Dialect  outbox.Dialect
	Getenv   func(string) string // for values that begin with $
	Logger   *slog.Logger        // nil: slog.Default
	Now      func() time.Time    // nil: time.Now
	// Outbox has the paces of the outbox; its Logger and Now are set here.
	Outbox outbox.Options
	// Poller has the paces of the Pollers; the other fields are set here.
	Poller webhook.Poller
}

// Bridge stands between merchant accounts and a CRM. It is safe for
// concurrent use.
type Bridge struct {
	conf     Config
	crm      CRM
	accounts []shops.Account
	db       *sql.DB
	dialect  outbox.Dialect
	inbox    *sqlinbox.Inbox
	box      *outbox.Outbox
	log      *slog.Logger
	now      func() time.Time
	poller   webhook.Poller

	making keyed // one invoice of one number at a time
}

// New checks the options and creates the tables where they are missing.
func New(ctx context.Context, opt Options) (*Bridge, error) {
	if opt.CRM == nil || opt.DB == nil || len(opt.Accounts) == 0 {
		return nil, acquiring.Invalid("Options", "needs a CRM, a database and a merchant account")
	}
	if err := opt.Config.complete(opt.Getenv); err != nil {
		return nil, err
	}
	b := &Bridge{conf: opt.Config, crm: opt.CRM, accounts: opt.Accounts, db: opt.DB, dialect: opt.Dialect, log: opt.Logger, now: opt.Now, poller: opt.Poller}
	if b.log == nil {
		b.log = slog.Default()
	}
	if b.now == nil {
		b.now = time.Now
	}
	opt.Outbox.Logger, opt.Outbox.Now = b.log, b.now
	var err error
	if b.inbox, err = sqlinbox.New(b.db, b.dialect, sqlinbox.Table("bridge_inbox"), sqlinbox.Logger(b.log)); err != nil {
		return nil, err
	}
	if b.box, err = outbox.New(b.db, b.dialect, opt.Outbox); err != nil {
		return nil, err
	}
	return b, b.migrate(ctx)
}

// account finds a merchant account; "" is the first.
func (b *Bridge) account(code string) (shops.Account, error) {
	for _, a := range b.accounts {
		if code == "" || a.Code == code {
			return a, nil
		}
	}
	return shops.Account{}, acquiring.Invalid("shop", fmt.Sprintf("%q is not among the shops of the configuration", code))
}

// Run tells the CRM what waits and asks the acquirers for payments whose
// callback never came, until the context ends.
func (b *Bridge) Run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var work sync.WaitGroup
	var mu sync.Mutex
	var faults []error
	run := func(f func(context.Context) error) {
		work.Go(func() {
			if err := f(ctx); err != nil {
				mu.Lock()
				faults = append(faults, err)
				mu.Unlock()
				cancel()
			}
		})
	}
	run(func(ctx context.Context) error { return b.box.Run(ctx, b.crm.Name(), b.deliver) })
	for _, a := range b.accounts {
		run(func(ctx context.Context) error {
			p := b.poller
			p.Pending, p.Process, p.Inbox, p.Logger = b.pending(a), b.process(a), b.inbox, b.log
			p.Observe = func(_ context.Context, o webhook.Observation) {
				if o.Outcome == webhook.Processed {
					b.box.Wake()
				}
			}
			return p.Run(ctx)
		})
	}
	work.Wait()
	return errors.Join(faults...)
}

// Tell tells the CRM what is due, now, and returns how many items were told or
// tried: for programs and tests that do not run Run.
func (b *Bridge) Tell(ctx context.Context) (n int, err error) {
	for {
		more, err := b.box.Work(ctx, b.crm.Name(), b.deliver)
		if err != nil || !more {
			return n, err
		}
		n++
	}
}

// Outbox is the table of what the CRM is told, for those who look after it.
func (b *Bridge) Outbox() *outbox.Outbox { return b.box }

// deliver tells the CRM one piece of news.
func (b *Bridge) deliver(ctx context.Context, it outbox.Item) (string, error) {
	var n News
	if err := json.Unmarshal(it.Payload, &n); err != nil {
		return "", outbox.NeedsPerson(fmt.Errorf("the stored news cannot be read: %w", err))
	}
	if n.Kind == Withdraw {
		return b.withdraw(ctx, n, it.Attempts)
	}
	if n.Ref == "" { // a person may have said so of the payment since
		if r, err := b.one(ctx, b.db, n.Shop, n.OrderID, false); err != nil {
			return "", err
		} else if r != nil {
			n.Ref = r.Ref
		}
	}
	if n.Ref == "" {
		return "", outbox.NeedsPerson(fmt.Errorf("nobody knows to whom order %s (%s) belongs: give it to its owner with the command assign", n.OrderID, n.Amount))
	}
	return b.crm.Post(ctx, n)
}

// pending yields the open payments of a shop.
func (b *Bridge) pending(a shops.Account) func(context.Context) iter.Seq2[webhook.Pending, error] {
	return func(ctx context.Context) iter.Seq2[webhook.Pending, error] {
		return func(yield func(webhook.Pending, error) bool) {
			rows, since, err := b.open(ctx, a.Code)
			if err != nil {
				yield(webhook.Pending{}, err)
				return
			}
			for _, r := range rows {
				p := webhook.Pending{Acquirer: a.Acquirer, ID: r.ID, OrderID: r.order(), Status: r.Status, Since: since(r)}
				if r.Status.Succeeded() {
					p.Until = p.Since.Add(b.watch())
				}
				if !yield(p, nil) {
					return
				}
			}
		}
	}
}

// question answers a bank that asks before it takes the money: an order made
// here is paid once, and for its sum. Others are not ours to refuse.
func (b *Bridge) question(a shops.Account) func(context.Context, webhook.Event) error {
	return func(ctx context.Context, e webhook.Event) error {
		r, err := b.one(ctx, b.db, a.Code, e.Callback.OrderID, false)
		if err != nil || r == nil || !r.Own {
			return err
		}
		if e.Callback.Amount != 0 && e.Callback.Amount != r.Amount {
			return webhook.Refuse(fmt.Sprintf("order %s is for %s and not for %s", r.Number, r.Amount, e.Callback.Amount))
		}
		all, err := b.rows(ctx, b.db, "WHERE shop = ? AND base = ?", r.Shop, r.Base)
		if err != nil {
			return err
		}
		for _, other := range all {
			if other.Taken > 0 || other.Status.Succeeded() || other.Status == acquiring.StatusAuthorized {
				return webhook.Refuse("order " + other.Number + " is paid already")
			}
		}
		return nil
	}
}

// process records news of a payment and puts what the CRM must hear into the
// outbox, in the inbox's own transaction: all of it or nothing.
func (b *Bridge) process(a shops.Account) func(context.Context, webhook.Event) error {
	return func(ctx context.Context, e webhook.Event) error {
		p := e.Payment
		if p == nil {
			return nil
		}
		number := p.OrderID
		if number == "" {
			number = string(p.ID)
		}
		tx := sqlinbox.Tx(ctx)
		base, _ := acquiring.SplitAttempt(number)
		if err := b.alone(ctx, tx, base); err != nil {
			return err
		}
		r, err := b.one(ctx, tx, a.Code, number, true)
		if err != nil {
			return err
		}
		if r == nil {
			foreign := row{Shop: a.Code, Number: number, Base: base, Ref: b.conf.Ref.find(p), Amount: p.Amount, ID: p.ID, Status: acquiring.StatusUnknown, CreatedAt: b.now()}
			if _, err := b.insert(ctx, tx, foreign); err != nil {
				return err
			}
			// Another replica may have entered it meanwhile.
			if r, err = b.one(ctx, tx, a.Code, number, true); err != nil || r == nil {
				return errors.Join(err, errUnseen)
			}
		}
		return b.record(ctx, tx, a, r, p)
	}
}

// alone keeps other transactions from recording news of the order until this
// one ends: of two attempts that are paid at the same moment one must see the
// other. In SQLite there is one writer anyway.
func (b *Bridge) alone(ctx context.Context, tx *sql.Tx, base string) error {
	if b.dialect != outbox.PostgreSQL {
		return nil
	}
	return b.exec(ctx, tx, "SELECT pg_advisory_xact_lock(hashtextextended(?, 11))", base)
}

var errUnseen = errors.New("the row that was entered is not there")

// record finds the row that the payment moves.
//
// One order number may have several payments: PayMaster's client withdraws one
// whose link was lost, and its end comes late. The end of another payment than
// the row's is nothing to the row; money is, unless the row has some already:
// then the other payment has a row of its own.
func (b *Bridge) record(ctx context.Context, tx *sql.Tx, a shops.Account, r *row, p *acquiring.Payment) error {
	if p.ID == "" || p.ID == r.ID {
		return b.move(ctx, tx, a, r, p, r.ID, "")
	}
	if s, err := b.one(ctx, tx, r.Shop, besideNumber(r, p.ID), true); err != nil {
		return err
	} else if s != nil {
		return b.move(ctx, tx, a, s, p, s.ID, beside(r, s, p))
	}
	money := p.Status.Succeeded() || p.Status == acquiring.StatusAuthorized
	switch {
	case money && r.took():
		return b.second(ctx, tx, a, r, p)
	case money:
		if err := b.putWithdraw(ctx, tx, a, r, r.ID); err != nil {
			return err
		}
		r.Status = acquiring.StatusUnknown
		return b.move(ctx, tx, a, r, p, p.ID, "")
	case r.ID != "":
		return nil
	}
	// Until the bank's answer is stored its payment may yet be made, after
	// this one: see issued.
	return b.move(ctx, tx, a, r, p, "", "")
}

// move compares the payment with what the CRM was told of the row and puts the
// difference into the outbox. The sums decide and not the order of the news:
// late and doubled news finds nothing new. id is what the row's payment is from
// now on; problem, unless empty, is why a person must look before the CRM hears
// of money that came.
func (b *Bridge) move(ctx context.Context, tx *sql.Tx, a shops.Account, r *row, p *acquiring.Payment, id acquiring.PaymentID, problem string) error {
	status := r.Status
	if status.CanBecome(p.Status) {
		status = p.Status
	}
	taken, refunded := r.Taken, r.Refunded
	news := News{Shop: a.Code, Provider: a.Provider, PaymentID: p.ID, OrderID: r.Number, Ref: r.Ref, Payer: r.Payer, Method: p.Method, Test: p.Test}
	if p.Card != nil {
		news.Card = p.Card.Masked
	}
	wrong := ""
	switch {
	case p.Currency != "" && !strings.EqualFold(p.Currency, "RUB"):
		wrong = fmt.Sprintf("order %s is paid in %s, not in roubles", r.Number, p.Currency)
	case r.Own && p.Amount != 0 && p.Amount != r.Amount:
		wrong = fmt.Sprintf("order %s was for %s, the bank has %s", r.Number, r.Amount, p.Amount)
	}
	first := p.Status.Succeeded() && taken == 0 && p.Captured > 0
	again := r.Again
	if first && !r.beside() {
		// In another shop it is the same order if it is for the same one.
		others, err := b.rows(ctx, tx, "WHERE base = ? AND taken > 0 AND (shop = ? AND number <> ? OR shop <> ? AND ref = ? AND ref <> '')", r.Base, r.Shop, r.Number, r.Shop, r.Ref)
		if err != nil {
			return err
		}
		again = slices.ContainsFunc(others, func(o row) bool { return !o.beside() })
	}
	news.Again = again
	if first {
		taken = p.Captured
		news.Kind, news.Key, news.Amount, news.Taken, news.At = Income, key(Income, a, p, 0), taken, taken, p.PaidAt
		if err := b.put(ctx, tx, news, cmp.Or(problem, wrong)); err != nil {
			return err
		}
	}
	back := p.Refunded
	if p.Status == acquiring.StatusVoided && p.Captured == 0 {
		back = taken // a bank takes a payment of the same day back as a whole
	}
	if back > refunded && taken > 0 {
		news.Kind, news.Key = Refund, key(Refund, a, p, int64(back))
		news.Amount, news.Taken, news.Refunded, news.At = back-refunded, taken, back, time.Time{}
		refunded = back
		if err := b.put(ctx, tx, news, wrong); err != nil {
			return err
		}
	}
	return b.exec(ctx, tx, "UPDATE "+table+" SET status = ?, taken = ?, again = ?, refunded = ?, payment_id = ? WHERE shop = ? AND number = ?",
		status.String(), int64(taken), bit(again), int64(refunded), string(id), r.Shop, r.Number)
}

// key names a movement: of a refund, by the sum given back until then.
func key(kind Kind, a shops.Account, p *acquiring.Payment, sum int64) string {
	k := fmt.Sprintf("%s:%s:%s:%s", kind, a.Provider, a.Code, p.ID)
	if kind == Refund {
		k += fmt.Sprintf(":%d", sum)
	}
	return k
}

func (b *Bridge) put(ctx context.Context, tx *sql.Tx, n News, problem string) error {
	if n.At.IsZero() {
		n.At = b.now()
	}
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	return b.box.Put(ctx, tx, outbox.Message{Lane: b.crm.Name(), Key: n.Key, Subject: n.Shop + "/" + string(n.PaymentID), Payload: body, Attention: problem})
}

// Learn reads a payment from its acquirer and records what is new, as a
// callback would: after a refund made here, and for "ask the bank now".
func (b *Bridge) Learn(ctx context.Context, shop string, id acquiring.PaymentID) (*acquiring.Payment, error) {
	a, err := b.account(shop)
	if err != nil {
		return nil, err
	}
	p, err := a.Acquirer.GetStatus(ctx, id)
	if err != nil {
		return nil, err
	}
	provider, label := a.Provider, a.Code
	if named, ok := a.Acquirer.(acquiring.Named); ok {
		provider, label = named.Name() // as the Handler and the Poller have it
	}
	k := webhook.NewsKey(provider, label, p)
	if k == "" {
		return p, nil
	}
	cb := &acquiring.Callback{Key: k, PaymentID: p.ID, OrderID: p.OrderID, Status: p.Status, Amount: p.Amount, Payment: p}
	err = b.inbox.Once(ctx, k, func(ctx context.Context) error {
		return b.process(a)(ctx, webhook.Event{Callback: cb, Payment: p, Key: k, Source: webhook.FromPoller})
	})
	b.box.Wake()
	return p, err
}

// Assign gives news without an owner to the CRM's number ref and lets it be
// told.
func (b *Bridge) Assign(ctx context.Context, key, ref string) error {
	it, err := b.box.Get(ctx, b.crm.Name(), key)
	if err != nil {
		return err
	}
	if it.State == outbox.Done {
		return conflict("item %q is done already: %s", key, it.Result)
	}
	var n News
	if err := json.Unmarshal(it.Payload, &n); err != nil {
		return err
	}
	n.Ref = ref
	body, err := json.Marshal(n)
	if err != nil {
		return err
	}
	if err := b.exec(ctx, b.db, "UPDATE "+table+" SET ref = ? WHERE shop = ? AND number = ?", ref, n.Shop, n.OrderID); err != nil {
		return err
	}
	return b.box.Retry(ctx, b.crm.Name(), key, body)
}

// keyed is a lock for each key.
type keyed struct {
	mu   sync.Mutex
	held map[string]chan struct{}
}

// lock waits for the key and returns what frees it.
func (k *keyed) lock(ctx context.Context, key string) (func(), error) {
	for {
		k.mu.Lock()
		if k.held == nil {
			k.held = map[string]chan struct{}{}
		}
		other, busy := k.held[key]
		if !busy {
			done := make(chan struct{})
			k.held[key] = done
			k.mu.Unlock()
			return func() {
				k.mu.Lock()
				delete(k.held, key)
				k.mu.Unlock()
				close(done)
			}, nil
		}
		k.mu.Unlock()
		select {
		case <-other:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}
