package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/logfile"
	"github.com/narwhal-server/narwhal/supervisor"
)

// The log of a process, master or worker, is always its standard error, which
// may be made a file. So what the runtime writes at a crash is in the log too.
// Format and level can change in a reload; every logger follows.
var (
	logLevel slog.LevelVar
	logJSON  atomic.Bool
)

// logHandler writes in the format of the moment.
type logHandler struct{ text, json slog.Handler }

func (h logHandler) now() slog.Handler {
	if logJSON.Load() {
		return h.json
	}
	return h.text
}

func (h logHandler) Enabled(ctx context.Context, l slog.Level) bool  { return h.now().Enabled(ctx, l) }
func (h logHandler) Handle(ctx context.Context, r slog.Record) error { return h.now().Handle(ctx, r) }
func (h logHandler) WithGroup(name string) slog.Handler {
	return logHandler{h.text.WithGroup(name), h.json.WithGroup(name)}
}
func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logHandler{h.text.WithAttrs(attrs), h.json.WithAttrs(attrs)}
}

func newLogger(w io.Writer) *slog.Logger {
	o := &slog.HandlerOptions{Level: &logLevel}
	return slog.New(logHandler{slog.NewTextHandler(w, o), slog.NewJSONHandler(w, o)}).With("pid", os.Getpid())
}

// setLogger sets format and level of all that this process says from now on.
func setLogger(format, level string) {
	l := slog.LevelInfo
	_ = l.UnmarshalText([]byte(level)) // config has checked it
	logLevel.Set(l)
	logJSON.Store(format == "json")
	if stderrLog != nil {
		return
	}
	direct := newLogger(os.Stderr)
	stderrLog = keep(&logfile.Writer{W: os.Stderr, Failed: func(error) { logFails.Store(true) }, Works: func(lost int, since time.Time) {
		logFails.Store(false)
		direct.Error("lines of this log were lost: it could not be written", "lost", lost, "since", since, "hint", lostHint)
	}})
	slog.SetDefault(newLogger(stderrLog))
}

const lostHint = "look for a full disk (df) or a limit of file sizes (ulimit -f), and let logrotate move logs away; or for a pipe or a terminal whose reader had stopped; requests were served meanwhile"

// tellOthers tells workers, and the new master of an upgrade, how to log before
// they have their settings: format, level and the file that standard error is.
func tellOthers(s *config.Settings) {
	os.Setenv(supervisor.LogEnv, s.LogFormat+" "+s.LogLevel+" "+s.ErrorLogfile)
}

// earlyLog is the logger of one who was told. It returns the file that standard
// error is.
func earlyLog() (file string) {
	format, rest, _ := strings.Cut(os.Getenv(supervisor.LogEnv), " ")
	level, file, _ := strings.Cut(rest, " ")
	os.Unsetenv(supervisor.LogEnv)
	setLogger(format, level)
	return file
}

// openLog is the master's: from here on everything it says is in the chosen
// format, level and file. It returns what workers have as standard output, which
// they use for the access log alone.
func openLog(s *config.Settings) (workersStdout *os.File, err error) {
	setLogger(s.LogFormat, s.LogLevel)
	tellOthers(s)
	workersStdout = os.Stdout
	fd, isStream := stream(s.AccessLogfile, 1)
	// A new master of an upgrade has the streams that the old one made of those
	// of the first start. The numbers mean other files here.
	first := !supervisor.Upgraded()
	if isStream && fd != 1 && first {
		if workersStdout, err = logfile.Inherited(fd); err != nil { // before standard error changes
			return nil, fmt.Errorf("--access-logfile: %w", err)
		}
	}
	fd, isStream = stream(s.ErrorLogfile, 2)
	if !isStream || fd != 2 {
		firstStderr, _ = logfile.Inherited(2) // it may be closed; then there is only the log
	}
	switch {
	case !isStream:
		err = logfile.Stderr(s.ErrorLogfile)
	case first:
		err = logfile.AsStderr(fd)
	}
	if err != nil {
		return nil, fmt.Errorf("--error-logfile: %w", err)
	}
	return workersStdout, nil
}

// firstStderr is what standard error was before it became the log, nil if it has
// been the log from the start. Once the service has started, only a terminal is kept.
var firstStderr *os.File

// forgetFirstStderr is called when the service has started. Whoever reads the pipe that
// standard error was may wait for its end.
func forgetFirstStderr() {
	if firstStderr != nil && !isTerminal(firstStderr) {
		firstStderr.Close()
		firstStderr = nil
	}
}

// logFails says that the last lines for the log could not be written.
var logFails atomic.Bool

// stream tells which inherited descriptor a path of a log stands for; - is std.
func stream(path string, std int) (fd int, ok bool) {
	if path == "-" {
		return std, true
	}
	if path == "" {
		return 0, false
	}
	return logfile.Stream(path)
}

// reopenLog opens the file again, if the log is a file.
func reopenLog(s *config.Settings) error {
	if _, isStream := stream(s.ErrorLogfile, 2); isStream {
		return nil
	}
	return logfile.Stderr(s.ErrorLogfile)
}

// useLog takes over what other settings say of the log, which is file now. It may
// become another file, but not another stream: only those of the start are there.
func useLog(s *config.Settings, file string) {
	var err error
	if s.ErrorLogfile != file {
		stderrLog.Flush(flushTime) // what was said before belongs into the old one
		err = reopenLog(s)
	}
	setLogger(s.LogFormat, s.LogLevel)
	if err != nil {
		slog.Error("cannot open the log; it stays where it was", "error", err)
	}
}

// changeLog is what a reload does to the master's log.
func changeLog(from, to *config.Settings) {
	useLog(to, from.ErrorLogfile)
	tellOthers(to)
	if _, isStream := stream(to.ErrorLogfile, 2); isStream && to.ErrorLogfile != from.ErrorLogfile {
		slog.Warn("a reload cannot send the log to a stream; it stays where it was", "error_logfile", to.ErrorLogfile, "hint", "restart narwhal")
	}
	if fd, isStream := stream(to.AccessLogfile, 1); isStream {
		if was, ok := stream(from.AccessLogfile, 1); ok && was != fd || !ok && fd != 1 {
			slog.Warn("a reload cannot send the access log to another stream than the one of the start", "access_logfile", to.AccessLogfile, "hint", "restart narwhal")
		}
	}
}

// openAccess opens a worker's access log; w is nil if there is none.
func openAccess(s *config.Settings) (w io.Writer, reopen func() error, err error) {
	none := func() error { return nil }
	if s.AccessLogfile == "" {
		return nil, none, nil
	}
	if _, isStream := stream(s.AccessLogfile, 1); isStream { // whichever, the master has made it this
		return keepAccess(os.Stdout), none, nil
	}
	f, err := logfile.Open(s.AccessLogfile)
	if err != nil {
		return nil, nil, fmt.Errorf("--access-logfile: %w", err)
	}
	return keepAccess(f), f.Reopen, nil
}

// keepAccess says in the log when the access log cannot be written.
func keepAccess(w io.Writer) io.Writer {
	return keep(&logfile.Writer{
		W: w,
		Failed: func(err error) {
			slog.Error("the access log cannot be written; requests are served", "error", err, "hint", lostHint)
		},
		Works: func(lost int, since time.Time) {
			slog.Warn("the access log can be written again", "lost", lost, "since", since)
		},
	})
}
