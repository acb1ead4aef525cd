package bench

import (
	"bufio"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// alone returns a client that sends single requests to a server.
func alone(t *testing.T, o Options) *client {
	t.Helper()
	r, err := prepare(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{run: r}
	t.Cleanup(c.close)
	return c
}

func (c *client) ask(number int) outcome {
	return c.do(&c.run.requests[0], number, time.Now())
}

func TestKeptConnection(t *testing.T) {
	var connections atomic.Int64
	url := listen(t, func(c net.Conn) {
		connections.Add(1)
		answerAll(t, func(asked) string { return ok("{}") })(c)
	})
	for _, test := range []struct {
		name string
		o    Options
		want int
	}{
		{"kept", Options{Requests: 30, Connections: 1}, 1},
		{"one trial's connections are not another's", Options{Requests: 10, Connections: 1, Trials: 3}, 3},
		{"not kept", Options{Requests: 30, Connections: 3, DisableKeepAlive: true}, 30},
		{"a burst has one for each", Options{Requests: 10, Trials: 2}, 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			connections.Store(0)
			test.o.URL = url
			r, err := Run(t.Context(), test.o)
			if err != nil {
				t.Fatal(err)
			}
			if r.Failed() != 0 || r.Connects != test.want || connections.Load() != int64(test.want) {
				t.Errorf("%d failed, %d connections, the server saw %d, want %d", r.Failed(), r.Connects, connections.Load(), test.want)
			}
		})
	}
}

// If the server says that it will close, the client must not use the connection again.
func TestConnectionCloseIsHeeded(t *testing.T) {
	url := listen(t, answerAll(t, func(asked) string {
		return "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}"
	}))
	r, err := Run(t.Context(), Options{URL: url, Requests: 10, Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	if r.OK != 10 || r.Connects != 10 || r.Reconnects != 0 || r.Retries != 0 {
		t.Errorf("%d right, %d connects, %d reconnects, %d retries, want 10, 10, 0, 0", r.OK, r.Connects, r.Reconnects, r.Retries)
	}
}

// The server closes an idle connection without having said so. The client notices that
// before it sends.
func TestClosedWhileIdle(t *testing.T) {
	closed := make(chan struct{})
	url := listen(t, func(c net.Conn) {
		if _, _, more := read(t, bufio.NewReader(c)); !more {
			return
		}
		io.WriteString(c, ok("{}"))
		c.Close()
		closed <- struct{}{}
	})
	c := alone(t, Options{URL: url})
	for i := range 3 {
		out := c.ask(i)
		if out.err != nil || out.reconnect != (i > 0) || out.retried || out.connects != 1 {
			t.Fatalf("request %d: %+v, want an answer, on a new connection, by one attempt", i, out)
		}
		<-closed
	}
}

// The deadline of a request may pass while its connection is kept. The client still uses
// the connection.
func TestIdleLongerThanTimeout(t *testing.T) {
	c := alone(t, Options{URL: listen(t, answerAll(t, func(asked) string { return ok("{}") }))})
	if out := c.ask(0); out.err != nil {
		t.Fatal(out.err)
	}
	if err := c.conn.SetDeadline(past); err != nil {
		t.Fatal(err)
	}
	if out := c.ask(1); out.err != nil || out.connects != 0 || out.reconnect || out.retried {
		t.Errorf("%+v, want an answer on the kept connection", out)
	}
}

// The server closes a kept connection while the next request is on its way.
func TestClosedWhileSending(t *testing.T) {
	for _, method := range []string{"GET", "POST"} {
		t.Run(method, func(t *testing.T) {
			url := listen(t, func(c net.Conn) {
				r := bufio.NewReader(c)
				if _, _, more := read(t, r); more {
					io.WriteString(c, ok("{}"))
					read(t, r)
				}
			})
			c := alone(t, Options{URL: url, Method: method})
			if out := c.ask(0); out.err != nil {
				t.Fatal(out.err)
			}
			out := c.ask(1)
			if method == "GET" && (out.err != nil || !out.retried || out.connects != 1) {
				t.Errorf("%+v, want an answer by a second attempt", out)
			}
			// A POST that is sent twice could have its effect twice.
			if method == "POST" && (kindOf(out.err) != ErrNoAnswer || out.retried) {
				t.Errorf("%+v, want %q and no second attempt", out, ErrNoAnswer)
			}
		})
	}
}

// If a connection closes before its first answer, it was not closed for being idle. That
// is a failure, and a second attempt would hide it.
func TestFirstRequestIsNotRetried(t *testing.T) {
	url := listen(t, func(c net.Conn) { read(t, bufio.NewReader(c)) })
	out := alone(t, Options{URL: url}).ask(0)
	if kindOf(out.err) != ErrNoAnswer || out.retried || out.connects != 1 {
		t.Errorf("%+v, want %q after one attempt", out, ErrNoAnswer)
	}
}

func TestRunCountsSecondAttempts(t *testing.T) {
	url := listen(t, func(c net.Conn) {
		r := bufio.NewReader(c)
		if _, _, more := read(t, r); more {
			io.WriteString(c, ok("{}"))
			read(t, r)
		}
	})
	r, err := Run(t.Context(), Options{URL: url, Requests: 5, Connections: 1})
	if err != nil {
		t.Fatal(err)
	}
	got := []int{r.OK, r.Retries, r.Connects}
	if diff := cmp.Diff([]int{5, 4, 5}, got); diff != "" {
		t.Errorf("right, retries, connects (- want, + got):\n%s", diff)
	}
}
