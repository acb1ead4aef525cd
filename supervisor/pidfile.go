package supervisor

import (
	"log/slog"

	"github.com/narwhal-server/narwhal/internal/logevent"
	"github.com/narwhal-server/narwhal/internal/pidfile"
)

// takePid locks the pid file and writes the pid. A new master writes it after the
// hand-over. takePid returns nil if path is empty.
func takePid(path string, old *oldMaster, log *slog.Logger) (*pidfile.File, error) {
	if path == "" {
		return nil, nil
	}
	if f := old.takePid(path); f != nil {
		return f, nil
	}
	f, err := pidfile.Take(path)
	if err != nil {
		return nil, err
	}
	if f.Unlocked != nil {
		logevent.PidFileUnlocked.Log(log, "the pid file cannot be locked, so a second master with the same pid file would not be noticed", "path", path, "error", f.Unlocked,
			"hint", "put it on another file system, such as /run")
	}
	if old != nil {
		return f, nil
	}
	if err := f.Write(); err != nil {
		f.Remove()
		return nil, err
	}
	return f, nil
}

// takePid returns the old master's pid file, nil if it has none at this path.
func (o *oldMaster) takePid(path string) *pidfile.File {
	if o == nil || o.pidFile == nil || o.pidFile.Path() != path {
		return nil
	}
	f := o.pidFile
	o.pidFile = nil
	return f
}
