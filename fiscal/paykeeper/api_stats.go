package paykeeper

import (
	"context"
	"encoding/json"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// PaymentSystem is a way to pay that the account has (платёжная система).
type PaymentSystem struct {
	ID                string
	SystemDescription string // as the cabinet names it
	SiteDescription   string // as the customer sees it
	Raw               json.RawMessage
}

func readSystem(r *row) *PaymentSystem {
	return &PaymentSystem{ID: r.text("id"), SystemDescription: r.text("system_description"), SiteDescription: r.text("site_description"), Raw: r.raw}
}

// PaymentSystems lists the ways to pay: GET /info/systems/list/.
func (c *Client) PaymentSystems(ctx context.Context) ([]*PaymentSystem, error) {
	const op = "systems/list"
	body, err := c.info(ctx, op, "/info/systems/list/", nil, acquiring.ErrInvalid)
	if err != nil {
		return nil, err
	}
	return each(c, op, body, readSystem)
}

// SystemSums are the sums of one payment system in a period.
type SystemSums struct {
	PaymentSystem
	Success  money.Amount // paid
	Account  money.Amount // topped up
	Stuck    money.Amount // paid, and the shop never answered the notification
	Currency string
}

// SystemSums gives the sums by payment system: GET /info/systems/sums/. Both
// days, of Moscow's, are needed and included; a zero one is ErrInvalid.
func (c *Client) SystemSums(ctx context.Context, from, to time.Time) ([]*SystemSums, error) {
	const op = "systems/sums"
	if err := checkDays(op, from, to); err != nil {
		return nil, err
	}
	var q fields
	q.add("start", dateOf(from))
	q.add("end", dateOf(to))
	body, err := c.info(ctx, op, "/info/systems/sums/", q, acquiring.ErrInvalid)
	if err != nil {
		return nil, err
	}
	return each(c, op, body, func(r *row) *SystemSums {
		return &SystemSums{PaymentSystem: *readSystem(r), Success: r.amount("success"), Account: r.amount("account"),
			Stuck: r.amount("stuck"), Currency: r.text("currency")}
	})
}

// ErrorCount is how often payments failed for one reason.
type ErrorCount struct {
	Code    string
	Message string // as the customer saw it
	Count   int
}

// ErrorCounts are the failures of payments by reason.
type ErrorCounts struct {
	Total  int
	Groups []ErrorCount
	Raw    json.RawMessage
}

// ErrorCounts counts the failures of payments: GET /info/errors/total/. The
// list of codes is not published.
func (c *Client) ErrorCounts(ctx context.Context) (*ErrorCounts, error) {
	const op = "errors/total"
	body, err := c.info(ctx, op, "/info/errors/total/", nil, acquiring.ErrInvalid)
	if err != nil {
		return nil, err
	}
	r, err := c.one(op, body)
	if err != nil {
		return nil, err
	}
	counts := &ErrorCounts{Total: r.integer("total"), Raw: body}
	groups, err := c.rows(op, r.m["totalWithGroup"])
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		counts.Groups = append(counts.Groups, ErrorCount{Code: g.text("error_code"), Message: g.text("user_description"), Count: g.integer("total")})
	}
	return counts, nil
}
