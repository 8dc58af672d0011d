package emulator

import (
	"crypto/tls"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/qr"
)

// Settings are what the options that all emulators have set.
type Settings struct {
	Clock           *Clock                               // nil: runs with real time
	Seed            uint64                               // of the ids; 0: random
	CallbackURL     string                               // where the provider notifies; "": not configured; see SetCallbackURL
	CallbackHandler http.Handler                         // takes the callbacks without the network, whatever their address
	CallbackClient  *http.Client                         // sends them; nil: one that goes to loopback addresses only
	CallbackTimeout time.Duration                        // real time; 0: 10 seconds
	PublicURL       string                               // the address the world sees; "": the listener's
	NoListen        bool                                 // Handler and Client only
	Listener        net.Listener                         // to serve on; nil: a free port of 127.0.0.1
	TLS             *tls.Config                          // listens with TLS; nil: plain HTTP
	QR              func(payload string) ([]byte, error) // draws a QR code as PNG; nil: qr.PNG
	KeepRequests    int                                  // in the log; 0: 1,000, below 0: none
	KeepDeliveries  int                                  // in the log; 0: 10,000

	Retries  Schedule                           // of callbacks; nil: NoRetries
	Accepted func(status int, body []byte) bool // nil: HTTP 200
	Forge    func(Message) Message              // see OutboxOptions
}

// Base is what an emulator stands on.
type Base struct {
	URL    string // without a slash at the end
	Clock  *Clock
	IDs    *IDs
	Faults *Faults
	Outbox *Outbox
	Log    *Log
	Books  *Books

	settings Settings
	callback atomic.Pointer[string]
	handler  http.Handler
	server   *http.Server
	client   *http.Client
	ownClock bool
	close    sync.Once
}

// New makes a Base; Start makes it reachable.
func New(s Settings) *Base {
	b := &Base{settings: s, Clock: s.Clock, IDs: NewIDs(s.Seed), Faults: NewFaults(), Log: NewLog(s.KeepRequests), Books: NewBooks()}
	b.SetCallbackURL(s.CallbackURL)
	if b.Clock == nil {
		b.Clock = NewRunningClock(time.Now(), 1)
		b.ownClock = true
	}
	client := s.CallbackClient
	if s.CallbackHandler != nil {
		client = &http.Client{Transport: Transport(s.CallbackHandler)}
	}
	b.Outbox = NewOutbox(OutboxOptions{Clock: b.Clock, IDs: b.IDs, Client: client, Timeout: s.CallbackTimeout, Retries: s.Retries,
		Accepted: s.Accepted, Forge: s.Forge, Keep: s.KeepDeliveries})
	return b
}

// Start puts faults and the log before the handler and listens.
// op names the provider's method of a request. It panics when there is no
// port to listen on, as net/http/httptest does.
func (b *Base) Start(h http.Handler, op func(*http.Request) string) {
	b.handler = b.wrap(h, op)
	b.URL = strings.TrimSuffix(b.settings.PublicURL, "/")
	b.client = &http.Client{Transport: Transport(below(b.URL, b.handler)),
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if b.settings.NoListen {
		if b.URL == "" {
			b.URL = "http://emulator.test"
		}
		return
	}
	l := b.settings.Listener
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			panic(fmt.Sprintf("emulator: cannot listen on 127.0.0.1: %v", err))
		}
	}
	scheme := "http://"
	if b.settings.TLS != nil {
		scheme = "https://"
		l = tls.NewListener(l, b.settings.TLS)
	}
	if b.URL == "" {
		b.URL = scheme + l.Addr().String()
	}
	b.server = &http.Server{Handler: b.handler, ReadHeaderTimeout: 10 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}
	go func() { _ = b.server.Serve(l) }()
}

// below takes the path of the public address off requests that have it: a mux
// that has the emulator below a prefix does the same.
func below(public string, h http.Handler) http.Handler {
	u, err := url.Parse(public)
	if err != nil || u.Path == "" {
		return h
	}
	stripped := http.StripPrefix(u.Path, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, u.Path+"/") {
			stripped.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// Handler is the emulator itself: faults, log and all.
func (b *Base) Handler() http.Handler { return b.handler }

// Client goes straight to Handler, whatever the host of the address and with
// or without the path of PublicURL, and follows no redirect.
func (b *Base) Client() *http.Client { return b.client }

// QRImage draws a QR code as PNG; nil: there is no payload, or it cannot be
// drawn.
func (b *Base) QRImage(payload string) []byte {
	if payload == "" {
		return nil
	}
	draw := b.settings.QR
	if draw == nil {
		draw = qr.PNG
	}
	png, err := draw(payload)
	if err != nil {
		return nil
	}
	return png
}

// CallbackURL is where the provider notifies by its settings.
func (b *Base) CallbackURL() string { return *b.callback.Load() }

// SetCallbackURL changes it; orders that have an address of their own already
// keep it.
func (b *Base) SetCallbackURL(address string) { b.callback.Store(&address) }

// Pending is what is still to go wrong: the faults that have not happened, and
// what is done to callbacks.
func (b *Base) Pending() ([]Fault, Mischief) { return b.Faults.Pending(), b.Outbox.Mischief() }

// Advance sends what is due, moves the clock, and sends what has become due on
// the way, each at its time.
func (b *Base) Advance(d time.Duration) {
	b.Outbox.Deliver()
	b.Clock.Advance(d)
	b.Outbox.Deliver()
}

// Close stops everything: requests and callbacks under way are broken off.
func (b *Base) Close() {
	b.close.Do(func() {
		b.Faults.Close()
		if b.server != nil {
			_ = b.server.Close()
		}
		b.Outbox.Close()
		if b.ownClock {
			b.Clock.Stop()
		}
	})
}
