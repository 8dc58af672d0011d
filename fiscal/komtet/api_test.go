package komtet

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

func TestQueue(t *testing.T) {
	c, s := client(t, nil, ok(file(t, "queue_answer.json")), ok(file(t, "queue_answer.json")))
	q, err := c.Queue(t.Context(), 0)
	require.NoError(t, err)
	assert.Equal(t, &Queue{ID: 70451, Name: "Интернет-витрина", State: QueueActive}, q)
	assert.True(t, q.Active())
	assert.Equal(t, "GET https://kassa.komtet.ru/api/shop/v2/queues/70451", s.sent[0].method+" "+s.sent[0].url)
	assert.Equal(t, "fb12983c9259145cdb37184f28b4a288", s.sent[0].header.Get(SignatureHeader), "vector A")
	_, err = c.Queue(t.Context(), 12)
	require.NoError(t, err)
	assert.Equal(t, "https://kassa.komtet.ru/api/shop/v2/queues/12", s.sent[1].url)

	c, s = client(t, func(c *Config) { c.API = APIv1 }, ok(file(t, "queue_answer.json")))
	_, err = c.Queue(t.Context(), 0)
	require.NoError(t, err)
	assert.Equal(t, "https://kassa.komtet.ru/api/shop/v1/queues/70451", s.sent[0].url)
}

func TestCreateTaskIsChecked(t *testing.T) {
	c, s := client(t, nil)
	for field, check := range map[string]CheckRequest{
		"check":             nil,
		"check.external_id": &CheckV2{},
		"check.payments":    &CheckV1{ExternalID: NumberID(1), Payments: []Payment{{"card", 90000}}, Positions: []PositionV1{{Total: 88000}}},
	} {
		_, err := c.CreateTask(t.Context(), 0, check)
		assert.Equal(t, field, asError(t, err).Field)
	}
	most := Roubles(money.Max)
	for _, check := range []CheckRequest{
		&CorrectionV2{ExternalID: NumberID(1), Payments: []Payment{{"card", most}, {"card", most}}},
		&CorrectionV1{ExternalID: NumberID(1), Positions: []PositionV1{{Total: most}, {Total: most}}},
	} {
		_, err := c.CreateTask(t.Context(), 0, check)
		assert.Equal(t, "check.payments", asError(t, err).Field)
	}
	assert.Empty(t, s.sent)
}

func TestCreateTasks(t *testing.T) {
	a, b := &CheckV2{ExternalID: TextID("T-2001")}, &CheckV2{ExternalID: TextID("T-2002")}
	tasks := func(c *Client, checks ...CheckRequest) ([]Task, error) { return c.CreateTasks(t.Context(), 0, checks) }

	// The keys of the answer mean nothing, and an array is as good.
	for _, body := range []string{file(t, "tasks_answer.json"),
		`{"b":{"id":9011,"external_id":"T-2002"},"a":{"id":9010,"external_id":"T-2001"}}`, `[{"id":9011,"external_id":"T-2002"},{"id":9010,"external_id":"T-2001"}]`} {
		c, _ := client(t, nil, ok(body))
		list, err := tasks(c, a, b)
		require.NoError(t, err, body)
		assert.Equal(t, []string{"9010", "9011"}, []string{list[0].IDString(), list[1].IDString()})
	}
	c, s := client(t, nil)
	for field, checks := range map[string][]CheckRequest{
		"checks":                {},
		"checks[1]":             {a, &CheckV1{ExternalID: TextID("x")}},
		"checks[1].external_id": {a, &CheckV2{ExternalID: TextID("T-2001")}},
		"checks[0].external_id": {&CheckV2{}},
	} {
		_, err := tasks(c, checks...)
		assert.Equal(t, field, asError(t, err).Field)
	}
	assert.Empty(t, s.sent)

	// What the answer leaves out, and what a refusal left behind, is not known.
	for _, body := range []string{`{"0":{"id":9010,"external_id":"T-2001"}}`, `{"0":{"id":9010,"external_id":"T-2001"},"1":{"code":"VLD01"}}`, `[]`, `{"0":5,"1":"x"}`} {
		c, _ := client(t, nil, ok(body))
		_, err := tasks(c, a, b)
		assert.ErrorIs(t, err, acquiring.ErrProtocol)
		assert.Equal(t, acquiring.OutcomeUnknown, asError(t, err).Outcome)
	}
	c, _ = client(t, nil, answer{status: 422, body: `{"title":"x","code":"VLD01","description":""}`})
	_, err := tasks(c, a, b)
	e := asError(t, err)
	assert.Equal(t, acquiring.OutcomeUnknown, e.Outcome)
	assert.Contains(t, e.Hint, "one by one")
	c, _ = client(t, nil, ok(`7`))
	_, err = tasks(c, a, b)
	assert.ErrorIs(t, err, acquiring.ErrProtocol)
}

func order() *OrderV2 {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	return &OrderV2{
		ExternalID: TextID("D-55"), PayToCourier: new(true), DateStart: TimeV2(at), DateEnd: TimeV2(at.Add(3 * time.Hour)),
		Client:  OrderClient{Address: "г. Пенза, ул. Кирова, 5", Phone: "+79990001122"},
		Company: &Company{TaxSystem: 1, Place: "https://lavka.example"},
		Items:   []OrderItemV2{{ID: NumberID(1), Name: "Торт", Price: 90000, Quantity: 1000000, Total: 90000, VAT: "no", Type: "product"}},
		State:   "new", PaymentType: PaymentCashless, CourierID: 88, CallbackURL: "https://pay.lavka.example/hooks/komtet-order",
	}
}

func TestOrders(t *testing.T) {
	body := file(t, "order_answer.json")
	c, s := client(t, nil, ok(body), ok(body), ok(body), ok(""))
	o, err := c.CreateOrder(t.Context(), order())
	require.NoError(t, err)
	assert.Equal(t, "POST https://kassa.komtet.ru/api/shop/v2/orders", s.sent[0].method+" "+s.sent[0].url)
	assert.Equal(t, compact(t, file(t, "order_v2.json")), s.sent[0].body)
	assert.Equal(t, Int(5501), o.ID)
	assert.Equal(t, "D-55", o.ExternalID.String())
	assert.Equal(t, Int(0), o.TaskID)
	assert.Equal(t, &Courier{88, "Петров"}, o.Courier)
	assert.Equal(t, Text("2026-11-22 10:00"), o.DateStart)
	sum, err := o.Amount.Amount()
	require.NoError(t, err)
	assert.Equal(t, money.RUB(900, 0), sum)
	assert.Equal(t, []OrderItemAnswer{{ID: 1, Name: "Торт", Price: "900.0", Quantity: "1.0", Total: "900.0", VAT: "no", Type: "product"}}, o.Items)
	assert.JSONEq(t, body, string(o.Raw))

	_, err = c.ReplaceOrder(t.Context(), 5501, order())
	require.NoError(t, err)
	assert.Equal(t, "PUT https://kassa.komtet.ru/api/shop/v2/orders/5501", s.sent[1].method+" "+s.sent[1].url)
	assert.Equal(t, s.sent[0].body, s.sent[1].body)
	_, err = c.Order(t.Context(), 5501)
	require.NoError(t, err)
	assert.Equal(t, "GET https://kassa.komtet.ru/api/shop/v2/orders/5501", s.sent[2].method+" "+s.sent[2].url)
	require.NoError(t, c.DeleteOrder(t.Context(), 5501))
	assert.Equal(t, "DELETE https://kassa.komtet.ru/api/shop/v2/orders/5501", s.sent[3].method+" "+s.sent[3].url)
	assert.Equal(t, "ff3d1bd6c8a2529510c070bd438aa72a", s.sent[3].header.Get(SignatureHeader), "vector F")

	for _, call := range []func() error{
		func() error { _, err := c.CreateOrder(t.Context(), nil); return err },
		func() error { _, err := c.CreateOrder(t.Context(), &OrderV2{}); return err },
		func() error { _, err := c.CreateOrder(t.Context(), &OrderV1{}); return err },
		func() error { _, err := c.ReplaceOrder(t.Context(), 0, order()); return err },
		func() error { _, err := c.Order(t.Context(), 0); return err },
		func() error { return c.DeleteOrder(t.Context(), -1) },
	} {
		assert.ErrorIs(t, call(), acquiring.ErrInvalid)
	}
}

func TestOrderV1(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	c, s := client(t, nil, ok(`{"id":775,"external_id":"D-55","sno":0,"is_paid":true}`))
	o, err := c.CreateOrder(t.Context(), &OrderV1{
		OrderID: TextID("D-55"), TaxSystem: 1, Address: "Пенза", Phone: "+79990001122", Paid: true, DateStart: TimeV1(at), DateEnd: TimeV1(at),
		Items: []OrderItemV1{{OrderItemID: NumberID(1), Name: "Торт", Price: 90000, Quantity: 1000000, Total: 90000, VAT: "no", Mark: "01046", Extra: Extra{"x": json.RawMessage("1")}}},
		Extra: Extra{"y": json.RawMessage("2")},
	})
	require.NoError(t, err)
	assert.True(t, o.Paid)
	assert.Equal(t, Int(0), *o.TaxSystem)
	assert.Equal(t, "https://kassa.komtet.ru/api/shop/v1/orders", s.sent[0].url)
	assert.JSONEq(t, `{"order_id":"D-55","sno":1,"client_address":"Пенза","client_phone":"+79990001122","is_paid":true,
		"date_start":"2026-11-22 10:00","date_end":"2026-11-22 10:00","prepayment":0,"y":2,
		"items":[{"order_item_id":1,"name":"Торт","price":900,"quantity":1,"total":900,"vat":"no","nomenclature_code":"01046","x":1}]}`, s.sent[0].body)
}

// Creating an order is not repeated: nothing says that its number keeps it
// from being made twice.
func TestCreateOrderIsNotRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, s := client(t, nil, answer{status: 502})
		_, err := c.CreateOrder(t.Context(), order())
		assert.Equal(t, acquiring.OutcomeUnknown, asError(t, err).Outcome)
		assert.Len(t, s.sent, 1)
	})
}

func TestOrdersList(t *testing.T) {
	row := func(ids ...string) string {
		list := make([]string, len(ids))
		for i, id := range ids {
			list[i] = `{"id":` + id + `,"state":"new"}`
		}
		return `{"orders":[` + strings.Join(list, ",") + `],"meta":{"total":3,"total_pages":2}}`
	}
	c, s := client(t, nil, ok(row("1", "2")), ok(row("3")))
	var ids []Int
	for o, err := range c.Orders(t.Context(), OrderFilter{CourierID: 88, From: time.Date(2020, 12, 8, 10, 0, 0, 0, time.UTC), PageSize: 2}) {
		require.NoError(t, err)
		assert.NotEmpty(t, o.Raw)
		ids = append(ids, o.ID)
	}
	assert.Equal(t, []Int{1, 2, 3}, ids)
	assert.Equal(t, "https://kassa.komtet.ru/api/shop/v2/orders?courier_id=88&date_start=2020-12-08%2010%3A00&limit=2&start=0", s.sent[0].url)
	assert.Equal(t, "https://kassa.komtet.ru/api/shop/v2/orders?courier_id=88&date_start=2020-12-08%2010%3A00&limit=2&start=2", s.sent[1].url)

	// It stops when told, at an empty page, and after an error.
	c, _ = client(t, nil, ok(row("1", "2")))
	for range c.Orders(t.Context(), OrderFilter{}) {
		break
	}
	c, s = client(t, nil, ok(row("1", "2")), ok(`{"orders":[],"meta":{"total":3}}`))
	n := 0
	for range c.Orders(t.Context(), OrderFilter{}) {
		n++
	}
	assert.Equal(t, 2, n)
	assert.Equal(t, "https://kassa.komtet.ru/api/shop/v2/orders?limit=10&start=0", s.sent[0].url)
	c, _ = client(t, nil, ok(`{"orders":[{"id":1}]}`))
	for _, err := range c.Orders(t.Context(), OrderFilter{}) {
		require.NoError(t, err)
	}
	c, _ = client(t, nil, answer{status: 403})
	for o, err := range c.Orders(t.Context(), OrderFilter{}) {
		assert.Nil(t, o)
		assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	}
	// A row that cannot be read does not lose the others.
	var errs, good int
	c, _ = client(t, nil, ok(`{"orders":[{"id":"x"},{"id":2}],"meta":{"total":2}}`), ok(`{"orders":[{"id":"x"},{"id":2}],"meta":{"total":2}}`))
	for o, err := range c.Orders(t.Context(), OrderFilter{}) {
		if err != nil {
			errs++
			assert.ErrorIs(t, err, acquiring.ErrProtocol)
		} else {
			good++
			assert.Equal(t, Int(2), o.ID)
		}
	}
	assert.Equal(t, [2]int{1, 1}, [2]int{errs, good})
	for range c.Orders(t.Context(), OrderFilter{}) {
		break
	}
}

func TestEmployees(t *testing.T) {
	e := EmployeeRequest{Type: EmployeeCourier, Name: "Петров Илья", Login: "petrov", Password: "s3cret", PosID: "POS-1", Phone: "+79990003344"}
	c, s := client(t, nil, ok(`{"id":88,"type":"courier","name":"Петров Илья","login":"petrov","password":"s3cret","pos_id":"POS-1","phone":"+79990003344"}`),
		ok(file(t, "employee_answer.json")), ok(file(t, "employee_answer.json")), answer{status: 200}, ok(file(t, "employees_answer.json")))
	got, err := c.CreateEmployee(t.Context(), e)
	require.NoError(t, err)
	assert.Equal(t, &Employee{ID: 88, Type: EmployeeCourier, Name: "Петров Илья", Login: "petrov", PosID: "POS-1", Phone: "+79990003344"}, got)
	assert.Equal(t, compact(t, file(t, "employee.json")), s.sent[0].body)
	got, err = c.ReplaceEmployee(t.Context(), 88, e)
	require.NoError(t, err)
	assert.Equal(t, &Employee{ID: 88, Type: EmployeeCourier, Name: "Петров Илья", Phone: "+79990003344"}, got)
	_, err = c.Employee(t.Context(), 88)
	require.NoError(t, err)
	require.NoError(t, c.DeleteEmployee(t.Context(), 88))
	for got, err := range c.Employees(t.Context(), EmployeeCourier) {
		require.NoError(t, err)
		assert.Equal(t, Int(88), got.ID)
	}
	var calls []string
	for _, r := range s.sent {
		calls = append(calls, r.method+" "+strings.TrimPrefix(r.url, "https://kassa.komtet.ru/api/shop/v2/"))
	}
	assert.Equal(t, []string{"POST employees", "PUT employees/88", "GET employees/88", "DELETE employees/88", "GET employees?limit=10&start=0&type=courier"}, calls)

	for field, change := range map[string]func(*EmployeeRequest){
		"employee.type": func(e *EmployeeRequest) { e.Type = "boss" }, "employee.name": func(e *EmployeeRequest) { e.Name = "" },
		"employee.login": func(e *EmployeeRequest) { e.Login = "" }, "employee.password": func(e *EmployeeRequest) { e.Password = "" },
		"employee.pos_id": func(e *EmployeeRequest) { e.PosID = "" },
	} {
		bad := e
		change(&bad)
		_, err := c.CreateEmployee(t.Context(), bad)
		assert.Equal(t, field, asError(t, err).Field)
	}
	for _, err := range []error{second(c.ReplaceEmployee(t.Context(), 0, e)), second(c.Employee(t.Context(), 0)), c.DeleteEmployee(t.Context(), 0)} {
		assert.ErrorIs(t, err, acquiring.ErrInvalid)
	}
}

func second[T any](_ T, err error) error { return err }

// An answer may hold the password: no error says it.
func TestEmployeePasswordIsNotTold(t *testing.T) {
	e := EmployeeRequest{Type: EmployeeCashier, Name: "a", Login: "b", Password: "s3cret", PosID: "c"}
	for _, a := range []answer{ok(`{"id":{},"password":"s3cret"}`), {status: 422, body: `{"title":"пароль s3cret слаб","code":"VLD20"}`}, {status: 400, body: "s3cret"}} {
		c, _ := client(t, nil, a)
		_, err := c.CreateEmployee(t.Context(), e)
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "s3cret")
	}
	c, _ := client(t, nil, answer{status: http.StatusNotFound})
	_, err := c.Employee(t.Context(), 5)
	assert.ErrorIs(t, err, acquiring.ErrNotFound)
}
