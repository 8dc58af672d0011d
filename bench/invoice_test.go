package bench

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
)

// stub answers every request with the same body, without a network.
type stub struct{ answer string }

func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
	}
	answer := s.answer
	if strings.HasSuffix(r.URL.Path, "/retailers") { // asked once in a client's life
		answer = `{"Data":{"Retailer":[{"status":"REG","isActive":true,"merchantId":"200000000004321","paymentModes":["card","sbp"]}]},"Links":{},"Meta":{"totalPages":1}}`
	}
	return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// order is what is asked of every bank: number, sum, currency, description and
// three addresses. No receipt.
var order = acquiring.InvoiceRequest{OrderID: "CRM-1047", Amount: money.RUB(1549, 90), Description: "Абонемент на октябрь",
	ReturnURL: "https://crm.example/ok", FailURL: "https://crm.example/fail", CallbackURL: "https://crm.example/hooks"}

const (
	bankID     = "7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1"
	registered = `{"errorCode":"0","orderId":"` + bankID + `","formUrl":"https://pay.example/payment/merchants/shop/payment_ru.html?mdOrder=` + bankID + `"}`
)

// BenchmarkCreate is W4: an invoice built, sent to a stub and its answer read,
// beside net/http with the standard encoders, which sends the same bytes.
func BenchmarkCreate(b *testing.B) {
	for _, bank := range []struct {
		name, answer string
		client       func(*http.Client) (acquiring.Acquirer, error)
	}{
		{"Sberbank JSON", registered, func(h *http.Client) (acquiring.Acquirer, error) {
			return sberbank.New(sberbank.Config{Environment: acquiring.Test, UserName: "shop417", Password: "Secret-Password-18", HTTPClient: h})
		}},
		{"Sberbank form", registered, func(h *http.Client) (acquiring.Acquirer, error) {
			return sberbank.New(sberbank.Config{Environment: acquiring.Test, Protocol: sberbank.ProtocolLegacy, UserName: "shop417", Password: "Secret-Password-18", HTTPClient: h})
		}},
		{"Alfa-Bank form", registered, func(h *http.Client) (acquiring.Acquirer, error) {
			return alfabank.New(alfabank.Config{Environment: acquiring.Test, UserName: "shop417", Password: "Secret-Password-18", HTTPClient: h})
		}},
		{"PayMaster JSON", `{"paymentId":"734512","url":"https://paymaster.ru/cpay/1b2c3d4e5f60718293a4b5c6d7e8f901"}`, func(h *http.Client) (acquiring.Acquirer, error) {
			return paymaster.New(paymaster.Config{Environment: acquiring.Test, MerchantID: "7f6c1d1e-0a52-4a5b-9a37-3f0d2f6a9c11", Token: "secret-token-of-the-shop", HTTPClient: h})
		}},
		{"Tochka JSON", `{"Data":{"customerCode":"300777001","operationId":"` + bankID + `","paymentLink":"https://merch.example/order/?uuid=` + bankID + `","paymentLinkId":"CRM-1047","amount":1549.9,"status":"CREATED"},"Links":{},"Meta":{"totalPages":1}}`, func(h *http.Client) (acquiring.Acquirer, error) {
			return tochka.New(tochka.Config{Environment: acquiring.Production, Token: "jwt-key-that-nobody-may-see", ClientID: "client", CustomerCode: "300777001", MerchantID: "200000000004321",
				Methods: []acquiring.Method{acquiring.MethodCard}, HTTPClient: h})
		}},
	} {
		s := &recorder{stub: stub{answer: bank.answer}}
		c, err := bank.client(&http.Client{Transport: s})
		must(b, err)
		if _, err := c.CreateInvoice(ctx, order); err != nil {
			b.Fatal(bank.name, err)
		}
		twin := bareOf(b, s, bank.answer)
		b.Run("create, "+bank.name+"/bare", twin)
		quiet := &http.Client{Transport: &stub{answer: bank.answer}}
		c, err = bank.client(quiet)
		must(b, err)
		b.Run("create, "+bank.name+"/ours", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if inv, err := c.CreateInvoice(ctx, order); err != nil || inv.PayURL == "" {
					b.Fatal(err)
				}
			}
		})
	}
}

// recorder keeps the last request, so that the bare twin sends the same.
type recorder struct {
	stub
	last *http.Request
	sent []byte
}

func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		return r.stub.RoundTrip(req)
	}
	r.last = req
	var err error
	if r.sent, err = io.ReadAll(req.Body); err != nil {
		return nil, err
	}
	req.Body = nil
	return r.stub.RoundTrip(req)
}

// bareOf is the twin: it makes the same body out of the same values with the
// standard library's encoders, sends it and decodes the answer into a struct.
func bareOf(b *testing.B, r *recorder, answer string) func(b *testing.B) {
	contentType := r.last.Header.Get("Content-Type")
	encode := func() io.Reader { return nil }
	if strings.Contains(contentType, "json") {
		dec := json.NewDecoder(bytes.NewReader(r.sent))
		dec.UseNumber()
		var values map[string]any
		must(b, dec.Decode(&values))
		encode = func() io.Reader {
			body, err := json.Marshal(values)
			if err != nil {
				return nil
			}
			return bytes.NewReader(body)
		}
	} else {
		sent, err := url.ParseQuery(string(r.sent))
		must(b, err)
		encode = func() io.Reader {
			values := make(url.Values, len(sent))
			for name := range sent {
				values.Set(name, sent.Get(name))
			}
			return strings.NewReader(values.Encode())
		}
	}
	authorization := r.last.Header.Get("Authorization")
	address := r.last.URL.String()
	client := &http.Client{Transport: &stub{answer: answer}}
	return func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, encode())
			if err != nil {
				b.Fatal(err)
			}
			req.Header.Set("Content-Type", contentType)
			if authorization != "" {
				req.Header.Set("Authorization", authorization)
			}
			resp, err := client.Do(req)
			if err != nil {
				b.Fatal(err)
			}
			var out struct {
				ErrorCode, ErrorMessage, OrderID, FormURL, PaymentID, URL string
				Data                                                      struct{ OperationID, PaymentLink, Status string }
			}
			err = json.NewDecoder(resp.Body).Decode(&out)
			_ = resp.Body.Close()
			if err != nil || out.FormURL+out.URL+out.Data.PaymentLink == "" {
				b.Fatal(err)
			}
		}
	}
}
