package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// forgetful stands before a gateway that does not know a refund by its key: the
// legacy one's manual has no externalRefundId. deaf makes it fall silent after
// the next refund.
func (w *world) forgetful(base string, deaf *atomic.Bool) string {
	target, err := url.Parse(base)
	require.NoError(w.t, err)
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&url.URL{Scheme: target.Scheme, Host: target.Host})
		body, err := io.ReadAll(r.In.Body)
		if err != nil {
			return
		}
		form, err := url.ParseQuery(string(body))
		if err == nil && form.Has("externalRefundId") {
			form.Del("externalRefundId")
			body = []byte(form.Encode())
		}
		r.Out.Body, r.Out.ContentLength = io.NopCloser(strings.NewReader(string(body))), int64(len(body))
		r.Out.Header.Set("Content-Length", strconv.Itoa(len(body)))
	}}
	var silent atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if silent.Load() && deaf.Load() {
			http.Error(w, "", http.StatusServiceUnavailable)
			return
		}
		silent.Store(deaf.Load() && strings.HasSuffix(r.URL.Path, "/refund.do"))
		proxy.ServeHTTP(w, r)
	}))
	w.t.Cleanup(server.Close)
	return server.URL + target.Path
}

// TestUnknownOutcomeAtAForgetfulGateway: the legacy gateway need not know the
// keys of refunds, so one whose answer was lost is looked for in the sums
// before it is asked for again.
func TestUnknownOutcomeAtAForgetfulGateway(t *testing.T) {
	t.Parallel()
	for _, crash := range []bool{false, true} {
		w := newWorld(t, time.Hour)
		form := w.settingsForm("sberbank-legacy", "", "none")
		var deaf atomic.Bool
		form.Set("base_url", w.forgetful(form.Get("base_url"), &deaf))
		shop, client := w.newShop(form), w.client("Дмитрий Лебедев")
		i := w.invoice(client, shop, "1000")
		w.pay(i, shop)
		w.until(i.ID, "paid")
		a := w.attempt(i.ID)
		w.bank.Sberbank.Fail(emulator.Fault{Op: "refund.do", Kind: emulator.Cut, Times: -1})
		w.bank.Sberbank.Mischief(emulator.Mischief{Lose: -1})
		deaf.Store(!crash) // and the status cannot be read either
		w.giveBack(a.ID, "400")
		refunds, err := w.store.Refunds(t.Context(), w.store.DB, a.ID)
		require.NoError(t, err)
		require.Len(t, refunds, 1)
		page := fmt.Sprintf("/invoices/%d", i.ID)
		if !crash {
			require.Equal(t, store.RefundUnclear, refunds[0].Status)
			// While the bank cannot be asked, nothing is sent again.
			check, _, _ := w.staff.send(page, fmt.Sprintf("/refunds/%d/check", refunds[0].ID), nil)
			require.NotEqual(t, http.StatusInternalServerError, check)
			order, _ := w.bank.Sberbank.Order(string(a.PaymentID))
			require.Equal(t, money.RUB(400, 0), order.Refunded)
		} else {
			// The program ended before the answer: nothing of it is stored.
			refunds[0].Status, refunds[0].ProviderID, refunds[0].Trouble = store.RefundNew, "", ""
			require.NoError(t, w.store.SaveRefund(t.Context(), w.store.DB, refunds[0]))
		}
		w.bank.Sberbank.ClearFaults()
		deaf.Store(false)
		w.staff.must(page, fmt.Sprintf("/refunds/%d/check", refunds[0].ID), nil)
		w.until(i.ID, "partially_refunded")
		order, ok := w.bank.Sberbank.Order(string(a.PaymentID))
		require.True(t, ok)
		require.Equal(t, money.RUB(400, 0), order.Refunded)
		require.Equal(t, money.RUB(600, 0), w.balance(client))
		refund, err := w.store.Refund(t.Context(), w.store.DB, refunds[0].ID)
		require.NoError(t, err)
		require.Equal(t, store.RefundDone, refund.Status)
	}
}
