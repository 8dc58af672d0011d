package rest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
)

// Defaults of Options.
const (
	DefaultTimeout = 30 * time.Second
	DefaultLimit   = 1 << 20
	DefaultRetries = 2
)

// Options configure a Client.
type Options struct {
	Provider string // for errors and logs
	Shop     string // label of the shop, for logs
	BaseURL  string // absolute; the paths of calls are appended

	// HTTPClient is the user's own; its transport, timeout and cookies are
	// used as they are and it is not changed; one that does not verify
	// certificates is refused. nil: a client of our own, and then Roots,
	// Certificates and RussianRoots count.
	HTTPClient   *http.Client
	RussianRoots bool              // trust the Russian Trusted Root CA beside the system's
	Roots        []byte            // further roots in PEM
	Certificates []tls.Certificate // for mutual TLS

	Logger  *slog.Logger       // nil: nothing is logged
	Observe acquiring.Observer // nil: nobody
	Secrets []string           // values that must never appear in an error
	Timeout time.Duration      // of one attempt; 0: DefaultTimeout
	Limit   int64              // bytes of an answer; 0: DefaultLimit
	Retries int                // of what may be repeated; 0: DefaultRetries, -1: none
}

// Client calls one provider for one shop. It is safe for concurrent use.
type Client struct {
	opt    Options
	base   *url.URL
	http   *http.Client
	log    *slog.Logger
	redact *strings.Replacer
}

// New checks the options. The error is ErrInvalid with the field named.
func New(opt Options) (*Client, error) {
	base, err := url.Parse(opt.BaseURL)
	if err != nil || base.Host == "" || (base.Scheme != "https" && base.Scheme != "http") || base.RawQuery != "" || base.User != nil {
		e := acquiring.Invalid("Config.BaseURL", "is not an absolute http(s) address without query")
		e.Provider = opt.Provider
		return nil, e
	}
	base.Path, base.RawPath = strings.TrimSuffix(base.Path, "/"), strings.TrimSuffix(base.RawPath, "/")
	if opt.Timeout == 0 {
		opt.Timeout = DefaultTimeout
	}
	if opt.Limit == 0 {
		opt.Limit = DefaultLimit
	}
	if opt.Retries == 0 {
		opt.Retries = DefaultRetries
	}
	c := &Client{opt: opt, base: base, log: opt.Logger, redact: redactor(opt.Secrets)}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.log = c.log.With("provider", opt.Provider, "shop", opt.Shop)
	if opt.HTTPClient != nil {
		own := *opt.HTTPClient
		if unverified(own.Transport) {
			return nil, acquiring.InOp(opt.Provider, "New", acquiring.Invalid("Config.HTTPClient",
				"does not verify the server's certificate, so that anybody on the way could take the credentials and answer \"paid\": leave InsecureSkipVerify off and add the server's authority to the roots"))
		}
		c.http = &own
	} else {
		transport, err := newTransport(opt)
		if err != nil {
			return nil, acquiring.InOp(opt.Provider, "New", err)
		}
		c.http = &http.Client{Transport: transport}
	}
	// A redirect is an answer like any other: following it could carry
	// credentials to another host, or turn a POST into a GET.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return c, nil
}

// unverified says whether the transport takes any server for the provider. A
// transport of another type than net/http's is its author's to answer for.
func unverified(t http.RoundTripper) bool {
	if t == nil {
		t = http.DefaultTransport
	}
	own, ok := t.(*http.Transport)
	return ok && own.TLSClientConfig != nil && own.TLSClientConfig.InsecureSkipVerify
}

func newTransport(opt Options) (*http.Transport, error) {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	conf := &tls.Config{MinVersion: tls.VersionTLS12, Certificates: opt.Certificates}
	if opt.RussianRoots || len(opt.Roots) > 0 {
		var err error
		if conf.RootCAs, err = TrustedRoots(nil, opt.Roots, opt.RussianRoots); err != nil {
			return nil, err
		}
	}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		TLSClientConfig:       conf,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: opt.Timeout,
		IdleConnTimeout:       90 * time.Second,
		MaxIdleConns:          64,
		MaxIdleConnsPerHost:   16,
		ForceAttemptHTTP2:     true,
	}, nil
}

// Call is one request.
type Call struct {
	Op     string // what it is, for errors and logs: "register.do"
	Method string // "": POST with a Body, GET without
	// Path is appended to the base address; each variable part of it must be
	// escaped (url.PathEscape). An absolute address replaces the base's.
	Path        string
	Query       url.Values
	Header      http.Header
	ContentType string
	Body        []byte
	Limit       int64 // of this answer; 0: the client's

	// Secret is this call's own, as a token of the day is: it is taken out of
	// every answer that is no success, and of errors about the others.
	Secret string

	// Repeatable: doing it twice is the same as doing it once: a read, or a
	// write with an idempotency key. It is tried again after a failure whose
	// outcome is unknown; any other call only when it surely never left.
	Repeatable bool
	// Answers are statuses from 500 up that this call's provider uses as
	// answers: they are returned with no error, like a 200, and not tried
	// again (524 of OrangeData: the document was not printed in time).
	Answers []int

	// Sign is called for each attempt, last, and may set headers.
	Sign func(r *http.Request, body []byte) error
}

// Response is a complete answer.
type Response struct {
	Status int
	Header http.Header
	Body   []byte

	// Doubtful: an attempt before this one had no answer and may have done the
	// work, so that a refusal now may be of the second attempt alone.
	Doubtful bool

	secret string // the call's
}

// hide takes the call's own secret out of a text.
func (r *Response) hide(text string) string {
	if r == nil || r.secret == "" {
		return text
	}
	return redactor([]string{r.secret}).Replace(text)
}

// Do makes the call. An answer of 2xx, 3xx or 4xx, save 429, is returned with
// no error: what it means the provider knows. 429 and 5xx give an error
// (ErrRateLimited, ErrUnavailable), and the answer beside it for the provider
// that says more in its body. Without an answer the error's Outcome says
// whether the request left.
func (c *Client) Do(ctx context.Context, call Call) (*Response, error) {
	if call.Method == "" {
		call.Method = http.MethodGet
		if call.Body != nil {
			call.Method = http.MethodPost
		}
	}
	target, err := c.target(call)
	if err != nil {
		return nil, &acquiring.Error{Provider: c.opt.Provider, Op: call.Op, Kind: acquiring.ErrInvalid, Message: "the address of the call cannot be built"}
	}
	waits := newWaits()
	doubtful := false
	for attempt := 1; ; attempt++ {
		start := time.Now()
		resp, err := c.attempt(ctx, call, target)
		c.tell(ctx, call, target, attempt, resp, err, start)
		if resp != nil {
			resp.Doubtful = doubtful
		}
		if err == nil {
			return resp, nil
		}
		// The attempts are one call: what the first may have done, the last
		// one's "too many requests" or "no connection" does not undo.
		var e *acquiring.Error
		if errors.As(err, &e) && doubtful && e.Outcome != acquiring.OutcomeUnknown {
			e.Outcome = acquiring.OutcomeUnknown
		}
		doubtful = doubtful || acquiring.OutcomeOf(err) == acquiring.OutcomeUnknown
		if attempt > c.opt.Retries || !mayRepeat(call, err) || ctx.Err() != nil {
			return resp, err
		}
		if !waits.pause(ctx, err) {
			return resp, err
		}
	}
}

// plainPath says whether all characters mean themselves in a path.
func plainPath(s string) bool {
	for i := range len(s) {
		c := s[i]
		if letter := c | 0x20; (letter < 'a' || letter > 'z') && (c < '-' || c > '9') && c != '_' { // - . / and the digits
			return false
		}
	}
	return true
}

func (c *Client) target(call Call) (*url.URL, error) {
	target := *c.base
	if strings.HasPrefix(call.Path, "https://") || strings.HasPrefix(call.Path, "http://") {
		u, err := url.Parse(call.Path)
		if err != nil {
			return nil, err
		}
		target = *u
	} else if plainPath(call.Path) && c.base.RawPath == "" {
		// Most paths are constants: there is nothing in them to read.
		if call.Path != "" {
			target.Path = c.base.Path + "/" + strings.TrimPrefix(call.Path, "/")
		}
	} else {
		u, err := url.Parse(c.base.EscapedPath() + "/" + strings.TrimPrefix(call.Path, "/"))
		if err != nil {
			return nil, err
		}
		target.Path, target.RawPath, target.RawQuery = u.Path, u.RawPath, u.RawQuery
	}
	if len(call.Query) > 0 {
		if target.RawQuery != "" {
			target.RawQuery += "&"
		}
		target.RawQuery += call.Query.Encode()
	}
	return &target, nil
}

func (c *Client) attempt(ctx context.Context, call Call, target *url.URL) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return nil, &acquiring.Error{Provider: c.opt.Provider, Op: call.Op, Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeNotSent,
			Message: "the context ended before the request was sent", Err: err}
	}
	if strings.Trim(call.Method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return nil, &acquiring.Error{Provider: c.opt.Provider, Op: call.Op, Kind: acquiring.ErrInvalid, Message: "the request cannot be built"}
	}
	var sent departure
	req := sent.request(ctx, call, target)
	for name, values := range call.Header {
		req.Header[name] = values
	}
	values := []string{call.ContentType, "application/json, */*;q=0.5"}
	if call.ContentType != "" {
		req.Header["Content-Type"] = values[:1:1]
	}
	if req.Header.Get("Accept") == "" {
		req.Header["Accept"] = values[1:]
	}
	if call.Sign != nil {
		if err := call.Sign(req, call.Body); err != nil {
			return nil, c.signError(call, err)
		}
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, c.transportError(call, target, err, sent.left.Load() || !c.reportsConnections())
	}
	defer resp.Body.Close()
	limit := call.Limit
	if limit == 0 {
		limit = c.opt.Limit
	}
	data, err := readAnswer(resp, limit)
	if err != nil {
		e := c.transportError(call, target, err, true)
		e.HTTPStatus = resp.StatusCode
		return nil, e
	}
	if int64(len(data)) > limit {
		return nil, &acquiring.Error{Provider: c.opt.Provider, Op: call.Op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown,
			HTTPStatus: resp.StatusCode, Message: "the answer is larger than a provider's answer may be"}
	}
	out := &Response{Status: resp.StatusCode, Header: resp.Header, Body: data, secret: call.Secret}
	if out.Status >= 300 && out.secret != "" {
		out.Body = []byte(out.hide(string(data)))
	}
	if slices.Contains(call.Answers, out.Status) {
		return out, nil
	}
	return out, c.statusError(call, out)
}

// reportsConnections says whether the transport tells when a connection is
// made. A stub or a recorder may not: only the standard one can vouch that
// nothing left.
func (c *Client) reportsConnections() bool {
	transport := c.http.Transport
	if transport == nil {
		transport = http.DefaultTransport
	}
	_, ok := transport.(*http.Transport)
	return ok
}

// signError is the error of a request that could not be signed: it never left.
func (c *Client) signError(call Call, err error) error {
	var e *acquiring.Error
	if errors.As(err, &e) {
		return acquiring.InOp(c.opt.Provider, call.Op, err)
	}
	return &acquiring.Error{Provider: c.opt.Provider, Op: call.Op, Kind: acquiring.ErrUnauthorized, Outcome: acquiring.OutcomeNotSent,
		Message: "the request could not be signed", Err: scrubbed{err, c.Redact(err.Error())}}
}

// statusError is the error of an answer that is no answer.
func (c *Client) statusError(call Call, r *Response) error {
	switch {
	case r.Status == http.StatusTooManyRequests:
		return &acquiring.Error{Provider: c.opt.Provider, Op: call.Op, Kind: acquiring.ErrRateLimited, Outcome: acquiring.OutcomeRejected,
			HTTPStatus: r.Status, RetryAfter: retryAfter(r.Header), Message: c.Excerpt(r.Body)}
	case r.Status >= 500:
		return &acquiring.Error{Provider: c.opt.Provider, Op: call.Op, Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown,
			HTTPStatus: r.Status, RetryAfter: retryAfter(r.Header), Message: c.Excerpt(r.Body)}
	}
	return nil
}

// transportError says why there was no answer, and whether the request left.
func (c *Client) transportError(call Call, target *url.URL, err error, left bool) *acquiring.Error {
	e := &acquiring.Error{Provider: c.opt.Provider, Op: call.Op, Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeUnknown}
	if !left {
		e.Outcome = acquiring.OutcomeNotSent
	}
	// The address in a url.Error may hold credentials in its query.
	var ue *url.Error
	if errors.As(err, &ue) {
		err = ue.Err
	}
	e.Err = scrubbed{err, c.Redact(err.Error())}
	var unknown x509.UnknownAuthorityError
	var hostname x509.HostnameError
	var invalid x509.CertificateInvalidError
	var dns *net.DNSError
	var op *net.OpError
	switch {
	case errors.As(err, &unknown):
		e.Message = "the certificate of " + target.Host + " is signed by an authority that is not trusted here"
		e.Hint = "if it is the Russian Trusted Root CA, use the provider's own client without Config.HTTPClient, or add the root to your transport; never switch verification off"
	case errors.As(err, &hostname), errors.As(err, &invalid):
		e.Message = "the certificate of " + target.Host + " is not valid for it"
		e.Hint = "look for a proxy that breaks TLS open, and at this machine's clock"
	case errors.As(err, &dns):
		e.Message = "the host " + target.Host + " is not known"
	case !left && errors.As(err, &op):
		e.Message = "no connection to " + target.Host
		e.Hint = "Russian providers often refuse addresses abroad: check that this machine may reach it"
	case left:
		e.Message = "no whole answer from " + target.Host
	default:
		e.Message = "the request to " + target.Host + " did not leave"
	}
	return e
}

// scrubbed keeps the cause for errors.Is and a text without secrets.
type scrubbed struct {
	err  error
	text string
}

func (s scrubbed) Error() string { return s.text }
func (s scrubbed) Unwrap() error { return s.err }

// tell says to the log and to the observer how an attempt ended.
func (c *Client) tell(ctx context.Context, call Call, target *url.URL, attempt int, resp *Response, err error, start time.Time) {
	took := time.Since(start)
	if c.opt.Observe != nil {
		seen := acquiring.Call{Provider: c.opt.Provider, Shop: c.opt.Shop, Op: call.Op, Method: call.Method, Host: target.Host,
			Attempt: attempt, Start: start, Took: took, Err: err}
		if resp != nil {
			seen.HTTPStatus, seen.Bytes = resp.Status, len(resp.Body)
		}
		c.opt.Observe(ctx, seen)
	}
	level := slog.LevelDebug
	if err != nil {
		level = slog.LevelWarn
	}
	if !c.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("op", call.Op), slog.String("method", call.Method), slog.String("host", target.Host),
		slog.Int("attempt", attempt), slog.Duration("took", took),
	}
	if resp != nil {
		attrs = append(attrs, slog.Int("http", resp.Status), slog.Int("bytes", len(resp.Body)))
	}
	if err != nil {
		attrs = append(attrs, slog.String("error", c.Redact(err.Error())), slog.String("outcome", acquiring.OutcomeOf(err).String()))
	}
	c.log.LogAttrs(ctx, level, "provider call", attrs...)
}

// Logger is the client's logger with the provider and the shop in it; it never
// is nil.
func (c *Client) Logger() *slog.Logger { return c.log }

// BaseURL is the address that the paths of calls are appended to.
func (c *Client) BaseURL() string { return c.base.String() }
