// Package control is how a running master is asked: what it does, and to do
// something. It is HTTP with JSON bodies over a unix socket:
//
//	GET  /status                      a [Status]
//	POST /reload                      as SIGHUP
//	POST /upgrade                     as SIGUSR2
//	POST /scale   {"workers": 3}
//	POST /stop    {"quick": false}    as SIGTERM, or SIGINT
//
// GET /status is answered at once, the others when their outcome is known: when the
// new workers are ready or one of them could not start, when the new program has
// taken over, when the last worker has left. The server sets no limit to that time.
//
// Each master has a socket of its own, named after its pid, in a directory that
// only its user can enter (dir.go). The commands find it there (find.go). Who
// connects must have the master's user id or be root; the kernel says who it is.
package control

import (
	"context"
	"fmt"
	"time"

	"github.com/narwhal-server/narwhal/internal/errorbody"
)

// Master is asked by the server; package supervisor has one. Its methods return
// when the outcome is known.
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
	Started    time.Time     `json:"started"`    // by the clock on the wall, as it was then
	Uptime     time.Duration `json:"uptime_ns"`  // it does not change when that clock is set
	Generation int           `json:"generation"` // of the configuration in force
	Wanted     int           `json:"workers_wanted"`
	Listen     []string      `json:"listen"`
	Note       string        `json:"note,omitempty"` // what the application says of itself
	Parked     int           `json:"parked"`         // idle connections that the master keeps
	Workers    []Worker      `json:"workers"`
}

// The states of a service.
const (
	StateStarting  = "starting"  // some of the first workers are not ready yet, or none is any more
	StateReady     = "ready"     // it answers requests
	StateReloading = "reloading" // workers with a new configuration take the places of the old ones
	StateUpgrading = "upgrading" // a new program starts; this one answers until that one takes over
	StateLeaving   = "leaving"   // the drain delay: readiness fails, requests are answered
	StateStopping  = "stopping"  // the last requests are answered
)

// Worker is one line of the table: a process, the leaving ones included.
type Worker struct {
	Slot          int           `json:"slot"`
	Pid           int           `json:"pid"`
	Age           int           `json:"age"` // its serial number: the youngest has the highest
	Generation    int           `json:"generation"`
	State         string        `json:"state"`
	Uptime        time.Duration `json:"uptime_ns"` // since its process was started
	Requests      uint64        `json:"requests"`
	Errors        uint64        `json:"errors"` // of the requests, answered 5xx
	Received      uint64        `json:"received_bytes"`
	Sent          uint64        `json:"sent_bytes"`
	Busy          time.Duration `json:"busy_ns"`   // that requests have computed, added up
	Missed        time.Duration `json:"missed_ns"` // that it idled while a request waited with a sibling, added up
	InFlight      int           `json:"in_flight"`
	Waiting       int           `json:"waiting"` // of those in flight, whole and without a place
	Connections   int           `json:"connections"`
	Oldest        time.Duration `json:"oldest_request_ns"` // 0: none runs
	OldestRequest string        `json:"oldest_request,omitempty"`
	Memory        int64         `json:"memory_bytes"` // its proportional share of memory; 0: unknown
}

// MaxWorkers is how many workers a master runs at most. It is half of what the
// scoreboard holds: each may have a successor that starts.
const MaxWorkers = 512

// Failure is an outcome that was not the one asked for.
type Failure struct {
	Status int // of HTTP
	errorbody.Body
}

func (f *Failure) Error() string { return f.Message }

// Failed makes a Failure of something that was tried.
func Failed(hint, format string, args ...any) *Failure {
	return &Failure{409, errorbody.Body{Type: "failed", Message: fmt.Sprintf(format, args...), Hint: hint}}
}
