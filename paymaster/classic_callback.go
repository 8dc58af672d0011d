package paymaster

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/webhook"
)

// Notification is a payment notification, or a pre-request, of the classic
// protocol. LMI_HASH covers the fields from MerchantID to SimMode and no other.
type Notification struct {
	MerchantID   string       // LMI_MERCHANT_ID
	PaymentNo    string       // LMI_PAYMENT_NO, the shop's number; may be empty
	SysPaymentID string       // LMI_SYS_PAYMENT_ID, PayMaster's number
	Date         time.Time    // LMI_SYS_PAYMENT_DATE, to the second; taken for UTC
	Amount       money.Amount // LMI_PAYMENT_AMOUNT, ordered
	Currency     string       // in letters
	PaidAmount   money.Amount // LMI_PAID_AMOUNT, in the payer's currency
	PaidCurrency string
	System       string // LMI_PAYMENT_SYSTEM: 93 is a bank card, 503 and 3 are test
	SimMode      string // LMI_SIM_MODE; only of a site in test mode

	// Hash is whether LMI_HASH is there.
	Hash bool
	// Test: the payment is a simulated one.
	Test bool
	// PreRequest: it is a pre-request (LMI_PREREQUEST): no payment was made,
	// and nothing in it is signed.
	PreRequest bool

	// Not signed: whoever sends the form can change them.
	Method          string // LMI_PAYMENT_METHOD: BankCard, Test, …
	Description     string
	PayerIdentifier string         // a masked card number, a wallet
	PaymentRef      string         // LMI_PAYMENT_REF, the bank's reference
	Fields          webhook.Params // all of them, as they came
}

// ParseNotification reads the body of a notification or of a pre-request, as
// Callback.Raw has it, and checks its form: it does not check the signature. A
// field that is there twice, and a value whose form would make the signature
// ambiguous, give ErrSignature.
func ParseNotification(raw []byte) (*Notification, error) {
	fields, err := webhook.ParseForm(nil, string(raw))
	if err != nil {
		return nil, acquiring.InOp(provider, "callback", err)
	}
	c, err := readFields(fields)
	if err != nil {
		return nil, acquiring.InOp(provider, "callback", err)
	}
	n := &Notification{MerchantID: string(c.values[sMerchant]), PaymentNo: string(c.values[sNumber]), SysPaymentID: string(c.values[sSystemID]),
		Date: c.at(), Amount: c.amount, Currency: currencyLetters(c.values[sCurrency]), PaidAmount: c.paidAmount,
		PaidCurrency: string(c.values[sPaidCurrency]), System: string(c.values[sSystem]), SimMode: string(c.values[sSimMode]),
		Hash: len(c.values[fHash]) > 0, Test: c.isTest(), PreRequest: c.preRequest(),
		Method: string(c.values[fMethod]), PayerIdentifier: maskPAN(string(c.values[fPayer])), Fields: fields}
	for i := range fields {
		if fields[i].Name == "LMI_PAYER_IDENTIFIER" {
			fields[i].Value = n.PayerIdentifier
		}
	}
	n.Description, _ = fields.Get("LMI_PAYMENT_DESC")
	n.PaymentRef, _ = fields.Get("LMI_PAYMENT_REF")
	return n, nil
}

// check is the form of the values that are signed.
func (n *classicNotice) check() error {
	var ok bool
	sum, paid, number, system, sim := n.values[sAmount], n.values[sPaidAmount], n.values[sSystemID], n.values[sSystem], n.values[sSimMode]
	if n.amount, ok = lmiAmount(sum); !ok {
		return forged("the field LMI_PAYMENT_AMOUNT is no sum")
	}
	if bytes.Equal(paid, sum) {
		n.paidAmount = n.amount
	} else if n.paidAmount, ok = lmiAmount(paid); !ok && !n.preRequest() {
		return forged("the field LMI_PAID_AMOUNT is no sum")
	}
	n.date, ok = lmiTime(n.values[sDate])
	switch {
	case len(n.values[sMerchant]) == 0:
		return forged("the field LMI_MERCHANT_ID is not there")
	case n.preRequest():
		// It has neither number nor date, and nothing of it is believed.
	case !n.has(sSystemID):
		return forged("there is no LMI_SYS_PAYMENT_ID: not a payment notification; is the site in the mode of compatibility with WebMoney?")
	case !allDigits(number):
		return forged("the field LMI_SYS_PAYMENT_ID is not digits")
	case !ok:
		return forged("the field LMI_SYS_PAYMENT_DATE is no date")
	case len(system) > 0 && !word(system):
		return forged("the field LMI_PAYMENT_SYSTEM is no number")
	}
	if len(sim) > 1 || (len(sim) == 1 && !allDigits(sim)) {
		return forged("the field LMI_SIM_MODE is not one digit")
	}
	return nil
}

// at is when the payment was made; zero when that is no date.
func (n *classicNotice) at() time.Time {
	if n.date == 0 {
		return time.Time{}
	}
	return time.Unix(n.date, 0).UTC()
}

// isTest says whether the payment is simulated: LMI_SIM_MODE is there, even as
// 0, or the payment system or the method is the test one. The method is not
// signed, and of an empty LMI_SIM_MODE its absence is not told by the signature,
// so either can only make a payment a test one; the system is signed.
func (n *classicNotice) isTest() bool {
	method := n.values[fMethod]
	return n.has(sSimMode) || testSystem(n.values[sSystem]) || (len(method) == len("Test") && strings.EqualFold(string(method), "Test"))
}

// testSystem knows the numbers of the payment system of sites in test mode: 503,
// and 3 until 2015.
func testSystem(number []byte) bool { return string(number) == "503" || string(number) == "3" }

func allDigits[T string | []byte](s T) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0
}

// lmiAmount reads digits with a point and at most four decimals, of which the
// last two are zeros, and nothing looser.
func lmiAmount(s []byte) (money.Amount, bool) {
	const most = 16 // digits before the point: more may not fit
	n, at := int64(0), 0
	for ; at < len(s) && s[at]-'0' <= 9; at++ {
		n = n*10 + int64(s[at]-'0')
	}
	if at == 0 || at > most {
		return 0, false
	}
	decimals := s[at:]
	if len(decimals) == 0 {
		return money.Amount(n * 100), true
	}
	if decimals[0] != '.' || len(decimals) == 1 || len(decimals) > 5 {
		return 0, false
	}
	kopecks := [4]byte{'0', '0', '0', '0'}
	copy(kopecks[:], decimals[1:])
	k := twoDigits(kopecks[0], kopecks[1])
	if k > 99 || kopecks[2] != '0' || kopecks[3] != '0' {
		return 0, false
	}
	return money.Amount(n*100 + int64(k)), true
}

// lmiTime reads YYYY-MM-DDThh:mm:ss as the seconds of Unix. That it is UTC is
// concluded from the rest of the protocol.
func lmiTime(s []byte) (int64, bool) {
	const form = "0000-00-00T00:00:00"
	if len(s) != len(form) || s[4] != '-' || s[7] != '-' || s[10] != 'T' || s[13] != ':' || s[16] != ':' {
		return 0, false
	}
	century, year, month, day := twoDigits(s[0], s[1]), twoDigits(s[2], s[3]), twoDigits(s[5], s[6]), twoDigits(s[8], s[9])
	hour, minute, second := twoDigits(s[11], s[12]), twoDigits(s[14], s[15]), twoDigits(s[17], s[18])
	if century > 99 || year > 99 || month-1 > 11 || day-1 > 30 || hour > 23 || minute > 59 || second > 60 {
		return 0, false
	}
	at := time.Date(int(century*100+year), time.Month(month), int(day), int(hour), int(minute), int(second), 0, time.UTC)
	return at.Unix(), true
}

// twoDigits is the number of two digits; over 99 when they are none.
func twoDigits(high, low byte) uint {
	a, b := uint(high-'0'), uint(low-'0')
	if a > 9 || b > 9 {
		return 100
	}
	return a*10 + b
}

// currencyLetters is the currency in letters: the form may have had 643.
func currencyLetters[T string | []byte](code T) string {
	switch string(code) {
	case "643", "RUB":
		return "RUB"
	case "840":
		return "USD"
	case "978":
		return "EUR"
	}
	return string(code)
}

// answer is the answer to a pre-request: YES, and nothing before or after it,
// agrees.
func answer(word string) acquiring.Reply {
	return acquiring.Reply{ContentType: "text/plain; charset=utf-8", Body: []byte(word)}
}

// VerifyCallback reads a notification of the classic protocol.
//
// A payment notification (Payment Notification, уведомление о платеже) must
// have the right LMI_HASH, made over the values as they came. Callback.Payment
// is whole, so that the order can be marked paid without asking anybody; it is
// a hold where ClassicConfig.Holds is set, unless the REST API already answers
// COMPLETE. A test payment at a client of acquiring.Production gives
// ErrSignature: no money was taken.
//
// A pre-request (Invoice Confirmation, предварительный запрос) is a
// CallbackQuestion: Callback.Reply says YES, Callback.Refusal does not. It is
// not signed: do nothing but look the order up and compare the sum. It may come
// several times.
func (c *ClassicClient) VerifyCallback(ctx context.Context, r *http.Request) (*acquiring.Callback, error) {
	if r.Method != http.MethodPost {
		return nil, forged("a notification is a POST")
	}
	body, err := webhook.ReadBody(r, 0)
	if err != nil {
		return nil, acquiring.InOp(provider, "callback", err)
	}
	var room [noticeRoom]byte
	n, err := readClassic(room[:0], body)
	if err != nil {
		return nil, acquiring.InOp(provider, "callback", err)
	}
	if shop := n.values[sMerchant]; string(shop) != c.conf.MerchantID && !strings.EqualFold(string(shop), c.conf.MerchantID) {
		return nil, forged("the notification is for another shop")
	}
	// A pre-request comes to the same address and is told by this field alone:
	// what has it is never a payment, whatever hash is there.
	if n.preRequest() {
		return c.question(&n, body)
	}
	switch {
	case len(n.values[fHash]) == 0:
		return nil, forged("there is no LMI_HASH")
	case !c.sign.verify(&n):
		return nil, c.wrongHash(ctx, &n)
	}
	if err := c.checkNotification(&n); err != nil {
		return nil, err
	}
	order := string(n.values[sNumber])
	id := acquiring.PaymentID(order)
	if id == "" {
		id = SystemID(string(n.values[sSystemID]))
	}
	p := &acquiring.Payment{ID: id, OrderID: order, Status: acquiring.StatusPaid, Amount: n.amount, Captured: n.amount,
		Currency: currencyLetters(n.values[sCurrency]), Method: n.method(), Test: n.isTest(), PaidAt: n.at()}
	if payer := n.values[fPayer]; len(payer) > 0 && p.Method == acquiring.MethodCard {
		p.Card = &acquiring.Card{Masked: maskPAN(string(payer))}
	}
	if c.conf.Holds {
		number := string(n.values[sSystemID])
		if err := c.heldOrTaken(ctx, p, number); err != nil {
			return nil, err
		}
		c.told.add(number)
	}
	return &acquiring.Callback{Key: key(c.conf.Shop, string(id), string(n.values[sSystemID]), p.Status.String()), PaymentID: id, OrderID: order,
		Status: p.Status, Amount: n.amount, Signed: true, Payment: p, Raw: body}, nil
}

// noticeRoom is for the values of an ordinary notification and the secret after
// them; longer ones take an allocation.
const noticeRoom = 512

// method is the way that was paid, by the signed number of the payment system
// where that is known.
func (n *classicNotice) method() acquiring.Method {
	switch system := n.values[sSystem]; {
	case string(system) == "93":
		return acquiring.MethodCard
	case len(system) == 0:
		return ""
	case testSystem(system):
		return acquiring.MethodOther
	}
	return methodOf(string(n.values[fMethod]))
}

// checkNotification is what is looked at besides the signature.
func (c *ClassicClient) checkNotification(n *classicNotice) error {
	switch {
	case n.isTest() && c.conf.Environment == acquiring.Production && !c.conf.AcceptTest:
		return &acquiring.Error{Provider: provider, Op: "callback", Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected,
			Message: "it is a test payment, no money was taken, and Config.Environment is acquiring.Production",
			Hint:    "switch the site to working mode (Рабочий режим) in the cabinet"}
	case c.sign.echo != nil && !c.echoFits(n):
		return forged("the field SIGN does not fit the order, the sum and the currency: the form was changed, or not made by this client")
	}
	return nil
}

// echoFits says whether the field SIGN is the one that this client made of the
// order, the sum and the currency.
func (c *ClassicClient) echoFits(n *classicNotice) bool {
	return c.sign.echoFits(c.conf.MerchantID, string(n.values[sNumber]), n.amount.String(), currencyLetters(n.values[sCurrency]), string(n.values[fSign]))
}

// wrongHash is the error of a signature that does not fit. Which of the signed
// fields were not there may explain it, and holds no secret.
func (c *ClassicClient) wrongHash(ctx context.Context, n *classicNotice) error {
	var absent []string
	for i, name := range signedNames {
		if !n.has(i) {
			absent = append(absent, name)
		}
	}
	c.rest.Logger().WarnContext(ctx, "LMI_HASH does not fit", "absent", absent, "hash", c.conf.Hash.String(), "digest_length", len(n.values[fHash]))
	e := &acquiring.Error{Provider: provider, Op: "callback", Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected, Message: "LMI_HASH does not fit"}
	want := map[Hash]int{MD5: 24, SHA1: 28, SHA256: maxDigest}[c.conf.Hash]
	if len(n.values[fHash]) != want {
		e.Hint = "its length is that of another kind of signature than Config.Hash; compare it with the cabinet"
	}
	return e
}

// heldOrTaken tells a hold from a payment where the site has holds: the
// documents do not say when the notification comes.
func (c *ClassicClient) heldOrTaken(ctx context.Context, p *acquiring.Payment, sysID string) error {
	v1, err := c.GetPayment(ctx, sysID)
	if err != nil {
		return err
	}
	if v1.State == StateComplete {
		p.Captured = v1.captured()
		return nil
	}
	p.Status, p.Captured, p.PaidAt = acquiring.StatusAuthorized, 0, time.Time{}
	return nil
}

// question is a pre-request.
func (c *ClassicClient) question(n *classicNotice, body []byte) (*acquiring.Callback, error) {
	if err := c.checkNotification(n); err != nil {
		return nil, err
	}
	order := string(n.values[sNumber])
	id := acquiring.PaymentID(order)
	return &acquiring.Callback{Kind: acquiring.CallbackQuestion, Key: key(c.conf.Shop, string(id), "question"), PaymentID: id, OrderID: order,
		Status: acquiring.StatusPending, Amount: n.amount, Reply: answer("YES"), Refusal: answer("NO"), Raw: body,
		Payment: &acquiring.Payment{ID: id, OrderID: order, Status: acquiring.StatusPending, Amount: n.amount, Currency: currencyLetters(n.values[sCurrency]), Test: n.isTest()}}, nil
}
