package tochka

import (
	"context"
	"net/url"
	"strconv"

	"github.com/acquiring-go/acquiring"
)

// CashboxQRRequest makes the lasting code of a cash desk (кассовая ссылка).
type CashboxQRRequest struct {
	MerchantID  string       `json:"merchantId"` // MF…
	AccountID   string       `json:"accountId"`
	RedirectURL string       `json:"redirectUrl,omitempty"`
	ImageParams *ImageParams `json:"imageParams,omitempty"`
}

// CreateCashboxQR makes the code of a cash desk (POST cashbox-qr-code).
func (c *Client) CreateCashboxQR(ctx context.Context, r CashboxQRRequest) (*QRCreated, error) {
	const op = "sbp.cashbox.create"
	if err := checkAccount(op, r.AccountID); err != nil {
		return nil, err
	}
	if err := r.ImageParams.check(); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	var out QRCreated
	if _, err := c.call(ctx, post(op, dataOf[CashboxQRRequest]{r}, "sbp/v1.0/cashbox-qr-code"), &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// CashboxQRs lists the cash desks' codes of a merchant and an account (GET
// cashbox-qr-code/merchant/{merchantId}/{accountId}).
func (c *Client) CashboxQRs(ctx context.Context, merchantID, account string) ([]QRCode, error) {
	const op = "sbp.cashbox.list"
	if err := checkAccount(op, account); err != nil {
		return nil, err
	}
	var data struct {
		List []QRCode `json:"qrCodes"`
	}
	r := c.withAccount(get(op), "sbp/v1.0/cashbox-qr-code/merchant/"+url.PathEscape(merchantID)+"/", account, "")
	if _, err := c.call(ctx, r, &data); err != nil {
		return nil, err
	}
	return data.List, nil
}

// CashboxQR reads a cash desk's code: a POST that changes nothing (POST
// cashbox-qr-code/{qrcId}). image may be nil. The sum and what belongs to it
// are there only while the code is active.
func (c *Client) CashboxQR(ctx context.Context, qrcID string, image *ImageParams) (*QRCode, error) {
	r := post("sbp.cashbox.get", nil, "sbp/v1.0/cashbox-qr-code/", qrcID)
	r.again = true
	if image != nil {
		r.body = dataOf[any]{struct {
			ImageParams *ImageParams `json:"imageParams"`
		}{image}}
	}
	return c.qr(ctx, r)
}

// CashboxActivation is the sum that a cash desk's code asks for now.
type CashboxActivation struct {
	Amount         Kopecks `json:"amount"`                   // 1 kopeck to below 10 billion roubles
	Currency       string  `json:"currency,omitempty"`       // "": RUB
	PaymentPurpose string  `json:"paymentPurpose,omitempty"` // at most 140
	TTL            int     `json:"ttl,omitempty"`            // minutes, 5 to 20; 0: 5
}

// CashboxActivated is an active code.
type CashboxActivated struct {
	QRCID          string  `json:"qrcId"`
	Amount         Kopecks `json:"amount"`
	Currency       string  `json:"currency"`
	ParamsID       string  `json:"paramsId"` // for CashboxOperation
	PaymentPurpose string  `json:"paymentPurpose"`
}

// ActivateCashboxQR lets a cash desk's code ask for a sum (POST …/activate).
func (c *Client) ActivateCashboxQR(ctx context.Context, qrcID string, a CashboxActivation) (*CashboxActivated, error) {
	const op = "sbp.cashbox.activate"
	switch {
	case a.Amount <= 0 || a.Amount >= 1_000_000_000_000:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Amount", "is not between one kopeck and ten billion roubles"))
	case a.TTL != 0 && (a.TTL < 5 || a.TTL > 20):
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("TTL", "is not between 5 and 20 minutes"))
	}
	var out CashboxActivated
	if _, err := c.call(ctx, post(op, dataOf[CashboxActivation]{a}, "sbp/v1.0/cashbox-qr-code/", qrcID, "/activate"), &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// DeactivateCashboxQR takes the sum back (POST …/deactivate).
func (c *Client) DeactivateCashboxQR(ctx context.Context, qrcID string) error {
	return c.accepted(ctx, post("sbp.cashbox.deactivate", nil, "sbp/v1.0/cashbox-qr-code/", qrcID, "/deactivate"), acquiring.ErrConflict, "")
}

// SetCashboxAccount makes the money of a cash desk's code come to another
// account of the same company (POST …/account).
func (c *Client) SetCashboxAccount(ctx context.Context, qrcID, account string) error {
	const op = "sbp.cashbox.account"
	if err := checkAccount(op, account); err != nil {
		return err
	}
	body := dataOf[any]{struct {
		AccountID string `json:"accountId"`
	}{account}}
	r := post(op, body, "sbp/v1.0/cashbox-qr-code/", qrcID, "/account")
	r.again = true
	_, err := c.call(ctx, r, nil)
	return err
}

// CashboxStatus is where a cash desk's code stands.
type CashboxStatus struct {
	Status   string `json:"status"` // INACTIVATED, WAITING_PAYMENT, IN_PROGRESS
	ParamsID string `json:"paramsId"`
}

// CashboxStatus reads where a cash desk's code stands (GET …/status).
func (c *Client) CashboxStatus(ctx context.Context, qrcID string) (*CashboxStatus, error) {
	var out CashboxStatus
	if _, err := c.call(ctx, get("sbp.cashbox.status", "sbp/v1.0/cashbox-qr-code/", qrcID, "/status"), &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// CashboxOperation is the payment by an activated code.
type CashboxOperation struct {
	QRCodeStatus string  `json:"qrCodeStatus"` // DEACTIVATED, WAITING_PAYMENT, IN_PROGRESS
	TrxStatus    string  `json:"trxStatus"`    // ACWP paid, RJCT refused, RCVD under way, NTST none
	TrxID        string  `json:"trxId"`
	Amount       Kopecks `json:"amount"`
	At           Time    `json:"dateTime"`
	PayerID      string  `json:"payerId"` // masked
	KZO          string  `json:"kzo"`     // контрольное значение операции
}

// Paid says whether the payment was made.
func (o CashboxOperation) Paid() bool { return o.TrxStatus == "ACWP" }

// CashboxOperation reads the payment by an activated code (GET …/operation).
func (c *Client) CashboxOperation(ctx context.Context, qrcID, paramsID string) (*CashboxOperation, error) {
	r := get("sbp.cashbox.operation", "sbp/v1.0/cashbox-qr-code/", qrcID, "/operation")
	r.query = url.Values{"paramsId": {paramsID}}
	var out CashboxOperation
	if _, err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// B2BQRRequest makes a code by which a company pays a company. Its sums are
// kopecks.
type B2BQRRequest struct {
	Amount         Kopecks `json:"amount"` // 1 to 100000000
	PaymentPurpose string  `json:"paymentPurpose"`
	SourceName     string  `json:"sourceName"`               // at most 50
	TakeTax        bool    `json:"takeTax"`                  // with VAT
	TotalTaxAmount Kopecks `json:"totalTaxAmount,omitempty"` // with TakeTax only
	TTL            int     `json:"ttl,omitempty"`            // minutes, 1 to 129600; 0: 4320
	RedirectURL    string  `json:"redirectUrl,omitempty"`
	UIP            string  `json:"uip,omitempty"` // at most 35
}

// CreateB2BQR makes a code for a company (POST
// b2b-qr-code/merchant/{merchantId}/{accountId}).
func (c *Client) CreateB2BQR(ctx context.Context, merchantID, account string, r B2BQRRequest) (*QRCreated, error) {
	const op = "sbp.b2b.create"
	if err := checkAccount(op, account); err != nil {
		return nil, err
	}
	switch {
	case r.Amount < 1 || r.Amount > 100_000_000:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Amount", "is not between one kopeck and a million roubles"))
	case !r.TakeTax && r.TotalTaxAmount != 0:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("TotalTaxAmount", "is set, but TakeTax is not"))
	}
	var out QRCreated
	call := c.withAccount(post(op, dataOf[B2BQRRequest]{r}), "sbp/v1.0/b2b-qr-code/merchant/"+url.PathEscape(merchantID)+"/", account, "")
	if _, err := c.call(ctx, call, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// B2BQR reads a company's code (GET b2b-qr-code/{qrcId}); size is the
// picture's width and height, 0: without.
func (c *Client) B2BQR(ctx context.Context, qrcID string, size int) (*QRCode, error) {
	r := get("sbp.b2b.get", "sbp/v1.0/b2b-qr-code/", qrcID)
	if size > 0 {
		r.query = url.Values{"width": {strconv.Itoa(size)}, "height": {strconv.Itoa(size)}}
	}
	return c.qr(ctx, r)
}
