package money_test

import (
	"fmt"

	"github.com/acquiring-go/acquiring/money"
)

// Sums are added and taken apart in whole kopecks; an overflow is told, not
// wrapped around.
func Example() {
	price := money.RUB(1499, 90)
	total, ok := price.Add(money.RUB(300, 0))
	fmt.Println(total, total.Minor(), ok)
	_, ok = money.Max.Add(price)
	fmt.Println(ok)
	third := total / 3 // integer division: 599.96, and two kopecks are left
	fmt.Println(third, total-3*third)
	// Output:
	// 1799.90 179990 true
	// false
	// 599.96 0.02
}

func ExampleParse() {
	for _, s := range []string{"1499.90", "1 499,9", "10.5000", "0.001"} {
		a, err := money.Parse(s)
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println(a, int64(a))
	}
	// Output:
	// 1499.90 149990
	// 1499.90 149990
	// 10.50 1050
	// money: "0.001": more than two decimals
}
