package gate

import "net"

// ConnOf returns the gate's Conn that c is or wraps, however deep, or nil if there
// is none. A wrapper is seen through if it has one of the methods
//
//	NetConn() net.Conn     // as *tls.Conn, and what embeds it
//	UnsafeConn() net.Conn  // as a connection that fasthttp has hijacked
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
