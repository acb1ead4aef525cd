package config

func model() []Setting {
	return []Setting{
		{
			Name: "model", Group: Model, Placeholder: "MODEL", Default: "auto",
			Usage: "auto, prose, an installed pipeline, or a path",
			Help: `What recognises the entities:

  auto              the first of these that is there:
                    1. the pipeline that is built into the program
                    2. en_core_web_sm, en_core_web_md or en_core_web_lg
                    3. the only pipeline that is installed
                    4. prose
  prose             jdkato/prose, which is built in
  NAME              a spaCy pipeline that is installed
  PATH              a pipeline's folder or wheel, with a / in it: ./my_model

The server says which it took when it starts. With a pipeline the answers are spaCy's own. With prose they differ from spaCy's, and if auto comes to prose, a warning says so. If several pipelines are installed and none of them is one of 2, auto is an error that names them.`,
			Differs: "in place of MODULE:APP",
			field:   func(s *Settings) any { return &s.Model },
		},
		{
			Name: "exclude", Group: Model, Placeholder: "COMPONENT", Unset: "none",
			Usage: "a component of the pipeline to leave out",
			Help: `The name of a component of the pipeline that is not loaded, as in spacy.load(name, exclude=[…]). Repeat the flag, or separate names with commas, for several.

--exclude parser saves time and memory. spaCy's answers without a parser differ in a few entities, since the parser finds the sentences and no entity crosses their borders.`,
			Differs: "spaCy's exclude",
			field:   func(s *Settings) any { return &s.Exclude },
		},
		{
			Name: "delay", Group: Model, Placeholder: "TIME", Default: "0s",
			Usage: "wait before each recognition, as for a database",
			Help: `Each request waits this long before its text goes to the model, as a call to a database would. It is there to compare worker classes: a sync worker waits and does nothing else, a concurrent one serves others meanwhile. The wait ends early if the client has gone. It must be shorter than --timeout.

Seconds (30, 0.5) or a duration (1m30s, 250ms).`,
			Differs: "a sleep in the application",
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
			Help:     `The least important messages that are logged: debug, info, warn or error. Gunicorn's warning and critical are understood as warn and error. The access log does not depend on it.`,
			Gunicorn: "--log-level", Uvicorn: "--log-level",
			Differs: "warning and critical are accepted; there is no trace",
			field:   func(s *Settings) any { return &s.LogLevel },
		},
		{
			Name: "log-format", Group: Logs, Placeholder: "FORMAT", Default: "text",
			Choices: []string{"text", "json"},
			Usage:   "text (key=value) or json, one line a message",
			Help:    `How messages and accesses are written: text, with key=value pairs for people and for grep, or json, one object in each line, for machines. It holds for every line of every process, but not for the stacks that the Go runtime writes at a crash. The greeting is printed on a terminal only.`,
			Differs: "in place of format strings and logging configuration",
			field:   func(s *Settings) any { return &s.LogFormat },
		},
		{
			Name: "error-logfile", Aliases: []string{"log-file"}, Group: Logs, Placeholder: "PATH",
			Default: "-", Unset: "-",
			Usage: "where messages go; - is stderr",
			Help: `The file to which the master's and the workers' messages are appended; - is stderr. USR1 opens it again, after it has been renamed by logrotate for example.

/dev/stderr, /dev/stdout and /dev/fd/N mean the descriptor that narwhal was started with, as - does. HUP can name another file, but no other descriptor.`,
			Gunicorn: "--error-logfile, --log-file",
			field:    func(s *Settings) any { return &s.ErrorLogfile },
		},
		{
			Name: "access-logfile", Group: Logs, Placeholder: "PATH", Unset: "none",
			Usage:    "where a line for each request goes; - is stdout",
			Help:     `The file to which a line for each answered request is appended; - is stdout. There is none unless it is set. USR1 opens it again. /dev/stdout, /dev/stderr and /dev/fd/N are as with --error-logfile.`,
			Gunicorn: "--access-logfile", Uvicorn: "--access-log",
			Differs: "off by default, as Gunicorn's; Uvicorn's is on",
			field:   func(s *Settings) any { return &s.AccessLogfile },
		},
	}
}

func process() []Setting {
	return []Setting{
		{
			Name: "config", Short: "c", Group: Process, Placeholder: "PATH", Unset: "./narwhal.toml if there is one",
			FlagOnly: true,
			Usage:    "the configuration file",
			Help: `A TOML file of settings. Its keys are the names of the flags with _ for -:

  bind = ["127.0.0.1:5000", "unix:/tmp/narwhal.sock"]
  workers = 4
  worker_class = "concurrent"
  timeout = "1m30s"

The path is relative to the folder the server is started in. HUP reads the file again. --config "" reads none, not even ./narwhal.toml. narwhal --print-config writes such a file.`,
			Gunicorn: "-c, --config",
			Differs:  "TOML instead of Python, and not executed. A bad file on HUP is logged and changes nothing",
			field:    func(s *Settings) any { return &s.ConfigFile },
		},
		{
			Name: "check-config", Group: Process, FlagOnly: true, Switch: true,
			Usage:    "check the settings, load the model, and exit",
			Help:     `Reads all settings, checks them, loads the model, says what is wrong and exits: 0 if the server could start, 1 if not, 2 if the command line is wrong. It binds no address.`,
			Gunicorn: "--check-config",
			Differs:  "loads the model where Gunicorn imports the application",
		},
		{
			Name: "print-config", Group: Process, FlagOnly: true, Switch: true,
			Usage:    "print each setting with its origin, and exit",
			Help:     `Prints each setting with the value in force and, behind a #, the flag, variable or line of the file that set it. What it prints can be used as a narwhal.toml. It checks as --check-config does.`,
			Gunicorn: "--print-config",
			Differs:  "says where each value comes from, and is itself a configuration file",
		},
		{
			Name: "pid", Short: "p", Group: Process, Placeholder: "PATH", Unset: "none",
			Usage: "a file for the master's process number",
			Help: `The file into which the master writes its process number before it binds its addresses. It is removed when the master exits.

The master locks the file. A file that is left over is overwritten, whatever process has its number now; only a running narwhal that holds the lock keeps another from starting. Reload keeps the file as it is.`,
			Gunicorn: "-p, --pid",
			field:    func(s *Settings) any { return &s.Pid },
		},
		{
			Name: "control-socket", Group: Process, Placeholder: "PATH", Default: "auto",
			Usage: "the socket for narwhal status, reload, upgrade, scale and stop; or off",
			Help: `The unix socket over which narwhal status, reload, upgrade, scale and stop reach the master:

  auto              PID.sock in the runtime directory; the commands look there
  off               none; signals still work
  PATH              a socket there; the commands need --control-socket PATH too

The runtime directory is $RUNTIME_DIRECTORY (set by systemd for a unit with RuntimeDirectory=narwhal), else $XDG_RUNTIME_DIR/narwhal, else /run/narwhal for root and /tmp/narwhal-UID for others. Only the master's user and root can ask. If the socket cannot be made, a warning is logged and the server serves without it. HUP keeps the socket as it is.`,
			Gunicorn: "--control-socket",
			Differs:  "each command waits for the outcome, and its exit status says it. --control-socket off is --no-control-socket",
			field:    func(s *Settings) any { return &s.ControlSocket },
		},
		{
			Name: "chdir", Group: Process, Placeholder: "PATH", Unset: "stay",
			Usage:    "change to this folder first",
			Help:     `The folder the server changes to before it does anything else. Every relative path is taken from there, in whatever order the settings were given: sockets, logs, the pid file, the model. Only --config is relative to the folder the server is started in.`,
			Gunicorn: "--chdir",
			field:    func(s *Settings) any { return &s.Chdir },
		},
	}
}
