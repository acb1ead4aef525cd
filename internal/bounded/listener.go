// Package bounded limits the connections of a small server inside a process that needs its
// descriptors for something else.
//
// A client that connects and sends nothing costs a descriptor until its deadline. With
// enough such clients no other client can connect, and the process cannot open a file. So
// a Listener holds a fixed number of connections. When another client connects, it closes
// the connection that has been without an answer for longest.
package bounded

import (
	"container/list"
	"errors"
	"net"
	"sync"
)

// Listener accepts from another listener, and holds at most a fixed number of its
// connections.
type Listener struct {
	net.Listener
	limit int

	mu     sync.Mutex
	change sync.Cond  // a connection was closed or is not kept any more, or the listener is closed
	open   *list.List // of *Conn; the one that has been without an answer for longest is first
	closed bool
}

// Listen returns a listener that accepts from ln and holds at most limit connections. A
// limit below 1 means 1.
func Listen(ln net.Listener, limit int) *Listener {
	l := &Listener{Listener: ln, limit: max(limit, 1), open: list.New()}
	l.change.L = &l.mu
	return l
}

// Accept returns the next connection, a *Conn. At the limit it closes another connection
// to make room. If all are kept (Conn.Keep), it waits until one is not. A connection that
// was accepted while Close was called is still returned if there is room, because its
// client may have sent a request.
func (l *Listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.open.Len() >= l.limit && !l.closed {
		if victim := l.oldest(); victim != nil {
			victim.leave()
			victim.Conn.Close()
			continue
		}
		l.change.Wait()
	}
	if l.closed && l.open.Len() >= l.limit {
		c.Close()
		return nil, net.ErrClosed
	}
	conn := &Conn{Conn: c, l: l}
	conn.at = l.open.PushBack(conn)
	return conn, nil
}

// oldest returns the connection to close next, or nil if all are kept.
func (l *Listener) oldest() *Conn {
	for e := l.open.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*Conn); !c.kept {
			return c
		}
	}
	return nil
}

// Close closes the listener. Its connections stay open.
func (l *Listener) Close() error {
	l.mu.Lock()
	l.closed = true
	l.change.Broadcast()
	l.mu.Unlock()
	return l.Listener.Close()
}

// Conn is a connection of a Listener.
type Conn struct {
	net.Conn
	l    *Listener
	at   *list.Element // the connection in Listener.open; nil: it does not count any more
	kept bool          // Keep was called, and no Write has ended since
}

// Keep prevents that the connection is closed to make room, until the next Write has
// ended. Call it when the request has arrived whole and the answer takes long. A Write
// needs a deadline then, or a client that does not read keeps its connection for ever.
func (c *Conn) Keep() {
	c.l.mu.Lock()
	c.kept = true
	c.l.mu.Unlock()
}

// Write writes a part of an answer. It moves the connection to the end of the list from
// which connections are closed to make room.
func (c *Conn) Write(p []byte) (int, error) {
	c.l.mu.Lock()
	if c.at != nil {
		c.l.open.MoveToBack(c.at)
	}
	c.l.mu.Unlock()
	n, err := c.Conn.Write(p)
	c.l.mu.Lock()
	c.kept = false
	c.l.change.Signal()
	c.l.mu.Unlock()
	return n, err
}

// CloseWrite closes the sending side, so the client reads the end. The connection still
// counts. The error is errors.ErrUnsupported if the connection below has no CloseWrite.
func (c *Conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close closes the connection and makes room for another.
func (c *Conn) Close() error {
	c.l.mu.Lock()
	c.leave()
	c.l.mu.Unlock()
	return c.Conn.Close()
}

// leave takes the connection off the list, so it does not count any more. The caller holds
// l.mu.
func (c *Conn) leave() {
	if c.at != nil {
		c.l.open.Remove(c.at)
		c.at = nil
		c.l.change.Signal()
	}
}
