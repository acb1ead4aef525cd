package client

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// serve starts a server and returns its address.
func serve(t *testing.T, h http.HandlerFunc) (addr string) {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestRequest(t *testing.T) {
	const want = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 14\r\nConnection: close\r\n\r\n" + `{"text":"\"é"}`
	if got := string(Request("POST", `"é`, "Connection: close")); got != strings.Replace(want, "14", fmt.Sprint(len(`{"text":"\"é"}`)), 1) {
		t.Errorf("Request = %q, want %q", got, want)
	}
}

func TestAsk(t *testing.T) {
	var connections atomic.Int64
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if string(body) == string(Body("close")) {
			w.Header().Set("Connection", "close")
		}
		if string(body) == string(Body("fail")) {
			w.WriteHeader(503)
		}
		w.Write(body)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	s.Start()
	defer s.Close()
	for _, c := range []struct {
		name  string
		keep  bool
		texts []string
		want  string // the last error
		conns int64
	}{
		{"new", false, []string{"a", "b", "c"}, "<nil>", 3},
		{"kept", true, []string{"a", "b", "c"}, "<nil>", 1},
		{"kept, and the server closes", true, []string{"a", "close", "c"}, "<nil>", 2},
		{"kept, and a failure", true, []string{"a", "fail"}, "status 503", 1},
	} {
		connections.Store(0)
		cl := Client{Network: "tcp", Addr: s.Listener.Addr().String(), Keep: c.keep}
		var err error
		for _, text := range c.texts {
			var body []byte
			if body, err = cl.Ask(t.Context(), Request("GET", text)); string(body) != string(Body(text)) {
				t.Errorf("%s: the answer to %q is %q, %v", c.name, text, body, err)
			}
		}
		cl.Close()
		if got := fmt.Sprint(err); got != c.want || connections.Load() != c.conns {
			t.Errorf("%s: error %s, %d connections, want %s and %d", c.name, got, connections.Load(), c.want, c.conns)
		}
	}
}

// With Dial, the caller chooses the server.
func TestDial(t *testing.T) {
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "here") })
	asked := ""
	c := Client{Network: "tcp", Addr: "narwhal.example.org:80", Dial: func(ctx context.Context, network, to string) (net.Conn, error) {
		asked = to
		return new(net.Dialer).DialContext(ctx, network, addr)
	}}
	if body, err := c.Ask(t.Context(), Request("GET", "a")); string(body) != "here" || asked != "narwhal.example.org:80" {
		t.Errorf("the answer is %q, %v, and Dial was asked for %q", body, err, asked)
	}
	c.Dial = func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ENETUNREACH }
	if _, err := c.Ask(t.Context(), Request("GET", "a")); err == nil || !strings.HasPrefix(err.Error(), NoConnection) {
		t.Errorf("Dial fails: %v", err)
	}
}

// If the server closes an idle connection, Ask opens another one and does not fail.
func TestClosedWhileIdle(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			http.ReadRequest(bufio.NewReader(conn))
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
			conn.Close()
		}
	}()
	c := Client{Network: "tcp", Addr: ln.Addr().String(), Keep: true}
	defer c.Close()
	if _, err := c.Ask(t.Context(), Request("GET", "a")); err != nil {
		t.Fatal(err)
	}
	for !c.ended() { // until the close has arrived
		time.Sleep(time.Millisecond)
	}
	if _, err := c.Ask(t.Context(), Request("GET", "a")); err != nil {
		t.Errorf("after the server closed an idle connection: %v", err)
	}
}

func TestAskEnds(t *testing.T) {
	addr := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // only after that the server notices the connection's end
		<-r.Context().Done()
	})
	c := Client{Network: "tcp", Addr: addr, Timeout: time.Millisecond}
	if _, err := c.Ask(t.Context(), Request("GET", "a")); err == nil || !strings.HasSuffix(err.Error(), "i/o timeout") {
		t.Errorf("no answer: %v, want a timeout", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	c = Client{Network: "tcp", Addr: addr}
	_, err := c.AskBy(ctx, func(w io.Writer) error {
		defer cancel()
		_, err := w.Write(Request("GET", "a"))
		return err
	})
	if err == nil {
		t.Error("Ask goes on after its context has ended")
	}
}

func TestLoad(t *testing.T) {
	var n atomic.Int64
	addr := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		switch n.Add(1) {
		case 5:
			w.WriteHeader(500)
		case 6:
			io.WriteString(w, "other")
		default:
			io.WriteString(w, "right")
		}
	})
	l := Start(Options{
		Addrs: map[string]string{"tcp": addr}, Groups: []Group{{"tcp", false}, {"tcp", true}}, Clients: 4,
		Request: Request("GET", "a"), Want: []byte("right"),
	})
	if err := l.AwaitAnswers(t.Context(), 10); err != nil {
		t.Error(err)
	}
	times, err := l.Times(t.Context(), 20)
	if err != nil || len(times) != 40 {
		t.Errorf("Times gives %d, %v, want 20 of each group", len(times), err)
	}
	l.End()
	sent, lost, why := l.Sums()
	if sent != n.Load() || lost != 2 || l.Counts[0].Answered()+l.Counts[1].Answered() != sent-2 {
		t.Errorf("%d requests, %d lost; the server saw %d, 2 answered wrong", sent, lost, n.Load())
	}
	if !strings.Contains(why, "1 × status 500") || !strings.Contains(why, "1 × "+errOtherAnswer.Error()) {
		t.Errorf("they were lost by %q", why)
	}
	if got := l.Failed("status "); got != 1 {
		t.Errorf("Failed counts %d with a status, want 1", got)
	}
}

func TestLoadWithoutServer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	l := Start(Options{Addrs: map[string]string{"tcp": ln.Addr().String()}, Groups: []Group{{Network: "tcp"}}, Clients: 1, Request: Request("GET", "a")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.AwaitAnswers(ctx, 1); !errors.Is(err, context.Canceled) {
		t.Errorf("AwaitAnswers = %v, want canceled", err)
	}
	l.End()
	if sent, lost, why := l.Sums(); sent != lost || l.Failed(NoConnection) != lost || lost > 0 && !strings.Contains(why, "connect: connection refused") {
		t.Errorf("%d sent, %d lost: %s", sent, lost, why)
	}
}
