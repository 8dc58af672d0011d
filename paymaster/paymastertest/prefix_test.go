package paymastertest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/money"
	"github.com/acquiring-go/acquiring/paymaster"
	"github.com/acquiring-go/acquiring/paymaster/paymastertest"
)

func TestALinkBelowAPrefixIsOpened(t *testing.T) {
	pm := paymastertest.NewServer(paymastertest.WithoutListening(), paymastertest.WithPublicURL("http://sandbox.example/paymaster"))
	defer pm.Close()
	shop, err := paymaster.NewClassic(pm.ClassicConfig())
	require.NoError(t, err)
	invoice, err := shop.CreateInvoice(t.Context(), acquiring.InvoiceRequest{OrderID: "A-1", Amount: money.RUB(100, 0), Description: "Course"})
	require.NoError(t, err)
	require.NoError(t, pm.Pay(invoice.PayURL))
}
