// Package limits holds the limits of a worker.
package limits

import "time"

// Limits are the limits of one worker. The master has them in supervisor.Options and sends
// them to each worker. The worker's app gets them in worker.Env. Each field has the name
// of the setting of narwhal that fills it.
type Limits struct {
	Threads           int // requests that compute at the same time; 0: GOMAXPROCS
	WorkerConnections int // open connections; others wait in the kernel's queue; 0: 1000
	LimitConcurrency  int // unanswered computations, one or more a request; further requests are answered with 503; 0: no limit
	// The head of a request. A negative value means the most that is possible: a head never
	// has more than MaxRequestHead bytes and MaxRequestFields fields.
	LimitRequestLine      int // bytes of the request line without its CR LF; 0: 4094
	LimitRequestFields    int // number of header fields and trailers; 0: 100
	LimitRequestFieldSize int // bytes of a header field without its CR LF; 0: 8190

	LimitBody         int64 // bytes of a request's body; 0: 1 MiB
	LimitBuffers      int64 // bytes of all requests and unsent answers; 0: 64 MiB, or twice LimitBody if that is more
	MaxRequests       int   // answers after which the worker is replaced; 0: no limit
	MaxRequestsJitter int   // each worker adds a random number from 0 to this to MaxRequests; 0: none

	Timeout         time.Duration // of one request; the master replaces a worker that exceeds it; 0: no limit
	GracefulTimeout time.Duration // how long a leaving worker may take for its requests; 0: 30 s
	KeepAlive       time.Duration // how long an idle connection is kept, if the worker's app uses it
}

// The most that the head of a request can have.
const (
	MaxRequestHead   = 1 << 20 // bytes
	MaxRequestFields = 32768
)

// RequestHead returns how many bytes the head of a request may have with the three limits
// together: the request line, the fields, the trailers, their line ends, and the two empty
// lines after fields and trailers. Call SetDefaults before it.
func (l *Limits) RequestHead() int {
	return min(l.LimitRequestLine+2+l.LimitRequestFields*(l.LimitRequestFieldSize+2)+4, MaxRequestHead)
}

// SetDefaults replaces zero values with the defaults. It leaves Threads at 0, because only
// the worker knows its GOMAXPROCS.
func (l *Limits) SetDefaults() {
	if l.WorkerConnections == 0 {
		l.WorkerConnections = 1000
	}
	limit := func(n *int, byDefault, most int) {
		switch {
		case *n == 0:
			*n = byDefault
		case *n < 0 || *n > most:
			*n = most
		}
	}
	limit(&l.LimitRequestLine, 4094, MaxRequestHead)
	limit(&l.LimitRequestFields, 100, MaxRequestFields)
	limit(&l.LimitRequestFieldSize, 8190, MaxRequestHead)
	if l.LimitBody == 0 {
		l.LimitBody = 1 << 20
	}
	if l.LimitBuffers == 0 {
		l.LimitBuffers = max(64<<20, 2*l.LimitBody)
	}
	if l.GracefulTimeout == 0 {
		l.GracefulTimeout = 30 * time.Second
	}
}
