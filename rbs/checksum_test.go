package rbs

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/acquiring-go/acquiring/webhook"
)

// The order of the signed parameters is that of their names, byte by byte,
// however alike and however many they are.
func TestSignedOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 2000 {
		var params webhook.Params
		var names []string
		for range r.IntN(45) {
			name := make([]byte, r.IntN(11))
			for i := range name {
				name[i] = "aaaab\xffЖ"[r.IntN(8)]
			}
			if r.IntN(3) == 0 {
				name = append([]byte("deposited"), name...)
			}
			if !slices.Contains(names, string(name)) {
				names = append(names, string(name))
				params = append(params, webhook.Param{Name: string(name), Value: strconv.Itoa(len(names))})
			}
		}
		for _, unsigned := range []string{"checksum", "sign_alias"} {
			at := r.IntN(len(params) + 1)
			params = slices.Insert(params, at, webhook.Param{Name: unsigned, Value: unsigned})
		}
		order, checksum := signedOrder(nil, params)
		assert.Equal(t, "checksum", checksum)
		var got []string
		for _, i := range order {
			got = append(got, params[i].Name)
		}
		slices.Sort(names)
		if !assert.Equal(t, names, got, "round %d", round) {
			return
		}
	}
}
