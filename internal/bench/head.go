package bench

import (
	"bytes"
	"fmt"
)

// head is what the status line and the header fields say about the rest of an answer.
type head struct {
	status  int
	length  int // of the body in bytes; -1: not given
	chunked bool
	close   bool // Connection: close
	keep    bool // Connection: keep-alive, which HTTP/1.0 needs
}

// parseHead reads a head with the empty line at its end.
func parseHead(b []byte) (head, error) {
	line, rest, _ := bytes.Cut(b, crlf)
	h := head{length: -1}

	// HTTP/1.1 200 OK. The space after the code is required, the reason is not.
	const form = "HTTP/1.1 200 "
	if len(line) < len(form) || string(line[:7]) != "HTTP/1." || (line[7] != '0' && line[7] != '1') || line[8] != ' ' || line[12] != ' ' || !isText(line[13:]) {
		return h, malformed(fmt.Sprintf("status line %.60q", line))
	}
	for _, c := range line[9:12] {
		if c < '0' || c > '9' {
			return h, malformed(fmt.Sprintf("status line %.60q", line))
		}
		h.status = h.status*10 + int(c-'0')
	}
	if h.status < 100 {
		return h, malformed(fmt.Sprintf("status line %.60q", line))
	}
	old := line[7] == '0'

	for {
		line, rest, _ = bytes.Cut(rest, crlf)
		if len(line) == 0 {
			break
		}
		if err := h.field(line); err != nil {
			return h, err
		}
	}
	if h.chunked && (old || h.length >= 0) {
		return h, malformed("chunked, and HTTP/1.0 or with a Content-Length")
	}
	h.close = h.close || old && !h.keep
	return h, nil
}

var crlf = []byte("\r\n")

func (h *head) field(line []byte) error {
	name, value, ok := bytes.Cut(line, []byte(":"))
	if !ok || len(name) == 0 {
		return malformed(fmt.Sprintf("header field %.60q", line))
	}
	for _, c := range name {
		if !isToken[c] {
			return malformed(fmt.Sprintf("header field %.60q", line))
		}
	}
	if !isText(value) {
		return malformed(fmt.Sprintf("header field %.60q", line))
	}
	value = bytes.Trim(value, " \t")
	switch {
	case equalFold(name, "content-length"):
		if h.length >= 0 {
			return malformed("more than one Content-Length")
		}
		n, err := contentLength(value)
		h.length = n
		return err
	case equalFold(name, "transfer-encoding"):
		if h.chunked || !equalFold(value, "chunked") {
			return malformed(fmt.Sprintf("Transfer-Encoding %.60q", value))
		}
		h.chunked = true
	case equalFold(name, "connection"):
		for len(value) > 0 {
			var token []byte
			token, value, _ = bytes.Cut(value, []byte(","))
			switch token = bytes.Trim(token, " \t"); {
			case equalFold(token, "close"):
				h.close = true
			case equalFold(token, "keep-alive"):
				h.keep = true
			}
		}
	}
	return nil
}

func contentLength(value []byte) (int, error) {
	if len(value) == 0 {
		return 0, malformed("Content-Length without a number")
	}
	n := 0
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, malformed(fmt.Sprintf("Content-Length %.60q", value))
		}
		if n = n*10 + int(c-'0'); n > maxBody {
			return 0, malformed(fmt.Sprintf("body of more than %d bytes", maxBody))
		}
	}
	return n, nil
}

// isText reports whether b has no control characters but tabs. A CR or LF inside a line
// is the most important one.
func isText(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return true
}

// equalFold is like bytes.EqualFold, but for ASCII only. bytes.EqualFold would take the
// Kelvin sign for a k. lower must be in lower case.
func equalFold(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i := range b {
		c := b[i]
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}

// isToken is true for the characters of a token (RFC 9110, 5.6.2).
var isToken = func() (t [256]bool) {
	for _, c := range "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz" {
		t[c] = true
	}
	return t
}()
