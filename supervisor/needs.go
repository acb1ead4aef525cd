package supervisor

import (
	"errors"
	"os"
	"strings"
)

// checkNeeds checks what the start of every worker needs. Trying again would not
// help, so it is checked once, before anything is bound.
func checkNeeds() error {
	var missing []string
	if _, err := os.Stat("/proc/self/exe"); err != nil {
		missing = append(missing, "/proc is not mounted: "+mountProc)
	}
	if f, err := os.Open(os.DevNull); err != nil {
		missing = append(missing, os.DevNull+" cannot be opened: it is the standard input of workers: mknod -m 666 /dev/null c 1 3, or give the container a /dev")
	} else {
		f.Close()
	}
	if missing == nil {
		return nil
	}
	return &BootError{errors.New(strings.Join(missing, "; "))}
}

// mountProc is what to do without /proc.
const mountProc = "a worker is this program again, found as /proc/self/exe: mount -t proc proc /proc"
