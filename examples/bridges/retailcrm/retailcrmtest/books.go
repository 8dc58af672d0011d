package retailcrmtest

import (
	"maps"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// Amount is a sum in kopecks.
type Amount = money.Amount

// Module is a payment module as it registered itself
// (integration-modules/{code}/edit).
type Module struct {
	Code           string
	Name           string
	ClientID       string // the only secret that the CRM sends with its calls
	BaseURL        string
	AccountURL     string
	Logo           string
	Active         bool
	Freeze         bool
	Native         bool
	Actions        map[string]string // of the module: activity
	PaymentActions map[string]string // create, approve, cancel, refund, status
	Currencies     []string
	Shops          []Shop
	Edits          int    // how often it was registered
	Key            string // the API key it was registered with last
}

func (m *Module) clone() Module {
	c := *m
	c.Actions, c.PaymentActions = maps.Clone(m.Actions), maps.Clone(m.PaymentActions)
	c.Currencies, c.Shops = slices.Clone(m.Currencies), slices.Clone(m.Shops)
	return c
}

// Shop is a shop of a payment module (магазин), to which payment types are
// bound.
type Shop struct {
	Code   string
	Name   string
	Active bool
}

// Order is an order (заказ) as far as a payment needs it.
type Order struct {
	ID       int
	Number   string // may have letters: 1042C
	Site     string // address of the shop's site, to which the customer returns
	Customer Customer
	Items    []Item
}

// Customer is who pays.
type Customer struct {
	Email, Phone                    string
	FirstName, LastName, Patronymic string
	Sex                             string // male, female
	ContragentType                  string // individual, legal-entity, enterpreneur (as the CRM spells it); "": individual
	LegalName, INN                  string
}

// Item is a line of the order.
type Item struct {
	Name          string
	Price         Amount // per unit
	Quantity      string // a decimal: "1", "0.5"
	Unit          string // measurementUnit: шт, кг
	VAT           string // none, vat0, vat10, vat20 …
	PaymentMethod string // full_prepayment …
	PaymentObject string // commodity, service …
	ProductCode   string
}

// Payment is a payment of an order (оплата). Its Status changes only when the
// module says so through update-invoice.
type Payment struct {
	ID          int
	OrderNumber string
	Module      string
	Shop        string
	Amount      Amount
	Currency    string
	Status      string // by the table of the payment type
	InvoiceUUID string // the last invoice; "": there was none
	PaidAt      time.Time
	Deleted     bool
}

// Invoice is what the CRM knows of a payment link.
type Invoice struct {
	UUID            string // the key of the module's calls
	PaymentID       int    // the CRM's own number of the payment
	ModulePaymentID string // the key of the CRM's calls, made by the module
	Module          string
	Shop            string
	Amount          Amount
	Currency        string
	Status          string // "": the module did not agree yet
	Link            string
	Cancellable     bool
	Refundable      bool
	Details         string // cancellationDetails
	Error           string // what the module refused with
	CreatedAt       time.Time
	PaidAt          time.Time
	ExpiredAt       time.Time // until when a hold waits
	Discount        Amount
	Refunds         []Refund
	Updates         int // how often update-invoice was accepted
	Backward        int // of them, how many moved the status back
	Imported        bool
	ReturnURL       string
}

func (i *Invoice) clone() Invoice {
	c := *i
	c.Refunds = slices.Clone(i.Refunds)
	return c
}

// Refunded is the sum of the refunds that succeeded.
func (i Invoice) Refunded() Amount {
	var sum Amount
	for _, r := range i.Refunds {
		if r.Status == RefundSucceeded {
			sum += r.Amount
		}
	}
	return sum
}

// The statuses of a refund.
const (
	RefundPending   = "pending"
	RefundSucceeded = "succeeded"
	RefundCanceled  = "canceled"
)

// Refund is a refund as the module told it.
type Refund struct {
	ID        string
	Status    string
	Amount    Amount
	Comment   string
	CreatedAt time.Time
}

// put enters a refund, or what changed in it.
func (i *Invoice) put(r Refund) {
	at := slices.IndexFunc(i.Refunds, func(old Refund) bool { return old.ID == r.ID })
	if at < 0 {
		i.Refunds = append(i.Refunds, r)
		return
	}
	r.CreatedAt = i.Refunds[at].CreatedAt
	i.Refunds[at] = r
}

// rank orders the known statuses: a smaller one after a greater one is a move
// back. Canceled stands beside succeeded: either is an end.
var rank = map[string]int{StatusPending: 1, StatusWaitingForCapture: 2, StatusSucceeded: 3, StatusCanceled: 3, StatusRefundSucceeded: 4}

// back says whether next is a move back.
func back(status, next string) bool {
	if rank[status] == 0 || rank[next] == 0 || status == next {
		return false
	}
	return rank[next] <= rank[status]
}

// become sets the invoice's status and, by the table, the payment's.
func (s *Server) become(i *Invoice, status string) {
	if back(i.Status, status) {
		i.Backward++
	}
	i.Status = status
	p := s.payments[i.PaymentID]
	if p == nil || p.InvoiceUUID != i.UUID {
		return
	}
	if to := s.opt.table[status]; to != "" {
		p.Status = to
		p.PaidAt = i.PaidAt
	}
}
