package bridge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/acquiring-go/acquiring"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
)

// serveConnectInfo answers the first question of a one-step connection.
func (b *Bridge) serveConnectInfo(w http.ResponseWriter, _ *http.Request) {
	if b.conf.Module.Secret == "" {
		answer(w, http.StatusOK, crm.ConnectInfo{ErrorMsg: "Модуль подключается только по ключу API: откройте " + b.conf.PublicURL + "/settings"})
		return
	}
	answer(w, http.StatusOK, crm.ConnectInfo{Success: true, Scopes: crm.Scopes(), RegisterURL: b.conf.PublicURL + "/simple/connect"})
}

// serveConnect takes the account's key, when its token shows that the CRM
// gives it.
func (b *Bridge) serveConnect(w http.ResponseWriter, r *http.Request) {
	fail := func(status int, text string) { answer(w, status, crm.Registered{ErrorMsg: &text}) }
	f, err := form(w, r)
	var reg crm.Register
	if err != nil || json.Unmarshal([]byte(f.Get("register")), &reg) != nil {
		fail(http.StatusBadRequest, "The register field is not JSON")
		return
	}
	if !reg.Verify(b.conf.Module.Secret) {
		fail(http.StatusUnauthorized, "Invalid token")
		return
	}
	c, err := b.connect(r.Context(), reg.System(), reg.APIKey)
	if err != nil {
		b.log.Error("a connection failed", "account", reg.System(), "error", err)
		text, _ := words(err)
		fail(http.StatusBadRequest, text)
		return
	}
	answer(w, http.StatusCreated, crm.Registered{Success: true, AccountURL: b.pageURL(c)})
}

// domains are where accounts of RetailCRM live.
var domains = []string{".retailcrm.ru", ".retailcrm.pro", ".retailcrm.es", ".simla.com", ".simla.io"}

// system checks an account's address: an API key is sent there.
func (b *Bridge) system(address string) (string, error) {
	address = strings.TrimRight(strings.TrimSpace(address), "/")
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Path != "" || u.User != nil || u.RawQuery != "" {
		return "", refusal("Адрес аккаунта выглядит так: https://account.retailcrm.ru")
	}
	host := strings.ToLower(u.Hostname())
	known := u.Scheme == "https" && slices.ContainsFunc(domains, func(d string) bool { return strings.HasSuffix(host, d) })
	try := b.conf.AllowHTTP && (host == "127.0.0.1" || host == "localhost")
	if !known && !try {
		return "", refusal("Адрес аккаунта должен быть в одном из доменов RetailCRM: " + strings.Join(domains, ", "))
	}
	return strings.ToLower(u.Scheme) + "://" + strings.ToLower(u.Host), nil
}

// connect stores the account and registers the module in it, at once so that
// the administrator sees what is wrong.
func (b *Bridge) connect(ctx context.Context, systemURL, apiKey string) (*connection, error) {
	systemURL, err := b.system(systemURL)
	if err != nil {
		return nil, err
	}
	c, err := b.store.connect(ctx, systemURL, apiKey)
	if err != nil {
		return nil, err
	}
	if err := b.register(ctx, c.ClientID); err != nil {
		return nil, err
	}
	return b.store.connection(ctx, "client_id", c.ClientID)
}

// connectByKey is connect for a key that was made by hand: what it may do is
// looked at first, and what is missing is named.
func (b *Bridge) connectByKey(ctx context.Context, systemURL, apiKey string) (*connection, error) {
	systemURL, err := b.system(systemURL)
	if err != nil {
		return nil, err
	}
	account, err := b.client(systemURL, strings.TrimSpace(apiKey))
	if err != nil {
		return nil, refusal("Ключ API не годится: " + err.Error())
	}
	have, err := account.Credentials(ctx)
	if err != nil {
		return nil, refusal("RetailCRM не принимает ключ API: " + err.Error())
	}
	if missing := lacking(have, b.conf.Module.Permissions); len(missing) > 0 {
		return nil, refusal("Ключу API не хватает прав: " + strings.Join(missing, ", ") + ". Добавьте их в настройках ключа и подключите снова.")
	}
	return b.connect(ctx, systemURL, strings.TrimSpace(apiKey))
}

// lacking names the permissions that a key does not have. A key of a one-step
// connection has scopes in their place.
func lacking(have crm.Credentials, need []string) (missing []string) {
	if len(have.Methods) == 0 && len(have.Scopes) > 0 {
		for _, scope := range []string{"integration_read", "integration_write", "payments_write"} {
			if !slices.Contains(have.Scopes, scope) {
				missing = append(missing, scope)
			}
		}
		return missing
	}
	for _, p := range need {
		if !slices.Contains(have.Methods, p) {
			missing = append(missing, p)
		}
	}
	return missing
}

// module is the registration of a connection.
func (b *Bridge) module(c *connection) crm.Module {
	m := crm.Module{Code: b.conf.Module.Code, IntegrationCode: b.conf.Module.Code, Active: c.Active, Freeze: c.Frozen, Name: b.conf.Module.Name,
		Logo: b.conf.Module.Logo, ClientID: c.ClientID, BaseURL: b.conf.PublicURL + "/crm/" + c.Path, AccountURL: b.pageURL(c),
		Actions: map[string]string{"activity": "/activity"}, AvailableCountries: b.conf.Module.Countries}
	if m.Logo == "" {
		m.Logo = b.conf.PublicURL + "/logo.svg"
	}
	m.Integrations.Payment = crm.PaymentIntegration{Currencies: []string{"RUB"}, InvoiceTypes: []string{"link"}, Shops: []crm.Shop{},
		Actions: map[string]string{"create": "/payment/create", "approve": "/payment/approve", "cancel": "/payment/cancel",
			"refund": "/payment/refund", "status": "/payment/status"}}
	for _, s := range b.shops {
		if s.serves(c.SystemURL) {
			m.Integrations.Payment.Shops = append(m.Integrations.Payment.Shops, crm.Shop{Code: s.Code, Name: s.Title(), Active: !s.Disabled})
		}
	}
	return m
}

// digest tells one registration from another.
func digest(m crm.Module) (string, error) {
	doc, err := json.Marshal(m)
	sum := sha256.Sum256(doc)
	return hex.EncodeToString(sum[:]), err
}

// register sends the whole registration, unless the CRM has it as it is.
func (b *Bridge) register(ctx context.Context, clientID string) error {
	c, err := b.store.connection(ctx, "client_id", clientID)
	if err != nil {
		return err
	}
	m := b.module(c)
	sum, err := digest(m)
	if err != nil || sum == c.Registered {
		return err
	}
	account, err := b.account(ctx, clientID)
	if err != nil {
		return err
	}
	if err := account.EditModule(ctx, m); err != nil {
		return err
	}
	return b.store.do(ctx, func(w *work) error {
		_, err := w.exec(ctx, "UPDATE retailcrm_connections SET registered = ? WHERE client_id = ?", sum, clientID)
		return err
	})
}

// registerChanged puts into the outbox the registrations that the CRM has
// otherwise: the shops in the configuration were changed.
func (b *Bridge) registerChanged(ctx context.Context) error {
	all, err := b.store.connections(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		sum, err := digest(b.module(c))
		if err != nil {
			return err
		}
		if sum != c.Registered {
			if err := b.store.do(ctx, func(w *work) error { return w.registration(ctx, c.ClientID) }); err != nil {
				return err
			}
		}
	}
	b.store.awake()
	return nil
}

func (w *work) registration(ctx context.Context, clientID string) error {
	return w.enqueue(ctx, clientID, "register:"+clientID, laneCRM, taskRegister, struct{}{})
}

// serveActivity takes the CRM's news that the module was switched on or off,
// or that the account has a new address.
func (b *Bridge) serveActivity(w http.ResponseWriter, r *http.Request) {
	f, err := form(w, r)
	var c *connection
	if err == nil {
		c, err = b.caller(r, f)
	}
	if err != nil {
		answer(w, http.StatusOK, crm.Reply{})
		return
	}
	var a crm.Activity
	if json.Unmarshal([]byte(f.Get("activity")), &a) != nil || !a.Active.Given || !a.Freeze.Given || f.Get("systemUrl") == "" {
		refuse(w, crm.Faults{"activity: нужны active, freeze и systemUrl"})
		return
	}
	systemURL, err := b.system(f.Get("systemUrl"))
	if err != nil {
		refuse(w, err)
		return
	}
	err = b.store.do(r.Context(), func(w *work) error {
		n, err := w.exec(r.Context(), "UPDATE retailcrm_connections SET active = ?, frozen = ?, system_url = ? WHERE client_id = ?",
			number(a.Active.Value), number(a.Freeze.Value), systemURL, c.ClientID)
		if err == nil && n != 1 {
			err = fmt.Errorf("no connection was changed: %w", acquiring.ErrNotFound)
		}
		if err != nil || systemURL == c.SystemURL {
			return err
		}
		return w.registration(r.Context(), c.ClientID)
	})
	if err != nil {
		refuse(w, err)
		return
	}
	b.store.awake()
	answer(w, http.StatusOK, crm.Reply{Success: true})
}
