package orangedata

import (
	"bytes"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// What is wrong, for errors.Is, beside the kinds of package acquiring. The
// Hint of the error says what to do.
var (
	// ErrCertificate: the client certificate was refused, by the TLS front (a
	// web page with code 400, or a TLS alert) or by the service (401).
	ErrCertificate = errors.New("the client certificate was refused")
	// ErrRequestKey: the signature of the request was refused: another key, or
	// no such key name («Подпись не прошла проверку»).
	ErrRequestKey = errors.New("the signature of the request was refused")
	// ErrGroupFFD: the group's registers have another FFD version («Группа не
	// поддерживает ФФД 1.2»).
	ErrGroupFFD = errors.New("the group has registers of another FFD version")
	// ErrQueueFull: the group's queue is full (503), an acquiring.ErrRateLimited;
	// Error.RetryAfter says how long to wait.
	ErrQueueFull = errors.New("the queue of the group is full")
	// ErrRegisterOff: no register printed the document in its time (524).
	ErrRegisterOff = errors.New("no register printed it in time")
	// ErrMarkRefused: a marking code was refused (422); errors.As gives the
	// *MarkError that says which.
	ErrMarkRefused = errors.New("a marking code was refused")
)

// statusExpired is "Document Expired Before Processing".
const statusExpired = 524

// Hints.
const (
	hintCertificate = "check Config.Certificate and Config.CertificateKey: the pair INN.crt and INN.key of this organisation and environment, not the signing key, and not expired; in the test contours the published pair only"
	hintRequestKey  = "check that the public half of Config.PrivateKey is registered in the cabinet under the very name that Config.KeyName has (the INN, or INN_ID as the certificate files are called), and that Config.INN is the organisation it belongs to"
	hintGroupFFD    = "set Config.FFD to the version of the group's registers, or Config.Group to a group of that version: those of FFD 1.2 end in _2"
	hintQueueFull   = "submit the same receipt again, under the same ID, after RetryAfter"
	hintRegisterOff = "look at the registers of the group (Client.Devices, the cabinet), then submit the receipt under a new ID"
	hintMark        = "scan the code again with its group separators, or remove the goods from sale; then submit the receipt under a new ID"
	hintAgain       = "submit the same receipt again, under the same ID: it is printed once"
	hintTaken       = "a document with this ID is there already and could not be looked at: submit the same receipt again, under the same ID"
	hintRefused     = "correct the receipt and submit it under a new ID: the refused one may stay taken"
)

// errorsBody is what the service says of a refusal.
type errorsBody struct {
	Errors []string `json:"errors"`
}

// words are the service's words about a refusal; "" when it says nothing.
func words(body []byte) string {
	var b errorsBody
	if json.Unmarshal(body, &b) == nil && len(b.Errors) > 0 {
		return strings.Join(b.Errors, "; ")
	}
	var list []string
	if json.Unmarshal(body, &list) == nil && len(list) > 0 {
		return strings.Join(list, "; ")
	}
	return ""
}

func isPage(r *rest.Response) bool {
	return strings.Contains(strings.ToLower(r.Header.Get("Content-Type")), "html") || bytes.HasPrefix(bytes.TrimSpace(r.Body), []byte("<"))
}

// refused is the error of an answer that is none of those the call expects.
// err is what the transport said of it, nil for answers below 500.
func (c *Client) refused(call rest.Call, r *rest.Response, err error) error {
	if r == nil {
		return c.unreached(call, err)
	}
	said := words(r.Body)
	if said == "" {
		said = c.rest.Excerpt(r.Body)
	}
	read := call.Method == http.MethodGet
	fail := func(kind error, outcome acquiring.Outcome, why error, hint string) error {
		if r.Doubtful && !read {
			// The attempt before this one had no answer and may have been
			// accepted: a refusal is of this one alone.
			outcome = acquiring.OutcomeUnknown
			switch hint {
			case "", hintRefused:
				hint = hintAgain
			case hintAgain, hintQueueFull:
			default:
				hint += "; " + hintAgain
			}
		}
		e := c.rest.Error(call, r, kind, outcome, strconv.Itoa(r.Status), said)
		e.Hint, e.Err = hint, why
		e.Code = "" // it is the HTTP status and nothing more
		return e
	}
	switch {
	case r.Status == http.StatusBadRequest && isPage(r), r.Status == http.StatusUnauthorized, r.Status == http.StatusForbidden:
		return fail(acquiring.ErrUnauthorized, acquiring.OutcomeRejected, ErrCertificate, hintCertificate)
	case r.Status == http.StatusBadRequest && strings.Contains(strings.ToLower(said), "подпись"):
		return fail(acquiring.ErrUnauthorized, acquiring.OutcomeRejected, ErrRequestKey, hintRequestKey)
	case r.Status == http.StatusBadRequest && strings.Contains(said, "ФФД"):
		return fail(acquiring.ErrInvalid, acquiring.OutcomeRejected, ErrGroupFFD, hintGroupFFD)
	case r.Status == http.StatusBadRequest && read, r.Status == http.StatusNotFound && read:
		if said == "" {
			said = "the organisation, the group or the document is not known"
		}
		return fail(acquiring.ErrNotFound, acquiring.OutcomeRejected, nil, "")
	case r.Status == http.StatusBadRequest:
		return fail(acquiring.ErrInvalid, acquiring.OutcomeRejected, nil, hintRefused)
	case r.Status == http.StatusConflict:
		if said == "" {
			said = "a document with this id is there already"
		}
		return fail(acquiring.ErrDuplicate, acquiring.OutcomeRejected, nil, "")
	case r.Status == http.StatusServiceUnavailable && !read && (r.Header.Get("Retry-After") != "" || words(r.Body) != ""):
		return fail(acquiring.ErrRateLimited, acquiring.OutcomeRejected, ErrQueueFull, hintQueueFull)
	}
	if err != nil {
		var e *acquiring.Error
		if errors.As(err, &e) && !read {
			own := *e
			own.Hint = hintAgain
			return &own
		}
		return err
	}
	kind, outcome := rest.KindOfStatus(r.Status)
	if kind == nil || r.Status < 400 {
		// A success that the call does not know: 204, a page, a redirect.
		kind, outcome = acquiring.ErrProtocol, acquiring.OutcomeUnknown
		if said == "" {
			said = "the answer is not one that the service gives"
		}
		if !read {
			return fail(kind, outcome, nil, hintAgain)
		}
	}
	return fail(kind, outcome, nil, "")
}

// unreached is the error of a call without an answer. A TLS alert about the
// client's certificate is a fault of the configuration, not of the network.
func (c *Client) unreached(call rest.Call, err error) error {
	var e *acquiring.Error
	if !errors.As(err, &e) {
		return err
	}
	own := *e
	switch {
	case certificateAlert(err):
		own.Kind, own.Outcome, own.Err, own.Hint = acquiring.ErrUnauthorized, acquiring.OutcomeRejected, ErrCertificate, hintCertificate
		own.Message = "the server ended the TLS handshake over the client certificate"
	case own.Outcome == acquiring.OutcomeUnknown && call.Method != http.MethodGet:
		own.Hint = hintAgain
	}
	return &own
}

// certificateAlert says whether the server ended the handshake with an alert
// (RFC 8446, 6) about the client's certificate: bad, expired, unknown, of an
// unknown authority, required. The type of an alert is not exported by
// crypto/tls; its texts are.
func certificateAlert(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" {
		return false
	}
	text := op.Err.Error()
	return strings.Contains(text, "certificate") || strings.Contains(text, "access denied")
}
