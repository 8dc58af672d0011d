package rbs

import (
	"bytes"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// checkSigned signs the parameters of a text as a bank would, put in another
// order by the standard library, and then forges them.
func checkSigned(t *testing.T, v *Verifier, text string) {
	t.Helper()
	params := map[string]string{}
	var write func() *http.Request
	if form, err := url.ParseQuery(text); err == nil && !strings.HasPrefix(text, "{") {
		for name, values := range form {
			if len(values) > 1 || !utf8.ValidString(name+" "+values[0]) {
				return
			}
			params[name] = values[0]
		}
		write = func() *http.Request {
			again := url.Values{}
			for name, value := range params {
				again.Set(name, value)
			}
			return request(again.Encode(), "application/x-www-form-urlencoded", "/")
		}
	} else {
		object, ok := decoded([]byte(text)).(map[string]any)
		if !ok || !utf8.ValidString(text) {
			return
		}
		for name, value := range object {
			var one string
			if one, ok = scalarOf(value); !ok {
				return
			}
			params[name] = one
		}
		write = func() *http.Request {
			body, err := json.Marshal(params)
			require.NoError(t, err)
			return request(string(body), "application/json", "/")
		}
	}
	if len(params) == 0 || len(params) > 60 {
		return
	}
	delete(params, paramChecksum)
	canonical := ""
	names := make([]string, 0, len(params))
	for name := range params {
		if name != paramSignAlias {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		canonical += name + ";" + params[name] + ";"
	}
	params[paramChecksum] = hmacOf(demoKey, []byte(canonical))
	n, err := v.Read(write())
	if err != nil {
		if strings.Contains(err.Error(), "not the bank's") {
			t.Fatalf("%q is signed, and it is %v", params, err)
		}
		return
	}
	if md := params["mdOrder"] + params["mdorder"]; !n.Signed || n.MdOrder != md || n.OrderNumber != params["orderNumber"] || n.Operation != params["operation"] {
		t.Fatalf("%q is read as %+v", params, n)
	}
	if n.Status() == acquiring.StatusPaid && (params["operation"] != OpDeposited || params["status"] == "0") {
		t.Fatalf("%q is paid", params)
	}
	for _, name := range names {
		was := params[name]
		params[name] = was + "0"
		if _, err := v.Read(write()); err == nil {
			t.Fatalf("%q is believed with another %s", params, name)
		}
		params[name] = was
	}
	params[strings.Repeat("more", 8)] = ""
	if _, err := v.Read(write()); err == nil {
		t.Fatalf("%q is believed with one parameter more", params)
	}
}

// decoded is what the standard library reads; numbers keep their digits.
func decoded(b []byte) (v any) {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if !json.Valid(b) || dec.Decode(&v) != nil {
		return nil
	}
	return v
}

func scalarOf(v any) (text string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return string(v), true
	case bool:
		if v {
			return "true", true
		}
		return "false", true
	}
	return "", v == nil
}

// FuzzScalars: what a gateway writes in one way or another means what the
// standard library reads, and a sum is exact or an error.
func FuzzScalars(f *testing.F) {
	for _, s := range []string{`5`, `"5"`, `"5.00"`, `5.01`, `-0`, `1e3`, `"1 000"`, `""`, `null`, `true`, `"TRUE"`, `{}`, `[]`, `[1,"2",null]`, `{"a":1}`, `"\u0031"`, `" 7 "`,
		`9223372036854775807`, `-9223372036854775808`, `92233720368547758080`, `1772442600000`, `"2026-03-03T12:16:40+05:00"`, `"03.03.2026 12:16:40"`, `"9999-12-31T23:59:59-12:00"`, `"0000-01-01"`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !json.Valid(b) || !utf8.Valid(b) {
			return
		}
		value := decoded(b)
		want, isScalar := scalarOf(value)
		var text Text
		var flag Bool
		var at, back Time
		var n Int
		var list List[Text]
		for _, into := range []any{&text, &flag, &at, &list} {
			if err := json.Unmarshal(b, into); err != nil {
				t.Fatalf("%q makes an answer unreadable: %v", b, err)
			}
		}
		if string(text) != want {
			t.Fatalf("%q is the text %q", b, text)
		}
		if bool(flag) != (want == "1" || strings.EqualFold(want, "true")) {
			t.Fatalf("%q is %v", b, flag)
		}
		if out, err := json.Marshal(at); err != nil || json.Unmarshal(out, &back) != nil || at.UnixMilli() != back.UnixMilli() && at.Unix() > 0 {
			t.Fatalf("%q is %s, and that %q, %s: %v", b, at, out, back, err)
		}
		if _, err := json.Marshal(at.Time); err != nil {
			t.Fatalf("%q cannot be stored: %v", b, err)
		}
		switch v := value.(type) {
		case []any:
			if len(list) != len(v) {
				t.Fatalf("%q has %d", b, len(list))
			}
		case map[string]any:
			if len(list) != 1 {
				t.Fatalf("%q has %d", b, len(list))
			}
		default:
			if len(list) != 0 {
				t.Fatalf("%q has %d", b, len(list))
			}
		}
		want = strings.TrimSpace(want)
		if err := json.Unmarshal(b, &n); err != nil {
			if _, whole := new(big.Int).SetString(want, 10); whole && len(want) < 19 {
				t.Fatalf("%q is a whole number: %v", b, err)
			}
			return
		}
		if n.Known != (want != "") || !isScalar {
			t.Fatalf("%q is %+v", b, n)
		}
		if exact, ok := new(big.Rat).SetString(strings.Replace(want, ",", ".", 1)); n.Known && (!ok || strings.ContainsAny(want, "eEpPxX_/") || exact.Cmp(new(big.Rat).SetInt64(n.Value)) != 0) {
			t.Fatalf("%q is %d", b, n.Value)
		}
	})
}

// FuzzParsePublicKey: a key for callbacks is an RSA key of a certain strength,
// or it is refused.
func FuzzParsePublicKey(f *testing.F) {
	key, err := os.ReadFile(filepath.Join("testdata", "callback_key.pem"))
	require.NoError(f, err)
	f.Add(string(key))
	f.Add("text before\n" + string(key) + string(key))
	f.Add("-----BEGIN RSA PUBLIC KEY-----\nMAYCAQMCAQM=\n-----END RSA PUBLIC KEY-----\n")
	f.Add("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParsePublicKey(text)
		if err != nil {
			return
		}
		if got.N.BitLen() < 1024 || got.E < 2 {
			t.Fatalf("%d bits, exponent %d", got.N.BitLen(), got.E)
		}
		der, err := x509.MarshalPKIXPublicKey(got)
		require.NoError(t, err)
		again, err := ParsePublicKey(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})))
		require.NoError(t, err)
		require.True(t, got.Equal(again))
	})
}
