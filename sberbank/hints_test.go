package sberbank_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/sberbank"
	"github.com/acquiring-go/acquiring/sberbank/sberbanktest"
)

// The bank's own words do not say what to do: that a hold is released and not
// refunded, and that its number was wanted and not the shop's.
func TestRefusalsSayWhatToDo(t *testing.T) {
	bank := sberbanktest.NewServer()
	defer bank.Close()
	c, err := sberbank.New(bank.Config())
	require.NoError(t, err)
	ctx := t.Context()
	hold, err := c.CreateInvoice(ctx, acquiring.InvoiceRequest{OrderID: "A-7", Amount: money.RUB(1500, 0), ReturnURL: "https://shop.example/paid", Hold: true})
	require.NoError(t, err)
	require.NoError(t, bank.Pay("A-7"))

	_, err = c.Refund(ctx, acquiring.RefundRequest{ID: hold.ID, Key: "A-7-r1", Amount: money.RUB(500, 0)})
	require.ErrorIs(t, err, acquiring.ErrConflict)
	assert.Contains(t, err.Error(), "Void")

	for _, err := range []error{
		func() error {
			_, err := c.Refund(ctx, acquiring.RefundRequest{ID: "A-7", Key: "A-7-r2", Amount: money.RUB(500, 0)})
			return err
		}(),
		func() error { _, err := c.GetStatus(ctx, "A-7"); return err }(),
	} {
		require.Error(t, err)
		assert.Contains(t, err.Error(), "Invoice.ID")
	}
}
