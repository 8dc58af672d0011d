package komtet

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// EmployeeType is what an employee does.
type EmployeeType string

// The types of employees.
const (
	EmployeeCourier EmployeeType = "courier" // курьер: takes money at the door
	EmployeeCashier EmployeeType = "cashier" // кассир
	EmployeeDriver  EmployeeType = "driver"  // водитель
)

// EmployeeRequest is an employee to be made, or to be put in place of one.
type EmployeeRequest struct {
	Type           EmployeeType `json:"type"`
	Name           string       `json:"name"`
	Login          string       `json:"login"`    // to the service's mobile application
	Password       string       `json:"password"` // to the same
	PosID          string       `json:"pos_id"`   // key of the cash register
	INN            string       `json:"inn,omitempty"`
	Phone          string       `json:"phone,omitempty"`
	Email          string       `json:"email,omitempty"`
	PaymentAddress string       `json:"payment_address,omitempty"`
	Manager        *bool        `json:"is_manager,omitempty"`          // may make and change orders in the application
	CanAssignOrder *bool        `json:"is_can_assign_order,omitempty"` // may see and take free orders
	FastBasket     *bool        `json:"is_app_fast_basket,omitempty"`  // the application goes to the basket at once
}

// String shows the request without the password.
func (e EmployeeRequest) String() string {
	return "komtet.EmployeeRequest{Type: " + string(e.Type) + ", Name: " + e.Name + ", Login: " + e.Login + ", Password: " + rest.Mask(e.Password) + "}"
}

// GoString is String.
func (e EmployeeRequest) GoString() string { return e.String() }

// LogValue shows the request in a log without the password.
func (e EmployeeRequest) LogValue() slog.Value { return slog.StringValue(e.String()) }

// Employee is an employee as the service answers. The password, which it may
// send back, is not read.
type Employee struct {
	ID             Int          `json:"id"`
	Type           EmployeeType `json:"type"`
	Name           Text         `json:"name"`
	Login          Text         `json:"login"`
	PosID          Text         `json:"pos_id"`
	INN            Text         `json:"inn"`
	Phone          Text         `json:"phone"`
	Email          Text         `json:"email"`
	PaymentAddress Text         `json:"payment_address"`
	Manager        bool         `json:"is_manager"`
	CanAssignOrder bool         `json:"is_can_assign_order"`
	FastBasket     bool         `json:"is_app_fast_basket"`
}

func (e EmployeeRequest) validate(op string) error {
	bad := func(field, why string) error {
		return acquiring.InOp(provider, op, acquiring.Invalid("employee."+field, why))
	}
	switch {
	case e.Type != EmployeeCourier && e.Type != EmployeeCashier && e.Type != EmployeeDriver:
		return bad("type", "must be courier, cashier or driver")
	case e.Name == "":
		return bad("name", "is empty")
	case e.Login == "":
		return bad("login", "is empty")
	case e.Password == "":
		return bad("password", "is empty")
	case e.PosID == "":
		return bad("pos_id", "is empty: it is the key of the cash register")
	}
	return nil
}

// CreateEmployee makes an employee.
//
// POST /api/shop/v2/employees
func (c *Client) CreateEmployee(ctx context.Context, e EmployeeRequest) (*Employee, error) {
	return c.writeEmployee(ctx, "employees.create", http.MethodPost, "employees", e)
}

// ReplaceEmployee puts the whole employee in place of the one that is there.
//
// PUT /api/shop/v2/employees/{id}
func (c *Client) ReplaceEmployee(ctx context.Context, id int64, e EmployeeRequest) (*Employee, error) {
	const op = "employees.replace"
	if id <= 0 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("id", "is not the number of an employee"))
	}
	return c.writeEmployee(ctx, op, http.MethodPut, "employees/"+strconv.FormatInt(id, 10), e)
}

func (c *Client) writeEmployee(ctx context.Context, op, method, path string, e EmployeeRequest) (*Employee, error) {
	if err := e.validate(op); err != nil {
		return nil, err
	}
	var answer Employee
	_, err := c.do(ctx, call{op: op, method: method, api: c.version(), path: path, body: e, repeatable: method == http.MethodPut, answer: &answer})
	if err != nil {
		return nil, withoutPassword(err, e.Password)
	}
	return &answer, nil
}

// withoutPassword takes the employee's password out of an error that quotes an
// answer: the service may send it back.
func withoutPassword(err error, password string) error {
	var e *acquiring.Error
	if !errors.As(err, &e) {
		return err
	}
	clean := func(s string) string { return strings.ReplaceAll(s, password, rest.Hidden) }
	c := *e
	c.Code, c.Message = clean(c.Code), clean(c.Message)
	if c.Err != nil && strings.Contains(c.Err.Error(), password) {
		c.Err = errors.New(clean(c.Err.Error()))
	}
	return &c
}

// Employee reads an employee.
//
// GET /api/shop/v2/employees/{id}
func (c *Client) Employee(ctx context.Context, id int64) (*Employee, error) {
	const op = "employees.get"
	if id <= 0 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("id", "is not the number of an employee"))
	}
	var answer Employee
	if _, err := c.do(ctx, call{op: op, method: http.MethodGet, api: c.version(), path: "employees/" + strconv.FormatInt(id, 10), repeatable: true, answer: &answer}); err != nil {
		return nil, err
	}
	return &answer, nil
}

// DeleteEmployee deletes an employee.
//
// DELETE /api/shop/v2/employees/{id}
func (c *Client) DeleteEmployee(ctx context.Context, id int64) error {
	return c.remove(ctx, "employees.delete", "employees", id)
}

// Employees goes through the employees; "" is all types. After an error of the
// service it ends; a row that cannot be read is acquiring.ErrProtocol, and the
// rest follows.
//
// GET /api/shop/v2/employees
func (c *Client) Employees(ctx context.Context, of EmployeeType) iter.Seq2[*Employee, error] {
	more := url.Values{}
	if of != "" {
		more.Set("type", string(of))
	}
	return pages(ctx, c, "employees.list", "employees", more, 0, func(p *employeesPage) ([]json.RawMessage, Meta) { return p.Employees, p.Meta },
		func(*Employee, json.RawMessage) {})
}

type employeesPage struct {
	Employees []json.RawMessage `json:"account_employees"`
	Meta      Meta              `json:"meta"`
}
