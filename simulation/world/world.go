package world

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/simulation/crm"
)

// World is the emulators, and who uses them.
type World struct {
	Banks     []*Bank
	Registers []*Register
	Weather   Weather
	Seed      uint64

	mu        sync.Mutex
	paid      map[string]money.Amount // by attempt, as the customers remember it
	requested map[string]asked        // refunds, by key
	wishes    map[string]asked        // what the manager wanted of a hold last, by attempt
	plans     map[string]plan         // by order
	troubles  []string                // what a customer could not do
}

// New makes the emulators.
func New(o Options, w Weather) *World {
	return &World{Banks: newBanks(o), Registers: newRegisters(o), Weather: w, Seed: o.Seed,
		paid: map[string]money.Amount{}, requested: map[string]asked{}, wishes: map[string]asked{}, plans: map[string]plan{}}
}

// Close stops them.
func (w *World) Close() {
	for _, s := range w.servers() {
		s.Close()
	}
}

func (w *World) servers() (all []server) {
	for _, b := range w.Banks {
		all = append(all, b)
	}
	for _, r := range w.Registers {
		all = append(all, r)
	}
	return all
}

// Accounts are what the program needs to know of them.
func (w *World) Accounts() (providers, registers map[string]crm.Account) {
	providers, registers = map[string]crm.Account{}, map[string]crm.Account{}
	for _, b := range w.Banks {
		providers[b.Name] = b.Account
	}
	for _, r := range w.Registers {
		registers[r.Name] = r.Account
	}
	return providers, registers
}

// Client goes straight to an emulator that does not listen.
func (w *World) Client(name string) *http.Client {
	for _, b := range w.Banks {
		if b.Name == name {
			return b.Client()
		}
	}
	for _, r := range w.Registers {
		if r.Name == name {
			return r.Client()
		}
	}
	return nil
}

// Shop is the program as a browser sees it.
type Shop interface {
	// Post makes a request; an error, or a status that is no success, is tried
	// again by who makes it.
	Post(ctx context.Context, path string) (status int, body string, err error)
	// Pause is between two tries.
	Pause(ctx context.Context)
}

// ErrStopped is the error of who gave up because the run is over.
var ErrStopped = errors.New("the run is over")

func insist(ctx context.Context, shop Shop, path string) (string, error) {
	last := ""
	for range 400 {
		status, body, err := shop.Post(ctx, path)
		if err == nil && status/100 == 2 {
			return body, nil
		}
		if last = fmt.Sprint(status, " ", strings.TrimSpace(body)); err != nil {
			last = err.Error()
		}
		if ctx.Err() != nil {
			return "", ErrStopped
		}
		shop.Pause(ctx)
	}
	return "", fmt.Errorf("POST %s: %s", path, last)
}

// Order is the customer of the order n: he orders, gets a link, and most pay.
func (w *World) Order(ctx context.Context, n int, shop Shop) {
	p := w.Weather.plan(w.Seed, n, len(w.Banks))
	w.mu.Lock()
	w.plans[p.order] = p
	w.mu.Unlock()
	bank := w.Banks[p.bank]
	w.disturb(bank, n, p, stepIssue)
	query := url.Values{"provider": {bank.Name}, "kopecks": {strconv.FormatInt(int64(p.sum), 10)}}
	if p.hold {
		query.Set("hold", "1")
	}
	path := "/orders/" + p.order + "?" + query.Encode()
	body, err := insist(ctx, shop, path)
	if err == nil && p.again {
		body, err = insist(ctx, shop, path)
	}
	if err != nil {
		w.trouble(p.order, err)
		return
	}
	id, link, _ := strings.Cut(strings.TrimSpace(body), "\n")
	if w.Weather.Forge > 0 {
		_ = bank.Forge(id) // "it was paid", before it was: some emulators know nothing to forge yet
	}
	if !p.pays {
		return
	}
	w.disturb(bank, n, p, stepPaid)
	for try := 1; ; try++ {
		if err = bank.pay(id, link, p.calls); err == nil {
			break
		}
		if try == 50 || ctx.Err() != nil {
			w.trouble(p.order, fmt.Errorf("paying %s at %s: %w", id, bank.Name, err))
			return
		}
		// The shop did not answer PayMaster's question, and the number is used
		// up: the customer asks for another link.
		shop.Pause(ctx)
		if body, err = insist(ctx, shop, path+"&again="+url.QueryEscape(id)); err != nil {
			w.trouble(p.order, err)
			return
		}
		id, link, _ = strings.Cut(strings.TrimSpace(body), "\n")
	}
	w.mu.Lock()
	w.paid[p.order] += p.sum
	w.mu.Unlock()
	if p.resend {
		_ = bank.Resend(id)
	}
}

// disturb plans what goes wrong at this step.
func (w *World) disturb(bank *Bank, n int, p plan, step int) {
	if f := p.trouble[step]; f != nil {
		bank.Fail(*f)
	}
	if f := p.printer[step]; f != nil {
		w.Registers[(n+step)%len(w.Registers)].Fail(*f)
	}
}

func (w *World) trouble(order string, err error) {
	if errors.Is(err, ErrStopped) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.troubles = append(w.troubles, order+": "+err.Error())
}

// Calm ends the bad weather, carries out refunds that wait, and sends the
// callbacks that are due.
func (w *World) Calm() {
	for _, s := range w.servers() {
		s.ClearFaults()
		s.Mischief(emulator.Mischief{})
	}
	for _, b := range w.Banks {
		b.Settle()
	}
}

// Deliver sends the callbacks that are due, and waits for the answers.
func (w *World) Deliver() {
	for _, s := range w.servers() {
		s.Deliver()
	}
}

// Repeat lets the providers send so many old callbacks again.
func (w *World) Repeat(lot *rand.Rand, times int) {
	for range times {
		b := w.Banks[lot.IntN(len(w.Banks))]
		if orders := b.Orders(); len(orders) > 0 {
			_ = b.Resend(orders[lot.IntN(len(orders))].ID) // of one that was not paid there is none
		}
	}
	w.Deliver()
}
