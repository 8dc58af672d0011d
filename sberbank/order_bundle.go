package sberbank

import (
	"encoding/json"

	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// OrderBundle is the cart and the receipt of an order at the new gateway
// (orderBundle). A receipt is printed only when FFDVersion and ReceiptType are
// set and a cash service is connected to the merchant; without one the gateway
// refuses them with code 5. Sums are kopecks, at most 42 949 672.00 each and
// together; limits of texts are in characters of the bank's alphabet (printable
// ASCII, Cyrillic, №).
type OrderBundle struct {
	FFDVersion           string           `json:"ffdVersion,omitempty"`  // 1.05, 1.2
	ReceiptType          string           `json:"receiptType,omitempty"` // SELL, SELL_REFUND
	IsmOptional          bool             `json:"ismOptional,omitempty"` // print even while the marking system is down
	Company              *Company         `json:"company,omitempty"`
	CustomerDetails      *CustomerDetails `json:"customerDetails,omitempty"`
	CartItems            CartItems        `json:"cartItems"`
	Payments             []CartPayment    `json:"payments,omitempty"`
	Total                money.Amount     `json:"total,omitempty"`                // of the positions, and the operation's sum
	Cashier              string           `json:"cashier,omitempty"`              // at most 64
	CashierINN           string           `json:"cashierInn,omitempty"`           // FFD 1.2
	AdditionalUserProps  *NameValue       `json:"additionalUserProps,omitempty"`  // (1084)
	AdditionalCheckProps string           `json:"additionalCheckProps,omitempty"` // (1192), at most 16
	OperatingCheckProps  *OperatingProps  `json:"operatingCheckProps,omitempty"`
	SectoralCheckProps   []SectoralProps  `json:"sectoralCheckProps,omitempty"`
	Installments         *Installments    `json:"installments,omitempty"` // POS credit

	// Extra holds members that are not above, as they are.
	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the members and Extra.
func (b OrderBundle) MarshalJSON() ([]byte, error) {
	type plain OrderBundle
	return rbs.WithExtra(plain(b), b.Extra)
}

// Company is the seller. A receipt needs all four.
type Company struct {
	Email          string `json:"email"`          // 3..64
	SNO            string `json:"sno"`            // osn, usn_income, usn_income_outcome, esn, patent
	INN            string `json:"inn"`            // 10 or 12 digits
	PaymentAddress string `json:"paymentAddress"` // at most 256
}

// CustomerDetails is the buyer, where the receipt names him.
type CustomerDetails struct {
	FullName     string `json:"fullName,omitempty"`
	INN          string `json:"inn,omitempty"`
	Address      string `json:"address,omitempty"`
	BirthDate    string `json:"birthdate,omitempty"` // dd.mm.yyyy
	Citizenship  string `json:"citizenship,omitempty"`
	DocumentType string `json:"documentType,omitempty"` // two digits (1245): 21 is a passport
	DocumentNo   string `json:"documentNo,omitempty"`   // at most 64
}

// CartItems are the positions.
type CartItems struct {
	Items []Item `json:"items"`
}

// CartPayment is a part of the payment: type 1 cashless, 2 prepayment, 3
// credit, 4 counter-provision.
type CartPayment struct {
	Type int          `json:"type"`
	Sum  money.Amount `json:"sum"`
}

// Parts of the cart that are the family's.
type (
	NameValue    = rbs.NameValue    // a pair of texts
	ItemQuantity = rbs.ItemQuantity // Measure: FFD 1.2 a code; the legacy cart and POS credit a text
)

// OperatingProps is the operational attribute (1270).
type OperatingProps struct {
	Name      string `json:"name"` // "0"
	Value     string `json:"value"`
	Timestamp string `json:"timestamp"` // dd.mm.yyyy HH:MM:SS
}

// SectoralProps is an industry attribute (1260, 1261).
type SectoralProps struct {
	FederalID string `json:"federalId"`
	Date      string `json:"date"`
	Number    string `json:"number"`
	Value     string `json:"value"`
}

// Installments offers the order on credit.
type Installments struct {
	ProductType string `json:"productType"` // CREDIT, INSTALLMENT
	ProductID   string `json:"productID,omitempty"`
	RightTerms  []int  `json:"rightTerms,omitempty"` // months
}

// Item is a position of the cart. A refund names the same PositionID, ItemCode and
// Name as the registration.
type Item struct {
	PositionID         string          `json:"positionId"` // 1 to 12 digits, from 1; no two positions have the same
	ItemCode           string          `json:"itemCode"`   // 1..100; no two positions have the same
	Name               string          `json:"name"`       // 1..100
	Quantity           ItemQuantity    `json:"quantity"`
	MeasurementUnit    string          `json:"measurementUnit,omitempty"` // FFD 1.05
	ItemPrice          money.Amount    `json:"itemPrice"`                 // of one unit
	ItemAmount         money.Amount    `json:"itemAmount"`                // the price times the quantity, rounded half up
	Tax                *Tax            `json:"tax,omitempty"`             // a receipt needs it, and the next two
	PaymentMethod      string          `json:"paymentMethod,omitempty"`   // a word (1214): full_payment
	PaymentObject      string          `json:"paymentObject,omitempty"`   // (1212) FFD 1.05 a word: commodity; FFD 1.2 a number: "1"
	ItemDetails        *ItemDetails    `json:"itemDetails,omitempty"`
	NomenclatureCode   string          `json:"nomenclatureCode,omitempty"` // FFD 1.05, hexadecimal
	MarkCode           *MarkCode       `json:"markCode,omitempty"`         // FFD 1.2
	MarkQuantity       *MarkQuantity   `json:"markQuantity,omitempty"`
	MarkProcessingMode string          `json:"markProcessingMode,omitempty"`
	CountryCode        string          `json:"countryCode,omitempty"`
	DeclarationNumber  string          `json:"declarationNumber,omitempty"`
	AgentInfo          *AgentInfo      `json:"agentInfo,omitempty"`
	SupplierInfo       *SupplierInfo   `json:"supplierInfo,omitempty"`
	SectoralItemProps  []SectoralProps `json:"sectoralItemProps,omitempty"`
	UserData           string          `json:"userData,omitempty"`

	// Extra holds members that are not above, as they are.
	Extra map[string]json.RawMessage `json:"-"`
}

// MarshalJSON writes the members and Extra.
func (i Item) MarshalJSON() ([]byte, error) {
	type plain Item
	return rbs.WithExtra(plain(i), i.Extra)
}

// Tax is the rate. Code 0, no VAT, is written like any other.
type Tax struct {
	Type int `json:"taxType"` // 0 none, 1 0 %, 2 10 %, 4 10/110, 6 20 %, 7 20/120, 8 5 %, 9 5/105, 10 7 %, 11 7/107, 12 22 %, 13 22/122
}

// ItemDetails are further parameters of a position: timezone, planned_status and
// others.
type ItemDetails struct {
	Params []NameValue `json:"itemDetailsParams"`
}

// MarkCode is the marking code under the name of its kind; one is set.
type MarkCode struct {
	GS1M    string `json:"gs1m,omitempty"` // base64
	Fur     string `json:"fur,omitempty"`
	GS10    string `json:"gs10,omitempty"`
	EAN8    string `json:"ean8,omitempty"`
	EAN13   string `json:"ean13,omitempty"`
	ITF14   string `json:"itf14,omitempty"`
	Short   string `json:"short,omitempty"`
	Unknown string `json:"unknown,omitempty"`
}

// MarkQuantity is a part of a marked package.
type MarkQuantity struct {
	Numerator   string `json:"markQuantityNumerator"`
	Denominator string `json:"markQuantityDenominator"`
}

// AgentInfo is on whose behalf the position is sold. What each type needs is as in
// fiscal.Agent.
type AgentInfo struct {
	Type                    string         `json:"type"` // bank_paying_agent, paying_agent, attorney, commission_agent, another and so on
	PayingAgent             *PayingAgent   `json:"payingAgent,omitempty"`
	ReceivePaymentsOperator *PhonesOnly    `json:"receivePaymentsOperator,omitempty"`
	MoneyTransferOperator   *MoneyOperator `json:"moneyTransferOperator,omitempty"`
}

// PayingAgent is the paying agent's operation.
type PayingAgent struct {
	Operation string   `json:"operation,omitempty"`
	Phones    []string `json:"phones,omitempty"`
}

// PhonesOnly is an operator known by his telephones.
type PhonesOnly struct {
	Phones []string `json:"phones"`
}

// MoneyOperator is the operator of the transfer.
type MoneyOperator struct {
	Phones  []string `json:"phones,omitempty"`
	Name    string   `json:"name,omitempty"`
	Address string   `json:"address,omitempty"`
	INN     string   `json:"inn,omitempty"`
}

// SupplierInfo is whose goods the position is.
type SupplierInfo struct {
	Phones []string `json:"phones,omitempty"`
	Name   string   `json:"name,omitempty"` // at most 64
	INN    string   `json:"inn,omitempty"`  // padded with spaces to 12
}
