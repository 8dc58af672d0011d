package paykeeper

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/money"
)

func TestSubmit(t *testing.T) {
	for _, wrap := range []bool{false, true} {
		f := newFake(t)
		f.wrap = wrap
		c := f.client()
		doc, err := c.Submit(bg(t), sale("R-1"))
		require.NoError(t, err)
		assert.Equal(t, fiscal.DocumentQueued, doc.Status)
		assert.Equal(t, "R-1", doc.ReceiptID)
		assert.False(t, doc.Existed)
		again, err := c.Submit(bg(t), sale("R-1"))
		require.NoError(t, err)
		assert.Equal(t, doc.ID, again.ID)
		assert.True(t, again.Existed)
		// Another process finds it at the service by its key.
		restarted, err := f.client().Submit(bg(t), sale("R-1"))
		require.NoError(t, err)
		assert.Equal(t, doc.ID, restarted.ID)
		assert.True(t, restarted.Existed)
		_, err = c.Submit(bg(t), sale("R-2"))
		require.NoError(t, err)
		assert.Len(t, f.receipts, 2)

		f.receipts[0]["status"] = "success"
		f.receipts[0]["fnd"] = "4521"
		printed, err := c.GetDocument(bg(t), doc.ID)
		require.NoError(t, err)
		assert.Equal(t, fiscal.DocumentPrinted, printed.Status)
		assert.Equal(t, "4521", printed.Fiscal.FD)
		_, err = c.GetDocument(bg(t), "999")
		wantError(t, err, acquiring.ErrNotFound, acquiring.OutcomeRejected)
	}
}

func TestSubmitForPayment(t *testing.T) {
	f := newFake(t)
	r := sale("R-1")
	r.Type = fiscal.SaleReturn
	r.Extra = map[string]string{"payment_id": "4711", "refund_id": "15", "is_post_sale": "true", "my_field": "x"}
	_, err := f.client().Submit(bg(t), r)
	require.NoError(t, err)
	form := f.calls("/change/receipt/print/")[0].form
	assert.Equal(t, []string{"4711", "15", "true", "refund", "x"},
		[]string{form.Get("payment_id"), form.Get("refund_id"), form.Get("is_post_sale"), form.Get("type"), form.Get("my_field")})
	r.ID, r.Extra["payment_id"] = "R-2", "ORD-17"
	_, err = f.client().Submit(bg(t), r)
	wantField(t, err, "PaymentID")
}

// A number given twice does not pass a return off as printed because its sale
// was, nor one sum for another: not in the same process, and not after a restart.
func TestSubmitOtherReceiptUnderTheSameNumber(t *testing.T) {
	for name, change := range map[string]func(*fiscal.Receipt){
		"return":      func(r *fiscal.Receipt) { r.Type = fiscal.SaleReturn },
		"another sum": func(r *fiscal.Receipt) { r.Lines[0].Price++ },
	} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			c := f.client()
			_, err := c.Submit(bg(t), sale("R-1"))
			require.NoError(t, err)
			f.receipts[0]["status"] = "success"
			other := sale("R-1")
			change(&other)
			for _, c := range []*Client{c, f.client()} {
				_, err = c.Submit(bg(t), other)
				assert.Equal(t, "id", wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeRejected).Field)
			}
			assert.Len(t, f.receipts, 1)
			again, err := f.client().Submit(bg(t), sale("R-1"))
			require.NoError(t, err, "the receipt itself is still found")
			assert.True(t, again.Existed)
		})
	}
}

// What the service leaves out of a receipt that is there makes it no other one.
func TestSubmitAgainWhereSumsAreNotListed(t *testing.T) {
	f := newFake(t)
	r := sale("R-1")
	r.Payments = fiscal.Payments{Prepaid: money.RUB(1000, 0), Cashless: money.RUB(499, 90)}
	_, err := f.client().Submit(bg(t), r)
	require.NoError(t, err)
	for _, name := range []string{"sum_advance", "sum_cashless", "type"} {
		delete(f.receipts[0], name)
		again, err := f.client().Submit(bg(t), r)
		require.NoError(t, err, name)
		assert.True(t, again.Existed)
	}
}

// One document, whatever is lost.
func TestSubmitAfterLostAnswer(t *testing.T) {
	for name, ft := range map[string]fault{"lost": lost, "cut": cut, "drop": drop, "502": broken, "page": page, "empty": empty} {
		t.Run(name, func(t *testing.T) {
			f := newFake(t)
			c := f.client()
			f.fail("/change/receipt/print/", ft)
			doc, err := c.Submit(bg(t), sale("R-1"))
			if ft == lost || ft == cut {
				require.NoError(t, err)
				assert.True(t, doc.Existed)
			} else {
				e := wantError(t, err, errKind(err), acquiring.OutcomeUnknown)
				assert.NotEmpty(t, e.Hint)
				doc, err = c.Submit(bg(t), sale("R-1"))
				require.NoError(t, err)
			}
			assert.Len(t, f.receipts, 1)
			assert.Equal(t, f.receipts[0]["id"], doc.ID)
		})
	}
}

// A service that lists receipts without their keys: after a lost answer the
// client says so and prints nothing twice.
func TestSubmitWhereKeysAreNotListed(t *testing.T) {
	f := newFake(t)
	f.keyless = true
	c := f.client()
	_, err := c.Submit(bg(t), sale("R-0"))
	require.NoError(t, err)
	f.fail("/change/receipt/print/", lost)
	_, err = c.Submit(bg(t), sale("R-1"))
	wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	_, err = c.Submit(bg(t), sale("R-1"))
	e := wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeUnknown)
	assert.Contains(t, e.Hint, "cabinet")
	assert.Len(t, f.receipts, 2)
	// One that was refused is another thing: it may be sent again.
	f.answers["/change/receipt/print/"] = `{"result":"fail","msg":"Касса выключена"}`
	_, err = c.Submit(bg(t), sale("R-2"))
	e = wantError(t, err, acquiring.ErrInvalid, acquiring.OutcomeRejected)
	assert.Equal(t, "Касса выключена", e.Message)
	delete(f.answers, "/change/receipt/print/")
	_, err = c.Submit(bg(t), sale("R-2"))
	require.NoError(t, err)
}

// What cannot be found out is not printed.
func TestSubmitCannotLook(t *testing.T) {
	f := newFake(t)
	f.fail("/info/receipts/bydate/", page)
	_, err := f.client().Submit(bg(t), sale("R-1"))
	wantError(t, err, acquiring.ErrProtocol, acquiring.OutcomeNotSent)
	assert.Empty(t, f.receipts)
}

func TestSubmitWithStore(t *testing.T) {
	f := newFake(t)
	f.keyless = true
	store := NewMemoryStore(0)
	now := today
	client := func() *Client {
		return f.client(func(c *Config) { c.Store, c.Now = store, func() time.Time { return now } })
	}
	doc, err := client().Submit(bg(t), sale("R-1"))
	require.NoError(t, err)
	assert.Empty(t, f.calls("/info/receipts/bydate/"), "a store that lasts knows that it was never sent")
	again, err := client().Submit(bg(t), sale("R-1"))
	require.NoError(t, err)
	assert.Equal(t, doc.ID, again.ID)
	assert.Equal(t, "R-1", again.ReceiptID)
	// It is there, though it cannot be read just now.
	f.fail("/info/receipts/byid/", broken, broken, broken)
	again, err = client().Submit(bg(t), sale("R-1"))
	require.NoError(t, err)
	assert.Equal(t, doc.ID, again.ID)
	assert.Equal(t, fiscal.DocumentQueued, again.Status)
	// Another process at work.
	f.fail("/change/receipt/print/", drop)
	_, err = client().Submit(bg(t), sale("R-2"))
	wantError(t, err, acquiring.ErrUnavailable, acquiring.OutcomeUnknown)
	_, err = client().Submit(bg(t), sale("R-2"))
	wantError(t, err, acquiring.ErrConflict, acquiring.OutcomeUnknown)
	assert.Len(t, f.receipts, 1)
}

func TestConcurrentSubmitPrintsOne(t *testing.T) {
	f := newFake(t)
	c := f.client()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := c.Submit(bg(t), sale("R-1"))
			assert.NoError(t, err)
		})
	}
	wg.Wait()
	assert.Len(t, f.receipts, 1)
}

func TestDocumentStatuses(t *testing.T) {
	c := offline(t)
	for word, want := range map[ReceiptStatus]fiscal.DocumentStatus{"created": fiscal.DocumentQueued, "success": fiscal.DocumentPrinted,
		"fail": fiscal.DocumentFailed, "failed": fiscal.DocumentFailed, "error": fiscal.DocumentFailed, "waiting": fiscal.DocumentUnknown, "": fiscal.DocumentUnknown} {
		doc := c.document(&ReceiptInfo{ID: "1", Status: word})
		assert.Equal(t, want, doc.Status, word)
		if want == fiscal.DocumentFailed {
			assert.Equal(t, string(word), doc.Failure.Code, "the service's own word")
			assert.NotEmpty(t, doc.Failure.Message)
		} else {
			assert.Nil(t, doc.Failure)
		}
	}
}

func TestReceiptCallback(t *testing.T) {
	f := newFake(t)
	c := f.client()
	doc, err := c.Submit(bg(t), sale("R-1"))
	require.NoError(t, err)
	f.receipts[0]["status"] = "success"
	post := func(contentType, body string) *http.Request {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", contentType)
		return r
	}
	for _, r := range []*http.Request{
		post("application/x-www-form-urlencoded", "receipt_id="+doc.ID+"&status=failed"),
		post("application/x-www-form-urlencoded", "id="+doc.ID),
		post("application/json", `{"receipt_id":`+doc.ID+`,"status":"failed"}`),
		post("", `{"id":"`+doc.ID+`"}`),
	} {
		got, err := c.VerifyCallback(bg(t), r)
		require.NoError(t, err)
		assert.Equal(t, fiscal.DocumentPrinted, got.Status, "what it says is not believed: the receipt is read back")
		assert.Equal(t, doc.ID, got.ID)
	}
	for _, r := range []*http.Request{
		httptest.NewRequest("GET", "/?id="+doc.ID, nil),
		post("", ""), post("application/json", "x"), post("", "{"), post("", "id=x"), post("", "id=1&id=2"), post("", "id=999"),
		post("", strings.Repeat("x", 1<<20)),
	} {
		_, err := c.VerifyCallback(bg(t), r)
		require.ErrorIs(t, err, acquiring.ErrSignature)
	}
}
