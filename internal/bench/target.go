package bench

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// target is where to connect, and what to ask for there.
type target struct {
	address string // for messages: IP:PORT or a path

	unix string         // the path of a unix socket; "": use tcp and zone
	tcp  netip.AddrPort // the address
	zone uint32         // the index of the zone, if an IPv6 address has one

	host string // for the Host field
	path string // with the query
}

// ErrRemote is the error for an address that is not a loopback address of this machine.
var ErrRemote = errors.New("not a loopback address")

// findTarget reads the URL and looks its host up. It does so once, so that no request
// waits for a name server. It fails with ErrRemote for an address beyond this machine,
// unless the options allow it.
func findTarget(ctx context.Context, o *Options) (*target, error) {
	u, err := url.Parse(o.URL)
	if err != nil {
		return nil, wrong("%v: want http://HOST:PORT/PATH", err)
	}
	switch {
	case u.Scheme == "unix":
		return nil, wrong("%s is not a URL: want --unix-socket PATH, and a URL for the rest", o.URL)
	case u.Scheme == "https":
		return nil, wrong("%s: TLS is not supported: want http://HOST:PORT/PATH", o.URL)
	case u.Scheme != "http" || u.Host == "" || u.Opaque != "":
		return nil, wrong("%q is not a URL to send to: want http://HOST:PORT/PATH", o.URL)
	case u.User != nil || u.Fragment != "":
		return nil, wrong("%s: want no user and no fragment", u.Redacted())
	}
	t := &target{host: u.Host, path: u.RequestURI()}

	if strings.HasSuffix(u.Host, ":") {
		return nil, wrong("%s: no port after the colon: want http://HOST:PORT/PATH, or no colon for port 80", o.URL)
	}
	if o.UnixSocket != "" {
		t.address, t.unix = o.UnixSocket, o.UnixSocket
		return t, nil
	}

	port, err := strconv.ParseUint(cmp.Or(u.Port(), "80"), 10, 16)
	if err != nil {
		return nil, wrong("%s: port %s: want 1 to 65535", o.URL, u.Port())
	}
	ip, err := lookUp(ctx, u.Hostname())
	if err != nil {
		return nil, err
	}
	if !ip.IsLoopback() && !o.AllowRemote {
		return nil, fmt.Errorf("%s is %w: a load test of a server that is not yours is an attack", u.Host, ErrRemote)
	}
	t.tcp = netip.AddrPortFrom(ip, uint16(port))
	t.address = t.tcp.String()
	if ip.Zone() != "" {
		ifc, err := net.InterfaceByName(ip.Zone())
		if err != nil {
			return nil, fmt.Errorf("zone of %s: %w", u.Host, err)
		}
		t.zone = uint32(ifc.Index)
	}
	return t, nil
}

// lookUp returns the address of a host. It prefers IPv4 if a name has both. For localhost
// it returns 127.0.0.1 and asks no name server: localhost is this machine by definition
// (RFC 6761, 6.3), also without /etc/hosts, and servers listen on 127.0.0.1 more often
// than on ::1.
func lookUp(ctx context.Context, host string) (netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap(), nil
	}
	if strings.EqualFold(host, "localhost") {
		return netip.AddrFrom4([4]byte{127, 0, 0, 1}), nil
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("look up %s: %w", host, err)
	}
	for _, ip := range ips {
		if ip.Unmap().Is4() {
			return ip.Unmap(), nil
		}
	}
	return ips[0], nil
}

// socket returns the kernel's form of the address. It makes a new one each time, because
// package unix stores in it what it passes to the kernel.
func (t *target) socket() (family int, address unix.Sockaddr) {
	ip := t.tcp.Addr()
	switch {
	case t.unix != "":
		return unix.AF_UNIX, &unix.SockaddrUnix{Name: t.unix}
	case ip.Is4():
		return unix.AF_INET, &unix.SockaddrInet4{Addr: ip.As4(), Port: int(t.tcp.Port())}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Addr: ip.As16(), Port: int(t.tcp.Port()), ZoneId: t.zone}
}

// spareFiles is how many files the rest of the process may have open: output, epoll,
// timers, and in tests the server.
const spareFiles = 32

// checkFiles fails if the limit of open files is too low for the connections. The error
// says what to do.
func checkFiles(connections int, limit uint64) error {
	need := uint64(connections) + spareFiles
	if need <= limit {
		return nil
	}
	return fmt.Errorf("%d connections at once need %d open files, and the limit is %d: run `ulimit -n %d` first, or use fewer connections",
		connections, need, limit, need)
}

func fileLimit() (uint64, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, fmt.Errorf("read the limit of open files: %w", err)
	}
	return limit.Cur, nil
}

// describe returns the first line of a report: GET http://127.0.0.1:5000/.
func (t *target) describe(method string) string {
	where := "http://" + t.host + t.path
	if t.unix != "" {
		where = "unix:" + t.unix + " " + t.path
	}
	return method + " " + where
}
