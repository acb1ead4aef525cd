package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Load reports everything that is wrong with a file at once, in the file's order, with
// the line and what to do.
func TestFileProblems(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       []string // "Where: Why" or "Where: Why | Hint"
	}{
		{"unknown keys", "\nworker_conections = 5\n# a comment\nhost = \"0.0.0.0\"\nzzz = 1\npreload = true\nWorkers = 3\n", []string{
			`narwhal.toml:2: worker_conections: unknown setting | did you mean worker_connections?`,
			`narwhal.toml:4: host: unknown setting | this setting of Uvicorn is called bind here: HOST:PORT, one value for both`,
			`narwhal.toml:5: zzz: unknown setting`,
			`narwhal.toml:6: preload: unknown setting | narwhal does not have this setting of Gunicorn, which loads the application before the workers start: leave it out; each worker loads the model itself, and the workers share the memory of a model that is built in`,
			`narwhal.toml:7: Workers: unknown setting | did you mean workers?`,
		}},
		{"wrong types", "workers = \"4\"\nbind = 5000\ntimeout = true\nlimit_body = 1.5\nmodel = 3\nexclude = [\"parser\", 3]\ndelay = 1979-05-27\nbacklog = []\nthreads = 1.0\n", []string{
			`narwhal.toml:1: workers: "4" is a string: want a whole number without quotes, or "auto"`,
			`narwhal.toml:2: bind: 5000 is a number: want a string or a list of strings: ["one", "two"]`,
			`narwhal.toml:3: timeout: true is a boolean: want seconds (30) or a duration in quotes ("1m30s")`,
			`narwhal.toml:4: limit_body: 1.5 is a number with a fraction: want bytes (1048576) or a size in quotes ("1MiB")`,
			`narwhal.toml:5: model: 3 is a number: want a string or a list of strings: ["one", "two"]`,
			`narwhal.toml:6: exclude: this is a list: want a string or a list of strings: ["one", "two"]`,
			`narwhal.toml:7: delay: this is a date: want seconds (30) or a duration in quotes ("1m30s")`,
			`narwhal.toml:8: backlog: this is a list: want a whole number without quotes`,
			`narwhal.toml:9: threads: 1 is a number with a fraction: want a whole number without quotes`,
		}},
		{"wrong values", "workers = 0\nworker_connections = -1\ntimeout = -1\nworker_class = \"forking\"\nlimit_body = \"1 flop\"\nlog_level = \"trace\"\nthreads = 3000000000\nmodel = \"\"\n", []string{
			`narwhal.toml:1: workers: 0 is too few: want at least 1`,
			`narwhal.toml:4: worker_class: "forking" is not one of sync, concurrent | concurrent stands for every threaded or asynchronous worker class`,
			`narwhal.toml:7: threads: 3000000000 is too large`,
			`narwhal.toml:2: worker_connections: -1 is too few: want at least 1`,
			`narwhal.toml:5: limit_body: "1 flop" is not a size: want bytes (1048576) or a unit (512KiB, 1MiB)`,
			`narwhal.toml:3: timeout: -1 is negative: want 0 or more`,
			`narwhal.toml:6: log_level: "trace" is not one of debug, info, warn, error`,
		}},
		{"values far too large", "delay = 1e300\ntimeout = 9223372037\nkeep_alive = inf\nlimit_body = \"" + strings.Repeat("9", 300) + "\"\nmodel = 1e300\n", []string{
			`narwhal.toml:1: delay: 1e+300 is too large: want at most 9223372036 seconds (292 years)`,
			`narwhal.toml:3: keep_alive: +Inf is too large: want at most 9223372036 seconds (292 years)`,
			`narwhal.toml:5: model: 1e+300 is a number with a fraction: want a string or a list of strings: ["one", "two"]`,
			`narwhal.toml:4: limit_body: 99999999999999999999… (300 characters) is too large`,
			`narwhal.toml:2: timeout: 9223372037 is too large: want at most 9223372036 seconds (292 years)`,
		}},
		{"tables", "a.b = 1\nworkers = 2\n\n[server]\nbind = \"x\"\n[[many]]\nx = 1\n", []string{
			`narwhal.toml:1: a: unknown table | there are no tables: write the keys without a [heading] or a dot`,
			`narwhal.toml:4: server: unknown table | there are no tables: write the keys without a [heading] or a dot`,
			`narwhal.toml:6: many: unknown table | there are no tables: write the keys without a [heading] or a dot`,
		}},
		{"table of a setting", "[workers]\nx = 1\n", []string{
			`narwhal.toml:1: workers: this is a table: want a whole number without quotes, or "auto"`,
		}},
		{"both spellings", "worker-class = \"sync\"\nworkers = 1\nworker_class = \"sync\"\n", []string{
			`narwhal.toml:3: worker_class: already set on line 1, in the other spelling | keep one of the two`,
		}},
		{"twice", "workers = 1\nworkers = 2\n", []string{
			`narwhal.toml:2: workers: already set on line 1 | keep one of the two`,
		}},
		{"twice, over several lines", "# bind\nbind = [\n  \"127.0.0.1:80\",\n]\nworkers = 1\nbind = [\n  \"127.0.0.1:81\",\n]\n", []string{
			`narwhal.toml:6: bind: already set on line 2 | keep one of the two`,
		}},
		{"twice, at the end", "bind = \"bind = 1\"\r\nbind = \"x\"", []string{
			`narwhal.toml:2: bind: already set on line 1 | keep one of the two`,
		}},
		{"a table twice", "[a]\nb = 1\n[a]\nb = 2\n", []string{
			`narwhal.toml:3: a: already set on line 1 | keep one of the two`,
		}},
		{"twice in a table", "[a]\nb = 1\nb = 2\n", []string{
			`narwhal.toml:3: not TOML: Key 'a.b' has already been defined. | a line is key = value, with strings in quotes: worker_class = "sync"`,
		}},
		{"flags", "config = \"other.toml\"\nprint_config = true\n", []string{
			`narwhal.toml:1: config: this cannot be set in the file | give --config on the command line`,
			`narwhal.toml:2: print_config: this cannot be set in the file | give --print-config on the command line`,
		}},
		{"not TOML", "workers = 2\nworker_class = sync\n", []string{
			`narwhal.toml:2: not TOML: expected value but found "sync" instead | a line is key = value, with strings in quotes: worker_class = "sync"`,
		}},
		{"addresses", "bind = [\"127.0.0.1:80\", \"::1\", \"localhost:80\"]\n", []string{
			`narwhal.toml:1: bind: "::1": write an IPv6 address in brackets, as in [::1]:8000`,
			`narwhal.toml:1: bind: 127.0.0.1:80 and localhost:80 are the same port | keep one of the two`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			write(t, dir, DefaultFile, c.text)
			_, err := Load(Source{Dir: dir})
			if diff := cmp.Diff(c.want, problems(err)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// For each line of a Gunicorn file the error says what to write into narwhal.toml.
func TestFileOfGunicorn(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, gunicornFile, `import multiprocessing

# comment = 1
bind = '0.0.0.0:8000'
workers = multiprocessing.cpu_count() * 2 + 1
worker_class = "gthread"  # threads
threads = 1_000
timeout = 2.5
keepalive = 5
preload_app = True
proxy_protocol = True
max_requests = -1
accesslog = "-"
user = None
pidfile = None
loglevel = os.environ.get("LEVEL", "info")
proxy_allow_ips = ["10.0.0.1", '10.0.0.2',]
umask = 0o007
my_own = 3
port = 8000
w = 3
errorlog = f"{home}/e.log"
check_config = True
secure_scheme_headers = {
    "X-FORWARDED-PROTO": "https",
}
if workers == 3:
    backlog = 5

def post_fork(server, worker):
    timeout = 3
`)
	_, err := Load(Source{Given: Given{"config": {gunicornFile}}, Dir: dir})
	want := []string{
		`gunicorn.conf.py: this is a Python program, which narwhal does not run | write its settings into narwhal.toml, which is read without --config; for each of its lines narwhal says how`,
		`gunicorn.conf.py:4: bind = '0.0.0.0:8000' | write bind = "0.0.0.0:8000"`,
		`gunicorn.conf.py:5: workers = multiprocessing.cpu_count() * 2 + 1 | write workers = N, with the value that this line computes, or workers = "auto"`,
		`gunicorn.conf.py:6: worker_class = "gthread"  # threads | write worker_class = "gthread"`,
		`gunicorn.conf.py:7: threads = 1_000 | write threads = 1_000`,
		`gunicorn.conf.py:8: timeout = 2.5 | write timeout = 2.5`,
		`gunicorn.conf.py:9: keepalive = 5 | write keep_alive = 5`,
		`gunicorn.conf.py:10: preload_app = True | narwhal does not have this setting of Gunicorn, which loads the application before the workers start: leave it out; each worker loads the model itself, and the workers share the memory of a model that is built in`,
		`gunicorn.conf.py:11: proxy_protocol = True | write another value for proxy_protocol: true is a boolean: want a string in quotes; auto stands for Gunicorn's --proxy-protocol without a value`,
		`gunicorn.conf.py:12: max_requests = -1 | write another value for max_requests: -1 is too few: want at least 0`,
		`gunicorn.conf.py:13: accesslog = "-" | write access_logfile = "-"`,
		`gunicorn.conf.py:14: user = None | narwhal does not have this setting of Gunicorn, which changes the user of the workers: start narwhal as that user (User= in a systemd unit, USER in a Dockerfile)`,
		`gunicorn.conf.py:15: pidfile = None | leave it out`,
		`gunicorn.conf.py:16: loglevel = os.environ.get("LEVEL", "info") | write log_level = LEVEL, with the value that this line computes`,
		`gunicorn.conf.py:17: proxy_allow_ips = ["10.0.0.1", '10.0.0.2',] | write proxy_allow_from = ["10.0.0.1", "10.0.0.2"]`,
		`gunicorn.conf.py:18: umask = 0o007 | this setting of Gunicorn is called socket_mode here: a mode instead of a mask: 0660 for 0117. It applies to unix sockets; for other files set the umask before starting narwhal (UMask= in a systemd unit)`,
		`gunicorn.conf.py:22: errorlog = f"{home}/e.log" | write error_logfile = PATH, with the value that this line computes`,
		`gunicorn.conf.py:23: check_config = True | leave it out, or give --check-config on the command line`,
		`gunicorn.conf.py:24: secure_scheme_headers = { | this setting of Gunicorn is called forwarded_allow_ips here: the addresses of proxies. If a request comes from one of them, X-Forwarded-Proto or Forwarded has the scheme, for the access log`,
		`gunicorn.conf.py:30: def post_fork(server, worker): | narwhal does not have this setting of Gunicorn, which is a hook, a function of Python that the server calls: leave it out; narwhal runs no Python. docs/events.md lists the events of the log, and docs/metrics.md the numbers`,
	}
	if diff := cmp.Diff(want, problems(err)); diff != "" {
		t.Errorf("problems (-want +got):\n%s", diff)
	}
}

// Gunicorn reads ./gunicorn.conf.py without being told. narwhal says that it does not.
func TestFileOfGunicornUnread(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, gunicornFile, "import os\nworkers = 4\n")
	const want = `gunicorn.conf.py was not read: the settings belong into narwhal.toml, and narwhal -c gunicorn.conf.py says how to write them there; --config "" ends this warning`
	for _, c := range []struct{ name, want string }{{"", want}, {DefaultFile, ""}} {
		if c.name != "" {
			write(t, dir, c.name, "workers = 3\n")
		}
		s, err := Load(Source{Dir: dir})
		if err != nil || strings.Join(s.Warnings(), "\n") != c.want {
			t.Errorf("with %q: warnings %q, %v; want %q", c.name, s.Warnings(), err, c.want)
		}
	}
	if s, err := Load(Source{Given: Given{"config": {""}}, Dir: dir}); err != nil || len(s.Warnings()) > 0 {
		t.Errorf("--config \"\": warnings %q, %v", s.Warnings(), err)
	}
	_, err := Load(Source{Given: Given{"config": {"python:site.config"}}, Dir: dir})
	if got := problems(err); len(got) != 1 || !strings.HasSuffix(got[0], "narwhal runs no Python and knows no prefix before the path") {
		t.Errorf("--config python:site.config: %q", got)
	}
}

func TestFileMissing(t *testing.T) {
	dir := t.TempDir()
	if s, err := Load(Source{Dir: dir}); err != nil || s.ConfigFile != "" {
		t.Errorf("without a file: %v, %v; want the defaults", s, err)
	}
	_, err := Load(Source{Given: Given{"config": {"x.toml"}}, Dir: dir})
	want := []string{"x.toml: cannot read the configuration file: no such file or directory | check the path: narwhal looked for " + filepath.Join(dir, "x.toml")}
	if diff := cmp.Diff(want, problems(err)); diff != "" {
		t.Errorf("--config x.toml (-want +got):\n%s", diff)
	}
	_, err = Load(Source{Environ: []string{"NARWHAL_CONFIG=" + dir}, Dir: dir})
	want = []string{dir + ": cannot read the configuration file: it is a folder, not a regular file | add the name of the file"}
	if diff := cmp.Diff(want, problems(err)); diff != "" {
		t.Errorf("NARWHAL_CONFIG=a folder (-want +got):\n%s", diff)
	}
	write(t, dir, DefaultFile, "workers = 7\n")
	if s, err := Load(Source{Given: Given{"config": {""}}, Dir: dir}); err != nil || s.Workers != 1 {
		t.Errorf(`--config "": %v, %v; want the file left out`, s, err)
	}
}

// If a file exists and cannot be read, the error says why, and what to do.
func TestFileUnreadable(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "large.toml", strings.Repeat("#", maxFile+1))
	for name, want := range map[string]string{
		"large.toml":     "it is larger than 1MiB | name a file of settings; one with all of them has 3 KB",
		"/proc/self/mem": "input/output error | name a text file of settings that can be read",
	} {
		_, err := Load(Source{Given: Given{"config": {name}}, Dir: dir})
		if diff := cmp.Diff([]string{name + ": cannot read the configuration file: " + want}, problems(err)); diff != "" {
			t.Errorf("--config %s (-want +got):\n%s", name, diff)
		}
	}
	// Root may read every file, so the error is made here.
	got := problems(errors.Join(unreadable("secret.toml", "/x/secret.toml", &fs.PathError{Op: "open", Path: "/x/secret.toml", Err: fs.ErrPermission})))
	want := []string{fmt.Sprintf("secret.toml: cannot read the configuration file: permission denied | give the user that narwhal runs as (uid %d) permission to read the file and to enter its folders", os.Geteuid())}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Any text either is a file whose settings stay the same when they are printed and read
// again, or has problems that each name a line.
func FuzzFile(f *testing.F) {
	for _, text := range []string{
		"workers = 4\nbind = [\":0\", \"unix:a,b\"]\ntimeout = 0.25\n",
		"worker_class = \"gthread\"\nthreads = 2\nmodel = \"./m\"\ndelay = \"10ms\"\n",
		"[a]\nb = 1\n[[c]]\n", "a.b.c = 1", "\"\" = 1", "x = {y = [1, {}]}", "exclude = \"parser, tagger\"\npid = \"a\\tb\"\n",
		"limit_body = 1_000\n", "\xef\xbb\xbfworkers = 1", "access_logfile = '''x'''",
	} {
		f.Add(text)
	}
	line := regexp.MustCompile(`^narwhal\.toml:[1-9][0-9]*(: |$)`)
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, text string) {
		first, failures := parseFile(DefaultFile, text)
		for _, p := range failures {
			if where := p.(*Problem).Where; !line.MatchString(where) {
				t.Fatalf("%q: problem %q names no line", text, where)
			}
		}
		if len(failures) > 0 {
			return
		}
		s, err := loadParsed(first, dir)
		if err != nil {
			for _, text := range problems(err) {
				if !line.MatchString(text) {
					t.Fatalf("problem %q names no line", text)
				}
			}
			return
		}
		var printed strings.Builder
		if err := s.Print(&printed); err != nil {
			t.Fatal(err)
		}
		second, failures := parseFile(DefaultFile, printed.String())
		if len(failures) > 0 {
			t.Fatalf("%q is printed as\n%s\nwhich has the problems %v", text, &printed, failures)
		}
		again, err := loadParsed(second, dir)
		if err != nil {
			t.Fatalf("%q is printed as\n%s\nwhich has the problem %v", text, &printed, err)
		}
		if diff := cmp.Diff(s, again, onlyValues); diff != "" {
			t.Fatalf("%q is printed as\n%s\nwhich differs:\n%s", text, &printed, diff)
		}
	})
}

// loadParsed loads settings from a file that is parsed already.
func loadParsed(parsed *file, dir string) (*Settings, error) {
	l := newLoader(Source{Dir: dir})
	l.file = parsed
	return l.load()
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// problems returns the problems that an error of Load joins, as "Where: Why | Hint".
func problems(err error) []string {
	if err == nil {
		return nil
	}
	var texts []string
	for _, err := range err.(interface{ Unwrap() []error }).Unwrap() {
		p := err.(*Problem)
		text := p.Error()
		if p.Hint != "" {
			text += " | " + p.Hint
		}
		texts = append(texts, text)
	}
	return texts
}
