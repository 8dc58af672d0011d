package rbs

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Head is what every answer may carry: the outcome of the call in all the
// spellings in use. Answers embed it.
type Head struct {
	ErrorCode       Text      `json:"errorCode"`
	ErrorMessage    Text      `json:"errorMessage"`
	ErrorCodeOld    Text      `json:"ErrorCode"`    // getOrderStatus.do spells it so
	ErrorMessageOld Text      `json:"ErrorMessage"` // the same
	Err             ErrorPart `json:"error"`
	Description     Text      `json:"description"`
	Message         Text      `json:"message"`

	// Raw is the whole answer as it came.
	Raw json.RawMessage `json:"-"`
}

// ErrorPart is the field "error": a text with some methods, an object or a
// boolean with others.
type ErrorPart struct {
	Text        string // of the textual form
	Flag        bool   // true of the boolean form
	Code        Text
	Description Text
	Message     Text
}

// UnmarshalJSON reads every form of it.
func (e *ErrorPart) UnmarshalJSON(b []byte) error {
	*e = ErrorPart{}
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return nil
	}
	switch b[0] {
	case '{':
		var o struct {
			Code        Text `json:"code"`
			Description Text `json:"description"`
			Message     Text `json:"message"`
		}
		if err := json.Unmarshal(b, &o); err != nil {
			return err
		}
		e.Code, e.Description, e.Message = o.Code, o.Description, o.Message
	case 't':
		e.Flag = true
	case '"':
		e.Text = scalarText(b)
	}
	return nil
}

// Code is the error code that came: errorCode, in either spelling, before
// error.code. "" and zeros ("0", 0) both mean that the call was processed.
func (h *Head) Code() string {
	for _, c := range []Text{h.ErrorCode, h.ErrorCodeOld, h.Err.Code} {
		if !zeroCode(c) {
			return string(c)
		}
	}
	return ""
}

// Words is the gateway's message, from the first field that has one.
func (h *Head) Words() string {
	for _, s := range []string{string(h.ErrorMessage), string(h.ErrorMessageOld), h.Err.Text,
		string(h.Err.Message), string(h.Err.Description), string(h.Description), string(h.Message)} {
		if s = strings.TrimSpace(s); s != "" {
			return s
		}
	}
	return ""
}

// Refused is the rule of most methods: the call succeeded if and only if
// there is no error code, or it is zero.
func (h *Head) Refused() (code, message string, refused bool) {
	if code = h.Code(); code != "" {
		return code, h.Words(), true
	}
	return "", "", false
}

func (h *Head) head() *Head { return h }

func zeroCode(c Text) bool {
	return c == "" || strings.Trim(string(c), "0") == "" || c == "null"
}

// Answer is an answer that embeds a Head. Refused says whether the gateway
// refused the call; a type whose methods have another rule than Head's
// overrides it.
type Answer interface {
	Refused() (code, message string, refused bool)
	head() *Head
}

// PaidDirectly is the answer of the methods that register and pay in one call
// (recurrentPayment.do, the wallets' payment.do): success, and the order
// inside.
type PaidDirectly struct {
	Head
	Success Bool `json:"success"`
	Data    struct {
		OrderID     Text `json:"orderId"`
		OrderNumber Text `json:"orderNumber"`
	} `json:"data"`
	// Order is the state right after the call, shorter than
	// getOrderStatusExtended.do gives it; nil when it did not come.
	Order *Order `json:"orderStatus"`
}

// Refused is true unless success is true.
func (a *PaidDirectly) Refused() (code, message string, refused bool) {
	if a.Success {
		return "", "", false
	}
	if code = a.Code(); code != "" {
		return code, a.Words(), true
	}
	var said struct {
		Success Text `json:"success"`
	}
	if json.Unmarshal(a.Raw, &said) == nil && said.Success == "" {
		return "", "the answer does not say whether it is a success", true
	}
	return "success=false", a.Words(), true
}

// Payment is the answer of the methods that pay an order by card data or by a
// binding (paymentorder.do, paymentOrderBinding.do). That it was processed
// does not say that the order is paid: read the order afterwards, always.
type Payment struct {
	Head
	Info                Text `json:"info"`
	Redirect            Text `json:"redirect"`
	FormURL             Text `json:"formUrl"`
	ACSURL              Text `json:"acsUrl"`
	PaReq               Text `json:"paReq"`
	CReq                Text `json:"cReq"`
	TermURL             Text `json:"termUrl"`
	Is3DS2              Bool `json:"is3DSVer2"`
	ProcessingErrorType Text `json:"processingErrorType"`
	ErrorTypeName       Text `json:"errorTypeName"`

	ThreeDSMethodURL             Text `json:"threeDSMethodUrl"` // threeDSMethodURL too
	ThreeDSMethodNotificationURL Text `json:"threeDSMethodNotificationUrl"`
	ThreeDSMethodData            Text `json:"threeDSMethodData"`
	ThreeDSServerTransID         Text `json:"threeDSServerTransId"`
	ACSRenderingType             Text `json:"acsRenderingType"`
	ACSSignedContent             Text `json:"acsSignedContent"`
	ACSDecoupled                 Bool `json:"acsDecoupleIndicator"`
}

// Declined says that the payment was processed and refused: error code 0
// beside a type of processing error. The text in error alone says nothing: the
// newer gateway puts its words of success there.
func (p *Payment) Declined() (why string, declined bool) {
	for _, kind := range []Text{p.ProcessingErrorType, p.ErrorTypeName} {
		if kind != "" && kind != "NO_ERROR" {
			return p.Words(), true
		}
	}
	return "", false
}

// PaymentStep is what the shop must do after a payment call.
type PaymentStep uint8

// The steps of a payment on the shop's own page.
const (
	// StepDone: nothing more; read the order's status.
	StepDone PaymentStep = iota
	// StepRedirect: send the customer to Payment.FormURL, the gateway's own
	// 3-D Secure page.
	StepRedirect
	// StepMethod: post threeDSMethodData to ThreeDSMethodURL in a hidden
	// frame, wait up to 10 s, then call finish3dsMethod.
	StepMethod
	// StepChallenge: post cReq (field creq) to ACSURL, then finish3dsPayment.
	StepChallenge
	// StepPaReq: post PaReq, MD (the order's number at the gateway) and TermUrl to
	// ACSURL (3-D Secure 1), then finish3dsPayment.
	StepPaReq
)

// Next says what comes next.
func (p *Payment) Next() PaymentStep {
	switch {
	case p.FormURL != "":
		return StepRedirect
	case p.ACSURL != "" && p.CReq != "":
		return StepChallenge
	case p.ACSURL != "" && p.PaReq != "":
		return StepPaReq
	case p.ThreeDSMethodURL != "":
		return StepMethod
	}
	return StepDone
}

// Registered is the answer of the registration of an order.
type Registered struct {
	Head
	OrderID        Text           `json:"orderId"`
	FormURL        Text           `json:"formUrl"`
	ExternalParams ExternalParams `json:"externalParams"`
}

// Refused adds to Head's rule what a registration must give: the order's
// number at the gateway and its page.
func (r *Registered) Refused() (code, message string, refused bool) {
	if code, message, refused = r.Head.Refused(); refused {
		return code, message, true
	}
	if r.OrderID == "" || r.FormURL == "" {
		return "", "the answer has no orderId or no formUrl", true
	}
	return "", "", false
}

// ExternalParams are the ways to pay beside the payment page. All are
// optional.
type ExternalParams struct {
	DeepLink      Text `json:"sbolDeepLink"`      // SberPay, to be opened on the customer's phone
	BankInvoiceID Text `json:"sbolBankInvoiceId"` // for the mobile SDK
	SBPPayload    Text `json:"sbpPayload"`        // https://qr.nspk.ru/…
	SBPDeepLink   Text `json:"sbpDeeplink"`       // reserved by the bank
	SberPayload   Text `json:"sberPayload"`       // https://platiqr.ru/…
	QRCID         Text `json:"qrcId"`             // the SBP code's number
}

// Binding is a saved card (связка): its ID is the token of a charge.
type Binding struct {
	ID            Text `json:"bindingId"`
	MaskedPAN     Text `json:"maskedPan"`
	ExpiryDate    Text `json:"expiryDate"` // YYYYMM
	ClientID      Text `json:"clientId"`
	Status        Text `json:"bindingStatus"` // "1" active, "0" inactive; "": not said
	PaymentWay    Text `json:"paymentWay"`
	PaymentSystem Text `json:"paymentSystem"`
}

// Bindings is the answer of getBindings.do and its kin.
type Bindings struct {
	Head
	Bindings List[Binding] `json:"bindings"`
}
