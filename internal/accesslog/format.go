// Package accesslog writes the lines of an access log: in Gunicorn's format language, or
// as JSON.
//
//	f, err := accesslog.Parse(`%(h)s "%(r)s" %(s)s %({x-request-id}o)s`)
//	line := f.Append(nil, &entry)
//
// What comes from a client is escaped, so a client can end neither its field nor its line.
package accesslog

import (
	"fmt"
	"os"
	"strings"
)

// Default is the format that holds unless another one is set: Gunicorn's default, then the
// milliseconds and the id of the request.
const Default = `%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s" %(ms)s %({x-request-id}o)s`

// Format is a format that was parsed.
type Format struct{ parts []part }

// part is a literal text, an atom, or a named field: exactly one of the three is set.
type part struct {
	literal string
	atom    func([]byte, *Entry) []byte
	in, out string // the name of a field of the request, or of the answer
}

// Parse parses a format. The error names the atoms that exist.
func Parse(format string) (*Format, error) {
	f := &Format{}
	atoms := 0
	for rest := format; rest != ""; {
		at := strings.IndexByte(rest, '%')
		if at < 0 {
			at = len(rest)
		}
		if err := f.literal(rest[:at]); err != nil {
			return nil, err
		}
		if rest = rest[at:]; rest == "" {
			break
		}
		if strings.HasPrefix(rest, "%%") {
			f.parts = append(f.parts, part{literal: "%"})
			rest = rest[2:]
			continue
		}
		name, after, ok := strings.Cut(strings.TrimPrefix(rest, "%("), ")s")
		if !strings.HasPrefix(rest, "%(") || !ok || strings.ContainsAny(name, "()%") {
			return nil, fmt.Errorf("%.20q is no atom: an atom is written %%(NAME)s, and a percent sign %%%%", rest)
		}
		p, err := parseAtom(name)
		if err != nil {
			return nil, err
		}
		f.parts = append(f.parts, p)
		atoms++
		rest = after
	}
	if atoms == 0 {
		return nil, fmt.Errorf("there is no atom in %.40q: the atoms are %s", format, Atoms)
	}
	return f, nil
}

// literal adds a text that stands for itself.
func (f *Format) literal(text string) error {
	for i := range len(text) {
		if text[i] < ' ' && text[i] != '\t' || text[i] == 0x7f {
			return fmt.Errorf("there is the control character 0x%02x in the format: a request has one line", text[i])
		}
	}
	if text != "" {
		f.parts = append(f.parts, part{literal: text})
	}
	return nil
}

// parseAtom returns the part for the atom %(name)s.
func parseAtom(name string) (part, error) {
	if atom := plain[name]; atom != nil {
		return part{atom: atom}, nil
	}
	end := strings.IndexByte(name, '}')
	if !strings.HasPrefix(name, "{") || end < 2 || end != len(name)-2 {
		return part{}, unknown(name)
	}
	inner := name[1:end]
	switch name[end+1] {
	case 'i':
		switch strings.ToLower(inner) {
		case "authorization", "proxy-authorization", "cookie":
			return part{}, fmt.Errorf("%%(%s)s would write secrets into the log: leave it out", name)
		}
		return part{in: inner}, nil
	case 'o':
		return part{out: inner}, nil
	case 'e':
		return part{atom: variable(inner)}, nil
	}
	return part{}, unknown(name)
}

func unknown(name string) error {
	return fmt.Errorf("there is no atom %%(%.40s)s: the atoms are %s", name, Atoms)
}

// variable returns the atom %({name}e)s. Two names are those of WSGI. Any other is a
// variable of this process's environment, which does not change.
func variable(name string) func([]byte, *Entry) []byte {
	switch strings.ToLower(name) {
	case "remote_port":
		return func(b []byte, e *Entry) []byte { return append(b, orDash(e.Port)...) }
	case "wsgi.url_scheme":
		return func(b []byte, e *Entry) []byte { return append(b, orDash(e.Scheme)...) }
	}
	value := string(appendEscaped(nil, orDash(os.Getenv(name))))
	return func(b []byte, _ *Entry) []byte { return append(b, value...) }
}
