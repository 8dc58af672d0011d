package komtet

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/acquiring-go/acquiring/webhook"
)

// ExplainCallback says which rule of the signature a notification breaks, for a
// client of acquiring.Test; see webhook.Explain.
func (c *Client) ExplainCallback(r *http.Request) (*webhook.Explanation, error) {
	e, body, err := webhook.NewExplanation(c.cfg.Environment, provider, r, c.cfg.Secret, c.cfg.PreviousSecret)
	if err != nil {
		return nil, err
	}
	e.Rule = SignatureHeader + " is the HMAC-MD5 in small hexadecimal digits, with the shop's secret key, of POST, the public address of the handler and the body, with nothing between"
	signature := r.Header.Get(SignatureHeader)
	switch {
	case len(c.urls) == 0:
		e.Blame("Config.CallbackURL is empty: the signature covers the public address of the handler")
		return e, nil
	case r.Method != http.MethodPost:
		e.Blame("the request is a %s; the service sends POST", r.Method)
		return e, nil
	}
	e.Sign(message(http.MethodPost, c.urls[0], body), false)
	switch {
	case signature == "":
		e.Blame("there is no header %s: a proxy in front of the handler must pass it on", SignatureHeader)
		return e, nil
	case len(signature) != 32:
		e.Blame("%s has %d digits where HMAC-MD5 has 32: it was cut, or another method signs", SignatureHeader, len(signature))
		return e, nil
	}
	for _, at := range c.urls {
		if c.signer.verify(http.MethodPost, at, body, signature) || c.past != nil && c.past.verify(http.MethodPost, at, body, signature) {
			again := r.Clone(r.Context())
			again.Body = io.NopCloser(bytes.NewReader(body))
			if _, err := c.ParseCallback(again); err != nil {
				e.BlameError(err)
			}
			return e, nil
		}
	}
	fits := func(method, at string) func() bool {
		return func() bool { return c.signer.verify(method, at, body, signature) }
	}
	guesses := []webhook.Guess{{Fault: SignatureHeader + " is in capital digits, and the service writes small ones", Fits: func() bool {
		return c.signer.verify(http.MethodPost, c.urls[0], body, strings.ToLower(signature)) && strings.ToLower(signature) != signature
	}}}
	for _, at := range c.urls {
		for _, other := range neighbours(at, r) {
			guesses = append(guesses, webhook.Guess{Fault: "the service calls " + other + ", and Config.CallbackURL has " + at + ": they must be the same byte for byte", Fits: fits(http.MethodPost, other)})
		}
		guesses = append(guesses, webhook.Guess{Fault: "the signature is over the body and the address without the method", Fits: fits("", at)})
	}
	if !e.Guess(guesses...) {
		e.Blame("no usual mistake explains it: Config.Secret is not this shop's secret key, Config.CallbackURL (%s) is not the address in the cabinet or the receipt, or the body was changed on the way", strings.Join(c.urls, ", "))
	}
	return e, nil
}

// neighbours are the addresses that are easily taken for this one.
func neighbours(at string, r *http.Request) []string {
	u, err := url.Parse(at)
	if err != nil {
		return nil
	}
	var all []string
	add := func(change func(u *url.URL)) {
		other := *u
		change(&other)
		if text := other.String(); text != at {
			all = append(all, text)
		}
	}
	add(func(u *url.URL) { u.Scheme = map[string]string{"https": "http", "http": "https"}[u.Scheme] })
	add(func(u *url.URL) { u.Path = strings.TrimSuffix(u.Path, "/") })
	add(func(u *url.URL) { u.Path = strings.TrimSuffix(u.Path, "/") + "/" })
	add(func(u *url.URL) { u.RawQuery = r.URL.RawQuery })
	add(func(u *url.URL) { u.RawQuery = "" })
	add(func(u *url.URL) { u.Path, u.RawPath, u.RawQuery = r.URL.Path, r.URL.RawPath, r.URL.RawQuery })
	add(func(u *url.URL) { u.Host = r.Host })
	add(func(u *url.URL) {
		u.Host, u.Path, u.RawPath, u.RawQuery = r.Host, r.URL.Path, r.URL.RawPath, r.URL.RawQuery
	})
	add(func(u *url.URL) {
		if host, ok := strings.CutPrefix(u.Host, "www."); ok {
			u.Host = host
		} else {
			u.Host = "www." + u.Host
		}
	})
	return all
}
