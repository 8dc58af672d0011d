package tochka

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/acquiring-go/acquiring"
)

// Discovery is what a CRM's settings page shows: what the key, or the
// customer's consent, gives access to.
type Discovery struct {
	At        time.Time
	Companies []Company // those of type Business: no other takes payments
}

// Company is one company with all that matters for taking payments.
type Company struct {
	Customer
	Points   []Retailer   // retail points, also those not in use yet
	Accounts []Account    // the company's
	SBP      *SBPCustomer // nil: not registered in SBP, or not to be read
	// Problems are the parts that could not be read, and why: a permission that
	// is not ticked, ordinarily.
	Problems []error
}

// Usable are the retail points that can take payments: their merchantId goes
// into Config.MerchantID, the company's code into Config.CustomerCode.
func (c Company) Usable() []Retailer {
	var out []Retailer
	for _, p := range c.Points {
		if p.Usable() {
			out = append(out, p)
		}
	}
	return out
}

// WithReceipts are the usable retail points that have a cash register.
func (c Company) WithReceipts() []Retailer {
	return slices.DeleteFunc(c.Usable(), func(p Retailer) bool { return !p.PrintsReceipts() })
}

// SBPLinks says whether payment links can be paid by SBP: some usable point
// has it.
func (c Company) SBPLinks() bool {
	return slices.ContainsFunc(c.Usable(), func(p Retailer) bool { return slices.Contains(p.PaymentModes, ModeSBP) })
}

// SBPCodes says whether SBP codes can be issued (CreateQR): the company is
// registered in SBP with an active merchant and account.
func (c Company) SBPCodes() bool {
	return c.SBP != nil && c.SBP.Status == SBPActive && len(activeMerchants(c.SBP)) > 0 && len(activeAccounts(c.SBP)) > 0
}

func activeMerchants(s *SBPCustomer) []SBPMerchant {
	return slices.DeleteFunc(slices.Clone(s.Merchants), func(m SBPMerchant) bool {
		return m.Status != SBPActive || (m.Capabilities != "" && !m.Capabilities.Dynamic())
	})
}

func activeAccounts(s *SBPCustomer) []SBPAccount {
	return slices.DeleteFunc(slices.Clone(s.Accounts), func(a SBPAccount) bool { return a.Status != SBPActive })
}

// Discover reads anew what the key gives access to; nothing is taken from a
// cache («Обновить данные из банка»). Config.CustomerCode may be empty. Parts
// that the key may not read are told in Company.Problems.
func (c *Client) Discover(ctx context.Context) (*Discovery, error) {
	customers, err := c.Customers(ctx)
	if err != nil {
		return nil, err
	}
	d := &Discovery{At: c.now()}
	accounts, accountsErr := c.Accounts(ctx)
	for _, customer := range customers {
		if customer.CustomerType != CustomerBusiness {
			continue
		}
		one := Company{Customer: customer}
		problem := func(err error) {
			if err != nil {
				one.Problems = append(one.Problems, err)
			}
		}
		problem(accountsErr)
		for _, a := range accounts {
			if a.CustomerCode == customer.CustomerCode {
				one.Accounts = append(one.Accounts, a)
			}
		}
		one.Points, err = c.Retailers(ctx, customer.CustomerCode)
		problem(err)
		if err == nil && customer.CustomerCode == c.conf.CustomerCode {
			c.points.keep(one.Points, c.now())
		}
		one.SBP, err = c.SBPCustomer(ctx, customer.CustomerCode, "")
		if !errors.Is(err, acquiring.ErrNotFound) {
			problem(err)
		}
		if err := ctx.Err(); err != nil {
			return nil, &acquiring.Error{Provider: provider, Op: "Discover", Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeRejected, Message: "the context ended before all was read", Err: err}
		}
		d.Companies = append(d.Companies, one)
	}
	return d, nil
}

// Refresh reads the company's retail points anew, which CreateInvoice keeps
// for ten minutes: after a change in the bank's cabinet.
func (c *Client) Refresh(ctx context.Context) error {
	_, err := c.loadPoints(ctx)
	return err
}

// How long the retail points are believed: good news and bad.
const (
	pointsLife  = 10 * time.Minute
	pointsRetry = 30 * time.Second
)

// pointCache keeps the retail points of Config.CustomerCode.
type pointCache struct {
	mu   sync.Mutex
	at   time.Time
	list []Retailer
}

func (p *pointCache) keep(list []Retailer, at time.Time) {
	p.mu.Lock()
	p.list, p.at = slices.Clone(list), at
	p.mu.Unlock()
}

func (p *pointCache) get(now time.Time) (list []Retailer, age time.Duration, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.list, now.Sub(p.at), !p.at.IsZero()
}

func (c *Client) loadPoints(ctx context.Context) ([]Retailer, error) {
	list, err := c.Retailers(ctx, "")
	if err == nil {
		c.points.keep(list, c.now())
	}
	return list, err
}

// point is the retail point that payments go through, good enough for want. A
// refusal out of the cache is checked against the bank first.
func (c *Client) point(ctx context.Context, want func(Retailer) error) (*Retailer, error) {
	choose := func(list []Retailer) (*Retailer, error) {
		p, err := c.choose(list)
		if err == nil {
			err = want(*p)
		}
		return p, err
	}
	if list, age, ok := c.points.get(c.now()); ok && age < pointsLife {
		p, err := choose(list)
		if err == nil || age < pointsRetry {
			return p, err
		}
	}
	list, err := c.loadPoints(ctx)
	if err != nil {
		return nil, unread{err}
	}
	return choose(list)
}

// unread marks that the retail points could not be read, which is not to say
// that they are bad.
type unread struct{ error }

func (u unread) Unwrap() error { return u.error }

// choose finds the configured retail point, or the only one.
func (c *Client) choose(list []Retailer) (*Retailer, error) {
	var usable []Retailer
	var names []string
	for i := range list {
		p := &list[i]
		if c.conf.MerchantID != "" && p.MerchantID == c.conf.MerchantID {
			if !p.Usable() {
				return nil, acquiring.Invalid("Config.MerchantID", fmt.Sprintf("is retail point %q, which is not in use: its status is %s", p.Name, p.Status))
			}
			return &list[i], nil
		}
		if p.Usable() {
			usable = append(usable, *p)
			names = append(names, fmt.Sprintf("%s (%s)", p.MerchantID, p.Name))
		}
	}
	switch {
	case len(usable) == 0:
		return nil, acquiring.Invalid("Config.CustomerCode", "is a company without a retail point in use; connect internet acquiring in the internet bank")
	case c.conf.MerchantID != "":
		return nil, acquiring.Invalid("Config.MerchantID", "is not a retail point of this company; it has "+strings.Join(names, ", "))
	case len(usable) > 1:
		return nil, acquiring.Invalid("Config.MerchantID", "is empty, but the company has several retail points: "+strings.Join(names, ", "))
	}
	return &usable[0], nil
}

// Check says whether the key is good and the company can take payments: the
// company is one that the key sees, of type Business, with the configured
// retail point, or a single one, in use.
func (c *Client) Check(ctx context.Context) error {
	const op = "Check"
	company, err := c.company(op)
	if err != nil {
		return err
	}
	customers, err := c.Customers(ctx)
	if err != nil {
		return err
	}
	var codes []string
	found := false
	for _, customer := range customers {
		switch {
		case customer.CustomerCode == company && customer.CustomerType == CustomerPersonal:
			return acquiring.InOp(provider, op, acquiring.Invalid("Config.CustomerCode", "is a person, not a company; choose a customer of type Business"))
		case customer.CustomerCode == company:
			found = true
		case customer.CustomerType == CustomerBusiness:
			codes = append(codes, customer.CustomerCode)
		}
	}
	if !found {
		return acquiring.InOp(provider, op, acquiring.Invalid("Config.CustomerCode", "is not among the companies of this key: "+strings.Join(codes, ", ")))
	}
	list, err := c.loadPoints(ctx)
	if err != nil {
		if c.sandbox() {
			return nil // it need not know the method
		}
		return err
	}
	if _, err = c.choose(list); err != nil && !c.sandbox() {
		return acquiring.InOp(provider, op, err)
	}
	return nil
}

// sandbox says whether this is the bank's sandbox, whose answers are canned.
func (c *Client) sandbox() bool { return strings.HasSuffix(c.rest.BaseURL(), "/sandbox/v2") }
