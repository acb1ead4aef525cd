package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/narwhal-server/narwhal/internal/bench"
)

// answerTime is how long a client waits for an answer.
const answerTime = 2 * time.Minute

// manner is how a client sends a request.
type manner struct {
	name string
	keep bool
	send func(w io.Writer, head, body []byte) error
}

var manners = []manner{
	{name: "whole", send: func(w io.Writer, head, body []byte) error {
		return write(w, append(head[:len(head):len(head)], body...))
	}},
	{name: "head, body", send: func(w io.Writer, head, body []byte) error { // as Python's http.client
		if err := write(w, head); err != nil {
			return err
		}
		return write(w, body)
	}},
	{name: "pieces of 1 kB", send: func(w io.Writer, head, body []byte) error { return pieces(w, head, body, 1000, 0) }},
	{name: "1 MB/s", send: func(w io.Writer, head, body []byte) error { return pieces(w, head, body, 4000, 4*time.Millisecond) }},
	{name: "kept", keep: true, send: func(w io.Writer, head, body []byte) error {
		return write(w, append(head[:len(head):len(head)], body...))
	}},
}

func write(w io.Writer, b []byte) error {
	_, err := w.Write(b)
	return err
}

// pieces sends a piece every so often.
func pieces(w io.Writer, head, body []byte, size int, every time.Duration) error {
	all := append(head[:len(head):len(head)], body...)
	for next := time.Now(); len(all) > 0; next = next.Add(every) {
		time.Sleep(time.Until(next))
		n := min(size, len(all))
		if err := write(w, all[:n]); err != nil {
			return err
		}
		all = all[n:]
	}
	return nil
}

// request is one with a text of so many bytes.
func request(size int, keep bool) (head, body []byte) {
	text := strings.Repeat(bench.Paragraph+" ", size/len(bench.Paragraph)+1)[:size]
	body = fmt.Appendf(nil, `{"text":%q}`, text)
	connection := ""
	if !keep {
		connection = "Connection: close\r\n"
	}
	return fmt.Appendf(nil, "POST / HTTP/1.1\r\nHost: fairness\r\nContent-Type: application/json\r\n%sContent-Length: %d\r\n\r\n", connection, len(body)), body
}

// client asks on one connection as long as the server keeps it.
type client struct {
	addr string
	conn net.Conn
	br   *bufio.Reader
}

// ask sends a request, and says when all of it was sent and when it was answered.
func (c *client) ask(m manner, head, body []byte) (sent, answered time.Time, err error) {
	defer func() {
		if err != nil || !m.keep {
			c.close()
		}
	}()
	if c.conn == nil {
		if c.conn, err = net.Dial("tcp", c.addr); err != nil {
			return sent, answered, err
		}
		c.br = bufio.NewReader(c.conn)
	}
	if err := c.conn.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return sent, answered, err
	}
	if err := m.send(c.conn, head, body); err != nil {
		return sent, answered, fmt.Errorf("send: %w", err)
	}
	sent = time.Now()
	resp, err := http.ReadResponse(c.br, nil)
	if err != nil {
		return sent, answered, fmt.Errorf("receive: %w", err)
	}
	_, err = io.Copy(io.Discard, resp.Body)
	switch {
	case err != nil:
		return sent, answered, fmt.Errorf("receive: %w", err)
	case resp.StatusCode != http.StatusOK:
		return sent, answered, fmt.Errorf("status %d", resp.StatusCode)
	case resp.Close:
		c.close()
	}
	return sent, time.Now(), nil
}

func (c *client) close() {
	if c.conn != nil {
		c.conn.Close() // it has given what it was for
		c.conn = nil
	}
}
