package interop

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/money"
)

func (b bank) alfabank(t *testing.T, method string, params map[string]any) answer {
	t.Helper()
	text, err := json.Marshal(params)
	require.NoError(t, err)
	return node(t, "alfabank", []string{"GATEWAY=" + b.url, "USER_NAME=" + b.user, "PASSWORD=" + b.password}, nil, "alfabank.js", method, string(text))
}

// TestAlfabank: registers with a cart, adds a parameter, reads before and after
// the payment in both of the gateway's ways, with the npm package alfabank.
func TestAlfabank(t *testing.T) {
	order := map[string]any{"orderNumber": "N-1", "amount": 149990, "currency": "643", "returnUrl": "https://shop.example/back", "description": "Курс «Основы»",
		"jsonParams": map[string]any{"email": "buyer@example.org"},
		"orderBundle": map[string]any{"customerDetails": map[string]any{"email": "buyer@example.org"}, "cartItems": map[string]any{"items": []any{map[string]any{
			"positionId": 1, "name": "Курс", "itemCode": "K-1", "quantity": map[string]any{"value": 1, "measure": "шт"}, "itemPrice": 149990, "itemAmount": 149990}}}}}
	for name, b := range banks(t) {
		t.Run(name, func(t *testing.T) {
			made := b.alfabank(t, "register", order).object(t)
			id, _ := made["orderId"].(string)
			require.NotEmpty(t, id, made)
			assert.Contains(t, made["formUrl"], id)
			assert.Equal(t, "1", b.alfabank(t, "register", order).object(t)["errorCode"], "the number is taken")

			read := b.alfabank(t, "getOrderStatusExtended", map[string]any{"orderId": id}).object(t)
			assert.EqualValues(t, "0", read["orderStatus"])
			assert.Equal(t, false, read["paid"], "the client's own word, from orderStatus")
			// The client takes the number 0 for success; both gateways answer with a
			// text, and it then gives the answer itself.
			assert.Equal(t, "0", b.alfabank(t, "addParams", map[string]any{"orderId": id, "params": map[string]any{"manager": "7"}}).object(t)["errorCode"])

			require.NoError(t, b.pay(id))
			read = b.alfabank(t, "getOrderStatusExtended", map[string]any{"orderNumber": "N-1"}).object(t)
			assert.Equal(t, true, read["paid"])
			params, _ := read["params"].(map[string]any)
			assert.Equal(t, "7", params["manager"], "the client's own reading of merchantOrderParams")
			assert.Equal(t, "buyer@example.org", params["email"])
			old := b.alfabank(t, "getOrderStatus", map[string]any{"orderId": id}).object(t)
			assert.EqualValues(t, "2", old["OrderStatus"])
			assert.EqualValues(t, "149990", old["depositAmount"])
			assert.Equal(t, "6", b.alfabank(t, "getOrderStatus", map[string]any{"orderId": "nobody-s"}).object(t)["ErrorCode"])

			known, ok := b.order(id)
			require.True(t, ok)
			assert.Equal(t, "N-1", known.Number)
			assert.Equal(t, money.RUB(1499, 90), known.Captured)
		})
	}
}

// TestAlfabankRefused: what the gateway does not take, the client gives as it
// came.
func TestAlfabankRefused(t *testing.T) {
	for name, b := range banks(t) {
		t.Run(name, func(t *testing.T) {
			order := map[string]any{"orderNumber": "N-1", "returnUrl": "https://shop.example/back"}
			assert.Equal(t, "4", b.alfabank(t, "register", order).object(t)["errorCode"], "there is no sum")
			b.password = "wrong"
			order["amount"] = 1000
			assert.Equal(t, "5", b.alfabank(t, "register", order).object(t)["errorCode"])
		})
	}
}
