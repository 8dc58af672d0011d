package komtet

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

func TestConfigIsChecked(t *testing.T) {
	for field, change := range map[string]func(*Config){
		"Config.Environment":     func(c *Config) { c.Environment = 0 },
		"Config.ShopID":          func(c *Config) { c.ShopID = "" },
		"Config.Secret":          func(c *Config) { c.Secret = "" },
		"Config.QueueID":         func(c *Config) { c.QueueID = 0 },
		"Config.API":             func(c *Config) { c.API = "v3" },
		"Config.BaseURL":         func(c *Config) { c.BaseURL = "kassa.komtet.ru" },
		"Config.CallbackURL":     func(c *Config) { c.CallbackURL = "/hooks/komtet" },
		"Config.CallbackURLs[1]": func(c *Config) { c.CallbackURLs = []string{testCallback, "pay.example"} },
		"Config.TaxSystem":       func(c *Config) { c.TaxSystem = fiscal.TaxImputed },
		"Config.PartnerID":       func(c *Config) { c.PartnerID = "a\r\nb" },
		"Config.Timeout":         func(c *Config) { c.Timeout = -1 },
	} {
		cfg := config()
		change(&cfg)
		_, err := New(cfg)
		e := asError(t, err)
		assert.Equal(t, field, e.Field)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
		assert.Equal(t, acquiring.OutcomeNotSent, e.Outcome)
	}
	for _, change := range []func(*Config){
		func(c *Config) { c.ShopID = "shop lavka" },
		func(c *Config) { c.Secret = "secret\n" },
	} {
		cfg := config()
		change(&cfg)
		_, err := New(cfg)
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
	}
}

func TestConfigHidesTheSecret(t *testing.T) {
	cfg := config()
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("config", "config", cfg)
	for _, text := range []string{fmt.Sprint(cfg), fmt.Sprintf("%+v", cfg), fmt.Sprintf("%#v", cfg), cfg.String(), log.String()} {
		assert.NotContains(t, text, testSecret)
		assert.Contains(t, text, "shop-lavka")
	}
	e := EmployeeRequest{Type: EmployeeCourier, Login: "petrov", Password: "s3cret"}
	log.Reset()
	slog.New(slog.NewTextHandler(&log, nil)).Info("employee", "employee", e)
	for _, text := range []string{fmt.Sprint(e), fmt.Sprintf("%+v", e), fmt.Sprintf("%#v", e), log.String()} {
		assert.NotContains(t, text, "s3cret")
		assert.Contains(t, text, "petrov")
	}
}

func TestBaseURLIsSignedAsSent(t *testing.T) {
	for base, want := range map[string]string{
		"":                               "https://kassa.komtet.ru/api/shop/v2/queues/70451",
		"https://kassa.komtet.ru/":       "https://kassa.komtet.ru/api/shop/v2/queues/70451",
		"http://127.0.0.1:8080":          "http://127.0.0.1:8080/api/shop/v2/queues/70451",
		"https://proxy.example/komtet/":  "https://proxy.example/komtet/api/shop/v2/queues/70451",
		"https://proxy.example/a%2Fb%20": "https://proxy.example/a%2Fb%20/api/shop/v2/queues/70451",
	} {
		c, s := client(t, func(cfg *Config) { cfg.BaseURL = base }, ok(file(t, "queue_answer.json")))
		_, err := c.Queue(t.Context(), 0)
		require.NoError(t, err, base)
		assert.Equal(t, want, s.sent[0].url) // the stub checks the signature over it
	}
}

func TestPartnerHeader(t *testing.T) {
	c, s := client(t, func(cfg *Config) { cfg.PartnerID = "partner-7" }, ok(file(t, "queue_answer.json")))
	s.more = []string{"X-Partner-Id"}
	_, err := c.Queue(t.Context(), 0)
	require.NoError(t, err)
	assert.Equal(t, "partner-7", s.sent[0].header.Get("X-Partner-ID"))
}
