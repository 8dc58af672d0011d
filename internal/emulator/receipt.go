package emulator

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"html/template"
	"net/http"
	"strconv"
	"time"

	"github.com/acquiring-go/acquiring/internal/emulator/qr"
	"github.com/acquiring-go/acquiring/money"
)

// ReceiptState is where a receipt stands.
type ReceiptState string

// The states of a receipt.
const (
	ReceiptWaiting ReceiptState = "waiting"
	ReceiptPrinted ReceiptState = "printed"
	ReceiptFailed  ReceiptState = "failed"
)

// Receipt is a receipt (чек) that the provider's cash register was given.
type Receipt struct {
	ID      string
	OrderID string // Order.ID
	Refund  bool
	State   ReceiptState
	Fault   string // of ReceiptFailed
	Total   money.Amount
	Lines   []ReceiptLine
	Created time.Time

	// Of ReceiptPrinted:

	Printed    time.Time
	FN, FD, FP string
	RegNumber  string // РН ККТ
	Shift      int
	Number     int // within the shift
	URL        string
}

// ReceiptLine is a line of it.
type ReceiptLine struct {
	Name     string
	Price    money.Amount
	Quantity string
	Sum      money.Amount
	VAT      string // as the provider has it: a number or a word
	VATName  string // as printed; "": the emulator does not know
}

var receiptTime = time.FixedZone("MSK", 3*60*60)

// QR is the text of the code on a printed receipt.
func (r Receipt) QR() string {
	kind := 1
	if r.Refund {
		kind = 2
	}
	return "t=" + r.Printed.In(receiptTime).Format("20060102T1504") + "&s=" + r.Total.String() + "&fn=" + r.FN + "&i=" + r.FD + "&fp=" + r.FP + "&n=" + strconv.Itoa(kind)
}

//go:embed receipt.html
var receiptSource string

var receiptTemplate = template.Must(template.New("receipt").Parse(receiptSource))

// Write sends the page that the buyer's link to the receipt shows. seller may
// be "".
func (r Receipt) Write(w http.ResponseWriter, seller string) {
	data := struct {
		Receipt
		Title, Seller, Date string
		Image               template.URL
	}{Receipt: r, Title: "Приход", Seller: seller, Date: r.Printed.In(receiptTime).Format("02.01.2006 15:04")}
	if r.Refund {
		data.Title = "Возврат прихода"
	}
	if picture, err := qr.PNG(r.QR()); err == nil && r.FN != "" {
		data.Image = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(picture))
	}
	var b bytes.Buffer
	if err := receiptTemplate.Execute(&b, data); err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(b.Bytes())
}
