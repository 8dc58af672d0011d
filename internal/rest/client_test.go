package rest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// roundTrip is a transport of the test's own.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(status int, body string, header ...string) (*http.Response, error) {
	h := http.Header{}
	for i := 0; i < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body))}, nil
}

func newClient(t testing.TB, change func(*rest.Options)) *rest.Client {
	t.Helper()
	opt := rest.Options{Provider: "bank", Shop: "school", BaseURL: "https://bank.example/api"}
	if change != nil {
		change(&opt)
	}
	c, err := rest.New(opt)
	require.NoError(t, err)
	return c
}

func over(f roundTrip) func(*rest.Options) {
	return func(o *rest.Options) { o.HTTPClient = &http.Client{Transport: f} }
}

func asError(t testing.TB, err error) *acquiring.Error {
	t.Helper()
	var e *acquiring.Error
	require.ErrorAs(t, err, &e)
	assert.Equal(t, "bank", e.Provider)
	return e
}

func TestNewRefusesABadAddress(t *testing.T) {
	for _, base := range []string{"", "bank.example", "ftp://bank.example", "https://", "/api", "https://bank.example/?a=1", "https://user:pw@bank.example", "https://bank.example/%zz"} {
		_, err := rest.New(rest.Options{Provider: "bank", BaseURL: base})
		require.ErrorIs(t, err, acquiring.ErrInvalid, base)
		e := asError(t, err)
		assert.Equal(t, "Config.BaseURL", e.Field)
		assert.NotContains(t, err.Error(), "pw")
	}
	_, err := rest.New(rest.Options{Provider: "bank", BaseURL: "https://bank.example", Roots: []byte("not a certificate")})
	assert.Equal(t, "Config.RootCAs", asError(t, err).Field)
}

func TestDoSendsWhatItWasGiven(t *testing.T) {
	var got *http.Request
	var body string
	header := http.Header{"X-Request-Id": {"42"}}
	c := newClient(t, over(func(r *http.Request) (*http.Response, error) {
		got = r
		if r.Body != nil {
			data, _ := io.ReadAll(r.Body)
			body = string(data)
		}
		return answer(200, "{}")
	}))
	do := func(call rest.Call) {
		t.Helper()
		_, err := c.Do(t.Context(), call)
		require.NoError(t, err)
	}
	do(rest.Call{Op: "a", Path: "orders/" + url.PathEscape("A/7 ü"), Query: url.Values{"b": {"2"}, "a": {"1 &"}}, Header: header})
	assert.Equal(t, http.MethodGet, got.Method)
	assert.Equal(t, "https://bank.example/api/orders/A%2F7%20%C3%BC?a=1+%26&b=2", got.URL.String())
	assert.Equal(t, "42", got.Header.Get("X-Request-Id"))
	assert.Contains(t, got.Header.Get("Accept"), "application/json")
	assert.Empty(t, got.Header.Get("Content-Type"))

	do(rest.Call{Op: "a", Path: "/pay?x=1", Query: url.Values{"y": {"2"}}, ContentType: "application/json", Body: []byte(`{"a":1}`)})
	assert.Equal(t, http.MethodPost, got.Method)
	assert.Equal(t, "https://bank.example/api/pay?x=1&y=2", got.URL.String())
	assert.Equal(t, `{"a":1}`, body)
	assert.Equal(t, "application/json", got.Header.Get("Content-Type"))
	assert.EqualValues(t, 7, got.ContentLength)

	do(rest.Call{Op: "a", Method: http.MethodDelete, Path: "https://other.example/x", Header: http.Header{"Accept": {"text/plain"}}})
	assert.Equal(t, "https://other.example/x", got.URL.String())
	assert.Equal(t, http.MethodDelete, got.Method)
	assert.Equal(t, "text/plain", got.Header.Get("Accept"))

	do(rest.Call{Op: "a", Sign: func(r *http.Request, body []byte) error { r.Header.Set("Signature", "s"+string(body)); return nil }, Body: []byte("b")})
	assert.Equal(t, "https://bank.example/api", got.URL.String())
	assert.Equal(t, "sb", got.Header.Get("Signature"))
	assert.Equal(t, http.Header{"X-Request-Id": {"42"}}, header, "the caller's header is as it was")

	odd := newClient(t, func(o *rest.Options) {
		over(func(r *http.Request) (*http.Response, error) { got = r; return answer(200, "") })(o)
		o.BaseURL = "https://bank.example/a%2Fb/"
	})
	_, err := odd.Do(t.Context(), rest.Call{Path: "c"})
	require.NoError(t, err)
	assert.Equal(t, "https://bank.example/a%2Fb/c", got.URL.String())
	assert.Equal(t, "https://bank.example/a%2Fb", odd.BaseURL())
	assert.NotNil(t, odd.Logger())
}

func TestDoRefusesWhatCannotBeSent(t *testing.T) {
	c := newClient(t, over(func(*http.Request) (*http.Response, error) { t.Error("sent"); return answer(200, "") }))
	for name, call := range map[string]rest.Call{
		"path":     {Op: "x", Path: "a%zz"},
		"absolute": {Op: "x", Path: "https://bank example/%zz"},
		"method":   {Op: "x", Method: "NOT A METHOD"},
	} {
		_, err := c.Do(t.Context(), call)
		require.ErrorIs(t, err, acquiring.ErrInvalid, name)
		e := asError(t, err)
		assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
		assert.Equal(t, "x", e.Op)
	}
	_, err := c.Do(t.Context(), rest.Call{Op: "x", Sign: func(*http.Request, []byte) error { return acquiring.Invalid("Config.PrivateKey", "is broken") }})
	e := asError(t, err)
	assert.Equal(t, "Config.PrivateKey", e.Field)
	assert.Equal(t, "x", e.Op)
}

func TestDoWhenTheRequestCannotBeSigned(t *testing.T) {
	cause := errors.New("token endpoint said: bad secret hunter2")
	c := newClient(t, func(o *rest.Options) {
		over(func(*http.Request) (*http.Response, error) { t.Error("sent"); return answer(200, "") })(o)
		o.Secrets = []string{"hunter2"}
	})
	_, err := c.Do(t.Context(), rest.Call{Op: "x", Sign: func(*http.Request, []byte) error { return cause }})
	e := asError(t, err)
	assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	assert.ErrorIs(t, err, cause)
	assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	assert.NotContains(t, err.Error(), "hunter2")
}

// What is repeated, and what is not: the table of the rules.
func TestDoRepeatsOnlyWhatIsSafe(t *testing.T) {
	refused := func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") }
	status := func(code int) roundTrip {
		return func(*http.Request) (*http.Response, error) { return answer(code, "<html>down</html>") }
	}
	cut := func(*http.Request) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(io.MultiReader(strings.NewReader("{"), broken{}))}, nil
	}
	for name, tt := range map[string]struct {
		transport  roundTrip
		repeatable bool
		attempts   int
		kind       error
		outcome    acquiring.Outcome
		http       int
	}{
		"a read after a lost answer":        {refused, true, 3, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, 0},
		"a payment after a lost answer":     {refused, false, 1, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, 0},
		"a read after 502":                  {status(502), true, 3, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, 502},
		"a payment after 502":               {status(502), false, 1, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, 502},
		"a read after a cut answer":         {cut, true, 3, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, 200},
		"a payment after a cut answer":      {cut, false, 1, acquiring.ErrUnavailable, acquiring.OutcomeUnknown, 200},
		"a read after too many requests":    {status(429), true, 3, acquiring.ErrRateLimited, acquiring.OutcomeRejected, 429},
		"a payment after too many requests": {status(429), false, 1, acquiring.ErrRateLimited, acquiring.OutcomeRejected, 429},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				c := newClient(t, over(func(r *http.Request) (*http.Response, error) {
					n++
					data, _ := io.ReadAll(r.Body)
					assert.Equal(t, "body", string(data), "each attempt has the whole body")
					return tt.transport(r)
				}))
				_, err := c.Do(t.Context(), rest.Call{Op: "pay", Body: []byte("body"), Repeatable: tt.repeatable})
				require.ErrorIs(t, err, tt.kind)
				e := asError(t, err)
				assert.Equal(t, tt.outcome, e.Outcome)
				assert.Equal(t, tt.http, e.HTTPStatus)
				assert.Equal(t, tt.attempts, n)
			})
		})
	}
	for _, code := range []int{200, 201, 204, 301, 302, 307, 400, 401, 404, 408, 409, 422} {
		n := 0
		c := newClient(t, over(func(*http.Request) (*http.Response, error) { n++; return answer(code, "said") }))
		resp, err := c.Do(t.Context(), rest.Call{Op: "x", Repeatable: true})
		require.NoError(t, err, code)
		assert.Equal(t, code, resp.Status)
		assert.Equal(t, "said", string(resp.Body))
		assert.Equal(t, 1, n, "%d is an answer", code)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestDoSucceedsAtTheSecondAttempt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := 0
		signed := 0
		c := newClient(t, over(func(*http.Request) (*http.Response, error) {
			if n++; n == 1 {
				return answer(503, "busy")
			}
			return answer(200, "done")
		}))
		start := time.Now()
		resp, err := c.Do(t.Context(), rest.Call{Op: "x", Repeatable: true, Sign: func(*http.Request, []byte) error { signed++; return nil }})
		require.NoError(t, err)
		assert.Equal(t, "done", string(resp.Body))
		assert.Equal(t, 2, signed, "each attempt is signed anew")
		assert.InDelta(t, 300, time.Since(start).Milliseconds(), 151)
	})
}

// The attempts are one call: what the first may have done is not undone by the
// refusal of the second.
func TestDoubtOfAnEarlierAttemptStays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		do := func(codes ...int) (*rest.Response, error) {
			c := newClient(t, over(func(*http.Request) (*http.Response, error) {
				code := codes[0]
				if len(codes) > 1 {
					codes = codes[1:]
				}
				return answer(code, "said")
			}))
			return c.Do(t.Context(), rest.Call{Op: "refund", Body: []byte("body"), Repeatable: true})
		}
		_, err := do(502, 429)
		require.ErrorIs(t, err, acquiring.ErrRateLimited)
		assert.Equal(t, acquiring.OutcomeUnknown, asError(t, err).Outcome)
		resp, err := do(502, 409)
		require.NoError(t, err)
		assert.True(t, resp.Doubtful)
		resp, err = do(429, 409)
		require.NoError(t, err)
		assert.False(t, resp.Doubtful, "too many requests: nothing was done")
	})
}

func TestDoWithoutRetries(t *testing.T) {
	n := 0
	c := newClient(t, func(o *rest.Options) {
		over(func(*http.Request) (*http.Response, error) { n++; return answer(503, "busy") })(o)
		o.Retries = -1
	})
	resp, err := c.Do(t.Context(), rest.Call{Op: "x", Repeatable: true})
	require.Error(t, err)
	assert.Equal(t, 1, n)
	require.NotNil(t, resp, "the answer is beside the error, for the provider that says more in it")
	assert.Equal(t, "busy", string(resp.Body))
}

func TestRetryAfter(t *testing.T) {
	run := func(t *testing.T, header func() string, limit time.Duration) (n int, took time.Duration, err error) {
		synctest.Test(t, func(t *testing.T) {
			c := newClient(t, over(func(*http.Request) (*http.Response, error) {
				if n++; n > 1 {
					return answer(200, "")
				}
				return answer(429, "slow down", "Retry-After", header())
			}))
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			start := time.Now()
			_, err = c.Do(ctx, rest.Call{Op: "x", Repeatable: true})
			took = time.Since(start)
		})
		return n, took, err
	}
	seconds := func() string { return "7" }
	date := func() string { return time.Now().Add(7 * time.Second).UTC().Format(http.TimeFormat) }
	for name, form := range map[string]func() string{"seconds": seconds, "date": date} {
		t.Run(name, func(t *testing.T) {
			n, took, err := run(t, form, time.Minute)
			require.NoError(t, err)
			assert.Equal(t, 2, n)
			assert.InDelta(t, 7, took.Seconds(), 1.01)
		})
		t.Run(name+", beyond the deadline: not waited for", func(t *testing.T) {
			n, took, err := run(t, form, 5*time.Second)
			require.ErrorIs(t, err, acquiring.ErrRateLimited)
			assert.Equal(t, 1, n)
			assert.Zero(t, took)
			assert.InDelta(t, 7, asError(t, err).RetryAfter.Seconds(), 1.01)
		})
	}
	t.Run("longer than a caller wants to be held", func(t *testing.T) {
		n, _, err := run(t, func() string { return "3600" }, 2*time.Hour)
		require.Error(t, err)
		assert.Equal(t, 1, n)
		assert.Equal(t, time.Hour, asError(t, err).RetryAfter)
	})
	for _, rubbish := range []string{"", "-1", "soon", "99999999999999999999", "1.5", "Fri, 01 Jan 1999 00:00:00 GMT"} {
		n, took, err := run(t, func() string { return rubbish }, time.Minute)
		require.NoError(t, err, rubbish)
		assert.Equal(t, 2, n)
		assert.Less(t, took, time.Second)
	}
}

func TestDoEndsWithTheContext(t *testing.T) {
	t.Run("before anything was sent", func(t *testing.T) {
		c := newClient(t, over(func(*http.Request) (*http.Response, error) { t.Error("sent"); return answer(200, "") }))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := c.Do(ctx, rest.Call{Op: "pay", Body: []byte("x"), Repeatable: true})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, acquiring.OutcomeNotSent, asError(t, err).Outcome)
	})
	t.Run("after it was sent", func(t *testing.T) {
		arrived := make(chan struct{})
		server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			close(arrived)
			<-r.Context().Done()
		}))
		defer server.Close()
		c := newClient(t, func(o *rest.Options) { o.BaseURL = server.URL })
		ctx, cancel := context.WithCancel(t.Context())
		go func() { <-arrived; cancel() }()
		_, err := c.Do(ctx, rest.Call{Op: "pay", Body: []byte("x"), Repeatable: true})
		require.ErrorIs(t, err, context.Canceled)
		assert.Equal(t, acquiring.OutcomeUnknown, asError(t, err).Outcome)
	})
	t.Run("during the pause", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			c := newClient(t, over(func(*http.Request) (*http.Response, error) { n++; return answer(503, "", "Retry-After", "20") }))
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(time.Second, cancel)
			start := time.Now()
			_, err := c.Do(ctx, rest.Call{Op: "x", Repeatable: true})
			require.ErrorIs(t, err, acquiring.ErrUnavailable)
			assert.Equal(t, time.Second, time.Since(start))
			assert.Equal(t, 1, n)
		})
	})
	t.Run("each attempt has its own timeout", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			n := 0
			c := newClient(t, func(o *rest.Options) {
				o.Timeout = 2 * time.Second
				over(func(r *http.Request) (*http.Response, error) {
					if n++; n == 2 {
						return answer(200, "")
					}
					<-r.Context().Done()
					return nil, r.Context().Err()
				})(o)
			})
			_, err := c.Do(t.Context(), rest.Call{Op: "x", Repeatable: true})
			require.NoError(t, err)
			assert.Equal(t, 2, n)
		})
	})
}

func TestNoErrorHoldsASecret(t *testing.T) {
	var log bytes.Buffer
	logger := slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, secret := range awkward[:4] {
		inJSON := fmt.Sprintf("%+q", secret)
		for form, text := range map[string]string{
			"plain": secret, "form": url.QueryEscape(secret), "path": url.PathEscape(secret), "lower form": strings.ToLower(url.QueryEscape(secret)),
			"JSON": inJSON, "PHP's JSON": strings.ReplaceAll(inJSON, "/", `\/`),
			"web page": strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;").Replace(secret),
		} {
			for where, transport := range map[string]roundTrip{
				"a 500 page":  func(*http.Request) (*http.Response, error) { return answer(500, "you sent password="+text+"&x") },
				"a 429 page":  func(*http.Request) (*http.Response, error) { return answer(429, text) },
				"behind 4 KB": func(*http.Request) (*http.Response, error) { return answer(500, strings.Repeat(" ", 4090)+text) },
				"a transport error": func(r *http.Request) (*http.Response, error) {
					return nil, fmt.Errorf("cannot reach %s with %s", r.URL, text)
				},
				"an answer cut off":    func(*http.Request) (*http.Response, error) { return answer(200, `{"a":"`+text) },
				"a page for an answer": func(*http.Request) (*http.Response, error) { return answer(200, "<p>"+text) },
				"rubbish":              func(*http.Request) (*http.Response, error) { return answer(200, text) },
			} {
				t.Run(form+" in "+where, func(t *testing.T) {
					c := newClient(t, func(o *rest.Options) { over(transport)(o); o.Secrets, o.Logger, o.Retries = awkward, logger, -1 })
					call := rest.Call{Op: "pay", Query: url.Values{"password": {secret}}, Header: http.Header{"Authorization": {secret}}, Body: []byte(secret)}
					resp, err := c.Do(t.Context(), call)
					if err == nil {
						var v struct{ A int }
						err = c.DecodeJSON(call, resp, &v)
					}
					require.Error(t, err)
					for _, shown := range []string{err.Error(), fmt.Sprintf("%v %+v %s", err, err, err), log.String()} {
						for _, form := range []string{secret, text, url.QueryEscape(secret)} {
							if strings.Contains(shown, form) {
								t.Errorf("%q is in %q", form, shown)
							}
						}
						if strings.Contains(shown, "hunter2") || strings.Contains(shown, "-and-more") {
							t.Errorf("a part of a secret is in %q", shown)
						}
					}
					var ue *url.Error
					assert.False(t, errors.As(err, &ue), "the address with its query is not in the chain")
					log.Reset()
				})
			}
		}
	}
}

func TestErrorOfTheProvidersOwn(t *testing.T) {
	c := newClient(t, func(o *rest.Options) { o.Secrets = []string{"hunter2"} })
	resp := &rest.Response{Status: 422, Header: http.Header{"Retry-After": {"3"}}}
	e := c.Error(rest.Call{Op: "pay"}, resp, acquiring.ErrDeclined, acquiring.OutcomeRejected, "hunter2", "card 4111 1111 1111 1111 of hunter2")
	assert.Equal(t, &acquiring.Error{Provider: "bank", Op: "pay", Kind: acquiring.ErrDeclined, Outcome: acquiring.OutcomeRejected,
		Code: rest.Hidden, Message: "card 4111 11** **** 1111 of " + rest.Hidden, HTTPStatus: 422, RetryAfter: 3 * time.Second}, e)
	assert.Zero(t, c.Error(rest.Call{}, nil, nil, 0, "", "").HTTPStatus)
	assert.Equal(t, rest.Hidden, rest.Mask("x"))
	assert.Empty(t, rest.Mask(""))
}

// A secret of one call, which the client does not know, is taken out of what is
// told of that call: whole, also where an excerpt would have cut it.
func TestSecretOfOneCall(t *testing.T) {
	const secret = "token/of the day"
	body := ""
	status := 502
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	defer srv.Close()
	c, err := rest.New(rest.Options{Provider: "test", BaseURL: srv.URL, Retries: -1})
	require.NoError(t, err)
	call := rest.Call{Op: "x", Secret: secret}
	for _, text := range []string{secret, "a=" + url.QueryEscape(secret), strings.Repeat("x", 110) + secret} {
		body, status = text, 502
		resp, err := c.Do(t.Context(), call)
		require.Error(t, err)
		for _, s := range []string{err.Error(), string(resp.Body)} {
			assert.Contains(t, s, rest.Hidden)
			assert.NotContains(t, s, secret[:5])
		}
		status = 200
		resp, err = c.Do(t.Context(), call)
		require.NoError(t, err)
		assert.Equal(t, text, string(resp.Body), "what succeeded comes as it is")
		var v struct{}
		assert.NotContains(t, c.DecodeJSON(call, resp, &v).Error(), secret[:5])
		assert.NotContains(t, c.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, text, text).Error(), secret[:5])
	}
}
