package store

import (
	"context"
	"encoding/json"
	"time"
)

// Entity is a legal entity (юридическое лицо) that receives money.
type Entity struct {
	ID   int64
	Name string
	INN  string
}

// AddEntity stores a legal entity.
func (s *Store) AddEntity(ctx context.Context, db DB, e Entity) (int64, error) {
	return added(ctx, db, `INSERT INTO entities (name, inn, created_at) VALUES ($1, $2, $3) RETURNING id`, e.Name, e.INN, millis(s.Now()))
}

// Entities lists the legal entities.
func (s *Store) Entities(ctx context.Context, db DB) ([]Entity, error) {
	return list(ctx, db, func(r scanner) (Entity, error) {
		var e Entity
		err := r.Scan(&e.ID, &e.Name, &e.INN)
		return e, err
	}, `SELECT id, name, inn FROM entities ORDER BY id`)
}

// The kinds of dictionary words.
const (
	CashDesks = "cash_desk" // кассы
	PayTypes  = "pay_type"  // типы платежа
	Articles  = "article"   // статьи
)

// Word is an entry of a dictionary.
type Word struct {
	ID   int64
	Kind string
	Name string
}

// AddWord stores a word unless it is there, and gives its number.
func (s *Store) AddWord(ctx context.Context, db DB, kind, name string) (int64, error) {
	// The empty UPDATE makes RETURNING give the row that is there already.
	return added(ctx, db, `INSERT INTO dictionary (kind, name) VALUES ($1, $2) ON CONFLICT (kind, name) DO UPDATE SET name = excluded.name RETURNING id`, kind, name)
}

// Words lists a dictionary.
func (s *Store) Words(ctx context.Context, db DB, kind string) ([]Word, error) {
	return list(ctx, db, func(r scanner) (Word, error) {
		w := Word{Kind: kind}
		err := r.Scan(&w.ID, &w.Name)
		return w, err
	}, `SELECT id, name FROM dictionary WHERE kind = $1 ORDER BY id`, kind)
}

// Settings are what a shop is set to, without secrets.
type Settings struct {
	Fields         map[string]string `json:"fields"`   // the provider's own
	RegisterFields map[string]string `json:"register"` // the cash-register service's own

	NotifyEmail string `json:"notify_email"`
	OrderPrefix string `json:"order_prefix"`
	Text        string `json:"text"` // for the customer, above the button
	OfferURL    string `json:"offer_url"`
	SBPOnly     bool   `json:"sbp_only"`
	TwoStage    bool   `json:"two_stage"`
	LinkHours   int    `json:"link_hours"` // life of a payment link; 0: the provider's

	ReceiptBy string `json:"receipt_by"` // none, acquirer, komtet, orangedata, paykeeper
	TaxSystem int    `json:"tax_system"` // fiscal.TaxSystem
	VAT       string `json:"vat"`        // fiscal.VAT
	Subject   int    `json:"subject"`    // fiscal.Subject
	PayMethod int    `json:"pay_method"` // fiscal.PaymentMethod
	FFD       string `json:"ffd"`        // fiscal.FFD
	Place     string `json:"place"`      // место расчётов

	// Sandbox: the shop is of the demonstration, and gets the sandbox's keys at
	// each start.
	Sandbox bool `json:"sandbox,omitempty"`
	// Bank is what was read from the bank («Обновить данные из банка»).
	Bank json.RawMessage `json:"bank,omitempty"`
}

// Shop is a merchant account at a provider, and how the CRM uses it.
type Shop struct {
	ID         int64
	EntityID   int64
	EntityName string
	EntityINN  string
	Name       string
	Provider   string
	Production bool
	Active     bool
	HookToken  string // the unguessable part of its callback address
	CashDeskID int64
	PayTypeID  int64
	ArticleID  int64
	Settings   Settings
	Secrets    []byte // sealed
	Version    int64  // grows with each change
	CheckedAt  time.Time
	CheckError string
}

const shopColumns = `s.id, s.entity_id, e.name, e.inn, s.name, s.provider, s.production, s.active, s.hook_token,
	s.cash_desk_id, s.pay_type_id, s.article_id, s.settings, s.secrets, s.version, s.checked_at, s.check_error
	FROM shops s JOIN entities e ON e.id = s.entity_id`

func readShop(r scanner) (Shop, error) {
	var x Shop
	var settings string
	var checked int64
	err := r.Scan(&x.ID, &x.EntityID, &x.EntityName, &x.EntityINN, &x.Name, &x.Provider, &x.Production, &x.Active, &x.HookToken,
		&x.CashDeskID, &x.PayTypeID, &x.ArticleID, &settings, &x.Secrets, &x.Version, &checked, &x.CheckError)
	if err != nil {
		return x, err
	}
	x.CheckedAt = moment(checked)
	return x, json.Unmarshal([]byte(settings), &x.Settings)
}

// AddShop stores a new shop. Its secrets can be sealed only when its number is
// known: store them with SaveShop.
func (s *Store) AddShop(ctx context.Context, db DB, x Shop) (int64, error) {
	settings, err := json.Marshal(x.Settings)
	if err != nil {
		return 0, err
	}
	return added(ctx, db, `INSERT INTO shops (entity_id, name, provider, production, active, hook_token, cash_desk_id, pay_type_id, article_id,
		settings, secrets, version, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 1, $12) RETURNING id`,
		x.EntityID, x.Name, x.Provider, x.Production, x.Active, x.HookToken, x.CashDeskID, x.PayTypeID, x.ArticleID, string(settings), []byte{}, millis(s.Now()))
}

// SaveShop stores a shop's settings and its sealed secrets.
func (s *Store) SaveShop(ctx context.Context, db DB, x Shop) error {
	settings, err := json.Marshal(x.Settings)
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, `UPDATE shops SET entity_id = $1, name = $2, production = $3, active = $4, cash_desk_id = $5, pay_type_id = $6,
		article_id = $7, settings = $8, secrets = $9, version = version + 1 WHERE id = $10`,
		x.EntityID, x.Name, x.Production, x.Active, x.CashDeskID, x.PayTypeID, x.ArticleID, string(settings), x.Secrets, x.ID)
	return err
}

// SetCheck stores what the last check of the connection said; "" is good.
func (s *Store) SetCheck(ctx context.Context, db DB, shop int64, trouble string) error {
	_, err := db.ExecContext(ctx, `UPDATE shops SET checked_at = $1, check_error = $2 WHERE id = $3`, millis(s.Now()), clean(trouble), shop)
	return err
}

// Shop reads a shop.
func (s *Store) Shop(ctx context.Context, db DB, id int64) (Shop, error) {
	return one(ctx, db, readShop, `SELECT `+shopColumns+` WHERE s.id = $1`, id)
}

// ShopByHook finds the shop of a callback address.
func (s *Store) ShopByHook(ctx context.Context, db DB, token string) (Shop, error) {
	return one(ctx, db, readShop, `SELECT `+shopColumns+` WHERE s.hook_token = $1`, token)
}

// LockShop holds a shop's row until the transaction ends, where rows can be
// locked; rows that refer to the shop may be added meanwhile.
func (s *Store) LockShop(ctx context.Context, db DB, id int64) error {
	_, err := one(ctx, db, func(r scanner) (n int64, err error) { err = r.Scan(&n); return n, err }, `SELECT id FROM shops WHERE id = $1 FOR NO KEY UPDATE`, id)
	return err
}

// Shops lists the shops.
func (s *Store) Shops(ctx context.Context, db DB) ([]Shop, error) {
	return list(ctx, db, readShop, `SELECT `+shopColumns+` ORDER BY s.id`)
}

// Keep stores a value. With fresh, one that is there stays, and added is false.
func (s *Store) Keep(ctx context.Context, db DB, shop int64, area, key string, value []byte, fresh bool) (added bool, err error) {
	end := `DO UPDATE SET value = excluded.value`
	if fresh {
		end = `DO NOTHING`
	}
	result, err := db.ExecContext(ctx, `INSERT INTO keep (shop_id, area, key, seq, value) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (shop_id, area, key) `+end,
		shop, area, key, s.Now().UnixNano(), value)
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n > 0, err
}

// Kept reads a value; ErrNotFound: there is none.
func (s *Store) Kept(ctx context.Context, db DB, shop int64, area, key string) ([]byte, error) {
	return one(ctx, db, func(r scanner) (value []byte, err error) { err = r.Scan(&value); return value, err },
		`SELECT value FROM keep WHERE shop_id = $1 AND area = $2 AND key = $3`, shop, area, key)
}

// Drop removes a value.
func (s *Store) Drop(ctx context.Context, db DB, shop int64, area, key string) error {
	_, err := db.ExecContext(ctx, `DELETE FROM keep WHERE shop_id = $1 AND area = $2 AND key = $3`, shop, area, key)
	return err
}
