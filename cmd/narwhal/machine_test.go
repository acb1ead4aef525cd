package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/cgroup"
	"github.com/narwhal-server/narwhal/internal/cgroup/cgrouptest"
	"github.com/narwhal-server/narwhal/internal/logevent"
)

func TestFit(t *testing.T) {
	for _, c := range []struct {
		workers, gomaxprocs int
		memory              int64
		given               cgroup.Limits
		wantWorkers         int
		wantMemory          int64
		warning             string
	}{
		{2, 0, 7, cgroup.Limits{Processors: 8, Memory: 1 << 30}, 2, 7, ""},
		{config.AutoNumber, 0, 0, cgroup.Limits{Processors: 8}, 8, 0, ""},
		{config.AutoNumber, 0, 0, cgroup.Limits{Processors: 8, Quota: 2.5}, 2, 0, ""},
		{config.AutoNumber, 0, 0, cgroup.Limits{Processors: 8, Quota: 0.5}, 1, 0, ""},
		{config.AutoNumber, 2, 0, cgroup.Limits{Processors: 8}, 4, 0, ""},
		{config.AutoNumber, 16, 0, cgroup.Limits{Processors: 8}, 1, 0, ""},
		{config.AutoNumber, 0, 0, cgroup.Limits{Processors: 2048}, 512, 0, ""},
		{1, 0, config.AutoNumber, cgroup.Limits{Processors: 8}, 1, 0, ""},
		{1, 0, config.AutoNumber, cgroup.Limits{Processors: 8, Memory: 500 << 20}, 1, 200 << 20, ""},
		{config.AutoNumber, 0, config.AutoNumber, cgroup.Limits{Processors: 3, Memory: 500 << 20}, 3, 100 << 20, ""},
		{2, 0, config.AutoNumber, cgroup.Limits{Processors: 8, Memory: 1 << 30}, 2, 273 << 20, ""}, // rounded down
		{4, 0, config.AutoNumber, cgroup.Limits{Processors: 8, Memory: 256 << 20}, 4, 0,
			"--max-worker-memory auto is off: the limit of memory, 256MiB, leaves 40MiB for each worker, and auto wants at least 48MiB"},
	} {
		s := &config.Settings{Workers: c.workers, GOMAXPROCS: c.gomaxprocs, MaxWorkerMemory: c.memory}
		warning, hint := fit(s, c.given)
		if s.Workers != c.wantWorkers || s.MaxWorkerMemory != c.wantMemory || warning != c.warning || (hint == "") != (warning == "") {
			t.Errorf("%+v: %d workers of %d bytes, %q %q", c, s.Workers, s.MaxWorkerMemory, warning, hint)
		}
	}
}

// In a control group workers × GOMAXPROCS are not more than the quota, and the memory of
// a worker is bounded. A reload reads the limits again.
func TestInAGroup(t *testing.T) {
	g := cgrouptest.Make(t)
	g.SetProcessors(1.5)
	g.SetMemory(1000 << 20)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	name := filepath.Join(dir, "narwhal") // testscript.Main chooses the program by this name
	if err := os.Symlink(self, name); err != nil {
		t.Fatal(err)
	}
	cmd := narwhalCommand(dir)
	cmd.Path, err = exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Args = []string{"sh", "-c", `for f in ` + strings.Join(g.Procs(), " ") + `; do echo $$ >"$f"; done; exec "$0" "$@"`, name,
		"-b", "127.0.0.1:0", "--workers", "auto", "--max-worker-memory", "auto", "--model", quickModel(t)}
	s := startCommand(t, cmd)
	for _, want := range []string{" quota=1.5 quota_file=/", " memory=1000MiB memory_file=/", " workers=1 gomaxprocs=1 max_worker_memory=400MiB"} {
		eventually(t, "the log has "+want, func() bool { return strings.Contains(s.logged(), want) })
	}
	if got := gomaxprocs(t, cmd.Process.Pid); got != "1" {
		t.Errorf("GOMAXPROCS of the workers: %s; want one worker with 1", got)
	}

	// The log of the reload has the fields, in this order. Without a quota there would be
	// as many workers as processors.
	g.SetProcessors(2)
	g.SetMemory(3000 << 20)
	given, err := cgroup.Read() // of this process, which is not in the group
	if err != nil {
		t.Fatal(err)
	}
	workers := min(given.Cores(), 2)
	s.signal(syscall.SIGHUP)
	eventually(t, "the reload", func() bool { return strings.Contains(s.logged(), logevent.ReloadDone.Text()) })
	want := fmt.Sprintf(" workers=%d gomaxprocs=1 max_worker_memory=%dMiB", workers, 2400/(workers+1))
	if log := s.logged(); !strings.Contains(log, want) || !strings.Contains(log, " quota=2 ") {
		t.Errorf("the log does not have quota=2 and %q", want)
	}
	ones := strings.TrimSuffix(strings.Repeat("1 ", workers), " ")
	eventually(t, fmt.Sprintf("%d workers with GOMAXPROCS 1", workers), func() bool { return gomaxprocs(t, cmd.Process.Pid) == ones })
}

// gomaxprocs returns the variable GOMAXPROCS of each child of a process.
func gomaxprocs(t *testing.T, pid int) string {
	t.Helper()
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid)) // each thread has its own children
	if err != nil {
		t.Fatal(err)
	}
	var children []byte
	for _, task := range tasks {
		b, _ := os.ReadFile(task) // a thread may have ended
		children = append(children, b...)
	}
	var all []string
	for _, child := range strings.Fields(string(children)) {
		environ, _ := os.ReadFile("/proc/" + child + "/environ") // the child may have ended
		for kv := range strings.SplitSeq(string(environ), "\x00") {
			if value, ok := strings.CutPrefix(kv, "GOMAXPROCS="); ok {
				all = append(all, value)
			}
		}
	}
	return strings.Join(all, " ")
}
