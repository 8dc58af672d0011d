package emulator

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func render(p Page) string {
	w := httptest.NewRecorder()
	p.Write(w, 200)
	return w.Body.String()
}

func TestPageShowsTheOrderAndTheForms(t *testing.T) {
	html := render(Page{Provider: "Сбербанк", Shop: `ООО «Чай & Кофе» <script>`, Order: "A-7", Description: "Заказ 7", Amount: 123456789,
		Action: "/pp/do?x=1&y=2", Hidden: map[string]string{"id": `"q"`}, Error: "Недостаточно средств",
		Cards:    []TestCard{{PAN: "2202205000012424", Month: "05", Year: "2035", CVC: "669", Behaviour: "оплата проходит"}},
		SaveCard: true, Saved: []SavedCard{{ID: "b-1", Masked: "220220******2424"}},
		SBPPayload: "https://qr.nspk.ru/AD1?type=02", SBPImage: []byte("PNG")})
	for _, want := range []string{"1\u00a0234\u00a0567,89\u00a0₽", "Заказ A-7", "Чай &amp; Кофе» &lt;script&gt;", "Недостаточно средств",
		"2202 2050 0001 2424", "05/2035 · 669", `name="pan" value="2202205000012424"`, `name="valid" value="05/2035"`, `name="cvc" value="669"`, "оплата проходит", `value="&#34;q&#34;"`, "data:image/png;base64,UE5H",
		`href="https://qr.nspk.ru/AD1?type=02"`, `value="decline"`, `value="expire"`, `value="b-1"`, `name="save"`, `width=device-width`, `lang="ru"`} {
		assert.Contains(t, html, want)
	}
	assert.NotContains(t, html, "<script>")
	html = render(Page{Amount: 5, SBPPayload: "javascript:alert(1)", NoDecline: true, NoExpire: true, Lang: "en"})
	assert.Contains(t, html, "0,05")
	assert.Contains(t, html, `lang="en"`)
	for _, no := range []string{"javascript", `value="decline"`, `value="expire"`, `name="pan"`} {
		assert.NotContains(t, html, no)
	}
}

func TestPageSteps(t *testing.T) {
	html := render(Page{Step: StepCode, Code: "111111", Cards: []TestCard{{PAN: "1"}}})
	assert.Contains(t, html, `name="code"`)
	assert.Contains(t, html, "111111")
	assert.NotContains(t, html, `name="pan"`)
	html = render(Page{Step: StepDone, Message: "Оплачено", Link: "https://shop.example/ok?a=1&b=2"})
	assert.Contains(t, html, "Оплачено")
	assert.Contains(t, html, `href="https://shop.example/ok?a=1&amp;b=2"`)
	assert.NotContains(t, html, "<form")
	assert.NotContains(t, render(Page{Step: StepDone, Link: "javascript:alert(1)"}), "javascript:alert")
}

func TestReadPageForm(t *testing.T) {
	form := url.Values{"do": {"pay"}, "pan": {"2202 2050 0001 2424"}, "valid": {"05 / 35"}, "cvc": {"669"}, "holder": {"IVAN"}, "save": {"1"}, "code": {"1"}, "saved": {"b"}}
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	f, err := ReadPageForm(r)
	require.NoError(t, err)
	assert.Equal(t, PageForm{Do: "pay", PAN: "2202205000012424", Month: "05", Year: "2035", CVC: "669", Holder: "IVAN", Code: "1", SavedCardID: "b", Save: true}, f)
	r = httptest.NewRequest(http.MethodPost, "/", strings.NewReader("%zz"))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, err = ReadPageForm(r)
	require.Error(t, err)
}
