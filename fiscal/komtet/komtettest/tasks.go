package komtettest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/internal/emulator"
	"github.com/acquiring-go/acquiring/money"
)

// States of a task.
const (
	StateNew        = "new"
	StateProcessing = "processing"
	StateDone       = "done"
	StateError      = "error"
)

// Task is a check in the emulator's books.
type Task struct {
	ID         int
	UUID       string
	ExternalID string
	Shop       string
	QueueID    int
	Version    int // of the API it came through: 1 or 2
	Intent     string
	Correction bool
	Total      money.Amount
	Created    time.Time
	State      string
	Error      string            // the register's words, in StateError
	Fiscal     map[string]string // fiscal_data by its keys, in StateDone; n is a number on the wire
	ReceiptURL string
	Check      json.RawMessage // as it came

	rawExternalID any // a number stays a number in the answers
	callbackURL   string
	doneAt        time.Time
}

func (t *Task) final() bool { return t.State == StateDone || t.State == StateError }

// Tasks are all checks in the order they came.
func (s *Server) Tasks() []Task {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Task, 0, len(s.list))
	for _, t := range s.list {
		out = append(out, *t)
	}
	return out
}

// Task finds a check of the first shop by its external_id, or any by its
// number.
func (s *Server) Task(id string) (Task, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t := s.byKey[s.opt.shops[0][0]+"\x00"+id]; t != nil {
		return *t, true
	}
	if n, err := strconv.Atoi(id); err == nil && s.tasks[n] != nil {
		return *s.tasks[n], true
	}
	return Task{}, false
}

// Print finishes a check now, whatever the clock says: printed, or refused if
// its external_id is to be refused. A queue without registers prints nothing.
func (s *Server) Print(id string) error {
	t, ok := s.Task(id)
	if !ok {
		return fmt.Errorf("komtettest: no check %q", id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	live := s.tasks[t.ID]
	if live.final() {
		return fmt.Errorf("komtettest: check %q is %s already", id, live.State)
	}
	if !s.queues[live.QueueID].Active {
		return fmt.Errorf("komtettest: no register of queue %d is on line", live.QueueID)
	}
	live.State = StateProcessing
	s.step(live)
	return nil
}

func (c call) ownQueue(id string) *Queue {
	n, err := strconv.Atoi(id)
	c.mu.Lock()
	defer c.mu.Unlock()
	if q := c.queues[n]; err == nil && q != nil && q.Shop == c.shop {
		return q
	}
	return nil
}

func (c call) queue(id string) {
	q := c.ownQueue(id)
	if q == nil {
		c.notFound("Очередь")
		return
	}
	c.mu.Lock()
	state := "passive"
	if q.Active {
		state = "active"
	}
	answer := object{"id": q.ID, "state": state}
	if q.Name != "" {
		answer["name"] = q.Name
	}
	c.mu.Unlock()
	c.answer(answer)
}

func (c call) task(queueID string) {
	q := c.ownQueue(queueID)
	if q == nil {
		c.notFound("Очередь")
		return
	}
	var o object
	if err := emulator.DecodeJSON(c.body, &o); err != nil || o == nil {
		c.invalid("тело запроса не является JSON-объектом")
		return
	}
	p, fault := parse(c.version, o)
	if fault != "" {
		c.invalid(fault)
		return
	}
	c.mu.Lock()
	if old := c.byKey[c.shop+"\x00"+p.externalID]; old != nil {
		c.mu.Unlock()
		c.exists(old)
		return
	}
	t := c.add(q.ID, p, o, c.body)
	answer := t.created()
	c.mu.Unlock()
	c.plan(t)
	c.answer(answer)
}

func (c call) exists(old *Task) {
	p := problem{Title: "Чек с внешнем идентификатором " + old.ExternalID + " существует", Code: "VLD11",
		Description: "Проверьте корректность передаваемых идентификаторов. Измените идентификатор, либо прекратите попытки по передаче данного чека в очередь."}
	if !c.opt.hideExisting {
		c.mu.Lock()
		p.Task = object{"id": old.ID, "uuid": old.UUID, "external_id": old.rawExternalID, "state": old.State}
		c.mu.Unlock()
	}
	refuseWith(c.w, http.StatusUnprocessableEntity, p)
}

func (c call) multiTasks(queueID string) {
	q := c.ownQueue(queueID)
	if q == nil {
		c.notFound("Очередь")
		return
	}
	var list []json.RawMessage
	if err := emulator.DecodeJSON(c.body, &list); err != nil || len(list) == 0 {
		c.invalid("ожидается непустой массив чеков")
		return
	}
	checks := make([]object, len(list))
	heads := make([]parsed, len(list))
	seen := map[string]bool{}
	for i, raw := range list {
		if err := emulator.DecodeJSON(raw, &checks[i]); err != nil || checks[i] == nil {
			c.invalid(fmt.Sprintf("чек %d не является объектом", i))
			return
		}
		p, fault := parse(c.version, checks[i])
		if fault != "" {
			c.invalid(fmt.Sprintf("чек %d: %s", i, fault))
			return
		}
		if seen[p.externalID] {
			c.invalid(fmt.Sprintf("чек %d: external_id %s повторяется", i, p.externalID))
			return
		}
		seen[p.externalID] = true
		heads[i] = p
	}
	c.mu.Lock()
	for _, p := range heads {
		if old := c.byKey[c.shop+"\x00"+p.externalID]; old != nil {
			c.mu.Unlock()
			c.exists(old)
			return
		}
	}
	answer := object{}
	tasks := make([]*Task, len(list))
	for i, p := range heads {
		tasks[i] = c.add(q.ID, p, checks[i], list[i])
		answer[strconv.Itoa(i)] = tasks[i].created()
	}
	c.mu.Unlock()
	for _, t := range tasks {
		c.plan(t)
	}
	c.answer(answer)
}

// add enters a new task; the lock is held.
func (c call) add(queue int, p parsed, o object, body []byte) *Task {
	c.nextID++
	t := &Task{ID: c.nextID, UUID: c.base.IDs.UUID(), ExternalID: p.externalID, Shop: c.shop, QueueID: queue, Version: c.version,
		Intent: p.intent, Correction: p.correction, Total: p.total, Created: c.base.Clock.Now(), State: StateNew, Check: append(json.RawMessage(nil), body...),
		rawExternalID: o["external_id"], callbackURL: p.callbackURL}
	c.tasks[t.ID] = t
	c.byKey[c.shop+"\x00"+t.ExternalID] = t
	c.list = append(c.list, t)
	return t
}

func (t *Task) created() object {
	return object{"id": t.ID, "uuid": t.UUID, "external_id": t.rawExternalID, "print_queue_id": t.QueueID, "state": t.State}
}

// plan moves the task on by the clock: taken up after a second, printed after
// two.
func (s *Server) plan(t *Task) {
	for i := 1; i <= 2; i++ {
		s.base.Clock.AfterFunc(time.Duration(i)*s.opt.printAfter, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.step(t)
		})
	}
}

// step moves a task one state on, if its queue has a register; the lock is
// held. The callback is only queued.
func (s *Server) step(t *Task) {
	if t.final() || !s.queues[t.QueueID].Active {
		return
	}
	if t.State == StateNew {
		t.State = StateProcessing
		return
	}
	words, refused := s.refusals[t.ExternalID]
	if !refused && strings.HasSuffix(t.ExternalID, "-fail") {
		words, refused = "Ошибка кассы: исчерпан ресурс фискального накопителя", true
	}
	if refused {
		t.State, t.Error = StateError, words
	} else {
		t.State = StateDone
		t.doneAt = s.base.Clock.Now()
		s.document++
		kinds := map[string]string{"sell": "1", "sellReturn": "2", "buy": "3", "buyReturn": "4"}
		t.Fiscal = map[string]string{
			"i": strconv.Itoa(s.document), "fn": "9999078900004312", "t": t.doneAt.In(moscow).Format("20060102T1504"),
			"n": kinds[strings.TrimSuffix(t.Intent, "Correction")], "fp": s.base.IDs.Digits(10), "s": t.Total.String(),
			"sh": strconv.Itoa(s.shift), "shn": strconv.Itoa(s.document % 1000), "rn": "0001234567012345",
		}
		t.ReceiptURL = s.base.URL + "/receipts/" + t.UUID
	}
	s.notify(t)
}

// moscow is the registers' time zone.
var moscow = time.FixedZone("MSK", 3*60*60)

func (c call) getTask(id string) {
	n, err := strconv.Atoi(id)
	c.mu.Lock()
	t := c.tasks[n]
	if err != nil || t == nil || t.Shop != c.shop {
		c.mu.Unlock()
		c.notFound("Задача")
		return
	}
	answer := t.info()
	c.step(t)
	c.mu.Unlock()
	c.answer(answer)
}

// info is what a look at the task shows.
func (t *Task) info() object {
	o := object{"id": t.ID, "uuid": t.UUID, "external_id": t.rawExternalID, "state": t.State, "error_description": nil, "fiscal_data": object{}}
	if t.Error != "" {
		o["error_description"] = t.Error
	}
	if t.Fiscal != nil {
		data := object{}
		for k, v := range t.Fiscal {
			data[k] = v
		}
		data["n"] = json.Number(t.Fiscal["n"])
		o["fiscal_data"] = data
		o["receipt_url"] = t.ReceiptURL
	}
	return o
}

// receiptPage is the page that ReceiptURL leads to: anybody who has the link
// may look.
func (s *Server) receiptPage(w http.ResponseWriter, r *http.Request, id string) {
	for _, t := range s.Tasks() {
		if t.UUID != id {
			continue
		}
		page := emulator.Receipt{ID: t.UUID, Refund: strings.HasPrefix(t.Intent, "sellReturn"), State: emulator.ReceiptWaiting, Total: t.Total, Created: t.Created}
		var check struct {
			Positions []struct {
				Name                   string
				Price, Quantity, Total json.Number
				VAT                    string
			}
		}
		_ = json.Unmarshal(t.Check, &check) // it was checked when it came
		for _, p := range check.Positions {
			line := emulator.ReceiptLine{Name: p.Name, Quantity: p.Quantity.String(), VAT: p.VAT}
			line.Price, _ = money.Parse(p.Price.String())
			line.Sum, _ = money.Parse(p.Total.String())
			if vat, ok := komtet.VATByCode(p.VAT); ok {
				line.VATName = vat.Name()
			}
			page.Lines = append(page.Lines, line)
		}
		switch t.State {
		case StateDone:
			page.State, page.Printed, page.FN, page.FD, page.FP = emulator.ReceiptPrinted, t.doneAt, t.Fiscal["fn"], t.Fiscal["i"], t.Fiscal["fp"]
			page.RegNumber = t.Fiscal["rn"]
		case StateError:
			page.State, page.Fault = emulator.ReceiptFailed, t.Error
		}
		page.Write(w, "")
		return
	}
	http.NotFound(w, r)
}

// notify queues the callback of a finished task; the lock is held.
func (s *Server) notify(t *Task) {
	body := object{"id": t.ID, "external_id": t.rawExternalID, "state": t.State}
	if t.State == StateError {
		body["error_description"] = t.Error
	}
	if s.opt.fullCallback {
		body = t.info()
	}
	target := t.callbackURL
	if target == "" {
		target = s.opt.successURL
		if t.State == StateError {
			target = s.opt.failureURL
		}
	}
	s.send(strconv.Itoa(t.ID), t.State, t.Shop, target, body)
}

// send queues a signed message to the shop.
func (s *Server) send(about, event, shop, target string, body object) {
	b, err := json.Marshal(body)
	if err != nil {
		panic(err)
	}
	header := http.Header{"Content-Type": {"application/json"}}
	header.Set("X-HMAC-Signature", sign(s.shops[shop], http.MethodPost, target, b))
	s.base.Outbox.Send(emulator.Message{Order: about, Event: event, Method: http.MethodPost, URL: target, Header: header, Body: b,
		Canonical: http.MethodPost + target + string(b)})
}
