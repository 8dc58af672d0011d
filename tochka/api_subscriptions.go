package tochka

import (
	"context"
	"fmt"
	"iter"
	"net/url"

	"github.com/acquiring-go/acquiring"
)

// SubscriptionRequest creates a subscription (подписка), by card only. There
// are two kinds: scheduled ones, with Options, which the bank charges; and
// those on demand, with Recurring and without Options, which the shop charges
// with ChargeSubscription. The buyer's first payment, by the link, binds the
// card. What PaymentRequest has too, has the same limits.
type SubscriptionRequest struct {
	CustomerCode    string               `json:"customerCode"` // "": Config.CustomerCode
	Amount          Sum                  `json:"amount"`
	Purpose         string               `json:"purpose"`
	RedirectURL     string               `json:"redirectUrl,omitempty"`
	FailRedirectURL string               `json:"failRedirectUrl,omitempty"`
	SaveCard        bool                 `json:"saveCard,omitempty"` // never with Recurring: later charges would fail
	ConsumerID      string               `json:"consumerId,omitempty"`
	MerchantID      string               `json:"merchantId,omitempty"`
	Recurring       bool                 `json:"recurring,omitempty"`
	Options         *SubscriptionOptions `json:"Options,omitempty"`
	PaymentLinkID   string               `json:"paymentLinkId,omitempty"`
}

// SubscriptionReceiptRequest creates a subscription whose every payment gets
// its receipt.
type SubscriptionReceiptRequest struct {
	SubscriptionRequest
	ReceiptFields
}

// SubscriptionOptions is the schedule.
type SubscriptionOptions struct {
	TrancheCount Int    `json:"trancheCount,omitempty"` // payments; 0: 12. At most 100 by days, 84 by months, 10 by years
	Period       Period `json:"period,omitempty"`       // "": Month
	DaysInPeriod Int    `json:"daysInPeriod,omitempty"` // only with Day
}

// Period is a schedule's step.
type Period string

// The steps. Quarter comes in answers only.
const (
	PeriodDay     Period = "Day"
	PeriodMonth   Period = "Month"
	PeriodYear    Period = "Year"
	PeriodQuarter Period = "Quarter"
)

// SubscriptionStatus is where a scheduled subscription stands.
type SubscriptionStatus string

// The statuses of a subscription.
const (
	SubscriptionActive    SubscriptionStatus = "Active"
	SubscriptionCancelled SubscriptionStatus = "Cancelled"
	SubscriptionCompleted SubscriptionStatus = "Completed"
	SubscriptionExpired   SubscriptionStatus = "Expired"
	SubscriptionFailed    SubscriptionStatus = "Failed"
	SubscriptionPastDue   SubscriptionStatus = "PastDue"
	SubscriptionPreparing SubscriptionStatus = "Preparing"
	SubscriptionRefused   SubscriptionStatus = "Refused"
	SubscriptionRejected  SubscriptionStatus = "Rejected"
	SubscriptionSuspended SubscriptionStatus = "Suspended"
	SubscriptionTrial     SubscriptionStatus = "Trial"
)

// check refuses what the bank is known to refuse, or to fail at later.
func (r SubscriptionRequest) check() error {
	switch {
	case r.Recurring && r.Options != nil:
		return acquiring.Invalid("Options", "is set beside Recurring: a subscription is scheduled or on demand, not both")
	case r.Recurring && r.SaveCard:
		return acquiring.Invalid("SaveCard", "is set beside Recurring: the bank would fail at every later charge")
	case r.Options == nil:
		return nil
	}
	most := Int(84)
	switch r.Options.Period {
	case PeriodDay:
		most = 100
	case PeriodMonth, "":
	case PeriodYear:
		most = 10
	default:
		return acquiring.Invalid("Options.Period", "is not Day, Month or Year")
	}
	switch {
	case r.Options.TrancheCount < 0 || r.Options.TrancheCount > most:
		return acquiring.Invalid("Options.TrancheCount", fmt.Sprintf("is not between 1 and %d", most))
	case r.Options.DaysInPeriod < 0 || (r.Options.DaysInPeriod > 0 && r.Options.Period != PeriodDay):
		return acquiring.Invalid("Options.DaysInPeriod", "goes with the period Day only")
	}
	return nil
}

// CreateSubscription creates a subscription (POST subscriptions).
func (c *Client) CreateSubscription(ctx context.Context, r SubscriptionRequest) (*Operation, error) {
	const op = "subscriptions.create"
	if err := r.check(); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if r.CustomerCode == "" {
		r.CustomerCode = c.conf.CustomerCode
	}
	return c.createOperation(ctx, op, "acquiring/v1.0/subscriptions", r.CustomerCode, dataOf[SubscriptionRequest]{r})
}

// CreateSubscriptionWithReceipt creates a subscription with receipts (POST
// subscriptions_with_receipt).
func (c *Client) CreateSubscriptionWithReceipt(ctx context.Context, r SubscriptionReceiptRequest) (*Operation, error) {
	const op = "subscriptions_with_receipt.create"
	if err := r.check(); err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	if r.CustomerCode == "" {
		r.CustomerCode = c.conf.CustomerCode
	}
	return c.createOperation(ctx, op, "acquiring/v1.0/subscriptions_with_receipt", r.CustomerCode, dataOf[SubscriptionReceiptRequest]{r})
}

// Subscriptions lists the subscriptions of the company (GET subscriptions):
// those on demand with recurring, the scheduled ones without.
func (c *Client) Subscriptions(ctx context.Context, recurring bool) iter.Seq2[*Operation, error] {
	query := url.Values{}
	if recurring {
		query.Set("recurring", "true")
	}
	return paged(ctx, c, "subscriptions.list", "acquiring/v1.0/subscriptions", "", query, 0,
		func(data *struct{ Subscription []Operation }) []Operation { return data.Subscription })
}

// ChargeSubscription charges a subscription on demand (POST …/charge). It has
// no key: repeated, it charges again; Client.Charge is the safe way. Declined
// is ErrDeclined; after two declined attempts in a day the bank takes no more
// that day.
func (c *Client) ChargeSubscription(ctx context.Context, operationID string, amount Sum) error {
	const op = "subscriptions.charge"
	if operationID == "" || amount <= 0 {
		return acquiring.InOp(provider, op, acquiring.Invalid("amount", "is not more than zero, or there is no operationId"))
	}
	body := dataOf[any]{struct {
		Amount Sum `json:"amount"`
	}{amount}}
	return c.accepted(ctx, post(op, body, "acquiring/v1.0/subscriptions/", operationID, "/charge"), acquiring.ErrDeclined,
		"the card was not charged; the bank takes two declined attempts a day")
}

// SubscriptionStatus reads where a scheduled subscription stands (GET
// …/status). The bank knows no status of one on demand: ErrNotFound.
func (c *Client) SubscriptionStatus(ctx context.Context, operationID string) (SubscriptionStatus, error) {
	var data struct{ Status SubscriptionStatus }
	if _, err := c.call(ctx, get("subscriptions.status", "acquiring/v1.0/subscriptions/", operationID, "/status"), &data); err != nil {
		return "", err
	}
	return data.Status, nil
}

// CancelSubscription ends a scheduled subscription for good (POST …/status).
// One on demand cannot be cancelled, ErrNotFound: just stop charging it.
func (c *Client) CancelSubscription(ctx context.Context, operationID string) error {
	body := dataOf[any]{struct {
		Status SubscriptionStatus `json:"status"`
	}{SubscriptionCancelled}}
	r := post("subscriptions.cancel", body, "acquiring/v1.0/subscriptions/", operationID, "/status")
	return c.accepted(ctx, r, acquiring.ErrConflict, "")
}
