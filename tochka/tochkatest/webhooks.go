package tochkatest

import (
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// repeats is how often a webhook is sent again, every 10 seconds, until the
// answer is 200.
const repeats = 30

// hook is a registered webhook.
type hook struct {
	url   string
	types []string
}

func (s *Server) setHook(clientID, address string, types []string) {
	if s.hooks[clientID] == nil {
		s.hookIDs = append(s.hookIDs, clientID)
	}
	s.hooks[clientID] = &hook{url: address, types: slices.Clone(types)}
}

func (s *Server) dropHook(clientID string) {
	delete(s.hooks, clientID)
	s.hookIDs = slices.DeleteFunc(s.hookIDs, func(id string) bool { return id == clientID })
}

// clientID is the one in the address; it must be the caller's own.
func (c *call) clientID() (string, *refusal) {
	id := c.path["clientId"]
	if id != c.grant.clientID {
		return "", forbidden()
	}
	return id, nil
}

func hookObject(h *hook) object { return object{{"webhooksList", h.types}, {"url", h.url}} }

func (c *call) putWebhook() (reply, *refusal) { return c.registerWebhook(false) }

func (c *call) editWebhook() (reply, *refusal) { return c.registerWebhook(true) }

// registerWebhook tries the address with a sample of each type before it keeps
// it. No lock is held meanwhile: the receiver may ask the bank.
func (c *call) registerWebhook(mustExist bool) (reply, *refusal) {
	id, fault := c.clientID()
	if fault != nil {
		return reply{}, fault
	}
	c.mu.Lock()
	there := c.hooks[id] != nil
	c.mu.Unlock()
	if mustExist && !there {
		return reply{}, noWebhook()
	}
	h := &hook{url: c.text("url"), types: c.texts("webhooksList")}
	if words := c.addressFault(h.url); words != "" {
		return reply{}, invalid("url", words)
	}
	if len(h.types) == 0 {
		return reply{}, invalid("webhooksList", "List should have at least 1 item after validation, not 0")
	}
	for _, kind := range h.types {
		if fault := c.try(h.url, kind); fault != nil {
			return reply{}, fault
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.setHook(id, h.url, h.types)
	return ok(hookObject(h))
}

func noWebhook() *refusal {
	return no(http.StatusNotFound, wrong, "Object of Webhooks does not exists")
}

// addressFault: https, port 443, no password. Addresses of this machine pass
// unless the options are strict.
func (s *Server) addressFault(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "Input should be a valid URL"
	}
	if !s.opt.strictURLs {
		ip, err := netip.ParseAddr(u.Hostname())
		if u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
			return ""
		}
	}
	switch {
	case u.Scheme != "https":
		return "Value error, only https is allowed"
	case u.Port() != "" && u.Port() != "443":
		return "Value error, only port 443 is allowed"
	case u.User != nil:
		return "Value error, authorization in url is not allowed"
	}
	return ""
}

// try sends a sample and wants 200.
func (s *Server) try(address, kind string) *refusal {
	d := s.base.Outbox.Ask(s.message("webhook:"+kind, "test "+kind, address, sample(kind)))
	if a := d.Answer(); a.Status != http.StatusOK {
		return no(s.opt.webhookStatus, wrong, "Тестовый вебхук %s не доставлен: ожидался ответ 200", kind)
	}
	return nil
}

func (c *call) getWebhook() (reply, *refusal) {
	id, fault := c.clientID()
	if fault != nil {
		return reply{}, fault
	}
	h := c.hooks[id]
	if h == nil {
		return reply{}, noWebhook()
	}
	return ok(hookObject(h))
}

func (c *call) deleteWebhook() (reply, *refusal) {
	id, fault := c.clientID()
	if fault != nil {
		return reply{}, fault
	}
	if c.hooks[id] == nil {
		return reply{}, noWebhook()
	}
	c.dropHook(id)
	return result(true)
}

func (c *call) testWebhook() (reply, *refusal) {
	id, fault := c.clientID()
	if fault != nil {
		return reply{}, fault
	}
	c.mu.Lock()
	h := c.hooks[id]
	c.mu.Unlock()
	if h == nil {
		return reply{}, noWebhook()
	}
	if fault := c.try(h.url, c.text("webhookType")); fault != nil {
		return reply{}, fault
	}
	return result(true)
}

// message is a webhook: the token is the whole body.
func (s *Server) message(order, event, address string, payload object) emulator.Message {
	text := encode(nil, payload, true)
	return emulator.Message{Order: order, Event: event, Method: http.MethodPost, URL: address, Header: http.Header{"Content-Type": {"text/plain"}},
		Body: []byte(s.signer.sign(text)), Canonical: string(text), Delay: s.opt.webhookDelay}
}

// announce sends a webhook to all who asked for its type and may see the
// company; one address hears it once. Where nobody has registered, it is
// recorded as not configured. The lock is held.
func (s *Server) announce(order, customer, kind string, payload object) {
	var told []string
	for _, id := range s.hookIDs {
		h := s.hooks[id]
		if slices.Contains(h.types, kind) && s.covers(id, customer) && !slices.Contains(told, h.url) {
			told = append(told, h.url)
			s.base.Outbox.Send(s.message(order, kind, h.url, payload))
		}
	}
	if told == nil {
		s.base.Outbox.Send(s.message(order, kind, "", payload))
	}
}

// covers says whether a client id may hear of a company.
func (s *Server) covers(clientID, customer string) bool {
	for _, k := range s.keys {
		if k.ClientID == clientID {
			return slices.Contains(k.Customers, customer)
		}
	}
	for _, k := range s.consents {
		if k.app.ClientID == clientID && k.status == "Authorised" && slices.Contains(k.customers, customer) {
			return true
		}
	}
	return false
}

// sumText is a sum as webhooks have it: "40.0", "0.33".
func (s *Server) sumText(a money.Amount) string {
	if s.opt.twoDecimals {
		return a.String()
	}
	return roubles(a).String()
}

// tell announces an operation's success. Charges of a subscription are told in
// the same words as the first payment. The lock is held.
func (s *Server) tell(op *operation, status string, a money.Amount) {
	o := object{{"customerCode", op.customer}, {"amount", s.sumText(a)}, {"paymentType", op.paymentType}, {"operationId", op.id}}
	o = o.some("transactionId", op.transaction).with("purpose", op.purpose).some("qrcId", op.qrc).some("payerName", op.payer).
		with("webhookType", "acquiringInternetPayment").with("merchantId", op.merchant)
	if op.paymentType == "card" {
		o = o.some("consumerId", op.consumer)
	}
	o = o.with("status", status).with("paymentLinkId", op.link)
	if op.card != nil && op.paymentType == "card" {
		o = o.with("maskedPan", op.card.masked).with("cardType", op.card.brand).with("tokenCardId", op.card.token)
	}
	s.announce(op.id, op.customer, "acquiringInternetPayment", o)
}

// sampleCompany is that of the documentation's samples.
const sampleCompany = "300123123"

const samplePurpose = "Оплата по счету № 1 от 01.01.2021. Без НДС"

// sample is the documentation's own event of a type, which registration sends.
func sample(kind string) object {
	side := object{{"bankCode", "000000000"}, {"bankName", "ООО Банк Точка"}, {"bankCorrespondentAccount", strings.Repeat("0", 20)}, {"account", strings.Repeat("0", 20)},
		{"name", "ИП Тест"}, {"amount", "40.0"}, {"currency", "RUB"}, {"inn", "0000000000"}, {"kpp", "0000000000"}}
	qrc := "AS10006DPRTEFPFS9HJ9SQSDSVRHJD3L"
	switch kind {
	case "incomingPayment", "outgoingPayment":
		return object{{"SidePayer", side}, {"SideRecipient", side}, {"purpose", "Тестовое назначение платежа"}, {"documentNumber", "00000"}, {"paymentId", "0000000000"},
			{"date", "2018-10-01"}, {"webhookType", kind}, {"customerCode", sampleCompany}}
	case "incomingSbpPayment":
		return object{{"operationId", "A22001100263820100000533E625FCB3"}, {"qrcId", qrc}, {"amount", "0.33"}, {"payerMobileNumber", "+99991234567"},
			{"payerName", "Иван Иванович И."}, {"brandName", "Кофейня у Артема"}, {"merchantId", "MF0000000001"}, {"purpose", samplePurpose}, {"webhookType", kind},
			{"customerCode", sampleCompany}, {"refTransactionId", "cb1ef10b-39e9-4e55-aef9-d6bcc396ff0f"}}
	case "incomingSbpB2BPayment":
		return object{{"qrcId", qrc}, {"amount", "0.33"}, {"purpose", samplePurpose}, {"webhookType", kind}, {"customerCode", sampleCompany}}
	}
	return object{{"customerCode", sampleCompany}, {"amount", "0.33"}, {"paymentType", "card"}, {"operationId", "beeac8a4-6047-3f38-8922-a664e6b5c43b"},
		{"purpose", samplePurpose}, {"webhookType", kind}, {"merchantId", "200000000001234"}, {"consumerId", "917ed389-a120-4291-8e73-38c6ef7d6770"},
		{"status", "APPROVED"}, {"paymentLinkId", "12345-ab-cd"}}
}

// SendSample sends the documentation's sample event of a type to all webhooks
// that are registered, whatever types they asked for: an event of a foreign
// company, rightly signed.
func (s *Server) SendSample(kind string) { s.SendEvent("sample", kind, sample(kind)) }

// SendEvent sends any payload, rightly signed, to all webhooks that are
// registered: an unknown type, a new field. Its members go out in order.
func (s *Server) SendEvent(order, kind string, payload Payload) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.hookIDs {
		s.base.Outbox.Send(s.message(order, kind, s.hooks[id].url, payload))
	}
}

// Payload is a JSON object in order, for SendEvent and Sign; its values are
// texts, numbers (int, json.RawMessage), booleans, nil, Payloads, []Payload and
// []string.
type Payload = object

// Field is a member of a Payload: Field{Name: "webhookType", Value: "new"}.
type Field = member

// Sign makes the token of a payload, as the bank writes and signs it.
func (s *Server) Sign(payload Payload) string { return s.signer.sign(encode(nil, payload, true)) }

// SignBytes makes the token of these very bytes.
func (s *Server) SignBytes(payload []byte) string { return s.signer.sign(payload) }
