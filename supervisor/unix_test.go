package supervisor_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/supervisor"
)

// abstractName returns an address that no other test has.
func abstractName(t *testing.T) string { return fmt.Sprintf("unix:@%s.%d", t.Name(), os.Getpid()) }

// On an abstract socket under load, a reload and upgrades lose no request. A stop ends
// although clients go on trying to connect.
func TestAbstractSocket(t *testing.T) {
	m := start(t, options(supervisor.Options{Bind: []string{abstractName(t)}, Workers: 2, Sync: true}, appSettings{Work: work}))
	l := newLine(t, m)
	load := clients(l.addr, 8, false)
	m.signal(syscall.SIGHUP)
	m.await(logevent.ReloadDone.Text(), 1)
	for range 2 {
		l.upgrade(t)
	}
	if sent, failed := load.end(); failed > 0 || sent == 0 {
		t.Errorf("%d of %d requests failed: %v", failed, sent, load.errors)
	}
	load = clients(l.addr, 8, false)
	l.end(t)
	if _, failed := load.end(); failed == 0 {
		t.Error("somebody still listens")
	}
	for kind := range load.errors {
		if !strings.Contains(kind, "refused") {
			t.Errorf("during the stop: %s", kind)
		}
	}
}

// A unix socket has the mode that the settings name. After an upgrade it has the mode
// of the new master's settings.
func TestSocketMode(t *testing.T) {
	dir := t.TempDir()
	path, file := filepath.Join(dir, "n.sock"), filepath.Join(dir, "narwhal")
	o := supervisor.Options{Bind: []string{"unix:" + path}, SocketMode: "0660"}
	mode := func(want os.FileMode) {
		t.Helper()
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("the socket's mode is %v, %v; want %v", info.Mode(), err, want)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, file); err != nil {
		t.Fatal(err)
	}
	l := newLine(t, launchFile(t, file, options(o, appSettings{})))
	l.await(logevent.ServiceReady.Text(), 1)
	mode(0o660)
	o.SocketMode = ""
	putMaster(t, file, o)
	l.upgrade(t)
	mode(0o666)
	l.end(t)
}

// Sockets that were passed to another process are not used. The log says so once.
func TestSocketsOfAnotherProcess(t *testing.T) {
	t.Setenv("LISTEN_FDS", "1")
	t.Setenv("LISTEN_PID", "1")
	m := start(t, options(supervisor.Options{Workers: 2}, appSettings{}))
	m.says(logevent.PassedUnused.Text(), "exec narwhal")
	m.signal(syscall.SIGTERM)
	m.wait()
	if n := m.count("LISTEN_FDS=1 is for process 1 (LISTEN_PID), and this is process "); n != 1 {
		t.Errorf("it is said %d times:\n%s", n, m.log())
	}
}
