package supervisor

import (
	"fmt"
	"os"
	"strings"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"
)

// checkPid looks whether the pid file is free for us. One that names a living
// process is somebody else's, unless that is the old master of an upgrade.
func checkPid(path string, old int) error {
	if b, err := os.ReadFile(path); err == nil {
		var pid int
		if _, err := fmt.Sscanf(string(b), "%d", &pid); err == nil && pid > 0 && pid != os.Getpid() && pid != old && alive(pid) {
			return fmt.Errorf("pid file %s: process %d is running: stop it, or choose another --pid", path, pid)
		}
	}
	return nil
}

// writePid writes the pid file, replacing it whole.
func writePid(path string, old int) error {
	if err := checkPid(path, old); err != nil {
		return err
	}
	if err := renameio.WriteFile(path, fmt.Appendf(nil, "%d\n", os.Getpid()), 0o644); err != nil {
		return fmt.Errorf("pid file %s: %w: choose a place that can be written with --pid, or leave it out", path, err)
	}
	return nil
}

// alive says whether there is such a process; one of another user counts. A
// zombie does not: a killed master is one until its parent has noticed.
func alive(pid int) bool {
	if unix.Kill(pid, 0) == unix.ESRCH {
		return false
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil || !strings.Contains(string(b), ") Z ") // the name stands before, in brackets
}

// removePid removes the file if it is still ours.
func removePid(path string) {
	b, err := os.ReadFile(path)
	if err == nil && string(b) == fmt.Sprintf("%d\n", os.Getpid()) {
		os.Remove(path)
	}
}
