package logfile

import (
	"bytes"
	"errors"
	"io"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Writer writes lines to a log and never waits for it. A log can stand still: a
// pipe that nobody reads, a stopped terminal, a disk that hangs. It can also
// fail, as on a full disk. Either way lines are dropped and counted, and the
// process goes on. Write itself never fails.
//
// A Writer is for lines of one process. It needs no Close: its goroutine ends
// when everything is written. Call Flush before the process exits.
type Writer struct {
	W io.Writer

	// Failed is called with the first line that is dropped. Its error is
	// ErrStands if the log takes no lines. Failed must not write to this Writer.
	Failed func(err error)

	// Works is called when the log takes lines again, with the number of lines
	// that were dropped and the time of the first. It runs between two lines, so
	// what it writes to W comes at the place where the lines are missing. It
	// must not write to this Writer.
	Works func(lost int, since time.Time)

	mu      sync.Mutex
	waiting bytes.Buffer
	full    bool // drop all lines until waiting is empty, so that the log has one gap
	lost    int
	since   time.Time     // of the first lost line
	torn    bool          // the last line in the log has no end
	idle    chan struct{} // closed when nothing waits any more; nil: nothing waits
}

// ErrStands is the reason for dropped lines if the log takes no lines, but has not
// failed.
var ErrStands = errors.New("it takes no more lines: a pipe that nobody reads, a stopped terminal, or a disk that hangs")

const (
	// room is how many bytes may wait. That is a second with 10,000 access lines, so a
	// disk can pause that long without a loss.
	room = 1 << 20

	// piece bounds one write of several lines. Pipes keep pieces of this size
	// (PIPE_BUF) whole when several processes write.
	piece = 4096

	// retryTime is the pause between two tries to write to a log in non-blocking mode.
	// Another process that shares the open file may have set that mode.
	retryTime = 10 * time.Millisecond
)

// Write takes one or several whole lines. It always returns len(p) and nil.
func (l *Writer) Write(p []byte) (int, error) {
	l.mu.Lock()
	if l.full || l.waiting.Len() > 0 && l.waiting.Len()+len(p) > room {
		l.full = true
		first := l.lose(bytes.Count(p, newline))
		l.mu.Unlock()
		if first && l.Failed != nil {
			l.Failed(ErrStands)
		}
		return len(p), nil
	}
	l.waiting.Write(p)
	if l.idle == nil {
		l.idle = make(chan struct{})
		go l.run(l.idle)
	}
	l.mu.Unlock()
	return len(p), nil
}

// Flush waits until everything is written, but not longer than limit. It reports whether
// everything is written.
func (l *Writer) Flush(limit time.Duration) bool {
	l.mu.Lock()
	idle := l.idle
	l.mu.Unlock()
	if idle == nil {
		return true
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-idle:
		return true
	case <-timer.C:
		return false
	}
}

var newline = []byte{'\n'}

// lose counts lines that are dropped. It reports whether they are the first.
func (l *Writer) lose(lines int) (first bool) {
	first = l.lost == 0
	if first {
		l.since = time.Now()
	}
	l.lost += max(lines, 1)
	return first
}

// run writes the lines that wait, and returns when none is left.
func (l *Writer) run(idle chan struct{}) {
	defer close(idle)
	for {
		l.mu.Lock()
		if l.waiting.Len() == 0 {
			l.idle = nil
			l.mu.Unlock()
			return
		}
		next := bytes.Clone(l.waiting.Next(wholeLines(l.waiting.Bytes())))
		l.mu.Unlock()

		lost, err := l.put(next)

		l.mu.Lock()
		first := err != nil && l.lose(lost)
		works, since := 0, l.since
		if l.waiting.Len() == 0 {
			l.full = false
		}
		if err == nil && !l.full {
			works, l.lost = l.lost, 0
		}
		l.mu.Unlock()
		if first && l.Failed != nil {
			l.Failed(err)
		}
		if works > 0 && l.Works != nil {
			l.Works(works, since)
		}
	}
}

// wholeLines returns the length of the first piece of b: as many whole lines as fit into
// piece bytes, but at least one.
func wholeLines(b []byte) int {
	if end := bytes.LastIndexByte(b[:min(piece, len(b))], '\n'); end >= 0 {
		return end + 1
	}
	if end := bytes.IndexByte(b, '\n'); end >= 0 {
		return end + 1
	}
	return len(b)
}

// put writes lines, and waits while the log takes none. If the log fails, put returns how
// many of the lines are not whole in the log.
func (l *Writer) put(lines []byte) (lost int, err error) {
	if l.torn {
		lines = append([]byte{'\n'}, lines...)
	}
	for {
		n, err := l.W.Write(lines)
		if n > 0 {
			l.torn = lines[n-1] != '\n'
			lines = lines[n:]
		}
		if err == nil {
			return 0, nil
		}
		if !errors.Is(err, unix.EAGAIN) {
			return bytes.Count(bytes.TrimPrefix(lines, newline), newline), err
		}
		time.Sleep(retryTime)
	}
}
