// Package limits holds the limits of a worker.
package limits

import "time"

// Limits of one worker. The master has them in supervisor.Options and sends them to
// each worker, and the worker's app finds them in worker.Env. A field is named for
// the setting of narwhal that fills it.
type Limits struct {
	Threads           int   // requests computed at the same time; 0: GOMAXPROCS
	WorkerConnections int   // open connections, beyond which others wait; 0: 1000
	LimitConcurrency  int   // unanswered requests, beyond which others get a 503; 0: no limit
	LimitBody         int64 // bytes of a request body; 0: 1 MiB
	LimitBuffers      int64 // bytes of all requests and unsent answers; 0: 64 MiB, or twice LimitBody if that is more
	MaxRequests       int   // requests after which the worker is replaced; 0: no limit
	MaxRequestsJitter int   // up to so many more, at random

	Timeout         time.Duration // of one request: a worker with a longer one is replaced; 0: no limit
	GracefulTimeout time.Duration // for a leaving worker to finish its requests; 0: 30 s
	KeepAlive       time.Duration // idle time of a kept connection; how a server uses it is its own affair
}

// SetDefaults puts the defaults in place of zero values, except for Threads, whose
// default only the worker knows.
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
