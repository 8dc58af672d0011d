package paymaster

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/money"
)

// V1Payment is a payment in the REST API v1. PaymentAmount is what was paid in
// the payer's currency.
type V1Payment struct {
	PaymentID           Text   `json:"PaymentID"`     // LMI_SYS_PAYMENT_ID
	SiteInvoiceID       Text   `json:"SiteInvoiceID"` // LMI_PAYMENT_NO
	SiteID              Text   `json:"SiteID"`
	Amount              Rubles `json:"Amount"`
	CurrencyCode        string `json:"CurrencyCode"`
	PaymentAmount       Rubles `json:"PaymentAmount"`
	PaymentCurrencyCode string `json:"PaymentCurrencyCode"`
	State               string `json:"State"` // StateInitiated, …
	IsTestPayment       Flag   `json:"IsTestPayment"`
	LastUpdateTime      Time   `json:"LastUpdateTime"`
	PaymentSystemID     Text   `json:"PaymentSystemID"`
	PaymentMethod       string `json:"PaymentMethod"`
	Purpose             Text   `json:"Purpose"`
	UserIdentifier      Text   `json:"UserIdentifier"`
	UserPhoneNumber     Text   `json:"UserPhoneNumber"`

	Raw json.RawMessage `json:"-"`
}

// captured is what was taken: less than ordered where a hold was confirmed in
// part.
func (p *V1Payment) captured() money.Amount {
	if p.PaymentAmount > 0 && p.PaymentAmount < p.Amount && p.PaymentCurrencyCode == p.CurrencyCode {
		return p.PaymentAmount.Amount()
	}
	return p.Amount.Amount()
}

// V1Refund is a refund in the REST API v1.
type V1Refund struct {
	RefundID   Text   `json:"RefundID"` // may be absent
	PaymentID  Text   `json:"PaymentID"`
	ExternalID Text   `json:"ExternalID"` // the shop's, not unique
	Amount     Rubles `json:"Amount"`
	State      string `json:"State"`  // RefundStatePending, …
	Status     string `json:"Status"` // another name of State
	LastUpdate Time   `json:"LastUpdate"`
	ErrorCode  Text   `json:"ErrorCode"`
	ErrorDesc  Text   `json:"ErrorDesc"`

	Raw json.RawMessage `json:"-"`
}

func (r *V1Refund) state() string {
	if r.State != "" {
		return strings.ToUpper(r.State)
	}
	return strings.ToUpper(r.Status)
}

func (r *V1Refund) status() acquiring.RefundStatus {
	switch r.state() {
	case RefundStatePending, RefundStateExecuting:
		return acquiring.RefundPending
	case RefundStateSuccess:
		return acquiring.RefundDone
	case RefundStateFailure:
		return acquiring.RefundFailed
	}
	return acquiring.RefundUnknown
}

// v1Head is in every answer.
type v1Head struct {
	ErrorCode Text `json:"ErrorCode"`
	Message   Text `json:"Message"`
}

// v1Answer is an answer of the REST API v1.
type v1Answer struct {
	v1Head
	Payment  json.RawMessage
	Refund   json.RawMessage
	Response struct {
		Overflow  Flag
		Payments  []json.RawMessage
		Refunds   []json.RawMessage
		Documents []json.RawMessage
	}
}

// param is a parameter of a call, in the order in which it is hashed.
type param struct{ name, value string }

// v1Call makes a call of the REST API v1: POST of a form with login, nonce and
// hash. Each attempt has a nonce of its own. A read is repeated while PayMaster
// is unavailable.
func (c *ClassicClient) v1Call(ctx context.Context, method string, read bool, params []param, more Form) (*rest.Response, *v1Answer, error) {
	if err := c.needLogin(method); err != nil {
		return nil, nil, err
	}
	for _, p := range params {
		if !plainV1(p.value) {
			return nil, nil, acquiring.InOp(provider, method, acquiring.Invalid(p.name, "has a semicolon or control characters"))
		}
	}
	call := rest.Call{Op: method, Method: http.MethodPost, Path: method, ContentType: contentForm, Repeatable: read,
		Header: http.Header{"Accept": {"application/json"}},
		Sign: func(r *http.Request, _ []byte) error {
			body := c.v1Body(params, more)
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(body)), int64(len(body))
			r.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(body)), nil }
			return nil
		}}
	for try := 0; ; try++ {
		resp, err := c.v1.Do(ctx, call)
		var out *v1Answer
		if err == nil {
			out, err = c.v1Read(call, resp)
		}
		if err == nil || !read || try == 2 || resp == nil || resp.Status != http.StatusOK || !acquiring.Temporary(err) {
			return resp, out, err
		}
		timer := time.NewTimer(time.Duration(300*(try+1))*time.Millisecond + rand.N(200*time.Millisecond))
		select {
		case <-ctx.Done():
			timer.Stop()
			return resp, nil, err
		case <-timer.C:
		}
	}
}

// v1Body is the form of one attempt.
func (c *ClassicClient) v1Body(params []param, more Form) string {
	nonce := c.nonce()
	values := make([]string, 0, 3+len(params))
	values = append(values, c.conf.Login, c.conf.Password, nonce)
	f := make(Form, 0, 3+len(params)+len(more))
	f = append(f, Field{"login", c.conf.Login}, Field{"nonce", nonce})
	for _, p := range params {
		values = append(values, p.value)
		if p.value != "" {
			f = append(f, Field{p.name, p.value})
		}
	}
	f = append(f, Field{"hash", restSum(values)})
	return append(f, more...).Encode()
}

// v1Read reads an answer: always 200 if the request was understood.
func (c *ClassicClient) v1Read(call rest.Call, resp *rest.Response) (*v1Answer, error) {
	if resp.Status != http.StatusOK {
		kind, outcome := rest.KindOfStatus(resp.Status)
		if kind == nil || resp.Status == http.StatusNotFound {
			kind = acquiring.ErrProtocol // the address is wrong, not the payment's number
		}
		return nil, c.v1.Error(call, resp, kind, outcome, "", c.v1.Excerpt(resp.Body))
	}
	out := new(v1Answer)
	if err := c.v1.DecodeJSON(call, resp, out); err != nil {
		return nil, err
	}
	switch out.ErrorCode {
	case "0":
		return out, nil
	case "":
		return nil, c.v1.Error(call, resp, acquiring.ErrProtocol, acquiring.OutcomeUnknown, "", "the answer has no ErrorCode")
	}
	e := c.v1Failure(c.v1, call, resp, out.v1Head)
	if e.Code == "-14" {
		// No two requests have the same nonce: this very one arrived twice, and
		// what became of the first nobody has said.
		e.Outcome, e.Hint = acquiring.OutcomeUnknown, "something on the way to PayMaster sent the request twice: look for a proxy that repeats a POST"
	}
	return nil, e
}

// v1Failure is the error of a numeric code.
func (c *ClassicClient) v1Failure(r *rest.Client, call rest.Call, resp *rest.Response, head v1Head) *acquiring.Error {
	code := strings.ReplaceAll(string(head.ErrorCode), "−", "-")
	known, ok := v1Errors[code]
	if !ok {
		known = v1Error{acquiring.ErrProtocol, true, ""}
	}
	outcome := acquiring.OutcomeRejected
	if known.unknown {
		outcome = acquiring.OutcomeUnknown
	}
	words := string(head.Message)
	switch {
	case words == "":
		words = known.words
	case known.words != "":
		words = known.words + ": " + words
	}
	e := r.Error(call, resp, known.kind, outcome, code, words)
	switch code {
	case "-14":
		e.Hint = hintNumber
	case "-6", "-7":
		e.Hint = "check Config.Login and Config.Password, and the user's role: Операционист reads, Бухгалтер refunds and lists refunds too (with a user who may only read set Config.ReadOnly)"
	}
	return e
}

func (c *ClassicClient) v1Nonsense(method, why string) error {
	return &acquiring.Error{Provider: provider, Op: method, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown, Message: why}
}

func (c *ClassicClient) v1Payment(ctx context.Context, method string, read bool, params ...param) (*V1Payment, error) {
	_, answer, err := c.v1Call(ctx, method, read, params, nil)
	if err != nil {
		return nil, err
	}
	p := new(V1Payment)
	if len(answer.Payment) == 0 || json.Unmarshal(answer.Payment, p) != nil || p.PaymentID == "" || p.State == "" {
		return nil, c.v1Nonsense(method, "the answer is no payment: it has no PaymentID or no State, or a sum that is none")
	}
	p.State, p.Raw = strings.ToUpper(p.State), answer.Payment
	return p, nil
}

// GetPayment reads a payment by PayMaster's number (getPayment).
func (c *ClassicClient) GetPayment(ctx context.Context, paymentID string) (*V1Payment, error) {
	p, err := c.v1Payment(ctx, "getPayment", true, param{"paymentID", paymentID})
	if err == nil && string(p.PaymentID) != paymentID {
		return nil, c.v1Nonsense("getPayment", "the answer is another payment than was asked for")
	}
	return p, err
}

// GetPaymentByInvoiceID reads a payment by the shop's number
// (getPaymentByInvoiceID). SiteInvoiceID is the number that was asked for:
// what the answer has there is not to be relied on.
func (c *ClassicClient) GetPaymentByInvoiceID(ctx context.Context, invoiceID string) (*V1Payment, error) {
	p, err := c.v1Payment(ctx, "getPaymentByInvoiceID", true, param{"invoiceID", invoiceID}, param{"siteAlias", c.conf.MerchantID})
	if err == nil {
		p.SiteInvoiceID = Text(invoiceID)
	}
	return p, err
}

// ConfirmPayment takes what is held (confirmPayment); an amount of 0 takes all.
func (c *ClassicClient) ConfirmPayment(ctx context.Context, paymentID string, amount money.Amount) (*V1Payment, error) {
	return c.v1Payment(ctx, "confirmPayment", false, param{"paymentID", paymentID}, param{"amount", v1Amount(amount)})
}

// CancelPayment releases what is held (cancelPayment). reason is a code of the
// table of errors ("-8": refused by the shop), or "".
func (c *ClassicClient) CancelPayment(ctx context.Context, paymentID, reason string) (*V1Payment, error) {
	return c.v1Payment(ctx, "cancelPayment", false, param{"paymentID", paymentID}, param{"error", reason})
}

// v1Amount is a sum as it is hashed and sent; "" for 0.
func v1Amount(a money.Amount) string {
	if a == 0 {
		return ""
	}
	return a.String()
}

// RefundPayment gives money back (refundPayment). It has no idempotency key:
// two calls are two refunds. The receipt of the return is sent unhashed.
func (c *ClassicClient) RefundPayment(ctx context.Context, paymentID string, amount money.Amount, externalID string, receipt *fiscal.Receipt) (*V1Refund, error) {
	const method = "refundPayment"
	if amount <= 0 {
		return nil, acquiring.InOp(provider, method, acquiring.Invalid("amount", "is not more than zero"))
	}
	var lines Form
	if receipt != nil {
		add := func(name, value string) { lines = append(lines, Field{name, value}) }
		if err := cart("shoppingcart.items", receipt, fiscal.SaleReturn, c.conf.NameLimit, add); err != nil {
			return nil, acquiring.InOp(provider, method, err)
		}
	}
	_, answer, err := c.v1Call(ctx, method, false, []param{{"paymentID", paymentID}, {"amount", amount.String()}, {"externalID", externalID}}, lines)
	if err != nil {
		return nil, err
	}
	r := new(V1Refund)
	if len(answer.Refund) == 0 || json.Unmarshal(answer.Refund, r) != nil {
		return nil, c.v1Nonsense(method, "the answer is no refund")
	}
	r.Raw = answer.Refund
	return r, nil
}

// V1Filter narrows the lists of the REST API v1. The days are UTC and
// inclusive; a zero one, and an empty field, is not sent.
type V1Filter struct {
	From, To   time.Time // days
	InvoiceID  string    // of payments: the shop's number
	State      string    // of payments
	PaymentID  string    // of refunds
	ExternalID string    // of refunds
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02")
}

// ListPayments lists the site's payments (listPaymentsFilter). There is no
// paging: where the answer overflows, the period is halved, down to a day; a
// day that overflows is ErrUnsupported.
func (c *ClassicClient) ListPayments(ctx context.Context, f V1Filter) iter.Seq2[*V1Payment, error] {
	const method = "listPaymentsFilter"
	fetch := func(from, to time.Time) ([]json.RawMessage, bool, error) {
		_, answer, err := c.v1Call(ctx, method, true, []param{{"accountID", c.conf.AccountID}, {"siteAlias", c.conf.MerchantID},
			{"periodFrom", day(from)}, {"periodTo", day(to)}, {"invoiceID", f.InvoiceID}, {"state", f.State}}, nil)
		if err != nil {
			return nil, false, err
		}
		return answer.Response.Payments, bool(answer.Response.Overflow), nil
	}
	return func(yield func(*V1Payment, error) bool) {
		seen := map[Text]bool{}
		for raw, err := range c.days(method, f.From, f.To, fetch) {
			p := new(V1Payment)
			if err == nil && json.Unmarshal(raw, p) != nil {
				err = c.v1Nonsense(method, "an element of the list cannot be read")
			}
			if err != nil {
				yield(nil, err)
				return
			}
			if p.PaymentID != "" && seen[p.PaymentID] {
				continue
			}
			seen[p.PaymentID] = true
			p.State, p.Raw = strings.ToUpper(p.State), raw
			if !yield(p, nil) {
				return
			}
		}
	}
}

// ListRefunds lists refunds (listRefunds), of a payment or of a period: those of
// the whole account, whatever the site. Where the answer overflows, the period
// is halved, as ListPayments does it. It needs ClassicConfig.Login with the role
// Бухгалтер. The sequence ends after the first error.
func (c *ClassicClient) ListRefunds(ctx context.Context, f V1Filter) iter.Seq2[*V1Refund, error] {
	const method = "listRefunds"
	fetch := func(from, to time.Time) ([]json.RawMessage, bool, error) {
		_, answer, err := c.v1Call(ctx, method, true, []param{{"accountID", c.conf.AccountID}, {"paymentID", f.PaymentID},
			{"periodFrom", day(from)}, {"periodTo", day(to)}, {"externalID", f.ExternalID}}, nil)
		if err != nil {
			return nil, false, err
		}
		return answer.Response.Refunds, bool(answer.Response.Overflow), nil
	}
	return func(yield func(*V1Refund, error) bool) {
		for raw, err := range c.days(method, f.From, f.To, fetch) {
			r := new(V1Refund)
			if err == nil && json.Unmarshal(raw, r) != nil {
				err = c.v1Nonsense(method, "an element of the list cannot be read")
			}
			if err != nil {
				yield(nil, err)
				return
			}
			r.Raw = raw
			if !yield(r, nil) {
				return
			}
		}
	}
}

// firstDay is when the list begins if nobody says.
var firstDay = time.Date(2010, 1, 1, 0, 0, 0, 0, time.UTC)

// days fetches a period, halved as long as the answer overflows.
func (c *ClassicClient) days(method string, from, to time.Time, fetch func(from, to time.Time) ([]json.RawMessage, bool, error)) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		type span struct{ from, to time.Time }
		todo := []span{{from, to}}
		for len(todo) > 0 {
			s := todo[0]
			todo = todo[1:]
			items, over, err := fetch(s.from, s.to)
			if err != nil {
				yield(nil, err)
				return
			}
			if over {
				if s.from.IsZero() {
					s.from = firstDay
				}
				if s.to.IsZero() {
					s.to = c.now()
				}
				first, last := s.from.UTC().Truncate(24*time.Hour), s.to.UTC().Truncate(24*time.Hour)
				n := int(last.Sub(first) / (24 * time.Hour))
				if n < 1 {
					e := acquiring.Unsupported(provider, method, "PayMaster does not list all of "+day(first)+": there are too many in one day")
					yield(nil, e)
					return
				}
				mid := first.Add(time.Duration(n/2) * 24 * time.Hour)
				todo = slices.Insert(todo, 0, span{first, mid}, span{mid.Add(24 * time.Hour), last})
				continue
			}
			for _, item := range items {
				if !yield(item, nil) {
					return
				}
			}
		}
	}
}

// ListDocuments lists the documents of the account (listDocuments), as they
// come: their members are not published.
func (c *ClassicClient) ListDocuments(ctx context.Context, from, to time.Time) ([]json.RawMessage, error) {
	_, answer, err := c.v1Call(ctx, "listDocuments", true, []param{{"accountID", c.conf.AccountID}, {"periodFrom", day(from)}, {"periodTo", day(to)}}, nil)
	if err != nil {
		return nil, err
	}
	return answer.Response.Documents, nil
}

// GetDocumentContent is the file of a document (getDocumentContent).
func (c *ClassicClient) GetDocumentContent(ctx context.Context, documentID string) (data []byte, contentType string, err error) {
	const method = "getDocumentContent"
	if err := c.needLogin(method); err != nil {
		return nil, "", err
	}
	params := []param{{"documentID", documentID}}
	if documentID == "" || !plainV1(documentID) {
		return nil, "", acquiring.InOp(provider, method, acquiring.Invalid("documentID", "is empty, or has a semicolon or control characters"))
	}
	call := rest.Call{Op: method, Method: http.MethodPost, Path: method, ContentType: contentForm, Limit: 32 << 20, Body: []byte(c.v1Body(params, nil))}
	resp, err := c.v1.Do(ctx, call)
	if err != nil {
		return nil, "", err
	}
	body := bytes.TrimSpace(trimBOM(resp.Body))
	if resp.Status != http.StatusOK || (bytes.HasPrefix(body, []byte("{")) && bytes.Contains(body, []byte("ErrorCode"))) {
		if _, err := c.v1Read(call, resp); err != nil {
			return nil, "", err
		}
	}
	return resp.Body, resp.Header.Get("Content-Type"), nil
}

// sortedKeys are the keys of a map in order, so that the same request is
// always the same bytes.
func sortedKeys(m map[string]string) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
