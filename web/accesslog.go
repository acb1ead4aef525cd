package web

import (
	"bytes"
	"encoding/base64"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/accesslog"
)

// accessLog writes one line for each request. The line never has the query unless the
// format asks for it: it may hold somebody's text.
type accessLog struct {
	w      io.Writer
	format *accesslog.Format // nil: JSON
	mu     sync.Mutex        // one line at a time is written to w
}

// newAccessLog returns the log for Options.AccessLog, nil if there is none. It panics if
// the format is wrong.
func newAccessLog(o *Options) *accessLog {
	if o.AccessLog == nil {
		return nil
	}
	l := &accessLog{w: o.AccessLog}
	format := o.AccessLogFormat
	switch format {
	case "json":
		return l
	case "", "text":
		format = accesslog.Default
	}
	var err error
	if l.format, err = accesslog.Parse(format); err != nil {
		panic("web: AccessLogFormat: " + err.Error())
	}
	return l
}

// write logs a request that was answered with a status. start is when its handler was
// called, or zero if the request could not be read. If l is nil, write does nothing.
func (l *accessLog) write(ctx *fasthttp.RequestCtx, status int, start time.Time) {
	if l == nil {
		return
	}
	now := time.Now()
	h := &ctx.Request.Header
	path, query, _ := bytes.Cut(h.RequestURI(), []byte("?"))
	e := accesslog.Entry{
		Time:      now,
		Remote:    "-",
		Scheme:    "http",
		User:      basicUser(h),
		Method:    string(h.Method()),
		Path:      string(path),
		Query:     string(query),
		Protocol:  string(h.Protocol()),
		Status:    status,
		Bytes:     len(ctx.Response.Body()),
		Referer:   string(h.Referer()),
		Agent:     string(h.UserAgent()),
		RequestID: requestID(ctx),
		In:        h.Peek,
		Out:       ctx.Response.Header.Peek,
	}
	if ctx.IsHead() || status == statusGone {
		e.Bytes = 0
	}
	if a, ok := ctx.RemoteAddr().(*net.TCPAddr); ok {
		e.Remote, e.Port = a.IP.String(), strconv.Itoa(a.Port)
	}
	if !start.IsZero() {
		e.Duration = now.Sub(start)
		e.DurationMS = float64(e.Duration.Microseconds()) / 1000
	} else if len(h.RawHeaders()) == 0 { // not even the head could be read
		e.Method, e.Path, e.Query, e.Protocol = "-", "-", "-", "-"
	}
	var line []byte
	if l.format == nil {
		line = accesslog.AppendJSON(nil, &e)
	} else {
		line = l.format.Append(nil, &e)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.w.Write(line) // a full disk must not stop the service
}

// basicUser returns the user of a field Authorization: Basic, "" if there is none.
func basicUser(h *fasthttp.RequestHeader) string {
	scheme, encoded, _ := strings.Cut(string(h.Peek(fasthttp.HeaderAuthorization)), " ")
	if !strings.EqualFold(scheme, "Basic") {
		return ""
	}
	decoded, err := base64.StdEncoding.DecodeString(strings.TrimLeft(encoded, " "))
	user, _, ok := strings.Cut(string(decoded), ":")
	if err != nil || !ok {
		return ""
	}
	return user
}
