package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// house is one order with its page and its customer's bank.
type house struct {
	mu    sync.Mutex
	desk  Desk
	order *Order
	pay   Checkout
}

func newHouse(t *testing.T, change func(*Order)) *house {
	t.Helper()
	clock := emulator.NewClock(time.Date(2026, 3, 3, 12, 0, 0, 0, Moscow))
	h := &house{}
	h.desk = Desk{Mu: &h.mu, Clock: clock, IDs: emulator.NewIDs(1), Books: emulator.NewBooks(), Attempts: 3}
	deck := &Deck{WrongNumber: 14, WrongCVC: 82, Code: "111111", Cards: []TestCard{{PAN: "4111111111111111", CVCs: "123"}, {PAN: "5555555555555599", CVCs: "123", Flow: FlowChallenge}}}
	h.order = &Order{Number: "A-1", Amount: 1000, Deck: deck, Created: clock.Now(), Expires: clock.Now().Add(time.Hour), ReturnURL: "https://x.example/ok", FailURL: "https://x.example/f",
		Lang: "en", ClientID: "c", Heard: func(Event) {}}
	if change != nil {
		change(h.order)
	}
	h.desk.Enter(h.order)
	h.pay = Checkout{Desk: &h.desk, Order: h.order, Provider: "Bank", Shop: "Shop", Return: func(paid bool) string { return h.order.Return(paid, "https://bank.example") },
		QR: func() string { return QRLink("AD1", "100", 1000) }, QRImage: func(string) []byte { return nil },
		SBP: func() { h.desk.Authorize(h.order, nil, "SBP", 0, false) }}
	return h
}

func (h *house) post(t *testing.T, form url.Values) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest("POST", "/pay", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	read, err := emulator.ReadPageForm(r)
	require.NoError(t, err)
	w := httptest.NewRecorder()
	h.pay.Serve(w, r, read)
	return w
}

func form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func TestCheckout(t *testing.T) {
	card := form("do", "pay", "pan", "4111 1111 1111 1111", "valid", "12/35", "cvc", "123")
	for name, c := range map[string]struct {
		form   url.Values
		to     string
		status int
	}{
		"card":    {card, "/ok?", Paid},
		"SBP":     {form("do", "sbp"), "/ok?", Paid},
		"decline": {form("do", "decline"), "/f?", Declined},
		"expire":  {form("do", "expire"), "/f?", Declined},
		"nothing": {form("do", "code"), "", Registered},
		"no card": {form("do", "pay"), "", Registered},
		"saved":   {form("do", "saved", "saved", "other"), "", Registered},
	} {
		h := newHouse(t, nil)
		w := h.post(t, c.form)
		assert.Equal(t, c.status, h.order.Status, name)
		if c.to == "" {
			assert.Equal(t, 200, w.Code, name)
			continue
		}
		assert.Contains(t, w.Header().Get("Location"), c.to+"orderId="+h.order.ID+"&lang=en", name)
		assert.Contains(t, h.post(t, card).Body.String(), h.order.Verdict(), "it is over")
	}
	h := newHouse(t, nil)
	b, _ := (&Wallet{IDs: h.desk.IDs}).Save("shop", "c", h.order.Deck.Whole("4111111111111111", h.desk.Clock.Now()), "CARD_BINDING", h.order.Deck)
	h.pay.Saved, h.pay.NoCards = []*Binding{b}, true
	page := h.post(t, card).Body.String()
	assert.Contains(t, page, "411111******1111")
	assert.NotContains(t, page, `name="pan"`)
	assert.Equal(t, Registered, h.order.Status, "without the form no card is taken")
	h.post(t, form("do", "saved", "saved", b.ID))
	assert.Equal(t, "CARD_BINDING", h.order.Way)

	h = newHouse(t, nil)
	assert.Contains(t, h.post(t, form("do", "pay", "pan", "4111111111111111", "valid", "12/35", "cvc", "000")).Body.String(), "Wrong CVC")
	h.pay.Refused = func() *Text { return &TextStatus }
	assert.Contains(t, h.post(t, card).Body.String(), TextStatus.EN)
	h.desk.Clock.Advance(2 * time.Hour)
	assert.Contains(t, h.post(t, card).Body.String(), "The time to pay is over")
	w := httptest.NewRecorder()
	NoOrder(w, "Bank")
	assert.Equal(t, 404, w.Code)
	for status, want := range map[int]string{Paid: "paid", PartlyPaid: "paid", Held: "held", Refunded: "given back", Reversed: "cancelled", Declined: "declined"} {
		assert.Contains(t, (&Order{Status: status, Lang: "en"}).Verdict(), want)
	}
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

func TestACS(t *testing.T) {
	for _, code := range []string{"111111", "0"} {
		h := newHouse(t, nil)
		h.post(t, form("do", "pay", "pan", "5555555555555599", "valid", "12/35", "cvc", "123"))
		require.Equal(t, AtACS, h.order.Status)
		h.order.Challenge.TermURL = "https://x.example/term"
		acs := ACS{Unlock: h.mu.Unlock, Find: func(id string) *Checkout {
			h.mu.Lock()
			if h.order.Challenge.ID == id {
				return &h.pay
			}
			h.mu.Unlock()
			return nil
		}}
		send := func(name string, fields url.Values) *httptest.ResponseRecorder {
			r := httptest.NewRequest("POST", "/acs/"+name, strings.NewReader(fields.Encode()))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			w := httptest.NewRecorder()
			acs.Serve(w, r, name)
			return w
		}
		request := form("creq", h.order.Challenge.Request(), "threeDSSessionData", "s")
		assert.Contains(t, send("creq", request).Body.String(), "111111")
		request.Set("do", "code")
		request.Set("code", code)
		answer := send("creq", request).Body.String()
		assert.Contains(t, answer, "https://x.example/term")
		assert.Contains(t, answer, `name="threeDSSessionData" value="s"`)
		assert.Equal(t, code == "111111", h.order.Challenge.Success)
		assert.Len(t, hiddenField.FindAllString(answer, -1), 2)
		assert.Equal(t, 400, send("pareq", form("PaReq", "x")).Code)
		assert.Equal(t, 404, send("other", nil).Code)
		assert.Equal(t, 400, send("method", nil).Code)
		assert.Contains(t, send("method", form("threeDSMethodData", Packed(Object{"threeDSMethodNotificationURL": "https://x.example/n"}))).Body.String(), "https://x.example/n")
		w := httptest.NewRecorder()
		acs.Serve(w, httptest.NewRequest("GET", "/acs/creq", nil), "creq")
		assert.Equal(t, 405, w.Code)
		h.desk.EndChallenge(h.order, h.order.Challenge.Success)
		assert.Equal(t, code == "111111", h.order.Status == Paid)
	}
}

func TestWallet(t *testing.T) {
	w := &Wallet{IDs: emulator.NewIDs(1)}
	now := time.Date(2026, 3, 3, 12, 0, 0, 0, Moscow)
	a, fresh := w.Save("tea", "c", Card{PAN: "1", Expiry: "202603"}, "CARD", nil)
	assert.True(t, fresh)
	a.Active = false
	again, fresh := w.Save("tea", "c", Card{PAN: "1", Expiry: "202604"}, "CARD", nil)
	assert.Equal(t, []any{a, false, true, "202604"}, []any{again, fresh, a.Active, a.Card.Expiry})
	other, _ := w.Save("coffee", "c", Card{PAN: "1", Expiry: "202602"}, "CARD", nil)
	assert.Nil(t, w.Find("tea", other.ID))
	assert.Equal(t, other, w.Any(other.ID))
	assert.Equal(t, []string{a.ID, other.ID}, w.Active("c"))
	assert.Len(t, w.Of("tea", func(*Binding) bool { return true }), 1)
	assert.Equal(t, []int{0, 101}, []int{a.Now(now).Action, other.Now(now).Action})
	other.Outcome = 116
	assert.Equal(t, 116, other.Now(now).Action)
}

func TestParametersOfACallback(t *testing.T) {
	h := newHouse(t, func(o *Order) { o.Email, o.Phone, o.IP = "a@b.ru", "7", "::1" })
	h.order.SetParams(Object{"crm": true, "a": "1"})
	h.order.SetParams(Object{"a": "2"})
	card := h.order.Deck.Whole("4111111111111111", h.desk.Clock.Now())
	h.desk.Authorize(h.order, &card, "CARD", 0, false)
	h.order.Saved = &Binding{ID: "b-1"}
	for name, want := range map[string]string{"amount": "1000", "approvedAmount": "1000", "depositedAmount": "1000", "refundedAmount": "0", "amountFormatted": "10.00", "approvedAmountFormatted": "10.00",
		"depositedAmountFormatted": "10.00", "refundedAmountFormatted": "0.00", "paymentState": "DEPOSITED", "actionCode": "0", "currency": "643", "maskedPan": "411111******1111", "clientId": "c",
		"bindingId": "b-1", "email": "a@b.ru", "phone": "7", "ip": "::1", "refNum": h.order.RRN, "authCode": h.order.Approval, "crm": "true", "a": "2"} {
		got, there := h.desk.Parameter(h.order, name)
		assert.Equal(t, []any{want, true}, []any{got, there}, name)
	}
	bare := &Order{}
	for _, name := range []string{"maskedPan", "bindingId", "clientId", "none"} {
		_, there := h.desk.Parameter(bare, name)
		assert.False(t, there, name)
	}
	m := emulator.Message{URL: "https://x.example/cb?a=1#f"}
	CarryQuery(&m, []Pair{{"b", "2 3"}})
	assert.Equal(t, []string{"GET", "https://x.example/cb?a=1&b=2+3#f"}, []string{m.Method, m.URL})
	CarryForm(&m, []Pair{{"b", "2 3"}})
	assert.Equal(t, []string{"POST", "b=2+3"}, []string{m.Method, string(m.Body)})
	var nowhere emulator.Message
	CarryQuery(&nowhere, nil)
	assert.Empty(t, nowhere.URL, "not configured stays so")
}

func TestWhatTheIssuerSays(t *testing.T) {
	plain, code := Card{}, Card{Flow: FlowChallenge}
	attempt := Card{Flow: FlowAttempt}
	for _, c := range []struct {
		features string
		card     *Card
		issuer   int
		asks     bool
	}{
		{"", &plain, 0, false}, {"", &code, 0, true}, {"FORCE_SSL", &code, 0, false}, {"FORCE_TDS", &plain, 2003, false}, {"FORCE_SSL FORCE_TDS", &plain, 0, false},
		{"FORCE_FULL_TDS", &plain, 2003, false}, {"FORCE_FULL_TDS", &attempt, -2017, false}, {"", &Card{Action: 5}, 5, false}, {"", &Card{Limit: 1}, 116, false},
	} {
		o := &Order{Amount: 100, Features: strings.Fields(c.features)}
		assert.Equal(t, c.issuer, o.Issuer(c.card), c.features)
		assert.Equal(t, c.asks, o.NeedsCode(c.card), c.features)
	}
	o := &Order{ID: "1", ReturnURL: "shop.example"}
	assert.Equal(t, "https://bank.example/shop.example?orderId=1&lang=ru", o.Return(false, "https://bank.example"))
}

func TestServeMportal(t *testing.T) {
	var got CallbackCard
	send := func(method, path, user, body string) int {
		r := httptest.NewRequest(method, "/", strings.NewReader(body))
		r.SetBasicAuth(user, "p")
		w := httptest.NewRecorder()
		ServeMportal(w, r, path, func(user, password string, c CallbackCard) bool {
			got = c
			return user == "shop-api" && password == "p"
		})
		return w.Code
	}
	const path, good = "/mvc/public/merchant/update/shop", `{"callbacks_enabled":true,"callback_type":"STATIC","callback_http_method":"GET","callback_operations":"a,b"}`
	assert.Equal(t, []int{200, 405, 404, 401, 400, 400}, []int{send("POST", path, "shop-api", good), send("GET", path, "shop-api", good), send("POST", "/x", "shop-api", good),
		send("POST", path, "other-api", good), send("POST", path, "shop-api", "{}"), send("POST", path, "shop-api", "{")})
	assert.Equal(t, []string{"a", "b"}, got.Wanted())
	got.Enabled = false
	assert.Empty(t, got.Wanted())
	w := httptest.NewRecorder()
	Refuse(5, TextStatus).Because("why — so").WriteReason(w)
	assert.Equal(t, "why ? so", w.Header().Get("X-Emulator-Reason"))
	Refuse(5, TextStatus).WriteReason(httptest.NewRecorder())
	EmptyHTML(w, http.StatusTeapot)
	assert.Equal(t, http.StatusTeapot, w.Code)
}

func TestReadListingRefuses(t *testing.T) {
	good := map[string]string{"size": "2", "from": "20260303120000", "to": "20260303120001", "transactionStates": "CREATED"}
	for name, bad := range map[string]string{"size": "x", "from": "2026-03-03", "to": "", "page": "-1", "transactionStates": ""} {
		fields := map[string]string{name: bad}
		for k, v := range good {
			if k != name {
				fields[k] = v
			}
		}
		_, err := ReadListing(func(k string) string { return fields[k] }, 0)
		assert.Error(t, err, name)
	}
	l, err := ReadListing(func(k string) string {
		if k == "size" {
			return ""
		}
		return good[k]
	}, 25)
	require.NoError(t, err)
	assert.Equal(t, 25, l.Size)
	assert.Equal(t, "", Covers([]CartItem{{Position: "1", Milli: 1, Amount: 1}}, CartItem{Position: "1", Milli: 1, Amount: 1}))
	for _, it := range []CartItem{{Position: "2"}, {Position: "1", Code: "x"}, {Position: "1", Milli: 2}, {Position: "1", Amount: 2}} {
		assert.NotEmpty(t, Covers([]CartItem{{Position: "1", Milli: 1, Amount: 1}}, it))
	}
	assert.Len(t, Items(ObjectOf(`{"cartItems":{"items":[{},1]}}`)), 1)
	assert.Len(t, Items(ObjectOf(`{"items":[{},{}]}`)), 2)
}
