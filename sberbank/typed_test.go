package sberbank_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

func emulated(t *testing.T, p sberbank.Protocol) *sberbank.Client {
	t.Helper()
	srv := sberbanktest.NewServer()
	t.Cleanup(srv.Close)
	return newClient(t, srv.ConfigFor(sberbanktest.DefaultUserName, p))
}

// The legacy gateway's recurrentPayment.do lies outside /rest/ and reads JSON.
func TestLegacyRecurrentPaymentIsJSON(t *testing.T) {
	ctx, c := context.Background(), emulated(t, sberbank.ProtocolLegacy)
	b, err := c.CreateBindingNoPayment(ctx, sberbank.NewBinding{PAN: "5555555555555599", Expiry: "203412", ClientID: "u"})
	require.NoError(t, err)
	paid, err := c.RecurrentPayment(ctx, sberbank.RecurrentRequest{OrderNumber: "R-1", BindingID: b.Binding.ID.String(), Amount: 1000, AdditionalParameters: sberbank.Params{"a": "b"}})
	require.NoError(t, err)
	assert.True(t, bool(paid.Success))
	assert.Equal(t, int64(2), paid.Order.OrderStatus.Value)
	open, err := sberbank.New(sberbank.Config{Environment: acquiring.Test, Protocol: sberbank.ProtocolLegacy, Token: "open"})
	require.NoError(t, err)
	_, err = open.RecurrentPayment(ctx, sberbank.RecurrentRequest{OrderNumber: "R-2", BindingID: "b", Amount: 1000})
	assert.ErrorIs(t, err, acquiring.ErrInvalid, "a token does not pay")
}

// The state of the order comes as an object in the vendor's documentation, and
// as a number in an SDK.
func TestInstantRefundIsRead(t *testing.T) {
	card := sberbank.InstantRefundRequest{OrderNumber: "1", Amount: 100, PAN: "4111111111111111", CVC: "123", Expiration: "203412", Holder: "IVAN"}
	done, err := emulated(t, sberbank.ProtocolLegacy).InstantRefund(context.Background(), card)
	require.NoError(t, err)
	assert.NotEmpty(t, done.OrderID)
	assert.Equal(t, int64(4), done.OrderStatus.Value)
	for body, want := range map[string]string{
		`{"errorCode":"0","orderId":"a","orderStatus":{"orderStatus":4,"approvalCode":"A1","rrn":12}}`:  "4 A1 12",
		`{"errorCode":"0","orderId":"a","orderStatus":{"ErrorCode":"7","ErrorMessage":"System error"}}`: "  ",
		`{"errorCode":"0","orderId":"a","orderStatus":4,"approvalCode":"A1","rrn":"12"}`:                "4 A1 12",
		`{"errorCode":"0","orderId":"a"}`: "  ",
	} {
		var r sberbank.InstantRefunded
		require.NoError(t, json.Unmarshal([]byte(body), &r), body)
		assert.Equal(t, want, r.OrderStatus.String()+" "+r.ApprovalCode.String()+" "+r.RRN.String(), body)
		_, _, refused := r.Refused()
		assert.False(t, refused, body)
	}
	var r sberbank.InstantRefunded
	require.NoError(t, json.Unmarshal([]byte(`{"errorCode":5,"errorMessage":"Access denied"}`), &r))
	code, words, refused := r.Refused()
	assert.True(t, refused)
	assert.Equal(t, "5 Access denied", code+" "+words)
}

// The schema of the new gateway is strict: receiptStatus is a number there, and
// the INN of an agent's operator has twelve characters.
func TestReceiptsPassTheSchema(t *testing.T) {
	ctx, c := context.Background(), emulated(t, sberbank.ProtocolJSON)
	r := &fiscal.Receipt{Type: fiscal.Sale, TaxSystem: fiscal.TaxGeneral, Contact: fiscal.Contact{Email: "ivan@example.org"},
		Seller: fiscal.Seller{Email: "shop@crm.example", INN: "7707083893", Place: "https://crm.example"},
		Lines: []fiscal.Line{{Name: "Перевод", Price: money.RUB(100, 0), Quantity: fiscal.Pieces(1), VAT: fiscal.VATNone, Method: fiscal.FullPayment, Subject: fiscal.Service,
			Attribute: "партия — 7", Supplier: &fiscal.Supplier{Name: "ООО Поставщик", INN: "7707083893", Phones: []string{"+79161234567"}},
			Agent: &fiscal.Agent{Type: fiscal.BankPayingAgent, Operation: "Приём — платежа", Phones: []string{"+79161234567"}, TransferPhones: []string{"+79161234569"},
				TransferName: "Оператор", TransferAddress: "Москва", TransferINN: "7707083893"}}}}
	inv, err := c.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "A-1", Amount: r.Total(), ReturnURL: "https://crm.example/ok", Receipt: r})
	require.NoError(t, err)
	_, err = c.GetReceiptStatus(ctx, sberbank.ReceiptQuery{OrderID: string(inv.ID), Status: "3"})
	require.NoError(t, err)
	_, err = c.GetReceiptStatus(ctx, sberbank.ReceiptQuery{OrderID: string(inv.ID), Status: "done"})
	assert.ErrorIs(t, err, acquiring.ErrInvalid)
}

// Code 2 of getOrderStatus.do says that the order was declined.
func TestOldStatusOfADeclinedOrder(t *testing.T) {
	ctx := context.Background()
	srv := sberbanktest.NewServer()
	t.Cleanup(srv.Close)
	c := newClient(t, srv.ConfigFor(sberbanktest.DefaultUserName, sberbank.ProtocolLegacy))
	inv, err := c.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "A-1", Amount: 1000, ReturnURL: "https://crm.example/ok"})
	require.NoError(t, err)
	require.NoError(t, c.Cancel(ctx, inv.ID))
	_, err = c.GetOrderStatus(ctx, string(inv.ID))
	assert.ErrorIs(t, err, acquiring.ErrDeclined)
}
