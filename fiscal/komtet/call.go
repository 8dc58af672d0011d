package komtet

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/webhook"
)

// signer signs requests and checks notifications with the shop's secret key:
// lower-case hexadecimal HMAC-MD5 of the method, the whole address and the
// body, one after another with nothing between.
type signer struct{ mac *webhook.HMAC }

func newSigner(secret string) (signer, error) {
	m, err := webhook.NewHMAC(md5.New, []byte(secret))
	return signer{m}, err
}

func message(method, address string, body []byte) []byte {
	b := make([]byte, 0, len(method)+len(address)+len(body))
	return append(append(append(b, method...), address...), body...)
}

func (s signer) sign(method, address string, body []byte) string {
	var sum [md5.Size]byte
	return hex.EncodeToString(s.mac.Sum(sum[:0], message(method, address, body)))
}

// verify compares in constant time. The service writes lower-case digits; any
// other are none of its.
func (s signer) verify(method, address string, body []byte, signature string) bool {
	if len(signature) != 2*md5.Size || strings.Trim(signature, "0123456789abcdef") != "" {
		return false
	}
	return s.mac.VerifyHex(message(method, address, body), signature)
}

// call is one request of the typed API.
type call struct {
	op         string
	method     string
	api        API
	path       string // after /api/shop/v2/
	query      url.Values
	body       any
	repeatable bool
	answer     any // nil: the answer's body says nothing
}

// do makes the call. Success is 200 and nothing else; any other answer is an
// error.
func (c *Client) do(ctx context.Context, k call) (*rest.Response, error) {
	rc := rest.Call{Op: k.op, Method: k.method, Repeatable: k.repeatable, Header: http.Header{"Accept": {"application/json"}}}
	rc.Path = "/api/shop/" + string(k.api) + "/" + k.path
	if len(k.query) > 0 {
		// A space as %20: the text before and after decoding is then the same
		// for everybody, whichever of the two the service signs.
		rc.Path += "?" + strings.ReplaceAll(k.query.Encode(), "+", "%20")
	}
	if k.body != nil {
		body, err := marshal(k.body)
		if err != nil {
			return nil, &acquiring.Error{Provider: provider, Op: k.op, Kind: acquiring.ErrInvalid, Outcome: acquiring.OutcomeNotSent,
				Message: "the request cannot be written as JSON", Err: err}
		}
		rc.Body, rc.ContentType = body, "application/json"
	}
	rc.Sign = func(r *http.Request, body []byte) error {
		r.Header.Set("Authorization", c.cfg.ShopID)
		if c.cfg.PartnerID != "" {
			r.Header.Set("X-Partner-ID", c.cfg.PartnerID)
		}
		// The address as it goes over the wire.
		address := r.URL.Scheme + "://" + r.URL.Host + r.URL.RequestURI()
		r.Header.Set("X-HMAC-Signature", c.signer.sign(r.Method, address, body))
		return nil
	}
	resp, err := c.rest.Do(ctx, rc)
	if err != nil {
		return resp, c.explain(rc, resp, err)
	}
	if resp.Status != http.StatusOK {
		return resp, c.refusal(rc, resp)
	}
	if k.answer != nil {
		if err := c.rest.DecodeJSON(rc, resp, k.answer); err != nil {
			return resp, err
		}
	}
	return resp, nil
}

// failure is the service's error object, with the task that a duplicate names.
type failure struct {
	Code        Text            `json:"code"`
	Title       Text            `json:"title"`
	Description Text            `json:"description"`
	Task        json.RawMessage `json:"task"`
}

func (f failure) message() string {
	switch {
	case f.Title == "":
		return string(f.Description)
	case f.Description == "":
		return string(f.Title)
	}
	return strings.TrimSuffix(string(f.Title), ".") + ". " + string(f.Description)
}

// explain adds what the body of a 5xx or 429 answer says, and what to do.
func (c *Client) explain(rc rest.Call, resp *rest.Response, err error) error {
	var e *acquiring.Error
	if resp == nil || !errors.As(err, &e) {
		return err
	}
	out := *e
	var f failure
	if json.Unmarshal(resp.Body, &f) == nil && f.message()+string(f.Code) != "" {
		out.Code, out.Message = c.rest.Redact(string(f.Code)), c.rest.Redact(f.message())
	}
	if out.Hint == "" {
		out.Hint = hintOfStatus(resp.Status, out.RetryAfter)
	}
	return &out
}

// refusal is the error of an answer other than 200.
func (c *Client) refusal(rc rest.Call, resp *rest.Response) error {
	e := c.refused(rc, resp)
	if resp.Doubtful && rc.Method == http.MethodPost && e.Kind != acquiring.ErrDuplicate {
		// The attempt before this one had no answer and may have been accepted:
		// the refusal is of this one alone.
		e.Outcome = acquiring.OutcomeUnknown
		if e.Kind == acquiring.ErrUnauthorized {
			e.Hint += "; " + hintAgain
		} else {
			e.Hint = hintAgain
		}
	}
	return e
}

func (c *Client) refused(rc rest.Call, resp *rest.Response) *acquiring.Error {
	kind, outcome := rest.KindOfStatus(resp.Status)
	if kind == nil { // another 2xx: not used by the service
		kind, outcome = acquiring.ErrProtocol, acquiring.OutcomeUnknown
	}
	var f failure
	if err := json.Unmarshal(resp.Body, &f); err != nil || f.message()+string(f.Code) == "" {
		e := c.rest.Error(rc, resp, kind, outcome, "", c.rest.Excerpt(resp.Body))
		e.Hint = hintOfStatus(resp.Status, e.RetryAfter)
		return e
	}
	e := c.rest.Error(rc, resp, kind, outcome, string(f.Code), f.message())
	switch code := string(f.Code); {
	case code == CodeDuplicate:
		e.Kind = acquiring.ErrDuplicate
		e.Err = existing(f.Task)
	case code == CodeUnauthorized:
		e.Kind = acquiring.ErrUnauthorized
	}
	e.Hint = hintOf(string(f.Code), f.message())
	if e.Hint == "" {
		e.Hint = hintOfStatus(resp.Status, e.RetryAfter)
	}
	return e
}

// Existing is the cause of the ErrDuplicate error, where the service said which
// task has the number: take it with errors.As.
type Existing struct{ Task *Task }

// Error says which task it is.
func (e *Existing) Error() string {
	return "task " + e.Task.IDString() + " has this number, state " + string(e.Task.State)
}

// existing is nil when the answer names no task.
func existing(raw json.RawMessage) error {
	var t Task
	if len(raw) == 0 || json.Unmarshal(raw, &t) != nil || t.ID <= 0 {
		return nil
	}
	t.Raw = raw
	return &Existing{&t}
}
