package http1

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// outcome is the state of a Request after some bytes.
type outcome struct {
	Taken int
	Begun bool
	Done  bool
	Head  *Head
	Error *Error
	Given string // what Read returns, if Done
}

// feed writes the pieces until the request is done or refused, and returns the outcome.
func feed(r *Request, pieces ...string) (o outcome) {
	for _, p := range pieces {
		n, err := r.Write([]byte(p))
		o.Taken += n
		if err != nil {
			errors.As(err, &o.Error)
			break
		}
		if n < len(p) {
			break
		}
	}
	o.Begun, o.Done = r.Begun(), r.Done()
	if h := r.Head(); h != nil {
		head := *h
		o.Head = &head
	}
	if o.Done {
		b, _ := io.ReadAll(r)
		o.Given = string(b)
	}
	return o
}

// everySplit returns the outcome for in. It fails if the outcome depends on how the bytes
// are split.
func everySplit(t *testing.T, limits Limits, in string) outcome {
	t.Helper()
	want := feed(&Request{Limits: limits}, in)
	same := func(how string, pieces ...string) {
		t.Helper()
		if diff := cmp.Diff(want, feed(&Request{Limits: limits}, pieces...)); diff != "" {
			t.Fatalf("%q: whole - %s +\n%s", in, how, diff)
		}
	}
	step := 1 + len(in)/1000*20 // for long inputs some of the splits are enough
	for i := len(in) % step; i < len(in); i += step {
		same(fmt.Sprintf("split at %d", i), in[:i], in[i:])
	}
	same("byte by byte", strings.Split(in, "")...)
	return want
}

const (
	line    = "POST / HTTP/1.1\r\n"
	host    = line + "Host: a\r\n"
	chunked = host + "Transfer-Encoding: chunked\r\n\r\n"
)

// Requests that are accepted. given is what Read returns, or "" if that is the input.
func TestGood(t *testing.T) {
	for _, test := range []struct{ name, in, given string }{
		{"the least", host + "\r\n", ""},
		{"empty lines before", "\r\n\r\n" + host + "\r\n", host + "\r\n"},
		{"blanks around values", host + "X: \t b c\t \r\nY:\r\nZ:z\r\n\r\n", ""},
		{"bytes above 127 in a value", host + "X: \xe9\xff\r\n\r\n", ""},
		{"every byte of a name", host + "!#$%&'*+-.^_`|~09azAZ: x\r\n\r\n", ""},
		{"every byte of a target", "GET /azAZ09-._~%41!$&'()*+,;=:@/?[]{}\"<>\\^`| HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"a percent sign in a query", "GET /%41?100% HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"HTTP/1.0 without a host", "GET / HTTP/1.0\r\n\r\n", ""},
		{"no value of Host", line + "Host:\r\n\r\n", line + "Host: localhost\r\n\r\n"}, // H3
		{"blanks as Host", line + "host:  \t\r\nX: y\r\n\r\n", line + "host: localhost\r\nX: y\r\n\r\n"},
		{"a method nobody knows", "bREW / HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"a whole address", "GET http://u.v:80/?x HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"a whole address without a path", "OPTIONS HTTPS://u HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"a whole address with a query only", "GET http://[::1]?x=/ HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"options of the server", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"connect", "CONNECT a.b:443 HTTP/1.1\r\nHost: a\r\n\r\n", ""},
		{"a length", host + "Content-Length: 5\r\n\r\n12345", ""},
		{"a length of zero", host + "Content-Length: 0\r\n\r\n", ""},
		{"a length with zeros in front", host + "Content-Length: 000000000000000000000000000005\r\n\r\n12345", ""},
		{"a body of GET", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n\n", ""},
		{"expect", host + "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\n1", host + "Content-Length: 1\r\n\r\n1"},
		{"expect twice", line + "Expect: 100-continue, 100-CONTINUE\r\nHost: a\r\nExpect:\r\n\r\n", host + "\r\n"},
		{"expect what nobody knows, in HTTP/1.0", "GET / HTTP/1.0\r\nExpect: x\r\n\r\n", "GET / HTTP/1.0\r\n\r\n"},
		{"chunks", line + "Transfer-Encoding: \tChunked \r\nHost: a\r\n\r\n5\r\n12345\r\n00A\r\n\r\n34567890\r\n0\r\n\r\n",
			line + "Content-Length: 15\r\nHost: a\r\n\r\n12345\r\n34567890"},
		{"no chunks", chunked + "0\r\n\r\n", host + "Content-Length: 0\r\n\r\n"},
		{"trailers", host + "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n000\r\nX-Sum: b\r\nContent-Length: 70\r\nAuthorization: c\r\nContent-Type: d\r\nHost: <>\r\n\r\n",
			host + "Content-Length: 1\r\n\r\na"}, // H9
		{"extensions", chunked + "1;a\r\nx\r\n1 ;\ta = b\t;c=\"\\\"\\\\ \xff\";d\r\ny\r\n1;a=\"\"\r\nz\r\n0;e=f\r\n\r\n", host + "Content-Length: 3\r\n\r\nxyz"},
		{"a blank before an extension", chunked + "1 ;a=b\r\nx\r\n0\r\n\r\n", host + "Content-Length: 1\r\n\r\nx"}, // H10
		{"25 zeros before a size", chunked + strings.Repeat("0", 25) + "1\r\nx\r\n0\r\n\r\n", host + "Content-Length: 1\r\n\r\nx"},
		{"as many extensions as may be", chunked + "1;" + strings.Repeat("a", 4095) + "\r\nx\r\n0;" + strings.Repeat("a", 4095) + "\r\n\r\n", host + "Content-Length: 1\r\n\r\nx"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := test.given
			if want == "" {
				want = test.in
			}
			for _, next := range []string{"", "\r\n", "GET / HTTP/1.1\r\n", "\x00"} {
				got := everySplit(t, Limits{}, test.in+next)
				if got.Error != nil || !got.Done || got.Taken != len(test.in) {
					t.Fatalf("%q: %+v, want %d bytes taken", test.in, got, len(test.in))
				}
				if got.Given != want {
					t.Errorf("%q gives %q, want %q", test.in, got.Given, want)
				}
			}
			for end := range len(test.in) {
				begun := strings.TrimLeft(test.in[:end], "\r\n") != ""
				if o := feed(&Request{}, test.in[:end]); o.Done || o.Error != nil || o.Taken != end || o.Begun != begun {
					t.Fatalf("%q: %+v", test.in[:end], o)
				}
			}
		})
	}
}

// Requests that are refused with their last byte, and not before.
func TestBad(t *testing.T) {
	const get = "GET / HTTP/1.1\r\n"
	for _, test := range []struct {
		in     string
		status int
	}{
		// The request line.
		{"GET /healthz HTTP/1.1\n", 400}, // H1
		{"GET / HTTP/1.1\rH", 400},
		{"\n", 400},
		{"\rG", 400},
		{"\r\n\r\n\r\n", 400},
		{" ", 400},
		{"\x16", 400}, // TLS
		{"SSH-2.0-OpenSSH_10.0\r", 400},
		{"GET /\r", 400}, // HTTP/0.9
		{"GET /\n", 400},
		{"GET  ", 400},
		{"GET\t", 400},
		{"GET\r", 400},
		{"GET /\t", 400},
		{"GET /\x01", 400},
		{"GET /\x7f", 400},
		{"GET /\xc3", 400},
		{"GET /#", 400},
		{"GET / x", 400},
		{"GET / h", 400},
		{"GET / HTTP/x", 400},
		{"GET / HTTP/1x", 400},
		{"GET / HTTP/1.x", 400},
		{"GET / HTTP/1.1 ", 400},
		{"GET / HTTP/1.11", 400},
		{"GET / HTTP/1.2", 505},
		{"GET / HTTP/0.9", 505},
		{"GET / HTTP/9.1", 505},
		{"PRI * HTTP/2.0", 505},
		{"GET * HTTP/1.1\r\n", 400},
		{"OPTIONS *a HTTP/1.1\r\n", 400},
		{"GET a HTTP/1.1\r\n", 400},
		{"GET a:80 HTTP/1.1\r\n", 400},
		{"GET ftp://a/ HTTP/1.1\r\n", 400},
		{"GET /% HTTP/1.1\r\n", 400},
		{"GET /a%2 HTTP/1.1\r\n", 400},
		{"GET /a%2g HTTP/1.1\r\n", 400},
		{"GET http://a/%?b HTTP/1.1\r\n", 400},
		{"POST http:/// HTTP/1.1\r\n", 400}, // H11
		{"POST http://?a HTTP/1.1\r\n", 400},
		{"POST http://:80/ HTTP/1.1\r\n", 400},
		{"POST http://a@b/ HTTP/1.1\r\n", 400},
		{"POST http://[::1/ HTTP/1.1\r\n", 400},
		{"CONNECT a HTTP/1.1\r\n", 400},
		{"CONNECT a: HTTP/1.1\r\n", 400},
		{"CONNECT :1 HTTP/1.1\r\n", 400},
		{"CONNECT / HTTP/1.1\r\n", 400},

		// Fields.
		{get + "\n", 400},
		{get + "Host: a\n", 400},
		{get + "Host\n", 400},
		{get + "Host: a\r\n\n", 400},
		{get + "Host: a\r\n\r\r", 400},
		{get + "X: a\rb", 400},
		{get + " ", 400},
		{get + "\t", 400},
		{get + "Host: a\r\n ", 400},
		{get + "Host: a\r\n\t", 400},
		{get + "Host ", 400}, // X : y
		{get + "X ", 400},
		{get + ":", 400},
		{get + "hello\r", 400},
		{get + "\x00", 400},
		{get + "X\x80", 400},
		{get + "X: \x00", 400},
		{get + "X: \x1b", 400},
		{get + "X: \x7f", 400},
		{get + "\r\n", 400},
		{"GET http://a/ HTTP/1.1\r\n\r\n", 400},
		{get + "Host: a\r\nHost: a\r\n", 400},
		{"GET / HTTP/1.0\r\nHost: a\r\nHost:\r\n", 400},
		{get + "Host: a@b\r\n", 400}, // H11
		{get + "Host: a\"b\r\n", 400},
		{get + "Host: <script>\r\n", 400},
		{get + "Host: \xe4\r\n", 400},
		{get + "Host: a b\r\n", 400},
		{get + "Host: a/\r\n", 400},
		{get + "Host: a:b\r\n", 400},
		{get + "Host: a:1:2\r\n", 400},
		{get + "Host: ::1\r\n", 400},
		{get + "Host: [::1]x\r\n", 400},
		{get + "Host: [::1%eth0]\r\n", 400},
		{get + "Host: [1.2.3.4]\r\n", 400},
		{get + "Host: []\r\n", 400},
		{get + "Host: %4\r\n", 400},
		{get + "Host: %zz\r\n", 400},
		{get + "Host: a%41\r\n", 400},
		{"GET http://a%41/ HTTP/1.1\r\n", 400},
		{get + "Host: a, b\r\n", 400},
		{get + "Content-Type: a/b\r\ncontent-type: a/b\r\n", 400},

		// The body's length.
		{line + "Content-Length: 5\r\nContent-Length: 5\r\n", 400},
		{line + "Content-Length: 5, 5\r\n", 400},
		{line + "Content-Length: +5\r\n", 400},
		{line + "Content-Length: -1\r\n", 400},
		{line + "Content-Length: 0x5\r\n", 400},
		{line + "Content-Length: 5 5\r\n", 400},
		{line + "Content-Length:\r\n", 400},
		{line + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400},
		{line + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400},
		{line + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", 400},
		{"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n", 400},
		{line + "Transfer-Encoding: identity\r\n", 501}, // H12
		{line + "Transfer-Encoding: gzip, chunked\r\n", 501},
		{line + "Transfer-Encoding: gzip;q=\"a\", x\r\n", 501},
		{line + "Transfer-Encoding: chunked, gzip\r\n", 400},
		{line + "Transfer-Encoding: chunked, chunked\r\n", 400},
		{line + "Transfer-Encoding: gzip, chunked, chunked\r\n", 400},
		{line + "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", 400},
		{line + "Transfer-Encoding: chunked;a=b\r\n", 400},
		{line + "Transfer-Encoding: chunked;\r\n", 400},
		{line + "Transfer-Encoding: chunked,\r\n", 400},
		{line + "Transfer-Encoding: ,chunked\r\n", 400},
		{line + "Transfer-Encoding: \"chunked\"\r\n", 400},
		{line + "Transfer-Encoding: chunked x\r\n", 400},
		{line + "Content-Length: 5\r\nTransfer-Encoding: gzip\r\n", 400},
		{line + "Transfer-Encoding: \x0b", 400},
		{line + "Transfer-Encoding: x\r\n", 501},
		{line + "Transfer-Encoding:\r\n", 400},
		{line + "Transfer-Encoding ", 400},
		{host + "Content-Length: 1048577\r\n\r\n", 413},
		{host + "Content-Length: 99999999999999999999999999\r\n\r\n", 413},
		{host + "Content-Length: 18446744073709551617\r\n\r\n", 413},
		{host + "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n", 413},
		{host + "Expect: x\r\nContent-Length: 1048577\r\n\r\n", 417},
		{host + "Expect: 100-continue, x\r\n\r\n", 417},
		{host + "Expect: 100-continue=1\r\n\r\n", 417},
		{host + "Expect: 100-continue\r\nExpect: x\r\n\r\n", 417},
		{"CONNECT a:1 HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n", 400},
		{"CONNECT a:1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 400},

		// Chunks.
		{chunked + "x", 400},
		{chunked + "\r", 400},
		{chunked + "\n", 400},
		{chunked + " ", 400},
		{chunked + "+", 400},
		{chunked + "0x", 400},
		{chunked + "1\n", 400},
		{chunked + "1\r1", 400},
		{chunked + "2d \r", 400},    // H10
		{chunked + "2d;\r", 400},    // H10
		{chunked + "2d;a\x00", 400}, // H10
		{chunked + "2d;;", 400},
		{chunked + "2d;=", 400},
		{chunked + "2d;a=\r", 400},
		{chunked + "2d;a \r", 400},
		{chunked + "2d;a b", 400},
		{chunked + "2d;a=b \r", 400},
		{chunked + "2d;a=b c", 400},
		{chunked + "2d;a=b=", 400},
		{chunked + "2d;a=\"\r", 400},
		{chunked + "2d;a=\"\n", 400},
		{chunked + "2d;a=\"\x00", 400},
		{chunked + "2d;a=\"\\\r", 400},
		{chunked + "2d;a=\"b\"c", 400},
		{chunked + "2d;a\n", 400},
		{chunked + "2d 2", 400},
		{chunked + "1\r\nab", 400},
		{chunked + "1\r\na\n", 400},
		{chunked + "1\r\na\r1", 400},
		{chunked + "1\r\na\r\n\r", 400},
		{chunked + "100001", 413},
		{chunked + "1;" + strings.Repeat("a", maxExtra), 400},
		{chunked + "0;" + strings.Repeat("0", maxExtra), 400},
		{chunked + strings.Repeat("0", maxExtra+2), 400},
		{chunked + "1;" + strings.Repeat("a", 5000) + "\r\nx\r\n1;" + strings.Repeat("a", maxExtra-5001), 400},

		// Trailers are read as fields are.
		{chunked + "0\r\nX: y\n", 400}, // H8
		{chunked + "0\r\n\n", 400},     // H8
		{chunked + "0\r\n ", 400},
		{chunked + "0\r\nX: y\r\n ", 400},
		{chunked + "0\r\nX ", 400},
		{chunked + "0\r\nX: \x00", 400},
		{chunked + "0\r\nX\r", 400},
		{chunked + "0\r\n\r\r", 400},
		{chunked + "0\r\n:", 400},
	} {
		before := test.in[:len(test.in)-1]
		if o := feed(&Request{}, before); o.Error != nil || o.Done || o.Taken != len(before) {
			t.Errorf("%q: %+v, want nothing yet", before, o)
			continue
		}
		for _, next := range []string{"", "\r\n\r\n", "GET /"} {
			o := everySplit(t, Limits{}, test.in+next)
			if o.Error == nil || o.Error.Status != test.status || o.Error.Message == "" || o.Error.Hint == "" || o.Done {
				t.Errorf("%q: %+v, want %d", test.in, o, test.status)
			}
			if whole := test.status == 413 || test.status == 417 || strings.HasPrefix(test.in, chunked); whole != (o.Head != nil) {
				t.Errorf("%q: the head is known: %t, want %t", test.in, o.Head != nil, whole)
			}
		}
	}
}

// Each limit, just kept and just exceeded.
func TestLimits(t *testing.T) {
	limits := Limits{Head: 200, Line: 33, Field: 50, Fields: 5, Body: 30}
	x := func(n int) string { return strings.Repeat("x", n) }
	for _, test := range []struct {
		in     string
		status int // 0: the request is accepted
	}{
		{"GET /" + x(19) + " HTTP/1.1\r\nHost: a\r\n\r\n", 0},
		{"GET /" + x(20) + " HTTP/1.1", 414},
		{"GET /" + x(29), 414},
		{"\r\nGET /" + x(19) + " HTTP/1.1\r\nHost: a\r\n\r\n", 0},
		{host + x(40) + ": " + x(8) + "\r\n\r\n", 0},
		{host + x(40) + ": " + x(9), 431},
		{host + x(49) + ":\r\n\r\n", 0},
		{host + x(50) + ":", 431},
		{host + x(51), 431},
		{host + strings.Repeat("X: y\r\n", 4) + "\r\n", 0},
		{host + strings.Repeat("X: y\r\n", 4) + "X", 431},
		{x(34), 414},
		{host + x(50-2) + ":y\r\n" + x(50-2) + ":y\r\n" + x(50-2) + ":y\r\n" + x(200-len(host)-3*52-5) + ":\r\n\r\n", 0},
		{host + x(50-2) + ":y\r\n" + x(50-2) + ":y\r\n" + x(50-2) + ":y\r\n" + x(201-len(host)-3*52-5) + ":\r\n\r\n", 431},
		{host + "Content-Length: 30\r\n\r\n" + x(30), 0},
		{host + "Content-Length: 31\r\n\r\n", 413},
		{chunked + "1e\r\n" + x(30) + "\r\n0\r\n\r\n", 0},
		{chunked + "1f", 413},
		{chunked + "1d\r\n" + x(29) + "\r\n2", 413},
		{chunked + "1d\r\n" + x(29) + "\r\n1\r\nx\r\n0\r\n\r\n", 0},
		{chunked + "0\r\n" + strings.Repeat("X: y\r\n", 3) + "\r\n", 0},
		{chunked + "0\r\n" + strings.Repeat("X: y\r\n", 3) + "X", 431},
		{chunked + "0\r\n" + x(49) + ":\r\n\r\n", 0},
		{chunked + "0\r\n" + x(49) + ":y", 431},
		{chunked + "0\r\n" + x(48) + ":y\r\n" + x(48) + ":y\r\n" + x(201-len(chunked)-2*52), 431},
	} {
		o := everySplit(t, limits, test.in)
		switch {
		case test.status == 0 && (o.Error != nil || !o.Done):
			t.Errorf("%q: %+v, want it taken", test.in, o)
		case test.status != 0 && (o.Error == nil || o.Error.Status != test.status):
			t.Errorf("%q: %+v, want %d", test.in, o, test.status)
		case test.status != 0 && feed(&Request{Limits: limits}, test.in[:len(test.in)-1]).Error != nil:
			t.Errorf("%q is refused too early", test.in)
		}
	}
}

func TestHead(t *testing.T) {
	for _, test := range []struct {
		in   string
		want Head
	}{
		{"GET /a?b HTTP/1.1\r\nHost: a\r\n\r\n", Head{Method: "GET", Target: "/a?b", Minor: 1}},
		{"GET / HTTP/1.0\r\n\r\n", Head{Method: "GET", Target: "/", Close: true}},
		{"GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", Head{Method: "GET", Target: "/"}},
		{"GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", Head{Method: "GET", Target: "/", Close: true}},
		{host + "Connection: x\r\nconnection: y ,\tCLOSE\r\n\r\n", Head{Method: "POST", Target: "/", Minor: 1, Close: true}},
		{host + "Connection: closed\r\n\r\n", Head{Method: "POST", Target: "/", Minor: 1}},
		{host + "Connection: keep-alive, close\r\n\r\n", Head{Method: "POST", Target: "/", Minor: 1, Close: true}},
		{host + "Content-Length: 7\r\nExpect: 100-CONTINUE\r\n\r\n", Head{Method: "POST", Target: "/", Minor: 1, Length: 7, Expect: true}},
		{host + "Expect: 100-continue\r\n\r\n", Head{Method: "POST", Target: "/", Minor: 1}},
		{"POST / HTTP/1.0\r\nContent-Length: 7\r\nExpect: 100-continue\r\n\r\n", Head{Method: "POST", Target: "/", Length: 7, Close: true}},
		{chunked, Head{Method: "POST", Target: "/", Minor: 1, Length: -1}},
		{host + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", Head{Method: "POST", Target: "/", Minor: 1, Upgrade: true}},
		{host + "Upgrade: websocket\r\n\r\n", Head{Method: "POST", Target: "/", Minor: 1}},
		{host + "Connection: upgrade\r\n\r\n", Head{Method: "POST", Target: "/", Minor: 1}},
		{"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", Head{Method: "CONNECT", Target: "a:1", Minor: 1, Upgrade: true}},
	} {
		o := everySplit(t, Limits{}, test.in)
		if o.Head == nil {
			t.Errorf("%q: %+v, want a head", test.in, o)
			continue
		}
		if diff := cmp.Diff(test.want, *o.Head); diff != "" {
			t.Errorf("%q, want - got +\n%s", test.in, diff)
		}
	}
}

func TestHosts(t *testing.T) {
	for _, s := range []string{"", "a", "a.b.", "a:", "a:0", "a:99999", ":80", "1.2.3.4", "1.2.3.4:5", "[::1]", "[::1]:", "[2001:db8::1]:80",
		"[::ffff:1.2.3.4]", "a_b", "a~b", "xn--a", "-", "a!$&'()*+,;=b"} {
		if !validHost([]byte(s)) {
			t.Errorf("the host %q is refused", s)
		}
	}
}

// The memory of a request depends on the bytes that have arrived, not on the length that
// the client has announced.
func TestMemoryFollowsTheBytes(t *testing.T) {
	for _, head := range []string{host + "Content-Length: 1000000\r\n\r\n", chunked + "f0000\r\n"} {
		r := &Request{}
		came := len(head)
		feed(r, head)
		for range 30_000 {
			feed(r, "x")
			if came++; r.Size() > 2*came+1000 {
				t.Fatalf("after %d bytes %d are held", came, r.Size())
			}
		}
		r.Reset()
		if r.Size() != 0 || r.Begun() {
			t.Errorf("after Reset %d bytes are held", r.Size())
		}
	}
}

// Read returns the same bytes whatever the size of its buffer.
func TestReadInPieces(t *testing.T) {
	const in = chunked + "5\r\n12345\r\n0\r\n\r\n"
	want := feed(&Request{}, in).Given
	for size := 1; size < len(in); size++ {
		r := &Request{}
		if _, err := r.Write([]byte(in)); err != nil {
			t.Fatal(err)
		}
		var got strings.Builder
		if _, err := io.CopyBuffer(&got, struct{ io.Reader }{r}, make([]byte, size)); err != nil || got.String() != want {
			t.Errorf("in pieces of %d: %q, %v", size, got.String(), err)
		}
	}
}

// One Request reads many requests, one after the other.
func TestManyRequests(t *testing.T) {
	one := []byte(chunked + "1\r\na\r\n0\r\n\r\n" + host + "Content-Length: 2\r\n\r\nbc" + "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
	rest := []byte(strings.Repeat(string(one), 1000))
	r := &Request{Limits: Limits{Body: 2}}
	done := 0
	for len(rest) > 0 {
		n, err := r.Write(rest)
		if err != nil || !r.Done() {
			t.Fatalf("request %d: %d, %v", done, n, err)
		}
		rest = rest[n:]
		done++
		r.Reset()
	}
	if done != 3000 {
		t.Errorf("%d requests, want 3000", done)
	}
}

func BenchmarkRequest(b *testing.B) {
	body := `{"text":"` + strings.Repeat("Angela Merkel was born in Hamburg. ", 19) + `"}`
	in := []byte("POST / HTTP/1.1\r\nHost: localhost:8000\r\nUser-Agent: python-requests/2.32.3\r\nAccept-Encoding: gzip, deflate\r\nAccept: */*\r\n" +
		"Connection: keep-alive\r\nContent-Type: application/json\r\nX-Request-Id: 0123456789abcdef\r\n" + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body)) + body)
	b.SetBytes(int64(len(in)))
	b.ReportAllocs()
	to := make([]byte, 4096)
	r := &Request{}
	for b.Loop() {
		if _, err := r.Write(in); err != nil || !r.Done() {
			b.Fatal(err)
		}
		for {
			if _, err := r.Read(to); err != nil {
				break
			}
		}
		r.Reset()
	}
}
