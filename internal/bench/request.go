package bench

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// request has the bytes of a request for one text. The number in the body differs from
// request to request. The bytes have spaces in its place, which JSON allows there. So the
// length is known, and a request is made by one copy.
type request struct {
	bytes  []byte
	number int // where the field for the number begins
}

// numberWidth is enough for ten million requests a second during a day.
const numberWidth = 12

// makeRequest returns the request for a text. It fails for a text that is not UTF-8:
// JSON cannot have it, and the encoder would send another text instead.
func makeRequest(t *target, o *Options, text string) (request, error) {
	if !utf8.ValidString(text) {
		return request{}, errors.New("not UTF-8")
	}
	var quoted bytes.Buffer
	enc := json.NewEncoder(&quoted)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(text); err != nil {
		return request{}, err
	}
	body := fmt.Appendf(nil, `{"i_request": %*s, "text": %s}`, numberWidth, "", bytes.TrimSpace(quoted.Bytes()))

	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: narwhal-bench\r\nAccept: application/json\r\n", o.Method, t.path, t.host)
	fmt.Fprintf(&b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	if o.DisableKeepAlive {
		b.WriteString("Connection: close\r\n")
	}
	b.WriteString("\r\n")
	number := b.Len() + len(`{"i_request": `)
	b.Write(body)
	return request{bytes: b.Bytes(), number: number}, nil
}

// appendTo appends the request with its number, aligned to the right.
func (r *request) appendTo(b []byte, number int) []byte {
	at := len(b) + r.number
	b = append(b, r.bytes...)
	var digits [20]byte
	d := strconv.AppendInt(digits[:0], int64(number), 10)
	copy(b[at+numberWidth-len(d):], d)
	return b
}
