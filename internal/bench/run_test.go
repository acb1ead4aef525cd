package bench

import (
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The main use of the command: a thousand connections at once, over real sockets.
func TestThousandAtOnce(t *testing.T) {
	limit, err := fileLimit()
	if err != nil {
		t.Fatal(err)
	}
	n := 1000
	if need := uint64(2*n + 2*spareFiles); limit < need { // the server's ends are in this process, too
		n = int(limit)/2 - spareFiles
		t.Logf("the limit of open files is %d: %d at once instead of 1000", limit, n)
	}
	url := listen(t, answerAll(t, func(asked) string { return ok(`{"Vienna":"GPE"}`) }))
	r, err := Run(t.Context(), Options{URL: url, Requests: n, Trials: 2, Check: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.OK != 2*n || r.Failed() != 0 || len(r.Trials) != 2 || r.Connects != 2*n {
		t.Errorf("%d of %d right, %d connections, errors %v %v", r.OK, r.Requests, r.Connects, r.Errors, r.FirstError)
	}
	if r.CPU <= 0 || r.Elapsed <= 0 || r.PerSecond() <= 0 {
		t.Errorf("CPU %v, elapsed %v, %v a second: want more than 0", r.CPU, r.Elapsed, r.PerSecond())
	}
}

// Run works with each kind of socket, and with kept connections.
func TestNetworks(t *testing.T) {
	reply := answerAll(t, func(asked) string { return ok("{}") })
	path := filepath.Join(t.TempDir(), "s")
	for _, where := range []struct{ network, address string }{
		{"tcp4", "127.0.0.1:0"}, {"tcp6", "[::1]:0"}, {"unix", path},
	} {
		ln, err := net.Listen(where.network, where.address)
		if where.network == "tcp6" && err != nil {
			t.Logf("this machine has no IPv6: %v", err)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		serve(t, ln, reply)
		o := Options{Connections: 4, Requests: 40, URL: "http://" + ln.Addr().String()}
		if where.network == "unix" {
			o.URL, o.UnixSocket = "", path
		}
		r, err := Run(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if r.OK != 40 || r.Failed() != 0 {
			t.Errorf("%s: %d right, errors %v %v", where.network, r.OK, r.Errors, r.FirstError)
		}
	}
}

func TestNoSuchSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	r, err := Run(t.Context(), Options{UnixSocket: path, Requests: 3})
	if err != nil {
		t.Fatal(err)
	}
	if r.Errors[ErrConnect] != 3 || !strings.Contains(r.FirstError[ErrConnect], path) {
		t.Errorf("errors %v %v, want 3 × %q with the path", r.Errors, r.FirstError, ErrConnect)
	}
}

// A unix socket with a full queue refuses a client at once. That is another error than if
// nobody listens.
func TestFullQueue(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: path}), unix.Listen(fd, 1)); err != nil {
		t.Fatal(err)
	}
	target, err := findTarget(t.Context(), &Options{URL: defaultURL, UnixSocket: path})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		c, _, err := target.dial()
		if err != nil {
			if got := kindOf(err); got != ErrQueueFull {
				t.Errorf("%v is %q, want %q", err, got, ErrQueueFull)
			}
			return
		}
		defer c.Close()
	}
	t.Error("ten connections to a queue of one, and none refused")
}

// Over real sockets, too, the end of ctx ends the run and loses no request.
func TestEndOverSockets(t *testing.T) {
	var answered atomic.Int64
	ctx, cancel := context.WithCancel(t.Context())
	url := listen(t, answerAll(t, func(asked) string {
		if answered.Add(1) == 200 {
			cancel()
		}
		return ok("{}")
	}))
	r, err := Run(ctx, Options{URL: url, Connections: 8, Duration: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	if int64(r.OK) != answered.Load() || r.Requests != r.OK || r.Unfinished != 0 || !r.Interrupted {
		t.Errorf("%d of %d right, the server answered %d, %d unfinished, interrupted %v; want all, 0, true",
			r.OK, r.Requests, answered.Load(), r.Unfinished, r.Interrupted)
	}
}

// A deadline ends a read on a real socket. So does abort.
func TestSilentServer(t *testing.T) {
	silent := func(c net.Conn) { io.Copy(io.Discard, c) }
	r, err := Run(t.Context(), Options{URL: listen(t, silent), Requests: 3, Timeout: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Errors[ErrTimeout] != 3 || r.Failed() != 3 {
		t.Errorf("errors %v, want 3 × timeout", r.Errors)
	}

	ctx, cancel := context.WithCancel(t.Context())
	var connections atomic.Int64
	url := listen(t, func(c net.Conn) {
		if connections.Add(1) == 3 {
			cancel()
		}
		silent(c)
	})
	r, err = Run(ctx, Options{URL: url, Requests: 3, Drain: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	if r.Unfinished != 3 || r.Requests != 0 {
		t.Errorf("%d unfinished, %d requests, errors %v; want 3, 0, none", r.Unfinished, r.Requests, r.Errors)
	}
}

func TestWait(t *testing.T) {
	var asked503 atomic.Int64
	url := listen(t, answerAll(t, func(asked) string {
		if asked503.Add(1) < 3 {
			return "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
		}
		return ok("{}")
	}))
	if err := Wait(t.Context(), Options{URL: url}); err != nil || asked503.Load() != 3 {
		t.Errorf("%v after %d requests, want the third to do", err, asked503.Load())
	}

	// If ctx ends first, Wait returns what went wrong.
	for want, handle := range map[string]func(net.Conn){
		"status 500: no":                  func(c net.Conn) { once("HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\nno")(t, c) },
		"i/o timeout":                     func(c net.Conn) { io.Copy(io.Discard, c) },
		"connection closed before any by": func(c net.Conn) { once("")(t, c) },
	} {
		ctx, cancel := context.WithCancel(t.Context())
		var tries atomic.Int64
		url := listen(t, func(c net.Conn) {
			if tries.Add(1) == 2 || want == "i/o timeout" {
				cancel()
			}
			handle(c)
		})
		if err := Wait(ctx, Options{URL: url}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Wait: %v, want %q in it", err, want)
		}
		cancel()
	}
}
