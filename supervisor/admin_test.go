package supervisor

import (
	"bufio"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/http1/cases"
	"github.com/narwhal-server/narwhal/internal/sock"
)

// startAdmin serves the admin address on a unix socket and returns the socket's path.
// On TCP each connection would use up a port for a minute. change may change the server
// before it serves.
func startAdmin(t testing.TB, change ...func(*http.Server)) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "admin.sock")
	addr, err := sock.Parse("unix:"+path, "")
	if err != nil {
		t.Fatal(err)
	}
	s, err := sock.Open(addr, adminBacklog, sock.Access{})
	if err != nil {
		t.Fatal(err)
	}
	var ready atomic.Bool
	ready.Store(true)
	a := newAdmin(s, 64, adminRoutes(&ready, http.NotFoundHandler(), http.NotFoundHandler()), slog.New(slog.DiscardHandler))
	for _, f := range change {
		f(a.srv)
	}
	if err := a.start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.close)
	return path
}

// exchange sends each piece with a write of its own, and closes the sending side. It
// returns all that the server answers until it closes the connection.
func exchange(t testing.TB, path string, pieces ...string) string {
	t.Helper()
	c, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(30 * time.Second))
	sent := make(chan error, 1)
	go func() { // while the answers are read; otherwise both sides could wait for each other
		for _, p := range pieces {
			if _, err := io.WriteString(c, p); err != nil {
				sent <- err
				return
			}
		}
		sent <- c.(*net.UnixConn).CloseWrite()
	}()
	b, err := io.ReadAll(c)
	if err != nil {
		t.Fatalf("%q: %v after %q", pieces, err, b)
	}
	if err := <-sent; err != nil && !errors.Is(err, syscall.EPIPE) { // the server may close before it has read all
		t.Fatalf("%q: %v", pieces, err)
	}
	return string(b)
}

// statuses returns the status codes of the answers in all, in order. It fails the test
// unless there is exactly one whole answer for each method.
func statuses(t testing.TB, all string, methods ...string) (codes []int) {
	t.Helper()
	br := bufio.NewReader(strings.NewReader(all))
	for _, m := range methods {
		resp, err := http.ReadResponse(br, &http.Request{Method: m})
		if err != nil {
			t.Fatalf("%q: %v", all, err)
		}
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			t.Fatalf("%q: %v", all, err)
		}
		codes = append(codes, resp.StatusCode)
	}
	if rest, _ := io.ReadAll(br); len(rest) > 0 {
		t.Fatalf("%q: there is more than %d answers", all, len(methods))
	}
	return codes
}

// The admin address refuses what workers refuse, and answers no request that follows
// on the same connection.
func TestAdminIsStrict(t *testing.T) {
	path := startAdmin(t)
	const get = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, test := range []struct {
		name, in string
		status   int
	}{
		{"two lengths", "POST /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400},
		{"a bare LF", "GET /healthz HTTP/1.1\nHost: a\n\n", 400},
		{"a bare LF in a trailer", "GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: y\n", 400},
		{"a fold", "GET /healthz HTTP/1.1\r\nHost: a\r\n b\r\n\r\n", 400},
		{"a wrong Host", "GET /healthz HTTP/1.1\r\nHost: a@b\r\n\r\n", 400},
		{"an unknown coding", "GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
		{"a body", "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n" + strings.Repeat("x", 100000), 413},
		{"Expect", "POST /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4000\r\n\r\n", 405},
		{"Expect with a body that is too large", "POST /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4000000\r\n\r\n", 413},
		{"Expect where nothing is", "PUT /nowhere HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4000\r\n\r\n", 404},
		{"another HTTP", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
		{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400},
		{"what stands for a refused request", "GET " + refusedTarget + " HTTP/1.1\r\nHost: a\r\n\r\n", 400},
	} {
		for how, pieces := range map[string][]string{
			"alone":                 {test.in},
			"before another":        {test.in + get},
			"byte by byte":          strings.Split(test.in[:min(len(test.in), 300)], ""),
			"after another":         {get + test.in + get},
			"after another, in two": {get + test.in[:5], test.in[5:]},
		} {
			want, methods := []int{test.status}, []string{"POST"}
			if strings.HasPrefix(how, "after") {
				want, methods = []int{200, test.status}, []string{"GET", "POST"}
			}
			all := exchange(t, path, pieces...)
			got := statuses(t, all, methods...)
			if len(got) != len(want) || got[0] != want[0] || got[len(got)-1] != test.status {
				t.Errorf("%s, %s: %d, want %d", test.name, how, got, want)
			}
			if !strings.Contains(all, `"error_type":`) || !strings.Contains(all, "Connection: close\r\n") {
				t.Errorf("%s, %s: %q", test.name, how, all)
			}
		}
	}
}

// The admin address refuses the bytes that workers refuse, with the same status, and
// answers nothing that follows them. It accepts what workers accept. (Its paths and its
// limit of a body are its own.)
func TestAdminIsAsStrictAsWorkers(t *testing.T) {
	path := startAdmin(t)
	files, err := cases.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		for _, c := range f.Cases {
			in := c.Bytes
			if !c.EOF {
				in += cases.Probe
			}
			want := c.Want[len(c.Want)-1]
			refused := slices.Contains([]string{"bad_request", "uri_too_long", "header_too_large", "version_not_supported", "expectation_failed"}, want.Type) ||
				want.Type == "not_implemented" && strings.Contains(in, "Transfer-Encoding")
			for how, pieces := range map[string][]string{"whole": {in}, "in two": {in[:len(in)/2], in[len(in)/2:]}} {
				all := exchange(t, path, pieces...)
				at := strings.LastIndex(all, "HTTP/1.1 "+strconv.Itoa(want.Status)+" ")
				switch {
				case refused && (at < 0 || strings.LastIndex(all, "\r\nDate: ") != strings.Index(all[at:], "\r\nDate: ")+at || !strings.Contains(all[at:], "\r\nConnection: close\r\n")):
					t.Errorf("%s, %s: %q is answered %q, want %d and the end", c.Name, how, in, all, want.Status)
				case refused && strings.Contains(all, "--limit-"):
					t.Errorf("%s: %q names a setting that does not hold here", c.Name, all)
				case !refused && strings.Contains(all, `"error_type":"bad_request"`):
					t.Errorf("%s, %s: %q is answered %q, want it accepted", c.Name, how, in, all)
				}
			}
		}
	}
}

// A connection ends if a request does not become whole in time, and if no request comes.
func TestAdminDeadlines(t *testing.T) {
	path := startAdmin(t, func(srv *http.Server) {
		if srv.ReadTimeout != adminTime || srv.WriteTimeout != adminTime || srv.IdleTimeout != adminTime {
			t.Errorf("the deadlines are %s, %s and %s, want %s", srv.ReadTimeout, srv.WriteTimeout, srv.IdleTimeout, adminTime)
		}
		srv.ReadTimeout, srv.IdleTimeout = 50*time.Millisecond, 50*time.Millisecond
	})
	const get = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
	for name, in := range map[string]string{
		"silent": "", "a part of a line": "GET", "a part of a head": "GET / HTTP/1.1\r\nHost:",
		"a part of a body": "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n1", "idle after an answer": get, "a part after an answer": get + "GET",
	} {
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		c.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.WriteString(c, in); err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, c); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection stays open", name)
		}
		c.Close()
	}
}

// A client that sends Expect: 100-continue gets its answer before it sends the body.
func TestAdminExpect(t *testing.T) {
	path := startAdmin(t)
	for _, test := range []struct {
		line, method, length string
		status               int
	}{
		{"GET /healthz", "GET", "Content-Length: 7", 200},
		{"HEAD /readyz?x", "HEAD", "Content-Length: 7", 200},
		{"POST /healthz", "POST", "Transfer-Encoding: chunked", 405},
		{"OPTIONS *", "OPTIONS", "Content-Length: 7", 204},
		{"PUT http://a/b", "PUT", "Content-Length: 7", 404},
		{"PUT /healthz", "PUT", "Content-Length: 70000", 413},
	} {
		head := test.line + " HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n" + test.length + "\r\nX-Request-Id: 7\r\n\r\n"
		for how, body := range map[string]string{"waits": "", "sends a part of it": "7\r\n"} {
			all := exchange(t, path, head, body)
			if got := statuses(t, all, test.method); got[0] != test.status || !strings.Contains(all, "\r\nX-Request-Id: 7\r\n") || !strings.Contains(all, "\r\nConnection: close\r\n") {
				t.Errorf("%s, %s: %q, want %d and the end", test.line, how, all, test.status)
			}
		}
	}
	// If the body comes together with the head, it is read and the connection stays open.
	all := exchange(t, path, "POST /healthz HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabcGET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
	if got := statuses(t, all, "POST", "GET"); got[0] != 405 || got[1] != 200 {
		t.Errorf("a body at once: %q", all)
	}
}

// Every answer has a request id: the client's, or a new one. An error has the id in
// its body, too.
func TestAdminRequestID(t *testing.T) {
	path := startAdmin(t)
	const host, id = " HTTP/1.1\r\nHost: a\r\n", "X-Request-Id: a-7\r\n"
	for _, test := range []struct {
		name, in string
		status   int
		taken    bool
	}{
		{"the client's", "GET /healthz" + host + id + "\r\n", 200, true},
		{"the client's, without a body", "OPTIONS /healthz" + host + id + "\r\n", 204, true},
		{"the client's, of an error", "GET /nowhere" + host + id + "\r\n", 404, true},
		{"the client's, of a body that is too large", "PUT /" + host + id + "Content-Length: 5000\r\n\r\n", 413, true},
		{"the client's, of chunks that are none", "PUT /" + host + "Transfer-Encoding: chunked\r\n" + id + "\r\n0\r\nX: y\n", 400, true},
		{"none", "GET /healthz" + host + "\r\n", 200, false},
		{"none, of an error", "GET /nowhere" + host + "\r\n", 404, false},
		{"one that is none", "GET /nowhere" + host + "X-Request-Id: a b\r\n\r\n", 404, false},
		{"of a head that is none", "GET /" + host + id + " fold\r\n\r\n", 400, false},
		{"of HTTP/1.0", "PUT / HTTP/1.0\r\n" + id + "Content-Length: 5000\r\n\r\n", 413, true},
	} {
		all := exchange(t, path, test.in)
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(all)), nil)
		if err != nil || resp.StatusCode != test.status {
			t.Errorf("%s: %v, %q, want %d", test.name, err, all, test.status)
			continue
		}
		got := resp.Header.Get("X-Request-Id")
		if (got == "a-7") != test.taken || len(got) < 3 {
			t.Errorf("%s: the id is %q", test.name, got)
		}
		if said := strings.Contains(all, `"request_id":"`+got+`"}`); said != (test.status >= 400) {
			t.Errorf("%s: the id is %q, and the answer %q", test.name, got, all)
		}
	}
}

func TestAdminMethods(t *testing.T) {
	path := startAdmin(t)
	for _, test := range []struct {
		line, method string
		status       int
	}{
		{"GET /healthz", "GET", 200},
		{"HEAD /healthz", "HEAD", 200},
		{"GET http://a/readyz", "GET", 200},
		{"POST /healthz", "POST", 405},
		{"DELETE /readyz", "DELETE", 405},
		{"OPTIONS /readyz", "OPTIONS", 204},
		{"OPTIONS *", "OPTIONS", 204},
		{"OPTIONS http://a", "OPTIONS", 204},
		{"GET http://a", "GET", 404},
		{"GET /", "GET", 200},
		{"HEAD /", "HEAD", 200},
		{"OPTIONS /", "OPTIONS", 204},
		{"POST /", "POST", 405},
		{"GET /nowhere", "GET", 404},
		{"OPTIONS /nowhere", "OPTIONS", 404},
		{"CONNECT a:1", "CONNECT", 404},
	} {
		all := exchange(t, path, test.line+" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
		if got := statuses(t, all, test.method); got[0] != test.status {
			t.Errorf("%s: %d, want %d", test.line, got[0], test.status)
		}
		if allow := strings.Contains(all, "\r\nAllow: "+adminMethods+"\r\n"); allow != (test.status == 405 || test.status == 204) {
			t.Errorf("%s: %q", test.line, all)
		}
	}
}

// Requests that come together, or in pieces, are all answered, in order.
func TestAdminPipelined(t *testing.T) {
	path := startAdmin(t)
	var in strings.Builder
	var methods []string
	for range 1000 {
		in.WriteString("POST /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nHEAD /readyz HTTP/1.1\r\nHost:\r\n\r\n")
		methods = append(methods, "POST", "HEAD")
	}
	for _, step := range []int{in.Len(), 4096, 77} {
		var pieces []string
		for s := in.String(); s != ""; {
			n := min(len(s), step)
			pieces, s = append(pieces, s[:n]), s[n:]
		}
		codes := statuses(t, exchange(t, path, pieces...), methods...)
		for i, c := range codes {
			if c != []int{405, 200}[i%2] {
				t.Fatalf("answer %d: %d", i, c)
			}
		}
	}
}

// Whatever bytes a client sends, all answers are whole and the server closes the
// connection. After that the next client is answered.
func FuzzAdmin(f *testing.F) {
	const get = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
	for _, s := range []string{get, get + get, "POST /readyz HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc" + get, get + "x", "HEAD / HTTP/1.0\r\n\r\n",
		"HEAD / HTTP/1.1\r\nHost: a\r\nContent-Length: 9999\r\n\r\n", "PUT /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a\r\nb\r\n0\r\nX: y\r\n\r\n" + get} {
		f.Add([]byte(s))
	}
	path := startAdmin(f)
	f.Fuzz(func(t *testing.T, in []byte) {
		all := exchange(t, path, string(in))
		for br := bufio.NewReader(strings.NewReader(all)); ; {
			if _, err := br.Peek(1); err == io.EOF {
				break
			}
			resp, err := http.ReadResponse(br, nil)
			if err != nil {
				t.Fatalf("to %q the answer is %q: %v", in, all, err)
			}
			if next, _ := br.Peek(1); len(next) > 0 && next[0] != 'H' || resp.ContentLength < 0 { // an answer to HEAD has no body
				if _, err := io.Copy(io.Discard, resp.Body); err != nil {
					t.Fatalf("to %q the answer is %q: %v", in, all, err)
				}
			}
		}
		if got := exchange(t, path, get); !strings.HasPrefix(got, "HTTP/1.1 200 OK\r\n") {
			t.Fatalf("after %q the next client gets %q", in, got)
		}
	})
}
