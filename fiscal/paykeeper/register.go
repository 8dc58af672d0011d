package paykeeper

import (
	"cmp"
	"context"
	"errors"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/webhook"
)

var _ fiscal.Register = (*Client)(nil)

// printed is what the store keeps of a receipt.
type printed struct {
	intent
	Document ReceiptID `json:"document,omitempty"` // "": sent, and the answer never came
}

// Submit prints the receipt: POST /change/receipt/print/. With
// Extra["payment_id"] it is a further receipt of a payment of PayKeeper's,
// otherwise one for money that came another way; Extra["refund_id"] and
// Extra["is_post_sale"] go along.
//
// Receipt.ID is its receipt_key. What PayKeeper does with a second receipt
// under the same key is not documented, so Submit finds out before it prints:
// in Config.Store; without one, and after a lost answer, in the receipts of
// the last days (Config.ReceiptLookback). Where the service lists receipts
// without their keys it cannot find out, and says so instead of printing twice.
// A receipt that is there is returned as it is by now, with Existed true; one of
// another settlement or another total under the same ID gives
// acquiring.ErrConflict.
func (c *Client) Submit(ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
	const op = "Submit"
	if r.ID == "" {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("ID", "is empty; give the shop's own number of the receipt, so that it is never printed twice"))
	}
	if err := r.ValidateAt(c.now()); err != nil {
		return nil, acquiring.InOp(provider, op, invalidReceipt("", err))
	}
	req, err := c.printRequest(&r)
	if err == nil {
		_, err = c.printForm(req)
	}
	if err != nil {
		var e *acquiring.Error
		if !errors.As(err, &e) {
			err = invalidReceipt("", err)
		}
		return nil, acquiring.InOp(provider, op, err)
	}
	key := c.label() + "/receipt/" + r.ID
	unlock, err := c.locks.lock(ctx, key)
	if err != nil {
		return nil, c.notSent(op, err)
	}
	defer unlock()
	return c.submit(ctx, op, key, req)
}

func (c *Client) submit(ctx context.Context, op, key string, req PrintRequest) (*fiscal.Document, error) {
	var was printed
	there, err := c.recall(ctx, op, key, &was)
	if err != nil {
		return nil, err
	}
	switch {
	case was.Document != "":
		return c.existing(ctx, op, was.Document, req)
	case c.busy(was.intent):
		return nil, c.underWay(op)
	case was.open() || !c.lasts:
		// Another process, an earlier run of this one, or a lost answer.
		var sent time.Time
		if was.open() {
			sent = was.At
		}
		found, err := c.findReceipt(ctx, req, sent)
		if err != nil {
			if !was.open() {
				return nil, notYet(err)
			}
			return nil, err
		}
		if found != nil {
			return c.remember(ctx, op, key, req, found)
		}
	}
	now := printed{intent: c.intend()}
	if err := c.announce(ctx, op, key, there, was.intent, now.intent, now); err != nil {
		return nil, err
	}
	id, raw, err := c.PrintReceipt(ctx, req)
	if err == nil {
		now.Document = id
		if err := c.keep(ctx, key, now); err != nil {
			return nil, c.storeFailed(op, err, acquiring.OutcomeUnknown)
		}
		return &fiscal.Document{ID: string(id), ReceiptID: req.Key, Status: fiscal.DocumentQueued, Raw: raw}, nil
	}
	if acquiring.OutcomeOf(err) != acquiring.OutcomeUnknown {
		if failed := c.keep(ctx, key, printed{intent: now.refused()}); failed != nil {
			c.rest.Logger().WarnContext(ctx, "the store does not know that the receipt was refused", "error", failed)
		}
		return nil, err
	}
	found, lookErr := c.findReceipt(ctx, req, now.At)
	if lookErr == nil && found != nil {
		return c.remember(ctx, op, key, req, found)
	}
	var e *acquiring.Error
	if errors.As(err, &e) {
		own := *e
		own.Hint = "submit the same receipt again: it is looked for before it is printed"
		return nil, &own
	}
	return nil, err
}

// remember notes a receipt that was found at the service.
func (c *Client) remember(ctx context.Context, op, key string, req PrintRequest, found *ReceiptInfo) (*fiscal.Document, error) {
	if err := c.same(op, req, found); err != nil {
		return nil, err
	}
	if err := c.keep(ctx, key, printed{intent: c.intend(), Document: found.ID}); err != nil {
		return nil, c.storeFailed(op, err, acquiring.OutcomeUnknown)
	}
	doc := c.document(found)
	doc.Existed = true
	return doc, nil
}

// existing reads a receipt that was submitted before. That it cannot be read
// just now does not undo that it is there.
func (c *Client) existing(ctx context.Context, op string, id ReceiptID, req PrintRequest) (*fiscal.Document, error) {
	found, err := c.Receipt(ctx, id)
	if err != nil {
		if acquiring.Temporary(err) {
			return &fiscal.Document{ID: string(id), ReceiptID: req.Key, Status: fiscal.DocumentQueued, Existed: true}, nil
		}
		return nil, err
	}
	if err := c.same(op, req, found); err != nil {
		return nil, err
	}
	doc := c.document(found)
	if doc.ReceiptID == "" {
		doc.ReceiptID = req.Key
	}
	doc.Existed = true
	return doc, nil
}

// same refuses a receipt whose number another one has, as far as the service
// says what that is: a number given twice must not pass a return off as printed
// because its sale was.
func (c *Client) same(op string, req PrintRequest, found *ReceiptInfo) error {
	var differs string
	there, want := c.settlementOf(found.Type), c.settlementOf(req.Type)
	got, asked := found.Sums, c.sums(req)
	// A kind that the service leaves out may be what is lacking.
	short := asked.Cash != 0 && got.Cash == 0 || asked.Cashless != 0 && got.Cashless == 0 || asked.Prepaid != 0 && got.Prepaid == 0 ||
		asked.Credit != 0 && got.Credit == 0 || asked.Counter != 0 && got.Counter == 0
	switch total := got.Total(); {
	case total > asked.Total(), total < asked.Total() && !short:
		differs = "its total is " + total.String() + ", not " + asked.Total().String()
	case !req.Correction && there != 0 && want != 0 && there != want:
		differs = "it is a " + there.String() + ", not a " + want.String()
	default:
		return nil
	}
	return &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeRejected, Field: "id",
		Message: strconv.Quote(req.Key) + " is the number of another receipt, " + string(found.ID) + " at PayKeeper: " + differs,
		Hint:    "nothing was printed: give each sale and return a number of its own"}
}

// findReceipt looks for the receipt by its key among those of its payment and
// of the last days; nil: it is surely not there. sent is when it was sent, zero
// when that is not known.
func (c *Client) findReceipt(ctx context.Context, req PrintRequest, sent time.Time) (*ReceiptInfo, error) {
	keyless := false
	check := func(r *ReceiptInfo) bool {
		if r.Key == "" {
			keyless = true
		}
		return r.Key == req.Key
	}
	now := c.now()
	from := now.Add(-c.cfg.ReceiptLookback)
	if !sent.IsZero() {
		from = sent.Add(-24 * time.Hour)
	}
	// A day more at the end: the service's clock may be ahead.
	for r, err := range c.Receipts(ctx, ReceiptFilter{From: from, To: now.Add(24 * time.Hour)}) {
		if err != nil {
			return nil, c.cannotLook(err)
		}
		if check(r) {
			return r, nil
		}
	}
	if req.PaymentID != "" {
		list, err := c.PaymentReceipts(ctx, req.PaymentID)
		if err != nil && !errors.Is(err, acquiring.ErrNotFound) {
			return nil, c.cannotLook(err)
		}
		for _, r := range list {
			if check(r) {
				return r, nil
			}
		}
	}
	if keyless && !sent.IsZero() {
		return nil, &acquiring.Error{Provider: provider, Op: "Submit", Kind: acquiring.ErrConflict, Outcome: acquiring.OutcomeUnknown,
			Message: "the receipt was sent before and its answer was lost, and PayKeeper lists receipts without their keys: whether it was printed cannot be told",
			Hint:    "look for it in the cabinet by the key " + c.rest.Redact(req.Key) + "; if it is not there, submit it under a new ID"}
	}
	return nil, nil
}

func (c *Client) cannotLook(err error) error {
	var e *acquiring.Error
	if !errors.As(err, &e) {
		return err
	}
	own := *e
	own.Outcome = acquiring.OutcomeUnknown
	own.Hint = "whether the receipt is there already could not be found out; submit it again later"
	return &own
}

// GetDocument reads the document by the number that Submit gave: GET
// /info/receipts/byid/. PayKeeper has words for a queued and for a printed
// receipt; one whose word says neither and no failure either is
// DocumentUnknown: its Raw has the word.
func (c *Client) GetDocument(ctx context.Context, id string) (*fiscal.Document, error) {
	const op = "GetDocument"
	if err := checkID("ID", id); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	info, err := c.Receipt(ctx, ReceiptID(id))
	if err != nil {
		return nil, err
	}
	return c.document(info), nil
}

// documentStatus is where the receipt stands. Words of failure are not
// published: those that the service uses elsewhere are taken for it.
func documentStatus(s ReceiptStatus) fiscal.DocumentStatus {
	switch word := strings.ToLower(string(s)); word {
	case string(ReceiptCreated):
		return fiscal.DocumentQueued
	case string(ReceiptSuccess):
		return fiscal.DocumentPrinted
	case "fail", "failed", "error":
		return fiscal.DocumentFailed
	}
	return fiscal.DocumentUnknown
}

func (c *Client) document(r *ReceiptInfo) *fiscal.Document {
	doc := &fiscal.Document{ID: string(r.ID), ReceiptID: r.Key, Status: documentStatus(r.Status), Raw: r.Raw}
	switch doc.Status {
	case fiscal.DocumentPrinted:
		doc.Fiscal = &fiscal.FiscalData{
			FN: r.FN, FD: r.FD, FP: r.FP, Shift: r.Shift, Number: r.Number, RegNumber: r.RegNumber, Time: r.Time,
			Total: r.Sums.Total(), Type: c.settlementOf(r.Type), URL: c.ReceiptURL(r.PageKey, r.ID),
		}
	case fiscal.DocumentFailed:
		doc.Failure = &fiscal.DocumentFailure{Code: string(r.Status), Message: c.rest.Redact(r.Message)}
		if doc.Failure.Message == "" {
			doc.Failure.Message = "PayKeeper says no more than the status; look at the receipt in the cabinet"
		}
	}
	return doc
}

// VerifyCallback takes the notification of a receipt's final state (8.13).
// Neither its body nor a signature is published, so nothing of it is believed:
// a number is looked for in it (receipt_id, else id; a form or JSON), and the
// document of that number is read back. Poll GetDocument beside it: PayKeeper
// does not promise that the notification comes.
func (c *Client) VerifyCallback(ctx context.Context, r *http.Request) (*fiscal.Document, error) {
	if r.Method != http.MethodPost {
		return nil, notPayKeepers("a notification is a POST")
	}
	body, err := webhook.ReadBody(r, webhook.MaxBody)
	if err != nil {
		return nil, acquiring.InOp(provider, opNotification, err)
	}
	id, err := receiptNumber(r.Header.Get("Content-Type"), body)
	if err != nil {
		return nil, acquiring.InOp(provider, opNotification, err)
	}
	doc, err := c.GetDocument(ctx, id)
	if errors.Is(err, acquiring.ErrNotFound) {
		e := notPayKeepers("there is no receipt of the number in it")
		e.Err = err
		return nil, e
	}
	return doc, err
}

// receiptNumber finds the receipt's number in a notification.
func receiptNumber(contentType string, body []byte) (string, error) {
	var id string
	media, _, _ := mime.ParseMediaType(contentType)
	if trimmed := strings.TrimSpace(string(body)); media == "application/json" || strings.HasPrefix(trimmed, "{") {
		var receipt, other string
		if rest.Members(body, func(name, value []byte) bool {
			switch string(name) {
			case "receipt_id":
				receipt = scalar(value)
			case "id":
				other = scalar(value)
			}
			return true
		}) != nil {
			return "", notPayKeepers("the body is not JSON")
		}
		id = cmp.Or(receipt, other)
	} else {
		params, err := webhook.ParseForm(nil, string(body))
		if err != nil {
			return "", err
		}
		if id, _ = params.Get("receipt_id"); id == "" {
			id, _ = params.Get("id")
		}
	}
	if checkID("id", id) != nil {
		return "", notPayKeepers("there is no receipt's number in it")
	}
	return id, nil
}
