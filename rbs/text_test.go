package rbs

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTextChecks(t *testing.T) {
	assert.True(t, Printable("") && Printable("r-shop-api ~!"))
	assert.False(t, Printable("a\n") || Printable("ы") || Printable("\x7f"))
	assert.True(t, Digits("0042"))
	assert.False(t, Digits("") || Digits("4 2") || Digits("-4"))
	assert.True(t, EmailFits("a@b", 3))
	for _, bad := range []string{"", "a@", "@b", "ab", "a b@c", "я@b.ru", strings.Repeat("a", 40) + "@b"} {
		assert.False(t, EmailFits(bad, 40), bad)
	}
	assert.True(t, PhoneFits("+79161234567") && PhoneFits("9161234"))
	for _, bad := range []string{"", "+", "123456", "8 916 1234567", "1234567890123456", "++79161234567"} {
		assert.False(t, PhoneFits(bad), bad)
	}
	assert.Equal(t, "Чай", Cut("Чай и кофе", 4))
	assert.Equal(t, "Чай", Cut("Чай", 3))
}
