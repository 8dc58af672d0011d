package bench

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-github/v88/github"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
	"github.com/stripe/stripe-go/v85"
	stripewebhook "github.com/stripe/stripe-go/v85/webhook"
	svix "github.com/svix/svix-webhooks/go"

	"github.com/acquiring-go/acquiring/webhook"
)

// The one secret of all schemes: 32 bytes.
var key = []byte("a secret that nobody may ever see")[:32]

func sum(parts ...string) []byte {
	mac := hmac.New(sha256.New, key)
	for _, p := range parts {
		mac.Write([]byte(p))
	}
	return mac.Sum(nil)
}

// event is a notification of about size bytes, of stripe's form so that its
// ConstructEvent takes it.
func event(size int) []byte {
	head := `{"id":"evt_1PZ8xW2eZvKYlo2C0sHq9xJt","object":"event","api_version":"` + stripe.APIVersion + `","created":1767225600,"livemode":true,` +
		`"type":"payment_intent.succeeded","data":{"object":{"id":"pi_3PZ8xU2eZvKYlo2C1","object":"payment_intent","amount":149990,"currency":"rub","status":"succeeded",` +
		`"metadata":{"order":"A-1047"},"description":"`
	tail := `"}}}`
	return []byte(head + strings.Repeat("x", max(0, size-len(head)-len(tail))) + tail)
}

// verifier checks one body and its signature.
type verifier struct {
	who   string
	check func(body []byte, sign http.Header) bool
	sign  func(body []byte) http.Header
}

// verifiers are the ones whose message is the body, with a time and a number at
// most: they hash the same bytes but for some twenty.
func verifiers(b *testing.B) []verifier {
	plain := func(body []byte) http.Header {
		return http.Header{"X-Signature": {"sha256=" + hex.EncodeToString(sum(string(body)))}}
	}
	now := strconv.FormatInt(time.Now().Unix(), 10)
	symmetric := func(prefix string) func(body []byte) http.Header {
		return func(body []byte) http.Header {
			code := base64.StdEncoding.EncodeToString(sum("msg_1", ".", now, ".", string(body)))
			h := http.Header{}
			h.Set(prefix+"-id", "msg_1")
			h.Set(prefix+"-timestamp", now)
			h.Set(prefix+"-signature", "v1,"+code)
			return h
		}
	}
	ours, err := webhook.NewHMAC(sha256.New, key)
	must(b, err)
	standard, err := standardwebhooks.NewWebhookRaw(key)
	must(b, err)
	svixed, err := svix.NewWebhookRaw(key)
	must(b, err)
	return []verifier{
		{"bare", func(body []byte, h http.Header) bool {
			want, err := hex.DecodeString(strings.TrimPrefix(h.Get("X-Signature"), "sha256="))
			if err != nil {
				return false
			}
			mac := hmac.New(sha256.New, key)
			mac.Write(body)
			return hmac.Equal(mac.Sum(nil), want)
		}, plain},
		{"ours", func(body []byte, h http.Header) bool {
			return ours.VerifyHex(body, strings.TrimPrefix(h.Get("X-Signature"), "sha256="))
		}, plain},
		{"go-github", func(body []byte, h http.Header) bool {
			return github.ValidateSignature(h.Get("X-Signature"), body, key) == nil
		}, plain},
		{"stripe-go", func(body []byte, h http.Header) bool {
			return stripewebhook.ValidatePayload(body, h.Get("Stripe-Signature"), string(key)) == nil
		}, stripeHeader},
		{"standard-webhooks", func(body []byte, h http.Header) bool { return standard.Verify(body, h) == nil }, symmetric("webhook")},
		{"svix", func(body []byte, h http.Header) bool { return svixed.Verify(body, h) == nil }, symmetric("svix")},
	}
}

func stripeHeader(body []byte) http.Header {
	now := strconv.FormatInt(time.Now().Unix(), 10)
	h := http.Header{}
	h.Set("Stripe-Signature", "t="+now+",v1="+hex.EncodeToString(sum(now, ".", string(body))))
	return h
}

// BenchmarkVerify is W1: a body's HMAC-SHA256 is checked.
func BenchmarkVerify(b *testing.B) {
	for _, size := range []int{512, 2048} {
		body := event(size)
		for _, v := range verifiers(b) {
			sign := v.sign(body)
			b.Run("HMAC of "+strconv.Itoa(size)+" B/"+v.who, func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if !v.check(body, sign) {
						b.Fatal("refused")
					}
				}
			})
		}
	}
}

// BenchmarkVerifyRefused is W1 with a body that was changed: it must not be
// refused quicker than a right one is accepted by more than the parsing.
func BenchmarkVerifyRefused(b *testing.B) {
	body := event(512)
	for _, v := range verifiers(b) {
		sign := v.sign(body)
		forged := append([]byte(nil), body...)
		forged[len(forged)-4] ^= 1
		b.Run("HMAC of 512 B, changed/"+v.who, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if v.check(forged, sign) {
					b.Fatal("accepted")
				}
			}
		})
	}
}

// BenchmarkDecode is W2 for the peer that decodes: stripe's ConstructEvent
// beside the raw HMAC of the same 512 bytes.
func BenchmarkDecode(b *testing.B) {
	body := event(512)
	sign := stripeHeader(body).Get("Stripe-Signature")
	b.Run("stripe event, 512 B/bare", func(b *testing.B) { bareSum(b, body, sum(string(body))) })
	b.Run("stripe event, 512 B/bare and encoding∕json", func(b *testing.B) {
		want := sum(string(body))
		b.ReportAllocs()
		for b.Loop() {
			mac := hmac.New(sha256.New, key)
			mac.Write(body)
			var e struct {
				ID, Type string
				Data     struct {
					Object struct {
						ID, Currency, Status string
						Amount               int64
						Metadata             map[string]string
					}
				}
			}
			if !hmac.Equal(mac.Sum(nil), want) || json.Unmarshal(body, &e) != nil || e.Data.Object.Amount != 149990 {
				b.Fatal("refused")
			}
		}
	})
	b.Run("stripe event, 512 B/stripe-go", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if e, err := stripewebhook.ConstructEvent(body, sign, string(key)); err != nil || e.Type != stripe.EventTypePaymentIntentSucceeded {
				b.Fatal(err)
			}
		}
	})
}

// bareSum is the raw HMAC of a message and its comparison.
func bareSum(b *testing.B, message, want []byte) {
	b.ReportAllocs()
	for b.Loop() {
		mac := hmac.New(sha256.New, key)
		mac.Write(message)
		if !hmac.Equal(mac.Sum(nil), want) {
			b.Fatal("refused")
		}
	}
}

func must(b *testing.B, err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}
