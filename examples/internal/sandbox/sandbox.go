// Package sandbox is all the emulators on one port, with web pages on which a
// person plays the customer, the bank and the bad weather. A program's tests
// start it in their own process; examples/sandbox is the program.
//
// Each provider answers below a prefix of its own ("/sberbank") at the paths
// of the real one, because two of them share paths: in a client's Config only
// the address differs from the real one's. OrangeData alone has a port of its
// own: it asks for a client certificate, which is a matter of the connection.
package sandbox

import (
	"errors"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank/alfabanktest"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
	"github.com/acquiring-go/acquiring/fiscal/orangedata/orangedatatest"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
	"github.com/acquiring-go/acquiring/tochka/tochkatest"
)

// Options are what a Sandbox is made with; the zero value will do for Start.
type Options struct {
	// PublicURL is the address that browsers and the shop reach Handler by:
	// payment links and Configs are made of it. Start finds it by itself.
	PublicURL string
	// OrangeDataAddress is where OrangeData listens; "" is a free port of
	// 127.0.0.1.
	OrangeDataAddress string
	// CallbackURLs are where the providers notify, by provider; see
	// Sandbox.SetCallbackURL.
	CallbackURLs map[Provider]string
	// CallbackClient sends the callbacks; nil: one that goes to addresses of
	// this machine only.
	CallbackClient *http.Client
	// TrialShop has a small shop of the sandbox's own take the callbacks of the
	// providers that CallbackURLs leaves out, so that a person without a program
	// of his own sees them verified, and the forged ones refused. Only Start
	// knows its address.
	TrialShop bool
	// Seed makes the ids the same in each run; 0: random.
	Seed uint64
	// Clock is the time of all providers; nil: it goes as real time does.
	Clock *emulator.Clock
}

// Sandbox is all the emulators. Each is there to be told by tests what its
// customers do; see the methods of any of them.
type Sandbox struct {
	// URL is the address of the pages, without a slash at the end.
	URL string
	// Clock is the time of all providers. Advance moves it.
	Clock *emulator.Clock

	Sberbank   *sberbanktest.Server // both gateways: the new one and the legacy one
	AlfaBank   *alfabanktest.Server
	PayMaster  *paymastertest.Server // both protocols: REST API v2 and the classic one
	Tochka     *tochkatest.Server
	Komtet     *komtettest.Server
	OrangeData *orangedatatest.Server
	PayKeeper  *paykeepertest.Server

	handler  http.Handler
	ownClock bool
	server   *http.Server
	once     sync.Once

	mu        sync.Mutex
	callbacks map[Provider]string
	clients   map[way]acquiring.Acquirer
	trials    int
	sales     map[way]fiscal.Receipt // of trial orders, by provider and order
	flashes   flashes
}

// New makes the emulators and the pages; Options.PublicURL must be given. The
// caller serves Handler at that address.
func New(o Options) (*Sandbox, error) {
	public, err := url.Parse(o.PublicURL)
	if err != nil || public.Host == "" || public.Scheme != "http" && public.Scheme != "https" || strings.Trim(public.Path, "/") != "" {
		return nil, errors.New("sandbox: PublicURL is not an http(s) address without a path")
	}
	s := &Sandbox{URL: public.Scheme + "://" + public.Host, Clock: o.Clock, callbacks: map[Provider]string{}, clients: map[way]acquiring.Acquirer{},
		sales: map[way]fiscal.Receipt{}}
	if s.Clock == nil {
		s.Clock, s.ownClock = emulator.NewRunningClock(time.Now(), 1), true
	}
	if o.OrangeDataAddress == "" {
		o.OrangeDataAddress = "127.0.0.1:0"
	}
	secure, err := net.Listen("tcp", o.OrangeDataAddress)
	if err != nil {
		return nil, err
	}
	at := func(p Provider) string { return s.URL + "/" + string(p) }
	send := o.CallbackClient
	s.Sberbank = sberbanktest.NewServer(sberbanktest.WithoutListening(), sberbanktest.WithPublicURL(at(Sberbank)), sberbanktest.WithClock(s.Clock),
		sberbanktest.WithSeed(o.Seed), sberbanktest.WithCallbackClient(send), sberbanktest.WithReceiptStep(receiptStep))
	s.AlfaBank = alfabanktest.NewServer(alfabanktest.WithoutListening(), alfabanktest.WithPublicURL(at(AlfaBank)), alfabanktest.WithClock(s.Clock),
		alfabanktest.WithSeed(o.Seed), alfabanktest.WithCallbackClient(send), alfabanktest.WithReceiptStep(receiptStep))
	s.PayMaster = paymastertest.NewServer(paymastertest.WithoutListening(), paymastertest.WithPublicURL(at(PayMaster)), paymastertest.WithClock(s.Clock),
		paymastertest.WithSeed(o.Seed), paymastertest.WithCallbackClient(send), paymastertest.WithRetries(5, time.Minute))
	s.Tochka = tochkatest.NewServer(tochkatest.WithoutListening(), tochkatest.WithPublicURL(at(Tochka)), tochkatest.WithClock(s.Clock),
		tochkatest.WithSeed(o.Seed), tochkatest.WithCallbackClient(send))
	s.Komtet = komtettest.NewServer(komtettest.WithoutListening(), komtettest.WithPublicURL(at(Komtet)), komtettest.WithClock(s.Clock),
		komtettest.WithSeed(o.Seed), komtettest.WithCallbackClient(send))
	s.OrangeData = orangedatatest.NewServer(orangedatatest.WithListener(secure), orangedatatest.WithClock(s.Clock),
		orangedatatest.WithSeed(o.Seed), orangedatatest.WithCallbackClient(send))
	s.PayKeeper = paykeepertest.NewServer(paykeepertest.WithoutListening(), paykeepertest.WithPublicURL(at(PayKeeper)), paykeepertest.WithClock(s.Clock),
		paykeepertest.WithSeed(o.Seed), paykeepertest.WithCallbackClient(send))
	for p, address := range o.CallbackURLs {
		if err := s.SetCallbackURL(p, address); err != nil {
			s.Close()
			return nil, err
		}
	}
	s.handler = s.routes()
	return s, nil
}

// receiptStep is how long a receipt of a bank's cash service is on its way: a
// person waits for it before the screen.
const receiptStep = 2 * time.Second

// Start serves a Sandbox at address ("127.0.0.1:8090"; "" is a free port of
// 127.0.0.1) until Close.
func Start(address string, o Options) (*Sandbox, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	if o.PublicURL == "" {
		host, port, _ := net.SplitHostPort(l.Addr().String())
		if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
			host = "127.0.0.1"
		}
		o.PublicURL = "http://" + net.JoinHostPort(host, port)
	}
	s, err := New(o)
	if err != nil {
		_ = l.Close()
		return nil, err
	}
	if o.TrialShop {
		_, port, _ := net.SplitHostPort(l.Addr().String())
		for _, p := range Providers() {
			if o.CallbackURLs[p] == "" {
				_ = s.SetCallbackURL(p, "http://127.0.0.1:"+port+shopPath+string(p))
			}
		}
	}
	s.server = &http.Server{Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(discard{}, "", 0)}
	go func() { _ = s.server.Serve(l) }()
	return s, nil
}

// discard takes what net/http says of connections that a fault has cut.
type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }

// Handler is the pages and all providers but OrangeData, which listens by
// itself.
func (s *Sandbox) Handler() http.Handler { return s.handler }

// Close stops everything.
func (s *Sandbox) Close() {
	s.once.Do(func() {
		if s.server != nil {
			_ = s.server.Close()
		}
		for _, e := range s.emulators() {
			e.Close()
		}
		if s.ownClock {
			s.Clock.Stop()
		}
	})
}

// Advance moves the clock of all providers: links expire, receipts are
// printed, callbacks are repeated on the way.
func (s *Sandbox) Advance(d time.Duration) {
	for _, e := range s.emulators() {
		e.Deliver()
	}
	s.Clock.Advance(d)
	for _, e := range s.emulators() {
		e.Deliver()
	}
}
