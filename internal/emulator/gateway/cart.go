package gateway

import (
	"strconv"
	"strings"

	"github.com/acquiring-go/acquiring/money"
)

// CartItem is an item of an orderBundle that was understood.
type CartItem struct {
	Position, Code, Name string
	Milli                int64 // quantity in thousandths
	Price, Amount        money.Amount
}

// Items are the items of an orderBundle, or of depositItems and refundItems,
// which have no cartItems around them.
func Items(in Object) []Object {
	holder, ok := in["cartItems"].(Object)
	if !ok {
		holder = in
	}
	list, _ := holder["items"].([]any)
	var out []Object
	for _, e := range list {
		if it, ok := e.(Object); ok {
			out = append(out, it)
		}
	}
	return out
}

// ReadItem reads one item; the text says what is wrong with it.
func ReadItem(e Object) (CartItem, string) {
	it := CartItem{Position: ScalarText(e["positionId"]), Code: ScalarText(e["itemCode"]), Name: ScalarText(e["name"])}
	q, _ := e["quantity"].(Object)
	var ok bool
	if it.Milli, ok = thousandths(ScalarText(q["value"])); !ok || it.Milli <= 0 || it.Milli > 99999999 {
		return it, "quantity.value must be above 0, up to 99999.999, in steps of 0.001"
	}
	priced, amounted := ScalarText(e["itemPrice"]), ScalarText(e["itemAmount"])
	if priced == "" && amounted == "" {
		return it, "itemPrice and itemAmount are missing"
	}
	price, err1 := strconv.ParseInt(OrZero(priced), 10, 64)
	amount, err2 := strconv.ParseInt(OrZero(amounted), 10, 64)
	const most = 1 << 40 // kopecks; times 99999.999 it is still an int64
	if err1 != nil || err2 != nil || price < 0 || amount < 0 || price > most || amount > most {
		return it, "itemPrice and itemAmount must be kopecks"
	}
	product := (price/1000)*it.Milli + (price%1000*it.Milli+500)/1000 // half up
	switch {
	case amounted == "":
		amount = product
	case priced != "" && (amount > product+1 || amount < product-1) && e["discount"] == nil:
		return it, "itemAmount must be itemPrice times quantity, rounded"
	}
	it.Price, it.Amount = money.Amount(price), money.Amount(amount)
	if it.Position == "" || it.Position == strings.Repeat("0", len(it.Position)) || it.Code == "" || it.Name == "" {
		return it, "positionId (from 1), itemCode and name are needed"
	}
	return it, ""
}

// Covers says why an item of a later operation does not fit the order's items;
// "": it does.
func Covers(items []CartItem, it CartItem) string {
	for _, o := range items {
		if o.Position != it.Position {
			continue
		}
		switch {
		case o.Code != it.Code || o.Name != it.Name:
			return "positionId, itemCode and name must be those of the order"
		case it.Milli > o.Milli:
			return "the quantity is above the order's"
		case it.Amount > o.Amount:
			return "itemAmount is above the order's"
		}
		return ""
	}
	return "the order has no such positionId"
}

// thousandths reads a quantity exactly.
func thousandths(s string) (int64, bool) {
	whole, frac, _ := strings.Cut(s, ".")
	frac = strings.TrimRight(frac, "0")
	if len(frac) > 3 || whole == "" || strings.ContainsAny(s, "eE+-") {
		return 0, false
	}
	n, err := strconv.ParseInt(whole+frac+strings.Repeat("0", 3-len(frac)), 10, 64)
	return n, err == nil
}

// MilliText is a quantity in thousandths as text, without needless zeros.
func MilliText(milli int64) string {
	whole, part := milli/1000, milli%1000
	if part == 0 {
		return strconv.FormatInt(whole, 10)
	}
	return strconv.FormatInt(whole, 10) + "." + strings.TrimRight(strconv.FormatInt(1000+part, 10)[1:], "0")
}
