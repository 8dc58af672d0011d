package bridge

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/tochka/sqlledger"
	"github.com/acquiring-go/acquiring/webhook"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
)

// Bridge is the payment module. It is safe for concurrent use.
type Bridge struct {
	conf     Config
	store    *store
	shops    []*shop
	statuses map[acquiring.Status]string
	vat      map[string]fiscal.VAT
	zone     *time.Location
	now      func() time.Time
	log      *slog.Logger
	worker   *worker
	visitors *visitors // of short links
	guests   *visitors // who try the password

	mu       sync.Mutex
	accounts map[string]account // by clientId
}

// account is a client and what it was made of.
type account struct {
	*crm.Client
	systemURL, apiKey string
}

// Option changes what New makes.
type Option func(*Bridge)

// WithClock tells the bridge the time; without it, time.Now.
func WithClock(now func() time.Time) Option { return func(b *Bridge) { b.now = now } }

// WithLogger logs; without it, slog.Default.
func WithLogger(l *slog.Logger) Option { return func(b *Bridge) { b.log = l } }

// New opens the database and the shops of a configuration that ReadConfig
// made.
func New(ctx context.Context, c Config, opts ...Option) (*Bridge, error) {
	b := &Bridge{conf: c, statuses: c.statuses(), vat: c.vat(), now: time.Now, log: slog.Default(), visitors: newVisitors(2, 20), guests: newVisitors(0.2, 10),
		accounts: map[string]account{}}
	for _, o := range opts {
		o(b)
	}
	b.worker = &worker{b: b, busy: map[int64]bool{}, paused: map[string]time.Time{}}
	var err error
	if b.zone, err = time.LoadLocation(c.Timezone); err != nil {
		return nil, err
	}
	if b.store, err = openStore(ctx, c.Database, b.now); err != nil {
		return nil, err
	}
	b.store.watch = c.WatchRefundsDays
	if err := b.openShops(ctx); err != nil {
		return nil, errors.Join(err, b.Close())
	}
	return b, nil
}

func (b *Bridge) openShops(ctx context.Context) error {
	// Tochka knows no key of a refund, so the bridge remembers what it asked for.
	ledger, err := sqlledger.New(b.store.db, b.store.dialect, sqlledger.Table("retailcrm_ledger"))
	if err != nil {
		return err
	}
	if err := ledger.Migrate(ctx); err != nil {
		return err
	}
	for _, sc := range b.conf.Shops {
		bank, err := sc.open(ledger, b.log)
		if err != nil {
			return acquiring.InOp("shop "+sc.Code, "", err)
		}
		hook, err := b.store.hook(ctx, sc.Code)
		if err != nil {
			return err
		}
		s := &shop{ShopConfig: sc, bank: bank, hook: hook}
		if _, ok := s.capturer(); s.Hold && !ok {
			return acquiring.Invalid("shops."+s.Code+".hold", "cannot be: the provider has no two-stage payments")
		}
		b.shops = append(b.shops, s)
	}
	return nil
}

// Close closes the database. Run must have ended.
func (b *Bridge) Close() error { return b.store.close() }

// Run works at the outbox and asks the banks for payments whose callbacks
// never came, until ctx ends. What was begun is finished.
func (b *Bridge) Run(ctx context.Context) error {
	if err := b.registerChanged(ctx); err != nil {
		return err
	}
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, s := range b.shops {
		for _, p := range b.pollers(s) {
			wg.Go(func() {
				if err := p.Run(ctx); err != nil {
					b.log.Error("the poller stopped", "shop", s.Code, "error", err)
				}
			})
		}
	}
	wg.Go(func() { b.cleanUp(ctx) })
	b.worker.run(ctx)
	return nil
}

// keep is how long what is done is remembered: longer than any bank repeats
// its news.
const keep = 90 * 24 * time.Hour

// cleanUp forgets what was done long ago, now and twice a day.
func (b *Bridge) cleanUp(ctx context.Context) {
	tick := time.NewTicker(12 * time.Hour)
	defer tick.Stop()
	for {
		_, err := b.store.inbox.Cleanup(ctx, keep)
		if err == nil {
			err = b.store.forget(ctx, keep)
		}
		if err != nil && ctx.Err() == nil {
			b.log.Warn("what is old was not forgotten", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Drain does what is due in the outbox now, and says how many tasks that were:
// for tests and for a program that is about to end.
func (b *Bridge) Drain(ctx context.Context) (int, error) { return b.worker.drain(ctx) }

// Waiting is how many tasks are in the outbox, due or not.
func (b *Bridge) Waiting(ctx context.Context) (int, error) { return b.store.pending(ctx) }

// pollers ask a shop's bank for its open payments, and more rarely for paid
// ones, of which only a refund in the bank's cabinet could be news: there are
// many more of those, and they must not keep the others waiting.
func (b *Bridge) pollers(s *shop) []*webhook.Poller {
	open := &webhook.Poller{GiveUpAfter: time.Duration(b.conf.KeepDays) * 24 * time.Hour, Pending: b.pending(s, func(inv *invoice, a *attempt) (bool, time.Time) {
		return inv.watches(a), b.until(inv, a)
	})}
	paid := &webhook.Poller{Every: 5 * time.Minute, First: time.Hour, Last: 6 * time.Hour, Pending: b.pending(s, func(inv *invoice, a *attempt) (bool, time.Time) {
		paid, moved := inv.refundable()
		until := moved.AddDate(0, 0, b.conf.WatchRefundsDays)
		return a == paid && !inv.watches(a) && b.now().Before(until), until
	})}
	for _, p := range []*webhook.Poller{open, paid} {
		p.Process, p.Inbox, p.Logger = b.process(s), b.store.inbox, b.log
	}
	return []*webhook.Poller{open, paid}
}

// pending yields the attempts of a shop that are wanted, and until when.
func (b *Bridge) pending(s *shop, wanted func(*invoice, *attempt) (bool, time.Time)) func(context.Context) iter.Seq2[webhook.Pending, error] {
	return func(ctx context.Context) iter.Seq2[webhook.Pending, error] {
		return func(yield func(webhook.Pending, error) bool) {
			all, err := b.store.openInvoices(ctx, b.now().AddDate(-1, -3, 0)) // refunds are made within a year
			if err != nil {
				yield(webhook.Pending{}, err)
				return
			}
			for _, inv := range all {
				if inv.Shop != s.Code {
					continue
				}
				for _, a := range inv.Attempts {
					if yes, until := wanted(inv, a); yes && !yield(webhook.Pending{Acquirer: s.bank, ID: a.ID, OrderID: a.OrderID, Status: a.Status, Since: a.CreatedAt, Until: until}, nil) {
						return
					}
				}
			}
		}
	}
}

// until is when an attempt is given up: an unpaid one after KeepDays, a hold
// that long after its term, a refund that long after it was asked for.
func (b *Bridge) until(inv *invoice, a *attempt) time.Time {
	last := a.CreatedAt
	if a.Status == acquiring.StatusAuthorized && inv.HoldUntil.After(last) {
		last = inv.HoldUntil
	}
	for _, r := range inv.Refunds {
		if r.Attempt == a.N && r.At.After(last) {
			last = r.At
		}
	}
	return last.AddDate(0, 0, b.conf.KeepDays)
}

// process is news, and wakes the worker when it is committed: at the latest
// when the worker looks by itself.
func (b *Bridge) process(s *shop) func(ctx context.Context, e webhook.Event) error {
	news := b.news(s)
	return func(ctx context.Context, e webhook.Event) error {
		err := news(ctx, e)
		time.AfterFunc(20*time.Millisecond, b.store.awake)
		return err
	}
}

// Handler serves the CRM, the banks, the customers and the settings page.
func (b *Bridge) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /simple/connect", b.serveConnectInfo)
	mux.HandleFunc("POST /simple/connect", b.serveConnect)
	mux.HandleFunc("POST /crm/{path}/activity", b.serveActivity)
	mux.HandleFunc("POST /crm/{path}/payment/create", b.action("create", func() any { return &createCall{} }, b.create))
	mux.HandleFunc("POST /crm/{path}/payment/approve", b.action("approve", func() any { return &crm.ApproveRequest{} }, b.approve))
	mux.HandleFunc("POST /crm/{path}/payment/cancel", b.action("cancel", func() any { return &crm.CancelRequest{} }, b.cancel))
	mux.HandleFunc("POST /crm/{path}/payment/refund", b.action("refund", func() any { return &crm.RefundRequest{} }, b.giveRefund))
	mux.HandleFunc("GET /crm/{path}/payment/status", b.serveStatus)
	mux.HandleFunc("GET /pay/{slug}", b.servePay)
	mux.HandleFunc("POST /pay/{slug}", b.servePay)
	mux.HandleFunc("GET /logo.svg", serveLogo)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := b.store.db.PingContext(r.Context()); err != nil {
			http.Error(w, "database", http.StatusServiceUnavailable)
		}
	})
	for _, s := range b.shops {
		mux.Handle("/hooks/"+s.Code+"/"+s.hook, webhook.Handler(s.bank, b.process(s), webhook.WithInbox(b.store.inbox), webhook.Question(b.question(s)), webhook.Logger(b.log)))
	}
	b.settings(mux)
	return mux
}

// shop is the one with that code; nil: there is none.
func (b *Bridge) shop(code string) *shop {
	for _, s := range b.shops {
		if s.Code == code {
			return s
		}
	}
	return nil
}

// client makes a client of an account.
func (b *Bridge) client(systemURL, apiKey string) (*crm.Client, error) {
	return crm.New(crm.Config{SystemURL: systemURL, APIKey: apiKey, Rate: b.conf.CRMRate, Logger: b.log})
}

// account is the client of a connection. There is one for each, because the
// CRM counts the requests of a key. Its key and address are compared each time:
// another replica may have been told new ones.
func (b *Bridge) account(ctx context.Context, clientID string) (*crm.Client, error) {
	c, err := b.store.connection(ctx, "client_id", clientID)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if known := b.accounts[clientID]; known.systemURL == c.SystemURL && known.apiKey == c.APIKey {
		return known.Client, nil
	}
	made, err := b.client(c.SystemURL, c.APIKey)
	if err != nil {
		return nil, err
	}
	b.accounts[clientID] = account{made, c.SystemURL, c.APIKey}
	return made, nil
}

func (b *Bridge) link(inv *invoice) string     { return b.conf.PublicURL + "/pay/" + inv.Slug }
func (b *Bridge) hookURL(s *shop) string       { return b.conf.PublicURL + "/hooks/" + s.Code + "/" + s.hook }
func (b *Bridge) pageURL(c *connection) string { return b.conf.PublicURL + "/settings/" + c.Page }
