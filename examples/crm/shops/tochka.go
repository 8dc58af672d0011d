package shops

import (
	"context"
	"encoding/json"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/tochka"
)

// account is the name of a shop's tokens in its own store.
const account = "shop"

var tochkaBank = &Provider{Key: "tochka", Name: "Точка Банк", Login: "jwt", Hold: true, SBP: true, Receipts: true, SetsHook: true,
	About: "Подключите через OAuth («Подключить Точку») или вставьте JWT-ключ из интернет-банка: Интеграции и API → Подключить → JWT-ключ.",
	Hook:  "Нажмите «Подписаться на уведомления»: адрес передаётся банку через API. Банк принимает только https.",
	Fields: []Field{
		{Key: "way", Label: "Способ подключения", Kind: Choice, Required: true, Options: []Option{{"oauth", "OAuth: согласие в интернет-банке"}, {"jwt", "JWT-ключ"}}},
		{Key: "client_id", Label: "client_id", Hint: "Показан рядом с JWT-ключом или у OAuth-приложения", Kind: Text, Config: "ClientID", Wrong: "Скопируйте client_id целиком"},
		{Key: "client_secret", Label: "client_secret", Hint: "Только для OAuth; банк показывает его один раз", Kind: Password, Secret: true, Config: "ClientSecret", Wrong: "Укажите client_secret приложения"},
		{Key: "jwt", Label: "JWT-ключ", Kind: Long, Secret: true, Config: "Token", Wrong: "Вставьте ключ целиком, без слова Bearer"},
		{Key: "customer", Label: "Код компании (customerCode)", Hint: "Заполняется кнопкой «Обновить данные из банка»", Kind: Text, Config: "CustomerCode", Wrong: "Девять знаков; выберите компанию ниже"},
		{Key: "point", Label: "Торговая точка (merchantId)", Hint: "Нужна, если точек несколько", Kind: Text, Config: "MerchantID", Wrong: "15 цифр; выберите точку ниже"},
		{Key: "webhook_key", Label: "Открытый ключ вебхуков", Hint: "Пусто – ключ банка, он встроен. Заполните для песочницы.", Kind: Long, Config: "WebhookKey", Wrong: "Нужен ключ в виде JWK или PEM"},
		baseURL,
		{Key: "oauth_url", Label: "Адрес входа OAuth", Hint: "Пусто – тот же сервер. Заполните для песочницы.", Kind: Text, Address: true, Config: "OAuthURL", Wrong: "Нужен полный адрес"}},
	build: func(c *conf) (acquiring.Acquirer, error) { return buildTochka(c) }}

func buildTochka(c *conf) (*tochka.Client, error) {
	asked, err := ledger(c.keep.store)
	if err != nil {
		return nil, err
	}
	config := tochka.Config{Environment: c.env, BaseURL: c.get("base_url"), ClientID: c.get("client_id"), CustomerCode: c.get("customer"), MerchantID: c.get("point"),
		WebhookKey: c.get("webhook_key"), Ledger: asked, Shop: c.label, Logger: c.log}
	if c.get("way") == "jwt" {
		config.Token = c.get("jwt")
		return tochka.New(config)
	}
	o, err := buildOAuth(c)
	if err != nil {
		return nil, err
	}
	config.TokenSource = o.TokenSource(account)
	return tochka.New(config)
}

func buildOAuth(c *conf) (*tochka.OAuth, error) {
	return tochka.NewOAuth(tochka.OAuthConfig{Environment: c.env, BaseURL: c.get("base_url"), OAuthURL: c.get("oauth_url"), ClientID: c.get("client_id"), ClientSecret: c.get("client_secret"),
		RedirectURL: c.redirect, Store: tokens{c.keep}, Shop: c.label, Logger: c.log})
}

// OAuth is the shop's way to its customer's consent.
func (r *Registry) OAuth(shop store.Shop) (*tochka.OAuth, error) {
	c, err := r.conf(shop)
	if err != nil {
		return nil, err
	}
	return buildOAuth(c)
}

// RedirectURL is the address that is registered with the OAuth application.
func (r *Registry) RedirectURL() string { return r.PublicURL + "/oauth/tochka" }

// Exchange takes the code that the bank sent the customer back with.
func (r *Registry) Exchange(ctx context.Context, shop store.Shop, code string) error {
	o, err := r.OAuth(shop)
	if err != nil {
		return err
	}
	if err := o.Exchange(ctx, account, code); err != nil {
		return err
	}
	r.forget(shop.ID)
	return nil
}

// Disconnect forgets the tokens of the shop's consent.
func (r *Registry) Disconnect(ctx context.Context, db store.DB, shop int64) error {
	return r.Store.Drop(ctx, db, shop, tokenArea, account)
}

// Point is a retail point as the settings page shows it.
type Point struct {
	ID, Name, URL string
	Usable        bool
	Receipts      bool
	SBP           bool
	Modes         []string
}

// Company is a company of the bank's customer.
type Company struct {
	Code, Name, INN string
	Points          []Point
	SBPCodes        bool
	Problems        []string
}

// Bank is what the bank said of the shop's companies.
type Bank struct {
	At        time.Time
	Companies []Company
}

// Discover reads the companies and retail points from the bank.
func (r *Registry) Discover(ctx context.Context, shop store.Shop) (*Bank, error) {
	c, err := r.conf(shop)
	if err != nil {
		return nil, err
	}
	client, err := buildTochka(c)
	if err != nil {
		return nil, err
	}
	found, err := client.Discover(ctx)
	if err != nil {
		return nil, err
	}
	b := &Bank{At: found.At}
	for _, x := range found.Companies {
		one := Company{Code: x.CustomerCode, Name: x.ShortName, INN: x.TaxCode, SBPCodes: x.SBPCodes()}
		if one.Name == "" {
			one.Name = x.FullName
		}
		for _, p := range x.Points {
			point := Point{ID: p.MerchantID, Name: p.Name, URL: p.URL, Usable: p.Usable(), Receipts: p.PrintsReceipts()}
			for _, m := range p.PaymentModes {
				point.Modes = append(point.Modes, string(m))
				point.SBP = point.SBP || m == tochka.ModeSBP
			}
			one.Points = append(one.Points, point)
		}
		for _, problem := range x.Problems {
			one.Problems = append(one.Problems, Russian(problem, nil).Text)
		}
		b.Companies = append(b.Companies, one)
	}
	return b, nil
}

// BankOf is what Discover stored with the shop; nil: nothing yet.
func BankOf(shop store.Shop) *Bank {
	if len(shop.Settings.Bank) == 0 {
		return nil
	}
	var b Bank
	if json.Unmarshal(shop.Settings.Bank, &b) != nil {
		return nil
	}
	return &b
}

// Subscribe tells the bank where to send its webhooks.
func (r *Registry) Subscribe(ctx context.Context, shop store.Shop) error {
	c, err := r.conf(shop)
	if err != nil {
		return err
	}
	client, err := buildTochka(c)
	if err != nil {
		return err
	}
	_, err = client.SetWebhook(ctx, tochka.Webhook{Types: []tochka.WebhookType{tochka.WebhookAcquiring, tochka.WebhookIncomingSBP}, URL: c.hook})
	return err
}
