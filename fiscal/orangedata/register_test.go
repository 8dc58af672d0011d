package orangedata_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jarcoal/httpmock"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/orangedata"
	"github.com/acquiring-go/acquiring/money"
)

var (
	created  = answer{status: 201}
	conflict = answer{status: 409}
	queued   = answer{status: 202}
)

func printed(t testing.TB) answer {
	return answer{status: 200, body: string(file(t, "status_200.json"))}
}

// echoing is the answer about a printed document that was sent so.
func echoing(t testing.TB, sent []byte) answer {
	t.Helper()
	var request, status map[string]json.RawMessage
	require.NoError(t, json.Unmarshal(sent, &request))
	require.NoError(t, json.Unmarshal(file(t, "status_200.json"), &status))
	status["content"] = request["content"]
	body, err := json.Marshal(status)
	require.NoError(t, err)
	return answer{status: 200, body: string(body)}
}

func TestSubmit(t *testing.T) {
	s := newService(t, created, queued, printed(t))
	c := s.client()
	doc, err := c.Submit(t.Context(), tea())
	require.NoError(t, err)
	assert.Equal(t, &fiscal.Document{ID: "shop-1001-sale", ReceiptID: "shop-1001-sale", Status: fiscal.DocumentQueued}, doc)

	doc, err = c.GetDocument(t.Context(), doc.ID)
	require.NoError(t, err)
	assert.Equal(t, fiscal.DocumentQueued, doc.Status)

	doc, err = c.GetDocument(t.Context(), doc.ID)
	require.NoError(t, err)
	assert.Equal(t, fiscal.DocumentPrinted, doc.Status)
	assert.False(t, doc.Existed)
	assert.JSONEq(t, string(file(t, "status_200.json")), string(doc.Raw))
	want := &fiscal.FiscalData{FN: "9999078900004242", FD: "731", FP: "2718281828", Shift: 12, Number: 5, RegNumber: "0001234567012345", FactoryNumber: "0000000000004242",
		Total: 29980, Type: fiscal.Sale, OFDName: `ООО "Пример ОФД"`, OFDINN: "7801234564", OFDSite: "www.ofd.example", FNSSite: "www.nalog.ru"}
	assert.Equal(t, time.Date(2026, 11, 21, 11, 3, 0, 0, time.UTC), doc.Fiscal.Time.UTC())
	want.Time = doc.Fiscal.Time
	assert.Equal(t, want, doc.Fiscal)
}

// The buyer's link is there in production, and where the Config says so.
func TestReceiptURL(t *testing.T) {
	s := newService(t, printed(t))
	c := s.client(func(c *orangedata.Config) { c.ReceiptURL = orangedata.ReceiptPages + "/" })
	doc, err := c.GetDocument(t.Context(), "shop-1001-sale")
	require.NoError(t, err)
	assert.Equal(t, "https://cheques-lk.orangedata.ru/7801234564/shop-1001-sale", doc.Fiscal.URL)
}

// Corrections have addresses of their own; their Document.ID remembers which.
func TestSubmitCorrections(t *testing.T) {
	s := newService(t, created, answer{status: 200, body: string(file(t, "status_correction.json"))}, created, queued)
	c := s.client(func(c *orangedata.Config) { c.GroupByFFD = map[fiscal.FFD]string{fiscal.FFD105: "Main"} })
	r := tea()
	r.ID, r.FFD, r.Correction = "corr-2026-7", fiscal.FFD105, &fiscal.Correction{Date: day(2026, 11, 20)}
	doc, err := c.Submit(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, "corrections/corr-2026-7", doc.ID)
	assert.Equal(t, "corr-2026-7", doc.ReceiptID)
	doc, err = c.GetDocument(t.Context(), doc.ID)
	require.NoError(t, err)
	assert.Equal(t, "corrections/corr-2026-7", doc.ID)
	assert.Equal(t, money.Amount(129900), doc.Fiscal.Total)
	assert.Equal(t, fiscal.Sale, doc.Fiscal.Type)

	r.FFD = fiscal.FFD12
	doc, err = c.Submit(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, "correction12/corr-2026-7", doc.ID)
	_, err = c.GetDocument(t.Context(), doc.ID)
	require.NoError(t, err)
	var paths []string
	for _, r := range s.requests() {
		paths = append(paths, r.Path)
	}
	assert.Equal(t, []string{"/api/v2/corrections/", "/api/v2/corrections/7801234564/status/corr-2026-7", "/api/v2/correction12/", "/api/v2/correction12/7801234564/status/corr-2026-7"}, paths)
}

// 409 is a success: the first document comes back, as far as it is by now.
func TestSubmitTwice(t *testing.T) {
	for name, c := range map[string]struct {
		answer answer
		status fiscal.DocumentStatus
	}{
		"queued": {queued, fiscal.DocumentQueued}, "printed": {printed(t), fiscal.DocumentPrinted},
		"expired": {answer{status: 524}, fiscal.DocumentFailed}, "mark refused": {answer{status: 422, body: string(file(t, "status_422.json"))}, fiscal.DocumentFailed},
	} {
		s := newService(t, conflict, c.answer)
		doc, err := s.client().Submit(t.Context(), tea())
		require.NoError(t, err, name)
		assert.Equal(t, c.status, doc.Status, name)
		assert.True(t, doc.Existed, name)
		assert.Equal(t, "shop-1001-sale", doc.ID)
		if c.status == fiscal.DocumentFailed {
			assert.Contains(t, doc.Failure.Message, "new ID", name)
			assert.False(t, doc.Failure.Retryable, "%s: under this ID nothing is ever printed, so nobody is to wait for it", name)
		}
	}
}

// An ID that holds another receipt is not taken for success: somebody's
// receipt would never be printed.
func TestSubmitAnotherUnderTheSameID(t *testing.T) {
	for what, change := range map[string]func(*fiscal.Receipt){
		"type":                  func(r *fiscal.Receipt) { r.Type = fiscal.SaleReturn },
		"total":                 func(r *fiscal.Receipt) { r.Lines[0].Price++ },
		"number of lines":       func(r *fiscal.Receipt) { r.Lines = append(r.Lines, r.Lines[0]) },
		"line 0":                func(r *fiscal.Receipt) { r.Lines[0].Price, r.Lines[0].Quantity = 29980, fiscal.Pieces(1) },
		"rate of VAT":           func(r *fiscal.Receipt) { r.Lines[0].VAT = fiscal.VAT20 },
		"rate of VAT in line 0": func(r *fiscal.Receipt) { r.Lines[0].VAT = fiscal.VAT10 },
		"way of payment":        func(r *fiscal.Receipt) { r.Payments.Prepaid = r.Total() },
	} {
		s := newService(t, conflict, printed(t))
		r := tea()
		change(&r)
		_, err := s.client().Submit(t.Context(), r)
		require.ErrorIs(t, err, acquiring.ErrDuplicate, what)
		assert.ErrorContains(t, err, "its "+what+" is not the same")
	}
	// The receipt of the hand-over is not printed because the advance was, where
	// no VAT tells the two apart.
	order := tea()
	order.Lines[0].VAT = fiscal.VATNone
	advance, err := fiscal.Prepay(order, order.ID, order.Total())
	require.NoError(t, err)
	kind, body, err := offline(t).Convert(order)
	require.NoError(t, err)
	require.Equal(t, orangedata.KindDocument, kind)
	s := newService(t, conflict, echoing(t, body))
	_, err = s.client().Submit(t.Context(), advance)
	require.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.ErrorContains(t, err, "its payment method in line 0 is not the same")
	// What Extra says was sent too, so its echo makes no other receipt.
	forced := tea()
	forced.Lines[0].VAT, forced.Extra = fiscal.RawVAT("1"), map[string]string{"useTax20": "true"}
	_, body, err = offline(t).Convert(forced)
	require.NoError(t, err)
	s = newService(t, conflict, echoing(t, body))
	doc, err := s.client().Submit(t.Context(), forced)
	require.NoError(t, err)
	assert.True(t, doc.Existed)

	// Of a correction of FFD 1.05 the totals are compared.
	for _, change := range []func(*fiscal.Receipt){func(r *fiscal.Receipt) { r.Lines[0].Price++ }, func(r *fiscal.Receipt) { r.Type = fiscal.Purchase }, nil} {
		s := newService(t, conflict, answer{status: 200, body: string(file(t, "status_correction.json"))})
		r := tea()
		r.ID, r.Lines[0].Price, r.Lines[0].Quantity, r.Correction = "corr-2026-7", 129900, fiscal.Pieces(1), &fiscal.Correction{Date: day(2026, 11, 20)}
		if change != nil {
			change(&r)
		}
		doc, err := s.client(func(c *orangedata.Config) { c.FFD = fiscal.FFD105 }).Submit(t.Context(), r)
		if change == nil {
			require.NoError(t, err)
			assert.True(t, doc.Existed)
		} else {
			require.ErrorIs(t, err, acquiring.ErrDuplicate)
		}
	}
	// An echo that says nothing is believed.
	s = newService(t, conflict, answer{status: 200, body: `{"id":"shop-1001-sale","fsNumber":"9999","documentNumber":1,"fp":"1"}`})
	doc, err = s.client().Submit(t.Context(), tea())
	require.NoError(t, err)
	assert.Equal(t, fiscal.DocumentPrinted, doc.Status)
}

// An ID that is taken and not found is of another kind of document, or was used
// up by a refused one.
func TestSubmitBurntID(t *testing.T) {
	s := newService(t, conflict, answer{status: 400, body: `{"errors":["Документ не найден"]}`}, conflict, answer{status: 401})
	c := s.client()
	_, err := c.Submit(t.Context(), tea())
	require.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.ErrorContains(t, err, "under a new ID")
	_, err = c.Submit(t.Context(), tea())
	require.ErrorIs(t, err, orangedata.ErrCertificate)
}

// The ID is taken, and how its document stands cannot be read just now: nobody
// may take that for a receipt that was refused, or never sent, and print it
// under another ID.
func TestSubmitTakenAndUnreadable(t *testing.T) {
	for name, look := range map[string]answer{
		"certificate": {status: 401}, "another method": {status: 405}, "a fault": {status: 500}, "another document": {status: 200, body: `{"id":"x","fsNumber":"9999","documentNumber":1,"fp":"1"}`},
	} {
		s := newService(t, conflict, look)
		doc, err := s.client().Submit(t.Context(), tea())
		require.Error(t, err, name)
		assert.Nil(t, doc)
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), name)
		assert.ErrorContains(t, err, "under the same ID", name)
	}
	down := roundTrip(func(r *http.Request) (*http.Response, error) {
		if r.Method == http.MethodGet {
			return nil, &net.OpError{Op: "dial", Err: errors.New("connection refused")}
		}
		return (&stub{status: http.StatusConflict}).RoundTrip(r)
	})
	c := offline(t, func(c *orangedata.Config) { c.HTTPClient, c.Retries = &http.Client{Transport: down}, -1 })
	_, err := c.Submit(t.Context(), tea())
	require.ErrorIs(t, err, acquiring.ErrUnavailable)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// The answer to the first POST is lost; the second meets 409: a success in
// disguise, and the bytes of both are the same.
func TestSubmitLostAnswer(t *testing.T) {
	s := newService(t, answer{cut: true}, conflict, queued)
	c := s.client(func(c *orangedata.Config) { c.Retries = 2 })
	doc, err := c.Submit(t.Context(), tea())
	require.NoError(t, err)
	assert.True(t, doc.Existed)
	got := s.requests()
	assert.Equal(t, got[0], got[1])
}

// After a lost answer a refusal is of the second POST alone: the first may have
// been accepted, and then the document is found.
func TestSubmitRefusedAfterALostAnswer(t *testing.T) {
	full := answer{status: 503, body: `{"errors":["Очередь переполнена"]}`, header: map[string]string{"Retry-After": "0"}}
	invalid := answer{status: 400, body: `{"errors":["Плохо"]}`}
	for _, second := range []answer{full, invalid, {status: 401}, {status: 400, body: "<html>400 The SSL certificate error"}, {status: 429}} {
		s := newService(t, answer{cut: true}, second, queued)
		c := s.client(func(c *orangedata.Config) { c.Retries = 1 })
		doc, err := c.Submit(t.Context(), tea())
		require.NoError(t, err, second.status)
		assert.True(t, doc.Existed)
		assert.Equal(t, fiscal.DocumentQueued, doc.Status)

		s = newService(t, answer{cut: true}, second)
		s.lasting = &answer{status: 400} // nothing is there yet
		_, err = s.client(func(c *orangedata.Config) { c.Retries = 1 }).Submit(t.Context(), tea())
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err), second.status)
		assert.ErrorContains(t, err, "under the same ID", second.status)
		assert.NotContains(t, err.Error(), "under a new ID")
	}
}

// A 409 after a lost answer is the first POST's own document. That it cannot be
// seen yet is no reason to print the receipt under another ID.
func TestSubmitTakenByALostPost(t *testing.T) {
	s := newService(t, answer{cut: true}, conflict, answer{status: 400, body: `{"errors":["Документ не найден"]}`})
	_, err := s.client(func(c *orangedata.Config) { c.Retries = 1 }).Submit(t.Context(), tea())
	require.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
	assert.ErrorContains(t, err, "under the same ID")
	assert.NotContains(t, err.Error(), "under a new ID")
}

// When the service stays silent the document is looked for: found, it is
// returned; not found, the outcome is unknown and the hint says how to go on.
func TestSubmitUnknownOutcome(t *testing.T) {
	s := newService(t, answer{cut: true}, printed(t))
	doc, err := s.client().Submit(t.Context(), tea())
	require.NoError(t, err)
	assert.Equal(t, fiscal.DocumentPrinted, doc.Status)

	for _, first := range []answer{{cut: true}, {status: 500, body: "oops"}, {status: 503, body: "<html>nginx"}, {status: 200, body: "<html>maintenance"}, {status: 200}, {status: 201, body: "<html>"}, {status: 204}} {
		s = newService(t, first, answer{status: 400})
		_, err = s.client().Submit(t.Context(), tea())
		want := acquiring.ErrUnavailable
		if first.status/100 == 2 {
			want = acquiring.ErrProtocol
		}
		require.ErrorIs(t, err, want)
		assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))
		assert.ErrorContains(t, err, "under the same ID")
	}

	// Another receipt is found under the ID: that is told, not the silence.
	s = newService(t, answer{cut: true}, printed(t))
	other := tea()
	other.Lines[0].Price++
	_, err = s.client().Submit(t.Context(), other)
	require.ErrorIs(t, err, acquiring.ErrDuplicate)

	// A context that ended is not used to ask on.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s = newService(t)
	_, err = s.client().Submit(ctx, tea())
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, s.requests())
}

// Nothing that is wrong leaves the house.
func TestSubmitInvalid(t *testing.T) {
	s := newService(t)
	r := tea()
	r.Lines[0].VAT = ""
	_, err := s.client().Submit(t.Context(), r)
	require.ErrorIs(t, err, acquiring.ErrInvalid)
	assert.Equal(t, acquiring.OutcomeNotSent, acquiring.OutcomeOf(err))
	assert.ErrorContains(t, err, "orangedata: Submit: items[0].vat")
	assert.Empty(t, s.requests())
}

// Each refusal is a typed error that says what to do.
func TestRefusals(t *testing.T) {
	page := map[string]string{"Content-Type": "text/html"}
	for _, c := range []struct {
		name    string
		answer  answer
		kind    error
		reason  error
		outcome acquiring.Outcome
		says    []string
	}{
		{"wrong certificate, TLS front", answer{status: 400, body: "<html><head><title>400 The SSL certificate error</title></head><body></body></html>", header: page},
			acquiring.ErrUnauthorized, orangedata.ErrCertificate, acquiring.OutcomeRejected, []string{"400 The SSL certificate error", "Config.Certificate"}},
		{"a page without a type", answer{status: 400, body: "\n<html>400 No required SSL certificate was sent"}, acquiring.ErrUnauthorized, orangedata.ErrCertificate, acquiring.OutcomeRejected, []string{"No required SSL certificate"}},
		{"wrong certificate, API", answer{status: 401}, acquiring.ErrUnauthorized, orangedata.ErrCertificate, acquiring.OutcomeRejected, []string{"Config.CertificateKey"}},
		{"wrong key", answer{status: 400, body: `{"errors":["Подпись не прошла проверку"]}`}, acquiring.ErrUnauthorized, orangedata.ErrRequestKey, acquiring.OutcomeRejected, []string{"Подпись не прошла проверку", "Config.KeyName"}},
		{"group of 1.05", answer{status: 400, body: `{"errors":["Группа не поддерживает ФФД 1.2"]}`}, acquiring.ErrInvalid, orangedata.ErrGroupFFD, acquiring.OutcomeRejected, []string{"Config.FFD", "_2"}},
		{"validation", answer{status: 400, body: `{"errors":["Не указан идентификатор документа 'Id'","Не указан ИНН организации 'INN'"]}`}, acquiring.ErrInvalid, nil, acquiring.OutcomeRejected,
			[]string{"Не указан идентификатор документа 'Id'; Не указан ИНН организации 'INN'", "under a new ID"}},
		{"a list of words", answer{status: 400, body: `["Плохо"]`}, acquiring.ErrInvalid, nil, acquiring.OutcomeRejected, []string{"Плохо"}},
		{"no words", answer{status: 400}, acquiring.ErrInvalid, nil, acquiring.OutcomeRejected, nil},
		{"queue full", answer{status: 503, body: `{"errors":["Очередь переполнена"]}`, header: map[string]string{"Retry-After": "90"}}, acquiring.ErrRateLimited, orangedata.ErrQueueFull, acquiring.OutcomeRejected,
			[]string{"Очередь переполнена", "under the same ID, after RetryAfter"}},
		{"too large", answer{status: 413}, acquiring.ErrInvalid, nil, acquiring.OutcomeRejected, nil},
		{"too many", answer{status: 429}, acquiring.ErrRateLimited, nil, acquiring.OutcomeRejected, nil},
		{"redirect", answer{status: 302, header: map[string]string{"Location": "/x"}}, acquiring.ErrProtocol, nil, acquiring.OutcomeUnknown, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, c.answer)
			s.lasting = &answer{status: 400} // nothing is there
			_, err := s.client().Submit(t.Context(), tea())
			var e *acquiring.Error
			require.ErrorAs(t, err, &e)
			assert.ErrorIs(t, err, c.kind)
			if c.reason != nil {
				assert.ErrorIs(t, err, c.reason)
			}
			assert.Equal(t, c.outcome, e.Outcome)
			assert.Equal(t, c.answer.status, e.HTTPStatus)
			assert.Equal(t, "orangedata", e.Provider)
			for _, s := range c.says {
				assert.ErrorContains(t, err, s)
			}
			if c.reason == orangedata.ErrQueueFull {
				assert.Equal(t, 90*time.Second, e.RetryAfter)
				assert.True(t, acquiring.Temporary(err))
			}
		})
	}
}

// 503 with a short Retry-After is waited for, and the same bytes are sent.
func TestQueueFullThenAccepted(t *testing.T) {
	s := newService(t, answer{status: 503, header: map[string]string{"Retry-After": "1"}}, created)
	start := time.Now()
	doc, err := s.client(func(c *orangedata.Config) { c.Retries = 1 }).Submit(t.Context(), tea())
	require.NoError(t, err)
	assert.Equal(t, fiscal.DocumentQueued, doc.Status)
	assert.GreaterOrEqual(t, time.Since(start), time.Second)
	got := s.requests()
	require.Len(t, got, 2)
	assert.Equal(t, got[0], got[1])
}

func TestGetDocumentNotFound(t *testing.T) {
	s := newService(t, answer{status: 400}, answer{status: 400, body: `{"errors":["Организация не найдена"]}`}, answer{status: 404}, answer{status: 400, body: "<html>400 The SSL certificate error"})
	c := s.client()
	for range 3 {
		_, err := c.GetDocument(t.Context(), "nothing")
		require.ErrorIs(t, err, acquiring.ErrNotFound)
	}
	_, err := c.GetDocument(t.Context(), "nothing")
	require.ErrorIs(t, err, orangedata.ErrCertificate)
	_, err = c.GetDocument(t.Context(), "itemcode/x")
	require.ErrorIs(t, err, acquiring.ErrInvalid)
}

// A single odd answer over a stub: what the transport itself says stays in the
// chain.
func TestNoConnection(t *testing.T) {
	mock := httpmock.NewMockTransport()
	broken := errors.New("cable cut")
	mock.RegisterNoResponder(httpmock.NewErrorResponder(broken))
	c := offline(t, func(c *orangedata.Config) { c.HTTPClient, c.Retries = &http.Client{Transport: mock}, -1 })
	_, err := c.Submit(t.Context(), tea())
	require.ErrorIs(t, err, broken)
	assert.Equal(t, acquiring.OutcomeUnknown, acquiring.OutcomeOf(err))

	_, err = offline(t, func(c *orangedata.Config) { c.Retries = -1 }).Submit(t.Context(), tea())
	require.ErrorIs(t, err, acquiring.ErrUnavailable)
	assert.Equal(t, acquiring.OutcomeNotSent, acquiring.OutcomeOf(err))
}

// A Signer that fails fails the call before anything is sent.
func TestSignerFails(t *testing.T) {
	s := newService(t)
	conf := s.config()
	conf.PrivateKey, conf.Signer = nil, brokenSigner{hsm{mustKey(t)}}
	c := newClient(t, conf)
	_, err := c.Submit(t.Context(), tea())
	require.ErrorContains(t, err, "token removed")
	assert.Equal(t, acquiring.OutcomeNotSent, acquiring.OutcomeOf(err))
	assert.Empty(t, s.requests())
}

// The same lines of errors in no case hold the key.
func TestErrorsHoldNoSecret(t *testing.T) {
	s := newService(t, answer{status: 400, body: `{"errors":["sesame-sesame api-key-api-key"]}`})
	_, err := s.client(func(c *orangedata.Config) {
		c.CallbackSecret, c.CallbackAPIKey, c.CallbackURL = "sesame-sesame", "api-key-api-key", "https://shop.example/cb"
	}).Submit(t.Context(), tea())
	require.Error(t, err)
	assert.NotContains(t, err.Error(), "sesame")
	assert.NotContains(t, err.Error(), "api-key")
	assert.True(t, strings.Contains(err.Error(), "[hidden]"))
}
