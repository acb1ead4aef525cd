package main

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/control"
	"github.com/narwhal-server/narwhal/internal/logevent"
)

// asked is a running narwhal that serves on a unix socket and has no terminal. Tests
// watch it through its control socket and its files.
type asked struct {
	t     *testing.T
	dir   string
	cmd   *exec.Cmd
	ctl   *control.Client
	http  *http.Client
	ended chan error
}

// startFew starts narwhal with so few descriptors that each worker logs a warning at
// once. It returns when the service is ready.
func startFew(t *testing.T, dir string, prepare func(*exec.Cmd), args ...string) *asked {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	narwhal := filepath.Join(t.TempDir(), "narwhal") // testscript.Main chooses the program by this name
	if err := os.Symlink(self, narwhal); err != nil {
		t.Fatal(err)
	}
	models, err := filepath.Abs("../../models")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(models, filepath.Join(dir, "models")); err != nil { // if the folder does not exist, narwhal uses prose
		t.Fatal(err)
	}
	run := shortDir(t)
	sock, ctl := filepath.Join(run, "n"), filepath.Join(run, "c")
	args = append([]string{"-b", "unix:" + sock, "--control-socket", ctl}, args...)
	cmd := exec.Command("sh", append([]string{"-c", `ulimit -n 64; exec "$0" "$@"`, narwhal}, args...)...)
	cmd.Dir = dir
	cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	prepare(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &asked{t: t, dir: dir, cmd: cmd, ctl: control.NewClient(ctl), ended: make(chan error, 1)}
	s.http = &http.Client{Transport: &http.Transport{DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			var d net.Dialer
			return d.DialContext(ctx, "unix", sock)
		}}}
	go func() { s.ended <- cmd.Wait() }()
	t.Cleanup(func() { cmd.Process.Kill() })
	eventually(t, "it serves", func() bool { return s.status().State == "ready" })
	return s
}

func (s *asked) status() control.Status {
	status, err := s.ctl.Status(s.t.Context())
	if err != nil {
		return control.Status{}
	}
	return *status
}

func (s *asked) inFlight() (n int) {
	for _, w := range s.status().Workers {
		n += w.InFlight
	}
	return n
}

// ask sends a request and does not wait for the answer.
func (s *asked) ask() <-chan int {
	status := make(chan int, 1)
	go func() {
		resp, err := s.http.Post("http://narwhal/", "application/json", strings.NewReader(merkel))
		if err != nil {
			status <- 0
			return
		}
		resp.Body.Close()
		status <- resp.StatusCode
	}()
	return status
}

func (s *asked) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		s.t.Fatal(err)
	}
	if err := <-s.ended; err != nil {
		s.t.Errorf("it ended with %v", err)
	}
}

func (s *asked) read(name string) string {
	b, _ := os.ReadFile(filepath.Join(s.dir, name)) // "" if the file is not there yet
	return string(b)
}

// create opens a file without O_APPEND, as a shell's > does.
func create(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// toFiles returns a function that sends standard output, standard error and descriptor 3
// to the files out, err and three.
func toFiles(t *testing.T, dir string) func(*exec.Cmd) {
	return func(cmd *exec.Cmd) {
		cmd.Stdout, cmd.Stderr = create(t, filepath.Join(dir, "out")), create(t, filepath.Join(dir, "err"))
		cmd.ExtraFiles = []*os.File{create(t, filepath.Join(dir, "three"))}
	}
}

// wantRecords fails the test for each line that is no log record in the format, and for
// an empty text.
func wantRecords(t *testing.T, where, format, text string) {
	t.Helper()
	if text == "" {
		t.Errorf("%s is empty", where)
	}
	for line := range strings.Lines(text) {
		var record struct{ Level, Msg string }
		json.Unmarshal([]byte(line), &record)
		if format == "json" && (record.Level == "" || record.Msg == "") || format == "text" && !textRecord.MatchString(line) {
			t.Errorf("%s has a line that is no record in %s: %q", where, format, line)
		}
	}
}

var textRecord = regexp.MustCompile(`^time=\S+ level=[A-Z]+ msg=.+\n$`)

// Every line of every process is in the chosen format and file. The test causes lines
// of workers that do not have their settings yet, and lines about requests that are cut
// off, a worker that is killed, reloads that fail and that work, and the master's death.
// Standard error stays empty, and standard output has only the access log.
func TestEveryLineInItsFormat(t *testing.T) {
	for _, format := range []string{"json", "text"} {
		dir := t.TempDir()
		file := filepath.Join(dir, "narwhal.toml")
		write := func(text string) {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("")
		s := startFew(t, dir, toFiles(t, dir), "-w2", "-kgevent", "--delay=1h", "--timeout=0", "--graceful-timeout=50ms",
			"--log-format", format, "--error-logfile=F", "--access-logfile=-")
		logs := func(text string, n int) func() bool {
			return func() bool { return strings.Count(s.read("F"), text) >= n }
		}
		eventually(t, "both workers warn about descriptors", logs("allows fewer connections", 2))
		held := s.ask()
		eventually(t, "a request waits", func() bool { return s.inFlight() == 1 })
		write("workres = 2\n")
		s.cmd.Process.Signal(syscall.SIGHUP)
		eventually(t, "the reload fails", logs(string(logevent.ReloadFailed), 1))
		write("log_level = \"debug\"\n")
		s.cmd.Process.Signal(syscall.SIGHUP)
		eventually(t, "the reload is done", logs(string(logevent.ReloadDone), 1))
		eventually(t, "the request is cut off", logs(string(logevent.WorkerCut), 1)) // by the master, or by the worker itself
		if status := <-held; status == 200 {
			t.Error("the request was answered")
		}
		eventually(t, "the old workers have left", func() bool { return len(s.status().Workers) == 2 })
		if err := syscall.Kill(s.status().Workers[0].Pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the death", logs(string(logevent.WorkerDied), 1))
		resp, err := s.http.Get("http://narwhal/nowhere")
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		// When the master is dead, its workers log which requests are lost.
		s.ask()
		eventually(t, "a request waits", func() bool { return s.inFlight() == 1 })
		if err := s.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "a worker says that the request is lost", logs("1 requests are lost", 1))
		wantRecords(t, "F", format, s.read("F"))
		if text := s.read("err"); text != "" {
			t.Errorf("standard error has\n%s", text)
		}
		out := s.read("out")
		if strings.Count(out, "\n") != strings.Count(out, "HTTP/1.1") || !strings.Contains(out, "/nowhere") {
			t.Errorf("standard output has more than the access log, or less:\n%s", out)
		}
		if format == "json" && !json.Valid([]byte(strings.SplitN(out, "\n", 2)[0])) {
			t.Errorf("the access log is no JSON:\n%s", out)
		}
	}
}

// No process logs lines below the level, not even a worker that does not have its
// settings yet.
func TestLevelFromTheFirstLine(t *testing.T) {
	dir := t.TempDir()
	s := startFew(t, dir, toFiles(t, dir), "-w2", "-kgevent", "--log-level=error")
	s.stop()
	if text := s.read("err") + s.read("out"); text != "" {
		t.Errorf("at level error it says\n%s", text)
	}
}

// A server that cannot start says why in the chosen format and file.
func TestWhyItCannotStart(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		why    string
	}{
		{"-b 192.0.2.1:1", 1, "this machine has no such address"},
		{"-b 127.0.0.1:0 --model /no/such/model", 3, "no worker could start: "},
		{"-b 127.0.0.1:0 --model prose --admin-bind 192.0.2.1:1", 1, "this machine has no such address"},
	} {
		for _, format := range []string{"json", "text"} {
			for _, file := range []string{"-", "F"} {
				dir := t.TempDir()
				cmd := narwhalCommand(dir, append(strings.Fields(c.args), "--log-format", format, "--error-logfile", file)...)
				var out, log strings.Builder
				cmd.Stdout, cmd.Stderr = &out, &log
				cmd.Run() // its status is checked below
				text := log.String()
				if file == "F" {
					if text != "" {
						t.Errorf("%s into a file: standard error has\n%s", c.args, text)
					}
					b, err := os.ReadFile(filepath.Join(dir, "F"))
					if err != nil {
						t.Error(err)
					}
					text = string(b)
				}
				wantRecords(t, c.args, format, text)
				if cmd.ProcessState.ExitCode() != c.status || !strings.Contains(text, c.why) || out.Len() > 0 {
					t.Errorf("%s: status %d, want %d and %q:\n%s%s", c.args, cmd.ProcessState.ExitCode(), c.status, c.why, text, &out)
				}
			}
		}
	}
	// The settings are wrong, but the format is known.
	cmd := narwhalCommand(t.TempDir(), "-w0", "--threads=x")
	cmd.Env = append(cmd.Env, "NARWHAL_LOG_FORMAT=json")
	out, _ := cmd.CombinedOutput()
	wantRecords(t, "wrong settings", "json", string(out))
	if cmd.ProcessState.ExitCode() != 2 || strings.Count(string(out), "\n") != 2 {
		t.Errorf("wrong settings: status %d:\n%s", cmd.ProcessState.ExitCode(), out)
	}
}

// A path such as /dev/stderr means the inherited descriptor, in every spelling, and also
// after an upgrade.
func TestStreams(t *testing.T) {
	for i, c := range []struct{ args, log, access string }{
		{"--error-logfile=/dev/stderr --access-logfile=/dev/stdout", "err", "out"},
		{"--error-logfile=/dev/stdout --access-logfile=/dev/stderr", "out", "err"},
		{"--error-logfile=/proc/self/fd/1 --access-logfile=/dev/fd/3", "out", "three"},
		{"--error-logfile=/dev/fd/3 --access-logfile=link", "three", "out"},
		{"--error-logfile=F --access-logfile=/dev/fd/2", "F", "err"},
	} {
		if raceDetector && i > 0 {
			break // the others differ only in the names of the files
		}
		dir := t.TempDir()
		if err := os.Symlink("/dev/stdout", filepath.Join(dir, "link")); err != nil {
			t.Fatal(err)
		}
		s := startFew(t, dir, toFiles(t, dir), strings.Fields(c.args)...)
		answered := 0
		ask := func() {
			if status := <-s.ask(); status != 200 {
				t.Errorf("%s: status %d", c.args, status)
			}
			answered++
			eventually(t, "access lines", func() bool { return strings.Count(s.read(c.access), " 200 ") == answered })
		}
		ask()
		s.cmd.Process.Signal(syscall.SIGUSR1) // files are opened again, streams are not
		ask()
		said, err := s.ctl.Upgrade(t.Context())
		if err != nil {
			t.Fatalf("%s: %v", c.args, err)
		}
		if err := <-s.ended; err != nil {
			t.Errorf("the old master ended with %v", err)
		}
		ask()
		next := s.status().Pid
		if err := syscall.Kill(next, syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		if _, err := syscall.Wait4(next, nil, 0, nil); err != nil {
			t.Error(err)
		}
		log := s.read(c.log)
		wantRecords(t, c.args, "text", log)
		for _, line := range []string{"allows fewer", logevent.Serving.Text(), logevent.UpgradeTakenOver.Text(), logevent.Stopped.Text()} {
			if !strings.Contains(log, line) {
				t.Errorf("%s: the log in %s has no %q, %s:\n%s", c.args, c.log, line, said, log)
			}
		}
		for _, name := range []string{"out", "err", "three"} {
			if text := s.read(name); name != c.log && name != c.access && text != "" {
				t.Errorf("%s: %s has\n%s", c.args, name, text)
			}
		}
	}
}

// If log and access log are one file that a shell has opened, nothing in it is
// overwritten, not even what was there before.
func TestStreamsShareAnOffset(t *testing.T) {
	dir := t.TempDir()
	both := create(t, filepath.Join(dir, "both"))
	io.WriteString(both, "before\n")
	s := startFew(t, dir, func(cmd *exec.Cmd) { cmd.Stdout, cmd.Stderr = both, both }, "-w2", "--error-logfile=/dev/stderr", "--access-logfile=/dev/stdout")
	for range 10 {
		if status := <-s.ask(); status != 200 {
			t.Errorf("status %d", status)
		}
	}
	s.stop()
	text, found := strings.CutPrefix(s.read("both"), "before\n")
	access := 0
	for line := range strings.Lines(text) {
		if strings.Contains(line, " 200 ") {
			access++
		} else if !textRecord.MatchString(line) {
			t.Errorf("a line is not whole: %q", line)
		}
	}
	if !found || access != 10 || !strings.Contains(text, logevent.Listening.Text()) || !strings.Contains(text, logevent.Stopped.Text()) {
		t.Errorf("%d access lines, want 10 and all of the log:\n%s", access, s.read("both"))
	}
}

// Standard error may be a socket, which cannot be opened by its path.
func TestStreamIsASocket(t *testing.T) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs := os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	defer ours.Close()
	s := startFew(t, t.TempDir(), func(cmd *exec.Cmd) { cmd.Stderr = theirs }, "--error-logfile=/dev/stderr")
	theirs.Close()
	s.stop()
	log, err := io.ReadAll(ours)
	if err != nil {
		t.Fatal(err)
	}
	wantRecords(t, "the socket", "text", string(log))
}

// A log cannot go to a descriptor that was not passed, or that is only for reading.
func TestStreamThatIsNotThere(t *testing.T) {
	for _, flag := range []string{"--error-logfile", "--access-logfile"} {
		for path, why := range map[string]string{
			"/dev/fd/9":       "descriptor 9 is not open: the program that starts narwhal must open and pass it",
			"/proc/self/fd/4": "descriptor 4 is not open",
			"/dev/stdin":      "descriptor 0 is open for reading only",
		} {
			cmd := narwhalCommand(t.TempDir(), "-b", "127.0.0.1:0", "--model", quickModel(t), flag, path)
			out, _ := cmd.CombinedOutput()
			if cmd.ProcessState.ExitCode() != 1 || !strings.Contains(string(out), flag+": "+why) {
				t.Errorf("%s %s: status %d:\n%s", flag, path, cmd.ProcessState.ExitCode(), out)
			}
		}
	}
}

// A reload changes the log's format and file for all processes, but only if the reload
// succeeds.
func TestReloadChangesTheLog(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "narwhal.toml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("error_logfile = \"one\"\n")
	s := startFew(t, dir, toFiles(t, dir), "-w2", "-kgevent")
	write("error_logfile = \"two\"\nlog_format = \"json\"\nworkres = 1\n")
	if _, err := s.ctl.Reload(t.Context()); err == nil {
		t.Error("a bad file was accepted")
	}
	write("error_logfile = \"two\"\nlog_format = \"json\"\n")
	if _, err := s.ctl.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.read("one")
	wantRecords(t, "one", "text", before)
	s.stop()
	wantRecords(t, "two", "json", s.read("two"))
	if !strings.Contains(s.read("two"), `"msg":"stopped"`) {
		t.Errorf("the end is not in the new file:\n%s", s.read("two"))
	}
}

// A new master whose settings are wrong reports that in the old master's log, in its
// format. Only the configuration file had named both.
func TestUpgradeWithWrongSettings(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "narwhal.toml")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("error_logfile = \"F\"\nlog_format = \"json\"\n")
	s := startFew(t, dir, toFiles(t, dir), "-w1")
	write("workres = 1\n")
	if said, err := s.ctl.Upgrade(t.Context()); err == nil {
		t.Errorf("wrong settings were accepted: %s", said)
	}
	s.stop()
	log := s.read("F")
	wantRecords(t, "F", "json", log)
	if !strings.Contains(log, "narwhal.toml:1: workres: unknown setting") {
		t.Errorf("the log does not say what is wrong:\n%s", log)
	}
	if text := s.read("err"); text != "" {
		t.Errorf("standard error has\n%s", text)
	}
}

// The first line of the greeting has the address of the page.
func TestGreetingBegins(t *testing.T) {
	for bound, want := range map[string]string{
		"127.0.0.1:5000":            "http://127.0.0.1:5000/",
		"0.0.0.0:5000":              "http://127.0.0.1:5000/",
		"[::]:5000":                 "http://[::1]:5000/",
		"unix:/tmp/n.sock":          "unix:/tmp/n.sock",
		"fd://3":                    "fd://3",
		"unix:/tmp/n.sock,[::1]:80": "unix:/tmp/n.sock, http://[::1]:80/",
	} {
		var b strings.Builder
		greet(&b, &config.Settings{Workers: 1}, strings.Split(bound, ","), "a model")
		if first, _, _ := strings.Cut(b.String(), "\n"); first != "narwhal serves "+want {
			t.Errorf("%s: the greeting begins with %q, want %q", bound, first, "narwhal serves "+want)
		}
	}
}

// The curl command in the greeting fits the address.
func TestGreetingLine(t *testing.T) {
	for bound, want := range map[string]string{
		"127.0.0.1:5000":   "curl http://127.0.0.1:5000 ",
		"0.0.0.0:5000":     "curl http://127.0.0.1:5000 ",
		"[::]:5000":        "curl http://[::1]:5000 ",
		":5000":            "curl http://127.0.0.1:5000 ",
		"unix:/tmp/n.sock": "curl --unix-socket /tmp/n.sock http://localhost ",
		"unix:@n":          "curl --abstract-unix-socket n http://localhost ",
		"fd://3":           "curl http://localhost ",
	} {
		var b strings.Builder
		greet(&b, &config.Settings{Workers: 1}, []string{bound}, "a model")
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s: want %q in\n%s", bound, want, &b)
		}
	}
}
