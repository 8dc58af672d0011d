package money_test

import (
	"fmt"

	"github.com/acquiring-go/acquiring/money"
)

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
