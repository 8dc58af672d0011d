package paymaster

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// sample reads a published or captured message; they are not part of the
// repository.
func sample(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "..", "shared", "samples", "paymaster", name))
	if os.IsNotExist(err) {
		t.Skip("the published samples are not here: nothing to compare with")
	}
	require.NoError(t, err)
	return string(data)
}

func TestSamplesClassic(t *testing.T) {
	site := func(merchant, secret string, hash Hash) *ClassicClient {
		return newBank(t).classic(func(c *ClassicConfig) { c.MerchantID, c.SecretKey, c.Hash = merchant, secret, hash })
	}
	t.Run("2015, a test site", func(t *testing.T) {
		body := sample(t, "classic_capture_2015_testsite.form")
		cb, err := site("2902fb4a-d618-4b6b-aade-793b95e10c59", "YOUR_MOMMY_SECRET", SHA256).VerifyCallback(ctx, post(body))
		require.NoError(t, err)
		assert.Equal(t, acquiring.StatusPaid, cb.Status)
		assert.Equal(t, "41034-20151217-e8a416ef", cb.OrderID)
		assert.Equal(t, money.RUB(6000, 0), cb.Amount)
		assert.True(t, cb.Payment.Test)
		assert.Equal(t, time.Date(2015, 12, 17, 12, 14, 10, 0, time.UTC), cb.Payment.PaidAt)
		n, err := ParseNotification(cb.Raw)
		require.NoError(t, err)
		assert.Equal(t, "40599192", n.SysPaymentID)
		kind, _ := n.Fields.Get("payment_type")
		number, _ := n.Fields.Get("order")
		assert.Equal(t, "WebMoney 41034", kind+" "+number)
		for _, hash := range []Hash{MD5, SHA1} {
			_, err = site("2902fb4a-d618-4b6b-aade-793b95e10c59", "YOUR_MOMMY_SECRET", hash).VerifyCallback(ctx, post(body))
			assert.ErrorIs(t, err, acquiring.ErrSignature)
		}
	})
	t.Run("2016, live", func(t *testing.T) {
		c := newBank(t).classic(working, func(c *ClassicConfig) {
			c.MerchantID, c.SecretKey = "ebc4f3fe-d395-4e08-a4ef-81ca6f4e04a6", "re-signed-key/2016+A="
		})
		cb, err := c.VerifyCallback(ctx, post(sample(t, "classic_capture_2016_live_resigned.form")))
		require.NoError(t, err)
		assert.Equal(t, money.RUB(1, 0), cb.Amount)
		assert.False(t, cb.Payment.Test)
		assert.Equal(t, acquiring.MethodCard, cb.Payment.Method)
		n, err := ParseNotification(cb.Raw)
		require.NoError(t, err)
		assert.Equal(t, "BankCard 93 602617333335", n.Method+" "+n.System+" "+n.PaymentRef)
	})
	for _, tt := range []struct {
		file, merchant string
		sum            money.Amount
		hash           Hash
		mode           string
	}{
		{"classic_capture_2017_testmode_unknown_key.form", "67bb1f74-6fa3-440c-9191-f586b9c23c5e", money.RUB(111311, 0), SHA256, "0"},
		{"classic_capture_2014_md5_unknown_key.form", "7e8a97c5-6b34-4ae2-9d14-29c7c7112748", money.RUB(2532, 0), MD5, "3"},
	} {
		t.Run(tt.file, func(t *testing.T) {
			body := sample(t, tt.file)
			n, err := ParseNotification([]byte(body))
			require.NoError(t, err)
			assert.Equal(t, tt.sum, n.Amount)
			assert.Equal(t, tt.mode, n.SimMode)
			assert.True(t, n.Test && n.Hash)
			for _, secret := range []string{"a", "YOUR_MOMMY_SECRET", secretKey} {
				_, err = site(tt.merchant, secret, tt.hash).VerifyCallback(ctx, post(body))
				e := refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
				assert.Empty(t, e.Hint, "the length of the hash is right")
			}
		})
	}
	t.Run("the page of a redirect", func(t *testing.T) {
		b := newBank(t).on("POST /payment/init", answered{status: 302, body: sample(t, "init_redirect_body.html")})
		inv, err := b.classic(func(c *ClassicConfig) { c.Start = StartServer }).CreateInvoice(ctx, order())
		require.NoError(t, err)
		assert.Equal(t, "https://psp.paymaster24.com/Payment/process/3c19cc6d-88d8-4f5c-b5cc-3800564e5867", inv.PayURL)
	})
	t.Run("the REST API v1", func(t *testing.T) {
		b := newBank(t).on("POST /api/v1/getPaymentByInvoiceID", ok(sample(t, "rest1_getpayment_complete.json"))).on(listRefunds, v1Refunds())
		p, err := b.classic(working, withLogin).GetStatus(ctx, "12345")
		require.NoError(t, err)
		assert.Equal(t, "12345 paid 100.00 RUB", string(p.ID)+" "+p.Status.String()+" "+p.Captured.String()+" "+p.Currency)
		assert.False(t, p.Test)
		assert.Equal(t, time.Date(2019, 5, 12, 18, 8, 52, 0, time.UTC), p.PaidAt)
	})
}

func TestSamplesV2(t *testing.T) {
	const shop = "96e809e9-8bce-40fd-86cb-d34db39b4668"
	client := func(b *bank) *Client {
		return b.client(production, func(c *Config) { c.MerchantID = shop })
	}
	const at = "GET /api/v2/payments/12769"
	t.Run("an invoice", func(t *testing.T) {
		inv, err := client(newBank(t).on(postInvoices, ok(sample(t, "v2_invoice_created.json")))).CreateInvoice(ctx, order())
		require.NoError(t, err)
		assert.Equal(t, "12769 https://paymaster.ru/cpay/a62beecb68c84778b2424294f635b370", string(inv.ID)+" "+inv.PayURL)
	})
	for _, file := range []string{"v2_payment_confirmation_3dsv1.json", "v2_payment_confirmation_3dsv1_old_field.json"} {
		t.Run(file, func(t *testing.T) {
			b := newBank(t).on(at, ok(sample(t, file)))
			info, err := client(b).GetPayment(ctx, "12769")
			require.NoError(t, err)
			assert.Equal(t, "https://paymaster.ru/acs/pareq", info.Confirmation.ACS())
			p, err := client(b).GetStatus(ctx, "12769")
			require.NoError(t, err)
			assert.Equal(t, "pending Confirmation 10.50", p.Status.String()+" "+p.ProviderStatus+" "+p.Amount.String())
			assert.Zero(t, p.Captured)
		})
	}
	for _, file := range []string{"v2_callback_settled.json", "v2_callback_settled_bom.json", "v2_callback_settled_numeric_id.json"} {
		t.Run(file, func(t *testing.T) {
			body := sample(t, file)
			_, err := client(newBank(t)).VerifyCallback(ctx, post(body))
			refused(t, err, acquiring.ErrSignature, acquiring.OutcomeRejected)
			b := newBank(t).on(at, ok(sample(t, "v2_callback_settled.json"))).on(getRefunds, listed())
			cb, err := client(b).VerifyCallback(ctx, post(body))
			require.NoError(t, err)
			assert.Equal(t, "12769 paid 10.50", string(cb.PaymentID)+" "+cb.Status.String()+" "+cb.Payment.Captured.String())
			assert.Empty(t, cb.OrderID)
			assert.Equal(t, map[string]string{"BT_USR": "34"}, cb.Payment.Metadata)
		})
	}
	t.Run("lists and refunds", func(t *testing.T) {
		b := newBank(t).on(getPayments, ok(sample(t, "v2_payments_list.json"))).on(getRefunds, listed()).on("GET /api/v2/refunds/1276", ok(sample(t, "v2_refund_pending.json")))
		n := 0
		for p, err := range client(b).Payments(ctx, acquiring.Filter{}) {
			require.NoError(t, err)
			assert.Equal(t, "9755 paid 10.00 MDL", string(p.ID)+" "+p.Status.String()+" "+p.Amount.String()+" "+p.Currency)
			n++
		}
		assert.Equal(t, 1, n)
		r, err := client(b).GetRefund(ctx, "1276")
		require.NoError(t, err)
		assert.Equal(t, time.Date(2021, 10, 1, 6, 23, 2, 273e6, time.UTC), r.Created.Time)
		assert.Equal(t, "pending 5.50", r.refund().Status.String()+" "+r.refund().Amount.String())
	})
	t.Run("tokens and stickers", func(t *testing.T) {
		const id = "8cd9991b47ab42018f0bb56ca0fbdba0"
		b := newBank(t).on("GET /api/v2/paymenttokens/"+id, ok(sample(t, "v2_token_created_external.json")), ok(sample(t, "v2_token_callback_active.json"))).
			on("GET /api/v2/stickers/24cc565dea08", ok(sample(t, "v2_sticker.json")))
		tok, err := client(b).GetToken(ctx, id)
		require.NoError(t, err)
		assert.Equal(t, TokenCreated, tok.Status)
		assert.Contains(t, tok.Confirmation.PaymentURL, "https://paymaster.ru/cpay/mock/sbp/subscription/")
		cb, err := client(b).VerifyCallback(ctx, post(sample(t, "v2_token_callback_active.json")))
		require.NoError(t, err)
		assert.Equal(t, acquiring.CallbackOther, cb.Kind)
		s, err := client(b).GetSticker(ctx, "24cc565dea08")
		require.NoError(t, err)
		assert.Equal(t, "39.90 https://qr.nspk.ru/AS****G0?type=01&sum=3990&cur=RUB&crc=ZZZZ", s.Amount.Value.Amount().String()+" "+s.Payload)
	})
	t.Run("errors and empty answers", func(t *testing.T) {
		b := newBank(t).on(postInvoices, answered{status: 400, body: sample(t, "v2_error_validation.json")}).on("PUT /api/v2/payments/1/cancel", ok(sample(t, "v2_empty_ok.txt")))
		_, err := client(b).CreateInvoice(ctx, order())
		e := refused(t, err, acquiring.ErrInvalid, acquiring.OutcomeRejected)
		assert.Equal(t, "validation_error", e.Code)
		assert.Contains(t, e.Message, "Specify required MerchantId value.")
		assert.False(t, acquiring.Temporary(err))
		assert.NoError(t, client(b).CancelPayment(ctx, "1"))
	})
	t.Run("sums as texts", func(t *testing.T) {
		var r struct {
			Amount  Money
			Receipt struct{ Items []struct{ Price Rubles } }
		}
		require.NoError(t, json.Unmarshal([]byte(sample(t, "v2_vendor_module_invoice_request_shape.json")), &r))
		assert.Equal(t, money.RUB(1234, 50), r.Amount.Value.Amount())
		assert.Equal(t, []Rubles{50000, 23450}, []Rubles{r.Receipt.Items[0].Price, r.Receipt.Items[1].Price})
	})
}
