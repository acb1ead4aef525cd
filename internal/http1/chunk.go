package http1

// The grammar of a chunked body (RFC 9112, 7.1):
//
//	*( size [ext] CRLF data CRLF ) 1*("0") [ext] CRLF trailers CRLF
//	ext = *( BWS ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )

// stepChunk takes bytes of the lines around the data of chunks. It returns how many.
func (r *Request) stepChunk(p []byte) (int, *Error) {
	for i, c := range p {
		if err := r.chunkByte(c); err != nil {
			return i, err
		}
		if r.state == stateData || r.state == stateField {
			return i + 1, nil
		}
	}
	return len(p), nil
}

// chunkByte takes one byte, and moves on to the state of the next one.
func (r *Request) chunkByte(c byte) *Error {
	switch r.state {
	case stateDataCR:
		if c != '\r' {
			return errChunkEnd
		}
		r.state = stateDataLF
		return nil
	case stateDataLF:
		if c != '\n' {
			return errChunkEnd
		}
		r.state, r.seen = stateChunk, 0
		return nil
	case stateChunkLF:
		if c != '\n' {
			return errChunkLineEnd
		}
		r.state = stateData
		if r.left == 0 {
			// This was the last chunk. Trailers follow, read like the fields of the head.
			r.state, r.line, r.has, r.seen = stateField, len(r.head), r.has|inTrailer, 0
		}
		return nil
	case stateChunk, stateSize:
		if d := hex(c); d >= 0 {
			return r.digit(d)
		}
		if r.state == stateChunk {
			return errChunkSize
		}
	}
	if c == '\n' {
		return errChunkLineEnd
	}
	next := r.extension(c)
	switch {
	case next == stateDone:
		return errChunkLine
	case next == stateChunkLF:
		r.state = next
		return nil
	}
	r.state = next
	return r.more()
}

// digit takes one digit of a chunk's size. It fails when the body would exceed its limit.
func (r *Request) digit(d int) *Error {
	if r.state == stateChunk {
		r.state, r.left = stateSize, d
	} else {
		if r.left == 0 {
			if err := r.more(); err != nil {
				return err
			}
		}
		if r.left > r.limit.Body>>4 {
			return bodyTooLarge(r.limit.Body)
		}
		r.left = r.left<<4 | d
	}
	if r.left > r.limit.Body-len(r.body) {
		return bodyTooLarge(r.limit.Body)
	}
	return nil
}

// more counts a byte of an extension or a leading zero. It fails above maxExtra.
func (r *Request) more() *Error {
	if r.extra++; r.extra > maxExtra {
		return errChunkExtra
	}
	return nil
}

// extension takes a byte that follows a chunk's size on its line. It returns the next
// state, or stateDone if the grammar does not allow the byte there.
func (r *Request) extension(c byte) state {
	blank := c == ' ' || c == '\t'
	switch r.state {
	case stateSize, stateBlank, stateUnquoted: // after a size, a blank, or a value
		switch {
		case c == ';':
			return stateExtStart
		case blank:
			return stateBlank
		case c == '\r' && r.state != stateBlank:
			return stateChunkLF
		}
	case stateExtStart:
		switch {
		case blank:
			return stateExtStart
		case is(c, token):
			return stateExtName
		}
	case stateExtName, stateExtBlank:
		switch {
		case c == '=':
			return stateExtEqual
		case c == ';':
			return stateExtStart
		case blank:
			return stateExtBlank
		case c == '\r' && r.state == stateExtName:
			return stateChunkLF
		case is(c, token) && r.state == stateExtName:
			return stateExtName
		}
	case stateExtEqual:
		switch {
		case blank:
			return stateExtEqual
		case c == '"':
			return stateQuoted
		case is(c, token):
			return stateExtValue
		}
	case stateExtValue:
		switch {
		case is(c, token):
			return stateExtValue
		case c == ';':
			return stateExtStart
		case blank:
			return stateBlank
		case c == '\r':
			return stateChunkLF
		}
	case stateQuoted:
		switch {
		case c == '"':
			return stateUnquoted
		case c == '\\':
			return stateEscaped
		case is(c, quoted):
			return stateQuoted
		}
	case stateEscaped:
		if is(c, value) {
			return stateQuoted
		}
	}
	return stateDone
}
