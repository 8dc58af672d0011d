package sberbank

import (
	"context"
	"net/url"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
)

var (
	epSetPassword    = endpoint{op: "set-permanent-password", json: "/accounts/v1/set-permanent-password", login: true}
	epAPIKey         = endpoint{op: "apikey/generate", json: "/accounts/v1/apikey/generate"}
	epLoyaltyBalance = endpoint{op: "getLoyaltyBalance", json: "getLoyaltyBalance", read: true}
	epAutoCompletion = endpoint{op: "autoCompletion", json: "autoCompletion", key: true}
	epAutoRefund     = endpoint{op: "autoRefund", json: "autoRefund", key: true}
)

// PasswordAnswer is the answer of set-permanent-password. It holds the new
// password: store it, and do not log it.
type PasswordAnswer struct {
	rbs.Head
	Login    rbs.Text `json:"login"`
	Password rbs.Text `json:"password"`
}

// String hides the password.
func (a PasswordAnswer) String() string {
	return "sberbank.PasswordAnswer{Login:" + string(a.Login) + " Password:" + rest.Mask(string(a.Password)) + "}"
}

// GoString is String, for %#v.
func (a PasswordAnswer) GoString() string { return a.String() }

// SetPermanentPassword turns the temporary password of a login, as the bank
// mailed it, into a permanent one (accounts/v1/set-permanent-password; new
// gateway). The
// new one has 18 to 30 characters, a digit and a capital letter among them;
// "" lets the bank make one. The Client's own credentials are not used, and
// they do not change.
func (c *Client) SetPermanentPassword(ctx context.Context, login, temporary, permanent string) (*PasswordAnswer, error) {
	switch {
	case login == "" || temporary == "":
		return nil, acquiring.InOp(provider, epSetPassword.op, acquiring.Invalid("login", "or the temporary password is empty"))
	case permanent != "" && (len(permanent) < 18 || len(permanent) > 30):
		return nil, acquiring.InOp(provider, epSetPassword.op, acquiring.Invalid("permanent", "does not have 18 to 30 characters"))
	}
	var out PasswordAnswer
	if err := c.call(ctx, epSetPassword, struct {
		Login     string `json:"login"`
		Temporary string `json:"tmpPassword"`
		Permanent string `json:"password,omitempty"`
	}{login, temporary, permanent}, &out); err != nil {
		return nil, err
	}
	out.Raw = nil // it is the password
	return &out, nil
}

// APIKey is the answer of apikey/generate.
type APIKey struct {
	rbs.Head
	ID  rbs.Text `json:"id"`
	Key rbs.Text `json:"apiKey"` // 512 characters; some answers spell it apikey
}

// String hides the key.
func (k APIKey) String() string {
	return "sberbank.APIKey{ID:" + string(k.ID) + " Key:" + rest.Mask(string(k.Key)) + "}"
}

// GoString is String, for %#v.
func (k APIKey) GoString() string { return k.String() }

// GenerateAPIKey makes a key for the bank's mobile SDK
// (accounts/v1/apikey/generate; new gateway). It is no credential of this API. More than
// five active keys are refused (HTTP 400: ErrInvalid). The description is for
// the cabinet; "": none.
func (c *Client) GenerateAPIKey(ctx context.Context, description string) (*APIKey, error) {
	var out APIKey
	if err := c.call(ctx, epAPIKey, struct {
		Description   string `json:"description,omitempty"`
		MerchantLogin string `json:"merchantLogin,omitempty"`
	}{description, c.conf.MerchantLogin}, &out); err != nil {
		return nil, err
	}
	out.Key = rbs.Text(strings.TrimSpace(string(out.Key)))
	out.Raw = nil
	return &out, nil
}

// LoyaltyBalance is the answer of getLoyaltyBalance.
type LoyaltyBalance struct {
	rbs.Head
	Operations rbs.List[struct {
		Service rbs.Text `json:"serviceName"`  // sbrf_spasibo
		Balance rbs.Int  `json:"bonusBalance"` // kopecks of bonuses
	}] `json:"loyaltyOperations"`
}

// GetLoyaltyBalance reads the bonuses «Спасибо» of a saved card
// (getLoyaltyBalance; the bank marks the loyalty methods as in development).
func (c *Client) GetLoyaltyBalance(ctx context.Context, bindingID string) (*LoyaltyBalance, error) {
	var out LoyaltyBalance
	if err := c.call(ctx, epLoyaltyBalance, struct {
		BindingID string `json:"bindingId"`
	}{bindingID}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// LoyaltyRequest completes or refunds an order that was paid partly with
// bonuses. CompositeAmount is money and bonuses together, in kopecks.
type LoyaltyRequest struct {
	OrderID          string       `json:"orderId"`
	CompositeAmount  money.Amount `json:"compositeAmount"`
	ExternalRefundID string       `json:"-"` // autoRefund only, as OrderRefund has it
	OrderBundle      *OrderBundle `json:"orderBundle,omitempty"`
	JSONParams       Params       `json:"jsonParams,omitempty"`
}

// AutoCompletion is Deposit for an order paid partly with bonuses
// (autoCompletion). It is not safe to repeat blindly: read the order first.
func (c *Client) AutoCompletion(ctx context.Context, r LoyaltyRequest) (*Answer, error) {
	var out Answer
	if err := c.call(ctx, epAutoCompletion, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// AutoRefund is RefundOrder for an order paid partly with bonuses (autoRefund),
// but that it is not repeated by itself.
func (c *Client) AutoRefund(ctx context.Context, r LoyaltyRequest) (*Answer, error) {
	if r.ExternalRefundID != "" {
		params := Params{"externalRefundId": r.ExternalRefundID}
		for name, value := range r.JSONParams {
			params[name] = value
		}
		r.JSONParams = params
	}
	var out Answer
	if err := c.call(ctx, epAutoRefund, r, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// CallbackSettings are the merchant's callbacks, as the bank's own modules set
// them.
type CallbackSettings struct {
	URL        string   // where to; absolute
	Dynamic    bool     // take the address of each order
	POST       bool     // false: GET
	Operations []string // deposited, approved, declinedByTimeout, reversed, refunded
}

// UpdateCallbacks switches callbacks on (mportal/…/merchant/update; legacy
// gateway). It is what the official module for WooCommerce 4.1.4 does; the
// bank does not document it. The answer's form is not known: only its HTTP
// status counts.
func (c *Client) UpdateCallbacks(ctx context.Context, s CallbackSettings) error {
	const op = "merchant/update"
	if c.conf.Protocol != ProtocolLegacy {
		return acquiring.Unsupported(provider, op, "callbacks of the new gateway are set in the cabinet")
	}
	if err := acquiring.CheckURL("URL", s.URL); err != nil || s.URL == "" {
		return acquiring.InOp(provider, op, acquiring.Invalid("URL", "is not an absolute http(s) address"))
	}
	kind, method, portal := "STATIC", "GET", "mportal"
	if s.Dynamic {
		kind = "DYNAMIC"
	}
	if s.POST {
		method = "POST"
	}
	if c.conf.Environment == acquiring.Test {
		portal = "mportal-uat"
	}
	body, err := rbs.CompactJSON(struct {
		Enabled    bool   `json:"callbacks_enabled"`
		Type       string `json:"callback_type"`
		Addresses  string `json:"callback_addresses"`
		Method     string `json:"callback_http_method"`
		Operations string `json:"callback_operations"`
	}{true, kind, s.URL, method, strings.Join(s.Operations, ",")})
	if err != nil {
		return err
	}
	login := strings.TrimSuffix(c.conf.UserName, "-api")
	call := rest.Call{Op: op, Body: body, ContentType: rbs.ContentJSON, Repeatable: true,
		Path: c.host + "/" + portal + "/mvc/public/merchant/update/" + url.PathEscape(login), Header: basicAuth(c.conf.UserName, c.conf.Password)}
	resp, err := c.gate.REST.Do(ctx, call)
	if err != nil {
		return err
	}
	if kind, outcome := rest.KindOfStatus(resp.Status); kind != nil {
		return c.gate.REST.Error(call, resp, kind, outcome, "", c.gate.REST.Excerpt(resp.Body))
	}
	return nil
}
