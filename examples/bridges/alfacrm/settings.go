package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/examples/bridges/alfacrm/api"
	"github.com/acquiring-go/acquiring/examples/internal/bridge"
	"github.com/acquiring-go/acquiring/examples/internal/shops"
)

// config is the file of the bridge.
type config struct {
	bridge.Config
	AlfaCRM settings `json:"alfacrm"`
}

// settings are AlfaCRM's part. What is not known for sure of AlfaCRM, or
// differs between accounts, is here.
type settings struct {
	URL            string `json:"url"`   // https://school.s20.online
	Email          string `json:"email"` // of the API's own user
	APIKey         string `json:"api_key"`
	Zone           string `json:"zone"`             // of the account; Europe/Moscow unless set
	AmountAsNumber bool   `json:"amount_as_number"` // sums as JSON numbers in place of text

	Post  place            `json:"post"`  // where income goes
	Shops map[string]place `json:"shops"` // the same for single shops; zero fields are those of post

	CustomField    string         `json:"custom_field"`    // the account's own field for the bank's number: custom_md_order; "": the note alone
	Unconfirmed    bool           `json:"unconfirmed"`     // post with is_confirmed 0
	TrustRef       bool           `json:"trust_ref"`       // do not look whether the client exists before an invoice is issued
	CustomerFilter map[string]any `json:"customer_filter"` // of customer/index; absent: clients and leads, the archive too
	PayFilter      map[string]any `json:"pay_filter"`      // further fields of the search in pay/index
	Refund         refund         `json:"refund"`
}

// place is where a payment is posted.
type place struct {
	BranchID     int `json:"branch_id"`      // филиал
	PayAccountID int `json:"pay_account_id"` // касса
	PayItemID    int `json:"pay_item_id"`    // статья; 0: none
	LocationID   int `json:"location_id"`    // локация; 0: none
}

// refund is how money that went back is posted.
type refund struct {
	// Mode is "expenditure" (the default): a payment of type 3 with the sum as
	// expenditure; "income": the same with a sum as income, for accounts where
	// the type alone makes it a refund; "person": nobody posts it, a person is
	// asked to.
	Mode      string `json:"mode"`
	PayTypeID int    `json:"pay_type_id"` // 3 unless set
	PayItemID int    `json:"pay_item_id"` // 0: that of the income
}

// or fills the fields that are zero.
func (p place) or(base place) place {
	fill := func(v *int, base int) {
		if *v == 0 {
			*v = base
		}
	}
	fill(&p.BranchID, base.BranchID)
	fill(&p.PayAccountID, base.PayAccountID)
	fill(&p.PayItemID, base.PayItemID)
	fill(&p.LocationID, base.LocationID)
	return p
}

// open makes the poster of the settings.
func (s settings) open(list []shops.Shop, get func(string) string, log *slog.Logger) (*poster, error) {
	p := &poster{settings: s, places: map[string]place{}, log: log}
	var err error
	key, err := shops.Resolve(s.APIKey, get)
	if err != nil {
		return nil, fmt.Errorf("alfacrm.api_key: %w", err)
	}
	if p.Zone == "" {
		p.Zone = "Europe/Moscow"
	}
	if p.zone, err = time.LoadLocation(p.Zone); err != nil {
		return nil, fmt.Errorf("alfacrm.zone: %w", err)
	}
	if p.CustomField != "" && !strings.HasPrefix(p.CustomField, "custom_") {
		return nil, fmt.Errorf("alfacrm.custom_field is %q; AlfaCRM's own fields begin with custom_", p.CustomField)
	}
	if p.CustomerFilter == nil {
		p.CustomerFilter = map[string]any{"is_study": 2, "removed": 1}
	}
	switch p.Refund.Mode {
	case "":
		p.Refund.Mode = refundExpenditure
	case refundExpenditure, refundIncome, refundPerson:
	default:
		return nil, fmt.Errorf("alfacrm.refund.mode is %q; it must be %s, %s or %s", p.Refund.Mode, refundExpenditure, refundIncome, refundPerson)
	}
	if p.Refund.PayTypeID == 0 {
		p.Refund.PayTypeID = api.PayRefund
	}
	for _, shop := range list {
		to := s.Shops[shop.Code].or(s.Post)
		if to.BranchID <= 0 || to.PayAccountID <= 0 {
			return nil, fmt.Errorf("alfacrm.post needs branch_id and pay_account_id for shop %q: write 1 into both, and the command check shows those there are", shop.Code)
		}
		p.places[shop.Code] = to
	}
	for code := range s.Shops {
		if _, ok := p.places[code]; !ok {
			return nil, fmt.Errorf("alfacrm.shops: there is no shop %q", code)
		}
	}
	p.api, err = api.New(api.Config{BaseURL: s.URL, Email: s.Email, APIKey: key, Logger: log, AmountAsNumber: s.AmountAsNumber})
	if err != nil {
		return nil, fmt.Errorf("alfacrm: %w", err)
	}
	return p, nil
}
