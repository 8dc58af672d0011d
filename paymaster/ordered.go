package paymaster

import (
	"maps"

	"github.com/acquiring-go/acquiring/money"
)

// orderedParam is the param that keeps the sum of a hold, in roubles with two
// digits. When a part of a hold was taken, PayMaster shows that part as the
// payment's amount and nothing else: without the param the payment would look
// as if it were of another sum than its order.
const orderedParam = "acquiring_ordered"

// withOrdered adds it to the shop's own params.
func withOrdered(params map[string]string, sum money.Amount) map[string]string {
	all := make(map[string]string, len(params)+1)
	maps.Copy(all, params)
	all[orderedParam] = sum.String()
	return all
}

// ordered is the sum of the order: the param's where it is there and makes
// sense, else the amount that the API shows.
func (p *PaymentInfo) ordered() money.Amount {
	shown := p.Amount.Value.Amount()
	if text, ok := p.Invoice.Params[orderedParam]; ok {
		if sum, err := money.Parse(string(text)); err == nil && sum > shown {
			return sum
		}
	}
	return shown
}
