package crm

import (
	"context"
	"net/url"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

// Verdict is whether a payment may proceed.
type Verdict struct {
	OK      bool
	Message string // why not, for the manager
}

// Check asks whether the invoice still stands as it was issued
// (/payment/check). The answer has two flags: an error says that the question
// was not answered, Verdict what the answer was.
func (c *Client) Check(ctx context.Context, invoiceUUID string, amount money.Amount, currency string) (Verdict, error) {
	in := struct {
		InvoiceUUID string  `json:"invoiceUuid"`
		Amount      Roubles `json:"amount"`
		Currency    string  `json:"currency"`
	}{invoiceUUID, Roubles(amount), currency}
	var out struct {
		Result struct {
			Success  Flag `json:"success"`
			ErrorMsg Text `json:"errorMsg"`
		} `json:"result"`
	}
	if err := c.call(ctx, "payment/check", "/api/v5/payment/check", "check", in, &out); err != nil {
		return Verdict{}, err
	}
	if !out.Result.Success.Given {
		return Verdict{}, &acquiring.Error{Provider: provider, Op: "payment/check", Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeRejected,
			Message: "the answer does not say whether the payment may proceed"}
	}
	return Verdict{OK: out.Result.Success.Value, Message: string(out.Result.ErrorMsg)}, nil
}

// Update is news of an invoice. Zero fields are left as they are in the CRM.
type Update struct {
	InvoiceUUID         string   `json:"invoiceUuid"`
	PaymentID           string   `json:"paymentId,omitempty"`
	Status              string   `json:"status,omitempty"`
	Amount              *Roubles `json:"amount,omitempty"`
	CancellationDetails string   `json:"cancellationDetails,omitempty"` // at most 255
	InvoiceURL          string   `json:"invoiceUrl,omitempty"`
	PaidAt              string   `json:"paidAt,omitempty"`    // Y-m-d H:i:s
	ExpiredAt           string   `json:"expiredAt,omitempty"` // until when a hold waits
	Refundable          *bool    `json:"refundable,omitempty"`
	Cancellable         *bool    `json:"cancellable,omitempty"`
	Refund              *Refund  `json:"refund,omitempty"`
}

// UpdateInvoice tells the CRM (/payment/update-invoice). The same news told
// twice is told once.
func (c *Client) UpdateInvoice(ctx context.Context, u Update) error {
	return c.call(ctx, "payment/update-invoice", "/api/v5/payment/update-invoice", "updateInvoice", u, nil)
}

// CreateInvoice asks the CRM to issue an invoice for a payment of its own
// (paymentId is the CRM's number) and gives the link: for bots and sites. The
// CRM then calls the module's create before it answers.
func (c *Client) CreateInvoice(ctx context.Context, paymentID int, returnURL string) (link string, err error) {
	in := struct {
		PaymentID int    `json:"paymentId"`
		ReturnURL string `json:"returnUrl,omitempty"`
	}{paymentID, returnURL}
	var out struct {
		Result struct {
			Link Text `json:"link"`
		} `json:"result"`
	}
	err = c.call(ctx, "payment/create-invoice", "/api/v5/payment/create-invoice", "createInvoice", in, &out)
	return string(out.Result.Link), err
}

// Invoice is an invoice as the CRM has it.
type Invoice struct {
	InvoiceUUID         Text              `json:"invoiceUuid"`
	PaymentID           Text              `json:"paymentId"` // whose number it is, is not published: do not key on it
	OrderID             Text              `json:"orderId"`
	Amount              Roubles           `json:"amount"`
	Currency            Text              `json:"currency"`
	Status              Text              `json:"status"`
	ExternalID          Text              `json:"externalId"`
	Link                Text              `json:"link"`
	PaidAt              Text              `json:"paidAt"`
	ExpiredAt           Text              `json:"expiredAt"`
	CancellationDetails Text              `json:"cancellationDetails"`
	Refundable          Flag              `json:"refundable"`
	Cancellable         Flag              `json:"cancellable"`
	Refunds             List[KnownRefund] `json:"refunds"`
}

// KnownRefund is a refund as the CRM has it.
type KnownRefund struct {
	ID         Text `json:"id"`
	ExternalID Text `json:"externalId"`
	Status     Text `json:"status"`
	Amount     Sum  `json:"amount"`
	Comment    Text `json:"comment"`
}

// Invoice reads an invoice (GET /payment/invoice/{invoiceUuid}).
func (c *Client) Invoice(ctx context.Context, invoiceUUID string) (*Invoice, error) {
	var out struct {
		Invoice Invoice `json:"invoice"`
	}
	err := c.call(ctx, "payment/invoice", "/api/v5/payment/invoice/"+url.PathEscape(invoiceUUID), "", nil, &out)
	return &out.Invoice, err
}

// Import is a payment made before the module was connected.
type Import struct {
	PaymentID  int     `json:"paymentId"` // the CRM's
	ExternalID string  `json:"externalId"`
	Amount     Roubles `json:"amount"`
	Currency   string  `json:"currency"`
	Status     string  `json:"status"`
	CreatedAt  string  `json:"createdAt"`
	PaidAt     string  `json:"paidAt,omitempty"`
	Refundable bool    `json:"refundable"`
}

// ImportInvoice enters a payment into the CRM (/payment/invoice/import) and
// gives its invoice's number.
func (c *Client) ImportInvoice(ctx context.Context, i Import) (invoiceUUID string, err error) {
	var out struct {
		Invoice struct {
			InvoiceUUID Text `json:"invoiceUuid"`
		} `json:"invoice"`
	}
	err = c.call(ctx, "payment/invoice/import", "/api/v5/payment/invoice/import", "invoice", i, &out)
	return string(out.Invoice.InvoiceUUID), err
}

// EditModule registers the module, or changes its registration
// (/integration-modules/{code}/edit). The whole object is sent each time.
func (c *Client) EditModule(ctx context.Context, m Module) error {
	return c.call(ctx, "integration-modules/edit", "/api/v5/integration-modules/"+url.PathEscape(m.Code)+"/edit", "integrationModule", m, nil)
}

// Module reads the registration.
func (c *Client) Module(ctx context.Context, code string) (*Module, error) {
	var out struct {
		Module Module `json:"integrationModule"`
	}
	err := c.call(ctx, "integration-modules", "/api/v5/integration-modules/"+url.PathEscape(code), "", nil, &out)
	return &out.Module, err
}

// UpdateScopes asks for new permissions of a one-step connection and gives the
// API key that takes the place of the old one.
func (c *Client) UpdateScopes(ctx context.Context, code string, scopes []string) (apiKey string, err error) {
	in := struct {
		Scopes []string `json:"scopes"`
	}{scopes}
	var out struct {
		APIKey Text `json:"apiKey"`
	}
	err = c.call(ctx, "integration-modules/update-scopes", "/api/v5/integration-modules/"+url.PathEscape(code)+"/update-scopes", "requires", in, &out)
	return string(out.APIKey), err
}

// Credentials are what a key may do: methods for a key made by hand, scopes
// for one of a one-step connection.
type Credentials struct {
	Methods []string `json:"credentials"`
	Scopes  []string `json:"scopes"`
}

// Credentials lists the key's permissions (GET /api/credentials).
func (c *Client) Credentials(ctx context.Context) (Credentials, error) {
	var out Credentials
	err := c.call(ctx, "credentials", "/api/credentials", "", nil, &out)
	return out, err
}

// SystemInfo gives the account's public address, where it says one
// (GET /api/system-info).
func (c *Client) SystemInfo(ctx context.Context) (publicURL string, err error) {
	var out struct {
		PublicURL Text `json:"publicUrl"`
	}
	err = c.call(ctx, "system-info", "/api/system-info", "", nil, &out)
	return string(out.PublicURL), err
}
