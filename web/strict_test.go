package web

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
)

// allAnswers sends pieces on a new connection, as allOf does.
func (s *service) allAnswers(t *testing.T, pieces ...string) string {
	t.Helper()
	return allOf(t, s.dial(t), pieces...)
}

// The answers to every request of testdata/http are the same, however its bytes are
// split.
func TestBytesInPieces(t *testing.T) {
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2}}, Options{KeepAlive: 20 * time.Second, LimitBody: 1000, Model: "fake", ModelID: "fake-1.0", Version: "v0", Timeout: 30 * time.Second})
	files, err := os.ReadDir("testdata/http")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		b, err := os.ReadFile("testdata/http/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, block := range strings.Split(string(b), "\n\n== ")[1:] {
			title, rest, _ := strings.Cut(block, "\n")
			request, _, _ := strings.Cut(rest, "\n----")
			raw := wire(t, request)
			want := s.allAnswers(t, raw)
			for how, pieces := range map[string][]string{
				"in two":       {raw[:len(raw)/2], raw[len(raw)/2:]},
				"byte by byte": strings.Split(raw, ""),
			} {
				if got := s.allAnswers(t, pieces...); got != want {
					t.Errorf("%s, %s:\n%s\nwant\n%s", title, how, got, want)
				}
			}
		}
	}
}

// smuggled is a second request behind a bad one. The server must not answer it.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"

// Bytes that another server may read as one request must not be two requests here.
func TestNothingIsSmuggled(t *testing.T) {
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2}}, Options{KeepAlive: 20 * time.Second})
	const (
		post    = "POST / HTTP/1.1\r\nHost: a\r\n"
		chunked = post + "Transfer-Encoding: chunked\r\n\r\n"
	)
	for _, in := range []string{
		chunked + "0\r\nX: y\n\n" + smuggled, // H8
		chunked + "0\r\n\n" + smuggled,
		chunked + "0\r\nX : y\r\n\r\n" + smuggled,
		chunked + "0\r\nX: y\r\n z\r\n\r\n" + smuggled,
		chunked + "0\n\n" + smuggled,
		chunked + "0 \r\n\r\n" + smuggled, // H10
		chunked + "2d \r\n" + strings.Repeat("x", 0x2d) + "\r\n0\r\n\r\n" + smuggled,
		chunked + "2d;\r\n" + strings.Repeat("x", 0x2d) + "\r\n0\r\n\r\n" + smuggled,
		chunked + "2d;a\x00\r\n" + strings.Repeat("x", 0x2d) + "\r\n0\r\n\r\n" + smuggled,
		chunked + "1;\n\r\nx\r\n0\r\n\r\n" + smuggled,
		chunked + "0x0\r\n\r\n" + smuggled,
		chunked + "1\r\nxy\r\n0\r\n\r\n" + smuggled,
		chunked + "10000000000000000\r\n\r\n0\r\n\r\n" + smuggled,
		post + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		post + "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" + smuggled,
		post + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		post + "Transfer-Encoding: identity, chunked\r\n\r\n0\r\n\r\n" + smuggled, // H12
		post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + smuggled,
		post + "Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n" + smuggled,
		post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + smuggled,
		post + " Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		post + "X: y\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		post + "X: y\rTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		post + "X: \x00\r\n\r\n" + smuggled,
		post + "Content-Length: 0\r\nContent-Length: 5\r\n\r\n" + smuggled,
		post + "Content-Length: 0, 5\r\n\r\n" + smuggled,
		post + "Content-Length: 0x0\r\n\r\n" + smuggled,
		post + "Content-Length: +0\r\n\r\n" + smuggled,
		post + "Content-Length:\r\n\r\n" + smuggled,
		"POST / HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + smuggled,
		"GET /healthz HTTP/1.1\nHost: a\n\n" + smuggled, // H1
		"GET /healthz HTTP/1.1\r\nHost: a\r\n\n" + smuggled,
		"GET /healthz HTTP/1.1\r\nHost: a@b\r\n\r\n" + smuggled, // H11
		"GET /healthz HTTP/1.1\r\nHost: a\"b\r\n\r\n" + smuggled,
		"GET /healthz HTTP/1.1\r\nHost: <script>\r\n\r\n" + smuggled,
		"GET /healthz HTTP/1.1\r\nHost: \xe4\r\n\r\n" + smuggled,
		"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n" + smuggled,
		"POST http:/// HTTP/1.1\r\nHost: a\r\n\r\n" + smuggled,
		"GET /healthz\r\n" + smuggled,
		"GET /healthz HTTP/1.1\r\n\r\n" + smuggled,
	} {
		all := s.allAnswers(t, in)
		status, _, _ := strings.Cut(strings.TrimPrefix(all, "HTTP/1.1 "), " ")
		want := "400"
		switch {
		case strings.Contains(in, "identity") || strings.Contains(in, "xchunked"):
			want = "501"
		case strings.Contains(in, "10000000000000000"):
			want = "413"
		}
		if status != want || strings.Count(all, "\r\nServer: ") != 1 || !strings.Contains(all, "\r\nConnection: close\r\n") {
			t.Errorf("%q is answered %q, want %s and the end", in, all, want)
		}
	}
}

// Trailers are read and dropped, as RFC 9110, 6.5.1 allows (H9). An empty Host is valid
// (H3). Extensions of chunks do not belong to the body (H10).
func TestRareButRight(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: 20 * time.Second})
	const chunk = "11\r\n{\"text\":\"Angela\"}\r\n"
	for _, in := range []string{
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + "0\r\nContent-Type: text/plain\r\nAuthorization: x\r\nContent-Length: 3\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nTrailer: Content-Length\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk + "0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost:\r\nTransfer-Encoding: chunked\r\n\r\n11 ;a=b\r\n" + chunk[4:] + "0\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: \r\nTransfer-Encoding: chunked\r\n\r\n" + strings.Repeat("0", 25) + chunk + "000\r\n\r\n",
		"\r\nPOST / HTTP/1.1\r\nHost: [::1]:80\r\nContent-Length: 17\r\n\r\n" + chunk[4:],
	} {
		all := s.allAnswers(t, in+getHealth)
		if !strings.Contains(all, `{"Angela":"LAST"}`) || !strings.HasSuffix(all, `{"status":"ok"}`) {
			t.Errorf("%q is answered %q", in, all)
		}
	}
}

func TestManyPipelined(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: 20 * time.Second})
	var in, want strings.Builder
	for i := range 500 {
		fmt.Fprintf(&in, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{\"text\":\"\r\n7\r\nN%04d\"}\r\n0\r\n\r\n", i)
		in.WriteString(getHealth)
		fmt.Fprintf(&want, `{"N%04d":"LAST"}{"status":"ok"}`, i)
	}
	for _, size := range []int{in.Len(), 1000, 7} {
		var pieces []string
		for rest := in.String(); rest != ""; {
			n := min(size, len(rest))
			pieces, rest = append(pieces, rest[:n]), rest[n:]
		}
		var bodies strings.Builder
		for line := range strings.Lines(s.allAnswers(t, pieces...)) {
			if strings.HasPrefix(line, "{") {
				body, _, _ := strings.Cut(line, "HTTP/1.1")
				bodies.WriteString(body)
			}
		}
		if bodies.String() != want.String() {
			t.Errorf("in pieces of %d the bodies are %.300s…, want %.300s…", size, bodies.String(), want.String())
		}
	}
}

// A client that has closed its sending side still gets its answer.
func TestHalfClose(t *testing.T) {
	for _, keepAlive := range []time.Duration{0, 20 * time.Second} {
		s := serve(t, gate.Options{}, Options{KeepAlive: keepAlive})
		for range 20 {
			if all := s.allAnswers(t, post("Angela")); !strings.HasSuffix(all, `{"Angela":"LAST"}`) {
				t.Fatalf("--keep-alive %s: %q", keepAlive, all)
			}
		}
	}
}

// A whole address in the request line is treated like its path alone.
func TestWholeAddress(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2, LimitConcurrency: 1}}, Options{Recognizer: b, KeepAlive: time.Minute})
	c := s.dial(t)
	c.send("POST http://x/ HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 17\r\n\r\n")
	want := "HTTP/1.1 100 Continue\r\n\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.r, got); err != nil || string(got) != want {
		t.Fatalf("before the body: %q, %v; want %q", got, err, want)
	}
	c.send(`{"text":"Angela"}`)
	<-b.asked
	// Health is exempt from the limit on requests.
	s.dial(t).want(200, "GET http://x/healthz?x HTTP/1.1\r\nHost: x\r\n\r\n")
	s.dial(t).want(503, "GET http://x HTTP/1.1\r\nHost: x\r\n\r\n")
	b.free <- struct{}{}
	c.wantAnswer(200)
}

// However a path is written, the gate finds the route that answers. It lets the client
// send the body, and exempts health paths from the limit on requests.
func TestSpellingsOfAPath(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2, LimitConcurrency: 1}}, Options{Recognizer: b, KeepAlive: time.Minute})
	for _, target := range []string{"/", "//", "/?q", "/%2e/", "/x/..", "http://x", "http://x//?q"} {
		c := s.dial(t)
		c.send("POST " + target + " HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 17\r\n\r\n")
		const want = "HTTP/1.1 100 Continue\r\n\r\n"
		got := make([]byte, len(want))
		if _, err := io.ReadFull(c.r, got); err != nil || string(got) != want {
			t.Fatalf("POST %s: before the body %q, %v; want %q", target, got, err, want)
		}
		c.send(`{"text":"Angela"}`)
		<-b.asked
		for _, health := range []string{"/healthz", "//healthz", "/%68ealthz", "http://x/./healthz?q"} {
			s.dial(t).want(200, "GET "+health+" HTTP/1.1\r\nHost: x\r\n\r\n")
		}
		b.free <- struct{}{}
		c.wantAnswer(200)
	}
}
