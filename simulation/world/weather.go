package world

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// Weather is what goes wrong, and how often: each chance is out of a thousand.
type Weather struct {
	Name string

	// Of an order's callbacks.
	Lose, Delay, Double, Reorder, Forge int

	// Of each step of an order: the provider's next request goes wrong in one
	// of these ways.
	Provider      int
	ProviderKinds []emulator.FaultKind
	Register      int
	RegisterKinds []emulator.FaultKind
	// Slow is how long an answer is kept back after the work was done: longer
	// than the program waits.
	Slow time.Duration
}

var (
	allKinds      = []emulator.FaultKind{emulator.Drop, emulator.LostAnswer, emulator.ServerError, emulator.Cut, emulator.HTML, emulator.RateLimit, emulator.Empty}
	registerKinds = []emulator.FaultKind{emulator.ServerError, emulator.LostAnswer, emulator.Cut, emulator.RateLimit, emulator.Drop}
)

// Weathers are all of them. The program is killed in each.
func Weathers() []Weather {
	return []Weather{
		{Name: "clear"},
		{Name: "lost", Lose: 500},
		{Name: "delayed", Delay: 600},
		{Name: "doubled", Double: 600},
		{Name: "reordered", Reorder: 700, Double: 300},
		{Name: "forged", Forge: 700},
		{Name: "5xx", Provider: 350, ProviderKinds: []emulator.FaultKind{emulator.ServerError, emulator.HTML, emulator.RateLimit}},
		{Name: "cut", Provider: 350, ProviderKinds: []emulator.FaultKind{emulator.Cut, emulator.Drop, emulator.Empty}},
		{Name: "timeout", Provider: 200, ProviderKinds: []emulator.FaultKind{emulator.LostAnswer}, Slow: 1500 * time.Millisecond},
		{Name: "register", Register: 500, RegisterKinds: registerKinds},
		{Name: "storm", Lose: 150, Delay: 200, Double: 250, Reorder: 200, Forge: 250, Provider: 150, ProviderKinds: allKinds, Register: 200, RegisterKinds: registerKinds},
	}
}

// WeatherNamed finds one.
func WeatherNamed(name string) (Weather, error) {
	var names []string
	for _, w := range Weathers() {
		if w.Name == name {
			return w, nil
		}
		names = append(names, w.Name)
	}
	return Weather{}, fmt.Errorf("no fault is called %q; there are %v", name, names)
}

// plan is all that will happen to an order, from the seed and its number
// alone.
type plan struct {
	order   string
	bank    int
	sum     money.Amount
	pays    bool
	again   bool // the customer asks for the link twice
	refunds []money.Amount
	calls   emulator.Mischief // of the callbacks of the payment
	trouble []*emulator.Fault // of the provider, at each step
	printer []*emulator.Fault // of the registers, at each step
	resend  bool              // the provider sends the callback again later
	hold    bool              // the money is to be held first
	takes   money.Amount      // of the hold; 0: it is let go
}

// Steps of an order.
const (
	stepIssue = iota
	stepPaid
	stepRefund
	stepHold
	steps
)

func (w Weather) plan(seed uint64, n, banks int) plan {
	r := rand.New(rand.NewPCG(seed, uint64(n)+1))
	happens := func(chance int) bool { return r.IntN(1000) < chance }
	p := plan{order: fmt.Sprintf("S%d-%d", seed, n), bank: n % banks, pays: !happens(60), again: happens(80), resend: happens(w.Double)}
	p.sum = money.Amount(1000 + r.Int64N(500_000))
	if p.pays && happens(300) {
		part := max(100, p.sum/3+money.Amount(r.Int64N(int64(p.sum/3))))
		p.refunds = append(p.refunds, part)
		if happens(500) {
			p.refunds = append(p.refunds, p.sum-part) // the rest
		}
	}
	var m emulator.Mischief
	if happens(w.Lose) {
		m.Lose = -1
	}
	if happens(w.Delay) {
		m.Delay = time.Duration(1+r.IntN(120)) * time.Second
	}
	if happens(w.Double) {
		m.Duplicates = 1 + r.IntN(4)
	}
	if happens(w.Reorder) {
		m.Reorder = time.Duration(1+r.IntN(60)) * time.Second
	}
	if happens(w.Forge) {
		m.Forge = -1
	}
	p.calls = m
	fault := func(chance int, kinds []emulator.FaultKind) *emulator.Fault {
		hit := happens(chance)
		if !hit || len(kinds) == 0 {
			return nil
		}
		f := &emulator.Fault{Kind: kinds[r.IntN(len(kinds))], Times: 1 + r.IntN(2)}
		if f.Kind == emulator.LostAnswer {
			f.Delay = w.Slow
		}
		return f
	}
	for range steps {
		p.trouble = append(p.trouble, fault(w.Provider, w.ProviderKinds))
		p.printer = append(p.printer, fault(w.Register, w.RegisterKinds))
	}
	p.deal(rand.New(rand.NewPCG(seed, ^uint64(n))))
	return p
}

// deal decides about the hold: every sixth order is one where the bank holds
// what an invoice says, and of three holds one is taken, of one a part, and one
// is let go. Its lot is one of its own, the same in each weather.
func (p *plan) deal(r *rand.Rand) {
	if p.hold = r.IntN(6) == 0; !p.hold {
		return
	}
	p.takes = p.sum
	switch r.IntN(3) {
	case 1:
		p.takes = p.sum/3 + money.Amount(r.Int64N(int64(p.sum/3)))
		if len(p.refunds) > 0 {
			p.refunds[0] = p.takes / 2
		}
		if len(p.refunds) > 1 {
			p.refunds[1] = p.takes - p.takes/2
		}
	case 2:
		p.takes, p.refunds = 0, nil
	}
}
