package bench

import (
	"errors"
	"os"
	"syscall"
)

// What can go wrong with a request. These are the keys of Report.Errors. An answer with
// another status than 200 is not among them: Report.Status counts it.
const (
	ErrRefused    = "refused"           // nobody listens there
	ErrReset      = "reset"             // the connection was broken off
	ErrNoAnswer   = "eof before answer" // closed, after the request was sent, without a byte
	ErrHalfAnswer = "eof within answer" // closed before the answer was complete
	ErrTimeout    = "timeout"
	ErrBadAnswer  = "bad answer"       // not HTTP, or with Check not JSON
	ErrDifferent  = "different answer" // with Check: not equal to the first answer to the same text
	ErrQueueFull  = "queue full"       // only of a unix socket; for TCP the client's kernel tries again
	ErrNoFiles    = "out of files"     // the client's own limit, not the server's fault
	ErrNoPorts    = "out of ports"     // of the client's machine, not the server's fault
	ErrConnect    = "connect"          // any other reason why there is no connection
	ErrOther      = "other"
)

// errNoAnswer and errHalfAnswer replace io.EOF and say where it came.
var (
	errNoAnswer   = errors.New("connection closed before any byte of an answer")
	errHalfAnswer = errors.New("connection closed in the middle of an answer")
)

// failedConnect marks an error as one from connecting.
type failedConnect struct{ error }

func (f failedConnect) Unwrap() error { return f.error }

// kindOf returns the key under which err is counted.
func kindOf(err error) string {
	var bad malformed
	var connect failedConnect
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, syscall.ETIMEDOUT):
		return ErrTimeout
	case errors.Is(err, syscall.ECONNREFUSED):
		return ErrRefused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ErrReset
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return ErrNoFiles
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return ErrNoPorts
	case errors.As(err, &connect) && errors.Is(err, syscall.EAGAIN):
		return ErrQueueFull
	case errors.As(err, &connect):
		return ErrConnect
	case errors.Is(err, errNoAnswer):
		return ErrNoAnswer
	case errors.Is(err, errHalfAnswer):
		return ErrHalfAnswer
	case errors.As(err, &bad):
		return ErrBadAnswer
	case errors.Is(err, errDifferent):
		return ErrDifferent
	}
	return ErrOther
}
