package interop

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// answer is what a script printed: the client's answer, or its error.
type answer struct {
	Answer json.RawMessage `json:"answer"`
	Error  string          `json:"error"`
	Code   string          `json:"code"`   // sberbank-acquiring: the gateway's
	Status int             `json:"status"` // HTTP
	Errors []string        `json:"errors"` // node-orangedata: the service's
}

// node runs a script of this folder with a client of the package.
func node(t *testing.T, pkg string, env []string, stdin any, args ...string) answer {
	t.Helper()
	if _, err := exec.LookPath("node"); err != nil {
		t.Skip("Node.js is not installed: the npm clients were not run")
	}
	if _, err := os.Stat(filepath.Join("node_modules", pkg)); err != nil {
		t.Skipf("%s is not installed: `npm ci` in this folder brings it", pkg)
	}
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	cmd := exec.CommandContext(ctx, "node", append([]string{"--no-deprecation"}, args...)...)
	cmd.Env = append(os.Environ(), env...)
	if stdin != nil {
		body, err := json.Marshal(stdin)
		require.NoError(t, err)
		cmd.Stdin = bytes.NewReader(body)
	}
	var faults bytes.Buffer
	cmd.Stderr = &faults
	out, err := cmd.Output()
	require.NoError(t, err, "%v: %s", args, faults.String())
	var a answer
	require.NoError(t, json.Unmarshal(out, &a), "%s", out)
	return a
}

// object is the answer's members.
func (a answer) object(t *testing.T) map[string]any {
	t.Helper()
	require.Empty(t, a.Error)
	d := json.NewDecoder(bytes.NewReader(a.Answer))
	d.UseNumber()
	var o map[string]any
	require.NoError(t, d.Decode(&o), "%s", a.Answer)
	return o
}
