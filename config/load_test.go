package config

import (
	"crypto/x509"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/narwhal-server/narwhal/internal/accesslog"
	"github.com/narwhal-server/narwhal/internal/certs/certstest"
	"github.com/narwhal-server/narwhal/limits"
)

// onlyValues compares the values of settings, but not where they came from.
var onlyValues = cmp.Options{cmpopts.IgnoreUnexported(Settings{}), cmpopts.IgnoreFields(Settings{}, "ConfigFile"), cmpopts.EquateEmpty()}

func TestDefaults(t *testing.T) {
	got, err := Load(Source{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	want := &Settings{
		Bind: []string{"127.0.0.1:8000"}, SocketMode: "0666", Backlog: 2048, Metrics: "off",
		ForwardedAllowIPs: []string{"127.0.0.1", "::1"}, ProxyProtocol: "off", ProxyAllowFrom: []string{"127.0.0.1", "::1"},
		Workers: 1, WorkerClass: Sync, BootTimeout: time.Minute, KeepAliveMode: Auto,
		Limits: limits.Limits{
			WorkerConnections: 1000, LimitRequestLine: 4094, LimitRequestFields: 100, LimitRequestFieldSize: 8190, LimitBody: 1 << 20,
			Timeout: 30 * time.Second, GracefulTimeout: 30 * time.Second, KeepAlive: 2 * time.Second,
		},
		Model: []string{"auto"}, LogLevel: "info", LogFormat: "text", ErrorLogfile: "-", AccessLogformat: accesslog.Default,
		ControlSocket: "auto",
	}
	if diff := cmp.Diff(want, got, onlyValues); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if w := got.Warnings(); len(w) > 0 {
		t.Errorf("defaults warn: %q", w)
	}
}

// A number has the same limit from every source.
func TestTooMany(t *testing.T) {
	for where, src := range map[string]Source{
		"--workers":               {Given: Given{"workers": {"513"}}},
		"NARWHAL_WORKERS":         {Environ: []string{"NARWHAL_WORKERS=513"}},
		"WEB_CONCURRENCY":         {Environ: []string{"WEB_CONCURRENCY=513"}},
		"narwhal.toml:1: workers": {},
	} {
		src.Dir = t.TempDir()
		if src.Given == nil && src.Environ == nil {
			write(t, src.Dir, DefaultFile, "workers = 513\n")
		}
		_, err := Load(src)
		if want := where + ": 513 is too many: want at most 512"; strings.Join(problems(err), "\n") != want {
			t.Errorf("got %q, want %q", problems(err), want)
		}
	}
	if s, err := Load(Source{Dir: t.TempDir(), Given: Given{"workers": {"512"}}}); err != nil || s.Workers != 512 {
		t.Errorf("512 workers: %v", err)
	}
}

// Each source beats the ones before it.
func TestPrecedence(t *testing.T) {
	for _, c := range []struct {
		file    string
		environ []string
		flag    string
		want    int
		origin  Origin
	}{
		{"", nil, "", 1, Default},
		{"", []string{"WEB_CONCURRENCY=2"}, "", 2, "WEB_CONCURRENCY"},
		{"\nworkers = 3\n", []string{"WEB_CONCURRENCY=2"}, "", 3, "narwhal.toml:2"},
		{"workers = 3", []string{"WEB_CONCURRENCY=2", "NARWHAL_WORKERS=4"}, "", 4, "NARWHAL_WORKERS"},
		{"workers = 3", []string{"NARWHAL_WORKERS=4"}, "5", 5, "--workers"},
		{"workers = 3", []string{"NARWHAL_WORKERS="}, "", 3, "narwhal.toml:1"},
		{"workers = 3", nil, "auto", AutoNumber, "--workers"},
		{"workers = \"auto\"", nil, "", AutoNumber, "narwhal.toml:1"},
		{"", []string{"WEB_CONCURRENCY=auto"}, "", AutoNumber, "WEB_CONCURRENCY"},
	} {
		dir := t.TempDir()
		if c.file != "" {
			write(t, dir, DefaultFile, c.file)
		}
		src := Source{Environ: c.environ, Dir: dir}
		if c.flag != "" {
			src.Given = Given{"workers": {c.flag}}
		}
		s, err := Load(src)
		if err != nil {
			t.Errorf("%+v: %v", c, err)
			continue
		}
		if s.Workers != c.want || s.Origin("workers") != c.origin {
			t.Errorf("file %q, environment %q, flag %q: %d from %s; want %d from %s",
				c.file, c.environ, c.flag, s.Workers, s.Origin("workers"), c.want, c.origin)
		}
	}
}

func TestVariablesOfOthers(t *testing.T) {
	for _, c := range []struct {
		environ []string
		want    string
		origin  Origin
	}{
		{[]string{"FORWARDED_ALLOW_IPS=192.0.2.1, 10.0.0.0/8"}, "192.0.2.1 10.0.0.0/8", "FORWARDED_ALLOW_IPS"},
		{[]string{"FORWARDED_ALLOW_IPS=*", "NARWHAL_FORWARDED_ALLOW_IPS=::1"}, "::1", "NARWHAL_FORWARDED_ALLOW_IPS"},
	} {
		s, err := Load(Source{Dir: t.TempDir(), Environ: c.environ})
		if err != nil {
			t.Error(err)
		} else if got := strings.Join(s.ForwardedAllowIPs, " "); got != c.want || s.Origin("forwarded-allow-ips") != c.origin {
			t.Errorf("%q: %s from %s", c.environ, got, s.Origin("forwarded-allow-ips"))
		}
	}
}

// example has for each setting a value that is not its default. needs has what must be
// set with it.
var (
	example = map[string]string{
		"bind": "127.0.0.1:1", "socket-mode": "0660", "backlog": "7", "admin-bind": "127.0.0.1:2", "metrics": "on",
		"certfile": "cert.pem", "keyfile": "key.pem", "ca-certs": "cert.pem", "auth-token-file": "tokens", "cors-origin": "https://example.org", "forwarded-allow-ips": "192.0.2.0/24", "proxy-protocol": "auto", "proxy-allow-from": "192.0.2.1",
		"workers": "7", "worker-class": "concurrent", "threads": "1", "gomaxprocs": "7",
		"max-requests": "7", "max-requests-jitter": "7", "max-worker-age": "7", "max-worker-memory": "7",
		"worker-connections": "7", "limit-concurrency": "7", "limit-request-line": "70", "limit-request-fields": "7", "limit-request-field-size": "70", "limit-body": "7", "limit-buffers": "2MiB",
		"timeout": "7", "boot-timeout": "7", "graceful-timeout": "7", "drain-delay": "7", "keep-alive": "7", "keep-alive-mode": "parked", "delay": "7ms",
		"model": "prose", "exclude": "parser", "log-level": "debug", "log-format": "json",
		"error-logfile": "e.log", "access-logfile": "a.log", "access-logformat": "%(h)s, 100%%", "statsd-host": "localhost:7", "statsd-prefix": "a.b", "pid": "p", "control-socket": "c.sock", "chdir": ".",
	}
	needs = map[string]Given{
		"max-requests-jitter": {"max-requests": {"1"}},
		"keyfile":             {"certfile": {"cert.pem"}},
		"ca-certs":            {"certfile": {"cert.pem"}},
	}
)

// exampleFolder returns a folder with the files that the example values name.
func exampleFolder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	cert, key := certstest.Pair(t, x509.Certificate{})
	for name, content := range map[string][]byte{
		"tokens":   []byte("0123456789abcdef\n"),
		"cert.pem": slices.Concat(cert, key),
		"key.pem":  key,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Every setting can be given by a flag, by a variable and in the file.
func TestEverySettingFromEverySource(t *testing.T) {
	for _, setting := range Table() {
		if setting.FlagOnly {
			continue
		}
		value, ok := example[setting.Name]
		if !ok {
			t.Errorf("no example value for %s", setting.Name)
			continue
		}
		dir := exampleFolder(t)
		line := setting.Key() + " = \"" + value + "\"\n"
		if _, count := setting.field(new(Settings)).(*int); count {
			line = setting.Key() + " = " + value + "\n"
		}
		write(t, dir, "one.toml", line)
		var got [3]*Settings
		for i, src := range []Source{
			{Given: Given{setting.Name: {value}}, Dir: dir},
			{Environ: []string{setting.Variable() + "=" + value}, Dir: dir},
			{Environ: []string{"NARWHAL_CONFIG=one.toml"}, Dir: dir},
		} {
			for name, texts := range needs[setting.Name] {
				if src.Given == nil {
					src.Given = Given{}
				}
				src.Given[name] = texts
			}
			s, err := Load(src)
			if err != nil {
				t.Errorf("%s from source %d: %v", setting.Name, i, err)
				continue
			}
			want := []Origin{Origin(setting.Flag()), Origin(setting.Variable()), "one.toml:1"}[i]
			if s.Origin(setting.Name) != want {
				t.Errorf("%s from source %d: origin %s, want %s", setting.Name, i, s.Origin(setting.Name), want)
			}
			got[i] = s
		}
		none, err := Load(Source{Dir: dir, Given: needs[setting.Name]})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range got {
			if s == nil {
				continue // reported above
			}
			if diff := cmp.Diff(got[0], s, onlyValues); diff != "" {
				t.Errorf("%s differs between flag, variable and file:\n%s", setting.Name, diff)
			}
			if cmp.Equal(none, s, onlyValues) {
				t.Errorf("%s = %s changes nothing", setting.Name, value)
			}
		}
	}
}

func TestLists(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, DefaultFile, `bind = ["unix:/run/a,b", ":1"]`)
	for _, c := range []struct {
		src  Source
		want []string
	}{
		{Source{}, []string{"unix:/run/a,b", ":1"}},
		{Source{Environ: []string{"NARWHAL_BIND=:2, :3,"}}, []string{":2", ":3"}},
		{Source{Given: Given{"bind": {":4", ":5,:6"}}}, []string{":4", ":5", ":6"}},
	} {
		c.src.Dir = dir
		s, err := Load(c.src)
		if err != nil {
			t.Errorf("%+v: %v", c.src, err)
		} else if diff := cmp.Diff(c.want, s.Bind); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.src, diff)
		}
	}
}

// Several models keep their order, and each path becomes absolute.
func TestModels(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, DefaultFile, `model = ["en_core_web_sm", "./a,b"]`)
	for _, c := range []struct {
		src  Source
		want []string
	}{
		{Source{}, []string{"en_core_web_sm", dir + "/a,b"}},
		{Source{Environ: []string{"NARWHAL_MODEL=prose, ./m"}}, []string{"prose", dir + "/m"}},
		{Source{Given: Given{"model": {"./m", "auto,prose"}}}, []string{dir + "/m", "auto", "prose"}},
	} {
		c.src.Dir = dir
		s, err := Load(c.src)
		if err != nil {
			t.Errorf("%+v: %v", c.src, err)
		} else if diff := cmp.Diff(c.want, s.Model); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.src, diff)
		}
	}
}

// The last of several flags wins, as with Gunicorn.
func TestRepeatedFlag(t *testing.T) {
	s, err := Load(Source{Given: Given{"workers": {"2", "3"}}, Dir: t.TempDir()})
	if err != nil || s.Workers != 3 {
		t.Errorf("-w 2 -w 3: %+v, %v; want 3 workers", s, err)
	}
}

func TestPaths(t *testing.T) {
	start := t.TempDir()
	if err := os.MkdirAll(filepath.Join(start, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, start, DefaultFile, `
bind = "unix:n.sock"
pid = "n.pid"
error_logfile = "../e.log"
model = "./m"
chdir = "run"
`)
	s, err := Load(Source{Dir: start})
	if err != nil {
		t.Fatal(err)
	}
	got := []string{s.ConfigFile, s.Chdir, s.Bind[0], s.Pid, s.ErrorLogfile, s.AccessLogfile, s.Model[0]}
	want := []string{
		start + "/narwhal.toml", start + "/run", "unix:" + start + "/run/n.sock", start + "/run/n.pid", start + "/e.log", "", start + "/run/m",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths (-want +got):\n%s", diff)
	}
	for model, want := range map[string]string{
		"en_core_web_sm": "en_core_web_sm", "a.whl": start + "/a.whl", ".": start, "/m/": "/m", "../m": filepath.Dir(start) + "/m",
	} {
		s, err := Load(Source{Given: Given{"config": {""}, "model": {model}}, Dir: start})
		if err != nil || len(s.Model) != 1 || s.Model[0] != want {
			t.Errorf("--model %s: %+v, %v; want %s", model, s, err, want)
		}
	}
}

func TestReload(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, DefaultFile, "workers = 2\ntimeout = 5\n")
	s, err := Load(Source{Given: Given{"timeout": {"9"}}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, DefaultFile, "workers = 3\ntimeout = 6\n")
	s, err = s.Reload()
	if err != nil {
		t.Fatal(err)
	}
	if s.Workers != 3 || s.Timeout != 9*time.Second {
		t.Errorf("reloaded: %d workers, timeout %v; want 3 of the new file, 9s of the flag", s.Workers, s.Timeout)
	}
	write(t, dir, DefaultFile, "workers = nonsense\n")
	if _, err := s.Reload(); err == nil {
		t.Error("reloading a broken file: no error")
	}
	// The default file need not exist. If it was read, Reload fails without it.
	if err := os.Remove(filepath.Join(dir, DefaultFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Reload(); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("reloading a file that is gone: %v; want an error", err)
	}
	// A default file may appear between Load and Reload.
	fresh, err := Load(Source{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, DefaultFile, "workers = 4\n")
	if fresh, err = fresh.Reload(); err != nil || fresh.Workers != 4 {
		t.Errorf("reloading with a file that has appeared: %+v, %v; want 4 workers", fresh, err)
	}
}

func TestVariableWarnings(t *testing.T) {
	for variable, want := range map[string]string{
		"NARWHAL_WORKER=2":                             "NARWHAL_WORKER is not a setting and was ignored: did you mean NARWHAL_WORKERS?",
		"NARWHAL_BLOWHOLE=2":                           "NARWHAL_BLOWHOLE is not a setting and was ignored",
		"NARWHAL_CHECK_CONFIG=1":                       "NARWHAL_CHECK_CONFIG is not a setting and was ignored",
		"NARWHAL_CIPHERS=x":                            "NARWHAL_CIPHERS is not a setting and was ignored: narwhal does not have this setting of Gunicorn, which chooses how TLS is spoken: leave it out; TLS 1.2 and 1.3 are spoken, with the ciphers that Go takes for safe",
		"NARWHAL_W=2":                                  "NARWHAL_W is not a setting and was ignored: did you mean NARWHAL_WORKERS?",
		"NARWHAL_LOG_FILE=x":                           "NARWHAL_LOG_FILE is not a setting and was ignored: did you mean NARWHAL_ERROR_LOGFILE?",
		"NARWHAL_PORT=5000":                            "NARWHAL_PORT is not a setting and was ignored: this setting of Uvicorn is called NARWHAL_BIND here: HOST:PORT, one value for both",
		"NARWHAL_WORKERS=2":                            "",
		"NARWHAL_NONSENSE=":                            "",
		"NARWHAL_CTL=3":                                "",
		"NARWHAL_SIMD=avx2":                            "",
		"NARWHAL_TEST_MODEL=x":                         "",
		"NARWHALE=1":                                   "",
		"NARWHAL_PORT=tcp://10.0.0.1:80":               "",
		"NARWHAL_SERVICE_HOST=10.0.0.1":                "",
		"NARWHAL_SERVICE_PORT_HTTP=80":                 "",
		"NARWHAL_PORT_80_TCP_ADDR=10.0.0.1":            "",
		"NARWHAL_CANARY_PORT_80_TCP=tcp://10.0.0.1:80": "",
	} {
		s, err := Load(Source{Environ: []string{variable}, Dir: t.TempDir()})
		if err != nil {
			t.Errorf("%s: %v", variable, err)
			continue
		}
		if got := strings.Join(s.Warnings(), "\n"); got != want {
			t.Errorf("%s: warning %q, want %q", variable, got, want)
		}
	}
}

// A variable of Gunicorn or Uvicorn is worth a warning only if it asks for what nobody has
// told narwhal.
func TestForeignVariables(t *testing.T) {
	const port = "PORT=8080 was ignored, and the address is 127.0.0.1:8000: to listen on this port of all interfaces, set NARWHAL_BIND=:8080, or give --bind :8080"
	for _, c := range []struct {
		environ []string
		given   Given
		want    string
	}{
		{[]string{"PORT=8080"}, nil, port},
		{[]string{"PORT=8080"}, Given{"workers": {"2"}}, port},
		{[]string{"PORT=8080"}, Given{"bind": {"127.0.0.1:80"}}, ""},
		{[]string{"PORT=8080", "NARWHAL_BIND=127.0.0.1:80"}, nil, ""},
		{[]string{"PORT="}, nil, ""},
		{[]string{"PORT=tcp://10.0.0.1:80"}, nil, ""},
		{[]string{"PORT=70000"}, nil, ""},
		{[]string{"GUNICORN_CMD_ARGS=-w 4"}, nil, "GUNICORN_CMD_ARGS was ignored: give narwhal its flags on the command line, or in variables such as NARWHAL_WORKERS"},
		{[]string{"GUNICORN_CMD_ARGS="}, nil, ""},
		{[]string{"UVICORN_WORKERS=4"}, nil, "UVICORN_WORKERS was ignored: did you mean NARWHAL_WORKERS?"},
		{[]string{"UVICORN_WORKERS=4"}, Given{"workers": {"2"}}, ""},
		{[]string{"UVICORN_PORT=80"}, nil, "UVICORN_PORT was ignored: this setting of Uvicorn is called NARWHAL_BIND here: HOST:PORT, one value for both"},
		{[]string{"UVICORN_PORT=80"}, Given{"bind": {"127.0.0.1:80"}}, ""},
		{[]string{"UVICORN_PORT=tcp://10.0.0.1:80"}, nil, ""},
		{[]string{"UVICORN_LOOP=uvloop", "UVICORN_APP=a:b", "UVICORN_CONFIG=x", "UVICORN_=x"}, nil, ""},
	} {
		s, err := Load(Source{Environ: c.environ, Given: c.given, Dir: t.TempDir()})
		if err != nil {
			t.Errorf("%v: %v", c.environ, err)
			continue
		}
		if got := strings.Join(s.Warnings(), "\n"); got != c.want {
			t.Errorf("%v %v: warning %q, want %q", c.environ, c.given, got, c.want)
		}
	}
}
