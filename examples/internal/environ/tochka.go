package environ

import (
	"fmt"

	"github.com/acquiring-go/acquiring/tochka"
)

// TochkaVariables are those of Tochka Bank, with a JWT key.
var TochkaVariables = []Variable{
	{Name: "TOCHKA_TOKEN", Doc: "JWT key (JWT-ключ), from the bank's cabinet", Needed: true, Secret: true},
	{Name: "TOCHKA_CUSTOMER_CODE", Doc: "code of the company (customerCode); found out when empty"},
	{Name: "TOCHKA_MERCHANT_ID", Doc: "number of the retail point (торговая точка), where there are several"},
	{Name: "TOCHKA_ENVIRONMENT", Doc: "test (default): the sandbox; or production"},
	{Name: "TOCHKA_BASE_URL", Doc: "another host"},
	{Name: "TOCHKA_CALLBACK_URL", Doc: "address of your webhooks"},
}

// Tochka reads its configuration.
func Tochka(get Getenv) (tochka.Config, error) {
	env, err := Environment(get("TOCHKA_ENVIRONMENT"))
	if err != nil {
		return tochka.Config{}, fmt.Errorf("TOCHKA_ENVIRONMENT: %w", err)
	}
	return tochka.Config{Environment: env, BaseURL: get("TOCHKA_BASE_URL"), Token: get("TOCHKA_TOKEN"), CustomerCode: get("TOCHKA_CUSTOMER_CODE"),
		MerchantID: get("TOCHKA_MERCHANT_ID")}, nil
}
