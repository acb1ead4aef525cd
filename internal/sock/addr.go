// Package sock turns the addresses of --bind into listening sockets that a
// master can hold and hand to its workers.
//
// The master's sockets are plain files outside of the runtime's poller. The master
// never accepts, and a listener of package net would wake it for every connection.
// rawFile describes a second reason.
package sock

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// DefaultHost and DefaultPort are Gunicorn's.
	DefaultHost = "127.0.0.1"
	DefaultPort = "8000"

	// maxUnixPath is the size of sun_path less its terminating zero (unix(7)).
	maxUnixPath = 107
)

// Addr is an address to listen on.
type Addr struct {
	Network string // "tcp", "unix" or "fd"
	Address string // HOST:PORT, PATH, or the number of the descriptor
}

// Abstract reports whether the address is a name of Linux's abstract namespace
// (unix(7)), written @NAME: it has no file, and so neither owner nor mode.
func (a Addr) Abstract() bool { return a.Network == "unix" && strings.HasPrefix(a.Address, "@") }

// Networked reports whether clients on other machines can reach the address. Of an inherited
// socket that is not known: Networked returns false.
func (a Addr) Networked() bool {
	if a.Network != "tcp" {
		return false
	}
	host, _ := a.split()
	return host != "localhost" && !net.ParseIP(strings.Trim(host, "[]")).IsLoopback()
}

// String gives the form Parse takes.
func (a Addr) String() string {
	switch a.Network {
	case "unix":
		return "unix:" + a.Address
	case "fd":
		return "fd://" + a.Address
	}
	return a.Address
}

// Parse reads an address to listen on:
//
//	HOST:PORT          as it is
//	HOST               HOST:8000
//	:PORT              as it is: every interface, IPv4 and IPv6
//	PORT               127.0.0.1:PORT
//	[IPv6]:PORT        as it is; [IPv6] alone gets port 8000
//	unix:PATH          a relative path is taken from dir
//	unix:@NAME         an abstract socket; a file of that name is unix:./@NAME
//	fd://N             a socket that was inherited as descriptor N
//
// tcp:// before a host, and unix:// before a path, are allowed as in Gunicorn.
func Parse(text, dir string) (Addr, error) {
	if path, ok := cutScheme(text, "unix:"); ok {
		return unixAddress(path, dir)
	}
	if n, ok := cutScheme(text, "fd://"); ok {
		return fdAddress(n)
	}
	rest, _ := cutScheme(text, "tcp://")
	switch {
	case rest == "":
		return Addr{}, errors.New("the address is empty: want HOST:PORT, [IPv6]:PORT, unix:PATH or fd://N")
	case strings.Contains(rest, "/"):
		return Addr{}, notTCP(rest)
	}
	host, port, err := splitAddress(rest)
	if err != nil {
		return Addr{}, err
	}
	// ParseUint takes no sign and, in base 10, no underscore.
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil {
		return Addr{}, fmt.Errorf("%q is not a port: want a number from 0 to 65535", port)
	}
	return Addr{"tcp", host + ":" + strconv.FormatUint(number, 10)}, nil
}

func cutScheme(text, scheme string) (rest string, ok bool) {
	if len(text) < len(scheme) || !strings.EqualFold(text[:len(scheme)], scheme) {
		return text, false
	}
	return text[len(scheme):], true
}

// notTCP makes the error for an address with a slash: it names the form that was
// probably meant.
func notTCP(text string) error {
	if scheme, _, ok := strings.Cut(text, "://"); ok {
		return fmt.Errorf("%q is a URL: leave out %s:// and what follows the port", text, scheme)
	}
	return fmt.Errorf("%q is a path: write unix:%s", text, text)
}

func unixAddress(path, dir string) (Addr, error) {
	// unix://run/x and unix:///run/x are both in use; the first is a relative
	// path in Gunicorn too.
	path = strings.TrimPrefix(path, "//")
	if path == "" {
		return Addr{}, errors.New("unix needs a path: unix:/run/narwhal.sock")
	}
	if path[0] == '@' {
		return abstractAddress(path)
	}
	if strings.HasSuffix(path, "/") {
		return Addr{}, fmt.Errorf("unix:%s is a folder: add the name of the socket", path)
	}
	if strings.ContainsRune(path, 0) {
		return Addr{}, fmt.Errorf("unix:%q has a zero byte in it", path)
	}
	if path = filepath.Clean(path); !filepath.IsAbs(path) {
		path = filepath.Join(dir, path)
	}
	if len(path) > maxUnixPath {
		return Addr{}, fmt.Errorf("the path %s has %d bytes, and the path of a socket may have at most %d: choose a shorter one",
			path, len(path), maxUnixPath)
	}
	return Addr{"unix", path}, nil
}

// abstractAddress takes @NAME, the form of systemd's ListenStream=.
func abstractAddress(name string) (Addr, error) {
	switch {
	case name == "@":
		return Addr{}, errors.New("unix:@ is an abstract socket without a name: want unix:@NAME")
	case strings.ContainsRune(name, 0):
		return Addr{}, fmt.Errorf("unix:%q has a zero byte in it", name)
	case len(name) > maxUnixPath+1: // the @ stands for a zero byte, and no other ends the name
		return Addr{}, fmt.Errorf("unix:%s has %d bytes, and the name of an abstract socket may have at most %d: choose a shorter one",
			name, len(name)-1, maxUnixPath)
	}
	return Addr{"unix", name}, nil
}

func fdAddress(number string) (Addr, error) {
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return Addr{}, fmt.Errorf("fd://%s: want the number of an open descriptor, as in fd://3", number)
	}
	if n < 3 {
		return Addr{}, fmt.Errorf("fd://%d is a standard stream: want 3 or more", n)
	}
	return Addr{"fd", strconv.FormatUint(n, 10)}, nil
}

// splitAddress fills in what the forms of ParseAddress leave out.
func splitAddress(text string) (host, port string, err error) {
	if strings.HasPrefix(text, "[") {
		return splitBracketed(text)
	}
	if strings.Count(text, ":") > 1 {
		return "", "", fmt.Errorf("%q: write an IPv6 address in brackets, as in [::1]:8000", text)
	}
	host, port, colon := strings.Cut(text, ":")
	switch {
	case colon && host == "": // every interface
		return "", port, nil
	case !colon && strings.Trim(text, "0123456789") == "":
		return DefaultHost, text, nil
	case !colon:
		port = DefaultPort
	}
	host = strings.ToLower(host)
	return host, port, checkHost(host)
}

func splitBracketed(text string) (host, port string, err error) {
	inside, after, closed := strings.Cut(text[1:], "]")
	address, err := netip.ParseAddr(inside)
	if !closed || err != nil || !address.Is6() || strings.Trim(address.Zone(), hostLetters) != "" {
		return "", "", fmt.Errorf("%q: want an IPv6 address in the brackets, as in [::1]:8000", text)
	}
	switch {
	case after == "":
		port = DefaultPort
	case strings.HasPrefix(after, ":"):
		port = after[1:]
	default:
		return "", "", fmt.Errorf("%q: want a colon and the port after the bracket, as in [::1]:8000", text)
	}
	return "[" + address.String() + "]", port, nil
}

// hostLetters may be in a host's name, lower case, and in the name of an
// interface.
const hostLetters = "abcdefghijklmnopqrstuvwxyz0123456789-_."

// checkHost refuses what cannot be a host's name or an IPv4 address. Otherwise a slip
// would only show as an error of the resolver.
func checkHost(host string) error {
	if host == "unix" {
		return errors.New("unix needs a path: unix:/run/narwhal.sock")
	}
	for _, label := range strings.Split(host, ".") {
		if label == "" || len(label) > 63 {
			return fmt.Errorf("%q is not a host", host)
		}
	}
	if bad := strings.Trim(host, hostLetters); bad != "" {
		return fmt.Errorf("%q is not a host: it cannot contain %q", host, []rune(bad)[0])
	}
	if strings.Trim(host, "0123456789.") == "" {
		if _, err := netip.ParseAddr(host); err != nil {
			return fmt.Errorf("%q is not an IPv4 address: want four numbers from 0 to 255", host)
		}
	}
	return nil
}

// resolve returns the socket address of a TCP address. localhost is 127.0.0.1 without
// a question to the resolver (RFC 6761, 6.3), so it works without /etc/hosts, too.
func resolve(a Addr) (*net.TCPAddr, error) {
	host, port := a.split()
	if host == "localhost" {
		host = DefaultHost
	}
	return net.ResolveTCPAddr("tcp", host+":"+port)
}

// Clash reports whether two addresses cannot both be bound: they are the same, or one
// of them is the other's port on every interface. Port 0 means a new port each time,
// so it clashes with no address.
func (a Addr) Clash(b Addr) bool {
	if a.Network != "tcp" || b.Network != "tcp" {
		return a == b
	}
	hostA, portA := a.split()
	hostB, portB := b.split()
	return portA == portB && portA != "0" && (covers(hostA, hostB) || covers(hostB, hostA))
}

func (a Addr) split() (host, port string) {
	i := strings.LastIndex(a.Address, ":")
	return a.Address[:i], a.Address[i+1:]
}

// covers reports whether a socket bound to host a also gets the connections to host b
// on the same port.
func covers(a, b string) bool {
	switch a {
	case "", "[::]":
		return true
	case "0.0.0.0":
		return b == "" || !strings.HasPrefix(b, "[")
	case "localhost":
		return b == DefaultHost || b == "localhost"
	}
	return a == b
}
