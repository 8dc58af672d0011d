package tochkatest

import (
	"errors"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// consent is what an application may do for a user (разрешение).
type consent struct {
	id          string
	app         *App
	status      string // AwaitingAuthorisation, Authorised, Rejected, Revoked
	permissions []string
	created     time.Time
	updated     time.Time
	expires     time.Time // zero: never
	customers   []string  // of the user who approved
	user        string
	children    []child
}

// child is a consent for one company.
type child struct{ id, customer string }

func (c *consent) over(now time.Time) bool { return !c.expires.IsZero() && !now.Before(c.expires) }

// Consent is a consent as the bank has it.
type Consent struct {
	ID          string
	ClientID    string
	Status      string
	Permissions []string
	Customers   []string
	Expires     time.Time
}

// Consents are all of them, as they were made.
func (s *Server) Consents() []Consent {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Consent
	for _, id := range s.consentN {
		c := s.consents[id]
		out = append(out, Consent{ID: c.id, ClientID: c.app.ClientID, Status: c.status, Permissions: slices.Clone(c.permissions),
			Customers: slices.Clone(c.customers), Expires: c.expires})
	}
	return out
}

// RevokeConsent is the user taking a consent back in the internet bank: its
// tokens answer 403 then.
func (s *Server) RevokeConsent(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.consents[id]
	if c == nil {
		return fmt.Errorf("tochkatest: no consent %q", id)
	}
	c.status, c.updated = "Revoked", s.base.Clock.Now()
	return nil
}

func (c *call) createConsent() (reply, *refusal) {
	if c.grant.app == nil {
		return reply{}, forbidden()
	}
	now := c.base.Clock.Now()
	made := &consent{id: c.base.IDs.UUID(), app: c.grant.app, status: "AwaitingAuthorisation", permissions: c.texts("permissions"), created: now, updated: now.Add(18 * time.Microsecond)}
	if t := c.text("expirationDateTime"); t != "" {
		made.expires, _ = time.Parse(time.RFC3339, t)
		if made.over(now) {
			return reply{}, invalid("expirationDateTime", "Value error, should be more than now")
		}
	}
	if len(made.permissions) == 0 {
		return reply{}, invalid("permissions", "List should have at least 1 item after validation, not 0")
	}
	c.consents[made.id] = made
	c.consentN = append(c.consentN, made.id)
	if c.opt.consentArray {
		return ok(object{{"Consent", []object{c.consentObject(made, "", true)}}})
	}
	return ok(c.consentObject(made, "", false))
}

func (c *call) consentObject(k *consent, customer string, list bool) object {
	id := k.id
	if customer != "" {
		for _, one := range k.children {
			if one.customer == customer {
				id = one.id
			}
		}
	}
	o := object{{"status", k.status}, {"creationDateTime", micros(k.created)}, {"statusUpdateDateTime", micros(k.updated)}, {"permissions", k.permissions}}
	if !k.expires.IsZero() {
		o = o.with("expirationDateTime", micros(k.expires))
	}
	o = o.with("consentId", id).some("customerCode", customer).some("applicationName", k.app.Name).with("clientId", k.app.ClientID)
	if list {
		o = o.with("isValid", !k.over(c.base.Clock.Now()))
	}
	return o
}

func (c *call) listConsents() (reply, *refusal) {
	customer := c.r.Header.Get("customer-code")
	out := []object{}
	for _, id := range c.consentN {
		k := c.consents[id]
		if k.app != c.grant.app || customer != "" && !slices.Contains(k.customers, customer) {
			continue
		}
		out = append(out, c.consentObject(k, customer, true))
	}
	return ok(object{{"Consent", out}})
}

// ownConsent finds a consent of the caller's application, by its id or a
// child's.
func (c *call) ownConsent() (*consent, string, *refusal) {
	id := c.path["consentId"]
	for _, k := range c.consents {
		if k.app != c.grant.app {
			continue
		}
		if k.id == id {
			return k, "", nil
		}
		for _, one := range k.children {
			if one.id == id {
				return k, one.customer, nil
			}
		}
	}
	return nil, "", missing("Object of Consents does not exists")
}

func (c *call) getConsent() (reply, *refusal) {
	k, customer, fault := c.ownConsent()
	if fault != nil {
		return reply{}, fault
	}
	return ok(c.consentObject(k, customer, false))
}

func (c *call) childConsents() (reply, *refusal) {
	k, _, fault := c.ownConsent()
	if fault != nil {
		return reply{}, fault
	}
	out := []object{}
	for _, one := range k.children {
		out = append(out, c.consentObject(k, one.customer, true))
	}
	return ok(object{{"Consent", out}})
}

// request is a checked authorise link.
type request struct {
	app      *App
	consent  *consent
	redirect string
	state    string
	idToken  bool
}

// readAuthorise checks an authorise link. What is wrong with it is shown to
// the user: the browser is not sent to an address that is not the
// application's. The lock is held.
func (s *Server) readAuthorise(q url.Values) (*request, error) {
	app := s.app(q.Get("client_id"))
	if app == nil {
		return nil, errors.New("invalid_client")
	}
	if q.Get("redirect_uri") != app.RedirectURL {
		return nil, errors.New("invalid_redirect_uri")
	}
	kinds := strings.Fields(q.Get("response_type"))
	slices.Sort(kinds)
	idToken := slices.Equal(kinds, []string{"code", "id_token"})
	if !idToken && !slices.Equal(kinds, []string{"code"}) {
		return nil, errors.New("unsupported_response_type")
	}
	if words := scopeFault(q.Get("scope")); words != "" {
		return nil, errors.New("invalid_scope: " + words)
	}
	k := s.consents[q.Get("consent_id")]
	switch {
	case k == nil || k.app != app:
		return nil, errors.New("invalid_consent_id")
	case k.status != "AwaitingAuthorisation" && k.status != "Authorised":
		return nil, errors.New("consent is " + k.status)
	case k.over(s.base.Clock.Now()):
		return nil, errors.New("consent is expired")
	}
	return &request{app: app, consent: k, redirect: app.RedirectURL, state: q.Get("state"), idToken: idToken}, nil
}

// decide is the user's decision; it gives the address that the browser goes to,
// "" for none. The lock is held.
func (s *Server) decide(r *request, approve bool) string {
	now := s.base.Clock.Now()
	u, err := url.Parse(r.redirect)
	if err != nil {
		return ""
	}
	q := u.Query()
	if r.state != "" {
		q.Set("state", r.state)
	}
	k := r.consent
	k.updated = now
	if !approve {
		k.status = "Rejected"
		if s.opt.silentRefusal {
			return ""
		}
		q.Set("error", "access_denied")
		q.Set("error_description", "The user refused the consent")
		u.RawQuery = q.Encode()
		return u.String()
	}
	if k.status != "Authorised" {
		k.status, k.user = "Authorised", s.base.IDs.UUID()
		for _, one := range s.companies {
			k.customers = append(k.customers, one.CustomerCode)
			if !one.Personal {
				k.children = append(k.children, child{id: s.base.IDs.UUID(), customer: one.CustomerCode})
			}
		}
	}
	text := s.mixed(32)
	s.codes[text] = &code{app: r.app, consent: k, redirect: r.redirect, state: r.state, expires: now.Add(s.opt.codeLife)}
	q.Set("code", text)
	if r.idToken {
		q.Set("id_token", s.signer.sign(encode(nil, object{{"iss", "enter.tochka.com"}, {"sub", k.user}, {"aud", r.app.ClientID}}, true)))
	}
	u.RawQuery = q.Encode()
	return u.String()
}

// Approve is the user opening the authorise link and approving the permissions.
// It gives the address that the browser is sent to, with the code and the
// state. A code cannot be got with a link that the bank refuses.
func (s *Server) Approve(authorizeURL string) (string, error) {
	return s.answerConsent(authorizeURL, true)
}

// Refuse is the user opening the authorise link and refusing. The address is
// "" with WithSilentRefusal.
func (s *Server) Refuse(authorizeURL string) (string, error) {
	return s.answerConsent(authorizeURL, false)
}

func (s *Server) answerConsent(authorizeURL string, approve bool) (string, error) {
	u, err := url.Parse(authorizeURL)
	if err != nil {
		return "", fmt.Errorf("tochkatest: %w", err)
	}
	if !strings.HasSuffix(u.Path, "/connect/authorize") { // the emulator may be mounted below a prefix
		return "", fmt.Errorf("tochkatest: %s is not the authorise address", u.Path)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r, err := s.readAuthorise(u.Query())
	if err != nil {
		return "", fmt.Errorf("tochkatest: the bank refuses the link: %w", err)
	}
	return s.decide(r, approve), nil
}

var consentPage = template.Must(template.New("consent").Parse(`<!DOCTYPE html>
<html lang="ru"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><link rel="icon" href="data:,"><title>Точка: доступ приложения</title>
<style>body{font:16px/1.45 system-ui,sans-serif;background:#f1f3f6;color:#1b2430;margin:0}main{max-width:26rem;margin:2rem auto;background:#fff;border-radius:14px;padding:1.5rem}
h1{font-size:1.25rem;margin:0 0 .5rem}small{color:#5b6675}li{margin:.25rem 0}button{display:block;width:100%;font:inherit;font-weight:600;padding:.8rem;border:0;border-radius:10px;background:#5b3cc4;color:#fff;margin-top:.75rem}
button.plain{background:#e6eaf0;color:#1b2430}.error{color:#a3262a}</style></head><body><main>
{{if .Error}}<h1 class="error">{{.Error}}</h1><p>Банк не принял ссылку приложения.</p>{{else if .Message}}<h1>{{.Message}}</h1>{{else}}
<small>Эмулятор: это не интернет-банк</small><h1>Приложение «{{.App}}» просит доступ</h1><p>Компании: {{range $i, $c := .Companies}}{{if $i}}, {{end}}{{$c}}{{end}}</p>
<ul>{{range .Permissions}}<li>{{.}}</li>{{end}}</ul><p><small>{{if .Until}}До {{.Until}}{{else}}Бессрочно{{end}}</small></p>
<form method="post"><button name="do" value="approve">Разрешить</button><button class="plain" name="do" value="refuse">Отказать</button></form>{{end}}</main></body></html>
`))

type consentView struct {
	Error, Message, App, Until string
	Companies, Permissions     []string
}

// authorize is the page in the internet bank: GET shows it, POST is the
// decision.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	show := func(status int, v consentView) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(status)
		_ = consentPage.Execute(w, v)
	}
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		s.refuse(w, unknownMethod())
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	ask, err := s.readAuthorise(r.URL.Query())
	if err != nil {
		show(http.StatusBadRequest, consentView{Error: err.Error()})
		return
	}
	if r.Method == http.MethodGet {
		v := consentView{App: ask.app.Name}
		for _, one := range s.companies {
			v.Companies = append(v.Companies, one.FullName)
		}
		for _, p := range ask.consent.permissions {
			v.Permissions = append(v.Permissions, permissionWords[p]+" ("+p+")")
		}
		if !ask.consent.expires.IsZero() {
			v.Until = ask.consent.expires.In(moscow).Format("02.01.2006 15:04")
		}
		show(http.StatusOK, v)
		return
	}
	do := form(r).Get("do")
	if do != "approve" && do != "refuse" {
		show(http.StatusBadRequest, consentView{Error: "invalid_request"})
		return
	}
	to := s.decide(ask, do == "approve")
	if to == "" {
		show(http.StatusOK, consentView{Message: "Вы отказали приложению в доступе"})
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}
