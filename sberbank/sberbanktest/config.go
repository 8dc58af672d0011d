package sberbanktest

import (
	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/sberbank"
)

// Config is a ready client Config of the new gateway: credentials and callback
// key of the first merchant, Environment Test, BaseURL set.
func (s *Server) Config() sberbank.Config {
	return s.configOf(s.cfg.merchants[0].UserName, sberbank.ProtocolJSON, "/ecomm/gw/partner/api/v1")
}

// ConfigLegacy is the same for the legacy gateway.
func (s *Server) ConfigLegacy() sberbank.Config {
	return s.configOf(s.cfg.merchants[0].UserName, sberbank.ProtocolLegacy, "/payment/rest")
}

// ConfigFor is the Config of another merchant; it panics when there is none
// of that UserName.
func (s *Server) ConfigFor(userName string, protocol sberbank.Protocol) sberbank.Config {
	if protocol == sberbank.ProtocolLegacy {
		return s.configOf(userName, protocol, "/payment/rest")
	}
	return s.configOf(userName, protocol, "/ecomm/gw/partner/api/v1")
}

func (s *Server) configOf(userName string, protocol sberbank.Protocol, path string) sberbank.Config {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.merchants[userName]
	if m == nil {
		panic("sberbanktest: no merchant " + userName)
	}
	set := m.Callbacks
	if protocol == sberbank.ProtocolLegacy {
		set = m.LegacyCallbacks
	}
	cfg := sberbank.Config{Environment: acquiring.Test, BaseURL: s.URL + path, Protocol: protocol, UserName: m.UserName, Password: m.Password,
		CallbackOptional: set.Without}
	switch set.Crypto {
	case CryptoHMAC:
		cfg.CallbackKey = set.Key
	case CryptoRSA:
		cfg.CallbackPublicKey = s.PublicKeyPEM()
	}
	if s.cfg.set.NoListen {
		cfg.HTTPClient = s.Client()
	}
	return cfg
}
