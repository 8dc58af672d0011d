package tochkatest

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

func receiptBody(members string) string {
	return merge(map[string]json.RawMessage{"customerCode": json.RawMessage(`"300777001"`), "amount": json.RawMessage(`3200.00`), "purpose": json.RawMessage(`"Заказ 10048"`),
		"paymentMode": json.RawMessage(`["sbp"]`), "merchantId": json.RawMessage(`"200000000004321"`), "taxSystemCode": json.RawMessage(`"usn_income"`),
		"Client": json.RawMessage(`{"email":"maria@example.com","name":"Мария Петрова","phone":"+79990001122"}`),
		"Items": json.RawMessage(`[{"name":"Урок английского","amount":800.00,"quantity":3,"vatType":"none","paymentMethod":"full_prepayment","paymentObject":"service","measure":"шт."},
			{"name":"Учебник","amount":800.00,"quantity":1,"vatType":"vat10","paymentMethod":"full_payment","paymentObject":"goods","Supplier":{"phone":"+74950000000","name":"ООО Издатель","taxCode":"7700000001"}}]`)}, members)
}

// TestLinkOfTheManual is 7.2 to 7.8 as the documentation has it, to the byte
// where ids allow.
func TestLinkOfTheManual(t *testing.T) {
	b := start(t)
	resp := b.raw("POST", "/uapi/acquiring/v1.0/payments", "application/json",
		`{"Data":{"customerCode":"300777001","amount":1490.50,"purpose":"Абонемент на октябрь","paymentMode":["card","sbp"],
 "redirectUrl":"https://school.example.com/paid","failRedirectUrl":"https://school.example.com/failed",
 "merchantId":"200000000004321","ttl":1440,"paymentLinkId":"crm-10045"}}`)
	body := b.body(resp)
	data := decode(t, body)["Data"].(map[string]any)
	id, consumer := data["operationId"].(string), data["consumerId"].(string)
	assert.Len(t, id, 36)
	assert.Equal(t, `{"Data":{"purpose":"Абонемент на октябрь","status":"CREATED","amount":1490.5,"operationId":"`+id+`","paymentLink":"`+b.URL+`/order/?uuid=`+id+
		`","consumerId":"`+consumer+`","merchantId":"200000000004321","ttl":1440,"paymentLinkId":"crm-10045","paymentMode":["card","sbp"]},`+
		`"Links":{"self":"https://enter.tochka.com/uapi/acquiring/v1.0/payments"},"Meta":{"totalPages":1}}`, string(body))
	assert.Equal(t, []any{}, b.operation(id)["Order"])

	b.clock.Advance(216 * time.Second)
	require.NoError(t, b.Pay(id))
	op := b.operation(id)
	assert.Equal(t, "APPROVED", op["status"])
	assert.Equal(t, "2026-10-02T14:20:31+05:00", op["createdAt"])
	assert.Equal(t, "2026-10-02T12:24:07+03:00", op["paidAt"])
	assert.Equal(t, "card", op["paymentType"])
	assert.Equal(t, []string{"approval 1490.5"}, b.entries(id))

	refund := b.ok("POST", "acquiring/v1.0/payments/"+id+"/refund", `{"Data":{"amount":490.50}}`)
	assert.Equal(t, true, refund["isRefund"])
	assert.Equal(t, json.Number("490.5"), refund["amount"])
	assert.Equal(t, "2026-10-02", refund["date"])
	assert.Equal(t, "ON-REFUND", b.operation(id)["status"])
	assert.Equal(t, []string{"approval 1490.5", "refund 490.5"}, b.entries(id))
	assert.Equal(t, refund["orderId"], b.operation(id)["Order"].([]any)[1].(map[string]any)["orderId"])
	b.no(424, "Возврат уже выполняется", "POST", "acquiring/v1.0/payments/"+id+"/refund", `{"Data":{"amount":1}}`)
	b.Advance(3 * 24 * time.Hour)
	assert.Equal(t, "REFUNDED_PARTIALLY", b.operation(id)["status"])
	assert.Equal(t, json.Number("1490.5"), b.operation(id)["amount"], "not reduced by refunds")

	b.no(424, "больше оплаченной", "POST", "acquiring/v1.0/payments/"+id+"/refund", `{"Data":{"amount":1000.01}}`)
	b.ok("POST", "acquiring/v1.0/payments/"+id+"/refund", `{"Data":{"amount":"1000.00"}}`)
	require.NoError(t, b.Settle("crm-10045"))
	assert.Equal(t, "REFUNDED", b.operation(id)["status"])
	b.no(424, "REFUNDED", "POST", "acquiring/v1.0/payments/"+id+"/refund", `{"Data":{"amount":1}}`)
	require.Error(t, b.Settle("crm-10045"))

	rows := b.ok("GET", "acquiring/v1.0/registry?customerCode=300777001&merchantId=200000000004321&date=2026-10-02", "")["Registry"].([]any)
	require.Len(t, rows, 1)
	row := rows[0].(map[string]any)["payments"].([]any)[0].(map[string]any)
	assert.Equal(t, "crm-10045", row["number"])
	assert.Equal(t, json.Number("38.75"), row["commission"])
	assert.Equal(t, json.Number("1451.75"), row["enrollmentAmount"])

	o, ok := b.Order("crm-10045")
	require.True(t, ok)
	assert.Equal(t, money.RUB(1490, 50), o.Refunded)
	assert.Zero(t, o.Net())
	assert.Len(t, b.Deliveries(), 1, "refunds are not announced")
}

func TestNumbersOfLinks(t *testing.T) {
	b := start(t)
	assert.Equal(t, "1", b.link("")["paymentLinkId"])
	assert.Equal(t, "2", b.link("")["paymentLinkId"])
	b.link(`"paymentLinkId":"3"`)
	assert.Equal(t, "4", b.link("")["paymentLinkId"])
	b.link(`"paymentLinkId":"crm-1","ttl":1`)
	b.no(424, "Ошибка валидации: заказ с номером crm-1 существует", "POST", "acquiring/v1.0/payments", linkBody(`"paymentLinkId":"crm-1"`))
	b.Advance(time.Minute)
	assert.Equal(t, "EXPIRED", b.operation(b.find("crm-1").id)["status"])
	b.no(424, "существует", "POST", "acquiring/v1.0/payments", linkBody(`"paymentLinkId":"crm-1"`)) // never again
	assert.Empty(t, b.Server.Deliveries(), "an expiry is not announced")
}

func TestFieldsOfLinks(t *testing.T) {
	b := start(t)
	const path = "acquiring/v1.0/payments"
	for members, words := range map[string]string{
		`"amount":0`:         "Field amount : Input should be greater than 0; ",
		`"amount":-1`:        "Field amount : Input should be greater than 0; ",
		`"amount":"x"`:       "Field amount : Input should be a valid number; ",
		`"amount":1.005`:     "Field amount : Decimal input should have no more than 2 decimal places; ",
		`"amount":"-"`:       "Field amount : Field required; ",
		`"amount":null`:      "Field amount : Input should be a valid number; ",
		`"customerCode":"1"`: "Field customerCode : String should have at least 9 characters; ",
		`"purpose":""`:       "Field purpose : String should have at least 1 character; ",
		`"purpose":"` + strings.Repeat("Ё", 141) + `"`: "Field purpose : String should have at most 140 characters; ",
		`"purpose":7`:                 "Field purpose : Input should be a valid string; ",
		`"paymentMode":[]`:            "Field paymentMode : List should have at least 1 item after validation, not 0; ",
		`"paymentMode":"card"`:        "Field paymentMode : Input should be a valid list; ",
		`"paymentMode":["cash"]`:      "Field paymentMode.0 : Input should be 'sbp', 'card', 'tinkoff' or 'dolyame'; ",
		`"merchantId":""`:             "Field merchantId : String should have at least 15 characters; ",
		`"merchantId":"MF0000000001"`: "Field merchantId : String should have at least 15 characters; ",
		`"ttl":0`:                     "Field ttl : Input should be greater than or equal to 1; ",
		`"ttl":44641`:                 "Field ttl : Input should be less than or equal to 44640; ",
		`"ttl":1.5`:                   "Field ttl : Input should be a valid integer, got a number with a fractional part; ",
		`"preAuthorization":"yes"`:    "Field preAuthorization : Input should be a valid boolean; ",
		`"redirectUrl":"/paid"`:       "Field redirectUrl : Input should be a valid URL, relative URL without a base; ",
		`"paymentLinkId":"` + strings.Repeat("7", 46) + `"`: "Field paymentLinkId : String should have at most 45 characters; ",
		`"paymentLinkId":""`: "Field paymentLinkId : String should have at least 1 character; ",
	} {
		b.no(400, words, "POST", path, linkBody(members))
	}
	b.no(400, "Field amount : Field required; Field purpose : Field required; ", "POST", path, `{"Data":{"customerCode":"300777001","paymentMode":["card"]}}`)
	b.no(400, "Field Data : Field required; ", "POST", path, `{"customerCode":"300777001"}`)
	b.no(400, "JSON decode error", "POST", path, `{"Data":`)
	b.no(400, "valid dictionary", "POST", path, `[]`)
	b.no(400, "valid dictionary", "POST", path, `{"Data":7}`)
	assert.Equal(t, 400, b.raw("POST", "/uapi/"+path, "application/x-www-form-urlencoded", linkBody("")).StatusCode)
	b.no(403, "Forbidden by consent", "POST", path, linkBody(`"merchantId":"200000000009999"`))
	b.no(403, "Forbidden by consent", "POST", path, linkBody(`"customerCode":"999999999"`))
	b.link(`"ttl":44640,"amount":"10","merchantId":"-","consumerId":null,"saveCard":false`)
	assert.Len(t, b.Orders(), 1)
}

func TestRetailPoints(t *testing.T) {
	b := start(t, WithoutSBP())
	b.no(400, "Payment mode sbp is not available", "POST", "acquiring/v1.0/payments", linkBody(""))
	b = start(t, WithoutSBP(), WithModeRefusal(424))
	b.no(424, "Payment mode sbp is not available", "POST", "acquiring/v1.0/payments", linkBody(""))

	list := b.ok("GET", "acquiring/v1.0/retailers?customerCode=300777001", "")["Retailer"].([]any)
	require.Len(t, list, 2)
	assert.Equal(t, "businessRu", list[0].(map[string]any)["cashbox"])
	assert.Equal(t, json.Number("2.6"), list[0].(map[string]any)["rate"])
	assert.NotContains(t, list[1], "merchantId")
	assert.Equal(t, []any{}, list[1].(map[string]any)["paymentModes"])
	assert.Equal(t, false, list[1].(map[string]any)["isActive"])

	b.SetRetailer(DefaultCustomerCode, Retailer{Name: "Филиал", MerchantID: "200000000004322", PaymentModes: []string{"card"}})
	b.no(400, "Field merchantId : Field required; ", "POST", "acquiring/v1.0/payments", linkBody(`"merchantId":"-","paymentMode":["card"]`))
	b.link(`"merchantId":"200000000004322","paymentMode":["card"]`)
	b.SetRetailer(DefaultCustomerCode, Retailer{Name: "Филиал", MerchantID: "200000000004322", Inactive: true})
	b.no(424, "не активна", "POST", "acquiring/v1.0/payments", linkBody(`"merchantId":"200000000004322","paymentMode":["card"]`))
	b.SetRetailer(DefaultCustomerCode, Retailer{Name: "Школа", MerchantID: DefaultMerchantID, Status: "CLOSE"})
	b.no(424, "не подключен", "POST", "acquiring/v1.0/payments", linkBody(`"merchantId":"-"`))
	b.SetRetailer(DefaultCustomerCode, Retailer{Name: "Новая", MerchantID: "200000000004323", PaymentModes: modes})
	assert.Len(t, b.ok("GET", "acquiring/v1.0/retailers?customerCode=300777001", "")["Retailer"], 3)
	assert.Equal(t, "200000000004323", b.Config().MerchantID)
}

func TestReceipts(t *testing.T) {
	b := start(t)
	data := b.ok("POST", "acquiring/v1.0/payments_with_receipt", receiptBody(`"paymentLinkId":"crm-10048"`))
	assert.Equal(t, "300777001", data["customerCode"])
	items := data["Items"].([]any)
	assert.Equal(t, map[string]any{"vatType": "none", "name": "Урок английского", "amount": json.Number("800.0"), "quantity": json.Number("3.0"), "paymentMethod": "full_prepayment",
		"paymentObject": "service", "measure": "шт."}, items[0])
	assert.Equal(t, map[string]any{"phone": "+74950000000", "name": "ООО Издатель", "taxCode": "7700000001"}, items[1].(map[string]any)["Supplier"])
	assert.Empty(t, b.Receipts(), "printed after the payment")
	require.NoError(t, b.Pay("crm-10048"))
	printed := b.Receipts()
	require.Len(t, printed, 1)
	assert.Equal(t, "maria@example.com", printed[0].Email)
	assert.Equal(t, money.RUB(3200, 0), printed[0].Total)
	assert.Equal(t, "usn_income", printed[0].TaxSystem)
	assert.JSONEq(t, `[{"vatType":"none","name":"Урок английского","amount":800.0,"quantity":3.0,"paymentMethod":"full_prepayment","paymentObject":"service","measure":"шт."},
		{"vatType":"vat10","name":"Учебник","amount":800.0,"quantity":1.0,"paymentMethod":"full_payment","paymentObject":"goods","measure":"шт.","Supplier":{"phone":"+74950000000","name":"ООО Издатель","taxCode":"7700000001"}}]`, string(printed[0].Items))
	op := b.operation(data["operationId"])
	assert.Equal(t, "usn_income", op["taxSystemCode"])
	assert.Equal(t, "maria@example.com", op["Client"].(map[string]any)["email"])

	const path = "acquiring/v1.0/payments_with_receipt"
	one := func(item string) string { return `"Items":[{"name":"x","amount":3200,"quantity":1` + item + `}]` }
	for members, words := range map[string]string{
		`"Client":"-"`:                      "Field Client : Field required; ",
		`"Client":{}`:                       "Field Client.email : Field required; ",
		`"Client":{"email":"maria"}`:        "Field Client.email : value is not a valid email address",
		`"Client":{"email":"maria@local"}`:  "Field Client.email : value is not a valid email address",
		`"Items":[]`:                        "Field Items : List should have at least 1 item",
		`"Items":[7]`:                       "Field Items.0 : Input should be a valid dictionary",
		`"taxSystemCode":"envd"`:            "Field taxSystemCode : Input should be 'osn'",
		one(`,"vatType":"vat20"`):           "Field Items.0.vatType : Input should be 'none'",
		one(`,"vatType":"vat120"`):          "Field Items.0.vatType",
		one(`,"paymentMethod":"advance"`):   "Field Items.0.paymentMethod : Input should be 'full_payment' or 'full_prepayment'",
		one(`,"paymentObject":"commodity"`): "Field Items.0.paymentObject",
		one(`,"measure":"шт"`):              "Field Items.0.measure",
		one(`,"Supplier":{"phone":"8 495 000-00-00","name":"x","taxCode":"7700000001"}`): `Field Items.0.Supplier.phone : String should match pattern '^\+?\d+$'`,
		one(`,"Supplier":{"phone":"+74950000000","name":"x","taxCode":"77"}`):            "Field Items.0.Supplier.taxCode : String should have at least 10 characters",
		`"Items":[{"name":"x","amount":1,"quantity":0}]`:                                 "Field Items.0.quantity : Input should be greater than 0",
		`"Items":[{"name":"` + strings.Repeat("x", 257) + `","amount":1,"quantity":1}]`:  "Field Items.0.name : String should have at most 256 characters",
	} {
		b.no(400, words, "POST", path, receiptBody(members))
	}
	// The shapes met in the wild.
	b.no(400, "Field Client : Field required; Field Items : Field required; ", "POST", path, receiptBody(`"Client":"-","Items":"-","receipt":{"client":{},"items":[]}`))

	b.ok("POST", path, receiptBody(`"amount":10`))
	assert.Contains(t, strings.Join(b.Notes(), "\n"), "add up to 3200.00, the order is of 10.00")
	b.ok("POST", path, receiptBody(`"amount":10.33,"Items":[{"name":"x","amount":10.33,"quantity":0.333}]`))
	assert.Contains(t, strings.Join(b.Notes(), "\n"), "no whole number of kopecks")
	strict := start(t, WithTotalCheck())
	strict.no(400, "add up to 3200.00", "POST", path, receiptBody(`"amount":10`))
}

func TestNoCashRegister(t *testing.T) {
	const path = "acquiring/v1.0/payments_with_receipt"
	start(t, WithoutCashbox()).no(424, "не подключена онлайн-касса", "POST", path, receiptBody(""))
	start(t, WithoutCashbox(), WithCashboxRefusal(403)).no(403, "не подключена онлайн-касса", "POST", path, receiptBody(""))
	b := start(t, WithoutCashbox(), WithCashboxRefusal(0))
	id := b.ok("POST", path, receiptBody(""))["operationId"].(string)
	require.NoError(t, b.Pay(id))
	assert.Empty(t, b.Receipts())
}

func TestHold(t *testing.T) {
	b := start(t)
	id := b.link(`"preAuthorization":true`)["operationId"].(string)
	capture := "acquiring/v1.0/payments/" + id + "/capture"
	b.no(424, "CREATED", "POST", capture, "")
	require.NoError(t, b.Pay(id))
	assert.Equal(t, "AUTHORIZED", b.operation(id)["status"])
	assert.Equal(t, []string{"authorized 1490.5"}, b.entries(id))
	b.no(424, "AUTHORIZED", "POST", "acquiring/v1.0/payments/"+id+"/refund", `{"Data":{"amount":1}}`)
	assert.Equal(t, true, b.ok("POST", capture, "{}")["result"])
	assert.Equal(t, []string{"authorized 1490.5", "approval 1490.5"}, b.entries(id))
	b.no(424, "APPROVED", "POST", capture, "")

	sbp := b.link(`"preAuthorization":true`)["operationId"].(string)
	require.NoError(t, b.PayBy(sbp, "sbp"))
	assert.Equal(t, "APPROVED", b.operation(sbp)["status"], "only cards are held")

	lost := b.link(`"preAuthorization":true`)["operationId"].(string)
	require.NoError(t, b.Pay(lost))
	b.Advance(7 * 24 * time.Hour)
	assert.Equal(t, "EXPIRED", b.operation(lost)["status"])
	o, _ := b.Order(lost)
	assert.Equal(t, money.RUB(1490, 50), o.Released)

	b = start(t, WithHoldTerm(time.Hour, "REJECTED"))
	id = b.link(`"preAuthorization":true`)["operationId"].(string)
	require.NoError(t, b.Pay(id))
	require.NoError(t, b.Expire(id))
	assert.Equal(t, "REJECTED", b.operation(id)["status"])
	require.Error(t, b.Expire(id))
}

func TestWaysToPay(t *testing.T) {
	b := start(t, WithDolyameWaiting())
	all := `"paymentMode":["card","sbp","tinkoff","dolyame","sbp"]`
	for _, mode := range []string{"card", "sbp", "tinkoff", "digitalRuble"} {
		id := b.link(all)["operationId"].(string)
		require.NoError(t, b.PayBy(id, mode))
		op := b.operation(id)
		assert.Equal(t, mode, op["paymentType"])
		assert.Equal(t, mode == "sbp" || mode == "digitalRuble", op["transactionId"] != nil)
	}
	id := b.link(all)["operationId"].(string)
	require.NoError(t, b.PayBy(id, "dolyame"))
	assert.Equal(t, "WAIT_FULL_PAYMENT", b.operation(id)["status"])
	require.NoError(t, b.Settle(""))
	assert.Equal(t, "APPROVED", b.operation(id)["status"])

	id = b.link(`"paymentMode":["sbp"]`)["operationId"].(string)
	require.Error(t, b.PayBy(id, "card"))
	require.NoError(t, b.Decline(id))
	assert.Equal(t, "CREATED", b.operation(id)["status"], "there is no declined status")
	require.NoError(t, b.Pay(id))
	require.Error(t, b.Pay(id))
	require.Error(t, b.Decline(id))
	require.Error(t, b.Pay("nobody"))
	require.Error(t, b.Expire("nobody"))
	require.Error(t, b.Settle("nobody"))

	digital := b.link(`"paymentMode":["sbp"]`)["operationId"].(string)
	require.NoError(t, b.PayBy(digital, "digitalRuble"))
	b.no(424, "цифровых рублей", "POST", "acquiring/v1.0/payments/"+digital+"/refund", `{"Data":{"amount":1}}`)
	require.NoError(t, b.Pretend(digital, "PENDING"))
	assert.Equal(t, "PENDING", b.operation(digital)["status"])
	require.Error(t, b.Pretend("nobody", "PENDING"))
}

func TestRefundsDiffer(t *testing.T) {
	paid := func(b *bank, mode string) string {
		id := b.link("")["operationId"].(string)
		require.NoError(t, b.PayBy(id, mode))
		return id
	}
	refund := func(id, sum string) (string, string, string) {
		return "POST", "acquiring/v1.0/payments/" + id + "/refund", `{"Data":{"amount":` + sum + `}}`
	}
	t.Run("SBP at once", func(t *testing.T) {
		b := start(t)
		id := paid(b, "sbp")
		b.ok(refund(id, "1490.5"))
		assert.Equal(t, "REFUNDED", b.operation(id)["status"])
	})
	t.Run("one only", func(t *testing.T) {
		b := start(t, WithSingleRefund(), WithCardRefunds(0))
		id := paid(b, "card")
		b.ok(refund(id, "1"))
		m, p, body := refund(id, "1")
		b.no(424, "REFUNDED_PARTIALLY", m, p, body)
	})
	t.Run("what was enrolled", func(t *testing.T) {
		b := start(t, WithRefundOfEnrolled())
		id := paid(b, "card")
		m, p, body := refund(id, "1490.5")
		b.no(424, "поступившей", m, p, body)
		b.ok(refund(id, "1451.75"))
	})
	t.Run("refused with 200", func(t *testing.T) {
		b := start(t, WithRefusalsAsFalse())
		id := b.link("")["operationId"].(string)
		assert.Equal(t, false, b.ok(refund(id, "1"))["isRefund"])
		assert.Equal(t, false, b.ok("POST", "acquiring/v1.0/payments/"+id+"/capture", "")["result"])
	})
	t.Run("refused on demand", func(t *testing.T) {
		b := start(t)
		id := paid(b, "card")
		b.Refusal(OpRefund, 1)
		assert.Equal(t, false, b.ok(refund(id, "1"))["isRefund"])
		assert.Equal(t, true, b.ok(refund(id, "1"))["isRefund"])
		b.Refusal(OpCapture, 1)
		assert.Equal(t, false, b.ok("POST", "acquiring/v1.0/payments/"+id+"/capture", "")["result"])
	})
	t.Run("shown late, with a receipt", func(t *testing.T) {
		b := start(t, WithLateRefundEntry(), WithRefundReceipts())
		id := b.ok("POST", "acquiring/v1.0/payments_with_receipt", receiptBody(`"paymentMode":["card"]`))["operationId"].(string)
		require.NoError(t, b.Pay(id))
		b.ok(refund(id, "3200"))
		assert.Equal(t, []string{"approval 3200.0"}, b.entries(id))
		o, _ := b.Order(id)
		assert.Equal(t, money.RUB(3200, 0), o.Refunded, "accepted")
		require.NoError(t, b.Settle(id))
		assert.Equal(t, []string{"approval 3200.0", "refund 3200.0"}, b.entries(id))
		require.Len(t, b.Receipts(), 2)
		assert.True(t, b.Receipts()[1].Refund)
	})
}

func TestLists(t *testing.T) {
	b := start(t)
	first := b.link("")["operationId"].(string)
	b.clock.Set(noon.Add(24 * time.Hour))
	second := b.link("")["operationId"].(string)
	require.NoError(t, b.Pay(second))
	ids := func(query string) (out []string) {
		for _, o := range b.ok("GET", "acquiring/v1.0/payments?customerCode=300777001"+query, "")["Operation"].([]any) {
			out = append(out, o.(map[string]any)["operationId"].(string))
		}
		return out
	}
	assert.Equal(t, []string{first, second}, ids(""))
	assert.Equal(t, []string{first}, ids("&toDate=2026-10-02"))
	assert.Equal(t, []string{second}, ids("&fromDate=2026-10-03&toDate=2026-10-03"))
	assert.Equal(t, []string{second}, ids("&status=APPROVED"))
	assert.Empty(t, ids("&status=ON-REFUND"))
	b.no(400, "Field status : Input should be", "GET", "acquiring/v1.0/payments?customerCode=300777001&status=PAID", "")
	b.no(400, "Field from_date : ", "GET", "acquiring/v1.0/payments?customerCode=300777001&fromDate=02.10.2026", "")
	b.no(400, "Datetimes provided to dates should have zero time", "GET", "acquiring/v1.0/payments?customerCode=300777001&fromDate=2026-10-02T10:00:00Z", "")

	far := start(t, WithDateZone(time.FixedZone("", 15*3600)))
	far.link("")
	assert.Empty(t, far.ok("GET", "acquiring/v1.0/payments?customerCode=300777001&toDate=2026-10-02", "")["Operation"])

	// The registry leaves out today's cards.
	registry := "acquiring/v1.0/registry?customerCode=300777001&merchantId=200000000004321&date=2026-10-03"
	assert.Empty(t, b.ok("GET", registry, "")["Registry"])
	third := b.link("")["operationId"].(string)
	require.NoError(t, b.PayBy(third, "sbp"))
	assert.Len(t, b.ok("GET", registry, "")["Registry"], 1)
	b.Advance(24 * time.Hour)
	rows := b.ok("GET", registry, "")["Registry"].([]any)
	assert.Len(t, rows, 2)
	assert.Len(t, b.ok("GET", registry+"&paymentId="+rows[0].(map[string]any)["paymentId"].(string), "")["Registry"], 1)
	b.no(403, "Forbidden", "GET", "acquiring/v1.0/registry?customerCode=300777001&merchantId=200000000009999&date=2026-10-03", "")
	b.no(400, "Field merchant_id : String should have at least 15 characters", "GET", "acquiring/v1.0/registry?customerCode=300777001&merchantId=1&date=2026-10-03", "")
}

func TestForeignOperationIsNotFound(t *testing.T) {
	b := start(t, WithCompany(Company{CustomerCode: "300777001", Retailers: []Retailer{{MerchantID: DefaultMerchantID, PaymentModes: modes}}}),
		WithCompany(Company{CustomerCode: "300777002", Retailers: []Retailer{{MerchantID: "200000000005555", PaymentModes: modes}}}),
		WithKey(Key{Customers: []string{"300777001"}}), WithKey(Key{Customers: []string{"300777002"}}))
	id := b.link("")["operationId"].(string)
	b.token = b.Server.keys[1].Token
	b.no(424, "Order not found", "GET", "acquiring/v1.0/payments/"+id, "")
	b.no(424, "Order not found", "POST", "acquiring/v1.0/payments/"+id+"/capture", "")
	b.no(424, "Order not found", "POST", "acquiring/v1.0/payments/"+id+"/refund", `{"Data":{"amount":1}}`)
	b.no(403, "Forbidden", "POST", "acquiring/v1.0/payments", linkBody(`"customerCode":"300777002","merchantId":"200000000004321"`)) // a mismatched pair
}

func TestManyAtOnce(t *testing.T) {
	s := NewServer()
	defer s.Close()
	b := &bank{T: t, Server: s, token: s.keys[0].Token}
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 10 {
				req := linkBody("")
				id := b.ok("POST", "acquiring/v1.0/payments", req)["operationId"].(string)
				assert.NoError(t, s.Pay(id))
				b.ok("POST", "acquiring/v1.0/payments/"+id+"/refund", `{"Data":{"amount":1}}`)
				b.operation(id)
				s.Order(id)
			}
		})
	}
	group.Wait()
	s.Deliver()
	assert.Len(t, s.Orders(), 80)
	assert.Len(t, s.Deliveries(), 80)
}
