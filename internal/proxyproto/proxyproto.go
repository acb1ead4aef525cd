// Package proxyproto reads the header of the PROXY protocol: a proxy sends it as the first
// bytes of a connection, to say who its own client is.
//
// Version 1 is a line of text, version 2 is binary:
// https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt
package proxyproto

import (
	"bytes"
	"encoding/binary"
	"errors"
	"net/netip"
	"strconv"
	"strings"
)

// Versions say which versions of the header are accepted.
type Versions int

const (
	V1   Versions = 1
	V2   Versions = 2
	Both Versions = V1 | V2
)

// Most is the largest header that is accepted, in bytes. The protocol allows more: in
// version 2 a proxy may add values of any length. Proxies that are in use add less than 1 kB.
const Most = 4096

// mostV1 is the largest line of version 1 with its CR LF, in bytes.
const mostV1 = 107

var (
	errNone    = errors.New("it does not begin with a header of the PROXY protocol")
	errVersion = errors.New("its PROXY header has a version that is not accepted")
	errLine    = errors.New("its PROXY header is not of the form PROXY TCP4 192.0.2.1 192.0.2.2 4711 80")
	errBinary  = errors.New("its PROXY header of version 2 is malformed")
	errLong    = errors.New("its PROXY header of version 2 has more than " + strconv.Itoa(Most) + " bytes")
)

var (
	prefix    = []byte("PROXY ")
	signature = []byte("\r\n\r\n\x00\r\nQUIT\n")
)

// Parse reads the header at the beginning of b. n is the number of its bytes. n is 0 without
// an error if b is only a part of a header. source is the client. It is not valid if the
// proxy does not say who the client is, as for its own health checks: then the other end of
// the connection is the client.
func Parse(b []byte, accepted Versions) (n int, source netip.AddrPort, err error) {
	switch {
	case len(b) == 0:
		return 0, source, nil
	case begins(b, prefix):
		if accepted&V1 == 0 {
			return 0, source, errVersion
		}
		return parseV1(b)
	case begins(b, signature):
		if accepted&V2 == 0 {
			return 0, source, errVersion
		}
		return parseV2(b)
	}
	return 0, source, errNone
}

// begins reports whether b begins with a prefix, as far as b goes.
func begins(b, prefix []byte) bool {
	n := min(len(b), len(prefix))
	return bytes.Equal(b[:n], prefix[:n])
}

func parseV1(b []byte) (int, netip.AddrPort, error) {
	none := netip.AddrPort{}
	end := bytes.IndexByte(b, '\n')
	switch {
	case end < 0 && len(b) < mostV1:
		return 0, none, nil
	case end < 0, end >= mostV1, end == 0 || b[end-1] != '\r':
		return 0, none, errLine
	}
	words := strings.Split(string(b[:end-1]), " ")
	if len(words) > 1 && words[1] == "UNKNOWN" {
		return end + 1, none, nil
	}
	if len(words) != 6 || words[1] != "TCP4" && words[1] != "TCP6" {
		return 0, none, errLine
	}
	source, ok1 := address(words[2], words[4], words[1] == "TCP4")
	_, ok2 := address(words[3], words[5], words[1] == "TCP4")
	if !ok1 || !ok2 {
		return 0, none, errLine
	}
	return end + 1, source, nil
}

// address reads an address and a port of version 1.
func address(host, port string, v4 bool) (netip.AddrPort, bool) {
	a, err := netip.ParseAddr(host)
	p, perr := strconv.ParseUint(port, 10, 16)
	ok := err == nil && perr == nil && a.Is4() == v4 && a.Zone() == "" && (port == "0" || port[0] != '0' && port[0] != '+')
	return netip.AddrPortFrom(a, uint16(p)), ok
}

func parseV2(b []byte) (int, netip.AddrPort, error) {
	const head = 16 // signature, version and command, family, length
	none := netip.AddrPort{}
	if len(b) > 12 && b[12] != 0x20 && b[12] != 0x21 {
		return 0, none, errBinary
	}
	if len(b) < head {
		return 0, none, nil
	}
	n := head + int(binary.BigEndian.Uint16(b[14:]))
	if n > Most {
		return 0, none, errLong
	}
	if len(b) < n {
		return 0, none, nil
	}
	rest := b[head:n]
	if b[12] == 0x20 { // LOCAL: the proxy itself has connected
		return n, none, nil
	}
	switch b[13] {
	case 0x11: // TCP over IPv4
		if len(rest) < 12 {
			return 0, none, errBinary
		}
		return n, netip.AddrPortFrom(netip.AddrFrom4([4]byte(rest)), binary.BigEndian.Uint16(rest[8:])), nil
	case 0x21: // TCP over IPv6
		if len(rest) < 36 {
			return 0, none, errBinary
		}
		return n, netip.AddrPortFrom(netip.AddrFrom16([16]byte(rest)), binary.BigEndian.Uint16(rest[32:])), nil
	}
	return n, none, nil // no address, or of a kind that no client here has
}
