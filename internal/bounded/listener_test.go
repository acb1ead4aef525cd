package bounded

import (
	"errors"
	"io"
	"net"
	"testing"
)

// listen returns a Listener on loopback. dial connects to it and returns both ends.
func listen(t *testing.T, limit int) (l *Listener, dial func() (client net.Conn, server *Conn)) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l = Listen(ln, limit)
	t.Cleanup(func() { l.Close() })
	return l, func() (net.Conn, *Conn) {
		t.Helper()
		client, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { client.Close() })
		server, err := l.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { server.Close() })
		return client, server.(*Conn)
	}
}

func isClosed(c *Conn) bool {
	_, err := c.Conn.Write([]byte{'x'})
	return errors.Is(err, net.ErrClosed)
}

// At the limit, the connection that has been without an answer for longest is closed.
func TestMakesRoom(t *testing.T) {
	_, dial := listen(t, 2)
	client, first := dial()
	_, second := dial()
	if _, err := first.Write([]byte("an answer")); err != nil {
		t.Fatal(err)
	}
	dial()
	if isClosed(first) || !isClosed(second) {
		t.Errorf("closed: the first %v, the second %v", isClosed(first), isClosed(second))
	}
	dial()
	if !isClosed(first) {
		t.Error("the third time nobody made room")
	}
	if _, err := io.ReadAll(client); err != nil {
		t.Errorf("the client saw %v", err)
	}
}

// A connection that is kept stays open until its answer, and new connections wait.
func TestKeep(t *testing.T) {
	l, dial := listen(t, 1)
	_, first := dial()
	first.Keep()
	accepted := make(chan struct{})
	go func() {
		defer close(accepted)
		dial()
	}()
	if isClosed(first) {
		t.Error("a connection that is kept was closed")
	}
	if _, err := first.Write([]byte("the answer")); err != nil {
		t.Fatal(err)
	}
	<-accepted
	if !isClosed(first) {
		t.Error("a connection that has its answer did not make room")
	}

	// When the listener is closed, Accept does not wait any more.
	for e := l.open.Front(); e != nil; e = e.Next() {
		e.Value.(*Conn).Keep()
	}
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ended := make(chan error)
	go func() {
		_, err := l.Accept()
		ended <- err
	}()
	l.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept after Close: %v", err)
	}
}

// A connection that is kept stays open while its answer is being written.
func TestKeepUntilWritten(t *testing.T) {
	ours, theirs := net.Pipe()
	defer theirs.Close()
	below := late{conn: ours, asked: make(chan struct{}), closed: make(chan struct{})}
	l := Listen(below, 1)
	l.Close() // now below returns ours
	c, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	conn := c.(*Conn)
	defer conn.Close()
	conn.Keep()
	written := make(chan error)
	go func() {
		_, err := conn.Write([]byte("answer"))
		written <- err
	}()
	answer := make([]byte, len("answer"))
	if _, err := theirs.Read(answer[:1]); err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	victim := l.oldest()
	l.mu.Unlock()
	if victim != nil {
		t.Error("a connection whose answer is being written would be closed to make room")
	}
	if _, err := io.ReadFull(theirs, answer[1:]); err != nil {
		t.Fatal(err)
	}
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.oldest() != conn {
		t.Error("a connection that has its answer would not make room")
	}
}

// A connection that was closed makes room, so no other one is closed.
func TestCloseMakesRoom(t *testing.T) {
	_, dial := listen(t, 2)
	_, first := dial()
	_, second := dial()
	second.Close()
	second.Close() // net/http closes a connection twice
	dial()
	if isClosed(first) {
		t.Error("there was room, and the first was closed all the same")
	}
}

// late is a listener that accepts a connection while it is being closed.
type late struct {
	net.Listener
	conn   net.Conn
	asked  chan struct{}
	closed chan struct{}
}

func (l late) Accept() (net.Conn, error) {
	close(l.asked)
	<-l.closed
	return l.conn, nil
}

func (l late) Close() error {
	close(l.closed)
	return nil
}

// A connection that is accepted while the listener is closed is returned, because its
// client may have sent a request.
func TestAcceptedWhileClosed(t *testing.T) {
	ours, theirs := net.Pipe()
	defer ours.Close()
	defer theirs.Close()
	below := late{conn: ours, asked: make(chan struct{}), closed: make(chan struct{})}
	l := Listen(below, 1)
	got := make(chan error)
	go func() {
		_, err := l.Accept()
		got <- err
	}()
	<-below.asked
	l.Close()
	if err := <-got; err != nil {
		t.Errorf("Accept: %v", err)
	}
}
