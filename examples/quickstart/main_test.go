package main

import (
	"bytes"
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestStory: the first thing that a newcomer sees is right.
func TestStory(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(context.Background(), &out))
	for _, line := range []string{
		"order A-1001 is paid, card 220220******2424, taken 1499.90.",
		"On the customer's account: 1499.90.",
		"The same callback came again and was answered 200; on the account: 1499.90.",
		"Refund refund-1 of 200.00 is done.\nRefund refund-1 of 200.00 is done.",
		"At the end the payment is partially_refunded: ordered 1499.90, taken 1499.90, given back 200.00.",
		"The bank printed the receipt SELL: document ",
		"ИТОГ                                    =1499.90",
	} {
		assert.Contains(t, out.String(), line)
	}
}
