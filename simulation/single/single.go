// Package single is the simulation in one thread: the program under test, the
// emulators whose clocks stand still, and the deaths of the program, one thing
// after another in an order that follows from the seed. The same seed gives the
// same run, to the line of its journal.
package single

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal/queue"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/simulation/crm"
	"github.com/acquiring-go/acquiring/simulation/world"
	"github.com/acquiring-go/acquiring/webhook"
)

// Options are what a run is made of.
type Options struct {
	Seed    uint64
	Orders  int
	Weather world.Weather
	Place   crm.Place // its tables are there, and empty
	// Lifetime is how many deeds the program lives on average; 0: for ever.
	Lifetime int
	Log      *slog.Logger

	// Breakages of the program, for tests of the comparison; see crm.Config.
	Acquirer func(name string, a acquiring.Acquirer) acquiring.Acquirer
	Inbox    func(webhook.Inbox) webhook.Inbox
	Trust    bool

	NoExpectation bool
}

// Result is what a run came to.
type Result struct {
	*world.Report
	Kills   int
	Journal []string
}

// Digest stands for the journal.
func (r *Result) Digest() string {
	sum := sha256.Sum256([]byte(strings.Join(r.Journal, "\n")))
	return hex.EncodeToString(sum[:])
}

// run is a run under way.
type run struct {
	Options
	ctx     context.Context
	lot     *rand.Rand
	clock   *emulator.Clock
	world   *world.World
	ledger  *world.Ledger
	journal []string
	kills   int

	shop  *crm.Shop
	life  *life
	alive context.Context
}

// beat is how much time passes at once: more than any client waits for another
// one's unfinished work.
const beat = 4 * time.Minute

// Run makes a run. Time passes by time.Sleep: in a test, call it within
// testing/synctest.
func Run(ctx context.Context, o Options) (*Result, error) {
	r := &run{Options: o, ctx: ctx, lot: rand.New(rand.NewPCG(o.Seed, 0x51)), clock: emulator.NewClock(time.Now())}
	// The queue of receipts goes by the database's clock, which does not stand
	// still: a second's rest that a register asks for would be waited for.
	o.Weather.RegisterKinds = slices.DeleteFunc(slices.Clone(o.Weather.RegisterKinds), func(k emulator.FaultKind) bool { return k == emulator.RateLimit })
	r.world = world.New(world.Options{Seed: o.Seed, Clock: r.clock, Hooks: "http://school.example", Handler: http.HandlerFunc(r.called)}, o.Weather)
	defer r.world.Close()
	db, err := o.Place.Open(2)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	r.ledger = world.NewLedger(db, o.Place)
	if err := r.begin(); err != nil {
		return nil, err
	}
	defer func() { _ = r.shop.DB().Close() }()
	for n := range o.Orders {
		r.world.Order(ctx, n, r)
		r.print()
		for range r.lot.IntN(3) {
			if err := r.something(); err != nil {
				return nil, err
			}
		}
	}
	return r.finish()
}

// note writes a line of the journal.
func (r *run) note(format string, args ...any) {
	r.journal = append(r.journal, fmt.Sprintf(format, args...))
}

// begin starts the program, anew after a death, on the same database.
func (r *run) begin() error {
	if r.life != nil {
		r.kills++
		r.note("killed at %s, after: %t", firstWords(r.life.what), r.life.after)
		_ = r.shop.DB().Close()
	}
	alive, cancel := context.WithCancel(r.ctx)
	r.life = &life{left: 1 << 60, cancel: cancel}
	if r.Lifetime > 0 {
		r.life.left, r.life.after = 1+r.lot.IntN(2*r.Lifetime), r.lot.IntN(2) == 0
	}
	r.alive = alive
	db, err := r.life.open(r.Place)
	if err != nil {
		return err
	}
	providers, registers := r.world.Accounts()
	pace := crm.Fast()
	pace.PollFirst, pace.ErrandAgain, pace.ErrandLease, pace.PrintLimit = 0, 0, time.Second, 10*time.Millisecond
	life := r.life
	r.shop, err = crm.Open(crm.Config{Place: r.Place, DB: db, Providers: providers, Registers: registers, Pace: pace, Log: r.Log,
		Acquirer: r.Acquirer, Inbox: r.Inbox, Trust: r.Trust, NoExpectation: r.NoExpectation,
		HTTP: func(name string) *http.Client {
			return &http.Client{Timeout: pace.Answer, Transport: mortalTransport{life, r.world.Client(name).Transport}}
		}})
	return err
}

func firstWords(s string) string {
	words := strings.Fields(s)
	return strings.Join(words[:min(3, len(words))], " ")
}

// revive starts the program anew if it is dead.
func (r *run) revive() {
	if r.life.over() {
		if err := r.begin(); err != nil {
			panic(err) // the database is a file that was there a moment ago
		}
	}
}

// called is the program's web side, as the providers see it.
func (r *run) called(w http.ResponseWriter, req *http.Request) {
	rec := emulator.NewRecorder()
	r.shop.Handler().ServeHTTP(rec, req.WithContext(r.alive))
	if r.life.over() {
		r.note("callback %s: no answer", req.URL.Path)
		r.revive()
		panic(http.ErrAbortHandler)
	}
	r.note("callback %s: %d", req.URL.Path, rec.Code)
	for name, values := range rec.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(max(rec.Code, http.StatusOK))
	_, _ = w.Write(rec.Body.Bytes())
	r.print()
}

// Post is a browser's request.
func (r *run) Post(_ context.Context, path string) (int, string, error) {
	req, err := http.NewRequestWithContext(r.alive, http.MethodPost, "http://school.example"+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	rec := emulator.NewRecorder()
	r.shop.Handler().ServeHTTP(rec, req)
	if r.life.over() {
		r.note("POST %s: no answer", req.URL.Path)
		r.revive()
		return 0, "", errDead
	}
	r.note("POST %s: %d", req.URL.Path, rec.Code)
	return rec.Code, rec.Body.String(), nil
}

// Pause is between two tries.
func (r *run) Pause(context.Context) { r.pass() }

// pass lets time pass, for the program and for the providers.
func (r *run) pass() {
	time.Sleep(beat)
	r.clock.Advance(beat)
	for _, b := range r.world.Banks {
		b.Deliver()
	}
	for _, p := range r.world.Registers {
		p.Deliver()
	}
}

// something happens.
func (r *run) something() error {
	switch r.lot.IntN(6) {
	case 0:
		r.note("time passes")
		r.pass()
	case 1:
		r.poll()
	case 2:
		r.errands()
	case 3:
		for _, b := range r.world.Banks {
			b.Settle()
		}
	default:
		wanted, err := r.world.Wishes(r.ctx, r.ledger)
		if err != nil {
			return err
		}
		for _, w := range wanted {
			r.world.Ask(r.ctx, w, r)
		}
	}
	r.print()
	return nil
}

// poll is a turn of the Poller. A program that dies meanwhile is not gone on
// with: its successor polls another time.
func (r *run) poll() {
	r.note("poll")
	life := r.life
	r.shop.Poll(r.alive, func() {
		if r.life == life && !life.over() {
			r.print()
		}
	})
	r.revive()
	r.print()
}

// errands is a turn of who carries out refunds and settles holds.
func (r *run) errands() {
	r.note("errands")
	life := r.life
	r.shop.DoErrands(r.alive, func() {
		if r.life == life && !life.over() {
			r.print()
		}
	})
	r.revive()
	r.print()
}

// print prints what is queued. After each of the program's steps there is at
// most one receipt at a register, so that their order is no matter of chance.
func (r *run) print() {
	for _, p := range r.world.Registers {
		for range 10 {
			all, err := r.shop.Print(r.alive, p.Name, 8, func(o queue.Observation) {
				if o.State == queue.Sent {
					p.PrintNow(o.ReceiptID)
				}
				r.note("receipt %s: %s %s", o.ReceiptID, o.Op, o.State)
			})
			if all && err == nil && !r.life.over() {
				break
			}
			if err == nil && !r.life.over() {
				time.Sleep(beat) // a program that died may be at it still, for all that is known
			}
			r.revive()
		}
	}
}

// finish lets good weather come, until everything is done or nothing is any
// more.
func (r *run) finish() (*Result, error) {
	r.world.Calm()
	r.Lifetime = 0
	var report *world.Report
	last, same := -1, 0
	for range 40 {
		for range 3 {
			if err := r.something(); err != nil {
				return nil, err
			}
		}
		r.poll()
		r.errands()
		r.pass()
		for _, b := range r.world.Banks {
			b.Settle()
		}
		var err error
		if report, err = r.world.Audit(r.ctx, r.ledger); err != nil {
			return nil, err
		}
		wanted, err := r.world.Wishes(r.ctx, r.ledger)
		if err != nil {
			return nil, err
		}
		if len(report.Faults) == 0 && len(wanted) == 0 {
			break
		}
		if same++; len(report.Faults) != last {
			last, same = len(report.Faults), 0
		}
		if same == 5 {
			break
		}
	}
	lines, err := r.ledger.Lines(r.ctx)
	if err != nil {
		return nil, err
	}
	r.journal = append(r.journal, lines...)
	return &Result{report, r.kills, r.journal}, nil
}
