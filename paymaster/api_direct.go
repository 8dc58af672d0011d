package paymaster

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/money"
)

// Scopes of PayMaster Direct: which account the buyer lets be charged.
const (
	DirectBankCard = "bankcard"
	DirectWebMoney = "webmoney"
	DirectTest     = "503"
)

// Statuses of a charge of PayMaster Direct.
const (
	DirectComplete   = "complete"
	DirectInProgress = "in_progress"
	DirectFailure    = "failure"
)

// DirectToken is the right to charge a buyer's account.
type DirectToken struct {
	AccessToken       string          `json:"access_token"`
	TokenType         string          `json:"token_type"`
	ExpiresIn         Text            `json:"expires_in"` // seconds
	AccountIdentifier Text            `json:"account_identifier"`
	Raw               json.RawMessage `json:"-"`
}

// String hides the token.
func (t DirectToken) String() string {
	return "paymaster.DirectToken{AccessToken:" + rest.Mask(t.AccessToken) + "}"
}

// GoString is String.
func (t DirectToken) GoString() string { return t.String() }

// DirectCharge is a charge by PayMaster Direct.
type DirectCharge struct {
	AccessToken           string
	MerchantTransactionID string       // the shop's number; up to 128 letters, digits, - and _
	Amount                money.Amount // kopecks
	Currency              string       // "": RUB
	Description           string
}

// DirectResult is where a charge stands.
type DirectResult struct {
	Status                 string          `json:"status"` // DirectComplete, …; of a begun charge it may be ""
	PaymentID              Text            `json:"payment_id"`
	ProcessorTransactionID Text            `json:"processor_transaction_id"`
	Raw                    json.RawMessage `json:"-"`
}

// directBody joins the parameters as they are signed. The order counts, and so
// does the spelling of every escape: PHP writes a tilde as %7E.
func directBody(f Form) string { return strings.ReplaceAll(f.Encode(), "~", "%7E") }

// directSigned is the body with the time and the sign.
func (c *ClassicClient) directSigned(f Form) string {
	body := directBody(f)
	iat := strconv.FormatInt(c.now().Unix(), 10)
	return body + "&iat=" + iat + "&sign=" + url.QueryEscape(directSum(body, iat, c.conf.DirectSecret))
}

func (c *ClassicClient) needDirect(op string) error {
	if c.conf.DirectSecret != "" {
		return nil
	}
	e := acquiring.Unsupported(provider, op, "is empty, and "+op+" belongs to PayMaster Direct")
	e.Field, e.Hint = "Config.DirectSecret", "ask PayMaster for the secret of Direct"
	return e
}

// DirectAuthURL is where the buyer permits later charges (PayMaster Direct,
// /direct/security/auth). He comes back to redirectURL with the parameter code.
func (c *ClassicClient) DirectAuthURL(redirectURL, scope string) (string, error) {
	const op = "DirectAuthURL"
	if err := c.needDirect(op); err != nil {
		return "", err
	}
	if err := acquiring.CheckURL("RedirectURL", redirectURL); err != nil || redirectURL == "" {
		return "", acquiring.InOp(provider, op, acquiring.Invalid("RedirectURL", "is not an absolute http(s) address"))
	}
	if scope == "" {
		scope = DirectBankCard
	}
	return c.rest.BaseURL() + "/direct/security/auth?" + c.directSigned(Form{{"response_type", "code"}, {"client_id", c.conf.MerchantID},
		{"redirect_uri", redirectURL}, {"scope", scope}, {"type", "rest"}}), nil
}

// DirectGetToken changes the code that the buyer brought back for the right to
// charge him (/direct/security/token). A code is good once.
func (c *ClassicClient) DirectGetToken(ctx context.Context, code, redirectURL string) (*DirectToken, error) {
	out := new(DirectToken)
	raw, err := c.direct(ctx, "direct/security/token", Form{{"client_id", c.conf.MerchantID}, {"code", code},
		{"grant_type", "authorization_code"}, {"redirect_uri", redirectURL}, {"type", "rest"}}, out)
	if err != nil {
		return nil, err
	}
	if out.AccessToken == "" {
		return nil, c.v1Nonsense("direct/security/token", "the answer has no access_token")
	}
	out.Raw = raw
	return out, nil
}

// DirectBegin begins a charge (/direct/payment/init); it moves no money.
func (c *ClassicClient) DirectBegin(ctx context.Context, r DirectCharge) (*DirectResult, error) {
	const op = "DirectBegin"
	switch {
	case r.AccessToken == "":
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("AccessToken", "is empty"))
	case !word(r.MerchantTransactionID):
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("MerchantTransactionID", "is empty or has other than letters, digits, - and _"))
	case r.Amount <= 0:
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Amount", "is not more than zero"))
	}
	return c.directCharge(ctx, "direct/payment/init", Form{{"access_token", r.AccessToken}, {"merchant_id", c.conf.MerchantID},
		{"merchant_transaction_id", r.MerchantTransactionID}, {"amount", r.Amount.String()}, {"currency", currency(r.Currency)},
		{"description", r.Description}, {"type", "rest"}})
}

// DirectRun takes the money of a charge that was begun
// (/direct/payment/complete). A failure is ErrDeclined; DirectInProgress says
// that it is not known yet. What a second call for the same charge does is not
// documented, so it is never repeated here: after OutcomeUnknown look for the
// payment in the cabinet before you make one.
func (c *ClassicClient) DirectRun(ctx context.Context, accessToken, merchantTransactionID, processorTransactionID string) (*DirectResult, error) {
	return c.directCharge(ctx, "direct/payment/complete", Form{{"access_token", accessToken}, {"merchant_id", c.conf.MerchantID},
		{"merchant_transaction_id", merchantTransactionID}, {"processor_transaction_id", processorTransactionID}, {"type", "rest"}})
}

// DirectRevoke gives the right to charge up (/direct/security/revoke).
func (c *ClassicClient) DirectRevoke(ctx context.Context, accessToken string) error {
	_, err := c.direct(ctx, "direct/security/revoke", Form{{"client_id", c.conf.MerchantID}, {"access_token", accessToken}, {"type", "rest"}}, nil)
	return err
}

func (c *ClassicClient) directCharge(ctx context.Context, path string, f Form) (*DirectResult, error) {
	out := new(DirectResult)
	raw, err := c.direct(ctx, path, f, out)
	if err != nil {
		return nil, err
	}
	if out.ProcessorTransactionID == "" && out.Status == "" {
		return nil, c.v1Nonsense(path, "the answer is no charge")
	}
	out.Raw = raw
	return out, nil
}

// direct makes a call of PayMaster Direct.
func (c *ClassicClient) direct(ctx context.Context, path string, f Form, out any) (json.RawMessage, error) {
	if err := c.needDirect(path); err != nil {
		return nil, err
	}
	call := rest.Call{Op: path, Method: http.MethodPost, Path: path, ContentType: contentForm, Body: []byte(c.directSigned(f))}
	resp, err := c.rest.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	body := bytes.TrimSpace(trimBOM(resp.Body))
	var head struct {
		Status      string `json:"status"`
		Error       Text   `json:"error"`
		Description Text   `json:"error_description"`
		Message     Text   `json:"message"`
	}
	if len(body) > 0 && body[0] == '{' {
		_ = json.Unmarshal(body, &head)
	}
	if resp.Status >= 300 || head.Error != "" || head.Status == DirectFailure {
		kind, outcome := rest.KindOfStatus(resp.Status)
		if kind == nil || head.Status == DirectFailure {
			kind, outcome = acquiring.ErrDeclined, acquiring.OutcomeRejected
		}
		words := strings.TrimSpace(string(head.Description) + " " + string(head.Message))
		if words == "" {
			words = "PayMaster Direct refused"
		}
		e := c.rest.Error(call, resp, kind, outcome, string(head.Error), words)
		return nil, e
	}
	if out == nil {
		return body, nil
	}
	if err := c.rest.DecodeJSON(call, resp, out); err != nil {
		return nil, err
	}
	return body, nil
}
