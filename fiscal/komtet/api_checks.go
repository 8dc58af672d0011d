package komtet

import (
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// CheckV2 is a receipt in FFD 1.2 (чек). The doc comments give the tags of the
// format.
type CheckV2 struct {
	ExternalID ID           `json:"external_id"`      // unique in the shop, sales and returns alike
	Intent     string       `json:"intent"`           // see IntentCode
	Print      *bool        `json:"print,omitempty"`  // on paper too; nil: no
	Client     *Buyer       `json:"client,omitempty"` // one contact of it is needed for an electronic receipt
	Company    Company      `json:"company"`
	Payments   []Payment    `json:"payments"` // add up to the totals of the positions
	Positions  []PositionV2 `json:"positions"`
	Cashier    *Person      `json:"cashier,omitempty"`

	Attribute     string           `json:"additional_check_props,omitempty"` // (1192), at most 16
	UserAttribute *UserAttribute   `json:"additional_user_props,omitempty"`  // (1084)
	Industry      []Industry       `json:"sectoral_check_props,omitempty"`   // (1261)
	Operational   *Operational     `json:"operating_check_props,omitempty"`  // (1270)
	Internet      *bool            `json:"internet,omitempty"`               // (1125)
	Cashless      []CashlessDetail `json:"cashless_payments,omitempty"`      // (1234)
	TimeZone      int              `json:"timezone,omitempty"`               // 1..11 is UTC+2..UTC+12 (1011)
	CallbackURL   string           `json:"callback_url,omitempty"`           // of this receipt's result, instead of the cabinet's

	Extra Extra `json:"-"`
}

// CorrectionV2 is a correction receipt in FFD 1.2 (чек коррекции).
type CorrectionV2 struct {
	ExternalID ID             `json:"external_id"`
	Intent     string         `json:"intent"` // see CorrectionIntentCode
	Print      *bool          `json:"print,omitempty"`
	Company    Company        `json:"company"`
	Client     *Buyer         `json:"client,omitempty"`
	Info       CorrectionInfo `json:"correction_info"`
	Payments   []Payment      `json:"payments"`
	Positions  []PositionV2   `json:"positions"`
	Cashier    *Person        `json:"cashier,omitempty"`
	Authorised *Person        `json:"authorised_person,omitempty"` // who is answerable for the correction

	Attribute     string         `json:"additional_check_props,omitempty"` // (1192): the fiscal sign of the wrong receipt
	UserAttribute *UserAttribute `json:"additional_user_props,omitempty"`
	Industry      []Industry     `json:"sectoral_check_props,omitempty"`
	Operational   *Operational   `json:"operating_check_props,omitempty"`
	Internet      *bool          `json:"internet,omitempty"`
	TimeZone      int            `json:"timezone,omitempty"`
	CallbackURL   string         `json:"callback_url,omitempty"`

	Extra Extra `json:"-"`
}

// CorrectionInfo is why there is a correction (1173, 1174).
type CorrectionInfo struct {
	Type   string `json:"type"`                  // "self", or "instruction" of the tax service (предписание)
	Date   string `json:"base_date"`             // of the settlement that is corrected, dd.mm.yyyy (1178)
	Number string `json:"base_number,omitempty"` // of the document (1179); needed with "instruction"
}

// Buyer is the buyer (покупатель). In version 1 a receipt knows his name and
// INN only.
type Buyer struct {
	Email        string `json:"email,omitempty"`         // (1008)
	Phone        string `json:"phone,omitempty"`         // +79991234567 (1008)
	Name         string `json:"name,omitempty"`          // (1227)
	INN          string `json:"inn,omitempty"`           // (1228)
	BirthDate    string `json:"birthdate,omitempty"`     // dd.mm.yyyy (1243)
	Citizenship  string `json:"citizenship,omitempty"`   // three digits (1244)
	DocumentCode string `json:"document_code,omitempty"` // (1245)
	Document     string `json:"document_data,omitempty"` // (1246)
	Address      string `json:"address,omitempty"`       // (1254)
}

// Company is who sells.
type Company struct {
	TaxSystem    int    `json:"sno"`                     // see TaxSystemCode (1055)
	Place        string `json:"payment_address"`         // место расчётов, the site of a web shop (1187)
	PlaceAddress string `json:"place_address,omitempty"` // адрес расчётов (1009)
	INN          string `json:"inn,omitempty"`           // (1018)
}

// Payment is one way in which the receipt was paid.
type Payment struct {
	Type string  `json:"type"` // card, cash, prepayment, credit, counter_provisioning
	Sum  Roubles `json:"sum"`
}

// CashlessDetail is one cashless payment (1235).
type CashlessDetail struct {
	Sum    Roubles `json:"sum"`
	Method int     `json:"method"` // (1236)
	ID     string  `json:"id"`     // (1237)
	// Info (1238) is left out when empty. The service's own libraries do not
	// agree on its name, additional_info or additionalInfo; this is the former.
	Info string `json:"additional_info,omitempty"`
}

// Person is a cashier, or who is answerable for a correction.
type Person struct {
	Name string `json:"name"`
	INN  string `json:"inn,omitempty"`
}

// UserAttribute is the shop's own line on the receipt (1084).
type UserAttribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Industry is an attribute that a state body demands (1260, 1261).
type Industry struct {
	FOIV   string `json:"federal_id"`
	Date   string `json:"date"` // dd.mm.yyyy
	Number string `json:"number"`
	Value  string `json:"value"`
}

// Operational is the operational attribute (1270).
type Operational struct {
	ID   string `json:"name"`
	Data string `json:"value"`
	Time string `json:"timestamp"` // dd.mm.yyyy HH:MM:SS
}

// PositionV2 is a line of a receipt in FFD 1.2.
type PositionV2 struct {
	ID       ID       `json:"id,omitzero"` // the shop's own
	Name     string   `json:"name"`        // (1030), at most 128 characters
	Price    Roubles  `json:"price"`       // for one
	Quantity Quantity `json:"quantity"`    // (1023)
	// Total is the line's sum. The service takes one below the price times the
	// quantity as a discount; the law wants the discount in the price.
	Total         Roubles    `json:"total"`
	VAT           string     `json:"vat"`                          // see VATCode (1199)
	Measure       int        `json:"measure"`                      // (2108)
	Method        string     `json:"payment_method"`               // see MethodCode (1214)
	Object        string     `json:"payment_object"`               // see SubjectCode (1212)
	Excise        *Roubles   `json:"excise,omitempty"`             // (1229)
	Country       string     `json:"country_code,omitempty"`       // three digits (1230)
	Declaration   string     `json:"declaration_number,omitempty"` // (1231)
	UserData      string     `json:"user_data,omitempty"`          // (1191)
	Agent         *AgentInfo `json:"agent_info,omitempty"`         // (1222, 1223)
	Supplier      *Supplier  `json:"supplier_info,omitempty"`      // (1224, 1226)
	Mark          *MarkCode  `json:"mark_code,omitempty"`          // (2000)
	MarkPart      *MarkPart  `json:"mark_quantity,omitempty"`      // (1291)
	PlannedStatus int        `json:"planned_status,omitempty"`     // (2003)
	Industry      []Industry `json:"sectoral_item_props,omitempty"`
	Wholesale     *bool      `json:"wholesale,omitempty"` // объёмно-сортовой учёт: with an itf14 mark, a quantity above 1 and Industry

	Extra Extra `json:"-"`
}

// MarkCode is a marking code under the name of its kind.
type MarkCode struct {
	Kind string // see MarkKindCode
	Code string // as scanned, with its group separators
}

// MarshalJSON writes {"gs1m": "code"}.
func (m MarkCode) MarshalJSON() ([]byte, error) { return marshal(map[string]string{m.Kind: m.Code}) }

// UnmarshalJSON reads an object of one member.
func (m *MarkCode) UnmarshalJSON(data []byte) error {
	kind, code, err := onlyMember(data)
	*m = MarkCode{kind, code}
	return err
}

// MarkPart is a part of a marked package.
type MarkPart struct {
	Numerator   int `json:"numerator"`
	Denominator int `json:"denominator"`
}

// AgentInfo is on whose behalf the line is sold.
type AgentInfo struct {
	Type     string            `json:"type"`                                // see AgentCode
	Paying   *PayingAgent      `json:"paying_agent,omitempty"`              // платёжный агент
	Receiver *ReceiveOperator  `json:"receive_payments_operator,omitempty"` // оператор по приёму платежей
	Transfer *TransferOperator `json:"money_transfer_operator,omitempty"`   // оператор перевода
}

// PayingAgent is the paying agent (1044, 1073).
type PayingAgent struct {
	Phones    []string `json:"phones,omitempty"`
	Operation string   `json:"operation,omitempty"` // at most 24
}

// ReceiveOperator is the operator that receives payments (1074).
type ReceiveOperator struct {
	Phones []string `json:"phones,omitempty"`
}

// TransferOperator is the operator that transfers money (1075, 1026, 1005, 1016).
type TransferOperator struct {
	Name    string   `json:"name,omitempty"`
	Phones  []string `json:"phones,omitempty"`
	Address string   `json:"address,omitempty"`
	INN     string   `json:"inn,omitempty"`
}

// Supplier is whose goods the line is (1225, 1171, 1226).
type Supplier struct {
	Name   string   `json:"name,omitempty"`
	Phones []string `json:"phones,omitempty"`
	INN    string   `json:"inn,omitempty"`
}

// MarshalJSON writes the receipt with its extra fields.
func (c CheckV2) MarshalJSON() ([]byte, error) {
	type plain CheckV2
	return withExtra(plain(c), c.Extra)
}

// MarshalJSON writes the correction with its extra fields.
func (c CorrectionV2) MarshalJSON() ([]byte, error) {
	type plain CorrectionV2
	return withExtra(plain(c), c.Extra)
}

// MarshalJSON writes the position with its extra fields.
func (p PositionV2) MarshalJSON() ([]byte, error) {
	type plain PositionV2
	return withExtra(plain(p), p.Extra)
}

func withExtra(v any, extra Extra) ([]byte, error) {
	b, err := marshal(v)
	if err != nil {
		return nil, err
	}
	return extra.append(b)
}

func (c *CheckV2) version() API        { return APIv2 }
func (c *CheckV2) externalID() ID      { return c.ExternalID }
func (c *CorrectionV2) version() API   { return APIv2 }
func (c *CorrectionV2) externalID() ID { return c.ExternalID }

func (c *CheckV2) sums() (paid, lines money.Amount, err error) {
	return sums(c.Payments, c.Positions, func(p PositionV2) Roubles { return p.Total })
}

func (c *CorrectionV2) sums() (paid, lines money.Amount, err error) {
	return sums(c.Payments, c.Positions, func(p PositionV2) Roubles { return p.Total })
}

func sums[P any](payments []Payment, positions []P, total func(P) Roubles) (paid, lines money.Amount, err error) {
	for _, p := range payments {
		if paid, err = money.Sum(paid, money.Amount(p.Sum)); err != nil {
			return 0, 0, err
		}
	}
	for _, p := range positions {
		if lines, err = money.Sum(lines, money.Amount(total(p))); err != nil {
			return 0, 0, err
		}
	}
	return paid, lines, nil
}

// The compiler's word that the formats are requests.
var (
	_ CheckRequest    = (*CheckV1)(nil)
	_ CheckRequest    = (*CheckV2)(nil)
	_ CheckRequest    = (*CorrectionV1)(nil)
	_ CheckRequest    = (*CorrectionV2)(nil)
	_ fiscal.Register = (*Client)(nil)
)
