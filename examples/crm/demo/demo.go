// Package demo is the CRM's demonstration: shops at the sandbox's emulators,
// clients, and a little history made by paying for real in the sandbox.
package demo

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/billing"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/shops"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/examples/crm/web"
	"github.com/acquiring-go/acquiring/examples/internal/sandbox"
	"github.com/acquiring-go/acquiring/fiscal"
)

// The demonstration's user.
const (
	Login    = "demo"
	Password = "vysota-demo"
)

// Demo fills a CRM that is connected to a sandbox.
type Demo struct {
	Store   *store.Store
	Shops   *shops.Registry
	Sandbox *sandbox.Sandbox
}

// template is a shop of the demonstration.
type template struct {
	name, provider string
	receiptBy      string
	active         bool
	change         func(*store.Settings)
}

func templates() []template {
	return []template{
		{"Карты и СБП – Сбербанк", "sberbank", "acquirer", true, nil},
		{"Только СБП – Сбербанк", "sberbank", "none", true, func(s *store.Settings) { s.SBPOnly = true }},
		{"Бронь мест – Альфа-Банк", "alfabank", "orangedata", true, func(s *store.Settings) {
			s.TwoStage = true
			s.Text = "Место в группе закрепляется сразу, деньги спишутся после подтверждения администратором."
		}},
		{"Летний лагерь – PayMaster", "paymaster", "komtet", true, nil},
		{"Интенсивы – PayMaster (классический)", "paymaster-classic", "acquirer", true, nil},
		{"Взрослые группы – Точка", "tochka", "acquirer", true, nil},
		{"Мерч – PayKeeper", "paykeeper", "acquirer", true, func(s *store.Settings) { s.Subject = int(fiscal.Goods) }},
		{"Филиал – прежний шлюз Сбербанка", "sberbank-legacy", "none", true, nil},
		{"Точка через OAuth – не подключена", "tochka", "none", false, func(s *store.Settings) { s.Fields["way"] = "oauth" }},
	}
}

// Credentials are what the sandbox's provider wants: the settings of a shop,
// fields and secrets. way is of Tochka: "jwt" or "oauth".
func (d *Demo) Credentials(provider, way string) (fields, secrets map[string]string) {
	b := d.Sandbox
	switch provider {
	case "sberbank":
		c := b.SberbankConfig()
		return map[string]string{"login": c.UserName, "base_url": c.BaseURL}, map[string]string{"password": c.Password, "callback_key": c.CallbackKey}
	case "sberbank-legacy":
		c := b.SberbankLegacyConfig()
		return map[string]string{"login": c.UserName, "base_url": c.BaseURL}, map[string]string{"password": c.Password, "callback_key": c.CallbackKey}
	case "alfabank":
		c := b.AlfaBankConfig()
		return map[string]string{"login": c.UserName, "base_url": c.BaseURL}, map[string]string{"password": c.Password, "callback_key": c.CallbackKey}
	case "paymaster":
		c := b.PayMasterConfig()
		return map[string]string{"merchant": c.MerchantID, "base_url": c.BaseURL}, map[string]string{"token": c.Token}
	case "paymaster-classic":
		c := b.PayMasterClassicConfig()
		return map[string]string{"merchant": c.MerchantID, "hash": c.Hash.String(), "rest_login": c.Login, "base_url": c.BaseURL}, map[string]string{"secret_key": c.SecretKey, "rest_password": c.Password}
	case "paykeeper":
		c := b.PayKeeperConfig()
		return map[string]string{"server": "demo.server.paykeeper.ru", "user": c.User, "base_url": first(c.BaseURL, c.Server)}, map[string]string{"password": c.Password, "secret": c.Secret}
	case "tochka":
		c := b.TochkaConfig()
		if way == "oauth" {
			o := b.TochkaOAuthConfig()
			return map[string]string{"way": "oauth", "client_id": o.ClientID, "webhook_key": c.WebhookKey, "base_url": o.BaseURL, "oauth_url": o.OAuthURL}, map[string]string{"client_secret": o.ClientSecret}
		}
		return map[string]string{"way": "jwt", "client_id": c.ClientID, "customer": c.CustomerCode, "point": c.MerchantID, "webhook_key": c.WebhookKey, "base_url": c.BaseURL}, map[string]string{"jwt": c.Token}
	}
	return nil, nil
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// RegisterCredentials are of a cash-register service of the sandbox.
func (d *Demo) RegisterCredentials(service string) (fields, secrets map[string]string) {
	switch service {
	case "komtet":
		c := d.Sandbox.KomtetConfig()
		return map[string]string{"komtet_shop": c.ShopID, "komtet_queue": fmt.Sprint(c.QueueID), "komtet_url": c.BaseURL}, map[string]string{"komtet_secret": c.Secret}
	case "orangedata":
		c := d.Sandbox.OrangeDataConfig()
		return map[string]string{"orange_inn": c.INN, "orange_group": c.Group, "orange_key_name": c.KeyName, "orange_url": c.BaseURL, "orange_roots": string(c.RootCAs)},
			map[string]string{"orange_key": string(c.PrivateKey), "orange_cert": string(c.Certificate), "orange_cert_key": string(c.CertificateKey)}
	case "paykeeper":
		c := d.Sandbox.PayKeeperConfig()
		return map[string]string{"pk_server": "demo.server.paykeeper.ru", "pk_user": c.User, "pk_base_url": first(c.BaseURL, c.Server)}, map[string]string{"pk_password": c.Password, "pk_secret": c.Secret}
	}
	return nil, nil
}

// Fill makes the user, the dictionaries, the shops and the clients, where
// there is nothing yet, and brings the shops' credentials up to date: a
// sandbox makes new keys at each start. It says whether it filled.
func (d *Demo) Fill(ctx context.Context) (filled bool, err error) {
	if d.Shops.PublicURL != "" {
		d.Sandbox.Tochka.SetRedirectURL(d.Shops.RedirectURL())
	}
	users, err := d.Store.CountUsers(ctx, d.Store.DB)
	if err != nil {
		return false, err
	}
	if users == 0 {
		if err := d.Store.InTx(ctx, func(tx *sql.Tx) error { return d.fill(ctx, tx) }); err != nil {
			return false, err
		}
	}
	return users == 0, d.refresh(ctx)
}

func (d *Demo) fill(ctx context.Context, tx *sql.Tx) error {
	hash, err := web.HashPassword(Password)
	if err != nil {
		return err
	}
	if _, err := d.Store.AddUser(ctx, tx, store.User{Login: Login, Name: "Анна, администратор", PasswordHash: hash}); err != nil {
		return err
	}
	entities := make([]int64, 2)
	for i, e := range []store.Entity{{Name: "ООО «Учебный центр „Высота“»", INN: "7728012340"}, {Name: "ИП Соколова Е. В.", INN: "500100732259"}} {
		if entities[i], err = d.Store.AddEntity(ctx, tx, e); err != nil {
			return err
		}
	}
	words := map[string][]string{store.CashDesks: {"Онлайн-касса", "Касса филиала"}, store.PayTypes: {"Оплата обучения", "Бронь места", "Продажа товара"}, store.Articles: {"Выручка: занятия", "Выручка: лагерь", "Выручка: мерч"}}
	ids := map[string][]int64{}
	for kind, names := range words {
		for _, name := range names {
			id, err := d.Store.AddWord(ctx, tx, kind, name)
			if err != nil {
				return err
			}
			ids[kind] = append(ids[kind], id)
		}
	}
	for i, t := range templates() {
		s := store.Settings{Fields: map[string]string{"way": "jwt"}, ReceiptBy: t.receiptBy, TaxSystem: int(fiscal.TaxSimplifiedIncome), VAT: string(fiscal.VATNone), Subject: int(fiscal.Service),
			PayMethod: int(fiscal.FullPayment), FFD: string(fiscal.FFD12), OrderPrefix: secret.Random(4) + "-", NotifyEmail: "buh@vysota.example", OfferURL: "https://vysota.example/offer", Sandbox: true}
		if t.provider != "tochka" {
			delete(s.Fields, "way")
		}
		if t.change != nil {
			t.change(&s)
		}
		shop := store.Shop{EntityID: entities[min(i/6, 1)], Name: t.name, Provider: t.provider, Active: t.active, HookToken: secret.Random(32), CashDeskID: ids[store.CashDesks][min(i/6, 1)],
			PayTypeID: ids[store.PayTypes][0], ArticleID: ids[store.Articles][0], Settings: s}
		switch t.provider {
		case "alfabank":
			shop.PayTypeID = ids[store.PayTypes][1]
		case "paymaster":
			shop.ArticleID = ids[store.Articles][1]
		case "paykeeper":
			shop.PayTypeID, shop.ArticleID = ids[store.PayTypes][2], ids[store.Articles][2]
		}
		if _, err := d.Store.AddShop(ctx, tx, shop); err != nil {
			return err
		}
	}
	for _, c := range []store.Client{
		{Name: "Мария Воронова", Phone: "+79161234501", Email: "voronova@mail.example", Note: "Английский, группа A2"},
		{Name: "Дмитрий Лебедев", Phone: "+79161234502", Email: "lebedev@mail.example", Note: "Подготовка к ЕГЭ"},
		{Name: "Ольга Кузнецова", Phone: "+79161234503", Email: "kuznetsova@mail.example", Note: "Робототехника, сын Егор"},
		{Name: "Тимур Ахметов", Phone: "+79161234504", Email: "akhmetov@mail.example", Note: "Летний лагерь"},
		{Name: "Елена Морозова", Phone: "+79161234505", Email: "morozova@mail.example", Note: "Рисование, вечерняя группа"},
		{Name: "Игорь Павлов", Phone: "+79161234506", Email: "pavlov@mail.example", Note: "Программирование"},
		{Name: "Анастасия Фёдорова-Константинопольская", Phone: "+79161234507", Email: "fedorova@mail.example", Note: "Индивидуальные занятия"},
	} {
		c.LinkSalt = secret.Random(16)
		c.LinkHash = secret.Hash(web.LinkToken(d.Shops.Box, c.LinkSalt))
		if _, err := d.Store.AddClient(ctx, tx, c); err != nil {
			return err
		}
	}
	return nil
}

// refresh gives the demonstration's shops the keys of this sandbox.
func (d *Demo) refresh(ctx context.Context) error {
	all, err := d.Store.Shops(ctx, d.Store.DB)
	if err != nil {
		return err
	}
	for _, x := range all {
		if !x.Settings.Sandbox {
			continue
		}
		fields, secrets := d.Credentials(x.Provider, x.Settings.Fields["way"])
		merged := maps.Clone(x.Settings.Fields)
		if merged == nil {
			merged = map[string]string{}
		}
		maps.Copy(merged, fields)
		x.Settings.Fields = merged
		var registerSecrets map[string]string
		x.Settings.RegisterFields, registerSecrets = d.RegisterCredentials(x.Settings.ReceiptBy)
		all := maps.Clone(secrets)
		maps.Copy(all, registerSecrets)
		if x.Secrets, err = d.Shops.Seal(x.ID, all); err != nil {
			return err
		}
		if err := d.Store.SaveShop(ctx, d.Store.DB, x); err != nil {
			return err
		}
	}
	return nil
}

// Connect does what a person does in the cabinets: the addresses for callbacks
// where they cannot be given with each invoice. The CRM must be listening.
func (d *Demo) Connect(ctx context.Context) error {
	all, err := d.Store.Shops(ctx, d.Store.DB)
	if err != nil {
		return err
	}
	for _, x := range all {
		if !x.Settings.Sandbox || !x.Active {
			continue
		}
		x, err := d.Store.Shop(ctx, d.Store.DB, x.ID)
		if err != nil {
			return err
		}
		switch x.Provider {
		case "paykeeper":
			err = d.Sandbox.SetCallbackURL(sandbox.PayKeeper, d.Shops.HookURL(x))
		case "tochka":
			err = d.Shops.Subscribe(ctx, x)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", x.Name, err)
		}
		trouble := ""
		for _, t := range d.Shops.Check(ctx, x) {
			trouble = t.Text
		}
		if err := d.Store.SetCheck(ctx, d.Store.DB, x.ID, trouble); err != nil {
			return err
		}
	}
	return nil
}

// Forget closes the payments of earlier starts that this sandbox does not
// know: it keeps its books in memory. A real bank keeps them, and there a
// payment that it does not know is for a person to see.
func (d *Demo) Forget(ctx context.Context, b *billing.Service) error {
	attempts, err := d.Store.OpenAttempts(ctx, d.Store.DB, 0, 1000)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		shop, err := d.Store.Shop(ctx, d.Store.DB, a.ShopID)
		if err != nil {
			return err
		}
		if !shop.Settings.Sandbox || shops.ByKey(shop.Provider).LinkLasts || !errors.Is(b.Look(ctx, a.ID), acquiring.ErrNotFound) {
			continue
		}
		err = d.Store.InTx(ctx, func(tx *sql.Tx) error {
			now, err := d.Store.LockAttempt(ctx, tx, a.ID)
			if err != nil {
				return err
			}
			now.Open, now.Trouble = false, "Песочница перезапущена и не помнит этот платёж"
			if now.Status == acquiring.StatusPending {
				now.Status = acquiring.StatusExpired
			}
			return d.Store.SaveAttempt(ctx, tx, now)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
