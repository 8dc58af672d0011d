package tochka

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring"
)

// A link of the same number and sum is no subscription: the customer would pay
// and no card be bound. Nor is a subscription a link: his card would be bound
// though he did not ask.
func TestLinkIsNotTakenForASubscription(t *testing.T) {
	taken := failure(424, "Ошибка валидации: заказ с номером crm-10045 существует")
	const subscribe, subscriptions = "POST acquiring/v1.0/subscriptions", "GET acquiring/v1.0/subscriptions"
	link := listed("1490.5", "CREATED", "")
	r := order()
	r.Methods, r.TTL, r.SaveCard, r.Customer.ID = nil, 0, true, "u-1"
	b := school(t).answer(subscribe, taken).on(subscriptions, `{"Data":{"Subscription":[]},"Meta":{"totalPages":1}}`).on(listing, link)
	c := b.client()
	_, err := c.CreateInvoice(t.Context(), r)
	require.ErrorIs(t, err, acquiring.ErrDuplicate)
	assert.Contains(t, asError(t, err).Hint, "acquiring.Attempt")

	// The first answer was lost, and the subscription is found.
	b = school(t).answer(subscribe, answer{lost: true}).on(listing, emptyList).
		on(subscriptions, `{"Data":{"Subscription":[{"operationId":"`+opID+`","status":"CREATED","amount":1490.5,"paymentLink":"https://merch.example/1","paymentLinkId":"crm-10045"}]},"Meta":{"totalPages":1}}`)
	c = b.client()
	inv, err := c.CreateInvoice(t.Context(), r)
	require.NoError(t, err)
	assert.Equal(t, acquiring.PaymentID(opID), inv.ID)
	// The same number without SaveCard, at a bank that lists it among the links.
	b.answer(create, taken)
	b.mu.Lock()
	b.answers[listing] = []answer{{status: 200, body: link}}
	b.mu.Unlock()
	_, err = c.CreateInvoice(t.Context(), order())
	require.ErrorIs(t, err, acquiring.ErrDuplicate)
}
