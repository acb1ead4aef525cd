package config

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/accesslog"
	"github.com/narwhal-server/narwhal/internal/folder"
	"github.com/narwhal-server/narwhal/internal/regular"
	"github.com/narwhal-server/narwhal/internal/sock"
	"github.com/narwhal-server/narwhal/internal/statsd"
)

// maxBody is the largest --limit-body, in bytes. A worker holds a whole body in memory.
const maxBody = 1 << 30

// validate checks what depends on several values, or on the disk. Each value by itself
// has been checked before.
func (l *loader) validate() {
	l.checkFolders()
	l.checkAddresses()
	l.checkStatsd()
	l.checkFront()
	l.checkWorkers()
	l.checkLimits()
	l.checkTimes()
	l.checkModel()
	l.checkLogs()
}

// blame adds a problem of a setting. The problem names the place where the value was
// set.
func (l *loader) blame(name, hint, why string, args ...any) {
	where := l.where[name]
	l.problems = append(l.problems, &Problem{
		Where: where,
		Why:   fmt.Sprintf(why, args...),
		Hint:  hint,
		Usage: strings.HasPrefix(where, "--"),
	})
}

func (l *loader) warn(name, why string) {
	l.settings.warnings = append(l.settings.warnings, l.where[name]+": "+why)
}

// differs reports whether a setting has another value than its default. It does not
// matter whether somebody set the value: a file from --print-config sets all of them.
func (l *loader) differs(name string) bool {
	s, ok := Lookup(name)
	usual := new(Settings)
	if !ok || s.assign(usual, l.defaults(s)) != nil {
		return true
	}
	return !reflect.DeepEqual(s.field(usual), s.field(l.settings))
}

func (l *loader) checkFolders() {
	s := l.settings
	if s.Chdir != "" && !isFolder(s.Chdir) {
		l.blame("chdir", "", "%s is not a folder", s.Chdir)
		return // or every relative path would be reported too
	}
	l.checkPath("pid", s.Pid, "choose another")
	if name := filepath.Base(s.Pid); s.Pid != "" && strings.Trim(name, "0123456789") == "" {
		l.warn("pid", "the process ID goes into a file called "+name+"; if "+name+" is a port, use --bind :"+name)
	}
	info, err := os.Stat(s.ControlSocket)
	switch {
	case s.ControlSocket == "":
		l.blame("control-socket", "", "the value is empty: want auto, off, or a path")
	case strings.HasPrefix(l.controlSocket, "@"):
		l.blame("control-socket", "name a path; a file of that name is ./"+l.controlSocket,
			"%s is an abstract socket, which every user could take; the control socket is a file", l.controlSocket)
	case filepath.IsAbs(s.ControlSocket) && err == nil && info.Mode().Type() != fs.ModeSocket:
		l.blame("control-socket", "choose another, or remove it", "%s is %s, not a socket", s.ControlSocket, regular.Kind(info.Mode()))
	}
	l.checkPath("error-logfile", s.ErrorLogfile, "to log into a pipe, leave it out and redirect standard error: narwhal 2>PIPE")
	l.checkPath("access-logfile", s.AccessLogfile, "to log into a pipe, say --access-logfile - and redirect standard output: narwhal >PIPE")
	if s.ErrorLogfile == "" {
		l.blame("error-logfile", "", "the value is empty: want a path, or - for stderr")
	}
}

// checkPath adds a problem if no file can be made at a path, or if something else than a
// regular file exists there. It does not open the path: opening a FIFO waits for its
// other end. It accepts a terminal or /dev/null for a log. It accepts a symbolic link
// that leads to no folder: /dev/stdout is one, and can lead to a pipe.
func (l *loader) checkPath(name, path, instead string) {
	if path == "" || path == "-" {
		return
	}
	info, err := os.Lstat(path)
	device := name != "pid" && err == nil && info.Mode()&fs.ModeCharDevice != 0 // a terminal, /dev/null
	switch {
	case isFolder(path):
		l.blame(name, "", "%s is a folder: add the name of the file", path)
	case err == nil && !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 && !device:
		l.blame(name, instead, "%s is %s, not a regular file", path, regular.Kind(info.Mode()))
	case err == nil: // whether it can be written is seen when it is opened
	default:
		if p := folder.Check(path); p != nil {
			l.blame(name, p.Hint, "%s", p.What)
		}
	}
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func (l *loader) checkAddresses() {
	s := l.settings
	if len(s.Bind) == 0 {
		l.blame("bind", "leave it out for "+sock.DefaultHost+":"+sock.DefaultPort, "there is no address to listen on")
	}
	if _, err := sock.ParseAccess(s.SocketMode); err != nil {
		l.blame("socket-mode", "0666 lets everybody connect, 0660:GROUP a group", "%v", err)
	}
	var bound []sock.Addr
	for i, text := range s.Bind {
		address, err := sock.Parse(text, l.dir)
		if err != nil {
			l.blame("bind", "", "%v", err)
			continue
		}
		for _, earlier := range bound {
			if address.Clash(earlier) {
				l.blame("bind", "keep one of the two", "%s and %s are the same port", earlier, address)
			}
		}
		bound = append(bound, address)
		s.Bind[i] = address.String()
	}
	if s.AdminBind == "" {
		return
	}
	address, err := sock.Parse(s.AdminBind, l.dir)
	if err != nil {
		l.blame("admin-bind", "", "%v", err)
		return
	}
	s.AdminBind = address.String()
	for _, b := range bound {
		if address.Clash(b) {
			l.blame("admin-bind", "give it a port of its own",
				"%s is taken by --bind %s, where the workers answer", address, b)
		}
	}
}

func (l *loader) checkStatsd() {
	s := l.settings
	if i := strings.IndexAny(s.StatsdPrefix, ":|@# \t\r\n"); i >= 0 {
		l.blame("statsd-prefix", "use letters, digits, points, - and _", "%q has %q, which has a meaning of its own in statsd", s.StatsdPrefix, s.StatsdPrefix[i:i+1])
	}
	if s.StatsdHost == "" {
		return
	}
	address, err := statsd.Parse(s.StatsdHost, l.dir)
	if err != nil {
		l.blame("statsd-host", "", "%v", err)
		return
	}
	s.StatsdHost = address.String()
}

func (l *loader) checkWorkers() {
	s := l.settings
	if s.WorkerClass == Sync && s.Threads > 1 {
		l.blame("threads", "add --worker-class concurrent (Gunicorn's gthread), or leave --threads out",
			"a sync worker computes one request at a time, not %d", s.Threads)
	}
	if s.WorkerClass == Sync && s.KeepAlive > 0 && s.Keeps() == Off && l.differs("keep-alive") {
		l.warn("keep-alive", "ignored, since a sync worker closes each connection after its answer; --keep-alive-mode parked keeps it open")
	}
	if s.WorkerClass == Sync && s.KeepAliveMode == Pinned {
		l.blame("keep-alive-mode", "use parked, which keeps connections for sync workers too, or --worker-class concurrent",
			"a sync worker has one request at a time, and pinned connections would bring it more")
	}
	if s.KeepAlive == 0 && (s.KeepAliveMode == Pinned || s.KeepAliveMode == Parked) {
		l.blame("keep-alive-mode", "give --keep-alive a time, or leave --keep-alive-mode out",
			"connections are not kept at all, since --keep-alive is 0")
	}
	if s.MaxRequestsJitter > 0 && s.MaxRequests == 0 {
		l.blame("max-requests-jitter", "set --max-requests, or leave the jitter out",
			"there is nothing to vary, since --max-requests is 0")
	}
}

func (l *loader) checkLimits() {
	s := l.settings
	if s.LimitBuffers > 0 && s.LimitBody > s.LimitBuffers {
		l.blame("limit-buffers", "make it larger, or --limit-body smaller",
			"%s is less than --limit-body, %s, so that the largest body could never be read",
			FormatSize(s.LimitBuffers), FormatSize(s.LimitBody))
	}
	if s.LimitBody > maxBody {
		l.blame("limit-body", "", "%s is more than %s: a worker holds a body in memory",
			FormatSize(s.LimitBody), FormatSize(maxBody))
	}
}

// patience is how long Kubernetes waits after SIGTERM by default.
const patience = 30 * time.Second

func (l *loader) checkTimes() {
	s := l.settings
	if sum := s.DrainDelay + s.GracefulTimeout; s.DrainDelay > 0 && sum > patience {
		l.warn("drain-delay", fmt.Sprintf("with --graceful-timeout %s a stop takes up to %s; whoever stops the server must wait longer (Kubernetes: terminationGracePeriodSeconds is 30 unless set)",
			FormatDuration(s.GracefulTimeout), FormatDuration(sum)))
	}
	if s.Timeout > 0 && s.Delay >= s.Timeout {
		l.blame("delay", "make the delay shorter, or --timeout longer",
			"every request would wait %s and be ended after %s (--timeout)",
			FormatDuration(s.Delay), FormatDuration(s.Timeout))
	}
}

func (l *loader) checkLogs() {
	if _, err := accesslog.Parse(l.settings.AccessLogformat); err != nil {
		l.blame("access-logformat", "narwhal help access-logformat explains the atoms", "%v", err)
	}
	if l.settings.LogFormat == "json" && l.differs("access-logformat") {
		l.warn("access-logformat", "ignored, since with --log-format json each line is an object")
	}
}

func (l *loader) checkModel() {
	if len(l.settings.Model) == 0 || slices.Contains(l.settings.Model, "") {
		l.blame("model", "", "the value is empty: want auto, prose, the name of a pipeline or a path")
	}
}
