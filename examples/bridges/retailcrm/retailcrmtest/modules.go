package retailcrmtest

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// paymentActions are what a payment module may be asked to do.
var paymentActions = []string{"create", "approve", "cancel", "refund", "status"}

func (c *call) getModule() {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.modules[c.r.PathValue("code")]
	if m == nil {
		c.refuse(http.StatusNotFound, "Not found")
		return
	}
	c.answer(object{"integrationModule": m.object()})
}

// object is the module as the API shows it.
func (m *Module) object() object {
	shops := make([]object, 0, len(m.Shops))
	for _, sh := range m.Shops {
		shops = append(shops, object{"code": sh.Code, "name": sh.Name, "active": sh.Active})
	}
	return object{"code": m.Code, "integrationCode": m.Code, "active": m.Active, "freeze": m.Freeze, "native": m.Native, "name": m.Name,
		"logo": m.Logo, "clientId": m.ClientID, "baseUrl": m.BaseURL, "accountUrl": m.AccountURL, "actions": m.Actions,
		"availableCountries": []string{},
		"integrations": object{"payment": object{"actions": m.PaymentActions, "currencies": m.Currencies,
			"invoiceTypes": []string{"link"}, "shops": shops}}}
}

func (c *call) editModule() {
	o := c.body
	c.known(o, "", "code", "integrationCode", "active", "freeze", "native", "name", "logo", "clientId", "baseUrl", "actions", "accountUrl",
		"availableCountries", "integrations")
	m := &Module{Key: c.key.key}
	m.Code = c.Length(o, "", "code", true, 255)
	if m.Code != "" && m.Code != c.r.PathValue("code") {
		c.Fail("поле code: не то, что в адресе")
	}
	if own := c.Length(o, "", "integrationCode", true, 255); own != "" && own != m.Code {
		c.Fail("поле integrationCode: не то, что code")
	}
	if _, there := o["active"]; !there {
		c.Fail("поле active обязательно")
	}
	m.Active, m.Freeze, m.Native = c.Boolean(o, "", "active"), c.Boolean(o, "", "freeze"), c.Boolean(o, "", "native")
	m.Name = c.Length(o, "", "name", true, 255)
	m.ClientID = c.Length(o, "", "clientId", true, 255)
	m.Logo = c.address(o, "", "logo", false)
	m.BaseURL = c.address(o, "", "baseUrl", true)
	m.AccountURL = c.address(o, "", "accountUrl", false)
	c.Texts(o, "", "availableCountries", false)
	if actions := c.Object(o, "", "actions", false); actions != nil {
		c.known(actions, "actions", "activity")
		m.Actions = c.paths(actions, "actions")
	}
	c.payment(m, o)
	if c.failed(true) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, other := range c.modules {
		if other.Code != m.Code && other.ClientID == m.ClientID {
			c.Fail("поле clientId: занято другим модулем")
		}
	}
	if c.failed(true) {
		return
	}
	if old := c.modules[m.Code]; old != nil {
		m.Edits = old.Edits
	}
	m.Edits++
	c.modules[m.Code] = m
	c.answer(object{"info": object{}})
}

// payment checks integrations.payment.
func (c *call) payment(m *Module, o object) {
	all := c.Object(o, "", "integrations", true)
	if all == nil {
		return
	}
	const path = "integrations.payment"
	pay := c.Object(all, "integrations", "payment", true)
	if pay == nil {
		return
	}
	c.known(pay, path, "actions", "currencies", "invoiceTypes", "shops")
	if actions := c.Object(pay, path, "actions", true); actions != nil {
		c.known(actions, path+".actions", paymentActions...)
		for _, name := range paymentActions[:4] { // status: the PHP client does not know it
			c.Text(actions, path+".actions", name, true)
		}
		m.PaymentActions = c.paths(actions, path+".actions")
	}
	m.Currencies = c.Texts(pay, path, "currencies", true)
	for _, currency := range m.Currencies {
		if len(currency) != 3 || strings.ToUpper(currency) != currency {
			c.Fail("поле %s.currencies: %q не код валюты", path, currency)
		}
	}
	for _, kind := range c.Texts(pay, path, "invoiceTypes", true) {
		if kind != "link" {
			c.Fail("поле %s.invoiceTypes: недопустимое значение %q", path, kind)
		}
	}
	for i, sh := range c.Objects(pay, path, "shops", true) {
		at := fmt.Sprintf("%s.shops[%d]", path, i)
		c.known(sh, at, "code", "name", "active")
		shop := Shop{Code: c.Length(sh, at, "code", true, 255), Name: c.Length(sh, at, "name", true, 255), Active: c.Boolean(sh, at, "active")}
		if _, there := sh["active"]; !there {
			c.Fail("поле %s.active обязательно", at)
		}
		if slices.ContainsFunc(m.Shops, func(other Shop) bool { return other.Code == shop.Code }) {
			c.Fail("поле %s.code: %q повторяется", at, shop.Code)
		}
		m.Shops = append(m.Shops, shop)
	}
}

// paths are actions: each a path relative to baseUrl.
func (c *call) paths(o object, path string) map[string]string {
	out := map[string]string{}
	for name := range o {
		p := c.Text(o, path, name, false)
		if p != "" && !strings.HasPrefix(p, "/") {
			c.Fail("поле %s: путь начинается с /", emulator.At(path, name))
		}
		out[name] = p
	}
	return out
}

// updateScopes gives the module a new key with more permissions; the old one
// is good no more.
func (c *call) updateScopes() {
	c.known(c.body, "", "scopes")
	scopes := c.Texts(c.body, "", "scopes", true)
	if c.failed(true) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.modules[c.r.PathValue("code")]
	if m == nil {
		c.refuse(http.StatusNotFound, "Not found")
		return
	}
	all := append(slices.Clone(c.key.scopes), c.key.methods...)
	for _, scope := range scopes {
		if !slices.Contains(all, scope) {
			all = append(all, scope)
		}
	}
	m.Key = c.createKey(all)
	delete(c.keys, c.key.key)
	c.answer(object{"apiKey": m.Key})
}
