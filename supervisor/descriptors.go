package supervisor

import "golang.org/x/sys/unix"

// descriptors says how many connections the master may have of each kind. What
// they leave of the limit of open files is for the master itself: without
// descriptors it could not start a worker.
type descriptors struct {
	admin   int // of the admin address
	control int // of the control socket
	parked  int // idle connections that it keeps for workers
}

const (
	ownDescriptors    = 256 // of a master with few workers
	workerDescriptors = 4   // of each worker: two while it runs, and two of its successor
)

// divide shares out a limit of open files among the clients of a master.
func divide(limit, workers int) descriptors {
	own := min(max(ownDescriptors, ownDescriptors/4+workerDescriptors*workers), limit/2)
	d := descriptors{admin: min(max(limit/16, 4), 128), control: min(max(limit/16, 4), 64)}
	d.parked = max(limit-own-d.admin-d.control, 1)
	return d
}

// openFiles is how many descriptors this process may have.
func openFiles() int {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 1024 // what a process has unless it was told otherwise
	}
	return int(min(r.Cur, 1<<20))
}
