package alfabank

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/rbs"
	"github.com/acquiring-go/acquiring/webhook"
)

// samplesDir is where the published samples lie, beside the repository.
var samplesDir = filepath.Join("..", "..", "shared", "samples", "alfabank")

func sample(t *testing.T, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(samplesDir, filepath.FromSlash(file)))
	if err != nil {
		t.Skip("skipped: the published samples are not beside the repository")
	}
	return data
}

// answering is a client whose bank gives one answer to everything.
func answering(t *testing.T, body []byte, change ...func(*Config)) *Client {
	return newBank(t).client(append(change, func(c *Config) { c.HTTPClient = &http.Client{Transport: stub(body)} })...)
}

// Every published answer gives what is written of it.
func TestPublishedAnswers(t *testing.T) {
	refused := func(code string, kind error, call func(c *Client) error) func(t *testing.T, c *Client) {
		return func(t *testing.T, c *Client) {
			err := call(c)
			e := problem(t, err)
			assert.Equal(t, code, e.Code)
			assert.ErrorIs(t, err, kind)
			assert.Equal(t, acquiring.OutcomeRejected, e.Outcome)
		}
	}
	broken := func(call func(c *Client) error) func(t *testing.T, c *Client) {
		return func(t *testing.T, c *Client) {
			assert.ErrorIs(t, call(c), acquiring.ErrProtocol)
			assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(call(c)))
		}
	}
	register := func(c *Client) error {
		_, err := c.Register(ctx, RegisterRequest{ReturnURL: "https://a.example"})
		return err
	}
	deposit := func(c *Client) error { _, err := c.Deposit(ctx, DepositRequest{OrderID: id}); return err }
	binding := func(c *Client) error { _, err := c.PaymentOrderBinding(ctx, BindingPayment{}); return err }
	pay := func(want rbs.PaymentStep, declined bool) func(t *testing.T, c *Client) {
		return func(t *testing.T, c *Client) {
			a, err := c.Continue3DS(ctx, id)
			require.NoError(t, err)
			assert.Equal(t, want, a.Next())
			_, refused := a.Declined()
			assert.Equal(t, declined, refused)
		}
	}
	payment := func(check func(t *testing.T, p *acquiring.Payment, o *Order)) func(t *testing.T, c *Client) {
		return func(t *testing.T, c *Client) {
			o, err := c.GetOrderStatusExtended(ctx, StatusRequest{OrderID: id})
			require.NoError(t, err)
			check(t, c.payment("", o, 0), o)
		}
	}
	at := func(text string, p interface{ Format(string) string }) {
		assert.Equal(t, text, p.Format("2006-01-02T15:04:05.000Z"))
	}
	checks := map[string]func(t *testing.T, c *Client){
		"register_ok.json": func(t *testing.T, c *Client) {
			inv, err := c.CreateInvoice(ctx, plainInvoice())
			require.NoError(t, err)
			assert.Equal(t, acquiring.PaymentID("01491d0b-c848-7dd6-a20d-e96900a7d8c0"), inv.ID)
			assert.Contains(t, inv.PayURL, "mdOrder=")
		},
		"register_duplicate.json": refused("1", acquiring.ErrDuplicate, register),
		"status_deposited.json": payment(func(t *testing.T, p *acquiring.Payment, o *Order) {
			assert.Equal(t, acquiring.StatusPaid, p.Status)
			assert.Equal(t, "7005", p.OrderID)
			assert.Equal(t, acquiring.PaymentID("01491d0b-c848-7dd6-a20d-e96900a7d8c0"), p.ID)
			assert.Equal(t, money.Amount(2000), p.Amount)
			assert.Equal(t, "RUB", p.Currency)
			at("2021-04-09T12:55:15.659Z", p.CreatedAt)
			at("2021-04-09T12:57:39.029Z", o.AuthDateTime)
			assert.Equal(t, "01491394-63a6-7d45-a88f-7bce00a7d8c0", p.Card.Token)
			assert.Equal(t, "714105591198", o.AuthRefNum.String())
			assert.Zero(t, p.Refunded)
		}),
		"deposit_ok.json": func(t *testing.T, c *Client) { assert.NoError(t, deposit(c)) },
		"refund_ok.json": func(t *testing.T, c *Client) {
			_, err := c.RefundOrder(ctx, OrderRefund{OrderID: id, ExternalRefundID: "k"})
			assert.NoError(t, err)
		},
		"binding_pay_ssl_ok.json": pay(rbs.StepDone, false),
		"binding_pay_sbp_qr.json": func(t *testing.T, c *Client) {
			a, err := c.PaymentOrderBinding(ctx, BindingPayment{})
			require.NoError(t, err)
			assert.Equal(t, "BD20002GIO8T8C8L8KI8QTTJ9O5R94IS", a.SBP.ID.String())
			assert.Equal(t, QRStarted, a.SBP.State())
			_, declined := a.Declined()
			assert.False(t, declined)
		},
		"binding_pay_3ds1.json":      pay(rbs.StepPaReq, false),
		"binding_pay_no_client.json": refused("5", acquiring.ErrInvalid, binding),
		"bindings_list.json": func(t *testing.T, c *Client) {
			list, err := c.GetBindings(ctx, BindingsRequest{ClientID: "a"})
			require.NoError(t, err)
			require.Len(t, list, 1)
			assert.Equal(t, "44779116-41a5-7798-b072-c0a30760e2b0", list[0].ID.String())
			assert.Equal(t, "203412", list[0].ExpiryDate.String())
			assert.Equal(t, "CARD", list[0].PaymentSystem.String())
			assert.Equal(t, "COMMON", list[0].Category.String())
		},
		"bindings_by_card.invalid-json.txt": broken(func(c *Client) error {
			_, err := c.GetBindingsByCardOrID(ctx, BindingsByRequest{BindingID: "a"})
			return err
		}),
		"unbind_not_active.invalid-json.txt": broken(func(c *Client) error { _, err := c.UnbindCard(ctx, "a"); return err }),
		"binding_created_no_payment.json": func(t *testing.T, c *Client) {
			b, err := c.CreateBindingNoPayment(ctx, NewBinding{PAN: "5555555555555599"})
			require.NoError(t, err)
			assert.Equal(t, "47dbe208-e531-4997-9c36-25a5707d3cb9", b.ID.String())
			assert.Equal(t, "159753456", b.ClientID.String())
			assert.Equal(t, "TEST CARDHOLDER", b.Holder.String())
		},
		"sbp_qr.json": func(t *testing.T, c *Client) {
			q, err := c.GetSBPQR(ctx, SBPQRRequest{})
			require.NoError(t, err)
			assert.Equal(t, "https://qr.nspk.ru/54d14bae6f7f4a73929308e9afa5915d", q.Payload.String())
			assert.Equal(t, QRStarted, q.State())
		},
		"sbp_status_paid.json": func(t *testing.T, c *Client) {
			q, err := c.GetSBPQRStatus(ctx, id, "")
			require.NoError(t, err)
			assert.Equal(t, QRAccepted, q.State())
			assert.Equal(t, "DEPOSITED", q.SBPCode.State.String())
		},
		"sbp_rejected.json": func(t *testing.T, c *Client) { assert.NoError(t, c.RejectSBPQR(ctx, id, "")) },
		"sbp_bindings.json": func(t *testing.T, c *Client) {
			list, err := c.GetSBPBindings(ctx, "a", "", false)
			require.NoError(t, err)
			require.Len(t, list, 1)
			assert.Equal(t, "bb5cf93f146046959c2845d7ee9754d4", list[0].Token.String())
		},
		"sbp_bindings_no_client.json": refused("5", acquiring.ErrInvalid, func(c *Client) error {
			_, err := c.GetSBPBindings(ctx, "a", "", false)
			return err
		}),
		"sbp_unbind_success_with_code_2.json": func(t *testing.T, c *Client) { assert.NoError(t, c.UnbindSBP(ctx, "a")) },
		"sbp_unbind_denied.json":              refused("5", acquiring.ErrUnauthorized, func(c *Client) error { return c.UnbindSBP(ctx, "a") }),
		"3ds2_challenge.json":                 pay(rbs.StepChallenge, false),
		"3ds2_frictionless.json":              pay(rbs.StepDone, false),
		"3ds2_unknown_ares.json":              pay(rbs.StepDone, true),
		"3ds2_declined.json":                  pay(rbs.StepDone, true),
		"verify_card_ok.json": func(t *testing.T, c *Client) {
			v, err := c.VerifyCard(ctx, VerifyCardRequest{PAN: "4000001111111118"})
			require.NoError(t, err)
			assert.True(t, v.Approved())
			assert.Equal(t, rbs.Num(0), v.Amount)
		},
		"instant_payment_ok.json": func(t *testing.T, c *Client) {
			a, err := c.InstantPayment(ctx, InstantRequest{RegisterRequest: RegisterRequest{ReturnURL: "https://a.example"}})
			require.NoError(t, err)
			assert.Equal(t, InstantPaid, a.Result())
			assert.Equal(t, rbs.Num(2), a.Order.OrderStatus)
			assert.Equal(t, rbs.Num(100), a.Order.Amount)
			p := c.payment(acquiring.PaymentID(a.OrderID), a.Order.AsOrder(), 0)
			assert.Equal(t, acquiring.StatusPaid, p.Status)
			assert.Equal(t, "500000**1115", p.Card.Masked)
		},
		"close_receipt_ok.json": func(t *testing.T, c *Client) {
			assert.NoError(t, c.CloseReceipt(ctx, CloseReceiptRequest{OrderID: id}))
		},
		"receipt_status.invalid-json.txt": broken(func(c *Client) error { _, err := c.GetReceiptStatus(ctx, ReceiptQuery{OrderID: id}); return err }),
		"template_created.json": func(t *testing.T, c *Client) {
			l, err := c.CreateTemplate(ctx, Template{Name: "a", NameForClient: "b"})
			require.NoError(t, err)
			assert.Equal(t, "umoPoMUCbGrsKRKT", l.ID.String())
			assert.Equal(t, "https://someurl.com/sc/umoPoMUCbGrsKRKT", l.QR.Payload.String())
		},
		"template_list.json": func(t *testing.T, c *Client) {
			list, err := c.ListTemplates(ctx, "")
			require.NoError(t, err)
			require.Len(t, list, 3)
			assert.False(t, list[1].Amount.Known)
		},
		"static_qr_created.json": func(t *testing.T, c *Client) {
			q, err := c.CreateStaticQR(ctx, StaticQRRequest{Name: "a"})
			require.NoError(t, err)
			assert.Equal(t, "BS1A002R685NUVE58NNA6O3DF8ELMGUE", q.ID.String())
			assert.Equal(t, TemplateActive, q.Status.String())
			assert.Equal(t, "Test distribution channel", q.Channel.String())
		},
		"static_qr_details.invalid-json.txt": broken(func(c *Client) error { _, err := c.GetStaticQR(ctx, "a"); return err }),
		"status_v46_partial_refund.json": payment(func(t *testing.T, p *acquiring.Payment, o *Order) {
			assert.Equal(t, acquiring.StatusPartiallyRefunded, p.Status)
			assert.Equal(t, money.Amount(2000), p.Amount)
			assert.Equal(t, money.Amount(500), p.Refunded)
			assert.Equal(t, "refund-1", o.Refunds[0].ExternalRefundID.String())
			assert.Equal(t, "CARD_BINDING", o.PaymentWay.String())
			assert.Equal(t, acquiring.MethodCard, p.Method)
			assert.Equal(t, rbs.Num(2100), o.Amounts.Total)
			assert.Equal(t, rbs.Num(0), o.ActionCode)
			assert.Equal(t, "5", o.CardAuth.SecureAuth.ECI.String())
			assert.Nil(t, p.Metadata, "originalResponseCode is the gateway's own")
		}),
		"receipt_status_v5.json": func(t *testing.T, c *Client) {
			r, err := c.GetReceiptStatus(ctx, ReceiptQuery{OrderID: id})
			require.NoError(t, err)
			first := r.Receipts[0]
			assert.Equal(t, int64(1), first.Status.Value)
			assert.Equal(t, "1.2", first.Params.Status.FFD.String())
			at("2017-07-05T12:15:00.000Z", first.At())
			assert.Equal(t, "1", first.Items[0].TaxType.String())
			assert.Equal(t, Attributes{"paymentMethod": "1", "paymentObject": "1"}, first.Items[0].Attributes)
		},
		"family_last_orders.json": func(t *testing.T, c *Client) {
			orders, err := c.GetLastOrders(ctx, OrdersQuery{Size: 10})
			require.NoError(t, err)
			require.NotEmpty(t, orders.Orders)
			p := c.payment("", &orders.Orders[0], 0)
			assert.Equal(t, acquiring.PaymentID("f1a3365b-542c-4c8d-b34c-e9a7ee8dbc9c"), p.ID)
			assert.Equal(t, acquiring.StatusPaid, p.Status)
			assert.Equal(t, money.Amount(250000), p.Amount)
		},
		"family_old_status.json": func(t *testing.T, c *Client) {
			o, err := c.GetOrderStatus(ctx, id)
			require.NoError(t, err)
			p := c.payment(id, o, 0)
			assert.Equal(t, acquiring.StatusPaid, p.Status)
			assert.Equal(t, money.Amount(150000), p.Captured)
			assert.Equal(t, "555555", p.Card.Token)
		},
		"family_status_numeric_ids.json": payment(func(t *testing.T, p *acquiring.Payment, _ *Order) {
			assert.Equal(t, acquiring.StatusPaid, p.Status)
			assert.Equal(t, money.Amount(150000), p.Amount)
		}),
		"family_bindings_none.json": func(t *testing.T, c *Client) {
			list, err := c.GetBindings(ctx, BindingsRequest{ClientID: "a"})
			assert.NoError(t, err)
			assert.Empty(t, list)
		},
		"family_refund_error.json": refused("5", acquiring.ErrConflict, func(c *Client) error { _, err := c.RefundOrder(ctx, OrderRefund{OrderID: id}); return err }),
		"family_refund_ok_no_message.json": func(t *testing.T, c *Client) {
			_, err := c.RefundOrder(ctx, OrderRefund{OrderID: id})
			assert.NoError(t, err)
		},
		"family_verify_enrollment.json": func(t *testing.T, c *Client) {
			e, err := c.VerifyEnrollment(ctx, "5555555555555599")
			require.NoError(t, err)
			assert.Equal(t, "Y", e.Enrolled.String())
		},
		"family_void_unknown.json": refused("6", acquiring.ErrNotFound, func(c *Client) error { _, err := c.Reverse(ctx, ReverseRequest{OrderID: id}); return err }),
		"status_expired_minus_2007.json": payment(func(t *testing.T, p *acquiring.Payment, o *Order) {
			assert.Equal(t, acquiring.StatusExpired, p.Status)
			assert.Equal(t, "-2007", p.Failure.Code)
			assert.Equal(t, money.Amount(33000), p.Amount)
			assert.Zero(t, p.Captured)
			at("2013-11-07T10:17:09.914Z", p.CreatedAt)
			assert.Nil(t, o.Amounts)
			assert.Contains(t, string(o.Raw), "MDAwMDAwMDEzODM4MTk0MzAzMjM=")
		}),
		"auth_missing.json": refused("5", acquiring.ErrUnauthorized, deposit),
		"alfapay_ok.json": func(t *testing.T, c *Client) {
			_, err := c.AlfaPay(ctx, AlfaPayRequest{ReturnURL: "https://a.example"})
			assert.NoError(t, err)
		},
		"alfapay_error.json": func(t *testing.T, c *Client) {
			_, err := c.AlfaPay(ctx, AlfaPayRequest{ReturnURL: "https://a.example"})
			assert.ErrorIs(t, err, acquiring.ErrUnauthorized)
			assert.Equal(t, "Доступ запрещён", problem(t, err).Message)
		},
		"empty_body.txt": broken(deposit),
	}
	var index []struct{ File string }
	require.NoError(t, json.Unmarshal(sample(t, "responses/index.json"), &index))
	for _, entry := range index {
		name := strings.TrimPrefix(entry.File, "responses/")
		check := checks[name]
		if !assert.NotNil(t, check, "nothing looks at %s", name) {
			continue
		}
		t.Run(name, func(t *testing.T) { check(t, answering(t, sample(t, entry.File))) })
	}
	assert.Len(t, checks, len(index))
}

// Every published callback is taken or refused as is written of it.
func TestPublishedCallbacks(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(samplesDir, "callbacks", "*.json"))
	require.NoError(t, err)
	if len(files) == 0 {
		t.Skip("skipped: the published samples are not beside the repository")
	}
	ran := 0
	for _, file := range files {
		var s struct {
			Mode, Key, Query, Canonical string
			KeyFile                     string `json:"key_file"`
			Queries                     json.RawMessage
			Expect                      map[string]any
			PublishedSecret             string                               `json:"published_secret"`
			PublishedExpected           string                               `json:"published_expected"`
			Clean                       struct{ Canonical, Checksum string } `json:"correct_for_clean_data"`
		}
		name := filepath.Base(file)
		require.NoError(t, json.Unmarshal(sample(t, "callbacks/"+name), &s))
		ran++
		t.Run(name, func(t *testing.T) {
			switch {
			case strings.HasPrefix(name, "09_"):
				c := newBank(t).client(keyed(s.PublishedSecret))
				pairs := strings.Split(strings.TrimSuffix(s.Clean.Canonical, ";"), ";")
				v := url.Values{}
				for i := 0; i < len(pairs); i += 2 {
					v.Set(pairs[i], pairs[i+1])
				}
				_, err := c.VerifyCallback(ctx, get(v.Encode()+"&checksum="+s.Clean.Checksum))
				assert.NoError(t, err)
				_, err = c.VerifyCallback(ctx, get(v.Encode()+"&checksum="+s.PublishedExpected))
				assert.ErrorIs(t, err, acquiring.ErrSignature)
			case s.Mode == "none":
				var list []string
				if json.Unmarshal(s.Queries, &list) != nil {
					var named map[string]string
					_ = json.Unmarshal(s.Queries, &named)
					for _, q := range named {
						list = append(list, q)
					}
				}
				if s.Query != "" {
					list = append(list, s.Query)
				}
				require.NotEmpty(t, list)
				for _, query := range list {
					_, err := newBank(t).client(keyed(demoKey)).VerifyCallback(ctx, get(query))
					assert.ErrorIs(t, err, acquiring.ErrSignature, "with a key it must be refused")
					p, err := webhook.ParseForm(nil, query)
					require.NoError(t, err)
					order, _ := p.Get("mdOrder")
					number, _ := p.Get("orderNumber")
					state := orderJSON(2, 0, "", "")
					if s.Expect["status"] == 0.0 {
						state = orderJSON(6, 5, "", "")
					}
					c := newBank(t).on(status, strings.NewReplacer("A-1001", number, id, order).Replace(state)).client()
					cb, err := c.VerifyCallback(ctx, get(query))
					require.NoError(t, err)
					assert.False(t, cb.Signed)
					if order == "" {
						news, ok := c.BindingNews(cb)
						assert.True(t, ok)
						assert.Equal(t, !strings.Contains(query, "enabled=false"), news.Enabled)
						continue
					}
					assert.Equal(t, number, cb.OrderID)
					assert.Equal(t, acquiring.PaymentID(order), cb.PaymentID)
					assert.Equal(t, s.Expect["status"] != 0.0, cb.Status == acquiring.StatusPaid)
				}
			default:
				p, _ := webhook.ParseForm(nil, s.Query)
				order, _ := p.Get("mdOrder")
				number, _ := p.Get("orderNumber")
				known := strings.NewReplacer("A-1001", number, id, order).Replace(orderJSON(2, 0, "", ""))
				c := newBank(t).on(status, known).client(func(c *Config) {
					if c.CallbackKey = s.Key; s.KeyFile != "" {
						c.CallbackPublicKey = string(sample(t, s.KeyFile))
					}
				})
				cb, err := c.VerifyCallback(ctx, get(s.Query))
				if s.Expect["signature"] != "valid" {
					assert.ErrorIs(t, err, acquiring.ErrSignature)
					return
				}
				require.NoError(t, err)
				assert.True(t, cb.Signed)
				assert.Equal(t, acquiring.StatusPaid, cb.Status)
				if sum, ok := s.Expect["amount_kopecks"].(float64); ok {
					assert.InDelta(t, sum, int64(cb.Amount), 0)
				}
				if s.Canonical != "" {
					p, err := webhook.ParseForm(nil, s.Query)
					require.NoError(t, err)
					assert.Equal(t, s.Canonical, string(rbs.Canonical(p)))
				}
			}
		})
	}
	assert.Equal(t, 12, ran)
}

// The bank's own requests can be made, field for field.
func TestPublishedRequests(t *testing.T) {
	b := newBank(t).on("register.do", registeredOK).on("deposit.do", done).on("refund.do", done).on("reverse.do", done).on("decline.do", done).on("closeOfdReceipt.do", `{"success":true}`)
	c := b.client(func(c *Config) { c.UserName, c.Password = "test_user", "test_user_password" })
	var reg struct{ Fields [][2]string }
	require.NoError(t, json.Unmarshal(sample(t, "requests/register_bank_example.json"), &reg))
	want := url.Values{}
	for _, f := range reg.Fields {
		want.Add(f[0], f[1])
	}
	_, err := c.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "1234567890ABCDEF", Amount: 123456, ReturnURL: "https://mybestmerchantreturnurl.com", FailURL: "https://mybestmerchantfailurl.com",
		Customer: acquiring.Customer{ID: "259753456", Email: "test@test.com"}, Language: "en", Extra: map[string]string{"features": "FORCE_SSL,FORCE_TDS"},
		Metadata: map[string]string{"param_1_name": "param_1_value", "param_2_name": "param_2_value"}})
	require.NoError(t, err)
	want.Set("currency", "643")
	assert.Equal(t, want, b.last("register.do").form(t), "two features are two fields")

	var rest struct {
		Items []struct {
			Path   string
			Fields map[string]string
		}
	}
	require.NoError(t, json.Unmarshal(sample(t, "requests/deposit_refund_reverse_bank_examples.json"), &rest))
	require.Len(t, rest.Items, 4)
	for _, item := range rest.Items {
		f := item.Fields
		sum, _ := money.ParseMinor("0" + f["amount"])
		name := item.Path[strings.LastIndexByte(item.Path, '/')+1:]
		switch name {
		case "deposit.do":
			_, err = c.Deposit(ctx, DepositRequest{OrderID: f["orderId"], Amount: sum, Currency: f["currency"], Language: f["language"]})
		case "refund.do":
			_, err = c.RefundOrder(ctx, OrderRefund{OrderID: f["orderId"], Amount: sum, Currency: f["currency"], Language: f["language"]})
		case "reverse.do":
			_, err = c.Reverse(ctx, ReverseRequest{OrderID: f["orderId"], Amount: sum, Currency: f["currency"], Language: f["language"]})
		case "decline.do":
			_, err = c.Decline(ctx, DeclineRequest{OrderID: f["orderId"], OrderNumber: f["orderNumber"], MerchantLogin: f["merchantLogin"], Language: f["language"]})
		default:
			t.Errorf("nothing makes %s", item.Path)
		}
		require.NoError(t, err)
		want := url.Values{}
		for k, v := range f {
			want.Set(k, v)
		}
		assert.Equal(t, want, b.last(name).form(t), name)
	}

	var closing struct {
		Fields struct {
			Amount, MdOrder, MerchantLogin string
			AdditionalOFDParams            Params `json:"additionalOfdParams"`
			OrderBundle                    json.RawMessage
		}
	}
	require.NoError(t, json.Unmarshal(sample(t, "requests/bundle_close_receipt_bank_example.json"), &closing))
	cart := &Cart{CustomerDetails: &rbs.CartCustomer{Email: "test@test.com", FullName: "xxxx", INN: "xxxx"}, CartItems: CartItems{Items: []CartItem{{PositionID: "001", Name: "apple", ItemCode: "122333",
		Quantity: rbs.ItemQuantity{Value: "10", Measure: "kg"}, ItemAmount: 100000, ItemPrice: 10000, ItemAttributes: &rbs.CartAttributes{Attributes: []rbs.NameValue{{Name: "paymentMethod", Value: "4"}}}}}}}
	require.NoError(t, c.CloseReceipt(ctx, CloseReceiptRequest{OrderID: closing.Fields.MdOrder, Amount: 123456, MerchantLogin: closing.Fields.MerchantLogin, OFDParams: closing.Fields.AdditionalOFDParams, OrderBundle: cart}))
	got := b.last("closeOfdReceipt.do").form(t)
	assert.JSONEq(t, string(closing.Fields.OrderBundle), got.Get("orderBundle"))
	assert.Equal(t, closing.Fields.Amount, got.Get("amount"))
	assert.JSONEq(t, `{"additional_check_props":"test"}`, got.Get("additionalOfdParams"))
}
