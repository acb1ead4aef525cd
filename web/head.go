package web

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/valyala/fasthttp"
)

// Limits of a request's head, Gunicorn's where it has them.
const (
	limitHead   = 16 << 10 // request line and fields together, bytes
	limitTarget = 4094     // what stands between method and version
	limitField  = 8190     // one field, bytes
	limitFields = 100
)

var (
	errVersion = &failure{505, "version_not_supported", "the version of HTTP in the request line is unknown, want HTTP/1.1",
		"HTTP/2 is not spoken here; put a proxy in front"}
	errTransferEncoding = &failure{501, "not_implemented", "the Transfer-Encoding is unknown, want chunked", "send a Content-Length instead"}
)

// checkHead refuses what fasthttp lets through and what two servers in a row
// could understand differently, the ground of request smuggling (RFC 9112,
// 11.2). It reads the fields as they came, since fasthttp has unfolded and
// merged them.
func checkHead(h *fasthttp.RequestHeader) *failure {
	if p := string(h.Protocol()); p != "HTTP/1.1" && p != "HTTP/1.0" {
		return errVersion
	}
	if n := len(h.RequestURI()); n > limitTarget {
		return &failure{414, "uri_too_long", fmt.Sprintf("the request target has %d bytes, want at most %d", n, limitTarget),
			"the text belongs into the body: CURL"}
	}
	var fields int
	var length, encoding, host, kind bool
	for raw := h.RawHeaders(); len(raw) > 0; {
		end := bytes.IndexByte(raw, '\n')
		if end < 1 || raw[end-1] != '\r' {
			return malformed("a header field does not end with CR LF")
		}
		line := raw[:end-1]
		raw = raw[end+1:]
		if len(line) == 0 {
			break
		}
		if fields++; fields > limitFields {
			return &failure{431, "header_too_large", fmt.Sprintf("the request has more than %d header fields", limitFields), "send fewer"}
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if len(line) > limitField {
			return &failure{431, "header_too_large", fmt.Sprintf("the header field %.64q has %d bytes, want at most %d", name, len(line), limitField), "send a shorter one"}
		}
		if line[0] == ' ' || line[0] == '\t' {
			return malformed("a header field is folded over two lines")
		}
		if !isToken(name) {
			return malformed(fmt.Sprintf("%.64q is no name of a header field", name))
		}
		if bytes.IndexByte(value, '\r') >= 0 {
			return malformed(fmt.Sprintf("a CR in the header field %s", name))
		}
		var again *bool
		switch strings.ToLower(string(name)) {
		case "content-length":
			again = &length
		case "transfer-encoding":
			again = &encoding
			if !strings.EqualFold(strings.Trim(string(value), " \t"), "chunked") {
				return errTransferEncoding
			}
		case "host":
			again = &host
		case "content-type":
			again = &kind
		default:
			continue
		}
		if *again {
			return malformed(fmt.Sprintf("two header fields %s", name))
		}
		*again = true
	}
	if length && encoding {
		return malformed("both a Content-Length and a Transfer-Encoding")
	}
	return nil
}

func malformed(message string) *failure {
	return &failure{400, "bad_request", "malformed HTTP: " + message, "use an HTTP library, or see RFC 9112"}
}

// isToken reports whether b is a token as RFC 9110, 5.6.2 has it.
func isToken(b []byte) bool {
	for _, c := range b {
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return len(b) > 0
}
