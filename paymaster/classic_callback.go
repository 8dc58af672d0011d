package paymaster

import (
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
	MerchantID   string // LMI_MERCHANT_ID
	PaymentNo    string // LMI_PAYMENT_NO, the shop's number; may be empty
	SysPaymentID string // LMI_SYS_PAYMENT_ID, PayMaster's number
	Date         time.Time
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
	PayerIdentifier string // a masked card number, a wallet
	PaymentRef      string // LMI_PAYMENT_REF, the bank's reference
	Fields          webhook.Params

	values  signed
	hash    string
	echo    string
	present uint16 // which of the signed fields are there
}

// ParseNotification reads the body of a notification or of a pre-request, as
// Callback.Raw has it, and checks its form: it does not check the signature. A
// field that is there twice, and a value whose form would make the signature
// ambiguous, give ErrSignature.
func ParseNotification(raw []byte) (*Notification, error) {
	n := &Notification{}
	if err := n.parse(string(raw), nil); err != nil {
		return nil, acquiring.InOp(provider, "callback", err)
	}
	n.Date, _ = lmiTime(n.values[sDate])
	n.Test, n.Hash, n.SimMode = n.isTest(), n.hash != "", n.values[sSimMode]
	return n, nil
}

// parse reads the fields into n; room is for their list.
func (n *Notification) parse(raw string, room webhook.Params) error {
	fields, err := webhook.ParseForm(room, raw)
	if err != nil {
		return err
	}
	n.Fields = fields
	for i := range fields {
		if at := field(fields[i].Name); at >= 0 {
			n.take(at, fields[i].Value)
		}
	}
	return n.check()
}

// read is parse without Fields, Description and PaymentRef where the form is an
// ordinary one.
func (n *Notification) read(raw string) error {
	if n.scan(raw) {
		return n.checkForms()
	}
	*n = Notification{}
	return n.parse(raw, nil)
}

// check is the form of the values that are signed. They are joined without
// escaping, so a value with a semicolon would fit several splits: a buyer can
// have a notification of a small payment of his own made, and cut it anew into
// one of any sum.
func (n *Notification) check() error {
	v := &n.values
	for i := range v {
		if strings.IndexByte(v[i], ';') >= 0 {
			return forged("the field " + signedNames[i] + " has a semicolon")
		}
	}
	return n.checkForms()
}

// checkForms is check but for the semicolons, which scan does not let through.
func (n *Notification) checkForms() error {
	v := &n.values
	var err error
	var date bool
	if n.Amount, err = lmiAmount(v[sAmount]); err != nil {
		return forged("the field LMI_PAYMENT_AMOUNT is no sum")
	}
	if v[sPaidAmount] == v[sAmount] {
		n.PaidAmount = n.Amount
	} else if n.PaidAmount, err = lmiAmount(v[sPaidAmount]); err != nil && !n.PreRequest {
		return forged("the field LMI_PAID_AMOUNT is no sum")
	}
	_, date = lmiTime(v[sDate])
	switch {
	case v[sMerchant] == "":
		return forged("the field LMI_MERCHANT_ID is not there")
	case n.PreRequest:
		// It has neither number nor date, and nothing of it is believed.
	case v[sSystemID] == "" && n.present&(1<<sSystemID) == 0:
		return forged("there is no LMI_SYS_PAYMENT_ID: not a payment notification; is the site in the mode of compatibility with WebMoney?")
	case !allDigits(v[sSystemID]):
		return forged("the field LMI_SYS_PAYMENT_ID is not digits")
	case !date:
		return forged("the field LMI_SYS_PAYMENT_DATE is no date")
	case v[sSystem] != "" && !word(v[sSystem]):
		return forged("the field LMI_PAYMENT_SYSTEM is no number")
	}
	if len(v[sSimMode]) > 1 || (v[sSimMode] != "" && !allDigits(v[sSimMode])) {
		return forged("the field LMI_SIM_MODE is not one digit")
	}
	n.MerchantID, n.PaymentNo, n.SysPaymentID = v[sMerchant], v[sNumber], v[sSystemID]
	n.Currency, n.PaidCurrency, n.System = currencyLetters(v[sCurrency]), v[sPaidCurrency], v[sSystem]
	return nil
}

// isTest says whether the payment is simulated: LMI_SIM_MODE is there, even as
// 0, or the method is the test one. The method is not signed, so it can only
// make a payment a test one, never a real one.
func (n *Notification) isTest() bool {
	return n.present&(1<<sSimMode) != 0 || strings.EqualFold(n.Method, "Test")
}

func allDigits(s string) bool {
	if s == "" {
		return false
	}
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// lmiAmount reads digits with a point and at most four decimals, and nothing
// looser.
func lmiAmount(s string) (money.Amount, error) {
	whole, decimals, point := strings.Cut(s, ".")
	if !allDigits(whole) || (point && (!allDigits(decimals) || len(decimals) > 4)) {
		return 0, money.ErrSyntax
	}
	return money.Parse(s)
}

// lmiTime reads YYYY-MM-DDThh:mm:ss. That it is UTC is concluded from the rest
// of the protocol.
func lmiTime(s string) (time.Time, bool) {
	const form = "0000-00-00T00:00:00"
	if len(s) != len(form) {
		return time.Time{}, false
	}
	var n [6]int
	part := 0
	for i := 0; i < len(form); i++ {
		if form[i] != '0' {
			if s[i] != form[i] {
				return time.Time{}, false
			}
			part++
			continue
		}
		if s[i] < '0' || s[i] > '9' {
			return time.Time{}, false
		}
		n[part] = n[part]*10 + int(s[i]-'0')
	}
	if n[1] < 1 || n[1] > 12 || n[2] < 1 || n[2] > 31 || n[3] > 23 || n[4] > 59 || n[5] > 60 {
		return time.Time{}, false
	}
	return time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, time.UTC), true
}

// currencyLetters is the currency in letters: the form may have had 643.
func currencyLetters(code string) string {
	switch code {
	case "643":
		return "RUB"
	case "840":
		return "USD"
	case "978":
		return "EUR"
	}
	return code
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
	var n Notification
	if err := n.read(string(body)); err != nil {
		return nil, acquiring.InOp(provider, "callback", err)
	}
	if n.MerchantID != c.conf.MerchantID && !strings.EqualFold(n.MerchantID, c.conf.MerchantID) {
		return nil, forged("the notification is for another shop")
	}
	// A pre-request comes to the same address and is told by this field alone:
	// what has it is never a payment, whatever hash is there.
	if n.PreRequest {
		return c.question(&n, body)
	}
	switch {
	case n.hash == "":
		return nil, forged("there is no LMI_HASH")
	case !c.sign.verify(&n.values, n.hash):
		return nil, c.wrongHash(ctx, &n)
	}
	if err := c.checkNotification(&n); err != nil {
		return nil, err
	}
	at, _ := lmiTime(n.values[sDate])
	id := acquiring.PaymentID(n.PaymentNo)
	if id == "" {
		id = SystemID(n.SysPaymentID)
	}
	p := &acquiring.Payment{ID: id, OrderID: n.PaymentNo, Status: acquiring.StatusPaid, Amount: n.Amount, Captured: n.Amount,
		Currency: n.Currency, Method: n.method(), Test: n.isTest(), PaidAt: at}
	if n.PayerIdentifier != "" && p.Method == acquiring.MethodCard {
		p.Card = &acquiring.Card{Masked: n.PayerIdentifier}
	}
	if c.conf.Holds {
		if err := c.heldOrTaken(ctx, p, n.SysPaymentID); err != nil {
			return nil, err
		}
		c.told.add(n.SysPaymentID)
	}
	return &acquiring.Callback{Key: key(c.conf.Shop, string(id), n.SysPaymentID, p.Status.String()), PaymentID: id, OrderID: n.PaymentNo,
		Status: p.Status, Amount: n.Amount, Signed: true, Payment: p, Raw: body}, nil
}

// method is the way that was paid, by the signed number of the payment system
// where that is known.
func (n *Notification) method() acquiring.Method {
	switch n.System {
	case "93":
		return acquiring.MethodCard
	case "":
		return ""
	case "3", "503":
		return acquiring.MethodOther
	}
	return methodOf(n.Method)
}

// checkNotification is what is looked at besides the signature.
func (c *ClassicClient) checkNotification(n *Notification) error {
	switch {
	case n.isTest() && c.conf.Environment == acquiring.Production && !c.conf.AcceptTest:
		return &acquiring.Error{Provider: provider, Op: "callback", Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected,
			Message: "it is a test payment, no money was taken, and Config.Environment is acquiring.Production",
			Hint:    "switch the site to working mode (Рабочий режим) in the cabinet"}
	case c.sign.echo != nil && !c.sign.echoFits(c.conf.MerchantID, n.PaymentNo, n.Amount.String(), n.Currency, n.echo):
		return forged("the field SIGN does not fit the order, the sum and the currency: the form was changed, or not made by this client")
	}
	return nil
}

// wrongHash is the error of a signature that does not fit. Which of the signed
// fields were not there may explain it, and holds no secret.
func (c *ClassicClient) wrongHash(ctx context.Context, n *Notification) error {
	var absent []string
	for i, name := range signedNames {
		if n.present&(1<<i) == 0 {
			absent = append(absent, name)
		}
	}
	c.rest.Logger().WarnContext(ctx, "LMI_HASH does not fit", "absent", absent, "hash", c.conf.Hash.String(), "digest_length", len(n.hash))
	e := &acquiring.Error{Provider: provider, Op: "callback", Kind: acquiring.ErrSignature, Outcome: acquiring.OutcomeRejected, Message: "LMI_HASH does not fit"}
	want := map[Hash]int{MD5: 24, SHA1: 28, SHA256: maxDigest}[c.conf.Hash]
	if len(n.hash) != want {
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
func (c *ClassicClient) question(n *Notification, body []byte) (*acquiring.Callback, error) {
	if err := c.checkNotification(n); err != nil {
		return nil, err
	}
	id := acquiring.PaymentID(n.PaymentNo)
	return &acquiring.Callback{Kind: acquiring.CallbackQuestion, Key: key(c.conf.Shop, string(id), "question"), PaymentID: id, OrderID: n.PaymentNo,
		Status: acquiring.StatusPending, Amount: n.Amount, Reply: answer("YES"), Refusal: answer("NO"), Raw: body,
		Payment: &acquiring.Payment{ID: id, OrderID: n.PaymentNo, Status: acquiring.StatusPending, Amount: n.Amount, Currency: n.Currency, Test: n.isTest()}}, nil
}
