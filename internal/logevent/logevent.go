// Package logevent names the log lines that tests and scripts wait for. A line has
// its name in the field event. The message beside it is for people and may change.
package logevent

import "log/slog"

// Name is the value of the field event. No name is the beginning of another one, so
// a reader may look for Text in a line.
type Name string

// What happens to the service.
const (
	ServiceReady  Name = "service_ready"  // every slot has had a ready worker
	DrainDelayed  Name = "drain_delayed"  // a stop has begun with --drain-delay
	Stopped       Name = "stopped"        // the master ends
	QueueFull     Name = "queue_full"     // an accept queue is full
	AddressInUse  Name = "address_in_use" // a bind failed and is tried again
	ControlFailed Name = "control_failed" // there is no control socket
	Listening     Name = "listening"      // a socket is open
	AdminListens  Name = "admin_listens"  // the admin address is open
	Serving       Name = "serving"        // what ServiceReady says, with the settings and the model
	PassedUnused  Name = "passed_unused"  // sockets that were passed are not this process's
	AddressClosed Name = "address_closed" // a new master has closed a socket of the old one
)

// What happens to a worker.
const (
	WorkerStarting  Name = "worker_starting"   // its process was started
	WorkerReady     Name = "worker_ready"      // it serves
	WorkerLeft      Name = "worker_left"       // it was told to leave, and has finished
	WorkerDied      Name = "worker_died"       // nobody had told it to leave
	WorkerCut       Name = "worker_cut"        // it was told to leave, and ended before it had finished
	WorkerDiesOften Name = "worker_dies_often" // its slot waits before the next start
	WorkerHeavy     Name = "worker_heavy"      // it has more memory than --max-worker-memory
	WorkerSilent    Name = "worker_silent"     // it shows no sign of life
	RequestHung     Name = "request_hung"      // a request of it runs for longer than --timeout
	SpawnFailed     Name = "spawn_failed"      // no process can be started
	SpawnWorks      Name = "spawn_works"       // processes can be started again
)

// What happens to requests and logs.
const (
	AcceptFails     Name = "accept_fails"      // a worker cannot accept connections for the moment
	AccessLogFailed Name = "access_log_failed" // lines of the access log are lost
)

// What happens to a reload or an upgrade.
const (
	ReloadDone       Name = "reload_done"
	ReloadFailed     Name = "reload_failed"
	UpgradeStarted   Name = "upgrade_started"    // said by the old master, with the new one's pid
	UpgradeRefused   Name = "upgrade_refused"    // nothing was started
	UpgradeFailed    Name = "upgrade_failed"     // the new master has ended, and the old one goes on
	UpgradeTakenOver Name = "upgrade_taken_over" // said by the new master
)

const key = "event"

// Attr is the field of a log line.
func (n Name) Attr() slog.Attr { return slog.String(key, string(n)) }

// Text is the field as a text log has it.
func (n Name) Text() string { return key + "=" + string(n) }
