package orangedatatest

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/internal/emulator"
)

// What all emulators share; see the methods of Server.
type (
	// Fault is one thing that goes wrong when told; its Op is one of the Op
	// names: OpDocuments, in any case, and "" is any call. It happens Times
	// times (0: once; below 0: until ClearFaults). Delay, in real time, is what
	// the answer waits; of RateLimit it is Retry-After, a second at least.
	// Status is answered in place of the kind's own; with it LostAnswer answers
	// a web page.
	Fault = emulator.Fault
	// FaultKind is what goes wrong.
	FaultKind = emulator.FaultKind
	// Delivery is a callback with its attempts: ID (for Resend and Forge),
	// Order, Event, Method, URL, Header, Body, State ("waiting", "delivered",
	// "given up", "lost", "not configured"), Attempts. Its Request is the
	// callback as the shop's handler gets it.
	Delivery = emulator.Delivery
	// Mischief is what happens to callbacks on their way from now on; its zero
	// value is good weather. Duplicates: each is sent so many times more. Lose:
	// the next so many are never sent (below 0: all). Delay, of the emulator's
	// clock: before each. Reorder: up to so much more, by lot, so that they
	// overtake each other. Forge: beside each of the next so many goes a forged
	// one (below 0: all). Order: to the callbacks of this order alone.
	Mischief = emulator.Mischief
	// Clock is the emulator's time: see NewClock and NewRunningClock.
	Clock = emulator.Clock
	// Exchange is a request to the emulator with its answer: Time, Op, Method,
	// Path, Query, Header, Body, Status, Answer, Fault. Bodies are kept to 64
	// KiB, and the last 1,000 exchanges.
	Exchange = emulator.Exchange
)

// The kinds of faults.
const (
	Delay       = emulator.Delay       // the answer comes late
	Drop        = emulator.Drop        // the connection is closed, nothing is done
	LostAnswer  = emulator.LostAnswer  // the work is done, no answer comes
	ServerError = emulator.ServerError // 502 with a web page, nothing is done
	HTML        = emulator.HTML        // 200 with a web page, nothing is done
	Cut         = emulator.Cut         // the work is done, the answer breaks off
	RateLimit   = emulator.RateLimit   // 429 with Retry-After, nothing is done
	Empty       = emulator.Empty       // 200 with nothing, nothing is done
)

// The clocks of WithClock.
var (
	// NewClock(start time.Time) stands at start until Advance moves it; then
	// callbacks leave only in Deliver and Advance.
	NewClock = emulator.NewClock
	// NewRunningClock(start time.Time, speed int) runs from start, speed times
	// as fast as real time.
	NewRunningClock = emulator.NewRunningClock
)

// Names of the methods, for Fault.Op and Exchange.Op. The status calls have
// "/status" behind the kind.
const (
	OpDocuments   = "documents"
	OpCorrections = "corrections"
	OpCorrection  = "correction12"
	OpItemCode    = "itemcode"
	OpDevices     = "devices"
	OpCheck       = "check"
)

// DefaultINN and DefaultGroup are the organisation that Config belongs to.
const (
	DefaultINN   = "7727401209"
	DefaultGroup = "Main_2"
)

// Group is a group of registers (группа ККТ).
type Group struct {
	Name string
	FFD  fiscal.FFD // that its registers are registered with
	Kind GroupKind
}

// GroupKind is what the registers of a group are for.
type GroupKind uint8

// The kinds of groups.
const (
	Internet  GroupKind = iota
	Vending             // needs automatNumber, settlementAddress, settlementPlace
	Transport           // the same
	Courier             // needs settlementAddress, settlementPlace, cashier
)

// Organisation is a client of the service.
type Organisation struct {
	INN    string
	Groups []Group
	Keys   map[string]*rsa.PublicKey // by name; Config.KeyName
	// DefaultKey is the key of requests that name none.
	DefaultKey string
	// Certificates are the SHA-1 fingerprints (hex) of its client
	// certificates; empty: any that the authority signed.
	Certificates []string
}

type settings struct {
	emulator.Settings
	plain      bool
	lenient    bool
	strict     bool
	burn       bool
	oldInNew   bool
	apiKey     bool
	refusals   bool
	polls      int
	printAfter time.Duration
	perKindIDs bool
	queueLimit int
	extraOrgs  []Organisation
}

// Option changes the emulator.
type Option func(*settings)

// WithClock gives it a clock.
func WithClock(c *Clock) Option { return func(s *settings) { s.Clock = c } }

// WithSeed makes the ids the same in each run.
func WithSeed(n uint64) Option { return func(s *settings) { s.Seed = n } }

// WithPlainHTTP listens without TLS and asks for no certificate.
func WithPlainHTTP() Option { return func(s *settings) { s.plain = true } }

// WithLenient takes numbers as text and text as numbers, and documents without
// quantity, taxationSystem and customerContact, as old SDKs send them.
func WithLenient() Option { return func(s *settings) { s.lenient = true } }

// WithStrict refuses unknown members and members of the other version of the
// format, which the service ignores.
func WithStrict() Option { return func(s *settings) { s.strict = true } }

// WithBurntIDs answers 409 to an id that was refused with 400 before, as one
// integrator reports.
func WithBurntIDs() Option { return func(s *settings) { s.burn = true } }

// WithOldFormatInNewGroups prints FFD 1.05 in groups of FFD 1.2.
func WithOldFormatInNewGroups() Option { return func(s *settings) { s.oldInNew = true } }

// WithIDsPerKind keeps a space of ids for each kind of request.
func WithIDsPerKind() Option { return func(s *settings) { s.perKindIDs = true } }

// WithAPIKeyHeader returns callbackApiKey in the header X-API-Key of callbacks.
func WithAPIKeyHeader() Option { return func(s *settings) { s.apiKey = true } }

// WithRefusalCallbacks sends callbacks for documents that were refused or
// expired too.
func WithRefusalCallbacks() Option { return func(s *settings) { s.refusals = true } }

// WithQueueLimit answers 503 when so many documents wait.
func WithQueueLimit(n int) Option { return func(s *settings) { s.queueLimit = n } }

// WithOrganisation adds an organisation beside the default one, or in its place
// where it has its INN.
func WithOrganisation(o Organisation) Option {
	return func(s *settings) { s.extraOrgs = append(s.extraOrgs, o) }
}

// WithCallbackHandler takes the callbacks without the network.
func WithCallbackHandler(h http.Handler) Option { return func(s *settings) { s.CallbackHandler = h } }

// WithCallbackClient sends the callbacks, also to addresses of other machines.
func WithCallbackClient(c *http.Client) Option { return func(s *settings) { s.CallbackClient = c } }

// WithListener serves on an address of the caller's choice, with TLS all the
// same, instead of a free port. Close closes it.
func WithListener(l net.Listener) Option { return func(s *settings) { s.Listener = l } }

// WithPublicURL is the address the world sees, when mounted elsewhere.
func WithPublicURL(u string) Option { return func(s *settings) { s.PublicURL = u } }

// WithoutListening makes Handler and Client only, without TLS: in Config give
// Client as HTTPClient, and neither Certificate nor RootCAs.
func WithoutListening() Option { return func(s *settings) { s.NoListen, s.plain = true, true } }

// Server is the emulator.
type Server struct {
	// URL is the address of the service; a base address of clients.
	URL string

	base *emulator.Base
	opt  settings
	pki  *pki

	mu       sync.Mutex
	orgs     map[string]*Organisation
	docs     map[string]*Document // by space, INN and id
	list     []*Document
	burnt    map[string]bool
	off      map[string]bool // groups whose registers are switched off
	document int
	index    int
	shiftAt  time.Time
	shift    int
}

// NewServer starts the emulator on 127.0.0.1.
func NewServer(opts ...Option) *Server {
	s := &Server{docs: map[string]*Document{}, burnt: map[string]bool{}, off: map[string]bool{}, orgs: map[string]*Organisation{}, document: 730, shift: 12}
	s.opt.printAfter = 2 * time.Second
	s.opt.polls = 1
	s.opt.Retries = emulator.Waits(time.Second, 5*time.Second, 30*time.Second)
	s.opt.Accepted = func(status int, _ []byte) bool { return status/100 == 2 }
	for _, o := range opts {
		o(&s.opt)
	}
	s.pki = newPKI()
	if !s.opt.plain {
		s.opt.TLS = s.pki.serverConfig()
	}
	orgs := append([]Organisation{{INN: DefaultINN, DefaultKey: DefaultINN, Keys: map[string]*rsa.PublicKey{DefaultINN: &testKey().PublicKey},
		Groups: []Group{{"Main", fiscal.FFD105, Internet}, {"Main_2", fiscal.FFD12, Internet}, {"Vend", fiscal.FFD105, Vending}, {"Vend_2", fiscal.FFD12, Vending},
			{"Transp", fiscal.FFD105, Transport}, {"Transp_2", fiscal.FFD12, Transport}, {"Courier", fiscal.FFD105, Courier}, {"Courier_2", fiscal.FFD12, Courier}}}},
		s.opt.extraOrgs...)
	for i := range orgs {
		s.orgs[orgs[i].INN] = &orgs[i]
	}
	s.base = emulator.New(s.opt.Settings)
	s.base.Start(http.HandlerFunc(s.serve), op)
	s.URL = s.base.URL
	return s
}

// Config is that of a client of the default organisation, with its
// certificates and keys, for the group of FFD 1.2.
func (s *Server) Config() orangedata.Config {
	c := orangedata.Config{Environment: acquiring.Test, BaseURL: s.URL, INN: DefaultINN, KeyName: DefaultINN,
		PrivateKey: testKeyPEM(), FFD: fiscal.FFD12, Group: DefaultGroup,
		GroupByFFD: map[fiscal.FFD]string{fiscal.FFD105: "Main"}, TaxSystem: fiscal.TaxGeneral}
	if !s.opt.plain {
		c.Certificate, c.CertificateKey, c.RootCAs = s.pki.client.cert, s.pki.client.key, s.pki.ca.cert
	} else {
		c.Certificate, c.CertificateKey = s.pki.client.cert, s.pki.client.key
	}
	return c
}

// ForeignCertificate is a client certificate that another authority signed, in
// PEM: the front refuses it.
func (s *Server) ForeignCertificate() (cert, key []byte) {
	return s.pki.foreign.cert, s.pki.foreign.key
}

// RootCA is the authority of the emulator in PEM.
func (s *Server) RootCA() []byte { return s.pki.ca.cert }

// Close stops it.
func (s *Server) Close() { s.base.Close() }

// Handler is the emulator, to be mounted elsewhere; give WithPublicURL and
// WithPlainHTTP then.
func (s *Server) Handler() http.Handler { return s.base.Handler() }

// Client goes straight to Handler, without the network; with WithPlainHTTP or
// WithoutListening.
func (s *Server) Client() *http.Client { return s.base.Client() }

// Fail plans a fault of a method (OpDocuments, or "documents/status" for the
// reading of a document) or, with an empty Op, of any.
func (s *Server) Fail(f Fault) { s.base.Faults.Add(f) }

// ClearFaults forgets the faults that did not happen yet.
func (s *Server) ClearFaults() { s.base.Faults.Clear() }

// Pending is what is still to go wrong: the faults that have not happened, and
// what Mischief does.
func (s *Server) Pending() ([]Fault, Mischief) { return s.base.Pending() }

// Mischief is what happens to the callbacks from now on.
func (s *Server) Mischief(m Mischief) { s.base.Outbox.SetMischief(m) }

// Deliver sends the callbacks that are due and says how many.
func (s *Server) Deliver() int { return s.base.Outbox.Deliver() }

// Deliveries are all callbacks with their attempts.
func (s *Server) Deliveries() []Delivery { return s.base.Outbox.Deliveries() }

// Resend sends a callback again: a Delivery.ID, or a document's last one.
func (s *Server) Resend(id string) error { return s.base.Outbox.Resend(id) }

// Forge sends a callback with a changed body.
func (s *Server) Forge(id string) error { return s.base.Outbox.Forge(id) }

// Requests are the last requests with their answers.
func (s *Server) Requests() []Exchange { return s.base.Log.Requests() }

// Advance moves the clock: documents are printed and callbacks repeated on the
// way.
func (s *Server) Advance(d time.Duration) { s.base.Advance(d) }

// SetGroup switches the registers of a group on or off. While they are off
// documents wait; those that wait longer than the queue keeps them expire.
func (s *Server) SetGroup(name string, on bool) {
	s.mu.Lock()
	s.off[name] = !on
	s.mu.Unlock()
}

// parts cuts /api/v2/documents/7801234564/status/x into its parts.
func parts(r *http.Request) []string {
	_, rest, ok := strings.Cut(r.URL.Path, "/api/v2")
	if !ok {
		return nil
	}
	return strings.Split(strings.Trim(rest, "/"), "/")
}

func op(r *http.Request) string {
	p := parts(r)
	switch {
	case len(p) == 0:
		return r.URL.Path
	case len(p) == 4 && p[2] == "status":
		return p[0] + "/status"
	}
	return p[0]
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	fingerprint, ok := s.certificate(r)
	if !ok {
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, "<html><head><title>400 The SSL certificate error</title></head><body><center><h1>400 Bad Request</h1></center><center>The SSL certificate error</center></body></html>")
		return
	}
	p := parts(r)
	if p == nil {
		s.receiptPage(w, r)
		return
	}
	c := call{Server: s, w: w, r: r, fingerprint: fingerprint}
	get, post := r.Method == http.MethodGet, r.Method == http.MethodPost
	switch {
	case get && p[0] == "" && len(p) == 1:
		_, _ = io.WriteString(w, "Nebula.Api v2")
	case post && len(p) == 1 && kinds[p[0]] != nil:
		c.post(p[0])
	case get && len(p) == 4 && kinds[p[0]] != nil && p[2] == "status":
		c.status(p[0], p[1], p[3])
	case get && len(p) == 4 && p[0] == OpDevices && p[1] == "status":
		c.devices(p[2], p[3])
	case post && len(p) == 1 && p[0] == OpCheck:
		c.check()
	default:
		http.NotFound(w, r)
	}
}

// certificate does what the service's front does: it looks at the client's
// certificate after the handshake, so that a bad one gets a page of HTML.
func (s *Server) certificate(r *http.Request) (fingerprint string, ok bool) {
	if s.opt.plain {
		return "", true
	}
	if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
		return "", false
	}
	cert := r.TLS.PeerCertificates[0]
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(s.pki.ca.cert)
	_, err := cert.Verify(x509.VerifyOptions{Roots: pool, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
	return fingerprintOf(cert), err == nil
}

// call is one request.
type call struct {
	*Server
	w           http.ResponseWriter
	r           *http.Request
	fingerprint string
}

func (c call) json(status int, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	c.w.Header().Set("Content-Type", "application/json; charset=utf-8")
	c.w.WriteHeader(status)
	_, _ = c.w.Write(b)
}

func (c call) refuse(faults ...string) {
	c.json(http.StatusBadRequest, map[string]any{"errors": faults})
}

func (c call) empty(status int) {
	c.w.Header().Set("Content-Length", "0")
	c.w.WriteHeader(status)
}

const badSignature = "Подпись не прошла проверку"

// open reads the body, and finds and checks who sent it: certificate, JSON,
// organisation, key, signature, in this order.
func (c call) open() (body []byte, o emulator.Object, org *Organisation, ok bool) {
	body, err := io.ReadAll(io.LimitReader(c.r.Body, 1<<20))
	if err != nil {
		return nil, nil, nil, false
	}
	var raw map[string]any
	if err := emulator.DecodeJSON(body, &raw); err != nil || raw == nil {
		c.refuse("тело запроса не является JSON-объектом")
		return nil, nil, nil, false
	}
	o = lowered(raw)
	inn, _ := o["inn"].(string)
	if inn == "" {
		c.refuse(c.missing(o)...)
		return nil, nil, nil, false
	}
	c.mu.Lock()
	org = c.orgs[inn]
	c.mu.Unlock()
	if org == nil {
		c.refuse(badSignature)
		return nil, nil, nil, false
	}
	if !org.owns(c.fingerprint) {
		c.empty(http.StatusUnauthorized)
		return nil, nil, nil, false
	}
	name, _ := o["key"].(string)
	if name == "" {
		name = org.DefaultKey
	}
	key := org.Keys[name]
	signature, err := base64.StdEncoding.DecodeString(c.r.Header.Get("X-Signature"))
	digest := sha256.Sum256(body)
	if key == nil || err != nil || rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], signature) != nil {
		c.refuse(badSignature)
		return nil, nil, nil, false
	}
	return body, o, org, true
}

// missing are the known texts for what a request cannot do without.
func (c call) missing(o emulator.Object) []string {
	var faults []string
	if !o.Has("id") && !strings.HasSuffix(strings.Trim(c.r.URL.Path, "/"), OpCheck) {
		faults = append(faults, "Не указан идентификатор документа 'Id'")
	}
	if !o.Has("inn") {
		faults = append(faults, "Не указан ИНН организации 'INN'")
	}
	return faults
}

func (o *Organisation) owns(fingerprint string) bool {
	if fingerprint == "" || len(o.Certificates) == 0 {
		return true
	}
	for _, own := range o.Certificates {
		if strings.EqualFold(own, fingerprint) {
			return true
		}
	}
	return false
}

func (o *Organisation) group(name string) (Group, bool) {
	if name == "" {
		return o.Groups[0], len(o.Groups) > 0
	}
	for _, g := range o.Groups {
		if g.Name == name {
			return g, true
		}
	}
	return Group{}, false
}

func (c call) check() {
	_, o, org, ok := c.open()
	if !ok {
		return
	}
	name, _ := o["group"].(string)
	if _, ok := org.group(name); !ok {
		c.refuse("Группа не найдена")
		return
	}
	c.empty(http.StatusOK)
}

func (c call) devices(inn, group string) {
	c.mu.Lock()
	org := c.orgs[inn]
	off := c.off[group]
	printed := c.document
	c.mu.Unlock()
	if org == nil {
		c.refuse("Организация не найдена")
		return
	}
	if !org.owns(c.fingerprint) {
		c.empty(http.StatusUnauthorized)
		return
	}
	if _, ok := org.group(group); !ok {
		c.refuse("Группа не найдена")
		return
	}
	device := map[string]any{"deviceSN": deviceSN, "fsNumber": fsNumber, "ofdName": ofdName, "ofdAddress": "10.0.0.5:7779",
		"unsentDocumentsCount": 0, "firstUnsentDocumentDate": nil, "fsDocumentsCount": printed, "fsExpirationDate": "2028-03-01T00:00:00"}
	if off {
		device["unsentDocumentsCount"] = 1
		device["firstUnsentDocumentDate"] = c.base.Clock.Now().In(moscow).Format(localTime)
	}
	c.json(http.StatusOK, map[string]any{"devices": []any{device}})
}
