package crm

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/queue"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
	"github.com/acquiring-go/acquiring/webhook/sqlinbox"
)

// Config is what a Shop is made of.
type Config struct {
	Place     Place
	DB        *sql.DB            // nil: Open opens Place
	Providers map[string]Account // by the names Sberbank, …
	Registers map[string]Account // by the names Komtet, …
	Pace      Pace

	// HTTP gives the client for a provider or a register; nil: over the
	// network, each answer within Pace.Answer.
	HTTP func(name string) *http.Client
	// Log hears of what went wrong; ClientLog of each request to a provider.
	// nil: nobody.
	Log, ClientLog *slog.Logger

	// What follows breaks the program on purpose, for tests of the comparison.
	Acquirer func(name string, a acquiring.Acquirer) acquiring.Acquirer
	Inbox    func(webhook.Inbox) webhook.Inbox
	Trust    bool // webhook.TrustCallback
	// NoExpectation leaves webhook.Expect out.
	NoExpectation bool
}

// Pace is how fast everything goes.
type Pace struct {
	Answer      time.Duration // the longest wait for a provider's answer
	PollFirst   time.Duration // the age at which an unpaid invoice is asked for
	PollEvery   time.Duration
	PrintEvery  time.Duration
	PrintFirst  time.Duration // before a second try, or a first look at a document
	PrintLast   time.Duration
	PrintLimit  time.Duration // of one request to a register
	ErrandEvery time.Duration // of refunds and holds
	ErrandLease time.Duration // how long one belongs to the replica that works at it
	ErrandAgain time.Duration // before the next try
	Parallel    int           // of each kind of work
	Shard       int           // this replica polls every Shards-th invoice, from Shard on
	Shards      int
	// Haste is how many times as fast as real time the clock goes by which the
	// clients of Tochka and PayKeeper tell another replica's work under way from
	// what a dead one left: two minutes become so much less. 0: real time.
	Haste int
	Start time.Time // when that clock was set
}

// now is that clock's time.
func (p Pace) now() time.Time {
	now := time.Now()
	if p.Haste > 1 {
		now = p.Start.Add(now.Sub(p.Start) * time.Duration(p.Haste))
	}
	return now
}

// patience is how long a client leaves what another one was at alone, in case
// that one is still alive.
const patience = 2 * time.Minute

// aged is a moment of real time so much earlier that a client's patience, which
// goes by real time too, ends as much sooner as this clock is faster. The same
// moment is always aged alike: clients compare them.
func (p Pace) aged(t time.Time) time.Time {
	if p.Haste > 1 {
		t = t.Add(patience/time.Duration(p.Haste) - patience)
	}
	return t
}

// Fast is the pace of a test: what takes minutes at a bank takes parts of a
// second.
func Fast() Pace {
	return Pace{Answer: time.Second, PollFirst: 700 * time.Millisecond, PollEvery: 250 * time.Millisecond, PrintEvery: 60 * time.Millisecond,
		PrintFirst: 120 * time.Millisecond, PrintLast: 2 * time.Second, PrintLimit: 2 * time.Second, ErrandEvery: 60 * time.Millisecond,
		ErrandLease: 12 * time.Second, ErrandAgain: 500 * time.Millisecond, Parallel: 4, Shards: 1}
}

// Shop is the program.
type Shop struct {
	Place
	conf      Config
	db        *sql.DB
	inbox     webhook.Inbox
	receipts  *queue.Queue
	acquirers map[string]acquiring.Acquirer
	registers map[string]fiscal.Register
	handler   http.Handler
	log       *slog.Logger
}

// Open makes the program; its tables are there already (Place.Migrate).
func Open(conf Config) (*Shop, error) {
	s := &Shop{Place: conf.Place, conf: conf, db: conf.DB, acquirers: map[string]acquiring.Acquirer{}, registers: map[string]fiscal.Register{},
		log: cmp.Or(conf.Log, slog.New(slog.DiscardHandler))}
	if s.db == nil {
		var err error
		if s.db, err = conf.Place.Open(12); err != nil {
			return nil, err
		}
	}
	inbox, err := sqlinbox.New(s.db, s.Dialect, sqlinbox.Table(s.table("inbox")), sqlinbox.Logger(s.log), sqlinbox.Wait(3*time.Second))
	if err != nil {
		return nil, err
	}
	s.inbox = inbox
	if conf.Inbox != nil {
		s.inbox = conf.Inbox(inbox)
	}
	web := conf.HTTP
	if web == nil {
		shared := &http.Client{Timeout: conf.Pace.Answer, Transport: &http.Transport{MaxIdleConns: 256, MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}}
		web = func(string) *http.Client { return shared }
	}
	p := conf.Pace
	options := []queue.Option{queue.Table(s.table("receipts")), queue.Logger(s.log), queue.Every(p.PrintEvery), queue.Backoff(p.PrintFirst, p.PrintLast),
		queue.Timeout(p.PrintLimit), queue.Lease(2*p.PrintLimit + 500*time.Millisecond), queue.Parallel(p.Parallel), queue.Submissions(1000), queue.Report(s.printed)}
	for name, account := range conf.Registers {
		r, err := s.register(name, account, web(name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s.registers[name] = r
		options = append(options, queue.Register(name, r))
	}
	if s.receipts, err = queue.New(s.db, s.Dialect, options...); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for name, account := range conf.Providers {
		a, err := s.acquirer(name, account, web(name))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		if conf.Acquirer != nil {
			a = conf.Acquirer(name, a)
		}
		s.acquirers[name] = a
		mux.Handle("/hooks/"+name, webhook.Handler(a, s.process, s.hookOptions()...))
	}
	for name := range conf.Registers {
		mux.Handle("/receipts/"+name, s.receipts.Handler(name))
	}
	mux.HandleFunc("POST /orders/{number}", s.order)
	mux.HandleFunc("POST /refunds/{key}", s.askRefund)
	mux.HandleFunc("POST /holds/{key}", s.askHold)
	s.handler = mux
	return s, nil
}

func (s *Shop) hookOptions() []webhook.Option {
	options := []webhook.Option{webhook.WithInbox(s.inbox), webhook.Logger(s.log), webhook.Timeout(8 * time.Second)}
	if !s.conf.NoExpectation {
		options = append(options, webhook.Expect(s.expect))
	}
	if s.conf.Trust {
		options = append(options, webhook.TrustCallback())
	}
	return options
}

// Handler is the program's web side:
// /orders/{number}?provider=&kopecks=&hold=&again=,
// /refunds/{key}?number=&kopecks=, /holds/{key}?number=&kopecks=, and the
// notifications under /hooks/{provider} and /receipts/{register}.
func (s *Shop) Handler() http.Handler { return s.handler }

// DB is the program's pool.
func (s *Shop) DB() *sql.DB { return s.db }

// Run works at what does not come in by itself: it polls, prints, refunds and
// settles holds until ctx ends.
func (s *Shop) Run(ctx context.Context) error {
	var working sync.WaitGroup
	errs := make(chan error, 2)
	working.Go(func() { errs <- s.poller().Run(ctx) })
	working.Go(func() { errs <- s.receipts.Run(ctx) })
	for _, e := range s.allErrands() {
		working.Go(func() { e.run(ctx) })
	}
	working.Wait()
	return errors.Join(<-errs, <-errs)
}

// expect is what an order's attempt should bring.
func (s *Shop) expect(ctx context.Context, number string) (money.Amount, string, error) {
	var kopecks int64
	err := s.db.QueryRowContext(ctx, s.sql("SELECT kopecks FROM {invoices} WHERE number = ?"), number).Scan(&kopecks)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", &acquiring.Error{Kind: acquiring.ErrNotFound, Message: "no such order"}
	}
	return money.Amount(kopecks), "RUB", err
}

// process takes a piece of news, in the Inbox's own transaction.
func (s *Shop) process(ctx context.Context, e webhook.Event) error {
	tx := sqlinbox.Tx(ctx)
	p := e.Payment
	var was, payment string
	if err := tx.QueryRowContext(ctx, s.sql("SELECT status, payment FROM {invoices} WHERE number = ?")+s.lock(), p.OrderID).Scan(&was, &payment); err != nil {
		return fmt.Errorf("order %q: %w", p.OrderID, err)
	}
	var status acquiring.Status
	_ = status.UnmarshalText([]byte(was)) // never fails
	came := p.Status == acquiring.StatusAuthorized || p.Status.Succeeded()
	if !came && string(p.ID) != payment {
		// A payment of this number that another has taken the place of: PayMaster's
		// client withdraws one whose link was lost.
		return nil
	}
	if status.CanBecome(p.Status) {
		if _, err := tx.ExecContext(ctx, s.sql("UPDATE {invoices} SET status = ?, payment = ? WHERE number = ?"), p.Status.String(), string(p.ID), p.OrderID); err != nil {
			return err
		}
	}
	// Nothing looks here whether the order was credited before: that this news
	// comes once is the Inbox's business.
	if p.Status != acquiring.StatusPaid {
		return nil
	}
	if err := s.post(ctx, tx, e.Key, p.OrderID, p.Captured); err != nil {
		return err
	}
	return s.receipts.Enqueue(ctx, tx, s.registerOf(p.OrderID), receipt("S-"+p.OrderID, fiscal.Sale, p.Captured))
}

// post writes a line of the ledger.
func (s *Shop) post(ctx context.Context, tx *sql.Tx, news, number string, sum money.Amount) error {
	_, err := tx.ExecContext(ctx, s.sql("INSERT INTO {ledger} (news, number, kopecks) VALUES (?, ?, ?)"), news, number, int64(sum))
	return err
}

// printed notes what became of a receipt, in the queue's own transaction.
func (s *Shop) printed(ctx context.Context, tx *sql.Tx, it queue.Item) error {
	_, err := tx.ExecContext(ctx, s.sql("INSERT INTO {printed} (receipt, state) VALUES (?, ?)"), it.Receipt.ID, string(it.State))
	return err
}

// registerOf spreads the orders over the registers.
func (s *Shop) registerOf(number string) string {
	order, _ := acquiring.SplitAttempt(number)
	names := []string{Komtet, OrangeData, PayKeeperRegister}
	sum := 0
	for _, c := range []byte(order) {
		sum += int(c)
	}
	return names[sum%len(names)]
}

func receipt(id string, kind fiscal.Settlement, sum money.Amount) fiscal.Receipt {
	r := fiscal.NewSale(id, fiscal.Contact{Email: "parent@school.example"}, fiscal.ServiceLine("Занятия в студии, октябрь", sum, fiscal.Pieces(1), fiscal.VATNone))
	r.Type, r.FFD = kind, fiscal.FFD12
	return r
}

// order issues an invoice for an order, or says again which it has.
func (s *Shop) order(w http.ResponseWriter, r *http.Request) {
	kopecks, err := strconv.ParseInt(r.FormValue("kopecks"), 10, 64)
	a := s.acquirers[r.FormValue("provider")]
	if err != nil || a == nil {
		http.Error(w, "provider or kopecks", http.StatusBadRequest)
		return
	}
	i, err := s.invoice(r.Context(), a, r.PathValue("number"), r.FormValue("provider"), money.Amount(kopecks), r.FormValue("hold") != "", r.FormValue("again"))
	if err != nil {
		s.log.WarnContext(r.Context(), "no invoice", "order", r.PathValue("number"), "error", err)
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "text/plain")
	fmt.Fprintf(w, "%s\n%s\n", i.payment, i.link)
}
