package shops

import (
	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/alfabank"
	"github.com/acquiring-go/acquiring/fiscal/paykeeper"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/sberbank"
)

var (
	apiLogin = Field{Key: "login", Label: "Логин API", Hint: "Вида …-api. Логин личного кабинета (…-operator) не подойдёт.", Kind: Text, Required: true,
		Config: "UserName", Wrong: "Укажите логин API, как в письме банка"}
	apiPassword = Field{Key: "password", Label: "Пароль API", Kind: Password, Secret: true, Required: true, Config: "Password", Wrong: "Укажите пароль API из письма банка"}
	callbackKey = Field{Key: "callback_key", Label: "Закрытый ключ callback-уведомлений", Kind: Password, Secret: true, Config: "CallbackKey",
		Hint: "Симметричная подпись, HMAC-SHA256. Без ключа каждое уведомление перепроверяется запросом в банк.", Wrong: "Скопируйте ключ из кабинета целиком"}
)

func buildSberbank(protocol sberbank.Protocol) func(*conf) (acquiring.Acquirer, error) {
	return func(c *conf) (acquiring.Acquirer, error) {
		return sberbank.New(sberbank.Config{Environment: c.env, BaseURL: c.get("base_url"), Protocol: protocol, UserName: c.get("login"), Password: c.get("password"),
			CallbackKey: c.get("callback_key"), Shop: c.label, Logger: c.log,
			Receipt: sberbank.ReceiptDefaults{FFD: c.ffd, TaxSystem: c.tax, INN: c.inn, Email: c.email, PaymentAddress: c.place}})
	}
}

var sberbankNew = &Provider{Key: "sberbank", Name: "Сбербанк", Login: "password", Hold: true, SBP: true, Receipts: true,
	About:  "Новый платёжный шлюз (JSON). Логин и пароль API присылает банк; тестовые – отдельно от боевых.",
	Hook:   "Личный кабинет → Настройки → Callback-уведомления. Способ: GET или POST, подпись симметричная, операции: все. Тип уведомлений – динамический, если магазинов несколько.",
	Fields: []Field{apiLogin, apiPassword, callbackKey, baseURL}, build: buildSberbank(sberbank.ProtocolJSON)}

var sberbankLegacy = &Provider{Key: "sberbank-legacy", Name: "Сбербанк (прежний шлюз)", Login: "password", Hold: true, SBP: true, Receipts: true, ForgetsKeys: true,
	About:  "Шлюз payment/rest, который банк выводит из работы. Для магазинов, подключённых давно.",
	Hook:   "Личный кабинет → Настройки → Callback-уведомления. Ключ подписи – там же.",
	Fields: []Field{apiLogin, apiPassword, callbackKey, baseURL}, build: buildSberbank(sberbank.ProtocolLegacy)}

var alfa = &Provider{Key: "alfabank", Name: "Альфа-Банк", Login: "password", Hold: true, SBP: true, Receipts: true,
	About: "Интернет-эквайринг. Логин вида r-…-api; двухстадийные платежи, СБП и подпись уведомлений банк включает по заявке.",
	Hook:  "Личный кабинет → Настройки → Уведомления, или заявка в поддержку банка: адрес и симметричная подпись.",
	Fields: []Field{apiLogin, apiPassword, callbackKey,
		{Key: "installation", Label: "Установка банка", Kind: Choice, Config: "Installation", Hint: "По адресу личного кабинета. Логин работает только на своей.", Options: []Option{
			{"", "По логину"}, {"payment", "payment.alfabank.ru"}, {"pay", "pay.alfabank.ru"}, {"ecom", "ecom.alfabank.ru"}}},
		baseURL},
	build: func(c *conf) (acquiring.Acquirer, error) {
		installation := map[string]alfabank.Installation{"payment": alfabank.InstallationPayment, "pay": alfabank.InstallationPay, "ecom": alfabank.InstallationEcom}[c.get("installation")]
		return alfabank.New(alfabank.Config{Environment: c.env, BaseURL: c.get("base_url"), Installation: installation, UserName: c.get("login"), Password: c.get("password"),
			CallbackKey: c.get("callback_key"), Shop: c.label, Logger: c.log, FFD: c.ffd, TaxSystem: c.tax})
	}}

var payMaster = &Provider{Key: "paymaster", Name: "PayMaster (REST API v2)", Login: "token", Hold: true, SBP: true, Receipts: true,
	About: "Сайт в личном кабинете paymaster.ru: идентификатор – первая колонка списка сайтов, токен – в разделе «Токены».",
	Hook:  "Ничего настраивать не нужно: адрес передаётся с каждым счётом.",
	Fields: []Field{
		{Key: "merchant", Label: "Идентификатор", Hint: "UUID сайта из списка сайтов", Kind: Text, Required: true, Config: "MerchantID", Wrong: "Нужен UUID: 8-4-4-4-12 знаков"},
		{Key: "token", Label: "Токен API", Kind: Password, Secret: true, Required: true, Config: "Token", Wrong: "Скопируйте токен целиком"},
		baseURL},
	build: func(c *conf) (acquiring.Acquirer, error) {
		return paymaster.New(paymaster.Config{Environment: c.env, BaseURL: c.get("base_url"), MerchantID: c.get("merchant"), Token: c.get("token"),
			CallbackSecret: c.token, Shop: c.label, Logger: c.log})
	}}

var payMasterClassic = &Provider{Key: "paymaster-classic", Name: "PayMaster (классический)", Login: "rest_password", SBP: false, Receipts: true, LinkLasts: true,
	About: "Протокол LMI: идентификатор, секретный ключ и тип подписи – на странице сайта в личном кабинете.",
	Hook:  "Сайт → Обратные вызовы → Payment Notification. Отметьте «Повторно отправлять при сбоях» и «Разрешена замена URL».",
	Fields: []Field{
		{Key: "merchant", Label: "Идентификатор", Hint: "LMI_MERCHANT_ID, UUID сайта", Kind: Text, Required: true, Config: "MerchantID", Wrong: "Нужен UUID: 8-4-4-4-12 знаков"},
		{Key: "secret_key", Label: "Секретный ключ", Kind: Password, Secret: true, Required: true, Config: "SecretKey", Wrong: "Тот же ключ, что в кабинете, знак в знак"},
		{Key: "hash", Label: "Тип подписи", Kind: Choice, Required: true, Config: "Hash", Options: []Option{{"SHA256", "SHA256"}, {"SHA1", "SHA1"}, {"MD5", "MD5"}}, Wrong: "Выберите тот же тип, что в кабинете"},
		{Key: "rest_login", Label: "Логин автоматического доступа", Hint: "Пользователь кабинета с входом «Автоматический доступ» и ролью «Бухгалтер». Без него нельзя узнавать статус и возвращать деньги.", Kind: Text, Required: true, Config: "Login", Wrong: "Укажите логин автоматического доступа"},
		{Key: "rest_password", Label: "Пароль автоматического доступа", Kind: Password, Secret: true, Required: true, Config: "Password", Wrong: "Укажите пароль автоматического доступа"},
		baseURL},
	build: func(c *conf) (acquiring.Acquirer, error) {
		hash := map[string]paymaster.Hash{"MD5": paymaster.MD5, "SHA1": paymaster.SHA1, "SHA256": paymaster.SHA256}[c.get("hash")]
		return paymaster.NewClassic(paymaster.ClassicConfig{Environment: c.env, BaseURL: c.get("base_url"), MerchantID: c.get("merchant"), SecretKey: c.get("secret_key"), Hash: hash,
			Login: c.get("rest_login"), Password: c.get("rest_password"), Shop: c.label, Logger: c.log})
	}}

var payKeeperFields = []Field{
	{Key: "server", Label: "Адрес личного кабинета", Hint: "Например, lavka.server.paykeeper.ru", Kind: Text, Required: true, Address: true, Config: "Server", Wrong: "Укажите имя вашего сервера PayKeeper"},
	{Key: "user", Label: "Логин", Hint: "Логин личного кабинета", Kind: Text, Required: true, Config: "User", Wrong: "Укажите логин личного кабинета"},
	{Key: "password", Label: "Пароль", Kind: Password, Secret: true, Required: true, Config: "Password", Wrong: "Укажите пароль личного кабинета"},
	{Key: "secret", Label: "Секретное слово", Hint: "Настройки → Получение информации о платежах. Это не пароль.", Kind: Password, Secret: true, Required: true, Config: "Secret", Wrong: "То же слово, что в кабинете"},
	baseURL,
}

func payKeeperConfig(c *conf) paykeeper.Config {
	return paykeeper.Config{Environment: c.env, Server: c.get("server"), BaseURL: c.get("base_url"), User: c.get("user"), Password: c.get("password"), Secret: c.get("secret"),
		TwoStage: c.twoStage, CallbackURL: c.hook, Store: paykeeperStore{c.keep}, Shop: c.label, Logger: c.log}
}

var payKeeper = &Provider{Key: "paykeeper", Name: "PayKeeper", Login: "password", Hold: true, SBP: true, Receipts: true,
	About:  "Логин, пароль и секретное слово – из личного кабинета PayKeeper. Двухстадийные платежи включаются в кабинете, а не в счёте.",
	Hook:   "Настройки → Получение информации о платежах → «POST-оповещения», адрес и секретное слово.",
	Fields: payKeeperFields,
	build: func(c *conf) (acquiring.Acquirer, error) {
		client, err := paykeeper.New(payKeeperConfig(c))
		if err != nil {
			return nil, err
		}
		return client.Acquirer(), nil
	}}
