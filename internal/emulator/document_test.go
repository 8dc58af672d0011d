package emulator

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

func TestCheckNamesEachFault(t *testing.T) {
	var o Object
	require.NoError(t, DecodeJSON([]byte(`{"text":7,"word":"no","int":1.5,"flag":"yes","num":"x","sum":1.005,"list":{},"items":[1],
 "texts":["a",1],"obj":"o","id":true,"long":"абвг","bad":1e999999999,"empty":"","one":3}`), &o))
	c := &Check{}
	c.Text(o, "p", "text", true)
	c.Word(o, "p", "word", true, []string{"yes"})
	c.Integer(o, "p", "int", true, nil)
	c.Integer(o, "p", "one", true, []int64{1, 2})
	c.Boolean(o, "p", "flag")
	c.Number(o, "p", "num", true)
	c.Number(o, "p", "bad", true)
	c.Sum(o, "p", "sum", true)
	c.Objects(o, "p", "list", true)
	c.Objects(o, "p", "items", true)
	c.Texts(o, "p", "texts", true)
	c.Texts(o, "p", "obj", true)
	c.Object(o, "p", "obj", true)
	c.ID(o, "p", "id", true)
	c.Length(o, "p", "long", true, 3)
	c.Text(o, "", "empty", true)
	assert.Equal(t, []string{
		"поле p.text должно быть строкой", `поле p.word: недопустимое значение "no"`, "поле p.int должно быть целым числом",
		"поле p.one: недопустимое значение 3", "поле p.flag должно быть true или false", "поле p.num должно быть числом",
		"поле p.bad: недопустимое число", "поле p.sum: больше двух знаков после запятой", "поле p.list обязательно",
		"поле p.items[0] должно быть объектом", "поле p.texts[1] должно быть строкой", "поле p.obj должно быть массивом",
		"поле p.obj должно быть объектом", "поле p.id: недопустимый идентификатор", "поле p.long длиннее 3 символов", "поле empty обязательно",
	}, c.Faults)
	assert.Equal(t, c.Faults[0], c.Fault())
	assert.Empty(t, new(Check).Fault())
	assert.False(t, o.Has("empty"))
	assert.True(t, o.Has("text"))
}

func TestCheckTakesWhatIsRight(t *testing.T) {
	var o Object
	require.NoError(t, DecodeJSON([]byte(`{"t":"x","i":2,"b":true,"s":10.5000000000000001,"l":[{}],"ts":["a"],"o":{"a":1},"id":42,"st":"1.5"}`), &o))
	c := &Check{}
	assert.Equal(t, "x", c.Length(o, "", "t", true, 1))
	n, ok := c.Integer(o, "", "i", true, []int64{2})
	assert.True(t, ok)
	assert.EqualValues(t, 2, n)
	assert.True(t, c.Boolean(o, "", "b"))
	assert.False(t, c.Boolean(o, "", "none"))
	assert.EqualValues(t, 1050, c.Sum(o, "", "s", true))
	assert.Zero(t, c.Sum(o, "", "none", false))
	assert.Len(t, c.Objects(o, "", "l", true), 1)
	assert.Equal(t, []string{"a"}, c.Texts(o, "", "ts", true))
	assert.NotNil(t, c.Object(o, "", "o", true))
	assert.Nil(t, c.Object(o, "", "none", false))
	assert.Equal(t, "42", c.ID(o, "", "id", true))
	assert.Equal(t, "x", c.ID(o, "", "t", true))
	assert.Empty(t, c.ID(o, "", "none", false))
	assert.Empty(t, c.Faults)
	c.Lenient = true
	assert.Equal(t, "2", c.Text(o, "", "i", true))
	assert.EqualValues(t, 150, c.Sum(o, "", "st", true))
	assert.Empty(t, c.Faults)
}

func TestDecodeJSONRefuses(t *testing.T) {
	var v any
	assert.Error(t, DecodeJSON([]byte(`{`), &v))
	assert.Error(t, DecodeJSON([]byte(`{} {}`), &v))
}

func TestKopecks(t *testing.T) {
	for in, want := range map[string]money.Amount{"1499.9": 149990, "-3.05": -305, "1.1098e2": 11098, "0.30000000000000004": 30} {
		r, ok := Rational(json.Number(in))
		require.True(t, ok, in)
		a, ok := Kopecks(r)
		assert.True(t, ok, in)
		assert.Equal(t, want, a, in)
	}
	r, _ := Rational("0.005")
	_, ok := Kopecks(r)
	assert.False(t, ok)
	_, ok = Rational("1/3")
	assert.False(t, ok)
}

func TestDeliveryAsTheShopGetsIt(t *testing.T) {
	d := Delivery{Method: "POST", URL: "http://shop.test/hook?shop=2", Header: map[string][]string{"X-Sign": {"1"}}, Body: []byte("a=b")}
	for range 2 {
		r := d.Request()
		require.NotNil(t, r)
		b := make([]byte, 3)
		_, err := r.Body.Read(b)
		require.NoError(t, err)
		assert.Equal(t, "a=b", string(b))
		assert.Equal(t, "/hook?shop=2", r.RequestURI)
		assert.Equal(t, "shop.test", r.Host)
		r.Header.Set("X-Sign", "2")
	}
	assert.Equal(t, "1", d.Header.Get("X-Sign"))
	assert.Nil(t, Delivery{URL: "://"}.Request())
}
