package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

// text is what clients ask about: about a millisecond of work for en_core_web_sm.
const text = "Angela Merkel was born in Hamburg and met Barack Obama in Berlin in June 2013."

var query = request(text)

func request(text string) []byte {
	b := body(text)
	return fmt.Appendf(nil, "GET / HTTP/1.1\r\nHost: chaos\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(b), b)
}

func body(text string) string { return fmt.Sprintf(`{"text":%q}`, text) }

// answerTime is how long a client waits for its answer. One that has not come by
// then is lost.
const answerTime = 30 * time.Second

// client sends requests one after the other.
type client struct {
	network, addr string
	keep          bool // it uses a connection as long as the server lets it
	conn          net.Conn
	br            *bufio.Reader
}

// ask sends a request and returns the body of the answer.
func (c *client) ask(request []byte) ([]byte, error) {
	if c.conn != nil && c.ended() {
		c.close()
	}
	if c.conn == nil {
		conn, err := net.DialTimeout(c.network, c.addr, answerTime)
		if err != nil {
			return nil, fmt.Errorf("connect: %w", cause(err))
		}
		c.conn, c.br = conn, bufio.NewReader(conn)
	}
	body, more, err := c.exchange(request)
	if err != nil || !more || !c.keep {
		c.close()
	}
	return body, err
}

func (c *client) exchange(request []byte) (body []byte, more bool, err error) {
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return nil, false, err
	}
	if _, err := c.conn.Write(request); err != nil {
		return nil, false, fmt.Errorf("send: %w", cause(err))
	}
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return nil, false, fmt.Errorf("receive: %w", cause(err))
	}
	body, err = io.ReadAll(resp.Body)
	if err != nil {
		return nil, false, fmt.Errorf("receive the body: %w", cause(err))
	}
	if resp.StatusCode != http.StatusOK {
		return body, !resp.Close, fmt.Errorf("status %d", resp.StatusCode)
	}
	return body, !resp.Close, nil
}

// ended looks whether the server has closed the connection.
func (c *client) ended() bool {
	rc, err := c.conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return true
	}
	gone := true
	err = rc.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		gone = err != syscall.EAGAIN && err != syscall.EINTR
	})
	return gone || err != nil
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close()
		c.conn = nil
	}
}

// cause drops addresses from an error, so that equal ones count together.
func cause(err error) error {
	var no syscall.Errno
	switch {
	case errors.As(err, &no):
		return no
	case errors.Is(err, os.ErrDeadlineExceeded):
		return os.ErrDeadlineExceeded
	}
	return err
}

var errOtherAnswer = errors.New("another answer than the first")

// probe asks once, on a connection of its own.
func probe(network, addr string) ([]byte, error) {
	c := client{network: network, addr: addr}
	body, err := c.ask(query)
	return bytes.Clone(body), err
}
