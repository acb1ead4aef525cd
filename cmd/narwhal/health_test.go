package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/control"
)

// A server is healthy while a worker answers requests.
func TestHealthOf(t *testing.T) {
	for _, c := range []struct {
		state   string
		workers string // their states
		want    string // what is said, or the error
		hint    string
	}{
		{"ready", "ready ready", "ready: master 7 on 127.0.0.1:8000, unix:/n.sock: 2 of 2 workers ready", ""},
		{"ready", "ready starting", "ready: master 7 on 127.0.0.1:8000, unix:/n.sock: 1 of 2 workers ready", ""},
		{"reloading", "ready draining starting", "reloading: master 7 on 127.0.0.1:8000, unix:/n.sock: 1 of 2 workers ready", ""},
		{"upgrading", "ready ready", "upgrading: master 7 on 127.0.0.1:8000, unix:/n.sock: 2 of 2 workers ready", ""},
		{"reloading", "draining starting", "health: the server is not ready, it is reloading: master 7 on 127.0.0.1:8000, unix:/n.sock: 0 of 2 workers ready", "the log says why"},
		{"starting", "starting starting", "health: the server is not ready, it is starting: master 7 on 127.0.0.1:8000, unix:/n.sock: 0 of 2 workers ready", "wait until"},
		{"leaving", "ready ready", "health: the server is not ready, it is leaving: master 7 on 127.0.0.1:8000, unix:/n.sock: 2 of 2 workers ready", "being stopped"},
		{"stopping", "draining", "health: the server is not ready, it is stopping: master 7 on 127.0.0.1:8000, unix:/n.sock: 0 of 2 workers ready", "being stopped"},
	} {
		s := &control.Status{Pid: 7, State: c.state, Wanted: 2, Listen: []string{"127.0.0.1:8000", "unix:/n.sock"}}
		for _, state := range strings.Fields(c.workers) {
			s.Workers = append(s.Workers, control.Worker{State: state})
		}
		said, err := healthOf(s)
		hint := ""
		if help := (*hinted)(nil); errors.As(err, &help) {
			said, hint = err.Error(), help.hint
		}
		if said != c.want || (hint == "") != (c.hint == "") || !strings.Contains(hint, c.hint) {
			t.Errorf("%s with workers %s: %q, hint %q", c.state, c.workers, said, hint)
		}
	}
}

// silent is a master that never answers.
type silent struct{ control.Master }

func (silent) Status(ctx context.Context) (*control.Status, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// A master that does not answer, or does not even take the connection, is not healthy.
// The command does not wait for it longer than --timeout.
func TestHealthOfSilentMaster(t *testing.T) {
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	asked := filepath.Join(dir, "asked.sock")
	server, err := control.Serve(asked, silent{}, 8, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	deaf := filepath.Join(dir, "deaf.sock")
	ln, err := net.Listen("unix", deaf)
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	for _, path := range []string{asked, deaf} {
		var out bytes.Buffer
		s := &serving{source: config.Source{Given: config.Given{}}, stdout: &out}
		err := newApp(s, nil).RunContext(t.Context(), []string{"narwhal", "health", "--timeout", "0.05", "--control-socket", path})
		want := "health: the server at " + path + " gave no answer within 50ms"
		if help := (*hinted)(nil); !errors.As(err, &help) || err.Error() != want || !strings.Contains(help.hint, "--timeout TIME waits longer") || out.Len() > 0 {
			t.Errorf("%v, said %q; want %q", err, &out, want)
		}
	}
}
