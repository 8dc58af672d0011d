package tochka

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
)

// Of the codes of CreateQR.
const (
	defaultQRLife = 72 * time.Hour
	maxQRLife     = 129600 * time.Minute
	qrSide        = 300 // of the picture, in points
)

// CreateQR registers a dynamic SBP code for one payment (POST
// sbp/v1.0/qr-code/…). It needs the company's SBP merchant and account:
// Config.SBPMerchantID and AccountID, or a single pair at the bank. Its
// PaymentID is the code's number; GetStatus, Refund and the webhook
// incomingSbpPayment know it.
//
// The bank has no order number of a code: Config.Ledger remembers it, so that
// a repeated request gives the first code again. ReturnURL must be https. TTL
// is a minute to 90 days, 72 hours by default. Receipt, Hold, SaveCard and
// Extra are ErrUnsupported: such an invoice is a link, CreateInvoice with
// MethodSBP alone.
func (c *Client) CreateQR(ctx context.Context, r acquiring.InvoiceRequest) (*acquiring.QR, error) {
	const op = "CreateQR"
	if err := checkQR(r); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	unlock, err := c.locks.lock(ctx, "qr "+r.OrderID)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	defer unlock()
	entry := LedgerEntry{Shop: c.conf.Shop, Kind: LedgerQR, Payment: c.conf.CustomerCode, Key: r.OrderID, Amount: r.Amount, Owner: c.owner(), At: c.now()}
	old, err := c.ledger.Begin(ctx, entry)
	if err != nil {
		return nil, ledgerError(op, err, acquiring.OutcomeNotSent)
	}
	if old != nil {
		if old.ID != "" {
			return c.sameQR(ctx, r, *old)
		}
		if entry, err = c.takeOver(ctx, op, *old); err != nil {
			return nil, err
		}
		entry.Amount = r.Amount
	}
	qr, err := c.newQR(ctx, r, &entry)
	if err == nil {
		return qr, nil
	}
	// A code whose answer was lost nobody has seen: nobody can pay it, and the
	// order may have another.
	if forget := c.ledger.Forget(context.WithoutCancel(ctx), entry); forget != nil {
		c.rest.Logger().WarnContext(ctx, "an order without a code stays in the ledger", "order", entry.Key, "error", forget)
	}
	return nil, err
}

// newQR registers a code and writes it into the ledger.
func (c *Client) newQR(ctx context.Context, r acquiring.InvoiceRequest, entry *LedgerEntry) (*acquiring.QR, error) {
	const op = "CreateQR"
	merchant, account, err := c.sbpPair(ctx, op)
	if err != nil {
		return nil, err
	}
	life := r.TTL
	if life == 0 {
		life = defaultQRLife
	}
	out, err := c.RegisterQR(ctx, merchant, account, QRRequest{Amount: Kopecks(r.Amount), Currency: "RUB", PaymentPurpose: purpose(r), QRType: QRDynamic,
		TTL: minutes(life), ImageParams: &ImageParams{qrSide, qrSide, "image/png"}, RedirectURL: r.ReturnURL})
	if err != nil {
		return nil, err
	}
	entry.ID = out.QRCID
	if err := c.ledger.Save(context.WithoutCancel(ctx), *entry); err != nil {
		return nil, ledgerError(op, err, acquiring.OutcomeUnknown) // nobody has seen the code: repeat
	}
	qr := &acquiring.QR{ID: out.QRCID, PaymentID: acquiring.PaymentID(out.QRCID), OrderID: r.OrderID, Payload: out.Payload, ExpiresAt: c.now().Add(time.Duration(minutes(life)) * time.Minute)}
	qr.Image, qr.ImageType = out.Image.decode()
	return qr, nil
}

// decode is a PNG picture; an SVG is given as it came.
func (i *QRImage) decode() ([]byte, string) {
	if i == nil || i.Content == "" {
		return nil, ""
	}
	if data, err := base64.StdEncoding.DecodeString(i.Content); err == nil {
		return data, i.MediaType
	}
	if i.MediaType == "image/svg+xml" {
		return []byte(i.Content), i.MediaType
	}
	return nil, ""
}

func checkQR(r acquiring.InvoiceRequest) error {
	unsupported := func(what string) error {
		return acquiring.Unsupported(provider, "CreateQR", "an SBP code has no "+what+"; issue a link with CreateInvoice and MethodSBP alone")
	}
	receipt := r.Receipt
	r.Receipt = nil
	if err := r.Validate(); err != nil {
		return err
	}
	if err := checkOrderID(r.OrderID); err != nil {
		return err
	}
	switch {
	case r.CurrencyOrRUB() != "RUB":
		return acquiring.Invalid("Currency", "is "+r.Currency+"; SBP takes roubles")
	case receipt != nil:
		return unsupported("receipt")
	case r.Hold:
		return unsupported("hold")
	case r.SaveCard:
		return unsupported("card to save")
	case len(r.Extra) > 0:
		return unsupported("further fields (Extra)")
	case r.Methods != nil && !r.Only(acquiring.MethodSBP):
		return acquiring.Invalid("Methods", "has others than SBP")
	case r.ReturnURL != "" && !strings.HasPrefix(r.ReturnURL, "https://"):
		return acquiring.Invalid("ReturnURL", "is not https, which the bank demands with a code")
	case r.TTL > maxQRLife || (r.TTL > 0 && r.TTL < time.Minute):
		return acquiring.Invalid("TTL", "is not between a minute and 90 days")
	}
	return nil
}

// sameQR is the code that was given for the order number before.
func (c *Client) sameQR(ctx context.Context, r acquiring.InvoiceRequest, old LedgerEntry) (*acquiring.QR, error) {
	taken := func(why string) error {
		return &acquiring.Error{Provider: provider, Op: "CreateQR", Kind: acquiring.ErrDuplicate, Outcome: acquiring.OutcomeRejected,
			Message: fmt.Sprintf("order number %q has the code %s, %s", r.OrderID, old.ID, why), Hint: "issue a new code with acquiring.Attempt(number, n+1)"}
	}
	if old.Amount != r.Amount {
		return nil, taken("of " + old.Amount.String())
	}
	code, err := c.QR(ctx, old.ID)
	if err != nil {
		return nil, err
	}
	pay, err := c.qrState(ctx, code)
	if err != nil {
		return nil, err
	}
	p, err := c.qrResult(ctx, "CreateQR", code, pay)
	if err != nil {
		return nil, err
	}
	if p.Status != acquiring.StatusPending {
		return nil, taken("which is " + p.Status.String())
	}
	qr := &acquiring.QR{ID: old.ID, PaymentID: acquiring.PaymentID(old.ID), OrderID: r.OrderID, Payload: code.Payload, ExpiresAt: code.expires()}
	qr.Image, qr.ImageType = code.Image.decode()
	return qr, nil
}

// expires is when a dynamic code ends; zero where that cannot be said.
func (q *QRCode) expires() time.Time {
	if q.CreatedAt.IsZero() || q.QRType == QRStatic {
		return time.Time{}
	}
	life := time.Duration(q.TTL) * time.Minute
	if life <= 0 {
		life = defaultQRLife
	}
	return q.CreatedAt.Add(life)
}

// sbpPair is the SBP merchant and the account: the Config's, or the only ones.
func (c *Client) sbpPair(ctx context.Context, op string) (merchant, account string, err error) {
	merchant, account = c.conf.SBPMerchantID, c.conf.AccountID
	if merchant != "" && account != "" {
		return merchant, account, nil
	}
	c.sbp.Lock()
	defer c.sbp.Unlock()
	if c.sbp.merchant != "" {
		return c.sbp.merchant, c.sbp.account, nil
	}
	s, err := c.SBPCustomer(ctx, "", "")
	if errors.Is(err, acquiring.ErrNotFound) {
		e := acquiring.Unsupported(provider, op, "the company is not registered in SBP")
		e.Hint = "register it in the internet bank, or take SBP by a link: CreateInvoice with MethodSBP"
		return "", "", e
	}
	if err != nil {
		return "", "", notSent(err)
	}
	if merchant == "" {
		list := activeMerchants(s)
		if len(list) != 1 {
			var names []string
			for _, m := range list {
				names = append(names, m.MerchantID+" ("+m.BrandName+")")
			}
			return "", "", acquiring.InOp(provider, op, acquiring.Invalid("Config.SBPMerchantID", fmt.Sprintf("is empty, and the company has %d SBP merchants in use: %s", len(list), strings.Join(names, ", "))))
		}
		merchant = list[0].MerchantID
	}
	if account == "" {
		list := activeAccounts(s)
		if len(list) != 1 {
			return "", "", acquiring.InOp(provider, op, acquiring.Invalid("Config.AccountID", fmt.Sprintf("is empty, and SBP knows %d accounts of the company", len(list))))
		}
		account = list[0].AccountID
	}
	c.sbp.merchant, c.sbp.account = merchant, account
	return merchant, account, nil
}

// qrState is what became of a code.
type qrState struct {
	status   QRPaymentStatus
	message  string
	trx, ref string
	raw      string
}

// qrState asks what became of a dynamic code: while it lives and for a day
// after the payment by its own method, later in the list of SBP payments.
func (c *Client) qrState(ctx context.Context, code *QRCode) (qrState, error) {
	list, err := c.QRPayments(ctx, code.QRCID)
	if err == nil {
		for _, p := range list {
			if p.QRCID == code.QRCID && p.Status != "" && !(p.Status == QRNotStarted && c.over(code)) {
				return qrState{status: p.Status, message: p.Message, trx: p.TrxID, raw: string(p.Status)}, nil
			}
		}
	} else if ctx.Err() != nil || errors.Is(err, acquiring.ErrUnauthorized) || (acquiring.Temporary(err) && !(c.over(code) && failedDependency(err))) {
		return qrState{}, err
	}
	made := code.CreatedAt.Time
	if made.IsZero() {
		made = c.now().Add(-c.conf.FindWithin)
	}
	from := DateOf(made.Add(-24 * time.Hour)) // by which clock the bank counts its days is not known
	state := qrState{status: QRNotStarted, raw: string(QRNotStarted)}
	for p, err := range c.SBPPayments(ctx, SBPPaymentsQuery{QRCID: code.QRCID, From: from}) {
		if err != nil {
			return qrState{}, err
		}
		if p.QRCID != code.QRCID {
			continue
		}
		state = qrState{message: p.Message, ref: p.RefTransactionID, raw: p.Status}
		switch p.Status {
		case "Accepted":
			state.status = QRAccepted
			return state, nil
		case "Rejected", "Error", "Timeout":
			state.status = QRRejected
		default:
			state.status = QRInProgress
		}
	}
	return state, nil
}

// failedDependency says whether the bank answered 424 with words that are not
// known: of a code that is over, a refusal to tell as likely as an outage.
func failedDependency(err error) bool {
	e, ok := errors.AsType[*acquiring.Error](err)
	return ok && e.HTTPStatus == http.StatusFailedDependency
}

func (c *Client) over(code *QRCode) bool {
	end := code.expires()
	return !end.IsZero() && c.now().After(end)
}

// qrPayment is the payment by a code.
func (c *Client) qrPayment(ctx context.Context, id string) (*acquiring.Payment, error) {
	code, err := c.QR(ctx, id)
	if err != nil {
		return nil, err
	}
	if code.QRCID == "" {
		code.QRCID = id
	}
	if code.QRType == QRStatic {
		return nil, acquiring.Unsupported(provider, "GetStatus", "a static code is paid many times; see SBPPayments")
	}
	pay, err := c.qrState(ctx, code)
	if err != nil {
		return nil, err
	}
	return c.qrResult(ctx, "GetStatus", code, pay)
}

// qrOrder is the order number of a code, which the bank does not know; "": none
// of ours.
func (c *Client) qrOrder(ctx context.Context, op, qrcID string) (string, error) {
	e, err := c.ledger.ByID(ctx, c.conf.Shop, LedgerQR, qrcID)
	switch {
	case err != nil:
		return "", ledgerError(op, err, acquiring.OutcomeNotSent)
	case e == nil:
		return "", nil
	}
	return e.Key, nil
}

// qrResult puts a code and what became of it together. What was given back is
// the ledger's word: the bank lists no refunds of a code.
func (c *Client) qrResult(ctx context.Context, op string, code *QRCode, pay qrState) (*acquiring.Payment, error) {
	p := &acquiring.Payment{ID: acquiring.PaymentID(code.QRCID), Status: acquiring.StatusPending, Amount: code.Amount.Amount(), Currency: "RUB",
		Test: c.conf.Environment == acquiring.Test, CreatedAt: code.CreatedAt.Time, ProviderStatus: pay.raw}
	var err error
	if p.OrderID, err = c.qrOrder(ctx, op, code.QRCID); err != nil {
		return nil, err
	}
	switch pay.status {
	case QRAccepted:
		p.Status, p.Captured, p.Method = acquiring.StatusPaid, p.Amount, acquiring.MethodSBP
		refunded, err := c.refundedSBP(ctx, op, code.QRCID)
		if err != nil {
			return nil, err
		}
		p.Refunded = min(refunded, p.Captured)
		switch {
		case p.Refunded > 0 && p.Refunded == p.Captured:
			p.Status = acquiring.StatusRefunded
		case p.Refunded > 0:
			p.Status = acquiring.StatusPartiallyRefunded
		}
	case QRRejected:
		p.Failure = &acquiring.Failure{Code: pay.raw, Message: pay.message}
		p.Status = acquiring.StatusDeclined
	case QRNotStarted:
		if c.over(code) {
			p.Status = acquiring.StatusExpired
		}
	}
	return p, nil
}
