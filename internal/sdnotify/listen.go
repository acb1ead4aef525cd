package sdnotify

import (
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
func Listen() []Passed {
	pid, fds, names := os.Getenv("LISTEN_PID"), os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_FDNAMES")
	if pid != strconv.Itoa(os.Getpid()) { // a parent's, which did not clean up
		return nil
	}
	for _, name := range []string{"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"} {
		os.Unsetenv(name)
	}
	n, err := strconv.Atoi(fds)
	if err != nil || n < 0 {
		return nil
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
	return out
}

// StoreSize is how many descriptors systemd keeps for the unit, and whether it
// says so: 252 does not, 254 and later do.
func StoreSize() (n int, told bool) {
	n, err := strconv.Atoi(os.Getenv("FDSTORE"))
	return n, err == nil
}
