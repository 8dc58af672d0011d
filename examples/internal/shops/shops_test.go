package shops

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

func TestOpen(t *testing.T) {
	bank := sberbanktest.NewServer()
	defer bank.Close()
	config := bank.Config()
	env := map[string]string{"BANK_PASSWORD": config.Password}
	list := []Shop{
		{Code: "moscow", Name: "Москва", Provider: "sberbank", Settings: map[string]string{"environment": "test", "base_url": config.BaseURL,
			"username": config.UserName, "password": "$BANK_PASSWORD", "callback_key": "key"}},
		{Code: "spb-2", Provider: "alfabank", Settings: map[string]string{"username": "school-api", "password": "p"}},
		{Code: "pm", Provider: "paymaster", Settings: map[string]string{"merchant_id": "0b6a7c0e-7d5a-4b8b-9a3b-2f1f6c0f1a11", "token": "t"}},
		{Code: "lmi", Provider: "paymaster-classic", Settings: map[string]string{"merchant_id": "0b6a7c0e-7d5a-4b8b-9a3b-2f1f6c0f1a11", "secret_key": "s"}},
		{Code: "tochka", Provider: "tochka", Settings: map[string]string{"token": "working_token", "customer_code": "300000092"}},
	}
	all, err := Open(list, Options{Getenv: func(name string) string { return env[name] }})
	require.NoError(t, err)
	require.Len(t, all, len(list))
	assert.Equal(t, "Москва", all[0].Name)
	assert.Equal(t, "spb-2", all[1].Name)
	assert.Equal(t, acquiring.Test, all[1].Environment)
	require.NoError(t, all[0].Acquirer.(acquiring.Checker).Check(context.Background()))
	named, ok := all[0].Acquirer.(acquiring.Named)
	require.True(t, ok)
	provider, shop := named.Name()
	assert.Equal(t, []string{"sberbank", "moscow"}, []string{provider, shop})
}

func TestFaultsAreNamed(t *testing.T) {
	good := func() Shop {
		return Shop{Code: "a", Provider: "sberbank", Settings: map[string]string{"username": "u", "password": "very-secret"}}
	}
	for want, spoil := range map[string]func(*Shop){
		"code must be":                     func(s *Shop) { s.Code = "Москва" },
		"alfabank, paymaster":              func(s *Shop) { s.Provider = "sber" },
		"settings.callbackkey":             func(s *Shop) { s.Settings["callbackkey"] = "x" },
		"settings.username is missing":     func(s *Shop) { delete(s.Settings, "username") },
		"settings.password: the env":       func(s *Shop) { s.Settings["password"] = "$NOTHING" },
		"neither test nor production":      func(s *Shop) { s.Settings["environment"] = "live" },
		"neither json nor legacy":          func(s *Shop) { s.Settings["protocol"] = "xml" },
		"is not an absolute http(s) addre": func(s *Shop) { s.Settings["base_url"] = "bank" },
	} {
		s := good()
		spoil(&s)
		_, err := s.Open(Options{Getenv: func(string) string { return "" }})
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "very-secret")
	}
	_, err := Open([]Shop{good(), good()}, Options{})
	require.ErrorContains(t, err, `two have the code "a"`)
	_, err = Open(nil, Options{})
	require.Error(t, err)
}
