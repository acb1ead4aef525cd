// Package control lets commands ask a running master what it does, and give it orders.
// They use HTTP with JSON bodies over a unix socket:
//
//	GET  /status                      a [Status]
//	POST /reload                      as SIGHUP
//	POST /upgrade                     as SIGUSR2
//	POST /scale   {"workers": 3}
//	POST /stop    {"quick": false}    as SIGTERM, or SIGINT
//
// GET /status is answered at once. An order is answered when its outcome is known: when
// the new workers are ready or one of them could not start, when the new program has
// taken over, when the last worker has left. The server does not limit that time.
//
// Each master has a socket of its own, named after its pid, in a directory to which only
// its user and root can write (dir.go). The commands find it there (find.go). A client
// must have the master's user id or be root. The kernel tells the client's user id.
package control

import (
	"context"
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/internal/errorbody"
)

// Master does what the clients of a Server ask for. Package supervisor implements it.
// The methods return when the outcome is known.
type Master interface {
	Status(context.Context) (*Status, error)
	Reload(context.Context) (said string, err error)
	Upgrade(context.Context) (said string, err error)
	Scale(ctx context.Context, workers int) (said string, err error)
	Stop(ctx context.Context, quick bool) (said string, err error)
}

// Status is what a master says of itself and its workers.
type Status struct {
	Pid        int           `json:"pid"`
	State      string        `json:"state"`      // a State constant
	Started    time.Time     `json:"started"`    // by the system's clock at the start
	Uptime     time.Duration `json:"uptime_ns"`  // does not change when the system's clock is set
	Generation int           `json:"generation"` // of the configuration in force
	Wanted     int           `json:"workers_wanted"`
	Listen     []string      `json:"listen"`
	Note       string        `json:"note,omitempty"` // what the workers' app says of itself, such as its model
	Parked     int           `json:"parked"`         // idle connections that the master keeps
	Requests   uint64        `json:"requests"`       // answered by all workers, also by those that have gone, and before an upgrade
	Errors     uint64        `json:"errors"`         // of those, answered with 5xx
	Workers    []Worker      `json:"workers"`
}

// The states of a service.
const (
	StateStarting  = "starting"  // some first worker is not ready yet, or no worker is ready any more
	StateReady     = "ready"     // it answers requests
	StateReloading = "reloading" // workers with a new configuration replace the old workers
	StateUpgrading = "upgrading" // a new master starts; the old one answers until the new one takes over
	StateLeaving   = "leaving"   // the drain delay: readiness fails, requests are answered
	StateStopping  = "stopping"  // the last requests are answered
)

// Worker is one worker process, which may be leaving already.
type Worker struct {
	Slot          int           `json:"slot"`
	Pid           int           `json:"pid"`
	Age           int           `json:"age"` // its serial number: the youngest has the highest
	Generation    int           `json:"generation"`
	State         string        `json:"state"`
	Uptime        time.Duration `json:"uptime_ns"` // since its process was started
	Requests      uint64        `json:"requests"`
	Errors        uint64        `json:"errors"` // requests that were answered with 5xx
	Received      uint64        `json:"received_bytes"`
	Sent          uint64        `json:"sent_bytes"`
	Busy          time.Duration `json:"busy_ns"`   // computing time of all requests
	Missed        time.Duration `json:"missed_ns"` // time idle while a request waited in another worker
	InFlight      int           `json:"in_flight"`
	Waiting       int           `json:"waiting"` // requests in flight that are whole and have no place
	Connections   int           `json:"connections"`
	Oldest        time.Duration `json:"oldest_request_ns"` // how long the oldest request has run; 0: none runs
	OldestRequest string        `json:"oldest_request,omitempty"`
	Memory        int64         `json:"memory_bytes"` // its proportional share of memory; 0: unknown
}

// MaxWorkers is how many workers a master runs at most. The scoreboard holds twice as
// many, because each worker may have another one that starts to replace it.
const MaxWorkers = 512

// Failure is the error of a request that did not have the outcome it asked for.
type Failure struct {
	Status int // HTTP status
	errorbody.Body
}

func (f *Failure) Error() string { return f.Message }

// Failed returns a Failure with status 409 for something that was tried.
func Failed(hint, format string, args ...any) *Failure {
	return &Failure{409, errorbody.Body{Type: "failed", Message: fmt.Sprintf(format, args...), Hint: hint}}
}
