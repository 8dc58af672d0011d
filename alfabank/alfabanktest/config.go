package alfabanktest

import (
	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
)

// Config is a ready client Config: login and callback key of the first
// merchant, Environment Test, BaseURL set.
func (s *Server) Config() alfabank.Config { return s.ConfigFor(s.cfg.merchants[0].UserName) }

// ConfigFor is the Config of another merchant; it panics when there is none
// of that UserName.
func (s *Server) ConfigFor(userName string) alfabank.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.merchants[userName]
	if m == nil {
		panic("alfabanktest: no merchant " + userName)
	}
	cfg := alfabank.Config{Environment: acquiring.Test, BaseURL: s.URL + "/payment/rest", UserName: m.UserName, Password: m.Password}
	for _, name := range m.Callbacks.Without {
		if name != "callbackCreationDate" { // which nobody misses
			cfg.CallbackOptional = append(cfg.CallbackOptional, name)
		}
	}
	switch m.Callbacks.Crypto {
	case CryptoHMAC:
		cfg.CallbackKey = m.Callbacks.Key
	case CryptoRSA, CryptoRSASHA256:
		cfg.CallbackPublicKey = s.PublicKeyPEM()
	}
	if s.cfg.set.NoListen {
		cfg.HTTPClient = s.Client()
	}
	return cfg
}

// ConfigToken is the Config with the first merchant's open token in place of
// its login.
func (s *Server) ConfigToken() alfabank.Config {
	cfg := s.Config()
	cfg.UserName, cfg.Password, cfg.Token = "", "", s.cfg.merchants[0].Token
	return cfg
}
