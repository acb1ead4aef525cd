package http1

import (
	"bytes"
	"fmt"
	"math"
)

// stepStart takes empty lines before the request line. It takes no byte, and moves on,
// when the method begins.
func (r *Request) stepStart(c byte) (int, *Error) {
	switch {
	case r.state == stateStartLF && c == '\n':
		r.state = stateStart
		if r.count++; r.count > maxEmpty {
			return 1, errEmptyLines
		}
		return 1, nil
	case r.state == stateStart && c == '\r':
		r.state = stateStartLF
		return 1, nil
	case r.state == stateStart && is(c, token):
		r.state, r.count, r.limit = stateMethod, 0, r.Limits.filled()
		return 0, nil // stepHead takes the byte
	}
	return 0, errRequestLine
}

// stepHead takes bytes of one line of the head, or of a trailer, and returns how many. At
// the end of the line it checks the whole line.
func (r *Request) stepHead(p []byte) (int, *Error) {
	room := r.limit.Head - r.taken
	if r.state < stateLineCR {
		room = r.limit.Line - r.taken
	}
	switch {
	case room > 0:
	case r.state < stateLineCR:
		return 0, lineTooLong(r.limit.Line)
	default:
		return 0, headTooLarge(r.limit.Head)
	}
	p = p[:min(len(p), room)]
	n, err := r.scan(p)
	r.taken += n
	r.keep(p[:n])
	if err != nil || n == 0 || p[n-1] != '\n' {
		return n, err
	}
	switch r.state {
	case stateLineLF:
		err = r.requestLine()
	case stateFieldLF:
		err = r.fieldLine()
	default:
		return n, r.end()
	}
	r.state, r.line, r.seen = stateField, len(r.head), 0
	return n, err
}

// keep appends bytes to the head.
func (r *Request) keep(p []byte) {
	if need := len(r.head) + len(p); need > cap(r.head) {
		r.head = append(make([]byte, 0, max(need, 2*cap(r.head), 256)), r.head...)
	}
	r.head = append(r.head, p...)
}

// scan returns how many bytes of p belong to the present part of the line, and moves on to
// the state of the byte after them.
func (r *Request) scan(p []byte) (int, *Error) {
	c := p[0]
	switch r.state {
	case stateMethod:
		n := span(p, token, len(p))
		switch {
		case n == len(p):
			return n, nil
		case p[n] != ' ':
			return n, errRequestLine
		}
		r.state, r.colon = stateTarget, len(r.head)+n
		return n + 1, nil
	case stateTarget:
		n := span(p, target, len(p))
		r.seen += n
		switch {
		case n == len(p):
			return n, nil
		case p[n] == ' ' && r.seen > 0:
			r.state, r.seen = stateVersion, 0
			return n + 1, nil
		case p[n] == ' ', p[n] == '\r', p[n] == '\n':
			return n, errRequestLine
		}
		return n, malformed(fmt.Sprintf("the byte 0x%02x in the request target", p[n]))
	case stateVersion:
		return r.version(c)
	case stateLineCR:
		switch c {
		case '\r':
			r.state = stateLineLF
			return 1, nil
		case '\n':
			return 0, errLineEnd
		}
		return 0, errRequestLine
	case stateField:
		switch {
		case c == '\r':
			r.state = stateHeadLF
			return 1, nil
		case c == '\n':
			return 0, errHeadEnd
		case c == ' ', c == '\t':
			return 0, errFolded
		case r.count == r.limit.Fields:
			return 0, tooManyFields(r.limit.Fields)
		}
		r.count++
		r.state = stateName
		fallthrough
	case stateName:
		n := span(p, token, r.limit.Field-r.seen)
		r.seen += n
		if n == len(p) {
			return n, nil
		}
		name := func(n int) []byte { return append(bytes.Clone(r.head[r.line:]), p[:n]...) }
		switch c := p[n]; {
		case c == '\r':
			return n, malformed(fmt.Sprintf("no colon after the name of a header field, %.64q", name(n)))
		case c == '\n':
			return n, errFieldEnd
		case r.seen == r.limit.Field:
			return n, fieldTooLarge(name(n), r.limit.Field)
		case c != ':' || r.seen == 0:
			return n, malformed(fmt.Sprintf("%.64q is no name of a header field", name(n+1)))
		}
		r.state, r.colon = stateValue, len(r.head)+n
		r.seen++
		return n + 1, nil
	case stateValue:
		n := span(p, value, r.limit.Field-r.seen)
		r.seen += n
		if n == len(p) {
			return n, nil
		}
		switch c := p[n]; {
		case c == '\r':
			r.state = stateFieldLF
			return n + 1, nil
		case c == '\n':
			return n, errFieldEnd
		case is(c, value):
			return n, fieldTooLarge(r.name(), r.limit.Field)
		}
		return n, malformed(fmt.Sprintf("the byte 0x%02x in the header field %.64s", p[n], r.name()))
	}
	// A line feed.
	switch {
	case c == '\n':
		return 1, nil
	case r.state == stateLineLF:
		return 0, errLineEnd
	case r.state == stateFieldLF:
		return 0, malformed(fmt.Sprintf("a CR in the header field %.64s", r.name()))
	}
	return 0, errHeadEnd
}

// version takes one byte of the version. r.seen is the number of its bytes before that.
func (r *Request) version(c byte) (int, *Error) {
	const form = "HTTP/1.1"
	switch i := r.seen; i {
	case len("HTTP/"), len("HTTP/1."):
		if c < '0' || c > '9' {
			return 0, errRequestLine
		}
	default:
		if c != form[i] {
			return 0, errRequestLine
		}
	}
	if r.seen++; r.seen < len(form) {
		return 1, nil
	}
	r.info.Minor = int(c - '0')
	if major := r.head[len(r.head)-len("1.")]; major != '1' || r.info.Minor > 1 {
		return 1, errVersion
	}
	r.state = stateLineCR
	return 1, nil
}

// name returns the name of the present field.
func (r *Request) name() []byte { return r.head[r.line:r.colon] }

// requestLine is called at the end of the request line. It checks the target.
func (r *Request) requestLine() *Error {
	method, rest := r.head[:r.colon], r.head[r.colon+1:]
	rest = rest[:len(rest)-len(" HTTP/1.1\r\n")]
	r.info.Method, r.info.Target = string(method), string(rest)
	return checkTarget(r.info.Method, rest)
}

// fieldLine is called at the end of a field line. It checks the field, and removes it from
// the head if the server must not see it.
func (r *Request) fieldLine() *Error {
	if r.has&inTrailer != 0 {
		r.head = r.head[:r.line]
		return nil
	}
	name, v := r.name(), bytes.Trim(r.head[r.colon+1:len(r.head)-2], " \t")
	switch {
	case named(name, "host"):
		if err := r.once(hasHost); err != nil {
			return err
		}
		if !validHost(v) {
			return malformed(fmt.Sprintf("the Host %.64q is no host with or without a port", v))
		}
		if len(v) == 0 {
			r.head = append(r.head[:r.colon], ": localhost\r\n"...)
		}
	case named(name, "content-type"):
		return r.once(hasType)
	case named(name, "content-length"):
		if err := r.once(hasLength); err != nil {
			return err
		}
		if r.has&hasChunked != 0 {
			return errBothLengths
		}
		return r.contentLength(v)
	case named(name, "transfer-encoding"):
		if err := r.transferEncoding(v); err != nil {
			return err
		}
		r.head, r.place = r.head[:r.line], r.line
	case named(name, "trailer"):
		r.head = r.head[:r.line]
	case named(name, "expect"):
		for member := range bytes.SplitSeq(v, []byte(",")) {
			switch member = bytes.Trim(member, " \t"); {
			case named(member, "100-continue"):
				r.info.Expect = true
			case len(member) > 0:
				r.has |= hasOtherExpect
			}
		}
		r.head = r.head[:r.line]
	case named(name, "authorization"):
		r.info.Authorization = string(v)
		return r.once(hasAuthorization)
	case named(name, "upgrade"):
		r.has |= hasUpgrade
	case named(name, "connection"):
		for option := range bytes.SplitSeq(v, []byte(",")) {
			switch option = bytes.Trim(option, " \t"); {
			case named(option, "close"):
				r.info.Close = true
			case named(option, "keep-alive"):
				r.has |= hasKeepAlive
			case named(option, "upgrade"):
				r.has |= wantsUpgrade
			}
		}
	}
	return nil
}

// once notes that a field is there. It fails for a second field of that name.
func (r *Request) once(f field) *Error {
	if r.has&f != 0 {
		return malformed(fmt.Sprintf("two header fields %.64s", r.name()))
	}
	r.has |= f
	return nil
}

// transferEncoding checks the value of a Transfer-Encoding. The values of several fields
// are one list. It fails unless the list is chunked alone: this server knows no other
// coding.
func (r *Request) transferEncoding(v []byte) *Error {
	switch {
	case r.info.Minor == 0:
		return errOldChunked
	case r.has&hasLength != 0:
		return errBothLengths
	}
	known := true
	for coding := range bytes.SplitSeq(v, []byte(",")) {
		coding = bytes.Trim(coding, " \t")
		name, _, with := bytes.Cut(coding, []byte(";"))
		name = bytes.TrimRight(name, " \t")
		switch {
		case len(name) == 0 || span(name, token, len(name)) < len(name):
			return malformed(fmt.Sprintf("the Transfer-Encoding %.64q is no list of codings", v))
		case r.has&hasChunked != 0:
			return errAfterChunked
		case !named(name, "chunked"):
			known = false
		case with:
			return errChunkedWith
		default:
			r.has |= hasChunked
		}
	}
	if !known {
		return errEncoding
	}
	return nil
}

// contentLength reads the value of a Content-Length into r.length. A number too large for
// an int becomes math.MaxInt, which is above every limit.
func (r *Request) contentLength(v []byte) *Error {
	for _, c := range v {
		if c < '0' || c > '9' {
			return malformed(fmt.Sprintf("the Content-Length %.64q is no number", v))
		}
		if r.length > (math.MaxInt-9)/10 {
			r.length = math.MaxInt
			continue
		}
		r.length = r.length*10 + int(c-'0')
	}
	if len(v) == 0 {
		return malformed("the Content-Length is empty")
	}
	return nil
}

// end is called at the end of the head, and again at the end of the trailers. It decides
// what follows.
func (r *Request) end() *Error {
	if r.has&inTrailer != 0 {
		r.head = r.head[:r.line]
		r.state = stateDone
		return nil
	}
	if r.info.Minor == 1 && r.has&hasHost == 0 {
		return errNoHost
	}
	connect := r.info.Method == "CONNECT"
	if connect && (r.length > 0 || r.has&hasChunked != 0) {
		return errConnectBody
	}
	r.state = stateBody
	r.info.Length, r.left = r.length, r.length
	if r.has&hasChunked != 0 {
		r.info.Length = -1
	}
	r.info.Expect = r.info.Expect && r.info.Minor == 1 && r.info.Length != 0
	r.info.Close = r.info.Close || r.info.Minor == 0 && r.has&hasKeepAlive == 0
	r.info.Upgrade = connect || r.info.Minor == 1 && r.has&hasUpgrade != 0 && r.has&wantsUpgrade != 0
	r.whole = true
	switch {
	case r.has&hasOtherExpect != 0 && r.info.Minor == 1:
		return errExpect
	case (r.length > 0 || r.has&hasChunked != 0) && r.Stream != nil && r.Stream(r):
		r.stream()
	case r.length > r.limit.Body:
		return bodyTooLarge(r.limit.Body)
	}
	switch {
	case r.has&hasChunked != 0:
		r.state, r.seen = stateChunk, 0
	case r.length == 0:
		r.state = stateDone
	}
	return nil
}
