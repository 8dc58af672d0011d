package sqlinbox

import (
	"context"
	"sync"
)

// flights keeps those of one program that have the same key in a row, without
// a connection for each.
type flights struct {
	mu      sync.Mutex
	running map[string]*flight
}

type flight struct {
	end  chan struct{} // closed at the end; made by the first who waits for it
	done bool          // how it ended
}

// enter returns the flight to run, or nil when one that it waited for was done.
// The error is ctx's.
func (s *flights) enter(ctx context.Context, key string) (*flight, error) {
	for {
		s.mu.Lock()
		f := s.running[key]
		if f == nil {
			f = &flight{}
			s.running[key] = f
			s.mu.Unlock()
			return f, nil
		}
		if f.end == nil {
			f.end = make(chan struct{})
		}
		end := f.end
		s.mu.Unlock()
		select {
		case <-end:
			if f.done {
				return nil, nil
			}
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (s *flights) leave(key string, f *flight, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.running, key)
	f.done = done
	if f.end != nil {
		close(f.end)
	}
}
