package main

import (
	"context"
	"net"
	"testing"
)

// A name has two addresses, and a server listens on one of them.
func TestDial(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	lookup := func(context.Context, string) ([]string, error) { return []string{"127.0.0.1", "127.0.0.2"}, nil }
	for _, again := range []bool{true, false} {
		d := &dialer{again: again, lookup: lookup, servers: map[string]int{}}
		failed := 0
		for range 100 {
			conn, err := d.dial(t.Context(), "tcp", net.JoinHostPort("narwhal", port))
			if err != nil {
				failed++
				continue
			}
			conn.Close()
		}
		if (failed == 0) != again || failed == 100 {
			t.Errorf("again %v: %d of 100 connections failed", again, failed)
		}
		if len(d.servers) != 1 || d.servers["127.0.0.1"] != 100-failed {
			t.Errorf("again %v: connections to %v, %d failed", again, d.servers, failed)
		}
	}
}
