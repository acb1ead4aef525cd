package gate

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/certs/certstest"
	"github.com/narwhal-server/narwhal/limits"
)

// certificate returns the two sides of TLS with a new certificate for localhost.
func certificate(t testing.TB) (server, client *tls.Config) {
	t.Helper()
	cert, key := certstest.Pair(t, x509.Certificate{})
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(cert)
	server = &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}}
	return server, &tls.Config{RootCAs: roots, ServerName: "localhost"}
}

// serveTLS is serve with TLS.
func serveTLS(t *testing.T, o Options, rules Rules, handle func(*http.Request) int) (s *server, client *tls.Config) {
	t.Helper()
	s = serve(t, o, 0, handle)
	rules.TLS, client = certificate(t)
	s.g.Rules(rules)
	return s, client
}

func dialTLS(t *testing.T, addr string, config *tls.Config) *tls.Conn {
	t.Helper()
	c := tls.Client(dial(t, addr), config)
	c.SetDeadline(time.Now().Add(time.Minute))
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	return c
}

// Requests of every size are served, however they are cut into records, also several in one
// record, in both versions of TLS.
func TestTLS(t *testing.T) {
	sizes := make(chan int64, 1)
	s, config := serveTLS(t, Options{}, Rules{}, func(r *http.Request) int {
		sizes <- r.ContentLength
		return 200
	})
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		config := config.Clone()
		config.MaxVersion = version
		c := dialTLS(t, s.addr, config)
		r := bufio.NewReader(c)
		for _, size := range []int{0, 10, 1 << 10, 300 << 10} {
			for _, piece := range []int{1 << 20, 7000, 1} {
				if piece == 1 && size > 10 {
					continue
				}
				request := fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", size, strings.Repeat("x", size))
				go func() {
					for at := 0; at < len(request); at += piece {
						io.WriteString(c, request[at:min(at+piece, len(request))])
					}
				}()
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Fatalf("%d bytes, pieces of %d: %v", size, piece, err)
				}
				io.Copy(io.Discard, resp.Body)
				if got := <-sizes; got != int64(size) {
					t.Errorf("%d bytes arrived, want %d", got, size)
				}
			}
		}
		send(t, c, "/1")
		<-sizes
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, resp.Body)
		const three = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
		io.WriteString(c, three+three+strings.Replace(three, "Host", "Connection: close\r\nHost", 1))
		for range 3 {
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			io.Copy(io.Discard, resp.Body)
			<-sizes
		}
		if _, err := r.ReadByte(); err != io.EOF {
			t.Errorf("after the last answer: %v", err)
		}
	}
}

// A long answer arrives whole, also if the client takes it late.
func TestTLSLongAnswer(t *testing.T) {
	const size = 6 << 20
	s, config := serveTLS(t, Options{}, Rules{}, func(*http.Request) int { return 200 })
	late, quick := dialTLS(t, s.addr, config), dialTLS(t, s.addr, config)
	fmt.Fprintf(late, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: %d\r\n\r\n", size)
	s.wait(t, "the gate keeps a part", func(g *Gate) bool { return g.memory > mostUnsent && g.taken == 0 })
	send(t, quick, "/")
	answer(t, quick)
	resp, err := http.ReadResponse(bufio.NewReader(late), nil)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, resp.Body); n != size || err != nil {
		t.Errorf("%d bytes, %v", n, err)
	}
}

// A handshake that fails or stalls costs one connection, and nothing else.
func TestHandshakeFails(t *testing.T) {
	turned := make(chan error, 10)
	s, config := serveTLS(t, Options{Sync: true}, Rules{Timeout: time.Second, Turned: func(err error) { turned <- err }}, func(*http.Request) int { return 200 })
	silent, stalled := dial(t, s.addr), dial(t, s.addr)
	io.WriteString(stalled, "\x16\x03\x01\x02")
	plain := dial(t, s.addr)
	send(t, plain, "/")
	if r := answer(t, plain); r.StatusCode != 400 {
		t.Errorf("plain HTTP is answered %d", r.StatusCode)
	}
	if err := <-turned; !strings.Contains(err.Error(), "127.0.0.1") || !strings.Contains(err.Error(), "plain HTTP") {
		t.Error(err)
	}
	garbage := dial(t, s.addr)
	io.WriteString(garbage, "\x16\x03\x01\x00\x05hello")
	io.ReadAll(garbage) // an alert, and the end

	old := config.Clone()
	old.MinVersion, old.MaxVersion = tls.VersionTLS10, tls.VersionTLS11
	h2 := config.Clone()
	h2.NextProtos = []string{"h2"}
	for _, bad := range []*tls.Config{old, h2, {ServerName: "localhost"}} {
		c := tls.Client(dial(t, s.addr), bad)
		if err := c.Handshake(); err == nil {
			t.Error("the handshake succeeds")
		}
		c.Close()
	}
	c := dialTLS(t, s.addr, config)
	send(t, c, "/")
	answer(t, c)
	c.Close()
	io.ReadAll(silent)
	io.ReadAll(stalled)
	s.wait(t, "no connection is left", func(g *Gate) bool { return len(g.clients) == 0 && g.idle == 0 && g.partial == 0 })
}

// A client that stalls in the handshake is closed for another one if the worker has no
// connection left.
func TestStalledHandshakeIsReaped(t *testing.T) {
	s, config := serveTLS(t, Options{Limits: limits.Limits{WorkerConnections: 1}}, Rules{}, func(*http.Request) int { return 200 })
	stalled := dial(t, s.addr)
	io.WriteString(stalled, "\x16\x03\x01\x02")
	s.wait(t, "the handshake begins", func(g *Gate) bool { return g.partial == 1 })
	c := dialTLS(t, s.addr, config)
	send(t, c, "/")
	answer(t, c)
	if b, _ := io.ReadAll(stalled); len(b) > 0 {
		t.Errorf("%q", b)
	}
}

// What comes after the handshake and is no TLS ends the connection.
func TestTLSGarbage(t *testing.T) {
	s, config := serveTLS(t, Options{}, Rules{}, func(*http.Request) int { return 200 })
	raw := dial(t, s.addr)
	c := tls.Client(raw, config)
	if err := c.Handshake(); err != nil {
		t.Fatal(err)
	}
	io.WriteString(c, "GET / HT")
	io.WriteString(raw, "\x17\x03\x03\x00\x20"+strings.Repeat("x", 32))
	io.ReadAll(raw)
	s.wait(t, "no connection is left", func(g *Gate) bool { return len(g.clients) == 0 && g.partial == 0 })
}

// The request of a TLS connection waits for its worker: another one has not its keys.
func TestTLSRequestStays(t *testing.T) {
	release := make(chan struct{})
	f := newFamily(t, 2, Options{Limits: limits.Limits{WorkerConnections: 9}, Sync: true}, slowly(release))
	server, config := certificate(t)
	for _, m := range f.members {
		m.g.Rules(Rules{TLS: server})
	}
	raw := f.connect(t, 0, 2)
	var conns [2]*tls.Conn
	for i := range conns {
		conns[i] = tls.Client(raw[i], config)
		if err := conns[i].Handshake(); err != nil {
			t.Fatal(err)
		}
	}
	send(t, conns[0], "/slow")
	f.members[0].wait(t, "it computes", func(g *Gate) bool { return g.taken == 1 })
	send(t, conns[1], "/")
	f.members[0].wait(t, "the second waits", func(g *Gate) bool { return g.fifo.Len() == 1 })
	close(release)
	for _, c := range conns {
		if r := answer(t, c); r.StatusCode != 200 {
			t.Errorf("status %d: another worker has answered", r.StatusCode)
		}
	}
}

// A request whose client has hung up while it waited is not computed.
func TestTLSClientHangsUp(t *testing.T) {
	release := make(chan struct{})
	var computed atomic.Int32
	s, config := serveTLS(t, Options{}, Rules{}, func(r *http.Request) int {
		computed.Add(1)
		<-release
		return 200
	})
	first, second := dialTLS(t, s.addr, config), dialTLS(t, s.addr, config)
	send(t, first, "/")
	s.wait(t, "it computes", func(g *Gate) bool { return g.taken == 1 })
	send(t, second, "/")
	s.wait(t, "the second waits", func(g *Gate) bool { return g.fifo.Len() == 1 })
	second.Close()
	s.wait(t, "the second does not wait any more", func(g *Gate) bool { return g.fifo.Len() == 0 })
	close(release)
	answer(t, first)
	first.Close()
	s.wait(t, "no connection is left", func(g *Gate) bool { return len(g.clients) == 0 })
	if n := computed.Load(); n != 1 {
		t.Errorf("%d requests were computed", n)
	}
}

// A drain loses no request of clients that keep their connections.
func TestTLSDrainUnderLoad(t *testing.T) {
	s, config := serveTLS(t, Options{Limits: limits.Limits{Threads: 2}}, Rules{}, func(*http.Request) int { return 200 })
	var wg sync.WaitGroup
	answered := make(chan bool, 1000)
	for range 8 {
		c := dialTLS(t, s.addr, config)
		wg.Go(func() {
			r := bufio.NewReader(c)
			for {
				if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
					t.Errorf("send: %v", err)
					return
				}
				resp, err := http.ReadResponse(r, nil)
				if err != nil {
					t.Errorf("lost: %v", err)
					return
				}
				io.Copy(io.Discard, resp.Body)
				select {
				case answered <- true:
				default:
				}
				if resp.Close {
					if _, err := r.ReadByte(); err != io.EOF {
						t.Errorf("after the last answer: %v", err)
					}
					return
				}
			}
		})
	}
	for range 100 {
		<-answered
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := s.g.Drain(ctx, Departure{Linger: time.Minute}); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := <-s.done; !errors.Is(err, net.ErrClosed) {
		t.Error(err)
	}
}

// A TLS connection behind a proxy begins with the proxy's header.
func TestTLSBehindProxy(t *testing.T) {
	remotes := make(chan string, 1)
	s := serve(t, Options{}, 0, func(r *http.Request) int {
		remotes <- r.RemoteAddr
		return 200
	})
	rules := behind(t, "127.0.0.1")
	var config *tls.Config
	rules.TLS, config = certificate(t)
	s.g.Rules(rules)
	raw := dial(t, s.addr)
	io.WriteString(raw, "PROXY TCP4 192.0.2.7 198.51.100.1 4711 80\r\n")
	c := tls.Client(raw, config)
	send(t, c, "/")
	answer(t, c)
	if got := <-remotes; got != "192.0.2.7:4711" {
		t.Errorf("the client is %s", got)
	}
}

// A TLS connection is not parked.
func TestTLSIsNotParked(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fds[0])
	if err := unix.SetNonblock(fds[1], true); err != nil {
		t.Fatal(err)
	}
	park := os.NewFile(uintptr(fds[1]), "park")
	defer park.Close()
	s, config := serveTLS(t, Options{Park: park}, Rules{}, func(*http.Request) int { return 200 })
	c := dialTLS(t, s.addr, config)
	for range 2 {
		send(t, c, "/")
		answer(t, c)
	}
	s.wait(t, "it is idle here", func(g *Gate) bool { return len(g.clients) == 1 && g.idle == 1 })
}
