package rest_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// dialer is a real transport, so that it can vouch that nothing left.
func dialer(dial func(ctx context.Context, network, addr string) (net.Conn, error)) *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: dial}}
}

func TestDoRepeatsAPaymentThatNeverLeft(t *testing.T) {
	var arrived atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { arrived.Add(1); _, _ = io.WriteString(w, "{}") }))
	defer server.Close()
	dials := 0
	c := newClient(t, func(o *rest.Options) {
		o.BaseURL = server.URL
		o.HTTPClient = dialer(func(ctx context.Context, network, addr string) (net.Conn, error) {
			if dials++; dials == 1 {
				return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
			}
			return (&net.Dialer{}).DialContext(ctx, network, addr)
		})
	})
	_, err := c.Do(t.Context(), rest.Call{Op: "pay", Body: []byte("x")})
	require.NoError(t, err)
	assert.Equal(t, 2, dials)
	assert.EqualValues(t, 1, arrived.Load())
}

func TestDoNeverRepeatsAPaymentThatLeft(t *testing.T) {
	var arrived atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		conn, _, _ := http.NewResponseController(w).Hijack()
		conn.Close() // carried out, and no answer
	}))
	defer server.Close()
	c := newClient(t, func(o *rest.Options) { o.BaseURL = server.URL })
	_, err := c.Do(t.Context(), rest.Call{Op: "pay", Body: []byte("x")})
	e := asError(t, err)
	assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome)
	assert.ErrorIs(t, err, acquiring.ErrUnavailable)
	assert.EqualValues(t, 1, arrived.Load())
	assert.Contains(t, err.Error(), "look before you repeat")

	_, err = c.Do(t.Context(), rest.Call{Op: "status", Body: []byte("x"), Repeatable: true})
	require.Error(t, err)
	assert.EqualValues(t, 4, arrived.Load())
}

func TestTransportErrorsSayWhatToDo(t *testing.T) {
	failing := func(err error) func(*rest.Options) {
		return func(o *rest.Options) {
			o.Retries = -1
			o.HTTPClient = dialer(func(context.Context, string, string) (net.Conn, error) { return nil, err })
		}
	}
	do := func(c *rest.Client) *acquiring.Error {
		_, err := c.Do(t.Context(), rest.Call{Op: "pay", Body: []byte("x")})
		require.ErrorIs(t, err, acquiring.ErrUnavailable)
		return asError(t, err)
	}
	e := do(newClient(t, failing(&net.OpError{Op: "dial", Net: "tcp", Err: errors.New("i/o timeout")})))
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	assert.Equal(t, "no connection to bank.example", e.Message)
	assert.Contains(t, e.Hint, "abroad")

	e = do(newClient(t, failing(&net.DNSError{Err: "no such host", Name: "bank.example", IsNotFound: true})))
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	assert.Equal(t, "the host bank.example is not known", e.Message)

	e = do(newClient(t, failing(errors.New("the SOCKS proxy is away"))))
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	assert.Equal(t, "the request to bank.example did not leave", e.Message)

	e = do(newClient(t, func(o *rest.Options) {
		over(func(*http.Request) (*http.Response, error) {
			return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
		})(o)
		o.Retries = -1
	}))
	assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome, "a transport that is not the standard one cannot vouch that nothing left")
}

func TestAClientWithoutATransport(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	addr := closed.Addr().String()
	closed.Close()
	c := newClient(t, func(o *rest.Options) { o.BaseURL = "http://" + addr; o.HTTPClient = &http.Client{}; o.Retries = -1 })
	_, err = c.Do(t.Context(), rest.Call{Op: "pay", Body: []byte("x")})
	assert.Equal(t, acquiring.OutcomeNotSent, asError(t, err).Outcome)

	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	http.DefaultTransport = roundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("lost") })
	_, err = c.Do(t.Context(), rest.Call{Op: "pay", Body: []byte("x")})
	assert.Equal(t, acquiring.OutcomeUnknown, asError(t, err).Outcome, "somebody replaced the default transport")
}

// A bank's client must not speak to whoever answers, whoever switched it off.
func TestNewRefusesATransportThatVerifiesNothing(t *testing.T) {
	blind := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	_, err := rest.New(rest.Options{Provider: "bank", BaseURL: "https://bank.example", HTTPClient: &http.Client{Transport: blind}})
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
	assert.Equal(t, "Config.HTTPClient", e.Field)
	assert.Equal(t, "bank", e.Provider)
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)

	was := http.DefaultTransport
	t.Cleanup(func() { http.DefaultTransport = was })
	http.DefaultTransport = blind
	_, err = rest.New(rest.Options{BaseURL: "https://bank.example", HTTPClient: &http.Client{}})
	assert.ErrorIs(t, err, acquiring.ErrInvalid, "the default transport, switched off by the program")
	_, err = rest.New(rest.Options{BaseURL: "https://bank.example"})
	assert.NoError(t, err, "a client of our own does not use it")
}

func TestTLS(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "%d", len(r.TLS.PeerCertificates))
	}))
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.TLS = &tls.Config{ClientAuth: tls.RequestClientCert}
	server.StartTLS()
	defer server.Close()
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	do := func(change func(*rest.Options)) (*rest.Response, error) {
		return newClient(t, func(o *rest.Options) {
			o.BaseURL, o.Retries = server.URL, -1
			change(o)
		}).Do(t.Context(), rest.Call{Op: "pay", Body: []byte("x")})
	}

	_, err := do(func(*rest.Options) {})
	e := asError(t, err)
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	assert.ErrorIs(t, err, acquiring.ErrUnavailable)
	var unknown x509.UnknownAuthorityError
	assert.ErrorAs(t, err, &unknown)
	assert.Contains(t, e.Message, "authority that is not trusted here")
	assert.Contains(t, e.Hint, "Russian Trusted Root CA")
	assert.Contains(t, e.Hint, "never switch verification off")

	_, err = do(func(o *rest.Options) { o.RussianRoots = true })
	require.ErrorAs(t, err, &unknown, "the Russian roots open the door to their own certificates only")

	resp, err := do(func(o *rest.Options) { o.Roots = root })
	require.NoError(t, err)
	assert.Equal(t, "0", string(resp.Body))

	t.Run("mutual", func(t *testing.T) {
		own := server.TLS.Certificates[0]
		resp, err := do(func(o *rest.Options) { o.Roots, o.Certificates = root, []tls.Certificate{own} })
		require.NoError(t, err)
		assert.Equal(t, "1", string(resp.Body))
	})
	t.Run("another host's certificate", func(t *testing.T) {
		_, port, _ := net.SplitHostPort(server.Listener.Addr().String())
		c := newClient(t, func(o *rest.Options) {
			o.BaseURL, o.Roots, o.Retries = "https://localhost:"+port, root, -1
		})
		_, err := c.Do(t.Context(), rest.Call{Op: "pay", Body: []byte("x")})
		e := asError(t, err)
		assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
		assert.Contains(t, e.Message, "is not valid for it")
		assert.Contains(t, e.Hint, "clock")
	})
	t.Run("old protocols", func(t *testing.T) {
		old := httptest.NewUnstartedServer(http.NotFoundHandler())
		old.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
		old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
		old.StartTLS()
		defer old.Close()
		c := newClient(t, func(o *rest.Options) { o.BaseURL, o.Roots, o.Retries = old.URL, root, -1 })
		_, err := c.Do(t.Context(), rest.Call{Op: "pay", Body: []byte("x")})
		assert.Equal(t, acquiring.OutcomeNotSent, asError(t, err).Outcome)
	})
}

func TestRedirectsAreAnswers(t *testing.T) {
	var followed atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+r.URL.Path, http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	users := &http.Client{Timeout: time.Minute}
	for name, own := range map[string]*http.Client{"our client": nil, "the user's": users} {
		c := newClient(t, func(o *rest.Options) { o.BaseURL, o.HTTPClient = server.URL, own })
		resp, err := c.Do(t.Context(), rest.Call{Op: "pay", Path: "pay", Body: []byte("secret"), Header: http.Header{"Authorization": {"Bearer x"}}})
		require.NoError(t, err, name)
		assert.Equal(t, http.StatusTemporaryRedirect, resp.Status)
		assert.Equal(t, other.URL+"/pay", resp.Header.Get("Location"))
	}
	assert.Zero(t, followed.Load())
	assert.Nil(t, users.CheckRedirect, "the user's client is as it was")
	assert.Nil(t, users.Transport)
	assert.Equal(t, time.Minute, users.Timeout)
}

func TestAnswerLimit(t *testing.T) {
	var read atomic.Int64
	c := newClient(t, func(o *rest.Options) {
		o.Limit = 1000
		over(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(countReads{&read})}, nil
		})(o)
	})
	_, err := c.Do(t.Context(), rest.Call{Op: "x", Repeatable: true})
	e := asError(t, err)
	assert.ErrorIs(t, err, acquiring.ErrProtocol)
	assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome)
	assert.LessOrEqual(t, read.Load(), int64(1001), "and it is not tried again")

	exact := newClient(t, func(o *rest.Options) {
		o.Limit = 4
		over(func(*http.Request) (*http.Response, error) { return answer(200, "1234") })(o)
	})
	_, err = exact.Do(t.Context(), rest.Call{Op: "x"})
	require.NoError(t, err)
	_, err = exact.Do(t.Context(), rest.Call{Op: "x", Limit: 3})
	require.ErrorIs(t, err, acquiring.ErrProtocol)
}

type countReads struct{ n *atomic.Int64 }

func (c countReads) Read(p []byte) (int, error) { c.n.Add(int64(len(p))); return len(p), nil }

// secrets that look otherwise in a form, in JSON and on a web page.
var awkward = []string{"hunter2", "pa ss/w&rd+<1>\"", "пароль№7", "hunter2-and-more", ""}
