package web

import (
	"bytes"
	"strings"

	"github.com/valyala/fasthttp"
)

// preference is an element of an Accept or Accept-Encoding field: what a client can take,
// and how much it likes that.
type preference struct {
	name string // in lower case: a media range such as text/*, or a content coding
	q    int    // 0 to 1000; 0: the client cannot take it
}

// preferences reads a field of a request that may be there several times (RFC 9110,
// 12.4.2). It leaves out elements that are not valid, and ignores all parameters but q.
func preferences(h *fasthttp.RequestHeader, field string) []preference {
	var all []preference
	for _, line := range h.PeekAll(field) {
		for _, element := range splitUnquoted(string(line), ',') {
			parts := splitUnquoted(element, ';')
			p := preference{name: strings.ToLower(strings.Trim(parts[0], " \t")), q: 1000}
			for _, parameter := range parts[1:] {
				name, value, _ := strings.Cut(strings.Trim(parameter, " \t"), "=")
				if strings.EqualFold(name, "q") {
					p.q = weight(value)
					break // what follows is not a part of the media range
				}
			}
			if p.name != "" && p.q >= 0 {
				all = append(all, p)
			}
		}
	}
	return all
}

// weight reads the value of q: 0 to 1 with at most three decimals. It returns thousandths,
// or -1 for anything else.
func weight(value string) int {
	if len(value) == 0 || len(value) > 5 || len(value) > 1 && value[1] != '.' || value[0] != '0' && value[0] != '1' {
		return -1
	}
	digits := (value[:1] + strings.TrimPrefix(value[1:], ".") + "000")[:4]
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' {
			return -1
		}
		n = 10*n + int(c-'0')
	}
	if n > 1000 {
		return -1
	}
	return n
}

// splitUnquoted splits s at each sep that is not in a quoted string.
func splitUnquoted(s string, sep byte) []string {
	var parts []string
	from, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			quoted = !quoted
		case c == '\\' && quoted:
			i++
		case c == sep && !quoted:
			parts = append(parts, s[from:i])
			from = i + 1
		}
	}
	return append(parts, s[from:])
}

// prefersHTML reports whether the client would rather have text/html than
// application/json. A client that likes both alike gets JSON, and so does a client that
// can take neither: it can at least read a status and an error.
func (r *request) prefersHTML() bool {
	accept := preferences(&r.Request.Header, fasthttp.HeaderAccept)
	return ofMedia(accept, "text/html") > ofMedia(accept, "application/json")
}

// ofMedia returns how much a client likes a media type. The most specific range that
// includes the type counts (RFC 9110, 12.5.1).
func ofMedia(accept []preference, media string) int {
	kind, _, _ := strings.Cut(media, "/")
	for _, name := range []string{media, kind + "/*", "*/*"} {
		if q, ok := liking(accept, name); ok {
			return q
		}
	}
	return 0
}

// liking returns the largest q of the elements with this name, and whether there are any.
func liking(all []preference, name string) (q int, ok bool) {
	for _, p := range all {
		if p.name == name {
			q, ok = max(q, p.q), true
		}
	}
	return q, ok
}

// vary adds the name of a field to Vary: the answer depends on that field of the request.
func (r *request) vary(field string) {
	h := &r.Response.Header
	if before := h.Peek(fasthttp.HeaderVary); len(before) > 0 {
		field = string(bytes.Join([][]byte{before, []byte(field)}, []byte(", ")))
	}
	h.Set(fasthttp.HeaderVary, field)
}
