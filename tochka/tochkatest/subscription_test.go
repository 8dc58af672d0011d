package tochkatest

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

func subscriptionBody(members string) string {
	return merge(map[string]json.RawMessage{"customerCode": json.RawMessage(`"300777001"`), "amount": json.RawMessage(`990.00`), "purpose": json.RawMessage(`"Подписка на курс"`),
		"redirectUrl": json.RawMessage(`"https://school.example.com/ok"`), "merchantId": json.RawMessage(`"200000000004321"`)}, members)
}

func (b *bank) subscribe(members string) string {
	b.Helper()
	return b.ok("POST", "acquiring/v1.0/subscriptions", subscriptionBody(members))["operationId"].(string)
}

func TestSubscriptionOnDemand(t *testing.T) {
	b := start(t, WithCallbackURL("https://shop.example/tochka"))
	id := b.subscribe(`"recurring":true,"paymentLinkId":"sub-77"`)
	charge := "acquiring/v1.0/subscriptions/" + id + "/charge"
	b.no(424, "невозможно", "POST", charge, `{"Data":{"amount":990.00}}`) // not bound yet
	require.NoError(t, b.Pay(id))
	resp := b.raw("POST", "/uapi/"+charge, "application/json", `{"Data":{"amount":990.00}}`)
	assert.Equal(t, `{"Data":{"result":true}}`, string(b.body(resp)), "without Links and Meta")
	assert.Equal(t, []string{"approval 990.0", "approval 990.0"}, b.entries(id), "no new operation")
	assert.NotEmpty(t, b.operation(id)["CofToken"])
	all := b.Deliveries()
	require.Len(t, all, 2)
	assert.Equal(t, all[0].Canonical, all[1].Canonical, "told in the same words")
	assert.Contains(t, all[0].Canonical, `"maskedPan": "220011******9001", "cardType": "Mir"`)

	b.no(424, "Subscription not found", "GET", "acquiring/v1.0/subscriptions/"+id+"/status", "")
	b.no(424, "Subscription not found", "POST", "acquiring/v1.0/subscriptions/"+id+"/status", `{"Data":{"status":"Cancelled"}}`)
	b.no(501, "", "DELETE", "acquiring/v1.0/subscriptions/"+id+"/status", "")
	b.no(424, "интернет-банке", "POST", "acquiring/v1.0/payments/"+id+"/refund", `{"Data":{"amount":1}}`)
	b.no(400, "Field amount : Input should be greater than 0", "POST", charge, `{"Data":{"amount":0}}`)
	b.no(424, "Subscription not found", "POST", "acquiring/v1.0/subscriptions/nothing/charge", `{"Data":{"amount":1}}`)

	require.NoError(t, b.DeclineCharges("sub-77", 3))
	require.Error(t, b.DeclineCharges("nothing", 3))
	for range 2 {
		assert.Equal(t, false, b.ok("POST", charge, `{"Data":{"amount":1}}`)["result"])
	}
	b.no(424, "Превышено", "POST", charge, `{"Data":{"amount":1}}`)
	b.Advance(24 * time.Hour)
	assert.Equal(t, false, b.ok("POST", charge, `{"Data":{"amount":1}}`)["result"])
	assert.Equal(t, true, b.ok("POST", charge, `{"Data":{"amount":1}}`)["result"])
	b.Refusal(OpCharge, 1)
	assert.Equal(t, false, b.ok("POST", charge, `{"Data":{"amount":1}}`)["result"])
	o, _ := b.Order(id)
	assert.Equal(t, money.RUB(1981, 0), o.Captured)
	assert.Len(t, b.Deliveries(), 3)

	assert.Empty(t, b.ok("GET", "acquiring/v1.0/subscriptions?customerCode=300777001", "")["Subscription"])
	list := b.ok("GET", "acquiring/v1.0/subscriptions?customerCode=300777001&recurring=true", "")["Subscription"].([]any)
	require.Len(t, list, 1)
	one := list[0].(map[string]any)
	assert.Equal(t, true, one["recurring"])
	assert.NotContains(t, one, "Order")
	assert.NotContains(t, one, "paidAt")
	assert.NotContains(t, one, "Options")
	b.no(400, "Field recurring : ", "GET", "acquiring/v1.0/subscriptions?customerCode=300777001&recurring=maybe", "")
	b.no(403, "Forbidden", "GET", "acquiring/v1.0/subscriptions?customerCode=999999999", "")

	saved := b.subscribe(`"recurring":true,"saveCard":true`)
	require.NoError(t, b.Pay(saved))
	b.no(424, "невозможно", "POST", "acquiring/v1.0/subscriptions/"+saved+"/charge", `{"Data":{"amount":1}}`) // as the FAQ says
}

func TestScheduledSubscription(t *testing.T) {
	b := start(t)
	const path = "acquiring/v1.0/subscriptions"
	for members, words := range map[string]string{
		`"recurring":true,"Options":{"trancheCount":3}`: "Field Options : Value error",
		`"Options":{"period":"Quarter"}`:                "Field Options.period : Input should be 'Day', 'Month' or 'Year'",
		`"Options":{"trancheCount":0}`:                  "Field Options.trancheCount : Input should be greater than 0",
		`"Options":{"trancheCount":101,"period":"Day"}`: "Input should be less than or equal to 100",
		`"Options":{"trancheCount":85}`:                 "Input should be less than or equal to 84",
		`"Options":{"trancheCount":11,"period":"Year"}`: "Input should be less than or equal to 10",
		`"Options":{"daysInPeriod":3}`:                  "with period Day only",
	} {
		b.no(400, words, "POST", path, subscriptionBody(members))
	}
	id := b.subscribe(`"Options":{"trancheCount":3,"period":"Day","daysInPeriod":2}`)
	status := func() any { return b.ok("GET", path+"/"+id+"/status", "")["status"] }
	assert.Equal(t, "Preparing", status())
	require.NoError(t, b.Pay(id))
	assert.Equal(t, "Active", status())
	b.no(424, "Subscription not found", "POST", path+"/"+id+"/charge", `{"Data":{"amount":1}}`)
	b.Advance(48 * time.Hour)
	assert.Len(t, b.entries(id), 2)
	require.NoError(t, b.DeclineCharges(id, 1))
	b.Advance(48 * time.Hour)
	assert.Len(t, b.entries(id), 2)
	assert.Equal(t, "Completed", status())
	b.no(424, "Completed", "POST", path+"/"+id+"/status", `{"Data":{"status":"Cancelled"}}`)

	for _, period := range []string{"Month", "Year"} {
		other := b.subscribe(`"Options":{"period":"` + period + `","trancheCount":5}`)
		require.NoError(t, b.Pay(other))
		b.Advance(367 * 24 * time.Hour)
		assert.Len(t, b.entries(other), map[string]int{"Month": 5, "Year": 2}[period])
		if period == "Year" {
			assert.Equal(t, true, b.ok("POST", path+"/"+other+"/status", `{"Data":{"status":"Cancelled"}}`)["result"])
			b.Advance(2 * 366 * 24 * time.Hour)
			assert.Len(t, b.entries(other), 2)
		}
	}
	unpaid := b.subscribe("")
	assert.Equal(t, true, b.ok("POST", path+"/"+unpaid+"/status", `{"Data":{"status":"Cancelled"}}`)["result"])
	require.Error(t, b.Pay(unpaid))
	late := b.subscribe("")
	b.Advance(8 * 24 * time.Hour)
	assert.Equal(t, "Expired", b.ok("GET", path+"/"+late+"/status", "")["status"])
	b.no(400, "Field status : Input should be 'Cancelled'", "POST", path+"/"+late+"/status", `{"Data":{"status":"Active"}}`)
}

func TestSubscriptionWithReceipt(t *testing.T) {
	b := start(t)
	body := subscriptionBody(`"recurring":true,"Client":{"email":"maria@example.com"},"Items":[{"name":"Курс","amount":990,"quantity":1}]`)
	data := b.ok("POST", "acquiring/v1.0/subscriptions_with_receipt", body)
	assert.Equal(t, "200000000004321", data["merchantId"])
	id := data["operationId"].(string)
	require.NoError(t, b.Pay(id))
	b.ok("POST", "acquiring/v1.0/subscriptions/"+id+"/charge", `{"Data":{"amount":990.00}}`)
	assert.Len(t, b.Receipts(), 2, "one for each charge")
	list := b.ok("GET", "acquiring/v1.0/subscriptions?customerCode=300777001&recurring=true", "")["Subscription"].([]any)
	assert.Len(t, list[0].(map[string]any)["Items"], 1)
	b.no(424, "существует", "POST", "acquiring/v1.0/subscriptions", subscriptionBody(`"paymentLinkId":"`+data["paymentLinkId"].(string)+`"`))

	no := start(t, WithoutCashbox())
	no.no(424, "онлайн-касса", "POST", "acquiring/v1.0/subscriptions_with_receipt", body)
	sbp := start(t, WithCompany(Company{CustomerCode: "300777001", Retailers: []Retailer{{MerchantID: DefaultMerchantID, PaymentModes: []string{"sbp"}}}}))
	sbp.no(http.StatusBadRequest, "card is not available", "POST", "acquiring/v1.0/subscriptions", subscriptionBody(""))
}

func TestSavedCards(t *testing.T) {
	b := start(t)
	first := b.link(`"saveCard":true`)
	require.NoError(t, b.Pay(first["operationId"].(string)))
	token := b.operation(first["operationId"])["CofToken"].(map[string]any)
	assert.Equal(t, "220011******9001", token["maskedPan"])
	consumer := first["consumerId"].(string)
	second := b.link(`"consumerId":"` + consumer + `"`)
	assert.Equal(t, consumer, second["consumerId"])
	old := start(t, WithoutSavedCards())
	id := old.link(`"saveCard":true`)["operationId"].(string)
	require.NoError(t, old.Pay(id))
	assert.NotContains(t, old.operation(id), "CofToken")
	assert.Equal(t, "MasterCard", brand("5"))
}
