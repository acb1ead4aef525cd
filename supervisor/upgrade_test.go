package supervisor_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/supervisor"
)

// line is a series of masters, each of which replaces the master before it. All are
// children of this process, because a new master has the old master's parent.
type line struct {
	*master
	pid  int // of the master in charge
	done int // number of upgrades
}

func newLine(t *testing.T, m *master) *line {
	l := &line{master: m, pid: m.cmd.Process.Pid}
	t.Cleanup(func() {
		if l.done > 0 {
			l.end(t)
		}
	})
	return l
}

// end stops the last master, which must leave with status 0.
func (l *line) end(t *testing.T) {
	l.done = 0
	if err := syscall.Kill(l.pid, syscall.SIGTERM); err != nil {
		t.Errorf("TERM to the last master: %v", err)
		return
	}
	bury(t, l.pid)
}

func bury(t *testing.T, pid int) {
	t.Helper()
	var ws syscall.WaitStatus
	if _, err := syscall.Wait4(pid, &ws, 0, nil); err != nil || ws != 0 {
		t.Errorf("master %d ended with %v, %v: want status 0", pid, ws, err)
	}
}

var newPid = regexp.MustCompile(logevent.UpgradeStarted.Text() + ` new_pid=(\d+)`)

// ask sends USR2 and returns the pid of the new master.
func (l *line) ask(t *testing.T) int {
	t.Helper()
	n := l.count(logevent.UpgradeStarted.Text())
	if err := syscall.Kill(l.pid, syscall.SIGUSR2); err != nil {
		t.Fatal(err)
	}
	l.await(logevent.UpgradeStarted.Text(), n+1)
	pid, err := strconv.Atoi(newPid.FindAllStringSubmatch(l.log(), -1)[n][1])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// upgrade replaces the master and waits until the old one has gone.
func (l *line) upgrade(t *testing.T) {
	t.Helper()
	next := l.ask(t)
	l.done++
	l.await(logevent.UpgradeTakenOver.Text(), l.done)
	if l.done == 1 {
		awaitGone(t, l.pid) // launch waits for the first master's status
	} else {
		bury(t, l.pid)
	}
	l.pid = next
}

func TestUpgrade(t *testing.T) {
	var l *line
	underLoad(t, supervisor.Options{Workers: 2}, func(t *testing.T, m *master, i int) {
		if i == 0 {
			l = newLine(t, m)
		}
		if i < 12 {
			l.upgrade(t)
		}
	}, none)
}

// An upgrade passes to the new master what the old one holds: a unix socket, the admin
// address and the pid file. The admin address says that it is ready all the time.
// Upgrades do not add descriptors or children.
func TestUpgradePassesAll(t *testing.T) {
	dir := t.TempDir()
	pidFile, path := filepath.Join(dir, "pid"), filepath.Join(dir, "n.sock")
	l := newLine(t, start(t, options(supervisor.Options{
		Bind: []string{"unix:" + path, "127.0.0.1:0"}, Workers: 2, Admin: "127.0.0.1:0", Pid: pidFile,
	}, appSettings{Work: work})))
	load := clients(l.addr, 8, false)
	admin := regexp.MustCompile(`event=admin_listens address=(\S+)`).FindStringSubmatch(l.log())[1]
	stop := make(chan struct{})
	var watcher sync.WaitGroup
	asked := 0
	watcher.Go(func() {
		c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
		for {
			select {
			case <-stop:
				return
			default:
			}
			resp, err := c.Get("http://" + admin + "/readyz")
			if err != nil || resp.StatusCode != 200 {
				t.Errorf("readyz: %v, %v", resp, err)
				return
			}
			resp.Body.Close()
			asked++
		}
	})
	l.upgrade(t)
	first := descriptors(t, l.pid)
	for range 3 {
		l.upgrade(t)
		if b, _ := os.ReadFile(pidFile); string(b) != fmt.Sprintln(l.pid) {
			t.Errorf("the pid file has %q, want %d", b, l.pid)
		}
		second := launch(t, options(supervisor.Options{Pid: pidFile}, appSettings{}))
		if want := fmt.Sprintf("a running narwhal, process %d, holds it", l.pid); second.wait() == 0 || !strings.Contains(second.log(), want) {
			t.Errorf("another master does not say %q:\n%s", want, second.log())
		}
		if last := descriptors(t, l.pid); len(last) != len(first) {
			t.Errorf("a later master holds %d descriptors, the second had %d:\n%s\n%s", len(last), len(first), last, first)
		}
		if n := len(childrenOf(l.pid)); n != 2 {
			t.Errorf("it has %d children, want its 2 workers", n)
		}
	}
	close(stop)
	watcher.Wait()
	if sent, failed := load.end(); failed > 0 || sent == 0 || asked == 0 {
		t.Errorf("%d of %d requests failed, %d to the admin server answered: %v", failed, sent, asked, load.errors)
	}
	second := launch(t, options(supervisor.Options{Bind: []string{"unix:" + path}}, appSettings{}))
	if code := second.wait(); code == 0 || !strings.Contains(second.log(), fmt.Sprintf("in use by a narwhal: pid %d", l.pid)) {
		t.Errorf("a second master ended with %d, and is not told who has the address:\n%s", code, second.log())
	}
	l.end(t)
	for _, f := range []string{pidFile, path} {
		if _, err := os.Lstat(f); !os.IsNotExist(err) {
			t.Errorf("%s was left behind: %v", f, err)
		}
	}
}

// descriptors returns what the descriptors of a process refer to, without its sockets.
func descriptors(t *testing.T, pid int) []string {
	t.Helper()
	var out []string
	fds, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		// Sockets do not count: connections to the admin address come and go.
		to, err := os.Readlink(fd)
		if err == nil && !strings.HasPrefix(to, "socket:") {
			out = append(out, to)
		}
	}
	return out
}

// putMaster makes a program that is a master with these options. It ignores the options
// in its environment.
func putMaster(t *testing.T, file string, o supervisor.Options) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	os.Remove(file)
	if err := os.WriteFile(file, fmt.Appendf(nil, "#!/bin/sh\nNARWHAL_TEST_MASTER='%s' exec '%s'\n", b, self), 0o755); err != nil {
		t.Fatal(err)
	}
}

// A new master with another pid file removes the old master's. A new master that fails
// leaves the old one's as it is.
func TestUpgradeOtherPidFile(t *testing.T) {
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first"), filepath.Join(dir, "second")
	file := filepath.Join(dir, "narwhal")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	put := func(o supervisor.Options, s appSettings) {
		t.Helper()
		putMaster(t, file, options(o, s))
	}
	has := func(path string, pid int) {
		t.Helper()
		b, err := os.ReadFile(path)
		if pid == 0 && errors.Is(err, os.ErrNotExist) {
			return
		}
		if pid == 0 || string(b) != fmt.Sprintln(pid) {
			t.Errorf("%s has %q, %v; want the number %d", path, b, err, pid)
		}
	}
	if err := os.Symlink(self, file); err != nil {
		t.Fatal(err)
	}
	l := newLine(t, launchFile(t, file, options(supervisor.Options{Pid: first}, appSettings{})))
	l.await(logevent.ServiceReady.Text(), 1)

	for i, path := range []string{first, second} {
		put(supervisor.Options{Pid: path}, appSettings{Broken: "told to"})
		next := l.ask(t)
		l.await(logevent.UpgradeFailed.Text(), i+1)
		if _, err := syscall.Wait4(next, nil, 0, nil); err != nil {
			t.Error(err)
		}
		has(first, l.pid)
		has(second, 0)
	}
	put(supervisor.Options{Pid: second}, appSettings{})
	l.upgrade(t)
	has(first, 0)
	has(second, l.pid)
	l.end(t)
	has(second, 0)
}

// If the file on disk is no working narwhal when USR2 comes, the old master goes on with
// its workers, and says why.
func TestUpgradeToWhatFails(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "narwhal")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	put := func(target string) {
		os.Remove(file)
		if target == "" {
			return
		}
		if err := os.Symlink(target, file); err != nil {
			t.Fatal(err)
		}
	}
	script := func(text string) string {
		f, err := os.CreateTemp(dir, "script")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		fmt.Fprintf(f, "#!/bin/sh\n%s\n", text)
		if err := f.Chmod(0o755); err != nil {
			t.Fatal(err)
		}
		return f.Name()
	}
	o := options(supervisor.Options{Workers: 2, Sync: true}, appSettings{Work: work})
	// with makes a program that is this one with other settings.
	with := func(s appSettings, boot time.Duration) string {
		changed := o
		changed.Settings, changed.BootTimeout = s, boot
		b, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		return script(fmt.Sprintf("NARWHAL_TEST_MASTER='%s' exec '%s'", b, self))
	}
	put(self)
	l := newLine(t, launchFile(t, file, o))
	l.await(logevent.ServiceReady.Text(), 1)
	before := childrenOf(l.pid)
	load := clients(l.addr, 8, false)

	refused := 0
	for _, target := range []string{"", dir, os.DevNull, filepath.Join(dir, "options.json")} {
		put(target)
		if err := syscall.Kill(l.pid, syscall.SIGUSR2); err != nil {
			t.Fatal(err)
		}
		refused++
		l.await(logevent.UpgradeRefused.Text(), refused)
	}
	for i, c := range []struct{ target, why string }{
		{"/bin/true", "it ended without a message"},
		{with(appSettings{Broken: "no such model: zz"}, 0), "no such model: zz"},
		{with(appSettings{Boot: time.Hour}, 2*time.Second), "not ready within --boot-timeout 2s"},
		{script(fmt.Sprintf("NARWHAL_TEST_MASTER='{\"Bind\":[\"1.2.3.4:1\"]}' exec '%s'", self)), "this machine has no such address"},
	} {
		put(c.target)
		next := l.ask(t)
		l.await(logevent.UpgradeFailed.Text(), i+1)
		if !strings.Contains(l.log(), c.why) {
			t.Errorf("the log does not say %q", c.why)
		}
		if _, err := syscall.Wait4(next, nil, 0, nil); err != nil {
			t.Errorf("the new master %d was no child of ours: %v", next, err)
		}
	}
	// A new master that is killed.
	put(self)
	next := l.ask(t)
	if err := syscall.Kill(next, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	l.await(logevent.UpgradeFailed.Text(), 5)
	if _, err := syscall.Wait4(next, nil, 0, nil); err != nil {
		t.Error(err)
	}
	if sent, failed := load.end(); failed > 0 || sent == 0 {
		t.Errorf("%d of %d requests failed: %v", failed, sent, load.errors)
	}
	if after := childrenOf(l.pid); fmt.Sprint(before) != fmt.Sprint(after) {
		t.Errorf("the children changed from %v to %v", before, after)
	}
	// After all these failures the old master can still be upgraded.
	l.upgrade(t)
	if c, err := connect(l.addr); err != nil {
		t.Error(err)
	} else {
		if _, err := c.ask(`{"text":"x"}`); err != nil {
			t.Error(err)
		}
		c.Close()
	}
}
