// Package shops turns a shop's settings into an acquirer and a cash register,
// checks them, and says in Russian what is wrong with them.
package shops

import (
	"fmt"
	"log/slog"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
)

// The kinds of a Field.
const (
	Text     = "text"
	Password = "password" // a secret of one line
	Long     = "textarea"
	Choice   = "select"
	Tick     = "checkbox"
)

// Option is a choice of a Field.
type Option struct{ Value, Label string }

// Field is a setting in the words of the provider's cabinet.
type Field struct {
	Key      string // in forms and in the database
	Label    string
	Hint     string
	Kind     string
	Secret   bool // sealed, and never shown again
	Address  bool // where the secrets are sent
	Required bool
	Options  []Option
	Config   string // the field of the client's Config, by which errors are told
	Wrong    string // what to do when the client refuses the value
}

// Provider is a bank or a payment service that a shop may have.
type Provider struct {
	Key    string
	Name   string
	About  string // how to get the credentials
	Hook   string // where the callback address goes in the cabinet
	Fields []Field
	// Login are the fields at fault when the provider refuses the credentials.
	Login string
	Hold  bool // two-stage payments
	SBP   bool // payments by SBP alone
	// LinkLasts: the link may be opened again until it is paid, and the
	// provider knows nothing of it before.
	LinkLasts bool
	// Receipts: the provider prints receipts with the payment.
	Receipts bool
	// ForgetsKeys: the provider need not know a refund by its key again, so one
	// whose answer was lost is looked for in the payment's sums first.
	ForgetsKeys bool
	// SetsHook: the callback address is set through the API.
	SetsHook bool

	build func(c *conf) (acquiring.Acquirer, error)
}

// RegisterService is a cash-register service that prints a shop's receipts.
type RegisterService struct {
	Key    string
	Name   string
	Fields []Field
	Login  string

	build func(c *conf) (fiscal.Register, error)
}

// baseURL is the field of another address than the provider's own.
var baseURL = Field{Key: "base_url", Label: "Адрес шлюза", Hint: "Пусто – адрес выбирается режимом. Заполните для песочницы или своего прокси.", Kind: Text,
	Address: true, Config: "BaseURL", Wrong: "Нужен полный адрес шлюза вместе с путём, как в документации провайдера: https://…"}

// conf is what a client is built of.
type conf struct {
	values   map[string]string
	env      acquiring.Environment
	label    string // Config.Shop
	hook     string // the shop's callback address
	token    string // its unguessable part
	twoStage bool
	tax      fiscal.TaxSystem
	ffd      fiscal.FFD
	place    string
	inn      string
	email    string
	log      *slog.Logger
	keep     keeper
	redirect string // of OAuth
}

func (c *conf) get(key string) string { return strings.TrimSpace(c.values[key]) }

// number reads a number; what is not one is the field's fault.
func (c *conf) number(key, config string) (int, error) {
	n, err := strconv.Atoi(c.get(key))
	if err != nil {
		return 0, acquiring.Invalid("Config."+config, fmt.Sprintf("%q is not a number", c.get(key)))
	}
	return n, nil
}

// Providers lists the providers in the order of the settings page.
func Providers() []*Provider {
	return []*Provider{sberbankNew, sberbankLegacy, alfa, payMaster, payMasterClassic, tochkaBank, payKeeper}
}

// ByKey finds a provider; nil: there is none.
func ByKey(key string) *Provider {
	for _, p := range Providers() {
		if p.Key == key {
			return p
		}
	}
	return nil
}

// RegisterServices lists the cash-register services.
func RegisterServices() []*RegisterService {
	return []*RegisterService{komtetKassa, orangeData, payKeeperRegister}
}

// RegisterByKey finds a cash-register service; nil: there is none.
func RegisterByKey(key string) *RegisterService {
	for _, r := range RegisterServices() {
		if r.Key == key {
			return r
		}
	}
	return nil
}

// Secret says whether the field of this key is sealed.
func secretKeys(fields []Field) map[string]bool {
	out := map[string]bool{}
	for _, f := range fields {
		if f.Secret {
			out[f.Key] = true
		}
	}
	return out
}
