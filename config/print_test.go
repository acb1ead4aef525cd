package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Load reads a file that Print wrote as the same settings, without a warning. The test
// has every setting at its default, and then each in turn at another value.
func TestPrintedFileIsSilent(t *testing.T) {
	for _, setting := range append([]Setting{{}}, Table()...) {
		if setting.FlagOnly {
			continue
		}
		for _, class := range []string{Sync, Concurrent} {
			dir := exampleFolder(t)
			given := Given{"worker-class": {class}}
			if setting.Name != "" {
				given[setting.Name] = []string{example[setting.Name]}
			}
			for name, texts := range needs[setting.Name] {
				given[name] = texts
			}
			s, err := Load(Source{Given: given, Dir: dir})
			if err != nil {
				t.Errorf("%s, %s: %v", class, setting.Name, err)
				continue
			}
			var b strings.Builder
			if err := s.Print(&b); err != nil {
				t.Fatal(err)
			}
			write(t, dir, "printed.toml", b.String())
			again, err := Load(Source{Given: Given{"config": {"printed.toml"}}, Dir: dir})
			if diff := cmp.Diff(s, again, onlyValues); err != nil || diff != "" {
				t.Errorf("%s, %s: read again: %v, differs:\n%s", class, setting.Name, err, diff)
				continue
			}
			if len(again.Warnings()) > len(s.Warnings()) || len(again.Notes()) > 0 {
				t.Errorf("%s, %s: the printed file warns: %q %q", class, setting.Name, again.Warnings(), again.Notes())
			}
			if setting.Name == "" && len(again.Warnings()) > 0 {
				t.Errorf("%s: the defaults, printed, warn: %q", class, again.Warnings())
			}
		}
	}
}

func TestPrint(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, DefaultFile, "\ntimeout = 90\nbind = [\"127.0.0.1:5000\", \"unix:/run/a,b.sock\"]\n")
	s, err := Load(Source{
		Given:   Given{"workers": {"4"}, "worker-class": {"gevent"}, "exclude": {"parser,tagger"}},
		Environ: []string{"NARWHAL_LIMIT_BODY=512kib"},
		Dir:     dir,
	})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := s.Print(&b); err != nil {
		t.Fatal(err)
	}
	want := `# configuration file: ` + dir + `/narwhal.toml
bind = ["127.0.0.1:5000", "unix:/run/a,b.sock"]  # narwhal.toml:3
socket_mode = "0666"                      # default
backlog = 2048                            # default
admin_bind = ""                           # default
metrics = "off"                           # default
certfile = ""                             # default
keyfile = ""                              # default
ca_certs = ""                             # default
auth_token_file = ""                      # default
cors_origin = []                          # default
forwarded_allow_ips = ["127.0.0.1", "::1"]  # default
proxy_protocol = "off"                    # default
proxy_allow_from = ["127.0.0.1", "::1"]   # default
workers = 4                               # --workers
worker_class = "concurrent"               # --worker-class
threads = 0                               # default
gomaxprocs = 0                            # default
max_requests = 0                          # default
max_requests_jitter = 0                   # default
max_worker_age = "0s"                     # default
max_worker_memory = "0"                   # default
worker_connections = 1000                 # default
limit_concurrency = 0                     # default
limit_request_line = 4094                 # default
limit_request_fields = 100                # default
limit_request_field_size = 8190           # default
limit_body = "512KiB"                     # NARWHAL_LIMIT_BODY
limit_buffers = "0"                       # default
timeout = "1m30s"                         # narwhal.toml:2
boot_timeout = "1m"                       # default
graceful_timeout = "30s"                  # default
drain_delay = "0s"                        # default
keep_alive = "2s"                         # default
keep_alive_mode = "auto"                  # default
model = ["auto"]                          # default
exclude = ["parser", "tagger"]            # --exclude
delay = "0s"                              # default
log_level = "info"                        # default
log_format = "text"                       # default
error_logfile = "-"                       # default
access_logfile = ""                       # default
access_logformat = "%(h)s %(l)s %(u)s %(t)s \"%(r)s\" %(s)s %(b)s \"%(f)s\" \"%(a)s\" %(ms)s %({x-request-id}o)s"  # default
statsd_host = ""                          # default
statsd_prefix = ""                        # default
pid = ""                                  # default
control_socket = "auto"                   # default
chdir = ""                                # default
`
	if diff := cmp.Diff(want, b.String()); diff != "" {
		t.Errorf("printed (-want +got):\n%s", diff)
	}
	write(t, dir, "printed.toml", b.String())
	again, err := Load(Source{Given: Given{"config": {"printed.toml"}}, Dir: dir})
	if diff := cmp.Diff(s, again, onlyValues); err != nil || diff != "" {
		t.Errorf("read again: %v, differs:\n%s", err, diff)
	}
}

// auto stays auto in a printed file, which may be for another machine.
func TestPrintAuto(t *testing.T) {
	dir := t.TempDir()
	s, err := Load(Source{Given: Given{"workers": {"auto"}, "max-worker-memory": {"auto"}}, Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if s.Workers != AutoNumber || s.MaxWorkerMemory != AutoNumber {
		t.Errorf("workers %d, memory %d", s.Workers, s.MaxWorkerMemory)
	}
	var b strings.Builder
	if err := s.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"\nworkers = \"auto\" ", "\nmax_worker_memory = \"auto\" "} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("no %q in:\n%s", line, &b)
		}
	}
	write(t, dir, "printed.toml", b.String())
	again, err := Load(Source{Given: Given{"config": {"printed.toml"}}, Dir: dir})
	if diff := cmp.Diff(s, again, onlyValues); err != nil || diff != "" {
		t.Errorf("read again: %v, differs:\n%s", err, diff)
	}
	// No other number may be auto.
	for _, setting := range Table() {
		if _, err := Load(Source{Given: Given{setting.Name: {"auto"}}, Dir: dir}); setting.Placeholder == "N" && (err == nil) != setting.Auto {
			t.Errorf("%s auto: %v", setting.Flag(), err)
		}
	}
}
