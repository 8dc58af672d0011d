package alfabank

import (
	"context"
	"encoding/base64"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/rbs"
)

var (
	epQRGet       = endpoint{op: "sbp/c2b/qr/dynamic/get.do"}
	epQRStatus    = endpoint{op: "sbp/c2b/qr/status.do", read: true}
	epQRReject    = endpoint{op: "sbp/c2b/qr/dynamic/reject.do"}
	epSBPBindings = endpoint{op: "sbp/c2b/getBindings.do", read: true}
	epSBPUnbind   = endpoint{op: "sbp/c2b/unBind.do"}
)

// States of a code of СБП (qrStatus).
const (
	QRStarted   = "STARTED"          // made
	QRConfirmed = "CONFIRMED"        // accepted, under way
	QRAccepted  = "ACCEPTED"         // paid
	QRRejected  = "REJECTED"         // refused
	QRWithdrawn = "REJECTED_BY_USER" // by the merchant
)

// SBPQRRequest asks for the SBP code of a registered order.
type SBPQRRequest struct {
	OrderID            string `url:"mdOrder"`
	Account            string `url:"account,omitempty"`
	MemberID           string `url:"memberId,omitempty"`
	TSPMerchantID      string `url:"tspMerchantId,omitempty"`
	PaymentPurpose     string `url:"paymentPurpose,omitempty"` // at most 140
	RedirectURL        string `url:"redirectUrl,omitempty"`    // at most 1024; a bad one is passed over by the bank
	Height             int    `url:"qrHeight,omitempty"`       // 10..1000; a picture comes only with both sizes
	Width              int    `url:"qrWidth,omitempty"`
	Format             string `url:"qrFormat,omitempty"` // matrix, image (PNG)
	CreateSubscription bool   `url:"createSubscription,omitempty"`
	ServiceName        string `url:"subscriptionServiceName,omitempty"` // at most 70
	ServiceID          string `url:"subscriptionServiceId,omitempty"`   // at most 32
}

// SBPQR is a code of СБП. The bank's table calls its state status, its
// examples qrStatus: State reads both.
type SBPQR struct {
	rbs.SBPCode
	OtherStatus rbs.Text `json:"status"`
	WasRejected rbs.Bool `json:"rejected"`
}

// State is STARTED, CONFIRMED, ACCEPTED, REJECTED or REJECTED_BY_USER.
func (q *SBPQR) State() string {
	if q.Status != "" {
		return string(q.Status)
	}
	return string(q.OtherStatus)
}

// Refused adds to the code that something must have come.
func (q *SBPQR) Refused() (code, message string, refused bool) {
	if code, message, refused = q.SBPCode.Refused(); refused {
		return code, message, true
	}
	if q.State() == "" && q.Payload == "" && q.SBPCode.State == "" && !bool(q.WasRejected) {
		return "", "the answer has no state of the code", true
	}
	return "", "", false
}

// Image is the picture of the code, a PNG, where SBPQRRequest.Format was image and
// both sizes were given; nil: none came.
func (q *SBPQR) Image() []byte {
	if image, err := base64.StdEncoding.DecodeString(string(q.Rendered)); err == nil && len(image) > 0 {
		return image
	}
	return nil
}

// GetSBPQR issues the SBP code of an order, or gives it again
// (sbp/c2b/qr/dynamic/get.do). A size that is not 10 to 1000 points is ErrInvalid.
func (c *Client) GetSBPQR(ctx context.Context, r SBPQRRequest) (*SBPQR, error) {
	for _, size := range []struct {
		field string
		value int
	}{{"Height", r.Height}, {"Width", r.Width}} {
		if size.value != 0 && (size.value < 10 || size.value > 1000) {
			return nil, acquiring.InOp(provider, epQRGet.op, acquiring.Invalid(size.field, "is not between 10 and 1000"))
		}
	}
	var out SBPQR
	if err := c.call(ctx, epQRGet, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

type qrRequest struct {
	OrderID string `url:"mdOrder"`
	QRID    string `url:"qrId,omitempty"`
}

// GetSBPQRStatus reads the state of an SBP code (sbp/c2b/qr/status.do); qrID
// is optional in the document.
func (c *Client) GetSBPQRStatus(ctx context.Context, orderID, qrID string) (*SBPQR, error) {
	var out SBPQR
	if err := c.call(ctx, epQRStatus, qrRequest{orderID, qrID}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

type qrRejected struct{ SBPQR }

func (q *qrRejected) Refused() (code, message string, refused bool) {
	if code, message, refused = q.SBPCode.Refused(); refused || bool(q.WasRejected) {
		return code, message, refused
	}
	return "rejected=false", q.Words(), true
}

// RejectSBPQR withdraws an SBP code (sbp/c2b/qr/dynamic/reject.do). The order
// itself stays: Decline withdraws it.
func (c *Client) RejectSBPQR(ctx context.Context, orderID, qrID string) error {
	var out qrRejected
	return c.call(ctx, epQRReject, qrRequest{orderID, qrID}, &out)
}

// SBPBinding is a saved account of СБП.
type SBPBinding struct {
	ID          rbs.Text `json:"bindingId"`
	ClientID    rbs.Text `json:"clientId"`
	Label       rbs.Text `json:"displayLabel"`
	MemberID    rbs.Text `json:"memberId"` // of the bank
	Token       rbs.Text `json:"subscriptionToken"`
	ServiceName rbs.Text `json:"subscriptionServiceName"`
	ServiceID   rbs.Text `json:"subscriptionServiceId"`
}

// GetSBPBindings lists the saved SBP accounts of a customer
// (sbp/c2b/getBindings.do); bindingID narrows it, "" does not.
func (c *Client) GetSBPBindings(ctx context.Context, clientID, bindingID string, showDisabled bool) ([]SBPBinding, error) {
	if clientID == "" {
		return nil, acquiring.InOp(provider, epSBPBindings.op, acquiring.Invalid("clientID", "is empty; give the shop's number of the customer"))
	}
	var out struct {
		rbs.Head
		Bindings rbs.List[SBPBinding] `json:"bindings"`
	}
	if err := c.call(ctx, epSBPBindings, struct {
		ClientID  string `url:"clientId"`
		BindingID string `url:"bindingId,omitempty"`
		Disabled  bool   `url:"showDisabled,omitempty"`
	}{clientID, bindingID, showDisabled}, &out); err != nil {
		return nil, err
	}
	return out.Bindings, nil
}

// sbpUnbound: the document's own success has error code 2 ("the binding is
// disconnected"), so 0 and 2 are both done.
type sbpUnbound struct{ rbs.Head }

func (u *sbpUnbound) Refused() (code, message string, refused bool) {
	if code, message, refused = u.Head.Refused(); code == CodeNotActive {
		return "", "", false
	}
	return code, message, refused
}

// UnbindSBP forgets a saved SBP account (sbp/c2b/unBind.do). One that is
// forgotten already is a success: the bank answers both the same.
func (c *Client) UnbindSBP(ctx context.Context, bindingID string) error {
	var out sbpUnbound
	return c.call(ctx, epSBPUnbind, struct {
		BindingID string `url:"bindingId"`
	}{bindingID}, &out)
}
