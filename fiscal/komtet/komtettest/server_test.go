package komtettest

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// do sends a signed request by hand: nothing of the client beside this package
// takes part.
func do(t *testing.T, s *Server, method, path, body string) (int, map[string]any) {
	t.Helper()
	address := s.URL + path
	mac := hmac.New(md5.New, []byte(DefaultSecret))
	io.WriteString(mac, method+address+body)
	req, err := http.NewRequest(method, address, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", DefaultShopID)
	req.Header.Set("X-HMAC-Signature", hex.EncodeToString(mac.Sum(nil)))
	return send(t, s, req)
}

func send(t *testing.T, s *Server, req *http.Request) (int, map[string]any) {
	t.Helper()
	resp, err := s.Client().Do(req)
	require.NoError(t, err)
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	var out map[string]any
	if len(data) > 0 && data[0] == '{' {
		require.NoError(t, json.Unmarshal(data, &out))
	}
	return resp.StatusCode, out
}

func still(t *testing.T, opts ...Option) *Server {
	t.Helper()
	s := NewServer(append([]Option{WithClock(NewClock(time.Date(2026, 11, 20, 15, 7, 0, 0, time.UTC))), WithSeed(1), WithoutListening()}, opts...)...)
	t.Cleanup(s.Close)
	return s
}

const check2 = `{"external_id":"T-1001","intent":"sell","print":false,
 "client":{"email":"buyer@lavka.example","phone":"+79990001122"},
 "company":{"sno":1,"payment_address":"https://lavka.example"},
 "payments":[{"type":"card","sum":1499.9}],
 "positions":[
  {"id":"sku-17","name":"Чайник","price":1299.9,"quantity":1,"total":1299.9,"vat":"no","measure":0,
   "payment_method":"full_payment","payment_object":"product"},
  {"name":"Доставка","price":200,"quantity":1,"total":200,"vat":"no","measure":0,
   "payment_method":"full_payment","payment_object":"service"}],
 "internet":true,"timezone":2,
 "callback_url":"http://shop.test/hooks/komtet?shop=2"}`

const tasks2 = "/api/shop/v2/queues/70451/task"

func TestSignatureVectors(t *testing.T) {
	const secret = "zavod-demo-secret-7f3a"
	const host = "https://kassa.komtet.ru"
	for _, v := range []struct{ method, url, body, want string }{
		{"GET", host + "/api/shop/v2/queues/70451", "", "fb12983c9259145cdb37184f28b4a288"},
		{"GET", host + "/api/shop/v2/orders?start=0&limit=10&courier_id=88", "", "2b84a99d60d7175cb0c6d3b5bd3eaa89"},
		{"POST", host + tasks2, `{"external_id":"T-1001","intent":"sell"}`, "26a529d087946aba650824c391cb0958"},
		{"POST", host + tasks2, `{"external_id":"T-1002","name":"Чай «Гжель» 100 г"}`, "f4f77a0c77a0329f97a60d131d7ef7cc"},
		{"POST", host + tasks2, `{"external_id":"T-1002","name":"\u0427\u0430\u0439 \u00ab\u0413\u0436\u0435\u043b\u044c\u00bb 100 \u0433"}`, "135a8cd35fda58af5848c7dde01b3a76"},
		{"DELETE", host + "/api/shop/v2/orders/5501", "", "ff3d1bd6c8a2529510c070bd438aa72a"},
		{"POST", "https://pay.lavka.example/hooks/komtet?shop=2", `{"id":9001,"external_id":"T-1001","state":"done"}`, "e671e8af5d1ad972e076ef605d66ee57"},
	} {
		assert.Equal(t, v.want, sign(secret, v.method, v.url, []byte(v.body)), v.url)
	}
}

func TestCheckIsPrintedAndTold(t *testing.T) {
	var got *http.Request
	var gotBody []byte
	s := still(t, WithCallbackHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r
		gotBody, _ = io.ReadAll(r.Body)
	})))
	code, a := do(t, s, "POST", tasks2, check2)
	require.Equal(t, 200, code, a)
	assert.Equal(t, "new", a["state"])
	assert.Equal(t, "T-1001", a["external_id"])
	assert.EqualValues(t, DefaultQueueID, a["print_queue_id"])
	id := strconv.Itoa(int(a["id"].(float64)))

	var states []string
	for range 3 {
		_, info := do(t, s, "GET", "/api/shop/v2/tasks/"+id, "")
		states = append(states, info["state"].(string))
	}
	assert.Equal(t, []string{"new", "processing", "done"}, states)
	_, info := do(t, s, "GET", "/api/shop/v2/tasks/"+id, "")
	data := info["fiscal_data"].(map[string]any)
	assert.Equal(t, "1499.90", data["s"])
	assert.EqualValues(t, 1, data["n"])
	assert.Equal(t, "20261120T1807", data["t"], "the register's time is Moscow's")
	assert.Len(t, data["fn"], 16)
	assert.NotEmpty(t, info["receipt_url"])

	s.Deliver()
	require.NotNil(t, got)
	want := sign(DefaultSecret, "POST", "http://shop.test/hooks/komtet?shop=2", gotBody)
	assert.Equal(t, want, got.Header.Get("X-HMAC-Signature"))
	assert.JSONEq(t, `{"id":`+id+`,"external_id":"T-1001","state":"done"}`, string(gotBody))
}

func TestTimePrints(t *testing.T) {
	s := still(t)
	do(t, s, "POST", tasks2, check2)
	s.Advance(time.Second)
	task, ok := s.Task("T-1001")
	require.True(t, ok)
	assert.Equal(t, StateProcessing, task.State)
	s.Advance(time.Second)
	task, _ = s.Task("T-1001")
	assert.Equal(t, StateDone, task.State)
	assert.EqualValues(t, 149990, task.Total)
}

func TestPassiveQueueWaits(t *testing.T) {
	s := still(t)
	s.SetQueue(DefaultQueueID, false)
	code, a := do(t, s, "GET", "/api/shop/v2/queues/70451", "")
	assert.Equal(t, 200, code)
	assert.Equal(t, "passive", a["state"])
	code, _ = do(t, s, "POST", tasks2, check2)
	require.Equal(t, 200, code)
	s.Advance(time.Hour)
	task, _ := s.Task("T-1001")
	assert.Equal(t, StateNew, task.State)
	require.Error(t, s.Print("T-1001"))
	s.SetQueue(DefaultQueueID, true)
	s.Advance(2 * time.Second)
	task, _ = s.Task("T-1001")
	assert.Equal(t, StateDone, task.State)
	require.Error(t, s.Print("T-1001"), "printed already")
}

func TestRefusalByTheRegister(t *testing.T) {
	s := still(t, WithCabinetURLs("http://shop.test/ok", "http://shop.test/failed"))
	s.Refuse("T-2", "Нет бумаги")
	for _, id := range []string{"T-2", "T-3-fail"} {
		code, _ := do(t, s, "POST", tasks2, strings.NewReplacer("T-1001", id, `,
 "callback_url":"http://shop.test/hooks/komtet?shop=2"`, "").Replace(check2))
		require.Equal(t, 200, code)
		require.NoError(t, s.Print(id))
		task, _ := s.Task(id)
		assert.Equal(t, StateError, task.State)
		assert.NotEmpty(t, task.Error)
	}
	for _, d := range s.Deliveries() {
		assert.Equal(t, "http://shop.test/failed", d.URL)
		assert.Contains(t, string(d.Body), "error_description")
	}
	assert.Len(t, s.Deliveries(), 2)
}

func TestSameExternalID(t *testing.T) {
	s := still(t)
	_, first := do(t, s, "POST", tasks2, check2)
	code, a := do(t, s, "POST", tasks2, strings.Replace(check2, "Чайник", "Самовар", 1))
	assert.Equal(t, 422, code)
	assert.Equal(t, "VLD11", a["code"])
	assert.Contains(t, a["title"], "T-1001")
	assert.Equal(t, first["id"], a["task"].(map[string]any)["id"])
	assert.Len(t, s.Tasks(), 1)

	s = still(t, WithoutExistingTask())
	do(t, s, "POST", tasks2, check2)
	_, a = do(t, s, "POST", tasks2, check2)
	assert.NotContains(t, a, "task")
}

func TestNumberIsTheSameID(t *testing.T) {
	s := still(t)
	code, a := do(t, s, "POST", tasks2, strings.Replace(check2, `"T-1001"`, `42`, 1))
	require.Equal(t, 200, code)
	assert.EqualValues(t, 42, a["external_id"])
	code, _ = do(t, s, "POST", tasks2, strings.Replace(check2, `"T-1001"`, `"42"`, 1))
	assert.Equal(t, 422, code)
}

func TestForeignersAreKeptOut(t *testing.T) {
	s := still(t, WithShop("one", "secret-1"), WithShop("two", "secret-2"), WithQueue(Queue{ID: 1, Shop: "one", Active: true}))
	try := func(shop, secret, path, signed string) int {
		req, _ := http.NewRequest("GET", s.URL+path, nil)
		if shop != "" {
			req.Header.Set("Authorization", shop)
		}
		req.Header.Set("X-Hmac-Signature", sign(secret, "GET", s.URL+signed, nil))
		code, a := send(t, s, req)
		if code == 403 {
			assert.Equal(t, "AUT00", a["code"])
		}
		return code
	}
	const q = "/api/shop/v2/queues/1"
	assert.Equal(t, 200, try("one", "secret-1", q, q))
	assert.Equal(t, 403, try("one", "secret-2", q, q))
	assert.Equal(t, 403, try("three", "secret-1", q, q))
	assert.Equal(t, 403, try("", "secret-1", q, q))
	assert.Equal(t, 403, try("one", "secret-1", q, q+"/"))
	assert.Equal(t, 404, try("two", "secret-2", q, q), "another shop's queue")
	assert.Equal(t, 404, try("one", "secret-1", "/nothing", "/nothing"))
	const enc = "/api/shop/v2/orders?date_start=2020-12-08%2010%3A00"
	assert.Equal(t, 200, try("one", "secret-1", enc, enc))
	assert.Equal(t, 200, try("one", "secret-1", enc, "/api/shop/v2/orders?date_start=2020-12-08 10:00"), "the decoded form, as one SDK signs")
}

// TestEachFaultIsRefused breaks one thing at a time.
func TestEachFaultIsRefused(t *testing.T) {
	line := `"name":"Чайник","price":1299.9,"quantity":1,"total":1299.9,"vat":"no","measure":0`
	for name, change := range map[string][2]string{
		"payment_method": {`"payment_method":"full_payment","payment_object":"product"`, `"payment_object":"product"`},
		"payment_object": {`"payment_object":"product"`, `"payment_object":"athm"`},
		"external_id":    {`"external_id":"T-1001",`, ``},
		"intent":         {`"sell"`, `"sold"`},
		"client":         {`{"email":"buyer@lavka.example","phone":"+79990001122"}`, `[]`},
		"company":        {`"company":{"sno":1,"payment_address":"https://lavka.example"},`, ``},
		"sno":            {`"sno":1`, `"sno":3`},
		"sno text":       {`"sno":1`, `"sno":"1"`},
		"Сумма":          {`"sum":1499.9`, `"sum":1499.89`},
		"sum":            {`"sum":1499.9`, `"sum":"1499.9"`},
		"знаков":         {line, strings.ReplaceAll(line, "1299.9,", "1299.905,")},
		"vat":            {line, strings.Replace(line, `"no"`, `"18"`, 1)},
		"vat number":     {line, strings.Replace(line, `"no"`, `20`, 1)},
		"measure":        {line, strings.Replace(line, `"measure":0`, `"measure":1`, 1)},
		"quantity":       {line, strings.Replace(line, `"quantity":1`, `"quantity":0`, 1)},
		"price":          {line, strings.Replace(line, `"price":1299.9`, `"price":-1`, 1)},
		"name":           {line, strings.Replace(line, `"Чайник"`, `""`, 1)},
		"timezone":       {`"timezone":2`, `"timezone":12`},
		"positions":      {`"positions":[`, `"positions":[],"x":[`},
		"payments type":  {`"type":"card"`, `"type":"bitcoin"`},
		"internet":       {`"internet":true`, `"internet":"yes"`},
		"mark_code":      {line, line + `,"mark_code":{"gs2m":"x"}`},
		"mark_quantity":  {line, line + `,"mark_quantity":{"numerator":2,"denominator":2}`},
		"agent_info":     {line, line + `,"agent_info":{"type":"spy"}`},
		"phones":         {line, line + `,"supplier_info":{"phones":[79990001122]}`},
		"client.inn":     {`{"email":"buyer@lavka.example"`, `{"inn":"77","email":"buyer@lavka.example"`},
		"sectoral":       {line, line + `,"sectoral_item_props":[{"federal_id":"30","date":"21.11.2023","number":"1944","value":"x"}]`},
		"JSON":           {`"external_id"`, `external_id`},
	} {
		s := still(t)
		broken := strings.Replace(check2, change[0], change[1], 1)
		require.NotEqual(t, check2, broken, name)
		code, a := do(t, s, "POST", tasks2, broken)
		assert.Equal(t, 422, code, name)
		assert.Equal(t, "VLD00", a["code"], name)
		assert.Contains(t, a["description"], strings.Fields(name)[0], name)
		assert.Empty(t, s.Tasks(), name)
	}
}

func TestFloatNoiseIsTaken(t *testing.T) {
	s := still(t)
	code, a := do(t, s, "POST", tasks2, strings.ReplaceAll(check2, "1299.9,", "1299.9000000000000909,"))
	assert.Equal(t, 200, code, a)
	code, _ = do(t, s, "POST", tasks2, strings.NewReplacer("T-1001", "big", "1299.9,", "1e999999999,").Replace(check2))
	assert.Equal(t, 422, code)
}

func TestVersion1(t *testing.T) {
	s := still(t)
	const v1 = "/api/shop/v1/queues/70451/task"
	sell := `{"external_id":"V1-77","user":"buyer@lavka.example","print":false,"intent":"sellReturn","sno":1,
 "payment_address":"https://lavka.example","payments":[{"sum":300,"type":"card"}],
 "positions":[{"id":"1","name":"Кружка","price":150,"quantity":2,"total":300,"vat":"no","measure_name":"шт",
   "calculation_method":"full_payment","calculation_subject":"product"}]}`
	code, a := do(t, s, "POST", v1, sell)
	require.Equal(t, 200, code, a)
	require.NoError(t, s.Print("V1-77"))
	task, _ := s.Task("V1-77")
	assert.Equal(t, "2", task.Fiscal["n"])
	assert.Equal(t, 1, task.Version)

	correction := `{"external_id":"V1-78","intent":"sellCorrection","sno":0,"print":false,
 "payments":[{"sum":10,"type":"card"}],"positions":[{"name":"Услуга","price":10,"quantity":1,"total":10,"vat":"no"}],
 "correction":{"type":"forced","date":"2026-09-28","document":"K11"},"authorised_person":{"name":"Сидоров П. П.","inn":"123456789012"}}`
	code, a = do(t, s, "POST", v1, correction)
	require.Equal(t, 200, code, a)
	for _, change := range [][2]string{{`"forced"`, `"instruction"`}, {`,"document":"K11"`, ``}, {"2026-09-28", "28 сентября"}, {`"sno":0,`, ``}} {
		code, _ = do(t, s, "POST", v1, strings.Replace(strings.Replace(correction, "V1-78", "V1-79", 1), change[0], change[1], 1))
		assert.Equal(t, 422, code, change)
	}
	code, _ = do(t, s, "POST", v1, strings.Replace(sell, `"user":"buyer@lavka.example",`, "", 1))
	assert.Equal(t, 422, code)
	code, _ = do(t, s, "POST", v1, strings.NewReplacer("V1-77", "V1-80", `"product"`, `"tm"`).Replace(sell))
	assert.Equal(t, 422, code, "marked goods are of v2")
}

func TestCorrection2(t *testing.T) {
	s := still(t)
	correction := `{"external_id":"T-1001-corr","intent":"sellCorrection","print":false,
 "company":{"sno":0,"payment_address":"https://lavka.example"},"client":[],
 "correction_info":{"type":"self","base_date":"05.11.2026"},"payments":[{"type":"card","sum":500}],
 "positions":[{"name":"Плед","price":500,"quantity":1,"total":500,"vat":"22","measure":0,"payment_method":"full_payment","payment_object":"product"}],
 "authorised_person":{"name":"Сидоров П. П."}}`
	code, a := do(t, s, "POST", tasks2, correction)
	require.Equal(t, 200, code, a)
	task, _ := s.Task("T-1001-corr")
	assert.True(t, task.Correction)
	code, _ = do(t, s, "POST", tasks2, strings.Replace(correction, `"self"`, `"instruction"`, 1))
	assert.Equal(t, 422, code, "an instruction has a number")
	code, _ = do(t, s, "POST", tasks2, strings.Replace(correction, `"self"`, `"forced"`, 1))
	assert.Equal(t, 422, code, "forced is of v1")
}

func TestBatch(t *testing.T) {
	s := still(t)
	two := strings.Replace(check2, "T-1001", "T-1002", 1)
	code, a := do(t, s, "POST", "/api/shop/v2/queues/70451/multi-tasks", "["+check2+","+two+"]")
	require.Equal(t, 200, code, a)
	assert.Equal(t, "T-1002", a["1"].(map[string]any)["external_id"])
	assert.Len(t, s.Tasks(), 2)

	code, a = do(t, s, "POST", "/api/shop/v2/queues/70451/multi-tasks", "["+strings.Replace(check2, "T-1001", "T-1003", 1)+","+two+"]")
	assert.Equal(t, 422, code)
	assert.Equal(t, "VLD11", a["code"])
	for _, bad := range []string{"[]", "{}", "[1]", "[" + check2 + "," + check2 + "]", `[{"external_id":"x"}]`} {
		code, _ = do(t, s, "POST", "/api/shop/v2/queues/70451/multi-tasks", bad)
		assert.Equal(t, 422, code, bad)
	}
	assert.Len(t, s.Tasks(), 2, "all or nothing")
}

func TestCallbackIsRepeated(t *testing.T) {
	tries := 0
	s := still(t, WithFullCallback(), WithCallbackHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		tries++
		if tries < 3 {
			w.WriteHeader(500)
		}
	})))
	do(t, s, "POST", tasks2, check2)
	require.NoError(t, s.Print("T-1001"))
	s.Deliver()
	s.Advance(time.Minute)
	assert.Equal(t, 3, tries)
	assert.Contains(t, string(s.Deliveries()[0].Body), "fiscal_data")
	require.NoError(t, s.Resend(s.Deliveries()[0].ID))
	require.NoError(t, s.Forge(s.Deliveries()[0].ID))
	s.Deliver()
	assert.Equal(t, 5, tries)
	last := s.Deliveries()[2]
	assert.True(t, last.Forged)
	assert.NotEqual(t, sign(DefaultSecret, "POST", last.URL, last.Body), last.Header.Get("X-HMAC-Signature"))
}

func TestFaults(t *testing.T) {
	s := still(t)
	s.Fail(Fault{Op: OpTask, Kind: LostAnswer})
	req, _ := http.NewRequest("POST", s.URL+tasks2, strings.NewReader(check2))
	req.Header.Set("Authorization", DefaultShopID)
	req.Header.Set("X-HMAC-Signature", sign(DefaultSecret, "POST", s.URL+tasks2, []byte(check2)))
	_, err := s.Client().Do(req)
	require.Error(t, err)
	assert.Len(t, s.Tasks(), 1, "the work was done")
	s.Fail(Fault{Op: OpQueue, Kind: RateLimit})
	s.ClearFaults()
	code, _ := do(t, s, "GET", "/api/shop/v2/queues/70451", "")
	assert.Equal(t, 200, code)
	assert.Equal(t, OpQueue, s.Requests()[len(s.Requests())-1].Op)
}

func TestOrders(t *testing.T) {
	s := still(t)
	code, staff := do(t, s, "POST", "/api/shop/v2/employees", `{"type":"courier","name":"Петров Илья","login":"petrov","password":"s3cret","pos_id":"POS-1","phone":"+79990003344"}`)
	require.Equal(t, 200, code)
	assert.NotContains(t, staff, "password")
	courier := strconv.Itoa(int(staff["id"].(float64)))
	order := `{"external_id":"D-55","is_pay_to_courier":true,"date_start":"22.11.2026 10:00","date_end":"22.11.2026 13:00",
 "client":{"address":"г. Пенза, ул. Кирова, 5","phone":"+79990001122"},"company":{"sno":1,"payment_address":"https://lavka.example"},
 "items":[{"order_item_id":1,"name":"Торт","price":900,"quantity":1,"total":900,"vat":"no","measure":0,"type":"product"}],
 "state":"new","payment_type":"card","prepayment":0,"courier_id":` + courier + `,"callback_url":"http://shop.test/order"}`
	code, a := do(t, s, "POST", "/api/shop/v2/orders", order)
	require.Equal(t, 200, code, a)
	assert.EqualValues(t, 900, a["amount"])
	assert.Equal(t, "2026-11-22 10:00", a["date_start"])
	assert.Equal(t, "Петров Илья", a["courier"].(map[string]any)["name"])
	assert.EqualValues(t, 1, a["items"].([]any)[0].(map[string]any)["external_id"])
	assert.Nil(t, a["task_id"])
	id := int(a["id"].(float64))
	one := "/api/shop/v2/orders/" + strconv.Itoa(id)

	code, a = do(t, s, "GET", "/api/shop/v2/orders?start=0&limit=10&courier_id="+courier, "")
	require.Equal(t, 200, code)
	assert.Len(t, a["orders"], 1)
	assert.EqualValues(t, 1, a["meta"].(map[string]any)["total_pages"])
	_, a = do(t, s, "GET", "/api/shop/v2/orders?courier_id=1", "")
	assert.Empty(t, a["orders"])
	_, a = do(t, s, "GET", "/api/shop/v2/orders?date_start=2026-11-23+00%3A00", "")
	assert.Empty(t, a["orders"])
	code, _ = do(t, s, "GET", "/api/shop/v2/orders?limit=0", "")
	assert.Equal(t, 422, code)

	code, a = do(t, s, "PUT", one, strings.ReplaceAll(order, "900,", "950,"))
	require.Equal(t, 200, code)
	assert.EqualValues(t, 950, a["amount"])
	require.NoError(t, s.Fulfil(id))
	require.Error(t, s.Fulfil(id))
	require.Error(t, s.Fulfil(1))
	_, a = do(t, s, "GET", one, "")
	assert.Equal(t, "done", a["state"])
	assert.NotNil(t, a["task_id"])
	assert.Contains(t, string(s.Deliveries()[0].Body), `"callback_url":"http://shop.test/order"`)
	code, _ = do(t, s, "PUT", one, order)
	assert.Equal(t, 422, code)
	code, _ = do(t, s, "DELETE", one, "")
	assert.Equal(t, 422, code)

	for _, change := range [][2]string{{"22.11.2026 10:00", "2026-11-22 10:00"}, {`"D-55"`, `""`}, {`"courier_id":` + courier, `"courier_id":7`},
		{`"name":"Торт",`, ``}, {`"quantity":1`, `"quantity":0`}, {`"address":"г. Пенза, ул. Кирова, 5",`, ``}} {
		code, _ = do(t, s, "POST", "/api/shop/v2/orders", strings.Replace(order, change[0], change[1], 1))
		assert.Equal(t, 422, code, change)
	}

	v1 := `{"order_id":"D-56","sno":1,"client_address":"Пенза","client_phone":"+79990001122","is_paid":false,"date_start":"2026-11-22 10:00",
 "date_end":"2026-11-22 13:00","items":[{"order_item_id":"7","name":"Торт","price":900,"quantity":1,"total":900,"vat":"no","nomenclature_code":"x"}],"payment_type":"card","prepayment":0}`
	code, a = do(t, s, "POST", "/api/shop/v1/orders", v1)
	require.Equal(t, 200, code, a)
	assert.Equal(t, "D-56", a["external_id"])
	code, _ = do(t, s, "DELETE", "/api/shop/v1/orders/"+strconv.Itoa(int(a["id"].(float64))), "")
	assert.Equal(t, 200, code)
	code, _ = do(t, s, "GET", "/api/shop/v1/orders/"+strconv.Itoa(int(a["id"].(float64))), "")
	assert.Equal(t, 404, code)
	code, _ = do(t, s, "PATCH", one, "")
	assert.Equal(t, 405, code)
}

func TestEmployees(t *testing.T) {
	s := still(t)
	body := `{"type":"cashier","name":"Петров Илья","login":"petrov","password":"s3cret","pos_id":"POS-1","inn":"123456789012","is_manager":true}`
	code, a := do(t, s, "POST", "/api/shop/v2/employees", body)
	require.Equal(t, 200, code)
	one := "/api/shop/v2/employees/" + strconv.Itoa(int(a["id"].(float64)))
	assert.Equal(t, true, a["is_manager"])
	code, a = do(t, s, "PUT", one, strings.Replace(body, "Илья", "Пётр", 1))
	require.Equal(t, 200, code)
	assert.Equal(t, "Петров Пётр", a["name"])
	_, a = do(t, s, "GET", "/api/shop/v2/employees?type=courier", "")
	assert.Empty(t, a["account_employees"])
	_, a = do(t, s, "GET", "/api/shop/v2/employees?type=cashier", "")
	assert.Len(t, a["account_employees"], 1)
	code, _ = do(t, s, "GET", "/api/shop/v2/employees?type=pilot", "")
	assert.Equal(t, 422, code)
	for _, change := range [][2]string{{"cashier", "pilot"}, {`"login":"petrov",`, ``}, {`"inn":"123456789012"`, `"inn":12`}, {"true", `"yes"`}} {
		code, _ = do(t, s, "POST", "/api/shop/v2/employees", strings.Replace(body, change[0], change[1], 1))
		assert.Equal(t, 422, code, change)
	}
	code, a = do(t, s, "DELETE", one, "")
	assert.Equal(t, 200, code)
	assert.Empty(t, a)
	code, _ = do(t, s, "GET", one, "")
	assert.Equal(t, 404, code)
}

// TestPublishedSamples sends what the official SDKs' tests send.
func TestPublishedSamples(t *testing.T) {
	dir := filepath.Join("..", "..", "..", "..", "shared", "samples", "komtet")
	if _, err := os.Stat(dir); err != nil {
		t.Skip("the published samples are not here")
	}
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
		return b
	}
	var vectors []struct {
		Secret, Method, URL, Body, Signature string
		Valid                                bool
	}
	require.NoError(t, json.Unmarshal(read("published_signatures.json"), &vectors))
	require.NotEmpty(t, vectors)
	for _, v := range vectors {
		assert.Equal(t, v.Valid, sign(v.Secret, v.Method, v.URL, []byte(v.Body)) == v.Signature, v.URL)
	}
	for name, want := range map[string]string{
		"req_check_v2_full.json": "", "req_check_v2_minimal.json": "", "req_correction_v2.json": "",
		"req_check_v2_client_all_fields.json": "обязательно", "req_check_v1_basic.json": "Сумма", "req_check_v1_ffd105.json": "Сумма", "req_correction_v1.json": "",
	} {
		body := read(name)
		version := "v2"
		if strings.Contains(name, "_v1_") || strings.HasSuffix(name, "_v1.json") {
			version = "v1"
		}
		s := still(t)
		code, a := do(t, s, "POST", "/api/shop/"+version+"/queues/70451/task", string(bytes.TrimSpace(body)))
		if want == "" {
			assert.Equal(t, 200, code, "%s: %v", name, a)
			continue
		}
		assert.Equal(t, 422, code, name)
		assert.Contains(t, a["description"], want, name)
	}
	s := still(t)
	code, a := do(t, s, "POST", "/api/shop/v2/employees", string(read("req_employee_full.json")))
	assert.Equal(t, 200, code, a)
}
