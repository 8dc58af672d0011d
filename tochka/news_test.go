package tochka

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// forgetful is a Ledger whose database is down.
type forgetful struct {
	Ledger
	down error
}

func (l *forgetful) OfPayment(ctx context.Context, shop, kind, payment string) ([]LedgerEntry, error) {
	if l.down != nil {
		return nil, l.down
	}
	return l.Ledger.OfPayment(ctx, shop, kind, payment)
}

func (l *forgetful) ByID(ctx context.Context, shop, kind, id string) (*LedgerEntry, error) {
	if l.down != nil {
		return nil, l.down
	}
	return l.Ledger.ByID(ctx, shop, kind, id)
}

// While the ledger cannot be read, nobody knows whose order was paid, or what
// was given back: the news is not taken, and the bank sends it again.
func TestNewsWaitsForTheLedger(t *testing.T) {
	down := errors.New("database is down")
	ledger := &forgetful{Ledger: NewMemoryLedger(0)}
	b := newTill(t)
	c := hooked(t, b.bank, func(c *Config) { c.Ledger = ledger })
	_, err := c.Charge(t.Context(), charge("month-1", b.amount))
	require.NoError(t, err)
	news := func() (*acquiring.Callback, error) {
		return c.VerifyCallback(t.Context(), notification(fixture(t, "vector1.jwt")))
	}
	ledger.down = down
	_, err = news()
	require.ErrorIs(t, err, down, "not the subscription's number for the charge's")
	assert.True(t, acquiring.Temporary(err))
	_, err = c.GetStatus(t.Context(), opID+":101")
	require.ErrorIs(t, err, down)
	ledger.down = nil
	cb, err := news()
	require.NoError(t, err)
	assert.Equal(t, "month-1", cb.OrderID)

	// A code's order is in the ledger alone, and so is what was given back.
	codes := newBank(t).on(makeQR, fixture(t, "qr_created.json")).on(readQR, codeOf(time.Now())).on(stateQR, stateOf("Accepted")).
		on(listSBP, `{"Data":{"Payments":[{"qrcId":"`+qrID+`","status":"Accepted","refTransactionId":"cb1ef10b"}]},"Meta":{"totalPages":1}}`).
		on(backSBP, `{"Data":{"requestId":"openapi-1","status":"Accepted"}}`).on("GET sbp/v1.0/refund/openapi-1", `{"Data":{"requestId":"openapi-1","status":"Accepted"}}`)
	c = hooked(t, codes, func(c *Config) { c.Ledger, c.SBPMerchantID, c.AccountID = ledger, "MF0000000001", account })
	_, err = c.CreateQR(t.Context(), qrOrder())
	require.NoError(t, err)
	_, err = c.Refund(t.Context(), acquiring.RefundRequest{ID: qrID, Key: "k", Amount: 49050})
	require.NoError(t, err)
	payload := `{"webhookType":"incomingSbpPayment","customerCode":"300777001","operationId":"A6280112233445566778899AABBCCDDE","qrcId":"` + qrID + `","amount":"1490.50","merchantId":"MF0000000001"}`
	ledger.down = down
	_, err = c.VerifyCallback(t.Context(), notification(signed(t, payload)))
	require.ErrorIs(t, err, down)
	_, err = c.GetStatus(t.Context(), qrID)
	require.ErrorIs(t, err, down, "a payment of which a part was given back is not shown as paid whole")
	ledger.down = nil
	cb, err = c.VerifyCallback(t.Context(), notification(signed(t, payload)))
	require.NoError(t, err)
	assert.Equal(t, "crm-10051", cb.OrderID)
	p, err := c.GetStatus(t.Context(), qrID)
	require.NoError(t, err)
	assert.Equal(t, acquiring.StatusPartiallyRefunded, p.Status)
}

// The bank announces a charge sooner than its answer comes, or instead of it:
// the news has the charge's own order number all the same.
func TestNewsOfAChargeWhoseAnswerWasLost(t *testing.T) {
	b := newTill(t)
	c := hooked(t, b.bank)
	_, err := c.Charge(t.Context(), charge("month-1", b.amount))
	require.NoError(t, err)
	b.fault = []string{"blind"}
	_, err = c.Charge(t.Context(), charge("month-2", b.amount))
	require.True(t, unsure(err), err)
	b.mu.Lock()
	b.blind = false
	b.mu.Unlock()
	cb, err := c.VerifyCallback(t.Context(), notification(fixture(t, "vector1.jwt")))
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(opID+":102"), cb.PaymentID)
	assert.Equal(t, "month-2", cb.OrderID)
	p, err := c.Charge(t.Context(), charge("month-2", b.amount))
	require.NoError(t, err)
	assert.Equal(t, cb.PaymentID, p.ID)
	b.see(2, 0)

	// One that did not arrive has no part in another's news.
	b.fault = []string{"drop"}
	_, err = c.Charge(t.Context(), charge("month-3", b.amount))
	require.True(t, unsure(err), err)
	cb, err = c.VerifyCallback(t.Context(), notification(fixture(t, "vector1.jwt")))
	require.NoError(t, err)
	assert.Equal(t, "month-2", cb.OrderID)
	// Of two nobody knows which it was.
	_, err = c.ledger.Begin(t.Context(), LedgerEntry{Shop: "school", Kind: LedgerCharge, Payment: opID, Key: "month-4", Amount: b.amount, Seen: []string{"1", "101", "102"}, Owner: "other"})
	require.NoError(t, err)
	b.mu.Lock()
	b.orders = append(b.orders, movement("103", "approval", b.amount.String(), "2026-11-03T09:24:07+03:00"))
	b.mu.Unlock()
	cb, err = c.VerifyCallback(t.Context(), notification(fixture(t, "vector1.jwt")))
	require.NoError(t, err)
	assert.Equal(t, "crm-10045", cb.OrderID, "the subscription's")
}

// The bank repeats its news for five minutes: a key that could not be fetched
// once must be fetched within them, and not only after.
func TestWebhookKeyThatWasNotFetchedIsFetchedAgain(t *testing.T) {
	const published = "GET /doc/openapi/static/keys/public"
	b := newBank(t).answer(published, answer{status: 404}).on(published, fixture(t, "test_only_jwk.json"))
	c := b.client(func(c *Config) { c.Environment, c.RefreshWebhookKey, c.BaseURL = acquiring.Test, true, b.URL+"/uapi" })
	now := time.Now()
	c.now = func() time.Time { return now }
	news := func() error {
		_, err := c.VerifyCallback(t.Context(), notification(fixture(t, "vector2.jwt")))
		return err
	}
	require.ErrorIs(t, news(), acquiring.ErrSignature)
	require.ErrorIs(t, news(), acquiring.ErrSignature)
	assert.Len(t, b.calls(published), 1, "not at each piece of rubbish")
	now = now.Add(29 * time.Second)
	require.ErrorIs(t, news(), acquiring.ErrSignature)
	assert.Len(t, b.calls(published), 1, "nor before half a minute is over")
	now = now.Add(2 * time.Second)
	require.NoError(t, news())

	// Fetched, it is kept for five minutes, whatever strangers send.
	stranger := func() {
		_, err := c.VerifyCallback(t.Context(), notification(fixture(t, "vector2.jwt")[:900]+"AAAA"))
		require.ErrorIs(t, err, acquiring.ErrSignature)
	}
	now = now.Add(5*time.Minute - time.Second)
	stranger()
	assert.Len(t, b.calls(published), 2)
	now = now.Add(2 * time.Second)
	stranger()
	stranger()
	assert.Len(t, b.calls(published), 3)

	// A stranger who hangs up at once does not spoil it.
	b = newBank(t).on(published, fixture(t, "test_only_jwk.json"))
	c = b.client(func(c *Config) { c.Environment, c.RefreshWebhookKey, c.BaseURL = acquiring.Test, true, b.URL+"/uapi" })
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, _ = c.VerifyCallback(gone, notification(fixture(t, "vector2.jwt")[:900]+"AAAA"))
	require.NoError(t, news())
}

// Two pieces of news under a new key at the same moment: the second waits for
// the key that the first fetches, and is read with it.
func TestWebhookKeyIsFetchedForAllWhoWait(t *testing.T) {
	jwk := fixture(t, "test_only_jwk.json")
	asked, answer := make(chan struct{}, 10), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked <- struct{}{}
		<-answer
		_, _ = w.Write([]byte(jwk))
	}))
	defer srv.Close()
	c, err := New(Config{Environment: acquiring.Test, BaseURL: srv.URL + "/uapi", Token: secret, CustomerCode: company, RefreshWebhookKey: true})
	require.NoError(t, err)
	results := make(chan error, 2)
	for range 2 {
		go func() {
			_, err := c.VerifyCallback(context.Background(), notification(strings.TrimSpace(fixture(t, "vector2.jwt"))))
			results <- err
		}()
	}
	<-asked
	time.Sleep(50 * time.Millisecond)
	close(answer)
	require.NoError(t, <-results)
	require.NoError(t, <-results)
}
