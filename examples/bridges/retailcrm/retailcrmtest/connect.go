package retailcrmtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// Connected is a module that was connected in one step.
type Connected struct {
	AccountURL string   // the module's page of settings, for the administrator
	APIKey     string   // made for the module
	Scopes     []string // its permissions, as the module asked for them
}

// Token is the proof that the CRM sends with a connection: lower-case hex
// HMAC-SHA256 of the API key under the module's secret.
func Token(apiKey, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	_, _ = mac.Write([]byte(apiKey))
	return hex.EncodeToString(mac.Sum(nil))
}

// Connect is the one-step connection: the CRM asks the module for the
// permissions it needs, makes a key with them and registers itself.
func (s *Server) Connect(connectURL string) (Connected, error) {
	a, err := s.ask("connect", "", http.MethodGet, connectURL, nil)
	if err != nil {
		return Connected{}, err
	}
	var wants struct {
		Success     bool     `json:"success"`
		Scopes      []string `json:"scopes"`
		RegisterURL string   `json:"registerUrl"`
		ErrorMsg    string   `json:"errorMsg"`
	}
	if err := a.decode(&wants); err != nil {
		return Connected{}, err
	}
	switch {
	case a.Status != http.StatusOK || !wants.Success:
		return Connected{}, &Refusal{Action: "connect", Status: a.Status, Message: wants.ErrorMsg}
	case len(wants.Scopes) == 0 || !isURL(wants.RegisterURL):
		return Connected{}, &Nonsense{Action: "connect", Why: "it names no scopes or no registerUrl", Answer: a}
	}
	key := s.CreateKey(wants.Scopes...)
	a, err = s.Register(wants.RegisterURL, Token(key, s.opt.secret), key)
	if err != nil {
		return Connected{}, err
	}
	var done struct {
		AccountURL string  `json:"accountUrl"`
		Success    bool    `json:"success"`
		ErrorMsg   *string `json:"errorMsg"`
	}
	if err := a.decode(&done); err != nil {
		return Connected{}, err
	}
	if a.Status != http.StatusCreated || !done.Success {
		r := &Refusal{Action: "register", Status: a.Status}
		if done.ErrorMsg != nil {
			r.Message = *done.ErrorMsg
		}
		return Connected{}, r
	}
	if !isURL(done.AccountURL) {
		return Connected{}, &Nonsense{Action: "register", Why: "accountUrl is not an address", Answer: a}
	}
	return Connected{AccountURL: done.AccountURL, APIKey: key, Scopes: wants.Scopes}, nil
}

// Register posts the connection with whatever token and key, right or wrong.
// The account's address has a slash at its end, as the CRM's may.
func (s *Server) Register(registerURL, token, apiKey string) (Answer, error) {
	b, err := json.Marshal(map[string]string{"token": token, "apiKey": apiKey, "systemUrl": s.URL + "/"})
	if err != nil {
		return Answer{}, err
	}
	return s.ask("register", "", http.MethodPost, registerURL, url.Values{"register": {string(b)}})
}

// Activity tells the module that the administrator switched it on or off, or
// that the account was frozen for lack of payment.
func (s *Server) Activity(code string, active, freeze bool) error {
	m, ok := s.Module(code)
	if !ok || m.Actions["activity"] == "" {
		return fmt.Errorf("retailcrmtest: no module %s with the action activity", code)
	}
	b, err := json.Marshal(map[string]bool{"active": active, "freeze": freeze})
	if err != nil {
		return err
	}
	a, err := s.ask("activity", "", http.MethodPost, m.BaseURL+m.Actions["activity"],
		url.Values{"clientId": {m.ClientID}, "systemUrl": {s.URL}, "activity": {string(b)}})
	if err != nil {
		return err
	}
	if _, err := a.result("activity"); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.modules[code]; m != nil {
		m.Active, m.Freeze = active, freeze
	}
	return nil
}

// ask calls the module once, and again as often as told while no answer comes.
func (s *Server) ask(action, about, method, address string, form url.Values) (Answer, error) {
	m := emulator.Message{Order: about, Event: action, Method: method, URL: address}
	if method == http.MethodGet {
		if len(form) > 0 {
			m.URL += "?" + form.Encode()
		}
	} else {
		m.Body = []byte(form.Encode())
		m.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	}
	for try := 0; ; try++ {
		last := s.base.Outbox.Ask(m).Answer()
		switch {
		case last.Status != 0:
			return Answer{Status: last.Status, Body: last.Answer}, nil
		case try >= s.opt.repeats:
			return Answer{}, fmt.Errorf("%s: %w: %s", action, ErrNoAnswer, last.Err)
		}
	}
}
