package sberbanktest

import (
	"net/http"
	"strings"
	"unicode"

	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

// setPassword is accounts/v1/set-permanent-password.
func (c *call) setPassword() (obj, *gateway.Refusal) {
	m := c.s.merchants[c.Str("login")]
	if m == nil || (m.Password != c.Str("tmpPassword") && (m.tmpPassword == "" || m.tmpPassword != c.Str("tmpPassword"))) {
		return nil, gateway.Refuse(5, tAccess).Because("wrong login or tmpPassword")
	}
	password := c.Str("password")
	if password == "" {
		password = "A1" + c.s.base.IDs.Hex(18)
	}
	if !strings.ContainsFunc(password, unicode.IsDigit) || !strings.ContainsFunc(password, unicode.IsUpper) {
		return nil, gateway.Refuse(5, tParam).Because("a permanent password has a digit and a capital letter")
	}
	m.Password, m.tmpPassword, m.MustChangePassword = password, "", false
	return obj{"login": m.UserName, "password": password}, nil
}

// ExpirePassword makes the merchant's password temporary again: calls are
// refused until set-permanent-password.
func (s *Server) ExpirePassword(userName, tmpPassword string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.merchants[userName]
	if m == nil {
		return false
	}
	m.tmpPassword, m.MustChangePassword = tmpPassword, true
	return true
}

// apiKey is accounts/v1/apikey/generate.
func (c *call) apiKey() (obj, *gateway.Refusal) {
	owner := c.m.UserName
	if child := c.Str("merchantLogin"); child != "" {
		owner = child
	}
	if c.s.apiKeys[owner] >= 5 {
		return nil, &gateway.Refusal{Code: 5, Text: gateway.T("Превышено количество активных ключей", "Too many active keys"), HTTP: http.StatusBadRequest}
	}
	c.s.apiKeys[owner]++
	return obj{"id": c.s.base.IDs.UUID(), "apiKey": "AC+" + c.s.base.IDs.Letters(509), "message": gateway.T("Api-key успешно создан", "Api key created").In(c.lang)}, nil
}

// serveMportal is the callback settings that the bank's own CMS modules call.
func (s *Server) serveMportal(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(strings.TrimPrefix(r.URL.Path, "/mportal-uat"), "/mportal")
	gateway.ServeMportal(w, r, path, func(user, password string, card gateway.CallbackCard) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		m := s.merchants[user]
		if m == nil || m.Password != password {
			return false
		}
		set := &m.LegacyCallbacks
		set.URL, set.StaticOnly, set.Method, set.Operations = card.Addresses, card.Type == "STATIC", CallbackGET, card.Wanted()
		if card.Method == "POST" {
			set.Method = CallbackForm
		}
		return true
	})
}
