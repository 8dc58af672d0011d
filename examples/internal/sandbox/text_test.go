package sandbox

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/acquiring-go/acquiring/money"
)

func TestRubles(t *testing.T) {
	for a, want := range map[money.Amount]string{0: "0,00 ₽", 5: "0,05 ₽", 150050: "1 500,50 ₽", 123456789: "1 234 567,89 ₽", -1050: "−10,50 ₽"} {
		assert.Equal(t, strings.ReplaceAll(want, " ", "\u00a0"), rubles(a))
	}
}

func TestReadable(t *testing.T) {
	for body, want := range map[string]string{
		`{"a":1,"b":"\u041a\u0443\u0440\u0441 \u2028\u0000\ud83d"}`: "{\n  \"a\": 1,\n  \"b\": \"Курс \u2028\\u0000\\ud83d\"\n}",
		"b=2&a=%D0%9A":      "a = К\nb = 2",
		"YES":               "YES",
		"":                  "",
		"{not json":         "{not json",
		"a=%zz":             "a=%zz",
		"\xff\xfe":          "(двоичные данные)",
		"eyJh.eyJhIjoxfQ.c": "{\n  \"a\": 1\n}\n\neyJh.eyJhIjoxfQ.c",
		"eyJh.***.c":        "eyJh.***.c",
	} {
		assert.Equal(t, want, readable([]byte(body)), body)
	}
}

func TestRedacted(t *testing.T) {
	for text, want := range map[string]string{
		"userName=demo&password=p%26q&x=1":           "userName=demo&password=•••&x=1",
		"PASSWORD=p":                                 "PASSWORD=•••",
		"mypassword=p":                               "mypassword=p",
		`{"password": "p\"q", "a": "b"}`:             `{"password": "•••", "a": "b"}`,
		`{"cvc":123,"pan":"4111111111111111"}`:       `{"cvc":"•••","pan":"•••"}`,
		"grant_type=x&client_secret=s&refresh_token": "grant_type=x&client_secret=•••&refresh_token",
	} {
		assert.Equal(t, want, redacted(text))
	}
	assert.Equal(t, "Basic •••", redactedHeader("Authorization", "Basic dTpw"))
	assert.Equal(t, "•••", redactedHeader("authorization", "shop"))
	assert.Equal(t, "•••", redactedHeader("Cookie", "a=b"))
	assert.Equal(t, "text/plain", redactedHeader("Content-Type", "text/plain"))
	assert.Equal(t, "веб-страница «A & B», 52 байт", shortened([]byte("<!DOCTYPE html><title>A &amp; B</title><p>password=p")))
	assert.Equal(t, "password = •••", shortened([]byte("password=p")))
}
