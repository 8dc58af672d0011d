package sberbank

import (
	"encoding/json"

	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

// OrderBundle is the cart and the receipt of an order at the new gateway
// (orderBundle). A receipt is printed only when FFDVersion and ReceiptType are
// set and a cash service is connected to the merchant; without one the gateway
// refuses them with code 5.
type OrderBundle struct {
	FFDVersion           string           `json:"ffdVersion,omitempty"`  // 1.05, 1.2
	ReceiptType          string           `json:"receiptType,omitempty"` // SELL, SELL_REFUND
	IsmOptional          bool             `json:"ismOptional,omitempty"` // print even while the marking system is down
	Company              *Company         `json:"company,omitempty"`
	CustomerDetails      *CustomerDetails `json:"customerDetails,omitempty"`
	CartItems            CartItems        `json:"cartItems"`
	Payments             []CartPayment    `json:"payments,omitempty"`
	Total                money.Amount     `json:"total,omitempty"`
	Cashier              string           `json:"cashier,omitempty"`
	CashierINN           string           `json:"cashierInn,omitempty"` // FFD 1.2
	AdditionalUserProps  *NameValue       `json:"additionalUserProps,omitempty"`
	AdditionalCheckProps string           `json:"additionalCheckProps,omitempty"`
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

// Company is the seller.
type Company struct {
	Email          string `json:"email"`
	SNO            string `json:"sno"` // osn, usn_income, usn_income_outcome, esn, patent
	INN            string `json:"inn"`
	PaymentAddress string `json:"paymentAddress"`
}

// CustomerDetails is the buyer, where the receipt names him.
type CustomerDetails struct {
	FullName     string `json:"fullName,omitempty"`
	INN          string `json:"inn,omitempty"`
	Address      string `json:"address,omitempty"`
	BirthDate    string `json:"birthdate,omitempty"` // dd.mm.yyyy
	Citizenship  string `json:"citizenship,omitempty"`
	DocumentType string `json:"documentType,omitempty"`
	DocumentNo   string `json:"documentNo,omitempty"`
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

// Item is a position of the cart.
type Item struct {
	PositionID         string          `json:"positionId"` // digits
	ItemCode           string          `json:"itemCode"`
	Name               string          `json:"name"`
	Quantity           ItemQuantity    `json:"quantity"`
	MeasurementUnit    string          `json:"measurementUnit,omitempty"` // FFD 1.05
	ItemPrice          money.Amount    `json:"itemPrice"`
	ItemAmount         money.Amount    `json:"itemAmount"`
	Tax                *Tax            `json:"tax,omitempty"`
	PaymentMethod      string          `json:"paymentMethod,omitempty"`
	PaymentObject      string          `json:"paymentObject,omitempty"`
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
	Type int `json:"taxType"`
}

// ItemDetails are further parameters of a position.
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

// AgentInfo is on whose behalf the position is sold.
type AgentInfo struct {
	Type                    string         `json:"type"`
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
	Name   string   `json:"name,omitempty"`
	INN    string   `json:"inn,omitempty"` // padded with spaces to 12
}
