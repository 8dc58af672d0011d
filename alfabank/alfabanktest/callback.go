package alfabanktest

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/internal/emulator/gateway"
)

var defaultOperations = []string{"approved", "deposited", "reversed", "refunded", "declinedByTimeout"}

func (set *CallbackSettings) wants(operation string) bool {
	if set.Operations == nil {
		return slices.Contains(defaultOperations, operation)
	}
	return slices.Contains(set.Operations, operation)
}

// notify queues the news of an order, if the merchant wants to hear of it.
func (s *Server) notify(o *order, operation string, success bool) {
	if set := o.merchant.Callbacks; set.wants(operation) {
		s.base.Outbox.Send(s.message(o, set, operation, success))
	}
}

// forge queues what a stranger would send: paid, signed with a key of his own.
func (s *Server) forge(o *order) {
	set := o.merchant.Callbacks
	operation := "deposited"
	if o.PreAuth {
		operation = "approved"
	}
	set.Crypto, set.Key = s.signer.Stranger(set.Crypto, set.Key)
	m := s.message(o, set, operation, true)
	m.Retries = emulator.NoRetries
	s.base.Outbox.SendForged(m)
}

// javaDate is Java's Date.toString.
func javaDate(t time.Time) string { return t.In(gateway.Moscow).Format("Mon Jan 02 15:04:05 MST 2006") }

// message builds a callback.
func (s *Server) message(o *order, set CallbackSettings, operation string, success bool) emulator.Message {
	params := []gateway.Pair{{Name: "mdOrder", Value: o.ID}, {Name: "orderNumber", Value: o.Number}, {Name: "operation", Value: operation},
		{Name: "callbackCreationDate", Value: javaDate(s.base.Clock.Now())}, {Name: "status", Value: bit(success)}}
	params = slices.DeleteFunc(params, func(p gateway.Pair) bool { return slices.Contains(set.Without, p.Name) })
	if operation == "refunded" && len(o.refunds) > 0 {
		sum := o.refunds[len(o.refunds)-1].amount
		params = append(params, gateway.Pair{Name: "operationRefundedAmount", Value: strconv.FormatInt(int64(sum), 10)},
			gateway.Pair{Name: "operationRefundedAmountFormatted", Value: strings.ReplaceAll(sum.String(), ".", ",")})
	}
	for _, name := range set.Params {
		if v, ok := s.extra(o, name); ok {
			params = append(params, gateway.Pair{Name: name, Value: v})
		}
	}
	to := set.URL
	if o.DynamicURL != "" {
		to = o.DynamicURL
	}
	return s.envelope(o.ID, operation, to, set, params)
}

func bit(yes bool) string {
	if yes {
		return "1"
	}
	return "0"
}

func (s *Server) extra(o *order, name string) (string, bool) {
	if name == "templateId" {
		if o.template == nil {
			return "", false
		}
		return o.template.id, true
	}
	return s.desk.Parameter(&o.Order, name)
}

// envelope signs the parameters and puts them where the method wants them.
func (s *Server) envelope(about, operation, to string, set CallbackSettings, params []gateway.Pair) emulator.Message {
	alias := set.SignAlias
	switch {
	case alias == "-":
		alias = ""
	case alias == "" && (set.Crypto == CryptoRSA || set.Crypto == CryptoRSASHA256):
		alias = "SHA-256 with RSA" // whatever the hash is
	}
	params, canonical := s.signer.Sign(set.Crypto, set.Key, alias, params)
	m := emulator.Message{Order: about, Event: operation, Canonical: canonical, URL: to}
	if set.Method == CallbackForm {
		gateway.CarryForm(&m, params)
	} else {
		gateway.CarryQuery(&m, params)
	}
	tries, gap := set.Tries, set.Gap
	if tries == 0 {
		tries = 3
	}
	if gap == 0 {
		gap = time.Minute
	}
	m.Retries = emulator.Every(tries, gap)
	return m
}

// notifyBinding announces a saved card or account, to the static address.
func (s *Server) notifyBinding(m *Merchant, id, clientID, operation string, enabled bool) {
	set := m.Callbacks
	if !set.wants(operation) {
		return
	}
	params := []gateway.Pair{{Name: "bindingId", Value: id}, {Name: "clientId", Value: clientID}, {Name: "enabled", Value: strconv.FormatBool(enabled)}}
	if set.BindingOperation {
		params = append(params, gateway.Pair{Name: "operation", Value: operation}, gateway.Pair{Name: "status", Value: "1"})
	}
	msg := s.envelope(id, operation, set.URL, set, params)
	if set.LeadingAmpersand && set.URL != "" && set.Method != CallbackForm {
		msg.URL = strings.Replace(msg.URL, "bindingId=", "&bindingId=", 1)
	}
	s.base.Outbox.Send(msg)
}

// serveMportal is the callback settings that the bank's own CMS modules call.
func (s *Server) serveMportal(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	if i := strings.Index(path, "/mvc/"); i > 0 {
		path = path[i:]
	}
	gateway.ServeMportal(w, r, path, func(user, password string, card gateway.CallbackCard) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		m := s.merchants[user]
		if m == nil || m.Password != password {
			return false
		}
		set := &m.Callbacks
		set.URL, set.Method, set.Operations = card.Addresses, CallbackGET, card.Wanted()
		if card.Method == "POST" {
			set.Method = CallbackForm
		}
		m.Off = slices.DeleteFunc(m.Off, func(r Right) bool { return r == DynamicCallbacks })
		if card.Type == "STATIC" {
			m.Off = append(m.Off, DynamicCallbacks)
		}
		return true
	})
}
