package komtet

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/webhook"
)

// SignatureHeader carries the signature of requests and of notifications.
const SignatureHeader = "X-HMAC-Signature"

// News is a notification of the service's (уведомление о фискализации), as it
// came and with its signature checked.
type News struct {
	// ID is the task's number; in the news of a courier order, which
	// CallbackURL tells, the service does not say whose it is.
	ID               Int         `json:"id"`
	UUID             Text        `json:"uuid"`
	ExternalID       ID          `json:"external_id"`
	State            TaskState   `json:"state"`
	ErrorDescription Text        `json:"error_description"`
	Fiscal           *FiscalData `json:"fiscal_data"` // the service need not send it
	ReceiptURL       Text        `json:"receipt_url"`
	TaskID           Int         `json:"task_id"`
	CallbackURL      Text        `json:"callback_url"` // of a courier order

	// URL is the address of ours that the service called, as the signature
	// says: of Config.CallbackURL and Config.CallbackURLs.
	URL string `json:"-"`
	Raw []byte `json:"-"` // the body as it came
}

// UnmarshalJSON reads the body of a notification; what it has beside the fields
// of News is passed over.
func (n *News) UnmarshalJSON(data []byte) error {
	var wrong error
	if err := rest.Members(data, func(name, value []byte) bool {
		if err := n.member(string(name), value); err != nil {
			wrong = fmt.Errorf("%s: %w", name, err)
		}
		return wrong == nil
	}); err != nil {
		return err
	}
	return wrong
}

func (n *News) member(name string, value []byte) error {
	switch name {
	case "id":
		return n.ID.UnmarshalJSON(value)
	case "uuid":
		return n.UUID.UnmarshalJSON(value)
	case "external_id":
		return n.ExternalID.UnmarshalJSON(value)
	case "state":
		return (*Text)(&n.State).UnmarshalJSON(value)
	case "error_description":
		return n.ErrorDescription.UnmarshalJSON(value)
	case "fiscal_data":
		if n.Fiscal = nil; string(value) != "null" {
			n.Fiscal = new(FiscalData)
			return n.Fiscal.UnmarshalJSON(value)
		}
	case "receipt_url":
		return n.ReceiptURL.UnmarshalJSON(value)
	case "task_id":
		return n.TaskID.UnmarshalJSON(value)
	case "callback_url":
		return n.CallbackURL.UnmarshalJSON(value)
	}
	return nil
}

// Key is the same for the same news, however often it comes: begin with it
// what must happen once.
func (n *News) Key() string {
	return provider + ":" + n.ExternalID.String() + ":" + fmt.Sprint(int64(n.ID)) + ":" + string(n.State)
}

// reply is the HTTP status that a refused notification is answered with.
type reply int

func (reply) Error() string { return "" }

// CallbackStatus is the HTTP status to answer the service with after
// ParseCallback, VerifyCallback or what was done with the document gave err:
// 200 for nil, 405 for another method than POST, 401 for no signature, 403 for
// a false one or a body that is too large, 422 for a signed body that says
// nothing, 500 for a failure of our own, after which the service may call
// again. The body of the answer does not matter.
func CallbackStatus(err error) int {
	var status reply
	switch {
	case err == nil:
		return http.StatusOK
	case errors.As(err, &status):
		return int(status)
	case errors.Is(err, acquiring.ErrSignature):
		return http.StatusForbidden
	}
	return http.StatusInternalServerError
}

// ParseCallback reads a notification and checks its signature; it asks the
// service nothing. A notification that is not the service's gives
// acquiring.ErrSignature; without Config.CallbackURL each is
// acquiring.ErrInvalid.
//
// The signature covers the public address and the body, and no time: an old
// notification can be sent again by who saw it, so act on a change of the
// document only.
func (c *Client) ParseCallback(r *http.Request) (*News, error) {
	const op = "callback"
	refuse := func(status int, why, hint string) error {
		return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected, Message: why, Hint: hint, Err: reply(status)}
	}
	if len(c.urls) == 0 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Config.CallbackURL", "is empty: the signature covers the public address of the handler"))
	}
	if r.Method != http.MethodPost {
		return nil, refuse(http.StatusMethodNotAllowed, "the service sends POST", "")
	}
	signature := r.Header.Get(SignatureHeader)
	if signature == "" {
		return nil, refuse(http.StatusUnauthorized, "the request has no "+SignatureHeader, "a proxy in front of the handler must pass the header on")
	}
	body, err := webhook.ReadBody(r, 0)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	var called string
	for _, u := range c.urls {
		if c.signer.verify(http.MethodPost, u, body, signature) || c.past != nil && c.past.verify(http.MethodPost, u, body, signature) {
			called = u
			break
		}
	}
	if called == "" {
		return nil, refuse(http.StatusForbidden, "the signature is not the service's",
			"if it is: Config.CallbackURL must be the public address byte for byte, as the cabinet or the receipt has it, and Config.Secret this shop's")
	}
	n := News{URL: called, Raw: body}
	if err := n.UnmarshalJSON(body); err != nil {
		return nil, refuse(http.StatusUnprocessableEntity, "the signed body is not a notification: "+c.rest.Excerpt(body), "")
	}
	if n.ExternalID.IsZero() || n.State == "" {
		return nil, refuse(http.StatusUnprocessableEntity, "the signed body has no external_id or no state", "")
	}
	return &n, nil
}

// VerifyCallback checks the notification's signature and gives the document it
// is about. Where the notification leaves out what was printed, the task is
// read back, so that Document.Fiscal is there; if that fails, so does
// VerifyCallback: answer the service with a failure, and it may call again.
//
// The news of a courier order gives the document of its task once the service
// says which that is; until then Document.ID is empty and ReceiptID is the
// order's external_id.
//
// Errors of a notification that is not the service's are
// acquiring.ErrSignature; CallbackStatus says what to answer.
func (c *Client) VerifyCallback(ctx context.Context, r *http.Request) (*fiscal.Document, error) {
	n, err := c.ParseCallback(r)
	if err != nil {
		return nil, err
	}
	t := &Task{ID: n.ID, UUID: n.UUID, ExternalID: n.ExternalID, State: n.State, ErrorDescription: n.ErrorDescription,
		Fiscal: n.Fiscal, ReceiptURL: n.ReceiptURL, Raw: n.Raw}
	if n.TaskID > 0 {
		t.ID = n.TaskID
	}
	order := n.CallbackURL != "" && n.TaskID <= 0
	if t.ID > 0 && ((t.State == TaskDone && t.Fiscal.empty()) || order) {
		back, err := c.Task(ctx, int64(t.ID))
		about := err == nil && (n.TaskID > 0 || back.ExternalID.String() == n.ExternalID.String())
		switch {
		case about:
			back.ExternalID = n.ExternalID
			t = back
		case order && (err == nil || isNotFound(err)):
			t.ID = 0 // the number is the order's
		case err != nil:
			return nil, err
		default:
			return nil, &acquiring.Error{Provider: provider, Op: "callback", Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeRejected,
				Message: "the notification's task " + t.IDString() + " has another external_id there"}
		}
	}
	d := c.document(ctx, t, n.ExternalID.String())
	if t.ID <= 0 {
		d.ID = ""
	}
	return d, nil
}
