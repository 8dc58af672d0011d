package paymastertest

import (
	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/paymaster"
)

// Config is a ready client Config of REST API v2: the account, Environment
// Test, BaseURL set.
func (s *Server) Config() paymaster.Config {
	c := paymaster.Config{Environment: acquiring.Test, BaseURL: s.URL, MerchantID: s.opt.account.MerchantID, Token: s.opt.account.Token}
	if s.opt.NoListen {
		c.HTTPClient = s.Client()
	}
	return c
}

// ClassicConfig is the same for the classic protocol, with the login of the
// classic REST. Its Environment is Production when the site is in working mode.
func (s *Server) ClassicConfig() paymaster.ClassicConfig {
	a := s.opt.account
	c := paymaster.ClassicConfig{Environment: acquiring.Test, BaseURL: s.URL, MerchantID: a.MerchantID, SecretKey: a.SecretKey,
		Hash: map[HashAlgo]paymaster.Hash{MD5: paymaster.MD5, SHA1: paymaster.SHA1, SHA256: paymaster.SHA256}[a.Hash], Login: a.Login, Password: a.Password,
		ReadOnly: a.Operator, DirectSecret: a.DirectSecret, Holds: s.opt.holds}
	if s.opt.working {
		c.Environment = acquiring.Production
	}
	if s.opt.NoListen {
		c.HTTPClient = s.Client()
	}
	return c
}
