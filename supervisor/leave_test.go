package supervisor_test

import (
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/supervisor"
)

// During the drain delay master and workers answer that they are not ready, and serve
// every request.
func TestDrainDelay(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 2, Admin: "127.0.0.1:0", DrainDelay: time.Hour}, appSettings{Work: work}))
	admin := m.field(logevent.AdminListens.Text()+" ", "address=")
	l := clients(m.addr, 16, false)
	m.signal(syscall.SIGTERM)
	m.await(logevent.DrainDelayed.Text(), 1)
	if code := status(t, "http://"+admin+"/readyz"); code != 503 {
		t.Errorf("/readyz of the master says %d", code)
	}
	for status(t, "http://"+m.addr+"/readyz") != 503 { // until the message has reached the workers
	}
	for range 50 {
		if code := status(t, "http://"+m.addr+"/healthz"); code != 200 {
			t.Fatalf("/healthz of a worker says %d", code)
		}
	}
	if sent, failed := l.end(); failed > 0 {
		t.Errorf("%d of %d requests failed: %v", failed, sent, l.errors)
	}
	m.signal(syscall.SIGINT)
	if code := m.wait(); code != 0 {
		t.Errorf("INT after TERM: exit code %d", code)
	}
}

// After the drain delay the drain begins by itself.
func TestDrainDelayEnds(t *testing.T) {
	m := start(t, options(supervisor.Options{DrainDelay: 20 * time.Millisecond}, appSettings{}))
	m.signal(syscall.SIGTERM)
	if code := m.wait(); code != 0 || m.count(logevent.WorkerLeft.Text()) != 1 {
		t.Errorf("exit code %d, and the worker did not leave by itself:\n%s", code, m.log())
	}
}

// Workers that are too old leave one by one, and no request is lost.
func TestMaxWorkerAge(t *testing.T) {
	underLoad(t, supervisor.Options{Workers: 4, MaxWorkerAge: 300 * time.Millisecond}, func(t *testing.T, m *master, i int) {
		m.await(logevent.WorkerLeft.Text(), i+1)
	}, none)
}

// A worker that takes too much memory leaves when the worker that replaces it is ready,
// and no request is lost. The kinds of servers run in parallel: the master replaces a
// worker only when it has seen too much memory three times, five seconds apart.
func TestMaxWorkerMemory(t *testing.T) {
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			o, app := k.o, k.app
			o.Workers, o.MaxWorkerMemory = 2, 200<<20
			app.Work = work
			m := start(t, options(o, app))
			first := m.workers()
			l := clients(m.addr, 2, k.keep)
			// Whichever worker takes the request takes 256 MiB.
			c, err := connect(m.addr)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := c.ask(`{"text":"grow"}`); err != nil {
				t.Error(err)
			}
			c.Close()
			m.await(logevent.WorkerHeavy.Text(), 1)
			m.await(logevent.WorkerLeft.Text(), 1)
			var order []string
			for line := range strings.Lines(m.log()) {
				for _, e := range []logevent.Name{logevent.WorkerHeavy, logevent.WorkerStarting, logevent.WorkerReady, logevent.WorkerLeft, logevent.WorkerDied} {
					if strings.Contains(line, e.Text()) {
						order = append(order, string(e))
					}
				}
			}
			want := "worker_starting, worker_starting, worker_ready, worker_ready, worker_heavy, worker_starting, worker_ready, worker_left"
			if got := strings.Join(order, ", "); got != want {
				t.Errorf("the order is\n%s, want\n%s", got, want)
			}
			kept := 0
			for _, pid := range m.workers() {
				if slices.Contains(first, pid) {
					kept++
				}
			}
			if kept != 1 {
				t.Errorf("of the workers %v these are left: %v; want one of them and a new one", first, m.workers())
			}
			sent, failed := l.end()
			t.Logf("%d requests, %d failed", sent, failed)
			if failed > 0 || sent < 100 {
				t.Errorf("%d of %d requests failed: %v", failed, sent, l.errors)
			}
		})
	}
}

// field waits for a log line that contains text, and returns the word after name in it.
func (m *master) field(text, name string) string {
	m.await(text, 1)
	for line := range strings.Lines(m.log()) {
		if strings.Contains(line, text) {
			_, after, _ := strings.Cut(line, name)
			return strings.Fields(after)[0]
		}
	}
	return ""
}

func status(t *testing.T, url string) int {
	t.Helper()
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := c.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	return resp.StatusCode
}
