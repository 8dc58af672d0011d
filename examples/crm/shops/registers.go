package shops

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
)

var komtetKassa = &RegisterService{Key: "komtet", Name: "КОМТЕТ Касса", Login: "komtet_secret",
	Fields: []Field{
		{Key: "komtet_shop", Label: "Идентификатор магазина", Kind: Text, Required: true, Config: "ShopID", Wrong: "Скопируйте из кабинета: Магазины → API"},
		{Key: "komtet_secret", Label: "Секретный ключ", Kind: Password, Secret: true, Required: true, Config: "Secret", Wrong: "Скопируйте из кабинета: Магазины → API"},
		{Key: "komtet_queue", Label: "Очередь", Hint: "Номер очереди касс", Kind: Text, Required: true, Config: "QueueID", Wrong: "Номер очереди – число"},
		{Key: "komtet_url", Label: "Адрес сервиса", Hint: "Пусто – kassa.komtet.ru", Kind: Text, Address: true, Config: "BaseURL", Wrong: "Нужен полный адрес"}},
	build: func(c *conf) (fiscal.Register, error) {
		queue, err := c.number("komtet_queue", "QueueID")
		if err != nil {
			return nil, err
		}
		return komtet.New(komtet.Config{Environment: c.env, BaseURL: c.get("komtet_url"), ShopID: c.get("komtet_shop"), Secret: c.get("komtet_secret"), QueueID: queue,
			CallbackURL: c.hook + "/receipt", TaxSystem: c.tax, Place: c.place, Shop: c.label, Logger: c.log})
	}}

var orangeData = &RegisterService{Key: "orangedata", Name: "OrangeData", Login: "orange_cert",
	Fields: []Field{
		{Key: "orange_inn", Label: "ИНН организации", Kind: Text, Required: true, Config: "INN", Wrong: "10 или 12 цифр"},
		{Key: "orange_group", Label: "Группа касс", Hint: "Пусто – Main_2", Kind: Text, Config: "Group", Wrong: "Как в кабинете OrangeData"},
		{Key: "orange_key_name", Label: "Имя ключа подписи", Hint: "Пусто – ИНН", Kind: Text, Config: "KeyName", Wrong: "Как в кабинете OrangeData"},
		{Key: "orange_key", Label: "Ключ подписи (XML или PEM)", Kind: Long, Secret: true, Required: true, Config: "PrivateKey", Wrong: "Вставьте файл rsa_2048_private_key целиком"},
		{Key: "orange_cert", Label: "Клиентский сертификат (PEM)", Kind: Long, Secret: true, Required: true, Config: "Certificate", Wrong: "Вставьте файл ИНН.crt целиком"},
		{Key: "orange_cert_key", Label: "Ключ сертификата (PEM)", Kind: Long, Secret: true, Required: true, Config: "CertificateKey", Wrong: "Вставьте файл ИНН.key целиком"},
		{Key: "orange_cert_password", Label: "Пароль ключа сертификата", Kind: Password, Secret: true, Config: "CertificatePassword", Wrong: "Пароль не подходит к ключу"},
		{Key: "orange_roots", Label: "Корневой сертификат сервера (PEM)", Hint: "Только для песочницы", Kind: Long, Config: "RootCAs", Wrong: "Вставьте сертификат целиком"},
		{Key: "orange_url", Label: "Адрес сервиса", Hint: "Пусто – по режиму", Kind: Text, Address: true, Config: "BaseURL", Wrong: "Нужен полный адрес"}},
	build: func(c *conf) (fiscal.Register, error) {
		return orangedata.New(orangedata.Config{Environment: c.env, BaseURL: c.get("orange_url"), INN: c.get("orange_inn"), Group: c.get("orange_group"), KeyName: c.get("orange_key_name"),
			PrivateKey: []byte(c.get("orange_key")), Certificate: []byte(c.get("orange_cert")), CertificateKey: []byte(c.get("orange_cert_key")), CertificatePassword: c.get("orange_cert_password"),
			RootCAs: []byte(c.get("orange_roots")), FFD: c.ffd, TaxSystem: c.tax, CallbackURL: c.hook + "/receipt", Shop: c.label, Logger: c.log})
	}}

// payKeeperRegister prints with PayKeeper what another bank was paid.
var payKeeperRegister = &RegisterService{Key: "paykeeper", Name: "PayKeeper (печать чеков)", Login: "pk_password",
	Fields: func() []Field {
		var out []Field
		for _, f := range payKeeperFields {
			f.Key = "pk_" + f.Key
			out = append(out, f)
		}
		return out
	}(),
	build: func(c *conf) (fiscal.Register, error) {
		own := *c
		own.values = map[string]string{}
		for key, value := range c.values {
			if name, ok := strings.CutPrefix(key, "pk_"); ok {
				own.values[name] = value
			}
		}
		config := payKeeperConfig(&own)
		config.CallbackURL, config.TwoStage = "", false
		return paykeeper.New(config)
	}}

// Router is one fiscal.Register for all shops: the queue of receipts has it
// under one name, and shops come and go. A receipt's number begins with "sN-",
// N being the shop; a document's number with "N/".
type Router struct{ Registry *Registry }

// ReceiptID is a receipt's number, by which Router finds the shop.
func ReceiptID(shop int64, rest string) string { return "s" + strconv.FormatInt(shop, 10) + "-" + rest }

func (x Router) register(ctx context.Context, number string) (fiscal.Register, int64, error) {
	shop, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, 0, acquiring.Invalid("ID", "names no shop")
	}
	row, err := x.Registry.Store.Shop(ctx, x.Registry.Store.DB, shop)
	if err != nil {
		return nil, 0, fmt.Errorf("shop %d: %w", shop, err)
	}
	r, err := x.Registry.Register(row)
	return r, shop, err
}

// Submit hands the receipt to its shop's service.
func (x Router) Submit(ctx context.Context, r fiscal.Receipt) (*fiscal.Document, error) {
	number, _, _ := strings.Cut(strings.TrimPrefix(r.ID, "s"), "-")
	register, shop, err := x.register(ctx, number)
	if err != nil {
		return nil, err
	}
	return named(shop)(register.Submit(ctx, r))
}

// GetDocument reads a document at its shop's service.
func (x Router) GetDocument(ctx context.Context, id string) (*fiscal.Document, error) {
	number, rest, _ := strings.Cut(id, "/")
	register, shop, err := x.register(ctx, number)
	if err != nil {
		return nil, err
	}
	return named(shop)(register.GetDocument(ctx, rest))
}

// shopKey is the context's key of the shop whose address a notification came
// to.
type shopKey struct{}

// WithShop says whose address the request came to.
func WithShop(ctx context.Context, shop store.Shop) context.Context {
	return context.WithValue(ctx, shopKey{}, shop)
}

// ShopOf is the shop of WithShop.
func ShopOf(ctx context.Context) (store.Shop, bool) {
	shop, ok := ctx.Value(shopKey{}).(store.Shop)
	return shop, ok
}

// VerifyCallback reads a notification to the address of a shop.
func (x Router) VerifyCallback(ctx context.Context, r *http.Request) (*fiscal.Document, error) {
	shop, ok := ShopOf(r.Context())
	if !ok {
		return nil, acquiring.InOp("crm", "VerifyCallback", &acquiring.Error{Kind: acquiring.ErrSignature, Message: "the address names no shop"})
	}
	register, err := x.Registry.Register(shop)
	if err != nil {
		return nil, err
	}
	return named(shop.ID)(register.VerifyCallback(ctx, r))
}

// named puts the shop before a document's number.
func named(shop int64) func(*fiscal.Document, error) (*fiscal.Document, error) {
	return func(d *fiscal.Document, err error) (*fiscal.Document, error) {
		if d == nil || d.ID == "" {
			return d, err
		}
		own := *d
		own.ID = strconv.FormatInt(shop, 10) + "/" + d.ID
		return &own, err
	}
}
