package broker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/ThreeDotsLabs/watermill/pubsub/gochannel"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// jobVariable makes a consumer of the test binary: a process of its own, to be
// killed.
const jobVariable = "ACQUIRING_TEST_CONSUMER"

type job struct {
	Bus    bus
	Ledger ledger
}

func TestMain(m *testing.M) {
	if told := os.Getenv(jobVariable); told != "" {
		if err := consumer(told); err != nil {
			fmt.Fprintln(os.Stderr, "consumer:", err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// consumer consumes until its input ends, or it is killed.
func consumer(told string) error {
	var j job
	if err := json.Unmarshal([]byte(told), &j); err != nil {
		return err
	}
	sub, err := j.Bus.subscriber()
	if err != nil {
		return err
	}
	aside, err := j.Bus.publisher()
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		stop()
	}()
	err = j.Ledger.consume(ctx, j.Bus.Topic, sub, aside, j.Bus.poison())
	if ctx.Err() != nil {
		return nil // told to end, perhaps before it had begun
	}
	return err
}

// crew is three consumers that are stopped and killed at any time.
type crew interface {
	start(i int)
	kill(i int) // and start again
	stop(i int)
	kills() int
}

const consumers = 3

// processes are consumers on a real broker. One that was killed, by the test or
// by its own hand in the middle of a transaction (see ledger.post), is replaced.
type processes struct {
	t      *testing.T
	job    job
	slots  [consumers]*slot
	killed atomic.Int32
	fallen atomic.Int32
}

// slot is the place of a process.
type slot struct {
	mu       sync.Mutex
	cmd      *exec.Cmd
	input    io.Closer
	stopping bool
	ended    chan struct{}
}

func (p *processes) start(i int) {
	s := &slot{ended: make(chan struct{})}
	require.NoError(p.t, p.launch(s))
	p.slots[i] = s
	go p.watch(s)
}

func (p *processes) launch(s *slot) error {
	told, err := json.Marshal(p.job)
	if err != nil {
		return err
	}
	s.cmd = exec.Command(os.Args[0], "-test.run=^$")
	s.cmd.Env = append(os.Environ(), jobVariable+"="+string(told))
	s.cmd.Stderr = os.Stderr
	if s.input, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	return s.cmd.Start()
}

// watch replaces the process as often as it ends unasked, as a supervisor would:
// killed, or with an error because the broker did not answer in time on a busy
// machine. A crash, or a race found (exit status 66), is a fault, but not with
// JetStream: watermill-nats 2.1.3 closes its channel, when a subscriber is being
// closed, while a message is still being sent to it.
func (p *processes) watch(s *slot) {
	defer close(s.ended)
	for {
		err := s.cmd.Wait()
		code := s.cmd.ProcessState.ExitCode()
		if err != nil && err.Error() == "signal: killed" {
			p.killed.Add(1)
		} else if code > 1 && p.job.Bus.Kind != jetStream {
			assert.Fail(p.t, "a consumer crashed", err)
			return
		}
		s.mu.Lock()
		if s.stopping {
			s.mu.Unlock()
			return
		}
		if code >= 0 {
			p.t.Logf("a consumer ended by itself (%v) and is started again", err)
			if !assert.Less(p.t, p.fallen.Add(1), int32(10), "consumers end by themselves") {
				s.mu.Unlock()
				return
			}
		}
		err = p.launch(s)
		s.mu.Unlock()
		if !assert.NoError(p.t, err) {
			return
		}
	}
}

// kill is kill -9.
func (p *processes) kill(i int) {
	s := p.slots[i]
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.cmd.Process.Kill() // which may have happened already
}

func (p *processes) stop(i int) {
	s := p.slots[i]
	s.mu.Lock()
	s.stopping = true
	_ = s.input.Close()
	s.mu.Unlock()
	<-s.ended
}

func (p *processes) kills() int { return int(p.killed.Load()) }

// routines are consumers in this process, on a GoChannel. Each gets every
// message, and after a restart all of them again.
type routines struct {
	t      *testing.T
	bus    *gochannel.GoChannel
	ledger ledger
	end    [consumers]func()
	killed int
}

func (r *routines) start(i int) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- r.ledger.consume(ctx, "payments", routine{r.bus}, r.bus, "poison") }()
	r.end[i] = func() {
		cancel()
		require.NoError(r.t, <-ended)
	}
}

func (r *routines) stop(i int) { r.end[i]() }

// kill rolls back the transactions that are open.
func (r *routines) kill(i int) {
	r.end[i]()
	r.start(i)
	r.killed++
}

func (r *routines) kills() int { return r.killed }

// routine is the common GoChannel, which the end of one consumer must not
// close.
type routine struct{ *gochannel.GoChannel }

func (routine) Close() error { return nil }
