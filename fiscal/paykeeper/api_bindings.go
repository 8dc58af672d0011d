package paykeeper

import (
	"context"
	"encoding/json"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// BindingRequest charges a saved card (списание по связке, 9.6).
type BindingRequest struct {
	BankID      string // number of the saved card, from the notification's bank_id
	OrderID     string
	Amount      money.Amount
	ClientID    string // as it was when the card was saved
	Service     ServiceName
	ClientEmail string
	ClientPhone string
	Cart        Cart
	System      string            // pstype
	Extra       map[string]string // further fields, as they are
}

// ExecuteBinding charges a saved card: POST /change/binding/execute/. Success
// means that it was accepted; the payment is announced by the usual
// notification. Nothing keeps a second call from charging twice: use
// Acquirer.Charge, which looks first.
func (c *Client) ExecuteBinding(ctx context.Context, req BindingRequest) (json.RawMessage, error) {
	const op = "binding/execute"
	form, err := c.bindingForm(req)
	if err != nil {
		return nil, acquiring.InOp(provider, op, err)
	}
	body, err := c.change(ctx, op, "/change/binding/execute/", form, acquiring.ErrDeclined)
	if err != nil {
		return nil, err
	}
	if _, err := c.succeeded(op, body); err != nil {
		return nil, err
	}
	return body, nil
}

func (c *Client) bindingForm(req BindingRequest) (fields, error) {
	switch {
	case req.BankID == "":
		return nil, acquiring.Invalid("BankID", "is empty; it comes with the notification of the payment that saved the card")
	case req.Amount <= 0:
		return nil, acquiring.Invalid("Amount", "must be more than zero")
	case len(req.Cart) > 0 && req.Cart.Total() != req.Amount:
		return nil, acquiring.Invalid("Cart", "comes to "+req.Cart.Total().String()+", but the charge is "+req.Amount.String())
	}
	service, err := req.Service.encode()
	if err != nil {
		return nil, err
	}
	cart, err := req.Cart.encode()
	if err != nil {
		return nil, err
	}
	// All fields are sent, as the service's own module does.
	var f fields
	f.add("bank_id", req.BankID)
	f.add("orderid", req.OrderID)
	f.add("sum", req.Amount.String())
	f.add("clientid", req.ClientID)
	f.add("service_name", service)
	f.add("client_email", req.ClientEmail)
	f.add("client_phone", req.ClientPhone)
	f.add("cart", cart)
	f.some("pstype", req.System)
	f.add("sign", c.sign(req.Amount, req.ClientID, req.OrderID, service, req.ClientEmail, req.ClientPhone))
	return f.extra(req.Extra)
}
