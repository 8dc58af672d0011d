package orangedata

import (
	"os"
	"testing"

	"github.com/acquiring-go/acquiring/internal/rest"
)

// TestMain: an emulator that was told to fail needs no rest.
func TestMain(m *testing.M) {
	rest.Hurry()
	os.Exit(m.Run())
}
