package main

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/logfile"
)

// kept are the writers of this process's logs, in a master or a worker. They keep lines
// in memory, so that a server never waits for the reader of its log.
var kept []*logfile.Writer

// stderrLog is the writer for standard error. It is nil before setLogger, and always nil
// in a command.
var stderrLog *logfile.Writer

// keep adds w to kept, so that exit flushes it, and returns w. It has no lock: it is
// called only while the process starts or ends.
func keep(w *logfile.Writer) *logfile.Writer {
	kept = append(kept, w)
	return w
}

// flushTime is how long a process waits at most until lines that it keeps are written.
const flushTime = time.Second

// exit ends the process. Before that it waits until the last lines of all logs are
// written, but not longer than flushTime.
func exit(status int) {
	end := time.Now().Add(flushTime)
	for _, w := range kept {
		w.Flush(time.Until(end))
	}
	os.Exit(status)
}

// lastWords reports why a process ends, and returns its exit status. A command writes
// the error to stderr. A server whose log is text on a terminal writes it there as a
// command does. Any other server logs the error in the log's format. If standard error
// became the log only later, the master also writes the error to firstStderr: always if
// that is a terminal, and otherwise only if the log cannot be written.
func lastWords(stderr io.Writer, err error) int {
	if stderrLog == nil {
		return report(stderr, err)
	}
	if !logJSON.Load() && isTerminal(os.Stderr) {
		return report(stderrLog, err)
	}
	if firstStderr != nil && isTerminal(firstStderr) {
		report(keep(&logfile.Writer{W: firstStderr}), err) // with a Writer, because the terminal may be stopped
	}
	status := logErrors(slog.Default(), err)
	if stderrLog.Flush(flushTime); logFails.Load() && firstStderr != nil && !isTerminal(firstStderr) {
		logErrors(newLogger(keep(&logfile.Writer{W: firstStderr})), err)
	}
	return status
}

// logErrors logs each error that err joins with its hint, and returns the exit status.
func logErrors(log *slog.Logger, err error) int {
	return eachError(err, func(text, hint string) { logevent.Failed.Log(log, text, "hint", hint) })
}
