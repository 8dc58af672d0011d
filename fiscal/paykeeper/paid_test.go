package paykeeper_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper/paykeepertest"
)

// payingTransport lets the customer pay just before the first request whose
// path is at.
type payingTransport struct {
	to  http.RoundTripper
	at  string
	pay func()
}

func (t *payingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Path == t.at && t.pay != nil {
		pay := t.pay
		t.pay = nil
		pay()
	}
	return t.to.RoundTrip(r)
}

// A payment that comes in while it is looked for has its invoice's number, as
// its notification says: under two numbers it would be credited twice.
func TestPaidWhileLookedFor(t *testing.T) {
	for at, look := range map[string]func(a *paykeeper.Acquirer) (*acquiring.Payment, error){
		"/info/payments/search/": func(a *paykeeper.Acquirer) (*acquiring.Payment, error) { return a.FindByOrder(t.Context(), "A-7") },
		"/info/payments/bydate/": func(a *paykeeper.Acquirer) (p *acquiring.Payment, err error) {
			for p, err = range a.Payments(t.Context(), acquiring.Filter{}) {
				break
			}
			return p, err
		},
	} {
		t.Run(at, func(t *testing.T) {
			srv := paykeepertest.NewServer(paykeepertest.WithoutListening())
			t.Cleanup(srv.Close)
			cfg := srv.Config()
			way := &payingTransport{to: srv.Client().Transport, at: at}
			cfg.HTTPClient = &http.Client{Transport: way}
			c, err := paykeeper.New(cfg)
			require.NoError(t, err)
			inv, err := c.Acquirer().CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-7", Amount: 149990, Description: "Октябрь"})
			require.NoError(t, err)
			way.pay = func() { require.NoError(t, srv.Pay(string(inv.ID))) }
			p, err := look(c.Acquirer())
			require.NoError(t, err)
			require.Nil(t, way.pay, "it was paid meanwhile")
			require.NotNil(t, p)
			assert.Equal(t, acquiring.StatusPaid, p.Status)
			assert.Equal(t, inv.ID, p.ID)
		})
	}
}
