package acquiringtest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// carried is Memory whose notifications come in another form than its own: in
// the query of a GET, as JSON signed in a header, as a signed token. The suite
// must find its way in each.
type carried struct {
	*Memory
	pack   func(m *Memory, form url.Values, raw string) *http.Request
	unpack func(m *Memory, r *http.Request) (url.Values, error)
}

func (c carried) callbacks(id acquiring.PaymentID) []*http.Request {
	var out []*http.Request
	for _, r := range c.Memory.Callbacks(id) {
		form, raw := readAll(r)
		out = append(out, c.pack(c.Memory, form, string(raw)))
	}
	return out
}

func (c carried) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	form, err := c.unpack(c.Memory, r)
	if err != nil {
		return nil, err
	}
	inner := Delivered(http.MethodPost, "https://shop.example/callback", nil, []byte(form.Encode()))
	return c.Memory.VerifyCallback(ctx, inner)
}

func packQuery(_ *Memory, _ url.Values, raw string) *http.Request {
	return Delivered(http.MethodGet, "https://shop.example/callback?"+raw, nil, nil)
}

func unpackQuery(_ *Memory, r *http.Request) (url.Values, error) {
	body := Delivered(http.MethodPost, "https://shop.example/callback", nil, []byte(r.URL.RawQuery))
	form, _, err := parseMemoryForm(body)
	return form, err
}

func mac(m *Memory, text string) string {
	h := hmac.New(sha256.New, append([]byte("outer"), m.bank.key...))
	_, _ = io.WriteString(h, text)
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// nested is the form as a document with levels: {"order":{"order":…},"news":[…]}.
func nested(form url.Values) []byte {
	return mustJSON(map[string]any{
		"payment": form.Get("payment"), "shop": form.Get("shop"), "status": form.Get("status"), "sign": form.Get("sign"),
		"invoice": map[string]any{"order": form.Get("order"), "sum": json.Number(form.Get("amount"))},
		"news":    []any{json.Number(form.Get("news")), nil, true},
	})
}

func flat(body []byte) (url.Values, error) {
	var n struct {
		Payment, Shop, Status, Sign string
		Invoice                     struct {
			Order string
			Sum   json.Number
		}
		News []any
	}
	dec := json.NewDecoder(strings.NewReader(string(body)))
	dec.UseNumber()
	if err := dec.Decode(&n); err != nil || dec.More() || len(n.News) == 0 {
		return nil, forged("it is no document of ours")
	}
	number, _ := n.News[0].(json.Number)
	form := url.Values{
		"payment": {n.Payment}, "shop": {n.Shop}, "status": {n.Status}, "order": {n.Invoice.Order},
		"amount": {n.Invoice.Sum.String()}, "news": {number.String()},
	}
	if n.Sign != "" {
		form.Set("sign", n.Sign)
	}
	return form, nil
}

func limited(r *http.Request) ([]byte, error) {
	if r.Body == nil {
		return nil, forged("it has no body")
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, memoryBodyLimit+1))
	if err != nil || len(body) > memoryBodyLimit {
		return nil, forged("its body cannot be read, or is larger than 64 KiB")
	}
	return body, nil
}

func packJSON(m *Memory, form url.Values, _ string) *http.Request {
	body := nested(form)
	return Delivered("", "https://shop.example/callback?shop=1", http.Header{"Content-Type": {"application/json"}, "X-Signature": {mac(m, string(body))}}, body)
}

func unpackJSON(m *Memory, r *http.Request) (url.Values, error) {
	body, err := limited(r)
	if err != nil {
		return nil, err
	}
	if !hmac.Equal([]byte(r.Header.Get("X-Signature")), []byte(mac(m, string(body)))) {
		return nil, forged("its signature is not the provider's")
	}
	return flat(body)
}

const tokenHead = `{"alg":"HS256","typ":"JWT"}`

func packToken(m *Memory, form url.Values, _ string) *http.Request {
	text := base64.RawURLEncoding.EncodeToString([]byte(tokenHead)) + "." + base64.RawURLEncoding.EncodeToString(nested(form))
	return Delivered("", "https://shop.example/callback", http.Header{"Content-Type": {"text/plain"}}, []byte(text+"."+mac(m, text)))
}

func unpackToken(m *Memory, r *http.Request) (url.Values, error) {
	body, err := limited(r)
	if err != nil {
		return nil, err
	}
	parts := strings.Split(string(body), ".")
	if len(parts) != 3 || parts[0] != base64.RawURLEncoding.EncodeToString([]byte(tokenHead)) ||
		!hmac.Equal([]byte(parts[2]), []byte(mac(m, parts[0]+"."+parts[1]))) {
		return nil, forged("its signature is not the provider's")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, forged("it is no token")
	}
	return flat(payload)
}

// carrierHarness is Memory with notifications of that form.
func carrierHarness(opt MemoryOptions, c carried, signature ...string) Harness {
	h := memoryHarness(opt, nil)
	h.Quirks.Signature = signature
	inner := h.New
	h.New = func(t testing.TB, so ShopOptions) *Shop {
		s := inner(t, so)
		c := c
		c.Memory = s.Config.(*Memory)
		s.Acquirer, s.Callbacks = c, c.callbacks
		return s
	}
	return h
}

func TestMemoryCallbacksInQuery(t *testing.T) {
	Run(t, carrierHarness(MemoryOptions{}, carried{pack: packQuery, unpack: unpackQuery}, "sign"))
}

func TestMemoryCallbacksInJSON(t *testing.T) {
	Run(t, carrierHarness(MemoryOptions{}, carried{pack: packJSON, unpack: unpackJSON}, "X-Signature"))
}

func TestMemoryCallbacksInUnsignedJSON(t *testing.T) {
	unpack := func(m *Memory, r *http.Request) (url.Values, error) {
		body, err := limited(r)
		if err != nil {
			return nil, err
		}
		return flat(body)
	}
	Run(t, carrierHarness(MemoryOptions{UnsignedCallbacks: true}, carried{pack: packJSON, unpack: unpack}))
}

func TestMemoryCallbacksInToken(t *testing.T) {
	Run(t, carrierHarness(MemoryOptions{}, carried{pack: packToken, unpack: unpackToken}))
}

// carrierMutants believe what they should not; the inner signature of Memory
// is made anew, so that only the outer one can save them.
var carrierMutants = map[string]struct {
	c         carried
	signature []string
	want      []string
}{
	"carrier: JSON without header": {carried{pack: packJSON, unpack: func(m *Memory, r *http.Request) (url.Values, error) {
		body, err := limited(r)
		if err != nil {
			return nil, err
		}
		if s := r.Header.Get("X-Signature"); s != "" && s != mac(m, string(body)) {
			return nil, forged("its signature is not the provider's")
		}
		return resigned(m, body)
	}}, []string{"X-Signature"}, []string{"Forgery/ChangedAndRemoved", "Forgery/SignatureChanged", "Forgery/PaidNewsForAnotherPayment"}},
	"carrier: token with alg none": {carried{pack: packToken, unpack: func(m *Memory, r *http.Request) (url.Values, error) {
		body, err := limited(r)
		if err != nil {
			return nil, err
		}
		parts := strings.Split(string(body), ".")
		if len(parts) != 3 {
			return nil, forged("it is no token")
		}
		head, _ := base64.RawURLEncoding.DecodeString(parts[0])
		if !strings.Contains(string(head), "none") && parts[2] != mac(m, parts[0]+"."+parts[1]) {
			return nil, forged("its signature is not the provider's")
		}
		payload, err := base64.RawURLEncoding.DecodeString(parts[1])
		if err != nil {
			return nil, forged("it is no token")
		}
		return resigned(m, payload)
	}}, nil, []string{"Forgery/TokenWithoutSignature", "Forgery/PaidNewsForAnotherPayment"}},
	"carrier: token unchecked": {carried{pack: packToken, unpack: func(m *Memory, r *http.Request) (url.Values, error) {
		body, err := limited(r)
		if err != nil {
			return nil, err
		}
		_, rest, _ := strings.Cut(string(body), ".")
		middle, _, _ := strings.Cut(rest, ".")
		payload, err := base64.RawURLEncoding.DecodeString(middle)
		if err != nil {
			return nil, forged("it is no token")
		}
		return resigned(m, payload)
	}}, nil, []string{"Forgery/ValueChanged", "Forgery/TokenWithoutSignature", "Forgery/AnotherShopsNews"}},
	"carrier: query unchecked": {carried{pack: packQuery, unpack: func(m *Memory, r *http.Request) (url.Values, error) {
		form, err := unpackQuery(m, r)
		if err != nil {
			return nil, err
		}
		form.Set("sign", m.bank.sign(form))
		return form, nil
	}}, []string{"sign"}, []string{"Forgery/ValueChanged", "Forgery/SignatureChanged", "Forgery/ByteFlipped"}},
}

// resigned is the document as if Memory had signed it.
func resigned(m *Memory, body []byte) (url.Values, error) {
	form, err := flat(body)
	if err == nil {
		form.Set("sign", m.bank.sign(form))
	}
	return form, err
}

func runCarrierMutant(t *testing.T, name string) bool {
	t.Helper()
	x, ok := carrierMutants[name]
	if ok {
		Run(t, carrierHarness(MemoryOptions{}, x.c, x.signature...))
	}
	return ok
}

func TestTheSuiteFindsCarrierMutants(t *testing.T) {
	for name, m := range carrierMutants {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			findMutant(t, name, m.want)
		})
	}
}

// TestQuirks runs the suite over providers that can do less: each is Memory
// that refuses, and whose harness says so.
func TestQuirks(t *testing.T) {
	t.Run("whole sums only", func(t *testing.T) {
		h := memoryHarness(MemoryOptions{}, capturing(func(m *Memory, ctx ctxT, r acquiring.CaptureRequest) (*acquiring.Payment, error) {
			if r.Amount > 0 && r.Amount != ordinarySum {
				return nil, acquiring.Unsupported(memoryName, "Capture", "takes the whole hold only")
			}
			return m.Capture(ctx, r)
		}))
		h.Quirks.NoPartialCapture, h.Quirks.NoPartialRefund = true, true
		h.Skip["Hold/InvalidRefusedBeforeSending"] = "shown elsewhere"
		Run(t, h)
	})
	t.Run("no receipts, silent, one refund", func(t *testing.T) {
		h := memoryHarness(MemoryOptions{}, creating(func(m *Memory, ctx ctxT, r acquiring.InvoiceRequest) (*acquiring.Invoice, error) {
			if r.Receipt != nil {
				return nil, acquiring.Unsupported(memoryName, "CreateInvoice", "prints no receipts")
			}
			return m.CreateInvoice(ctx, r)
		}))
		h.Quirks.NoReceipt, h.Quirks.SingleRefund = true, true
		h.Quirks.Silent = []acquiring.Status{acquiring.StatusPaid, acquiring.StatusRefunded, acquiring.StatusExpired, acquiring.StatusDeclined}
		h.Quirks.MaxOrderID = 0
		h.Sequential = true
		h.OrderID = func(n int) string {
			return "2026-" + strings.Repeat("0", 3) + string(rune('0'+n/10)) + string(rune('0'+n%10))
		}
		h.Prepare = func(r *acquiring.InvoiceRequest) { r.Language = "ru" }
		Run(t, h)
	})
	t.Run("four methods only", func(t *testing.T) {
		h := memoryHarness(MemoryOptions{}, func(m *Memory) acquiring.Acquirer { return struct{ acquiring.Acquirer }{m} })
		Run(t, h)
	})
}

func TestDelivered(t *testing.T) {
	r := Delivered("", "https://shop.example/callback?a=1", http.Header{"X-Sign": {"1"}}, []byte("body"))
	body, err := io.ReadAll(r.Body)
	require.NoError(t, err)
	assert.Equal(t, "body", string(body))
	assert.Equal(t, http.MethodPost, r.Method)
	assert.Equal(t, "1", r.URL.Query().Get("a"))
	assert.Equal(t, "1", r.Header.Get("X-Sign"))
}

func TestSameOrder(t *testing.T) {
	assert.True(t, SameOrder("A-7", "A-7"))
	assert.True(t, SameOrder("A-7_2", "A-7"))
	assert.True(t, SameOrder("A-7_2", "A-7_2"))
	assert.False(t, SameOrder("A-7", "A-7_2"))
	assert.False(t, SameOrder("A-77", "A-7"))
}
