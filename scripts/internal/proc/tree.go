package proc

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"
)

// Tree returns the pid root and the pids of its living descendants. Processes that have ended
// and are not reaped yet (zombies) are left out.
func Tree(root int) []int {
	children := map[int][]int{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, d := range dirs {
		pid, _ := strconv.Atoi(filepath.Base(d))
		if s, err := readStat(pid); err == nil && s.state != "Z" {
			children[s.parent] = append(children[s.parent], pid)
		}
	}
	all := []int{root}
	for i := 0; i < len(all); i++ { // all grows meanwhile
		all = append(all, children[all[i]]...)
	}
	return all
}

// AdoptOrphans makes this process the parent of the processes that its descendants leave
// behind. EndDescendants can then find them.
func AdoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the reaper of orphans: %w", err)
	}
	return nil
}

// EndDescendants kills all descendants of this process, and returns their pids.
func EndDescendants() (left []int) {
	const tries = 10 // a process can start while this loop looks
	for range tries {
		pids := Tree(os.Getpid())[1:] // without this process
		if len(pids) == 0 {
			return left
		}
		left = append(left, pids...)
		for _, pid := range pids {
			_ = unix.Kill(pid, unix.SIGKILL) // the process may have ended by itself
		}
		for _, pid := range pids {
			_ = AwaitExit(pid)
			Bury(pid)
		}
	}
	return left
}

// AwaitExit waits until a process has ended. The process need not be a child of this one.
func AwaitExit(pid int) error {
	fd, err := unix.PidfdOpen(pid, unix.PIDFD_NONBLOCK)
	if err == unix.ESRCH { // it has ended and is reaped
		return nil
	}
	if err != nil {
		return fmt.Errorf("watch process %d: %w", pid, err)
	}
	f := os.NewFile(uintptr(fd), "pidfd")
	defer f.Close()
	rc, err := f.SyscallConn()
	if err != nil {
		return err
	}
	// A pidfd becomes readable when its process ends. Read calls the function again each time
	// that Go's poller finds the pidfd readable, until the function returns true.
	return rc.Read(func(fd uintptr) bool {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, 0)
		return n > 0 || err != nil && err != unix.EINTR
	})
}

// Bury reaps a process that has ended, if it is a child of this one.
func Bury(pid int) {
	_, _ = unix.Wait4(pid, nil, unix.WNOHANG, nil)
}
