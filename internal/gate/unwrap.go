package gate

import "net"

// ConnOf returns the *Conn that c is or wraps, at any depth. It returns nil if there is
// none. It looks into a wrapper that has one of these methods:
//
//	NetConn() net.Conn     // *tls.Conn, and types that embed it
//	UnsafeConn() net.Conn  // a connection that fasthttp has hijacked
func ConnOf(c net.Conn) *Conn {
	for {
		switch w := c.(type) {
		case *Conn:
			return w
		case interface{ NetConn() net.Conn }:
			c = w.NetConn()
		case interface{ UnsafeConn() net.Conn }:
			c = w.UnsafeConn()
		default:
			return nil
		}
	}
}
