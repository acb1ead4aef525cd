package gate

import (
	"crypto/tls"
	"net"
	"testing"

	"github.com/narwhal-server/narwhal/limits"
)

// unsafeConn wraps a connection as fasthttp wraps a hijacked one.
type unsafeConn struct{ net.Conn }

func (c unsafeConn) UnsafeConn() net.Conn { return c.Conn }

// ConnOf finds the gate's Conn behind every wrapper. Without the Conn the request would
// take a second place, and the gate would not see that its client has gone.
func TestConnOf(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	g := New(Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 10}})
	if err := g.Listen(rawFile(t, ln.(*net.TCPListener))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(g.Stop)
	client := dial(t, ln.Addr().String())
	send(t, client, "/")
	c, err := g.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	config := &tls.Config{}
	for name, wrapped := range map[string]net.Conn{
		"bare":          c,
		"TLS":           tls.Server(c, config),
		"TLS, embedded": struct{ *tls.Conn }{tls.Server(c, config)},
		"TLS in TLS":    tls.Server(tls.Server(c, config), config),
		"hijacked":      unsafeConn{c},
		"TLS, hijacked": unsafeConn{tls.Server(c, config)},
		"hijacked, TLS": tls.Server(unsafeConn{c}, config),
	} {
		if got := ConnOf(wrapped); got != c {
			t.Errorf("%s: found %p, want %p", name, got, c)
		}
	}
	for name, other := range map[string]net.Conn{"none": nil, "the client's": client, "the client's with TLS": tls.Client(client, config)} {
		if got := ConnOf(other); got != nil {
			t.Errorf("%s is taken for one of the gate's", name)
		}
	}

	r := g.Begin(tls.Server(c, config), Info{Method: "GET", Path: "/"})
	if n := g.InFlight(); n != 1 {
		t.Errorf("%d requests in flight, want 1", n)
	}
	if err := r.Enter(); err != nil { // would hang if the request needed a second place
		t.Error(err)
	}
	r.End(200)
	if n := g.InFlight(); n != 0 {
		t.Errorf("%d requests in flight after the answer", n)
	}
}
