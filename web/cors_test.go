package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/gate"
)

const examplePage = "https://example.org"

func TestCORS(t *testing.T) {
	ask := http.Header{"Origin": {examplePage}, "Access-Control-Request-Method": {"POST"}, "Access-Control-Request-Headers": {"content-type"}}
	for _, c := range []struct {
		name          string
		options       Options
		method        string
		header        http.Header
		status        int
		allowed, vary string
	}{
		{"off", Options{}, "POST", http.Header{"Origin": {examplePage}}, 200, "", ""},
		{"off, preflight", Options{}, "OPTIONS", ask, 405, "", ""},
		{"on", Options{CORSOrigins: []string{"http://localhost:3000", examplePage}}, "POST", http.Header{"Origin": {examplePage}}, 200, examplePage, "Origin"},
		{"on, preflight", Options{CORSOrigins: []string{examplePage}}, "OPTIONS", ask, 204, examplePage, "Origin"},
		{"another origin", Options{CORSOrigins: []string{examplePage}}, "POST", http.Header{"Origin": {examplePage + ".evil.example"}}, 200, "", "Origin"},
		{"another origin, preflight", Options{CORSOrigins: []string{"http://example.org"}}, "OPTIONS", ask, 405, "", "Origin"},
		{"no origin", Options{CORSOrigins: []string{examplePage}}, "POST", http.Header{}, 200, "", "Origin"},
		{"all", Options{CORSOrigins: []string{"*"}}, "POST", http.Header{"Origin": {examplePage}}, 200, "*", ""},
		{"all, preflight", Options{CORSOrigins: []string{"*"}}, "OPTIONS", ask, 204, "*", ""},
		{"token is missing", Options{CORSOrigins: []string{examplePage}, TokenHashes: hashes(token)}, "POST", http.Header{"Origin": {examplePage}}, 401, examplePage, "Origin"},
		{"token, preflight", Options{CORSOrigins: []string{examplePage}, TokenHashes: hashes(token)}, "OPTIONS", ask, 204, examplePage, "Origin"},
	} {
		s := serve(t, gate.Options{}, c.options)
		h := s.get(t, c.method, "/v1/entities", c.header, `{"text":"Angela"}`)
		if got := h.Header.Get("Access-Control-Allow-Origin"); h.StatusCode != c.status || got != c.allowed || strings.Contains(h.Header.Get("Vary"), "Origin") != (c.vary != "") {
			t.Errorf("%s: %d, %q, Vary %q; want %d, %q, %q", c.name, h.StatusCode, got, h.Header.Get("Vary"), c.status, c.allowed, c.vary)
		}
		methods, headers := "", ""
		if c.status == 204 {
			methods, headers = "POST, OPTIONS", corsHeaders
			if c.options.TokenHashes != nil {
				headers = "Authorization, " + headers
			}
			if h.Header.Get("Access-Control-Max-Age") == "" {
				t.Errorf("%s: no Max-Age", c.name)
			}
		}
		if got := h.Header.Get("Access-Control-Allow-Methods"); got != methods {
			t.Errorf("%s: methods %q, want %q", c.name, got, methods)
		}
		if got := h.Header.Get("Access-Control-Allow-Headers"); got != headers {
			t.Errorf("%s: headers %q, want %q", c.name, got, headers)
		}
	}
}
