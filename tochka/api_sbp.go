package tochka

import (
	"context"
	"net/http"

	"github.com/acquiring-go/acquiring"
)

// SBPStatus is whether a legal entity, a merchant or a code of SBP is in use.
type SBPStatus string

// The statuses in SBP.
const (
	SBPActive    SBPStatus = "Active"    // takes payments
	SBPSuspended SBPStatus = "Suspended" // does not
)

// LegalEntity is a company as SBP knows it.
type LegalEntity struct {
	Status                 SBPStatus `json:"status"`
	LegalID                string    `json:"legalId"` // LF and ten characters
	CreatedAt              Time      `json:"createdAt"`
	Address                string    `json:"address"`
	City                   string    `json:"city"`
	CountryCode            string    `json:"countryCode"`
	CountrySubDivisionCode string    `json:"countrySubDivisionCode"`
	ZipCode                string    `json:"zipCode"`
	CustomerCode           string    `json:"customerCode"`
	EntityType             string    `json:"entityType"`
	INN                    string    `json:"inn"`
	KPP                    string    `json:"kpp"`
	Name                   string    `json:"name"`
	OGRN                   string    `json:"ogrn"`
}

// SBPCustomer is a company in SBP with its merchants and accounts.
type SBPCustomer struct {
	LegalEntity
	BankCode  string        `json:"bankCode"`
	Merchants []SBPMerchant `json:"MerchantList"`
	Accounts  []SBPAccount  `json:"AccountList"`
}

// SBPMerchant is a merchant of SBP (ТСП): another thing than a retail point.
type SBPMerchant struct {
	Status                 SBPStatus        `json:"status"`
	CreatedAt              Time             `json:"createdAt"`
	Address                string           `json:"address"`
	City                   string           `json:"city"`
	CountryCode            string           `json:"countryCode"`
	CountrySubDivisionCode string           `json:"countrySubDivisionCode"`
	ZipCode                string           `json:"zipCode"`
	MerchantID             string           `json:"merchantId"` // MF and ten characters
	LegalID                string           `json:"legalId"`
	BrandName              string           `json:"brandName"`
	Capabilities           Capabilities     `json:"capabilities"`
	ContactPhoneNumber     string           `json:"contactPhoneNumber"`
	MCC                    Text             `json:"mcc"`
	AdditionalContacts     []map[string]any `json:"additionalContacts"`
}

// Capabilities are three bits: which codes a merchant may issue.
type Capabilities string

// Static says whether the merchant may issue codes that are paid many times.
func (v Capabilities) Static() bool { return len(v) == 3 && v[2] == '1' }

// Dynamic says whether the merchant may issue codes for one payment.
func (v Capabilities) Dynamic() bool { return len(v) == 3 && v[1] == '1' }

// Cashbox says whether the merchant may issue codes of a cash desk.
func (v Capabilities) Cashbox() bool { return len(v) == 3 && v[0] == '1' }

// AllCapabilities are all three: the bank's advice.
const AllCapabilities Capabilities = "111"

// SBPAccount is an account that SBP money comes to.
type SBPAccount struct {
	AccountID string    `json:"accountId"`
	Status    SBPStatus `json:"status"`
	CreatedAt Time      `json:"createdAt"`
	LegalID   string    `json:"legalId"`
}

// SBPCustomer reads a company in SBP (GET customer/{customerCode}/{bankCode};
// ReadSBPData). "" are Config.CustomerCode and the bank's own BIC.
func (c *Client) SBPCustomer(ctx context.Context, customerCode, bankCode string) (*SBPCustomer, error) {
	const op = "sbp.customer"
	if customerCode == "" {
		var err error
		if customerCode, err = c.company(op); err != nil {
			return nil, err
		}
	}
	if bankCode == "" {
		bankCode = BankCode
	}
	r := get(op, "sbp/v1.0/customer/", customerCode, "/", bankCode)
	r.company = customerCode
	var out SBPCustomer
	if _, err := c.call(ctx, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// RegisterLegalEntity registers a company in SBP (POST
// register-sbp-legal-entity; EditSBPData) and gives its legalId, which may be
// empty at first.
func (c *Client) RegisterLegalEntity(ctx context.Context, customerCode, bankCode string) (legalID string, err error) {
	const op = "sbp.legal_entity.register"
	if customerCode == "" {
		if customerCode, err = c.company(op); err != nil {
			return "", err
		}
	}
	if bankCode == "" {
		bankCode = BankCode
	}
	body := dataOf[any]{struct {
		CustomerCode string `json:"customerCode"`
		BankCode     string `json:"bankCode"`
	}{customerCode, bankCode}}
	r := post(op, body, "sbp/v1.0/register-sbp-legal-entity")
	r.company = customerCode
	var out struct{ LegalID string }
	_, err = c.call(ctx, r, &out)
	return out.LegalID, err
}

// LegalEntity reads a company in SBP by its legalId (GET
// legal-entity/{legalId}).
func (c *Client) LegalEntity(ctx context.Context, legalID string) (*LegalEntity, error) {
	var out LegalEntity
	if _, err := c.call(ctx, get("sbp.legal_entity.get", "sbp/v1.0/legal-entity/", legalID), &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// statusBody changes a status.
func statusBody(status SBPStatus) any {
	return dataOf[any]{struct {
		Status SBPStatus `json:"status"`
	}{status}}
}

// SetLegalEntityStatus switches a company in SBP on or off (POST
// legal-entity/{legalId}).
func (c *Client) SetLegalEntityStatus(ctx context.Context, legalID string, status SBPStatus) error {
	r := post("sbp.legal_entity.status", statusBody(status), "sbp/v1.0/legal-entity/", legalID)
	r.again = true
	return c.accepted(ctx, r, acquiring.ErrConflict, "")
}

// SBPAccounts lists the accounts of a company in SBP (GET account/{legalId}).
func (c *Client) SBPAccounts(ctx context.Context, legalID string) ([]SBPAccount, error) {
	var data struct{ AccountList []SBPAccount }
	if _, err := c.call(ctx, get("sbp.accounts", "sbp/v1.0/account/", legalID), &data); err != nil {
		return nil, err
	}
	return data.AccountList, nil
}

// SBPMerchantRequest registers a merchant of SBP.
type SBPMerchantRequest struct {
	Address                string       `json:"address"`                // at most 140
	City                   string       `json:"city"`                   // at most 140
	CountryCode            string       `json:"countryCode"`            // RU
	CountrySubDivisionCode string       `json:"countrySubDivisionCode"` // first two digits of ОКТМО
	ZipCode                string       `json:"zipCode"`                // at most 6
	BrandName              string       `json:"brandName"`              // at most 35; the buyer sees it
	Capabilities           Capabilities `json:"capabilities"`
	ContactPhoneNumber     string       `json:"contactPhoneNumber,omitempty"` // at most 13
	MCC                    string       `json:"mcc"`                          // four digits
	Scenario               string       `json:"scenario,omitempty"`           // C2B (the default) or B2B
	SalesMode              string       `json:"salesMode,omitempty"`          // REMOTE (the default) or FACE_TO_FACE
}

// RegisterSBPMerchant registers a merchant of SBP (POST
// merchant/legal-entity/{legalId}) and gives its merchantId.
func (c *Client) RegisterSBPMerchant(ctx context.Context, legalID string, r SBPMerchantRequest) (merchantID string, err error) {
	var out struct{ MerchantID string }
	_, err = c.call(ctx, post("sbp.merchant.register", dataOf[SBPMerchantRequest]{r}, "sbp/v1.0/merchant/legal-entity/", legalID), &out)
	return out.MerchantID, err
}

// SBPMerchants lists the merchants of a company in SBP (GET
// merchant/legal-entity/{legalId}).
func (c *Client) SBPMerchants(ctx context.Context, legalID string) ([]SBPMerchant, error) {
	var data struct{ MerchantList []SBPMerchant }
	if _, err := c.call(ctx, get("sbp.merchant.list", "sbp/v1.0/merchant/legal-entity/", legalID), &data); err != nil {
		return nil, err
	}
	return data.MerchantList, nil
}

// SBPMerchant reads a merchant of SBP (GET merchant/{merchantId}).
func (c *Client) SBPMerchant(ctx context.Context, merchantID string) (*SBPMerchant, error) {
	var out SBPMerchant
	if _, err := c.call(ctx, get("sbp.merchant.get", "sbp/v1.0/merchant/", merchantID), &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// SetSBPMerchantStatus switches a merchant of SBP on or off (PUT
// merchant/{merchantId}).
func (c *Client) SetSBPMerchantStatus(ctx context.Context, merchantID string, status SBPStatus) error {
	r := post("sbp.merchant.status", statusBody(status), "sbp/v1.0/merchant/", merchantID)
	r.method, r.again = http.MethodPut, true
	return c.accepted(ctx, r, acquiring.ErrConflict, "")
}
