// Package config turns a command line, an environment and a narwhal.toml into
// one set of values, and says of each value where it came from.
//
// A setting is one entry in one table (see [Table]). Everything that a user sees is
// made from that table:
//
//	                 ┌─ Flags           --worker-connections 1000
//	                 ├─ variables       NARWHAL_WORKER_CONNECTIONS=1000
//	Table ───────────┼─ file keys       worker_connections = 1000
//	(table_*.go)     ├─ Setting.Text    narwhal help worker-connections
//	                 └─ Markdown        the tables of the README and of docs/
//
// A flag beats a variable, a variable beats the file, the file beats the
// default:
//
//	given := config.Given{}
//	app.Flags = config.Flags(given)          // filled while the line is read
//	…
//	settings, err := config.Load(config.Source{Given: given, Environ: os.Environ(), Dir: dir})
//	settings.Workers                         // 4
//	settings.Origin("workers")               // narwhal.toml:3
//	settings.Reload()                        // the same again, for a HUP
//
// Load reads the file and looks at folders, but changes nothing: the caller changes
// directory, opens logs and binds sockets. The error of Load has a [Problem] for each
// thing that is wrong. A Problem names the file and line, the variable or the flag.
package config

import (
	"time"

	"github.com/narwhal-server/narwhal/limits"
)

// Settings are the values in force. The fields that are not exported serve Origin,
// Warnings, Notes and Reload. They are lost when the master sends the settings to a
// worker as JSON, and a worker does not need them.
//
// Paths are absolute, except "-" for a standard stream, "" for none, and an
// item of Model that is a name.
type Settings struct {
	Bind    []string // canonical: HOST:PORT, [IPv6]:PORT, :PORT, unix:/PATH, fd://N
	Backlog int      // length of the listen queue

	SocketMode string // of unix sockets, as sock.ParseAccess reads it

	AdminBind string // where the master answers health checks and metrics; "" for none
	Metrics   string // on or off: whether workers answer /metrics, too

	StatsdHost   string // HOST:PORT or unix:PATH; "" for none
	StatsdPrefix string

	Certfile          string   // "" for no TLS
	Keyfile           string   // "" for a key in Certfile
	CACerts           string   // "" for clients without certificates
	AuthTokenFile     string   // "" for none
	CORSOrigins       []string // as peers.CheckOrigin accepts them
	ForwardedAllowIPs []string // as peers.Parse reads them
	ProxyProtocol     string   // off, v1, v2 or auto
	ProxyAllowFrom    []string // as peers.Parse reads them

	Workers         int           // AutoNumber for as many as the processors that narwhal may use
	WorkerClass     string        // Sync or Concurrent; Gunicorn's names are translated
	GOMAXPROCS      int           // of each worker; 0 for cores ÷ workers, at least 1
	MaxWorkerAge    time.Duration // 0 for no limit
	MaxWorkerMemory int64         // bytes; 0 for no limit, AutoNumber for a share of the group's limit

	// Of a worker. GracefulTimeout 0: no time; KeepAlive 0: connections are not kept;
	// LimitRequestLine, LimitRequestFields and LimitRequestFieldSize 0: no limit of their own.
	limits.Limits

	BootTimeout   time.Duration // 0 for no limit
	DrainDelay    time.Duration // from TERM to the drain; 0 for none
	KeepAliveMode string        // Auto, Pinned, Parked or Off

	Model   []string // auto, prose, the name of a pipeline, or an absolute path; the first is the default model
	Exclude []string
	Delay   time.Duration // before each computation; 0 for none

	LogLevel      string // debug, info, warn or error
	LogFormat     string // text or json
	ErrorLogfile  string // "-" for stderr
	AccessLogfile string // "-" for stdout, "" for none

	AccessLogformat string // as accesslog.Parse reads it

	Pid           string // path of the pid file; "" for none
	ControlSocket string // "auto", "off", or an absolute path
	Chdir         string // "" to stay
	ConfigFile    string // the file that was read; "" if there was none

	secrets  Secrets
	source   Source
	origins  map[string]Origin
	warnings []string
	notes    []string
}

// AutoNumber is the value of a count or a size that is auto. The caller of Load knows
// what the machine has.
const AutoNumber = -1

// The two kinds of worker.
const (
	Sync       = "sync"
	Concurrent = "concurrent"
)

// Where idle connections are kept. Auto depends on the worker class (see Keeps).
const (
	Auto   = "auto"
	Pinned = "pinned"
	Parked = "parked"
	Off    = "off"
)

// Keeps returns where idle connections are kept: Pinned, by their worker; Parked, by
// the master; or Off, nowhere. It never returns Auto.
func (s *Settings) Keeps() string {
	switch {
	case s.KeepAlive == 0:
		return Off
	case s.KeepAliveMode != Auto:
		return s.KeepAliveMode
	case s.WorkerClass == Sync:
		return Off
	}
	return Pinned
}
