package paymaster

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"

	"github.com/acquiring-go/acquiring"
)

// RefundCreate is a request to give money back.
type RefundCreate struct {
	PaymentID string   `json:"paymentId"`
	Amount    Money    `json:"amount"`
	Receipt   *Receipt `json:"receipt,omitempty"`

	IdempotencyKey string `json:"-"` // "": a random one
}

// RefundInfo is a refund. It is executed some time after it was accepted.
type RefundInfo struct {
	ID         Text            `json:"id"`
	Created    Time            `json:"created"`
	PaymentID  Text            `json:"paymentId"`
	Amount     Money           `json:"amount"`
	Status     string          `json:"status"` // OperationPending, OperationSuccess, OperationRejected
	ResultCode string          `json:"resultCode"`
	Raw        json.RawMessage `json:"-"`
}

// status is where the refund stands.
func (r *RefundInfo) status() acquiring.RefundStatus {
	switch r.Status {
	case OperationPending:
		return acquiring.RefundPending
	case OperationSuccess:
		return acquiring.RefundDone
	case OperationRejected:
		return acquiring.RefundFailed
	}
	return acquiring.RefundUnknown
}

func (r *RefundInfo) refund() *acquiring.Refund {
	return &acquiring.Refund{ID: string(r.ID), PaymentID: acquiring.PaymentID(r.PaymentID), Amount: r.Amount.Value.Amount(), Status: r.status(), Raw: r.Raw}
}

func (c *Client) refundInfo(ctx context.Context, r request) (*RefundInfo, error) {
	return one[RefundInfo](ctx, c, r, "the answer is no refund: it has no id")
}

func (r *RefundInfo) took(raw json.RawMessage) bool {
	r.Raw = raw
	return r.ID != ""
}

// CreateRefund gives money back (POST /api/v2/refunds). A key that was used
// gives ErrDuplicate.
func (c *Client) CreateRefund(ctx context.Context, r RefundCreate) (*RefundInfo, error) {
	if err := checkID("CreateRefund", "PaymentID", r.PaymentID); err != nil {
		return nil, err
	}
	return c.refundInfo(ctx, request{method: http.MethodPost, path: "refunds", body: r, key: keyOr(r.IdempotencyKey)})
}

// GetRefund reads a refund (GET /api/v2/refunds/{id}).
func (c *Client) GetRefund(ctx context.Context, id string) (*RefundInfo, error) {
	if err := checkID("GetRefund", "ID", id); err != nil {
		return nil, err
	}
	r, err := c.refundInfo(ctx, request{method: http.MethodGet, path: "refunds/" + id})
	if err == nil && string(r.ID) != id {
		return nil, c.nonsense("GET refunds/{id}", "the answer is another refund than was asked for", nil)
	}
	return r, err
}

// ListRefunds lists the shop's refunds of a period (GET /api/v2/refunds), all
// pages. There is no filter by payment.
func (c *Client) ListRefunds(ctx context.Context, p Period) iter.Seq2[*RefundInfo, error] {
	return list(ctx, c, "refunds", c.period(p), func(r *RefundInfo) string { return string(r.ID) },
		func(r *RefundInfo, raw json.RawMessage) { r.Raw = raw })
}

// Types of a stand-alone receipt.
const (
	ReceiptPayment = "Payment"
	ReceiptRefund  = "Refund"
)

// ReceiptCreate is a request for a receipt of its own for a payment that
// exists: of the hand-over after a prepayment, say.
type ReceiptCreate struct {
	PaymentID   string          `json:"paymentId"`
	Amount      Money           `json:"amount"`
	Type        string          `json:"type"` // ReceiptPayment, ReceiptRefund
	Client      ReceiptClient   `json:"client"`
	Items       []ReceiptItem   `json:"items"`
	Settlements json.RawMessage `json:"settlements,omitempty"` // its form is not published

	IdempotencyKey string `json:"-"` // "": a random one
}

// ReceiptInfo is a stand-alone receipt.
type ReceiptInfo struct {
	ID        Text            `json:"id"`
	Created   Time            `json:"created"`
	PaymentID Text            `json:"paymentId"`
	Amount    Money           `json:"amount"`
	Type      string          `json:"type"`
	Status    string          `json:"status"` // OperationPending, …
	Raw       json.RawMessage `json:"-"`
}

func (c *Client) receiptInfo(ctx context.Context, r request) (*ReceiptInfo, error) {
	return one[ReceiptInfo](ctx, c, r, "the answer is no receipt: it has no id")
}

func (i *ReceiptInfo) took(raw json.RawMessage) bool {
	i.Raw = raw
	return i.ID != ""
}

// CreateReceipt prints a receipt for a payment (POST /api/v2/receipts). Make
// Client and Items of a fiscal.Receipt with [NewReceipt].
func (c *Client) CreateReceipt(ctx context.Context, r ReceiptCreate) (*ReceiptInfo, error) {
	const op = "CreateReceipt"
	if err := checkID(op, "PaymentID", r.PaymentID); err != nil {
		return nil, err
	}
	switch {
	case r.Type != ReceiptPayment && r.Type != ReceiptRefund:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Type", "is neither ReceiptPayment nor ReceiptRefund"))
	case len(r.Items) == 0:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Items", "is empty"))
	}
	return c.receiptInfo(ctx, request{method: http.MethodPost, path: "receipts", body: r, key: keyOr(r.IdempotencyKey)})
}

// GetReceipt reads a receipt (GET /api/v2/receipts/{id}).
func (c *Client) GetReceipt(ctx context.Context, id string) (*ReceiptInfo, error) {
	if err := checkID("GetReceipt", "ID", id); err != nil {
		return nil, err
	}
	return c.receiptInfo(ctx, request{method: http.MethodGet, path: "receipts/" + id})
}

// ListReceipts lists the receipts of a payment (GET /api/v2/receipts). The list
// may come bare or in items; both are read.
func (c *Client) ListReceipts(ctx context.Context, paymentID string) iter.Seq2[*ReceiptInfo, error] {
	if err := checkID("ListReceipts", "PaymentID", paymentID); err != nil {
		return func(yield func(*ReceiptInfo, error) bool) { yield(nil, err) }
	}
	return list(ctx, c, "receipts", url.Values{"paymentId": {paymentID}}, func(r *ReceiptInfo) string { return string(r.ID) },
		func(r *ReceiptInfo, raw json.RawMessage) { r.Raw = raw })
}
