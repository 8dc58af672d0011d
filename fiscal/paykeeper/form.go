package paykeeper

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html"
	"net/http"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// PaymentForm is a payment that the customer's browser begins by itself, with
// no invoice (section 7, «HTML-форма»). Its signature covers the sum and the
// five texts after it, not the cart.
type PaymentForm struct {
	Amount      money.Amount
	ClientID    string
	OrderID     string
	Service     ServiceName // a cart in it is signed with it; Cart below is not
	ClientEmail string
	ClientPhone string
	Cart        Cart
	System      string // forces a payment system (pstype): "sbp_default"
	Lang        string // of the page: "ru", "en"
	ReturnURL   string // user_result_callback
	// CreateBinding asks to save the card (привязка карты): its number,
	// bank_id, comes with the notification. ClientID is needed.
	CreateBinding bool
}

// SignedForm is what the browser posts.
type SignedForm struct {
	Action string // address of the payment page
	Fields webhook.Params
}

// SignForm signs a payment form with the secret word: SHA-256 over sum,
// clientid, orderid, service_name, client_email, client_phone and the secret
// word, one after another.
func (c *Client) SignForm(f PaymentForm) (*SignedForm, error) {
	const op = "create"
	if f.Amount <= 0 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Amount", "must be more than zero"))
	}
	if f.CreateBinding && f.ClientID == "" {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("ClientID", "is empty; a card is saved for a customer"))
	}
	if len(f.Cart) > 0 && f.Cart.Total() != f.Amount {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("Cart", "comes to "+f.Cart.Total().String()+", but the payment is "+f.Amount.String()))
	}
	service, err := f.Service.encode()
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	var out fields
	out.add("sum", f.Amount.String())
	out.some("clientid", f.ClientID)
	out.some("orderid", f.OrderID)
	out.some("service_name", service)
	out.some("client_email", f.ClientEmail)
	out.some("client_phone", f.ClientPhone)
	if len(f.Cart) > 0 {
		cart, err := f.Cart.encode()
		if err != nil {
			return nil, acquiring.InOp(provider, op, err)
		}
		out.add("cart", cart)
	}
	out.some("pstype", f.System)
	out.some("lang", f.Lang)
	out.some("user_result_callback", f.ReturnURL)
	if f.CreateBinding {
		out.add("msgtype", "createbinding")
	}
	out.add("sign", c.sign(f.Amount, f.ClientID, f.OrderID, service, f.ClientEmail, f.ClientPhone))
	return &SignedForm{Action: c.rest.BaseURL() + "/create/", Fields: webhook.Params(out)}, nil
}

// sign is the signature of forms and of charges.
func (c *Client) sign(sum money.Amount, clientID, orderID, service, email, phone string) string {
	h := sha256.New()
	for _, part := range []string{sum.String(), clientID, orderID, service, email, phone, c.cfg.Secret} {
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// HTML is the form as a fragment of a page: hidden fields and one button with
// the text. Everything is escaped.
func (f *SignedForm) HTML(button string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<form method=\"post\" action=\"%s\" accept-charset=\"utf-8\">\n", html.EscapeString(f.Action))
	for _, p := range f.Fields {
		fmt.Fprintf(&b, "<input type=\"hidden\" name=\"%s\" value=\"%s\">\n", html.EscapeString(p.Name), html.EscapeString(p.Value))
	}
	fmt.Fprintf(&b, "<button type=\"submit\">%s</button>\n</form>\n", html.EscapeString(button))
	return b.String()
}

// InlineForm asks for a fragment of HTML with the payment form, to be put into
// the shop's page: POST /order/inline/. An old way that PayKeeper keeps for its
// modules.
func (c *Client) InlineForm(ctx context.Context, f PaymentForm) (string, error) {
	const op = "order/inline"
	if f.Amount <= 0 {
		return "", acquiring.InOp(provider, op, acquiring.Invalid("Amount", "must be more than zero"))
	}
	var form fields
	form.add("clientid", f.ClientID)
	form.add("orderid", f.OrderID)
	form.add("sum", f.Amount.String())
	form.some("client_phone", f.ClientPhone)
	form.some("phone", f.ClientPhone)
	form.some("client_email", f.ClientEmail)
	if len(f.Cart) > 0 {
		cart, err := f.Cart.encode()
		if err != nil {
			return "", acquiring.InOp(provider, op, err)
		}
		form.add("cart", cart)
	}
	call := rest.Call{Op: op, Path: "/order/inline/", ContentType: formType, Body: []byte(form.encode())}
	resp, err := c.rest.Do(ctx, call)
	if err != nil {
		return "", err
	}
	if resp.Status != http.StatusOK || len(resp.Body) == 0 {
		kind, outcome := rest.KindOfStatus(resp.Status)
		if kind == nil {
			kind = acquiring.ErrProtocol
		}
		return "", c.rest.Error(call, resp, kind, outcome, "", "no form came: "+c.rest.Excerpt(resp.Body))
	}
	return string(resp.Body), nil
}
