package emulator

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestReceiptPage(t *testing.T) {
	r := Receipt{State: ReceiptPrinted, Refund: true, Total: 150050, FN: "9999078900001234", FD: "7", FP: "1234567890", RegNumber: "0001",
		Printed: time.Date(2026, 11, 21, 21, 5, 0, 0, time.UTC), Lines: []ReceiptLine{{Name: "Курс <1>", Price: 75025, Quantity: "2", Sum: 150050, VATName: "без НДС"}}}
	assert.Equal(t, "t=20261122T0005&s=1500.50&fn=9999078900001234&i=7&fp=1234567890&n=2", r.QR())
	page := func(r Receipt) string {
		w := httptest.NewRecorder()
		r.Write(w, "Школа")
		return w.Body.String()
	}
	html := page(r)
	for _, want := range []string{"Возврат прихода", "Школа", "Курс &lt;1&gt;", "750.25 × 2", "=1500.50", "без НДС", "9999078900001234", "22.11.2026 00:05", "data:image/png;base64,", "n=2"} {
		assert.Contains(t, html, want)
	}
	assert.Contains(t, page(Receipt{State: ReceiptWaiting, Total: 5}), "Чек в обработке")
	failed := page(Receipt{State: ReceiptFailed, Fault: "нет бумаги"})
	assert.Contains(t, failed, "нет бумаги")
	assert.NotContains(t, failed, "data:image")
}
