package web

import (
	"fmt"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/peers"
	"github.com/narwhal-server/narwhal/internal/proxyproto"
)

// proxyRules returns what the gate must know of the PROXY protocol; nil if it is off.
func proxyRules(o *Options) (*gate.Proxy, error) {
	p := &gate.Proxy{}
	switch o.ProxyProtocol {
	case "", "off":
		return nil, nil
	case "v1":
		p.Versions = proxyproto.V1
	case "v2":
		p.Versions = proxyproto.V2
	case "auto":
		p.Versions = proxyproto.Both
	default:
		return nil, fmt.Errorf("ProxyProtocol is %q: want off, v1, v2 or auto", o.ProxyProtocol)
	}
	var err error
	if p.From, err = peers.Parse(o.ProxyAllowFrom); err != nil {
		return nil, fmt.Errorf("ProxyAllowFrom: %w", err)
	}
	return p, nil
}
