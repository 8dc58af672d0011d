package alfabanktest

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func (b *bank) formOf(id string) string {
	return b.URL + "/payment/merchants/ecom/payment_ru.html?mdOrder=" + id
}

func (b *bank) look(page string) string {
	b.t.Helper()
	resp, err := b.Client().Get(page)
	require.NoError(b.t, err)
	return read(b.t, resp)
}

// click posts the payment page's form and says where it leads and what it
// shows.
func (b *bank) click(page string, form url.Values) (location, html string) {
	b.t.Helper()
	resp, err := b.Client().PostForm(page, form)
	require.NoError(b.t, err)
	return resp.Header.Get("Location"), read(b.t, resp)
}

func typed(pan, valid, cvc string) url.Values {
	return url.Values{"do": {"pay"}, "pan": {pan}, "valid": {valid}, "cvc": {cvc}, "holder": {"TEST CARDHOLDER"}}
}

func TestPaymentPage(t *testing.T) {
	b := open(t, WithQR(func(string) ([]byte, error) { return []byte("PNG"), nil }))
	out := b.as(pair, "register.do", "orderNumber=A-1&amount=129900&clientId=c&description=%D0%A7%D0%B0%D0%B9&returnUrl="+ok+"%3Fn%3D1&failUrl=https%3A%2F%2Ftea.example%2Ff%23top")
	id, page := out["orderId"].(string), out["formUrl"].(string)
	html := b.look(page)
	for _, want := range []string{"Чайная лавка", "Альфа-Банк", "1\u00a0299,00", "Чай", "4000 0011 1111 1118", "qr.nspk.ru", "Запомнить карту", "data:image/png"} {
		assert.Contains(t, html, want)
	}
	to, html := b.click(page, url.Values{"do": {"pay"}})
	assert.Empty(t, to)
	assert.Contains(t, html, "Заполните номер карты")
	_, html = b.click(page, typed(plainCard, "12/30", "000"))
	assert.Contains(t, html, "Неверный CVC")
	// A card with a code.
	_, html = b.click(page, typed("5555 5555 5555 5599", "12/34", "123"))
	assert.Contains(t, html, "3-D Secure")
	assert.Equal(t, num("5"), b.state(id)["orderStatus"])
	form := url.Values{"do": {"code"}, "code": {"12345678"}}
	to, _ = b.click(page, form)
	assert.Equal(t, "https://tea.example/ok?n=1&orderId="+id+"&lang=ru", to)
	assert.Contains(t, b.look(page), "Заказ оплачен")
	to, _ = b.click(page, typed(plainCard, "12/30", "123"))
	assert.Empty(t, to)
	b.is(id, "2", "129900", "129900", "0")
	assert.Equal(t, []string{"deposited!", "deposited"}, b.heard())
}

func TestPaymentPageOtherEnds(t *testing.T) {
	b := open(t)
	fail := "&failUrl=https%3A%2F%2Ftea.example%2Ff%23top"
	for do, state := range map[string]string{"decline": "6", "expire": "6", "sbp": "2"} {
		id := b.register(do, fail)
		to, _ := b.click(b.formOf(id), url.Values{"do": {do}})
		want := "https://tea.example/f?orderId=" + id + "&lang=en#top"
		if do == "sbp" {
			want = "https://tea.example/ok?orderId=" + id + "&lang=en"
		}
		assert.Equal(t, want, to)
		assert.Equal(t, num(state), b.state(id)["orderStatus"])
		assert.Contains(t, b.look(b.formOf(id)), "Back to the shop")
	}
	id := b.register("cancels", fail)
	b.click(b.formOf(id), typed("5555555555555599", "12/34", "123"))
	_, html := b.click(b.formOf(id), url.Values{"do": {"cancel"}})
	assert.Contains(t, html, "Authentication failed")
	saved := b.register("saves", "&clientId=c")
	form := typed(plainCard, "12/30", "123")
	form.Set("save", "1")
	b.click(b.formOf(saved), form)
	require.Len(t, b.Bindings("c"), 1)
	again := b.register("uses", "&clientId=c")
	b.click(b.formOf(again), url.Values{"do": {"saved"}, "saved": {b.Bindings("c")[0]}})
	assert.Equal(t, "CARD_BINDING", b.state(again)["paymentWay"])
	held := b.hold("holds", "")
	assert.NotContains(t, b.look(b.formOf(held)), "nspk", "SBP has no holds")
	// Without a scheme the buyer is sent to a wrong address under the gateway.
	out := b.call("register.do", "orderNumber=wrong&amount=100&returnUrl=tea.example")
	to, _ := b.click(out["formUrl"].(string), typed(plainCard, "12/30", "123"))
	assert.True(t, strings.HasPrefix(to, b.URL+"/payment/merchants/ecom/tea.example?orderId="), to)
	b.Advance(time.Hour)
	assert.Contains(t, b.look(b.formOf(id)), "The time to pay is over")
	assert.Equal(t, 400, b.raw("POST", "/payment/merchants/ecom/payment_ru.html?mdOrder="+id, formType, "%zz").StatusCode)
}

func TestPaymentLinkInTheBrowser(t *testing.T) {
	b := open(t)
	link := b.json("templates/create.do", `"template":{"type":"ECOM","name":"gift","nameForClient":"Подарок","amount":150000,"singlePayment":true}`)["template"].(obj)["qrTemplate"].(obj)["payload"].(string)
	resp, err := b.Client().Get(link)
	require.NoError(t, err)
	assert.Equal(t, 303, resp.StatusCode)
	page := resp.Header.Get("Location")
	assert.Contains(t, b.look(page), "1\u00a0500,00")
	to, _ := b.click(page, typed(plainCard, "12/30", "123"))
	assert.Contains(t, b.look(to), "Заказ оплачен")
	resp, err = b.Client().Get(link)
	require.NoError(t, err)
	assert.Equal(t, 404, resp.StatusCode, "for one payment")
	free := b.json("templates/create.do", `"template":{"type":"ECOM","name":"alms","nameForClient":"Помощь"}`)["template"].(obj)["qrTemplate"].(obj)["payload"].(string)
	assert.Contains(t, b.look(free), `name="amount"`)
	to, _ = b.click(free, url.Values{"amount": {"12,50"}})
	assert.Contains(t, b.look(to), "12,50")
}
