package drive

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// The demonstration's user, as the program prints it.
const (
	Login    = "demo"
	Password = "vysota-demo"
)

// Build makes the CRM's program in a folder. crm is the CRM's source.
func Build(crm, folder string) (program string, err error) {
	if program, err = filepath.Abs(filepath.Join(folder, "crm.program")); err != nil {
		return "", err
	}
	command := exec.Command("go", "build", "-C", crm, "-o", program, ".")
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("the CRM does not build: %w\n%s", err, out)
	}
	return program, nil
}

// School is a running CRM with its demonstration and its sandbox.
type School struct {
	URL     string // of the CRM
	Sandbox string // of the sandbox's pages; neither ends with a slash

	command *exec.Cmd
	logs    *tail
	ended   chan error
}

// Start starts the program on free ports over an empty database in a folder.
func Start(program, folder string) (*School, error) {
	s := &School{logs: &tail{}, ended: make(chan error, 1)}
	s.command = exec.Command(program, "-addr", "127.0.0.1:0", "-sandbox-addr", "127.0.0.1:0", "-db", filepath.Join(folder, "crm.db"))
	s.command.Env = append(os.Environ(), "CRM_KEY=", "CRM_PUBLIC_URL=", "CRM_SMTP=", "CRM_SANDBOX=")
	s.command.Stderr = s.logs
	out, err := s.command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := s.command.Start(); err != nil {
		return nil, err
	}
	said := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			name, value, _ := strings.Cut(lines.Text(), ":")
			value = strings.TrimSuffix(strings.TrimSpace(value), "/")
			switch name {
			case "CRM":
				s.URL = value
			case "Песочница":
				s.Sandbox = value
				said <- true
			}
		}
		_, _ = io.Copy(io.Discard, out)
		s.ended <- s.command.Wait()
	}()
	select {
	case <-said:
		return s, nil
	case err := <-s.ended:
		return nil, fmt.Errorf("the CRM ended: %w\n%s", err, s.logs)
	case <-time.After(Patience):
		_ = s.command.Process.Kill()
		return nil, fmt.Errorf("the CRM did not say where it is\n%s", s.logs)
	}
}

// Logs are what the program logged.
func (s *School) Logs() string { return s.logs.String() }

// Stop ends the program as Ctrl+C does.
func (s *School) Stop(ctx context.Context) error {
	if err := s.command.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case err := <-s.ended:
		return err
	case <-ctx.Done():
		return s.command.Process.Kill()
	}
}

// tail keeps what was logged.
type tail struct {
	mu   sync.Mutex
	text strings.Builder
}

// Write adds to it.
func (l *tail) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is all of it.
func (l *tail) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
