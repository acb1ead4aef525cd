// Package sdnotify speaks to systemd as sd_notify(3) and sd_listen_fds(3) do:
// it reports the state of the service, gives sockets to systemd to keep, and takes
// the sockets that systemd passes.
//
// The watchdog's interval and the time of a reload come from
// github.com/coreos/go-systemd. That package's sender cannot pass descriptors, and it
// waits without limit for a systemd that does not read. So this package has its own.
package sdnotify

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
	"golang.org/x/sys/unix"
)

// The states of a service. A message has one or several of them, one a line.
const (
	Ready    = daemon.SdNotifyReady
	Stopping = daemon.SdNotifyStopping
	Watchdog = daemon.SdNotifyWatchdog
)

// Reloading returns the message for the start of a reload. It contains the present
// time, by which systemd tells one reload from another.
func Reloading() string {
	return daemon.SdNotifyReloading + "\n" + strings.TrimSuffix(daemon.SdNotifyMonotonicUsec(), "\n")
}

// Status returns the message that sets the line that systemctl status shows.
func Status(text string) string {
	return "STATUS=" + strings.ReplaceAll(text, "\n", " ")
}

// ExtendTimeout returns the message that asks systemd for more time to start, reload
// or stop: d from now on.
func ExtendTimeout(d time.Duration) string {
	return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds())
}

// MainPID returns the message that names the new main process of the service. Only
// the present main process may send it (NotifyAccess=main).
func MainPID(pid int) string { return fmt.Sprintf("MAINPID=%d", pid) }

// WatchdogInterval returns the time within which systemd wants the next Watchdog
// message, or 0 if systemd does not watch this process. Send one after half of it.
func WatchdogInterval() (time.Duration, error) {
	d, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0, fmt.Errorf("WATCHDOG_USEC: %w", err)
	}
	return d, nil
}

// Socket sends messages to systemd. A nil *Socket is valid: its methods do nothing.
type Socket struct {
	fd   int
	addr *unix.SockaddrUnix
}

// sendTime bounds how long Send waits until systemd has read earlier messages.
const sendTime = time.Second

// Open opens the socket that NOTIFY_SOCKET names. It returns nil if the variable is
// not set.
func Open() (*Socket, error) {
	name := os.Getenv("NOTIFY_SOCKET")
	if name == "" {
		return nil, nil
	}
	if name[0] != '/' && name[0] != '@' { // x/sys makes the zero byte of an abstract name from @
		return nil, fmt.Errorf("NOTIFY_SOCKET is %q: want a path, or @ and a name", name)
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("notify systemd: %w", err)
	}
	limit := unix.NsecToTimeval(sendTime.Nanoseconds())
	if err := unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &limit); err != nil {
		unix.Close(fd)
		return nil, fmt.Errorf("notify systemd: %w", err)
	}
	return &Socket{fd: fd, addr: &unix.SockaddrUnix{Name: name}}, nil
}

// Close closes the socket.
func (s *Socket) Close() {
	if s != nil {
		unix.Close(s.fd)
	}
}

// Send sends one message of one or several lines, with descriptors. It returns when
// the kernel has the message. Barrier waits until systemd has read it.
func (s *Socket) Send(message string, files ...*os.File) error {
	if s == nil {
		return nil
	}
	var rights []byte
	if len(files) > 0 {
		var fds []int
		for _, f := range files {
			fds = append(fds, int(f.Fd()))
		}
		rights = unix.UnixRights(fds...)
	}
	for {
		err := unix.Sendmsg(s.fd, []byte(message), rights, s.addr, unix.MSG_NOSIGNAL)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil {
			return fmt.Errorf("tell systemd %q at %s: %w", message, s.addr.Name, err)
		}
		return nil
	}
}

// Store gives systemd a copy of a descriptor to keep. The unit's next process gets it
// under that name, like a socket of a socket unit. If the unit has no
// FileDescriptorStoreMax=, systemd closes the copy and does not report it.
func (s *Socket) Store(name string, f *os.File) error {
	return s.Send("FDSTORE=1\nFDNAME="+name, f)
}

// Forget has systemd close the descriptors that it keeps under that name.
func (s *Socket) Forget(name string) error {
	return s.Send("FDSTOREREMOVE=1\nFDNAME=" + name)
}

// Barrier waits until systemd has read all messages sent before.
func (s *Socket) Barrier(limit time.Duration) error {
	if s == nil {
		return nil
	}
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	defer r.Close()
	err = s.Send("BARRIER=1", w)
	w.Close()
	if err != nil {
		return err
	}
	// systemd closes its end of the pipe when it reads the barrier message.
	if err := r.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	if _, err := r.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("systemd has not read its messages within %v", limit)
	}
	return nil
}
