package paymastertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// answer is a JSON object of the classic REST.
type answer map[string]any

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, _ = w.Write(encode(v))
}

// member is a field of an answer, in order.
type member struct {
	name  string
	value any
}

// ordered is a JSON object whose fields keep their order.
type ordered []member

// MarshalJSON writes the fields as they stand.
func (o ordered) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(encode(m.name))
		b.WriteByte(':')
		b.Write(encode(m.value))
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// restMethod is a method of the classic REST: what its hash covers after
// login;password;nonce, and its work, which answers the error's code or the
// body's fields.
type restMethod struct {
	name   string
	hashed []string
	office bool // for an accountant (Бухгалтер) only
	serve  func(*Server, pairs) (int, ordered)
}

var restMethods = map[string]*restMethod{}

func init() {
	for _, m := range []*restMethod{
		{"getPayment", strings.Fields("paymentID"), false, (*Server).getPayment},
		{"getPaymentByInvoiceID", strings.Fields("invoiceID siteAlias"), false, (*Server).getPaymentByInvoiceID},
		{"listPaymentsFilter", strings.Fields("accountID siteAlias periodFrom periodTo invoiceID state"), false, (*Server).listPaymentsFilter},
		{"refundPayment", strings.Fields("paymentID amount externalID"), true, (*Server).refundPayment},
		{"listRefunds", strings.Fields("accountID paymentID periodFrom periodTo externalID"), true, (*Server).listClassicRefunds},
		{"confirmPayment", strings.Fields("paymentID amount"), true, (*Server).confirmClassic},
		{"cancelPayment", strings.Fields("paymentID error"), true, (*Server).cancelClassic},
		{"listDocuments", strings.Fields("accountID periodFrom periodTo"), false, (*Server).listDocuments},
		{"getDocumentContent", strings.Fields("documentID"), false, nil},
	} {
		restMethods[strings.ToLower(m.name)] = m
	}
}

// restHash is the hash of a request: always SHA1.
func (s *Server) restHash(m *restMethod, in pairs) string {
	values := []string{in.get("login"), s.opt.account.Password, in.get("nonce")}
	for _, name := range m.hashed {
		values = append(values, in.get(name))
	}
	return digest(SHA1, strings.Join(values, ";"))
}

// serveRest answers a method of the classic REST: with status 200, whatever
// came of it, if the request could be read.
func (s *Server) serveRest(w http.ResponseWriter, r *http.Request, name string) {
	m := restMethods[name]
	if m == nil {
		http.NotFound(w, r)
		return
	}
	in, err := readPairs(r)
	if err != nil || r.Method != http.MethodGet && r.Method != http.MethodPost || in.get("login") == "" || in.get("nonce") == "" || in.get("hash") == "" {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code := s.admit(m, in)
	var body ordered
	if code == 0 && m.serve == nil {
		if d := s.document(in.get("documentID")); d != nil {
			w.Header().Set("Content-Type", "application/octet-stream")
			w.Header().Set("Content-Disposition", `attachment; filename="`+d.id+`"`)
			_, _ = w.Write(d.content)
			return
		}
		code = -13
	} else if code == 0 {
		code, body = m.serve(s, in)
	}
	if code != 0 {
		writeJSON(w, ordered{{"ErrorCode", code}, {"Message", classicTexts[code]}})
		return
	}
	writeJSON(w, append(ordered{{"ErrorCode", 0}}, body...))
}

// admit checks login, hash and nonce, in this order.
func (s *Server) admit(m *restMethod, in pairs) int {
	nonce := in.get("nonce")
	switch {
	case in.get("login") != s.opt.account.Login:
		return -6
	case !same(in.get("hash"), s.restHash(m, in)) || len(nonce) > 255 || strings.Contains(nonce, ";"):
		return -7
	case s.nonces[nonce]:
		return -14
	}
	s.nonces[nonce] = true
	if m.office && s.opt.account.Operator {
		return -6
	}
	return 0
}

func (s *Server) classicPayment(in pairs) *payment {
	if p := s.payments[in.get("paymentID")]; p != nil && p.classic {
		return p
	}
	return nil
}

func (s *Server) restPayment(p *payment, byInvoice bool) ordered {
	paid := p.amount
	if p.captured > 0 {
		paid = p.captured
	}
	updated := p.updated.Truncate(time.Millisecond)
	number := any(p.number)
	if byInvoice && s.opt.unknown.NoSiteInvoiceID {
		number = nil
	}
	system, method := s.systemOf(p)
	o := ordered{{"PaymentID", json.Number(p.id)}, {"SiteInvoiceID", number}, {"SiteID", s.opt.account.SiteID}, {"CurrencyCode", p.currency},
		{"Amount", json.Number(p.amount.String())}, {"PaymentCurrencyCode", p.currency}, {"PaymentAmount", json.Number(paid.String())},
		{"State", p.status}, {"IsTestPayment", p.test}, {"LastUpdateTime", updated.Format("2006-01-02T15:04:05")}}
	if !s.opt.unknown.NoLegacyDate {
		o = append(o, member{"LastUpdate", "/Date(" + strconv.FormatInt(updated.UnixMilli(), 10) + ")/"})
	}
	o = append(o, member{"PaymentSystemID", json.Number(system)}, member{"PaymentMethod", method}, member{"Purpose", p.description},
		member{"UserIdentifier", textOrNull(maskedClassic(p.pan))}, member{"UserPhoneNumber", textOrNull(p.form.phone)})
	return o
}

func textOrNull(v string) any {
	if v == "" {
		return nil
	}
	return v
}

func (s *Server) getPayment(in pairs) (int, ordered) {
	p := s.classicPayment(in)
	if p == nil {
		return -13, nil
	}
	return 0, ordered{{"Payment", s.restPayment(p, false)}}
}

func (s *Server) ourSite(in pairs) bool {
	return strings.EqualFold(in.get("siteAlias"), s.opt.account.MerchantID)
}

func (s *Server) getPaymentByInvoiceID(in pairs) (int, ordered) {
	if !s.ourSite(in) {
		return -6, nil
	}
	p := s.byNumber(in.get("invoiceID"))
	if p == nil || !p.classic || p.number == "" {
		return -13, nil
	}
	return 0, ordered{{"Payment", s.restPayment(p, true)}}
}

// days reads the bounds of a period, both days belonging to it; ok is false
// when one is no day.
func days(in pairs) (has func(time.Time) bool, ok bool) {
	from, to := in.get("periodFrom"), in.get("periodTo")
	for _, day := range []string{from, to} {
		if _, err := time.Parse("2006-01-02", day); day != "" && err != nil {
			return nil, false
		}
	}
	return func(t time.Time) bool {
		day := t.UTC().Format("2006-01-02")
		return (from == "" || day >= from) && (to == "" || day <= to)
	}, true
}

// scope checks accountID and siteAlias of a list.
func (s *Server) scope(in pairs) bool {
	account := in.get("accountID")
	return (account == "" || account == s.opt.account.AccountID) && (in.get("siteAlias") == "" || s.ourSite(in))
}

func (s *Server) limited(list []any) (bool, []any) {
	limit := s.opt.unknown.ListLimit
	if limit <= 0 {
		limit = 100
	}
	if list == nil {
		list = []any{}
	}
	return len(list) > limit, list[:min(limit, len(list))]
}

func (s *Server) listPaymentsFilter(in pairs) (int, ordered) {
	inPeriod, ok := days(in)
	switch {
	case !s.scope(in):
		return -6, nil
	case !ok:
		return -1, nil
	}
	var found []any
	for _, p := range s.list {
		number, state := in.get("invoiceID"), in.get("state")
		if p.classic && inPeriod(p.created) && (number == "" || p.number == number) && (state == "" || strings.EqualFold(p.status, state)) {
			found = append(found, s.restPayment(p, false))
		}
	}
	overflow, list := s.limited(found)
	return 0, ordered{{"Response", ordered{{"Overflow", overflow}, {"Payments", list}}}}
}

func (s *Server) restRefund(r *refund) ordered {
	state := map[string]string{pending: "PENDING", executing: "EXECUTING", success: "SUCCESS", rejected: "FAILURE"}[r.status]
	u := s.opt.unknown
	var o ordered
	switch {
	case u.NoRefundID:
	case u.NumericRefundID:
		o = append(o, member{"RefundID", json.Number(r.id)})
	default:
		o = append(o, member{"RefundID", r.id})
	}
	o = append(o, member{"PaymentID", json.Number(r.p.id)}, member{"ExternalID", textOrNull(r.external)}, member{"Amount", json.Number(r.amount.String())})
	if !u.RefundStatusOnly {
		o = append(o, member{"State", state})
	}
	if !u.RefundStateOnly {
		o = append(o, member{"Status", state})
	}
	o = append(o, member{"LastUpdate", r.updated.UTC().Format("2006-01-02T15:04:05")})
	if r.status == rejected {
		code := classicCodes[r.result]
		return append(o, member{"ErrorCode", code}, member{"ErrorDesc", classicTexts[code]})
	}
	return append(o, member{"ErrorCode", nil}, member{"ErrorDesc", nil})
}

func (s *Server) refundPayment(in pairs) (int, ordered) {
	p := s.classicPayment(in)
	if p == nil {
		return -13, nil
	}
	if !rubles.MatchString(in.get("amount")) {
		return -18, nil
	}
	amount, err := money.Parse(in.get("amount"))
	if err != nil || amount <= 0 {
		return -18, nil
	}
	receipt, fault := readCart(in, restCart, amount)
	switch {
	case fault != nil:
		return fault.code, nil
	case p.status != complete:
		return -23, nil
	case amount > s.refundable(p):
		return -12, nil
	}
	if receipt != nil {
		receipt.Email, receipt.Phone = p.form.email, p.form.phone
	}
	return 0, ordered{{"Refund", s.restRefund(s.startRefund(p, amount, in.get("externalID"), receipt))}}
}

func (s *Server) listClassicRefunds(in pairs) (int, ordered) {
	inPeriod, ok := days(in)
	switch {
	case !s.scope(in):
		return -6, nil
	case !ok:
		return -1, nil
	}
	var found []any
	for _, r := range s.refunds {
		payment, external := in.get("paymentID"), in.get("externalID")
		if r.p.classic && inPeriod(r.created) && (payment == "" || r.p.id == payment) && (external == "" || r.external == external) {
			found = append(found, s.restRefund(r))
		}
	}
	overflow, list := s.limited(found)
	return 0, ordered{{"Response", ordered{{"Overflow", overflow}, {"Refunds", list}}}}
}

func (s *Server) confirmClassic(in pairs) (int, ordered) {
	p := s.classicPayment(in)
	if p == nil {
		return -13, nil
	}
	if p.status != processing || p.held == 0 {
		return -23, nil
	}
	amount := p.held
	if text := in.get("amount"); text != "" {
		var err error
		if amount, err = money.Parse(text); err != nil || !rubles.MatchString(text) || amount <= 0 || amount > p.held {
			return -18, nil
		}
	}
	s.take(p, amount)
	return 0, ordered{{"Payment", s.restPayment(p, false)}}
}

func (s *Server) cancelClassic(in pairs) (int, ordered) {
	p := s.classicPayment(in)
	if p == nil {
		return -13, nil
	}
	code := 0
	if text := in.get("error"); text != "" {
		var err error
		if code, err = strconv.Atoi(text); err != nil {
			return -1, nil
		}
	}
	switch {
	case p.status == processing && p.held > 0:
		s.release(p, "")
	case p.unpaid() && !s.opt.unknown.KeepUnpaid:
		s.change(p, failed)
	default:
		return -23, nil
	}
	p.code = code
	return 0, ordered{{"Payment", s.restPayment(p, false)}}
}

// document is a file of listDocuments.
type document struct {
	id      string
	date    time.Time
	content []byte
}

// AddDocument gives the account a document (акт, реестр) and says its id. The
// fields of the list are not documented: DocumentID and Date.
func (s *Server) AddDocument(content []byte) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := document{fmt.Sprint(301 + len(s.documents)), s.base.Clock.Now().UTC(), bytes.Clone(content)}
	s.documents = append(s.documents, d)
	return d.id
}

func (s *Server) document(id string) *document {
	for i := range s.documents {
		if s.documents[i].id == id {
			return &s.documents[i]
		}
	}
	return nil
}

func (s *Server) listDocuments(in pairs) (int, ordered) {
	inPeriod, ok := days(in)
	switch {
	case !s.scope(in):
		return -6, nil
	case !ok:
		return -1, nil
	}
	list := []any{}
	for _, d := range s.documents {
		if inPeriod(d.date) {
			list = append(list, ordered{{"DocumentID", json.Number(d.id)}, {"Date", d.date.Format("2006-01-02T15:04:05")}})
		}
	}
	return 0, ordered{{"Response", ordered{{"Documents", list}}}}
}
