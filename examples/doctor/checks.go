package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// examination is what is looked at for one provider.
type examination struct {
	address     string // of the API
	environment acquiring.Environment
	checker     func() (acquiring.Checker, error)
	// others are where the credentials may belong instead: they are tried when
	// they are refused.
	others []elsewhere

	callbackURL string
	signed      string // how callbacks are authenticated; "": not at all
	unsigned    string // what to say when they are not
}

// elsewhere is another contour or installation of the provider.
type elsewhere struct {
	name    string
	checker func() (acquiring.Checker, error)
}

// reach looks at the way to the provider: name, connection, certificate.
func (r *report) reach(ctx context.Context, address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		r.bad("the address "+address+" is not one", "it begins with https://")
		return false
	}
	if u.Scheme == "http" {
		r.note(u.Host+" is spoken to without TLS", "that is right for an emulator and nowhere else")
		return r.dial(ctx, u)
	}
	if !r.dial(ctx, u) {
		return false
	}
	return r.chain(ctx, u)
}

func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	if u.Scheme == "http" {
		return net.JoinHostPort(u.Hostname(), "80")
	}
	return net.JoinHostPort(u.Hostname(), "443")
}

func (r *report) dial(ctx context.Context, u *url.URL) bool {
	dialer := net.Dialer{Timeout: 10 * time.Second}
	conn, err := dialer.DialContext(ctx, "tcp", hostPort(u))
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		r.bad("the name "+u.Hostname()+" is not known here", "look at this machine's DNS; a company network may answer for inner names only")
		return false
	case err != nil:
		r.bad("there is no connection to "+u.Host+": "+reason(err), "Russian providers often refuse addresses abroad; a firewall must let port "+portOf(u)+" out")
		return false
	}
	_ = conn.Close()
	r.good(u.Host + " is reached")
	return true
}

func portOf(u *url.URL) string {
	_, port, _ := net.SplitHostPort(hostPort(u))
	return port
}

// reason is the innermost cause: the outer ones repeat the address.
func reason(err error) string {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}

// chain looks at the certificates as the clients do: with the system's roots
// and the Russian Trusted ones.
func (r *report) chain(ctx context.Context, u *url.URL) bool {
	system, err := x509.SystemCertPool()
	if err != nil {
		system = x509.NewCertPool()
	}
	pool := system.Clone()
	for _, cert := range rest.RussianRoots() {
		pool.AddCert(cert)
	}
	dialer := tls.Dialer{Config: &tls.Config{RootCAs: pool, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}}
	conn, err := dialer.DialContext(ctx, "tcp", hostPort(u))
	var refused *tls.CertificateVerificationError
	if errors.As(err, &refused) && len(refused.UnverifiedCertificates) > 0 {
		leaf := refused.UnverifiedCertificates[0]
		r.bad(fmt.Sprintf("the certificate of %s is not trusted: %s", u.Host, reason(refused)),
			fmt.Sprintf("it was issued by %q, is valid until %s; a proxy that opens TLS, a wrong clock or a new authority are the usual causes",
				leaf.Issuer.String(), leaf.NotAfter.Format(time.DateOnly)))
		return false
	}
	if err != nil {
		r.bad("TLS with "+u.Host+" failed: "+reason(err), "")
		return false
	}
	defer conn.Close()
	state := conn.(*tls.Conn).ConnectionState()
	leaf := state.PeerCertificates[0]
	chain := state.VerifiedChains[0]
	root := chain[len(chain)-1]
	r.good(fmt.Sprintf("its certificate is valid until %s, by %s", leaf.NotAfter.Format(time.DateOnly), root.Subject.String()))
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: system, Intermediates: intermediates(state.PeerCertificates[1:]), DNSName: u.Hostname()}); err != nil {
		r.note("this machine itself does not trust that authority", "the library's client brings it along; a Config.HTTPClient of your own must do so too")
	}
	if left := time.Until(leaf.NotAfter); left < 14*24*time.Hour {
		r.note(fmt.Sprintf("the certificate ends in %d days", int(left.Hours()/24)), "")
	}
	return true
}

func intermediates(certs []*x509.Certificate) *x509.CertPool {
	pool := x509.NewCertPool()
	for _, c := range certs {
		pool.AddCert(c)
	}
	return pool
}

// credentials asks the provider whether it knows them; when it does not, its
// other contours are asked the same.
func (r *report) credentials(ctx context.Context, e examination) {
	client, err := e.checker()
	if err != nil {
		r.bad("the configuration is refused: "+err.Error(), "")
		return
	}
	err = client.Check(ctx)
	var ae *acquiring.Error
	errors.As(err, &ae)
	switch {
	case err == nil:
		r.good("the credentials are good, the shop can take payments (" + e.environment.String() + ")")
	case errors.Is(err, acquiring.ErrUnauthorized):
		r.bad("the provider refuses the credentials: "+err.Error(), "")
		r.elsewhere(ctx, e.others)
	case ae != nil && ae.Hint != "":
		r.bad("the provider could not be asked: "+err.Error(), "")
	default:
		r.bad("the provider could not be asked: "+err.Error(), "try again; if it stays so, its status page or support knows more")
	}
}

// elsewhere tries where else the credentials may belong.
func (r *report) elsewhere(ctx context.Context, others []elsewhere) {
	for _, o := range others {
		client, err := o.checker()
		if err != nil {
			continue
		}
		switch err := client.Check(ctx); {
		case err == nil:
			r.advice("they are good at " + o.name + ": set the environment or the address to it")
			return
		case errors.Is(err, acquiring.ErrUnauthorized):
			r.advice("they are not good at " + o.name + " either")
		default:
			r.advice(o.name + " could not be asked from here")
		}
	}
}

// callbacks looks at the address the provider will call, as far as it can be
// seen from here, and at how callbacks are authenticated.
func (r *report) callbacks(ctx context.Context, e examination) {
	if e.signed != "" {
		r.good("callbacks are checked: " + e.signed)
	} else {
		r.note("callbacks cannot be checked by a signature", e.unsigned)
	}
	if e.callbackURL == "" {
		r.note("no callback address is given to examine", "without callbacks run a webhook.Poller, or payments are seen late or never")
		return
	}
	u, err := url.Parse(e.callbackURL)
	if err != nil || u.Host == "" {
		r.bad("the callback address "+e.callbackURL+" is not one", "")
		return
	}
	if u.Scheme != "https" {
		r.bad("the callback address is not https", "providers call https only, with a certificate of a public authority")
	}
	if u.Port() != "" && u.Port() != "443" {
		r.note("the callback address has port "+u.Port(), "several providers call port 443 only")
	}
	if inner(u.Hostname()) {
		r.bad("the callback address is of this machine or an inner network", "the provider calls from outside: use a public name, or a tunnel while you develop")
	}
	r.knock(ctx, u)
}

func inner(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".local") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast())
}

// knock sends what nobody signed: a right handler refuses it.
func (r *report) knock(ctx context.Context, u *url.URL) {
	client := &http.Client{Timeout: 15 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(""))
	if err != nil {
		r.bad("the callback address is not usable: "+err.Error(), "")
		return
	}
	resp, err := client.Do(req)
	if err != nil {
		r.bad("the callback address does not answer from here: "+reason(err), "is the program running, and its name known outside?")
		return
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10))
	switch code := resp.StatusCode; {
	case code >= 200 && code < 300:
		r.bad(fmt.Sprintf("the callback address answered %d to an empty call that nobody signed", code), "anybody could report a payment: put webhook.Handler there")
	case code == http.StatusUnauthorized:
		r.bad("the callback address asks for a login (401)", "providers bring none: take it out of the protected part")
	case code == http.StatusNotFound:
		r.bad("the callback address answers 404", "the path is not the one the handler is mounted at")
	case code >= 300 && code < 400:
		r.bad(fmt.Sprintf("the callback address redirects (%d)", code), "providers do not follow: give the final address, with or without the slash")
	case code >= 500:
		r.bad(fmt.Sprintf("the callback address fails (%d)", code), "look at the program's log")
	default:
		r.good(fmt.Sprintf("the callback address answers, and refuses an unsigned call (%d)", code))
	}
}
