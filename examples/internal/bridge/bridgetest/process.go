package bridgetest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/acquiring-go/acquiring/examples/internal/bridge"
	"github.com/acquiring-go/acquiring/internal/rest"
)

// roleVariable tells a copy of the test's program to be the bridge of a file.
const roleVariable = "BRIDGE_TEST_SERVE"

// Main is the TestMain of a bridge: it runs the tests, or is the process that
// they kill.
func Main(m *testing.M, p bridge.Program) {
	rest.Hurry() // an emulator that was told to fail needs no rest
	file := os.Getenv(roleVariable)
	if file == "" {
		os.Exit(m.Run())
	}
	p.Outbox.Lease, p.Outbox.Settle, p.Outbox.Every = 2*time.Second, 200*time.Millisecond, 50*time.Millisecond
	p.Poller.Every, p.Poller.First, p.Poller.Last, p.Poller.Gap = 100*time.Millisecond, 300*time.Millisecond, time.Second, 10*time.Millisecond
	if err := bridge.Main(context.Background(), p, []string{"-config", file, "serve"}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// Process is the bridge as a process of its own, to be killed.
type Process struct {
	*World
	cmd *exec.Cmd
	out bytes.Buffer
}

// Free is an address of this machine on which nobody listens, for "listen".
func Free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// Spawn makes the bridge of the world a process at the address of its file.
func Spawn(w *World, address string) *Process {
	w.T.Helper()
	w.Conf["listen"], w.Conf["public_url"] = address, "http://"+address
	w.Rewrite()
	w.URL = "http://" + address
	w.Sber.SetCallbackURL(w.URL + "/hooks/sber")
	p := &Process{World: w}
	p.Run()
	w.T.Cleanup(func() {
		p.Kill()
		if w.T.Failed() {
			w.T.Logf("the bridge said:\n%s", p.out.String())
		}
	})
	return p
}

// Run starts the process and waits until it answers.
func (p *Process) Run() {
	p.T.Helper()
	p.cmd = exec.Command(os.Args[0])
	p.cmd.Env = append(os.Environ(), roleVariable+"="+p.File)
	p.cmd.Stdout, p.cmd.Stderr = &p.out, &p.out
	require.NoError(p.T, p.cmd.Start())
	require.Eventually(p.T, func() bool {
		resp, err := http.Get(p.URL + "/healthz")
		if err != nil {
			return false
		}
		_ = resp.Body.Close()
		return resp.StatusCode == http.StatusOK
	}, 20*time.Second, 10*time.Millisecond)
}

// Kill is kill -9.
func (p *Process) Kill() {
	if p.cmd != nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
		p.cmd = nil
	}
}

// Done is how many items the CRM was told; -1: the process does not answer.
func (p *Process) Done() int {
	status, body := p.HTTP(http.MethodGet, "/news?state=done", Bearer, "")
	if status != http.StatusOK {
		return -1
	}
	return strings.Count(body, `"state":"done"`)
}
