package sdnotify

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Passed is a descriptor that systemd passed: of a socket unit, or from the
// store.
type Passed struct {
	FD   int
	Name string // FileDescriptorName= of the unit, or what it was stored under
}

// firstFD is where systemd begins (SD_LISTEN_FDS_START).
const firstFD = 3

// Listen returns the descriptors passed to this very process, and removes the
// variables that tell of them, so that it returns them once. They are plain
// numbers, not files: package os would put a non-blocking one into its poller.
//
// The error says why descriptors that the variables tell of are not returned: they
// are for another process, such as a script that started this one.
func Listen() ([]Passed, error) {
	pid, fds, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	if fds == "" || fds == "0" {
		return nil, nil
	}
	if pid != strconv.Itoa(os.Getpid()) {
		return nil, fmt.Errorf("LISTEN_FDS=%s is for process %s (LISTEN_PID), and this is process %d", fds, cmp.Or(pid, "none"), os.Getpid())
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"} {
		os.Unsetenv(name)
	}
	n, err := strconv.Atoi(fds)
	if err != nil || n < 0 {
		return nil, fmt.Errorf("LISTEN_FDS=%s is not a number of descriptors", fds)
	}
	name := strings.Split(names, ":")
	var out []Passed
	for i := range n {
		p := Passed{FD: firstFD + i}
		if _, err := unix.FcntlInt(uintptr(p.FD), unix.F_SETFD, unix.FD_CLOEXEC); err != nil {
			continue // there is none
		}
		if len(name) == n {
			p.Name = name[i]
		}
		out = append(out, p)
	}
	return out, nil
}

// StoreSize is how many descriptors systemd keeps for the unit, and whether it
// says so: 252 does not, 254 and later do.
func StoreSize() (n int, told bool) {
	n, err := strconv.Atoi(os.Getenv("FDSTORE"))
	return n, err == nil
}
