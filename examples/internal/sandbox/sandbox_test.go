package sandbox

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
	"github.com/acquiring-go/acquiring/webhook"
)

func start(t *testing.T) *Sandbox {
	t.Helper()
	s, err := Start("", Options{})
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

// ways are the protocols by which money is taken.
var ways = []struct {
	name     string
	provider Provider
	client   func(*Sandbox) (acquiring.Acquirer, error)
}{
	{"sberbank", Sberbank, func(s *Sandbox) (acquiring.Acquirer, error) { return sberbank.New(s.SberbankConfig()) }},
	{"sberbank legacy", Sberbank, func(s *Sandbox) (acquiring.Acquirer, error) { return sberbank.New(s.SberbankLegacyConfig()) }},
	{"alfabank", AlfaBank, func(s *Sandbox) (acquiring.Acquirer, error) { return alfabank.New(s.AlfaBankConfig()) }},
	{"paymaster", PayMaster, func(s *Sandbox) (acquiring.Acquirer, error) { return paymaster.New(s.PayMasterConfig()) }},
	{"paymaster classic", PayMaster, func(s *Sandbox) (acquiring.Acquirer, error) { return paymaster.NewClassic(s.PayMasterClassicConfig()) }},
	{"tochka", Tochka, func(s *Sandbox) (acquiring.Acquirer, error) { return tochka.New(s.TochkaConfig()) }},
	{"paykeeper", PayKeeper, func(s *Sandbox) (acquiring.Acquirer, error) {
		c, err := paykeeper.New(s.PayKeeperConfig())
		if err != nil {
			return nil, err
		}
		return c.Acquirer(), nil
	}},
}

// TestEveryProviderTakesAPayment: an invoice by the Config as it is, its page
// opened at the prefix, paid, the callback verified, the money given back.
func TestEveryProviderTakesAPayment(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			client, err := way.client(s)
			require.NoError(t, err)
			events := make(chan webhook.Event, 8)
			handler := webhook.Handler(client, func(_ context.Context, e webhook.Event) error { events <- e; return nil })
			shop := httptest.NewServer(handler)
			defer shop.Close()
			require.NoError(t, s.SetCallbackURL(way.provider, shop.URL+"/hook"))
			require.Equal(t, shop.URL+"/hook", s.CallbackURL(way.provider))

			invoice, err := client.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "A-7", Amount: money.RUB(1500, 50), Description: "Курс английского",
				Customer: acquiring.Customer{ID: "42", Email: "client@example.com", Phone: "+79991234567"}, ReturnURL: shop.URL + "/back"})
			require.NoError(t, err)
			require.True(t, strings.HasPrefix(invoice.PayURL, s.URL+"/"+string(way.provider)+"/"), invoice.PayURL)
			page, err := http.Get(invoice.PayURL)
			require.NoError(t, err)
			_ = page.Body.Close()
			require.Equal(t, http.StatusOK, page.StatusCode)

			require.NoError(t, s.Emulator(way.provider).(interface{ Pay(string) error }).Pay("A-7"))
			var e webhook.Event
			select {
			case e = <-events:
			case <-ctx.Done():
				t.Fatal("no callback")
			}
			assert.Equal(t, acquiring.StatusPaid, e.Payment.Status)
			assert.Equal(t, money.RUB(1500, 50), e.Payment.Captured)
			refund, err := client.Refund(ctx, acquiring.RefundRequest{ID: e.Payment.ID, Key: "back-1", Amount: money.RUB(500, 0)})
			require.NoError(t, err)
			assert.Equal(t, money.RUB(500, 0), refund.Amount)
		})
	}
}

// TestOAuthBelowThePrefix: the consent is made, the user allows it on the
// bank's page, the code becomes a token, and the bank takes it.
func TestOAuthBelowThePrefix(t *testing.T) {
	s := start(t)
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s.Tochka.SetRedirectURL("http://127.0.0.1:1/oauth")
	o, err := tochka.NewOAuth(s.TochkaOAuthConfig())
	require.NoError(t, err)
	browser := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, allow := range []func(link string) string{
		func(link string) string {
			resp, err := browser.PostForm(link, url.Values{"do": {"approve"}})
			require.NoError(t, err)
			_ = resp.Body.Close()
			require.Equal(t, http.StatusSeeOther, resp.StatusCode)
			return resp.Header.Get("Location")
		},
		func(link string) string {
			back, err := s.Tochka.Approve(link)
			require.NoError(t, err)
			return back
		},
	} {
		begun, err := o.Begin(ctx)
		require.NoError(t, err)
		require.True(t, strings.HasPrefix(begun.URL, s.URL+"/tochka/connect/authorize?"), begun.URL)
		back, err := url.Parse(allow(begun.URL))
		require.NoError(t, err)
		require.Equal(t, "127.0.0.1:1", back.Host)
		code, err := o.Returned(back.Query(), begun.State)
		require.NoError(t, err)
		require.NoError(t, o.Exchange(ctx, "school", code))
		c := s.TochkaConfig()
		c.Token, c.TokenSource = "", o.TokenSource("school")
		client, err := tochka.New(c)
		require.NoError(t, err)
		require.NoError(t, client.Check(ctx))
	}
}
