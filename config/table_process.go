package config

import (
	"strings"

	"github.com/narwhal-server/narwhal/internal/accesslog"
)

func model() []Setting {
	return []Setting{
		{
			Name: "model", Group: Model, Placeholder: "MODEL", Default: "auto",
			Usage: "auto, prose, an installed pipeline, or a path; may be repeated",
			Help: `What recognises the entities:

  auto              the first of these that exists:
                    1. the pipeline that is built into the program
                    2. en_core_web_sm, en_core_web_md or en_core_web_lg
                    3. the only pipeline that is installed
                    4. prose
  prose             jdkato/prose, which is built in
  NAME              a spaCy pipeline that is installed
  PATH              a pipeline's folder or wheel; a path has a /: ./my_model

When the server starts, it says which one it uses. With a pipeline the answers are spaCy's own. With prose they differ from spaCy's. If auto means prose, a warning says so. If several pipelines are installed, and none of them is in line 2, auto is an error that names them.

To serve several models, repeat the flag or separate them with commas. The first is the default model: it answers every request that names none. Other models are named by their id, such as en_core_web_md-3.8.0, or by the name without the version. GET /v1/models lists them. Two models of the same name and version are an error.

Each worker loads all models before it accepts connections. So the start takes as long as all of them take, and the memory is that of all of them together. The workers share weights and caches of each model, as they do with one model. If one of the models cannot be loaded, the server does not start, and the error names the model.`,
			Differs: "replaces MODULE:APP",
			field:   func(s *Settings) any { return &s.Model },
		},
		{
			Name: "exclude", Group: Model, Placeholder: "COMPONENT", Unset: "none",
			Usage: "a component of the pipeline to leave out",
			Help: `The name of a component of the pipeline that is not loaded, as in spacy.load(name, exclude=[…]). To leave out several components, repeat the flag or separate the names with commas. With several models the components are left out of all of them.

--exclude parser saves time and memory. A few entities differ then, as in spaCy, because the parser finds the sentences and no entity crosses the end of a sentence.`,
			Differs: "as exclude in spacy.load",
			field:   func(s *Settings) any { return &s.Exclude },
		},
		{
			Name: "delay", Group: Model, Placeholder: "TIME", Default: "0s",
			Usage: "wait before each recognition, as for a database",
			Help: `Each request waits for this TIME before its text goes to the model, as it would wait for a database. The setting is for comparing worker classes: a sync worker waits and does nothing else, a concurrent worker serves other requests meanwhile. The wait ends early if the client has gone. The TIME must be shorter than --timeout.

In seconds (30, 0.5) or as a duration (1m30s, 250ms).`,
			Differs: "replaces a sleep in the application",
			field:   func(s *Settings) any { return &s.Delay },
		},
	}
}

func logs() []Setting {
	return []Setting{
		{
			Name: "log-level", Group: Logs, Placeholder: "LEVEL", Default: "info",
			Choices:  []string{"debug", "info", "warn", "error"},
			words:    map[string]string{"warning": "warn", "critical": "error"},
			Usage:    "debug, info, warn or error",
			Help:     `The least important messages that are logged: debug, info, warn or error. Gunicorn's warning and critical mean warn and error. The access log does not depend on this setting.`,
			Gunicorn: "--log-level", Uvicorn: "--log-level",
			Differs: "warning and critical are accepted; there is no level trace",
			field:   func(s *Settings) any { return &s.LogLevel },
		},
		{
			Name: "log-format", Group: Logs, Placeholder: "FORMAT", Default: "text",
			Choices: []string{"text", "json"},
			Usage:   "text (key=value) or json, one line a message",
			Help:    `The form of the messages and of the access log. text has key=value pairs, for people and for grep. json has one object in each line, for machines. All lines of all processes have this form, except the stacks that the Go runtime writes when a process crashes. The greeting is printed on a terminal only.`,
			Differs: "replaces format strings and logging configuration",
			field:   func(s *Settings) any { return &s.LogFormat },
		},
		{
			Name: "error-logfile", Aliases: []string{"log-file"}, Group: Logs, Placeholder: "PATH",
			Default: "-", Unset: "-",
			Usage: "where messages go; - is stderr",
			Help: `The file to which master and workers append their messages; - is stderr. USR1 opens the file again, for example after logrotate has renamed it.

/dev/stderr, /dev/stdout and /dev/fd/N mean the descriptor that narwhal was started with, as - does. HUP can change to another file, but not to another descriptor.`,
			Gunicorn: "--error-logfile, --log-file",
			field:    func(s *Settings) any { return &s.ErrorLogfile },
		},
		{
			Name: "access-logfile", Group: Logs, Placeholder: "PATH", Unset: "none",
			Usage:    "where a line for each request goes; - is stdout",
			Help:     `The file to which a line for each answered request is appended; - is stdout. Without this setting there is no access log. USR1 opens the file again. /dev/stdout, /dev/stderr and /dev/fd/N mean the same as for --error-logfile.`,
			Gunicorn: "--access-logfile", Uvicorn: "--access-log",
			Differs: "off by default, as in Gunicorn; Uvicorn's is on. Needs a value: - is stdout",
			field:   func(s *Settings) any { return &s.AccessLogfile },
		},
		{
			Name: "access-logformat", Aliases: []string{"access-log-format"}, Group: Logs, Placeholder: "FORMAT",
			Default: accesslog.Default, Unset: "Gunicorn's, then milliseconds and id",
			Usage: "the form of a line of the access log",
			Help: `What a line of the access log has, in Gunicorn's language. With --log-format json each line is an object instead, and this setting is ignored.

  %(h)s             the client's address; see --forwarded-allow-ips
  %(l)s             -
  %(u)s             the user of Authorization: Basic
  %(t)s             when the request was answered
  %(r)s             the request line, without the query
  %(m)s %(U)s       its method and its path
  %(q)s             its query, which may hold somebody's text
  %(H)s             its version of HTTP
  %(s)s             the status
  %(b)s %(B)s       the bytes of the answer's body
  %(f)s %(a)s       the fields Referer and User-Agent
  %(T)s %(M)s       the time it took, in whole seconds and milliseconds
  %(D)s %(L)s       the same in microseconds, and in seconds with a fraction
  %(ms)s            the same in milliseconds with a fraction
  %(p)s             the worker's process number
  %({NAME}i)s       a field of the request, such as %({traceparent}i)s
  %({NAME}o)s       a field of the answer, such as %({x-request-id}o)s
  %({NAME}e)s       a variable of the server's environment; or the client's
                    REMOTE_PORT; or wsgi.url_scheme, http or https
  %%                a percent sign

The default is

  ` + accesslog.Default[:strings.Index(accesslog.Default, ` "%(f)s`)] + `
    ` + accesslog.Default[strings.Index(accesslog.Default, `"%(f)s`):] + `

in one line. What is not there is a dash. Quotes, backslashes and all that is no visible ASCII are escaped, so no client can forge a line. Fields that hold secrets (Authorization, Cookie) are refused.`,
			Gunicorn: "--access-logformat",
			Differs:  "the default has milliseconds and the request's id at the end; %(r)s has no query; %(ms)s is new; an unknown atom is an error",
			field:    func(s *Settings) any { return &s.AccessLogformat },
		},
		{
			Name: "statsd-host", Group: Logs, Placeholder: "ADDRESS", Unset: "none",
			Usage: "a statsd server that gets Gunicorn's metrics",
			Help: `The master sends these numbers once a second, in datagrams:

  gunicorn.requests             answered requests, a counter
  gunicorn.request.status.NNN   the same by status
  gunicorn.request.duration     how long they took, in milliseconds
  gunicorn.log.warning          warnings in the log, and gunicorn.log.error
  gunicorn.workers              processes of workers, a gauge

The ADDRESS is HOST:PORT, HOST for port 8125, or unix:PATH for a datagram socket. docs/metrics.md says how exact the numbers are. If the server cannot be reached, a warning says so, and requests are served as before. HUP does not change the server or the prefix.

Prometheus needs no such server: see --admin-bind.`,
			Gunicorn: "--statsd-host",
			Differs:  "the master sends once a second, not each worker at each request",
			field:    func(s *Settings) any { return &s.StatsdHost },
		},
		{
			Name: "statsd-prefix", Group: Logs, Placeholder: "TEXT", Unset: "none",
			Usage:    "what comes before the names of --statsd-host",
			Help:     `The text before each name that goes to --statsd-host, such as the name of the service. A point is put behind it if it has none.`,
			Gunicorn: "--statsd-prefix",
			field:    func(s *Settings) any { return &s.StatsdPrefix },
		},
	}
}

func process() []Setting {
	return []Setting{
		{
			Name: "config", Short: "c", Group: Process, Placeholder: "PATH", Unset: "./narwhal.toml if there is one",
			FlagOnly: true,
			Usage:    "the configuration file",
			Help: `A TOML file of settings. Its keys are the names of the flags, with _ instead of -:

  bind = ["127.0.0.1:5000", "unix:/tmp/narwhal.sock"]
  workers = 4
  worker_class = "concurrent"
  timeout = "1m30s"

The path is relative to the folder in which the server is started. HUP reads the file again. With --config "" no file is read, not even ./narwhal.toml. narwhal --print-config writes such a file.`,
			Gunicorn: "-c, --config",
			Differs:  "TOML instead of Python: no code is run. If the file is wrong at HUP, that is logged and changes nothing",
			field:    func(s *Settings) any { return &s.ConfigFile },
		},
		{
			Name: "check-config", Group: Process, FlagOnly: true, Switch: true,
			Usage:    "check the settings, load the model, and exit",
			Help:     `Reads and checks all settings, loads the model, says what is wrong, and exits. The exit status is 0 if the server could start, 1 if not, and 2 if the command line is wrong. No address is bound.`,
			Gunicorn: "--check-config",
			Differs:  "loads the model; Gunicorn imports the application",
		},
		{
			Name: "print-config", Group: Process, FlagOnly: true, Switch: true,
			Usage:    "print each setting with its origin, and exit",
			Help:     `Prints each setting with its value. After a # it says which flag, variable or line of the file has set it. The output can be used as a narwhal.toml. The settings are checked as with --check-config.`,
			Gunicorn: "--print-config",
			Differs:  "says where each value comes from, and the output is a configuration file",
		},
		{
			Name: "pid", Short: "p", Group: Process, Placeholder: "PATH", Unset: "none",
			Usage: "the file for the master's process ID",
			Help: `The file into which the master writes its process ID before it binds its addresses. The master removes the file when it exits.

The master locks the file. If a narwhal that runs holds the lock, another one does not start. A file without a lock is overwritten, even if some process has the ID that is in it. A reload does not change the file.`,
			Gunicorn: "-p, --pid",
			field:    func(s *Settings) any { return &s.Pid },
		},
		{
			Name: "control-socket", Group: Process, Placeholder: "PATH", Default: "auto",
			Usage: "the socket for narwhal status, reload, upgrade, scale and stop; or off",
			Help: `The unix socket through which narwhal status, reload, upgrade, scale and stop reach the master:

  auto              PID.sock in the runtime directory, where the commands look
  off               none; signals still work
  PATH              this socket; the commands need --control-socket PATH, too

The runtime directory is the first of these that is set: $RUNTIME_DIRECTORY (by systemd for a unit with RuntimeDirectory=narwhal), $XDG_RUNTIME_DIR/narwhal. Otherwise it is /run/narwhal for root and /tmp/narwhal-UID for others. Only the master's user and root can use the socket. If the socket cannot be made, a warning is logged, and the server serves without it. HUP does not change the socket.`,
			Gunicorn: "--control-socket",
			Differs:  "each command waits for the outcome, and its exit status is the outcome. --control-socket off replaces --no-control-socket",
			field:    func(s *Settings) any { return &s.ControlSocket },
		},
		{
			Name: "chdir", Group: Process, Placeholder: "PATH", Unset: "no change",
			Usage:    "the folder to change to first",
			Help:     `The folder to which the server changes before it does anything else. Every relative path begins there: sockets, logs, the pid file, the model. The order of the settings does not matter. Only --config is relative to the folder in which the server is started.`,
			Gunicorn: "--chdir",
			field:    func(s *Settings) any { return &s.Chdir },
		},
	}
}
