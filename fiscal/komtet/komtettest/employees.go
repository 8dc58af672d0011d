package komtettest

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/acquiring-go/acquiring/internal/emulator"
)

var staffTypes = []string{"courier", "cashier", "driver"}

// staffFields are answered as they were sent, absent ones as null. The
// password is not: whether the service echoes it is not published.
var staffFields = []string{"name", "login", "pos_id", "type", "inn", "phone", "email", "payment_address"}

func (c call) serveEmployees(parts []string) {
	switch {
	case len(parts) == 0 && c.r.Method == http.MethodGet:
		c.listEmployees()
	case len(parts) == 0 && c.r.Method == http.MethodPost:
		c.putEmployee(0)
	case len(parts) == 1:
		id, err := strconv.Atoi(parts[0])
		c.mu.Lock()
		e := c.employees[id]
		c.mu.Unlock()
		if err != nil || e == nil || e["shop"] != c.shop {
			c.notFound("Сотрудник")
			return
		}
		switch c.r.Method {
		case http.MethodGet:
			c.answer(staffInfo(id, e))
		case http.MethodPut:
			c.putEmployee(id)
		case http.MethodDelete:
			c.mu.Lock()
			delete(c.employees, id)
			c.staffIDs = slices.DeleteFunc(c.staffIDs, func(n int) bool { return n == id })
			c.mu.Unlock()
			c.empty()
		default:
			http.Error(c.w, "", http.StatusMethodNotAllowed)
		}
	default:
		http.Error(c.w, "", http.StatusMethodNotAllowed)
	}
}

// putEmployee creates an employee, or replaces the one with this id.
func (c call) putEmployee(id int) {
	var o object
	if err := emulator.DecodeJSON(c.body, &o); err != nil || o == nil {
		c.invalid("тело запроса не является JSON-объектом")
		return
	}
	k := &check{&emulator.Check{}}
	k.Word(o, "", "type", true, staffTypes)
	for _, name := range []string{"name", "login", "password", "pos_id"} {
		k.Text(o, "", name, true)
	}
	for _, name := range []string{"inn", "phone", "email", "payment_address"} {
		k.Text(o, "", name, false)
	}
	for _, name := range []string{"is_manager", "is_can_assign_order", "is_app_fast_basket"} {
		k.Boolean(o, "", name)
	}
	if k.Fault() != "" {
		c.invalid(k.Fault())
		return
	}
	o["shop"] = c.shop
	c.mu.Lock()
	if id == 0 {
		c.nextID++
		id = c.nextID
		c.staffIDs = append(c.staffIDs, id)
	}
	c.employees[id] = o
	c.mu.Unlock()
	c.answer(staffInfo(id, o))
}

func staffInfo(id int, e object) object {
	answer := object{"id": id}
	for _, name := range staffFields {
		answer[name] = nil
		if v, ok := e[name]; ok {
			answer[name] = v
		}
	}
	for _, name := range []string{"is_manager", "is_can_assign_order", "is_app_fast_basket"} {
		answer[name] = e[name] == true
	}
	return answer
}

func (c call) listEmployees() {
	kind := c.r.URL.Query().Get("type")
	if kind != "" && !slices.Contains(staffTypes, kind) {
		c.invalid("параметр type: недопустимое значение")
		return
	}
	c.mu.Lock()
	var all []any
	for _, id := range c.staffIDs {
		e := c.employees[id]
		if e["shop"] != c.shop || (kind != "" && e["type"] != kind) {
			continue
		}
		email := e["email"]
		if email == nil {
			email = ""
		}
		all = append(all, object{"id": id, "name": e["name"], "phone": e["phone"], "email": email, "type": e["type"]})
	}
	c.mu.Unlock()
	c.page("account_employees", all)
}
