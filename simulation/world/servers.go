package world

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
	"github.com/acquiring-go/acquiring/fiscal/orangedata/orangedatatest"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/simulation/crm"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"
)

// server is what all emulators have.
type server interface {
	Fail(emulator.Fault)
	ClearFaults()
	Mischief(emulator.Mischief)
	Resend(id string) error
	Forge(id string) error
	Deliver() int
	Deliveries() []emulator.Delivery
	Advance(time.Duration)
	Client() *http.Client
	Close()
}

// books is what an emulator of payments has besides.
type books interface {
	server
	Pay(id string) error
	Orders() []emulator.Order
}

// Bank is an emulated provider of payments.
type Bank struct {
	Name    string
	Account crm.Account
	books
	settle func()
	whole  bool // a hold is taken whole, or not at all
	paying bool // its news is known by a number that it has from the payment on only

	mu sync.Mutex // where the weather cannot be one payment's alone
}

// Settle carries out the refunds that wait.
func (b *Bank) Settle() { b.settle() }

// pay is the customer paying, in the weather that all news of this payment gets:
// that it was held, taken or given back as well.
func (b *Bank) pay(id, link string, m emulator.Mischief) error {
	if !b.paying {
		m.Order = id
		b.Mischief(m)
		return b.Pay(id)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.Mischief(m)
	defer b.Mischief(emulator.Mischief{})
	if b.Name == crm.PayMasterClassic {
		id = link // the payment is made when the customer opens it
	}
	return b.Pay(id)
}

// Register is an emulated cash register.
type Register struct {
	Name    string
	Account crm.Account
	server
	printed func() []print
	now     func(id string) error
}

// PrintNow prints a receipt by its number in the shop, whatever the clock says.
func (r *Register) PrintNow(id string) {
	_ = r.now(id) // one that is printed already is as good
}

// print is a receipt in a register's books.
type print struct {
	id   string
	kind fiscal.Settlement
	sum  money.Amount
	done bool
}

// Options are how the emulators stand.
type Options struct {
	Seed uint64
	// Clock gives each its time; nil: real time.
	Clock *emulator.Clock
	// Hooks is the address of the program: /hooks/{provider} and
	// /receipts/{register} are under it.
	Hooks string
	// Handler takes the callbacks without the network, and then nothing
	// listens: requests go through Client.
	Handler http.Handler
}

func (o Options) hook(name string) string    { return o.Hooks + "/hooks/" + name }
func (o Options) receipt(name string) string { return o.Hooks + "/receipts/" + name }

// seed is another for each emulator.
func (o Options) seed(name string) uint64 {
	seed := o.Seed + 1
	for _, c := range []byte(name) {
		seed = seed*1_000_003 + uint64(c)
	}
	return seed
}

func newBanks(o Options) []*Bank {
	return []*Bank{sberbankNew(o), sberbankLegacy(o), alfabank(o), paymaster(o), paymasterClassic(o), tochka(o), paykeeper(o)}
}

func nothing() {}

func sberbankNew(o Options) *Bank {
	const name = crm.Sberbank
	opts := []sberbanktest.Option{sberbanktest.WithSeed(o.seed(name)), sberbanktest.WithCallbackURL(o.hook(name)), sberbanktest.WithoutRequestLog()}
	if o.Clock != nil {
		opts = append(opts, sberbanktest.WithClock(o.Clock))
	}
	if o.Handler != nil {
		opts = append(opts, sberbanktest.WithCallbackHandler(o.Handler), sberbanktest.WithoutListening())
	}
	s := sberbanktest.NewServer(opts...)
	c := s.Config()
	return &Bank{Name: name, books: s, settle: nothing, Account: crm.Account{BaseURL: c.BaseURL, User: c.UserName, Password: c.Password, Secret: c.CallbackKey}}
}

func sberbankLegacy(o Options) *Bank {
	const name = crm.SberbankLegacy
	opts := []sberbanktest.Option{sberbanktest.WithSeed(o.seed(name)), sberbanktest.WithCallbackURL(o.hook(name)), sberbanktest.WithoutRequestLog()}
	if o.Clock != nil {
		opts = append(opts, sberbanktest.WithClock(o.Clock))
	}
	if o.Handler != nil {
		opts = append(opts, sberbanktest.WithCallbackHandler(o.Handler), sberbanktest.WithoutListening())
	}
	s := sberbanktest.NewServer(opts...)
	c := s.ConfigLegacy()
	return &Bank{Name: name, books: s, settle: nothing, Account: crm.Account{BaseURL: c.BaseURL, User: c.UserName, Password: c.Password, Secret: c.CallbackKey}}
}

func alfabank(o Options) *Bank {
	const name = crm.Alfabank
	opts := []alfabanktest.Option{alfabanktest.WithSeed(o.seed(name)), alfabanktest.WithCallbackURL(o.hook(name)), alfabanktest.WithoutRequestLog()}
	if o.Clock != nil {
		opts = append(opts, alfabanktest.WithClock(o.Clock))
	}
	if o.Handler != nil {
		opts = append(opts, alfabanktest.WithCallbackHandler(o.Handler), alfabanktest.WithoutListening())
	}
	s := alfabanktest.NewServer(opts...)
	c := s.Config()
	return &Bank{Name: name, books: s, settle: nothing, Account: crm.Account{BaseURL: c.BaseURL, User: c.UserName, Password: c.Password, Secret: c.CallbackKey}}
}

func paymasterOptions(o Options, name string) []paymastertest.Option {
	opts := []paymastertest.Option{paymastertest.WithSeed(o.seed(name)), paymastertest.WithCallbackURL(o.hook(name)), paymastertest.WithRetries(5, time.Minute),
		paymastertest.WithUnknowns(paymastertest.Unknowns{PageSize: 200, ListLimit: 1000})}
	if o.Clock != nil {
		opts = append(opts, paymastertest.WithClock(o.Clock))
	}
	if o.Handler != nil {
		opts = append(opts, paymastertest.WithCallbackHandler(o.Handler), paymastertest.WithoutListening())
	}
	return opts
}

func paymaster(o Options) *Bank {
	const name = crm.PayMaster
	s := paymastertest.NewServer(paymasterOptions(o, name)...)
	c := s.Config()
	return &Bank{Name: name, books: s, settle: func() { s.ExecuteRefunds() }, Account: crm.Account{BaseURL: c.BaseURL, Merchant: c.MerchantID, Password: c.Token}}
}

func paymasterClassic(o Options) *Bank {
	const name = crm.PayMasterClassic
	s := paymastertest.NewServer(append(paymasterOptions(o, name), paymastertest.WithConfirmationURL(o.hook(name)))...)
	c := s.ClassicConfig()
	return &Bank{Name: name, books: s, settle: func() { s.ExecuteRefunds() }, paying: true,
		Account: crm.Account{BaseURL: c.BaseURL, Merchant: c.MerchantID, User: c.Login, Password: c.Password, Secret: c.SecretKey}}
}

func tochka(o Options) *Bank {
	const name = crm.Tochka
	opts := []tochkatest.Option{tochkatest.WithSeed(o.seed(name)), tochkatest.WithCallbackURL(o.hook(name)), tochkatest.WithCardRefunds(0)}
	if o.Clock != nil {
		opts = append(opts, tochkatest.WithClock(o.Clock))
	}
	if o.Handler != nil {
		opts = append(opts, tochkatest.WithCallbackHandler(o.Handler), tochkatest.WithoutListening())
	}
	s := tochkatest.NewServer(opts...)
	c := s.Config()
	return &Bank{Name: name, books: s, settle: func() { _ = s.Settle("") }, whole: true,
		Account: crm.Account{BaseURL: c.BaseURL, User: c.ClientID, Password: c.Token, Secret: c.WebhookKey, Customer: c.CustomerCode, Merchant: c.MerchantID}}
}

func paykeeperServer(o Options, name, hook string) *paykeepertest.Server {
	opts := []paykeepertest.Option{paykeepertest.WithSeed(o.seed(name))}
	if hook != "" {
		opts = append(opts, paykeepertest.WithCallbackURL(hook))
	}
	if o.Clock != nil {
		opts = append(opts, paykeepertest.WithClock(o.Clock))
	}
	if o.Handler != nil {
		opts = append(opts, paykeepertest.WithCallbackHandler(o.Handler), paykeepertest.WithoutListening())
	}
	return paykeepertest.NewServer(opts...)
}

func paykeeperAccount(s *paykeepertest.Server) crm.Account {
	c := s.Config()
	return crm.Account{BaseURL: s.URL, User: c.User, Password: c.Password, Secret: c.Secret}
}

func paykeeper(o Options) *Bank {
	const name = crm.PayKeeper
	s := paykeeperServer(o, name, o.hook(name))
	return &Bank{Name: name, books: s, settle: nothing, paying: true, Account: paykeeperAccount(s)}
}

func newRegisters(o Options) []*Register {
	return []*Register{komtet(o), orangedata(o), paykeeperRegister(o)}
}

func komtet(o Options) *Register {
	const name = crm.Komtet
	opts := []komtettest.Option{komtettest.WithSeed(o.seed(name))}
	if o.Clock != nil {
		opts = append(opts, komtettest.WithClock(o.Clock))
	}
	if o.Handler != nil {
		opts = append(opts, komtettest.WithCallbackHandler(o.Handler), komtettest.WithoutListening())
	}
	s := komtettest.NewServer(opts...)
	c := s.Config()
	return &Register{Name: name, server: s, Account: crm.Account{BaseURL: c.BaseURL, User: c.ShopID, Secret: c.Secret, Queue: c.QueueID, Callback: o.receipt(name)}, now: s.Print,
		printed: func() (all []print) {
			for _, t := range s.Tasks() {
				kind := fiscal.Sale
				if strings.Contains(strings.ToLower(t.Intent), "return") {
					kind = fiscal.SaleReturn
				}
				all = append(all, print{t.ExternalID, kind, t.Total, t.State == komtettest.StateDone})
			}
			return all
		}}
}

func orangedata(o Options) *Register {
	const name = crm.OrangeData
	opts := []orangedatatest.Option{orangedatatest.WithSeed(o.seed(name))}
	if o.Clock != nil {
		opts = append(opts, orangedatatest.WithClock(o.Clock))
	}
	if o.Handler != nil {
		opts = append(opts, orangedatatest.WithCallbackHandler(o.Handler), orangedatatest.WithoutListening())
	}
	s := orangedatatest.NewServer(opts...)
	c := s.Config()
	return &Register{Name: name, server: s, Account: crm.Account{BaseURL: c.BaseURL, Customer: c.INN, User: c.KeyName, Merchant: c.Group, PrivateKey: c.PrivateKey,
		Certificate: c.Certificate, CertificateKey: c.CertificateKey, RootCAs: c.RootCAs, Callback: o.receipt(name)}, now: s.Print,
		printed: func() (all []print) {
			for _, d := range s.Documents() {
				all = append(all, print{d.ID, fiscal.Settlement(d.Type), d.Total, d.State == orangedatatest.Done})
			}
			return all
		}}
}

func paykeeperRegister(o Options) *Register {
	const name = crm.PayKeeperRegister
	s := paykeeperServer(o, name, "")
	return &Register{Name: name, server: s, Account: paykeeperAccount(s), now: func(string) error { return nil }, // at the first look
		printed: func() (all []print) {
			for _, r := range s.Receipts() {
				kind := fiscal.Sale
				if r.Type != "sale" {
					kind = fiscal.SaleReturn
				}
				all = append(all, print{r.Key, kind, r.Total, r.Status == "success"})
			}
			return all
		}}
}
