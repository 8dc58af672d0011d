package paymaster

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"

	"github.com/acquiring-go/acquiring/money"
)

// orderedParam is the param that keeps the sum of a hold, in roubles with two
// digits, and what proves that this shop wrote it: "1499.90 5f0c…". When a part
// of a hold was taken, PayMaster shows that part as the payment's amount and
// nothing else: without the param the payment would look as if it were of
// another sum than its order. A buyer can start a payment with params of his
// own (the widget runs in his browser), so a bare sum proves nothing.
const orderedParam = "acquiring_ordered"

// withOrdered adds it to the shop's own params.
func (c *Client) withOrdered(params map[string]string, orderNo string, sum money.Amount, currency string) map[string]string {
	all := make(map[string]string, len(params)+1)
	maps.Copy(all, params)
	all[orderedParam] = sum.String() + " " + c.orderedSum(orderNo, sum, currency)
	return all
}

// orderedSum is the proof: only who has the token can make it, and it fits one
// order, sum and currency.
func (c *Client) orderedSum(orderNo string, sum money.Amount, currency string) string {
	mac := hmac.New(sha256.New, []byte(c.conf.Token))
	mac.Write([]byte("acquiring ordered\n"))
	mac.Write(echoMessage(strings.ToLower(c.conf.MerchantID), orderNo, sum.String(), strings.ToUpper(currency)))
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// held notes the sum of the order, where the param is this shop's own: one made
// by another, or with a token that was changed since, counts for nothing.
func (c *Client) held(p *PaymentInfo) *PaymentInfo {
	if text, ok := p.Invoice.Params[orderedParam]; ok {
		value, proof, _ := strings.Cut(string(text), " ")
		sum, err := money.Parse(value)
		if err == nil && sameSecret(proof, c.orderedSum(string(p.Invoice.OrderNo), sum, p.Amount.Currency)) {
			p.whole = sum
		}
	}
	return p
}

// ordered is the sum of the order: that of the hold where it is known and only a
// part was taken, else the amount that the API shows.
func (p *PaymentInfo) ordered() money.Amount { return max(p.whole, p.Amount.Value.Amount()) }
