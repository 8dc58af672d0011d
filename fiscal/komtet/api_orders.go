package komtet

import (
	"context"
	"encoding/json"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring"
)

// OrderV2 is a courier order of version 2 (заказ курьерской доставки): the
// courier's mobile cash register prints its receipt when it is handed over.
type OrderV2 struct {
	ExternalID ID `json:"external_id"`
	// PayToCourier: the buyer pays the courier; nil is the service's default,
	// true.
	PayToCourier *bool         `json:"is_pay_to_courier,omitempty"`
	DateStart    TimeV2        `json:"date_start"`
	DateEnd      TimeV2        `json:"date_end"`
	Client       OrderClient   `json:"client"`
	Company      *Company      `json:"company,omitempty"`
	Items        []OrderItemV2 `json:"items"`
	State        string        `json:"state,omitempty"` // "new"
	Description  string        `json:"description,omitempty"`
	PaymentType  string        `json:"payment_type,omitempty"` // as Payment.Type; "" is card
	Prepayment   Roubles       `json:"prepayment"`             // paid before
	CourierID    int64         `json:"courier_id,omitempty"`   // an employee of the type courier
	CallbackURL  string        `json:"callback_url,omitempty"`

	Attribute     string         `json:"additional_check_props,omitempty"`
	UserAttribute *UserAttribute `json:"additional_user_props,omitempty"`
	Industry      []Industry     `json:"sectoral_check_props,omitempty"`
	Operational   *Operational   `json:"operating_check_props,omitempty"`

	Extra Extra `json:"-"`
}

// OrderClient is whom the order goes to.
type OrderClient struct {
	Address    string      `json:"address"`
	Phone      string      `json:"phone"`
	Name       string      `json:"name,omitempty"`
	Email      string      `json:"email,omitempty"`
	Requisites *Requisites `json:"requisites,omitempty"` // printed on the receipt
	Coordinate *Coordinate `json:"coordinate,omitempty"`
}

// Requisites are the buyer's data on the receipt (1227, 1228).
type Requisites struct {
	Name string `json:"name,omitempty"`
	INN  string `json:"inn,omitempty"`
}

// Coordinate is a place, in decimal degrees as text.
type Coordinate struct {
	Latitude  string `json:"latitude"`
	Longitude string `json:"longitude"`
}

// OrderItemV2 is a line of a courier order. The shop's own number of the line
// belongs into ID and ExternalID both: which of them the service gives back
// depends on the version.
type OrderItemV2 struct {
	ID          ID         `json:"id,omitzero"`
	ProductID   ID         `json:"product_id,omitzero"`
	ExternalID  ID         `json:"external_id,omitzero"`
	Name        string     `json:"name"`
	Price       Roubles    `json:"price"`
	Quantity    Quantity   `json:"quantity"`
	Total       Roubles    `json:"total"`
	VAT         string     `json:"vat"`
	Measure     int        `json:"measure"`
	Type        string     `json:"type"` // see SubjectCode
	Excise      *Roubles   `json:"excise,omitempty"`
	Country     string     `json:"country_code,omitempty"`
	Declaration string     `json:"declaration_number,omitempty"`
	UserData    string     `json:"user_data,omitempty"`
	Agent       *AgentInfo `json:"agent_info,omitempty"`
	Supplier    *Supplier  `json:"supplier_info,omitempty"`
	Mark        *MarkCode  `json:"mark_code,omitempty"`
	MarkPart    *MarkPart  `json:"mark_quantity,omitempty"`
	NeedsMark   *bool      `json:"is_need_nomenclature_code,omitempty"` // the courier scans the mark
	Industry    []Industry `json:"sectoral_item_props,omitempty"`

	Extra Extra `json:"-"`
}

// OrderV1 is a courier order of version 1. Its fields are as in OrderV2;
// TaxSystem is TaxSystemCode's.
type OrderV1 struct {
	OrderID     ID            `json:"order_id"` // answered as external_id
	TaxSystem   int           `json:"sno"`
	Address     string        `json:"client_address"`
	Phone       string        `json:"client_phone"`
	Email       string        `json:"client_email,omitempty"`
	Name        string        `json:"client_name,omitempty"`
	Coordinate  *Coordinate   `json:"client_coordinate,omitempty"`
	Paid        bool          `json:"is_paid"`
	Description string        `json:"description,omitempty"`
	DateStart   TimeV1        `json:"date_start"`
	DateEnd     TimeV1        `json:"date_end"`
	Items       []OrderItemV1 `json:"items"`
	State       string        `json:"state,omitempty"`
	CourierID   int64         `json:"courier_id,omitempty"`
	CallbackURL string        `json:"callback_url,omitempty"`
	PaymentType string        `json:"payment_type,omitempty"`
	Prepayment  Roubles       `json:"prepayment"`

	Extra Extra `json:"-"`
}

// OrderItemV1 is a line of a courier order of version 1. Price is of one, Total of
// the line; VAT is VATCode's, Type SubjectCode's of APIv1.
type OrderItemV1 struct {
	OrderItemID ID         `json:"order_item_id"` // answered as the item's external_id
	Name        string     `json:"name"`
	Price       Roubles    `json:"price"`
	Quantity    Quantity   `json:"quantity"`
	Total       Roubles    `json:"total"`
	VAT         string     `json:"vat"`
	MeasureName string     `json:"measure_name,omitempty"`
	Type        string     `json:"type,omitempty"`
	Agent       *AgentInfo `json:"agent_info,omitempty"`
	Supplier    *Supplier  `json:"supplier_info,omitempty"`
	Excise      *Roubles   `json:"excise,omitempty"`
	Country     string     `json:"country_code,omitempty"`
	Declaration string     `json:"declaration_number,omitempty"`
	// Mark is a plain text here, unlike in a receipt.
	Mark      string `json:"nomenclature_code,omitempty"`
	NeedsMark *bool  `json:"is_need_nomenclature_code,omitempty"`

	Extra Extra `json:"-"`
}

// Order is a courier order as the service answers it. Everything but ID may be
// absent: the versions and the calls differ.
type Order struct {
	ID           Int               `json:"id"`
	ExternalID   ID                `json:"external_id"`
	TaskID       Int               `json:"task_id"` // 0 until it is handed over and printed
	State        string            `json:"state"`   // new, done, canceled and others
	Client       *OrderClient      `json:"client"`  // version 2
	Company      *Company          `json:"company"` // version 2
	ClientName   Text              `json:"client_name"`
	Address      Text              `json:"client_address"`
	Phone        Text              `json:"client_phone"`
	Email        Text              `json:"client_email"`
	TaxSystem    *Int              `json:"sno"`
	Items        []OrderItemAnswer `json:"items"`
	Amount       Decimal           `json:"amount"`
	Prepayment   Decimal           `json:"prepayment"`
	PaymentType  Text              `json:"payment_type"`
	Paid         bool              `json:"is_paid"`
	PayToCourier bool              `json:"is_pay_to_courier"`
	Courier      *Courier          `json:"courier"` // nil: nobody has it
	Description  Text              `json:"description"`
	DateStart    Text              `json:"date_start"` // YYYY-MM-DD HH:MM in both versions
	DateEnd      Text              `json:"date_end"`
	CallbackURL  Text              `json:"callback_url"`

	Raw json.RawMessage `json:"-"` // the answer as it came
}

// OrderItemAnswer is a line of a courier order as the service answers it.
type OrderItemAnswer struct {
	ID          Int     `json:"id"`          // the service's
	ExternalID  ID      `json:"external_id"` // the shop's
	Name        Text    `json:"name"`
	Price       Decimal `json:"price"`
	Quantity    Decimal `json:"quantity"`
	Total       Decimal `json:"total"`
	VAT         Text    `json:"vat"`
	Measure     Int     `json:"measure"`
	MeasureName Text    `json:"measure_name"`
	Type        Text    `json:"type"`
	NeedsMark   bool    `json:"is_need_nomenclature_code"`
}

// Courier is who has an order.
type Courier struct {
	ID   Int  `json:"id"`
	Name Text `json:"name"`
}

// OrderRequest is a courier order of either version: *OrderV1 or *OrderV2.
type OrderRequest interface {
	orderVersion() API
	orderID() ID
}

func (o *OrderV1) orderVersion() API { return APIv1 }
func (o *OrderV1) orderID() ID       { return o.OrderID }
func (o *OrderV2) orderVersion() API { return APIv2 }
func (o *OrderV2) orderID() ID       { return o.ExternalID }

// MarshalJSON writes the order with its extra fields.
func (o OrderV2) MarshalJSON() ([]byte, error) {
	type plain OrderV2
	return withExtra(plain(o), o.Extra)
}

// MarshalJSON writes the line with its extra fields.
func (i OrderItemV2) MarshalJSON() ([]byte, error) {
	type plain OrderItemV2
	return withExtra(plain(i), i.Extra)
}

// MarshalJSON writes the order with its extra fields.
func (o OrderV1) MarshalJSON() ([]byte, error) {
	type plain OrderV1
	return withExtra(plain(o), o.Extra)
}

// MarshalJSON writes the line with its extra fields.
func (i OrderItemV1) MarshalJSON() ([]byte, error) {
	type plain OrderItemV1
	return withExtra(plain(i), i.Extra)
}

// CreateOrder makes a courier order. Whether its number is checked for being
// used is not documented, so it is not repeated by itself: after an unknown
// outcome look for it with Orders.
//
// POST /api/shop/v2/orders
func (c *Client) CreateOrder(ctx context.Context, o OrderRequest) (*Order, error) {
	return c.writeOrder(ctx, "orders.create", http.MethodPost, "orders", o)
}

// ReplaceOrder puts the whole order in place of the one that is there. The
// service does not say which states allow it; a finished one surely does not.
//
// PUT /api/shop/v2/orders/{id}
func (c *Client) ReplaceOrder(ctx context.Context, id int64, o OrderRequest) (*Order, error) {
	const op = "orders.replace"
	if id <= 0 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("id", "is not the number of an order"))
	}
	return c.writeOrder(ctx, op, http.MethodPut, "orders/"+strconv.FormatInt(id, 10), o)
}

func (c *Client) writeOrder(ctx context.Context, op, method, path string, o OrderRequest) (*Order, error) {
	if o == nil {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("order", "is nil"))
	}
	if o.orderID().IsZero() {
		field := "order.external_id"
		if o.orderVersion() == APIv1 {
			field = "order.order_id"
		}
		return nil, acquiring.InOp(provider, op, acquiring.Invalid(field, "is empty"))
	}
	var order Order
	resp, err := c.do(ctx, call{op: op, method: method, api: o.orderVersion(), path: path, body: o, repeatable: method == http.MethodPut, answer: &order})
	if err != nil {
		return nil, err
	}
	order.Raw = resp.Body
	return &order, nil
}

// Order reads a courier order.
//
// GET /api/shop/v2/orders/{id}
func (c *Client) Order(ctx context.Context, id int64) (*Order, error) {
	const op = "orders.get"
	if id <= 0 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("id", "is not the number of an order"))
	}
	var order Order
	resp, err := c.do(ctx, call{op: op, method: http.MethodGet, api: c.version(), path: "orders/" + strconv.FormatInt(id, 10), repeatable: true, answer: &order})
	if err != nil {
		return nil, err
	}
	order.Raw = resp.Body
	return &order, nil
}

// DeleteOrder deletes a courier order.
//
// DELETE /api/shop/v2/orders/{id}
func (c *Client) DeleteOrder(ctx context.Context, id int64) error {
	return c.remove(ctx, "orders.delete", "orders", id)
}

func (c *Client) remove(ctx context.Context, op, list string, id int64) error {
	if id <= 0 {
		return acquiring.InOp(provider, op, acquiring.Invalid("id", "is not a number of the service's"))
	}
	_, err := c.do(ctx, call{op: op, method: http.MethodDelete, api: c.version(), path: list + "/" + strconv.FormatInt(id, 10)})
	return err
}

// OrderFilter chooses courier orders.
type OrderFilter struct {
	CourierID int64     // 0: any
	From      time.Time // orders that begin then or later, to the minute, as the clock of its own location shows it; zero: all
	PageSize  int       // of one request; 0: 10, as the service's own libraries ask
}

// defaultPage is what the service's own libraries ask for; its limit is not
// documented.
const defaultPage = 10

// Meta says how long a list is.
type Meta struct {
	Total      Int `json:"total"`
	TotalPages Int `json:"total_pages"`
}

// Orders goes through the courier orders. After an error of the service it ends;
// a row that cannot be read is acquiring.ErrProtocol, and the rest follows.
//
// GET /api/shop/v2/orders
func (c *Client) Orders(ctx context.Context, f OrderFilter) iter.Seq2[*Order, error] {
	more := url.Values{}
	if f.CourierID != 0 {
		more.Set("courier_id", strconv.FormatInt(f.CourierID, 10))
	}
	if !f.From.IsZero() {
		more.Set("date_start", f.From.Format(layoutOrderV1))
	}
	return pages(ctx, c, "orders.list", "orders", more, f.PageSize, func(p *ordersPage) ([]json.RawMessage, Meta) { return p.Orders, p.Meta },
		func(o *Order, raw json.RawMessage) { o.Raw = raw })
}

type ordersPage struct {
	Orders []json.RawMessage `json:"orders"`
	Meta   Meta              `json:"meta"`
}

// pages goes through a list page by page. A row that cannot be read is yielded
// as an error and does not stop the rest.
func pages[P, T any](ctx context.Context, c *Client, op, path string, more url.Values, size int,
	rows func(*P) ([]json.RawMessage, Meta), raw func(*T, json.RawMessage)) iter.Seq2[*T, error] {
	if size <= 0 {
		size = defaultPage
	}
	return func(yield func(*T, error) bool) {
		for start := 0; ; {
			var p P
			_, err := c.do(ctx, call{op: op, method: http.MethodGet, api: c.version(), path: path, query: page(start, size, more), repeatable: true, answer: &p})
			if err != nil {
				yield(nil, err)
				return
			}
			list, meta := rows(&p)
			for _, row := range list {
				v := new(T)
				if err := json.Unmarshal(row, v); err != nil {
					e := &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeRejected,
						Message: "a row of the list cannot be read: " + c.rest.Excerpt(row), Err: err}
					if !yield(nil, e) {
						return
					}
					continue
				}
				raw(v, row)
				if !yield(v, nil) {
					return
				}
			}
			start += len(list)
			if len(list) == 0 || (meta.Total > 0 && start >= int(meta.Total)) || (meta.Total == 0 && len(list) < size) {
				return
			}
		}
	}
}
