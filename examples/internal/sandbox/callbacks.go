package sandbox

import (
	"net/url"
	"slices"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

// Callback is a notification of a provider with its attempts.
type Callback struct {
	Provider Provider
	emulator.Delivery
}

// Callbacks are those of all providers, the newest first.
func (s *Sandbox) Callbacks() []Callback {
	var out []Callback
	for _, p := range Providers() {
		for _, d := range s.Emulator(p).Deliveries() {
			out = append(out, Callback{p, d})
		}
	}
	slices.Reverse(out) // of the same moment the later one first
	slices.SortStableFunc(out, func(a, b Callback) int { return b.Created.Compare(a.Created) })
	return out
}

// callbacksOf are those about an order, the oldest first. A provider may call
// it by another id there.
func (s *Sandbox) callbacksOf(o Order) []Callback {
	var out []Callback
	b := s.Bank(o.Provider)
	for _, d := range b.Deliveries() {
		about := d.Order == o.ID
		if !about {
			named, ok := b.Order(d.Order)
			about = ok && named.ID == o.ID
		}
		if about {
			out = append(out, Callback{o.Provider, d})
		}
	}
	return out
}

// callback finds one by the provider's id of it.
func (s *Sandbox) callback(p Provider, id string) (Callback, bool) {
	e := s.Emulator(p)
	if e == nil {
		return Callback{}, false
	}
	all := e.Deliveries()
	at := slices.IndexFunc(all, func(d emulator.Delivery) bool { return d.ID == id })
	if at < 0 {
		return Callback{}, false
	}
	return Callback{p, all[at]}, true
}

// Path is the address of its page.
func (c Callback) Path() string {
	return "/callbacks/" + string(c.Provider) + "/" + url.PathEscape(c.ID)
}

// Name is the provider's.
func (c Callback) Name() string { return c.Provider.Name() }

// Status is where it stands.
func (c Callback) Status() status {
	switch c.State {
	case emulator.Delivered:
		if c.Forged {
			return status{"Подделка принята!", "bad"}
		}
		return status{"Принято", "ok"}
	case emulator.GivenUp:
		if c.Forged {
			return status{"Подделка отвергнута", "ok"}
		}
		return status{"Не принято", "bad"}
	case emulator.Lost:
		return status{"Потеряно в пути", "off"}
	case emulator.NotConfigured:
		return status{"Адрес не задан", "off"}
	}
	if len(c.Attempts) > 0 {
		return status{"Ждёт повтора", "wait"}
	}
	return status{"Ждёт отправки", "wait"}
}

// Waits says whether another attempt is to come.
func (c Callback) Waits() bool { return c.State == emulator.Waiting }

// BodyText is the body, or what stands in the address in its place.
func (c Callback) BodyText() string {
	if len(c.Body) > 0 {
		return readable(c.Body)
	}
	if u, err := url.Parse(c.URL); err == nil && u.RawQuery != "" {
		return readable([]byte(u.RawQuery))
	}
	return ""
}

// Signature is what the shop is to check, by the names that it has at the
// providers.
func (c Callback) Signature() (where, value string) {
	for _, name := range []string{"X-Hmac-Signature", "X-Signature", "Signature"} {
		if v := c.Header.Get(name); v != "" {
			return name, v
		}
	}
	values := url.Values{}
	if u, err := url.Parse(c.URL); err == nil {
		values = u.Query()
	}
	if form, err := url.ParseQuery(string(c.Body)); err == nil {
		for name, v := range form {
			values[name] = v
		}
	}
	for _, name := range []string{"checksum", "LMI_HASH", "key", "odkey"} {
		if v := values.Get(name); v != "" {
			return name, v
		}
	}
	if c.Provider == Tochka {
		return "JWT (RS256)", "всё тело уведомления: заголовок, данные и подпись через точку"
	}
	return "", ""
}
