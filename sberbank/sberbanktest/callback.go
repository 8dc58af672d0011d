package sberbanktest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

var defaultOperations = []string{"approved", "deposited", "reversed", "refunded", "declinedByTimeout", "subscriptionCreated"}

func (s *Server) callbacksOf(o *order) CallbackSettings {
	if o.legacy {
		return o.merchant.LegacyCallbacks
	}
	return o.merchant.Callbacks
}

// notify queues the news of an order, if the merchant wants to hear of it.
func (s *Server) notify(o *order, operation string, success bool, more map[string]string) {
	set := s.callbacksOf(o)
	wanted := set.Operations
	if wanted == nil {
		wanted = defaultOperations
	}
	if !slices.Contains(wanted, operation) {
		return
	}
	s.base.Outbox.Send(s.message(o, set, operation, success, more))
}

// forge queues what a stranger would send: paid, signed with a key of his own.
func (s *Server) forge(o *order) {
	set := s.callbacksOf(o)
	operation := "deposited"
	if o.PreAuth {
		operation = "approved"
	}
	set.Crypto, set.Key = s.signer.Stranger(set.Crypto, set.Key)
	m := s.message(o, set, operation, true, nil)
	m.Retries = emulator.NoRetries
	s.base.Outbox.SendForged(m)
}

// message builds a callback.
func (s *Server) message(o *order, set CallbackSettings, operation string, success bool, more map[string]string) emulator.Message {
	status := "0"
	if success {
		status = "1"
	}
	params := make([]gateway.Pair, 0, 5+len(set.Params))
	for _, p := range []gateway.Pair{{Name: "mdOrder", Value: o.ID}, {Name: "orderNumber", Value: o.Number}, {Name: "operation", Value: operation}, {Name: "status", Value: status}} {
		if !slices.Contains(set.Without, p.Name) {
			params = append(params, p)
		}
	}
	for _, name := range set.Params {
		if v, ok := s.extra(o, name, more); ok {
			params = append(params, gateway.Pair{Name: name, Value: v})
		}
	}
	params, canonical := s.signer.Sign(set.Crypto, set.Key, set.SignAlias, params)
	to := set.URL
	if !set.StaticOnly && o.DynamicURL != "" {
		to = o.DynamicURL
	}
	m := emulator.Message{Order: o.ID, Event: operation, Canonical: canonical, URL: to}
	var nested obj
	if set.Method == CallbackJSON {
		nested = s.additional(o, operation)
	}
	carry(&m, set.Method, params, nested)
	m.Retries = retriesOf(o.legacy, set)
	return m
}

func retriesOf(legacy bool, set CallbackSettings) emulator.Schedule {
	switch {
	case set.NoRetries:
		return emulator.NoRetries
	case legacy:
		return emulator.Growing(6, 10*time.Minute)
	}
	return emulator.Every(3, time.Minute)
}

// carry puts the parameters where the method wants them.
func carry(m *emulator.Message, method CallbackMethod, params []gateway.Pair, nested obj) {
	switch method {
	case CallbackJSON:
		m.Method, m.Body = http.MethodPost, jsonBody(params, nested)
		m.Header = http.Header{"Content-Type": {"application/json"}}
	case CallbackForm:
		gateway.CarryForm(m, params)
	default:
		gateway.CarryQuery(m, params)
	}
}

// PublicKeyPEM is the bank's public key of asymmetric callbacks, made when it
// is first needed.
func (s *Server) PublicKeyPEM() string { return s.signer.PublicKeyPEM() }

// extra is an additional parameter; false: the order has none.
func (s *Server) extra(o *order, name string, more map[string]string) (string, bool) {
	if v, ok := more[name]; ok {
		return v, v != ""
	}
	if name == "callbackCreationDate" {
		return s.base.Clock.Now().UTC().Format("Mon Jan 02 15:04:05 UTC 2006"), true
	}
	return s.desk.Parameter(&o.Order, name)
}

// jsonBody keeps the order of the parameters; status is a number, as the
// document has it.
func jsonBody(params []gateway.Pair, nested obj) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, p := range params {
		if i > 0 {
			b.WriteByte(',')
		}
		name, _ := json.Marshal(p.Name)
		value, _ := json.Marshal(p.Value)
		if p.Name == "status" {
			value = []byte(p.Value)
		}
		b.Write(name)
		b.WriteByte(':')
		b.Write(value)
	}
	if len(nested) > 0 {
		v, _ := json.Marshal(nested)
		b.WriteString(`,"additionalParams":`)
		b.Write(v)
	}
	b.WriteByte('}')
	return b.Bytes()
}

// additional is additionalParams of the new gateway's JSON.
func (s *Server) additional(o *order, operation string) obj {
	out := obj{}
	if o.qrcID != "" && (o.bySBP() || operation == "subscriptionCreated") {
		out["qrcId"] = o.qrcID
	}
	if o.extTransactionID != "" {
		out["extTransactionId"] = o.extTransactionID
	}
	if o.sub != nil {
		out["subscriptionId"], out["memberId"], out["phone"] = o.sub.id, o.sub.member, o.sub.phone
	}
	return out
}

// notifyBinding announces a SberPay binding: to the static address, without
// mdOrder and status.
func (s *Server) notifyBinding(b *gateway.Binding, operation string) {
	m := s.merchants[b.Shop]
	if m == nil {
		return // of the legacy gateway
	}
	set := m.Callbacks
	if !slices.Contains(set.Operations, operation) {
		return
	}
	params, canonical := s.signer.Sign(set.Crypto, set.Key, "", []gateway.Pair{{Name: "bindingId", Value: b.ID}, {Name: "clientId", Value: b.ClientID}, {Name: "operation", Value: operation}})
	msg := emulator.Message{Order: b.ID, Event: operation, Canonical: canonical, URL: set.URL, Retries: retriesOf(false, set)}
	carry(&msg, set.Method, params, nil)
	s.base.Outbox.Send(msg)
}

// notifyReceipt sends the answer of getReceiptStatus for one receipt.
func (s *Server) notifyReceipt(r *receipt, to string) {
	body := s.encode(obj{"orderId": r.order.ID, "orderNumber": r.order.Number, "receipts": []obj{r.view(s)}})
	s.base.Outbox.Send(emulator.Message{Order: "receipt " + r.id, Event: "receipt", Method: http.MethodPost, URL: to, Body: body,
		Header: http.Header{"Content-Type": {"application/json"}}, Retries: retriesOf(false, r.order.merchant.Callbacks)})
}
