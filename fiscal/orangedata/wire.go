package orangedata

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// Rubles is a sum as the service writes it: a JSON number of roubles with at
// most two decimals (149.9, 4990). It is held in whole kopecks.
type Rubles money.Amount

// MarshalJSON writes roubles without needless zeros.
func (r Rubles) MarshalJSON() ([]byte, error) { return []byte(money.Amount(r).Short()), nil }

// UnmarshalJSON reads a number or a string of one; null is 0. More than two
// decimals are read only if the rest are zeros (8.90000).
func (r *Rubles) UnmarshalJSON(b []byte) error {
	text, err := scalar(b)
	if err != nil || text == "" {
		*r = 0
		return err
	}
	a, err := money.Parse(text)
	*r = Rubles(a)
	return err
}

// Decimal is a quantity as the service writes it: a JSON number with at most
// six decimals. It is held in millionths.
type Decimal fiscal.Quantity

// MarshalJSON writes the number without needless zeros.
func (d Decimal) MarshalJSON() ([]byte, error) { return []byte(fiscal.Quantity(d).String()), nil }

// UnmarshalJSON reads a number or a string of one; null is 0.
func (d *Decimal) UnmarshalJSON(b []byte) error {
	text, err := scalar(b)
	if err != nil || text == "" {
		*d = 0
		return err
	}
	q, err := fiscal.ParseQuantity(text)
	*d = Decimal(q)
	return err
}

// scalar is the text of a JSON number, string or null ("").
func scalar(b []byte) (string, error) {
	b = bytes.TrimSpace(b)
	switch {
	case len(b) == 0, string(b) == "null":
		return "", nil
	case b[0] == '"':
		var s string
		err := json.Unmarshal(b, &s)
		return strings.TrimSpace(s), err
	case b[0] == '-' || b[0] >= '0' && b[0] <= '9':
		return string(b), nil
	}
	return "", fmt.Errorf("orangedata: a number or a string was expected, not %.20q", b)
}

// text is a member that comes as a string or a number.
type text string

func (t *text) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	*t = text(s)
	return err
}

// integer is a whole number that comes as a number, also as 5.0, or a string.
type integer int64

func (n *integer) UnmarshalJSON(b []byte) error {
	s, err := scalar(b)
	*n = 0
	if err != nil || s == "" {
		return err
	}
	whole, frac, _ := strings.Cut(s, ".")
	v, err := strconv.ParseInt(whole, 10, 64)
	if err != nil || strings.Trim(frac, "0") != "" {
		return fmt.Errorf("orangedata: %.40q is not a whole number", s)
	}
	*n = integer(v)
	return nil
}

// Envelope is the outer part that all four kinds of documents have. What is
// empty in it, INN, Group, Key, the client fills in from its Config.
type Envelope[C any] struct {
	// ID is the document's number, unique in the organisation over all kinds,
	// 1 to 64 characters. It goes into an address: no / \ ? # % and no control
	// characters.
	ID    string `json:"id"`
	INN   string `json:"inn"`
	Group string `json:"group,omitempty"`
	Key   string `json:"key"`
	// Content is the document itself.
	Content C `json:"content"`

	CallbackURL    string `json:"callbackUrl,omitempty"`    // 1–1024
	CallbackAPIKey string `json:"callbackApiKey,omitempty"` // 1–3072
	Meta           string `json:"meta,omitempty"`           // 1–128, comes back in the status
	// IgnoreItemCodeCheck prints marked goods whatever the check of their
	// codes says. It is no member of a correction of FFD 1.05 nor of a mark
	// check.
	IgnoreItemCodeCheck *bool `json:"ignoreItemCodeCheck,omitempty"`
}

// The four kinds of requests.
type (
	// DocumentRequest is a receipt (POST documents) or, with the correction
	// members of its Content, a correction of FFD 1.2 (POST correction12).
	DocumentRequest = Envelope[Content]
	// CorrectionRequest is a correction of FFD 1.05 (POST corrections).
	CorrectionRequest = Envelope[CorrectionContent]
	// ItemCodeRequest is a check of a marking code (POST itemcode).
	ItemCodeRequest = Envelope[ItemCodeContent]
)

// Content is a receipt (5.2 of the protocol) or a correction of FFD 1.2 (6.2).
// Numbers in parentheses are tags of the format.
type Content struct {
	FFDVersion int `json:"ffdVersion,omitzero"` // (1209) 2 is 1.05, 4 is 1.2
	Type       int `json:"type"`                // (1054) 1 sale, 2 its return, 3 purchase, 4 its return

	// Only in a correction of FFD 1.2.
	CorrectionType      *int   `json:"correctionType,omitempty"`      // (1173) 0 of one's own accord, 1 by order
	CauseDocumentDate   string `json:"causeDocumentDate,omitempty"`   // (1178) 2025-12-30T00:00:00
	CauseDocumentNumber string `json:"causeDocumentNumber,omitempty"` // (1179) 1–32, with correctionType 1

	// UseTax20 prints codes 1 and 3 as 20 % and 20/120 after 2025.
	UseTax20 bool `json:"useTax20,omitempty"`

	Positions       []Position `json:"positions"` // (1059)
	CheckClose      CheckClose `json:"checkClose"`
	CustomerContact string     `json:"customerContact,omitempty"` // (1008) 1–64: +digits, e-mail or none

	AdditionalAttribute     string                `json:"additionalAttribute,omitempty"`     // (1192) 1–16
	AdditionalUserAttribute *UserAttribute        `json:"additionalUserAttribute,omitempty"` // (1084)
	AutomatNumber           string                `json:"automatNumber,omitempty"`           // (1036) 1–20, vending and transport
	SettlementAddress       string                `json:"settlementAddress,omitempty"`       // (1009) 1–243, vending, transport, courier
	SettlementPlace         string                `json:"settlementPlace,omitempty"`         // (1187) 1–243, the same
	Cashier                 string                `json:"cashier,omitempty"`                 // (1021) 1–64, courier
	CashierINN              string                `json:"cashierINN,omitempty"`              // (1203) 12 digits
	SenderEmail             string                `json:"senderEmail,omitempty"`             // (1117) 1–64
	TimeZone                int                   `json:"timeZone,omitzero"`                 // (1011) 1..11 is UTC+2..UTC+12
	IsInternetStore         *bool                 `json:"isInternetStore,omitempty"`         // (1125)
	CustomerInfo            *CustomerInfo         `json:"customerInfo,omitempty"`            // (1256) FFD 1.2
	OperationalAttribute    *OperationalAttribute `json:"operationalAttribute,omitempty"`    // (1270) FFD 1.2
	IndustryAttribute       *IndustryAttribute    `json:"industryAttribute,omitempty"`       // (1261) FFD 1.2

	// FFD 1.05 only.
	Customer             string   `json:"customer,omitempty"`    // (1227) 1–243
	CustomerINN          string   `json:"customerINN,omitempty"` // (1228)
	AgentType            int      `json:"agentType,omitzero"`    // (1057) as the register is registered
	AgentInfo                     // the register's own agent, members of the content itself
	SupplierPhoneNumbers []string `json:"supplierPhoneNumbers,omitempty"` // (1171)

	// Sums that the register computes itself when they are absent or 0; what
	// the service does with wrong ones is not documented.
	TotalSum Rubles `json:"totalSum,omitzero"` // (1020)
	VAT1Sum  Rubles `json:"vat1Sum,omitzero"`  // (1102) the basic rate
	VAT2Sum  Rubles `json:"vat2Sum,omitzero"`  // (1103) 10 %
	VAT3Sum  Rubles `json:"vat3Sum,omitzero"`  // (1104) 0 %: the base
	VAT4Sum  Rubles `json:"vat4Sum,omitzero"`  // (1105) without VAT: the base
	VAT5Sum  Rubles `json:"vat5Sum,omitzero"`  // (1106) the basic rate, calculated
	VAT6Sum  Rubles `json:"vat6Sum,omitzero"`  // (1107) 10/110
	VAT7Sum  Rubles `json:"vat7Sum,omitzero"`  // 5 %
	VAT8Sum  Rubles `json:"vat8Sum,omitzero"`  // 7 %
	VAT9Sum  Rubles `json:"vat9Sum,omitzero"`  // 5/105
	VAT10Sum Rubles `json:"vat10Sum,omitzero"` // 7/107

	// Extra are further members, as they are.
	Extra map[string]json.RawMessage `json:"-"`
}

// Position is one line (5.3 of the protocol).
type Position struct {
	Quantity Decimal `json:"quantity"` // (1023) sent always: an absent one was printed as 1
	Price    Rubles  `json:"price"`    // (1079) of a unit, with discounts
	Tax      int     `json:"tax"`      // (1199) 1..10, see VATCode
	Text     string  `json:"text"`     // (1030) 1–128

	PaymentMethodType  int `json:"paymentMethodType,omitzero"`  // (1214) 1..7; absent is 4
	PaymentSubjectType int `json:"paymentSubjectType,omitzero"` // (1212) 1..27, 30..33; absent is 1
	// QuantityMeasurementUnit (2108) is for FFD 1.2; 0 is a piece.
	QuantityMeasurementUnit *int   `json:"quantityMeasurementUnit,omitempty"`
	UnitOfMeasurement       string `json:"unitOfMeasurement,omitempty"` // (1197) FFD 1.05, 1–16

	ItemCode           string    `json:"itemCode,omitempty"`           // (2000) the marking code as scanned, FFD 1.2
	PlannedStatus      int       `json:"plannedStatus,omitzero"`       // (2003) with ItemCode
	AssignedStatus     int       `json:"assignedStatus,omitzero"`      // (2110)
	FractionalQuantity *Fraction `json:"fractionalQuantity,omitempty"` // (1291) with ItemCode, quantity 1, unit 0
	NomenclatureCode   []byte    `json:"nomenclatureCode,omitempty"`   // (1162) FFD 1.05, 8–32 bytes, base64 on the wire
	Barcodes           *Barcodes `json:"barcodes,omitempty"`           // (1301 to 1325) FFD 1.2

	AgentType    int           `json:"agentType,omitzero"`     // (1222) bits
	AgentInfo    *AgentInfo    `json:"agentInfo,omitempty"`    // (1223)
	SupplierINN  string        `json:"supplierINN,omitempty"`  // (1226)
	SupplierInfo *SupplierInfo `json:"supplierInfo,omitempty"` // (1224)

	AdditionalAttribute      string              `json:"additionalAttribute,omitempty"`      // (1191) 1–64
	IndustryAttribute        *IndustryAttribute  `json:"industryAttribute,omitempty"`        // (1260)
	IndustryAttributes       []IndustryAttribute `json:"industryAttributes,omitempty"`       // (1260) further ones
	ManufacturerCountryCode  string              `json:"manufacturerCountryCode,omitempty"`  // (1230)
	CustomsDeclarationNumber string              `json:"customsDeclarationNumber,omitempty"` // (1231) 1–32
	Excise                   Rubles              `json:"excise,omitzero"`                    // (1229)
	TaxSum                   Rubles              `json:"taxSum,omitzero"`                    // (1200)
	UnitTaxSum               Rubles              `json:"unitTaxSum,omitzero"`                // (1198)

	// TaxRate is what was really printed, in the numbers of the format, 1..12
	// (11 is 22 %); only in answers, since 2026.
	TaxRate int `json:"taxRate,omitzero"`

	// Extra are further members, as they are.
	Extra map[string]json.RawMessage `json:"-"`
}

// CheckClose is how the receipt was paid (5.4 of the protocol).
type CheckClose struct {
	Payments               []PaymentPart       `json:"payments"`
	TaxationSystem         *int                `json:"taxationSystem,omitempty"`         // (1055) ordinal 0..5, required
	ElectronicPaymentsInfo *ElectronicPayments `json:"electronicPaymentsInfo,omitempty"` // (1234) FFD 1.2
}

// PaymentPart is one kind of payment and its sum.
type PaymentPart struct {
	Type   int    `json:"type"` // 1 cash (1031), 2 cashless (1081), 14 offset (1215), 15 credit (1216), 16 counter (1217)
	Amount Rubles `json:"amount"`
}

// ElectronicPayments are the details of cashless payments (1234).
type ElectronicPayments struct {
	Payments []ElectronicPayment `json:"payments"`
}

// ElectronicPayment is one cashless payment (1235).
type ElectronicPayment struct {
	Amount         Rubles `json:"amount"`                   // (1082)
	Type           int    `json:"type"`                     // (1236) 0..255
	ID             string `json:"id"`                       // (1237) 1–256
	AdditionalInfo string `json:"additionalInfo,omitempty"` // (1238) 1–256
}

// Fraction is a part of a package (1291).
type Fraction struct {
	Numerator   int `json:"numerator"`   // (1293)
	Denominator int `json:"denominator"` // (1294)
}

// Barcodes are codes of goods that are no marking codes (1301 to 1325).
type Barcodes struct {
	EAN8    string `json:"ean8,omitempty"`    // (1301)
	EAN13   string `json:"ean13,omitempty"`   // (1302)
	ITF14   string `json:"itf14,omitempty"`   // (1303)
	GS1     string `json:"gs1,omitempty"`     // (1304)
	MI      string `json:"mi,omitempty"`      // (1307) furs
	EGAIS20 string `json:"egais20,omitempty"` // (1308)
	EGAIS30 string `json:"egais30,omitempty"` // (1309)
	F1      string `json:"f1,omitempty"`      // (1320)
	F2      string `json:"f2,omitempty"`
	F3      string `json:"f3,omitempty"`
	F4      string `json:"f4,omitempty"`
	F5      string `json:"f5,omitempty"`
	F6      string `json:"f6,omitempty"` // (1325)
}

// AgentInfo are the particulars of an agent (1223).
type AgentInfo struct {
	PaymentTransferOperatorPhoneNumbers []string `json:"paymentTransferOperatorPhoneNumbers,omitempty"` // (1075)
	PaymentAgentOperation               string   `json:"paymentAgentOperation,omitempty"`               // (1044) 1–24
	PaymentAgentPhoneNumbers            []string `json:"paymentAgentPhoneNumbers,omitempty"`            // (1073)
	PaymentOperatorPhoneNumbers         []string `json:"paymentOperatorPhoneNumbers,omitempty"`         // (1074)
	PaymentOperatorName                 string   `json:"paymentOperatorName,omitempty"`                 // (1026) 1–64
	PaymentOperatorAddress              string   `json:"paymentOperatorAddress,omitempty"`              // (1005) 1–243
	PaymentOperatorINN                  string   `json:"paymentOperatorINN,omitempty"`                  // (1016)
}

// bytes is what the particulars take in the document.
func (a *AgentInfo) bytes() int {
	n := 0
	for _, texts := range [][]string{a.PaymentTransferOperatorPhoneNumbers, a.PaymentAgentPhoneNumbers, a.PaymentOperatorPhoneNumbers,
		{a.PaymentAgentOperation, a.PaymentOperatorName, a.PaymentOperatorAddress, a.PaymentOperatorINN}} {
		for _, s := range texts {
			if s != "" {
				n += 4 + utf8.RuneCountInString(s)
			}
		}
	}
	return n
}

// SupplierInfo are the particulars of a supplier (1224).
type SupplierInfo struct {
	PhoneNumbers []string `json:"phoneNumbers,omitempty"` // (1171)
	Name         string   `json:"name,omitempty"`         // (1225) at most 239 less the length + 4 of each phone
}

// UserAttribute is the shop's own line (1084); name and value together at most
// 235 characters.
type UserAttribute struct {
	Name  string `json:"name"`  // (1085) 1–64
	Value string `json:"value"` // (1086) 1–234
}

// IndustryAttribute is what a state body demands (1260, 1261).
type IndustryAttribute struct {
	FOIVID              string `json:"foivId"`              // (1262) 1–3
	CauseDocumentDate   string `json:"causeDocumentDate"`   // (1263) DD.MM.YYYY
	CauseDocumentNumber string `json:"causeDocumentNumber"` // (1264) 1–32
	Value               string `json:"value"`               // (1265) 1–239
}

// OperationalAttribute is the operational attribute (1270).
type OperationalAttribute struct {
	Date  string `json:"date"`  // (1273) ISO 8601 without zone
	ID    int    `json:"id"`    // (1271) 0..255
	Value string `json:"value"` // (1272) 1–64
}

// CustomerInfo is the buyer (1256).
type CustomerInfo struct {
	Name                 string `json:"name,omitempty"`                 // (1227) 1–239
	INN                  string `json:"inn,omitempty"`                  // (1228)
	BirthDate            string `json:"birthDate,omitempty"`            // (1243) DD.MM.YYYY
	Citizenship          string `json:"citizenship,omitempty"`          // (1244) three digits
	IdentityDocumentCode string `json:"identityDocumentCode,omitempty"` // (1245) two digits
	IdentityDocumentData string `json:"identityDocumentData,omitempty"` // (1246) at most 64
	Address              string `json:"address,omitempty"`              // (1254) 1–239
}

// CorrectionContent is a correction of FFD 1.05: totals and no lines (6.1).
type CorrectionContent struct {
	CorrectionType      int    `json:"correctionType"`                // (1173) 0 of one's own accord, 1 by order
	Type                int    `json:"type"`                          // (1054) 1 sale or 3 purchase
	CauseDocumentDate   string `json:"causeDocumentDate"`             // (1178) 2026-11-20T00:00:00, no zone
	CauseDocumentNumber string `json:"causeDocumentNumber,omitempty"` // (1179) 1–32, with correctionType 1
	TotalSum            Rubles `json:"totalSum"`                      // (1020)

	CashSum             Rubles `json:"cashSum,omitzero"`             // (1031)
	ECashSum            Rubles `json:"eCashSum,omitzero"`            // (1081)
	PrepaymentSum       Rubles `json:"prepaymentSum,omitzero"`       // (1215)
	PostpaymentSum      Rubles `json:"postpaymentSum,omitzero"`      // (1216)
	OtherPaymentTypeSum Rubles `json:"otherPaymentTypeSum,omitzero"` // (1217)

	Tax1Sum  Rubles `json:"tax1Sum,omitzero"`  // the basic rate: 22 %, with UseTax20 20 %
	Tax2Sum  Rubles `json:"tax2Sum,omitzero"`  // 10 %
	Tax3Sum  Rubles `json:"tax3Sum,omitzero"`  // 0 %: the base
	Tax4Sum  Rubles `json:"tax4Sum,omitzero"`  // without VAT: the base
	Tax5Sum  Rubles `json:"tax5Sum,omitzero"`  // the basic rate, calculated
	Tax6Sum  Rubles `json:"tax6Sum,omitzero"`  // 10/110
	Tax7Sum  Rubles `json:"tax7Sum,omitzero"`  // 5 %
	Tax8Sum  Rubles `json:"tax8Sum,omitzero"`  // 7 %
	Tax9Sum  Rubles `json:"tax9Sum,omitzero"`  // 5/105
	Tax10Sum Rubles `json:"tax10Sum,omitzero"` // 7/107

	TaxationSystem    int    `json:"taxationSystem"`              // (1055) ordinal 0..5
	AutomatNumber     string `json:"automatNumber,omitempty"`     // (1036)
	SettlementAddress string `json:"settlementAddress,omitempty"` // (1009)
	SettlementPlace   string `json:"settlementPlace,omitempty"`   // (1187)
	CustomerContact   string `json:"customerContact,omitempty"`   // (1008)
	SenderEmail       string `json:"senderEmail,omitempty"`       // (1117)
	IsInternetStore   *bool  `json:"isInternetStore,omitempty"`   // (1125)
	UseTax20          bool   `json:"useTax20,omitempty"`

	// Extra are further members, as they are.
	Extra map[string]json.RawMessage `json:"-"`
}

// ItemCodeContent is a question about one marking code (7 of the protocol).
type ItemCodeContent struct {
	PlannedStatus           int       `json:"plannedStatus"`                     // (2003)
	ItemCode                string    `json:"itemCode"`                          // (2000) as scanned, 1–223
	QuantityMeasurementUnit *int      `json:"quantityMeasurementUnit,omitempty"` // (2108)
	Quantity                Decimal   `json:"quantity,omitzero"`                 // (1023)
	FractionalQuantity      *Fraction `json:"fractionalQuantity,omitempty"`      // (1291)
}

// MarshalJSON adds the members of Extra.
func (c Content) MarshalJSON() ([]byte, error) {
	type plain Content
	return withExtra(plain(c), c.Extra, "extra")
}

// MarshalJSON adds the members of Extra.
func (p Position) MarshalJSON() ([]byte, error) {
	type plain Position
	return withExtra(plain(p), p.Extra, "lines[].extra")
}

// MarshalJSON adds the members of Extra.
func (c CorrectionContent) MarshalJSON() ([]byte, error) {
	type plain CorrectionContent
	return withExtra(plain(c), c.Extra, "extra")
}

// withExtra writes v and after it the further members, by name. One that v has
// already is an error: the document would say two things.
func withExtra(v any, extra map[string]json.RawMessage, field string) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil || len(extra) == 0 {
		return b, err
	}
	var have map[string]json.RawMessage
	if err := json.Unmarshal(b, &have); err != nil {
		return nil, err
	}
	names := make([]string, 0, len(extra))
	for name := range extra {
		for is := range have {
			if strings.EqualFold(is, name) {
				return nil, acquiring.Invalid(field+"."+name, "says again what a field of the receipt says")
			}
		}
		names = append(names, name)
	}
	slices.Sort(names)
	b = b[:len(b)-1]
	for _, name := range names {
		if len(b) > 1 {
			b = append(b, ',')
		}
		key, err := json.Marshal(name)
		if err != nil {
			return nil, err
		}
		b = append(append(append(b, key...), ':'), extra[name]...)
	}
	return append(b, '}'), nil
}
