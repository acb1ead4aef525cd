package bench

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// once returns a handler that reads a request and writes s.
func once(s string) func(t *testing.T, c net.Conn) {
	return func(t *testing.T, c net.Conn) {
		if _, _, ok := read(t, bufio.NewReader(c)); ok {
			io.WriteString(c, s)
		}
	}
}

func TestServersThatMisbehave(t *testing.T) {
	const n = 7
	var served atomic.Int64
	for _, test := range []struct {
		name   string
		o      Options
		handle func(t *testing.T, c net.Conn)
		status map[int]int
		errors map[string]int
	}{
		{name: "closes after the request", handle: once(""),
			errors: map[string]int{ErrNoAnswer: n}},
		{name: "resets after the request", handle: func(t *testing.T, c net.Conn) {
			read(t, bufio.NewReader(c))
			c.(*net.TCPConn).SetLinger(0)
		}, errors: map[string]int{ErrReset: n}},
		{name: "closes within the head", handle: once("HTTP/1.1 200 OK\r\nContent-Le"),
			errors: map[string]int{ErrHalfAnswer: n}},
		{name: "closes within the body", handle: once("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{\"a\":"),
			errors: map[string]int{ErrHalfAnswer: n}},
		{name: "closes within a chunk", handle: once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"),
			errors: map[string]int{ErrHalfAnswer: n}},
		{name: "speaks something else", handle: once("220 mail.example.org ESMTP\r\n\r\n"),
			errors: map[string]int{ErrBadAnswer: n}},
		{name: "sends too much", handle: once(ok("{}") + "{}"),
			errors: map[string]int{ErrBadAnswer: n}},
		{name: "sends no JSON, unchecked", handle: once(ok("<html>")),
			status: map[int]int{200: n}},
		{name: "sends no JSON, checked", o: Options{Check: true}, handle: once(ok("<html>")),
			status: map[int]int{200: n}, errors: map[string]int{ErrBadAnswer: n}},
		{name: "answers differently each time", o: Options{Check: true}, handle: func(t *testing.T, c net.Conn) {
			once(ok(fmt.Sprintf(`{"served":%d}`, served.Add(1))))(t, c)
		}, status: map[int]int{200: n}, errors: map[string]int{ErrDifferent: n - 1}},
		{name: "is overloaded", o: Options{Check: true}, handle: once("HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n"),
			status: map[int]int{503: n}},
		{name: "answers in chunks", o: Options{Check: true}, handle: once("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\n{\r\n1\r\n}\r\n0\r\nTrailer: z\r\n\r\n"),
			status: map[int]int{200: n}},
		{name: "answers until the end", o: Options{Check: true}, handle: once("HTTP/1.0 200 OK\r\n\r\n{}"),
			status: map[int]int{200: n}},
		{name: "sends an interim answer", o: Options{Check: true}, handle: once("HTTP/1.1 100 Continue\r\n\r\n" + ok("{}")),
			status: map[int]int{200: n}},
		{name: "answers before it has read, and closes", o: Options{Texts: []string{strings.Repeat("x", 8<<20)}}, handle: func(t *testing.T, c net.Conn) {
			io.WriteString(c, "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
		}, status: map[int]int{413: n}},
	} {
		t.Run(test.name, func(t *testing.T) {
			o := test.o
			o.URL = listen(t, func(c net.Conn) { test.handle(t, c) })
			o.Requests = n
			r, err := Run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if test.errors == nil {
				test.errors = map[string]int{}
			}
			if test.status == nil {
				test.status = map[int]int{}
			}
			if diff := cmp.Diff(test.errors, r.Errors); diff != "" {
				t.Errorf("errors (- want, + got):\n%s%v", diff, r.FirstError)
			}
			if diff := cmp.Diff(test.status, r.Status); diff != "" {
				t.Errorf("status (- want, + got):\n%s", diff)
			}
			failed := 0
			for _, count := range test.errors {
				failed += count
			}
			right := test.status[200]
			if test.status[200] > 0 {
				right -= failed // a wrong answer has status 200, too
			}
			if r.Requests != n || r.OK != right {
				t.Errorf("%d requests, %d right, want %d and %d", r.Requests, r.OK, n, right)
			}
			if got := r.Service.TotalCount(); got != int64(right) {
				t.Errorf("%d service times, want one for each of the %d right answers", got, right)
			}
		})
	}
}

func TestNobodyListens(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	r, err := Run(t.Context(), Options{URL: "http://" + ln.Addr().String(), Requests: 5})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]int{ErrRefused: 5}
	if diff := cmp.Diff(want, r.Errors); diff != "" || r.Failed() != 5 {
		t.Errorf("%d failed, errors (- want, + got):\n%s", r.Failed(), diff)
	}
}

// If a server closes without reading, the kernel resets the connection. The test cannot
// choose when: before the client writes, while it writes, or after that.
func TestServerClosesAtOnce(t *testing.T) {
	url := listen(t, func(net.Conn) {})
	r, err := Run(t.Context(), Options{URL: url, Requests: 20})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Errors[ErrReset] + r.Errors[ErrNoAnswer]; got != 20 || r.Failed() != 20 {
		t.Errorf("errors %v, want 20 in sum of %q and %q", r.Errors, ErrReset, ErrNoAnswer)
	}
}

func TestDifferenceNamesBoth(t *testing.T) {
	url := listen(t, answerAll(t, func(a asked) string {
		if a.Number == 3 {
			return ok(`{"other":1}`)
		}
		return ok(`{"usual":1}`)
	}))
	r, err := Run(t.Context(), Options{URL: url, Requests: 4, Connections: 1, Check: true, Texts: []string{"a", "b"}})
	if err != nil {
		t.Fatal(err)
	}
	want := &Difference{Text: "b", FirstRequest: 1, First: `{"usual":1}`, SecondRequest: 3, Second: `{"other":1}`}
	if diff := cmp.Diff(want, r.Difference); diff != "" {
		t.Errorf("difference (- want, + got):\n%s", diff)
	}
	if len(r.Answers) != 2 || string(r.Answers[1]) != `{"usual":1}` {
		t.Errorf("answers %s, want the first to each text", r.Answers)
	}
}
