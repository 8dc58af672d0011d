package paymaster

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// FuzzNotification: whatever comes to the address of the classic protocol, it
// is refused with ErrSignature or signed in truth; the quick way of reading it
// and the long one agree.
func FuzzNotification(f *testing.F) {
	c, err := NewClassic(ClassicConfig{Environment: acquiring.Production, MerchantID: merchant, SecretKey: secretKey, Hash: SHA256})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body string) {
		quick, err := readClassic(nil, []byte(body))
		long, errLong := readLong([]byte(body))
		require.Equal(t, errLong, err)
		if err == nil {
			for f := range long.values {
				require.Equal(t, string(long.values[f]), string(quick.values[f]))
			}
			require.Equal(t, string(long.canonical), string(quick.canonical))
			require.Equal(t, long.present, quick.present)
		}
		cb, err := c.VerifyCallback(ctx, post(body))
		if err != nil {
			if !errors.Is(err, acquiring.ErrSignature) || strings.Contains(err.Error(), secretKey) {
				t.Fatalf("%v", err)
			}
			return
		}
		n, err := ParseNotification(cb.Raw)
		if err != nil {
			t.Fatalf("accepted, and then not read: %v", err)
		}
		switch {
		case cb.Kind == acquiring.CallbackQuestion:
			if !n.PreRequest || cb.Signed || cb.Status.Succeeded() {
				t.Fatal("a question that is none")
			}
		case n.PreRequest || n.Test || n.Amount != cb.Amount:
			t.Fatalf("a payment that is none: %+v", n)
		default:
			var signed []string
			for _, name := range signedNames {
				value, _ := n.Fields.Get(name)
				if strings.Contains(value, ";") {
					t.Fatal("a semicolon among what is signed")
				}
				signed = append(signed, value)
			}
			if sum, _ := n.Fields.Get("LMI_HASH"); sum != c.sign.join(signed...) {
				t.Fatalf("a payment that nobody signed: %+v", n)
			}
		}
	})
}

// FuzzCallback: whatever comes to the address of the API v2, what is told of it
// is what PayMaster answered.
func FuzzCallback(f *testing.F) {
	truth := payment(StatusSettled, "")
	b := answers{"/api/v2/payments/734512": truth, "/api/v2/payments/1": strings.NewReplacer("734512", "1", "Settled", "Pending").Replace(truth),
		"/api/v2/refunds": `{"items":[]}`, "/api/v2/paymenttokens/5d0ce1": `{"id":"5d0ce1","status":"Active"}`}
	c, err := New(Config{Environment: acquiring.Test, MerchantID: merchant, Token: token, HTTPClient: &http.Client{Transport: b}})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		cb, err := c.VerifyCallback(ctx, post(string(body)))
		if err != nil {
			if !errors.Is(err, acquiring.ErrSignature) {
				t.Fatalf("%v", err)
			}
			return
		}
		switch {
		case cb.Signed:
			t.Fatal("nothing is signed")
		case cb.Kind == acquiring.CallbackOther:
		case cb.Payment == nil || cb.Payment.ID != cb.PaymentID || cb.Status != cb.Payment.Status:
			t.Fatalf("%+v", cb)
		case cb.Status == acquiring.StatusPaid && cb.PaymentID != "734512":
			t.Fatal("an unpaid payment is paid")
		}
	})
}

// answers is PayMaster without a network.
type answers map[string]string

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	body, ok := a[r.URL.Path]
	if !ok {
		return (stub{``}).status(r, 404)
	}
	return (stub{body}).status(r, 200)
}

// FuzzAnswers: an answer of either API is read or refused with an error of
// ours; what is read agrees with itself.
func FuzzAnswers(f *testing.F) {
	f.Fuzz(func(t *testing.T, status uint16, body []byte) {
		s := stub{string(body)}
		transport := roundTrip(func(r *http.Request) (*http.Response, error) { return s.status(r, 100+int(status%500)) })
		c, err := New(Config{Environment: acquiring.Test, MerchantID: merchant, Token: token, HTTPClient: &http.Client{Transport: transport}})
		require.NoError(t, err)
		old, err := NewClassic(ClassicConfig{Environment: acquiring.Test, MerchantID: merchant, SecretKey: secretKey, Hash: MD5, Login: "l", Password: "p",
			HTTPClient: &http.Client{Transport: transport}})
		require.NoError(t, err)
		once, cancel := context.WithCancel(ctx)
		defer cancel()
		own := func(err error) {
			var e *acquiring.Error
			if err != nil && (!errors.As(err, &e) || e.Provider != provider || e.Kind == nil || strings.Contains(err.Error(), token)) {
				t.Fatalf("%v", err)
			}
		}
		// Writes are not repeated, so that no test waits.
		if inv, err := c.IssueInvoice(once, InvoiceCreate{}); err == nil && (inv.PaymentID == "" || inv.URL == "") {
			t.Fatal("an invoice without number or address")
		} else {
			own(err)
		}
		if p, err := c.CreatePayment(once, PaymentCreate{}); err == nil {
			got := p.Payment(nil)
			if got.Status == acquiring.StatusPaid && p.Status != StatusSettled {
				t.Fatal("paid without Settled")
			}
			if kept := *got; kept.Raw == nil || json.Valid(kept.Raw) {
				if _, err := json.Marshal(kept); err != nil {
					t.Fatalf("a payment that cannot be stored: %v", err)
				}
			}
		} else {
			own(err)
		}
		_, err = c.CreateRefund(once, RefundCreate{PaymentID: "1"})
		own(err)
		own(c.CancelPayment(once, "1"))
		if p, err := old.ConfirmPayment(once, "1", 0); err == nil {
			if got := old.payment("", p, 0); got.Status == acquiring.StatusPaid && p.State != StateComplete {
				t.Fatal("paid without COMPLETE")
			}
		} else {
			own(err)
		}
		_, err = old.RefundPayment(once, "1", 1, "", nil)
		own(err)
	})
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
