package webhook

import (
	"net/http"
	"net/netip"
	"strings"
)

// allowList says which addresses may send.
type allowList struct {
	from    []netip.Prefix
	proxies []netip.Prefix
}

// permits finds the sender's address and says whether it is on the list. What
// cannot be read is not.
func (l *allowList) permits(r *http.Request) bool {
	at, ok := parseAddr(r.RemoteAddr)
	if !ok {
		return false
	}
	if within(l.proxies, at) {
		// Each proxy appends whom it heard; everything left of the first one
		// that is not ours is the sender's own word.
		hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
		for i := len(hops) - 1; i >= 0 && within(l.proxies, at); i-- {
			if at, ok = parseAddr(strings.TrimSpace(hops[i])); !ok {
				return false
			}
		}
	}
	return within(l.from, at)
}

func parseAddr(s string) (netip.Addr, bool) {
	if a, err := netip.ParseAddr(s); err == nil {
		return a.Unmap().WithZone(""), true
	}
	if a, err := netip.ParseAddrPort(s); err == nil {
		return a.Addr().Unmap().WithZone(""), true
	}
	return netip.Addr{}, false
}

func within(prefixes []netip.Prefix, a netip.Addr) bool {
	for _, p := range prefixes {
		if p.Contains(a) {
			return true
		}
	}
	return false
}
