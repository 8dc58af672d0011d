package paymastertest

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// period reads merchantId, start and end of a list.
func (s *Server) period(q query, required bool) (from, to time.Time, no *refusal) {
	k := &check{}
	if q["merchantid"] == "" {
		k.fail("Specify required MerchantId value.")
	}
	if no := s.ours(q["merchantid"]); no != nil {
		return from, to, no
	}
	read := func(name string) (t time.Time) {
		v := q[strings.ToLower(name)]
		if v == "" {
			if required {
				k.fail("Specify required " + name + " value.")
			}
			return t
		}
		t, ok := date(v)
		if !ok {
			k.wrong(name)
		}
		return t
	}
	from, to = read("Start"), read("End")
	return from, to, k.refusal()
}

// within says whether t lies in the period; a zero bound is open.
func (s *Server) within(t, from, to time.Time) bool {
	if !from.IsZero() && t.Before(from) || !to.IsZero() && t.After(to) {
		return false
	}
	return to.IsZero() || !s.opt.unknown.ExclusiveEnd || t.Before(to)
}

// page cuts a list: after the element that the cursor names.
func page[T any](s *Server, q query, all []T, id func(T) string, view func(T) any) (any, *refusal) {
	if s.opt.unknown.NewestFirst {
		all = slices.Clone(all)
		slices.Reverse(all)
	}
	cursor := q["cursor"]
	if cursor != "" {
		after, err := base64.RawURLEncoding.DecodeString(cursor)
		at := slices.IndexFunc(all, func(e T) bool { return id(e) == string(after) })
		if err != nil || at < 0 {
			return nil, invalid("Invalid Cursor value.")
		}
		all = all[at+1:]
	}
	size := s.opt.unknown.PageSize
	if size <= 0 {
		size = 5
	}
	out := map[string]any{}
	items := make([]any, 0, size)
	for _, e := range all[:min(size, len(all))] {
		items = append(items, view(e))
	}
	out["items"] = items
	switch end := s.opt.unknown.CursorEnd; {
	case len(all) > size, end == CursorRepeat && len(items) > 0:
		out["cursor"] = base64.RawURLEncoding.EncodeToString([]byte(id(all[len(items)-1])))
	case end == CursorRepeat && cursor != "":
		out["cursor"] = cursor
	case end == CursorNull:
		out["cursor"] = nil
	case end == CursorEmpty:
		out["cursor"] = ""
	}
	return out, nil
}

// number is an id as answers have it.
func (s *Server) number(id string) any {
	if s.opt.unknown.NumericIDs && digitsOnly.MatchString(id) {
		return json.Number(id)
	}
	return id
}

// sum is an amount as answers have it.
func (s *Server) sum(a money.Amount, currency string) any {
	text := a.String() + "00"
	if s.opt.unknown.ShortSums {
		text = strings.TrimSuffix(strings.TrimRight(a.String(), "0"), ".")
	}
	return struct {
		Value    json.Number `json:"value"`
		Currency string      `json:"currency"`
	}{json.Number(text), currency}
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.999Z07:00") }

type invoiceView struct {
	Description string `json:"description"`
	OrderNo     string `json:"orderNo,omitempty"`
	Expires     string `json:"expires,omitempty"`
	Params      any    `json:"params,omitempty"`
}

type dataView struct {
	Method     string `json:"paymentMethod"`
	Instrument string `json:"paymentInstrumentTitle,omitempty"`
	Card       any    `json:"cardInfo,omitempty"`
}

// paymentView is a payment; details has what only the reading of one has.
type paymentView struct {
	ID         any         `json:"id"`
	Created    string      `json:"created"`
	TestMode   *bool       `json:"testMode,omitempty"`
	Status     string      `json:"status"`
	ResultCode string      `json:"resultCode,omitempty"`
	Message    string      `json:"message,omitempty"`
	MerchantID string      `json:"merchantId"`
	Amount     any         `json:"amount"`
	Invoice    invoiceView `json:"invoice"`
	Customer   any         `json:"customer,omitempty"`
	Data       *dataView   `json:"paymentData,omitempty"`
	Step       any         `json:"confirmation,omitempty"`
	Token      any         `json:"paymentToken,omitempty"`
}

func (s *Server) item(p *payment) paymentView {
	v := paymentView{ID: s.number(p.id), Created: stamp(p.created), Status: p.status, MerchantID: s.opt.account.MerchantID,
		Amount: s.sum(p.amount, p.currency), Invoice: invoiceView{Description: p.description, OrderNo: p.number, Params: p.params}}
	if p.method != "" {
		v.Data = &dataView{Method: p.method, Instrument: p.instrument}
	}
	return v
}

func (s *Server) detail(p *payment) paymentView {
	v := s.item(p)
	v.TestMode, v.ResultCode = &p.test, p.result
	if p.result != "Success" {
		v.Message = results[p.result]
	}
	if !p.expires.IsZero() {
		v.Invoice.Expires = stamp(p.expires)
	}
	if ip, ok := p.customer["ip"].(string); ok {
		v.Customer = map[string]string{"ip": ip}
	}
	if v.Data != nil && p.pan != "" {
		v.Data.Card = cardInfo(p.pan)
	}
	if p.status == confirmation {
		v.Step = s.stepView(p.step, p.acsReturn)
	}
	if t := p.saved; t != nil {
		v.Token = map[string]string{"id": t.id, "expires": stamp(t.expires), "title": t.title}
	}
	return v
}

func (s *Server) stepView(st *step, back string) any {
	switch st.kind {
	case stepExternal:
		return map[string]any{"type": st.kind, "paymentUrl": st.url, "universalLink": strings.Contains(st.url, "qr.nspk.ru") || strings.Contains(st.url, "/mock/sbp/")}
	case stepSMS:
		return map[string]any{"type": st.kind, "maskedPhone": "7999***1122"}
	case stepMethod:
		return map[string]any{"type": st.kind, "methodUrl": st.url, "transactionId": st.id}
	case stepChallenge:
		return map[string]any{"type": st.kind, "acsUrl": st.url,
			"creq": packed(map[string]string{"threeDSServerTransID": st.id, "messageType": "CReq", "notificationURL": back})}
	}
	name := "acsUrl"
	if s.opt.unknown.OldACSField {
		name = "paymentUrl"
	}
	return map[string]any{"type": st.kind, name: st.url, "PAReq": packed(map[string]string{"id": st.id})}
}

// notify queues the news of a payment of v2.
func (s *Server) notify(p *payment) {
	if told := s.opt.unknown.CallbackStatuses; told != nil && !slices.Contains(told, p.status) {
		return
	}
	v := s.item(p)
	v.TestMode = &p.test
	if !s.opt.unknown.StringCallbackIDs {
		v.ID = json.Number(p.id)
	}
	s.send(p.id, p.status, p.callback, encode(v))
}

func (s *Server) send(order, event, to string, body []byte) {
	if s.opt.unknown.BOM {
		body = append([]byte("\xef\xbb\xbf"), body...)
	}
	s.base.Outbox.Send(emulator.Message{Order: order, Event: event, URL: to, Body: body, Method: "POST",
		Header: map[string][]string{"Content-Type": {"application/json"}}})
}
