package environ

import (
	"fmt"
	"os"
	"strings"

	"github.com/acquiring-go/acquiring/sberbank"
)

// SberbankVariables are those of Sberbank.
var SberbankVariables = []Variable{
	{Name: "SBERBANK_USERNAME", Doc: "login of the API, not of the cabinet (-operator)", Needed: true},
	{Name: "SBERBANK_PASSWORD", Doc: "password of that login", Needed: true, Secret: true},
	{Name: "SBERBANK_ENVIRONMENT", Doc: "test (default) or production"},
	{Name: "SBERBANK_PROTOCOL", Doc: "json (default) or legacy: the gateway of securepayments.sberbank.ru"},
	{Name: "SBERBANK_BASE_URL", Doc: "another host of the gateway"},
	{Name: "SBERBANK_CALLBACK_KEY", Doc: "secret of signed callbacks (симметричная криптография)", Secret: true},
	{Name: "SBERBANK_PREVIOUS_CALLBACK_KEY", Doc: "the one before, while it is being changed", Secret: true},
	{Name: "SBERBANK_CALLBACK_CERT", Doc: "file with the bank's public key of callbacks, PEM (асимметричная)"},
	{Name: "SBERBANK_CALLBACK_URL", Doc: "address of your callbacks, as set in the cabinet"},
}

// Sberbank reads its configuration.
func Sberbank(get Getenv) (sberbank.Config, error) {
	env, err := Environment(get("SBERBANK_ENVIRONMENT"))
	if err != nil {
		return sberbank.Config{}, fmt.Errorf("SBERBANK_ENVIRONMENT: %w", err)
	}
	c := sberbank.Config{Environment: env, BaseURL: get("SBERBANK_BASE_URL"), UserName: get("SBERBANK_USERNAME"), Password: get("SBERBANK_PASSWORD"),
		CallbackKey: get("SBERBANK_CALLBACK_KEY"), PreviousCallbackKey: get("SBERBANK_PREVIOUS_CALLBACK_KEY")}
	switch p := strings.ToLower(get("SBERBANK_PROTOCOL")); p {
	case "", "json":
	case "legacy":
		c.Protocol = sberbank.ProtocolLegacy
	default:
		return c, fmt.Errorf("SBERBANK_PROTOCOL: %q is neither json nor legacy", p)
	}
	if file := get("SBERBANK_CALLBACK_CERT"); file != "" {
		key, err := os.ReadFile(file)
		if err != nil {
			return c, fmt.Errorf("SBERBANK_CALLBACK_CERT: %w", err)
		}
		c.CallbackPublicKey = string(key)
	}
	return c, nil
}
