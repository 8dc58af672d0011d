package tochkatest

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// filesState is documents, statements and payments for signature.
type filesState struct {
	documents  map[string]*document
	statements []*statementOf
	transfers  []transfer
	forSigns   map[string]*forSign
	forSignIDs []string
}

func (f *filesState) init() {
	f.documents, f.forSigns = map[string]*document{}, map[string]*forSign{}
}

// document is an invoice (счёт) or a closing document (закрывающий документ).
type document struct {
	id, customer, kind string // Invoice, Act, PackingList, Invoicef, Upd
	number, inn        string
	total              money.Amount
	due                string // the last day to pay; "": none
	paid               bool
	emails             []string
}

// Email is a letter that the bank sent with a document.
type Email struct{ DocumentID, To string }

// Emails are the letters sent of a document.
func (s *Server) Emails(documentID string) []Email {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Email
	if d := s.files.documents[documentID]; d != nil {
		for _, to := range d.emails {
			out = append(out, Email{DocumentID: d.id, To: to})
		}
	}
	return out
}

// paid marks the invoice that a payment fits: INN, amount and the number in
// the purpose.
func (f *filesState) paid(customer string, t transfer) {
	for _, d := range f.documents {
		if d.kind == "Invoice" && d.customer == customer && d.inn == t.inn && d.total == t.amount && slices.Contains(strings.FieldsFunc(t.purpose, func(r rune) bool {
			return r == ' ' || r == ',' || r == '.' || r == '№'
		}), d.number) {
			d.paid = true
		}
	}
}

func (c *call) createBill() (reply, *refusal) { return c.newDocument("Invoice") }

func (c *call) createClosing() (reply, *refusal) {
	var kinds []string
	for name := range closingKinds {
		if c.nested("Content")[name] != nil {
			kinds = append(kinds, name)
		}
	}
	if len(kinds) != 1 {
		return reply{}, invalid("Content", "Value error, one of Act, PackingList, Invoicef, Upd is expected")
	}
	if id := c.text("documentId"); id != "" {
		d := c.files.documents[id]
		if d == nil || d.kind != "Invoice" || d.customer != c.text("customerCode") {
			return reply{}, missing("Object of Documents does not exists")
		}
	}
	return c.newDocument(kinds[0])
}

func (c *call) newDocument(kind string) (reply, *refusal) {
	company, fault := c.company(c.text("customerCode"))
	if fault != nil {
		return reply{}, fault
	}
	if company.account(c.text("accountId")) == nil {
		return reply{}, forbidden()
	}
	content, _ := c.nested("Content")[kind].(map[string]any)
	doc := call{doc: content}
	second, _ := c.nested("SecondSide")["taxCode"].(string)
	d := &document{id: c.base.IDs.UUID(), customer: company.CustomerCode, kind: kind, number: doc.text("number"), inn: second, total: doc.sum("totalAmount"), due: doc.text("paymentExpiryDate")}
	c.files.documents[d.id] = d
	return ok(object{{"documentId", d.id}})
}

// ownDocument finds a document of the kind that the address says.
func (c *call) ownDocument() (*document, *refusal) {
	if _, fault := c.company(c.path["customerCode"]); fault != nil {
		return nil, fault
	}
	d := c.files.documents[c.path["documentId"]]
	if d == nil || d.customer != c.path["customerCode"] || (d.kind == "Invoice") != strings.HasPrefix(c.route.op, "bill") {
		return nil, missing("Object of Documents does not exists")
	}
	return d, nil
}

func (c *call) deleteDocument() (reply, *refusal) {
	d, fault := c.ownDocument()
	if fault != nil {
		return reply{}, fault
	}
	delete(c.files.documents, d.id)
	return result(true)
}

func (c *call) emailDocument() (reply, *refusal) {
	d, fault := c.ownDocument()
	if fault != nil {
		return reply{}, fault
	}
	d.emails = append(d.emails, c.text("email"))
	return result(true)
}

func (c *call) billStatus() (reply, *refusal) {
	d, fault := c.ownDocument()
	if fault != nil {
		return reply{}, fault
	}
	status := "payment_waiting"
	switch {
	case d.paid:
		status = "payment_paid"
	case d.due != "" && c.base.Clock.Now().In(moscow).Format(date) > d.due:
		status = "payment_expired"
	}
	return ok(object{{"paymentStatus", status}})
}

func (c *call) documentFile() (reply, *refusal) {
	d, fault := c.ownDocument()
	if fault != nil {
		return reply{}, fault
	}
	return reply{file: pdf(d.kind+" "+ascii(d.number), "Total: "+d.total.String()+" RUB", "INN: "+ascii(d.inn))}, nil
}

func ascii(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '(' || r == ')' || r == '\\' {
			return '?'
		}
		return r
	}, s)
}

// pdf is a page with some lines.
func pdf(lines ...string) []byte {
	var text strings.Builder
	for i, l := range lines {
		fmt.Fprintf(&text, "BT /F1 14 Tf 60 %d Td (%s) Tj ET\n", 780-24*i, l)
	}
	objects := []string{
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
		fmt.Sprintf("<< /Length %d >>\nstream\n%sendstream", text.Len(), text.String()),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	}
	var b bytes.Buffer
	b.WriteString("%PDF-1.4\n")
	var at []int
	for i, o := range objects {
		at = append(at, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", i+1, o)
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(objects)+1)
	for _, n := range at {
		fmt.Fprintf(&b, "%010d 00000 n \n", n)
	}
	fmt.Fprintf(&b, "trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n", len(objects)+1, start)
	return b.Bytes()
}

// forSign is a payment that a person signs in the internet bank.
type forSign struct {
	id, customer, account, status string
	fields                        object
	transfer                      Transfer
}

func (c *call) forSign() (reply, *refusal) {
	company, a, fault := c.ownAccount(c.text("accountCode") + "/" + c.text("bankCode"))
	if fault != nil {
		return reply{}, fault
	}
	now := c.base.Clock.Now()
	if day, _ := time.Parse(date, c.text("paymentDate")); day.Format(date) > now.In(moscow).Format(date) {
		return reply{}, invalid("paymentDate", "Value error, should be less than today or equal")
	}
	if strings.Contains(c.text("paymentPurpose"), "—") {
		return reply{}, invalid("paymentPurpose", "Value error, forbidden symbols: —")
	}
	p := &forSign{id: "openapi-" + c.base.IDs.UUID(), customer: company.CustomerCode, account: a.ID, status: "Created"}
	for _, f := range forSignFields {
		switch v := c.doc[f.name]; {
		case v == nil:
		case f.kind == kNumber:
			p.fields = p.fields.with(f.name, number(v))
		case f.kind == kInteger:
			n, _ := c.integer(f.name)
			p.fields = p.fields.with(f.name, itoa(n))
		default:
			p.fields = p.fields.with(f.name, c.text(f.name))
		}
	}
	if p.fields.get("paymentPriority") == nil {
		p.fields = p.fields.with("paymentPriority", "5")
	}
	p.transfer = Transfer{AccountID: a.ID, Amount: c.sum("paymentAmount"), Purpose: c.text("paymentPurpose"), Name: c.text("counterpartyName"), INN: c.text("counterpartyINN")}
	c.files.forSigns[p.id] = p
	c.files.forSignIDs = append(c.files.forSignIDs, p.id)
	return ok(object{{"requestId", p.id}, {"redirectURL", "https://i.tochka.com/bank/m/payment-preview/" + p.id + "?customerCode=" + p.customer}})
}

func (c *call) forSignList() (reply, *refusal) {
	company, fault := c.company(c.query.Get("customerCode"))
	if fault != nil {
		return reply{}, fault
	}
	out := []object{}
	for _, id := range c.files.forSignIDs {
		if p := c.files.forSigns[id]; p.customer == company.CustomerCode && p.status == "Created" {
			out = append(out, p.fields)
		}
	}
	return ok(object{{"Payment", out}})
}

func (c *call) forSignStatus() (reply, *refusal) {
	p := c.files.forSigns[c.path["requestId"]]
	if p == nil || !slices.Contains(c.grant.customers, p.customer) {
		return reply{}, missing("Payment not found")
	}
	return ok(object{{"requestId", p.id}, {"status", p.status}, {"errors", []object{}}})
}

// SignPayment is a person signing, or rejecting, a payment in the internet
// bank.
func (s *Server) SignPayment(requestID string, sign bool) error {
	s.mu.Lock()
	p := s.files.forSigns[requestID]
	if p == nil || p.status != "Created" {
		s.mu.Unlock()
		return fmt.Errorf("tochkatest: no payment %q to be signed", requestID)
	}
	p.status = "Canceled"
	if sign {
		p.status = "Paid"
	}
	s.mu.Unlock()
	if !sign {
		return nil
	}
	return s.Outgoing(p.transfer)
}
