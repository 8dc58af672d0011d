package gateway

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha512"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// Worked vectors of the callback's checksum.
func TestChecksum(t *testing.T) {
	v1 := []Pair{{"orderNumber", "A-1001"}, {"mdOrder", "7a1f0c52-6b3e-7d44-9c10-2f5e04b1a0c3"}, {"operation", "deposited"}, {"amount", "129900"},
		{"callbackCreationDate", "Mon Jun 02 15:04:05 MSK 2025"}, {"status", "1"}}
	text := "amount;129900;callbackCreationDate;Mon Jun 02 15:04:05 MSK 2025;mdOrder;7a1f0c52-6b3e-7d44-9c10-2f5e04b1a0c3;operation;deposited;orderNumber;A-1001;status;1;"
	s := new(Signer)
	signed, canonical := s.Sign(HMAC, "demo-callback-key-01", "", v1)
	assert.Equal(t, text, canonical)
	assert.Equal(t, Pair{"checksum", "83E1D6388CF59B5C0BE349C843F40192FF25B01C3DBE24301C609E1A6DE53B05"}, signed[len(signed)-1])
	v2 := []Pair{{"clientId", ""}, {"mdOrder", "01b2c3d4-0000-7111-8222-933344455566"}, {"operation", "refunded"}, {"operationRefundedAmount", "4990"},
		{"operationRefundedAmountFormatted", "49,90"}, {"orderNumber", "Заказ №77/б"}, {"status", "1"}}
	assert.Equal(t, "927A6330665022A21732DE3388A246D0B98FAD8DCBBC60DD7E223232014B4F25", s.Checksum(HMAC, "ключ-Ы2", Canonical(v2)))

	block, _ := pem.Decode([]byte(s.PublicKeyPEM()))
	key, err := x509.ParsePKIXPublicKey(block.Bytes)
	require.NoError(t, err)
	signed, _ = s.Sign(RSA, "", "SHA-256 with RSA", v1)
	assert.Equal(t, Pair{"sign_alias", "SHA-256 with RSA"}, signed[len(signed)-2])
	sig, err := hex.DecodeString(signed[len(signed)-1].Value)
	require.NoError(t, err)
	digest := sha512.Sum512([]byte(text))
	assert.NoError(t, rsa.VerifyPKCS1v15(key.(*rsa.PublicKey), crypto.SHA512, digest[:], sig))
	signed, _ = s.Sign(NoCrypto, "", "alias", v1)
	assert.Len(t, signed, len(v1))
	how, guess := s.Stranger(RSA, "")
	assert.Equal(t, HMAC, how)
	assert.Contains(t, guess, "PUBLIC KEY")
	assert.Equal(t, s.private(), (&Signer{Key: s.private()}).private())
}

func TestWire(t *testing.T) {
	f := Form{}
	require.NoError(t, f.Read("a=1&b=&features=A&features=B+C&=x&"))
	require.NoError(t, f.Read("a=2"))
	assert.Equal(t, Form{"a": {"1", "2"}, "features": {"A", "B C"}}, f)
	for _, bad := range []string{"a=%zz", "%zz=1", "a=%ff"} {
		assert.Error(t, f.Read(bad), bad)
	}
	in, err := DecodeObject([]byte(`{"a":1.50}`))
	require.NoError(t, err)
	assert.Equal(t, json.Number("1.50"), in["a"])
	for _, bad := range []string{"", "[]", "null", "{} {}", "{", "\xff"} {
		_, err := DecodeObject([]byte(bad))
		assert.Error(t, err, bad)
	}
	out := Rewrite(Object{"n": 1, "gone": 2, "o": Object{"n": 1}, "l": []Object{{"n": 1}}}, func(name string, v any) (any, bool) {
		if v == 1 {
			return "1", true
		}
		return v, name != "gone"
	})
	assert.Equal(t, `{"l":[{"n":"1"}],"n":"1","o":{"n":"1"}}`, string(Encode(out)))
	assert.Equal(t, "a&b", Unpacked(Packed(Object{"x": "a&b"}))["x"])
	assert.Nil(t, Unpacked("!"))
	assert.Equal(t, "https://x.example/?a=1&b=2#c", AddQuery("https://x.example/?a=1#c", "b=2"))
	assert.Equal(t, "true", ScalarText(true))
	assert.Equal(t, "Declined, code 77", ActionText(77, "en"))
}

func TestCards(t *testing.T) {
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, Moscow)
	d := &Deck{WrongNumber: 14, WrongCVC: 82, Cards: []TestCard{{PAN: "4111111111111111", CVCs: "123 124", System: "VISA", Expiry: "202412"},
		{PAN: "5555555555555599", CVCs: "123", AnyExpiry: true}, {PAN: "2202202107593166", Expiry: "202206", Action: 101}}}
	for _, c := range []struct {
		pan, year, month, cvc string
		action                int
	}{
		{"4111111111111111", "2026", "03", "124", 0}, {"4111111111111111", "2026", "02", "124", 101}, {"4111111111111111", "2027", "01", "125", 82}, {"4111111111111111", "2027", "01", "", 0},
		{"5555555555555599", "2001", "01", "123", 0}, {"4242424242424242", "2030", "01", "1", 53}, {"4242424242424243", "2030", "01", "1", 14}, {"1", "2030", "01", "1", 14},
	} {
		assert.Equal(t, c.action, d.Look(c.pan, c.year, c.month, c.cvc, "", now).Action, c)
	}
	assert.Equal(t, "203512", d.Whole("4111111111111111", now).Expiry, "later a far one is shown")
	assert.Equal(t, "202206", d.Whole("2202202107593166", now).Expiry)
	assert.Equal(t, []string{"411111******1111", "123"}, []string{d.Mask("4111111111111111"), d.Mask("123")})
	assert.Equal(t, []string{"MIR", "VISA", "MASTERCARD", "CUP", "JCB", "Undefined"},
		[]string{brand("2200000000000000"), brand("4"), brand("5"), brand("62"), brand("35"), brand("9")})
}

func TestItems(t *testing.T) {
	read := func(text string) (CartItem, string) { return ReadItem(ObjectOf(text)) }
	it, why := read(`{"positionId":1,"name":"x","itemCode":"c","quantity":{"value":0.333},"itemPrice":1000}`)
	assert.Empty(t, why)
	assert.EqualValues(t, 333, it.Amount)
	it, why = read(`{"positionId":"1","name":"x","itemCode":"c","quantity":{"value":"99999.999"},"itemPrice":1099511627776}`)
	assert.Empty(t, why)
	assert.EqualValues(t, int64(109951161678088372), int64(it.Amount), "no overflow")
	for _, bad := range []string{`{}`, `{"quantity":{"value":1}}`, `{"quantity":{"value":1e3},"itemAmount":1}`, `{"quantity":{"value":1},"itemAmount":"1.5"}`, `{"quantity":{"value":1},"itemAmount":-1}`,
		`{"quantity":{"value":2},"itemPrice":5,"itemAmount":20}`, `{"quantity":{"value":1},"itemAmount":1}`, `{"positionId":"000","name":"x","itemCode":"c","quantity":{"value":1},"itemAmount":1}`,
		`{"quantity":{"value":1},"itemAmount":1099511627777}`} {
		_, why := read(bad)
		assert.NotEmpty(t, why, bad)
	}
}

func TestListingIsToTheSecond(t *testing.T) {
	fields := map[string]string{"size": "2", "from": "20260303120000", "to": "20260303120001", "transactionStates": "DEPOSITED,DONE", "page": "1"}
	l, err := ReadListing(func(name string) string { return fields[name] }, 0)
	require.NoError(t, err)
	assert.Equal(t, "DONE", l.UnknownState)
	o := &Order{Status: PartlyPaid, AuthAt: time.Date(2026, 3, 3, 12, 0, 1, 999e6, Moscow)}
	assert.True(t, l.Holds(o))
	o.AuthAt = o.AuthAt.Add(time.Millisecond)
	assert.False(t, l.Holds(o))
	assert.Equal(t, []bool{false, true, true, false}, []bool{l.Shows(1), l.Shows(2), l.Shows(3), l.Shows(4)})
}

// A desk's orders: what an emulator is told, and that the books agree.
func TestDesk(t *testing.T) {
	clock := emulator.NewClock(time.Date(2026, 3, 3, 12, 0, 0, 0, Moscow))
	d := &Desk{Mu: &sync.Mutex{}, Clock: clock, IDs: emulator.NewIDs(1), Books: emulator.NewBooks(), Attempts: 2}
	deck := &Deck{Cards: []TestCard{{PAN: "4111111111111111"}}}
	var heard []EventKind
	enter := func(change func(*Order)) *Order {
		heard = nil
		o := &Order{Amount: 1000, Deck: deck, Created: clock.Now(), Expires: clock.Now().Add(time.Hour), Heard: func(e Event) { heard = append(heard, e.Kind) }}
		change(o)
		d.Enter(o)
		return o
	}
	card := deck.Whole("4111111111111111", clock.Now())
	o := enter(func(o *Order) {})
	d.Authorize(o, &card, "CARD", 116, false)
	assert.Nil(t, d.Payable(o))
	d.Authorize(o, &card, "CARD", 0, true)
	assert.Equal(t, []EventKind{Attempted, Failed, Attempted, Deposited}, heard)
	assert.Equal(t, &TextStatus, d.Payable(o))
	d.Refund(o, 400, "k")
	d.LowerDeposited = true
	assert.EqualValues(t, 600, d.Deposited(o))

	o = enter(func(o *Order) {
		o.PreAuth, o.AutoComplete, o.HoldEnds = true, clock.Now().Add(time.Minute), clock.Now().Add(2*time.Minute)
	})
	d.Authorize(o, &card, "CARD", 0, false)
	clock.Advance(time.Minute)
	assert.Equal(t, []EventKind{Attempted, Approved, CompleteNow}, heard)
	d.Complete(o, 300, true)
	assert.Equal(t, PartlyPaid, o.Status)
	clock.Advance(time.Minute)
	assert.Equal(t, ReverseNow, heard[len(heard)-1])
	d.Complete(o, 0, false)
	books, _ := d.Books.Order(o.ID)
	assert.Equal(t, []int64{1000, 300, 700}, []int64{int64(books.Authorized), int64(books.Captured), int64(books.Released)})

	o = enter(func(o *Order) { o.Features = []string{"VERIFY"} })
	d.Authorize(o, &card, "CARD", 0, false)
	assert.Equal(t, []EventKind{Attempted, Verified}, heard)
	o = enter(func(o *Order) {})
	clock.Advance(2 * time.Hour)
	assert.Equal(t, []EventKind{Expired}, heard)
	assert.Equal(t, &TextExpired, d.Payable(o))
	assert.True(t, strings.Contains(o.ErrUnpayable(TextExpired).Error(), "actionCode -2007"))
	o = enter(func(o *Order) {})
	d.DeclineAll(o)
	assert.Equal(t, &TextAttempts, d.Payable(o))
	assert.Equal(t, -2013, o.Action)
	assert.PanicsWithValue(t, "gateway: emulator: order "+o.ID+": 0.01 refunded, 0.00 left", func() { d.Refund(o, 1, "") })
}
