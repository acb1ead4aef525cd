package web

import (
	"encoding/json"
	"net"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/accesslog"
	"github.com/narwhal-server/narwhal/internal/gate"
)

func TestPanicIsLoggedAndSurvived(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute})
	c := s.dial(t)
	c.want(500, post("panic"))
	c.want(200, post("Angela"))
	line := s.log.waitFor(t, "level=ERROR")
	for _, want := range []string{`panic="a bug"`, "request_id=panic", "web.fake.Entities"} {
		if !strings.Contains(line, want) {
			t.Errorf("no %s in the log: %s", want, line)
		}
	}
	if n := strings.Count(s.log.String(), "level=ERROR"); n != 1 {
		t.Errorf("%d errors were logged, want 1:\n%s", n, s.log.String())
	}
}

func TestFailureIsLogged(t *testing.T) {
	s := serve(t, gate.Options{}, Options{})
	answer := s.dial(t).want(500, post("fail"))
	if strings.Contains(answer, errFake.Error()) {
		t.Errorf("the client is told what went wrong inside: %s", answer)
	}
	line := s.log.waitFor(t, "level=ERROR")
	if !strings.Contains(line, errFake.Error()) || !strings.Contains(line, "request_id=fail") {
		t.Errorf("log: %s", line)
	}
}

func TestAccessLog(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute})
	c := s.dial(t)
	c.want(200, strings.Replace(post("Secret"), "X-Request-Id: Secret", "X-Request-Id: a\"b\r\nReferer: http://r/\r\nUser-Agent: curl/8", 1))
	c.want(404, "GET /a%0a\"b?text=Secret HTTP/1.1\r\nHost: x\r\nX-Request-Id: not sane\r\nUser-Agent: \"\\ \xff\t200\r\n\r\n")
	c.want(413, "POST / HTTP/1.1\r\nHost: x\r\nX-Request-Id: 3\r\nExpect: 100-continue\r\nContent-Length: 9999999\r\n\r\n")
	s.dial(t).want(400, "Secret\r\n\r\n")
	s.dial(t).want(400, "POST / HTTP/1.1\r\nSecret\r\n\r\n")
	s.access.waitFor(t, `"- - -"`)
	for i, want := range []string{
		`"POST / HTTP/1\.1" 200 17 "http://r/" "curl/8" \d+\.\d{3} a\\"b`,
		`"GET /a%0a\\"b HTTP/1\.1" 404 \d+ "-" "\\"\\\\ \\xff\\x09200" \d+\.\d{3} [A-Z2-7]{26}`,
		`"POST / HTTP/1\.1" 413 \d+ "-" "-" \d+\.\d{3} 3`,
		`"- - -" 400 \d+ "-" "-" 0\.000 [A-Z2-7]{26}`,
		`"- - -" 400 \d+ "-" "-" 0\.000 [A-Z2-7]{26}`,
	} {
		want = `127\.0\.0\.1 - - \[\d\d/\w\w\w/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] ` + want
		lines := strings.Split(s.access.String(), "\n")
		if i >= len(lines) || !regexp.MustCompile("^"+want+"$").MatchString(lines[i]) {
			t.Errorf("line %d of the access log, want %s:\n%s", i+1, want, s.access.String())
		}
	}
	for name, log := range map[string]string{"access log": s.access.String(), "log": s.log.String()} {
		if strings.Contains(log, "Secret") {
			t.Errorf("a text is in the %s:\n%s", name, log)
		}
	}
}

func TestAccessLogJSON(t *testing.T) {
	s := serve(t, gate.Options{}, Options{AccessLogFormat: "json"})
	s.dial(t).want(200, "GET /healthz?a HTTP/1.1\r\nHost: x\r\nX-Request-Id: 1\r\nUser-Agent: \"\\ \xff\r\n\r\n")
	var e accesslog.Entry
	if err := json.Unmarshal([]byte(s.access.waitFor(t, `"request_id"`)), &e); err != nil {
		t.Fatal(err)
	}
	if e.Time.IsZero() || e.DurationMS < 0 {
		t.Errorf("logged %+v", e)
	}
	e.Time, e.DurationMS, e.QueueMS, e.ComputeMS = time.Time{}, 0, 0, 0
	want := accesslog.Entry{Remote: "127.0.0.1", Method: "GET", Path: "/healthz", Protocol: "HTTP/1.1", Status: 200, Bytes: 15,
		Agent: "\"\\ \ufffd", RequestID: "1"}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Errorf("logged, want - got +\n%s", diff)
	}
}

// The format says what is logged. A query is logged only if the format asks for it.
func TestAccessLogFormat(t *testing.T) {
	s := serve(t, gate.Options{}, Options{AccessLogFormat: `%(u)s "%(r)s" %(q)s %({X-A}i)s %({content-type}o)s %({remote_port}e)s|`})
	c := s.dial(t)
	c.want(200, "GET /healthz?a=b%20c HTTP/1.1\r\nHost: x\r\nX-A: a\tb\r\nAuthorization: Basic YW5uYTpzZWNyZXQ=\r\n\r\n")
	line := s.access.waitFor(t, "|")
	_, port, _ := net.SplitHostPort(c.LocalAddr().String())
	if want := `anna "GET /healthz HTTP/1.1" a=b%20c a\x09b application/json ` + port + "|"; strings.TrimSpace(line) != want {
		t.Errorf("logged %s, want %s", line, want)
	}
}
