package peers

import (
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestHas(t *testing.T) {
	for _, c := range []struct {
		list, address string
		want          bool
	}{
		{"127.0.0.1 ::1", "127.0.0.1", true},
		{"127.0.0.1 ::1", "::ffff:127.0.0.1", true},
		{"127.0.0.1 ::1", "::1", true},
		{"127.0.0.1 ::1", "127.0.0.2", false},
		{"10.0.0.0/8", "10.255.0.1", true},
		{"10.0.0.0/8", "11.0.0.1", false},
		{"2001:db8::/32", "2001:db8:1::1", true},
		{"fe80::/10", "fe80::1%eth0", true},
		{"*", "192.0.2.1", true},
		{"", "127.0.0.1", false},
	} {
		l, err := Parse(strings.Fields(c.list))
		if err != nil {
			t.Errorf("Parse(%q): %v", c.list, err)
			continue
		}
		if got := l.Has(netip.MustParseAddr(c.address)); got != c.want {
			t.Errorf("%q has %s: %v", c.list, c.address, got)
		}
	}
	for _, wrong := range []string{"localhost", "10.0.0.1/8", "", "::ffff:1.2.3.4", "fe80::1%eth0", "10.0.0.0/33"} {
		if _, err := Parse([]string{wrong}); err == nil {
			t.Errorf("Parse(%q) succeeds", wrong)
		}
	}
}

func TestHasPeer(t *testing.T) {
	l, _ := Parse([]string{"127.0.0.1"})
	for _, c := range []struct {
		list *List
		peer net.Addr
		want bool
	}{
		{l, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, true},
		{l, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}, false},
		{l, &net.UnixAddr{Net: "unix"}, true},
		{nil, &net.UnixAddr{Net: "unix"}, false},
		{nil, &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)}, false},
	} {
		if got := c.list.HasPeer(c.peer); got != c.want {
			t.Errorf("%v has %v: %v", c.list, c.peer, got)
		}
	}
}

func TestAddress(t *testing.T) {
	for text, want := range map[string]string{
		" 192.0.2.1\t": "192.0.2.1:0", "192.0.2.1:80": "192.0.2.1:80", "2001:db8::1": "[2001:db8::1]:0",
		"[2001:db8::1]": "[2001:db8::1]:0", "[2001:db8::1]:80": "[2001:db8::1]:80", "unknown": "", "": "", "192.0.2.1:": "", "[]": "",
	} {
		got, ok := Address(text)
		if ok != (want != "") || ok && got.String() != want {
			t.Errorf("Address(%q) = %v, %v; want %s", text, got, ok, want)
		}
	}
}

func TestCheckOrigin(t *testing.T) {
	for text, want := range map[string]bool{
		"*": true, "https://example.org": true, "http://localhost:3000": true, "http://[::1]:3000": true, "chrome-extension://abc": true,
		"": false, "example.org": false, "https://example.org/": false, "https://Example.org": false, "https://example.org:443": false,
		"http://example.org:80": false, "https://": false, "https://a@example.org": false, "null": false, "https://example.org?x": false,
	} {
		if err := CheckOrigin(text); (err == nil) != want {
			t.Errorf("CheckOrigin(%q): %v", text, err)
		}
	}
}
