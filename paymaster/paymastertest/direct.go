package paymastertest

import (
	"bytes"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// directBook is what PayMaster Direct keeps.
type directBook struct {
	codes    map[string]directCode
	tokens   map[string]string // access token to scope
	payments map[string]*directPayment
}

type directCode struct{ scope, redirect string }

type directPayment struct {
	p           *payment
	token       string
	transaction string
	id          string
	tries       int
}

func newDirectBook() directBook {
	return directBook{map[string]directCode{}, map[string]string{}, map[string]*directPayment{}}
}

// directSign is sign of a request: over its fields as they came, without sign
// and iat.
func (s *Server) directSign(in pairs) string {
	var b bytes.Buffer
	for _, e := range in {
		if e.name == "sign" || e.name == "iat" {
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('&')
		}
		phpEscape(&b, e.name)
		b.WriteByte('=')
		phpEscape(&b, e.value)
	}
	return digest(SHA256, b.String()+";"+in.get("iat")+";"+s.opt.account.DirectSecret)
}

// phpEscape is http_build_query: upper-case hexadecimal, a plus for a space.
func phpEscape(b *bytes.Buffer, text string) {
	for i := range len(text) {
		switch c := text[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.", c) >= 0:
			b.WriteByte(c)
		case c == ' ':
			b.WriteByte('+')
		default:
			fmt.Fprintf(b, "%%%02X", c)
		}
	}
}

func directFailure(w http.ResponseWriter, reason string) {
	writeJSON(w, answer{"status": "failure", "error": reason})
}

// directFields are the fields of each step, all of them required.
var directFields = map[string][]string{
	"security/auth":    strings.Fields("response_type client_id redirect_uri scope type"),
	"security/token":   strings.Fields("client_id code grant_type redirect_uri type"),
	"payment/init":     strings.Fields("access_token merchant_id merchant_transaction_id amount currency description type"),
	"payment/complete": strings.Fields("access_token merchant_id merchant_transaction_id processor_transaction_id type"),
	"security/revoke":  strings.Fields("client_id access_token type"),
}

// serveDirect is PayMaster Direct.
func (s *Server) serveDirect(w http.ResponseWriter, r *http.Request, step string) {
	fields := directFields[step]
	if fields == nil || r.Method != http.MethodPost && step != "security/auth" {
		http.NotFound(w, r)
		return
	}
	all, err := readPairs(r)
	if err != nil {
		http.Error(w, "", http.StatusBadRequest)
		return
	}
	// The buttons of our own page are not the shop's.
	in := slices.DeleteFunc(slices.Clone(all), func(e pair) bool { return step == "security/auth" && (e.name == "do" || e.name == "saved") })
	for _, name := range append([]string{"iat", "sign"}, fields...) {
		if in.get(name) == "" {
			directFailure(w, "invalid_request: "+name+" is required")
			return
		}
	}
	merchant := in.get("client_id") + in.get("merchant_id")
	switch {
	case !digitsOnly.MatchString(in.get("iat")) || !same(in.get("sign"), s.directSign(in)):
		directFailure(w, "invalid_signature")
		return
	case !strings.EqualFold(merchant, s.opt.account.MerchantID):
		directFailure(w, "invalid_client")
		return
	case in.get("type") != "rest":
		directFailure(w, "unsupported type")
		return
	}
	if step == "security/auth" {
		s.directAuth(w, r, in, all.get("do"))
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch step {
	case "security/token":
		s.directToken(w, in)
	case "payment/init":
		s.directInit(w, in)
	case "payment/complete":
		s.directComplete(w, in)
	case "security/revoke":
		if _, ok := s.direct.tokens[in.get("access_token")]; !ok {
			directFailure(w, "invalid_token")
			return
		}
		delete(s.direct.tokens, in.get("access_token"))
		writeJSON(w, answer{"status": "success"})
	}
}

// directAuth asks the customer's consent.
func (s *Server) directAuth(w http.ResponseWriter, r *http.Request, in pairs, do string) {
	back, err := url.Parse(in.get("redirect_uri"))
	if err != nil || back.Host == "" || in.get("response_type") != "code" || !slices.Contains([]string{"bankcard", "webmoney", "503"}, in.get("scope")) {
		directFailure(w, "invalid_request")
		return
	}
	q := back.Query()
	switch do {
	case "":
		emulator.Page{Provider: "PayMaster Direct", Shop: "Эмулятор", Description: "Разрешить магазину списания без подтверждения", NoExpire: true,
			Saved: []emulator.SavedCard{{ID: "1", Masked: maskedClassic(CardPays)}}, Action: r.URL.RequestURI()}.Write(w, http.StatusOK)
		return
	case "decline", "cancel":
		q.Set("error", "access_denied")
	default:
		s.mu.Lock()
		code := s.base.IDs.Hex(32)
		s.direct.codes[code] = directCode{in.get("scope"), in.get("redirect_uri")}
		s.mu.Unlock()
		q.Set("code", code)
	}
	back.RawQuery = q.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (s *Server) directToken(w http.ResponseWriter, in pairs) {
	code, ok := s.direct.codes[in.get("code")]
	if !ok || code.redirect != in.get("redirect_uri") || in.get("grant_type") != "authorization_code" {
		directFailure(w, "invalid_grant")
		return
	}
	delete(s.direct.codes, in.get("code"))
	token := s.base.IDs.Hex(32)
	s.direct.tokens[token] = code.scope
	writeJSON(w, answer{"access_token": token, "token_type": "Bearer", "expires_in": 94608000, "account_identifier": maskedClassic(CardPays)})
}

func (s *Server) directInit(w http.ResponseWriter, in pairs) {
	if _, ok := s.direct.tokens[in.get("access_token")]; !ok {
		directFailure(w, "invalid_token")
		return
	}
	amount, err := money.Parse(in.get("amount"))
	_, decimals, _ := strings.Cut(in.get("amount"), ".")
	number := in.get("merchant_transaction_id")
	switch {
	case err != nil || amount <= 0 || len(decimals) != 2 || !rubles.MatchString(in.get("amount")):
		directFailure(w, "invalid_amount")
		return
	case !slices.Contains(s.opt.account.Currencies, in.get("currency")):
		directFailure(w, "invalid_currency")
		return
	case !s.mayUse(number):
		directFailure(w, "duplicate merchant_transaction_id")
		return
	}
	p := &payment{classic: true, number: number, amount: amount, currency: in.get("currency"), description: in.get("description"), test: !s.opt.working,
		callback: s.base.CallbackURL(), form: &form{currency: in.get("currency")}}
	s.open(p)
	d := &directPayment{p: p, token: in.get("access_token"), transaction: number, id: s.base.IDs.Digits(10)}
	s.direct.payments[d.id] = d
	writeJSON(w, answer{"processor_transaction_id": d.id, "status": "success"})
}

func (s *Server) directComplete(w http.ResponseWriter, in pairs) {
	d := s.direct.payments[in.get("processor_transaction_id")]
	if _, ok := s.direct.tokens[in.get("access_token")]; !ok {
		directFailure(w, "invalid_token")
		return
	}
	if d == nil || d.token != in.get("access_token") || d.transaction != in.get("merchant_transaction_id") {
		directFailure(w, "invalid_transaction")
		return
	}
	d.tries++
	status := "in_progress"
	if d.tries > 1 || !s.opt.unknown.DirectPending {
		if d.p.unpaid() {
			s.obtain(d.p, "BankCard", CardPays)
		}
		status = "complete"
		if d.p.status == failed {
			status = "failure"
		}
	}
	writeJSON(w, answer{"status": status, "payment_id": d.p.id, "processor_transaction_id": d.id})
}
