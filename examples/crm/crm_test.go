package main

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/billing"
	"github.com/acquiring-go/acquiring/examples/crm/demo"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/examples/crm/web"
	"github.com/acquiring-go/acquiring/examples/internal/sandbox"
	"github.com/acquiring-go/acquiring/money"
)

// log is what the program logs, for the tests that look for secrets in it.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// world is a CRM with its sandbox, and a person at a browser.
type world struct {
	t       *testing.T
	db      string
	box     *secret.Box
	bank    *sandbox.Sandbox
	log     *logged
	store   *store.Store
	billing *billing.Service
	shops   *shops.Registry
	demo    *demo.Demo
	url     string
	stop    func()
	staff   *visitor
}

// visitor is a browser.
type visitor struct {
	t    *testing.T
	base string
	http *http.Client
}

func newVisitor(t *testing.T, base string) *visitor {
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &visitor{t: t, base: base, http: &http.Client{Jar: jar, Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// newWorld starts a CRM with the demonstration's shops, polling from the age
// of first on.
func newWorld(t *testing.T, first time.Duration) *world {
	t.Helper()
	return newWorldOn(t, filepath.Join(t.TempDir(), "crm.db"), first)
}

// newWorldOn does so over a database.
func newWorldOn(t *testing.T, db string, first time.Duration) *world {
	t.Helper()
	key := bytes.Repeat([]byte{7}, secret.Size)
	box, err := secret.New(key)
	require.NoError(t, err)
	bank, err := sandbox.Start("", sandbox.Options{})
	require.NoError(t, err)
	t.Cleanup(bank.Close)
	w := &world{t: t, db: db, box: box, bank: bank, log: &logged{}}
	w.start("127.0.0.1:0", first)
	t.Cleanup(func() { w.stop() })
	return w
}

// start runs the CRM over the world's database.
func (w *world) start(address string, first time.Duration) {
	t := w.t
	t.Helper()
	ctx := t.Context()
	var err error
	w.store, err = store.Open(ctx, w.db)
	require.NoError(t, err)
	logger := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	server := httptest.NewUnstartedServer(nil)
	if address != "127.0.0.1:0" {
		require.NoError(t, server.Listener.Close())
		server.Listener = listen(t, address)
	}
	w.url = "http://" + server.Listener.Addr().String()
	w.shops = &shops.Registry{Store: w.store, Box: w.box, PublicURL: w.url, Logger: logger}
	w.billing, err = billing.New(ctx, w.store, w.shops, logger)
	require.NoError(t, err)
	w.billing.PollEvery, w.billing.PollFirst = 100*time.Millisecond, first
	w.demo = &demo.Demo{Store: w.store, Shops: w.shops, Sandbox: w.bank}
	_, err = w.demo.Fill(ctx)
	require.NoError(t, err)
	site := &web.Site{Store: w.store, Billing: w.billing, Shops: w.shops, Box: w.box, Logger: logger, Sandbox: w.bank.URL}
	server.Config.Handler = site.Handler()
	server.Start()
	done := make(chan error, 1)
	work, cancel := contextOf(t)
	go func() { done <- w.billing.Run(work) }()
	require.NoError(t, w.demo.Connect(ctx))
	var once sync.Once
	stored := w.store
	w.stop = func() {
		once.Do(func() {
			server.Close()
			cancel()
			require.NoError(t, <-done)
			require.NoError(t, stored.Close())
		})
	}
	w.staff = newVisitor(t, w.url)
	w.staff.login()
}

func (v *visitor) do(method, path string, form url.Values) (int, string, http.Header) {
	v.t.Helper()
	target := path
	if !strings.HasPrefix(path, "http") {
		target = v.base + path
	}
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	req, err := http.NewRequest(method, target, body)
	require.NoError(v.t, err)
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	resp, err := v.http.Do(req)
	require.NoError(v.t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(v.t, err)
	return resp.StatusCode, string(text), resp.Header
}

// get opens a page that must be there.
func (v *visitor) get(path string) string {
	v.t.Helper()
	code, body, _ := v.do(http.MethodGet, path, nil)
	require.Equal(v.t, http.StatusOK, code, "%s: %s", path, plain(body))
	return body
}

var csrfInput = regexp.MustCompile(`name="csrf" value="([^"]+)"`)

// send fills a form of a page in: what stands in it is not read, but the
// token is.
func (v *visitor) send(page, action string, form url.Values) (int, string, http.Header) {
	v.t.Helper()
	found := csrfInput.FindStringSubmatch(v.get(page))
	require.NotNil(v.t, found, "%s has no form", page)
	if form == nil {
		form = url.Values{}
	}
	form.Set("csrf", found[1])
	return v.do(http.MethodPost, action, form)
}

// must sends a form that is to be taken, and gives the address after it.
func (v *visitor) must(page, action string, form url.Values) string {
	v.t.Helper()
	code, body, header := v.send(page, action, form)
	require.Equal(v.t, http.StatusSeeOther, code, "%s: %s", action, plain(body))
	return header.Get("Location")
}

func (v *visitor) login() {
	v.t.Helper()
	require.Equal(v.t, "/", v.must("/login", "/login", url.Values{"login": {demo.Login}, "password": {demo.Password}}))
}

var (
	tags   = regexp.MustCompile(`(?s)<script.*?</script>|<svg.*?</svg>|<[^>]*>`)
	spaces = regexp.MustCompile(`\s+`)
)

// plain is a page's text.
func plain(page string) string {
	return strings.TrimSpace(spaces.ReplaceAllString(html.UnescapeString(tags.ReplaceAllString(page, " ")), " "))
}

// shop finds the first shop of a provider that takes cards.
func (w *world) shop(provider string) store.Shop {
	w.t.Helper()
	all, err := w.store.Shops(w.t.Context(), w.store.DB)
	require.NoError(w.t, err)
	for _, x := range all {
		if x.Provider == provider && !x.Settings.SBPOnly {
			return x
		}
	}
	require.Fail(w.t, "no shop of "+provider)
	return store.Shop{}
}

// client makes a client and gives his number.
func (w *world) client(name string) int64 {
	w.t.Helper()
	to := w.staff.must("/clients", "/clients", url.Values{"name": {name}, "email": {"client@mail.example"}, "phone": {"8 (916) 123-45-67"}})
	id, err := strconv.ParseInt(strings.TrimPrefix(to, "/clients/"), 10, 64)
	require.NoError(w.t, err)
	return id
}

// invoice issues an invoice as the staff do.
func (w *world) invoice(client int64, shop store.Shop, amount string) store.Invoice {
	w.t.Helper()
	to := w.staff.must(fmt.Sprintf("/clients/%d", client), "/invoices", url.Values{"client": {fmt.Sprint(client)}, "shop": {fmt.Sprint(shop.ID)}, "amount": {amount}, "description": {"Занятия, октябрь"}})
	id, err := strconv.ParseInt(strings.TrimPrefix(to, "/invoices/"), 10, 64)
	require.NoError(w.t, err)
	return w.read(id)
}

func (w *world) read(invoice int64) store.Invoice {
	w.t.Helper()
	i, err := w.store.Invoice(w.t.Context(), w.store.DB, invoice)
	require.NoError(w.t, err)
	return i
}

// attempt is the last attempt of an invoice.
func (w *world) attempt(invoice int64) store.Attempt {
	w.t.Helper()
	all, err := w.store.Attempts(w.t.Context(), w.store.DB, invoice)
	require.NoError(w.t, err)
	require.NotEmpty(w.t, all)
	return all[len(all)-1]
}

// open presses «Оплатить» on the invoice's page and gives the provider's page.
func (w *world) open(i store.Invoice) string {
	w.t.Helper()
	return newVisitor(w.t, w.url).must("/p/"+i.Short, "/p/"+i.Short+"/pay", nil)
}

// pay pays an invoice in the sandbox.
func (w *world) pay(i store.Invoice, shop store.Shop) {
	w.t.Helper()
	link := w.open(i)
	if !strings.HasPrefix(link, "/p/") { // an SBP code is shown on the CRM's own page
		resp, err := http.Get(link)
		require.NoError(w.t, err)
		_ = resp.Body.Close()
		require.Equal(w.t, http.StatusOK, resp.StatusCode, link)
	}
	require.NoError(w.t, w.demo.PayInSandbox(shop, w.attempt(i.ID)))
}

// until waits for an invoice's status.
func (w *world) until(invoice int64, status string) store.Invoice {
	w.t.Helper()
	require.Eventually(w.t, func() bool { return w.read(invoice).Status.String() == status }, 20*time.Second, 20*time.Millisecond, "%d: want %s\n%s", invoice, status, lazy(func() string { return plain(w.staff.get(fmt.Sprintf("/invoices/%d", invoice))) }))
	return w.read(invoice)
}

// balance is the client's, by his page as the staff see it.
func (w *world) balance(client int64) money.Amount {
	w.t.Helper()
	found := regexp.MustCompile(`id="balance" data-kopecks="(-?\d+)"`).FindStringSubmatch(w.staff.get(fmt.Sprintf("/clients/%d", client)))
	require.NotNil(w.t, found)
	n, err := strconv.ParseInt(found[1], 10, 64)
	require.NoError(w.t, err)
	return money.Amount(n)
}

var formInput = regexp.MustCompile(`name="form" value="([^"]+)"`)

// giveBack refunds through the form.
func (w *world) giveBack(attempt int64, amount string) {
	w.t.Helper()
	page := fmt.Sprintf("/attempts/%d/refund", attempt)
	form := formInput.FindStringSubmatch(w.staff.get(page))
	require.NotNil(w.t, form)
	w.staff.must(page, page, url.Values{"form": {form[1]}, "amount": {amount}, "reason": {"Отмена занятия"}, "sure": {"yes"}})
}

// lazy is a message that is made only if a test fails.
type lazy func() string

func (l lazy) String() string { return l() }
