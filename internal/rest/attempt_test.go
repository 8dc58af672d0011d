package rest

import (
	"bytes"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The request is the one that net/http would have made.
func TestTheRequestIsOfTheStandardForm(t *testing.T) {
	target, err := url.Parse("https://bank.example:8443/api/pay?a=1")
	require.NoError(t, err)
	read := func(r io.Reader) string {
		data, err := io.ReadAll(r)
		require.NoError(t, err)
		return string(data)
	}
	for _, call := range []Call{
		{Method: http.MethodGet},
		{Method: http.MethodPost, Body: []byte{}},
		{Method: http.MethodPost, Body: []byte("orderNumber=1&amount=100")},
	} {
		var body io.Reader
		if call.Body != nil {
			body = bytes.NewReader(call.Body)
		}
		want, err := http.NewRequestWithContext(t.Context(), call.Method, target.String(), body)
		require.NoError(t, err)
		var sent departure
		got := sent.request(t.Context(), call, target)
		if call.Body != nil {
			for range 2 {
				again, err := got.GetBody()
				require.NoError(t, err)
				assert.Equal(t, string(call.Body), read(again), "net/http sends it again from the start")
			}
			assert.Equal(t, string(call.Body), read(got.Body))
			assert.IsType(t, want.Body, got.Body, "net/http knows what lies in memory")
			assert.Equal(t, want.GetBody != nil, got.GetBody != nil)
		}
		assert.NotNil(t, got.Context())
		want, got = want.WithContext(t.Context()), got.WithContext(t.Context())
		want.Body, got.Body, want.GetBody, got.GetBody = nil, nil, nil, nil
		assert.Equal(t, want, got)
	}
}

func TestReadAnswer(t *testing.T) {
	long := strings.Repeat("0123456789", 20_000)
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"whole": func(r io.Reader) io.Reader { return r }, "byte by byte": iotest.OneByteReader, "the end beside the data": iotest.DataErrReader,
	} {
		for _, text := range []string{"", "{}", long[:511], long[:512], long[:513], long} {
			for _, said := range []int64{-1, 0, int64(len(text)), 1, 1 << 40, math.MaxInt64} {
				got, err := readAnswer(&http.Response{Body: io.NopCloser(wrap(strings.NewReader(text))), ContentLength: said}, 1<<20)
				require.NoError(t, err, name)
				assert.Equal(t, text, string(got), name)
				assert.LessOrEqual(t, cap(got), max(mostFirst, 3*len(text)), "a server's word takes no memory")
			}
			got, err := readAnswer(&http.Response{Body: io.NopCloser(wrap(strings.NewReader(text)))}, 600)
			require.NoError(t, err)
			assert.Len(t, got, min(len(text), 601), name)
		}
	}
	broken := errors.New("connection reset")
	got, err := readAnswer(&http.Response{Body: io.NopCloser(io.MultiReader(strings.NewReader("{"), iotest.ErrReader(broken)))}, 600)
	assert.ErrorIs(t, err, broken)
	assert.Equal(t, "{", string(got))
}
