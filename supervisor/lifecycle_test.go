package supervisor_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/limits"
	"github.com/narwhal-server/narwhal/supervisor"
)

const work = 2 * time.Millisecond

// events is how often each event happens under load. To have as many as the long form
// of scripts/chaos: go test ./supervisor -events 20.
var events = flag.Int("events", someEvents, "how often each event happens under load")

// kinds are the kinds of server on which every event is tried.
var kinds = []struct {
	name string
	o    supervisor.Options
	app  appSettings
	keep bool // the clients keep their connections
	race bool // tried under the race detector, too, where all kinds would take too long
	few  bool // at most 5 events: the library is the same with every HTTP server
}{
	{name: "sync", o: supervisor.Options{Sync: true}},
	{name: "concurrent", o: supervisor.Options{}, app: appSettings{KeepAlive: 2 * time.Second}},
	{name: "keepalive", o: supervisor.Options{Linger: 2 * time.Second}, app: appSettings{KeepAlive: 2 * time.Second}, keep: true, race: true},
	{name: "parked", o: supervisor.Options{Park: true, Linger: 2 * time.Second}, app: appSettings{KeepAlive: 2 * time.Second}, keep: true},
	{name: "parked sync", o: supervisor.Options{Sync: true, Park: true, Linger: 2 * time.Second}, app: appSettings{KeepAlive: 2 * time.Second}, keep: true, race: true},
	{name: "nethttp", o: supervisor.Options{}, app: appSettings{NetHTTP: true}, race: true, few: true},
}

// underLoad repeats an event while 16 clients send requests, on every kind of server.
// It checks that no more requests fail than allowed returns for the kind.
func underLoad(t *testing.T, o supervisor.Options, event func(t *testing.T, m *master, i int), allowed func(kind string) int64) {
	for _, k := range kinds {
		if underRace && !k.race {
			continue
		}
		t.Run(k.name, func(t *testing.T) {
			mine := o
			mine.Sync, mine.Linger, mine.Park = k.o.Sync, k.o.Linger, k.o.Park
			app := k.app
			app.Work = work
			m := start(t, options(mine, app))
			l := clients(m.addr, 16, k.keep)
			times := *events
			if k.few {
				times = min(times, 5)
			}
			for i := range times {
				event(t, m, i)
			}
			for l.sent.Load() < 100 { // on a slow machine quick events are over before
				time.Sleep(time.Millisecond)
			}
			sent, failed := l.end()
			t.Logf("%s: %d events, %d requests, %d failed", k.name, times, sent, failed)
			if failed > allowed(k.name) {
				t.Errorf("%d of %d requests failed, at most %d may: %v", failed, sent, allowed(k.name), l.errors)
			}
		})
	}
}

func none(string) int64 { return 0 }

func TestReload(t *testing.T) {
	underLoad(t, supervisor.Options{Workers: 4}, func(t *testing.T, m *master, i int) {
		m.signal(syscall.SIGHUP)
		m.await(logevent.ReloadDone.Text(), i+1)
	}, none)
}

func TestScale(t *testing.T) {
	underLoad(t, supervisor.Options{Workers: 2}, func(t *testing.T, m *master, i int) {
		ready := m.count(logevent.WorkerReady.Text())
		m.signal(syscall.SIGTTIN)
		m.await(logevent.WorkerReady.Text(), ready+1)
		m.signal(syscall.SIGTTOU)
		m.await(logevent.WorkerLeft.Text(), i+1)
	}, none)
}

func TestMaxRequests(t *testing.T) {
	underLoad(t, supervisor.Options{Workers: 4, Limits: limits.Limits{MaxRequests: 50, MaxRequestsJitter: 10}}, func(t *testing.T, m *master, i int) {
		m.await(logevent.WorkerLeft.Text(), i+1)
	}, none)
}

func TestWorkerTerm(t *testing.T) {
	underLoad(t, supervisor.Options{Workers: 4}, func(t *testing.T, m *master, i int) {
		ready := m.count(logevent.WorkerReady.Text())
		if err := syscall.Kill(m.workers()[0], syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		m.await(logevent.WorkerReady.Text(), ready+1)
		m.await(logevent.WorkerLeft.Text(), i+1)
	}, none)
}

// A worker that is killed loses the requests that it had. In sync mode that is at most
// one.
func TestKill(t *testing.T) {
	underLoad(t, supervisor.Options{Workers: 4}, func(t *testing.T, m *master, i int) {
		ready := m.count(logevent.WorkerReady.Text())
		if err := syscall.Kill(m.workers()[0], syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		m.await(logevent.WorkerDied.Text(), i+1)
		m.await(logevent.WorkerReady.Text(), ready+1)
	}, func(kind string) int64 {
		switch kind {
		case "sync", "parked sync":
			return int64(*events) // one request at a time
		case "keepalive":
			return int64(*events) * 16 // every client may be connected to the killed worker
		}
		// The worker computes procs() requests and may have read as many more.
		return int64(*events) * 2 * int64(procs())
	})
}

func procs() int { return max(1, numCPU()/4) }

func numCPU() int {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return 1
	}
	return strings.Count("\n"+string(b), "\nprocessor")
}

// After TERM every connected client is answered, also those in the accept queue.
func TestTermAnswersTheQueue(t *testing.T) {
	for _, bind := range []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "n.sock"), abstractName(t)} {
		m := start(t, options(supervisor.Options{Bind: []string{bind}, Workers: 2, Sync: true}, appSettings{Work: 5 * time.Millisecond}))
		var wg sync.WaitGroup
		var mu sync.Mutex
		var failures []error
		connected := make(chan struct{}, 200)
		for range 200 {
			c, err := connect(m.addr)
			if err != nil {
				t.Fatal(err)
			}
			wg.Go(func() {
				defer c.Close()
				connected <- struct{}{}
				if _, err := c.ask(`{"text":"x"}`); err != nil {
					mu.Lock()
					failures = append(failures, err)
					mu.Unlock()
				}
			})
		}
		for range 200 {
			<-connected
		}
		m.signal(syscall.SIGTERM)
		wg.Wait()
		if len(failures) > 0 {
			t.Errorf("%s: %d of 200 connected clients got no answer, the first: %v", bind, len(failures), failures[0])
		}
		if code := m.wait(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		if c, err := connect(m.addr); err == nil {
			c.Close()
			t.Error("somebody still listens")
		}
	}
}

// When the master is killed, its workers answer all connected clients, then leave.
func TestMasterKilled(t *testing.T) {
	for _, bind := range []string{"127.0.0.1:0", "unix:" + filepath.Join(t.TempDir(), "n.sock"), abstractName(t)} {
		masterKilled(t, bind)
	}
}

func masterKilled(t *testing.T, bind string) {
	m := start(t, options(supervisor.Options{Bind: []string{bind}, Workers: 2, Sync: true}, appSettings{Work: 5 * time.Millisecond}))
	workers := m.workers()
	var wg sync.WaitGroup
	errs := make(chan error, 100)
	for range 100 {
		c, err := connect(m.addr)
		if err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			defer c.Close()
			_, err := c.ask(`{"text":"x"}`)
			errs <- err
		})
	}
	m.signal(syscall.SIGKILL)
	wg.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Errorf("a connected client got no answer: %v", err)
		}
	}
	for _, pid := range workers {
		awaitGone(t, pid)
	}
}

func awaitGone(t *testing.T, pid int) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil || strings.Contains(string(b), ") Z ") {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("process %d has outlived its master", pid)
		}
	}
}

func TestHungRequest(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 1, Sync: true, Limits: limits.Limits{Timeout: time.Second}}, appSettings{}))
	c, err := connect(m.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	hung := make(chan error, 1)
	go func() { _, err := c.ask(`{"text":"hang"}`); hung <- err }()
	m.await(logevent.RequestHung.Text(), 1)
	m.await(logevent.WorkerReady.Text(), 2)
	l := clients(m.addr, 2, false)
	m.await("SIGABRT: abort", 1)    // the Go runtime says this
	m.await("select (no cases)", 1) // the stack of the hung request
	if err := <-hung; err == nil {
		t.Error("the hung request was answered")
	}
	if _, failed := l.end(); failed > 0 && m.late() == 1 {
		t.Errorf("%d others failed: %v", failed, l.errors)
	}
	if log := m.log(); !strings.Contains(log, `request="GET /"`) || !strings.Contains(log, "size=15") {
		t.Errorf("the log does not say which request it was")
	}
}

func TestStoppedWorker(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 2, Sync: true, Limits: limits.Limits{Timeout: time.Second}}, appSettings{Work: work}))
	victim := m.workers()[0]
	if err := syscall.Kill(victim, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	m.await(logevent.WorkerSilent.Text(), 1)
	m.await(logevent.WorkerReady.Text(), 3)
	awaitGone(t, victim)
	l := clients(m.addr, 4, false)
	for l.sent.Load() < 100 {
		time.Sleep(time.Millisecond)
	}
	if _, failed := l.end(); failed > 0 && m.late() == 1 {
		t.Errorf("%d failed: %v", failed, l.errors)
	}
}

// late returns how many workers were replaced because of --timeout. With a short
// --timeout, ordinary requests can be late, too, on a machine with other work.
func (m *master) late() int {
	return m.count(logevent.RequestHung.Text()) + m.count(logevent.WorkerSilent.Text())
}

func TestSecondMaster(t *testing.T) {
	m := start(t, options(supervisor.Options{}, appSettings{}))
	second := launch(t, options(supervisor.Options{Bind: []string{m.addr}}, appSettings{}))
	if code := second.wait(); code == 0 {
		t.Error("a second master on the same address ended well")
	}
	if want := fmt.Sprintf("in use by a narwhal: pid %d", m.cmd.Process.Pid); !strings.Contains(second.log(), want) {
		t.Errorf("the second master does not say %q:\n%s", want, second.log())
	}
	if c, err := connect(m.addr); err != nil {
		t.Errorf("the first was harmed: %v", err)
	} else {
		c.Close()
	}
}

func TestBrokenAtStart(t *testing.T) {
	m := launch(t, options(supervisor.Options{Workers: 2}, appSettings{Broken: "no such model: xx"}))
	if code := m.wait(); code == 0 {
		t.Error("a master without workers ended well")
	}
	if !strings.Contains(m.log(), "no worker could start: no such model: xx") {
		t.Errorf("the worker's own error is missing:\n%s", m.log())
	}
}

func TestBrokenReload(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 2, Sync: true}, appSettings{Work: work}))
	before := m.workers()
	l := clients(m.addr, 4, false)
	for i, file := range []string{
		`{"Settings":{"Broken":"no such model: yy"}}`, // a worker that cannot start
		`{"Workers":`, // a file that cannot be read
	} {
		if err := os.WriteFile(m.reload, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		m.signal(syscall.SIGHUP)
		m.await(logevent.ReloadFailed.Text(), i+1)
	}
	if _, failed := l.end(); failed > 0 {
		t.Errorf("%d requests failed: %v", failed, l.errors)
	}
	if after := m.workers(); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the workers changed from %v to %v", before, after)
	}
	if !strings.Contains(m.log(), "no such model: yy") {
		t.Error("the log does not say why")
	}
}

// Four clients that send only part of a request do not stop four sync workers.
func TestSilentClients(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 4, Sync: true}, appSettings{Work: work}))
	for range 4 {
		c, err := connect(m.addr)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		fmt.Fprint(c, "GET / HT") // so that TCP_DEFER_ACCEPT lets it be accepted
	}
	l := clients(m.addr, 4, false)
	for l.sent.Load() < 200 {
		time.Sleep(time.Millisecond)
	}
	if _, failed := l.end(); failed > 0 {
		t.Errorf("%d failed: %v", failed, l.errors)
	}
}

func TestPanicIsOneRequest(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 1, Sync: true}, appSettings{}))
	before := m.workers()
	c, err := connect(m.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.ask(`{"text":"panic"}`); err == nil || !strings.Contains(err.Error(), "status 500") {
		t.Errorf("a panic was answered with %v", err)
	}
	m.await("told to", 1)
	if after := m.workers(); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the worker died of it: %v, then %v", before, after)
	}
}
