package paykeeper

import (
	"context"
	"crypto/md5"
	"crypto/subtle"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/race"
	"github.com/acquiring-go/acquiring/money"
)

func contextWithCancel(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithCancel(ctx)
}

func offline(t testing.TB) *Client {
	c, err := New(testConfig("https://lavka.server.paykeeper.ru"))
	require.NoError(t, err)
	return c
}

// The vectors N1 to N3 of the specification.
func TestNotificationVectors(t *testing.T) {
	c := offline(t)
	for _, v := range []struct {
		file, id, client, order, answer string
		sum                             money.Amount
	}{
		{"notification_n1.form", "4711", "Иванов Иван", "ORD-17", "OK 4896ed43e15bdb9ef2cc64ce05b8113f", money.RUB(1499, 90)},
		{"notification_n2.form", "4712", "", "ORD-18", "OK c5a60a2f80e251e802b014c24245c794", money.RUB(250, 0)},
		{"notification_n3.form", "4713", "", "", "OK 277219bfa7a6dc3547037842fbe13d34", money.RUB(10, 0)},
	} {
		n, err := c.ParseNotification([]byte(golden(t, v.file)))
		require.NoError(t, err, v.file)
		assert.Equal(t, PaymentID(v.id), n.ID)
		assert.Equal(t, v.sum, n.Sum)
		assert.Equal(t, v.client, n.ClientID)
		assert.Equal(t, v.order, n.OrderID)
		assert.Equal(t, v.answer, n.Answer)
		assert.Equal(t, acquiring.Reply{Status: 200, ContentType: "text/plain; charset=utf-8", Body: []byte(v.answer)}, n.Reply())
	}
	n, err := c.ParseNotification([]byte(golden(t, "notification_n1.form")))
	require.NoError(t, err)
	assert.Equal(t, "buyer@lavka.example", n.ClientEmail)
	assert.Equal(t, "94", n.PaymentSystemID)
	assert.True(t, n.ObtainedAt.Equal(parseTime("2026-11-21 10:19:02")))
	assert.False(t, n.Held())
}

func TestNotificationRefused(t *testing.T) {
	c := offline(t)
	good := golden(t, "notification_n1.form")
	_, err := c.ParseNotification([]byte(good))
	require.NoError(t, err)
	sign := func(id, sum, client, order string) string { return md5Hex(id + sum + client + order + testSecret) }
	for name, body := range map[string]string{
		"other id":              strings.Replace(good, "id=4711", "id=4712", 1),
		"other sum":             strings.Replace(good, "1499.90", "1499.91", 1),
		"other order":           strings.Replace(good, "ORD-17", "ORD-18", 1),
		"no key":                strings.Replace(good, "&key=ad4b65396a37b0036509f00dbf378f76", "", 1),
		"empty key":             strings.Replace(good, "key=ad4b65396a37b0036509f00dbf378f76", "key=", 1),
		"short key":             strings.Replace(good, "378f76", "378f7", 1),
		"capital key":           strings.Replace(good, "ad4b65396a37b0036509f00dbf378f76", "AD4B65396A37B0036509F00DBF378F76", 1),
		"second sum":            good + "&sum=1.00",
		"second id":             "id=1&" + good,
		"second key":            good + "&key=x",
		"cut escape":            good + "&x=%4",
		"not UTF-8":             good + "&x=%ff",
		"empty":                 "",
		"JSON":                  `{"id":"4711"}`,
		"no id":                 "sum=1.00&key=" + sign("", "1.00", "", ""),
		"id with a sign":        "id=%2B1&sum=1.00&key=" + sign("+1", "1.00", "", ""),
		"id too long":           "id=123456789012345678901&sum=1.00&key=" + sign("123456789012345678901", "1.00", "", ""),
		"sum with leading zero": "id=1&sum=01.00&key=" + sign("1", "01.00", "", ""),
		"negative sum":          "id=1&sum=-1.00&key=" + sign("1", "-1.00", "", ""),
		"three decimals":        "id=1&sum=1.000&key=" + sign("1", "1.000", "", ""),
		"comma":                 "id=1&sum=1,00&key=" + sign("1", "1,00", "", ""),
		"exponent":              "id=1&sum=1e3&key=" + sign("1", "1e3", "", ""),
		"no sum":                "id=1&key=" + sign("1", "", "", ""),
		"point alone":           "id=1&sum=1.&key=" + sign("1", "1.", "", ""),
		"the other shop's":      "id=1&sum=1.00&key=" + md5Hex("11.00another"),
		"unsigned":              "id=1&sum=1.00&key=" + md5Hex("11.00"),
	} {
		t.Run(name, func(t *testing.T) {
			n, err := c.ParseNotification([]byte(body))
			require.ErrorIs(t, err, acquiring.ErrSignature)
			assert.Nil(t, n)
			assert.NotContains(t, err.Error(), testSecret)
		})
	}
}

func TestNotificationMasksCard(t *testing.T) {
	c := offline(t)
	n, err := c.ParseNotification([]byte("id=1&sum=5&card_number=5100477280013333&bank_id=5f0c&batch_date=2026-11-28&key=" + md5Hex("15"+testSecret)))
	require.NoError(t, err)
	assert.Equal(t, "510047******3333", n.CardNumber)
	masked, _ := n.Params.Get("card_number")
	assert.Equal(t, "510047******3333", masked)
	assert.True(t, n.Held())
	assert.Equal(t, "5f0c", n.BankID)
	assert.Equal(t, money.RUB(5, 0), n.Sum)
	assert.Equal(t, "510047XXXXXX3333", maskCard("510047XXXXXX3333"))
}

func TestNotificationRequest(t *testing.T) {
	c := offline(t)
	_, _, err := c.ReadNotification(httptest.NewRequest("GET", "/?"+golden(t, "notification_n1.form"), nil))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	big := httptest.NewRequest("POST", "/", strings.NewReader(golden(t, "notification_n1.form")+"&x="+strings.Repeat("x", 10<<20)))
	_, _, err = c.ReadNotification(big)
	require.ErrorIs(t, err, acquiring.ErrSignature)
	n, body, err := c.ReadNotification(httptest.NewRequest(http.MethodPost, "/", strings.NewReader(golden(t, "notification_n1.form"))))
	require.NoError(t, err)
	assert.Equal(t, golden(t, "notification_n1.form"), string(body))
	assert.Equal(t, "ORD-17", n.OrderID)
}

// One allocation for the body's text, one for its decoded values, the
// parameters, the notification and the answer's text.
func TestNotificationAllocates(t *testing.T) {
	if race.Enabled {
		t.Skip("allocations cannot be counted beside the race detector")
	}
	c := offline(t)
	body := []byte(golden(t, "notification_n1.form"))
	assert.LessOrEqual(t, testing.AllocsPerRun(200, func() {
		if _, err := c.ParseNotification(body); err != nil {
			t.Fatal(err)
		}
	}), 6.0)
}

// What the signature does not let in is not decoded: a card's number of a whole
// body would take four times its length.
func TestForgedNotificationIsNotDecoded(t *testing.T) {
	c := offline(t)
	form := "id=1&sum=5&key=" + md5Hex("16"+testSecret)
	long := strings.Repeat("4", 4096)
	refused := func(body string) float64 {
		return testing.AllocsPerRun(100, func() {
			if _, err := c.ParseNotification([]byte(body)); acquiring.OutcomeOf(err) != acquiring.OutcomeNotSent {
				t.Fatal(err)
			}
		})
	}
	_, err := c.ParseNotification([]byte(form))
	require.ErrorIs(t, err, acquiring.ErrSignature)
	require.ErrorContains(t, err, "secret word")
	assert.LessOrEqual(t, refused(form+"&card_number="+long+"&obtain_datetime=2026-11-21+10:19:02"), refused(form+"&card_nomber="+long+"&obtain_datetimes=2026-11-21+10:19:02"))
}

func FuzzParseNotification(f *testing.F) {
	c, err := New(testConfig("https://lavka.server.paykeeper.ru"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("id=4711&sum=1499.90&clientid=%D0%98%D0%B2%D0%B0%D0%BD%D0%BE%D0%B2+%D0%98%D0%B2%D0%B0%D0%BD&orderid=ORD-17&key=ad4b65396a37b0036509f00dbf378f76")
	f.Add("id=1&id=2&sum=01.00&key=%ff")
	f.Fuzz(func(t *testing.T, body string) {
		checkSigned(t, c, body)
		n, err := c.ParseNotification([]byte(body))
		if (n == nil) == (err == nil) {
			t.Fatal(n, err)
		}
		if err != nil {
			assert.ErrorIs(t, err, acquiring.ErrSignature)
			return
		}
		sum, _ := n.Params.Get("sum")
		key, _ := n.Params.Get("key")
		if want := md5Hex(string(n.ID) + sum + n.ClientID + n.OrderID + testSecret); want != key {
			t.Fatalf("taken with the key %s in place of %s", key, want)
		}
	})
}

// checkSigned signs the parameters of a text as the service would, put in
// another order by the standard library, and then forges them.
func checkSigned(t *testing.T, c *Client, body string) {
	t.Helper()
	form, err := url.ParseQuery(body)
	if err != nil {
		return
	}
	for _, values := range form {
		if len(values) > 1 {
			return
		}
	}
	form.Set("key", md5Hex(form.Get("id")+form.Get("sum")+form.Get("clientid")+form.Get("orderid")+testSecret))
	n, err := c.ParseNotification([]byte(form.Encode()))
	if err != nil {
		return
	}
	sum, err := money.Parse(form.Get("sum"))
	require.NoError(t, err)
	if n.Sum != sum || sum < 0 || string(n.ID) != form.Get("id") || n.OrderID != form.Get("orderid") || n.ClientID != form.Get("clientid") {
		t.Fatalf("%q is read as %+v", form, n)
	}
	for _, name := range []string{"id", "sum", "clientid", "orderid"} {
		was := form.Get(name)
		form.Set(name, "1"+was)
		if _, err := c.ParseNotification([]byte(form.Encode())); err == nil {
			t.Fatalf("%q is believed with another %s", form, name)
		}
		form.Set(name, was)
	}
}

func BenchmarkParseNotification(b *testing.B) {
	c := offline(b)
	body := []byte(golden(b, "notification_n1.form"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.ParseNotification(body); err != nil {
			b.Fatal(err)
		}
	}
}

// The bare twin: the two MD5 that the protocol asks for, and the comparison,
// over strings that are decoded already.
func BenchmarkBareMD5(b *testing.B) {
	text := []byte("47111499.90Иванов ИванORD-17" + testSecret)
	answer := []byte("4711" + testSecret)
	key := []byte("ad4b65396a37b0036509f00dbf378f76")
	b.ReportAllocs()
	for b.Loop() {
		var want [32]byte
		sum := md5.Sum(text)
		hex.Encode(want[:], sum[:])
		if subtle.ConstantTimeCompare(want[:], key) != 1 {
			b.Fatal("not equal")
		}
		sum = md5.Sum(answer)
		hex.Encode(want[:], sum[:])
	}
}

// The twin on equal work: the standard library's form, then the same two MD5.
func BenchmarkParseQueryAndMD5(b *testing.B) {
	body := golden(b, "notification_n1.form")
	b.ReportAllocs()
	for b.Loop() {
		v, err := url.ParseQuery(body)
		if err != nil {
			b.Fatal(err)
		}
		key := md5Hex(v.Get("id") + v.Get("sum") + v.Get("clientid") + v.Get("orderid") + testSecret)
		if subtle.ConstantTimeCompare([]byte(key), []byte(v.Get("key"))) != 1 {
			b.Fatal("not equal")
		}
		_ = "OK " + md5Hex(v.Get("id")+testSecret)
	}
}
