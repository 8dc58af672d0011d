package shops

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/examples/crm/secret"
	"github.com/acquiring-go/acquiring/examples/crm/store"
	"github.com/acquiring-go/acquiring/fiscal"
)

// Registry makes the clients of the shops and keeps them until a shop's
// settings change. It is safe for concurrent use.
type Registry struct {
	Store *store.Store
	Box   *secret.Box
	// PublicURL is the CRM's own address as banks and clients see it.
	PublicURL string
	Logger    *slog.Logger

	mu    sync.Mutex
	built map[int64]*clients
	locks sync.Map
}

// clients are a shop's own, of one version of its settings.
type clients struct {
	version  int64
	acquirer acquiring.Acquirer
	register fiscal.Register
}

// Label is the shop's label in logs, errors and the keys of news.
func Label(shop int64) string { return "shop-" + strconv.FormatInt(shop, 10) }

// HookURL is the address for the provider's callbacks (callback-адрес).
func (r *Registry) HookURL(shop store.Shop) string { return r.PublicURL + "/hooks/" + shop.HookToken }

func (r *Registry) sealedAs(shop int64) string { return "shop " + strconv.FormatInt(shop, 10) }

// Seal seals a shop's secrets.
func (r *Registry) Seal(shop int64, secrets map[string]string) ([]byte, error) {
	plain, err := json.Marshal(secrets)
	if err != nil {
		return nil, err
	}
	return r.Box.Seal(r.sealedAs(shop), plain), nil
}

// Secrets opens a shop's secrets.
func (r *Registry) Secrets(shop store.Shop) (map[string]string, error) {
	secrets := map[string]string{}
	if len(shop.Secrets) == 0 {
		return secrets, nil
	}
	plain, err := r.Box.Open(r.sealedAs(shop.ID), shop.Secrets)
	if err != nil {
		return nil, err
	}
	return secrets, json.Unmarshal(plain, &secrets)
}

// conf is all that a client is built of.
func (r *Registry) conf(shop store.Shop) (*conf, error) {
	secrets, err := r.Secrets(shop)
	if err != nil {
		return nil, err
	}
	values := maps.Clone(shop.Settings.Fields)
	if values == nil {
		values = map[string]string{}
	}
	maps.Copy(values, shop.Settings.RegisterFields)
	maps.Copy(values, secrets)
	env := acquiring.Test
	if shop.Production {
		env = acquiring.Production
	}
	place := shop.Settings.Place
	if place == "" {
		place = r.PublicURL
	}
	return &conf{values: values, env: env, label: Label(shop.ID), hook: r.HookURL(shop), token: shop.HookToken, twoStage: shop.Settings.TwoStage,
		tax: fiscal.TaxSystem(shop.Settings.TaxSystem), ffd: fiscal.FFD(shop.Settings.FFD), place: place, inn: shop.EntityINN, email: shop.Settings.NotifyEmail,
		log: r.Logger, keep: keeper{r.Store, r.Box, shop.ID, &r.locks}, redirect: r.RedirectURL()}, nil
}

func (r *Registry) forget(shop int64) {
	r.mu.Lock()
	delete(r.built, shop)
	r.mu.Unlock()
}

// clients gives the shop's, built anew when its version has changed.
func (r *Registry) clients(shop store.Shop) *clients {
	if r.built == nil {
		r.built = map[int64]*clients{}
	}
	have := r.built[shop.ID]
	if have == nil || have.version != shop.Version {
		have = &clients{version: shop.Version}
		r.built[shop.ID] = have
	}
	return have
}

// Acquirer is the shop's client.
func (r *Registry) Acquirer(shop store.Shop) (acquiring.Acquirer, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	have := r.clients(shop)
	if have.acquirer != nil {
		return have.acquirer, nil
	}
	p := ByKey(shop.Provider)
	if p == nil {
		return nil, fmt.Errorf("there is no provider %q", shop.Provider)
	}
	c, err := r.conf(shop)
	if err != nil {
		return nil, err
	}
	a, err := p.build(c)
	if err != nil {
		return nil, err
	}
	have.acquirer = a
	return a, nil
}

// Register is the client of the service that prints the shop's receipts.
func (r *Registry) Register(shop store.Shop) (fiscal.Register, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	have := r.clients(shop)
	if have.register != nil {
		return have.register, nil
	}
	service := RegisterByKey(shop.Settings.ReceiptBy)
	if service == nil {
		return nil, acquiring.Unsupported("crm", "Register", "the shop's receipts are not printed by a cash-register service")
	}
	c, err := r.conf(shop)
	if err != nil {
		return nil, err
	}
	register, err := service.build(c)
	if err != nil {
		return nil, err
	}
	have.register = register
	return register, nil
}

// Problems are what is wrong with a shop's settings, by the key of the field;
// "" is what belongs to none.
type Problems map[string]Trouble

// Add puts a trouble beside a field, unless there is one already.
func (p Problems) Add(field, text string) {
	if _, there := p[field]; !there {
		p[field] = Trouble{Field: field, Text: text}
	}
}

// Validate checks the settings without asking anybody: the clients are built.
func (r *Registry) Validate(shop store.Shop) Problems {
	problems := Problems{}
	p := ByKey(shop.Provider)
	if p == nil {
		problems.Add("", "Такого провайдера нет")
		return problems
	}
	c, err := r.conf(shop)
	if err != nil {
		problems.Add("", "Сохранённые ключи не открываются: файл ключа CRM заменён. Введите ключи провайдера заново.")
		return problems
	}
	needed(problems, p.Fields, c)
	if p.Key == "tochka" {
		if c.get("way") == "jwt" && c.get("jwt") == "" {
			problems.Add("jwt", "Не заполнено")
		}
		if c.get("way") == "oauth" && c.get("client_id") == "" {
			problems.Add("client_id", "Не заполнено")
		}
		if c.get("way") == "oauth" && c.get("client_secret") == "" {
			problems.Add("client_secret", "Не заполнено")
		}
	}
	if len(problems) == 0 {
		if _, err := p.build(c); err != nil {
			problems.of(err, p.Fields, p.Login)
		}
	}
	if service := RegisterByKey(shop.Settings.ReceiptBy); service != nil {
		missing := len(problems)
		needed(problems, service.Fields, c)
		if len(problems) == missing {
			if _, err := service.build(c); err != nil {
				problems.of(err, service.Fields, service.Login)
			}
		}
	}
	return problems
}

func needed(problems Problems, fields []Field, c *conf) {
	for _, f := range fields {
		if f.Required && c.get(f.Key) == "" {
			problems.Add(f.Key, "Не заполнено")
		}
	}
}

// of puts an error beside the field that it names, or beside the one that
// refused credentials are told at.
func (p Problems) of(err error, fields []Field, login string) {
	t := Russian(err, fields)
	if t.Field == "" && errors.Is(err, acquiring.ErrUnauthorized) {
		t.Field = login
	}
	if _, there := p[t.Field]; !there {
		p[t.Field] = t
	}
}

// Check asks the provider, and the cash-register service, whether the
// credentials are good. It moves no money.
func (r *Registry) Check(ctx context.Context, shop store.Shop) Problems {
	problems := Problems{}
	p := ByKey(shop.Provider)
	a, err := r.Acquirer(shop)
	if err != nil {
		problems.of(err, p.Fields, p.Login)
		return problems
	}
	if c, ok := a.(acquiring.Checker); ok {
		if err := c.Check(ctx); err != nil {
			problems.of(err, p.Fields, p.Login)
		}
	}
	if service := RegisterByKey(shop.Settings.ReceiptBy); service != nil {
		register, err := r.Register(shop)
		if err == nil {
			if c, ok := register.(acquiring.Checker); ok {
				err = c.Check(ctx)
			}
		}
		if err != nil {
			problems.of(err, service.Fields, service.Login)
		}
	}
	return problems
}

// Moved says whether an address of the fields has changed. The secrets that are
// stored were meant for the old one: those that were not typed again are told.
func (p Problems) Moved(fields []Field, before, now, stored, typed map[string]string) bool {
	moved := slices.ContainsFunc(fields, func(f Field) bool { return f.Address && before[f.Key] != now[f.Key] })
	for _, f := range fields {
		if moved && f.Secret && stored[f.Key] != "" && typed[f.Key] == "" {
			p.Add(f.Key, "Адрес изменён, а сохранённый ключ туда не отправляется: введите его заново")
		}
	}
	return moved
}

// SplitSecrets parts a form's values into those that are stored as they are
// and those that are sealed. An empty secret keeps the one that is there.
func SplitSecrets(fields []Field, form func(key string) string, plain, sealed map[string]string) {
	secret := secretKeys(fields)
	for _, f := range fields {
		value := strings.TrimSpace(form(f.Key))
		switch {
		case !secret[f.Key]:
			plain[f.Key] = value
		case value != "":
			sealed[f.Key] = value
		}
	}
}
