package paymaster

import (
	"context"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// Two classic sites number their orders alike, and nobody gave them labels: the
// payments go by those numbers, and each is credited.
func TestTwoSitesWithoutLabelsAreToldApart(t *testing.T) {
	b := newBank(t)
	inbox := webhook.NewMemoryInbox(0)
	credited := map[string]money.Amount{}
	for _, site := range []string{merchant, "0b9c8f4e-2d57-4f0e-9a63-7c1d2e5f8a90"} {
		c := b.classic(working, func(c *ClassicConfig) { c.MerchantID = site })
		h := webhook.Handler(c, func(_ context.Context, e webhook.Event) error {
			credited[site] += e.Payment.Captured
			return nil
		}, webhook.WithInbox(inbox))
		news := vector1()
		news.Set("LMI_MERCHANT_ID", site)
		for range 2 {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, notified(sign(c, news)))
			assert.Equal(t, 200, w.Code)
		}
		assert.Equal(t, money.Amount(149990), credited[site], site)
	}
}
