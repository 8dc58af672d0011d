package alfabank

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/rbs"
)

// Methods that are still answered and that the document of 2026 leaves out,
// and the cabinet's own.
var (
	epOldStatus  = endpoint{op: "getOrderStatus.do", read: true}
	epLastOrders = endpoint{op: "getLastOrdersForMerchants.do", read: true}
	epAddParams  = endpoint{op: "addParams.do"}
	epEnrollment = endpoint{op: "verifyEnrollment.do", read: true}
	epOtherWay   = endpoint{op: "paymentotherway.do"}
)

const opCallbacks = "merchant/update"

// GetOrderStatus reads an order by the older method (getOrderStatus.do): an
// Order as far as its answer goes. Prefer GetOrderStatusExtended. An order that
// was declined for its payment data may give ErrDeclined here.
func (c *Client) GetOrderStatus(ctx context.Context, orderID string) (*Order, error) {
	var out rbs.OldOrder
	if err := c.call(ctx, epOldStatus, StatusRequest{OrderID: orderID, Language: "ru"}, &out); err != nil {
		return nil, err
	}
	return out.AsOrder(), nil
}

// What the lists of orders are asked for and answered with.
type (
	OrdersQuery = rbs.OrdersQuery // period, statuses and page
	Orders      = rbs.Orders      // a page of orders
)

// GetLastOrders lists the merchant's orders, a page at a time
// (getLastOrdersForMerchants.do): the only list that the gateway has.
// [Client.Payments] goes through the pages.
func (c *Client) GetLastOrders(ctx context.Context, q OrdersQuery) (*Orders, error) {
	form, err := q.Form()
	if err != nil {
		return nil, acquiring.InOp(provider, epLastOrders.op, err)
	}
	var out Orders
	if err := c.call(ctx, epLastOrders, form, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// AddParams adds parameters to an order before it is paid (addParams.do); they
// come back in Order.MerchantParams. No parameters are ErrInvalid.
func (c *Client) AddParams(ctx context.Context, orderID string, params map[string]string) (*Answer, error) {
	if len(params) == 0 {
		return nil, acquiring.InOp(provider, epAddParams.op, acquiring.Invalid("params", "is empty"))
	}
	flat := make(Params, len(params))
	for name, value := range params {
		flat[name] = value
	}
	return c.plain(ctx, epAddParams, struct {
		OrderID  string `url:"orderId"`
		Params   Params `url:"params"`
		Language string `url:"language"`
	}{orderID, flat, "ru"})
}

// Enrollment is the answer of verifyEnrollment.do.
type Enrollment = rbs.Enrollment

// VerifyEnrollment asks whether a card takes part in 3-D Secure
// (verifyEnrollment.do). A number that is no card's is ErrInvalid.
func (c *Client) VerifyEnrollment(ctx context.Context, pan string) (*Enrollment, error) {
	if err := rbs.CheckPAN("pan", pan); err != nil {
		return nil, acquiring.InOp(provider, epEnrollment.op, err)
	}
	var out Enrollment
	if err := c.call(ctx, epEnrollment, struct {
		PAN string `url:"pan"`
	}{pan}, &out); err != nil {
		return nil, err
	}
	return &out, nil
}

// PaymentOtherWay sends a registered order to another way of payment
// (paymentotherway.do, of the time of Альфа-Клик): way is a paymentWay. The
// answer's fields are not published; PaymentAnswer.Raw has it whole.
func (c *Client) PaymentOtherWay(ctx context.Context, orderID, way string) (*PaymentAnswer, error) {
	return c.pay(ctx, epOtherWay, struct {
		OrderID  string `url:"MDORDER"`
		Way      string `url:"paymentWay"`
		Language string `url:"language"`
	}{orderID, way, "ru"})
}

// CallbackSettings switch the merchant's callbacks on.
type CallbackSettings struct {
	Enabled    bool     // false switches them off
	Dynamic    bool     // to the address of each order (dynamicCallbackUrl)
	Addresses  []string // of static callbacks; absolute
	Method     string   // GET, POST; "": GET
	Operations []string // nil: deposited, approved, declinedByTimeout, reversed, refunded
}

// UpdateCallbacks switches the merchant's callbacks on
// (/mportal/mvc/public/merchant/update). It is experimental: the bank's own
// shop modules do it for logins that begin with "r-", nothing about it is
// published, and the signature cannot be ordered so. The answer's body is
// returned as it came; a status of 2xx is all that is known of success.
func (c *Client) UpdateCallbacks(ctx context.Context, s CallbackSettings) ([]byte, error) {
	if err := c.allowed(endpoint{op: opCallbacks}); err != nil {
		return nil, err
	}
	for _, a := range s.Addresses {
		if err := acquiring.CheckURL("Addresses", a); err != nil {
			return nil, acquiring.InOp(provider, opCallbacks, err)
		}
	}
	kind := "STATIC"
	if s.Dynamic {
		kind = "DYNAMIC"
	}
	if s.Method == "" {
		s.Method = http.MethodGet
	}
	if s.Operations == nil {
		s.Operations = []string{rbs.OpDeposited, rbs.OpApproved, rbs.OpDeclinedByTimeout, rbs.OpReversed, rbs.OpRefunded}
	}
	body, err := json.Marshal(struct {
		Enabled    bool   `json:"callbacks_enabled"`
		Type       string `json:"callback_type"`
		Addresses  string `json:"callback_addresses,omitempty"`
		Method     string `json:"callback_http_method"`
		Operations string `json:"callback_operations"`
	}{s.Enabled, kind, strings.Join(s.Addresses, ","), s.Method, strings.Join(s.Operations, ",")})
	if err != nil {
		return nil, acquiring.InOp(provider, opCallbacks, acquiring.Invalid("Addresses", "cannot be written as JSON"))
	}
	base, err := url.Parse(c.gate.REST.BaseURL())
	if err != nil {
		return nil, acquiring.InOp(provider, opCallbacks, acquiring.Invalid("Config.BaseURL", "is no address"))
	}
	call := rest.Call{Op: opCallbacks, Method: http.MethodPost, ContentType: rbs.ContentJSON, Body: body,
		Path:   base.Scheme + "://" + base.Host + "/mportal/mvc/public/merchant/update/" + url.PathEscape(strings.TrimSuffix(c.conf.UserName, "-api")),
		Header: http.Header{"Authorization": {"Basic " + rest.BasicPair(c.conf.UserName, c.conf.Password)}}}
	resp, err := c.gate.REST.Do(ctx, call)
	if err != nil {
		return nil, err
	}
	if kind, outcome := rest.KindOfStatus(resp.Status); kind != nil {
		e := c.gate.REST.Error(call, resp, kind, outcome, "", c.gate.REST.Excerpt(resp.Body))
		e.Hint = "the address is not published and works for r-… logins only; order callbacks from the bank's support instead"
		return nil, e
	}
	return resp.Body, nil
}
