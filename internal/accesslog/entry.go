package accesslog

import (
	"encoding/json"
	"fmt"
	"os"
	"strconv"
	"time"
)

// Entry is what is known of a request that was answered. A field that is empty is written
// as a dash in text, and left out of JSON if it may be.
type Entry struct {
	Time        time.Time `json:"time"`
	Remote      string    `json:"remote"` // the client's address
	Port        string    `json:"-"`      // the client's port
	Scheme      string    `json:"-"`      // http or https, as the client has used it
	User        string    `json:"-"`      // of Authorization: Basic
	Method      string    `json:"method"`
	Path        string    `json:"path"`
	Query       string    `json:"-"` // it may hold somebody's text
	Protocol    string    `json:"protocol"`
	Status      int       `json:"status"`
	Bytes       int       `json:"bytes"` // of the answer's body
	Referer     string    `json:"referer,omitempty"`
	Agent       string    `json:"user_agent,omitempty"`
	DurationMS  float64   `json:"duration_ms"`
	QueueMS     float64   `json:"queue_ms,omitempty"`   // waited for a place
	ComputeMS   float64   `json:"compute_ms,omitempty"` // had a place
	RequestID   string    `json:"request_id"`
	Traceparent string    `json:"traceparent,omitempty"`

	Duration time.Duration `json:"-"` // the same as DurationMS

	// In and Out return a field of the request and of the answer, by any spelling of its
	// name; nil if it is not there.
	In, Out func(name string) []byte `json:"-"`
}

// AppendJSON appends the entry as an object of JSON, and the end of the line.
func AppendJSON(b []byte, e *Entry) []byte {
	line, _ := json.Marshal(e) // strings and numbers always marshal
	return append(append(b, line...), '\n')
}

// Append appends the entry in the format, and the end of the line.
func (f *Format) Append(b []byte, e *Entry) []byte {
	for i := range f.parts {
		switch p := &f.parts[i]; {
		case p.atom != nil:
			b = p.atom(b, e)
		case p.in != "":
			b = appendEscaped(b, orDash(string(e.In(p.in))))
		case p.out != "":
			b = appendEscaped(b, orDash(string(e.Out(p.out))))
		default:
			b = append(b, p.literal...)
		}
	}
	return append(b, '\n')
}

// Atoms lists the atoms for people.
const Atoms = "h l u t r m U q H s b B f a T M D L ms p {header}i {header}o {variable}e"

// plain has the atoms without a name in braces. They are Gunicorn's, and ms.
var plain = map[string]func([]byte, *Entry) []byte{
	"h": func(b []byte, e *Entry) []byte { return append(b, orDash(e.Remote)...) },
	"l": func(b []byte, _ *Entry) []byte { return append(b, '-') },
	"u": func(b []byte, e *Entry) []byte { return appendEscaped(b, orDash(e.User)) },
	"t": func(b []byte, e *Entry) []byte { return e.Time.AppendFormat(b, "[02/Jan/2006:15:04:05 -0700]") },
	"r": func(b []byte, e *Entry) []byte {
		b = append(appendEscaped(b, e.Method), ' ')
		b = append(appendEscaped(b, e.Path), ' ')
		return appendEscaped(b, e.Protocol)
	},
	"m":  func(b []byte, e *Entry) []byte { return appendEscaped(b, e.Method) },
	"U":  func(b []byte, e *Entry) []byte { return appendEscaped(b, e.Path) },
	"q":  func(b []byte, e *Entry) []byte { return appendEscaped(b, e.Query) },
	"H":  func(b []byte, e *Entry) []byte { return appendEscaped(b, e.Protocol) },
	"s":  func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, int64(e.Status), 10) },
	"b":  func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, int64(e.Bytes), 10) },
	"B":  func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, int64(e.Bytes), 10) },
	"f":  func(b []byte, e *Entry) []byte { return appendEscaped(b, orDash(e.Referer)) },
	"a":  func(b []byte, e *Entry) []byte { return appendEscaped(b, orDash(e.Agent)) },
	"T":  func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, int64(e.Duration/time.Second), 10) },
	"M":  func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, e.Duration.Milliseconds(), 10) },
	"D":  func(b []byte, e *Entry) []byte { return strconv.AppendInt(b, e.Duration.Microseconds(), 10) },
	"L":  func(b []byte, e *Entry) []byte { return strconv.AppendFloat(b, e.Duration.Seconds(), 'f', 6, 64) },
	"ms": func(b []byte, e *Entry) []byte { return strconv.AppendFloat(b, e.DurationMS, 'f', 3, 64) },
	"p":  func(b []byte, _ *Entry) []byte { return append(b, pid...) },
}

var pid = fmt.Sprintf("<%d>", os.Getpid())

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
