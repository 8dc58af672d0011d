package bridge

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/internal/outbox"
	"github.com/acquiring-go/acquiring/examples/internal/shops"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/tochka/sqlledger"
	"github.com/acquiring-go/acquiring/webhook"
)

// Program is a bridge as a command.
type Program struct {
	Name string // of the command
	// Open reads the file and makes the CRM's client.
	Open func(file string, get func(string) string, log *slog.Logger) (Config, CRM, error)
	// Demo tells the whole story on emulators.
	Demo func(ctx context.Context, out io.Writer) error

	Getenv func(string) string // nil: os.Getenv
	Out    io.Writer           // nil: os.Stdout
	Log    io.Writer           // nil: os.Stderr

	Outbox outbox.Options   // paces; its Logger and Now are set by the bridge
	Poller webhook.Poller   // paces
	Now    func() time.Time // nil: time.Now
}

func (p Program) complete() Program {
	if p.Getenv == nil {
		p.Getenv = os.Getenv
	}
	if p.Out == nil {
		p.Out = os.Stdout
	}
	if p.Log == nil {
		p.Log = os.Stderr
	}
	return p
}

const usage = `%[1]s [-config %[1]s.json] command

  serve                                     run the bridge (the default)
  check                                     try the banks and the CRM; show what the settings need
  invoice -ref 2091 -amount 3500.00         issue an invoice and print its link
          [-number N] [-shop S] [-description T] [-email E] [-phone P] [-payer NAME]
  status NUMBER                             ask the bank where an order stands
  refund NUMBER [-amount 100.00] [-key K]   give money back
  news [-state attention]                   what the CRM was told: attention, waiting or done
  retry KEY                                 tell it again
  assign KEY REF                            it belongs to this number of the CRM; tell it
  resolve KEY TEXT                          a person did it by hand

%[1]s -demo                                 the whole story on emulators, with no settings
`

// Main runs the command line and returns when it is done.
func Main(ctx context.Context, p Program, args []string) error {
	p = p.complete()
	flags := flag.NewFlagSet(p.Name, flag.ContinueOnError)
	flags.SetOutput(p.Log)
	flags.Usage = func() { fmt.Fprintf(p.Log, usage, p.Name) }
	file := flags.String("config", p.Name+".json", "")
	demo := flags.Bool("demo", false, "")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if *demo {
		return p.Demo(ctx, p.Out)
	}
	command, rest := "serve", flags.Args()
	if len(rest) > 0 {
		command, rest = rest[0], rest[1:]
	}
	run, ok := commands[command]
	if !ok {
		flags.Usage()
		return fmt.Errorf("there is no command %q", command)
	}
	b, err := p.Bridge(ctx, *file)
	if err != nil {
		return err
	}
	defer b.Close()
	return run(ctx, b, &arguments{flag.NewFlagSet(command, flag.ContinueOnError), rest, p.Out})
}

// Bridge makes the bridge of a file. Close it.
func (p Program) Bridge(ctx context.Context, file string) (*Bridge, error) {
	p = p.complete()
	log := slog.New(slog.NewTextHandler(p.Log, nil))
	conf, crm, err := p.Open(file, p.Getenv, log)
	if err != nil {
		return nil, err
	}
	dsn, err := shops.Resolve(conf.Database, p.Getenv)
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	db, dialect, err := OpenDatabase(dsn)
	if err != nil {
		return nil, err
	}
	opt := Options{Config: conf, CRM: crm, DB: db, Dialect: dialect, Getenv: p.Getenv, Logger: log,
		Now: p.Now, Outbox: p.Outbox, Poller: p.Poller}
	if opt.Accounts, err = openAccounts(ctx, opt); err != nil {
		_ = db.Close()
		return nil, err
	}
	b, err := New(ctx, opt)
	if err != nil {
		_ = db.Close()
		return nil, err
	}
	return b, nil
}

// openAccounts opens the shops of the file. What Tochka was asked to give back
// is remembered in the bridge's own database.
func openAccounts(ctx context.Context, opt Options) ([]shops.Account, error) {
	ledger, err := sqlledger.New(opt.DB, opt.Dialect, sqlledger.Table("bridge_tochka_ledger"))
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(opt.Config.Shops, func(s shops.Shop) bool { return s.Provider == "tochka" }) {
		if err := ledger.Migrate(ctx); err != nil {
			return nil, err
		}
	}
	return shops.Open(opt.Config.Shops, shops.Options{Getenv: opt.Getenv, Logger: opt.Logger, Ledger: ledger})
}

// Close closes the database. Run, Serve and what Handler does must have ended.
func (b *Bridge) Close() error { return b.db.Close() }

// arguments are what follows a command.
type arguments struct {
	*flag.FlagSet
	rest []string
	out  io.Writer
}

// words takes so many words and the flags after them.
func (a *arguments) words(n int, what string) ([]string, error) {
	a.SetOutput(a.out)
	if len(a.rest) < n {
		return nil, fmt.Errorf("%s needs %s", a.Name(), what)
	}
	for _, w := range a.rest[:n] {
		if strings.HasPrefix(w, "-") {
			return nil, fmt.Errorf("%s needs %s before the flags", a.Name(), what)
		}
	}
	if err := a.Parse(a.rest[n:]); err != nil {
		return nil, err
	}
	if a.NArg() > 0 {
		return nil, fmt.Errorf("%s does not know what to do with %q", a.Name(), a.Arg(0))
	}
	return a.rest[:n], nil
}

// sum reads the roubles of a flag. One that was given empty is an error: what
// was to be in it would not be 0, which is all.
func (a *arguments) sum(name, text string) (money.Amount, error) {
	given := false
	a.Visit(func(f *flag.Flag) { given = given || f.Name == name })
	if given && text == "" {
		return 0, errSum(name)
	}
	return sum(name, text)
}

func (a *arguments) say(format string, args ...any) { fmt.Fprintf(a.out, format+"\n", args...) }

var commands = map[string]func(context.Context, *Bridge, *arguments) error{
	"serve": func(ctx context.Context, b *Bridge, a *arguments) error {
		if _, err := a.words(0, ""); err != nil {
			return err
		}
		l, err := net.Listen("tcp", b.conf.Listen)
		if err != nil {
			return err
		}
		for _, account := range b.accounts {
			b.log.Info("bridge: callbacks", "shop", account.Code, "provider", account.Provider, "environment", account.Environment.String(), "address", b.hook(account.Code))
		}
		return b.Serve(ctx, l)
	},
	"check": func(ctx context.Context, b *Bridge, a *arguments) error {
		if _, err := a.words(0, ""); err != nil {
			return err
		}
		return b.check(ctx, a.say)
	},
	"invoice": func(ctx context.Context, b *Bridge, a *arguments) error {
		var o Order
		var amount string
		for name, to := range map[string]*string{"ref": &o.Ref, "amount": &amount, "number": &o.Number, "shop": &o.Shop, "description": &o.Description,
			"email": &o.Email, "phone": &o.Phone, "payer": &o.Payer} {
			a.StringVar(to, name, "", "")
		}
		if _, err := a.words(0, ""); err != nil {
			return err
		}
		var err error
		if o.Amount, err = a.sum("amount", amount); err != nil {
			return err
		}
		link, err := b.Invoice(ctx, o)
		if err != nil {
			return err
		}
		a.say("%s\t%s\t%s", link.Number, link.Amount, link.PayURL)
		return nil
	},
	"status": func(ctx context.Context, b *Bridge, a *arguments) error {
		shop := a.String("shop", "", "")
		w, err := a.words(1, "the number of an order")
		if err != nil {
			return err
		}
		r, err := b.find(ctx, *shop, w[0])
		if err != nil {
			return err
		}
		if r.ID != "" {
			if _, err := b.Learn(ctx, r.Shop, r.ID); err != nil {
				return err
			}
			if r, err = b.find(ctx, r.Shop, r.Number); err != nil {
				return err
			}
		}
		a.say("%s\t%s\tordered %s, taken %s, given back %s\tpayment %s", r.Number, r.Status, r.Amount, r.Taken, r.Refunded, r.ID)
		return nil
	},
	"refund": func(ctx context.Context, b *Bridge, a *arguments) error {
		amount, key, shop := a.String("amount", "", ""), a.String("key", "", ""), a.String("shop", "", "")
		w, err := a.words(1, "the number of an order")
		if err != nil {
			return err
		}
		back, err := a.sum("amount", *amount)
		if err != nil {
			return err
		}
		refund, err := b.Refund(ctx, *shop, w[0], back, *key)
		if err != nil {
			return err
		}
		a.say("refund %s of %s is %s", refund.ID, refund.Amount, refund.Status)
		return nil
	},
	"news": func(ctx context.Context, b *Bridge, a *arguments) error {
		state := a.String("state", string(outbox.Attention), "")
		if _, err := a.words(0, ""); err != nil {
			return err
		}
		all, err := b.news(ctx, *state)
		if err != nil {
			return err
		}
		for _, it := range all {
			n := wire(it)
			a.say("%s\t%s %s, order %s, ref %q\t%s%s", n.Key, n.Kind, n.Amount, n.Order, n.Ref, n.Result, n.Error)
		}
		a.say("%d in state %s", len(all), *state)
		if *state != string(outbox.Attention) {
			return nil
		}
		late, err := b.late(ctx)
		if late > 0 {
			a.say("%d could not be told yet and are tried again: see news -state waiting", late)
		}
		return err
	},
	"retry": func(ctx context.Context, b *Bridge, a *arguments) error {
		w, err := a.words(1, "a key (see news)")
		if err != nil {
			return err
		}
		return b.box.Retry(ctx, b.crm.Name(), w[0], nil)
	},
	"assign": func(ctx context.Context, b *Bridge, a *arguments) error {
		w, err := a.words(2, "a key (see news) and a number of the CRM")
		if err != nil {
			return err
		}
		return b.Assign(ctx, w[0], w[1])
	},
	"resolve": func(ctx context.Context, b *Bridge, a *arguments) error {
		w, err := a.words(2, "a key (see news) and what was done")
		if err != nil {
			return err
		}
		return b.box.Resolve(ctx, b.crm.Name(), w[0], w[1])
	},
}

// Serve takes callbacks and requests on the listener and runs the bridge until
// the context ends; what is under way then comes to its end.
func (b *Bridge) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{Handler: b.Handler(), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, IdleTimeout: time.Minute}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		err := server.Serve(l)
		cancel()
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		served <- err
	}()
	err := b.Run(ctx)
	end, stop := context.WithTimeout(context.Background(), 20*time.Second)
	defer stop()
	return errors.Join(err, server.Shutdown(end), <-served)
}

// check tries every account and the CRM.
func (b *Bridge) check(ctx context.Context, say func(string, ...any)) error {
	var faults []error
	for _, a := range b.accounts {
		c, ok := a.Acquirer.(acquiring.Checker)
		if !ok {
			say("shop %s (%s): cannot be checked", a.Code, a.Provider)
			continue
		}
		if err := c.Check(ctx); err != nil {
			say("shop %s (%s): %v", a.Code, a.Provider, err)
			faults = append(faults, fmt.Errorf("shop %s: %w", a.Code, err))
			continue
		}
		say("shop %s (%s): good; its callbacks come to %s", a.Code, a.Provider, b.hook(a.Code))
		if a.Environment == acquiring.Test {
			say("  it is the bank's test contour: whoever pays there pays nothing, and the CRM is told all the same")
		}
	}
	if err := b.crm.Check(ctx, say); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}
