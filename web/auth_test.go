package web

import (
	"crypto/sha256"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
)

const token = "0123456789abcdef"

func hashes(tokens ...string) (all [][]byte) {
	for _, t := range tokens {
		h := sha256.Sum256([]byte(t))
		all = append(all, h[:])
	}
	return all
}

func TestToken(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute, TokenHashes: hashes("another token", token)})
	const challenge = `Bearer realm="narwhal"`
	for _, c := range []struct {
		method, path, authorization string
		status                      int
		challenge                   string
	}{
		{"GET", "/", "", 401, challenge},
		{"POST", "/v1/entities", "", 401, challenge},
		{"GET", "/none", "", 401, challenge},
		{"GET", "/v1/models", "", 401, challenge},
		{"GET", "/openapi.json", "", 200, ""},
		{"GET", "/docs", "", 200, ""},
		{"GET", "/page/app.js", "", 200, ""},
		{"POST", "/", "Basic " + token, 401, challenge},
		{"POST", "/", "Bearer " + token[1:], 401, challenge + `, error="invalid_token"`},
		{"POST", "/", "Bearer " + token, 200, ""},
		{"POST", "/", "bearer " + token, 200, ""},
		{"GET", "/none", "Bearer " + token, 404, ""},
		{"GET", "/healthz", "", 200, ""},
		{"GET", "/readyz", "", 200, ""},
		{"GET", "http://x/h%65althz", "", 200, ""},
		{"OPTIONS", "/", "", 204, ""},
	} {
		header := http.Header{}
		if c.authorization != "" {
			header.Set("Authorization", c.authorization)
		}
		path := strings.TrimPrefix(c.path, "http://x")
		resp := s.get(t, c.method, path, header, `{"text":"Angela"}`)
		if resp.StatusCode != c.status || resp.Header.Get("WWW-Authenticate") != c.challenge {
			t.Errorf("%s %s, %q: %d, %q; want %d, %q", c.method, c.path, c.authorization, resp.StatusCode, resp.Header.Get("WWW-Authenticate"), c.status, c.challenge)
		}
	}
	if strings.Contains(s.access.String()+s.log.String(), token[1:]) {
		t.Error("a token is in a log")
	}
	s.dial(t).want(400, "GET / HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer a\r\nAuthorization: Bearer "+token+"\r\n\r\n")
}

// A browser gets the page without a token: it cannot send one before a person has typed it.
func TestPageNeedsNoToken(t *testing.T) {
	s := serve(t, gate.Options{}, Options{TokenHashes: hashes(token)})
	for _, c := range []struct {
		method, accept, body string
		status               int
	}{
		{"GET", "text/html", "", 200},
		{"HEAD", "text/html", "", 200},
		{"GET", "text/html", `{"text": "Angela"}`, 401},
		{"POST", "text/html", "", 401},
		{"GET", "*/*", "", 401},
		{"GET", "application/json", "", 401},
	} {
		resp := s.get(t, c.method, "/", http.Header{"Accept": {c.accept}}, c.body)
		if resp.StatusCode != c.status {
			t.Errorf("%s, Accept: %s, body %q: %d, want %d", c.method, c.accept, c.body, resp.StatusCode, c.status)
		}
	}
}

// A request without a token is answered when its head is there: its body is not read, and
// it waits for no place.
func TestTokenIsDecidedAtTheHead(t *testing.T) {
	for _, expect := range []string{"", "Expect: 100-continue\r\n"} {
		s := serve(t, gate.Options{Sync: true, Limits: limits.Limits{LimitConcurrency: 1}}, Options{TokenHashes: hashes(token), Delay: time.Minute})
		busy := s.dial(t)
		busy.send(strings.Replace(post("Angela"), "\r\n\r\n", "\r\nAuthorization: Bearer "+token+"\r\n\r\n", 1))
		for s.gate.InFlight() == 0 {
			time.Sleep(time.Millisecond)
		}
		c := s.dial(t)
		c.send("POST / HTTP/1.1\r\nHost: x\r\n" + expect + "Content-Length: 1000\r\n\r\n")
		answer, resp := c.answer("POST")
		if resp.StatusCode != 401 || !resp.Close {
			t.Errorf("%q: %s", expect, answer)
		}
		if b, err := io.ReadAll(c.r); len(b) > 0 || err != nil {
			t.Errorf("%q: the connection stays open: %q, %v", expect, b, err)
		}
		busy.Close()
	}
}
