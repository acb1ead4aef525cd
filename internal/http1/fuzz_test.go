package http1

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// For all bytes: the outcome does not depend on how they are split, and the memory used
// depends on how many have arrived. The normalised request can be read by net/http, and
// does not change when it is read and normalised again.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		host + "\r\n", host + "Content-Length: 3\r\n\r\nabcd", chunked + "1;a=\"b\" ; c\r\nx\r\n0\r\nA: b\r\n\r\n",
		"\r\nOPTIONS * HTTP/1.1\r\nHost:\r\nExpect: 100-continue\r\nTrailer: x\r\n\r\n", "CONNECT [::1]:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
		"GET http://a%20b/%zz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
	} {
		f.Add([]byte(s), uint(len(s)/2), uint(7))
	}
	limits := Limits{Head: 2000, Line: 500, Field: 600, Fields: 20, Body: 1000}
	f.Fuzz(func(t *testing.T, in []byte, at, size uint) {
		i := int(at % uint(len(in)+1))
		whole := &Request{Limits: limits}
		want := feed(whole, string(in))
		for _, pieces := range [][]string{{string(in[:i]), string(in[i:])}, strings.Split(string(in), "")} {
			if diff := cmp.Diff(want, feed(&Request{Limits: limits}, pieces...)); diff != "" {
				t.Fatalf("%q: whole - in %d pieces +\n%s", in, len(pieces), diff)
			}
		}
		if whole.Size() > 2*want.Taken+1000 {
			t.Fatalf("of %d bytes %d are held", want.Taken, whole.Size())
		}
		if !want.Done {
			if want.Error == nil && want.Taken != len(in) {
				t.Fatalf("%q: only %d bytes are taken", in, want.Taken)
			}
			return
		}
		if again := feed(&Request{Limits: Limits{Body: 1000}}, want.Given); again.Given != want.Given || again.Error != nil {
			t.Fatalf("%q gives %q, and that %+v", in, want.Given, again)
		}
		rest := bufio.NewReader(strings.NewReader(want.Given))
		req, err := http.ReadRequest(rest)
		if bad := (url.EscapeError("")); errors.As(err, &bad) {
			return // skip targets with percent signs that net/http refuses
		}
		if err != nil {
			t.Fatalf("%q gives %q: %v", in, want.Given, err)
		}
		body, err := io.ReadAll(req.Body)
		if err != nil || req.Method != want.Head.Method || req.RequestURI != want.Head.Target || req.ProtoMinor != want.Head.Minor {
			t.Fatalf("%q gives %q: %+v, %v", in, want.Given, req, err)
		}
		if left, _ := io.ReadAll(rest); len(left) > 0 {
			t.Fatalf("%q gives %q: net/http leaves %q", in, want.Given, left)
		}
		if n := want.Head.Length; n >= 0 && len(body) != n || !strings.HasSuffix(want.Given, string(body)) {
			t.Fatalf("%q gives %q: the body is %q", in, want.Given, body)
		}
		if te := req.Header.Get("Trailer") + req.Header.Get("Expect"); te != "" || req.TransferEncoding != nil || strconv.Itoa(len(body)) != strconv.FormatInt(req.ContentLength, 10) {
			t.Fatalf("%q gives %q: %+v", in, want.Given, req)
		}
		// Without the bytes after it, the first request has the same outcome.
		if alone := feed(&Request{Limits: limits}, string(bytes.Clone(in[:want.Taken]))); !cmp.Equal(alone, want) {
			t.Fatalf("%q: alone %+v", in, alone)
		}
	})
}
