package web

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/valyala/fasthttp"
)

// accessLog writes one line for each request, in Gunicorn's default form with
// the milliseconds and the request's id at the end,
//
//	127.0.0.1 - - [02/Jan/2006:15:04:05 -0700] "POST / HTTP/1.1" 200 43 "-" "curl/8.14.1" 1.234 EXAMPLE7ID
//
// or as an object of JSON with the same facts. What comes from the client is
// escaped, so that it cannot end its field or its line. The query is left out:
// it may hold somebody's text.
type accessLog struct {
	w    io.Writer
	json bool
	mu   sync.Mutex // one line at a time is written to w
}

// entry is a line of the log.
type entry struct {
	Time       time.Time `json:"time"`
	Remote     string    `json:"remote"`
	Method     string    `json:"method"`
	Path       string    `json:"path"`
	Protocol   string    `json:"protocol"`
	Status     int       `json:"status"`
	Bytes      int       `json:"bytes"`
	Referer    string    `json:"referer,omitempty"`
	Agent      string    `json:"user_agent,omitempty"`
	DurationMS float64   `json:"duration_ms"`
	RequestID  string    `json:"request_id"`
}

// write logs a request that was answered with a status. start is when its handler was
// called, or zero if the request could not be read. If l is nil, write does nothing.
func (l *accessLog) write(ctx *fasthttp.RequestCtx, status int, start time.Time) {
	if l == nil {
		return
	}
	now := time.Now()
	h := &ctx.Request.Header
	path, _, _ := bytes.Cut(h.RequestURI(), []byte("?"))
	e := entry{
		Time:      now,
		Remote:    "-",
		Method:    string(h.Method()),
		Path:      string(path),
		Protocol:  string(h.Protocol()),
		Status:    status,
		Bytes:     len(ctx.Response.Body()),
		Referer:   string(h.Referer()),
		Agent:     string(h.UserAgent()),
		RequestID: requestID(ctx),
	}
	if ctx.IsHead() || status == statusGone {
		e.Bytes = 0
	}
	if a, ok := ctx.RemoteAddr().(*net.TCPAddr); ok {
		e.Remote = a.IP.String()
	}
	if !start.IsZero() {
		e.DurationMS = float64(now.Sub(start).Microseconds()) / 1000
	} else if len(h.RawHeaders()) == 0 { // not even the head could be read
		e.Method, e.Path, e.Protocol = "-", "-", "-"
	}
	var line []byte
	if l.json {
		line, _ = json.Marshal(e) // strings and numbers always marshal
		line = append(line, '\n')
	} else {
		line = e.appendText(nil)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(line) // a full disk must not stop the service
}

func (e *entry) appendText(b []byte) []byte {
	b = append(b, e.Remote...)
	b = append(b, " - - ["...)
	b = e.Time.AppendFormat(b, "02/Jan/2006:15:04:05 -0700")
	b = append(b, `] "`...)
	b = appendEscaped(b, e.Method)
	b = append(b, ' ')
	b = appendEscaped(b, e.Path)
	b = append(b, ' ')
	b = appendEscaped(b, e.Protocol)
	b = fmt.Appendf(b, `" %d %d "`, e.Status, e.Bytes)
	b = appendEscaped(b, orDash(e.Referer))
	b = append(b, `" "`...)
	b = appendEscaped(b, orDash(e.Agent))
	b = fmt.Appendf(b, `" %.3f `, e.DurationMS)
	b = appendEscaped(b, e.RequestID)
	return append(b, '\n')
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// appendEscaped appends s as Apache does: quotes and backslashes with a backslash before
// them, and every byte that is neither visible ASCII nor a space as \xhh.
func appendEscaped(b []byte, s string) []byte {
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < ' ' || c > '~':
			b = fmt.Appendf(b, `\x%02x`, c)
		default:
			b = append(b, c)
		}
	}
	return b
}
