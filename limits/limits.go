// Package limits holds the limits of a worker.
package limits

import "time"

// Limits are the limits of one worker. The master has them in supervisor.Options and sends
// them to each worker. The worker's app gets them in worker.Env. Each field has the name
// of the setting of narwhal that fills it.
type Limits struct {
	Threads           int   // requests that compute at the same time; 0: GOMAXPROCS
	WorkerConnections int   // open connections; others wait in the kernel's queue; 0: 1000
	LimitConcurrency  int   // unanswered requests; others are answered with 503; 0: no limit
	LimitBody         int64 // bytes of a request's body; 0: 1 MiB
	LimitBuffers      int64 // bytes of all requests and unsent answers; 0: 64 MiB, or twice LimitBody if that is more
	MaxRequests       int   // answers after which the worker is replaced; 0: no limit
	MaxRequestsJitter int   // each worker adds a random number from 0 to this to MaxRequests; 0: none

	Timeout         time.Duration // of one request; the master replaces a worker that exceeds it; 0: no limit
	GracefulTimeout time.Duration // how long a leaving worker may take for its requests; 0: 30 s
	KeepAlive       time.Duration // how long an idle connection is kept, if the worker's app uses it
}

// SetDefaults replaces zero values with the defaults. It leaves Threads at 0, because only
// the worker knows its GOMAXPROCS.
func (l *Limits) SetDefaults() {
	if l.WorkerConnections == 0 {
		l.WorkerConnections = 1000
	}
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
