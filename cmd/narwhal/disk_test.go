package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/logevent"
)

// onSmallDisk returns a command that runs narwhal in a mount namespace of its own. There
// folder is a disk of 64 KiB. Before narwhal starts, a shell runs setup.
func onSmallDisk(t *testing.T, folder, setup string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	narwhal := filepath.Join(t.TempDir(), "narwhal") // testscript.Main chooses the program by this name
	if err := os.Symlink(self, narwhal); err != nil {
		t.Fatal(err)
	}
	script := `mount -t tmpfs -o size=64k none "$1" && ` + setup + ` && cd "$1" && shift && exec "$@"`
	flags := []string{"--mount", "sh", "-c", script, "sh", folder, narwhal}
	if os.Getuid() != 0 {
		flags = append([]string{"--user", "--map-root-user"}, flags...)
	}
	cmd := exec.Command("unshare", append(flags, args...)...)
	cmd.Env = []string{"HOME=" + folder, "PATH=" + os.Getenv("PATH"), "NARWHAL_CONTROL_SOCKET=off"}
	return cmd
}

// fill appends to a file until the disk is full and the file's last page is, too. The
// last page of another file may still have room.
func fill(t *testing.T, file string) {
	t.Helper()
	f, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		if _, err := f.WriteString("\n"); errors.Is(err, unix.ENOSPC) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

// With logs on a full disk every request is answered, a worker that dies is replaced,
// and a reload works. When there is room again, the log says how many lines are missing.
func TestLogsOnFullDisk(t *testing.T) {
	folder := t.TempDir()
	s := startCommand(t, onSmallDisk(t, folder, "true", "-b", "127.0.0.1:0", "-w", "2", "--model", quickModel(t), "--pid", "pid",
		"--error-logfile", "error.log", "--access-logfile", "access.log"))
	disk := fmt.Sprintf("/proc/%d/root%s/", s.cmd.Process.Pid, folder)
	read := func(name string) string {
		b, err := os.ReadFile(disk + name)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	s.ask(merkel)
	eventually(t, "an access line", func() bool { return strings.Contains(read("access.log"), " 200 ") })
	for _, name := range []string{"filler", "error.log", "access.log"} {
		fill(t, disk+name)
	}
	before := [2]string{read("error.log"), read("access.log")}

	workers := func() []string {
		b, err := exec.Command("pgrep", "-P", fmt.Sprint(s.cmd.Process.Pid)).Output()
		if err != nil {
			return nil
		}
		return strings.Fields(string(b))
	}
	served := 0
	serves := func(n int) {
		for range n {
			if got := s.ask(merkel); strings.HasPrefix(got, "200 ") {
				served++
			} else {
				t.Errorf("with a full disk: %s", got)
			}
		}
	}
	serves(50)
	old := workers()
	var pid int
	fmt.Sscan(old[0], &pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a new worker", func() bool { now := workers(); return len(now) == 2 && now[0] != old[0] && now[1] != old[0] })
	serves(50)
	s.signal(syscall.SIGUSR1)
	s.signal(syscall.SIGHUP)
	eventually(t, "two new workers", func() bool {
		now := workers()
		return len(now) == 2 && !strings.Contains(fmt.Sprint(old, " "), now[0]) && now[1] != old[1]
	})
	serves(50)
	t.Logf("%d requests were served while the disk was full", served)
	if after := [2]string{read("error.log"), read("access.log")}; after != before {
		t.Error("the disk was not full: the logs have grown")
	}

	if err := os.Remove(disk + "filler"); err != nil {
		t.Fatal(err)
	}
	s.signal(syscall.SIGHUP)
	eventually(t, "the log says that lines are missing", func() bool {
		log := read("error.log")
		return strings.Contains(log, "lines of this log were lost") && strings.Contains(log, "look for a full disk")
	})
	eventually(t, "the reload in the log", func() bool { return strings.Contains(read("error.log"), logevent.ReloadDone.Text()) })
	eventually(t, "access lines", func() bool {
		serves(1)
		return strings.Count(read("access.log"), " 200 ") > strings.Count(before[1], " 200 ")
	})
	for line := range strings.Lines(strings.TrimPrefix(read("error.log"), before[0])) {
		if strings.Count(line, "level=") > 1 {
			t.Errorf("two lines of the log in one: %s", line)
		}
	}
}

// If the access log cannot be written, the error log says so once.
func TestAccessLogFails(t *testing.T) {
	s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "--model", quickModel(t), "--access-logfile", "/dev/full")
	for range 20 {
		if got := s.ask(merkel); !strings.HasPrefix(got, "200 ") {
			t.Errorf("got %s", got)
		}
	}
	what := logevent.AccessLogFailed.Text()
	eventually(t, "the log says so", func() bool { return strings.Contains(s.logged(), what) })
	if log := s.logged(); strings.Count(log, what) != 1 || !strings.Contains(log, "no space left on device") || !strings.Contains(log, "look for a full disk") {
		t.Errorf("want once what is wrong and what to do, the log is\n%s", log)
	}
}

// Master and worker go on when the reader of their log has gone.
func TestLogWithoutReader(t *testing.T) {
	dir := t.TempDir()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := narwhalCommand(dir, "-b", "127.0.0.1:0", "--model", quickModel(t), "--access-logfile", "-", "--pid", "pid")
	cmd.Stderr = w
	s := startCommand(t, cmd)
	w.Close()
	r.Close()
	s.signal(syscall.SIGHUP) // logs half a dozen lines
	for range 20 {
		if got := s.ask(merkel); !strings.HasPrefix(got, "200 ") {
			t.Errorf("got %s", got)
		}
	}
	s.signal(syscall.SIGTERM)
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("the master ended with %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "pid")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("it did not clean up: %v", err)
	}
}

// If the disk has no room for the pid file, narwhal ends with a clear error.
func TestPidFileOnFullDisk(t *testing.T) {
	cmd := onSmallDisk(t, t.TempDir(), `{ cat /dev/zero >"$1/filler" 2>/dev/null; test -s "$1/filler"; }`,
		"-b", "127.0.0.1:0", "--model", quickModel(t), "--pid", "pid")
	cmd.Stdin = bytes.NewReader(nil)
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("ended with %v", err)
	}
	for _, want := range []string{"level=ERROR msg=\"pid file ", "no space left on device", "--pid"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}
