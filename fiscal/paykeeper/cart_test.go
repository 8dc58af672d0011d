package paykeeper

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/fiscal"
)

// Whatever a member of a cart is called, it is written as JSON.
func TestExtraMembersOfACart(t *testing.T) {
	for _, name := range []string{"note", "скидка", `a"b`, "a\\b", "a\nb", "a\x7fb", "<b>"} {
		text, err := Cart{{Name: "Чай", Price: 500, Quantity: fiscal.Pieces(1), Sum: 500, Tax: "none", Extra: map[string]json.RawMessage{name: json.RawMessage(`"x"`)}}}.encode()
		require.NoError(t, err, name)
		again, err := ParseCart([]byte(text))
		require.NoError(t, err, text)
		assert.Contains(t, again[0].Extra, name)
	}
}
