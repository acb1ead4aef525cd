package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/web/page"
)

// askFor sends a request. It returns the head of the answer without the date, and the body.
func (s *service) askFor(t *testing.T, status int, method, path, fields, body string) (head, answered string) {
	t.Helper()
	if body != "" {
		fields += fmt.Sprintf("Content-Length: %d\r\n", len(body))
	}
	c := s.dial(t)
	defer c.Close()
	c.send(method + " " + path + " HTTP/1.1\r\nHost: x\r\nX-Request-Id: 1\r\n" + fields + "\r\n" + body)
	all, r := c.answer(method)
	if r.StatusCode != status {
		t.Errorf("%s %s with %q %q: status %d, want %d\n%.500s", method, path, fields, body, r.StatusCode, status, all)
	}
	head, answered, _ = strings.Cut(all, "\n\n")
	return head, answered
}

const asBrowser = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\n"

// Only a browser that sends no body gets the page. All other clients get the answer that
// they would get if there were no page.
func TestWhoGetsThePage(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute, ModelID: "fake-1.0"})
	for _, method := range []string{"GET", "HEAD"} {
		head, body := s.askFor(t, 200, method, "/", asBrowser, "")
		if !strings.Contains(head, "\nContent-Type: text/html; charset=utf-8\n") || !strings.Contains(head, "\nVary: Accept") ||
			!strings.Contains(head, "\nContent-Security-Policy: default-src 'none'; ") {
			t.Errorf("%s: the head is\n%s", method, head)
		}
		if (method == "GET") != strings.Contains(body, `<code id="model">fake-1.0</code>`) {
			t.Errorf("%s: the body is %.300q", method, body)
		}
	}
	for _, accept := range []string{"", "Accept: */*\r\n", "Accept: application/json\r\n", asBrowser} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			for body, status := range map[string]int{`{"text": "Ada"}`: 200, " ": 400, "": 400} {
				if body == "" && accept == asBrowser && method != "POST" {
					continue // the page
				}
				head, answered := s.askFor(t, status, method, "/", accept, body)
				wantHead, want := s.askFor(t, status, method, "/", "", body)
				if head != wantHead || answered != want || strings.Contains(head, "text/html") {
					t.Errorf("%s with %q and the body %q is answered\n%s\n%s", method, accept, body, head, answered)
				}
			}
		}
	}
}

func TestFilesForBrowsers(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute})
	for _, path := range append([]string{"/"}, page.Paths...) {
		head, body := s.askFor(t, 200, "GET", path, asBrowser, "")
		_, rest, _ := strings.Cut(head, "\nEtag: ")
		tag, _, _ := strings.Cut(rest, "\n")
		if len(body) == 0 || len(tag) != 18 || !strings.Contains(head, "\nCache-Control: no-cache\n") || !strings.Contains(head, "\nX-Content-Type-Options: nosniff\n") {
			t.Errorf("%s: %d bytes after\n%s", path, len(body), head)
		}
		if policy := head; strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") && !strings.Contains(policy, "HTTP") {
			t.Errorf("%s: the policy is too wide:\n%s", path, head)
		}
		for field, status := range map[string]int{tag: 304, "W/" + tag: 304, `"x", ` + tag: 304, "*": 304, `"x"`: 200, tag[1:]: 200} {
			if _, body := s.askFor(t, status, "GET", path, asBrowser+"If-None-Match: "+field+"\r\n", ""); status == 304 && body != "" {
				t.Errorf("%s: the body of 304 is %.100q", path, body)
			}
		}
		if path != "/" {
			s.askFor(t, 405, "POST", path, "", "")
		}
	}
}
