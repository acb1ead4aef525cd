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
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/control"
)

// The text shows Uptime, and does not use Started: the system's clock may have been set
// since the start.
func TestStatusText(t *testing.T) {
	got := statusText(&control.Status{
		Pid: 4711, State: "reloading", Started: time.Now().Add(time.Hour), Uptime: 1000 * time.Hour, Generation: 2, Wanted: 2, Listen: []string{"127.0.0.1:8000", "unix:/run/n.sock"}, Note: "prose",
		Workers: []control.Worker{
			{Slot: 1, Pid: 4713, Age: 3, Generation: 2, State: "ready", Uptime: 90 * time.Second, Requests: 120034, Busy: 33 * time.Second, Errors: 1, InFlight: 1, Connections: 2,
				Oldest: 1234 * time.Millisecond, OldestRequest: "GET /\x1b[2Jé", Memory: 61<<20 + 1<<19},
			{Slot: 1, Pid: 4712, Age: 1, Generation: 1, State: "draining", Uptime: 190*time.Minute + 59*time.Second},
		},
	})
	want := `master 4711  reloading  up 1000h  generation 2  workers 2  on 127.0.0.1:8000, unix:/run/n.sock
model prose

SLOT  PID   AGE  GEN  STATE     UP     BUSY  REQUESTS  ERRORS  IN FLIGHT  CONNS  MEMORY   OLDEST REQUEST
1     4713  3    2    ready     1m30s  37%   120034    1       1          2      61.5MiB  1.23s GET /?[2J?
1     4712  1    1    draining  3h10m  0%    0         0       0          0      -        -
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// idle is a master that is always ready, and never ends a reload.
type idle struct{ control.Master }

func (idle) Status(context.Context) (*control.Status, error) {
	return &control.Status{State: "ready"}, nil
}
func (idle) Reload(ctx context.Context) (string, error) {
	<-ctx.Done()
	return "", ctx.Err()
}

// interrupt is a writer that calls cancel at the second write.
type interrupt struct {
	bytes.Buffer
	cancel func()
	writes int
}

func (w *interrupt) Write(b []byte) (int, error) {
	if w.writes++; w.writes == 2 {
		w.cancel()
	}
	return w.Buffer.Write(b)
}

// --watch shows the status again and again until Ctrl-C, which is no error.
func TestWatch(t *testing.T) {
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "x.sock")
	server, err := control.Serve(path, idle{}, 8, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	out := &interrupt{cancel: cancel}
	s := &serving{source: config.Source{Given: config.Given{}}, stdout: out}
	if err := newApp(s, nil).RunContext(ctx, []string{"narwhal", "status", "--control-socket", path, "--watch", "--json"}); err != nil {
		t.Error(err)
	}
	if n := strings.Count(out.String(), "\n"); n != 2 || strings.Count(out.String(), `"state":"ready"`) != 2 {
		t.Errorf("two looks are %q", out)
	}
	// Other commands report that they did not wait for the outcome.
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(time.Millisecond, cancel)
	err = newApp(s, nil).RunContext(ctx, []string{"narwhal", "reload", "--control-socket", path})
	if help := (*hinted)(nil); !errors.As(err, &help) || err.Error() != "reload: interrupted while it waited for the outcome" {
		t.Errorf("an interrupted reload: %v", err)
	}
}

// on is a master that listens on one address.
type on struct {
	control.Master
	address string
}

func (m on) Status(context.Context) (*control.Status, error) {
	return &control.Status{State: "ready", Listen: []string{m.address}}, nil
}

// With several masters, the error names all of them, also one that does not answer. The
// hint says what to type.
func TestSeveralMasters(t *testing.T) {
	dir, err := os.MkdirTemp("", "ctl")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	t.Setenv("RUNTIME_DIRECTORY", dir) // other masters of this machine are elsewhere
	for name, address := range map[string]string{"11.sock": "127.0.0.1:8000", "12.sock": "unix:/n.sock"} {
		server, err := control.Serve(filepath.Join(dir, name), on{address: address}, 8, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		defer server.Close()
	}
	deaf, err := net.Listen("unix", filepath.Join(dir, "13.sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()

	s := &serving{source: config.Source{Given: config.Given{}}}
	for _, command := range []string{"status", "stop"} {
		err := newApp(s, nil).RunContext(t.Context(), []string{"narwhal", command})
		want := command + ": 3 masters are running: pid 11 on 127.0.0.1:8000; pid 12 on unix:/n.sock; pid 13 (it does not answer)"
		hint := "choose one: add to narwhal " + command + " one of these: --control-socket " + dir + "/11.sock for 127.0.0.1:8000, or --control-socket " + dir +
			"/12.sock for unix:/n.sock, or --control-socket " + dir + "/13.sock"
		if help := (*hinted)(nil); !errors.As(err, &help) || err.Error() != want || help.hint != hint {
			t.Errorf("%s with several masters: %+v", command, err)
		}
	}
}
