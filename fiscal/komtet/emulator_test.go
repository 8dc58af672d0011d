package komtet_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/fiscal"
	"github.com/acquiring-go/acquiring/fiscal/komtet"
	"github.com/acquiring-go/acquiring/fiscal/komtet/komtettest"
	"github.com/acquiring-go/acquiring/money"
)

// emulated is a client of an emulator whose clock stands still.
func emulated(t *testing.T, change func(*komtet.Config), options ...komtettest.Option) (*komtet.Client, *komtettest.Server) {
	t.Helper()
	srv := komtettest.NewServer(append([]komtettest.Option{komtettest.WithClock(komtettest.NewClock(time.Now()))}, options...)...)
	t.Cleanup(srv.Close)
	cfg := srv.Config()
	cfg.TaxSystem, cfg.Place = fiscal.TaxGeneral, "https://lavka.example"
	if change != nil {
		change(&cfg)
	}
	c, err := komtet.New(cfg)
	require.NoError(t, err)
	return c, srv
}

func TestEmulatedBatch(t *testing.T) {
	c, srv := emulated(t, nil)
	one, two, three := receipt(), receipt(), receipt()
	two.ID, three.ID, three.FFD = "T-1002", "T-1003", fiscal.FFD105
	_, err := c.Submit(t.Context(), two)
	require.NoError(t, err)
	docs, err := c.SubmitAll(t.Context(), []fiscal.Receipt{one, two, three})
	require.NoError(t, err)
	assert.Equal(t, [3]bool{false, true, false}, [3]bool{docs[0].Existed, docs[1].Existed, docs[2].Existed})
	assert.Len(t, srv.Tasks(), 3)
	for i, d := range docs {
		require.NoError(t, srv.Print(d.ID))
		d, err := c.GetDocument(t.Context(), d.ID)
		require.NoError(t, err)
		assert.Equal(t, money.RUB(1499, 90), d.Fiscal.Total, i)
	}
}

// Every settlement, correction and attribute that the model has passes the
// emulator's own checks, or is refused by ours.
func TestEmulatedEverything(t *testing.T) {
	c, srv := emulated(t, nil)
	n := 0
	submit := func(r fiscal.Receipt) {
		t.Helper()
		n++
		r.ID = "E-" + time.Duration(n).String()
		if r.Validate() != nil {
			return
		}
		d, err := c.Submit(t.Context(), r)
		if err != nil {
			assert.ErrorIs(t, err, acquiring.ErrUnsupported)
			return
		}
		require.NoError(t, srv.Print(d.ID))
		d, err = c.GetDocument(t.Context(), d.ID)
		require.NoError(t, err)
		assert.Equal(t, r.Total(), d.Fiscal.Total)
		assert.Equal(t, r.Type, d.Fiscal.Type)
	}
	for _, ffd := range []fiscal.FFD{fiscal.FFD105, fiscal.FFD12} {
		base := receipt()
		base.FFD = ffd
		for s := fiscal.Sale; s <= fiscal.PurchaseReturn; s++ {
			r := base
			r.Type = s
			submit(r)
			r.Correction = &fiscal.Correction{Kind: fiscal.CorrectionOwn, Date: time.Now().AddDate(0, 0, -2)}
			submit(r)
			r.Correction = &fiscal.Correction{Kind: fiscal.CorrectionByOrder, Date: time.Now().AddDate(0, 0, -2), Number: "K11", FiscalSign: "2718281828"}
			submit(r)
		}
		with := func(change func(*fiscal.Line)) {
			t.Helper()
			r := base
			r.Lines = append([]fiscal.Line(nil), base.Lines...)
			change(&r.Lines[0])
			submit(r)
		}
		for _, v := range fiscal.VATs() {
			with(func(l *fiscal.Line) {
				l.VAT = v
				if v.IsCalculated() {
					l.Method = fiscal.FullPrepayment
				}
			})
		}
		for m := fiscal.FullPrepayment; m <= fiscal.CreditPayment; m++ {
			with(func(l *fiscal.Line) { l.Method = m })
		}
		for s := range fiscal.Subject(40) {
			with(func(l *fiscal.Line) { l.Subject = s })
		}
		for u := range 256 {
			with(func(l *fiscal.Line) { l.Unit = fiscal.Unit(u); l.UnitName = fiscal.Unit(u).Name() })
		}
		for a := fiscal.AgentType(1); a != 0; a <<= 1 {
			phones := []string{"+79998887766"}
			with(func(l *fiscal.Line) {
				l.Agent = &fiscal.Agent{Type: a, Operation: "Перевод", Phones: phones, ReceiverPhones: phones, TransferPhones: phones, TransferName: "Оператор",
					TransferAddress: "Москва", TransferINN: "7707083893"}
				l.Supplier = &fiscal.Supplier{Name: "Поставщик", INN: "7707083893", Phones: phones}
			})
		}
		for _, status := range []fiscal.PlannedStatus{0, fiscal.PieceSold, fiscal.PieceSelling, fiscal.StatusKept} {
			with(func(l *fiscal.Line) {
				l.Mark, l.Subject, l.PlannedStatus = &fiscal.Mark{Code: "0104601234567893215Ab\"cD7\x1d93x1y2"}, fiscal.GoodsCoded, status
				if ffd == fiscal.FFD105 {
					l.Subject = fiscal.Goods
				}
			})
		}
	}
	assert.Greater(t, len(srv.Tasks()), 150)
}

func TestEmulatedQueueIsOff(t *testing.T) {
	c, srv := emulated(t, nil)
	require.NoError(t, c.Check(t.Context()))
	srv.SetQueue(komtettest.DefaultQueueID, false)
	assert.ErrorIs(t, c.Check(t.Context()), acquiring.ErrUnavailable)
	d, err := c.Submit(t.Context(), receipt())
	require.NoError(t, err, "it waits in the queue")
	assert.Equal(t, fiscal.DocumentQueued, d.Status)
	c, _ = emulated(t, func(cfg *komtet.Config) { cfg.QueueID = 5 })
	_, err = c.Submit(t.Context(), receipt())
	assert.ErrorIs(t, err, acquiring.ErrNotFound)
}

func TestEmulatedDuplicateWithoutTask(t *testing.T) {
	c, _ := emulated(t, nil, komtettest.WithoutExistingTask())
	_, err := c.Submit(t.Context(), receipt())
	require.NoError(t, err)
	_, err = c.Submit(t.Context(), receipt())
	assert.ErrorIs(t, err, acquiring.ErrDuplicate)
}

func TestEmulatedOrderAndEmployee(t *testing.T) {
	const public = "https://pay.lavka.example/hooks/komtet"
	var client *komtet.Client
	var news []*fiscal.Document
	c, srv := emulated(t, func(cfg *komtet.Config) { cfg.CallbackURL = public }, komtettest.WithCallbackHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, err := client.VerifyCallback(r.Context(), r)
		if assert.NoError(t, err) {
			news = append(news, d)
		}
		w.WriteHeader(komtet.CallbackStatus(err))
	})))
	client = c

	e, err := c.CreateEmployee(t.Context(), komtet.EmployeeRequest{Type: komtet.EmployeeCourier, Name: "Петров", Login: "petrov", Password: "s3cret", PosID: "POS-1"})
	require.NoError(t, err)
	_, err = c.ReplaceEmployee(t.Context(), int64(e.ID), komtet.EmployeeRequest{Type: komtet.EmployeeCourier, Name: "Петров И.", Login: "petrov", Password: "s3cret", PosID: "POS-1", Manager: new(true)})
	require.NoError(t, err)
	e, err = c.Employee(t.Context(), int64(e.ID))
	require.NoError(t, err)
	assert.Equal(t, komtet.Text("Петров И."), e.Name)
	assert.True(t, e.Manager)

	at := time.Now().Truncate(time.Minute)
	v2 := &komtet.OrderV2{ExternalID: komtet.TextID("D-55"), DateStart: komtet.TimeV2(at), DateEnd: komtet.TimeV2(at.Add(time.Hour)),
		Client: komtet.OrderClient{Address: "Пенза", Phone: "+79990001122"}, Company: &komtet.Company{TaxSystem: 1, Place: "https://lavka.example"},
		Items:     []komtet.OrderItemV2{{ID: komtet.NumberID(1), ExternalID: komtet.NumberID(1), Name: "Торт", Price: 90000, Quantity: 1000000, Total: 90000, VAT: "no", Type: "product"}},
		CourierID: int64(e.ID), CallbackURL: public}
	o, err := c.CreateOrder(t.Context(), v2)
	require.NoError(t, err)
	assert.Equal(t, "D-55", o.ExternalID.String())
	v1 := &komtet.OrderV1{OrderID: komtet.TextID("D-56"), TaxSystem: 1, Address: "Пенза", Phone: "+79990001122", DateStart: komtet.TimeV1(at), DateEnd: komtet.TimeV1(at),
		Items: []komtet.OrderItemV1{{OrderItemID: komtet.NumberID(1), Name: "Торт", Price: 90000, Quantity: 1000000, Total: 90000, VAT: "no"}}}
	for range 11 { // more than a page
		_, err = c.CreateOrder(t.Context(), v1)
		if err != nil {
			break // the number may be unique
		}
	}
	v2.Description = "позвонить"
	o, err = c.ReplaceOrder(t.Context(), int64(o.ID), v2)
	require.NoError(t, err)
	assert.Equal(t, komtet.Text("позвонить"), o.Description)
	var ids []komtet.Int
	for o, err := range c.Orders(t.Context(), komtet.OrderFilter{PageSize: 1, CourierID: int64(e.ID)}) {
		require.NoError(t, err)
		ids = append(ids, o.ID)
	}
	assert.Equal(t, []komtet.Int{o.ID}, ids)

	require.NoError(t, srv.Fulfil(int(o.ID)))
	srv.Deliver()
	o, err = c.Order(t.Context(), int64(o.ID))
	require.NoError(t, err)
	assert.Equal(t, "done", o.State)
	assert.Positive(t, o.TaskID)
	require.NotEmpty(t, news)
	assert.Equal(t, "D-55", news[0].ReceiptID)
	assert.Equal(t, fiscal.DocumentPrinted, news[0].Status)

	require.NoError(t, c.DeleteEmployee(t.Context(), int64(e.ID)))
	_, err = c.Employee(t.Context(), int64(e.ID))
	assert.ErrorIs(t, err, acquiring.ErrNotFound)
}

// A forged notification never gets through, a repeated one does, the same.
func TestEmulatedCallbacks(t *testing.T) {
	var client *komtet.Client
	codes := map[int]int{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, err := client.VerifyCallback(r.Context(), r)
		codes[komtet.CallbackStatus(err)]++
		w.WriteHeader(komtet.CallbackStatus(err))
	})
	front := httptest.NewServer(handler)
	defer front.Close()
	c, srv := emulated(t, func(cfg *komtet.Config) { cfg.CallbackURL = front.URL + "/hooks/komtet?shop=2" })
	client = c
	d, err := c.Submit(t.Context(), receipt())
	require.NoError(t, err)
	require.NoError(t, srv.Print(d.ID))
	srv.Deliver()
	require.NoError(t, srv.Resend(d.ID))
	require.NoError(t, srv.Forge(srv.Deliveries()[0].ID))
	srv.Deliver()
	assert.Equal(t, 2, codes[http.StatusOK])
	assert.GreaterOrEqual(t, codes[http.StatusForbidden], 1)
	assert.Len(t, codes, 2)
}
