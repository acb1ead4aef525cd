package web

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/narwhal-server/narwhal/internal/gate"
)

const linesRead = 32 << 10 // bytes that are read at once

// next returns the next line that is not blank, or why there is none. At the end of the
// body it returns neither. The line is valid until the next call.
func (l *lines) next() ([]byte, *failure, error) {
	l.until = time.Time{}
	blank := 0 // bytes of blank lines
	for searched := 0; ; {
		if i := bytes.IndexByte(l.in[l.at+searched:], '\n'); i >= 0 || l.ended && l.at < len(l.in) {
			end := len(l.in)
			if i >= 0 {
				end = l.at + searched + i
			}
			line := bytes.Trim(l.in[l.at:end], " \t\r")
			blank += end + 1 - l.at
			l.at = min(end+1, len(l.in))
			searched = 0
			switch {
			case l.lost:
				l.lost = false
				return nil, l.tooLong(), nil
			case len(line) > l.s.LimitBody:
				return nil, l.tooLong(), nil
			case len(line) > 0:
				return line, nil, nil
			case l.zipped && blank > l.s.LimitBody:
				return nil, nil, l.bomb()
			}
			continue
		}
		if l.ended {
			if l.lost {
				l.lost = false
				return nil, l.tooLong(), nil
			}
			return nil, nil, nil
		}
		l.in = append(l.in[:0], l.in[l.at:]...)
		l.at = 0
		if l.lost || len(l.in) > l.s.LimitBody {
			if l.zipped {
				return nil, nil, l.bomb()
			}
			l.lost, l.in = true, l.in[:0]
		}
		searched = len(l.in)
		if l.until.IsZero() {
			l.until = time.Now().Add(l.s.ReadTimeout)
		}
		if err := l.read(); err != nil {
			return nil, nil, err
		}
	}
}

func (l *lines) tooLong() *failure {
	return &failure{413, "body_too_large", fmt.Sprintf("the line has more than %d bytes", l.s.LimitBody),
		"send the text in parts, or have the server started with a larger --limit-body"}
}

// bomb ends a compressed body that has too many bytes without a line to answer. A few
// compressed bytes can become very many, which would take the time of others.
func (l *lines) bomb() *failure {
	return &failure{413, "body_too_large", fmt.Sprintf("when it is uncompressed, the body has more than %d bytes in one line or in blank lines", l.s.LimitBody),
		"send the text in parts, or do not compress the lines"}
}

// read reads more lines.
func (l *lines) read() error {
	if cap(l.in)-len(l.in) < linesRead {
		l.in = append(make([]byte, 0, max(2*cap(l.in), 2*linesRead)), l.in...)
	}
	if cap(l.in) > 8*linesRead && len(l.in) < linesRead { // a long line was read
		l.in = append(make([]byte, 0, 2*linesRead), l.in...)
	}
	l.hold()
	n, err := l.body.Read(l.in[len(l.in):cap(l.in)])
	l.in = l.in[:len(l.in)+n]
	switch {
	case err == io.EOF:
		l.ended = true
		return nil
	case err != nil && l.broke == nil:
		return notZipped(err)
	}
	return err
}

// arriving is the body as it arrives.
type arriving struct{ *lines }

// Read reads more of the body. Before it waits for the client, it sends the results that
// there are, and gives the place back.
func (a arriving) Read(p []byte) (int, error) {
	n, err := a.conn.ReadBody(p, time.Now())
	if errors.Is(err, gate.ErrTimeout) {
		if err = a.flush(); err == nil {
			a.rest()
			n, err = a.conn.ReadBody(p, a.until)
		}
	}
	if err != nil && err != io.EOF {
		a.broke = err
	}
	return n, err
}
