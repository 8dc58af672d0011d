package crm

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Scopes are the permissions that a one-step connection asks for.
func Scopes() []string {
	return []string{"integration_read", "integration_write", "payments_read", "payments_write", "reference_read", "store_read"}
}

// Permissions are those that a key pasted by hand must have, as the CRM's
// list of permissions shows them.
func Permissions() []string {
	return []string{"/api/integration-modules/{code}", "/api/integration-modules/{code}/edit",
		"/api/payment/create-invoice", "/api/payment/(updateInvoice|check)"}
}

// ConnectInfo is the module's answer to the first question of a one-step
// connection.
type ConnectInfo struct {
	Success     bool     `json:"success"`
	Scopes      []string `json:"scopes,omitempty"`
	RegisterURL string   `json:"registerUrl,omitempty"`
	ErrorMsg    string   `json:"errorMsg,omitempty"`
}

// Register is what the CRM then posts, in the field register.
type Register struct {
	Token     string `json:"token"`
	APIKey    string `json:"apiKey"`
	SystemURL string `json:"systemUrl"`
}

// Registered is the answer to it.
type Registered struct {
	AccountURL string  `json:"accountUrl,omitempty"`
	Success    bool    `json:"success"`
	ErrorMsg   *string `json:"errorMsg"`
}

// Token is the code by which the CRM proves who it is: HMAC-SHA256 of the API
// key under the module's secret, in lower-case hexadecimal digits.
func Token(apiKey, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(apiKey))
	return hex.EncodeToString(mac.Sum(nil))
}

// Verify compares the token in constant time. An empty secret verifies
// nothing: whoever knows that it is empty could make the token.
func (r Register) Verify(secret string) bool {
	return secret != "" && r.APIKey != "" && hmac.Equal([]byte(Token(r.APIKey, secret)), []byte(r.Token))
}

// System is the account's address without a slash at its end.
func (r Register) System() string { return strings.TrimRight(strings.TrimSpace(r.SystemURL), "/") }

// Module is the registration of the module in an account.
type Module struct {
	Code               string            `json:"code"`
	IntegrationCode    string            `json:"integrationCode"`
	Active             bool              `json:"active"`
	Freeze             bool              `json:"freeze"`
	Native             bool              `json:"native"`
	Name               string            `json:"name"`
	Logo               string            `json:"logo,omitempty"`
	ClientID           string            `json:"clientId"`
	BaseURL            string            `json:"baseUrl"`
	Actions            map[string]string `json:"actions"`
	AccountURL         string            `json:"accountUrl"`
	AvailableCountries []string          `json:"availableCountries,omitempty"`
	Integrations       struct {
		Payment PaymentIntegration `json:"payment"`
	} `json:"integrations"`
}

// PaymentIntegration is the payment part of a registration.
type PaymentIntegration struct {
	Actions      map[string]string `json:"actions"`
	Currencies   []string          `json:"currencies"`
	InvoiceTypes []string          `json:"invoiceTypes"`
	Shops        []Shop            `json:"shops"`
}

// Shop is a bank shop, to which the account's payment types are bound by hand.
type Shop struct {
	Code   string `json:"code"`
	Name   string `json:"name"`
	Active bool   `json:"active"`
}
