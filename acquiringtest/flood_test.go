package acquiringtest

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
)

// witness hears what a check finds, and fails nothing.
type witness struct {
	testing.TB
	found int
}

func (w *witness) Errorf(string, ...any) { w.found++ }
func (w *witness) Helper()               {}

// Clients as most are written: Flood sees what they let a stranger do.
func TestFloodFinds(t *testing.T) {
	for name, decode := range map[string]func([]byte){
		"a form in a map": func(b []byte) { _, _ = url.ParseQuery(string(b)) },
		"JSON in a map": func(b []byte) {
			var m map[string]any
			_ = json.Unmarshal(b, &m)
		},
		"the body read five times": func(b []byte) {
			for range 4 {
				_ = string(append([]byte(nil), b...))
			}
		},
	} {
		w := &witness{TB: t}
		Flood(w, func(_ context.Context, r *http.Request) error {
			b, err := io.ReadAll(r.Body)
			decode(b)
			return err
		})
		assert.Positive(t, w.found, name)
	}
	w := &witness{TB: t}
	Flood(w, func(_ context.Context, r *http.Request) error {
		_, err := io.CopyN(io.Discard, r.Body, 1<<20)
		return err
	})
	assert.Zero(t, w.found, "what costs nothing")
}
