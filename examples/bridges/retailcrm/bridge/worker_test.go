package bridge

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
	"github.com/acquiring-go/acquiring/sberbank"

	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/crm"
	"github.com/acquiring-go/acquiring/examples/bridges/retailcrm/retailcrmtest"
)

// asked is a bank that does something else when it is asked for a payment.
type asked struct {
	*sberbank.Client
	instead func()
}

func (a asked) GetStatus(ctx context.Context, id acquiring.PaymentID) (*acquiring.Payment, error) {
	a.instead()
	return a.Client.GetStatus(ctx, id)
}

// TestTaskThatPanics is put off as any that failed, and the others go on.
func TestTaskThatPanics(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("sber")
	s := w.b.shop("sber")
	bank := s.bank.(*sberbank.Client)
	w.click(inv.Link)
	_, o := w.order("sber")
	require.NoError(t, w.sber.Pay(o.ID))
	s.bank = asked{bank, func() { panic("nobody thought of this") }}
	w.work()
	other, inv := w.bill("alfa")
	w.pay("alfa", inv.Link)
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(other))
	for range worried {
		w.later(10 * time.Minute)
	}
	assert.Contains(t, w.noteTexts(), "nobody thought of this")
	s.bank = bank
	w.later(10 * time.Minute)
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
}

// TestEndBeginsNothing: who is told to end finishes what was begun, and leaves
// the rest to the next start.
func TestEndBeginsNothing(t *testing.T) {
	w := open(t, nil)
	w.connect()
	for range parallel + 4 {
		_, inv := w.bill("sber")
		w.click(inv.Link)
		_, o := w.order("sber")
		require.NoError(t, w.sber.Pay(o.ID))
	}
	w.sber.Deliver()
	var begun atomic.Int32
	free := make(chan struct{})
	s := w.b.shop("sber")
	s.bank = asked{s.bank.(*sberbank.Client), func() { begun.Add(1); <-free }}
	ctx, stop := context.WithCancel(w.ctx)
	ended := make(chan struct{})
	go func() { w.b.worker.run(ctx); close(ended) }()
	require.Eventually(t, func() bool { return begun.Load() == parallel }, 10*time.Second, time.Millisecond)
	stop()
	close(free)
	<-ended
	assert.EqualValues(t, parallel, begun.Load())
	n, err := w.b.Waiting(w.ctx)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, n, 4)
}

// TestReplicaLearnsTheNewKey: the key was given to one of two programs over one
// database, and the other uses it too.
func TestReplicaLearnsTheNewKey(t *testing.T) {
	w := open(t, nil)
	w.connect()
	payment, inv := w.bill("alfa")
	w.click(inv.Link) // it has asked the CRM with the first key
	one := w.b
	w.start()
	defer func() { require.NoError(t, one.Close()) }()
	m, _ := w.crm.Module(code)
	w.crm.RevokeKey(m.Key)
	_, err := w.b.connectByKey(w.ctx, w.crm.URL, w.crm.CreateKey(crm.Permissions()...))
	require.NoError(t, err)
	b, o := w.order("alfa")
	require.NoError(t, b.Pay(o.ID))
	w.alfa.Deliver()
	_, err = one.Drain(w.ctx)
	require.NoError(t, err)
	assert.Equal(t, retailcrmtest.PaymentPaid, w.status(payment))
}
