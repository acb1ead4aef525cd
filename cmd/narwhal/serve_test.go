package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
)

// served is a running narwhal: this test binary under that name.
type served struct {
	t     *testing.T
	cmd   *exec.Cmd
	url   string
	greet []string

	mu  sync.Mutex
	log bytes.Buffer
}

// narwhalCommand returns a command that starts narwhal in a folder, as an operator would.
func narwhalCommand(dir string, args ...string) *exec.Cmd {
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Args[0] = "narwhal" // testscript.Main chooses the program by this name
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "NARWHAL_CONTROL_SOCKET=off"}
	return cmd
}

// quickModel returns the path of the model that a process loads most quickly. Tests use it
// if any model will do: under the race detector prose takes ten times as long.
func quickModel(t *testing.T) string {
	t.Helper()
	path, err := filepath.Abs("../../models/en_core_web_sm")
	if err == nil {
		_, err = os.Stat(path)
	}
	if err != nil {
		t.Fatalf("%v; make test fetches it", err)
	}
	return path
}

// startNarwhal starts narwhal and waits for its greeting.
func startNarwhal(t *testing.T, dir string, args ...string) *served {
	t.Helper()
	return startCommand(t, narwhalCommand(dir, args...))
}

func startCommand(t *testing.T, cmd *exec.Cmd) *served {
	t.Helper()
	s := &served{t: t, cmd: cmd}
	if cmd.Stderr == nil {
		cmd.Stderr = s
	}
	out, tty := openTerminal(t) // narwhal greets only on a terminal
	s.cmd.Stdout = tty
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	t.Cleanup(func() {
		s.cmd.Process.Signal(syscall.SIGTERM)
		s.cmd.Wait()
		if t.Failed() {
			t.Logf("its log:\n%s", s.logged())
		}
	})
	sc := bufio.NewScanner(out)
	for sc.Scan() {
		s.greet = append(s.greet, sc.Text())
		if strings.HasPrefix(sc.Text(), "  stop") {
			s.url = strings.TrimSuffix(strings.TrimPrefix(s.greet[0], "narwhal serves "), "/")
			go io.Copy(io.Discard, out)
			return s
		}
	}
	t.Fatalf("%v did not start:\n%s\n%s", cmd.Args, strings.Join(s.greet, "\n"), s.logged())
	return nil
}

func (s *served) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.Write(p)
}

func (s *served) logged() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.String()
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func (s *served) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func (s *served) ask(body string) string {
	s.t.Helper()
	req, err := http.NewRequest("GET", s.url, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return fmt.Sprintf("%d %s", resp.StatusCode, b)
}

const merkel = `{"text":"Angela Merkel was born in Hamburg."}`

// The greeting has at most six lines, and its curl command works.
func TestGreeting(t *testing.T) {
	s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "-w", "2", "--model", quickModel(t), "--log-level", "warning")
	if len(s.greet) > 6 {
		t.Errorf("the greeting has %d lines, want at most 6:\n%s", len(s.greet), strings.Join(s.greet, "\n"))
	}
	var curl string
	for _, l := range s.greet {
		if _, after, ok := strings.Cut(l, "curl "); ok {
			curl = "curl -s " + after
		}
	}
	out, err := exec.Command("sh", "-c", curl).CombinedOutput()
	if err != nil || !bytes.Contains(out, []byte(`"Hamburg":"GPE"`)) {
		t.Errorf("%s\ngives %q, %v", curl, out, err)
	}
	if log := s.logged(); log != "" {
		t.Errorf("at level warning the log says:\n%s", log)
	}
}

// The limits of a request's head reach the workers, under Gunicorn's names. 0 means as
// much as a head may have.
func TestLimitsOfAHead(t *testing.T) {
	s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "--model", quickModel(t),
		"--limit-request-line", "50", "--limit-request-fields", "5", "--limit-request-field_size", "0")
	ask := func(path string, fields http.Header) int {
		req, err := http.NewRequest("GET", s.url+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = fields
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		return resp.StatusCode
	}
	for _, test := range []struct {
		name   string
		path   string
		fields http.Header
		status int
	}{
		{"a short line", "/healthz?", nil, 200},
		{"a long line", "/healthz?" + strings.Repeat("x", 50), nil, 414},
		{"many fields", "/healthz", http.Header{"X": strings.Split("1,2,3,4,5", ",")}, 431},
		{"a large field", "/healthz", http.Header{"X": {strings.Repeat("x", 500_000)}}, 200},
	} {
		if got := ask(test.path, test.fields); got != test.status {
			t.Errorf("%s: %d, want %d", test.name, got, test.status)
		}
	}
}

func TestReloadReadsTheFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "narwhal.toml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	settings := fmt.Sprintf("bind = \"127.0.0.1:0\"\nworkers = 1\nmodel = %q\n", quickModel(t))
	write(settings)
	s := startNarwhal(t, dir)
	logs := func(text string) func() bool { return func() bool { return strings.Contains(s.logged(), text) } }

	write(settings + "limit_body = 20\n")
	s.signal(syscall.SIGHUP)
	eventually(t, "reloaded", logs(logevent.ReloadDone.Text()))
	eventually(t, "the old worker has left", logs(logevent.WorkerLeft.Text())) // until then it may take another connection
	if got := s.ask(merkel); !strings.HasPrefix(got, "413 ") {
		t.Errorf("after the reload: %s", got)
	}

	write("bind = \"127.0.0.1:0\"\nworkres = 3\n")
	s.signal(syscall.SIGHUP)
	eventually(t, "the bad key is named with its line", logs("narwhal.toml:2: workres"))

	write("bind = \"127.0.0.1:0\"\nmodel = \"/no/such/model\"\n")
	s.signal(syscall.SIGHUP)
	eventually(t, "the missing model is named", func() bool {
		return strings.Contains(s.logged(), logevent.ReloadFailed.Text()) && strings.Contains(s.logged(), "/no/such/model")
	})
	if got := s.ask(merkel); !strings.HasPrefix(got, "413 ") {
		t.Errorf("after two bad reloads: %s", got)
	}
}

func TestReopenLogs(t *testing.T) {
	dir := t.TempDir()
	s := startNarwhal(t, dir, "-b", "127.0.0.1:0", "--model", quickModel(t), "--error-logfile", "error.log", "--access-logfile", "access.log")
	read := func(name string) string {
		b, _ := os.ReadFile(filepath.Join(dir, name))
		return string(b)
	}
	s.ask(merkel)
	eventually(t, "an access line", func() bool { return strings.Contains(read("access.log"), `"GET / HTTP/1.1" 200`) })
	for _, name := range []string{"access.log", "error.log"} {
		if err := os.Rename(filepath.Join(dir, name), filepath.Join(dir, name+".1")); err != nil {
			t.Fatal(err)
		}
	}
	s.signal(syscall.SIGUSR1)
	eventually(t, "both logs are made again", func() bool {
		_, err1 := os.Stat(filepath.Join(dir, "access.log"))
		_, err2 := os.Stat(filepath.Join(dir, "error.log"))
		return err1 == nil && err2 == nil
	})
	eventually(t, "an access line in the new file", func() bool {
		s.ask(merkel) // the file is there a moment before the worker writes to it
		return strings.Contains(read("access.log"), "200")
	})
	s.signal(syscall.SIGHUP)
	eventually(t, "log lines in the new file", func() bool { return strings.Contains(read("error.log"), logevent.ReloadDone.Text()) })
	if strings.Contains(read("error.log.1"), "reload") {
		t.Error("the log went on in the old file")
	}
	if log := s.logged(); log != "" {
		t.Errorf("standard error has\n%s", log)
	}
}

// If no worker can start, narwhal logs the worker's own error and exits with 3.
func TestMissingModel(t *testing.T) {
	cmd := exec.Command("/proc/self/exe", "-b", "127.0.0.1:0", "--model", "/no/such/model")
	cmd.Args[0] = "narwhal"
	cmd.Env = []string{"HOME=" + t.TempDir()}
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 3 || !bytes.Contains(out, []byte("level=ERROR msg=\"no worker could start: ")) || !bytes.Contains(out, []byte("/no/such/model")) {
		t.Errorf("ended with %v and said\n%s", err, out)
	}
}

// A request's --delay ends when its client hangs up.
func TestDelayEndsWithItsClient(t *testing.T) {
	s := startNarwhal(t, t.TempDir(), "-b", "127.0.0.1:0", "--model", quickModel(t), "--delay", "1h", "--timeout", "0", "--log-level", "debug")
	patience := 25 * time.Millisecond
	eventually(t, "a request was dropped", func() bool {
		// The server does not log a client that leaves before its request was read.
		patience *= 2
		req, err := http.NewRequest("GET", s.url, strings.NewReader(merkel))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		if _, err := (&http.Client{Timeout: patience}).Do(req); err == nil {
			t.Fatal("answered within an hour")
		}
		return strings.Contains(s.logged(), "the client has gone")
	})
}
