package komtet

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

// sample reads a published request or answer. They lie beside the repository,
// not in it.
func sample(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "samples", "komtet", name))
	if os.IsNotExist(err) {
		t.Skip("the published samples of Komtet Kassa are not here: ../shared/samples/komtet beside the repository")
	}
	require.NoError(t, err)
	return string(b)
}

func TestSampleSignatures(t *testing.T) {
	var list []struct {
		Secret, Method, URL, Body, Signature string
		Valid                                bool
	}
	require.NoError(t, json.Unmarshal([]byte(sample(t, "published_signatures.json")), &list))
	require.Len(t, list, 11)
	for _, v := range list {
		s, err := newSigner(v.Secret)
		require.NoError(t, err)
		assert.Equal(t, v.Valid, s.verify(v.Method, v.URL, []byte(v.Body), v.Signature), v.URL)
		assert.Equal(t, v.Signature, s.sign(v.Method, v.URL, []byte(v.Body)))
	}
}

// Our models hold every field of the published requests, and write the same
// JSON value again. What the samples leave out and ours always has is added.
func TestSampleRequests(t *testing.T) {
	for name, row := range map[string]struct {
		into any
		add  map[string]any
	}{
		"req_check_v2_full.json":              {&CheckV2{}, nil},
		"req_check_v2_minimal.json":           {&CheckV2{}, nil},
		"req_check_v2_client_all_fields.json": {&CheckV2{}, map[string]any{"company": map[string]any{"sno": json.Number("0"), "payment_address": ""}}},
		"req_position_v2_php.json":            {&PositionV2{}, nil},
		"req_correction_v2.json":              {&CorrectionV2{}, nil},
		"req_check_v1_basic.json":             {&CheckV1{}, nil},
		"req_check_v1_ffd105.json":            {&CheckV1{}, nil},
		"req_correction_v1.json":              {&CorrectionV1{}, nil},
		"req_order_v2.json":                   {&OrderV2{}, nil},
		"req_order_v2_callback_courier.json":  {&OrderV2{}, nil},
		"req_order_v2_agent.json":             {&OrderV2{}, nil},
		"req_employee_full.json":              {&EmployeeRequest{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			text := sample(t, name)
			dec := json.NewDecoder(bytes.NewReader([]byte(text)))
			dec.DisallowUnknownFields()
			require.NoError(t, dec.Decode(row.into))
			var want map[string]any
			require.NoError(t, json.Unmarshal([]byte(text), &want))
			for k, v := range row.add {
				want[k] = v
			}
			expected, err := json.Marshal(want)
			require.NoError(t, err)
			assert.JSONEq(t, string(expected), written(t, row.into))
		})
	}
}

func TestSampleSumsDiffer(t *testing.T) {
	for _, name := range []string{"req_check_v1_basic.json", "req_check_v1_ffd105.json"} {
		var check CheckV1
		require.NoError(t, json.Unmarshal([]byte(sample(t, name)), &check))
		c, s := client(t, nil)
		_, err := c.CreateTask(t.Context(), 0, &check)
		assert.Equal(t, "check.payments", asError(t, err).Field)
		assert.Empty(t, s.sent)
	}
}

func TestSampleQueues(t *testing.T) {
	c, _ := client(t, nil, ok(sample(t, "resp_queue_active.json")), ok(sample(t, "resp_queue_passive.json")))
	q, err := c.Queue(t.Context(), 6395)
	require.NoError(t, err)
	assert.True(t, q.Active())
	assert.Equal(t, Int(6395), q.ID)
	q, err = c.Queue(t.Context(), 6395)
	require.NoError(t, err)
	assert.False(t, q.Active())
}

func TestSampleTasks(t *testing.T) {
	var task Task
	require.NoError(t, json.Unmarshal([]byte(sample(t, "resp_task_new.json")), &task))
	assert.Equal(t, Task{ID: 1, ExternalID: NumberID(2), QueueID: 3, State: TaskNew}, task)
	task = Task{}
	require.NoError(t, json.Unmarshal([]byte(sample(t, "resp_task_v1_new_string_external_id.json")), &task))
	assert.Equal(t, "1234BAR", task.ExternalID.String())

	c, _ := client(t, nil, ok(sample(t, "resp_task_done.json")))
	d, err := c.GetDocument(t.Context(), "234")
	require.NoError(t, err)
	assert.Equal(t, fiscal.DocumentPrinted, d.Status)
	assert.Equal(t, &fiscal.FiscalData{FN: "2222222222222222", FD: "111", FP: "555555555", Total: money.Amount(666677), Type: fiscal.PurchaseReturn}, d.Fiscal)

	checks := make([]CheckRequest, 5)
	for i := range checks {
		checks[i] = &CheckV1{ExternalID: NumberID(int64(i))}
	}
	c, _ = client(t, nil, ok(sample(t, "resp_multi_tasks.json")))
	tasks, err := c.CreateTasks(t.Context(), 3, checks)
	require.NoError(t, err)
	for i, task := range tasks {
		assert.Equal(t, Int(i), task.ID)
		assert.Equal(t, NumberID(int64(i)), task.ExternalID)
	}
}

func TestSampleOrders(t *testing.T) {
	c, _ := client(t, nil, ok(sample(t, "resp_orders_list.json")), ok(sample(t, "resp_order_v1.json")), ok(sample(t, "resp_order_v2.json")))
	var names []Text
	for o, err := range c.Orders(t.Context(), OrderFilter{}) {
		require.NoError(t, err)
		names = append(names, o.ClientName)
		assert.Equal(t, Int(100), o.TaskID)
		assert.Equal(t, Text("2020-12-0"), o.DateStart[:9])
		assert.Equal(t, Text("белый дом"), o.CallbackURL)
	}
	assert.Equal(t, []Text{"Авраам", "Джон"}, names)
	o, err := c.Order(t.Context(), 775)
	require.NoError(t, err)
	assert.True(t, o.ExternalID.IsZero())
	assert.Equal(t, "1", o.Items[0].ExternalID.String())
	o, err = c.Order(t.Context(), 775)
	require.NoError(t, err)
	assert.Equal(t, NumberID(12), o.ExternalID)
	assert.Equal(t, "new", o.State)
}

func TestSampleEmployees(t *testing.T) {
	c, _ := client(t, nil, ok(sample(t, "resp_employee.json")), ok(sample(t, "resp_employees_list.json")))
	e, err := c.Employee(t.Context(), 71)
	require.NoError(t, err)
	assert.Equal(t, EmployeeCashier, e.Type)
	n := 0
	for _, err := range c.Employees(t.Context(), "") {
		require.NoError(t, err)
		n++
	}
	assert.Equal(t, 3, n)
}

func TestSampleErrors(t *testing.T) {
	c, _ := client(t, nil, answer{status: 403, body: sample(t, "err_403_aut00.json")}, answer{status: 422, body: sample(t, "err_422_vld11.json")})
	_, err := c.Submit(t.Context(), sale())
	assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
	assert.Equal(t, CodeUnauthorized, asError(t, err).Code)
	assert.False(t, acquiring.Temporary(err))
	_, err = c.Submit(t.Context(), numbered(sale(), "test123"))
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.Equal(t, CodeDuplicate, asError(t, err).Code)
}

// The service's own libraries put a discount beside the price; here it goes
// into the price, and the lines come out the same to the kopeck.
func TestSampleDiscount(t *testing.T) {
	var rounding struct {
		Discounts []struct {
			Discount       string
			Totals, Expect []string
		} `json:"apply_discount"`
	}
	require.NoError(t, json.Unmarshal([]byte(sample(t, "rounding.json")), &rounding))
	require.NotEmpty(t, rounding.Discounts)
	amount := func(s string) money.Amount {
		a, err := money.Parse(s)
		require.NoError(t, err)
		return a
	}
	for _, d := range rounding.Discounts {
		r := sale()
		r.Lines = nil
		for _, total := range d.Totals {
			r.Lines = append(r.Lines, fiscal.GoodsLine("Товар", amount(total), fiscal.Pieces(1), fiscal.VATNone))
		}
		var err error
		r.Lines, err = fiscal.Spread(r.Lines, r.Total()-amount(d.Discount))
		require.NoError(t, err)
		c, _ := client(t, nil)
		check, err := c.Request(r)
		require.NoError(t, err)
		for i, p := range check.(*CheckV2).Positions {
			assert.Equal(t, amount(d.Expect[i]), money.Amount(p.Total))
		}
	}
}
