package bridge

import (
	"net"
	"net/http"
	"strings"
	"sync"

	"golang.org/x/time/rate"
)

// visitors limits how often one address may try short links and passwords:
// both could be guessed by who may try for ever.
type visitors struct {
	mu  sync.Mutex
	of  map[string]*rate.Limiter
	per rate.Limit
	at  int // burst
}

const mostVisitors = 20_000

func newVisitors(per rate.Limit, burst int) *visitors {
	return &visitors{of: map[string]*rate.Limiter{}, per: per, at: burst}
}

func (v *visitors) allow(address string) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.limiter(address).Allow()
}

// guess counts a wrong password of the address; false: it must wait, also with
// the right one.
func (v *visitors) guess(address string, right bool) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	l := v.limiter(address)
	if right {
		return l.Tokens() >= 1
	}
	return l.Allow()
}

func (v *visitors) limiter(address string) *rate.Limiter {
	l := v.of[address]
	if l == nil {
		if len(v.of) >= mostVisitors {
			clear(v.of)
		}
		l = rate.NewLimiter(v.per, v.at)
		v.of[address] = l
	}
	return l
}

// address is the visitor's: of the connection, or what the trusted proxy in
// front wrote, the last of a list.
func (b *Bridge) address(r *http.Request) string {
	if h := b.conf.ClientIPHeader; h != "" {
		if list := r.Header.Values(h); len(list) > 0 {
			parts := strings.Split(list[len(list)-1], ",")
			return strings.TrimSpace(parts[len(parts)-1])
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
