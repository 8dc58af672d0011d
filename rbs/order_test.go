package rbs

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
)

func order(t *testing.T, text string) *Order {
	t.Helper()
	var o Order
	require.NoError(t, json.Unmarshal([]byte(text), &o))
	o.Raw = json.RawMessage(text)
	return &o
}

// The refund rule must hold whether or not a refund lowers depositedAmount,
// over all captures and refunds in steps of a tenth of the hold.
func TestRefundRuleHoldsInBothWorlds(t *testing.T) {
	const hold = 1000
	for _, lowered := range []bool{false, true} {
		for _, withHistory := range []bool{false, true} {
			for captured := int64(100); captured <= hold; captured += 100 {
				for refunded := int64(0); refunded <= captured; refunded += 100 {
					o := &Order{OrderStatus: Num(4), Amount: Num(hold), Amounts: &AmountInfo{Approved: Num(hold), Deposited: Num(captured), Refunded: Num(refunded)}}
					if refunded == 0 {
						o.OrderStatus = Num(2)
					}
					if lowered {
						o.Amounts.Deposited = Num(captured - refunded)
					}
					if withHistory {
						o.Operations = []Operation{{Type: "PREAUTHORIZATION", Amount: Num(hold)}, {Type: "COMPLETION", Amount: Num(captured)}}
					}
					want := acquiring.StatusPartiallyRefunded
					switch refunded {
					case 0:
						want = acquiring.StatusPaid
					case captured:
						want = acquiring.StatusRefunded
					}
					p := o.Payment("id", Reading{})
					// The one case that the sums cannot tell: P not lowered,
					// nothing known, at most half captured, all given back.
					if !lowered && !withHistory && refunded == captured && captured*2 <= hold {
						assert.Equal(t, acquiring.StatusPartiallyRefunded, p.Status)
						known := o.Payment("id", Reading{Captured: money.Amount(captured)})
						assert.Equal(t, acquiring.StatusRefunded, known.Status, "the captured sum settles it")
						continue
					}
					assert.Equal(t, want, p.Status, "captured %d refunded %d lowered %v history %v", captured, refunded, lowered, withHistory)
					assert.Equal(t, money.Amount(refunded), p.Refunded)
					if f := o.Funds(0); f.Sure {
						assert.Equal(t, money.Amount(captured), p.Captured, "captured %d refunded %d lowered %v history %v", captured, refunded, lowered, withHistory)
					}
				}
			}
		}
	}
}

func TestWorldIsLearned(t *testing.T) {
	sums := func(approved, deposited, refunded int64) *Order {
		return &Order{OrderStatus: Num(4), Amount: Num(approved), Amounts: &AmountInfo{Approved: Num(approved), Deposited: Num(deposited), Refunded: Num(refunded)}}
	}
	ambiguous := sums(1400, 1000, 400)
	read := func(w *World) money.Amount { return ambiguous.Payment("a", Reading{World: w}).Captured }

	var w World
	assert.Equal(t, money.Amount(1400), read(&w))
	assert.False(t, w.Known())
	sums(1000, 1000, 0).Payment("b", Reading{World: &w})
	w.Learn(sums(1000, 1000, 0), sums(1000, 500, 400), 400) // something else happened too
	w.Learn(sums(1000, 1000, 0), sums(1000, 1000, 0), 400)
	w.Learn(&Order{}, &Order{}, 0)
	assert.False(t, w.Known())
	sums(1000, 1000, 400).Payment("b", Reading{World: &w})
	assert.Equal(t, money.Amount(1000), read(&w))

	var kept, lowered World
	kept.Learn(sums(1400, 1000, 0), sums(1400, 1000, 400), 400)
	assert.Equal(t, money.Amount(1000), read(&kept))
	lowered.Learn(sums(1400, 1400, 0), sums(1400, 1000, 400), 400)
	assert.Equal(t, money.Amount(1400), read(&lowered))
	assert.True(t, lowered.Known() && ambiguous.funds(0, &lowered).Sure)
}

func TestCapturedByHistory(t *testing.T) {
	at := func(ms string) Time { var x Time; _ = x.UnmarshalJSON([]byte(ms)); return x }
	o := Order{Operations: []Operation{
		{Type: "PREAUTHORIZATION", Amount: Num(1000), Date: at("1000")},
		{Type: "REVERSAL", Amount: Num(200), Date: at("2000"), ActionCode: Num(400)},
		{Type: "COMPLETION", Amount: Num(800), Date: at("3000")},
		{Type: "REFUND", Amount: Num(100), Date: at("4000")},
	}}
	assert.Equal(t, money.Amount(800), o.capturedByHistory(), "a reversal of the hold lowers no capture")
	o.Operations = []Operation{{Type: "authorization", Amount: Num(700), AmountBonus: Num(300)}, {Type: "AUTHORIZATION", Amount: Num(1000), ActionCode: Num(116)}, {Type: "REVERSAL", Amount: Num(200)}}
	assert.Equal(t, money.Amount(800), o.capturedByHistory())
	// A history that is not whole is not believed.
	o.Amounts = &AmountInfo{Approved: Num(1000), Deposited: Num(1000), Refunded: Num(1000)}
	assert.True(t, o.Funds(0).Full)
	assert.Equal(t, money.Amount(1000), o.Funds(0).Captured)
}

func TestStates(t *testing.T) {
	for text, want := range map[string]acquiring.Status{
		`{"orderStatus":0,"actionCode":-100}`:   acquiring.StatusPending,
		`{"orderStatus":"0","actionCode":5}`:    acquiring.StatusPending,
		`{"orderStatus":5}`:                     acquiring.StatusPending,
		`{"orderStatus":1}`:                     acquiring.StatusAuthorized,
		`{"orderStatus":2}`:                     acquiring.StatusPaid,
		`{"orderStatus":3}`:                     acquiring.StatusVoided,
		`{"orderStatus":4}`:                     acquiring.StatusPartiallyRefunded,
		`{"orderStatus":6,"actionCode":116}`:    acquiring.StatusDeclined,
		`{"orderStatus":6,"actionCode":-2007}`:  acquiring.StatusExpired,
		`{"orderStatus":6,"actionCode":"-100"}`: acquiring.StatusCanceled,
		`{"orderStatus":7}`:                     acquiring.StatusUnknown,
		`{"orderStatus":77}`:                    acquiring.StatusUnknown,
		`{}`:                                    acquiring.StatusUnknown,
	} {
		assert.Equal(t, want, order(t, text).Status(Reading{}), text)
	}
	assert.Equal(t, acquiring.StatusPending, order(t, `{"orderStatus":7}`).Status(Reading{States: map[int64]acquiring.Status{7: acquiring.StatusPending}}))
	assert.Equal(t, acquiring.StatusPaid, order(t, `{"orderStatus":8}`).Status(Reading{States: map[int64]acquiring.Status{8: acquiring.StatusPaid}}))
}

// A merchant's version of the answers may have no sums: what was taken is what
// was ordered, or what the history says.
func TestPaidOrderWithoutSums(t *testing.T) {
	o := order(t, `{"orderStatus":2,"amount":1000}`)
	assert.Equal(t, money.Amount(1000), o.Payment("md", Reading{}).Captured)
	assert.False(t, o.Funds(0).Sure)
	part := order(t, `{"orderStatus":2,"amount":1000,"operations":[{"type":"PREAUTHORIZATION","amount":1000,"actionCode":0},{"type":"COMPLETION","amount":700,"actionCode":0}]}`)
	assert.Equal(t, money.Amount(700), part.Payment("md", Reading{}).Captured)
	assert.Equal(t, money.Amount(1000), order(t, `{"orderStatus":2,"amount":1000,"paymentAmountInfo":{"paymentState":"DEPOSITED"}}`).Payment("md", Reading{}).Captured)
	for _, other := range []string{`{"orderStatus":2,"amount":1000,"paymentAmountInfo":{"depositedAmount":0}}`, `{"orderStatus":1,"amount":1000}`, `{"orderStatus":2,"amount":0}`, `{"orderStatus":2,"amount":1000,"depositAmount":0}`} {
		assert.Zero(t, order(t, other).Payment("md", Reading{}).Captured, other)
	}
	assert.Equal(t, money.Amount(700), order(t, `{"orderStatus":2,"amount":1000,"depositAmount":700}`).Payment("md", Reading{}).Captured)
}

func TestPaymentHasEverything(t *testing.T) {
	o := order(t, `{"errorCode":"0","orderNumber":"CRM-2026-000417","orderStatus":2,"actionCode":0,"amount":154990,"currency":643,"date":1772518500123,
		"depositedDate":1772518561440,"paymentAmountInfo":{"approvedAmount":154990,"depositedAmount":"154990","refundedAmount":0,"paymentState":"DEPOSITED"},
		"cardAuthInfo":{"maskedPan":"220220******2424","expiration":203505,"cardholderName":"IVAN IVANOV","paymentSystem":"MIR","paymentWay":"CARD"},
		"bindingInfo":{"clientId":7,"bindingId":"1d2c"},"bankInfo":{"bankName":"SBER","bankCountryCode":"RU"},
		"merchantOrderParams":[{"name":"crmDeal","value":417},{"name":"pdAgreement","value":"true"},{}],
		"attributes":[{"name":"mdOrder","value":"7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1"}]}`)
	_, _, refused := o.Refused()
	assert.False(t, refused)
	p := o.Payment("", Reading{Test: true, OwnParams: func(n string) bool { return n == "pdAgreement" }})
	assert.Equal(t, acquiring.PaymentID("7c1f0a52-3b6e-4d19-9a48-5e2d90c4b7f1"), p.ID)
	assert.Equal(t, "RUB", p.Currency)
	assert.Equal(t, acquiring.MethodCard, p.Method)
	assert.Equal(t, acquiring.Card{Masked: "220220******2424", ExpiryMonth: 5, ExpiryYear: 2035, Holder: "IVAN IVANOV", Brand: "MIR", Issuer: "SBER", Country: "RU", Token: "1d2c"}, *p.Card)
	assert.Equal(t, map[string]string{"crmDeal": "417"}, p.Metadata)
	assert.Equal(t, int64(1772518561440), p.PaidAt.UnixMilli())
	assert.Equal(t, "2", p.ProviderStatus)
	assert.True(t, p.Test)
	assert.Nil(t, p.Failure)
	assert.Equal(t, money.Amount(154990), p.Left())
}

func TestFailureOfADeclinedAttempt(t *testing.T) {
	p := order(t, `{"orderStatus":0,"actionCode":-5031,"actionCodeDescription":"Подписка не найдена."}`).Payment("a", Reading{})
	assert.Equal(t, acquiring.StatusPending, p.Status)
	assert.Equal(t, acquiring.Failure{Code: "-5031", Message: "Подписка не найдена."}, *p.Failure)
	p = order(t, `{"orderStatus":6,"actionCode":116}`).Payment("a", Reading{})
	assert.Equal(t, "not enough money", p.Failure.Message)
	assert.Nil(t, order(t, `{"orderStatus":0,"actionCode":-100}`).Payment("a", Reading{}).Failure)
}

func TestMethods(t *testing.T) {
	for way, want := range map[string]acquiring.Method{
		"CARD": acquiring.MethodCard, "CARD_BINDING": acquiring.MethodCard, "SBERPAY_SBP_C2B_DYN": acquiring.MethodSBP, "SBP_C2B_BINDING": acquiring.MethodSBP,
		"ALFAPAY": acquiring.MethodAlfaPay, "MIR_PAY": acquiring.MethodMirPay, "YANDEX_PAY_CARD": acquiring.MethodYandexPay, "TCB_TPAY": acquiring.MethodTPay,
		"PODELI": acquiring.MethodInstallment, "IPOS": acquiring.MethodCredit, "SBRF_SBOL": acquiring.MethodSberPay, "EFECTY": acquiring.MethodOther,
	} {
		assert.Equal(t, want, MethodOf(way), way)
	}
	assert.Equal(t, acquiring.MethodCard, order(t, `{"cardAuthInfo":{"pan":"411111**1111"}}`).method())
	assert.Empty(t, order(t, `{}`).method())
	assert.Equal(t, "b", order(t, `{"bindingInfo":{"bindingId":"b"}}`).card().Token)
}

func TestRefusalsInEverySpelling(t *testing.T) {
	for text, want := range map[string][2]string{
		`{"errorCode":"5","errorMessage":"Access denied"}`:                     {"5", "Access denied"},
		`{"errorCode":5,"error":"x"}`:                                          {"5", "x"},
		`{"ErrorCode":"6","ErrorMessage":"нет"}`:                               {"6", "нет"},
		`{"errorCode":"0","ErrorCode":"6","ErrorMessage":"нет"}`:               {"6", "нет"},
		`{"error":{"code":10,"description":"Processing Error","message":" "}}`: {"10", "Processing Error"},
		`{"errorCode":"7","description":"SystemError"}`:                        {"7", "SystemError"},
	} {
		var h Head
		require.NoError(t, json.Unmarshal([]byte(text), &h))
		code, words, refused := h.Refused()
		assert.True(t, refused, text)
		assert.Equal(t, want, [2]string{code, words}, text)
	}
	for _, text := range []string{`{}`, `{"errorCode":"0"}`, `{"errorCode":0,"errorMessage":"ok"}`, `{"ErrorCode":0}`, `{"errorCode":null}`, `{"errorCode":""}`, `{"errorCode":"00"}`, `{"error":false}`} {
		var h Head
		require.NoError(t, json.Unmarshal([]byte(text), &h))
		_, _, refused := h.Refused()
		assert.False(t, refused, text)
	}
	_, _, refused := order(t, `{"errorCode":"0"}`).Refused()
	assert.True(t, refused, "an answer without a state is no answer")
	var direct PaidDirectly
	require.NoError(t, json.Unmarshal([]byte(`{"success":false}`), &direct))
	code, _, refused := direct.Refused()
	assert.True(t, refused)
	assert.NotEmpty(t, code)
	var flag Head
	require.NoError(t, json.Unmarshal([]byte(`{"error":true}`), &flag))
	assert.True(t, flag.Err.Flag)
}

func TestPaymentSteps(t *testing.T) {
	for text, want := range map[string]PaymentStep{
		`{"redirect":"x"}`:               StepDone,
		`{"formUrl":"x","redirect":"y"}`: StepRedirect,
		`{"threeDSMethodURL":"x"}`:       StepMethod,
		`{"threeDSMethodUrl":"x"}`:       StepMethod,
		`{"acsUrl":"x","cReq":"y"}`:      StepChallenge,
		`{"acsUrl":"x","paReq":"y"}`:     StepPaReq,
	} {
		var p Payment
		require.NoError(t, json.Unmarshal([]byte(text), &p))
		assert.Equal(t, want, p.Next(), text)
	}
	var p Payment
	require.NoError(t, json.Unmarshal([]byte(`{"errorCode":0,"error":"Операция отклонена","processingErrorType":"CLIENT_ERROR"}`), &p))
	why, declined := p.Declined()
	assert.True(t, declined)
	assert.Equal(t, "Операция отклонена", why)
	require.NoError(t, json.Unmarshal([]byte(`{"processingErrorType":"NO_ERROR"}`), &p))
	_, declined = p.Declined()
	assert.False(t, declined, "NO_ERROR is none")
}

func FuzzOrder(f *testing.F) {
	f.Add([]byte(`{"errorCode":"0","orderStatus":4,"amount":1000,"paymentAmountInfo":{"approvedAmount":1000,"depositedAmount":500,"refundedAmount":500},"operations":[{"type":"COMPLETION","amount":500,"date":1}]}`))
	f.Add([]byte(`{"orderStatus":"2","attributes":{},"bankInfo":[],"error":{"code":5}}`))
	f.Add([]byte(`{"orderStatus":6,"actionCode":-2007,"cardAuthInfo":{"pan":"4111111111111111"}}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		var o Order
		if json.Unmarshal(b, &o) != nil {
			return
		}
		o.Refused()
		p := o.Payment("id", Reading{})
		if p.Card != nil && len(p.Card.Masked) >= 13 && len(p.Card.Masked) <= 19 && MaskPAN(p.Card.Masked) != p.Card.Masked {
			t.Fatalf("a whole number was kept: %q", p.Card.Masked)
		}
		if p.Status == acquiring.StatusPaid && o.OrderStatus.Value != StateDeposited {
			t.Fatalf("paid in state %d", o.OrderStatus.Value)
		}
		if _, err := json.Marshal(p); err != nil {
			t.Fatalf("%q makes a payment that cannot be stored: %v", b, err)
		}
	})
}
