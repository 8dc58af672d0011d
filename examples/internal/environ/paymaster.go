package environ

import (
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring/paymaster"
)

// PayMasterVariables are those of PayMaster's REST API v2.
var PayMasterVariables = []Variable{
	{Name: "PAYMASTER_MERCHANT_ID", Doc: "identifier of the shop (Идентификатор)", Needed: true},
	{Name: "PAYMASTER_TOKEN", Doc: "token of the API (токен)", Needed: true, Secret: true},
	{Name: "PAYMASTER_ENVIRONMENT", Doc: "test (default) or production"},
	{Name: "PAYMASTER_BASE_URL", Doc: "another host"},
	{Name: "PAYMASTER_CALLBACK_URL", Doc: "address of your callbacks"},
}

// PayMaster reads the configuration of the REST API v2.
func PayMaster(get Getenv) (paymaster.Config, error) {
	env, err := Environment(get("PAYMASTER_ENVIRONMENT"))
	if err != nil {
		return paymaster.Config{}, fmt.Errorf("PAYMASTER_ENVIRONMENT: %w", err)
	}
	return paymaster.Config{Environment: env, BaseURL: get("PAYMASTER_BASE_URL"), MerchantID: get("PAYMASTER_MERCHANT_ID"), Token: get("PAYMASTER_TOKEN")}, nil
}

// PayMasterClassicVariables are those of PayMaster's classic protocol.
var PayMasterClassicVariables = []Variable{
	{Name: "PAYMASTER_CLASSIC_MERCHANT_ID", Doc: "identifier of the site (Идентификатор, LMI_MERCHANT_ID)", Needed: true},
	{Name: "PAYMASTER_CLASSIC_SECRET_KEY", Doc: "secret key (Секретный ключ)", Needed: true, Secret: true},
	{Name: "PAYMASTER_CLASSIC_PREVIOUS_SECRET_KEY", Doc: "the one before, while it is being changed", Secret: true},
	{Name: "PAYMASTER_CLASSIC_HASH", Doc: "kind of signature (Тип подписи): md5, sha1 or sha256 (default)"},
	{Name: "PAYMASTER_CLASSIC_LOGIN", Doc: "user with automatic access, for statuses and refunds"},
	{Name: "PAYMASTER_CLASSIC_PASSWORD", Doc: "password of that user", Secret: true},
	{Name: "PAYMASTER_CLASSIC_ENVIRONMENT", Doc: "test (default) or production: the mode of the site"},
	{Name: "PAYMASTER_CLASSIC_BASE_URL", Doc: "another host"},
	{Name: "PAYMASTER_CLASSIC_CALLBACK_URL", Doc: "address of your notifications (Payment notification)"},
}

// PayMasterClassic reads the configuration of the classic protocol.
func PayMasterClassic(get Getenv) (paymaster.ClassicConfig, error) {
	env, err := Environment(get("PAYMASTER_CLASSIC_ENVIRONMENT"))
	if err != nil {
		return paymaster.ClassicConfig{}, fmt.Errorf("PAYMASTER_CLASSIC_ENVIRONMENT: %w", err)
	}
	c := paymaster.ClassicConfig{Environment: env, BaseURL: get("PAYMASTER_CLASSIC_BASE_URL"), MerchantID: get("PAYMASTER_CLASSIC_MERCHANT_ID"),
		SecretKey: get("PAYMASTER_CLASSIC_SECRET_KEY"), PreviousSecretKey: get("PAYMASTER_CLASSIC_PREVIOUS_SECRET_KEY"), Login: get("PAYMASTER_CLASSIC_LOGIN"), Password: get("PAYMASTER_CLASSIC_PASSWORD")}
	switch h := strings.ToLower(get("PAYMASTER_CLASSIC_HASH")); h {
	case "md5":
		c.Hash = paymaster.MD5
	case "sha1":
		c.Hash = paymaster.SHA1
	case "", "sha256":
		c.Hash = paymaster.SHA256
	default:
		return c, fmt.Errorf("PAYMASTER_CLASSIC_HASH: %q is none of md5, sha1 and sha256", h)
	}
	return c, nil
}
