package config

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/accesslog"
)

// A server that strangers can use says so.
func TestOpenToStrangers(t *testing.T) {
	for args, warns := range map[string]bool{
		"bind=:1": true, "bind=127.0.0.1:1,192.0.2.1:1": true, "bind=127.0.0.1:1": false, "bind=unix:x": false,
		"bind=:1 auth-token-file=tokens": false, "bind=:1 certfile=cert.pem keyfile=key.pem": false,
	} {
		given := Given{}
		for arg := range strings.FieldsSeq(args) {
			name, value, _ := strings.Cut(arg, "=")
			given[name] = []string{value}
		}
		s, err := Load(Source{Given: given, Dir: exampleFolder(t)})
		if err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		if got := strings.Contains(strings.Join(s.Warnings(), "\n"), "neither TLS nor a token"); got != warns || len(s.Warnings()) > 1 {
			t.Errorf("%s: warnings %q", args, s.Warnings())
		}
	}
}

// Parked connections and TLS exclude each other, and the error says what to do.
func TestParkedTLS(t *testing.T) {
	_, err := Load(Source{Given: Given{"certfile": {"cert.pem"}, "keyfile": {"key.pem"}, "keep-alive-mode": {"parked"}}, Dir: exampleFolder(t)})
	if got := problems(err); len(got) != 1 || !strings.Contains(got[0], "the master cannot keep TLS connections") {
		t.Errorf("%q", got)
	}
}

// The tokens are read again with the settings. Only their hashes are kept, and not sent with
// the settings.
func TestTokenFile(t *testing.T) {
	dir := exampleFolder(t)
	s, err := Load(Source{Given: Given{"auth-token-file": {"tokens"}}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(s.Secrets().TokenHashes); n != 1 {
		t.Errorf("%d tokens", n)
	}
	write(t, dir, "tokens", "0123456789abcdef\nfedcba9876543210\n")
	if s, err = s.Reload(); err != nil || len(s.Secrets().TokenHashes) != 2 {
		t.Errorf("%v after a reload", err)
	}
	if b, err := json.Marshal(s); err != nil || strings.Contains(string(b), "Hashes") {
		t.Errorf("%s, %v", b, err)
	}
	write(t, dir, "tokens", "no token\n")
	if _, err := s.Reload(); err == nil {
		t.Error("a wrong file is accepted")
	}
}

// Combinations of settings, given as flags. If want is "", the combination is valid.
func TestCombinations(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct{ args, want string }{
		{"worker-class=gevent threads=4", ""},
		{"threads=1", ""},
		{"threads=4", "--threads: a sync worker computes one request at a time, not 4 | add --worker-class concurrent (Gunicorn's gthread), or leave --threads out"},
		{"worker-class=gthread threads=-1", "--threads: -1 is too few: want at least 0"},
		{"max-requests=100 max-requests-jitter=10", ""},
		{"keep-alive-mode=parked", ""},
		{"keep-alive-mode=pinned worker-class=concurrent", ""},
		{"keep-alive-mode=pinned", "--keep-alive-mode: a sync worker has one request at a time, and pinned connections would bring it more | use parked, which keeps connections for sync workers too, or --worker-class concurrent"},
		{"keep-alive-mode=parked keep-alive=0", "--keep-alive-mode: connections are not kept at all, since --keep-alive is 0 | give --keep-alive a time, or leave --keep-alive-mode out"},
		{"max-requests-jitter=10", "--max-requests-jitter: there is nothing to vary, since --max-requests is 0 | set --max-requests, or leave the jitter out"},
		{"limit-concurrency=4 worker-connections=4", ""},
		{"timeout=0 boot-timeout=0 graceful-timeout=0 delay=99", ""},
		{"timeout=5 delay=5", "--delay: every request would wait 5s and be ended after 5s (--timeout) | make the delay shorter, or --timeout longer"},
		{"delay=-1", "--delay: -1 is negative: want 0 or more"},
		{"drain-delay=-1", "--drain-delay: -1 is negative: want 0 or more"},
		{"max-worker-age=-1s", "--max-worker-age: -1s is negative: want 0 or more"},
		{"max-worker-memory=0", ""},
		{"max-worker-memory=lots", `--max-worker-memory: "lots" is not a size: want bytes (1048576) or a unit (512KiB, 1MiB)`},
		{"limit-body=1GiB", ""},
		{"limit-body=2GiB", "--limit-body: 2GiB is more than 1GiB: a worker holds a body in memory"},
		{"limit-buffers=2MiB", ""},
		{"limit-body=3MiB limit-buffers=2MiB", "--limit-buffers: 2MiB is less than --limit-body, 3MiB, so that the largest body could never be read | make it larger, or --limit-body smaller"},
		{"limit-body=0", "--limit-body: 0 bytes are too few: want at least 1"},
		{"bind=", "--bind: there is no address to listen on | leave it out for 127.0.0.1:8000"},
		{"admin-bind=unix:a.sock", ""},
		{"statsd-host=localhost statsd-prefix=a.b", ""},
		{"statsd-host=localhost:x", `--statsd-host: "x" is not a port: want a number from 1 to 65535`},
		{"statsd-prefix=a:b", `--statsd-prefix: "a:b" has ":", which has a meaning of its own in statsd | use letters, digits, points, - and _`},
		{"admin-bind=localhost:8000", "--admin-bind: localhost:8000 is taken by --bind 127.0.0.1:8000, where the workers answer | give it a port of its own"},
		{"admin-bind=here:there", `--admin-bind: "there" is not a port: want a number from 0 to 65535`},
		{"chdir=nowhere pid=x", "--chdir: " + dir + "/nowhere is not a folder"},
		{"pid=nowhere/pid", "--pid: the folder " + dir + "/nowhere does not exist | make it (mkdir -p " + dir + "/nowhere), or choose another place"},
		{"socket-mode=0660:www-data", ""},
		{"socket-mode=rw", `--socket-mode: "rw" is not a mode: want octal digits, and optionally a colon and a group: 0660:www-data | 0666 lets everybody connect, 0660:GROUP a group`},
		{"control-socket=@x", "--control-socket: @x is an abstract socket, which every user could take; the control socket is a file | name a path; a file of that name is ./@x"},
		{"bind=unix:@a,unix:@b", ""},
		{"bind=unix:@a admin-bind=unix:@a", "--admin-bind: unix:@a is taken by --bind unix:@a, where the workers answer | give it a port of its own"},
		{"control-socket=off", ""},
		{"control-socket=", "--control-socket: the value is empty: want auto, off, or a path"},
		{"access-logfile=.", "--access-logfile: " + dir + " is a folder: add the name of the file"},
		{"access-logformat=%(x)s", "--access-logformat: there is no atom %(x)s: the atoms are " + accesslog.Atoms + " | narwhal help access-logformat explains the atoms"},
		{"forwarded-allow-ips=*", ""},
		{"forwarded-allow-ips=localhost", `--forwarded-allow-ips: "localhost" is no address: want an IP address, a network such as 192.0.2.0/24, or *`},
		{"auth-token-file=none", "--auth-token-file: open " + dir + "/none: no such file or directory | want a file with a token in each line, which the server's user can read"},
		{"keyfile=x", "--keyfile: there is no certificate, so there is no TLS | set --certfile, too"},
		{"certfile=none", "--certfile: certificate: open " + dir + "/none: no such file or directory | want a certificate in PEM, its key in --keyfile, and for mutual TLS the authorities in --ca-certs"},
		{"cors-origin=*", ""},
		{"cors-origin=example.org", `--cors-origin: "example.org" is no origin: want how a page's address begins, in small letters and without the usual port, such as https://example.org or http://localhost:3000, or *`},
		{"proxy-protocol=v2 proxy-allow-from=*", ""},
		{"proxy-protocol=v3", `--proxy-protocol: "v3" is not one of off, v1, v2, auto | auto stands for Gunicorn's --proxy-protocol without a value`},
		{"proxy-protocol=v1 proxy-allow-from=10.0.0.1/8", "--proxy-allow-from: 10.0.0.1/8 has bits behind the network: want 10.0.0.0/8"},
		{"proxy-protocol=v1 keep-alive-mode=parked", "--proxy-protocol: a parked connection loses the client's address of its PROXY header | use --worker-class concurrent with --keep-alive-mode pinned, or --keep-alive 0"},
		{"error-logfile=", "--error-logfile: the value is empty: want a path, or - for stderr"},
		{"model=", "--model: the value is empty: want auto, prose, the name of a pipeline or a path"},
		{"log-level=warning", ""},
		{"workers=0 timeout=x", "--workers: 0 is too few: want at least 1\n" +
			`--timeout: "x" is not a time: want seconds (30, 0.5) or a duration (1m30s, 250ms)`},
	} {
		given := Given{}
		for _, arg := range strings.Fields(c.args) {
			name, value, _ := strings.Cut(arg, "=")
			given[name] = append(given[name], value)
		}
		_, err := Load(Source{Given: given, Dir: dir})
		if diff := cmp.Diff(c.want, strings.Join(problems(err), "\n")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.args, diff)
		}
	}
}

// Load reports a path that cannot be the file of a setting. To open a FIFO would wait,
// and to write to a device can destroy its content.
func TestNotRegular(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "fifo")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "file", "")
	for _, c := range []struct{ name, value, want string }{
		{"pid", "fifo", "--pid: " + fifo + " is a FIFO, not a regular file | choose another"},
		{"pid", "/dev/null", "--pid: /dev/null is a device, not a regular file | choose another"},
		{"error-logfile", "fifo", "--error-logfile: " + fifo + " is a FIFO, not a regular file | to log into a pipe, leave it out and redirect standard error: narwhal 2>PIPE"},
		{"access-logfile", "fifo", "--access-logfile: " + fifo + " is a FIFO, not a regular file | to log into a pipe, say --access-logfile - and redirect standard output: narwhal >PIPE"},
		{"access-logfile", "/dev/null", ""},
		{"access-logfile", "file", ""},
		{"control-socket", "fifo", "--control-socket: " + fifo + " is a FIFO, not a socket | choose another, or remove it"},
		{"control-socket", "file", "--control-socket: " + dir + "/file is a regular file, not a socket | choose another, or remove it"},
		{"config", "fifo", "fifo: cannot read the configuration file: it is a FIFO, not a regular file | write the settings into a file; HUP reads it again"},
		{"config", "/dev/zero", "/dev/zero: cannot read the configuration file: it is a device, not a regular file | write the settings into a file; HUP reads it again"},
		{"config", "/dev/null", ""},
		{"config", ".", ".: cannot read the configuration file: it is a folder, not a regular file | add the name of the file"},
	} {
		_, err := Load(Source{Given: Given{c.name: {c.value}}, Dir: dir})
		if diff := cmp.Diff(c.want, strings.Join(problems(err), "\n")); diff != "" {
			t.Errorf("--%s %s (-want +got):\n%s", c.name, c.value, diff)
		}
	}
}

// A problem names the source that set the value. It is a mistake in the command line
// only if that is a flag.
func TestBlame(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, DefaultFile, "\nmax_requests_jitter = 50\n")
	_, err := Load(Source{
		Given:   Given{"admin-bind": {"127.0.0.1:8000"}},
		Environ: []string{"NARWHAL_THREADS=2"},
		Dir:     dir,
	})
	type blame struct {
		Where string
		Usage bool
	}
	var got []blame
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
		p := err.(*Problem)
		got = append(got, blame{p.Where, p.Usage})
	}
	want := []blame{{"--admin-bind", true}, {"NARWHAL_THREADS", false}, {"narwhal.toml:2: max_requests_jitter", false}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("blamed (-want +got):\n%s", diff)
	}
}

// Load warns if the drain delay and the graceful timeout together are too long.
func TestDrainDelayWarns(t *testing.T) {
	for _, c := range []struct {
		delay, grace string
		want         int
	}{{"0", "60", 0}, {"5", "25", 0}, {"5", "25.1", 1}, {"1", "30", 1}} {
		s, err := Load(Source{Given: Given{"drain-delay": {c.delay}, "graceful-timeout": {c.grace}}, Dir: t.TempDir()})
		if err != nil || len(s.Warnings()) != c.want {
			t.Errorf("--drain-delay %s --graceful-timeout %s: %q, %v; want %d warnings", c.delay, c.grace, s.Warnings(), err, c.want)
		}
	}
}

func TestKeepAliveOfSyncWarns(t *testing.T) {
	for class, want := range map[string]int{Sync: 1, Concurrent: 0} {
		s, err := Load(Source{Given: Given{"keep-alive": {"5"}, "worker-class": {class}}, Dir: t.TempDir()})
		if err != nil || len(s.Warnings()) != want {
			t.Errorf("--keep-alive 5 --worker-class %s: %+v, %v; want %d warnings", class, s, err, want)
		}
	}
	s, err := Load(Source{Given: Given{"keep-alive": {"5"}, "keep-alive-mode": {Parked}}, Dir: t.TempDir()})
	if err != nil || len(s.Warnings()) != 0 {
		t.Errorf("--keep-alive 5 --keep-alive-mode parked: %+v, %v; want no warnings", s, err)
	}
}

// Three settings decide where idle connections are kept.
func TestKeeps(t *testing.T) {
	for _, c := range []struct{ given, want string }{
		{"", Off},
		{"worker-class=concurrent", Pinned},
		{"worker-class=concurrent keep-alive=0", Off},
		{"worker-class=concurrent keep-alive-mode=off", Off},
		{"worker-class=concurrent keep-alive-mode=parked", Parked},
		{"keep-alive-mode=parked", Parked},
	} {
		given := Given{}
		for _, kv := range strings.Fields(c.given) {
			name, value, _ := strings.Cut(kv, "=")
			given[name] = []string{value}
		}
		s, err := Load(Source{Given: given, Dir: t.TempDir()})
		if err != nil {
			t.Fatalf("%s: %v", c.given, err)
		}
		if got := s.Keeps(); got != c.want {
			t.Errorf("%q keeps connections %s, want %s", c.given, got, c.want)
		}
	}
}

// Elsewhere -p is often the port. Here and in Gunicorn it is the file for the pid.
func TestPortAsPidFile(t *testing.T) {
	const want = "--pid: the process ID goes into a file called 8080; if 8080 is a port, use --bind :8080"
	for pid, want := range map[string]string{"8080": want, "run/8080": want, "narwhal.pid": "", "8080.pid": "", "": ""} {
		dir := t.TempDir()
		if err := os.Mkdir(filepath.Join(dir, "run"), 0o755); err != nil {
			t.Fatal(err)
		}
		s, err := Load(Source{Given: Given{"pid": {pid}}, Dir: dir})
		if err != nil || strings.Join(s.Warnings(), "\n") != want {
			t.Errorf("--pid %q: warnings %q, %v; want %q", pid, s.Warnings(), err, want)
		}
	}
}
