package sberbank

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/rbs"
)

// sample is an entry of the published samples' index.
type sample struct {
	File, Kind, Method string
	Expected           map[string]any
}

func samples(t *testing.T) (dir string, list []sample) {
	t.Helper()
	dir = filepath.Join("..", "..", "shared", "samples", "sberbank")
	data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Skip("skipped: the published samples are not beside the repository")
	}
	require.NoError(t, json.Unmarshal(data, &list))
	return dir, list
}

// sampleResult is what a method made of an answer, by the names that the index
// uses.
type sampleResult map[string]any

var stateNames = map[int64]string{0: "registered", 1: "held", 2: "paid", 3: "reversed", 4: "refunded", 5: "auth_started", 6: "declined"}

func orderResult(o *Order) sampleResult {
	p := o.Payment("", rbs.Reading{})
	r := sampleResult{"state": stateNames[o.OrderStatus.Value], "orderStatus": o.OrderStatus.Value, "amount_kopecks": int64(p.Amount), "orderNumber": p.OrderID,
		"currency": string(o.Currency), "actionCode": o.ActionCode.Value, "mdOrder": nil, "registered_ms": p.CreatedAt.UnixMilli(), "deposited_ms": p.PaidAt.UnixMilli(),
		"operations": int64(len(o.Operations)), "rrn": string(o.AuthRefNum), "bindingId": string(o.Binding.BindingID), "clientId": string(o.Binding.ClientID),
		"paymentWay": string(o.CardAuth.PaymentWay), "bonus_deposited": o.Loyalty.PaymentBonus.Deposited.Value,
		"subscriptionId": nil, "memberId": rbs.Lookup(o.Attributes, "memberId"), "qrcId": rbs.Lookup(o.Attributes, "qrcId")}
	if md := o.MdOrder(); md != "" {
		r["mdOrder"] = md
	}
	if s := rbs.Lookup(o.Attributes, "subscriptionId"); s != "" {
		r["subscriptionId"] = s
	}
	if o.OrderStatus.Value == 2 && o.Amount.Value == 0 && o.Amounts == nil {
		r["state"] = "subscription_created"
	}
	if p.Card != nil {
		r["masked_pan"] = p.Card.Masked
	}
	if a := o.Amounts; a != nil {
		r["approved"], r["deposited"], r["refunded"], r["paymentState"] = a.Approved.Value, a.Deposited.Value, a.Refunded.Value, string(a.State)
		r["depositedCertificate"] = a.DepositedCertificate.Value
	}
	var cart struct {
		CartItems struct {
			Items []struct {
				ItemAmount rbs.Int `json:"itemAmount"`
			} `json:"items"`
		} `json:"cartItems"`
	}
	if json.Unmarshal(o.OrderBundle, &cart) == nil {
		var sum int64
		for _, i := range cart.CartItems.Items {
			sum += i.ItemAmount.Value
		}
		r["cart_total_kopecks"] = sum
	}
	return r
}

func payResult(a *PaymentAnswer) sampleResult {
	steps := map[rbs.PaymentStep]string{rbs.StepDone: "redirect", rbs.StepRedirect: "formUrl", rbs.StepMethod: "3ds_method", rbs.StepChallenge: "acs_creq", rbs.StepPaReq: "acs_pareq"}
	_, declined := a.Declined()
	return sampleResult{"next": steps[a.Next()], "redirect": string(a.Redirect), "threeDSServerTransId": string(a.ThreeDSServerTransID), "declined": declined}
}

func directResult(a *PaidDirectly) sampleResult {
	r := orderResult(a.Order)
	r["orderId"] = string(a.Data.OrderID)
	return r
}

// callSample gives the answer to the method that it is of.
func callSample(ctx context.Context, c *Client, method string) (sampleResult, error) {
	none := func(_ *Answer, err error) (sampleResult, error) { return sampleResult{}, err }
	pay := func(a *PaymentAnswer, err error) (sampleResult, error) {
		if err != nil {
			return nil, err
		}
		return payResult(a), nil
	}
	direct := func(a *PaidDirectly, err error) (sampleResult, error) {
		if err != nil {
			return nil, err
		}
		return directResult(a), nil
	}
	status := func(o *Order, err error) (sampleResult, error) {
		if err != nil {
			return nil, err
		}
		return orderResult(o), nil
	}
	bindings := func(list []Binding, err error) (sampleResult, error) {
		r := sampleResult{"count": int64(len(list))}
		if len(list) > 0 {
			r["bindingStatus"], r["clientId"] = string(list[0].Status), string(list[0].ClientID)
		}
		return r, err
	}
	switch method {
	case "register.do", "registerPreAuth.do":
		out, err := c.Register(ctx, RegisterRequest{OrderNumber: "1", Amount: 1, ReturnURL: "https://a.example"})
		if err != nil {
			return nil, err
		}
		r := sampleResult{"orderId": string(out.OrderID), "formUrl": string(out.FormURL), "deeplink_present": out.ExternalParams.DeepLink != "",
			"sbolBankInvoiceId": string(out.ExternalParams.BankInvoiceID), "qrcId": string(out.ExternalParams.QRCID), "sberPayload": string(out.ExternalParams.SberPayload)}
		if out.ExternalParams == (rbs.ExternalParams{}) {
			r["externalParams"] = nil
		}
		if u, err := url.Parse(string(out.ExternalParams.SBPPayload)); err == nil {
			r["sbpPayload_host"] = u.Host
		}
		if u, err := url.Parse(string(out.FormURL)); err == nil {
			r["formUrl_host"] = u.Host
		}
		return r, nil
	case "getOrderStatusExtended.do":
		return status(c.GetOrderStatusExtended(ctx, StatusRequest{OrderID: id}))
	case "getOrderStatus.do":
		return status(c.GetOrderStatus(ctx, id))
	case "deposit.do":
		return none(c.Deposit(ctx, DepositRequest{OrderID: id}))
	case "reverse.do":
		return none(c.Reverse(ctx, ReverseRequest{OrderID: id}))
	case "refund.do", "any":
		return none(c.RefundOrder(ctx, OrderRefund{OrderID: id, Amount: 100}))
	case "decline.do":
		return none(c.Decline(ctx, DeclineRequest{OrderID: id}))
	case "paymentOrder.do":
		return pay(c.PaymentOrder(ctx, CardPayment{OrderID: id}))
	case "paymentOrderBinding.do":
		return pay(c.PaymentOrderBinding(ctx, BindingPayment{OrderID: id}))
	case "finish3dsPayment.do":
		return pay(c.Finish3DSPayment(ctx, id, "c", ""))
	case "paymentOrderBySubscription":
		return none(c.PayBySubscription(ctx, id, "s", "m"))
	case "recurrentPayment.do":
		return direct(c.RecurrentPayment(ctx, RecurrentRequest{}))
	case "paymentDirect.do":
		return direct(c.MirPay(ctx, MirPayRequest{}))
	case "payment.do (mobile pay)":
		return direct(c.PayWithWallet(ctx, WalletGoogle, WalletPayment{}))
	case "getBindings.do":
		return bindings(c.GetBindings(ctx, BindingsRequest{ClientID: "u"}))
	case "getBindingsByCardOrId.do":
		return bindings(c.GetBindingsByCardOrID(ctx, BindingsByRequest{BindingID: "b"}))
	case "bindCard.do":
		return none(c.BindCard(ctx, "b"))
	case "unBindCard.do":
		return none(c.UnbindCard(ctx, "b"))
	case "extendBinding.do":
		return none(c.ExtendBinding(ctx, "b", "203605"))
	case "updateSSLCardList.do":
		return none(c.UpdateSSLCardList(ctx, id))
	case "verifyEnrollment.do":
		out, err := c.VerifyEnrollment(ctx, "2202205000012424")
		if err != nil {
			return nil, err
		}
		return sampleResult{"enrolled": string(out.Enrolled)}, nil
	case "getLastOrdersForMerchants.do":
		out, err := c.GetLastOrders(ctx, OrdersQuery{Size: 100})
		if err != nil {
			return nil, err
		}
		return sampleResult{"totalCount": out.TotalCount.Value, "page": out.Page.Value, "pageSize": out.PageSize.Value,
			"first_orderNumber": string(out.Orders[0].OrderNumber), "first_state": stateNames[out.Orders[0].OrderStatus.Value]}, nil
	case "set-permanent-password":
		out, err := c.SetPermanentPassword(ctx, "a", "b", "")
		if err != nil {
			return nil, err
		}
		return sampleResult{"password": string(out.Password)}, nil
	case "apikey/generate":
		out, err := c.GenerateAPIKey(ctx, "")
		if err == nil && out.Key == "" {
			err = fmt.Errorf("no key was read")
		}
		return sampleResult{}, err
	case "getLoyaltyBalance":
		out, err := c.GetLoyaltyBalance(ctx, "b")
		if err != nil {
			return nil, err
		}
		return sampleResult{"bonusBalance_kopecks": out.Operations[0].Balance.Value}, nil
	case "getReceiptStatus":
		out, err := c.GetReceiptStatus(ctx, ReceiptQuery{OrderID: id})
		if err != nil {
			return nil, err
		}
		first := out.Receipts[0]
		return sampleResult{"receipts": int64(len(out.Receipts)), "receiptStatus": first.Status.Value, "done": first.Status.Value == ReceiptDone,
			"failed": first.Status.Value == ReceiptFailed, "recommendation": first.Error.Recommendation.Value,
			"fiscalDocumentNumber": first.Payload.DocumentNumber.String(), "fnNumber": string(first.Payload.FN)}, nil
	}
	return nil, fmt.Errorf("no method for %s", method)
}

func TestPublishedAnswerSamples(t *testing.T) {
	dir, list := samples(t)
	ran := 0
	for _, s := range list {
		if s.Kind != "response" {
			continue
		}
		ran++
		t.Run(s.File, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(dir, s.File))
			require.NoError(t, err)
			protocol := ProtocolJSON
			if strings.HasPrefix(s.File, "responses/legacy/") {
				protocol = ProtocolLegacy
			}
			c := newBank(t).client(protocol, func(c *Config) { c.HTTPClient = &http.Client{Transport: stub(body)} })
			got, err := callSample(context.Background(), c, s.Method)
			if s.File == "responses/legacy/getBindings_none.json" {
				require.NoError(t, err, "no bindings is an empty list")
				return
			}
			var e *acquiring.Error
			for name, want := range s.Expected {
				switch name {
				case "ok":
					if s.Expected["declined"] == true {
						require.NoError(t, err)
						continue
					}
					require.Equal(t, want, err == nil, "%v", err)
				case "errorCode":
					if want != 0.0 {
						require.ErrorAs(t, err, &e)
						assert.Equal(t, fmt.Sprint(want), e.Code)
					}
				case "message", "errorMessage":
					require.ErrorAs(t, err, &e)
					assert.Equal(t, want, e.Message)
				case "auth_error":
					assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
				case "duplicate_order_number":
					assert.ErrorIs(t, err, acquiring.ErrDuplicate)
				default:
					value, known := got[name]
					if assert.True(t, known, "the test does not look at %s", name) {
						assert.Equal(t, norm(want), norm(value), name)
					}
				}
			}
		})
	}
	assert.Equal(t, 88, ran, "every answer was tried")
}

// norm makes a number of the index and one of ours comparable.
func norm(v any) string {
	if b, err := json.Marshal(v); err == nil {
		return strings.Trim(string(b), `"`)
	}
	return fmt.Sprint(v)
}

func TestPublishedCallbackSamples(t *testing.T) {
	dir, list := samples(t)
	for _, s := range list {
		if s.Kind != "callback" {
			continue
		}
		body, err := os.ReadFile(filepath.Join(dir, s.File))
		require.NoError(t, err)
		key := newBank(t).client(ProtocolJSON, withKey)
		_, err = key.VerifyCallback(context.Background(), post(string(body)))
		assert.ErrorIs(t, err, acquiring.ErrSignature, "%s: none of them is signed with our key", s.File)
		status := strings.NewReplacer("CRM-1", "e2574f1785324f1592d9029cb05adbbd", id, "a67b0ced-c9a4-4cfb-bce3-b9595afaafc1").Replace(paid())
		cb, err := newBank(t).on("getOrderStatusExtended.do", status).client(ProtocolJSON).VerifyCallback(context.Background(), post(string(body)))
		require.NoError(t, err, s.File)
		assert.False(t, cb.Signed)
		assert.Equal(t, s.Expected["operation"] == "deposited" || strings.Contains(s.File, "104"), cb.Kind == acquiring.CallbackPayment, s.File)
	}
}

// The published requests of the new gateway must be what the typed API can say:
// what is read into its types and written again has the same members.
func TestPublishedRequestSamples(t *testing.T) {
	dir, list := samples(t)
	for _, s := range list {
		if s.Kind != "request" || !strings.HasPrefix(s.File, "requests/new/") {
			continue
		}
		t.Run(s.File, func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(dir, s.File))
			require.NoError(t, err)
			var request any
			switch s.Method {
			case "register.do", "registerPreAuth.do":
				request = new(RegisterRequest)
			case "recurrentPayment.do":
				request = new(RecurrentRequest)
			case "paymentOrder.do":
				request = new(CardPayment)
			case "unbindCard.do":
				request = new(bindingRequest)
			default:
				t.Fatalf("no type for %s", s.Method)
			}
			known := jsonNames(t, request)
			for name := range members(t, string(body)) {
				switch {
				case name == "userName" || name == "password":
				case name == "jsonParams" && s.Method == "recurrentPayment.do":
					// The schema of the same document forbids it: see RecurrentRequest.
				default:
					assert.Contains(t, known, name)
				}
			}
		})
	}
}

func jsonNames(t *testing.T, request any) []string {
	t.Helper()
	var names []string
	for _, tag := range fieldTags(request) {
		name, _, _ := strings.Cut(tag, ",")
		names = append(names, name)
	}
	return names
}

// fieldTags are the JSON names of a struct's fields.
func fieldTags(request any) (tags []string) {
	typ := reflect.TypeOf(request).Elem()
	for i := range typ.NumField() {
		if tag := typ.Field(i).Tag.Get("json"); tag != "" && tag != "-" {
			tags = append(tags, tag)
		}
	}
	return tags
}
