package bench

import (
	"errors"
	"os"
	"syscall"
)

// What can go wrong with a request, the keys of Report.Errors. An answer with a
// status other than 200 is not among them: Report.Status counts those.
const (
	ErrRefused    = "refused"           // nobody listens there
	ErrReset      = "reset"             // the connection was broken off
	ErrNoAnswer   = "eof before answer" // closed, after the request was sent, without a byte
	ErrHalfAnswer = "eof within answer" // closed before the answer was complete
	ErrTimeout    = "timeout"
	ErrBadAnswer  = "bad answer"       // not HTTP, or with Check not JSON
	ErrDifferent  = "different answer" // with Check: another answer to the same text came first
	ErrQueueFull  = "queue full"       // of a unix socket; a TCP client's kernel tries again and again
	ErrNoFiles    = "out of files"     // the client's own limit, not the server's fault
	ErrNoPorts    = "out of ports"     // the same
	ErrConnect    = "connect"          // any other reason why there is no connection
	ErrOther      = "other"
)

// errNoAnswer and errHalfAnswer say what io.EOF means where it came.
var (
	errNoAnswer   = errors.New("connection closed before any byte of an answer")
	errHalfAnswer = errors.New("connection closed in the middle of an answer")
)

// failedConnect marks an error as one of connecting.
type failedConnect struct{ error }

func (f failedConnect) Unwrap() error { return f.error }

// kindOf gives the key under which err is counted.
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
