package web

import (
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/gate"
)

// The client is told how long its connection is kept, if it is kept.
func TestKeepAliveIsSaid(t *testing.T) {
	const said = "\nConnection: keep-alive\nKeep-Alive: timeout="
	for _, test := range []struct {
		keepAlive time.Duration
		fields    string
		want      string
	}{
		{20 * time.Second, "", said + "20\n"},
		{2500 * time.Millisecond, "", said + "2\n"},
		{500 * time.Millisecond, "", ""}, // the field has whole seconds only
		{0, "", ""},
		{20 * time.Second, "Connection: close\r\n", ""},
	} {
		s := serve(t, gate.Options{}, Options{KeepAlive: test.keepAlive})
		answer := s.dial(t).want(200, "GET /healthz HTTP/1.1\r\nHost: x\r\n"+test.fields+"\r\n")
		if !strings.Contains(answer, test.want) || test.want == "" && strings.Contains(answer, "Keep-Alive") {
			t.Errorf("--keep-alive %s, %q: %s, want %q", test.keepAlive, test.fields, answer, test.want)
		}
	}
	s := serve(t, gate.Options{}, Options{KeepAlive: 20 * time.Second})
	if answer := s.dial(t).want(400, "GET / HTTP/1.1\r\nHost: x\r\nX : y\r\n\r\n"); strings.Contains(answer, "Keep-Alive") {
		t.Errorf("a connection that is closed: %s", answer)
	}
	// Connections are kept longer than the client is told. Otherwise a request that it
	// sends at the last moment would find its connection closed.
	if got := New(Options{Recognizer: fake{}, KeepAlive: 2 * time.Second}).small.IdleTimeout; got != 3*time.Second {
		t.Errorf("connections are kept for %s, want 3s", got)
	}
	if got := New(Options{Recognizer: fake{}}).small.IdleTimeout; got != 0 {
		t.Errorf("without --keep-alive connections are kept for %s", got)
	}
}
