package webhook_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/webhook"
)

// A goroutine that process left behind learns that the work is over.
func TestHandlerEndsTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := brokenClient{cb: &acquiring.Callback{PaymentID: "p1", Status: acquiring.StatusPaid, Signed: true,
			Payment: &acquiring.Payment{ID: "p1", OrderID: "A-7", Status: acquiring.StatusPaid, Amount: 1000}}}
		var kept context.Context
		h := webhook.Handler(a, func(ctx context.Context, _ webhook.Event) error {
			kept = ctx
			return ctx.Err()
		}, quiet, webhook.TrustCallback())
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/", nil))
		assert.Equal(t, http.StatusOK, rec.Code)
		synctest.Wait()
		assert.Equal(t, context.Canceled, kept.Err())
	})
}
