package tochkatest

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// visit opens the payment page of a link.
func (b *bank) visit(link any) string {
	b.Helper()
	resp := b.raw("GET", strings.TrimPrefix(link.(string), b.URL), "", "")
	require.Equal(b, 200, resp.StatusCode)
	return string(b.body(resp))
}

func (b *bank) post(link any, fields ...string) *http.Response {
	b.Helper()
	f := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		f.Set(fields[i], fields[i+1])
	}
	return b.raw("POST", strings.TrimPrefix(link.(string), b.URL), "application/x-www-form-urlencoded", f.Encode())
}

func (b *bank) payCard(link any, n int, more ...string) *http.Response {
	b.Helper()
	return b.post(link, append([]string{"do", "pay", "pan", cards[n].Grouped(), "valid", "12/35", "cvc", "123"}, more...)...)
}

func TestPageCard(t *testing.T) {
	b := start(t)
	data := b.link(`"failRedirectUrl":"https://school.example.com/failed","saveCard":true`)
	link := data["paymentLink"]
	html := b.visit(link)
	assert.Contains(t, html, "Абонемент на октябрь")
	assert.Contains(t, html, "Школа на Тверской")
	assert.Contains(t, html, "1\u00a0490,50")
	assert.Contains(t, html, "qr.nspk.ru")

	resp := b.payCard(link, 2)
	assert.Equal(t, 200, resp.StatusCode)
	assert.Contains(t, string(b.body(resp)), "отказал")
	assert.Equal(t, "CREATED", b.operation(data["operationId"])["status"])
	resp = b.post(link, "do", "pay", "pan", "4111111111111111")
	assert.Contains(t, string(b.body(resp)), "Неизвестная карта")
	resp = b.post(link, "do", "decline")
	assert.Equal(t, "https://school.example.com/failed", resp.Header.Get("Location"))
	resp = b.post(link, "do", "saved", "saved", "nothing")
	assert.Contains(t, string(b.body(resp)), "Карта не найдена")

	resp = b.payCard(link, 0, "save", "1")
	assert.Equal(t, http.StatusSeeOther, resp.StatusCode)
	assert.Equal(t, "https://school.example.com/paid", resp.Header.Get("Location"))
	op := b.operation(data["operationId"])
	assert.Equal(t, "APPROVED", op["status"])
	assert.Contains(t, op, "CofToken")
	assert.Contains(t, b.visit(link), "уже оплачен")
	assert.Contains(t, string(b.body(b.payCard(link, 0))), "уже оплачен")
	assert.Len(t, b.entries(data["operationId"]), 1)

	// The same buyer sees his card.
	again := b.link(`"consumerId":"` + data["consumerId"].(string) + `","redirectUrl":"-"`)
	html = b.visit(again["paymentLink"])
	m := regexp.MustCompile(`name="saved" value="([^"]+)"`).FindStringSubmatch(html)
	require.NotNil(t, m)
	resp = b.post(again["paymentLink"], "do", "saved", "saved", m[1])
	assert.Contains(t, string(b.body(resp)), "Оплачено")
	assert.NotContains(t, b.operation(again["operationId"]), "CofToken")
}

func TestPageSecure(t *testing.T) {
	b := start(t)
	data := b.link(`"saveCard":true`)
	link := data["paymentLink"]
	b.visit(link)
	html := string(b.body(b.payCard(link, 1, "save", "1")))
	assert.Contains(t, html, secureCode)
	assert.Contains(t, html, `name="save" value="1"`)
	assert.Contains(t, string(b.body(b.post(link, "do", "code", "code", "000000"))), "Неверный код")
	assert.Equal(t, "CREATED", b.operation(data["operationId"])["status"])
	assert.Equal(t, http.StatusSeeOther, b.post(link, "do", "code", "code", secureCode, "save", "1").StatusCode)
	assert.Equal(t, "APPROVED", b.operation(data["operationId"])["status"])
	assert.Contains(t, b.operation(data["operationId"]), "CofToken")

	visa := b.link(`"saveCard":true`)
	b.visit(visa["paymentLink"])
	b.payCard(visa["paymentLink"], 3) // not ticked
	assert.NotContains(t, b.operation(visa["operationId"]), "CofToken")
}

func TestPageSBP(t *testing.T) {
	b := start(t, WithQR(func(string) ([]byte, error) { return []byte("picture"), nil }))
	data := b.link(`"paymentMode":["sbp"],"redirectUrl":"-"`)
	html := b.visit(data["paymentLink"])
	assert.NotContains(t, html, cards[0].Grouped())
	assert.Contains(t, html, "data:image/png")
	assert.Contains(t, string(b.body(b.payCard(data["paymentLink"], 0))), "нельзя")
	assert.Contains(t, string(b.body(b.post(data["paymentLink"], "do", "sbp"))), "Оплачено")
	assert.Equal(t, "sbp", b.operation(data["operationId"])["paymentType"])
}

func TestPageTimes(t *testing.T) {
	b := start(t)
	data := b.link(`"ttl":120,"failRedirectUrl":"https://school.example.com/failed"`)
	link := data["paymentLink"]
	resp := b.payCard(link, 0)
	assert.Contains(t, string(b.body(resp)), "откройте ссылку ещё раз", "not opened")
	b.visit(link)
	b.Advance(time.Hour)
	assert.Contains(t, string(b.body(b.payCard(link, 0))), "Время на оплату истекло")
	assert.Equal(t, "CREATED", b.operation(data["operationId"])["status"])
	b.visit(link) // a fresh page while the link lives
	b.Advance(59 * time.Minute)
	assert.Equal(t, http.StatusSeeOther, b.post(link, "do", "cancel").StatusCode)
	b.Advance(time.Minute)
	assert.Contains(t, b.visit(link), "Срок ссылки истёк")
	assert.Equal(t, "EXPIRED", b.operation(data["operationId"])["status"])

	other := b.link("")
	b.visit(other["paymentLink"])
	assert.Contains(t, string(b.body(b.post(other["paymentLink"], "do", "expire"))), "Срок ссылки истёк")
	assert.Equal(t, 404, b.raw("GET", "/order/?uuid=nothing", "", "").StatusCode)
	assert.Equal(t, 404, b.raw("DELETE", strings.TrimPrefix(link.(string), b.URL), "", "").StatusCode)
	last := b.link("")
	b.visit(last["paymentLink"])
	assert.Equal(t, 400, b.raw("POST", strings.TrimPrefix(last["paymentLink"].(string), b.URL), "application/x-www-form-urlencoded", "a=%zz").StatusCode)
	assert.Equal(t, "", masked("1"))
}
