package tochka

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/money"
)

func TestSumsAreExact(t *testing.T) {
	for in, want := range map[string]int64{
		`1490.50`: 149050, `1.0`: 100, `40.0`: 4000, `"0.33"`: 33, `"40.0"`: 4000, `18548.39`: 1854839, `"1234.00"`: 123400, `0`: 0, `null`: 0,
		`1000000`: 100000000, `21000000.00`: 2100000000, `0.1`: 10, `10.5000`: 1050, `-490.5`: -49050, `4503599627370497.07`: 450359962737049707,
	} {
		var s Sum
		require.NoError(t, json.Unmarshal([]byte(in), &s), in)
		assert.EqualValues(t, want, s, in)
	}
	for _, in := range []string{`0.001`, `1e3`, `"1 000.00"`, `"1,5"`, `"string"`, `""`, `{}`, `[]`, `true`, `"0x10"`, `"+1"`, `".5"`} {
		var s Sum
		require.Error(t, json.Unmarshal([]byte(in), &s), in)
	}
	for in, want := range map[Sum]string{149050: "1490.50", 100: "1.00", 1: "0.01", 100000000: "1000000.00", 2100000000: "21000000.00", 450359962737049707: "4503599627370497.07"} {
		b, err := json.Marshal(in)
		require.NoError(t, err)
		assert.Equal(t, want, string(b))
		assert.Equal(t, want, in.String())
	}
	for in, want := range map[string]int64{`149050`: 149050, `"500000"`: 500000, `100.0`: 100, `null`: 0} {
		var k Kopecks
		require.NoError(t, json.Unmarshal([]byte(in), &k), in)
		assert.EqualValues(t, want, k.Amount(), in)
	}
	for _, in := range []string{`1.5`, `"x"`, `1e3`, `{}`} {
		var k Kopecks
		require.Error(t, json.Unmarshal([]byte(in), &k), in)
	}
}

func TestTolerantScalars(t *testing.T) {
	var v struct {
		T Text
		B Bool
		N Int
		D Date
	}
	for in, want := range map[string]string{
		`{"T":1,"B":"true","N":"60","D":"2026-10-05"}`: `{1 true 60 2026-10-05}`,
		`{"T":"a","B":true,"N":60}`:                    `{a true 60 }`,
		`{"T":null,"B":null,"N":null,"D":null}`:        `{ false 0 }`,
		`{"T":2.60,"B":"False","N":"","D":"never"}`:    `{2.60 false 0 never}`,
		`{"T":12345678901234567890,"B":"","N":20.0}`:   `{12345678901234567890 false 20 }`,
	} {
		v.T, v.B, v.N, v.D = "", false, 0, ""
		require.NoError(t, json.Unmarshal([]byte(in), &v), in)
		assert.Equal(t, want, fmt.Sprint(v), in)
	}
	for _, in := range []string{`{"T":{}}`, `{"B":"yes"}`, `{"N":"x"}`, `{"N":1.5}`, `{"B":[]}`} {
		require.Error(t, json.Unmarshal([]byte(in), &v), in)
	}
	assert.True(t, Date("").valid())
	assert.False(t, Date("2026-13-01").valid())
	assert.Equal(t, Date("2026-10-02"), DateOf(time.Date(2026, 10, 1, 22, 0, 0, 0, time.UTC)), "the day in Moscow")
	assert.Empty(t, DateOf(time.Time{}))
}

func TestTimesOfMixedOffsets(t *testing.T) {
	for in, want := range map[string]string{
		"2026-02-10T14:09:30+05:00":        "2026-02-10T09:09:30Z",
		"2026-02-10T14:50:24+03:00":        "2026-02-10T11:50:24Z",
		"2019-01-01T06:06:06.364+00:00":    "2019-01-01T06:06:06.364Z",
		"2024-01-10T11:40:16.941480+00:00": "2024-01-10T11:40:16.94148Z",
		"2026-02-10T14:50:24":              "2026-02-10T11:50:24Z",
		"2026-02-10 14:50:24.5":            "2026-02-10T11:50:24.5Z",
		"2026-02-10T14:50:24+0300":         "2026-02-10T11:50:24Z",
		"2026-02-10":                       "2026-02-09T21:00:00Z",
	} {
		var v Time
		require.NoError(t, json.Unmarshal([]byte(`"`+in+`"`), &v), in)
		assert.Equal(t, want, v.UTC().Format(time.RFC3339Nano), in)
		assert.Equal(t, in, v.Raw)
	}
	for _, in := range []string{`"string"`, `""`, `null`, `17`} {
		v := At(time.Now())
		require.NoError(t, json.Unmarshal([]byte(in), &v), in)
		assert.True(t, v.IsZero(), in)
	}
	b, err := json.Marshal(At(time.Date(2031, 1, 1, 0, 0, 0, 0, time.UTC)))
	require.NoError(t, err)
	assert.Equal(t, `"2031-01-01T00:00:00+00:00"`, string(b))
	b, err = json.Marshal(Time{Raw: "string"})
	require.NoError(t, err)
	assert.Equal(t, `"string"`, string(b))
}

func FuzzSum(f *testing.F) {
	for _, s := range []string{`1490.50`, `"0.33"`, `1e3`, `"1 000"`, `null`, `-0.01`, `{}`, `""`, "1.1000"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		var s, again Sum
		if json.Unmarshal(in, &s) != nil {
			return
		}
		if strings.ContainsAny(string(in), "eE") && string(in) != "null" {
			if !strings.Contains(string(in), `\u`) {
				t.Fatalf("%q is taken for a sum", in)
			}
		}
		out, err := json.Marshal(s)
		if err != nil || json.Unmarshal(out, &again) != nil || again != s {
			t.Fatalf("%q is %d, %q is %d", in, s, out, again)
		}
	})
}

func FuzzTime(f *testing.F) {
	for _, s := range []string{"2026-02-10T14:09:30+05:00", "2026-02-10", "string", "", "9999-99-99T99:99:99Z", "2026-02-10T14:50:24.123456789"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		at := parseTime(in)
		if at.IsZero() {
			return
		}
		b, err := json.Marshal(At(at))
		if err != nil {
			t.Fatalf("%q: %v", in, err)
		}
		var back Time
		if err := json.Unmarshal(b, &back); err != nil || back.Unix() != at.Unix() {
			t.Fatalf("%q is %s, written %s, and that %s: %v", in, at, b, back, err)
		}
		if _, err := json.Marshal(at); err != nil {
			t.Fatalf("%q cannot be stored: %v", in, err)
		}
		if day := Date(in); day.valid() != (len(in) == len(time.DateOnly)) {
			t.Fatalf("%q as a day: %v", in, day.valid())
		}
	})
}

func FuzzAnswer(f *testing.F) {
	for _, n := range []string{"operation.json", "created.json", "refunded.json", "registry.json", "subscribed.json", "qr_created.json"} {
		f.Add([]byte(fixture(f, n)))
	}
	f.Add([]byte(`{"Data":{"Operation":[{"amount":"x"}]}}`))
	f.Add([]byte(`{"code":400,"Errors":[{"message":7}]}`))
	client, err := rest.New(rest.Options{Provider: provider, BaseURL: "https://bank.example", Secrets: []string{secret}})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, status := range []int{200, 400, 424} {
			call := rest.Call{Op: "x", Method: http.MethodPost}
			resp := &rest.Response{Status: status, Body: body}
			if err := classify(client, call, resp, nil); status != 200 {
				var e *acquiring.Error
				if !errors.As(err, &e) || e.Kind == nil || strings.Contains(err.Error(), secret) {
					t.Fatalf("%q gives %v", body, err)
				}
				continue
			}
			var data struct{ Operation []Operation }
			if _, err := decode(client, request{op: "x"}, resp, &data); err == nil {
				for i := range data.Operation {
					o := &data.Operation[i]
					_, _, _ = o.Paid(), o.Refunded(), o.charges()
				}
			}
			var consent oneConsent
			_, _ = decode(client, request{op: "x"}, resp, &consent)
			var account oneOf[Account]
			_, _ = decode(client, request{op: "x"}, resp, &account)
		}
		var id Identity
		if id.read(body) && bytes.Count(body, []byte(".")) < 2 && !bytes.ContainsAny(body, `\\`) {
			t.Fatalf("%q is taken for a token", body)
		}
		if name := issuer(string(body)); !headerSafe(name) && name != "" {
			t.Fatalf("the issuer %q breaks a header", name)
		}
		if image, kind := (&QRImage{Content: string(body), MediaType: "image/png"}).decode(); (image == nil) != (kind == "") {
			t.Fatalf("%q is a picture of the type %q", body, kind)
		}
	})
}

func TestErrorsOfTheBank(t *testing.T) {
	for name, tt := range map[string]struct {
		a       answer
		kind    error
		outcome acquiring.Outcome
		says    string
	}{
		"400":                 {failure(400, "Field operation_id : String should have at most 36 characters; "), acquiring.ErrInvalid, acquiring.OutcomeRejected, "at most 36 characters"},
		"401":                 {answer{status: 401, body: ""}, acquiring.ErrUnauthorized, acquiring.OutcomeRejected, "make a new JWT key"},
		"403":                 {failure(403, "Forbidden by consent"), acquiring.ErrUnauthorized, acquiring.OutcomeRejected, "see Discover"},
		"404":                 {failure(404, "Object of Webhooks does not exists"), acquiring.ErrNotFound, acquiring.OutcomeRejected, "does not exists"},
		"409":                 {failure(409, "busy"), acquiring.ErrConflict, acquiring.OutcomeRejected, "busy"},
		"423":                 {failure(423, "PAYMENT_LOCKED"), acquiring.ErrConflict, acquiring.OutcomeRejected, "PAYMENT_LOCKED"},
		"424 duplicate":       {failure(424, "Ошибка валидации: заказ с номером A-15 существует"), acquiring.ErrDuplicate, acquiring.OutcomeRejected, "Attempt"},
		"424 not found":       {failure(424, "Order not found"), acquiring.ErrNotFound, acquiring.OutcomeRejected, "Order not found"},
		"424 not existing":    {failure(424, "Заказ не существует"), acquiring.ErrUnavailable, acquiring.OutcomeUnknown, "424"},
		"424 anything":        {failure(424, "Something going wrong"), acquiring.ErrUnavailable, acquiring.OutcomeUnknown, "look at the payment before you repeat"},
		"429":                 {answer{status: 429, body: "{}", header: http.Header{"Retry-After": {"45"}}}, acquiring.ErrRateLimited, acquiring.OutcomeRejected, ""},
		"500":                 {answer{status: 500, body: `{"code":"500","message":"HTTPInternalError"}`}, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, "HTTPInternalError"},
		"501":                 {answer{status: 501, body: `{}`}, acquiring.ErrUnsupported, acquiring.OutcomeRejected, "whether this kind of key is admitted"},
		"502 page":            {answer{status: 502, body: "<html><title>502 Bad Gateway</title></html>"}, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, "Bad Gateway"},
		"200 page":            {answer{status: 200, body: "<html>maintenance</html>"}, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "web page"},
		"200 empty":           {answer{status: 200}, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "empty"},
		"200 without Data":    {answer{status: 200, body: `{"Links":{}}`}, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "no Data"},
		"200 of another sort": {answer{status: 200, body: `{"Data":{"amount":"dear"}}`}, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "not what the bank answers"},
		"204":                 {answer{status: 204}, acquiring.ErrProtocol, acquiring.OutcomeUnknown, ""},
		"302":                 {answer{status: 302, header: http.Header{"Location": {"https://elsewhere.example"}}}, acquiring.ErrProtocol, acquiring.OutcomeUnknown, ""},
		"code is a number":    {answer{status: 403, body: `{"code":403,"id":1,"message":"OPERATION_FORBIDDEN","Errors":[{"errorCode":"FEATURE_DISABLED_FOR_MERCHANT_SITE","message":"Более детальное"}]}`}, acquiring.ErrUnauthorized, acquiring.OutcomeRejected, "Более детальное (code FEATURE_DISABLED_FOR_MERCHANT_SITE)"},
		"other names":         {answer{status: 400, body: `{"description":"bad"}`}, acquiring.ErrInvalid, acquiring.OutcomeRejected, `{"description":"bad"}`},
		"echoes the token":    {failure(400, "token "+secret+" is odd"), acquiring.ErrInvalid, acquiring.OutcomeRejected, "[hidden]"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBank(t).answer(create, tt.a)
			_, err := b.client().CreatePayment(t.Context(), PaymentRequest{Amount: 100})
			require.ErrorIs(t, err, tt.kind)
			e := asError(t, err)
			assert.Equal(t, tt.outcome, e.Outcome, err)
			assert.Contains(t, err.Error(), tt.says)
			assert.Len(t, b.calls(create), 1, "a write is never repeated by itself")
			if tt.a.status > 302 {
				var api *APIError
				require.ErrorAs(t, err, &api)
				assert.Equal(t, tt.a.status, api.HTTPStatus)
				assert.Equal(t, tt.a.status, e.HTTPStatus)
				assert.NotContains(t, fmt.Sprintf("%s %v %+v", api.Raw, api, api.Errors), secret)
			}
			if tt.a.status == 429 {
				assert.Equal(t, 45*time.Second, e.RetryAfter)
			}
		})
	}
	b := newBank(t).answer(read, failure(424, "Something going wrong"))
	_, err := b.client().GetStatus(t.Context(), opID)
	assert.True(t, acquiring.Temporary(err), "on a read 424 is the bank's trouble")
	var api *APIError
	require.ErrorAs(t, err, &api)
	assert.Equal(t, Text("1a7e3c11-9b4c-4c68-8e54-2d3e4f5a6b7c"), api.ID, "for the bank's support")
}

func TestAccountSlashIsTriedBothWays(t *testing.T) {
	const encoded, raw = "GET open-banking/v1.0/accounts/40702810900000001234%2F044525104/balances", "GET open-banking/v1.0/accounts/40702810900000001234/044525104/balances"
	balances := `{"Data":{"Balance":[{"accountId":"40702810900000001234/044525104","creditDebitIndicator":"Credit","type":"ClosingAvailable","dateTime":"2026-10-02T09:24:07+03:00","Amount":{"amount":1234.56,"currency":"RUB"}}]}}`
	b := newBank(t).on(encoded, balances)
	got, err := b.client().AccountBalances(t.Context(), account)
	require.NoError(t, err)
	assert.Equal(t, money.Amount(123456), got[0].Amount.Amount.Amount())
	b = newBank(t).answer(encoded, failure(404, "Not found statement under account")).on(raw, balances)
	_, err = b.client().AccountBalances(t.Context(), account)
	require.NoError(t, err)
	b = newBank(t).on(encoded, balances) // raw: 501
	_, err = b.client(func(c *Config) { c.RawAccountPath = true }).AccountBalances(t.Context(), account)
	require.NoError(t, err)
	assert.Equal(t, []string{raw, encoded}, b.all())
	b = newBank(t).answer(encoded, failure(403, "Forbidden by consent"))
	_, err = b.client().AccountBalances(t.Context(), account)
	require.ErrorIs(t, err, acquiring.ErrUnauthorized)
	assert.Len(t, b.all(), 1)
	b = newBank(t)
	_, err = b.client().RegisterQR(t.Context(), "MF0000000001", account, QRRequest{Amount: 1, PaymentPurpose: "x", QRType: QRDynamic})
	require.ErrorIs(t, err, acquiring.ErrUnsupported)
	assert.Len(t, b.all(), 1, "a write is not tried another way")
	_, err = b.client().Account(t.Context(), "4070")
	assert.Equal(t, "accountId", asError(t, err).Field)
}

func TestConfig(t *testing.T) {
	b := newBank(t)
	for field, changes := range map[string][]func(*Config){
		"Config.Environment":   {func(c *Config) { c.Environment = 0 }, func(c *Config) { c.Environment = 9 }},
		"Config.Token":         {func(c *Config) { c.Token = "" }, func(c *Config) { c.Token = "a\nb" }, func(c *Config) { c.Token = "Bearer x" }},
		"Config.TokenSource":   {func(c *Config) { c.TokenSource = (&OAuth{}).TokenSource("x") }},
		"Config.ClientID":      {func(c *Config) { c.ClientID = "a b" }},
		"Config.CustomerCode":  {func(c *Config) { c.CustomerCode = "12345678" }, func(c *Config) { c.CustomerCode = "12345678ж" }},
		"Config.MerchantID":    {func(c *Config) { c.MerchantID = "MF0000000001" }, func(c *Config) { c.MerchantID = "20000000000432x" }},
		"Config.SBPMerchantID": {func(c *Config) { c.SBPMerchantID = merchant }},
		"Config.AccountID":     {func(c *Config) { c.AccountID = "40702810900000001234" }},
		"Config.Methods":       {func(c *Config) { c.Methods = []acquiring.Method{"cash"} }},
		"Config.FindWithin":    {func(c *Config) { c.FindWithin = -1 }},
		"Config.WebhookKey":    {func(c *Config) { c.WebhookKey = "rubbish" }},
		"Config.WebhookKeyURL": {func(c *Config) { c.WebhookKeyURL = "ftp://x" }},
		"Config.BaseURL":       {func(c *Config) { c.BaseURL = "bank" }, func(c *Config) { c.BaseURL = "https://u:p@bank.example" }, func(c *Config) { c.BaseURL = "https://bank.example/?a=1" }},
	} {
		for i, change := range changes {
			_, err := New(b.conf(change))
			require.ErrorIs(t, err, acquiring.ErrInvalid, "%s %d", field, i)
			assert.Equal(t, field, asError(t, err).Field)
		}
	}
	for _, tt := range []struct {
		env        acquiring.Environment
		base, want string
	}{
		{acquiring.Production, "", ProductionURL}, {acquiring.Test, "", SandboxURL}, {acquiring.Test, "http://127.0.0.1:8080/", "http://127.0.0.1:8080/sandbox/v2"},
		{acquiring.Test, "http://127.0.0.1:8080/uapi/", "http://127.0.0.1:8080/uapi"}, {acquiring.Production, "https://proxy.example", "https://proxy.example/uapi"},
	} {
		c, err := New(Config{Environment: tt.env, BaseURL: tt.base, Token: SandboxToken})
		require.NoError(t, err)
		assert.Equal(t, tt.want, c.rest.BaseURL())
	}
	c := b.client(func(c *Config) { c.Shop = "school" })
	name, shop := c.Name()
	assert.Equal(t, "tochka school", name+" "+shop)
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "config", c.conf, "client", c)
	for _, s := range []string{fmt.Sprint(c.conf), fmt.Sprintf("%#v %+v %s", c.conf, c.conf, &c.conf), fmt.Sprintf("%v %+v %#v %s", c, c, c, c), log.String()} {
		assert.NotContains(t, s, secret)
		assert.Contains(t, s, "300777001")
	}
	jwt := "x." + b64.EncodeToString([]byte(`{"iss":"client-1","sub":"300777001"}`)) + ".y"
	c, err := New(Config{Environment: acquiring.Production, Token: jwt})
	require.NoError(t, err)
	assert.Equal(t, "client-1", c.clientID)
	for _, bad := range []string{"x", "a.b.c", "x." + b64.EncodeToString([]byte(`{"iss":"a b"}`)) + ".y", "x." + b64.EncodeToString([]byte(`[]`)) + ".y"} {
		assert.Empty(t, issuer(bad))
	}
}

func TestStatusesAreKnownByName(t *testing.T) {
	for s, want := range map[OperationStatus]acquiring.Status{
		OperationCreated: acquiring.StatusPending, OperationAuthorized: acquiring.StatusAuthorized, OperationApproved: acquiring.StatusPaid, OperationOnRefund: acquiring.StatusPaid,
		OperationRefunded: acquiring.StatusRefunded, OperationRefundedPartially: acquiring.StatusPartiallyRefunded, OperationExpired: acquiring.StatusExpired,
		OperationWaitFullPayment: acquiring.StatusPending, OperationPending: acquiring.StatusPending, OperationRejected: acquiring.StatusDeclined, "approved": acquiring.StatusUnknown, "": acquiring.StatusUnknown,
	} {
		assert.Equal(t, want, s.Status(), s)
	}
	for m, want := range map[PaymentMode]acquiring.Method{ModeCard: acquiring.MethodCard, ModeSBP: acquiring.MethodSBP, ModeTPay: acquiring.MethodTPay, ModeDolyame: acquiring.MethodInstallment, ModeDigitalRuble: acquiring.MethodOther, "": ""} {
		assert.Equal(t, want, m.Method())
	}
	for s, want := range map[SBPRefundStatus]acquiring.RefundStatus{SBPRefundAccepted: acquiring.RefundDone, SBPRefundRejected: acquiring.RefundFailed, SBPRefundInitiated: acquiring.RefundPending, "": acquiring.RefundUnknown} {
		assert.Equal(t, want, s.Status())
	}
}
