package environ

import (
	"fmt"
	"os"
	"strconv"

	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
)

// KomtetVariables are those of Komtet Kassa.
var KomtetVariables = []Variable{
	{Name: "KOMTET_SHOP_ID", Doc: "идентификатор магазина", Needed: true},
	{Name: "KOMTET_SECRET", Doc: "секретный ключ магазина", Needed: true, Secret: true},
	{Name: "KOMTET_PREVIOUS_SECRET", Doc: "the one before, while it is being changed", Secret: true},
	{Name: "KOMTET_QUEUE_ID", Doc: "number of the queue (очередь)", Needed: true},
	{Name: "KOMTET_ENVIRONMENT", Doc: "test (default): a queue of test registers; or production"},
	{Name: "KOMTET_BASE_URL", Doc: "another host"},
	{Name: "KOMTET_CALLBACK_URL", Doc: "address of your callbacks, as the service sees it"},
}

// Komtet reads its configuration.
func Komtet(get Getenv) (komtet.Config, error) {
	env, err := Environment(get("KOMTET_ENVIRONMENT"))
	if err != nil {
		return komtet.Config{}, fmt.Errorf("KOMTET_ENVIRONMENT: %w", err)
	}
	queue, err := strconv.Atoi(get("KOMTET_QUEUE_ID"))
	if err != nil {
		return komtet.Config{}, fmt.Errorf("KOMTET_QUEUE_ID: %q is not a number", get("KOMTET_QUEUE_ID"))
	}
	return komtet.Config{Environment: env, BaseURL: get("KOMTET_BASE_URL"), ShopID: get("KOMTET_SHOP_ID"), Secret: get("KOMTET_SECRET"), PreviousSecret: get("KOMTET_PREVIOUS_SECRET"), QueueID: queue,
		CallbackURL: get("KOMTET_CALLBACK_URL"), TaxSystem: fiscal.TaxGeneral, Place: "https://shop.example"}, nil
}

// OrangeDataVariables are those of OrangeData.
var OrangeDataVariables = []Variable{
	{Name: "ORANGEDATA_INN", Doc: "ИНН of the organisation", Needed: true},
	{Name: "ORANGEDATA_PRIVATE_KEY", Doc: "file with the signing key, XML or PEM", Needed: true},
	{Name: "ORANGEDATA_CERTIFICATE", Doc: "file with the client certificate, PEM", Needed: true},
	{Name: "ORANGEDATA_CERTIFICATE_KEY", Doc: "file with its key, PEM", Needed: true},
	{Name: "ORANGEDATA_CERTIFICATE_PASSWORD", Doc: "password of that key", Secret: true},
	{Name: "ORANGEDATA_KEY_NAME", Doc: "name of the signing key; the INN unless set"},
	{Name: "ORANGEDATA_GROUP", Doc: "group of registers; Main_2 unless set"},
	{Name: "ORANGEDATA_ENVIRONMENT", Doc: "test (default) or production"},
	{Name: "ORANGEDATA_BASE_URL", Doc: "another host"},
}

// OrangeData reads its configuration and the files that it names.
func OrangeData(get Getenv) (orangedata.Config, error) {
	env, err := Environment(get("ORANGEDATA_ENVIRONMENT"))
	if err != nil {
		return orangedata.Config{}, fmt.Errorf("ORANGEDATA_ENVIRONMENT: %w", err)
	}
	c := orangedata.Config{Environment: env, BaseURL: get("ORANGEDATA_BASE_URL"), INN: get("ORANGEDATA_INN"), KeyName: get("ORANGEDATA_KEY_NAME"),
		Group: get("ORANGEDATA_GROUP"), CertificatePassword: get("ORANGEDATA_CERTIFICATE_PASSWORD"), TaxSystem: fiscal.TaxGeneral}
	for name, into := range map[string]*[]byte{"ORANGEDATA_PRIVATE_KEY": &c.PrivateKey, "ORANGEDATA_CERTIFICATE": &c.Certificate, "ORANGEDATA_CERTIFICATE_KEY": &c.CertificateKey} {
		if *into, err = os.ReadFile(get(name)); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
	}
	return c, nil
}

// PayKeeperVariables are those of PayKeeper.
var PayKeeperVariables = []Variable{
	{Name: "PAYKEEPER_SERVER", Doc: "your host: lavka.server.paykeeper.ru", Needed: true},
	{Name: "PAYKEEPER_USER", Doc: "login of the cabinet", Needed: true},
	{Name: "PAYKEEPER_PASSWORD", Doc: "password of that login", Needed: true, Secret: true},
	{Name: "PAYKEEPER_SECRET", Doc: "secret word of notifications (секретное слово)", Needed: true, Secret: true},
	{Name: "PAYKEEPER_PREVIOUS_SECRET", Doc: "the one before, while it is being changed", Secret: true},
	{Name: "PAYKEEPER_ENVIRONMENT", Doc: "test (default): a test terminal; or production"},
	{Name: "PAYKEEPER_BASE_URL", Doc: "another address"},
}

// PayKeeper reads its configuration.
func PayKeeper(get Getenv) (paykeeper.Config, error) {
	env, err := Environment(get("PAYKEEPER_ENVIRONMENT"))
	if err != nil {
		return paykeeper.Config{}, fmt.Errorf("PAYKEEPER_ENVIRONMENT: %w", err)
	}
	return paykeeper.Config{Environment: env, Server: get("PAYKEEPER_SERVER"), BaseURL: get("PAYKEEPER_BASE_URL"), User: get("PAYKEEPER_USER"),
		Password: get("PAYKEEPER_PASSWORD"), Secret: get("PAYKEEPER_SECRET"), PreviousSecret: get("PAYKEEPER_PREVIOUS_SECRET")}, nil
}
