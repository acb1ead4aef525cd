package main

import (
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/narwhal-server/narwhal/internal/logfile"
)

// kept are the logs of this process, master or worker. Nothing that a server
// says may wait for whoever reads it.
var kept []*logfile.Writer

// stderrLog is the one of them that standard error has, nil in a command.
var stderrLog *logfile.Writer

// keep makes a log one of them. It is called while the process starts.
func keep(w *logfile.Writer) *logfile.Writer {
	kept = append(kept, w)
	return w
}

// flushTime bounds how long the last lines of a process may take.
const flushTime = time.Second

// exit ends the process when its last lines are written, or are late.
func exit(status int) {
	end := time.Now().Add(flushTime)
	for _, w := range kept {
		w.Flush(time.Until(end))
	}
	os.Exit(status)
}

// lastWords says why a process ends, and returns its exit status. A server says
// it in its log, in the log's format. A master also says it to the terminal it was
// started from, if that is not the log, and to whatever its standard error was, if the
// log cannot be written. A command says it on standard error.
func lastWords(stderr io.Writer, err error) int {
	if stderrLog == nil {
		return report(stderr, err)
	}
	if !logJSON.Load() && isTerminal(os.Stderr) {
		return report(stderrLog, err)
	}
	if firstStderr != nil && isTerminal(firstStderr) {
		report(keep(&logfile.Writer{W: firstStderr}), err) // somebody may have stopped it
	}
	status := logErrors(slog.Default(), err)
	if stderrLog.Flush(flushTime); logFails.Load() && firstStderr != nil && !isTerminal(firstStderr) {
		logErrors(newLogger(keep(&logfile.Writer{W: firstStderr})), err)
	}
	return status
}

// logErrors logs why a process ends, and returns its exit status.
func logErrors(log *slog.Logger, err error) int {
	return eachError(err, func(text, hint string) {
		if hint != "" {
			log.Error(text, "hint", hint)
		} else {
			log.Error(text)
		}
	})
}
