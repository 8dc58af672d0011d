package webhook

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// Whatever stands in X-Forwarded-For, only an address that one of our own
// proxies heard itself lets a message in, and never anything that the sender
// wrote left of it.
func FuzzAllow(f *testing.F) {
	for _, s := range [][2]string{
		{"192.0.2.7:443", ""}, {"10.0.0.1:1", "192.0.2.7"}, {"10.0.0.1:1", "192.0.2.7, 203.0.113.9"}, {"10.0.0.1:1", "203.0.113.9, 192.0.2.7, 10.0.0.2"},
		{"10.0.0.1:1", "192.0.2.7:8443"}, {"10.0.0.1:1", "[::ffff:192.0.2.7]:1"}, {"[fe80::1%eth0]:1", "192.0.2.7%25"}, {"10.0.0.1", " ,192.0.2.7"}, {"10.0.0.1:1", "192.0.2.7\x00"},
		{"10.0.0.1:1", "10.0.0.2, 10.0.0.3"}, {"@", "192.0.2.7"},
	} {
		f.Add(s[0], s[1], "")
	}
	f.Add("10.0.0.1:1", "192.0.2.7", "203.0.113.9")
	bank, proxies := netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("10.0.0.0/8")
	list := &allowList{from: []netip.Prefix{bank}, proxies: []netip.Prefix{proxies}}
	f.Fuzz(func(t *testing.T, remote, forwarded, again string) {
		r := &http.Request{RemoteAddr: remote, Header: http.Header{}}
		r.Header.Add("X-Forwarded-For", forwarded)
		r.Header.Add("X-Forwarded-For", again)
		if list.permits(&http.Request{RemoteAddr: remote, Header: http.Header{}}) != addressIn(remote, "192.0.2.") {
			t.Fatalf("%q alone", remote)
		}
		got := list.permits(r)
		// The path from us outwards, as far as it is our proxies'.
		path := append([]string{remote}, reversed(strings.Split(forwarded+","+again, ","))...)
		sender := path[0]
		for i := 1; i < len(path) && addressIn(sender, "10."); i++ {
			sender = strings.TrimSpace(path[i])
		}
		if want := addressIn(sender, "192.0.2."); got != want {
			t.Fatalf("%q, heard from %q: permitted %v, and the sender is %q", forwarded+","+again, remote, got, sender)
		}
	})
}

func reversed(s []string) []string {
	out := make([]string, 0, len(s))
	for i := len(s) - 1; i >= 0; i-- {
		out = append(out, s[i])
	}
	return out
}

// addressIn says by its text whether an address, with a port or without, is of
// version 4 and begins so.
func addressIn(s, begin string) bool {
	text := ""
	if a, err := netip.ParseAddrPort(s); err == nil {
		text = a.Addr().Unmap().String()
	} else if a, err := netip.ParseAddr(s); err == nil {
		text = a.Unmap().String()
	}
	return strings.HasPrefix(text, begin) && !strings.Contains(text, ":")
}
