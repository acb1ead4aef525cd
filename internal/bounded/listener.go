// Package bounded limits the connections of a small server inside a process that
// needs its descriptors for something else.
//
// A client that connects and says nothing costs a descriptor until its deadline.
// With enough of them nobody else gets in, and the process can open nothing. So a
// Listener holds a fixed number of connections. When another client comes, the
// connection that has been without an answer for longest is closed for it.
package bounded

import (
	"container/list"
	"errors"
	"net"
	"sync"
)

// Listener holds at most a number of connections of the listener below.
type Listener struct {
	net.Listener
	limit int

	mu     sync.Mutex
	change sync.Cond  // a connection has left or may leave, or the listener is closed
	open   *list.List // of *Conn: who has been without an answer for longest is in front
	closed bool
}

// Listen bounds ln to limit connections, at least one.
func Listen(ln net.Listener, limit int) *Listener {
	l := &Listener{Listener: ln, limit: max(limit, 1), open: list.New()}
	l.change.L = &l.mu
	return l
}

// Accept returns the next connection, a *Conn. At the limit it closes one to make
// room; if all are kept (Conn.Keep), it waits until one is not. A connection that was
// accepted while Close was called is returned: its client may have sent a request.
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

// oldest returns the connection to close next, nil if all are kept.
func (l *Listener) oldest() *Conn {
	for e := l.open.Front(); e != nil; e = e.Next() {
		if c := e.Value.(*Conn); !c.kept {
			return c
		}
	}
	return nil
}

// Close closes the listener. Connections stay open.
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
	at   *list.Element // nil: it does not count any more
	kept bool
}

// Keep exempts the connection from being closed to make room, until it writes its
// answer. Call it when the request is there whole and the answer takes its time.
func (c *Conn) Keep() {
	c.l.mu.Lock()
	c.kept = true
	c.l.mu.Unlock()
}

// Write writes a part of an answer. The connection then is the last of those that
// make room.
func (c *Conn) Write(p []byte) (int, error) {
	c.l.mu.Lock()
	c.kept = false
	if c.at != nil {
		c.l.open.MoveToBack(c.at)
	}
	c.l.change.Signal()
	c.l.mu.Unlock()
	return c.Conn.Write(p)
}

// CloseWrite ends what the client reads; the connection still counts. The error is
// errors.ErrUnsupported if the connection below cannot do it.
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

// leave takes the connection off the list. The caller holds the lock.
func (c *Conn) leave() {
	if c.at != nil {
		c.l.open.Remove(c.at)
		c.at = nil
		c.l.change.Signal()
	}
}
