package statsd

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for text, want := range map[string]string{
		"localhost:1":        "localhost:1",
		"stats.example":      "stats.example:8125",
		"10.0.0.1":           "10.0.0.1:8125",
		"[::1]:9":            "[::1]:9",
		"[::1]":              "[::1]:8125",
		"::1":                "[::1]:8125",
		"unix:/run/s":        "unix:/run/s",
		"unix:///run/s":      "unix:/run/s",
		"unix:s":             "unix:/dir/s",
		"unix:@s":            "unix:@s",
		"unix:":              "there is no path",
		"localhost:":         "is not a port",
		"localhost:0":        "is not a port",
		"localhost:statsd":   "is not a port",
		":8125":              "has no host",
		"":                   "has no host",
		"http://localhost:1": "is no address",
	} {
		a, err := Parse(text, "/dir")
		got := a.String()
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != want || err != nil && !strings.Contains(got, want) {
			t.Errorf("Parse(%q) = %v, %v; want %s", text, a, err, want)
		}
	}
}

// receive returns a server that listens, and a function that reads its next datagram.
func receive(t *testing.T, network, address string) (net.PacketConn, func() string) {
	t.Helper()
	c, err := net.ListenPacket(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, func() string {
		t.Helper()
		b := make([]byte, 64<<10)
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		n, _, err := c.ReadFrom(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
}

// The lines are Gunicorn's. A datagram has as many as fit into it.
func TestLines(t *testing.T) {
	c, next := receive(t, "udp", "127.0.0.1:0")
	for prefix, want := range map[string]string{"": "", "a": "a.", "a.b..": "a.b."} {
		s := New(Addr{"udp", c.LocalAddr().String()}, prefix)
		defer s.Close()
		s.Count("gunicorn.requests", 3)
		s.Count("nothing", 0)
		s.Gauge("gunicorn.workers", 2)
		s.Time("gunicorn.request.duration", 1500*time.Microsecond, 1)
		s.Time("gunicorn.request.duration", time.Second, 0.25)
		if err := s.Flush(); err != nil {
			t.Fatal(err)
		}
		if got, want := next(), want+strings.Join([]string{
			"gunicorn.requests:3|c|@1.0", "gunicorn.workers:2|g", "gunicorn.request.duration:1.500|ms", "gunicorn.request.duration:1000.000|ms|@0.25",
		}, "\n"+want); got != want {
			t.Errorf("prefix %q:\n%s\nwant\n%s", prefix, got, want)
		}
	}
	s := New(Addr{"udp", c.LocalAddr().String()}, "")
	defer s.Close()
	for range 100 {
		s.Count("gunicorn.request.status.200", 1)
	}
	if err := s.Flush(); err != nil {
		t.Fatal(err)
	}
	lines := 0
	for lines < 100 {
		p := next()
		if len(p) > mostBytes {
			t.Fatalf("a datagram has %d bytes", len(p))
		}
		lines += len(strings.Split(p, "\n"))
	}
	if lines != 100 {
		t.Errorf("%d lines have arrived, want 100", lines)
	}
}

// Without a server, and with one that reads nothing, Flush returns. When the server is there
// again, it gets what comes then.
func TestServerIsAway(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	s := New(Addr{"unixgram", path}, "")
	defer s.Close()
	s.Count("a", 1)
	if err := s.Flush(); err == nil {
		t.Error("there is no server, and no error")
	}
	c, next := receive(t, "unixgram", path)
	var err error
	for range 100_000 { // until the queue of the socket is full
		s.Count("b", 1)
		if err = s.Flush(); err != nil {
			break
		}
	}
	if err == nil {
		t.Error("a server that reads nothing takes everything")
	}
	c.SetReadDeadline(time.Now().Add(time.Minute))
	if got := next(); got != "b:1|c|@1.0" {
		t.Errorf("%q has arrived", got)
	}
	s.Count("c", 1)
	if err := s.Flush(); err != nil {
		t.Error(err)
	}
	for got := ""; got != "c:1|c|@1.0"; got = next() {
	}
}
