// Package config turns a command line, an environment and a narwhal.toml into
// one set of values, and says of each value where it came from.
//
// A setting is one entry in one table (see [Table]). Everything a user meets
// is made from it:
//
//	                 ┌─ Flags           --worker-connections 1000
//	                 ├─ variables       NARWHAL_WORKER_CONNECTIONS=1000
//	Table ───────────┼─ file keys       worker_connections = 1000
//	(table_*.go)     ├─ Setting.Text    narwhal help worker-connections
//	                 └─ Markdown        the tables of the README
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
// Load reads the file and looks at folders, and changes nothing: the caller
// changes directory, opens logs and binds sockets. What is wrong comes back as
// [Problem] values, all of them at once, each naming its file and line, its
// variable or its flag.
package config

import (
	"time"

	"github.com/narwhal-server/narwhal/limits"
)

// Settings are the values in force. They are plain data: what is not exported
// only serves Origin, Warnings and Reload, and is lost when the settings travel
// to a worker as JSON, which needs none of it.
//
// Paths are absolute, except "-" for a standard stream, "" for none, and a
// Model that is a name.
type Settings struct {
	Bind    []string // canonical: HOST:PORT, [IPv6]:PORT, :PORT, unix:/PATH, fd://N
	Backlog int      // length of the listen queue

	SocketMode string // of unix sockets, as sock.ParseAccess takes it

	AdminBind string // where the master answers health checks; "" for nowhere

	Workers         int
	WorkerClass     string        // Sync or Concurrent; Gunicorn's names are translated
	GOMAXPROCS      int           // of each worker; 0 for cores ÷ workers, at least 1
	MaxWorkerAge    time.Duration // 0 for no limit
	MaxWorkerMemory int64         // bytes; 0 for no limit

	limits.Limits // of a worker; GracefulTimeout 0 is none, KeepAlive 0 closes a connection after each answer

	BootTimeout   time.Duration // 0 for none
	DrainDelay    time.Duration // from TERM to the drain
	KeepAliveMode string        // auto, or as Keeps returns it

	Model   string // auto, prose, the name of a pipeline, or an absolute path
	Exclude []string
	Delay   time.Duration

	LogLevel      string // debug, info, warn or error
	LogFormat     string // text or json
	ErrorLogfile  string // "-" for stderr
	AccessLogfile string // "-" for stdout, "" for none

	Pid           string // "" for no file
	ControlSocket string // "auto", "off", or an absolute path
	Chdir         string // "" to stay
	ConfigFile    string // the file that was read; "" if there was none

	source   Source
	origins  map[string]Origin
	warnings []string
	notes    []string
}

// The two kinds of worker.
const (
	Sync       = "sync"
	Concurrent = "concurrent"
)

// Where idle connections are kept; Auto depends on the worker class.
const (
	Auto   = "auto"
	Pinned = "pinned"
	Parked = "parked"
	Off    = "off"
)

// Keeps says where idle connections are kept: Pinned to their worker, Parked
// with the master, or Off, nowhere.
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
