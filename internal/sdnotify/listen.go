package sdnotify

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Passed is a descriptor that systemd passed to this process: a socket of a socket
// unit, or a socket that systemd kept in the unit's file descriptor store.
type Passed struct {
	FD   int
	Name string // FileDescriptorName= of the unit, or what it was stored under
}

// firstFD is where systemd begins (SD_LISTEN_FDS_START).
const firstFD = 3

// Listen returns the descriptors that systemd passed to this process. It removes the
// LISTEN_ variables, so a second call returns none. It returns numbers, not files,
// because os.NewFile would put a non-blocking descriptor into the runtime's poller.
//
// If the variables name another process, for example a script that started this one,
// Listen returns no descriptors and an error that says so.
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
			continue // the number is not an open descriptor
		}
		if len(name) == n {
			p.Name = name[i]
		}
		out = append(out, p)
	}
	return out, nil
}

// StoreSize returns how many descriptors systemd keeps for the unit. ok is false if
// systemd does not say it: systemd 254 and later do, 252 does not.
func StoreSize() (n int, told bool) {
	n, err := strconv.Atoi(os.Getenv("FDSTORE"))
	return n, err == nil
}
