package komtet

import (
	"encoding/json"
	"errors"

	"github.com/acquiring-go/acquiring/money"
)

// CheckV1 is a receipt in FFD 1.05. Intent is IntentCode's, TaxSystem
// TaxSystemCode's; Place (1187, of a web shop its address) and PlaceAddress
// (1009) are where it is sold. The other fields are as in CheckV2.
type CheckV1 struct {
	ExternalID   ID           `json:"external_id"`
	User         string       `json:"user"` // the buyer's e-mail or phone
	Print        *bool        `json:"print,omitempty"`
	Intent       string       `json:"intent"`
	TaxSystem    int          `json:"sno"`
	Place        string       `json:"payment_address,omitempty"`
	PlaceAddress string       `json:"place_address,omitempty"`
	Client       *Buyer       `json:"client,omitempty"` // name and INN only
	Cashier      *Person      `json:"cashier,omitempty"`
	Payments     []Payment    `json:"payments"`
	Positions    []PositionV1 `json:"positions"`

	Agent         *AgentInfo       `json:"agent_info,omitempty"` // of the whole receipt
	Supplier      *Supplier        `json:"supplier_info,omitempty"`
	Attribute     string           `json:"additional_check_props,omitempty"`
	UserAttribute *UserAttribute   `json:"additional_user_props,omitempty"`
	Internet      *bool            `json:"internet,omitempty"`
	Cashless      []CashlessDetail `json:"cashless_payments,omitempty"`
	CallbackURL   string           `json:"callback_url,omitempty"`

	Extra Extra `json:"-"`
}

// CorrectionV1 is a correction receipt in FFD 1.05. Intent is
// CorrectionIntentCode's; the other fields are as in CheckV1 and CorrectionV2.
type CorrectionV1 struct {
	ExternalID   ID             `json:"external_id"`
	Intent       string         `json:"intent"`
	TaxSystem    int            `json:"sno"`
	Print        *bool          `json:"print,omitempty"`
	User         string         `json:"user,omitempty"`
	Client       *Buyer         `json:"client,omitempty"` // name and INN only
	Place        string         `json:"payment_address,omitempty"`
	PlaceAddress string         `json:"place_address,omitempty"`
	Cashier      *Person        `json:"cashier,omitempty"`
	Payments     []Payment      `json:"payments"`
	Positions    []PositionV1   `json:"positions"`
	Info         CorrectionBase `json:"correction"`
	Authorised   *Person        `json:"authorised_person,omitempty"`

	Attribute     string         `json:"additional_check_props,omitempty"`
	UserAttribute *UserAttribute `json:"additional_user_props,omitempty"`
	Internet      *bool          `json:"internet,omitempty"`
	CallbackURL   string         `json:"callback_url,omitempty"`

	Extra Extra `json:"-"`
}

// CorrectionBase is why there is a correction, in version 1.
type CorrectionBase struct {
	Type        string `json:"type"`                  // "self", or "forced" by the tax service (предписание)
	Date        string `json:"date"`                  // yyyy-mm-dd
	Document    string `json:"document,omitempty"`    // its number; needed with "forced"
	Description string `json:"description,omitempty"` // deprecated by the service
}

// PositionV1 is a line of a receipt in FFD 1.05. Method is MethodCode's, Object
// SubjectCode's of APIv1, VAT VATCode's; the other fields are as in PositionV2.
type PositionV1 struct {
	ID          ID            `json:"id,omitzero"`
	Name        string        `json:"name"`
	Price       Roubles       `json:"price"`
	Quantity    Quantity      `json:"quantity"`
	Total       Roubles       `json:"total"`
	VAT         string        `json:"vat"`
	MeasureName string        `json:"measure_name,omitempty"` // free text (1197)
	Method      string        `json:"calculation_method,omitempty"`
	Object      string        `json:"calculation_subject,omitempty"`
	Excise      *Roubles      `json:"excise,omitempty"`
	Country     string        `json:"country_code,omitempty"`
	Declaration string        `json:"declaration_number,omitempty"`
	UserData    string        `json:"user_data,omitempty"`
	Agent       *AgentInfo    `json:"agent_info,omitempty"`
	Supplier    *Supplier     `json:"supplier_info,omitempty"`
	Mark        *Nomenclature `json:"nomenclature_code,omitempty"` // (1162)

	Extra Extra `json:"-"`
}

// Nomenclature is a marking code in FFD 1.05: as scanned, or as the
// hexadecimal digits of tag 1162.
type Nomenclature struct {
	Code    string `json:"code,omitempty"`
	HexCode string `json:"hex_code,omitempty"`
}

// MarshalJSON writes the receipt with its extra fields.
func (c CheckV1) MarshalJSON() ([]byte, error) {
	type plain CheckV1
	return withExtra(plain(c), c.Extra)
}

// MarshalJSON writes the correction with its extra fields.
func (c CorrectionV1) MarshalJSON() ([]byte, error) {
	type plain CorrectionV1
	return withExtra(plain(c), c.Extra)
}

// MarshalJSON writes the position with its extra fields.
func (p PositionV1) MarshalJSON() ([]byte, error) {
	type plain PositionV1
	return withExtra(plain(p), p.Extra)
}

func (c *CheckV1) version() API        { return APIv1 }
func (c *CheckV1) externalID() ID      { return c.ExternalID }
func (c *CorrectionV1) version() API   { return APIv1 }
func (c *CorrectionV1) externalID() ID { return c.ExternalID }

func (c *CheckV1) sums() (paid, lines money.Amount, err error) {
	return sums(c.Payments, c.Positions, func(p PositionV1) Roubles { return p.Total })
}

func (c *CorrectionV1) sums() (paid, lines money.Amount, err error) {
	return sums(c.Payments, c.Positions, func(p PositionV1) Roubles { return p.Total })
}

// onlyMember reads an object of one member.
func onlyMember(data []byte) (name, value string, err error) {
	var m map[string]string
	if err := json.Unmarshal(data, &m); err != nil {
		return "", "", err
	}
	if len(m) != 1 {
		return "", "", errors.New("a marking code has one member")
	}
	for name, value = range m {
	}
	return name, value, nil
}
