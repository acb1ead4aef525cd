package sock

import (
	"errors"

	"golang.org/x/sys/unix"
)

// Short returns what to do if err says that the system lacks something that a socket
// or a process needs, such as descriptors or memory. For other errors it returns "".
func Short(err error) (hint string) {
	switch {
	case errors.Is(err, unix.EMFILE):
		return "raise the limit of open files of a process (LimitNOFILE= in the unit, ulimit -n), or lower --worker-connections"
	case errors.Is(err, unix.ENFILE):
		return "raise the machine's limit of open files: sysctl -w fs.file-max=N; another program may hold them"
	case errors.Is(err, unix.EAGAIN):
		return "raise the limit of processes (TasksMax= in the unit, ulimit -u, pids.max of the container), or run fewer workers"
	case errors.Is(err, unix.ENOMEM), errors.Is(err, unix.ENOBUFS):
		return "the machine or the container is short of memory: run fewer workers, or give it more"
	}
	return ""
}
