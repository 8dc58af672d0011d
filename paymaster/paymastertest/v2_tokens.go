package paymastertest

import (
	"fmt"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/money"
)

// The statuses of a token.
const (
	tokenCreated  = "Created"
	tokenActive   = "Active"
	tokenRevoked  = "Revoked"
	tokenDeclined = "Declined"
)

// token is a saved means of payment.
type token struct {
	id, status, kind, purpose string
	method                    string // "BankCard", "Sbp"
	title, pan                string
	expires                   time.Time
	callback, returnTo        string
	account                   string
	page                      string
	step                      *step
	acsReturn                 string
	blocked                   bool
	failure                   string // of the charges
}

// Token is a saved means of payment on PayMaster's side.
type Token struct {
	ID, Status string // "Created", "Active", "Revoked" or "Declined"
	Kind       string // "cof" or "recurring"
	Method     string // "BankCard" or "Sbp"
	Title      string // masked card
	Account    string // the shop's customer
	Expires    time.Time
}

// Token finds a token by its id.
func (s *Server) Token(id string) (Token, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tokens[id]
	if t == nil {
		return Token{}, false
	}
	return Token{t.id, t.status, t.kind, t.method, t.title, t.account, t.expires}, true
}

func (s *Server) newToken(t *token) *token {
	t.id, t.page, t.status = s.base.IDs.Hex(32), s.base.IDs.Hex(32), tokenCreated
	s.tokens[t.id], s.tokenPages[t.id], s.tokenPages[t.page] = t, t, t
	return t
}

// activate binds the card, or the bank account, and tells the shop.
func (s *Server) activate(t *token, pan string) {
	t.status, t.step, t.pan, t.title = tokenActive, nil, pan, masked(pan)
	if pan == "" {
		t.title = "СБП"
	}
	t.expires = time.Date(s.base.Clock.Now().UTC().Year()+4, 1, 1, 0, 0, 0, 0, time.UTC).Add(-time.Second)
	s.notifyToken(t)
}

func (s *Server) refuseToken(t *token) {
	t.status, t.step = tokenDeclined, nil
	s.notifyToken(t)
}

// saveCard makes the token of a payment that asked for one.
func (s *Server) saveCard(p *payment) {
	if p.tokenization == nil || p.saved != nil {
		return
	}
	account, _ := p.customer["account"].(string)
	p.saved = s.newToken(&token{kind: p.tokenization.kind, purpose: p.tokenization.purpose, method: p.method, callback: p.tokenization.callback, account: account})
	s.activate(p.saved, p.pan)
}

func (s *Server) notifyToken(t *token) {
	s.send(t.id, "token "+t.status, t.callback, encode(s.tokenView(t, false)))
}

func (s *Server) tokenView(t *token, whole bool) any {
	v := struct {
		ID      string `json:"id"`
		Status  string `json:"status"`
		Title   string `json:"title,omitempty"`
		Expires string `json:"expires,omitempty"`
		Card    any    `json:"cardInfo,omitempty"`
		Step    any    `json:"confirmation,omitempty"`
	}{ID: t.id, Status: t.status, Title: t.title}
	if !t.expires.IsZero() {
		v.Expires = stamp(t.expires)
	}
	if whole && t.pan != "" {
		v.Card = cardInfo(t.pan)
	}
	if whole && t.step != nil {
		v.Step = s.stepView(t.step, t.acsReturn)
	}
	return v
}

// askToken reads what both ways to make a token have in common.
func (s *Server) askToken(k *check, o object) (*token, *refusal) {
	if no := s.merchant(k, o); no != nil {
		return nil, no
	}
	k.flag(o, "TestMode")
	t := &token{kind: k.word(o, "Type", true, []string{"recurring"}), purpose: k.text(o, "Purpose", true)}
	if c := k.customer(o, true); c != nil {
		t.account = k.text(c, "Customer.Account", false)
	}
	return t, nil
}

func (s *Server) tokenizeByPage(c call) (any, *refusal) {
	k := &check{}
	t, no := s.askToken(k, c.body)
	if no != nil {
		return nil, no
	}
	t.method = k.word(c.body, "PaymentMethod", true, methodNames[:2])
	t.callback, t.returnTo = k.link(c.body, "CallbackUrl", false), k.link(c.body, "ReturnUrl", false)
	if no := k.refusal(); no != nil {
		return nil, no
	}
	s.newToken(t)
	return map[string]string{"tokenId": t.id, "url": s.URL + "/cpay/tokenization/" + t.page}, nil
}

func (s *Server) createToken(c call) (any, *refusal) {
	k := &check{}
	t, no := s.askToken(k, c.body)
	if no != nil {
		return nil, no
	}
	m := s.means(k, c.body)
	if m.card == nil && m.method != "Sbp" {
		k.fail("Specify required PaymentData value.")
	}
	if p := k.object(c.body, "Protocol", false); p != nil {
		t.callback, t.returnTo = k.link(p, "Protocol.CallbackUrl", false), k.link(p, "Protocol.ReturnUrl", false)
		t.acsReturn = k.link(p, "Protocol.ThreeDSCompleteUrl", false)
	}
	if no := k.refusal(); no != nil {
		return nil, no
	}
	s.newToken(t)
	t.method = m.method
	switch {
	case m.card == nil:
		t.step = &step{kind: stepExternal, url: s.URL + "/cpay/mock/sbp/subscription/" + t.id}
	case m.card.result != "":
		s.refuseToken(t)
	case m.card.step != "":
		t.step = s.firstStep(m.card)
	default:
		s.activate(t, m.card.pan)
	}
	return s.tokenView(t, true), nil
}

func (s *Server) completeToken(c call) (any, *refusal) {
	t := s.tokens[c.id]
	if t == nil {
		return nil, s.notFound("Payment token")
	}
	k := &check{}
	group, value := answerOf(k, c.body)
	if no := k.refusal(); no != nil {
		return nil, no
	}
	more, ok, no := s.answered(t.step, group, value)
	switch {
	case no != nil:
		return nil, no
	case more != nil:
		t.step = more
	case ok:
		s.activate(t, t.step.pan)
	default:
		s.refuseToken(t)
	}
	return s.tokenView(t, true), nil
}

func (s *Server) readToken(c call) (any, *refusal) {
	t := s.tokens[c.id]
	if t == nil {
		return nil, s.notFound("Payment token")
	}
	return s.tokenView(t, true), nil
}

func (s *Server) revokeToken(c call) (any, *refusal) {
	t := s.tokens[c.id]
	switch {
	case t == nil:
		return nil, s.notFound("Payment token")
	case t.status != tokenActive && t.status != tokenCreated:
		return nil, wrongState("The payment token is " + t.status + ".")
	}
	t.status, t.step = tokenRevoked, nil
	s.notifyToken(t)
	return nil, nil
}

// charged finds the token of a charge.
func (s *Server) charged(id string) (*token, *refusal) {
	t := s.tokens[id]
	switch {
	case t == nil:
		return nil, s.notFound("Payment token")
	case t.status == tokenRevoked:
		return nil, &refusal{Code: "payment_token_revoked", Message: "The payment token is revoked."}
	case t.blocked:
		return nil, &refusal{Code: "payment_token_blocked", Message: "The payment token is temporarily blocked."}
	case t.status != tokenActive:
		return nil, wrongState("The payment token is " + t.status + ".")
	}
	return t, nil
}

// tokenBy finds a token by its id or the address of its page.
func (s *Server) tokenBy(id string) (*token, error) {
	t := s.tokenPages[strings.ToLower(id[strings.LastIndexByte(id, '/')+1:])]
	if t == nil {
		return nil, fmt.Errorf("paymastertest: no token %q", id)
	}
	return t, nil
}

func (s *Server) withToken(id, must string, do func(*token)) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, err := s.tokenBy(id)
	if err == nil && t.status != must {
		err = fmt.Errorf("paymastertest: token %q is %s", id, t.status)
	}
	if err == nil {
		do(t)
	}
	return err
}

// ActivateToken is the customer binding his card, or his bank account: by the
// token's id or the address of its page.
func (s *Server) ActivateToken(id string) error {
	return s.withToken(id, tokenCreated, func(t *token) {
		pan := CardPays
		if t.method == "Sbp" {
			pan = ""
		}
		s.activate(t, pan)
	})
}

// DeclineToken is the bank refusing to bind.
func (s *Server) DeclineToken(id string) error { return s.withToken(id, tokenCreated, s.refuseToken) }

// RevokeToken is the customer taking his consent back at the bank.
func (s *Server) RevokeToken(id string) error {
	return s.withToken(id, tokenActive, func(t *token) {
		t.status = tokenRevoked
		s.notifyToken(t)
	})
}

// BlockToken blocks the token for a while, or lifts that.
func (s *Server) BlockToken(id string, blocked bool) error {
	return s.withToken(id, tokenActive, func(t *token) { t.blocked = blocked })
}

// FailCharges makes charges of the token end with a result code
// ("InsufficientFunds") from now on; "": they succeed.
func (s *Server) FailCharges(id, resultCode string) error {
	return s.withToken(id, tokenActive, func(t *token) { t.failure = resultCode })
}

// sticker is a static SBP code.
type sticker struct {
	id, description, product, purpose string
	amount                            money.Amount
	currency                          string
	cashlink, active                  bool
	callback, payload                 string
}

func (s *Server) sticker(id string) *sticker {
	for _, st := range s.stickers {
		if st.id == id {
			return st
		}
	}
	return nil
}

func (s *Server) createSticker(c call) (any, *refusal) {
	k := &check{}
	if no := s.merchant(k, c.body); no != nil {
		return nil, no
	}
	k.word(c.body, "StickerType", true, []string{"Sbp"})
	st := &sticker{cashlink: k.flag(c.body, "Cashlink"), active: true, description: k.text(c.body, "Description", false),
		product: k.text(c.body, "ProductCode", false), purpose: k.text(c.body, "PaymentPurpose", true), callback: k.link(c.body, "CallbackUrl", false)}
	st.amount, st.currency = k.amount(c.body, "Amount", false, s.opt.account.Currencies)
	if no := k.refusal(); no != nil {
		return nil, no
	}
	orElse(&st.callback, s.base.CallbackURL())
	st.id, st.payload = s.base.IDs.Hex(12), "https://qr.nspk.ru/"+s.base.IDs.QR("AS")+"?type=01"
	if st.amount > 0 {
		st.payload += "&sum=" + st.amount.Minor() + "&cur=" + st.currency
	}
	st.payload += "&crc=" + strings.ToUpper(s.base.IDs.Hex(4))
	s.stickers = append(s.stickers, st)
	return s.stickerView(st), nil
}

func (s *Server) stickerView(st *sticker) any {
	v := struct {
		ID          string  `json:"id"`
		Type        string  `json:"stickerType"`
		Cashlink    bool    `json:"cashlink"`
		ProductCode *string `json:"productCode"`
		Purpose     string  `json:"paymentPurpose"`
		Description *string `json:"description"`
		Amount      any     `json:"amount"`
		Status      string  `json:"status"`
		Payload     string  `json:"payload"`
	}{ID: st.id, Type: "Sbp", Cashlink: st.cashlink, Purpose: st.purpose, Status: "Active", Payload: st.payload}
	if st.product != "" {
		v.ProductCode = &st.product
	}
	if st.description != "" {
		v.Description = &st.description
	}
	if st.amount > 0 {
		v.Amount = s.sum(st.amount, st.currency)
	}
	if !st.active {
		v.Status = "Inactive"
	}
	return v
}

func (s *Server) readSticker(c call) (any, *refusal) {
	st := s.sticker(c.id)
	if st == nil {
		return nil, s.notFound("Sticker")
	}
	return s.stickerView(st), nil
}

func (s *Server) listStickers(c call) (any, *refusal) {
	if c.query["merchantid"] == "" {
		return nil, invalid("Specify required MerchantId value.")
	}
	if no := s.ours(c.query["merchantid"]); no != nil {
		return nil, no
	}
	out := make([]any, len(s.stickers))
	for i, st := range s.stickers {
		out[i] = s.stickerView(st)
	}
	return map[string]any{"items": out}, nil
}

func (s *Server) switchSticker(c call) (any, *refusal) {
	st := s.sticker(c.id)
	if st == nil {
		return nil, s.notFound("Sticker")
	}
	k := &check{}
	k.field(c.body, "Active", true)
	active := k.flag(c.body, "Active")
	if no := k.refusal(); no != nil {
		return nil, no
	}
	st.active = active
	return nil, nil
}

// PaySticker is a customer paying by a static code; amount is what he types
// where the code has none. It gives the id of the payment.
func (s *Server) PaySticker(id string, amount money.Amount) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.sticker(id)
	switch {
	case st == nil || !st.active:
		return "", fmt.Errorf("paymastertest: no active sticker %q", id)
	case st.cashlink:
		return "", fmt.Errorf("paymastertest: sticker %q is a cashlink: a payment activates it", id)
	case st.amount > 0:
		amount = st.amount
	case amount <= 0:
		return "", fmt.Errorf("paymastertest: sticker %q has no amount: give one", id)
	}
	currency := st.currency
	orElse(&currency, "RUB")
	p := &payment{amount: amount, currency: currency, description: st.purpose, callback: st.callback}
	s.open(p)
	s.obtain(p, "Sbp", "")
	return p.id, nil
}
