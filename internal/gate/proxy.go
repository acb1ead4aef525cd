package gate

import (
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/peers"
	"github.com/narwhal-server/narwhal/internal/proxyproto"
)

// Proxy says that every connection comes from a proxy, and begins with a header of the PROXY
// protocol. RemoteAddr is then the address in the header. A connection from elsewhere, or
// without a valid header, is closed. The header must arrive within Rules.Timeout.
type Proxy struct {
	Versions proxyproto.Versions
	From     *peers.List // the proxies
}

// mayConnect returns why a connection from this address is closed at once, or nil.
func (p *Proxy) mayConnect(from net.Addr) error {
	if p == nil || p.From.HasPeer(from) {
		return nil
	}
	return fmt.Errorf("it comes from %v, which may not send a PROXY header", from)
}

// takeHeader reads the PROXY header, if it is whole, and reports whether it was. It reads no
// byte that comes after the header. g.mu is held.
func (c *client) takeHeader() bool {
	g := c.g
	n, _, err := unix.Recvfrom(c.fd, g.scratch[:proxyproto.Most], unix.MSG_PEEK|unix.MSG_DONTWAIT)
	switch {
	case err == unix.EINTR:
		return false
	case err == unix.EAGAIN:
		c.ready = false
		return false
	case err != nil || n == 0:
		c.forget()
		return false
	}
	size, source, err := proxyproto.Parse(g.scratch[:n], g.rules.Proxy.Versions)
	switch {
	case err != nil:
		c.turnAway(err)
		return false
	case size == 0 && c.hup:
		c.forget() // the rest of the header will not come
		return false
	case size == 0:
		c.ready = false // new bytes bring a new event
		return false
	}
	if n, err = unix.Read(c.fd, g.scratch[:size]); err != nil || n != size {
		c.forget()
		return false
	}
	if g.o.Line != nil {
		g.o.Line.Received(size)
	}
	c.header = false
	if source.IsValid() {
		c.remote, c.proxied = sockaddr(source), true
	}
	return true
}

// sockaddr is the reverse of address.
func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if ip := a.Addr().Unmap(); ip.Is4() {
		return &unix.SockaddrInet4{Port: int(a.Port()), Addr: ip.As4()}
	}
	return &unix.SockaddrInet6{Port: int(a.Port()), Addr: a.Addr().As16()}
}

// turnAway closes a connection that has not become HTTP, and says why. g.mu is held.
func (c *client) turnAway(why error) {
	from := c.remote
	c.forget()
	if from == nil {
		from = &unix.SockaddrUnix{}
	}
	c.g.turned(fmt.Errorf("a connection from %v was closed: %w", address(from), why))
}

// turnedQuiet is the least time between two calls of Rules.Turned.
const turnedQuiet = time.Minute

// turned calls Rules.Turned, unless it was called within turnedQuiet. g.mu is held.
func (g *Gate) turned(err error) {
	now := time.Now()
	if g.rules.Turned == nil || now.Sub(g.turnedAt) < turnedQuiet {
		return
	}
	g.turnedAt = now
	go g.rules.Turned(err)
}
