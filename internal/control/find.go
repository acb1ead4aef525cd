package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/pidfile"
)

// ErrNone is the error if no master could be found.
var ErrNone = errors.New("no running narwhal was found")

// SeveralError is the error if several masters run and one must be chosen. Paths are
// their sockets.
type SeveralError struct{ Paths []string }

func (e *SeveralError) Error() string {
	return fmt.Sprintf("%d masters are running: %s", len(e.Paths), strings.Join(e.Paths, ", "))
}

// Find returns the socket of the only master that runs. If pid is not 0, Find looks only
// for the master with that pid. It fails with ErrNone or a *SeveralError.
func Find(pid int) (string, error) {
	return find(searched(os.Getenv, os.Getuid()), pid)
}

func find(dirs []string, pid int) (string, error) {
	var found []string
	var refused error
	for _, dir := range dirs {
		if err := checkDir(dir); err != nil {
			if !errors.Is(err, os.ErrNotExist) {
				refused = err
			}
			continue
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			refused = err
			continue
		}
		for _, e := range entries {
			name, ours := strings.CutSuffix(e.Name(), ".sock")
			n, err := strconv.Atoi(name)
			if !ours || err != nil || pid != 0 && n != pid {
				continue
			}
			path := filepath.Join(dir, e.Name())
			switch c, err := net.Dial("unix", path); {
			case err == nil:
				c.Close()
				found = append(found, path)
			case !errors.Is(err, unix.ECONNREFUSED) && !errors.Is(err, os.ErrNotExist): // with these two errors the master is dead
				refused = err
			}
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return "", &SeveralError{found}
	case refused != nil:
		return "", fmt.Errorf("%w: %w", ErrNone, refused)
	}
	return "", fmt.Errorf("%w (in %s)", ErrNone, strings.Join(dirs, ", "))
}

// FindPidFile returns the socket of the master that holds a pid file. It fails with
// pidfile.ErrFree if none holds it.
func FindPidFile(file string) (string, error) {
	pid, err := pidfile.Holder(file)
	if err != nil {
		return "", err
	}
	path, err := Find(pid)
	if err != nil {
		return "", fmt.Errorf("pid file %s: process %d: %w", file, pid, err)
	}
	return path, nil
}
