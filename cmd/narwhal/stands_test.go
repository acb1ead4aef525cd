package main

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/control"
)

// smallPipe returns a pipe that holds one page.
func smallPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, 4096); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

// The service goes on while nobody reads log and access log, and both pipes are full.
// When somebody reads again, the log says how many lines are missing.
func TestNobodyReadsTheLogs(t *testing.T) {
	dir := t.TempDir()
	config := filepath.Join(dir, "narwhal.toml")
	write := func(extra string) {
		text := fmt.Sprintf("bind = \"127.0.0.1:0\"\nworkers = 2\nmodel = %q\naccess_logfile = \"-\"\n%s", quickModel(t), extra)
		if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("")
	run := shortDir(t)
	cmd := narwhalCommand(dir, "--control-socket", filepath.Join(run, "c"))
	var log *os.File
	_, cmd.Stdout = smallPipe(t)
	log, cmd.Stderr = smallPipe(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() { cmd.Process.Kill() })
	s := &served{t: t, cmd: cmd}
	master := control.NewClient(filepath.Join(run, "c"))
	eventually(t, "it serves", func() bool {
		status, err := master.Status(t.Context())
		if err != nil || status.State != "ready" {
			return false
		}
		s.url = "http://" + status.Listen[0]
		return true
	})

	// Send a hundred signals, kill a worker, and cause more lines than the processes keep.
	pids := func() (ready []int) {
		status, err := master.Status(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range status.Workers {
			if w.State == "ready" {
				ready = append(ready, w.Pid)
			}
		}
		return ready
	}
	for range 100 {
		s.signal(syscall.SIGHUP)
	}
	killed := pids()[0] // the master answers status meanwhile
	if err := syscall.Kill(killed, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the reloads are done and the dead worker is replaced", func() bool {
		status, err := master.Status(t.Context())
		now := pids()
		return err == nil && status.State == "ready" && status.Generation > 1 && len(now) == 2 && now[0] != killed && now[1] != killed
	})
	write(fmt.Sprintf("log_level = %q\n", strings.Repeat("long", 20_000)))
	for range 30 {
		if _, err := master.Reload(t.Context()); err == nil {
			t.Error("a bad file was accepted")
		}
	}
	for range 600 {
		resp, err := http.Get(s.url + "/" + strings.Repeat("long", 1500))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
	}
	if got := s.ask(merkel); !strings.HasPrefix(got, "200 ") {
		t.Errorf("got %s", got)
	}

	// Somebody reads the log again, up to the line that reports the loss.
	lost := make(chan string)
	stop := make(chan struct{})
	go func() {
		defer close(lost)
		sc := bufio.NewScanner(log)
		sc.Buffer(nil, 1<<20)
		for sc.Scan() {
			if strings.Contains(sc.Text(), "lines of this log were lost") {
				lost <- sc.Text()
				<-stop
				return
			}
		}
	}()
	if line := <-lost; !strings.Contains(line, " lost=") || !strings.Contains(line, " since=20") {
		t.Errorf("the log does not say how much is missing: %q", line)
	}

	// Nobody reads again, and the master is told to stop.
	for range 3 {
		master.Reload(t.Context())
	}
	s.signal(syscall.SIGTERM)
	if err := <-ended; err != nil {
		t.Errorf("the master ended with %v", err)
	}
	close(stop)
}

// shortDir makes a folder with a short name: the path of a unix socket cannot be long.
func shortDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "n")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// A terminal may be stopped (Ctrl-S). A server that cannot start ends all the same. If
// its log is a file, the file says why.
func TestStoppedTerminal(t *testing.T) {
	for _, file := range []string{"-", "log"} {
		dir := t.TempDir()
		_, tty := openTerminal(t)
		const stopOutput = 0 // TCOOFF
		if err := unix.IoctlSetInt(int(tty.Fd()), unix.TCXONC, stopOutput); err != nil {
			t.Fatal(err)
		}
		cmd := narwhalCommand(dir, "-b", "127.0.0.1:0", "--model", "/no/such/model", "--error-logfile", file)
		cmd.Stdout, cmd.Stderr = tty, tty
		cmd.Run() // its status is checked below
		if code := cmd.ProcessState.ExitCode(); code != exitBoot {
			t.Errorf("with its log in %s it ended with %d", file, code)
		}
		if b, _ := os.ReadFile(filepath.Join(dir, "log")); file == "log" && !strings.Contains(string(b), "no worker could start") {
			t.Errorf("the log has %q", b)
		}
	}
}

// If the log is a file that cannot be written, a server that cannot start says why on
// its first standard error.
func TestLogThatCannotBeWritten(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var stderr strings.Builder
		cmd := limitedCommand(t, t.TempDir(), 0, "--model", quickModel(t), "--error-logfile", "F", "--log-format", format)
		cmd.Stderr = &stderr
		cmd.Run() // its status is checked below
		if code := cmd.ProcessState.ExitCode(); code != exitError {
			t.Errorf("it ended with %d", code)
		}
		wantRecords(t, "standard error", format, stderr.String())
		if !strings.Contains(stderr.String(), "raise the limit of file sizes") {
			t.Errorf("standard error has %q", stderr.String())
		}
	}
}

// limitedCommand returns a server whose files may have at most so many blocks. A block
// has 512 or 1024 bytes, depending on the shell.
func limitedCommand(t *testing.T, dir string, blocks int, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	narwhal := filepath.Join(dir, "narwhal") // testscript.Main chooses the program by this name
	if err := os.Symlink(self, narwhal); err != nil {
		t.Fatal(err)
	}
	cmd := narwhalCommand(dir)
	cmd.Path = "/bin/sh"
	cmd.Args = append([]string{"sh", "-c", fmt.Sprintf(`ulimit -f %d; exec "$0" "$@"`, blocks), narwhal, "-b", "127.0.0.1:0"}, args...)
	return cmd
}

// If the access log reaches a limit of file sizes, requests are served, and the error
// log says what is wrong, as for a full disk.
func TestFileSizeLimit(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "access.log"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(filepath.Join(dir, "access.log"), 16<<20); err != nil {
		t.Fatal(err)
	}
	cmd := limitedCommand(t, dir, 8192, "--model", quickModel(t), "--access-logfile", "access.log")
	s := startCommand(t, cmd)
	for range 5 {
		if got := s.ask(merkel); !strings.HasPrefix(got, "200 ") {
			t.Errorf("got %s", got)
		}
	}
	eventually(t, "the log says so", func() bool {
		return strings.Contains(s.logged(), "the access log cannot be written") && strings.Contains(s.logged(), "file too large") && strings.Contains(s.logged(), "ulimit -f")
	})
}
