package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/crm/e2e/drive"
)

// TestSBPOnly: the client sees the code, pays with his bank's program, and the
// page tells him by itself.
func TestSBPOnly(t *testing.T) {
	begin(t)
	p := staff(t, shared)
	client := p.newClient("Клиент СБП")
	invoice, link := p.invoice(client, p.shop("Только СБП – Сбербанк"), "990")
	c := payer(p)
	c.Open(link)
	c.Go("#pay-qr")
	require.Regexp(t, `^https://qr\.nspk\.ru/`, c.Attr("#sbp-qr", "data-payload"))
	require.Equal(t, c.Attr("#sbp-qr", "data-payload"), c.Attr("#sbp-open", "href"), "who has one device only opens his bank by the link")
	require.Equal(t, 1, c.Count("#sbp-qr svg path"))

	p.Open(p.order(p.orderOf(invoice)))
	p.Go("form[action$='/sbp'] button")
	c.Wait(".pill[data-status=paid]")
	require.False(t, c.Is("#pay"))
	p.until(invoice, "paid")
	require.Contains(t, p.Text("[data-test=attempt]"), "СБП")
	require.Equal(t, "99000", p.balance(client))
}

// orderOf is the number that the provider knows an invoice by.
func (p *person) orderOf(invoice int) string {
	p.t.Helper()
	p.see(fmt.Sprintf("/invoices/%d", invoice))
	return p.Attr("[data-test=attempt]:last-of-type", "data-order")
}

// TestHold: one hold is confirmed by hand, and one is let go.
func TestHold(t *testing.T) {
	begin(t)
	p := staff(t, shared)
	shop, client := p.shop("Бронь мест – Альфа-Банк"), p.newClient("Клиент с холдом")
	held := func(amount string) int {
		invoice, link := p.invoice(client, shop, amount)
		c := payer(p)
		c.pays(link, "оплата без 3-D Secure")
		c.returns("authorized")
		p.until(invoice, "authorized")
		require.Contains(t, p.Text(".holdbox"), "удержано на карте")
		return invoice
	}
	taken := held("3000")
	require.Equal(t, "0", p.balance(client), "a hold is no money yet")
	p.see(fmt.Sprintf("/invoices/%d", taken))
	p.Go("[data-test=capture]")
	p.until(taken, "paid")
	require.Equal(t, "300000", p.balance(client))

	released := held("2000")
	p.Go("[data-test=void]")
	p.until(released, "voided")
	require.Equal(t, "300000", p.balance(client))
	require.Equal(t, []string{"Списать деньги с карты клиента?", "Отменить холд? Деньги вернутся на карту клиента."}, p.Asked())
}

// TestDeclineAndForgery: a card is declined, another one pays; whatever is
// forged of either changes nothing.
func TestDeclineAndForgery(t *testing.T) {
	begin(t)
	p := staff(t, shared)
	shop, client := p.shop("Карты и СБП – Сбербанк"), p.newClient("Клиент со второй попытки")
	invoice, link := p.invoice(client, shop, "1750,50")
	c := payer(p)
	c.Open(link)
	c.Go("#pay")
	c.types(c.cardThat("недостаточно средств"))
	for strings.HasPrefix(c.Address(), p.school.Sandbox) && c.Is("#pan") { // the bank lets him try again there
		c.Go("button[value=decline]")
	}
	require.Equal(t, "0", p.balance(client))
	c.Open(link)
	if !c.Is("#pay") {
		require.Fail(t, "he may try again", c.Text("main"))
	}

	c.pays(link, "оплата проходит сразу")
	c.returns("paid")
	require.Equal(t, "175050", p.balance(client))
	p.forge(invoice)
	p.see(fmt.Sprintf("/invoices/%d", invoice))
	require.Equal(t, "paid", p.Attr(".head [data-test=status]", "data-status"))
	require.Equal(t, "175050", p.balance(client))
	require.Equal(t, 1, p.Count("[data-test=posting]"))
	p.see("/journal")
	require.Contains(t, p.Text("[data-test=journal]"), "Уведомление не прошло проверку подлинности и отклонено")
}

// forge has the sandbox send a forged copy of the last callback of an invoice,
// and sees that the CRM refused it.
func (p *person) forge(invoice int) {
	p.t.Helper()
	p.Open(p.order(p.orderOf(invoice)))
	p.Go("form[action$='/forge'] button")
	p.ComeBack(p.Address(), "tr:has(.tag.bad) .badge", 1)
	require.Contains(p.t, strings.Join(p.Texts("tr:has(.tag.bad) .badge"), " "), "Подделка отвергнута")
}

// TestBrowserClosed: the client never comes back from the bank, and his money
// is there all the same.
func TestBrowserClosed(t *testing.T) {
	begin(t)
	p := staff(t, shared)
	client := p.newClient("Клиент без возврата")
	invoice, link := p.invoice(client, p.shop("Карты и СБП – Сбербанк"), "2500")
	c := payer(p)
	c.Open(link)
	c.Go("#pay")
	c.Expect("ERR_BLOCKED_BY_CLIENT")
	c.Lose(p.school.URL + "/*")
	good := c.cardThat("оплата проходит сразу")
	c.Fill("#pan", good.pan)
	c.Fill("#valid", good.valid)
	c.Fill("#cvc", good.cvc)
	c.Click("form:has(#pan) button[value=pay]")
	p.until(invoice, "paid")
	require.Equal(t, "250000", p.balance(client))
}

// TestLostCallback: no callback comes, and the CRM finds the payment by asking
// the bank.
func TestLostCallback(t *testing.T) {
	begin(t)
	school := another(t)
	settled(t, school)
	p := staff(t, school)
	p.Open(school.Sandbox + "/faults")
	p.Click("#sberbank summary")
	p.Tick("form[action='/faults/sberbank/callbacks'] [name=lose]")
	p.Go("form[action='/faults/sberbank/callbacks'] button")
	client := p.newClient("Клиент без уведомления")
	invoice, link := p.invoice(client, p.shop("Карты и СБП – Сбербанк"), "3100")
	c := payer(p)
	c.pays(link, "оплата проходит сразу")
	c.Wait("#result .spinner")
	require.Equal(t, "0", p.balance(client))
	c.Wait("#result[data-status=paid]")
	p.until(invoice, "paid")
	require.Equal(t, "310000", p.balance(client))
	p.see(fmt.Sprintf("/invoices/%d", invoice))
	require.Contains(t, p.Text("[data-test=journal]"), "опрос банка")
}

// TestPersonalPage: the client pays by himself, on his phone.
func TestPersonalPage(t *testing.T) {
	begin(t)
	p := staff(t, shared)
	client := p.newClient("Клиент с телефоном")
	page := p.Value("#client-link")
	c := payer(p)
	c.Open(page)
	require.Equal(t, "0", c.Attr("#balance", "data-kopecks"))
	c.Fill("#topup-amount", "5")
	c.Go("#topup")
	require.Contains(t, c.Text("[data-test=problem]"), "от 10")
	c.Fill("#topup-amount", "1500,75")
	c.Go("#topup")
	require.Equal(t, "1 500,75 ₽", c.Text("#amount"))
	c.pays(c.Address(), "оплата проходит сразу")
	c.returns("paid")
	c.Open(page)
	require.Equal(t, "150075", c.Attr("#balance", "data-kopecks"))
	require.Contains(t, c.Text("#my-invoices"), "оплачен")
	require.Equal(t, "150075", p.balance(client))

	p.Go("#renew-link")
	c.Expect("status of 404")
	c.Open(page)
	require.False(t, c.Is("#balance"), "the former link is dead")
}

// TestLogin: the counter is behind a login, its forms are nobody else's, and
// who has left is out.
func TestLogin(t *testing.T) {
	begin(t)
	p := visitor(t, shared, drive.Desktop)
	p.see("/clients")
	require.Contains(t, p.Address(), "/login")
	p.Fill("#login", drive.Login)
	p.Fill("#password", "wrong-"+drive.Password)
	p.Go("#login-submit")
	require.Equal(t, "Неверный логин или пароль.", p.Text("#login-error"))
	p.Fill("#login", drive.Login)
	p.Fill("#password", drive.Password)
	p.Go("#login-submit")
	require.Contains(t, p.Address(), shared.URL+"/clients")

	p.Expect("status of 403")
	p.Alter("#new-client [name=csrf]", "not-the-token-of-this-session")
	p.Fill("#c-name", "Чужая Форма")
	p.Go("#add-client")
	require.NotContains(t, strings.Join(p.Texts("[data-test=client]"), " "), "Чужая Форма")
	p.see("/clients")
	require.NotContains(t, p.Text("#clients"), "Чужая Форма")

	p.Go("#logout")
	p.see("/clients")
	require.Contains(t, p.Address(), "/login")
}
