package supervisor_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/supervisor"
)

// liveStatus is what the page of the admin address gets.
type liveStatus struct {
	Pid          int
	State, Model string
	Requests     uint64
	Durations    struct {
		Edges   []float64
		Buckets []uint64
		Count   uint64
	}
	Places float64
	Queues []struct{ Limit int }
	Lost   float64

	Workers []struct {
		Slot, Pid, Age, Generation int
		State                      string
		Memory                     int64   `json:"memory_bytes"`
		Oldest                     float64 `json:"oldest_request_seconds"`
	}
	Events []pastEvent
}

type pastEvent struct {
	Time           time.Time
	Event, Message string
	Fields         [][2]string
}

// liveOf asks an admin address for the status.
func liveOf(t *testing.T, admin string) (s liveStatus, text string) {
	t.Helper()
	resp, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Get("http://" + admin + "/status")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/json" {
		t.Fatalf("/status: %d, %v: %s", resp.StatusCode, err, b)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatalf("/status: %v: %s", err, b)
	}
	return s, string(b)
}

// untilLive asks for the status until it is what is wanted.
func untilLive(t *testing.T, admin, what string, ok func(liveStatus) bool) (s liveStatus, text string) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		if s, text = liveOf(t, admin); ok(s) {
			return s, text
		}
		if time.Now().After(end) {
			t.Fatalf("never: %s; the status is\n%s", what, text)
		}
	}
}

func (s liveStatus) has(e logevent.Name, fields ...string) bool {
	for _, past := range s.Events {
		text := fmt.Sprint(past.Fields)
		if past.Event == string(e) && !slices.ContainsFunc(fields, func(f string) bool { return !strings.Contains(text, f) }) {
			return true
		}
	}
	return false
}

// The status has what the page shows: the workers, the numbers, and the events of the last
// hour, also over an upgrade. It has nothing of a request.
func TestLive(t *testing.T) {
	const private = "private-path-of-a-request"
	m := start(t, options(supervisor.Options{Workers: 2, Admin: "127.0.0.1:0"}, appSettings{NetHTTP: true}))
	l := newLine(t, m)
	admin := adminAddress.FindStringSubmatch(l.log())[1]
	s, _ := liveOf(t, admin)
	if s.Pid != m.cmd.Process.Pid || s.State != "ready" || len(s.Workers) != 2 || s.Places < 2 || len(s.Queues) != 1 || s.Queues[0].Limit < 100 || !s.has(logevent.ServiceReady) {
		t.Errorf("at the start: %+v", s)
	}
	for _, w := range s.Workers {
		if w.State != "ready" || w.Pid == 0 || w.Memory < 1<<20 || w.Generation != 1 {
			t.Errorf("a worker: %+v", w)
		}
	}
	for range 20 {
		if _, err := once(l.addr, "POST", "/", `{"text":"x"}`); err != nil {
			t.Fatal(err)
		}
	}
	s, _ = untilLive(t, admin, "20 requests", func(s liveStatus) bool { return s.Requests == 20 })
	if d := s.Durations; d.Count != 20 || len(d.Edges) != len(d.Buckets) || !slices.IsSorted(d.Buckets) || d.Buckets[len(d.Buckets)-1] > 20 {
		t.Errorf("the durations: %+v", d)
	}

	// A worker dies while it computes a request. The log names the request, the status does not.
	c, err := net.Dial("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	const body = `{"text":"hang"}`
	fmt.Fprintf(c, "POST /%s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", private, len(body), body)
	running := func(s liveStatus) int { // the pid of the worker that computes
		for _, w := range s.Workers {
			if w.Oldest > 0 {
				return w.Pid
			}
		}
		return 0
	}
	s, text := untilLive(t, admin, "a request that runs", func(s liveStatus) bool { return running(s) > 0 })
	if strings.Contains(text, private) {
		t.Errorf("the status names a request that runs:\n%s", text)
	}
	victim := running(s)
	if err := syscall.Kill(victim, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	m.says(logevent.WorkerDied.Text(), private)
	_, text = untilLive(t, admin, "the death", func(s liveStatus) bool {
		return s.has(logevent.WorkerDied, "status signal SIGKILL", fmt.Sprint("worker_pid ", victim))
	})
	if strings.Contains(text, private) {
		t.Errorf("the status names the request that ran:\n%s", text)
	}
	l.signal(syscall.SIGHUP)
	untilLive(t, admin, "the reload", func(s liveStatus) bool { return s.has(logevent.ReloadDone, "generation 2") })

	l.upgrade(t)
	s, text = untilLive(t, admin, "the events of both masters", func(s liveStatus) bool {
		return s.Pid != m.cmd.Process.Pid && s.has(logevent.WorkerDied) && s.has(logevent.ReloadDone) && s.has(logevent.UpgradeHandedOver) && s.has(logevent.UpgradeTakenOver)
	})
	if !slices.IsSortedFunc(s.Events, func(a, b pastEvent) int { return a.Time.Compare(b.Time) }) {
		t.Errorf("the events are not in order:\n%s", text)
	}
	if s.Requests < 20 || s.Lost != 1 {
		t.Errorf("after the upgrade: %d requests, %v lost", s.Requests, s.Lost)
	}
}

// A client that asks and does not read, or many that ask at once, keep the master from
// nothing.
func TestLiveDoesNotHoldUpTheMaster(t *testing.T) {
	path := filepath.Join(t.TempDir(), "admin")
	m := start(t, options(supervisor.Options{Workers: 1, Admin: "unix:" + path}, appSettings{}))
	for range 50 {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, strings.Repeat("GET /status HTTP/1.1\r\nHost: x\r\n\r\n", 100))
	}
	m.signal(syscall.SIGHUP)
	m.await(logevent.ReloadDone.Text(), 1)
	if _, err := once(m.addr, "POST", "/", `{"text":"x"}`); err != nil {
		t.Error(err)
	}
}
