package broker

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// fill gives every field of v, at any depth, a value of its own.
func fill(t *testing.T, v reflect.Value, n *int) {
	t.Helper()
	*n++
	switch v.Interface().(type) {
	case acquiring.Status:
		v.Set(reflect.ValueOf(acquiring.Status(1 + *n%9)))
		return
	case acquiring.CallbackKind:
		v.Set(reflect.ValueOf(acquiring.CallbackOther))
		return
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 11, 1+*n%28, 12, 30, 15, *n, time.UTC)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d <&> «%d» \x00\u2028", *n, *n))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int64:
		v.SetInt(math.MaxInt64 - int64(*n))
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), n)
	case reflect.Slice:
		require.Equal(t, reflect.Uint8, v.Type().Elem().Kind(), "teach this test about %s", v.Type())
		v.SetBytes([]byte(fmt.Sprintf("\xff not text, not JSON %d", *n)))
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, n)
		fill(t, value, n)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			require.True(t, v.Type().Field(i).IsExported(), "a field that is not exported cannot be carried: %s.%s", v.Type(), v.Type().Field(i).Name)
			fill(t, v.Field(i), n)
			require.False(t, v.Field(i).IsZero(), "%s.%s", v.Type(), v.Type().Field(i).Name)
		}
	default:
		require.Fail(t, "teach this test about", v.Type())
	}
}

func filled(t *testing.T) webhook.Event {
	t.Helper()
	var e webhook.Event
	n := 0
	fill(t, reflect.ValueOf(&e).Elem(), &n)
	require.Greater(t, n, 60, "fields of Event, Callback, Payment twice, Card, Failure and Reply")
	return e
}

// Every field of Event, and of everything in it, arrives as it was. A field
// that is added to one of them and not to the wire fails here.
func TestNoFieldIsLost(t *testing.T) {
	sent := filled(t)
	m, err := NewMessage("payments", sent, WithRaw())
	require.NoError(t, err)
	got, err := ParseMessage(m)
	require.NoError(t, err)
	require.Equal(t, sent, got)
}

// What the provider sent stays behind unless it is asked for, and nothing else
// does.
func TestRawStaysBehind(t *testing.T) {
	sent := filled(t)
	m, err := NewMessage("payments", sent)
	require.NoError(t, err)
	got, err := ParseMessage(m)
	require.NoError(t, err)
	sent.Callback.Raw, sent.Payment.Raw, sent.Callback.Payment.Raw = nil, nil, nil
	require.Equal(t, sent, got)
}

func TestNothingIsLostOfTheLeast(t *testing.T) {
	sent := webhook.Event{Key: "k", Callback: &acquiring.Callback{}, Payment: &acquiring.Payment{}}
	m, err := NewMessage("payments", sent)
	require.NoError(t, err)
	got, err := ParseMessage(m)
	require.NoError(t, err)
	require.Equal(t, sent, got)
	assert.Equal(t, `{"version":1,"key":"k","callback":{"kind":"payment","status":"unknown"},"payment":{"status":"unknown","amount":0,"captured":0,"refunded":0}}`, string(m.Payload))
}

func TestEveryStatusAndExtremeSums(t *testing.T) {
	for s := acquiring.StatusUnknown; s <= acquiring.StatusExpired; s++ {
		for _, a := range []money.Amount{0, 1, -1, 1<<53 + 1, money.Max, money.Min} {
			sent := webhook.Event{Key: "k", Callback: &acquiring.Callback{Status: s, Amount: a}, Payment: &acquiring.Payment{Status: s, Amount: a, Captured: a, Refunded: a}}
			m, err := NewMessage("payments", sent)
			require.NoError(t, err)
			got, err := ParseMessage(m)
			require.NoError(t, err)
			require.Equal(t, sent, got)
		}
	}
}

// A time in another zone is the same instant, in UTC.
func TestTimesAreUTC(t *testing.T) {
	at := time.Date(1916, 1, 1, 0, 0, 0, 7, time.FixedZone("Moscow, of old", 2*3600+31*60+19))
	m, err := NewMessage("payments", webhook.Event{Key: "k", Callback: &acquiring.Callback{}, Payment: &acquiring.Payment{PaidAt: at}})
	require.NoError(t, err)
	got, err := ParseMessage(m)
	require.NoError(t, err)
	require.True(t, at.Equal(got.Payment.PaidAt), got.Payment.PaidAt)
	require.Equal(t, time.UTC, got.Payment.PaidAt.Location())
}

// golden is the event of testdata/event.v1.json.
var golden = webhook.Event{
	Key:    "sberbank/school/01492437-d2fb-77fa-8db7-9e2900a7d8c0/partially_refunded/500.00",
	Source: webhook.FromCallback,
	Callback: &acquiring.Callback{
		Kind: acquiring.CallbackPayment, Key: "school:01492437-d2fb-77fa-8db7-9e2900a7d8c0:refunded:1", PaymentID: "01492437-d2fb-77fa-8db7-9e2900a7d8c0",
		OrderID: "A-1001", Status: acquiring.StatusPartiallyRefunded, Amount: 50000, Signed: true, Reply: acquiring.Reply{Status: 200},
	},
	Payment: &acquiring.Payment{
		ID: "01492437-d2fb-77fa-8db7-9e2900a7d8c0", OrderID: "A-1001", Status: acquiring.StatusPartiallyRefunded, Amount: 149990, Captured: 149990, Refunded: 50000,
		Currency: "RUB", Method: acquiring.MethodCard,
		Card:      &acquiring.Card{Masked: "220220******2424", ExpiryMonth: 12, ExpiryYear: 2034, Holder: "IVAN IVANOV", Brand: "MIR", Issuer: "Сбербанк", Country: "RU", Token: "fd3afc57-c6d0-4e08-aaef-1b7cfeb093dc"},
		CreatedAt: time.Date(2026, 9, 1, 6, 0, 0, 0, time.UTC), PaidAt: time.Date(2026, 9, 1, 6, 1, 30, 250_000_000, time.UTC),
		Metadata: map[string]string{"course": "Go & SQL", "month": "октябрь"}, ProviderStatus: "4",
	},
}

// The wire form is pinned: what is in other people's brokers must stay
// readable.
func TestGolden(t *testing.T) {
	want, err := os.ReadFile("testdata/event.v1.json")
	require.NoError(t, err)
	m, err := NewMessage("payments", golden)
	require.NoError(t, err)
	require.JSONEq(t, string(want), string(m.Payload))

	m.Payload = want
	got, err := ParseMessage(m)
	require.NoError(t, err)
	require.Equal(t, golden, got)
}

// A consumer reads what a newer publisher of the same version added.
func TestUnknownFieldsPass(t *testing.T) {
	m, err := NewMessage("payments", golden)
	require.NoError(t, err)
	var fields map[string]any
	require.NoError(t, json.Unmarshal(m.Payload, &fields))
	fields["chargeback"] = map[string]any{"code": 1}
	delete(fields, "payment")
	fields["payment"] = map[string]any{"status": "paid", "captured": 5, "arn": "x"}
	m.Payload, err = json.Marshal(fields)
	require.NoError(t, err)
	got, err := ParseMessage(m)
	require.NoError(t, err)
	require.Equal(t, money.Amount(5), got.Payment.Captured)
}

func TestPoison(t *testing.T) {
	whole, err := NewMessage("payments", golden)
	require.NoError(t, err)
	change := func(from, to string) string {
		changed := strings.Replace(string(whole.Payload), from, to, 1)
		require.NotEqual(t, string(whole.Payload), changed, from)
		return changed
	}
	long := strings.Repeat("1", 100_000)
	for payload, want := range map[string]struct {
		kind   error
		reason string
	}{
		"":                                 {ErrMalformed, "unexpected end"},
		"not JSON":                         {ErrMalformed, "invalid character"},
		"null":                             {ErrMalformed, "no version"},
		"[]":                               {ErrMalformed, "array"},
		`{"key":"k"}`:                      {ErrMalformed, "no version"},
		`{"version":0}`:                    {ErrVersion, "0, this program knows 1"},
		`{"version":2,"payment":[]}`:       {ErrVersion, "2, this program knows 1"},
		`{"version":"1"}`:                  {ErrMalformed, "version"},
		`{"version":1}`:                    {ErrMalformed, "no key"},
		`{"version":1,"key":"k"}`:          {ErrMalformed, "no callback"},
		string(whole.Payload) + "x":        {ErrMalformed, "after top-level value"},
		string(whole.Payload[:200]):        {ErrMalformed, "unexpected end"},
		change(`"kind":"payment",`, ``):    {nil, ""}, // the kind's zero value
		change(`"payment":{"id"`, `"x":{`): {ErrMalformed, ""},
		change(`"kind":"payment"`, `"kind":"question"`):               {ErrMalformed, `kind "question" is unknown`},
		change(`"kind":"payment"`, `"kind":"\u043d\n"`):               {ErrMalformed, `kind "\u043d\n" is unknown`},
		change(`"status":"partially_refunded"`, `"status":"lent"`):    {ErrMalformed, `status "lent" is unknown`},
		change(`"captured":149990`, `"captured":149990.0`):            {ErrMalformed, "149990.0"},
		change(`"captured":149990`, `"captured":1e5`):                 {ErrMalformed, "1e5"},
		change(`"captured":149990`, `"captured":"149990"`):            {ErrMalformed, "string"},
		change(`"captured":149990`, `"captured":9223372036854775808`): {ErrMalformed, "9223372036854775808"},
		change(`"2026-09-01T06:00:00Z"`, `"yesterday"`):               {ErrMalformed, "yesterday"},
		change(`"2026-09-01T06:00:00Z"`, `"`+long+`"`):                {ErrMalformed, "parsing time"},
		change(`"captured":149990`, `"captured":`+long):               {ErrMalformed, "number 111"},
	} {
		m := whole.Copy()
		m.Payload = []byte(payload)
		_, err := ParseMessage(m)
		if want.kind == nil {
			require.NoError(t, err, payload)
			continue
		}
		var poison *PoisonError
		require.ErrorAs(t, err, &poison, payload)
		assert.True(t, IsPoison(fmt.Errorf("wrapped: %w", err)))
		assert.ErrorIs(t, err, want.kind, payload)
		assert.Contains(t, err.Error(), want.reason)
		assert.Equal(t, m.UUID, poison.UUID)
		assert.NotContains(t, err.Error(), "\n", "one line: it becomes a header")
		assert.Less(t, len(err.Error()), 500, "short: brokers limit their headers")
		assert.NotContains(t, err.Error(), "fd3afc57", "the token of a card")
	}
	assert.False(t, IsPoison(webhook.ErrInFlight))
}

// What cannot be carried exactly is refused, so that the provider sends again
// and the log says why.
func TestRefusedToPublish(t *testing.T) {
	for name, e := range map[string]webhook.Event{
		"no key":          {Callback: &acquiring.Callback{}, Payment: &acquiring.Payment{}},
		"no callback":     {Key: "k", Payment: &acquiring.Payment{}},
		"without the pay": {Key: "k", Callback: &acquiring.Callback{}},
		"question":        {Key: "k", Callback: &acquiring.Callback{Kind: acquiring.CallbackQuestion}, Payment: &acquiring.Payment{}},
		"status":          {Key: "k", Callback: &acquiring.Callback{}, Payment: &acquiring.Payment{Status: 77}},
		"event.Key":       {Key: "k\xff", Callback: &acquiring.Callback{}, Payment: &acquiring.Payment{}},
		"Holder":          {Key: "k", Callback: &acquiring.Callback{}, Payment: &acquiring.Payment{Card: &acquiring.Card{Holder: "\xc8\xe2\xe0\xed"}}},
		"Metadata":        {Key: "k", Callback: &acquiring.Callback{}, Payment: &acquiring.Payment{Metadata: map[string]string{"\xff": ""}}},
		"year":            {Key: "k", Callback: &acquiring.Callback{}, Payment: &acquiring.Payment{PaidAt: time.Date(12026, 1, 1, 0, 0, 0, 0, time.UTC)}},
	} {
		m, err := NewMessage("payments", e)
		require.ErrorIs(t, err, acquiring.ErrInvalid, name)
		assert.ErrorContains(t, err, name)
		assert.Nil(t, m)
	}
}

func TestCardNumbersAreMasked(t *testing.T) {
	for number, want := range map[string]string{
		"2202202020202424":    "220220******2424",
		"2202 2020 2020 2424": "2202 20** **** 2424",
		"4000000000000":       "400000***0000",
		"220220******2424":    "220220******2424",
		"**** 2424":           "**** 2424",
		"":                    "",
	} {
		m, err := NewMessage("payments", webhook.Event{Key: "k", Callback: &acquiring.Callback{}, Payment: &acquiring.Payment{Card: &acquiring.Card{Masked: number}}})
		require.NoError(t, err)
		got, err := ParseMessage(m)
		require.NoError(t, err)
		assert.Equal(t, want, got.Payment.Card.Masked)
	}
}

func FuzzParseMessage(f *testing.F) {
	whole, err := NewMessage("payments", golden, WithRaw())
	require.NoError(f, err)
	f.Add([]byte(whole.Payload))
	f.Fuzz(func(t *testing.T, payload []byte) {
		m := whole.Copy()
		m.Payload = payload
		e, err := ParseMessage(m)
		if err != nil {
			if !IsPoison(err) || strings.ContainsAny(err.Error(), "\r\n") {
				t.Fatalf("%q: %v", payload, err)
			}
			return
		}
		if e.Key == "" || e.Callback == nil || (e.Callback.Kind == acquiring.CallbackPayment && e.Payment == nil) {
			t.Fatalf("%q was taken for %+v", payload, e)
		}
		// What was read is written and read again as the same, but for a card
		// number that somebody forgot to mask.
		again, err := NewMessage("payments", e, WithRaw())
		if err != nil {
			t.Fatalf("%q: %v", payload, err)
		}
		third, err := ParseMessage(again)
		if err != nil {
			t.Fatalf("%q became %q: %v", payload, again.Payload, err)
		}
		last, err := NewMessage("payments", third, WithRaw())
		if err != nil || string(last.Payload) != string(again.Payload) || last.UUID != again.UUID {
			t.Fatalf("%q became %q, and that %q, %v", payload, again.Payload, last.Payload, err)
		}
	})
}

func BenchmarkNewMessage(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := NewMessage("payments", golden); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParseMessage(b *testing.B) {
	m, err := NewMessage("payments", golden)
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := ParseMessage(m); err != nil {
			b.Fatal(err)
		}
	}
}
