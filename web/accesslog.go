package web

import (
	"bytes"
	"encoding/base64"
	"io"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/accesslog"
	"github.com/narwhal-server/narwhal/internal/peers"
	"github.com/narwhal-server/narwhal/internal/requestid"
)

// accessLog writes one line for each request. The line never has the query unless the
// format asks for it: it may hold somebody's text.
type accessLog struct {
	w       io.Writer
	format  *accesslog.Format // nil: JSON
	trusted *peers.List       // proxies that are believed who the client is
	mu      sync.Mutex        // one line at a time is written to w
}

// newAccessLog returns the log for Options.AccessLog, nil if there is none. It panics if
// the format is wrong.
func newAccessLog(o *Options, trusted *peers.List) *accessLog {
	if o.AccessLog == nil {
		return nil
	}
	l := &accessLog{w: o.AccessLog, trusted: trusted}
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

// bytesSent is the key of a request's value that has the size of its answer, if fasthttp
// does not send it.
const bytesSent = "bytes sent"

// write logs a request that was answered with a status. start is when its handler was
// called, or zero if the request could not be read. t is how long the request waited and
// computed. If l is nil, write does nothing.
func (l *accessLog) write(ctx *fasthttp.RequestCtx, status int, start time.Time, t timing) {
	if l == nil {
		return
	}
	now := time.Now()
	h := &ctx.Request.Header
	path, query, _ := bytes.Cut(h.RequestURI(), []byte("?"))
	e := accesslog.Entry{
		Time:      now,
		Remote:    "-",
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

		Traceparent: string(ctx.Response.Header.Peek(requestid.Traceparent)),
		Out:         ctx.Response.Header.Peek,
	}
	if n, ok := ctx.UserValue(bytesSent).(int); ok {
		e.Bytes = n
	}
	if ctx.IsHead() || status == statusGone {
		e.Bytes = 0
	}
	from := originOf(ctx, l.trusted)
	if e.Scheme = from.scheme; from.addr.IsValid() {
		e.Remote = from.addr.Addr().Unmap().String()
		if port := from.addr.Port(); port != 0 {
			e.Port = strconv.Itoa(int(port))
		}
	}
	if !start.IsZero() {
		e.Duration = now.Sub(start)
		e.DurationMS, e.QueueMS, e.ComputeMS = milliseconds(e.Duration), milliseconds(t.queue), milliseconds(t.compute)
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
