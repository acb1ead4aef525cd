package supervisor

import (
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Reap waits for children that are not workers. Only PID 1 gets such children:
// orphans, whose parents have ended. Reap looks at a child before it waits for it,
// since the exit status of a worker belongs to the worker's exec.Cmd.
func (s *machine) Reap(isWorker func(pid int) bool) {
	if os.Getpid() != 1 {
		return
	}
	for {
		var info unix.Siginfo
		err := unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
		if err == unix.EINTR {
			continue
		}
		// On 64-bit Linux si_pid is at byte 16 of siginfo_t (sigaction(2)); x/sys
		// leaves the field out.
		pid := int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), 16)))
		if err != nil || pid == 0 || isWorker(pid) {
			return // the event of this worker's death calls Reap again
		}
		var ws unix.WaitStatus
		if _, err := unix.Wait4(pid, &ws, unix.WNOHANG, nil); err != nil {
			return
		}
		s.log.Debug("reaped an orphaned process", "orphan_pid", pid)
	}
}
