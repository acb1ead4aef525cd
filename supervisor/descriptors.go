package supervisor

import "golang.org/x/sys/unix"

// descriptors is how many connections the master may have of each kind. The rest of
// the limit of open files is for the master itself, which needs descriptors to
// start workers.
type descriptors struct {
	admin   int // on the admin address
	control int // on the control socket
	parked  int // idle connections, kept for workers
}

const (
	ownDescriptors    = 256 // kept free by a master with few workers
	workerDescriptors = 4   // for each worker: two, and two for its successor
)

// divide divides a limit of open files between the kinds of connections.
func divide(limit, workers int) descriptors {
	own := min(max(ownDescriptors, ownDescriptors/4+workerDescriptors*workers), limit/2)
	d := descriptors{admin: min(max(limit/16, 4), 128), control: min(max(limit/16, 4), 64)}
	d.parked = max(limit-own-d.admin-d.control, 1)
	return d
}

// openFiles returns how many descriptors this process may have.
func openFiles() int {
	var r unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &r); err != nil {
		return 1024 // the usual limit
	}
	return int(min(r.Cur, 1<<20))
}
