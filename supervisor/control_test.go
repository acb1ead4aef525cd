package supervisor_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/supervisor"
)

// controlled adds a control socket to options, and makes a client of that socket.
func controlled(t *testing.T, o supervisor.Options) (supervisor.Options, *control.Client) {
	dir, err := os.MkdirTemp("", "narwhal") // t.TempDir's name may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	o.Control = filepath.Join(dir, "control.sock")
	return o, control.NewClient(o.Control)
}

// Commands over the control socket lose no request. A command is answered when it has
// taken effect.
func TestControl(t *testing.T) {
	o, c := controlled(t, supervisor.Options{Workers: 2})
	m := start(t, options(o, appSettings{Work: work}))
	l := clients(m.addr, 16, false)
	for i := range 3 {
		if said, err := c.Reload(t.Context()); err != nil || m.countWorkers(t, c, i+2) < 2 {
			t.Errorf("reload: %q, %v, and the new workers are not there", said, err)
		}
		for _, n := range []int{4, 1, 2} {
			if said, err := c.Scale(t.Context(), n); err != nil || m.countWorkers(t, c, i+2) != n {
				t.Errorf("scale %d: %q, %v; %v", n, said, err, m.workers())
			}
		}
	}
	sent, failed := l.end()
	if failed > 0 || sent < 100 {
		t.Errorf("%d of %d requests failed: %v", failed, sent, l.errors)
	}
	if said, err := c.Stop(t.Context(), false); said != "stopped" || err != nil {
		t.Errorf("stop: %q, %v", said, err)
	}
	if code := m.wait(); code != 0 {
		t.Errorf("the master ended with %d", code)
	}
	if _, err := os.Lstat(o.Control); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the control socket is still there: %v", err)
	}
	if _, err := c.Status(t.Context()); !errors.Is(err, control.ErrNone) {
		t.Errorf("status of a master that has gone: %v", err)
	}
}

// countWorkers returns how many workers of a generation are ready.
func (m *master) countWorkers(t *testing.T, c *control.Client, generation int) int {
	t.Helper()
	s, err := c.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, w := range s.Workers {
		if w.State == "ready" && w.Generation == generation && w.Memory > 0 {
			n++
		}
	}
	return n
}

// If a worker cannot start, its error reaches the client that asked for the reload.
// The answer to a stop says which requests did not finish.
func TestControlFailures(t *testing.T) {
	o, c := controlled(t, supervisor.Options{})
	o.GracefulTimeout = 1 // ns
	m := start(t, options(o, appSettings{}))
	m.next(t, options(o, appSettings{Broken: "no such pipeline"}))
	if said, err := c.Reload(t.Context()); err == nil || !strings.Contains(err.Error(), "no such pipeline") {
		t.Errorf("reload: %q, %v", said, err)
	}
	if n := m.countWorkers(t, c, 1); n != 1 {
		t.Errorf("%d old workers are ready after a reload that failed", n)
	}
	client, err := connect(m.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	hung := make(chan error, 1)
	go func() {
		_, err := client.ask(`{"text": "hang"}`)
		hung <- err
	}()
	for {
		s, err := c.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if w := s.Workers[0]; w.InFlight == 1 && w.Oldest > 0 {
			if !strings.HasPrefix(w.OldestRequest, "GET /") {
				t.Errorf("the oldest request is %q", w.OldestRequest)
			}
			break
		}
	}
	if said, err := c.Stop(t.Context(), false); err == nil || !strings.Contains(err.Error(), "1 request did not finish") {
		t.Errorf("stop: %q, %v", said, err)
	}
	if err := <-hung; err == nil {
		t.Error("the hanging request was answered")
	}
}

// A master that cannot make its control socket warns, and serves.
func TestControlUnwritable(t *testing.T) {
	o := supervisor.Options{Control: filepath.Join(t.TempDir(), "absent", "control.sock")}
	m := start(t, options(o, appSettings{}))
	if m.count(logevent.ControlFailed.Text()) != 1 {
		t.Errorf("the log does not say that there is no control socket:\n%s", m.log())
	}
}

// next writes the options that the next reload reads.
func (m *master) next(t *testing.T, o supervisor.Options) {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(m.reload, b, 0o600); err != nil {
		t.Fatal(err)
	}
}
