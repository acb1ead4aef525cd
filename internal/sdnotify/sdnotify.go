// Package sdnotify speaks to systemd as sd_notify(3) and sd_listen_fds(3) do:
// it says how the service is, hands sockets over to be kept, and takes those
// that systemd passes.
//
// What github.com/coreos/go-systemd has comes from there: the watchdog's
// interval and the time of a reload. Its sender can neither pass descriptors
// nor stop waiting for a systemd that does not read, so the sender is ours.
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

// The states of a service. A message is one of them or several, a line each.
const (
	Ready    = daemon.SdNotifyReady
	Stopping = daemon.SdNotifyStopping
	Watchdog = daemon.SdNotifyWatchdog
)

// Reloading is the message at the start of a reload. systemd tells by the time
// in it which reload is meant, so it is made anew each time.
func Reloading() string {
	return daemon.SdNotifyReloading + "\n" + strings.TrimSuffix(daemon.SdNotifyMonotonicUsec(), "\n")
}

// Status is a line for people, shown by systemctl status.
func Status(text string) string {
	return "STATUS=" + strings.ReplaceAll(text, "\n", " ")
}

// ExtendTimeout asks for so much more time to start, reload or stop in.
func ExtendTimeout(d time.Duration) string {
	return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", d.Microseconds())
}

// MainPID names the process that is the service from now on. Only the one that
// was may say so (NotifyAccess=main).
func MainPID(pid int) string { return fmt.Sprintf("MAINPID=%d", pid) }

// WatchdogInterval is how often at most systemd wants to hear Watchdog, 0 if it
// does not watch this process. Half of it is a good time between two.
func WatchdogInterval() (time.Duration, error) {
	d, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0, fmt.Errorf("WATCHDOG_USEC: %w", err)
	}
	return d, nil
}

// Socket is the way to systemd. The nil Socket says nothing to nobody.
type Socket struct {
	fd   int
	addr *unix.SockaddrUnix
}

// sendTime is how long a message may wait for systemd to read the earlier ones.
const sendTime = time.Second

// Open finds systemd by NOTIFY_SOCKET. Without that it returns nil.
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

// Close lets go of the socket.
func (s *Socket) Close() {
	if s != nil {
		unix.Close(s.fd)
	}
}

// Send sends one message, its lines joined, and descriptors with it. That it
// was sent does not mean that it was read: see Barrier.
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

// Store gives a copy of a descriptor to systemd. A later process of the unit
// gets it under the name, as if from a socket unit, if the unit has a
// FileDescriptorStoreMax; without that systemd closes it and says nothing.
func (s *Socket) Store(name string, f *os.File) error {
	return s.Send("FDSTORE=1\nFDNAME="+name, f)
}

// Forget takes all descriptors of that name out of the store.
func (s *Socket) Forget(name string) error {
	return s.Send("FDSTOREREMOVE=1\nFDNAME=" + name)
}

// Barrier waits until systemd has read everything sent before.
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
	// systemd closes its end when the message's turn has come.
	if err := r.SetReadDeadline(time.Now().Add(limit)); err != nil {
		return fmt.Errorf("barrier: %w", err)
	}
	if _, err := r.Read(make([]byte, 1)); errors.Is(err, os.ErrDeadlineExceeded) {
		return fmt.Errorf("systemd has not read what it was told within %v", limit)
	}
	return nil
}
