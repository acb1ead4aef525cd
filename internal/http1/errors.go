package http1

import "fmt"

// Error says why a request is refused. The connection cannot be used for another request,
// because it is not known where the next request begins.
type Error struct {
	Status  int    // HTTP status of the answer
	Type    string // error_type in the answer's body
	Message string // what is wrong
	Hint    string // what to do
}

func (e *Error) Error() string { return e.Message }

func malformed(message string) *Error {
	return &Error{400, "bad_request", "malformed HTTP: " + message, "use an HTTP library, or see RFC 9112"}
}

var (
	errRequestLine  = malformed("the request line is not of the form GET / HTTP/1.1")
	errLineEnd      = malformed("the request line does not end with CR LF")
	errFieldEnd     = malformed("a header field does not end with CR LF")
	errHeadEnd      = malformed("the empty line after the header fields is no CR LF")
	errEmptyLines   = malformed(fmt.Sprintf("more than %d empty lines before the request line", maxEmpty))
	errFolded       = malformed("a header field is folded over two lines")
	errNoHost       = malformed("no header field Host, which HTTP/1.1 demands")
	errBothLengths  = malformed("both a Content-Length and a Transfer-Encoding")
	errOldChunked   = malformed("a Transfer-Encoding in HTTP/1.0")
	errConnectBody  = malformed("a body with CONNECT")
	errAfterChunked = malformed("the Transfer-Encoding has a coding after chunked, want chunked once and last")
	errChunkedWith  = malformed("the coding chunked has parameters in the Transfer-Encoding")
	errChunkSize    = malformed("the size of a chunk is no hexadecimal number")
	errChunkLine    = malformed("a chunk's size and extensions are not of the form 1a;name=value")
	errChunkLineEnd = malformed("the line of a chunk's size does not end with CR LF")
	errChunkEnd     = malformed("a chunk is longer than its size says, or does not end with CR LF")
	errChunkExtra   = malformed(fmt.Sprintf("the chunks have more than %d bytes of extensions and leading zeros", maxExtra))

	errVersion = &Error{505, "version_not_supported", "the version of HTTP in the request line is unknown, want HTTP/1.1",
		"HTTP/2 is not spoken here; put a proxy in front"}
	errEncoding = &Error{501, "not_implemented", "the Transfer-Encoding is unknown, want chunked", "send a Content-Length instead"}
	errExpect   = &Error{417, "expectation_failed", "the Expect is unknown, want 100-continue", "leave the header field Expect out"}
)

func lineTooLong(limit int) *Error {
	return &Error{414, "uri_too_long", fmt.Sprintf("the request line has more than %d bytes", limit),
		"the text belongs into the body; for longer targets, have the server started with a larger --limit-request-line"}
}

func headTooLarge(limit int) *Error {
	return &Error{431, "header_too_large", fmt.Sprintf("the request line and the header fields have more than %d bytes", limit),
		"send fewer or shorter header fields; the text belongs into the body"}
}

func fieldTooLarge(name []byte, limit int) *Error {
	return &Error{431, "header_too_large", fmt.Sprintf("the header field %.64q has more than %d bytes", name, limit),
		"send a shorter one, or have the server started with a larger --limit-request-field-size"}
}

func tooManyFields(limit int) *Error {
	return &Error{431, "header_too_large", fmt.Sprintf("the request has more than %d header fields", limit),
		"send fewer, or have the server started with a larger --limit-request-fields"}
}

func bodyTooLarge(limit int) *Error {
	return &Error{413, "body_too_large", fmt.Sprintf("the body has more than %d bytes", limit),
		"send the text in parts, or have the server started with a larger --limit-body"}
}
