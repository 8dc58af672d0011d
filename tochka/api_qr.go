package tochka

import (
	"context"
	"fmt"
	"iter"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// QRType is which kind of SBP code it is.
type QRType string

// The kinds of codes.
const (
	QRStatic  QRType = "01" // may be paid many times
	QRDynamic QRType = "02" // for one payment
)

// ImageParams asks for a picture of a code.
type ImageParams struct {
	Width     int    `json:"width"`               // 200 to 2000 points
	Height    int    `json:"height"`              // 200 to 2000 points
	MediaType string `json:"mediaType,omitempty"` // image/png or image/svg+xml
}

// QRRequest registers an SBP code. Its sums are kopecks.
type QRRequest struct {
	Amount         Kopecks      `json:"amount,omitempty"` // demanded of a dynamic code
	Currency       string       `json:"currency,omitempty"`
	PaymentPurpose string       `json:"paymentPurpose"` // at most 140 characters
	QRType         QRType       `json:"qrcType"`
	TTL            int          `json:"ttl,omitempty"` // minutes, 1 to 129600, of a dynamic code; 0: 72 hours
	ImageParams    *ImageParams `json:"imageParams,omitempty"`
	SourceName     string       `json:"sourceName,omitempty"`
	RedirectURL    string       `json:"redirectUrl,omitempty"` // https
}

// QRImage is a picture of a code.
type QRImage struct {
	Width     Int    `json:"width"`
	Height    Int    `json:"height"`
	MediaType string `json:"mediaType"`
	Content   string `json:"content"` // base64 of a PNG; how an SVG is written the bank does not say
}

// QRCreated is a registered code.
type QRCreated struct {
	Payload string   `json:"payload"` // https://qr.nspk.ru/…
	QRCID   string   `json:"qrcId"`
	Image   *QRImage `json:"image"`
}

// QRCode is a code as the bank gives it back. Of a B2B code and of a code of a
// cash desk some fields are their own.
type QRCode struct {
	Status          SBPStatus     `json:"status"`
	Payload         string        `json:"payload"`
	AccountID       string        `json:"accountId"`
	CreatedAt       Time          `json:"createdAt"`
	MerchantID      string        `json:"merchantId"`
	LegalID         string        `json:"legalId"`
	QRCID           string        `json:"qrcId"`
	Amount          Kopecks       `json:"amount"`
	TTL             Int           `json:"ttl"` // minutes
	PaymentPurpose  string        `json:"paymentPurpose"`
	Image           *QRImage      `json:"image"`
	Commission      *QRCommission `json:"commission"`        // of a cash desk's
	CommissionRate  Text          `json:"commissionPercent"` // percent, as the bank writes it
	Currency        string        `json:"currency"`
	QRType          QRType        `json:"qrcType"`
	TemplateVersion Text          `json:"templateVersion"`
	SourceName      string        `json:"sourceName"`
	RedirectURL     string        `json:"redirectUrl"`
	ParamsID        string        `json:"paramsId"` // of an activation at a cash desk
	TakeTax         Bool          `json:"takeTax"`  // B2B
	TotalTaxAmount  Kopecks       `json:"totalTaxAmount"`
	UIP             string        `json:"uip"`
}

// QRCommission is what the bank takes for a payment by a code.
type QRCommission struct {
	MCC         Text   `json:"mcc"`
	Percent     Text   `json:"percent"`
	Description string `json:"description"`
}

// check refuses what the bank would refuse.
func (r QRRequest) check() error {
	switch {
	case r.PaymentPurpose == "" || utf8.RuneCountInString(r.PaymentPurpose) > 140:
		return acquiring.Invalid("PaymentPurpose", "is empty or longer than 140 characters")
	case r.QRType != QRStatic && r.QRType != QRDynamic:
		return acquiring.Invalid("QRType", "is neither QRStatic nor QRDynamic")
	case r.Amount < 0 || (r.QRType == QRDynamic && r.Amount == 0):
		return acquiring.Invalid("Amount", "is not more than zero; a dynamic code is for one sum")
	case r.TTL < 0 || r.TTL > 129600 || (r.QRType == QRStatic && r.TTL != 0):
		return acquiring.Invalid("TTL", "is not between 1 and 129600 minutes, or the code is static and has none")
	}
	return r.ImageParams.check()
}

func (p *ImageParams) check() error {
	if p != nil && (p.Width < 200 || p.Width > 2000 || p.Height < 200 || p.Height > 2000) {
		return acquiring.Invalid("ImageParams", "are not between 200 and 2000")
	}
	return nil
}

// RegisterQR registers a code of a merchant and an account (POST
// qr-code/merchant/{merchantId}/{accountId}; EditSBPData). It has no key:
// repeated, it makes another code.
func (c *Client) RegisterQR(ctx context.Context, merchantID, account string, r QRRequest) (*QRCreated, error) {
	const op = "sbp.qr.register"
	if err := r.check(); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if err := checkAccount(op, account); err != nil {
		return nil, err
	}
	var out QRCreated
	call := c.withAccount(post(op, dataOf[QRRequest]{r}), "sbp/v1.0/qr-code/merchant/"+url.PathEscape(merchantID)+"/", account, "")
	if _, err := c.call(ctx, call, &out); err != nil {
		return nil, err
	}
	if out.QRCID == "" || out.Payload == "" {
		return nil, c.nonsense(op, "the answer has no qrcId or no payload")
	}
	return &out, nil
}

// QR reads a code (GET qr-code/{qrcId}; ReadSBPData).
func (c *Client) QR(ctx context.Context, qrcID string) (*QRCode, error) {
	return c.qr(ctx, get("sbp.qr.get", "sbp/v1.0/qr-code/", qrcID))
}

func (c *Client) qr(ctx context.Context, r request) (*QRCode, error) {
	var out QRCode
	if _, err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// QRs lists the codes of a company in SBP (GET
// qr-code/legal-entity/{legalId}).
func (c *Client) QRs(ctx context.Context, legalID string) ([]QRCode, error) {
	var data struct {
		List []QRCode `json:"qrCodeList"`
	}
	if _, err := c.call(ctx, get("sbp.qr.list", "sbp/v1.0/qr-code/legal-entity/", legalID), &data); err != nil {
		return nil, err
	}
	return data.List, nil
}

// QRPaymentStatus is what became of a dynamic code.
type QRPaymentStatus string

// The statuses of a payment by a code.
const (
	QRNotStarted QRPaymentStatus = "NotStarted"
	QRReceived   QRPaymentStatus = "Received"
	QRInProgress QRPaymentStatus = "InProgress"
	QRAccepted   QRPaymentStatus = "Accepted" // paid
	QRRejected   QRPaymentStatus = "Rejected"
)

// QRPayment is the payment by a dynamic code.
type QRPayment struct {
	QRCID   string          `json:"qrcId"`
	Code    Text            `json:"code"` // RQ00000: the question was answered
	Status  QRPaymentStatus `json:"status"`
	Message string          `json:"message"`
	TrxID   string          `json:"trxId"` // 32 characters of SBP, 36 of the digital rouble
}

// QRPayments asks what became of dynamic codes, while they live or for a day
// after the payment (GET qr-codes/{qrcIds}/payment-status).
func (c *Client) QRPayments(ctx context.Context, qrcIDs ...string) ([]QRPayment, error) {
	const op = "sbp.qr.payment_status"
	if len(qrcIDs) == 0 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("qrcIDs", "is empty"))
	}
	for i, id := range qrcIDs {
		if id == "" || strings.ContainsAny(id, ",/") {
			return nil, acquiring.InOp(provider, op, acquiring.Invalid("qrcIDs["+strconv.Itoa(i)+"]", "is not the number of a code"))
		}
	}
	escaped := make([]string, len(qrcIDs))
	for i, id := range qrcIDs {
		escaped[i] = url.PathEscape(id)
	}
	var data struct {
		List []QRPayment `json:"paymentList"`
	}
	r := get(op, "sbp/v1.0/qr-codes/"+strings.Join(escaped, ",")+"/payment-status")
	if _, err := c.call(ctx, r, &data); err != nil {
		return nil, err
	}
	return data.List, nil
}

// SBPPaymentsQuery narrows the list of SBP payments.
type SBPPaymentsQuery struct {
	CustomerCode string // "": Config.CustomerCode
	QRCID        string
	From, To     Date // without From the bank looks at yesterday and today only
}

// SBPPayment is a payment by an SBP code. The bank gives no sum here.
type SBPPayment struct {
	QRCID            string `json:"qrcId"`
	Status           string `json:"status"` // Accepted, InProgress, Rejected, Timeout, …
	Message          string `json:"message"`
	RefTransactionID string `json:"refTransactionId"` // for RefundSBP
}

// SBPPayments lists the payments by SBP codes (GET get-sbp-payments).
func (c *Client) SBPPayments(ctx context.Context, q SBPPaymentsQuery) iter.Seq2[*SBPPayment, error] {
	const op = "sbp.payments.list"
	if !q.From.valid() || !q.To.valid() {
		return failing[SBPPayment](acquiring.InOp(provider, op, acquiring.Invalid("From", "or To is not YYYY-MM-DD")))
	}
	query := url.Values{}
	set(query, "qrcId", q.QRCID)
	set(query, "fromDate", string(q.From))
	set(query, "toDate", string(q.To))
	return paged(ctx, c, op, "sbp/v1.0/get-sbp-payments", q.CustomerCode, query, 0, func(data *struct{ Payments []SBPPayment }) []SBPPayment { return data.Payments })
}

// SBPRefundRequest gives a payment by a dynamic code back; static codes, those
// of cash desks and of companies are refunded in the internet bank.
type SBPRefundRequest struct {
	BankCode         string       // "": the bank's own
	AccountCode      string       // 20 digits, without the BIC
	Amount           money.Amount // the bank writes it in roubles, as a string
	QRCID            string
	Purpose          string // at most 140; of a non-resident it begins {VO99020} Возврат ошибочно полученной суммы <transactionId>
	RefTransactionID string // of the webhook or of SBPPayments
	TrxID            string // of the NSPK
}

// SBPRefund is a refund under way.
type SBPRefund struct {
	RequestID         string          `json:"requestId"`
	Status            SBPRefundStatus `json:"status"`
	StatusDescription string          `json:"statusDescription"`
}

// SBPRefundStatus is where an SBP refund stands.
type SBPRefundStatus string

// The statuses of an SBP refund.
const (
	SBPRefundWaitingForClient  SBPRefundStatus = "WaitingForClientConfirm"
	SBPRefundInitiated         SBPRefundStatus = "Initiated"
	SBPRefundWaitingForConfirm SBPRefundStatus = "WaitingForConfirm"
	SBPRefundConfirmed         SBPRefundStatus = "Confirmed"
	SBPRefundWaitingForAccept  SBPRefundStatus = "WaitingForAccept"
	SBPRefundAccepted          SBPRefundStatus = "Accepted" // done
	SBPRefundRejected          SBPRefundStatus = "Rejected" // failed
)

// Status is the status as the rest of the library has it.
func (s SBPRefundStatus) Status() acquiring.RefundStatus {
	switch s {
	case SBPRefundAccepted:
		return acquiring.RefundDone
	case SBPRefundRejected:
		return acquiring.RefundFailed
	case "":
		return acquiring.RefundUnknown
	}
	return acquiring.RefundPending
}

// RefundSBP gives a payment by a dynamic code back (POST refund; EditSBPData).
// It has no key: repeated, it refunds again.
func (c *Client) RefundSBP(ctx context.Context, r SBPRefundRequest) (*SBPRefund, error) {
	const op = "sbp.refund"
	if r.BankCode == "" {
		r.BankCode = BankCode
	}
	switch {
	case len(r.AccountCode) != 20 || !digits(r.AccountCode):
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("AccountCode", "is not 20 digits; the BIC stands in BankCode"))
	case r.Amount <= 0:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Amount", fmt.Sprintf("is %s; it must be more than zero", r.Amount)))
	case r.QRCID == "":
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("QRCID", "is empty"))
	case utf8.RuneCountInString(r.Purpose) > 140:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Purpose", "is longer than 140 characters"))
	}
	body := dataOf[any]{struct {
		BankCode         string `json:"bankCode"`
		AccountCode      string `json:"accountCode"`
		Amount           string `json:"amount"`
		Currency         string `json:"currency"`
		QRCID            string `json:"qrcId"`
		Purpose          string `json:"purpose,omitempty"`
		RefTransactionID string `json:"refTransactionId,omitempty"`
		TrxID            string `json:"trxId,omitempty"`
	}{r.BankCode, r.AccountCode, r.Amount.String(), "RUB", r.QRCID, r.Purpose, r.RefTransactionID, r.TrxID}}
	var out SBPRefund
	if _, err := c.call(ctx, post(op, body, "sbp/v1.0/refund"), &out); err != nil {
		return nil, err
	}
	if out.RequestID == "" {
		return nil, c.nonsense(op, "the answer has no requestId")
	}
	return &out, nil
}

// SBPRefund reads where a refund stands (GET refund/{requestId}).
func (c *Client) SBPRefund(ctx context.Context, requestID string) (*SBPRefund, error) {
	var out SBPRefund
	if _, err := c.call(ctx, get("sbp.refund.get", "sbp/v1.0/refund/", requestID), &out); err != nil {
		return nil, err
	}
	return &out, nil
}
