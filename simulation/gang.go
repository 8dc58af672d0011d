package main

import (
	"encoding/json"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// gang is the replicas, of which one after another is killed.
type gang struct {
	told     string
	listener *os.File
	running  []*process
	kills    atomic.Int64

	mu   sync.Mutex
	once sync.Once
}

type process struct {
	cmd   *exec.Cmd
	stdin interface{ Close() error }
}

// newGang starts so many replicas, which share the listener.
func newGang(j job, listener *net.TCPListener, replicas int) (*gang, error) {
	told, err := json.Marshal(j)
	if err != nil {
		return nil, err
	}
	file, err := listener.File()
	if err != nil {
		return nil, err
	}
	g := &gang{told: string(told), listener: file, running: make([]*process, replicas)}
	for i := range replicas {
		if err := g.start(i); err != nil {
			g.end()
			return nil, err
		}
	}
	return g, nil
}

func (g *gang) start(i int) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	var j job
	if err := json.Unmarshal([]byte(g.told), &j); err != nil {
		return err
	}
	j.Pace.Shard, j.Pace.Shards = i, len(g.running)
	told, err := json.Marshal(j)
	if err != nil {
		return err
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), roleVariable+"="+string(told))
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.ExtraFiles = []*os.File{g.listener}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	g.running[i] = &process{cmd, stdin}
	return nil
}

// kill is kill -9, and another in its place.
func (g *gang) kill(i int) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	p := g.running[i]
	if p == nil {
		return nil
	}
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	_ = p.stdin.Close()
	g.kills.Add(1)
	return g.start(i)
}

// rage kills one every now and then, until stop is closed.
func (g *gang) rage(every time.Duration, lot *rand.Rand, stop <-chan struct{}) error {
	for {
		wait := every/2 + time.Duration(lot.Int64N(int64(every)))
		select {
		case <-stop:
			return nil
		case <-time.After(wait):
		}
		if err := g.kill(lot.IntN(len(g.running))); err != nil {
			return err
		}
	}
}

// end ends all of them.
func (g *gang) end() {
	g.once.Do(func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		for i, p := range g.running {
			if p != nil {
				_ = p.cmd.Process.Kill()
				_ = p.cmd.Wait()
				_ = p.stdin.Close()
				g.running[i] = nil
			}
		}
		_ = g.listener.Close()
	})
}
