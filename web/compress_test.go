package web

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/gate"
)

func TestBestCoding(t *testing.T) {
	for accept, want := range map[string]string{
		"":                              "",
		"gzip":                          "gzip",
		"x-gzip":                        "gzip",
		"br":                            "br",
		"deflate":                       "",
		"zstd":                          "",
		"*":                             "gzip",
		"*;q=0":                         "",
		"gzip;q=0":                      "",
		"gzip;q=0, br":                  "br",
		"gzip, deflate, br, zstd":       "gzip", // a browser
		"br;q=1.0, gzip;q=0.8, *;q=0.1": "br",
		"gzip;q=0.5, *;q=0.9":           "br",
		"GZIP":                          "gzip",
		"identity":                      "",
		"gzip;q=0.5, identity":          "",
		"gzip, identity;q=0.5":          "gzip",
		"identity;q=0, br;q=0.1":        "br",
	} {
		r := &request{RequestCtx: &fasthttp.RequestCtx{}}
		r.Request.Header.Set(fasthttp.HeaderAcceptEncoding, accept)
		if got := bestCoding(preferences(&r.Request.Header, fasthttp.HeaderAcceptEncoding)); got != want {
			t.Errorf("Accept-Encoding: %s: %q, want %q", accept, got, want)
		}
	}
}

// Only a large answer is compressed, and only for a client that asks for that.
func TestCompressedAnswers(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute})
	c := s.dial(t)
	ask := func(words int, field string) (head, body string) {
		var text strings.Builder
		for i := range words {
			fmt.Fprintf(&text, "Word%d ", i)
		}
		request := `{"text":"` + text.String() + `"}`
		c.send("POST /v1/entities HTTP/1.1\r\nHost: x\r\n" + field + "Content-Length: " + strconv.Itoa(len(request)) + "\r\n\r\n" + request)
		answer := c.wantAnswer(200)
		head, body, _ = strings.Cut(answer, "\n\n")
		return head, strings.TrimSuffix(body, "\n")
	}
	head, small := ask(10, "Accept-Encoding: gzip\r\n")
	if strings.Contains(head, "Content-Encoding") || !strings.Contains(head, "\nVary: Accept\n") || !strings.HasPrefix(small, "{") {
		t.Errorf("the small answer is %s\n\n%s", head, small)
	}
	head, plain := ask(500, "")
	if strings.Contains(head, "Content-Encoding") || !strings.Contains(head, "\nVary: Accept, Accept-Encoding\n") {
		t.Errorf("the answer to who did not ask is %s", head)
	}
	for coding, undo := range map[string]func([]byte, []byte) ([]byte, error){"gzip": fasthttp.AppendGunzipBytes, "br": fasthttp.AppendUnbrotliBytes} {
		head, body := ask(500, "Accept-Encoding: "+coding+"\r\n")
		got, err := undo(nil, []byte(body))
		if err != nil || !bytes.Equal(got, []byte(plain)) {
			t.Errorf("%s: %.100q, %v, want %.100q", coding, got, err, plain)
		}
		if !strings.Contains(head, "\nContent-Encoding: "+coding+"\n") || !strings.Contains(head, "\nVary: Accept, Accept-Encoding\n") || len(body) > len(plain)/3 {
			t.Errorf("%s: %d bytes of %d with %s", coding, len(body), len(plain), head)
		}
	}
}
