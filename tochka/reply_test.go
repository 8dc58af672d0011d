package tochka

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// Most answers are read in one go, and all mean what they mean part by part.
func FuzzOneGo(f *testing.F) {
	for _, n := range []string{"operation.json", "created.json", "refunded.json", "registry.json", "subscribed.json", "qr_created.json"} {
		f.Add([]byte(fixture(f, n)))
	}
	for _, s := range []string{
		"", "null", "[]", `{}`, `{"Data":null}`, `{"Data":{}}`, `{"Data":[]}`, `{"data":{"operationId":"1"}}`, "\xef\xbb\xbf" + `{"Data":{"operationId":"1"}}`,
		`{"Data":{"operationId":"1"},"Data":{"paymentLink":"2"}}`, `{"Data":{"operationId":"1"},"DATA":null}`, `{"Data":{"operationId":7}}`,
		`{"Data":{"amount":"x"},"data":{"operationId":"1"}}`, `{"Data":{"operationId":"1"},"Links":7}`, `{"Data":{"operationId":"1"},"Meta":{"totalPages":"x"}}`,
		`{"Data":{"operationId":"1"}}{}`, `{"Data":{"operationId":"1"}`, `{"\u0044ata":{"operationId":"1"},"Meta":{"totalPages":3}}`, `{"Data":{"Operation":[{"amount":1}]}}`,
		` {"Links":{"self":"a","next":"b"} , "Data" : {"operationId":"1"} , "Meta":{"totalPages":"2"}} `,
	} {
		f.Add([]byte(s))
	}
	client, err := rest.New(rest.Options{Provider: provider, BaseURL: "https://bank.example"})
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, body []byte) {
		type many struct{ Operation []Operation }
		sameBothWays[Operation](t, client, body)
		sameBothWays[many](t, client, body)
		sameBothWays[OperationRefund](t, client, body)
		sameBothWays[oneOf[Account]](t, client, body)
	})
}

func sameBothWays[T any](t *testing.T, client *rest.Client, body []byte) {
	t.Helper()
	var one, parts T
	want, err := readParts(client, rest.Call{Op: "x"}, &rest.Response{Status: 200, Body: body}, &parts)
	got := readWhole(body, &one)
	if got == nil {
		assert.Zero(t, one, "what is read again is read from the start: %s", body)
		return
	}
	require.NoError(t, err, string(body))
	assert.Equal(t, parts, one, string(body))
	assert.Equal(t, want.raw, got.raw)
	assert.Equal(t, want.Links, got.Links)
	assert.Equal(t, want.Meta, got.Meta)
}

func TestOrdinaryAnswersAreReadInOneGo(t *testing.T) {
	for _, n := range []string{"created.json", "subscribed.json"} {
		var o Operation
		a := readWhole([]byte(fixture(t, n)), &o)
		require.NotNil(t, a, n)
		assert.NotEmpty(t, o.OperationID)
		assert.Equal(t, a.raw, o.Raw)
		assert.Equal(t, len(o.Raw), cap(o.Raw), "what is appended to Raw must not run into the rest of the answer")
	}
}

// A text without escapes is taken as it is, and only such a one.
func FuzzScalarText(f *testing.F) {
	for _, s := range []string{`"plain"`, `"Заказ"`, `"a\"b"`, `"a"b"`, `"`, `""`, `"""`, `"a`, `"\u0041"`, "\"\xff\"", "\"\n\"", `"\"`, "\"\"\v"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var want string
		err := json.Unmarshal(bytes.TrimSpace(b), &want)
		if trimmed := bytes.TrimSpace(b); len(trimmed) == 0 || trimmed[0] != '"' {
			return
		}
		got, ok, scalarErr := scalar(b)
		if (err == nil) != ok || (err == nil) != (scalarErr == nil) || got != want {
			t.Fatalf("%q gives %q, %v, and encoding/json %q, %v", b, got, scalarErr, want, err)
		}
	})
}

func TestTidyPurposeIsLeftAlone(t *testing.T) {
	for _, s := range []string{"Абонемент на октябрь", "одно"} {
		assert.True(t, tidy(s), s)
	}
	for _, s := range []string{"", " ", " a", "a ", "a  b", "a\tb", "a\u00a0b", "a\n"} {
		assert.False(t, tidy(s), "%q", s)
	}
}

// An answer that does not say whether it was done is no refusal: the money may
// have moved, and another attempt would move it twice.
func TestAnswerWithoutAVerdictIsNoRefusal(t *testing.T) {
	const charging, capturing = "POST acquiring/v1.0/subscriptions/" + opID + "/charge", "POST acquiring/v1.0/payments/" + opID + "/capture"
	for _, body := range []string{`{"Data":{}}`, `{"Data":{"isRefund":null,"result":null}}`} {
		b := newBank(t).on(refund, body).on(charging, body).on(capturing, body)
		c := b.client()
		_, err := c.RefundPayment(t.Context(), opID, 100)
		for _, err := range []error{err, c.ChargeSubscription(t.Context(), opID, 100), c.CapturePayment(t.Context(), opID)} {
			require.ErrorIs(t, err, acquiring.ErrProtocol, body)
			assert.True(t, unsure(err), err)
		}
	}
	b := newBank(t).on(refund, `{"Data":{"isRefund":false}}`).on(charging, `{"Data":{"result":"false"}}`)
	c := b.client()
	_, err := c.RefundPayment(t.Context(), opID, 100)
	require.ErrorIs(t, err, acquiring.ErrDeclined)
	require.ErrorIs(t, c.ChargeSubscription(t.Context(), opID, 100), acquiring.ErrDeclined)
}
