// Package peers has lists of the addresses from which something is believed, such as the
// addresses of proxies.
package peers

import (
	"fmt"
	"net"
	"net/netip"
	"strings"
)

// List is a list of addresses and networks. The nil List has no address.
type List struct {
	all      bool
	networks []netip.Prefix
}

// Parse reads a list of addresses (192.0.2.1, ::1) and networks (192.0.2.0/24). One * stands
// for all addresses.
func Parse(texts []string) (*List, error) {
	l := &List{}
	for _, text := range texts {
		if text == "*" {
			l.all = true
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			a, err := netip.ParseAddr(text)
			if err != nil || a.Zone() != "" {
				return nil, fmt.Errorf("%.50q is no address: want an IP address, a network such as 192.0.2.0/24, or *", text)
			}
			network = netip.PrefixFrom(a, a.BitLen())
		}
		if network != network.Masked() {
			return nil, fmt.Errorf("%s has bits behind the network: want %s", text, network.Masked())
		}
		if network.Addr().Is4In6() {
			return nil, fmt.Errorf("%s is an IPv4 address in IPv6: write it as IPv4", text)
		}
		l.networks = append(l.networks, network)
	}
	return l, nil
}

// Has reports whether an address is on the list. An IPv4 address in IPv6 counts as IPv4.
func (l *List) Has(a netip.Addr) bool {
	if l == nil || !a.IsValid() {
		return false
	}
	if l.all {
		return true
	}
	a = a.Unmap().WithZone("")
	for _, n := range l.networks {
		if n.Contains(a) {
			return true
		}
	}
	return false
}

// HasPeer reports whether the other end of a connection is on the list. The other end of a
// unix socket has no address and always is: the mode of the socket says who may connect.
func (l *List) HasPeer(a net.Addr) bool {
	if l == nil {
		return false
	}
	t, ok := a.(*net.TCPAddr)
	return !ok || l.Has(t.AddrPort().Addr())
}

// All reports whether the list has all addresses.
func (l *List) All() bool { return l != nil && l.all }

// Address reads an address with or without a port, as it stands in a list of
// X-Forwarded-For: 192.0.2.1, 192.0.2.1:4711, 2001:db8::1 or [2001:db8::1]:4711. Without a
// port the port is 0.
func Address(text string) (netip.AddrPort, bool) {
	text = strings.Trim(text, " \t")
	if a, err := netip.ParseAddrPort(text); err == nil {
		return a, true
	}
	if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
		text = text[1 : len(text)-1]
	}
	a, err := netip.ParseAddr(text)
	return netip.AddrPortFrom(a, 0), err == nil
}
