package orangedata

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// Kind is what kind of document it is; its text is the part of the address.
type Kind string

// The kinds. Their IDs are one space: an ID is unique in the organisation.
const (
	KindDocument     Kind = "documents"    // receipt (чек)
	KindCorrection   Kind = "corrections"  // correction of FFD 1.05 (чек коррекции)
	KindCorrection12 Kind = "correction12" // correction of FFD 1.2
	kindItemCode     Kind = "itemcode"     // check of a marking code
)

// CreateDocument puts a receipt into the queue (POST /api/v2/documents/). What
// the Envelope leaves empty, INN, Group, Key, comes from the Config. Repeating
// it prints nothing twice.
//
// acquiring.ErrDuplicate: the ID is there already, ask DocumentStatus. An
// acquiring.ErrInvalid is the service's refusal of the document; ErrRequestKey,
// ErrCertificate, ErrGroupFFD and ErrQueueFull are in the chain where they are
// the reason.
func (c *Client) CreateDocument(ctx context.Context, req DocumentRequest) error {
	return post(ctx, c, "documents", KindDocument, req)
}

// CreateCorrection12 puts a correction of FFD 1.2 into the queue (POST
// /api/v2/correction12/): a receipt whose Content says what it corrects. Errors
// as CreateDocument's.
func (c *Client) CreateCorrection12(ctx context.Context, req DocumentRequest) error {
	return post(ctx, c, "correction12", KindCorrection12, req)
}

// CreateCorrection puts a correction of FFD 1.05 into the queue (POST
// /api/v2/corrections/): totals of a settlement that was made without a
// register. A wrong receipt of FFD 1.05 is undone otherwise: by a receipt of
// the mirrored type and a right one. Errors as CreateDocument's.
func (c *Client) CreateCorrection(ctx context.Context, req CorrectionRequest) error {
	return post(ctx, c, "corrections", KindCorrection, req)
}

// ValidateDocument asks whether the document would be accepted, and prints
// nothing (POST /api/v2/validateDocument). The call is not in the protocol any
// more: it stands in an old description of the interface. Do not build on it.
func (c *Client) ValidateDocument(ctx context.Context, req DocumentRequest) error {
	body, err := seal(c, req)
	if err != nil {
		return acquiring.InOp(Provider, "validateDocument", err)
	}
	_, err = c.send(ctx, rest.Call{Op: "validateDocument", Path: "/api/v2/validateDocument", Body: body}, http.StatusOK, http.StatusCreated, http.StatusNoContent)
	return err
}

// DocumentStatus says where a receipt stands (GET
// /api/v2/documents/{inn}/status/{id}). An ID that the organisation does not
// have gives acquiring.ErrNotFound.
func (c *Client) DocumentStatus(ctx context.Context, id string) (*Status, error) {
	return c.status(ctx, KindDocument, id)
}

// CorrectionStatus says where a correction of FFD 1.05 stands (GET
// /api/v2/corrections/{inn}/status/{id}).
func (c *Client) CorrectionStatus(ctx context.Context, id string) (*Status, error) {
	return c.status(ctx, KindCorrection, id)
}

// Correction12Status says where a correction of FFD 1.2 stands (GET
// /api/v2/correction12/{inn}/status/{id}).
func (c *Client) Correction12Status(ctx context.Context, id string) (*Status, error) {
	return c.status(ctx, KindCorrection12, id)
}

// post seals a document and puts it into the queue.
func post[C any](ctx context.Context, c *Client, op string, kind Kind, req Envelope[C]) error {
	if err := checkID(req.ID); err != nil {
		return acquiring.InOp(Provider, op, err)
	}
	body, err := seal(c, req)
	if err != nil {
		return acquiring.InOp(Provider, op, err)
	}
	return c.queue(ctx, op, kind, body)
}

// seal fills in what the Envelope leaves to the Config and writes it, once:
// what is signed is what is sent.
func seal[C any](c *Client, req Envelope[C]) ([]byte, error) {
	if req.INN == "" {
		req.INN = c.conf.INN
	}
	if req.Group == "" {
		req.Group = c.conf.Group
	}
	if req.Key == "" {
		req.Key = c.conf.KeyName
	}
	body, err := json.Marshal(req)
	if err != nil {
		var e *acquiring.Error
		if errors.As(err, &e) {
			return nil, e
		}
		return nil, acquiring.Invalid("request", "cannot be written as JSON: "+err.Error())
	}
	return body, nil
}

// queue posts a sealed document. Accepted is 201 and nothing else: a page of a
// proxy comes with 200.
func (c *Client) queue(ctx context.Context, op string, kind Kind, body []byte) error {
	_, err := c.send(ctx, rest.Call{Op: op, Path: "/api/v2/" + string(kind) + "/", Body: body}, http.StatusCreated)
	return err
}

// send signs and posts. Every post may be repeated: a document has its ID, a
// question changes nothing.
func (c *Client) send(ctx context.Context, call rest.Call, good ...int) (*rest.Response, error) {
	signature, err := c.Sign(call.Body)
	if err != nil {
		return nil, err
	}
	call.Method = http.MethodPost
	call.ContentType = "application/json; charset=utf-8"
	call.Header = http.Header{"X-Signature": {signature}}
	call.Repeatable = true
	resp, err := c.rest.Do(ctx, call)
	if err == nil && slices.Contains(good, resp.Status) && !isPage(resp) {
		return resp, nil
	}
	return resp, c.refused(call, resp, err)
}

// read gets. 524 is an answer like any other.
func (c *Client) read(ctx context.Context, op, path string) (rest.Call, *rest.Response, error) {
	call := rest.Call{Op: op, Method: http.MethodGet, Path: path, Repeatable: true, Answers: []int{statusExpired}}
	resp, err := c.rest.Do(ctx, call)
	if err != nil {
		return call, resp, c.refused(call, resp, err)
	}
	return call, resp, nil
}

func statusPath(inn string, kind Kind, id string) string {
	return "/api/v2/" + string(kind) + "/" + url.PathEscape(inn) + "/status/" + url.PathEscape(id)
}

// status reads where a document stands.
func (c *Client) status(ctx context.Context, kind Kind, id string) (*Status, error) {
	op := string(kind) + "/status"
	if err := checkID(id); err != nil {
		return nil, acquiring.InOp(Provider, op, err)
	}
	call, resp, err := c.read(ctx, op, statusPath(c.conf.INN, kind, id))
	if err != nil {
		return nil, err
	}
	s := &Status{Raw: rawJSON(resp.Body)}
	switch resp.Status {
	case http.StatusAccepted:
		if isPage(resp) {
			return nil, c.refused(call, resp, nil)
		}
		s.State = StatePending
	case http.StatusOK:
		var w printedWire
		if err := c.rest.DecodeJSON(call, resp, &w); err != nil {
			return nil, err
		}
		if w.ID != "" && string(w.ID) != id {
			return nil, c.rest.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the answer is about another document")
		}
		if w.FP == "" || w.FSNumber == "" || w.DocumentNumber == 0 {
			return nil, c.rest.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the answer says that the document is printed and has no fiscal data")
		}
		s.State, s.Printed = StateDone, decodePrinted(kind, &w)
		if err := s.Printed.ContentErr; err != nil {
			c.rest.Logger().WarnContext(ctx, "the echo of the document cannot be read", "id", id, "error", err)
		}
	case http.StatusUnprocessableEntity:
		s.State = StateRejected
		if s.Marks, err = decodeMarks(resp.Body); err != nil {
			c.rest.Logger().WarnContext(ctx, "the refusal of a marking code cannot be read", "id", id, "error", err)
			s.Marks = nil
		}
	case statusExpired:
		s.State = StateExpired
	default:
		return nil, c.refused(call, resp, nil)
	}
	return s, nil
}

// rawJSON is the body if it is JSON, so that it may be written on.
func rawJSON(body []byte) json.RawMessage {
	if !json.Valid(body) {
		return nil
	}
	return body
}

// checkID refuses an ID that its own address could not carry: the document
// would be printed and never found again.
func checkID(id string) error {
	const field = "id"
	switch n := utf8.RuneCountInString(id); {
	case n == 0:
		return acquiring.Invalid(field, "is empty: it is what keeps the document from being printed twice")
	case n > 64:
		return acquiring.Invalid(field, "is longer than 64 characters")
	case !utf8.ValidString(id):
		return acquiring.Invalid(field, "is not UTF-8")
	case id == "." || id == "..":
		return acquiring.Invalid(field, "is a step in an address")
	case strings.TrimSpace(id) != id:
		return acquiring.Invalid(field, "begins or ends with a space")
	}
	for _, r := range id {
		if unicode.IsControl(r) || strings.ContainsRune(`/\?#%`, r) {
			return acquiring.Invalid(field, `has a control character or one of / \ ? # %, which its address cannot carry`)
		}
	}
	return nil
}
