package alfabanktest

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// saved is a card of client buyer-42.
func (b *bank) saved() string {
	b.t.Helper()
	b.paid("saves-a-card", "&clientId=buyer-42")
	require.Len(b.t, b.Bindings("buyer-42"), 1)
	return b.Bindings("buyer-42")[0]
}

func TestChargeASavedCard(t *testing.T) {
	b := open(t, WithScalars(ScalarsExamples))
	card := b.saved()
	id := b.register("SUB-2", "&clientId=buyer-42")
	out := b.call("paymentOrderBinding.do", "mdOrder="+id+"&bindingId="+card+"&tii=U&ip=203.0.113.7")
	assert.Equal(t, obj{"redirect": "https://tea.example/ok?orderId=" + id + "&lang=en", "info": "Your order is proceeded, redirecting...", "errorCode": num("0"), "bindingId": card}, out)
	st := b.state(id)
	assert.Equal(t, []any{"CARD_BINDING", "U", card}, []any{st["paymentWay"], st["tii"], st["bindingInfo"].(obj)["bindingId"]})
	assert.Equal(t, "Ваш платеж обработан, происходит переадресация...", b.as(pair, "paymentOrderBinding.do", "bindingId="+card+"&mdOrder="+b.register("SUB-3", "&clientId=buyer-42"))["info"], "no tii, no language")

	// A decline also has errorCode 0.
	require.NoError(t, b.SetBindingOutcome(card, 116))
	id = b.register("SUB-4", "&clientId=buyer-42&failUrl=https%3A%2F%2Ftea.example%2Ff")
	out = b.call("paymentOrderBinding.do", "mdOrder="+id+"&bindingId="+card+"&tii=F&cvc=123")
	assert.Equal(t, []any{num("0"), "DATA_INPUT_ERROR", "https://tea.example/f?orderId=" + id + "&lang=en"}, []any{out["errorCode"], out["errorTypeName"], out["redirect"]})
	assert.Equal(t, num("116"), b.state(id)["actionCode"])
	assert.Error(t, b.SetBindingOutcome("x", 1))
	require.NoError(t, b.SetBindingOutcome(card, 0))

	out = b.call("paymentOrderBinding.do", "tii=U&bindingId="+card+"&mdOrder="+b.register("SUB-5", ""))
	assert.Equal(t, obj{"error": "[clientId] is empty", "errorCode": num("5"), "is3DSVer2": false, "errorMessage": "[clientId] is empty"}, out)
	unpaid := b.register("SUB-6", "&clientId=buyer-42")
	for fields, code := range map[string]string{
		"mdOrder=" + b.register("SUB-7", "&clientId=other") + "&bindingId=" + card:    "1",
		"mdOrder=" + unpaid + "&bindingId=x":                                          "2",
		"mdOrder=x&bindingId=" + card:                                                 "6",
		"bindingId=" + card:                                                           "4",
		"tii=U&bindingId=" + card + "&mdOrder=" + b.hold("H-1", "&clientId=buyer-42"): "5",
		"tii=Q&bindingId=" + card + "&mdOrder=" + unpaid:                              "5",
	} {
		assert.Equal(t, num(code), b.call("paymentOrderBinding.do", fields)["errorCode"], fields)
	}
	b.call("unBindCard.do", "bindingId="+card)
	assert.Equal(t, num("2"), b.call("paymentOrderBinding.do", "mdOrder="+unpaid+"&bindingId="+card)["errorCode"])

	strict := open(t, WithMerchant(Merchant{Off: []Right{MIT}}), WithUnknowns(Unknowns{StrictTII: true}))
	card = strict.saved()
	id = strict.register("SUB-1", "&clientId=buyer-42")
	assert.Equal(t, "4", strict.call("paymentOrderBinding.do", "mdOrder="+id+"&bindingId="+card)["errorCode"])
	assert.Equal(t, "5", strict.call("paymentOrderBinding.do", "tii=U&mdOrder="+id+"&bindingId="+card)["errorCode"])
	assert.Equal(t, "0", strict.call("paymentOrderBinding.do", "tii=F&mdOrder="+id+"&bindingId="+card)["errorCode"])
}

func TestOrderForOneBinding(t *testing.T) {
	b := open(t)
	card := b.saved()
	id := b.register("A-1", "&clientId=buyer-42&bindingId="+card)
	assert.Equal(t, "5", b.call("paymentorder.do", cardFields(id, plainCard, "203012"))["errorCode"])
	html := b.look(b.formOf(id))
	assert.Contains(t, html, "400000**1118")
	assert.NotContains(t, html, `name="pan"`)
	require.NoError(t, b.Pay(id))
	assert.Equal(t, "CARD_BINDING", b.state(id)["paymentWay"])
	id = b.register("A-2", "&clientId=buyer-42&bindingId="+card)
	done(t, b.call("unBindCard.do", "bindingId="+card))
	assert.Error(t, b.Pay(id))
}

func TestBindings(t *testing.T) {
	b := open(t, WithCallbacks(CallbackSettings{Operations: []string{"bindingCreated", "bindingActivityChanged"}, BindingOperation: true}))
	card := b.saved()
	list := b.call("getBindings.do", "clientId=buyer-42")
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": "Success", "bindings": []any{obj{"bindingId": card, "maskedPan": "400000**1118", "expiryDate": "203012", "paymentWay": "CARD",
		"paymentSystem": "VISA", "displayLabel": "XXXXXXXXXXXX1118", "bindingCategory": "COMMON"}}}, list)
	assert.Len(t, b.call("getBindings.do", "bindingType=C&clientId=buyer-42&bindingId="+card)["bindings"], 1)
	assert.Equal(t, obj{"errorCode": "2", "errorMessage": "Информация не найдена."}, b.as(pair, "getBindings.do", "clientId=nobody"))
	refusedWith(t, b.call("getBindings.do", "clientId=buyer-42&bindingType=R"), "2", tNothing)
	refusedWith(t, b.call("getBindings.do", ""), "5", emptyText("clientId"))
	byID := b.call("getBindingsByCardOrId.do", "bindingId="+card)
	assert.Equal(t, []any{obj{"bindingId": card, "maskedPan": "400000**1118", "expiryDate": "203012", "clientId": "buyer-42"}}, byID["bindings"])
	assert.Len(t, b.call("getBindingsByCardOrId.do", "bindingId=x&pan="+plainCard)["bindings"], 1, "pan wins")
	refusedWith(t, b.call("getBindingsByCardOrId.do", ""), "4", emptyText("pan"))

	assert.Equal(t, "2", b.call("bindCard.do", "bindingId="+card)["errorCode"])
	done(t, b.call("unBindCard.do", "bindingId="+card))
	assert.Equal(t, obj{"errorCode": "2", "errorMessage": "Связка не активна"}, b.as(pair, "unBindCard.do", "bindingId="+card))
	refusedWith(t, b.call("extendBinding.do", "bindingId="+card+"&newExpiry=203601"), "2", tBindOff)
	done(t, b.call("bindCard.do", "bindingId="+card))
	refusedWith(t, b.call("bindCard.do", "bindingId="+card), "2", tBindOn)
	refusedWith(t, b.call("bindCard.do", "bindingId=x"), "2", tBindMiss)
	refusedWith(t, b.call("bindCard.do", ""), "4", emptyText("bindingId"))
	assert.Equal(t, obj{"errorCode": "0", "errorMessage": "Успешно"}, b.as(pair, "extendBinding.do", "bindingId="+card+"&newExpiry=203601&language=ru"))
	refusedWith(t, b.call("extendBinding.do", "bindingId="+card+"&newExpiry=203613"), "5", tParam)
	refusedWith(t, b.call("extendBinding.do", "bindingId=x&newExpiry=203612"), "2", tBindMiss)
	assert.Equal(t, "203601", b.call("getBindings.do", "clientId=buyer-42")["bindings"].([]any)[0].(obj)["expiryDate"])
	var events []string
	for _, n := range b.take() {
		events = append(events, n.params.Get("operation")+" "+n.params.Get("enabled"))
	}
	assert.Equal(t, []string{"bindingActivityChanged false", "bindingActivityChanged true"}, events, "the first was delivered before")

	made := b.call("createBindingNoPayment.do", "clientId=buyer-7&pan=5555555555555599&expiryDate=203412&cardholderName=TEST+CARDHOLDER")
	assert.Equal(t, []any{"555555**5599", "203412", "TEST CARDHOLDER", "buyer-7", "0", false},
		[]any{made["maskedPan"], made["expiryDate"], made["cardholderName"], made["clientId"], made["errorCode"], made["error"]})
	assert.Equal(t, obj{"error": true, "errorCode": "1", "errorMessage": tBadCard.EN}, b.call("createBindingNoPayment.do", "clientId=c&pan=1&expiryDate=203412&cardholderName=X"))
	assert.Equal(t, true, b.call("createBindingNoPayment.do", "")["error"])
	b.Advance(20 * 365 * 24 * time.Hour)
	refusedWith(t, b.call("getBindings.do", "clientId=buyer-7"), "2", tNothing)
	assert.Len(t, b.call("getBindings.do", "clientId=buyer-7&showExpired=true")["bindings"], 1)
	assert.Contains(t, b.call("paymentOrderBinding.do", "tii=U&bindingId="+made["bindingId"].(string)+"&mdOrder="+b.register("late", "&clientId=buyer-7")), "errorTypeName")
	empty := open(t, WithUnknowns(Unknowns{NothingFoundIsEmpty: true}))
	assert.Empty(t, empty.call("getBindings.do", "clientId=c")["bindings"])
}

func TestWhoseCardIsSaved(t *testing.T) {
	b := open(t)
	for i, c := range []struct {
		fields string
		saved  int
	}{{"&clientId=c0&bindingNotNeeded=true", 0}, {"&clientId=c1&features=FORCE_CREATE_BINDING", 1}, {"&clientId=c2&features=VERIFY", 1}, {"&clientId=c3", 0}} {
		id := b.register(string(rune('A'+i)), c.fields)
		require.NoError(t, b.act(id, func(o *order) error {
			card := deck.Whole(plainCard, noon)
			b.desk.Authorize(&o.Order, &card, "CARD", 0, false)
			return nil
		}))
		assert.Len(t, b.Bindings("c"+string(rune('0'+i))), c.saved, c.fields)
	}
}
