// Package cases has requests as bytes, each with the answer that it must get. Tests send
// them to the workers' address and to the admin address, and write docs/http.md from them.
//
// A file is a title, a text about its cases, and the cases:
//
//	== a length with a sign
//	clause RFC 9110, 8.6
//	note what a reader of docs/http.md should also know; there may be none
//	> POST / HTTP/1.1\r\n
//	> Host: a\r\n
//	! Content-Length: +2\r\n
//	> \r\n
//	> {}
//	< 400 bad_request close
//
// The lines that begin with > and ! are the bytes, joined, with the escapes of a Go
// string. {{100 x}} is 100 times x. docs/http.md shows the lines with !. Each line with <
// is an answer: its status, the error_type of its body if there is one, and whether the
// connection is kept. After the answer to a request that was accepted, a line with = says
// what the server has read: method, target, version, host, other fields, and body.
//
// A line "eof" says that the client closes its sending side after the bytes. In all other
// cases Probe follows them: if the connection is kept, Probe is answered, too.
package cases

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

// File is a list of cases that have something in common.
type File struct {
	Title, Text string
	Cases       []Case
}

// Case is some bytes of a client, and what happens.
type Case struct {
	Name   string
	Clause string // of the RFC that decides
	Note   string // may be empty
	Bytes  string
	Shown  string // the bytes that matter, with escapes
	EOF    bool   // the client closes its sending side after the bytes
	Want   []Answer
}

// Answer is what one request gets.
type Answer struct {
	Status int
	Type   string // error_type; "" if there is none
	Keep   bool   // the connection is kept after the answer
	Read   string // what the server has read; "" if it does not matter
}

// Probe is the request that follows the bytes of a case.
const Probe = "GET /healthz?probe HTTP/1.1\r\nHost: probe\r\nX-Request-Id: probe\r\n\r\n"

// Keeps reports whether the connection is kept after the last answer.
func (c *Case) Keeps() bool { return c.Want[len(c.Want)-1].Keep }

//go:embed *.txt
var files embed.FS

// All returns all cases. The error says which line is not of the form above.
func All() ([]File, error) {
	entries, err := files.ReadDir(".")
	if err != nil {
		return nil, err
	}
	var all []File
	for _, e := range entries {
		b, err := files.ReadFile(e.Name())
		if err != nil {
			return nil, err
		}
		f, err := parse(string(b))
		if err != nil {
			return nil, fmt.Errorf("%s: %w", e.Name(), err)
		}
		all = append(all, f)
	}
	return all, nil
}

func parse(text string) (File, error) {
	blocks := strings.Split(strings.TrimSuffix(text, "\n"), "\n\n== ")
	var f File
	f.Title, f.Text, _ = strings.Cut(blocks[0], "\n")
	f.Text = strings.TrimSpace(f.Text)
	for _, block := range blocks[1:] {
		c, err := parseCase(block)
		if err != nil {
			return f, fmt.Errorf("%q: %w", c.Name, err)
		}
		f.Cases = append(f.Cases, c)
	}
	return f, nil
}

func parseCase(block string) (Case, error) {
	name, rest, _ := strings.Cut(block, "\n")
	c := Case{Name: name}
	for line := range strings.SplitSeq(rest, "\n") {
		kind, value, _ := strings.Cut(line, " ")
		switch kind {
		case "clause":
			c.Clause = value
		case "note":
			c.Note = value
		case "eof":
			c.EOF = true
		case ">", "!":
			raw, err := unescape(value)
			if err != nil {
				return c, fmt.Errorf("%s: %w", line, err)
			}
			c.Bytes += raw
			if kind == "!" {
				c.Shown += value
			}
		case "<":
			a, err := parseAnswer(strings.Fields(value))
			if err != nil {
				return c, fmt.Errorf("%s: %w", line, err)
			}
			c.Want = append(c.Want, a)
		case "=":
			if len(c.Want) == 0 {
				return c, fmt.Errorf("%s: there is no answer before it", line)
			}
			c.Want[len(c.Want)-1].Read = value
		default:
			return c, fmt.Errorf("%q begins with none of the words for a line", line)
		}
	}
	if c.Clause == "" || c.Bytes == "" || c.Shown == "" || len(c.Want) == 0 {
		return c, fmt.Errorf("it needs a clause, bytes, a line with !, and an answer")
	}
	return c, nil
}

func parseAnswer(words []string) (a Answer, err error) {
	if len(words) < 2 || len(words) > 3 || words[len(words)-1] != "keep" && words[len(words)-1] != "close" {
		return a, fmt.Errorf("want STATUS [TYPE] keep or close")
	}
	a.Status, err = strconv.Atoi(words[0])
	a.Keep = words[len(words)-1] == "keep"
	if len(words) == 3 {
		a.Type = words[1]
	}
	return a, err
}

// unescape returns the bytes of a line. Quotation marks need no backslash.
func unescape(line string) (string, error) {
	var b strings.Builder
	for line != "" {
		if rest, ok := strings.CutPrefix(line, "{{"); ok {
			repeat, rest, ok := strings.Cut(rest, "}}")
			count, what, _ := strings.Cut(repeat, " ")
			n, err := strconv.Atoi(count)
			if !ok || err != nil {
				return "", fmt.Errorf("after {{ there is no number and }}")
			}
			raw, err := unescape(what)
			if err != nil {
				return "", err
			}
			b.WriteString(strings.Repeat(raw, n))
			line = rest
			continue
		}
		r, multibyte, rest, err := strconv.UnquoteChar(line, 0)
		if err != nil {
			return "", fmt.Errorf("at %q: %w", line, err)
		}
		if multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		line = rest
	}
	return b.String(), nil
}
