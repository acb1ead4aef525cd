package supervisor

import (
	"log/slog"
	"os"
	"time"

	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/limits"
)

// Options are the settings of a master. A zero value means the default that is named
// beside it. The JSON form leaves out the functions, Stdout and Log.
type Options struct {
	Bind    []string // HOST:PORT, [V6]:PORT, unix:PATH, fd://N; default 127.0.0.1:8000
	Backlog int      // length of each accept queue, in connections; default 2048
	Workers int      // number of workers; default 1

	// SocketMode says who may connect to the unix sockets: MODE or MODE:GROUP.
	// Default: 0666, everybody.
	SocketMode string
	access     sock.Access

	GOMAXPROCS int // of each worker; default Cores / Workers, at least 1

	// Cores is how many processors all workers together may keep busy. Default: those of
	// the affinity mask, or fewer if a control group has a quota, read at each reload.
	Cores int

	limits.Limits // of each worker

	Sync            bool          // one request at a time in each worker; Threads is then 1
	MaxWorkerAge    time.Duration // until it is replaced, less up to a tenth at random; default: never
	MaxWorkerMemory int64         // bytes; a worker that stays above is replaced; default: no limit
	Linger          time.Duration // how long a leaving worker keeps idle connections; default 0

	// Park keeps idle connections with the master. Default: with the worker.
	Park bool

	BootTimeout time.Duration // from spawn to ready; default 60s
	DrainDelay  time.Duration // from SIGTERM, which makes readiness fail, to the drain; default 0

	Admin string // address on which the master answers /healthz, /readyz, /metrics and the live page; default none
	Pid   string // file for the master's pid; default none

	// Dir is the folder in which the program was started. An upgrade starts the new
	// master in it. Default: the working directory when Run begins.
	Dir string

	// Control is the path of the control socket, or "auto" for a path in the runtime
	// directory. Commands such as narwhal reload use it. A reload does not change it.
	// Default: no control socket.
	Control string

	// Statsd is the address of a statsd server: HOST:PORT, or unix:PATH for a datagram
	// socket. The master sends it numbers under Gunicorn's names once a second. StatsdPrefix
	// comes before the names. A reload does not change them. Default: no server.
	Statsd       string
	StatsdPrefix string

	// Build has labels of the metric narwhal_build_info: version, commit, goversion,
	// goarch and simd. Default: empty ones.
	Build map[string]string

	Settings any // of the application, sent to every worker as JSON

	// Reload is called for each reload and returns the options of the next generation.
	// If it fails, nothing changes. Default: the present options again.
	Reload func() (Options, error) `json:"-"`

	// Reloaded is called when a reload has given every slot a worker with these
	// options. Default: nothing.
	Reloaded func() `json:"-"`

	// Stdout becomes the standard output of the workers, and of the new master of an
	// upgrade. Default: the standard output of this process.
	Stdout *os.File `json:"-"`

	// Reopen is called when SIGUSR1 comes. Default: nothing.
	Reopen func() error `json:"-"`

	// Started is called once, when the first generation is ready. bound are the
	// addresses of the sockets, and note is the Note of a worker's App.
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

// BootError says that no worker ever became ready. Err is the worker's own error.
// The caller should exit with status 3, as Gunicorn does.
type BootError struct{ Err error }

func (e *BootError) Error() string { return "no worker could start: " + e.Err.Error() }
func (e *BootError) Unwrap() error { return e.Err }
