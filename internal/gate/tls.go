package gate

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/park"
)

// With Rules.TLS the bytes of a connection are those of TLS. The handshake waits for the
// client, so it has a goroutine. It holds no place, and must end within Rules.Timeout. After
// it the gate reads and writes without waiting, as without TLS: crypto/tls returns the error
// of a read that would have to wait, and goes on with the next read.
//
// The state of the encryption is in this process. So a TLS connection stays in its worker:
// it cannot be parked, and its requests do not move to other workers.

// secure is the TLS of a client. It is what crypto/tls takes for the connection.
type secure struct {
	c       *client
	conn    *tls.Conn // nil: the client has sent nothing yet
	open    bool      // the handshake has ended; from then on g.mu is held in all methods
	closing bool      // the client was told that nothing follows
	bytes   sync.Cond // the handshake waits on it for bytes
}

var _ net.Conn = (*secure)(nil)

// errWait says that a read would have to wait. crypto/tls can go on after it, because it is
// temporary.
var errWait net.Error = wouldWait{}

type wouldWait struct{}

func (wouldWait) Error() string   { return "no bytes have arrived" }
func (wouldWait) Timeout() bool   { return true }
func (wouldWait) Temporary() bool { return true }

// advance begins the handshake when bytes have arrived, or tells it of new ones. g.mu is
// held.
func (s *secure) advance() {
	c := s.c
	if s.conn != nil {
		s.bytes.Broadcast()
		return
	}
	switch data, gone := park.Look(c.fd); {
	case gone:
		c.forget()
	case !data:
		c.ready = false
	default:
		s.bytes.L = &c.g.mu
		s.conn = tls.Server(s, c.g.rules.TLS)
		c.awake()
		c.partial = true
		c.g.partial++
		go s.handshake()
	}
}

// shakes reports whether the client is in its handshake. g.mu is held.
func (c *client) shakes() bool { return c.secure != nil && c.secure.conn != nil && !c.secure.open }

// handshake makes the handshake. Then the client can send its first request.
func (s *secure) handshake() {
	err := s.conn.Handshake()
	c, g := s.c, s.c.g
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.state == gone || g.closing {
		return
	}
	c.awake()
	if err != nil {
		if plain := (tls.RecordHeaderError{}); errors.As(err, &plain) && looksPlain(plain.RecordHeader[:]) {
			c.sendRaw([]byte(answerPlain))
			err = errors.New("it has sent plain HTTP to an address of HTTPS")
		}
		from := c.remote
		c.linger = true // crypto/tls has told the client what is wrong
		c.end()
		g.turned(fmt.Errorf("the TLS handshake of %v has failed: %w", address(from), err))
		g.proceed()
		return
	}
	s.open, c.ready = true, true // the request may have come with the end of the handshake
	c.since = time.Now()
	if c.fill(); c.state == reading && !c.again {
		c.settle()
	}
	g.proceed()
}

// looksPlain reports whether the first bytes of a connection are those of an HTTP method.
func looksPlain(b []byte) bool {
	for _, c := range b {
		if (c < 'A' || c > 'Z') && c != ' ' && c != '/' && c != '*' {
			return false
		}
	}
	return true
}

const answerPlain = "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n" +
	`{"error":"this address takes HTTPS, and the request is plain HTTP","error_type":"bad_request","hint":"write https:// in place of http://","request_id":"-"}`

// Read reads bytes of TLS. During the handshake it waits for them.
func (s *secure) Read(p []byte) (int, error) {
	if s.open {
		return s.read(p)
	}
	s.c.g.mu.Lock()
	defer s.c.g.mu.Unlock()
	for {
		n, err := s.read(p)
		if err != errWait {
			return n, err
		}
		s.bytes.Wait()
	}
}

// read reads bytes of TLS without waiting. g.mu is held.
func (s *secure) read(p []byte) (int, error) {
	c := s.c
	for {
		if c.state == gone || c.g.closing {
			return 0, net.ErrClosed
		}
		n, err := unix.Read(c.fd, p)
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			c.ready = false
			return 0, errWait
		case err != nil:
			return 0, err
		case n == 0:
			return 0, io.EOF
		default:
			if c.g.o.Line != nil {
				c.g.o.Line.Received(n)
			}
			return n, nil
		}
	}
}

// Write sends bytes of TLS. It never waits: what the kernel does not take is kept.
func (s *secure) Write(p []byte) (int, error) {
	if !s.open {
		s.c.g.mu.Lock()
		defer s.c.g.mu.Unlock()
	}
	if s.c.state == gone {
		return 0, net.ErrClosed
	}
	if s.c.sendRaw(p); s.c.failed != nil {
		return 0, s.c.failed
	}
	return len(p), nil
}

// Close does nothing: the gate closes the connection.
func (s *secure) Close() error { return nil }

// The gate has deadlines of its own.

func (s *secure) SetDeadline(time.Time) error      { return nil }
func (s *secure) SetReadDeadline(time.Time) error  { return nil }
func (s *secure) SetWriteDeadline(time.Time) error { return nil }

// LocalAddr and RemoteAddr are there for crypto/tls, which does not ask a server's
// connection for them.

func (s *secure) LocalAddr() net.Addr  { return &net.TCPAddr{} }
func (s *secure) RemoteAddr() net.Addr { return &net.TCPAddr{} }

// read reads what the client has sent, decrypted if need be, without waiting. Its results
// are those of unix.Read. g.mu is held.
func (c *client) read(p []byte) (int, error) {
	if c.secure == nil {
		return unix.Read(c.fd, p)
	}
	n, err := c.secure.conn.Read(p)
	switch {
	case n > 0, err == nil, err == io.EOF:
		return n, nil // an error besides the bytes comes again with the next read
	case err == errWait:
		return 0, unix.EAGAIN
	}
	return 0, unix.ECONNRESET // as TLS, what has arrived is not valid
}

// sayGoodbye tells a TLS client that nothing follows, so that it can tell the end from a cut.
// g.mu is held.
func (c *client) sayGoodbye() {
	if s := c.secure; s != nil && s.open && !s.closing && c.failed == nil {
		s.closing = true
		_ = s.conn.CloseWrite() // an error means that the client has gone
	}
}

// hasClosed reports whether the other end has closed a connection or its sending side, even
// if there are bytes to read before that end.
func hasClosed(fd int) bool {
	p := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(p, 0)
	return err == nil && n == 1
}

// Secure reports whether the client has connected with TLS.
func (c *Conn) Secure() bool { return c.c.secure != nil }
