package sandbox

import (
	"fmt"
	"strings"

	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/tochka"
)

// credential is a setting as the provider's cabinet calls it.
type credential struct{ Name, Value string }

// connection is how a client is made for one protocol of a provider.
type connection struct {
	Way         way
	Title       string
	Real        string // the address of the real service
	Base        string // its place here
	Credentials []credential
	Code        string // Go, to copy
	Shell       string // what is to be done before; "": nothing
	Note        string
}

// code writes a constructor call.
func code(result, call, config string, fields ...[2]string) string {
	width := 0
	for _, f := range fields {
		width = max(width, len(f[0])+1)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s, err := %s(%s{\n", result, call, config)
	for _, f := range fields {
		fmt.Fprintf(&b, "\t%-*s %s,\n", width, f[0]+":", f[1])
	}
	b.WriteString("})\n")
	return b.String()
}

func quoted(s string) string { return fmt.Sprintf("%q", s) }

const testEnvironment = "acquiring.Test"

// connections are the protocols of a provider.
func (s *Sandbox) connections(p Provider) []connection {
	env := [2]string{"Environment", testEnvironment}
	switch p {
	case Sberbank:
		c, l := s.SberbankConfig(), s.SberbankLegacyConfig()
		return []connection{{
			Way: way{p, ""}, Title: "Новый шлюз (JSON)", Real: sberbank.TestURL, Base: c.BaseURL,
			Credentials: []credential{{"Логин API", c.UserName}, {"Пароль", c.Password}, {"Закрытый ключ уведомлений (callback-токен)", c.CallbackKey}},
			Code: code("bank", "sberbank.New", "sberbank.Config", env, [2]string{"BaseURL", quoted(c.BaseURL)}, [2]string{"UserName", quoted(c.UserName)},
				[2]string{"Password", quoted(c.Password)}, [2]string{"CallbackKey", quoted(c.CallbackKey)}),
		}, {
			Way: way{p, "legacy"}, Title: "Прежний шлюз (register.do)", Real: sberbank.LegacyTestURL, Base: l.BaseURL,
			Credentials: []credential{{"Логин API", l.UserName}, {"Пароль", l.Password}, {"Закрытый ключ уведомлений (callback-токен)", l.CallbackKey}},
			Code: code("bank", "sberbank.New", "sberbank.Config", env, [2]string{"Protocol", "sberbank.ProtocolLegacy"}, [2]string{"BaseURL", quoted(l.BaseURL)},
				[2]string{"UserName", quoted(l.UserName)}, [2]string{"Password", quoted(l.Password)}, [2]string{"CallbackKey", quoted(l.CallbackKey)}),
		}}
	case AlfaBank:
		c := s.AlfaBankConfig()
		return []connection{{
			Way: way{p, ""}, Title: "Платёжный шлюз", Real: alfabank.TestURL, Base: c.BaseURL,
			Credentials: []credential{{"Логин API", c.UserName}, {"Пароль", c.Password}, {"Ключ уведомлений (симметричная криптография)", c.CallbackKey}},
			Code: code("bank", "alfabank.New", "alfabank.Config", env, [2]string{"BaseURL", quoted(c.BaseURL)}, [2]string{"UserName", quoted(c.UserName)},
				[2]string{"Password", quoted(c.Password)}, [2]string{"CallbackKey", quoted(c.CallbackKey)}),
		}}
	case PayMaster:
		return s.payMasterConnections(env)
	case Tochka:
		return s.tochkaConnections(env)
	case Komtet:
		c := s.KomtetConfig()
		return []connection{{
			Title: "Очередь касс", Real: komtet.DefaultBaseURL, Base: c.BaseURL,
			Credentials: []credential{{"Идентификатор магазина", c.ShopID}, {"Секретный ключ магазина", c.Secret}, {"Номер очереди", fmt.Sprint(c.QueueID)}},
			Code: code("kassa", "komtet.New", "komtet.Config", env, [2]string{"BaseURL", quoted(c.BaseURL)}, [2]string{"ShopID", quoted(c.ShopID)},
				[2]string{"Secret", quoted(c.Secret)}, [2]string{"QueueID", fmt.Sprint(c.QueueID)}, [2]string{"CallbackURL", quoted(s.CallbackURL(p))},
				[2]string{"TaxSystem", "fiscal.TaxGeneral"}, [2]string{"Place", quoted("https://shop.example")}),
			Note: "CallbackURL входит в подпись: он должен совпадать с адресом уведомлений до последнего знака.",
		}}
	case OrangeData:
		return s.orangeDataConnections(env)
	case PayKeeper:
		c := s.PayKeeperConfig()
		return []connection{{
			Way: way{p, ""}, Title: "Оплата и чеки", Real: "https://<магазин>.server.paykeeper.ru", Base: c.Server,
			Credentials: []credential{{"Сервер", c.Server}, {"Логин", c.User}, {"Пароль", c.Password}, {"Секретное слово", c.Secret}},
			Code: code("kassa", "paykeeper.New", "paykeeper.Config", env, [2]string{"Server", quoted(c.Server)}, [2]string{"User", quoted(c.User)},
				[2]string{"Password", quoted(c.Password)}, [2]string{"Secret", quoted(c.Secret)}, [2]string{"TwoStage", fmt.Sprint(c.TwoStage)}) + "bank := kassa.Acquirer() // платежи; сама kassa печатает чеки\n",
		}}
	}
	return nil
}

func (s *Sandbox) payMasterConnections(env [2]string) []connection {
	c, l := s.PayMasterConfig(), s.PayMasterClassicConfig()
	return []connection{{
		Way: way{PayMaster, ""}, Title: "REST API v2", Real: paymaster.DefaultURL, Base: c.BaseURL,
		Credentials: []credential{{"Идентификатор", c.MerchantID}, {"Токен", c.Token}},
		Code: code("bank", "paymaster.New", "paymaster.Config", env, [2]string{"BaseURL", quoted(c.BaseURL)}, [2]string{"MerchantID", quoted(c.MerchantID)},
			[2]string{"Token", quoted(c.Token)}),
		Note: "Уведомления этого протокола не подписаны: клиент сам перечитывает платёж.",
	}, {
		Way: way{PayMaster, "classic"}, Title: "Классический протокол (LMI)", Real: paymaster.DefaultURL, Base: l.BaseURL,
		Credentials: []credential{{"Идентификатор (LMI_MERCHANT_ID)", l.MerchantID}, {"Секретный ключ", l.SecretKey}, {"Тип подписи", "SHA256"},
			{"Логин с «Автоматическим доступом»", l.Login}, {"Пароль", l.Password}},
		Code: code("bank", "paymaster.NewClassic", "paymaster.ClassicConfig", env, [2]string{"BaseURL", quoted(l.BaseURL)}, [2]string{"MerchantID", quoted(l.MerchantID)},
			[2]string{"SecretKey", quoted(l.SecretKey)}, [2]string{"Hash", "paymaster.SHA256"}, [2]string{"Login", quoted(l.Login)}, [2]string{"Password", quoted(l.Password)}),
		Note: "Заказ появляется у провайдера, когда покупатель открывает ссылку.",
	}}
}

func (s *Sandbox) tochkaConnections(env [2]string) []connection {
	c, o := s.TochkaConfig(), s.TochkaOAuthConfig()
	return []connection{{
		Way: way{Tochka, ""}, Title: "JWT-ключ", Real: tochka.ProductionURL, Base: c.BaseURL,
		Credentials: []credential{{"JWT-ключ", c.Token}, {"client_id", c.ClientID}, {"customerCode", c.CustomerCode}, {"Торговая точка (merchantId)", c.MerchantID}},
		Code: code("bank", "tochka.New", "tochka.Config", env, [2]string{"BaseURL", quoted(c.BaseURL)}, [2]string{"Token", quoted(c.Token)},
			[2]string{"ClientID", quoted(c.ClientID)}, [2]string{"CustomerCode", quoted(c.CustomerCode)}, [2]string{"MerchantID", quoted(c.MerchantID)},
			[2]string{"WebhookKey", "`" + c.WebhookKey + "`"}),
		Note: "WebhookKey — ключ эмулятора; настоящий ключ банка уже есть в библиотеке.",
	}, {
		Title: "OAuth-приложение", Real: tochka.OAuthURL, Base: o.OAuthURL,
		Credentials: []credential{{"client_id", o.ClientID}, {"client_secret", o.ClientSecret}, {"redirect_uri", o.RedirectURL}},
		Code: code("oauth", "tochka.NewOAuth", "tochka.OAuthConfig", env, [2]string{"BaseURL", quoted(o.BaseURL)}, [2]string{"OAuthURL", quoted(o.OAuthURL)},
			[2]string{"ClientID", quoted(o.ClientID)}, [2]string{"ClientSecret", quoted(o.ClientSecret)}, [2]string{"RedirectURL", quoted(o.RedirectURL)}),
	}}
}

// The files of OrangeData's client, by their names in the download addresses.
const (
	fileCert = "client.crt"
	fileKey  = "client.key"
	fileSign = "sign.pem"
	fileCA   = "ca.crt"
)

func (s *Sandbox) orangeDataFile(name string) []byte {
	c := s.OrangeDataConfig()
	return map[string][]byte{fileCert: c.Certificate, fileKey: c.CertificateKey, fileSign: c.PrivateKey, fileCA: c.RootCAs}[name]
}

func (s *Sandbox) orangeDataConnections(env [2]string) []connection {
	c := s.OrangeDataConfig()
	var read, shell strings.Builder
	shell.WriteString("mkdir -p orangedata\n")
	for _, f := range [][2]string{{"certificate", fileCert}, {"certificateKey", fileKey}, {"signKey", fileSign}, {"authority", fileCA}} {
		fmt.Fprintf(&shell, "curl -so orangedata/%s %s/files/orangedata/%s\n", f[1], s.URL, f[1])
		fmt.Fprintf(&read, "%s, _ := os.ReadFile(%q)\n", f[0], "orangedata/"+f[1])
	}
	return []connection{{
		Title: "Протокол 2.31 (взаимный TLS)", Real: orangedata.BaseTest, Base: c.BaseURL,
		Credentials: []credential{{"ИНН", c.INN}, {"Имя ключа", c.KeyName}, {"Группа касс", c.Group}, {"Файлы", strings.Join([]string{fileCert, fileKey, fileSign, fileCA}, ", ")}},
		Shell:       shell.String(),
		Code: read.String() + code("kassa", "orangedata.New", "orangedata.Config", env, [2]string{"BaseURL", quoted(c.BaseURL)}, [2]string{"INN", quoted(c.INN)},
			[2]string{"Group", quoted(c.Group)}, [2]string{"PrivateKey", "signKey"}, [2]string{"Certificate", "certificate"}, [2]string{"CertificateKey", "certificateKey"},
			[2]string{"RootCAs", "authority"}, [2]string{"TaxSystem", "fiscal.TaxGeneral"}, [2]string{"CallbackURL", quoted(s.CallbackURL(OrangeData))},
			[2]string{"ReceiptURL", quoted(c.ReceiptURL)}),
		Note: "Как настоящий сервис, этот слушает отдельный порт с TLS и спрашивает сертификат клиента. Сертификаты выпускаются заново при каждом запуске.",
	}}
}
