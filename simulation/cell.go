package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/simulation/crm"
	"github.com/acquiring-go/acquiring/simulation/world"
)

// cell is one run: a fault, a database, and so on.
type cell struct {
	fault     string
	database  string
	orders    int
	replicas  int
	customers int // at once
	seed      uint64
	kill      time.Duration // one replica dies about so often; 0: none does
	patience  time.Duration // how long what is left may take when the last customer has gone
	verbose   bool
	progress  io.Writer // nil: nobody looks
}

// outcome is what it came to.
type outcome struct {
	*world.Report
	kills int
	busy  time.Duration // while customers came
	took  time.Duration
}

// place makes the tables, and removes them in the end.
func (c cell) place(ctx context.Context) (crm.Place, func(), error) {
	prefix := fmt.Sprintf("sim%06x_", rand.Uint32N(1<<24))
	var p crm.Place
	clean := func() {}
	switch c.database {
	case "sqlite":
		dir, err := os.MkdirTemp("", "simulation")
		if err != nil {
			return p, nil, err
		}
		clean = func() { _ = os.RemoveAll(dir) }
		p = crm.SQLiteFile(filepath.Join(dir, "crm.db"), prefix)
	case "postgres":
		dsn := os.Getenv("ACQUIRING_POSTGRES_DSN")
		if dsn == "" {
			return p, nil, errors.New("ACQUIRING_POSTGRES_DSN is not set")
		}
		p = crm.Postgres(dsn, prefix)
	case "mysql":
		dsn := os.Getenv("ACQUIRING_MYSQL_DSN")
		if dsn == "" {
			return p, nil, errors.New("ACQUIRING_MYSQL_DSN is not set")
		}
		p = crm.MySQL(dsn, prefix)
	default:
		return p, nil, fmt.Errorf("no database is called %q; there are sqlite, postgres, mysql", c.database)
	}
	db, err := p.Open(1)
	if err != nil {
		clean()
		return p, nil, err
	}
	if err := p.Migrate(ctx, db); err != nil {
		clean()
		_ = db.Close()
		return p, nil, err
	}
	return p, func() {
		_ = p.Drop(context.WithoutCancel(ctx), db)
		_ = db.Close()
		clean()
	}, nil
}

// clockSpeed is how fast the emulators' time goes: a bank's minute between two
// attempts is a second.
const clockSpeed = 60

// run makes the run.
func (c cell) run(ctx context.Context) (*outcome, error) {
	weather, err := world.WeatherNamed(c.fault)
	if err != nil {
		return nil, err
	}
	p, clean, err := c.place(ctx)
	if err != nil {
		return nil, err
	}
	defer clean()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	defer l.Close()
	// The clocks begin in the past, so that they do not get far into the future.
	clock := emulator.NewRunningClock(time.Now().Add(-6*time.Hour), clockSpeed)
	defer clock.Stop()
	w := world.New(world.Options{Seed: c.seed, Clock: clock, Hooks: "http://" + l.Addr().String()}, weather)
	defer w.Close()
	providers, registers := w.Accounts()
	start := time.Now()
	pace := crm.Fast()
	pace.Haste, pace.Start = 8, start
	if c.orders > 2000 {
		// After a lost answer PayKeeper's client looks through the receipts of
		// the day, and a day of the emulators is 24 minutes.
		pace.PrintLimit = 12 * time.Second
	}
	g, err := newGang(job{Place: p, Providers: providers, Registers: registers, Pace: pace, Verbose: c.verbose}, l.(*net.TCPListener), c.replicas)
	if err != nil {
		return nil, err
	}
	defer g.end()
	db, err := p.Open(2)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	t := &trial{cell: c, world: w, ledger: world.NewLedger(db, p), gang: g, shop: newBrowser("http://" + l.Addr().String())}
	out := &outcome{}
	if err := t.play(ctx); err != nil {
		return nil, err
	}
	out.busy = time.Since(start)
	if out.Report, err = t.settle(ctx); err != nil {
		return nil, err
	}
	out.kills, out.took = int(g.kills.Load()), time.Since(start)
	return out, nil
}

// trial is a run under way.
type trial struct {
	cell
	world  *world.World
	ledger *world.Ledger
	gang   *gang
	shop   *browser
	served atomic.Int64
}

// play lets the customers come while replicas are killed.
func (t *trial) play(ctx context.Context) error {
	stop := make(chan struct{})
	var around sync.WaitGroup
	errs := make(chan error, 2)
	if t.kill > 0 {
		around.Go(func() { errs <- t.gang.rage(t.kill, rand.New(rand.NewPCG(t.seed, 9)), stop) })
	}
	around.Go(func() { errs <- t.manage(ctx, stop) })
	next := make(chan int)
	var customers sync.WaitGroup
	for range t.customers {
		customers.Go(func() {
			for n := range next {
				t.world.Order(ctx, n, t.shop)
				t.served.Add(1)
			}
		})
	}
	for n := range t.orders {
		select {
		case next <- n:
		case <-ctx.Done():
		}
	}
	close(next)
	customers.Wait()
	close(stop)
	around.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// manage is the manager: he gives money back of what the shop shows as paid,
// and takes or lets go what it shows as held.
func (t *trial) manage(ctx context.Context, stop <-chan struct{}) error {
	for told := time.Now(); ; {
		select {
		case <-stop:
			return nil
		case <-time.After(300 * time.Millisecond):
		}
		if _, err := t.ask(ctx); err != nil {
			return err
		}
		if time.Since(told) > 5*time.Second && t.progress != nil {
			told = time.Now()
			fmt.Fprintf(t.progress, "%s on %s: %d of %d orders, %d kills\n", t.fault, t.database, t.served.Load(), t.orders, t.gang.kills.Load())
		}
	}
}

// ask asks for all that the manager wishes now; it says how much that was.
func (t *trial) ask(ctx context.Context) (int, error) {
	wanted, err := t.world.Wishes(ctx, t.ledger)
	if err != nil {
		return 0, err
	}
	places := make(chan struct{}, 8)
	var asking sync.WaitGroup
	for _, r := range wanted {
		places <- struct{}{}
		asking.Go(func() {
			defer func() { <-places }()
			t.world.Ask(ctx, r, t.shop)
		})
	}
	asking.Wait()
	return len(wanted), nil
}

// settle lets good weather come, kills all replicas once more, and waits until
// the ledger and the books agree, or nothing changes any more. Then the
// providers repeat some of their news, and it is compared again.
func (t *trial) settle(ctx context.Context) (*world.Report, error) {
	if t.kill > 0 {
		for i := range t.replicas {
			if err := t.gang.kill(i); err != nil {
				return nil, err
			}
		}
	}
	report, err := t.agree(ctx)
	if err != nil || len(report.Faults) > 0 {
		return report, err
	}
	t.world.Repeat(rand.New(rand.NewPCG(t.seed, 10)), t.orders/10)
	return t.agree(ctx)
}

func (t *trial) agree(ctx context.Context) (*world.Report, error) {
	last, changed := -1, time.Now()
	for n := 0; ; n++ {
		t.world.Calm()
		t.world.Deliver()
		asked, err := t.ask(ctx)
		if err != nil {
			return nil, err
		}
		report, err := t.world.Audit(ctx, t.ledger)
		if err != nil {
			return nil, err
		}
		if len(report.Faults) == 0 && asked == 0 {
			return report, nil
		}
		if n := len(report.Faults); n != last {
			last, changed = n, time.Now()
		}
		if t.progress != nil && n%10 == 9 {
			fmt.Fprintf(t.progress, "%s on %s: %d differences left, one is %s\n", t.fault, t.database, len(report.Faults), first(report.Faults))
		}
		if time.Since(changed) > t.patience || ctx.Err() != nil {
			return report, nil
		}
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

func first(s []string) string {
	if len(s) == 0 {
		return "none"
	}
	return s[0]
}

// browser makes the customers' and the manager's requests.
type browser struct {
	base string
	http *http.Client
}

func newBrowser(base string) *browser {
	return &browser{base, &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 10 * time.Second}}}
}

// Post makes a request.
func (b *browser) Post(ctx context.Context, path string) (int, string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.base+path, http.NoBody)
	if err != nil {
		return 0, "", err
	}
	resp, err := b.http.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	return resp.StatusCode, strings.TrimSpace(string(body)), err
}

// Pause is between two tries of a customer.
func (b *browser) Pause(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(100 * time.Millisecond):
	}
}
