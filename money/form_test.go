package money

import (
	"net/url"
	"testing"

	"github.com/google/go-querystring/query"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestFormIsKopecks(t *testing.T) {
	v, err := query.Values(struct {
		A Amount `url:"amount"`
		B Amount `url:"absent,omitempty"`
		C Amount `url:"zero"`
	}{A: RUB(1499, 90)})
	require.NoError(t, err)
	assert.Equal(t, url.Values{"amount": {"149990"}, "zero": {"0"}}, v)
}
