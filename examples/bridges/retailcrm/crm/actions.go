package crm

import (
	"encoding/json"
	"fmt"
	"net/mail"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/money"
)

// Customer is the payer. He comes flat, or as the CRM's whole customer with
// his phones in a list: both are read.
type Customer struct {
	Email           Text        `json:"email"`
	Phone           Text        `json:"phone"`
	FirstName       Text        `json:"firstName"`
	LastName        Text        `json:"lastName"`
	Patronymic      Text        `json:"patronymic"`
	LegalName       Text        `json:"legalName"`
	ContragentType  Text        `json:"contragentType"` // individual, legal-entity, enterpreneur (spelled so)
	INN             Text        `json:"INN"`
	PhoneList       List[Phone] `json:"-"`
	ContragentBlock Contragent  `json:"-"`
}

// Phone is one of a customer's phones.
type Phone struct {
	Number Text `json:"number"`
}

// Contragent is the part of the CRM's whole customer that says who he is by
// law.
type Contragent struct {
	Type      Text `json:"contragentType"`
	LegalName Text `json:"legalName"`
	INN       Text `json:"INN"`
}

// List is an array; anything else in its place is none.
type List[T any] []T

// UnmarshalJSON never fails; elements that are no T are left out.
func (l *List[T]) UnmarshalJSON(b []byte) error {
	var raw []json.RawMessage
	*l = nil
	if json.Unmarshal(b, &raw) != nil {
		return nil
	}
	for _, r := range raw {
		var v T
		if json.Unmarshal(r, &v) == nil {
			*l = append(*l, v)
		}
	}
	return nil
}

// UnmarshalJSON never fails: an array, as PHP writes an empty object, is
// nobody.
func (c *Customer) UnmarshalJSON(b []byte) error {
	type flat Customer
	var v struct {
		flat
		Phones     List[Phone]     `json:"phones"`
		Contragent json.RawMessage `json:"contragent"`
	}
	*c = Customer{}
	if json.Unmarshal(b, &v) != nil {
		return nil
	}
	*c = Customer(v.flat)
	c.PhoneList = v.Phones
	_ = json.Unmarshal(v.Contragent, &c.ContragentBlock)
	if c.Phone == "" && len(v.Phones) > 0 {
		c.Phone = v.Phones[0].Number
	}
	if c.ContragentType == "" {
		c.ContragentType = c.ContragentBlock.Type
	}
	if c.LegalName == "" {
		c.LegalName = c.ContragentBlock.LegalName
	}
	if c.INN == "" {
		c.INN = c.ContragentBlock.INN
	}
	return nil
}

// Legal says whether he is a company or an entrepreneur.
func (c Customer) Legal() bool {
	return c.ContragentType == "legal-entity" || c.ContragentType == "enterpreneur" || c.ContragentType == "entrepreneur"
}

// Name is the person's full name, or the company's.
func (c Customer) Name() string {
	if c.Legal() && c.LegalName != "" {
		return string(c.LegalName)
	}
	return strings.Join(strings.Fields(string(c.LastName+" "+c.FirstName+" "+c.Patronymic)), " ")
}

// Item is a line of the order.
type Item struct {
	Name            Text `json:"name"`
	Price           Text `json:"price"` // roubles, for a unit
	Quantity        Text `json:"quantity"`
	MeasurementUnit Text `json:"measurementUnit"`
	VAT             Text `json:"vat"`           // none, vat0, vat10, vat110, vat20, vat120 and newer ones
	PaymentMethod   Text `json:"paymentMethod"` // full_prepayment, …
	PaymentObject   Text `json:"paymentObject"` // commodity, …
	ProductCode     Text `json:"productCode"`   // hexadecimal
	MarkingCode     Text `json:"markingCode"`
}

// PriceKopecks is the price of a unit, rounded half up to the kopeck: the
// difference to what is paid is spread over the receipt anyway.
func (i Item) PriceKopecks() (money.Amount, error) { return kopecks(string(i.Price), true) }

// CreateRequest asks for an invoice (действие create).
type CreateRequest struct {
	ShopID      Text       `json:"shopId"`
	InvoiceUUID Text       `json:"invoiceUuid"`
	InvoiceType Text       `json:"invoiceType"`
	Amount      Sum        `json:"amount"`
	Currency    Text       `json:"currency"`
	OrderNumber Text       `json:"orderNumber"`
	OrderID     Text       `json:"orderId"`
	SiteURL     Text       `json:"siteUrl"`
	ReturnURL   Text       `json:"returnUrl"`
	Items       List[Item] `json:"items"`
	Customer    Customer   `json:"customer"`
}

// ApproveRequest takes a hold (действие approve). Without Amount all of it.
type ApproveRequest struct {
	PaymentID Text `json:"paymentId"`
	Amount    Sum  `json:"amount"`
}

// CancelRequest withdraws an invoice or releases a hold (действие cancel).
type CancelRequest struct {
	PaymentID Text `json:"paymentId"`
}

// RefundRequest gives money back (действие refund). Without Amount all that is
// left.
type RefundRequest struct {
	PaymentID Text `json:"paymentId"`
	Amount    Sum  `json:"amount"`
}

// Activity tells that the module was switched on or off (действие activity).
type Activity struct {
	Active Flag `json:"active"`
	Freeze Flag `json:"freeze"`
}

// Faults are texts for the manager.
type Faults []string

// Error is all of them in one line.
func (f Faults) Error() string { return strings.Join(f, "; ") }

func (f *Faults) add(format string, args ...any) { *f = append(*f, fmt.Sprintf(format, args...)) }

func (f Faults) err() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

var uuid = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)

var currency = regexp.MustCompile(`^[A-Z]{3}$`)

func (f *Faults) text(field string, t Text, most int) {
	switch {
	case t == "":
		f.add("%s: не заполнено", field)
	case utf8.RuneCountInString(string(t)) > most:
		f.add("%s: длиннее %d символов", field, most)
	}
}

func (f *Faults) address(field string, t Text, required bool) {
	if t == "" {
		if required {
			f.add("%s: не заполнено", field)
		}
		return
	}
	u, err := url.Parse(string(t))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		f.add("%s: не адрес http(s)", field)
	}
}

func (f *Faults) sum(field string, s Sum, required bool) {
	switch {
	case s.Bad != "":
		f.add("%s: не сумма в рублях с копейками", field)
	case !s.Given && required:
		f.add("%s: не заполнено", field)
	case s.Given && s.Amount <= 0:
		f.add("%s: должна быть больше нуля", field)
	}
}

// Validate gives Faults: what the protocol demands, whatever the shop.
func (r CreateRequest) Validate() error {
	var f Faults
	f.text("shopId", r.ShopID, 255)
	if !uuid.MatchString(string(r.InvoiceUUID)) {
		f.add("invoiceUuid: не UUID")
	}
	if r.InvoiceType != "" && r.InvoiceType != "link" {
		f.add("invoiceType: модуль выставляет счета только ссылкой (link)")
	}
	f.sum("amount", r.Amount, true)
	if !currency.MatchString(strings.ToUpper(string(r.Currency))) {
		f.add("currency: не код валюты из трёх букв")
	}
	f.text("orderNumber", r.OrderNumber, 255)
	f.address("siteUrl", r.SiteURL, true)
	f.address("returnUrl", r.ReturnURL, false)
	for i, item := range r.Items {
		f.text(fmt.Sprintf("items[%d].name", i), item.Name, 255)
		if _, err := item.PriceKopecks(); err != nil {
			f.add("items[%d].price: не сумма в рублях", i)
		}
	}
	if c := r.Customer; c.Email != "" {
		if _, err := mail.ParseAddress(string(c.Email)); err != nil {
			f.add("customer.email: не адрес электронной почты")
		}
	}
	return f.err()
}

// Validate gives Faults.
func (r ApproveRequest) Validate() error { return known(r.PaymentID, r.Amount) }

// Validate gives Faults.
func (r CancelRequest) Validate() error { return known(r.PaymentID, Sum{}) }

// Validate gives Faults.
func (r RefundRequest) Validate() error { return known(r.PaymentID, r.Amount) }

func known(id Text, amount Sum) error {
	var f Faults
	f.text("paymentId", id, 255)
	f.sum("amount", amount, false)
	return f.err()
}

// Reply is the module's answer to an action.
type Reply struct {
	Success  bool     `json:"success"`
	Result   any      `json:"result,omitempty"`
	ErrorMsg string   `json:"errorMsg,omitempty"`
	Errors   []string `json:"errors,omitempty"`
}

// Created is the result of create.
type Created struct {
	PaymentID   string `json:"paymentId"`
	InvoiceURL  string `json:"invoiceUrl"`
	Cancellable bool   `json:"cancellable"`
}

// StatusResult is the result of status.
type StatusResult struct {
	Status              string  `json:"status"`
	Amount              Roubles `json:"amount"`
	CancellationDetails *string `json:"cancellationDetails"`
	ExpiredAt           *string `json:"expiredAt"`
	PaidAt              *string `json:"paidAt"`
	PaymentID           string  `json:"paymentId"`
	InvoiceURL          string  `json:"invoiceUrl"`
	Refundable          bool    `json:"refundable"`
}

// Statuses of refunds.
const (
	RefundPending   = "pending"
	RefundSucceeded = "succeeded"
	RefundCanceled  = "canceled"
)

// Refund is a refund as both sides tell it.
type Refund struct {
	ID      string  `json:"id"`
	Status  string  `json:"status"`
	Amount  Roubles `json:"amount"`
	Comment *string `json:"comment"`
}
