package gate

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/peers"
	"github.com/narwhal-server/narwhal/internal/proxyproto"
	"github.com/narwhal-server/narwhal/limits"
)

// behind returns rules for connections from a proxy.
func behind(t *testing.T, proxies string) Rules {
	t.Helper()
	list, err := peers.Parse([]string{proxies})
	if err != nil {
		t.Fatal(err)
	}
	return Rules{Proxy: &Proxy{proxyproto.Both, list}}
}

// The client's address is the one in the header, in both versions and however the bytes are
// split. The bytes behind the header are the request. A kept connection has one header.
func TestProxyHeader(t *testing.T) {
	const v2 = "\r\n\r\n\x00\r\nQUIT\n"
	remotes := make(chan string, 1)
	s := serve(t, Options{}, 0, func(r *http.Request) int {
		remotes <- r.RemoteAddr
		return 200
	})
	s.g.Rules(behind(t, "127.0.0.1"))
	for header, want := range map[string]string{
		"PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n":                         "192.0.2.7:4711",
		"PROXY TCP6 2001:db8::1 ::1 4711 80\r\n":                                "[2001:db8::1]:4711",
		v2 + "\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01\x12\x67\x00\x50": "192.0.2.7:4711",
		v2 + "\x20\x00\x00\x00":                                                 "", // the proxy's own
	} {
		all := header + "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
		for _, pieces := range [][]string{{all}, strings.Split(all, "")} {
			conn := dial(t, s.addr)
			want := want
			if want == "" {
				want = conn.LocalAddr().String()
			}
			for _, p := range pieces {
				io.WriteString(conn, p)
			}
			answer(t, conn)
			if got := <-remotes; got != want {
				t.Errorf("%q: the client is %s, want %s", header, got, want)
			}
			send(t, conn, "/again")
			answer(t, conn)
			if got := <-remotes; got != want {
				t.Errorf("%q, second request: the client is %s, want %s", header, got, want)
			}
		}
	}
}

// A connection without a valid header, and one from another address, is closed without an
// answer.
func TestProxyHeaderIsDemanded(t *testing.T) {
	for _, c := range []struct{ from, sent, want string }{
		{"127.0.0.1", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "does not begin with a header of the PROXY protocol"},
		{"127.0.0.1", "PROXY TCP4 nobody 198.51.100.1 4711 80\r\n", "not of the form"},
		{"192.0.2.0/24", "", "may not send a PROXY header"},
	} {
		s := serve(t, Options{}, 0, func(*http.Request) int {
			t.Error("a request was served")
			return 200
		})
		turned := make(chan error, 1)
		rules := behind(t, c.from)
		rules.Turned = func(err error) { turned <- err }
		s.g.Rules(rules)
		conn := dial(t, s.addr)
		io.WriteString(conn, c.sent)
		if b, _ := io.ReadAll(conn); len(b) > 0 { // the error is io.EOF or a reset
			t.Errorf("%q is answered %q", c.sent, b)
		}
		if err := <-turned; !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%q: %v, want %s", c.sent, err, c.want)
		}
	}
}

// A client that stalls in the header, or ends in it, costs one connection, until the time
// limit of a head.
func TestStallInProxyHeader(t *testing.T) {
	s := serve(t, Options{}, 0, func(*http.Request) int { return 200 })
	rules := behind(t, "127.0.0.1")
	rules.Timeout = 200 * time.Millisecond
	s.g.Rules(rules)
	for _, half := range []bool{false, true} {
		conn := dial(t, s.addr)
		io.WriteString(conn, "PROXY TCP4 192.0")
		if half {
			conn.(*net.TCPConn).CloseWrite()
		}
		if b, _ := io.ReadAll(conn); len(b) > 0 {
			t.Errorf("answer %q", b)
		}
	}
	s.wait(t, "no connection is left", func(g *Gate) bool { return len(g.clients) == 0 })
}

// A request that moves to another worker keeps its client's address.
func TestProxiedRequestMoves(t *testing.T) {
	release, remotes := make(chan struct{}), make(chan string, 2)
	f := newFamily(t, 2, Options{Limits: limits.Limits{WorkerConnections: 9}, Sync: true}, func(member int, r *http.Request) int {
		if r.URL.Path != "/slow" {
			remotes <- fmt.Sprint(member, " ", r.RemoteAddr)
		}
		return slowly(release)(member, r)
	})
	for _, m := range f.members {
		m.g.Rules(behind(t, "127.0.0.1"))
	}
	conns := f.connect(t, 0, 2)
	io.WriteString(conns[0], "PROXY TCP4 192.0.2.1 198.51.100.1 1 80\r\n")
	send(t, conns[0], "/slow")
	f.members[0].wait(t, "it computes", func(g *Gate) bool { return g.taken == 1 })
	io.WriteString(conns[1], "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n")
	send(t, conns[1], "/")
	answersOfBoth(t, conns, release)
	if got := <-remotes; got != "1 192.0.2.7:4711" {
		t.Errorf("served by and for %s", got)
	}
}
