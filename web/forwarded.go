package web

import (
	"net"
	"net/netip"
	"strings"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/peers"
)

// origin is who has sent a request, as far as the proxies that are believed say it.
type origin struct {
	addr   netip.AddrPort // not valid: a client on a unix socket
	scheme string         // http or https, as the client has used it
}

// originOf returns who has sent a request: the other end of the connection, or what a
// trusted proxy says in X-Forwarded-For, or else in Forwarded (RFC 7239). A proxy adds the
// address of its own client at the end. So the list is read from its end, up to the first
// address that is not trusted. What stands before that could be invented.
func originOf(ctx *fasthttp.RequestCtx, trusted *peers.List) origin {
	o := origin{scheme: "http"}
	if c := gate.ConnOf(ctx.Conn()); c != nil && c.Secure() {
		o.scheme = "https"
	}
	peer := ctx.RemoteAddr()
	if t, ok := peer.(*net.TCPAddr); ok {
		o.addr = t.AddrPort()
	}
	if !trusted.HasPeer(peer) {
		return o
	}
	h := &ctx.Request.Header
	var hops []string
	for _, field := range h.PeekAll(fasthttp.HeaderXForwardedFor) {
		hops = append(hops, strings.Split(string(field), ",")...)
	}
	scheme := string(h.Peek(fasthttp.HeaderXForwardedProto))
	if len(hops) == 0 {
		for _, field := range h.PeekAll(fasthttp.HeaderForwarded) {
			for _, element := range quotedSplit(string(field), ',') {
				node, proto := forwardedElement(element)
				if hops = append(hops, node); scheme == "" {
					scheme = proto
				}
			}
		}
	}
	for i := len(hops) - 1; i >= 0; i-- {
		hop, ok := peers.Address(hops[i])
		if !ok {
			break
		}
		if o.addr = hop; !trusted.Has(hop.Addr()) {
			break
		}
	}
	if scheme = strings.ToLower(strings.TrimSpace(scheme)); scheme == "http" || scheme == "https" {
		o.scheme = scheme
	}
	return o
}

// forwardedElement returns the parameters for and proto of an element of Forwarded.
func forwardedElement(element string) (node, proto string) {
	for _, pair := range quotedSplit(element, ';') {
		name, value, _ := strings.Cut(strings.TrimSpace(pair), "=")
		if len(value) > 1 && value[0] == '"' && value[len(value)-1] == '"' {
			value = strings.ReplaceAll(value[1:len(value)-1], `\`, "")
		}
		switch strings.ToLower(name) {
		case "for":
			node = value
		case "proto":
			proto = value
		}
	}
	return node, proto
}

// quotedSplit splits s at a separator that does not stand in quotes.
func quotedSplit(s string, separator byte) (parts []string) {
	quoted, from := false, 0
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case c == separator && !quoted:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}
