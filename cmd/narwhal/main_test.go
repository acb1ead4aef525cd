package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/config"
)

// outcome is what a command line led to.
type outcome struct {
	status   int
	out, err strings.Builder
	served   *config.Settings // nil if narwhal did not begin to serve
}

// try runs a command line without a server and without a model.
func try(t *testing.T, line string) *outcome {
	var o outcome
	args := append([]string{"narwhal"}, strings.Fields(line)...)
	s := &serving{
		source: config.Source{Given: config.Given{}, Dir: t.TempDir()},
		stdout: &o.out,
		stderr: &o.err,
		serve: func(_ context.Context, s *config.Settings, _ io.Writer) error {
			o.served = s
			return nil
		},
		loadModel: func(s *config.Settings, _ io.Writer) (string, error) {
			if s.Model[0] != "auto" {
				return "", errors.New("no such model: " + s.Model[0])
			}
			return "a model", nil
		},
	}
	o.status = report(&o.err, runApp(t.Context(), s, args))
	return &o
}

// Command lines that do not serve have the right exit status and the right first line.
func TestCommandLine(t *testing.T) {
	for _, c := range []struct {
		args   string
		status int
		first  string // of stderr, or of stdout if that is empty
	}{
		{"--version", 0, "narwhal "},
		{"-v", 0, "narwhal "},
		{"-V", 2, "narwhal: error: unknown flag -V"},
		{"--version serve", 2, "narwhal: error: --version takes no argument"},
		{"--help", 0, "narwhal finds the named entities"},
		{"-h", 0, "narwhal finds the named entities"},
		{"serve --help", 0, "narwhal finds the named entities"},
		{"serve help", 2, `narwhal: error: unexpected argument "help"`},
		{"-w 2 help", 0, "narwhal finds the named entities"},
		{"help --help", 0, "narwhal finds the named entities"},
		{"help -w", 0, "-w, --workers N"},
		{"help WORKER_CONNECTIONS", 0, "--worker-connections N"},
		{"help SIGHUP", 0, "HUP"},
		{"help quit", 0, "INT, QUIT"},
		{"help workres", 2, `narwhal: error: there is no help on "workres"`},
		{"help workers timeout", 2, "narwhal: error: help explains one word at a time"},
		{"--w4", 2, "narwhal: error: unknown flag --w4"},
		{"-w4 --check-config", 0, "configuration OK: no configuration file"},
		{"-w0", 2, "narwhal: error: --workers: 0 is too few: want at least 1"},
		{"-worker 4", 2, "narwhal: error: unknown flag -worker"},
		{"version", 0, "narwhal "},
		{"version --help", 0, "NAME:"},
		{"version x", 2, "narwhal: error: version takes no argument"},
		{"health now", 2, `narwhal: error: health takes no argument, got "now"`},
		{"health --timeout soon", 2, `narwhal: error: --timeout: "soon" is not a time: want seconds`},
		{"health --timeout 0", 2, "narwhal: error: --timeout must be more than 0"},
		{"8000", 2, `narwhal: error: there is no command "8000"`},
		{"scale 600", 2, "narwhal: error: scale: 600 workers: want at most 512"},
		{"scale 0", 2, "narwhal: error: scale: 0 workers: want at least 1"},
		{"scale -1", 2, "narwhal: error: scale: -1 workers: want at least 1"},
		{"scale 2.5", 2, `narwhal: error: scale: "2.5" is not a whole number of workers`},
		{"reload now", 2, `narwhal: error: reload takes no argument, not "now"`},
		{"bench -n abc", 2, `narwhal: error: -n: "abc" is not a whole number`},
		{"serve --worker=4", 2, "narwhal: error: unknown flag --worker"},
		{"-w", 2, "narwhal: error: -w needs a value"},
		{"serve -bind", 2, "narwhal: error: -bind needs a value"},
		{"--check-config=perhaps", 2, "narwhal: error: --check-config takes no value"},
		{"bench -z soon", 2, `narwhal: error: -z: "soon" is not a time: want seconds`},
		{"bench --nonsense", 2, "narwhal: error: unknown flag --nonsense"},
		{"--check-config bench", 2, "narwhal: error: --check-config is a setting of the server, and bench is another command"},
		{"---", 2, "narwhal: error: bad flag syntax: ---"},
		{"-w 0", 2, "narwhal: error: --workers: 0 is too few: want at least 1"},
		{"-w 0 serve", 2, "narwhal: error: --workers: 0 is too few: want at least 1"},
		{"sevre", 2, `narwhal: error: there is no command "sevre"`},
		{"server:flask_app", 2, `narwhal: error: there is no command "server:flask_app"`},
		{"serve x -w 2", 2, `narwhal: error: unexpected argument "x"`},
		{"--print-config", 0, "# configuration file: none"},
		{"--print-config -w 2 serve", 0, "# configuration file: none"},
		{"serve --check-config", 0, "configuration OK: no configuration file"},
		{"--check-config serve", 0, "configuration OK: no configuration file"},
		{"-c absent.toml --check-config", 1, "narwhal: error: absent.toml: cannot read the configuration file"},
		{"--model absent --check-config", 1, "narwhal: error: no such model: absent"},
	} {
		o := try(t, c.args)
		said := o.err.String()
		if said == "" {
			said = o.out.String()
		}
		if o.status != c.status || !strings.HasPrefix(said, c.first) || o.served != nil {
			t.Errorf("narwhal %s: status %d, served %v, said %q; want %d and %q",
				c.args, o.status, o.served != nil, said[:min(len(said), 80)], c.status, c.first)
		}
		if (o.status == 0) != (o.err.Len() == 0) || (o.status == 0) != (o.out.Len() > 0) {
			t.Errorf("narwhal %s: status %d, stdout %q, stderr %q: want errors on stderr and answers on stdout",
				c.args, o.status, &o.out, &o.err)
		}
	}
}

// For -V, which other programs have, and for misspelt flags the hint names --version.
func TestVersionHint(t *testing.T) {
	const both = "for the version: narwhal -v, or narwhal --version"
	for line, hint := range map[string]string{
		"-V": both, "serve -V": both, "bench -V": both, "status --version": both, "--verison": "did you mean --version?", "-x": "narwhal --help lists all settings",
	} {
		if o := try(t, line); o.status != 2 || !strings.HasSuffix(o.err.String(), "\nhint: "+hint+"\n") {
			t.Errorf("narwhal %s: status %d, said %q; want the hint %q", line, o.status, &o.err, hint)
		}
	}
}

// narwhal serves with or without the word serve, and with flags on either side of it.
func TestServes(t *testing.T) {
	for _, line := range []string{
		"-w 2 -k gevent -b 127.0.0.1:5000 -b 127.0.0.1:5001",
		"serve -w 2 -k gevent -b 127.0.0.1:5000 -b 127.0.0.1:5001",
		"-w 2 -b 127.0.0.1:5000 serve -k gevent --bind 127.0.0.1:5001",
		"-w2 -kuvicorn.workers.UvicornWorker -b127.0.0.1:5000 -b=127.0.0.1:5001",
		"serve -w2 -b127.0.0.1:5000,127.0.0.1:5001 -kgthread",
		"-w=1 --worker-class=gthread --bind=127.0.0.1:5000,127.0.0.1:5001 serve --workers=2",
	} {
		o := try(t, line)
		if o.status != 0 || o.served == nil {
			t.Errorf("narwhal %s: status %d, %s; want it to serve", line, o.status, &o.err)
			continue
		}
		s := o.served
		if s.Workers != 2 || s.WorkerClass != config.Concurrent || strings.Join(s.Bind, " ") != "127.0.0.1:5000 127.0.0.1:5001" {
			t.Errorf("narwhal %s: %d %s workers on %v; want 2 concurrent on :5000 and :5001", line, s.Workers, s.WorkerClass, s.Bind)
		}
	}
}
