package komtettest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// order is a courier order.
type order struct {
	id          int
	shop        string
	version     int
	externalID  any
	state       string
	taskID      int
	amount      money.Amount
	body        object
	callbackURL string
	start       string // as answers have it
	courier     int
}

var (
	dateV1 = regexp.MustCompile(`^\d{4}-\d{2}-\d{2} \d{2}:\d{2}$`)
	dateV2 = regexp.MustCompile(`^\d{2}\.\d{2}\.\d{4} \d{2}:\d{2}$`)
)

func (c call) serveOrders(parts []string) {
	switch {
	case len(parts) == 0 && c.r.Method == http.MethodGet:
		c.listOrders()
	case len(parts) == 0 && c.r.Method == http.MethodPost:
		c.putOrder(nil)
	case len(parts) == 1:
		n, err := strconv.Atoi(parts[0])
		c.mu.Lock()
		o := c.orders[n]
		c.mu.Unlock()
		if err != nil || o == nil || o.shop != c.shop {
			c.notFound("Заказ")
			return
		}
		switch c.r.Method {
		case http.MethodGet:
			c.answer(c.orderInfo(o))
		case http.MethodPut:
			c.putOrder(o)
		case http.MethodDelete:
			c.deleteOrder(o)
		default:
			http.Error(c.w, "", http.StatusMethodNotAllowed)
		}
	default:
		http.Error(c.w, "", http.StatusMethodNotAllowed)
	}
}

// putOrder creates an order, or replaces old.
func (c call) putOrder(old *order) {
	var o object
	if err := emulator.DecodeJSON(c.body, &o); err != nil || o == nil {
		c.invalid("тело запроса не является JSON-объектом")
		return
	}
	n, fault := c.parseOrder(o)
	if fault != "" {
		c.invalid(fault)
		return
	}
	c.mu.Lock()
	if n.courier != 0 && c.employees[n.courier] == nil {
		c.mu.Unlock()
		c.invalid("курьер не найден")
		return
	}
	if old != nil && old.state == StateDone {
		c.mu.Unlock()
		c.invalid("заказ уже выполнен")
		return
	}
	if old != nil {
		n.id = old.id
	} else {
		c.nextID++
		n.id = c.nextID
		c.orderIDs = append(c.orderIDs, n.id)
	}
	n.shop, n.version, n.body = c.shop, c.version, o
	c.orders[n.id] = n
	c.mu.Unlock()
	c.answer(c.orderInfo(n))
}

func (c call) parseOrder(o object) (*order, string) {
	k := &check{&emulator.Check{}}
	n := &order{state: "new"}
	name, date := "external_id", dateV2
	if c.version == 1 {
		name, date = "order_id", dateV1
		k.Integer(o, "", "sno", true, taxSystems)
		k.Text(o, "", "client_address", true)
		k.Text(o, "", "client_phone", true)
	} else {
		client := k.Object(o, "", "client", true)
		k.Text(client, "client", "address", true)
		k.Text(client, "client", "phone", true)
		if company := k.Object(o, "", "company", false); company != nil {
			k.Integer(company, "company", "sno", true, taxSystems)
			k.Text(company, "company", "payment_address", true)
		}
	}
	k.ID(o, "", name, true)
	n.externalID = o[name]
	for _, field := range []string{"date_start", "date_end"} {
		if v := k.Text(o, "", field, true); v != "" && !date.MatchString(v) {
			k.Fail("поле %s: неверный формат даты", field)
		}
	}
	if start, _ := o["date_start"].(string); start != "" {
		n.start = answerDate(start)
	}
	if state := k.Text(o, "", "state", false); state != "" {
		n.state = state
	}
	n.callbackURL = k.Text(o, "", "callback_url", false)
	k.Word(o, "", "payment_type", false, paymentKind)
	k.Sum(o, "", "prepayment", false)
	courier, _ := k.Integer(o, "", "courier_id", false, nil)
	n.courier = int(courier)
	for i, item := range k.Objects(o, "", "items", true) {
		path := fmt.Sprintf("items[%d]", i)
		k.Text(item, path, "name", true)
		k.Sum(item, path, "price", true)
		if q := k.Number(item, path, "quantity", true); q != nil && q.Sign() <= 0 {
			k.Fail("поле %s.quantity должно быть больше нуля", path)
		}
		k.Word(item, path, "vat", true, vats)
		k.Word(item, path, "type", false, subjectsV2)
		if c.version == 2 {
			k.Integer(item, path, "measure", true, measures)
			k.marking(item, path)
		}
		k.agent(item, path)
		n.amount += k.Sum(item, path, "total", true)
	}
	return n, k.Fault()
}

// answerDate is a date of a request as answers write it.
func answerDate(s string) string {
	if t, err := time.Parse("02.01.2006 15:04", s); err == nil {
		return t.Format("2006-01-02 15:04")
	}
	return s
}

// orderInfo is what answers show of an order. The order number of a v1 request
// comes back as external_id.
func (c call) orderInfo(o *order) object {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Server.orderInfo(o)
}

func (s *Server) orderInfo(o *order) object {
	answer := object{}
	for k, v := range o.body {
		switch k {
		case "order_id", "client", "courier_id":
		default:
			answer[k] = v
		}
	}
	if client, ok := o.body["client"].(map[string]any); ok {
		for k, v := range client {
			answer["client_"+k] = v
		}
	}
	answer["id"] = o.id
	answer["external_id"] = o.externalID
	answer["state"] = o.state
	answer["amount"] = json.Number(o.amount.String())
	answer["task_id"] = nil
	if o.taskID != 0 {
		answer["task_id"] = o.taskID
	}
	answer["courier"] = nil
	if staff := s.employees[o.courier]; staff != nil {
		answer["courier"] = object{"id": o.courier, "name": staff["name"]}
	}
	for _, name := range []string{"date_start", "date_end"} {
		if v, ok := o.body[name].(string); ok {
			answer[name] = answerDate(v)
		}
	}
	items, _ := o.body["items"].([]any)
	out := make([]any, len(items))
	for i, item := range items {
		line := object{}
		for k, v := range item.(map[string]any) {
			line[k] = v
		}
		if sent, ok := line["order_item_id"]; ok {
			delete(line, "order_item_id")
			line["external_id"] = sent
		}
		line["id"] = o.id*100 + i
		out[i] = line
	}
	answer["items"] = out
	return answer
}

func (c call) deleteOrder(o *order) {
	c.mu.Lock()
	if o.state == StateDone {
		c.mu.Unlock()
		c.invalid("заказ уже выполнен")
		return
	}
	delete(c.orders, o.id)
	c.orderIDs = slices.DeleteFunc(c.orderIDs, func(id int) bool { return id == o.id })
	c.mu.Unlock()
	c.empty()
}

func (c call) listOrders() {
	q := c.r.URL.Query()
	courier := q.Get("courier_id")
	since := q.Get("date_start")
	c.mu.Lock()
	var all []any
	for _, id := range c.orderIDs {
		o := c.orders[id]
		if o.shop != c.shop || (courier != "" && courier != strconv.Itoa(o.courier)) || (since != "" && o.start < since) {
			continue
		}
		all = append(all, c.Server.orderInfo(o))
	}
	c.mu.Unlock()
	c.page("orders", all)
}

// page answers a part of a list.
func (c call) page(name string, all []any) {
	q := c.r.URL.Query()
	start, limit := 0, 10
	for field, into := range map[string]*int{"start": &start, "limit": &limit} {
		v := q.Get(field)
		if v == "" {
			continue
		}
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || (field == "limit" && n == 0) {
			c.invalid("параметр " + field + ": недопустимое значение")
			return
		}
		*into = n
	}
	total := len(all)
	part := all[min(start, total):]
	part = part[:min(limit, len(part))]
	if part == nil {
		part = []any{}
	}
	c.answer(object{name: part, "meta": object{"total": total, "total_pages": (total + limit - 1) / limit}})
}

// Fulfil is the courier handing an order over: its check is printed, its
// callback sent.
func (s *Server) Fulfil(orderID int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[orderID]
	if o == nil {
		return fmt.Errorf("komtettest: no order %d", orderID)
	}
	if o.state == StateDone {
		return fmt.Errorf("komtettest: order %d is done already", orderID)
	}
	s.nextID++
	t := &Task{ID: s.nextID, UUID: s.base.IDs.UUID(), ExternalID: fmt.Sprint(o.externalID), Shop: o.shop, QueueID: s.opt.queues[0].ID,
		Version: o.version, Intent: "sell", Total: o.amount, State: StateProcessing, rawExternalID: o.externalID}
	s.tasks[t.ID] = t
	s.list = append(s.list, t)
	o.state, o.taskID = StateDone, t.ID
	s.document++
	t.State = StateDone
	t.doneAt = s.base.Clock.Now()
	t.Fiscal = map[string]string{"i": strconv.Itoa(s.document), "fn": "9999078900004312", "t": t.doneAt.In(moscow).Format("20060102T1504"),
		"n": "1", "fp": s.base.IDs.Digits(10), "s": t.Total.String(), "sh": strconv.Itoa(s.shift), "shn": strconv.Itoa(s.document % 1000), "rn": "0001234567012345"}
	t.ReceiptURL = s.base.URL + "/receipts/" + t.UUID
	target := o.callbackURL
	if target == "" {
		target = s.opt.successURL
	}
	s.send(strconv.Itoa(o.id), StateDone, o.shop, target,
		object{"id": o.id, "external_id": o.externalID, "task_id": t.ID, "state": StateDone, "callback_url": target})
	return nil
}
