package rest

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestFormIsWhatTheStandardLibraryWrites(t *testing.T) {
	many := url.Values{}
	for i := range 40 {
		many.Set(fmt.Sprintf("name%d", 39-i), fmt.Sprint(i))
	}
	for _, v := range []url.Values{
		nil,
		{},
		{"empty": {""}},
		{"none": {}, "b": {"2"}},
		{"amount": {"154990"}, "description": {"Абонемент на октябрь & +7%"}, "orderNumber": {"CRM-1047"}},
		{"merchants": {"one", "", "two"}, "a b/в": {"=;"}},
		{"bytes": {"\xff\x00\n"}},
		many,
	} {
		assert.Equal(t, v.Encode(), string(Form(v)))
	}
}

func TestFormAllocates(t *testing.T) {
	plain := url.Values{"userName": {"shop-api"}, "password": {"secret"}, "orderNumber": {"CRM-1047"}, "amount": {"154990"}, "currency": {"643"}}
	assert.LessOrEqual(t, testing.AllocsPerRun(100, func() { Form(plain) }), 1.0)
}
