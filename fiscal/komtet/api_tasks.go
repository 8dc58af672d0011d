package komtet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/internal/rest"
	"github.com/acquiring-go/acquiring/money"
)

// Queue is a set of cash registers (очередь печати).
type Queue struct {
	ID    Int        `json:"id"`
	Name  Text       `json:"name"`
	State QueueState `json:"state"`
}

// Active says whether a cash register of the queue is on line. A task put into
// a passive queue may wait for one.
func (q *Queue) Active() bool { return q.State == QueueActive }

// Task is a receipt at the service (задание на фискализацию).
type Task struct {
	ID               Int         `json:"id"`
	UUID             Text        `json:"uuid"`
	ExternalID       ID          `json:"external_id"`
	QueueID          Int         `json:"print_queue_id"`
	State            TaskState   `json:"state"`
	ErrorDescription Text        `json:"error_description"` // in Russian, when State is TaskError
	Fiscal           *FiscalData `json:"fiscal_data"`       // nil until printed
	ReceiptURL       Text        `json:"receipt_url"`       // the receipt's public page

	Raw json.RawMessage `json:"-"` // the answer as it came
}

// IDString is the task's number as Document.ID has it.
func (t *Task) IDString() string { return strconv.FormatInt(int64(t.ID), 10) }

// FiscalData is what the cash register made of the receipt, as the service
// writes it.
type FiscalData struct {
	FD        Text `json:"i"`   // номер ФД (1040)
	FN        Text `json:"fn"`  // номер ФН (1041), 16 digits
	Time      Text `json:"t"`   // YYYYMMDDTHHMM, the register's local time (1012)
	Type      Text `json:"n"`   // 1 sale, 2 its return, 3 purchase, 4 its return (1054)
	FP        Text `json:"fp"`  // фискальный признак (1077)
	Sum       Text `json:"s"`   // roubles, "1499.90" (1020)
	Shift     Text `json:"sh"`  // номер смены (1038)
	Number    Text `json:"shn"` // номер чека за смену (1042)
	RegNumber Text `json:"rn"`  // РН ККТ (1037)
}

// UnmarshalJSON reads the object; an empty array stands for an empty object.
func (f *FiscalData) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		var none []json.RawMessage
		if err := json.Unmarshal(data, &none); err != nil || len(none) > 0 {
			return errors.New("an array where fiscal data should be")
		}
		*f = FiscalData{}
		return nil
	}
	if len(data) == 0 || data[0] != '{' {
		return errors.New("something else where fiscal data should be")
	}
	*f = FiscalData{}
	var wrong error
	if err := rest.Members(data, func(name, value []byte) bool {
		if field := f.field(string(name)); field != nil {
			wrong = field.UnmarshalJSON(value)
		}
		return wrong == nil
	}); err != nil {
		return err
	}
	return wrong
}

// field is the field that the service calls so; nil for one that it need not
// have.
func (f *FiscalData) field(name string) *Text {
	switch name {
	case "i":
		return &f.FD
	case "fn":
		return &f.FN
	case "t":
		return &f.Time
	case "n":
		return &f.Type
	case "fp":
		return &f.FP
	case "s":
		return &f.Sum
	case "sh":
		return &f.Shift
	case "shn":
		return &f.Number
	case "rn":
		return &f.RegNumber
	}
	return nil
}

// empty says whether the register has said nothing yet.
func (f *FiscalData) empty() bool { return f == nil || (f.FD == "" && f.FN == "" && f.FP == "") }

// data is the fiscal data in the words of all registers. What cannot be read
// stays empty: one odd field must not lose the rest.
func (f *FiscalData) data(zone *time.Location) *fiscal.FiscalData {
	d := &fiscal.FiscalData{FN: string(f.FN), FD: string(f.FD), FP: string(f.FP), RegNumber: string(f.RegNumber)}
	d.Shift, _ = strconv.Atoi(string(f.Shift))
	d.Number, _ = strconv.Atoi(string(f.Number))
	if sum, err := money.Parse(string(f.Sum)); err == nil {
		d.Total = sum
	}
	switch f.Type {
	case "1", "2", "3", "4":
		d.Type = fiscal.Settlement(f.Type[0] - '0')
	}
	for _, layout := range []string{layoutFiscal, layoutFiscalSec} {
		if t, err := time.ParseInLocation(layout, string(f.Time), zone); err == nil {
			d.Time = t
			break
		}
	}
	return d
}

// version is the version that reads go to.
func (c *Client) version() API {
	if c.cfg.API == APIv1 {
		return APIv1
	}
	return APIv2
}

// queue is the given queue or, for 0, the configured one.
func (c *Client) queue(id int) string {
	if id == 0 {
		id = c.cfg.QueueID
	}
	return strconv.Itoa(id)
}

// Queue reads the state of a queue; 0 is Config.QueueID. The service advises to
// ask before taking money.
//
// GET /api/shop/v2/queues/{queue_id}
func (c *Client) Queue(ctx context.Context, id int) (*Queue, error) {
	var q Queue
	_, err := c.do(ctx, call{op: "queue", method: http.MethodGet, api: c.version(), path: "queues/" + c.queue(id), repeatable: true, answer: &q})
	if err != nil {
		return nil, err
	}
	return &q, nil
}

// Check says whether receipts can be printed: that the credentials and the
// queue are good and that a cash register is on line. It prints nothing. A
// queue that is off gives acquiring.ErrUnavailable: receipts submitted
// meanwhile may wait in it, so it need not stop a sale.
func (c *Client) Check(ctx context.Context) error {
	q, err := c.Queue(ctx, 0)
	if err != nil {
		return err
	}
	if !q.Active() {
		return &acquiring.Error{Provider: provider, Op: "Check", Kind: acquiring.ErrUnavailable, Outcome: acquiring.OutcomeNotSent,
			Message: "no cash register of queue " + c.queue(0) + " is on line (state " + string(q.State) + ")",
			Hint:    "switch the register on and look at its connection in the cabinet; receipts submitted meanwhile wait in the queue"}
	}
	return nil
}

// CheckRequest is a receipt of any format: *CheckV1, *CheckV2, *CorrectionV1 and
// *CorrectionV2. The format decides the version of the interface.
type CheckRequest interface {
	version() API
	externalID() ID
	sums() (paid, lines money.Amount, err error)
}

// validate refuses what the service surely refuses.
func validate(op, path string, check CheckRequest) error {
	if check == nil {
		return acquiring.InOp(provider, op, acquiring.Invalid(path, "is nil"))
	}
	if check.externalID().IsZero() {
		return acquiring.InOp(provider, op, acquiring.Invalid(path+".external_id", "is empty: without it a repeated request prints twice"))
	}
	paid, lines, err := check.sums()
	if err != nil {
		return acquiring.InOp(provider, op, acquiring.Invalid(path+".payments", "do not fit in a sum"))
	}
	if paid != lines {
		return acquiring.InOp(provider, op, acquiring.Invalid(path+".payments", "add up to "+paid.String()+", the positions to "+lines.String()))
	}
	return nil
}

// CreateTask puts a receipt or a correction into a queue; 0 is Config.QueueID.
// external_id makes it idempotent, so that it is repeated after a lost answer:
// one used before gives acquiring.ErrDuplicate, whatever the receipt says, with
// *Existing in the chain where the service named the task. Submit does all of
// that.
//
// POST /api/shop/v2/queues/{queue_id}/task
func (c *Client) CreateTask(ctx context.Context, queue int, check CheckRequest) (*Task, error) {
	const op = "task"
	if err := validate(op, "check", check); err != nil {
		return nil, err
	}
	var t Task
	resp, err := c.do(ctx, call{op: op, method: http.MethodPost, api: check.version(), path: "queues/" + c.queue(queue) + "/task",
		body: check, repeatable: true, answer: &t})
	if err != nil {
		return nil, err
	}
	t.Raw = resp.Body
	if t.ID <= 0 || (!t.ExternalID.IsZero() && t.ExternalID.String() != check.externalID().String()) {
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown, HTTPStatus: resp.Status,
			Message: "the answer is about another receipt, or about none: " + c.rest.Excerpt(resp.Body)}
	}
	return &t, nil
}

// CreateTasks puts several receipts of one version into a queue at once; 0 is
// Config.QueueID. The tasks come in the order of the checks. How many the
// service takes at once, and whether it takes the good ones of a batch with a
// bad one, is not documented: after any error but a rejected signature, submit
// them one by one (each is printed once), as SubmitAll does.
//
// POST /api/shop/v2/queues/{queue_id}/multi-tasks
func (c *Client) CreateTasks(ctx context.Context, queue int, checks []CheckRequest) ([]Task, error) {
	const op = "multi-tasks"
	if len(checks) == 0 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("checks", "are none"))
	}
	at := make(map[string]int, len(checks))
	for i, check := range checks {
		path := "checks[" + strconv.Itoa(i) + "]"
		if err := validate(op, path, check); err != nil {
			return nil, err
		}
		if check.version() != checks[0].version() {
			return nil, acquiring.InOp(provider, op, acquiring.Invalid(path, "is of another version than the first: a batch goes to one address"))
		}
		if first, twice := at[check.externalID().String()]; twice {
			return nil, acquiring.InOp(provider, op, acquiring.Invalid(path+".external_id", "is that of checks["+strconv.Itoa(first)+"]"))
		}
		at[check.externalID().String()] = i
	}
	var answer taskSet
	resp, err := c.do(ctx, call{op: op, method: http.MethodPost, api: checks[0].version(), path: "queues/" + c.queue(queue) + "/multi-tasks",
		body: checks, answer: &answer})
	if err != nil {
		return nil, unsure(err)
	}
	tasks := make([]Task, len(checks))
	for _, raw := range answer {
		var t Task
		if json.Unmarshal(raw, &t) != nil {
			continue
		}
		if i, ok := at[t.ExternalID.String()]; ok && t.ID >= 0 {
			t.Raw = raw
			tasks[i] = t
			delete(at, t.ExternalID.String())
		}
	}
	if len(at) > 0 {
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeUnknown, HTTPStatus: resp.Status,
			Message: fmt.Sprintf("the answer leaves out %d of %d receipts", len(at), len(checks)), Hint: "submit them one by one: each is printed once"}
	}
	return tasks, nil
}

// unsure says of a refused batch that a part of it may have been accepted.
func unsure(err error) error {
	e, ok := err.(*acquiring.Error)
	if !ok || e.Outcome != acquiring.OutcomeRejected || e.Kind == acquiring.ErrUnauthorized || e.Kind == acquiring.ErrNotFound || e.Kind == acquiring.ErrRateLimited {
		return err
	}
	c := *e
	c.Outcome = acquiring.OutcomeUnknown
	c.Hint = "submit the receipts one by one: each is printed once"
	return &c
}

// taskSet are the values of an object whose keys mean nothing, or of an array.
type taskSet []json.RawMessage

func (s *taskSet) UnmarshalJSON(data []byte) error {
	if len(data) > 0 && data[0] == '[' {
		return json.Unmarshal(data, (*[]json.RawMessage)(s))
	}
	var m map[string]json.RawMessage
	if err := json.Unmarshal(data, &m); err != nil {
		return err
	}
	for _, raw := range m {
		*s = append(*s, raw)
	}
	return nil
}

// Task reads a task. With APIByFFD one that version 2 does not know is looked
// for in version 1.
//
// GET /api/shop/v2/tasks/{task_id}
func (c *Client) Task(ctx context.Context, id int64) (*Task, error) {
	t, err := c.task(ctx, c.version(), id)
	if err != nil && c.cfg.API == APIByFFD && isNotFound(err) {
		if old, errOld := c.task(ctx, APIv1, id); errOld == nil {
			return old, nil
		}
	}
	return t, err
}

func (c *Client) task(ctx context.Context, api API, id int64) (*Task, error) {
	const op = "tasks"
	if id <= 0 {
		return nil, acquiring.InOp(provider, op, acquiring.Invalid("id", "is not the number of a task"))
	}
	var t Task
	resp, err := c.do(ctx, call{op: op, method: http.MethodGet, api: api, path: "tasks/" + strconv.FormatInt(id, 10), repeatable: true, answer: &t})
	if err != nil {
		return nil, err
	}
	t.Raw = resp.Body
	if int64(t.ID) != id {
		return nil, &acquiring.Error{Provider: provider, Op: op, Kind: acquiring.ErrProtocol, Outcome: acquiring.OutcomeRejected, HTTPStatus: resp.Status,
			Message: "the answer is about another task: " + c.rest.Excerpt(resp.Body)}
	}
	return &t, nil
}

// page is the query of one page of a list.
func page(start, limit int, more url.Values) url.Values {
	q := url.Values{"start": {strconv.Itoa(start)}, "limit": {strconv.Itoa(limit)}}
	for k, v := range more {
		q[k] = v
	}
	return q
}
