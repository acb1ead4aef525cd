package main

import (
	"io"
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

// lastWords is where a process says why it ends: a server where its log is, after
// the lines that wait there.
func lastWords(stderr io.Writer) io.Writer {
	if stderrLog != nil {
		return stderrLog
	}
	return stderr
}
