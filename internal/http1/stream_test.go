package http1

import (
	"io"
	"strings"
	"testing"
)

// A body can be taken while it arrives, however the bytes are split.
func TestStream(t *testing.T) {
	const body = "one\ntwo\nthree\n"
	for name, message := range map[string]string{
		"length": "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 14\r\nContent-Type:  a/b \r\n\r\n" + body,
		"chunks": "POST /x HTTP/1.1\r\nHost: h\r\nContent-Type: a/b\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"4;x=y\r\none\n\r\n0a\r\ntwo\nthree\n\r\n0\r\nA: b\r\n\r\n",
	} {
		for size := 1; size <= len(message); size++ {
			asked := 0
			r := Request{Limits: Limits{Body: 3}, Stream: func(r *Request) bool {
				asked++
				return r.Head().Method == "POST" && r.Field("content-type") == "a/b" && r.Field("none") == ""
			}}
			var got strings.Builder
			head := ""
			all := message + "next"
			taken := 0
			for at := 0; at < len(all) && !r.Done(); at += size {
				n, err := r.Write([]byte(all[at:min(at+size, len(all))]))
				if err != nil {
					t.Fatalf("%s by %d: %v", name, size, err)
				}
				taken += n
				if r.Streams() && head == "" {
					b, _ := io.ReadAll(&r)
					head = string(b)
				}
				p := make([]byte, 5)
				for n := r.Take(p); n > 0; n = r.Take(p) {
					got.Write(p[:n])
				}
			}
			if got.String() != body || !r.Done() || r.Untaken() != 0 || taken != len(message) || asked != 1 {
				t.Fatalf("%s by %d: body %q, done %v, %d bytes taken, asked %d times", name, size, got.String(), r.Done(), taken, asked)
			}
			if strings.Contains(head, "Content-Length") || strings.Contains(head, "Encoding") || !strings.HasPrefix(head, "POST /x HTTP/1.1\r\n") || !strings.HasSuffix(head, "\r\n\r\n") {
				t.Fatalf("%s by %d: head %q", name, size, head)
			}
			r.Reset()
			if r.Stream == nil || r.Streams() {
				t.Fatal("Reset keeps Stream, and nothing else of a stream")
			}
		}
	}
}

// The limit of a body holds for requests that do not stream, and a body of no bytes is
// none to stream.
func TestStreamOnlyWhenAsked(t *testing.T) {
	no := Request{Limits: Limits{Body: 3}, Stream: func(*Request) bool { return false }}
	if _, err := no.Write([]byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n")); err == nil {
		t.Error("a body above the limit was accepted")
	}
	empty := Request{Stream: func(*Request) bool { return true }}
	if _, err := empty.Write([]byte("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")); err != nil || !empty.Done() || empty.Streams() {
		t.Errorf("an empty body: %v, done %v, streams %v", err, empty.Done(), empty.Streams())
	}
}
