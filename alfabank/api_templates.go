package alfabank

import (
	"context"
	"encoding/json"
	"net/url"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

var (
	epLinkCreate = endpoint{op: "templates/create.do"}
	epLinkGet    = endpoint{op: "templates/get.do", read: true}
	epLinkUpdate = endpoint{op: "templates/update.do"}
	epLinkList   = endpoint{op: "templates/getList.do", read: true}
	epQRCreate   = endpoint{op: "templates/createTemplate.do"}
	epQRDetails  = endpoint{op: "templates/getTemplateDetails.do", read: true}
	epQRUpdate   = endpoint{op: "templates/updateTemplate.do"}
)

// States of payment links and static codes.
const (
	TemplateActive   = "ACTIVE"   // can be paid
	TemplateInactive = "INACTIVE" // switched off
	TemplateDelete   = "DELETE"   // of a link
	TemplateDeleted  = "DELETED"  // of a static code
	TemplateWaiting  = "WAITING"  // a static code whose time has not come
	TemplateExpired  = "EXPIRED"  // a static code whose time is over
	TemplateUsed     = "USED"     // a static code for one payment
)

// Template is a payment link (платёжная ссылка, шаблон): a page that may be
// paid many times. Each payment is an ordinary order.
type Template struct {
	ID             string           `json:"templateId,omitempty"`
	Type           string           `json:"type,omitempty"`          // ECOM
	Name           string           `json:"name,omitempty"`          // for the shop, at most 140
	NameForClient  string           `json:"nameForClient,omitempty"` // at most 255
	Amount         *money.Amount    `json:"amount,omitempty"`        // kopecks; nil: the buyer types it
	Currency       string           `json:"currency,omitempty"`
	Description    string           `json:"description,omitempty"`
	DescriptionFor string           `json:"descriptionForClient,omitempty"`
	PreAuth        *bool            `json:"preAuth,omitempty"` // two-stage
	StartDate      DateTime         `json:"startDate,omitzero"`
	EndDate        DateTime         `json:"endDate,omitzero"`
	SinglePayment  *bool            `json:"singlePayment,omitempty"`
	Params         []TemplateParam  `json:"additionalParams,omitempty"`
	Commission     *Commission      `json:"commission,omitempty"`
	QR             *TemplateQRAsked `json:"qrTemplate,omitempty"`

	// Of UpdateTemplate only.
	Status     string `json:"status,omitempty"`       // TemplateActive and so on
	FreeAmount *bool  `json:"isFreeAmount,omitempty"` // the buyer types the sum from now on
	Indefinite *bool  `json:"isIndefinite,omitempty"` // no end from now on
}

// EncodeValues implements query.Encoder (Config.TemplatesAsForm).
func (t Template) EncodeValues(key string, v *url.Values) error {
	return rbs.JSONText{Value: t}.EncodeValues(key, v)
}

// TemplateParam is a field that the buyer fills in on the page of a link.
type TemplateParam struct {
	Label       string `json:"label,omitempty"`
	Name        string `json:"name"` // [a-z_]+
	Placeholder string `json:"placeholder,omitempty"`
	Regexp      string `json:"regexp,omitempty"`
	Required    bool   `json:"required,omitempty"`
	Value       string `json:"value,omitempty"`
	Visible     bool   `json:"visible,omitempty"`
	Mode        string `json:"mode,omitempty"` // of UpdateTemplate: ADD, REMOVE
}

// Commission is what the buyer pays on top, in kopecks. Percentage is written as
// the bank has it ("1.5").
type Commission struct {
	FeeMin      *money.Amount `json:"feeMin,omitempty"`
	FeeMax      *money.Amount `json:"feeMax,omitempty"`
	Percentage  string        `json:"feePercentage,omitempty"`
	FixedAmount *money.Amount `json:"fixedAmount,omitempty"`
}

// TemplateQRAsked asks for the picture of a code.
type TemplateQRAsked struct {
	Height         string `json:"qrHeight,omitempty"` // points, as text: "200"
	Width          string `json:"qrWidth,omitempty"`
	PaymentPurpose string `json:"paymentPurpose,omitempty"`
	QRCID          string `json:"qrcId,omitempty"`
}

// TemplateInfo is a link or a static code as the bank has it.
type TemplateInfo struct {
	ID             rbs.Text `json:"templateId"`
	Status         rbs.Text `json:"status"`
	Type           rbs.Text `json:"type"` // ECOM, SBP_QR, CASH_SBP_QR
	Name           rbs.Text `json:"name"`
	NameForClient  rbs.Text `json:"nameForClient"`
	Amount         rbs.Int  `json:"amount"` // kopecks; not known: the buyer types it
	Currency       rbs.Text `json:"currency"`
	Description    rbs.Text `json:"description"`
	DescriptionFor rbs.Text `json:"descriptionForClient"`
	PreAuth        rbs.Bool `json:"preAuth"`
	SinglePayment  rbs.Bool `json:"singlePayment"`
	StartDate      rbs.Time `json:"startDate"`
	EndDate        rbs.Time `json:"endDate"`
	UseDate        rbs.Time `json:"useDate"`
	Channel        rbs.Text `json:"distributionChannel"`
	TakeTax        rbs.Bool `json:"takeTax"`
	TotalTaxAmount rbs.Int  `json:"totalTaxAmount"`
	QR             struct {
		Payload  rbs.Text `json:"payload"` // the link itself
		Rendered rbs.Text `json:"renderedQr"`
		QRCID    rbs.Text `json:"qrcId"`
	} `json:"qrTemplate"`
}

// linkAnswer is the answer of the four methods of payment links.
type linkAnswer struct {
	rbs.Head
	Status    rbs.Text               `json:"status"`
	Template  TemplateInfo           `json:"template"`
	Templates rbs.List[TemplateInfo] `json:"templates"`
}

// Refused: success is the word SUCCESS and nothing else.
func (a *linkAnswer) Refused() (code, message string, refused bool) {
	switch code, message, refused = a.Head.Refused(); {
	case refused:
		return code, message, true
	case a.Status == "SUCCESS":
		return "", "", false
	case a.Status == "":
		return "", "the answer has no status", true
	}
	return "status=" + string(a.Status), a.Words(), true
}

func (c *Client) link(ctx context.Context, e endpoint, request any) (*linkAnswer, error) {
	var out linkAnswer
	var err error
	if c.conf.TemplatesAsForm {
		err = c.call(ctx, e, request, &out)
	} else {
		err = c.sendJSON(ctx, e, e.op, true, request, &out)
	}
	if err != nil {
		return nil, err
	}
	return &out, nil
}

type linkRequest struct {
	Template Template `json:"template" url:"template"`
	Language string   `json:"language,omitempty" url:"language,omitempty"`
}

// CreateTemplate makes a payment link (templates/create.do). Type "" is ECOM.
// The link is TemplateInfo.QR.Payload. Without Name or NameForClient it is
// ErrInvalid. It is not idempotent: ListTemplates shows what was made.
func (c *Client) CreateTemplate(ctx context.Context, t Template) (*TemplateInfo, error) {
	if t.Type == "" {
		t.Type = "ECOM"
	}
	switch {
	case t.Name == "":
		return nil, acquiring.InOp(provider, epLinkCreate.op, acquiring.Invalid("Name", "is empty"))
	case t.NameForClient == "":
		return nil, acquiring.InOp(provider, epLinkCreate.op, acquiring.Invalid("NameForClient", "is empty"))
	}
	out, err := c.link(ctx, epLinkCreate, linkRequest{t, "ru"})
	if err != nil {
		return nil, err
	}
	return &out.Template, nil
}

// GetTemplate reads a payment link (templates/get.do). qr asks for a picture
// of its code; nil: for none.
func (c *Client) GetTemplate(ctx context.Context, id string, qr *TemplateQRAsked) (*TemplateInfo, error) {
	out, err := c.link(ctx, epLinkGet, linkRequest{Template: Template{ID: id, QR: qr}})
	if err != nil {
		return nil, err
	}
	return &out.Template, nil
}

// UpdateTemplate changes a payment link (templates/update.do): ID and the
// fields that change.
func (c *Client) UpdateTemplate(ctx context.Context, t Template) error {
	if t.ID == "" {
		return acquiring.InOp(provider, epLinkUpdate.op, acquiring.Invalid("ID", "is empty"))
	}
	_, err := c.link(ctx, epLinkUpdate, linkRequest{Template: t})
	return err
}

// ListTemplates lists payment links (templates/getList.do); status "" is all.
func (c *Client) ListTemplates(ctx context.Context, status string) ([]TemplateInfo, error) {
	out, err := c.link(ctx, epLinkList, struct {
		MerchantLogin string `json:"merchantLogin,omitempty" url:"merchantLogin,omitempty"`
		Status        string `json:"status,omitempty" url:"status,omitempty"`
	}{c.conf.MerchantLogin, status})
	if err != nil {
		return nil, err
	}
	return out.Templates, nil
}

// Kinds of static codes.
const (
	StaticQR   = "SBP_QR"      // статический QR-код СБП
	CashLinkQR = "CASH_SBP_QR" // кассовая ссылка
)

// StaticQRRequest makes or changes a static code of СБП (статический QR, for a
// counter or a courier). To change one give its ID, Name and Status.
type StaticQRRequest struct {
	ID        string           `json:"templateId,omitempty"`
	Name      string           `json:"name"`
	Type      string           `json:"type,omitempty"`   // SBP_QR, CASH_SBP_QR
	Amount    *money.Amount    `json:"amount,omitempty"` // kopecks; nil: the buyer types it
	Currency  string           `json:"currency,omitempty"`
	Status    string           `json:"status,omitempty"`
	StartDate DateTime         `json:"startDate,omitzero"`
	EndDate   DateTime         `json:"endDate,omitzero"`
	Channel   string           `json:"distributionChannel,omitempty"` // at most 256
	QR        *TemplateQRAsked `json:"qrTemplate,omitempty"`
}

type staticAnswer struct {
	rbs.Head
	info TemplateInfo
}

// UnmarshalJSON reads both: they share a name.
func (a *staticAnswer) UnmarshalJSON(b []byte) error {
	if err := json.Unmarshal(b, &a.Head); err != nil {
		return err
	}
	return json.Unmarshal(b, &a.info)
}

// Refused: success is a body with the code's number.
func (a *staticAnswer) Refused() (code, message string, refused bool) {
	if code, message, refused = a.Head.Refused(); refused {
		return code, message, true
	}
	if a.info.ID == "" {
		return "", "the answer has no templateId", true
	}
	return "", "", false
}

func (c *Client) static(ctx context.Context, e endpoint, request any) (*TemplateInfo, error) {
	var out staticAnswer
	if err := c.sendJSON(ctx, e, e.op, true, request, &out); err != nil {
		return nil, err
	}
	return &out.info, nil
}

// CreateStaticQR makes a static code of СБП (templates/createTemplate.do).
// Type "" is SBP_QR.
func (c *Client) CreateStaticQR(ctx context.Context, r StaticQRRequest) (*TemplateInfo, error) {
	if r.Type == "" {
		r.Type = StaticQR
	}
	if r.Name == "" {
		return nil, acquiring.InOp(provider, epQRCreate.op, acquiring.Invalid("Name", "is empty"))
	}
	return c.static(ctx, epQRCreate, r)
}

// GetStaticQR reads a static code (templates/getTemplateDetails.do).
func (c *Client) GetStaticQR(ctx context.Context, id string) (*TemplateInfo, error) {
	return c.static(ctx, epQRDetails, struct {
		ID string `json:"templateId"`
	}{id})
}

// UpdateStaticQR changes a static code (templates/updateTemplate.do).
func (c *Client) UpdateStaticQR(ctx context.Context, r StaticQRRequest) (*TemplateInfo, error) {
	if r.ID == "" || r.Name == "" || r.Status == "" {
		return nil, acquiring.InOp(provider, epQRUpdate.op, acquiring.Invalid("ID", "or Name or Status is empty; the bank demands all three"))
	}
	return c.static(ctx, epQRUpdate, r)
}
