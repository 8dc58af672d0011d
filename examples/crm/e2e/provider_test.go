package e2e

import (
	"fmt"
	"io"
	"net/http"
	"regexp"
	"testing"

	"github.com/stretchr/testify/require"
)

// provider is how one is connected on the settings page.
type provider struct {
	key  string
	name string
	page string // of the sandbox
	// sections are the headings there, first the one that gives the address.
	sections []string
	// fields are the settings and what they are called in the sandbox.
	fields map[string]string
	given  map[string]string // settings that are not the sandbox's
	// wrong is a setting that is given wrongly first.
	wrong, value string
	printer      string
	returns      bool   // receipts of refunds are shown
	pays         string // what a good card does
}

func providers() []provider {
	bank := map[string]string{"login": "Логин API", "password": "Пароль", "callback_key": "Закрытый ключ уведомлений (callback-токен)", "base_url": "Адрес здесь"}
	return []provider{
		{key: "sberbank", name: "Сбербанк", page: "sberbank", sections: []string{"Новый шлюз (JSON)"}, fields: bank, wrong: "base_url", value: "sberbank без протокола", printer: "acquirer", returns: true, pays: "оплата проходит сразу"},
		{key: "sberbank-legacy", name: "Сбербанк, прежний шлюз", page: "sberbank", sections: []string{"Прежний шлюз (register.do)"}, fields: bank, wrong: "password", value: "Not-That-Password-9", printer: "komtet", returns: true, pays: "спросит код 3-D Secure"},
		{key: "alfabank", name: "Альфа-Банк", page: "alfabank", sections: []string{"Платёжный шлюз"},
			fields: map[string]string{"login": "Логин API", "password": "Пароль", "callback_key": "Ключ уведомлений (симметричная криптография)", "base_url": "Адрес здесь"},
			wrong:  "password", value: "Not-That-Password-9", printer: "orangedata", returns: true, pays: "спросит код 3-D Secure 2"},
		{key: "paymaster", name: "PayMaster", page: "paymaster", sections: []string{"REST API v2"}, fields: map[string]string{"merchant": "Идентификатор", "token": "Токен", "base_url": "Адрес здесь"},
			wrong: "token", value: "not-that-token-0000", printer: "acquirer", returns: true, pays: "оплата проходит"},
		{key: "paymaster-classic", name: "PayMaster, классический", page: "paymaster", sections: []string{"Классический протокол (LMI)"},
			fields: map[string]string{"merchant": "Идентификатор (LMI_MERCHANT_ID)", "secret_key": "Секретный ключ", "rest_login": "Логин с «Автоматическим доступом»", "rest_password": "Пароль", "base_url": "Адрес здесь"},
			given:  map[string]string{"hash": "SHA256"}, wrong: "rest_password", value: "Not-That-Password-9", printer: "acquirer", returns: true, pays: "оплата проходит"},
		{key: "tochka", name: "Точка", page: "tochka", sections: []string{"OAuth-приложение", "JWT-ключ"}, fields: map[string]string{"client_id": "client_id", "client_secret": "client_secret"},
			given: map[string]string{"way": "oauth"}, wrong: "webhook_key", value: "не ключ", printer: "acquirer", pays: "оплата проходит"},
		{key: "paykeeper", name: "PayKeeper", page: "paykeeper", sections: []string{"Оплата и чеки"}, fields: map[string]string{"user": "Логин", "password": "Пароль", "secret": "Секретное слово", "base_url": "Адрес здесь"},
			given: map[string]string{"server": "demo.server.paykeeper.ru"}, wrong: "password", value: "Not-That-Password-9", printer: "acquirer", returns: true, pays: "оплата проходит"},
	}
}

// settings are the fields of the shop, as copied from the sandbox's pages.
func (p *person) settings(x provider) map[string]string {
	p.t.Helper()
	values := map[string]string{}
	for key, value := range x.given {
		values[key] = value
	}
	for i := len(x.sections) - 1; i >= 0; i-- {
		found := p.credentials(x.page, x.sections[i])
		for key, name := range x.fields {
			if found[name] != "" {
				values[key] = found[name]
			}
		}
		if x.key == "tochka" && i == 0 {
			values["oauth_url"] = found["Адрес здесь"]
		} else if x.key == "tochka" {
			values["base_url"] = found["Адрес здесь"]
			values["webhook_key"] = regexp.MustCompile("WebhookKey: +`([^`]+)`").FindStringSubmatch(found["Код"])[1]
		}
	}
	for key := range x.fields {
		require.NotEmpty(p.t, values[key], key)
	}
	switch x.printer {
	case "komtet":
		found := p.credentials("komtet", "Очередь касс")
		values["komtet_shop"], values["komtet_secret"], values["komtet_queue"] = found["Идентификатор магазина"], found["Секретный ключ магазина"], found["Номер очереди"]
		values["komtet_url"] = found["Адрес здесь"]
	case "orangedata":
		found := p.credentials("orangedata", "Протокол 2.31 (взаимный TLS)")
		values["orange_inn"], values["orange_group"], values["orange_key_name"], values["orange_url"] = found["ИНН"], found["Группа касс"], found["Имя ключа"], found["Адрес здесь"]
		for key, file := range map[string]string{"orange_key": "sign.pem", "orange_cert": "client.crt", "orange_cert_key": "client.key", "orange_roots": "ca.crt"} {
			values[key] = download(p.t, p.school.Sandbox+"/files/orangedata/"+file)
		}
	}
	return values
}

func download(t *testing.T, address string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	require.NoError(t, err)
	resp, err := http.DefaultClient.Do(r)
	require.NoError(t, err)
	defer func() { require.NoError(t, resp.Body.Close()) }()
	require.Equal(t, http.StatusOK, resp.StatusCode)
	b, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return string(b)
}

// enter puts a setting into its field.
func (p *person) enter(key, value string) {
	p.t.Helper()
	field := "#f-" + key
	if p.Is("select" + field) {
		p.Choose(field, value)
		return
	}
	p.Fill(field, value)
}

// connect connects a shop as a person does: a slip first, which is told beside
// its field, and then without it. It gives the shop's number.
func (p *person) connect(x provider, name string) int {
	p.t.Helper()
	values := p.settings(x)
	p.see("/shops")
	p.Go("#new-shop")
	p.Go(fmt.Sprintf("[data-test=provider][data-provider=%q]", x.key))
	p.Fill("#f-name", name)
	p.Fill("#f-email", "buh@school.example")
	p.Choose("#f-receipt", x.printer)
	for key, value := range values {
		if key == x.wrong {
			value = x.value
		}
		p.enter(key, value)
	}
	p.Go("#save-shop")

	p.Wait(fmt.Sprintf("[data-field=%s] [data-test=problem]", x.wrong))
	require.Len(p.t, p.Texts("[data-field] [data-test=problem]"), 1, "one slip, one problem")
	for key, value := range values { // what is secret is not shown again
		if p.Is(fmt.Sprintf("#f-%s[type=password]", key)) {
			require.NotContains(p.t, p.Source(), value, key)
		}
	}
	p.enter(x.wrong, values[x.wrong])
	p.Go("#save-shop")
	require.Empty(p.t, p.Texts("[data-test=problem]"))
	return p.number()
}

// cabinet does what is left to do at the provider.
func (p *person) cabinet(x provider, shop int) {
	p.t.Helper()
	page := fmt.Sprintf("/shops/%d", shop)
	switch x.key {
	case "paykeeper":
		hook := p.Value("#hook-url")
		p.Open(p.school.Sandbox + "/connect/paykeeper")
		p.Fill("input[name=url]", hook)
		p.Go("form[action='/connect/paykeeper'] button")
		p.see(page)
	case "tochka":
		p.Go("#connect")
		require.Contains(p.t, p.Address(), p.school.Sandbox+"/tochka/")
		require.Contains(p.t, p.Text("main"), "просит доступ")
		p.Go("button[value=approve]")
		require.Contains(p.t, p.Address(), p.school.URL+page)
		p.Wait("#connected")
		p.Go("#discover")
		p.Tick("#point-form label:has(.pill.good) input[name=point]:not([disabled])")
		p.Go("#choose-point")
		p.Go("#subscribe")
	}
	p.Wait("#check-ok")
}

// TestEachProvider: from the settings to paid and given back in two parts,
// with all receipts.
func TestEachProvider(t *testing.T) {
	begin(t)
	for _, x := range providers() {
		t.Run(x.key, func(t *testing.T) {
			t.Parallel()
			p := staff(t, shared)
			shop := p.connect(x, "Проверка: "+x.name)
			p.cabinet(x, shop)
			client := p.newClient("Клиент: " + x.name)
			invoice, link := p.invoice(client, shop, "4499,90")

			phone := payer(p)
			phone.pays(link, x.pays)
			phone.returns("paid")
			require.Contains(t, phone.Text("#result"), "4 499,90")
			p.until(invoice, "paid")
			require.Equal(t, "449990", p.balance(client))
			p.receipts(invoice, 1)

			p.giveBack(invoice, "1000")
			if x.key == "tochka" {
				p.settle(invoice) // this bank accepts a refund first, and carries it out later
			}
			p.until(invoice, "partially_refunded")
			require.Equal(t, "349990", p.balance(client))
			p.giveBack(invoice, "")
			if x.key == "tochka" {
				p.settle(invoice)
			}
			p.until(invoice, "refunded")
			require.Equal(t, "0", p.balance(client))
			if x.returns {
				p.receipts(invoice, 3)
				require.Contains(t, p.Text("#receipt-text"), "Возврат прихода")
			}
			phone.Open(link)
			require.False(t, phone.Is("#pay"), "what was given back can not be paid again by the same link")
		})
	}
}

// receipts waits for that many printed receipts, and opens the last one.
func (p *person) receipts(invoice, want int) {
	p.t.Helper()
	p.ComeBack(fmt.Sprintf("%s/invoices/%d", p.school.URL, invoice), "[data-test=receipt][data-state=printed]", want)
	require.Equal(p.t, want, p.Count("[data-test=receipt]"))
	p.Go("[data-test=receipt-link]:last-of-type")
	p.Wait("#receipt-text")
}

// giveBack refunds an amount of an invoice; "" is all that is left.
func (p *person) giveBack(invoice int, amount string) {
	p.t.Helper()
	p.see(fmt.Sprintf("/invoices/%d", invoice))
	p.Go("[data-test=refund-link]")
	if amount != "" {
		p.Fill("#refund-amount", amount)
	}
	p.Fill("#refund-reason", "По заявлению")
	p.Tick("#refund-sure")
	p.Go("#refund-submit")
}

// settle has the sandbox's bank carry out the refunds that it has accepted.
func (p *person) settle(invoice int) {
	p.t.Helper()
	p.see(fmt.Sprintf("/invoices/%d", invoice))
	order := p.Attr("[data-test=attempt]", "data-order")
	p.Open(p.order(order))
	p.Go("form[action$='/settle'] button")
}

// order is the sandbox's page of an order.
func (p *person) order(number string) string {
	p.t.Helper()
	p.Open(p.school.Sandbox + "/")
	return p.LinkTo("table.rows td a", number)
}
