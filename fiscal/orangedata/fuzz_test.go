package orangedata_test

import (
	"bytes"
	"crypto"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
)

// stub answers everything with one answer, without a network.
type stub struct {
	status int
	body   []byte
	page   bool
}

func (s *stub) RoundTrip(r *http.Request) (*http.Response, error) {
	h := http.Header{}
	if s.page {
		h.Set("Content-Type", "text/html")
	}
	return &http.Response{StatusCode: s.status, Header: h, Body: io.NopCloser(bytes.NewReader(s.body)), Request: r}, nil
}

func stubbed(t testing.TB, s *stub) *orangedata.Client {
	return offline(t, func(c *orangedata.Config) {
		c.HTTPClient, c.Retries, c.CallbackURL = &http.Client{Transport: s}, -1, "https://shop.example/od"
	})
}

// A notification is refused or leads to the document of its address: whatever
// comes, nothing else is believed and nothing panics.
func FuzzCallback(f *testing.F) {
	s := &stub{status: 202}
	c := stubbed(f, s)
	good, err := c.CallbackAddress(orangedata.KindDocument, "a-1")
	if err != nil {
		f.Fatal(err)
	}
	u, err := url.Parse(good)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(u.RawQuery, file(f, "status_200.json"))
	f.Add(u.RawQuery, []byte(`{"id":"a-1"}`))
	f.Add(u.RawQuery, []byte(`{"id":"a-2"}`))
	f.Add(u.RawQuery+"&od=x", []byte(""))
	f.Add("od=documents%2Fa-1&odkey=00", []byte("[]"))
	f.Add("%zz", []byte("\xff"))
	f.Fuzz(func(t *testing.T, query string, body []byte) {
		r := httptest.NewRequest(http.MethodPost, "https://shop.example/od", bytes.NewReader(body))
		r.URL.RawQuery = query
		doc, err := c.VerifyCallback(t.Context(), r)
		if err != nil {
			if acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown {
				t.Fatalf("a refusal of unknown outcome: %v", err)
			}
			return
		}
		if doc.ID != "a-1" || doc.Status != fiscal.DocumentQueued {
			t.Fatalf("another document: %+v", doc)
		}
	})
}

// Any answer to any call gives a result or an *acquiring.Error, never a panic;
// what is said to be printed has its fiscal data.
func FuzzAnswer(f *testing.F) {
	for _, name := range []string{"status_200.json", "status_correction.json", "status_itemcode.json", "status_422.json", "devices.json"} {
		f.Add(200, file(f, name), false)
	}
	f.Add(422, file(f, "status_422.json"), false)
	f.Add(422, []byte(`{"errors":[]}`), false)
	f.Add(400, []byte(`{"errors":["Подпись не прошла проверку"]}`), false)
	f.Add(400, []byte("<html>400 The SSL certificate error"), true)
	f.Add(524, []byte(""), false)
	f.Add(200, []byte(`{"id":"a","fsNumber":1e999,"documentNumber":"1","fp":{},"content":{"positions":[{"price":"9223372036854775807","quantity":-1}]}}`), false)
	s := &stub{}
	c := stubbed(f, s)
	f.Fuzz(func(t *testing.T, status int, body []byte, page bool) {
		if status < 200 || status > 599 {
			return
		}
		s.status, s.body, s.page = status, body, page
		check := func(err error) {
			if err != nil && !isError(err) {
				t.Fatalf("not an *acquiring.Error: %v", err)
			}
			if err != nil && strings.ContainsAny(err.Error(), "\x00\r") {
				t.Fatalf("control characters in %q", err)
			}
		}
		for _, id := range []string{"shop-1001-sale", "corrections/corr-2026-7", "a"} {
			doc, err := c.GetDocument(t.Context(), id)
			check(err)
			if err == nil && doc.Status == fiscal.DocumentPrinted && (doc.Fiscal.FP == "" || doc.Fiscal.FN == "" || doc.Fiscal.FD == "0") {
				t.Fatalf("printed without fiscal data: %+v", doc.Fiscal)
			}
			if err == nil && doc.Raw != nil && !json.Valid(doc.Raw) {
				t.Fatal("Raw is not JSON")
			}
		}
		_, err := c.ItemCodeStatus(t.Context(), "mark-1")
		check(err)
		_, err = c.Devices(t.Context(), "")
		check(err)
		doc, err := c.Submit(t.Context(), tea())
		check(err)
		switch {
		case err != nil:
		case !doc.Existed && (status != http.StatusCreated || doc.Status != fiscal.DocumentQueued):
			t.Fatalf("%d is taken for a receipt in the queue: %+v", status, doc)
		case doc.Status == fiscal.DocumentPrinted && doc.Fiscal.Type != 0 && (doc.Fiscal.Type != fiscal.Sale || doc.Fiscal.Total != tea().Total()):
			t.Fatalf("another receipt is taken for this one: %+v", doc.Fiscal)
		}
		check(c.Check(t.Context()))
		_, err = c.CheckPermissive(t.Context(), orangedata.PermissiveRequest{Codes: make([]orangedata.PermissiveCode, 1), ClientInfo: orangedata.PermissiveClient{Name: "n", Version: "v", ID: "i", Token: "t"}})
		check(err)
	})
}

func isError(err error) bool {
	var e *acquiring.Error
	return errors.As(err, &e)
}

// Any file gives a key that works, or ErrKey.
func FuzzParsePrivateKey(f *testing.F) {
	xml := string(file(f, "key.xml"))
	f.Add([]byte(xml), "")
	f.Add([]byte(cutElements(xml, "DP", "InverseQ")), "")
	f.Add([]byte(strings.Replace(xml, "<D>", "<D>\n ", 1)), "")
	f.Add([]byte("<RSAKeyValue><Modulus>8IAiJQ==</Modulus><Exponent>AQAB</Exponent><P>/Ps=</P><Q>818=</Q><D>z/vzSQ==</D></RSAKeyValue>"), "")
	f.Add(file(f, "key.pem"), "1234")
	f.Add(file(f, "public.pem"), "")
	f.Add([]byte("-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,5629102207C27C13A811047DD28124E0\n\nAAAA\n-----END RSA PRIVATE KEY-----\n"), "1")
	f.Add([]byte("-----BEGIN ENCRYPTED PRIVATE KEY-----\nMFYwUAYJKoZIhvcNAQUNMEMwIgYJKoZIhvcNAQUMMBUECAAAAAAAAAAAAgEBMAYG\n-----END ENCRYPTED PRIVATE KEY-----\n"), "1")
	f.Fuzz(func(t *testing.T, data []byte, password string) {
		if len(data) > 16<<10 {
			return
		}
		public, publicErr := orangedata.ParsePublicKey(data)
		if publicErr != nil && !errors.Is(publicErr, orangedata.ErrKey) {
			t.Fatalf("not ErrKey: %v", publicErr)
		}
		if publicErr == nil {
			again, err := orangedata.ParsePublicKey([]byte(orangedata.PublicKeyXML(public)))
			if err != nil || !again.Equal(public) {
				t.Fatalf("written for the cabinet it is another key: %v", err)
			}
		}
		if pair, err := orangedata.ParseCertificate(data, nil, password); err == nil {
			if signer, ok := pair.PrivateKey.(crypto.Signer); !ok || !pair.Leaf.PublicKey.(*rsa.PublicKey).Equal(signer.Public()) {
				t.Fatal("a certificate with somebody else's key")
			}
		} else if !errors.Is(err, acquiring.ErrInvalid) || acquiring.OutcomeOf(err) != acquiring.OutcomeNotSent {
			t.Fatalf("%v", err)
		}
		key, err := orangedata.ParsePrivateKey(data, password)
		if err != nil {
			if !errors.Is(err, orangedata.ErrKey) {
				t.Fatalf("not ErrKey: %v", err)
			}
			return
		}
		if err := key.Validate(); err != nil {
			t.Fatalf("a key that is none: %v", err)
		}
		if publicErr == nil && !public.Equal(key.Public()) {
			t.Fatal("the public half is of another key")
		}
	})
}
