package supervisor

import (
	"fmt"
	"syscall"
	"time"

	"github.com/narwhal-server/narwhal/internal/board"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/internal/wire"
)

// The loop (master.go) decides; it reaches the operating system only through the
// interfaces in this file. machine.go implements them with real processes, the
// stories in testdata with fakes.

// process is a worker's process.
type process interface {
	Pid() int
	Send(wire.Message) error
	Signal(syscall.Signal) error
	Status() board.Status
	Count(*metrics.Sum) // adds what it has counted, and its processor time
	Memory() (int64, error)
	Release() // The process has ended: its descriptors and its line of the board are free.
}

// newMasterProcess is the new master, seen from the loop of the old one.
type newMasterProcess interface {
	Pid() int
	Send(wire.Message) error
	Signal(syscall.Signal) error
	Release()
}

// oldMasterProcess is the old master, seen from the loop of the new one.
type oldMasterProcess interface {
	Send(wire.Message) error
}

// system is what the loop needs of the operating system.
type system interface {
	// OldMaster returns the master that this one replaces, nil if there is none.
	// What the old master says, and its end, are reported to events.
	OldMaster(events chan<- event) oldMasterProcess
	// StartService opens what only the master that has the service has open: the
	// control socket, the line to systemd and the place for parked connections.
	StartService(in inbox) systemd
	// Start starts a worker. Its messages and its death are reported to events.
	Start(h wire.HelloMessage, env []string, events chan<- event) (process, error)
	// Refuse keeps new clients out while queued ones are answered.
	Refuse()
	// EndParking closes the parked connections after linger, in which their
	// clients may still use them.
	EndParking(linger time.Duration)
	// Parked returns the number of parked connections.
	Parked() int
	// Upgrade starts the program on disk as a new master. What the new master
	// says, and its end, are reported to events.
	Upgrade(events chan<- event) (newMasterProcess, error)
	// HandOver leaves sockets, pid file and admin address to the new master.
	HandOver()
	// TakeOver takes them over from the old master. It reports which sockets this
	// process may shut down.
	TakeOver() (ours []bool)
	// Queues lists the accept queues of the listening TCP sockets.
	Queues() []queue
	// Reap waits for children that are not workers, if this process is PID 1.
	Reap(isWorker func(pid int) bool)
}

// event is something that a process did: it said a message, or ended. An event of
// a worker names the worker's age. A slot's number and its generation are the same
// for a worker and for the one started after its death, so they would let a late
// message of a dead worker count for its successor.
type event struct {
	from   source
	age    int // of the worker
	msg    wire.Message
	exited bool
	status exitStatus
}

// source is the kind of process that an event is about.
type source int

const (
	fromWorker source = iota
	fromNewMaster
	fromOldMaster
)

// exitStatus is how a process ended.
type exitStatus struct {
	code   int
	signal syscall.Signal // 0 if it exited
}

func (s exitStatus) String() string {
	if s.signal != 0 {
		return "signal " + signalName(s.signal)
	}
	return fmt.Sprintf("exit code %d", s.code)
}
