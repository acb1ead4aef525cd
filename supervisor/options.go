package supervisor

import (
	"log/slog"
	"os"
	"time"

	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/limits"
)

// Options of a master. Zero values mean the defaults named here. All but the
// functions can travel as JSON.
type Options struct {
	Bind    []string // HOST:PORT, [V6]:PORT, unix:PATH, fd://N; default 127.0.0.1:8000
	Backlog int      // of the listen queues; default 2048
	Workers int      // default 1

	// SocketMode says who may connect to the unix sockets: MODE or MODE:GROUP.
	// Default: 0666, everybody.
	SocketMode string
	access     sock.Access

	GOMAXPROCS int // of each worker; default cores / workers, at least 1

	limits.Limits // of each worker

	Sync            bool          // one request at a time in each worker; Threads is then 1
	MaxWorkerAge    time.Duration // until it is replaced, less up to a tenth at random; default off
	MaxWorkerMemory int64         // bytes above which it is replaced; default off
	Linger          time.Duration // how long a leaving worker leaves idle connections to be used

	// Park keeps idle connections with the master.
	Park bool

	BootTimeout time.Duration // from spawn to ready; default 60s
	DrainDelay  time.Duration // from SIGTERM, which makes readiness fail, to the drain; default none

	Admin string // address on which the master answers /healthz and /readyz; default none
	Pid   string // file for the master's pid; default none

	// Dir is where the program was started: an upgrade starts the new one
	// there. Default: the working directory when Run begins.
	Dir string

	// Control is where the master can be asked: the path of a unix socket, or
	// "auto" for one in the runtime directory. Default none. A reload keeps it.
	Control string

	Settings any // the application's, sent to every worker as JSON

	// Reload gives the options for the next generation when SIGHUP comes. An
	// error leaves everything as it is. Default: the same again.
	Reload func() (Options, error) `json:"-"`

	// Reloaded is called when a reload has put these options in force. Default:
	// nothing.
	Reloaded func() `json:"-"`

	// Stdout is the standard output of workers, and of the new master of an
	// upgrade. Default: that of this process.
	Stdout *os.File `json:"-"`

	// Reopen is called when SIGUSR1 comes. Default: nothing.
	Reopen func() error `json:"-"`

	// Started is called once, when the first generation is ready, with the
	// addresses that were bound and the note of a worker's app.
	Started func(bound []string, note string) `json:"-"`

	Log *slog.Logger `json:"-"` // default slog.Default()
}

func (o *Options) setDefaults() {
	def := func(p *int, v int) {
		if *p == 0 {
			*p = v
		}
	}
	if len(o.Bind) == 0 {
		o.Bind = []string{"127.0.0.1:" + sock.DefaultPort}
	}
	if o.SocketMode == "" {
		o.SocketMode = sock.DefaultAccess
	}
	def(&o.Backlog, 2048)
	def(&o.Workers, 1)
	o.Limits.SetDefaults()
	if o.BootTimeout == 0 {
		o.BootTimeout = time.Minute
	}
	if o.Stdout == nil {
		o.Stdout = os.Stdout
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
}

// BootError says that no worker ever became ready; Err is the worker's own
// error. Gunicorn exits with status 3 in this case, and so should the caller.
type BootError struct{ Err error }

func (e *BootError) Error() string { return "no worker could start: " + e.Err.Error() }
func (e *BootError) Unwrap() error { return e.Err }
