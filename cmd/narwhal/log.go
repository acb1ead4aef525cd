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
	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/logfile"
	"github.com/narwhal-server/narwhal/supervisor"
)

// A master or worker always logs to its standard error. If the log is a file, standard
// error is made that file. So the log also has what the Go runtime writes at a crash.
// A reload can change format and level. Loggers that exist already use the new ones.
var (
	logLevel slog.LevelVar
	logJSON  atomic.Bool
)

// logHandler writes JSON while logJSON is set, and text otherwise.
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

// setLogger sets format and level of this process's log. The first call also makes
// stderrLog, and makes it the output of slog.
func setLogger(format, level string) {
	l := slog.LevelInfo
	_ = l.UnmarshalText([]byte(level)) // config has checked the level
	logLevel.Set(l)
	logJSON.Store(format == "json")
	if stderrLog != nil {
		return
	}
	direct := newLogger(os.Stderr)
	stderrLog = keep(&logfile.Writer{W: os.Stderr, Failed: func(error) { logFails.Store(true) }, Works: func(lost int, since time.Time) {
		logFails.Store(false)
		logevent.LogLost.Log(direct, "lines of this log were lost because it could not be written", "lost", lost, "since", since, "hint", lostHint)
	}})
	slog.SetDefault(newLogger(stderrLog))
}

const lostHint = "look for a full disk (df), a limit of file sizes (ulimit -f), or a pipe or terminal whose reader had stopped; logrotate can move old logs away; requests were served meanwhile"

// tellOthers sets a variable for workers and for the new master of an upgrade. It has
// the log's format, level and path, which they need before they have their settings.
func tellOthers(s *config.Settings) {
	os.Setenv(supervisor.LogEnv, s.LogFormat+" "+s.LogLevel+" "+s.ErrorLogfile)
}

// earlyLog calls setLogger with the format and level that the master's tellOthers has
// set, and removes the variable. It returns the log's path.
func earlyLog() (file string) {
	format, rest, _ := strings.Cut(os.Getenv(supervisor.LogEnv), " ")
	level, file, _ := strings.Cut(rest, " ")
	os.Unsetenv(supervisor.LogEnv)
	setLogger(format, level)
	return file
}

// openLog opens the master's log: every later line has the chosen format and level, and
// is in the chosen file. openLog returns the standard output for workers, which use it
// only for the access log. It fails if a log file cannot be opened, or if a log names a
// descriptor that was not inherited.
func openLog(s *config.Settings) (workersStdout *os.File, err error) {
	setLogger(s.LogFormat, s.LogLevel)
	tellOthers(s)
	workersStdout = os.Stdout
	fd, isStream := stream(s.AccessLogfile, 1)
	// In an upgrade the old master has arranged the streams already, and the new master
	// inherits the result. There a descriptor's number can mean another file than at
	// the first start.
	first := !supervisor.Upgraded()
	if isStream && fd != 1 && first {
		if workersStdout, err = logfile.Inherited(fd); err != nil { // before standard error changes
			return nil, fmt.Errorf("--access-logfile: %w", err)
		}
	}
	fd, isStream = stream(s.ErrorLogfile, 2)
	if !isStream || fd != 2 {
		firstStderr, _ = logfile.Inherited(2) // an error means that it is closed; then there is only the log
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

// firstStderr is the master's standard error from before it became the log. It is nil if
// standard error has been the log from the start. Once the service has started, it is
// kept only if it is a terminal.
var firstStderr *os.File

// forgetFirstStderr closes firstStderr unless it is a terminal. It is called when the
// service has started: if it is a pipe, its reader may wait for the end of file.
func forgetFirstStderr() {
	if firstStderr != nil && !isTerminal(firstStderr) {
		firstStderr.Close()
		firstStderr = nil
	}
}

// logFails is set while the log cannot be written.
var logFails atomic.Bool

// stream returns the inherited descriptor that a log's path stands for. The path - stands
// for std. ok is false if the path names a file or is empty.
func stream(path string, std int) (fd int, ok bool) {
	if path == "-" {
		return std, true
	}
	if path == "" {
		return 0, false
	}
	return logfile.Stream(path)
}

// reopenLog opens the log's file again. It does nothing if the log is a stream.
func reopenLog(s *config.Settings) error {
	if _, isStream := stream(s.ErrorLogfile, 2); isStream {
		return nil
	}
	return logfile.Stderr(s.ErrorLogfile)
}

// useLog changes the log to the settings s. file is the log's path until now. The log
// can move to another file, but not to another stream: the process has only the streams
// of its start. If the new file cannot be opened, the log stays where it was.
func useLog(s *config.Settings, file string) {
	var err error
	if s.ErrorLogfile != file {
		stderrLog.Flush(flushTime) // earlier lines belong in the old file
		err = reopenLog(s)
	}
	setLogger(s.LogFormat, s.LogLevel)
	if err != nil {
		logevent.ReopenFailed.Log(slog.Default(), "cannot open the new log file; the old one stays in use", "error", err)
	}
}

// changeLog changes the master's log in a reload, and what later workers are told of
// it. It warns if the new settings name another stream, because only a restart can use
// that.
func changeLog(from, to *config.Settings) {
	useLog(to, from.ErrorLogfile)
	tellOthers(to)
	if _, isStream := stream(to.ErrorLogfile, 2); isStream && to.ErrorLogfile != from.ErrorLogfile {
		logevent.LogStays.Log(slog.Default(), "a reload cannot move the log to a stream; the log stays where it is", "error_logfile", to.ErrorLogfile, "hint", "restart narwhal")
	}
	if fd, isStream := stream(to.AccessLogfile, 1); isStream {
		if was, ok := stream(from.AccessLogfile, 1); ok && was != fd || !ok && fd != 1 {
			logevent.LogStays.Log(slog.Default(), "a reload cannot move the access log to another stream; the access log stays where it is", "access_logfile", to.AccessLogfile, "hint", "restart narwhal")
		}
	}
}

// openAccess opens a worker's access log. w is nil if there is none. reopen opens a
// file again, and does nothing for a stream.
func openAccess(s *config.Settings) (w io.Writer, reopen func() error, err error) {
	none := func() error { return nil }
	if s.AccessLogfile == "" {
		return nil, none, nil
	}
	if _, isStream := stream(s.AccessLogfile, 1); isStream { // the master has made it our standard output
		return keepAccess(os.Stdout), none, nil
	}
	f, err := logfile.Open(s.AccessLogfile)
	if err != nil {
		return nil, nil, fmt.Errorf("--access-logfile: %w", err)
	}
	return keepAccess(f), f.Reopen, nil
}

// keepAccess returns a writer for the access log w that never waits. It logs when the
// access log cannot be written, and when it can be written again.
func keepAccess(w io.Writer) io.Writer {
	return keep(&logfile.Writer{
		W: w,
		Failed: func(err error) {
			logevent.AccessLogFailed.Log(slog.Default(), "the access log cannot be written; requests are served", "error", err, "hint", lostHint)
		},
		Works: func(lost int, since time.Time) {
			logevent.AccessLogWorks.Log(slog.Default(), "the access log can be written again", "lost", lost, "since", since)
		},
	})
}
