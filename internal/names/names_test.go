package names

import (
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestSet(t *testing.T) {
	var s Set
	for i := range 200 {
		name := "name" + strconv.Itoa(i)
		assert.True(t, s.Add(name), name)
		assert.Equal(t, i+1, s.Len())
		for j := range i + 1 {
			assert.False(t, s.Add("name"+strconv.Itoa(j)))
		}
	}
	assert.True(t, s.Add(""))
	assert.False(t, s.Add(""))
}

// Names that are alike in what is compared first are still told apart.
func TestLikeNames(t *testing.T) {
	var s Set
	assert.True(t, s.Add("abcd"))
	assert.Equal(t, mix("abcd"), mix("acbd"))
	assert.True(t, s.Add("acbd"))
	assert.False(t, s.Add("abcd"))
	assert.False(t, s.Add("acbd"))
}

func TestFewNamesAllocateNothing(t *testing.T) {
	words := []string{"mdOrder", "orderNumber", "operation", "status", "amount", "checksum"}
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		var s Set
		for _, w := range words {
			if !s.Add(w) {
				panic(w)
			}
		}
	}))
}

// Short names out of few letters meet each other in every way.
func TestSetIsAMap(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		var s Set
		seen := map[string]bool{}
		for range r.IntN(120) {
			name := make([]byte, r.IntN(4))
			for i := range name {
				name[i] = "abcÿ"[r.IntN(5)]
			}
			assert.Equal(t, !seen[string(name)], s.Add(string(name)), "%q", name)
			seen[string(name)] = true
			assert.Equal(t, len(seen), s.Len())
		}
	}
}
