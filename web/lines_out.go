package web

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/requestid"
)

const linesWrite = 32 << 10 // bytes of results after which they are sent

// flush sends the results that there are, and gives the place back before.
func (l *lines) flush() error {
	if len(l.out) == 0 {
		return nil
	}
	l.rest()
	l.hold()
	for part := range slices.Chunk(l.out, linesWrite) {
		if l.chunked() {
			part = fmt.Appendf(nil, "%x\r\n%s\r\n", len(part), part)
		}
		if err := l.write(part); err != nil {
			return err
		}
	}
	if l.out = l.out[:0]; cap(l.out) > 8*linesWrite { // a long result was sent
		l.out = nil
	}
	return nil
}

// end sends the rest of the answer.
func (l *lines) end() error {
	if err := l.flush(); err != nil {
		return err
	}
	if l.chunked() {
		return l.write([]byte("0\r\n\r\n"))
	}
	return l.write(nil)
}

// chunked reports whether the answer is chunked. To a client of HTTP/1.0, the end of the
// connection is the end of the answer.
func (l *lines) chunked() bool { return l.r.Request.Header.IsHTTP11() }

// write sends bytes of the answer, after the head if they are the first. An error means
// that the client has gone, or has not taken the answer in time.
func (l *lines) write(b []byte) error {
	if !l.begun {
		l.begun = true
		head := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nServer: narwhal\r\nDate: %s\r\nContent-Type: %s\r\n%s: %s\r\nConnection: close\r\n",
			time.Now().UTC().Format(http.TimeFormat), typeLines, requestid.Header, requestID(l.r.RequestCtx))
		if l.chunked() {
			head = append(head, "Transfer-Encoding: chunked\r\n"...)
		}
		b = append(append(head, "\r\n"...), b...)
	}
	_ = l.conn.SetWriteDeadline(time.Time{}) // from each write on, the client has the gate's own time
	n, err := l.conn.Write(b)
	l.sent += n
	if err != nil {
		return gate.ErrGone
	}
	return nil
}
