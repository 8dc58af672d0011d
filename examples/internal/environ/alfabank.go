package environ

import (
	"fmt"
	"os"

	"github.com/acquiring-go/acquiring/alfabank"
)

// AlfaBankVariables are those of Alfa-Bank.
var AlfaBankVariables = []Variable{
	{Name: "ALFABANK_USERNAME", Doc: "login of the API (…-api), not of the cabinet (…-operator)", Needed: true},
	{Name: "ALFABANK_PASSWORD", Doc: "password of that login", Needed: true, Secret: true},
	{Name: "ALFABANK_ENVIRONMENT", Doc: "test (default) or production"},
	{Name: "ALFABANK_BASE_URL", Doc: "another host of the gateway"},
	{Name: "ALFABANK_CALLBACK_KEY", Doc: "secret of signed callbacks (симметричная криптография)", Secret: true},
	{Name: "ALFABANK_PREVIOUS_CALLBACK_KEY", Doc: "the one before, while it is being changed", Secret: true},
	{Name: "ALFABANK_CALLBACK_CERT", Doc: "file with the bank's public key of callbacks, PEM (асимметричная)"},
	{Name: "ALFABANK_CALLBACK_URL", Doc: "address of your callbacks, as set in the cabinet"},
}

// AlfaBank reads its configuration.
func AlfaBank(get Getenv) (alfabank.Config, error) {
	env, err := Environment(get("ALFABANK_ENVIRONMENT"))
	if err != nil {
		return alfabank.Config{}, fmt.Errorf("ALFABANK_ENVIRONMENT: %w", err)
	}
	c := alfabank.Config{Environment: env, BaseURL: get("ALFABANK_BASE_URL"), UserName: get("ALFABANK_USERNAME"), Password: get("ALFABANK_PASSWORD"),
		CallbackKey: get("ALFABANK_CALLBACK_KEY"), PreviousCallbackKey: get("ALFABANK_PREVIOUS_CALLBACK_KEY")}
	if file := get("ALFABANK_CALLBACK_CERT"); file != "" {
		key, err := os.ReadFile(file)
		if err != nil {
			return c, fmt.Errorf("ALFABANK_CALLBACK_CERT: %w", err)
		}
		c.CallbackPublicKey = string(key)
	}
	return c, nil
}
