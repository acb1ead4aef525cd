package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// answers has what a server may send, and how a strict client reads it: the status, the
// body and whether the connection can be used again, or an error.
var answers = []struct{ wire, want string }{
	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "200 {} keep"},
	{"HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n", "200  keep"},
	{"HTTP/1.1 200 OK\r\ncOnTeNt-lEnGtH:\t2 \r\n\r\n{}", "200 {} keep"},
	{"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}", "200 {} close"},
	{"HTTP/1.1 200 OK\r\nConnection: x, Close\r\nContent-Length: 2\r\n\r\n{}", "200 {} close"},
	{"HTTP/1.1 200 OK\r\nConnection: close\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", "200 {} close"},
	{"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}", "200 {} close"},
	{"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\n{}", "200 {} keep"},
	{"HTTP/1.1 200 OK\r\n\r\n{}", "200 {} close"},
	{"HTTP/1.1 204 No Content\r\n\r\n", "204  keep"},
	{"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "304  keep"},
	{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "200 {} keep"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3\r\n{\"a\r\n00A;ext\r\n\":\"123456\"\r\n1\r\n}\r\n0\r\n\r\n", `200 {"a":"123456"} keep`},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\r\nZ: w\r\n\r\n", "200  keep"},
	{"HTTP/1.1 200 OK\r\nX: \xc3\xa9\tz\r\nContent-Length: 2\r\n\r\n{}", "200 {} keep"},

	{"", "EOF"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n{}", "EOF"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", "EOF"},
	{"HTTP/1.1 100 Continue\r\n\r\n", "EOF"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", "EOF"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nX: y\r\n", "EOF"},

	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}x", "malformed"},
	{"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n{}", "malformed"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nx", "malformed"},
	{"HTTP/1.1 101 Switching Protocols\r\n\r\n", "malformed"},
	{"HTTP/1.1 200\r\n\r\n", "malformed"},
	{"HTTP/1.1  200 OK\r\n\r\n", "malformed"},
	{"HTTP/1.1 20x OK\r\n\r\n", "malformed"},
	{"HTTP/1.1 099 OK\r\n\r\n", "malformed"},
	{"HTTP/2.0 200 OK\r\n\r\n", "malformed"},
	{"HTTP/1.2 200 OK\r\n\r\n", "malformed"},
	{"http/1.1 200 OK\r\n\r\n", "malformed"},
	{" HTTP/1.1 200 OK\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\n{}", "malformed"},
	{"HTTP/1.1 200 OK\r\n: 2\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 0\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nX: a\x00b\r\nContent-Length: 0\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0;x\ny\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nno colon\r\n\r\n", "malformed"},
	{"HTTP/1.0 200 \n0\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nX: a\nContent-Length: 0\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\n{}", "malformed"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\n{}", "malformed"},
	{"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n{}", "malformed"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\n{}", "malformed"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n{}", "malformed"},
	{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "malformed"},
	{"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", maxHead+2000) + "\r\n\r\n", "malformed"},
	{"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;" + strings.Repeat("x", maxHead+2000), "malformed"},
}

// said returns an answer in the words of the table answers.
func said(a answer, err error) string {
	var bad malformed
	switch {
	case errors.As(err, &bad):
		return "malformed"
	case err != nil:
		return err.Error()
	}
	return fmt.Sprintf("%d %s %s", a.status, a.body, map[bool]string{true: "close", false: "keep"}[a.close])
}

func TestAnswers(t *testing.T) {
	for _, test := range answers {
		for name, src := range map[string]io.Reader{
			"whole":         strings.NewReader(test.wire),
			"byte by byte":  iotest.OneByteReader(strings.NewReader(test.wire)),
			"EOF with data": iotest.DataErrReader(strings.NewReader(test.wire)),
		} {
			r := reader{src: src}
			got := said(r.next())
			// The reader sees bytes behind an answer only if they come with its last byte.
			if name == "byte by byte" && test.want == "malformed" && strings.HasPrefix(got, "20") {
				continue
			}
			if got != test.want {
				t.Errorf("%.100q, read %s = %q, want %q", test.wire, name, got, test.want)
			}
		}
	}
}

// One reader reads all answers of a connection.
func TestAnswersOneAfterTheOther(t *testing.T) {
	for i := range answers[:9] {
		first := answers[i]
		rd, wr := io.Pipe()
		go func() {
			io.WriteString(wr, answers[0].wire)
			io.WriteString(wr, first.wire)
			wr.Close()
		}()
		r := reader{src: rd}
		r.next()
		if got := said(r.next()); got != first.want {
			t.Errorf("%q after another answer = %q, want %q", first.wire, got, first.want)
		}
	}
}

// net/http accepts every answer that this reader accepts, and reads it in the same way.
// The reverse is not true: net/http is lenient.
func FuzzAnswer(f *testing.F) {
	for _, a := range answers {
		if len(a.wire) < 1000 { // the fuzzer finds nothing from long ones
			f.Add(a.wire)
		}
	}
	f.Fuzz(func(t *testing.T, wire string) {
		r := reader{src: strings.NewReader(wire)}
		got, err := r.next()
		if slow := (&reader{src: iotest.OneByteReader(strings.NewReader(wire))}); err == nil {
			again, err := slow.next()
			if err != nil || said(again, nil) != said(got, nil) {
				t.Errorf("byte by byte %q, whole %q", said(again, err), said(got, nil))
			}
		}
		if err != nil {
			return
		}
		in := bufio.NewReader(strings.NewReader(wire))
		for {
			want, err := http.ReadResponse(in, nil)
			if err != nil {
				t.Fatalf("accepted as %q, net/http says %v", said(got, nil), err)
			}
			if want.StatusCode < 200 {
				continue
			}
			body, err := io.ReadAll(want.Body)
			if err != nil || want.StatusCode != got.status || string(body) != string(got.body) || want.Close && !got.close {
				t.Fatalf("read as %q, net/http reads %d %q, close %v, error %v", said(got, nil), want.StatusCode, body, want.Close, err)
			}
			return
		}
	})
}
