package sberbank

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/rbs"
)

var (
	epReceiptStatus   = endpoint{op: "getReceiptStatus", json: "/ofd/v1/getReceiptStatus", legacy: "getReceiptStatus.do", read: true}
	epRetryReceipt    = endpoint{op: "retryReceipt", json: "/ofd/v1/retryReceipt"}
	epDoReceipt       = endpoint{op: "doReceipt", json: "/ofd/v1/doReceipt"}
	epExternalReceipt = endpoint{op: "externalReceipt", legacy: "//fes-nspk-proxy/externalReceipt", asJSON: true, login: true}
)

// ReceiptQuery asks for receipts. Give exactly one of the numbers; ReceiptID
// is uuid at the legacy gateway.
type ReceiptQuery struct {
	ReceiptID   string `json:"receiptId,omitempty" url:"uuid,omitempty"`
	OrderID     string `json:"orderId,omitempty" url:"orderId,omitempty"`
	OrderNumber string `json:"orderNumber,omitempty" url:"orderNumber,omitempty"`
	Status      string `json:"receiptStatus,omitempty" url:"-"` // new: only receipts in this state, "0" to "6"
}

// States of a receipt at the new gateway (receiptStatus).
const (
	ReceiptUndefined  = 0 // not defined
	ReceiptWaiting    = 1 // to be sent to the cash service
	ReceiptSent       = 2 // to the cash service, whose answer is awaited
	ReceiptDone       = 3 // printed
	ReceiptFailed     = 4 // the cash service could not process it; see Recommendation
	ReceiptSendFailed = 5 // the attempts are used up
	ReceiptBadData    = 6 // see Recommendation
)

// Receipts is the answer of getReceiptStatus.
type Receipts struct {
	rbs.Head
	OrderID     rbs.Text               `json:"orderId"`
	OrderNumber rbs.Text               `json:"orderNumber"`
	Receipts    rbs.List[ReceiptState] `json:"receipts"` // new
	Legacy      rbs.List[LegacyState]  `json:"receipt"`  // legacy
	DaemonCode  rbs.Text               `json:"daemonCode"`
	DeviceCode  rbs.Text               `json:"deviceCode"`
}

// ReceiptState is a receipt at the new gateway. In its Payload FN, DocumentNumber
// and DocumentAttribute are ФН, ФД and ФПД.
type ReceiptState struct {
	ID            rbs.Text `json:"receiptId"`
	OperationID   rbs.Text `json:"operationId"`
	OperationType rbs.Text `json:"operationType"`
	Type          rbs.Text `json:"receiptType"` // SELL, SELL_REFUND, in either case
	Status        rbs.Int  `json:"receiptStatus"`
	OriginalID    rbs.Text `json:"origReceiptId"`
	Error         struct {
		ID   rbs.Text `json:"errorId"`
		Code rbs.Text `json:"code"`
		Text rbs.Text `json:"text"`
		Type rbs.Text `json:"type"`
		// Recommendation: 1 RetryReceipt; 2 DoReceipt with a corrected cart; 3
		// mend the cash register, then either.
		Recommendation rbs.Int `json:"recommendation"`
	} `json:"error"`
	Payload struct {
		ReceiptNumber      rbs.Text `json:"fiscalReceiptNumber"`
		Shift              rbs.Text `json:"shiftNumber"`
		Time               rbs.Time `json:"receiptDatetime"`
		Total              rbs.Text `json:"total"` // rubles or kopecks: the document and its example disagree
		FN                 rbs.Text `json:"fnNumber"`
		RegistrationNumber rbs.Text `json:"ecrRegistrationNumber"`
		DocumentNumber     rbs.Text `json:"fiscalDocumentNumber"`
		DocumentAttribute  rbs.Text `json:"fiscalDocumentAttribute"`
		FNSSite            rbs.Text `json:"fnsSite"`
		OFDINN             rbs.Text `json:"ofdInn"`
		URL                rbs.Text `json:"ofdReceiptUrl"`
		Marks              rbs.List[struct {
			Position rbs.Text `json:"position"`
			Code     rbs.Text `json:"markCode"`
			Result   rbs.Int  `json:"result"` // 15: every check passed
		}] `json:"marksResult"`
	} `json:"payload"`
	Timestamp  rbs.Time `json:"timestamp"`
	GroupCode  rbs.Text `json:"groupCode"`
	DaemonCode rbs.Text `json:"daemonCode"`
	DeviceCode rbs.Text `json:"deviceCode"`
}

// LegacyState is a receipt at the legacy gateway. Status: 0 sent, 1
// delivered, 2 error; 3, 4, 5 the same of a refund's receipt.
type LegacyState struct {
	Status             rbs.Int  `json:"receiptStatus"`
	UUID               rbs.Text `json:"uuid"`
	OriginalUUID       rbs.Text `json:"original_ofd_uuid"`
	Shift              rbs.Text `json:"shift_number"`
	ReceiptNumber      rbs.Text `json:"receipt_number"`
	FiscalNumber       rbs.Text `json:"fiscal_receipt_number"`
	Time               rbs.Time `json:"receipt_datetime"`
	FN                 rbs.Text `json:"fn_number"`
	RegistrationNumber rbs.Text `json:"ecr_registration_number"`
	DeviceNumber       rbs.Text `json:"device_number"`
	DocumentNumber     rbs.Text `json:"fiscal_document_number"`
	DocumentAttribute  rbs.Text `json:"fiscal_document_attribute"`
	Total              rbs.Text `json:"amount_total"` // rubles
	Serial             rbs.Text `json:"serial_number"`
	FNSSite            rbs.Text `json:"fnsSite"`
	URL                rbs.Text `json:"ofd_receipt_url"`
	OFD                struct {
		Name    rbs.Text `json:"name"`
		Website rbs.Text `json:"website"`
		INN     rbs.Text `json:"INN"`
	} `json:"OFD"`
}

// GetReceiptStatus reads the receipts of an order, or one receipt
// (ofd/v1/getReceiptStatus; getReceiptStatus.do at the legacy gateway). Poll a
// receipt made with DoReceipt not earlier than six minutes later.
func (c *Client) GetReceiptStatus(ctx context.Context, q ReceiptQuery) (*Receipts, error) {
	given := 0
	for _, s := range []string{q.ReceiptID, q.OrderID, q.OrderNumber} {
		if s != "" {
			given++
		}
	}
	if given != 1 {
		return nil, acquiring.InOp(provider, epReceiptStatus.op, acquiring.Invalid("OrderID", "OrderNumber, ReceiptID: give exactly one of them"))
	}
	if q.Status != "" && (len(q.Status) != 1 || q.Status < "0" || q.Status > "6") {
		return nil, acquiring.InOp(provider, epReceiptStatus.op, acquiring.Invalid("Status", "is not a number of 0 to 6"))
	}
	type plain ReceiptQuery
	var out Receipts
	if err := c.call(ctx, epReceiptStatus, struct {
		plain
		Status json.Number `json:"receiptStatus,omitempty" url:"-"` // the schema wants a number
	}{plain(q), json.Number(q.Status)}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RetryAnswer is the answer of retryReceipt. Results are texts: «Успешно»,
// «Чек не найден», «Чек уже зарегистрирован ранее» and others.
type RetryAnswer struct {
	rbs.Head
	Results rbs.List[struct {
		ReceiptID rbs.Text `json:"receiptId"`
		Result    rbs.Text `json:"result"`
	}] `json:"retryResult"`
}

// RetryReceipt sends failed receipts to the cash service again, at most 100
// (ofd/v1/retryReceipt; new gateway). After a timeout of the cash service wait 15
// hours.
func (c *Client) RetryReceipt(ctx context.Context, receiptIDs ...string) (*RetryAnswer, error) {
	if len(receiptIDs) == 0 || len(receiptIDs) > 100 {
		return nil, acquiring.InOp(provider, epRetryReceipt.op, acquiring.Invalid("receiptIDs", "has none or more than 100"))
	}
	var out RetryAnswer
	if err := c.call(ctx, epRetryReceipt, struct {
		IDs []string `json:"receiptIds"`
	}{receiptIDs}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// DoReceiptRequest makes one more receipt of an order: the closing one (полный
// расчёт) after a prepayment, whose payments are of type 2, or a corrected one
// for a receipt that failed (ReceiptID). Give one of OrderID and OrderNumber,
// and the contact of the buyer.
type DoReceiptRequest struct {
	OrderID     string       `json:"orderId,omitempty"`
	OrderNumber string       `json:"orderNumber,omitempty"`
	ReceiptID   string       `json:"receiptId,omitempty"`
	Phone       string       `json:"phone,omitempty"`
	Email       string       `json:"email,omitempty"`
	OrderBundle *OrderBundle `json:"orderBundle"`
}

// ReceiptAnswer is the answer of doReceipt.
type ReceiptAnswer struct {
	rbs.Head
	ReceiptID   rbs.Text `json:"receiptId"`
	OrderID     rbs.Text `json:"orderId"`
	OrderNumber rbs.Text `json:"orderNumber"`
}

// DoReceipt makes one more receipt of an order (ofd/v1/doReceipt; new gateway).
// After an unknown outcome look at GetReceiptStatus before repeating: there is no key.
func (c *Client) DoReceipt(ctx context.Context, r DoReceiptRequest) (*ReceiptAnswer, error) {
	if (r.OrderID == "") == (r.OrderNumber == "") {
		return nil, acquiring.InOp(provider, epDoReceipt.op, acquiring.Invalid("OrderID", "and OrderNumber: give exactly one of them"))
	}
	if r.OrderBundle == nil {
		return nil, acquiring.InOp(provider, epDoReceipt.op, acquiring.Invalid("OrderBundle", "is nil; NewOrderBundle makes it of a receipt"))
	}
	var out ReceiptAnswer
	if err := c.call(ctx, epDoReceipt, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// ExternalReceipt tells the legacy gateway of a receipt that another cash
// register printed (externalReceipt, known from one SDK only).
type ExternalReceipt struct {
	OrderID           string    // the bank's number
	Return            bool      // a refund's receipt
	FN                string    // номер ФН (1041)
	DocumentNumber    string    // номер ФД (1040)
	DocumentAttribute string    // ФПД (1077)
	Total             string    // rubles: "1549.90"
	Time              time.Time // sent as Moscow's
	CashboxID         string    // "": not said, as the next
	BasketID          string
}

// RegisterExternalReceipt tells of a receipt printed elsewhere
// (/fes-nspk-proxy/externalReceipt; legacy gateway). The new gateway has a method
// of that name whose body is not published.
func (c *Client) RegisterExternalReceipt(ctx context.Context, r ExternalReceipt) (*Answer, error) {
	kind, payment := 0, 1
	if r.Return {
		kind, payment = 1, 3
	}
	type receipt struct {
		Type        int    `json:"type"`
		PaymentType int    `json:"paymentType"`
		FN          string `json:"fn_number"`
		Number      string `json:"fiscal_document_number"`
		Attribute   string `json:"fiscal_document_attribute"`
		Total       string `json:"amount_total"`
		Time        string `json:"receipt_date_time"`
	}
	params := Params{}
	if r.CashboxID != "" {
		params["cashboxId"] = r.CashboxID
	}
	if r.BasketID != "" {
		params["basketId"] = r.BasketID
	}
	var out Answer
	if err := c.call(ctx, epExternalReceipt, struct {
		OrderID string  `json:"mdOrder"`
		Receipt receipt `json:"receipt"`
		Params  Params  `json:"jsonParams,omitempty"`
	}{r.OrderID, receipt{kind, payment, r.FN, r.DocumentNumber, r.DocumentAttribute, r.Total,
		r.Time.In(rbs.Moscow).Format("2006:01:02 15:04:05")}, params}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// IsRefund says whether the receipt gives money back.
func (s ReceiptState) IsRefund() bool { return strings.EqualFold(string(s.Type), "SELL_REFUND") }
