package http1

import (
	"bufio"
	"bytes"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/http1/cases"
)

// reading is how a parser understands the first request of some bytes.
type reading struct {
	Method, Target, Host string
	Minor                int
	Fields               []string // name: value, the name in small letters; without the fields of skipped
	Body                 string
	Close                bool // no other request follows
	Rest                 string
}

// For all bytes: if Request and net/http both accept the first request, they understand
// it alike, and the next one begins at the same byte. If Request accepts it, fasthttp
// accepts what Request makes of it, and understands it alike.
//
// Request refuses much that net/http accepts, and accepts a little that net/http refuses:
// empty lines before the request, characters in a target that no URI has, and some names
// in Trailer. Then there is nothing to compare. Differences in what both accept, all
// intended:
//   - Request drops Expect, Trailer and trailers. skipped has the fields.
//   - net/http adds Cache-Control: no-cache to Pragma: no-cache, for HTTP/1.0's sake.
//   - Request replaces an empty Host by localhost, because fasthttp needs one.
//   - fasthttp keeps only one of several fields User-Agent and Cookie, drops an empty
//     Content-Type, and writes the host in small letters. It closes connections of HTTP/1.0 if keep-alive is not in the
//     first field Connection.
func FuzzAlike(f *testing.F) {
	files, err := cases.All()
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		for _, c := range file.Cases {
			if len(c.Bytes) < 2000 {
				f.Add([]byte(c.Bytes+cases.Probe), false)
			}
		}
	}
	for _, whole := range [][]string{
		{"GET", " ", "/", " HTTP/1.1\r\n", "Host: a\r\n", "Cookie: a=b; c\r\n", "X: y\r\n", "\r\n", "GET", " ", "*"},
		{"POST", " ", "http://a", "/", "?b", " HTTP/1.1\r\n", "Host:\r\n", "Connection: keep-alive\r\n", "Content-Length: 3\r\n", "\r\n", "abc", "GET"},
		{"POST", " ", "/", " HTTP/1.1\r\n", "Host: a\r\n", "Transfer-Encoding: chunked\r\n", "\r\n", "3\r\nabc\r\n", "0\r\n", "X: y\r\n", "\r\n", "GET"},
		{"CONNECT", " ", "a:80", " HTTP/1.1\r\n", "Host: a\r\n", "\r\n"},
		{"HEAD", " ", "/", " HTTP/1.0\r\n", "Connection: Keep-Alive\r\n", "Content-Length: 3\r\n", "\r\n", "abc"},
	} {
		var numbers []byte
		for _, p := range whole {
			numbers = append(numbers, byte(slices.Index(pieces, p)))
		}
		f.Add(numbers, true)
	}
	f.Fuzz(func(t *testing.T, in []byte, numbered bool) {
		if numbered {
			in = fromPieces(in)
		}
		ours, given := readAlike(in)
		if ours == nil {
			return
		}
		if theirs := readNetHTTP(in); theirs != nil {
			if diff := cmp.Diff(ours, theirs, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%q: http1 - net/http +\n%s", in, diff)
			}
		}
		theirs, err := readFasthttp(given)
		if err != nil {
			t.Fatalf("%q gives %q, and fasthttp says: %v", in, given, err)
		}
		ours.Host = strings.ToLower(ours.Host)
		if ours.Host == "" {
			ours.Host = theirs.Host
			if theirs.Host != "localhost" && (theirs.Host != "" || ours.Minor == 1) {
				t.Errorf("%q gives %q: fasthttp finds the host %q", in, given, theirs.Host)
			}
		}
		ours.Rest = ""
		ours.Close = ours.Close || theirs.Close
		only := func(field string) bool {
			name, value, _ := strings.Cut(field, ": ")
			return slices.Contains([]string{"user-agent", "cookie", "connection"}, name) || name == "content-type" && value == ""
		}
		ours.Fields, theirs.Fields = slices.DeleteFunc(ours.Fields, only), slices.DeleteFunc(theirs.Fields, only)
		if diff := cmp.Diff(ours, theirs, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%q gives %q: http1 - fasthttp +\n%s", in, given, diff)
		}
	})
}

// fromPieces joins pieces by their numbers. Most of what comes of bytes is no request. Of
// pieces come many requests that are right, or nearly so.
func fromPieces(numbers []byte) (in []byte) {
	for _, n := range numbers {
		in = append(in, pieces[int(n)%len(pieces)]...)
	}
	return in
}

var pieces = []string{
	"GET", "POST", "HEAD", "OPTIONS", "CONNECT", "bREW", " ",
	"/", "*", "http://a", "HTTPS://B:80", "http://[::1]", "a:80", "//a", "/..", "/%41", "%2f", "?b", "?c=%zz", ";d=e", "{", "@", "://",
	" HTTP/1.1\r\n", " HTTP/1.0\r\n", " HTTP/2.0\r\n", "\r\n",
	"Host: a\r\n", "Host:\r\n", "host:[::1]:80\r\n", "Host: A.b.:1\t\r\n", "Host: a!$&'()*+,;=~_\r\n",
	"Content-Length: 3\r\n", "Content-Length: 0\r\n", "content-length:\t003 \r\n", "Content-Length: 3, 3\r\n",
	"Transfer-Encoding: chunked\r\n", "transfer-encoding:\tCHUNKED \r\n", "Transfer-Encoding: gzip, chunked\r\n",
	"Connection: close\r\n", "Connection: keep-alive\r\n", "Connection: Keep-Alive\r\n", "connection:\tfoo ,\tCLOSE\r\n", "Connection: keep-alive, close\r\n",
	"Connection: close, keep-alive\r\n", "Connection: \"close\"\r\n", "Connection: close;a\r\n", "Connection: ,,close,\r\n", "Connection:\r\n", "Connection: Upgrade\r\n",
	"Expect: 100-continue\r\n", "Expect: x\r\n", "Trailer: X\r\n", "Upgrade: h2c\r\n", "Keep-Alive: 5\r\n", "Proxy-Connection: close\r\n",
	"X: y\r\n", "x:\t\xff \r\n", "X_-!:\r\n", "X-Y: a, b\r\n", "Pragma: no-cache\r\n", "Cache-Control: x\r\n", "Cookie: a=b; c\r\n", "Cookie: d=\"e\"\r\n",
	"User-Agent: x\r\n", "User-Agent:\r\n", "Content-Type: text/plain\r\n", "Content-Type: multipart/form-data; boundary=x\r\n", "Content-Encoding: br\r\n", "Referer: /\r\n", "Server: x\r\n", "Date: x\r\n",
	"abc", "3\r\nabc\r\n", "1;a=\"b\"\r\nc\r\n", "2 ; a\r\nde\r\n", "0\r\n", "000;a=b\r\n",
	"\t", "\r", "\n", ":", ",", "\x00", "\x80", "0",
}

// skipped are fields that are compared in another way, or that Request drops.
var skipped = []string{"host", "content-length", "transfer-encoding", "trailer", "expect"}

// fields returns the fields in order of their names. The order of fields of one name stays.
func fields(all func(yield func(name, value string))) []string {
	var list []string
	all(func(name, value string) {
		if name = strings.ToLower(name); !slices.Contains(skipped, name) {
			list = append(list, name+": "+value)
		}
	})
	slices.SortStableFunc(list, func(a, b string) int {
		a, _, _ = strings.Cut(a, ":")
		b, _, _ = strings.Cut(b, ":")
		return strings.Compare(a, b)
	})
	return list
}

// readAlike returns how Request understands the bytes, nil if it refuses them, and what a
// server gets.
func readAlike(in []byte) (*reading, string) {
	r := &Request{Limits: Limits{Head: 1 << 16, Line: 1 << 16, Field: 1 << 16, Fields: 1000, Body: 1 << 16}}
	o := feed(r, string(in))
	if !o.Done || o.Error != nil {
		return nil, ""
	}
	_, body, _ := strings.Cut(o.Given, "\r\n\r\n")
	head, _, _ := strings.Cut(strings.TrimLeft(string(in), "\r\n"), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	is := &reading{Method: o.Head.Method, Target: o.Head.Target, Minor: o.Head.Minor, Body: body, Close: o.Head.Close, Rest: string(in[o.Taken:])}
	is.Fields = fields(func(yield func(name, value string)) {
		for _, line := range lines[1:] {
			name, value, _ := strings.Cut(line, ":")
			value = strings.Trim(value, " \t")
			if strings.EqualFold(name, "host") {
				is.Host = value
			}
			yield(name, value)
		}
	})
	if is.Method == "CONNECT" {
		is.Host = is.Target
	} else if _, rest, ok := strings.Cut(is.Target, "://"); ok && is.Target[0] != '/' {
		is.Host = rest
		if end := strings.IndexAny(rest, "/?"); end >= 0 {
			is.Host = rest[:end]
		}
	}
	return is, o.Given
}

// readNetHTTP returns how net/http understands the bytes, nil if it refuses them.
func readNetHTTP(in []byte) *reading {
	rest := bufio.NewReader(bytes.NewReader(in))
	r, err := http.ReadRequest(rest)
	if err != nil {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil
	}
	if p := r.Header["Pragma"]; len(p) > 0 && p[0] == "no-cache" && !bytes.Contains(bytes.ToLower(in), []byte("cache-control")) {
		r.Header.Del("Cache-Control") // net/http has added it
	}
	left, _ := io.ReadAll(rest)
	is := &reading{Method: r.Method, Target: r.RequestURI, Host: r.Host, Minor: r.ProtoMinor, Body: string(body), Close: r.Close, Rest: string(left)}
	is.Fields = fields(func(yield func(name, value string)) {
		for name, values := range r.Header {
			for _, v := range values {
				yield(name, v)
			}
		}
	})
	return is
}

// readFasthttp returns how fasthttp understands a request.
func readFasthttp(in string) (*reading, error) {
	var r fasthttp.Request
	rest := bufio.NewReaderSize(strings.NewReader(in), 1<<17)
	if err := r.Header.Read(rest); err != nil {
		return nil, err
	}
	if err := r.ContinueReadBody(rest, 1<<17, false); err != nil {
		return nil, err
	}
	is := &reading{Method: string(r.Header.Method()), Target: string(r.Header.RequestURI()), Host: strings.ToLower(string(r.Header.Host())),
		Minor: int(r.Header.Protocol()[len("HTTP/1.")] - '0'), Body: string(r.Body()), Close: r.ConnectionClose()}
	if is.Method == "CONNECT" {
		is.Host = strings.ToLower(is.Target)
	} else if is.Target[0] != '/' && is.Target != "*" {
		is.Host = string(r.URI().Host())
	}
	is.Fields = fields(func(yield func(name, value string)) {
		for name, value := range r.Header.All() {
			yield(string(name), string(value))
		}
	})
	return is, nil
}
