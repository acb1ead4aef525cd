// Package sock turns the addresses of --bind into listening sockets that a
// master can hold and hand to its workers.
//
// A master's socket is a raw file, in no poller: it never accepts, and a
// listener of package net in it would wake it for every connection. See Open
// for the other trap.
package sock

import (
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"strings"
)

// Addr is a parsed address of --bind.
type Addr struct {
	Network string // "tcp", "unix" or "fd"
	Address string // HOST:PORT, PATH, or the number of the descriptor
}

// String gives the form --bind takes.
func (a Addr) String() string {
	switch a.Network {
	case "unix":
		return "unix:" + a.Address
	case "fd":
		return "fd://" + a.Address
	}
	return a.Address
}

// maxUnixPath is sizeof(sockaddr_un.sun_path) less the final NUL.
const maxUnixPath = 107

// DefaultPort is Gunicorn's.
const DefaultPort = "8000"

// Parse reads HOST:PORT, [V6]:PORT, :PORT, HOST, unix:PATH or fd://N.
func Parse(s string) (Addr, error) {
	fail := func(why string) (Addr, error) {
		return Addr{}, fmt.Errorf("address %q: %s: want HOST:PORT, [V6]:PORT, unix:PATH or fd://N", s, why)
	}
	switch {
	case s == "":
		return fail("it is empty")
	case strings.HasPrefix(s, "unix:"):
		path := strings.TrimPrefix(strings.TrimPrefix(s, "unix:"), "//") // unix:///run/x.sock, as Gunicorn allows
		if path == "" {
			return fail("there is no path")
		}
		path = filepath.Clean(path)
		if len(path) > maxUnixPath {
			return fail(fmt.Sprintf("the path has %d bytes and the kernel allows %d", len(path), maxUnixPath))
		}
		return Addr{"unix", path}, nil
	case strings.HasPrefix(s, "fd://"):
		n, err := strconv.Atoi(strings.TrimPrefix(s, "fd://"))
		if err != nil || n < 3 {
			return fail("the descriptor must be a number from 3 on")
		}
		return Addr{"fd", strconv.Itoa(n)}, nil
	case strings.Contains(s, "://"):
		return fail("the scheme is not known")
	}
	host, port, err := net.SplitHostPort(s)
	if err != nil {
		switch {
		case strings.HasPrefix(s, "[") && strings.HasSuffix(s, "]"):
			host, port = s[1:len(s)-1], DefaultPort
		case strings.Contains(s, ":"):
			return fail("an IPv6 address with a port is written [::1]:8000")
		case strings.Trim(s, "0123456789") == "":
			return fail("a port alone is written :" + s)
		default:
			host, port = s, DefaultPort
		}
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fail(fmt.Sprintf("port %q is not a number from 0 to 65535", port))
	}
	if strings.ContainsAny(host, " /\t") {
		return fail(fmt.Sprintf("%q is not a host name", host))
	}
	return Addr{"tcp", net.JoinHostPort(host, port)}, nil
}
