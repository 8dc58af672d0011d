package tochka

import (
	"bytes"
	"context"
	"net/http"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// BillRequest makes an invoice for a company (счёт на оплату).
type BillRequest struct {
	AccountID    string     `json:"accountId"`    // "": Config.AccountID
	CustomerCode string     `json:"customerCode"` // "": Config.CustomerCode
	SecondSide   SecondSide `json:"SecondSide"`
	Content      struct {
		Invoice Bill `json:"Invoice"`
	} `json:"Content"`
}

// SecondSide is who is to pay.
type SecondSide struct {
	TaxCode         string `json:"taxCode"` // ИНН
	Type            string `json:"type"`    // ip or company
	Name            string `json:"secondSideName,omitempty"`
	KPP             string `json:"kpp,omitempty"`
	LegalAddress    string `json:"legalAddress,omitempty"`
	AccountID       string `json:"accountId,omitempty"`
	BankName        string `json:"bankName,omitempty"`
	BankCorrAccount string `json:"bankCorrAccount,omitempty"`
}

// Bill is the invoice itself.
type Bill struct {
	Number            string     `json:"number"`
	Date              Date       `json:"date,omitempty"`
	TotalAmount       Sum        `json:"totalAmount"`
	TotalVAT          *Sum       `json:"totalNds,omitempty"`
	PaymentExpiryDate Date       `json:"paymentExpiryDate,omitempty"`
	BasedOn           string     `json:"basedOn,omitempty"`
	Comment           string     `json:"comment,omitempty"`
	Positions         []Position `json:"Positions"`
}

// Position is a line of an invoice or of a closing document.
type Position struct {
	Name        string          `json:"positionName"`
	UnitCode    string          `json:"unitCode"` // шт., услуга., ч., …
	VAT         NDSKind         `json:"ndsKind"`
	Price       Sum             `json:"price"`
	Quantity    fiscal.Quantity `json:"quantity"` // more than 0, less than ten million
	TotalAmount Sum             `json:"totalAmount"`
	TotalVAT    *Sum            `json:"totalNds,omitempty"`
}

// NDSKind is a rate of VAT in invoices.
type NDSKind string

// The rates of VAT in invoices.
const (
	NDS0       NDSKind = "nds_0"
	NDS5       NDSKind = "nds_5"
	NDS7       NDSKind = "nds_7"
	NDS10      NDSKind = "nds_10"
	NDS22      NDSKind = "nds_22"
	WithoutNDS NDSKind = "without_nds"
)

// UnitCodes are the units that positions of invoices take.
func UnitCodes() []string {
	return []string{"шт.", "тыс.шт.", "компл.", "пар.", "усл.ед.", "упак.", "услуга.", "пач.", "мин.", "ч.", "сут.",
		"г.", "кг.", "л.", "м.", "м2.", "м3.", "км.", "га.", "кВт.", "кВт.ч."}
}

// document is the answer to a document's making.
type document struct{ DocumentID string }

// CreateBill makes an invoice (POST bills; ManageInvoiceData) and gives its
// documentId. The bank marks it as paid when money comes with the payer's ИНН,
// the sum and the invoice's number. There is no list of invoices.
func (c *Client) CreateBill(ctx context.Context, r BillRequest) (documentID string, err error) {
	r.AccountID, r.CustomerCode = c.ours(r.AccountID, r.CustomerCode)
	return c.makeDocument(ctx, "invoices.create", "invoice/v1.0/bills", r.AccountID, r.CustomerCode, r.SecondSide, dataOf[BillRequest]{r})
}

func (c *Client) ours(account, company string) (string, string) {
	if account == "" {
		account = c.conf.AccountID
	}
	if company == "" {
		company = c.conf.CustomerCode
	}
	return account, company
}

func (c *Client) makeDocument(ctx context.Context, op, path, account, company string, other SecondSide, body any) (string, error) {
	if err := checkAccount(op, account); err != nil {
		return "", err
	}
	switch {
	case company == "":
		return "", acquiring.InOp(provider, op, acquiring.Invalid("Config.CustomerCode", "is empty; choose a company with Discover"))
	case other.TaxCode == "" || (other.Type != "ip" && other.Type != "company"):
		return "", acquiring.InOp(provider, op, acquiring.Invalid("SecondSide", "needs TaxCode and the Type ip or company"))
	}
	r := post(op, body, path)
	r.company = company
	var out document
	if _, err := c.call(ctx, r, &out); err != nil {
		return "", err
	}
	if out.DocumentID == "" {
		return "", c.nonsense(op, "the answer has no documentId")
	}
	return out.DocumentID, nil
}

// ClosingRequest makes a closing document (закрывающий документ).
type ClosingRequest struct {
	AccountID    string         `json:"accountId"`    // "": Config.AccountID
	CustomerCode string         `json:"customerCode"` // "": Config.CustomerCode
	SecondSide   SecondSide     `json:"SecondSide"`
	DocumentID   string         `json:"documentId,omitempty"` // of the invoice that it closes
	Content      ClosingContent `json:"Content"`
}

// ClosingContent is exactly one of four documents.
type ClosingContent struct {
	Act         *ClosingDocument `json:"Act,omitempty"`         // акт
	PackingList *ClosingDocument `json:"PackingList,omitempty"` // накладная ТОРГ-12
	Invoicef    *ClosingDocument `json:"Invoicef,omitempty"`    // счёт-фактура; with ShipmentDocuments
	UPD         *ClosingDocument `json:"Upd,omitempty"`         // УПД; with Function and ShipmentDocuments
}

// ClosingDocument is the document itself.
type ClosingDocument struct {
	Number            string             `json:"number"`
	Date              Date               `json:"date,omitempty"`
	TotalAmount       Sum                `json:"totalAmount"`
	TotalVAT          *Sum               `json:"totalNds,omitempty"`
	BasedOn           string             `json:"basedOn,omitempty"`
	Positions         []Position         `json:"Positions"`
	Function          string             `json:"function,omitempty"` // of a УПД: dop or schfdop
	ShipmentDocuments []ShipmentDocument `json:"shipmentDocuments,omitempty"`
}

// ShipmentDocument is what the goods were handed over with.
type ShipmentDocument struct {
	Name   string `json:"name"`
	Date   Date   `json:"date"`
	Number string `json:"number"`
}

// CreateClosingDocument makes a closing document (POST closing-documents) and
// gives its documentId.
func (c *Client) CreateClosingDocument(ctx context.Context, r ClosingRequest) (documentID string, err error) {
	const op = "closing_documents.create"
	n := 0
	for _, d := range []*ClosingDocument{r.Content.Act, r.Content.PackingList, r.Content.Invoicef, r.Content.UPD} {
		if d != nil {
			n++
		}
	}
	if n != 1 {
		return "", acquiring.InOp(provider, op, acquiring.Invalid("Content", "holds none or several documents; give one"))
	}
	r.AccountID, r.CustomerCode = c.ours(r.AccountID, r.CustomerCode)
	return c.makeDocument(ctx, op, "invoice/v1.0/closing-documents", r.AccountID, r.CustomerCode, r.SecondSide, dataOf[ClosingRequest]{r})
}

// DocumentKind is an invoice or a closing document: the calls about a
// document that exists are the same for both.
type DocumentKind string

// The kinds of documents.
const (
	Bills            DocumentKind = "bills"             // счета
	ClosingDocuments DocumentKind = "closing-documents" // закрывающие документы
)

func (c *Client) document(op, method string, kind DocumentKind, documentID, tail string) (request, error) {
	company, err := c.company(op)
	if err != nil {
		return request{}, err
	}
	if documentID == "" {
		return request{}, acquiring.InOp(provider, op, acquiring.Invalid("documentID", "is empty"))
	}
	return request{op: op, method: method, path: join([]string{"invoice/v1.0/" + string(kind) + "/", company, "/", documentID, tail})}, nil
}

// DeleteDocument deletes a document by the number that its creation gave. An
// unknown one is ErrNotFound.
func (c *Client) DeleteDocument(ctx context.Context, kind DocumentKind, documentID string) error {
	r, err := c.document("invoices.delete", http.MethodDelete, kind, documentID, "")
	if err != nil {
		return err
	}
	return c.accepted(ctx, r, acquiring.ErrConflict, "")
}

// EmailDocument lets the bank send a document, by the number that its creation
// gave, to an e-mail address. Each call sends one more letter.
func (c *Client) EmailDocument(ctx context.Context, kind DocumentKind, documentID, email string) error {
	r, err := c.document("invoices.email", http.MethodPost, kind, documentID, "/email")
	if err != nil {
		return err
	}
	r.body = dataOf[any]{struct {
		Email string `json:"email"`
	}{email}}
	return c.accepted(ctx, r, acquiring.ErrConflict, "")
}

// Of documents: the largest that is read, and how long one attempt may take.
const (
	filesLimit   = 16 << 20
	filesTimeout = 90 * time.Second
)

// DocumentPDF is a document as a PDF file. The bank may take half a minute to
// make it at first: an attempt may take 90 seconds, if the context and a
// Config.HTTPClient of your own let it.
func (c *Client) DocumentPDF(ctx context.Context, kind DocumentKind, documentID string) ([]byte, error) {
	r, err := c.document("invoices.file", http.MethodGet, kind, documentID, "/file")
	if err != nil {
		return nil, err
	}
	r.file = true
	resp, err := c.do(ctx, r)
	if err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(bytes.TrimSpace(resp.Body), []byte("%PDF-")) {
		return nil, c.nonsense(r.op, "the answer is not a PDF file: "+c.rest.Excerpt(resp.Body))
	}
	return resp.Body, nil
}

// BillStatus is whether an invoice was paid.
type BillStatus string

// The statuses of an invoice.
const (
	BillWaiting BillStatus = "payment_waiting"
	BillExpired BillStatus = "payment_expired"
	BillPaid    BillStatus = "payment_paid"
)

// BillStatus reads whether an invoice was paid (GET …/payment-status).
func (c *Client) BillStatus(ctx context.Context, documentID string) (BillStatus, error) {
	r, err := c.document("invoices.payment_status", http.MethodGet, Bills, documentID, "/payment-status")
	if err != nil {
		return "", err
	}
	var out struct {
		Status BillStatus `json:"paymentStatus"`
	}
	_, err = c.call(ctx, r, &out)
	return out.Status, err
}
