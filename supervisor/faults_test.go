package supervisor_test

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/supervisor"
)

// These tests break something outside of narwhal, such as memory or the number of
// descriptors. What is not affected serves, and the log says what to do. When the fault
// has passed, narwhal recovers by itself.

// says waits for a log line that contains text, and checks that such a line has a hint
// that contains hint.
func (m *master) says(text, hint string) {
	m.t.Helper()
	m.await(text, 1)
	for line := range strings.Lines(m.log()) {
		if strings.Contains(line, text) && strings.Contains(line, "hint=") && strings.Contains(line, hint) {
			return
		}
	}
	m.t.Errorf("the log says %q and not what to do: want %q", text, hint)
}

// limitFiles lets a process open only descriptors below n, until restore is called.
func limitFiles(t *testing.T, pid int, n uint64) (restore func()) {
	t.Helper()
	var before unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &before); err != nil {
		t.Fatal(err)
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: n, Max: before.Max}, nil); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &before, nil); err != nil {
			t.Error(err)
		}
	}
}

// room returns the limit with which a process can open free more descriptors.
func room(pid, free int) (limit uint64) {
	for free > 0 {
		if _, err := os.Lstat(fmt.Sprintf("/proc/%d/fd/%d", pid, limit)); err != nil {
			free--
		}
		limit++
	}
	return limit
}

// askAll sends n requests at the same time, each over its own connection.
func askAll(t *testing.T, addr string, n int) {
	t.Helper()
	errs := make(chan error, n)
	for range n {
		go func() {
			c, err := connect(addr)
			if err == nil {
				defer c.Close()
				_, err = c.ask(`{"text":"x"}`)
			}
			errs <- err
		}()
	}
	failed := 0
	for range n {
		if err := <-errs; err != nil {
			failed++
			t.Logf("a request failed: %v", err)
		}
	}
	if failed > 0 {
		t.Errorf("%d of %d requests failed", failed, n)
	}
}

// atMost waits for 100 requests, ends the load, and checks that at most most of its
// requests have failed.
func (l *load) atMost(t *testing.T, most int64) {
	t.Helper()
	for end := time.Now().Add(time.Minute); l.sent.Load() < 100 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
	sent, failed := l.end()
	t.Logf("%d requests, %d failed", sent, failed)
	if failed > most || sent < 100 {
		t.Errorf("%d of %d requests failed, at most %d may: %v", failed, sent, most, l.errors)
	}
}

// A worker that cannot open a descriptor accepts no connection. The other worker serves.
func TestWorkerWithoutFiles(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 2}, appSettings{Work: work}))
	l := clients(m.addr, 8, false)
	restore := limitFiles(t, m.workers()[0], 3)
	m.says(logevent.AcceptFails.Text(), "LimitNOFILE")
	restore()
	l.atMost(t, 0)
	if n := m.count(logevent.AcceptFails.Text()); n != 1 {
		t.Errorf("it was said %d times", n)
	}
}

// The only worker has descriptors for four connections. Twelve clients still get their
// answers, four at a time.
func TestFewFiles(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 1}, appSettings{Delay: 500 * time.Millisecond}))
	askAll(t, m.addr, 1)
	pid := m.workers()[0]
	limitFiles(t, pid, room(pid, 4))
	for range 20 { // on a slow machine the first clients may have left before the last ones come
		if askAll(t, m.addr, 12); m.count(logevent.AcceptFails.Text()) > 0 {
			break
		}
	}
	m.says(logevent.AcceptFails.Text(), "lower --worker-connections")
	if after := m.workers(); len(after) != 1 || after[0] != pid {
		t.Errorf("worker %d has become %v", pid, after)
	}
}

// A master that cannot open a descriptor cannot start workers. The workers that it has
// serve.
func TestMasterWithoutFiles(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 2, Sync: true}, appSettings{Work: work}))
	l := clients(m.addr, 8, false)
	restore := limitFiles(t, m.cmd.Process.Pid, 3)
	if err := syscall.Kill(m.workers()[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	m.says(logevent.SpawnFailed.Text(), "LimitNOFILE")
	m.await(logevent.SpawnFailed.Text(), 2)
	restore()
	m.await(logevent.WorkerReady.Text(), 3)
	l.atMost(t, 1) // the request that the killed worker computed
}

// One worker, and an accept queue for one connection: clients that find the queue full
// are answered later.
func TestFullQueue(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 1, Sync: true, Backlog: 1}, appSettings{Delay: 1500 * time.Millisecond}))
	askAll(t, m.addr, 6)
	m.says(logevent.QueueFull.Text(), "--backlog")
	askAll(t, m.addr, 1)
}

// A request that kills its worker, again and again, makes no other request fail.
func TestCrashLoop(t *testing.T) {
	m := start(t, options(supervisor.Options{Workers: 2, Sync: true}, appSettings{Work: work}))
	l := clients(m.addr, 4, false)
	deaths := 0
	for m.count(logevent.WorkerDiesOften.Text()) == 0 && deaths < 50 {
		c, err := connect(m.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.ask(`{"text":"die"}`); err == nil {
			t.Error("the request that kills was answered")
		}
		c.Close()
		deaths++
		m.await(logevent.WorkerDied.Text(), deaths)
	}
	m.says(logevent.WorkerDiesOften.Text(), "what it was running")
	if log := m.log(); !strings.Contains(log, `running="GET / (14 bytes`) {
		t.Error("the log does not say which request it was")
	}
	m.await(logevent.WorkerReady.Text(), 2+deaths)
	l.atMost(t, 0)
}

// Workers that hang while they boot: at the start the master ends with an error. At a
// reload the old workers go on.
func TestBootHangs(t *testing.T) {
	log := ""
	// On a slow machine the worker needs longer until it reaches time.Sleep.
	for timeout := time.Second; !strings.Contains(log, "time.Sleep"); timeout *= 2 {
		m := launch(t, options(supervisor.Options{Workers: 2, BootTimeout: timeout}, appSettings{Boot: time.Hour}))
		if code := m.wait(); code == 0 {
			t.Error("a master whose workers hang ended well")
		}
		log = m.log()
		if want := fmt.Sprintf("no worker could start: it was not ready within --boot-timeout %v", timeout); !strings.Contains(log, want) {
			t.Fatalf("the log does not say %q:\n%s", want, log)
		}
		if timeout > time.Minute {
			t.Fatalf("the log does not say where the worker hung:\n%s", log)
		}
	}
	if !strings.Contains(log, "SIGABRT: abort") {
		t.Errorf("the worker was not aborted:\n%s", log)
	}

	m := start(t, options(supervisor.Options{Workers: 2, Sync: true}, appSettings{Work: work}))
	before := m.workers()
	l := clients(m.addr, 8, false)
	if err := os.WriteFile(m.reload, []byte(`{"BootTimeout":1000000000,"Settings":{"Boot":3600000000000}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	m.signal(syscall.SIGHUP)
	m.await(logevent.ReloadFailed.Text(), 1)
	if !strings.Contains(m.log(), "look at the stacks in the log, or give it more") {
		t.Error("the log does not say what to do")
	}
	l.atMost(t, 0)
	if after := m.workers(); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the workers changed from %v to %v", before, after)
	}
}

// The kernel kills a worker that takes more memory than its cgroup allows.
func TestOutOfMemory(t *testing.T) {
	group := memoryGroup(t, 64<<20)
	m := start(t, options(supervisor.Options{Workers: 2, Sync: true}, appSettings{Work: work}))
	l := clients(m.addr, 4, false)
	victim := m.workers()[0]
	if err := os.WriteFile(filepath.Join(group, "cgroup.procs"), fmt.Append(nil, victim), 0o600); err != nil {
		t.Fatal(err)
	}
	for i := 0; m.count(logevent.WorkerDied.Text()) == 0; i++ { // until the victim gets the request
		if i == 1000 {
			t.Fatal("a worker takes 256 MiB in a group of 64 MiB")
		}
		c, err := connect(m.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err = c.ask(`{"text":"grow"}`); err != nil {
			m.await(logevent.WorkerDied.Text(), 1)
		}
		c.Close()
	}
	m.says(logevent.WorkerDied.Text(), "dmesg | grep -i oom")
	m.says(fmt.Sprintf("worker_pid=%d", victim), "--max-worker-memory")
	m.await(logevent.WorkerReady.Text(), 3)
	l.atMost(t, 0)
}

// memoryGroup makes a cgroup whose processes may take limit bytes together, and returns
// its folder. If it cannot, it skips the test, or fails it in CI.
func memoryGroup(t *testing.T, limit int) string {
	t.Helper()
	name := fmt.Sprintf("narwhal-test-%d", os.Getpid())
	for _, g := range []struct{ dir, file string }{
		{"/sys/fs/cgroup/memory", "memory.limit_in_bytes"}, // version 1
		{"/sys/fs/cgroup", "memory.max"},
	} {
		dir := filepath.Join(g.dir, name)
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		t.Cleanup(func() {
			for end := time.Now().Add(30 * time.Second); os.Remove(dir) != nil && time.Now().Before(end); {
				time.Sleep(10 * time.Millisecond) // its processes are still dying
			}
		})
		if os.WriteFile(filepath.Join(dir, g.file), fmt.Append(nil, limit), 0o600) == nil {
			return dir
		}
	}
	if os.Getenv("CI") != "" {
		t.Fatal("no group with a limit of memory can be made here: this test needs root and a memory controller")
	}
	t.Skip("NOT RUN: no group with a limit of memory can be made here: it takes root and a memory controller")
	return ""
}

// While the master waits for an address that another program has, TERM ends it at once,
// with status 0.
func TestStoppedWhileItWaits(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	stopped := make(chan struct{})
	m := launchWith(t, "/proc/self/exe", options(supervisor.Options{Bind: []string{taken.Addr().String()}}, appSettings{}), func(m *master) {
		m.await(logevent.AddressInUse.Text(), 1)
		m.signal(syscall.SIGTERM)
		close(stopped)
	})
	<-stopped
	if code := m.wait(); code != 0 || m.count(logevent.Stopped.Text()) != 1 { // after the last failed try the status would be another
		t.Errorf("it ended with %d:\n%s", code, m.log())
	}
}

// Clients of the admin address and of the control socket that connect and hang
// take no descriptor that the master needs to start workers.
func TestHungClientsOfTheMaster(t *testing.T) {
	o, c := controlled(t, supervisor.Options{Workers: 2, Sync: true, Admin: "127.0.0.1:0"})
	m := launchFile(t, after(t, "ulimit -n 512"), options(o, appSettings{}))
	m.await(logevent.ServiceReady.Text(), 1)
	admin := m.field(logevent.AdminListens.Text()+" ", "address=")
	for _, to := range [][2]string{{"tcp", admin}, {"unix", o.Control}} {
		for range 600 {
			conn, err := net.Dial(to[0], to[1])
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprint(conn, "GET /rea")
		}
	}
	for _, pid := range m.workers() {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	m.await(logevent.WorkerReady.Text(), 4)
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
	resp, err := http.Get("http://" + admin + "/readyz")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != 200 {
		t.Errorf("readyz: %d", resp.StatusCode)
	}
	askAll(t, m.addr, 4)
	if n := m.count(logevent.SpawnFailed.Text()); n > 0 {
		t.Errorf("%d times no worker could be started:\n%s", n, m.log())
	}
}

// after makes a program that runs a line of shell and then becomes this test binary.
func after(t *testing.T, line string) (file string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file = filepath.Join(t.TempDir(), "narwhal")
	if err := os.WriteFile(file, fmt.Appendf(nil, "#!/bin/sh\n%s\nexec '%s'\n", line, self), 0o700); err != nil {
		t.Fatal(err)
	}
	return file
}
