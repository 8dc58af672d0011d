package alfabanktest

import (
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
	"github.com/acquiring-go/acquiring/money"
)

// tmpl is a payment link (type ECOM) or a static SBP code (SBP_QR,
// CASH_SBP_QR).
type tmpl struct {
	id, kind  string
	merchant  *Merchant
	fields    obj // as given
	status    string
	from, to  time.Time
	amount    money.Amount
	free      bool // the buyer types the sum
	single    bool
	usedAt    time.Time
	params    []obj
	cashOrder *order // what a cash link asks for now
}

func (t *tmpl) static() bool { return t.kind != "ECOM" }

func (s *Server) template(id string) *tmpl {
	for _, t := range s.templates {
		if t.id == id {
			return t
		}
	}
	return nil
}

// state is the status by now: a static code waits for its time and outlives it.
func (t *tmpl) state(now time.Time) string {
	if t.status != "ACTIVE" || !t.static() {
		return t.status
	}
	switch {
	case !t.from.IsZero() && now.Before(t.from):
		return "WAITING"
	case !t.to.IsZero() && !now.Before(t.to):
		return "EXPIRED"
	}
	return t.status
}

func (t *tmpl) payload(s *Server) string {
	if t.static() {
		return "https://qr.nspk.ru/" + t.id
	}
	return s.URL + "/sc/" + t.id
}

// readTemplate takes over what a request says; a field that is wrong is named.
func (t *tmpl) readTemplate(in obj) string {
	text := func(name string, most int) bool { return utf8.RuneCountInString(gateway.ScalarText(in[name])) > most }
	switch {
	case text("name", 140):
		return "name is longer than 140 characters"
	case text("nameForClient", 255):
		return "nameForClient is longer than 255 characters"
	case text("distributionChannel", 256):
		return "distributionChannel is longer than 256 characters"
	}
	if v := gateway.ScalarText(in["amount"]); v != "" {
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n <= 0 || len(v) > 12 {
			return "amount must be kopecks"
		}
		t.amount, t.free = money.Amount(n), false
	}
	if in["isFreeAmount"] == true {
		t.amount, t.free = 0, true
		delete(t.fields, "amount")
	}
	for name, to := range map[string]*time.Time{"startDate": &t.from, "endDate": &t.to} {
		if v := gateway.ScalarText(in[name]); v != "" {
			at, err := gateway.ParseMoscow(v)
			if err != nil {
				return name + " is yyyy-MM-ddTHH:mm:ss"
			}
			*to = at
		}
	}
	if in["isIndefinite"] == true {
		t.to = time.Time{}
		delete(t.fields, "endDate")
	}
	if v, ok := in["singlePayment"].(bool); ok {
		t.single = v
	}
	if why := t.readParams(in); why != "" {
		return why
	}
	for name, v := range in {
		switch name {
		case "templateId", "status", "isFreeAmount", "isIndefinite", "additionalParams", "userName", "username", "password", "language", "type":
		default:
			if o, isObject := v.(obj); !isObject || len(o) > 0 {
				t.fields[name] = v
			}
		}
	}
	return ""
}

// readParams are the fields that the buyer fills in; mode REMOVE takes one back.
func (t *tmpl) readParams(in obj) string {
	list, _ := in["additionalParams"].([]any)
	for _, v := range list {
		p, _ := v.(obj)
		name := gateway.ScalarText(p["name"])
		if name == "" || strings.ContainsFunc(name, func(r rune) bool { return (r < 'a' || r > 'z') && r != '_' }) {
			return "additionalParams.name is [a-z_]+"
		}
		t.params = slices.DeleteFunc(t.params, func(o obj) bool { return o["name"] == name })
		if p["mode"] != "REMOVE" {
			p = maps.Clone(p)
			delete(p, "mode")
			t.params = append(t.params, p)
		}
	}
	return ""
}

// qrView is qrTemplate of an answer; the picture only where it was asked for.
func (c *call) qrView(t *tmpl, in obj) obj {
	out := obj{"payload": t.payload(c.s)}
	asked, _ := in["qrTemplate"].(obj)
	if asked["qrHeight"] != nil && asked["qrWidth"] != nil {
		out["renderedQr"] = c.s.rendered(t.payload(c.s), "")
	}
	return out
}

// view is the template whole.
func (c *call) view(t *tmpl, in obj) obj {
	out := maps.Clone(t.fields)
	out["templateId"], out["status"], out["type"], out["qrTemplate"] = t.id, t.state(c.now), t.kind, c.qrView(t, in)
	if out["currency"] == nil {
		out["currency"] = "RUB"
	}
	if !t.static() {
		out["preAuth"], out["singlePayment"] = t.fields["preAuth"] == true, t.single
	}
	if len(t.params) > 0 {
		out["additionalParams"] = t.params
	}
	return out
}

func badRequest(why string) *refusal { return refuse(1, tBadRequest).Because(why) }

func (c *call) linkCreate() (obj, *refusal) {
	in := c.Object("template")
	if in == nil {
		return nil, refuse(4, emptyText("template"))
	}
	for _, name := range []string{"type", "name", "nameForClient"} {
		if gateway.ScalarText(in[name]) == "" {
			return nil, refuse(4, emptyText("template."+name))
		}
	}
	if in["type"] != "ECOM" {
		return nil, badRequest("type is ECOM")
	}
	t := &tmpl{id: c.s.base.IDs.Letters(16), kind: "ECOM", merchant: c.m, fields: obj{}, status: "ACTIVE", free: gateway.ScalarText(in["amount"]) == ""}
	if why := t.readTemplate(in); why != "" {
		return nil, badRequest(why)
	}
	c.s.templates = append(c.s.templates, t)
	return obj{"status": "SUCCESS", "template": obj{"templateId": t.id, "status": t.status, "qrTemplate": c.qrView(t, in)}}, nil
}

// link finds the template that the request names.
func (c *call) link(in obj, static bool) (*tmpl, *refusal) {
	id := gateway.ScalarText(in["templateId"])
	if id == "" {
		return nil, refuse(4, emptyText("templateId"))
	}
	t := c.s.template(id)
	if t == nil || t.merchant != c.m || t.static() != static {
		return nil, refuse(6, tNoTemplate)
	}
	return t, nil
}

func (c *call) linkGet() (obj, *refusal) {
	in := c.Object("template")
	t, no := c.link(in, false)
	if no != nil {
		return nil, no
	}
	return obj{"status": "SUCCESS", "template": c.view(t, in)}, nil
}

func (c *call) linkUpdate() (obj, *refusal) {
	in := c.Object("template")
	t, no := c.link(in, false)
	if no != nil {
		return nil, no
	}
	if no := t.update(in, []string{"ACTIVE", "INACTIVE", "DELETE"}); no != nil {
		return nil, no
	}
	return obj{"status": "SUCCESS"}, nil
}

// update changes the template, or nothing.
func (t *tmpl) update(in obj, statuses []string) *refusal {
	status := gateway.ScalarText(in["status"])
	if status != "" && !slices.Contains(statuses, status) {
		return badRequest("status is one of " + strings.Join(statuses, ", "))
	}
	if strings.HasPrefix(t.status, "DELETE") {
		return badRequest("it is deleted")
	}
	changed := *t
	changed.fields, changed.params = maps.Clone(t.fields), slices.Clone(t.params)
	if why := changed.readTemplate(in); why != "" {
		return badRequest(why)
	}
	*t = changed
	if status != "" {
		t.status = status
	}
	return nil
}

func (c *call) linkList() (obj, *refusal) {
	status := c.Str("status")
	if status != "" && status != "ACTIVE" && status != "INACTIVE" && status != "DELETE" {
		return nil, badRequest("status is ACTIVE, INACTIVE or DELETE")
	}
	list := []obj{}
	for _, t := range c.s.templates {
		if t.merchant != c.m || t.static() || (status != "" && t.status != status) {
			continue
		}
		e := obj{"templateId": t.id, "status": t.status, "type": t.kind, "name": t.fields["name"], "currency": "RUB", "qrTemplate": c.qrView(t, c.In)}
		if !t.free {
			e["amount"] = t.amount
		}
		list = append(list, e)
	}
	return obj{"status": "SUCCESS", "templates": list}, nil
}

// qrCreate is templates/createTemplate.do: a static SBP code.
func (c *call) qrCreate() (obj, *refusal) {
	for _, name := range []string{"name", "type"} {
		if c.Str(name) == "" {
			return nil, refuse(2, emptyText(name))
		}
	}
	kind := c.Str("type")
	if kind != "SBP_QR" && kind != "CASH_SBP_QR" {
		return nil, badRequest("type is SBP_QR or CASH_SBP_QR")
	}
	t := &tmpl{id: c.s.base.IDs.QR("BS"), kind: kind, merchant: c.m, fields: obj{}, status: "ACTIVE", from: c.now, free: c.Str("amount") == ""}
	if why := t.readTemplate(c.In); why != "" {
		return nil, badRequest(why)
	}
	c.s.templates = append(c.s.templates, t)
	return c.qrAnswer(t), nil
}

// qrAnswer is a static code as its methods answer it.
func (c *call) qrAnswer(t *tmpl) obj {
	out := obj{"templateId": t.id, "type": t.kind, "status": t.state(c.now), "startDate": t.from.In(gateway.Moscow).Format("2006-01-02T15:04:05")}
	for _, name := range []string{"name", "distributionChannel", "amount", "currency"} {
		if v := t.fields[name]; v != nil {
			out[name] = v
		}
	}
	if !t.to.IsZero() {
		out["endDate"] = t.to.In(gateway.Moscow).Format("2006-01-02T15:04:05")
	}
	if !t.usedAt.IsZero() {
		out["useDate"] = t.usedAt.In(gateway.Moscow).Format("2006-01-02T15:04:05")
	}
	out["qrTemplate"] = c.qrView(t, c.In)
	return out
}

func (c *call) qrDetails() (obj, *refusal) {
	t, no := c.link(c.In, true)
	if no != nil {
		return nil, no
	}
	return c.qrAnswer(t), nil
}

func (c *call) qrUpdate() (obj, *refusal) {
	t, no := c.link(c.In, true)
	if no != nil {
		return nil, no
	}
	for _, name := range []string{"name", "status"} {
		if c.Str(name) == "" {
			return nil, refuse(4, emptyText(name))
		}
	}
	if no := t.update(c.In, []string{"ACTIVE", "INACTIVE", "DELETED"}); no != nil {
		return nil, no
	}
	// An expired code whose end was moved waits to be switched on by hand.
	out := c.qrAnswer(t)
	out["takeTax"], out["totalTaxAmount"] = false, 0
	return out, nil
}

// openTemplate makes the order of somebody who opened a link or scanned a
// static code; the text says why not.
func (s *Server) openTemplate(t *tmpl, amount money.Amount) (*order, string) {
	now := s.base.Clock.Now()
	switch {
	case t == nil:
		return nil, "no such link"
	case t.state(now) != "ACTIVE", !t.from.IsZero() && now.Before(t.from), !t.to.IsZero() && !now.Before(t.to):
		return nil, "the link is not active"
	case t.cashOrder != nil && t.cashOrder.Open():
		return t.cashOrder, ""
	case !t.free:
		amount = t.amount
	case amount <= 0:
		return nil, "the sum is missing"
	}
	o := s.own(t.merchant, amount)
	o.template, o.PreAuth, o.Description = t, t.fields["preAuth"] == true, gateway.ScalarText(t.fields["description"])
	s.enter(o)
	return o, ""
}

// used is what a payment does to the link that it came through.
func (s *Server) used(o *order) {
	t := o.template
	if t == nil {
		return
	}
	t.usedAt, t.cashOrder = s.base.Clock.Now(), nil
	if t.single {
		t.status = map[bool]string{true: "USED", false: "INACTIVE"}[t.static()]
	}
}

// cashLink is instantPayment.do with sbpTemplateId: the static code at the till
// asks for this order now.
func (c *call) cashLink(o *order, id string) (obj, *refusal) {
	t := c.s.template(id)
	if t == nil || t.merchant != c.m || t.kind != "CASH_SBP_QR" {
		return nil, refuse(6, tNoTemplate)
	}
	c.s.enter(o)
	o.template, t.cashOrder = t, o
	return c.instantAnswer(o, obj{"info": tInfo.In(c.lang)}), nil
}

// serveLink is a payment link in the browser: it makes an order and goes to
// its payment page. Where the buyer sets the sum it asks for it first.
func (s *Server) serveLink(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		gateway.EmptyHTML(w, http.StatusMethodNotAllowed)
		return
	}
	_ = r.ParseForm()
	amount, err := money.Parse(r.Form.Get("amount"))
	if err != nil {
		amount = 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.template(strings.TrimPrefix(r.URL.Path, "/sc/"))
	if t != nil && t.static() {
		t = nil
	}
	if t != nil && t.free && amount <= 0 {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = w.Write([]byte(`<!DOCTYPE html><html lang="ru"><head><meta charset="utf-8"><title>Альфа-Банк</title></head><body><form method="post">` +
			`<label>Сумма, ₽ <input name="amount" inputmode="decimal"></label> <button>Продолжить</button></form></body></html>`))
		return
	}
	o, why := s.openTemplate(t, amount)
	if why != "" {
		gateway.NoOrder(w, provider)
		return
	}
	http.Redirect(w, r, s.formURL(o), http.StatusSeeOther)
}
