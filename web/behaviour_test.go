package web

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/prose"
)

// post is a request for the entities of a text that needs no escaping.
func post(text string) string {
	body := `{"text":"` + text + `"}`
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\nContent-Length: %d\r\n\r\n%s", text, len(body), body)
}

const getHealth = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

// blocking is a recognizer that tells when it is asked and waits to be let go.
type blocking struct {
	asked chan string
	free  chan struct{}
}

func newBlocking() blocking { return blocking{make(chan string), make(chan struct{})} }

func (b blocking) Entities(_ context.Context, text string) ([]ner.Entity, error) {
	b.asked <- text
	<-b.free
	return nil, nil
}

func (c *conn) want(status int, request string) string {
	c.t.Helper()
	c.send(request)
	return c.wantAnswer(status)
}

func (c *conn) wantAnswer(status int) string {
	c.t.Helper()
	answer, r := c.answer("POST")
	if r.StatusCode != status {
		c.t.Errorf("status %d, want %d: %s", r.StatusCode, status, answer)
	}
	return answer
}

// waitFor waits until a log has a line with a part in it, and returns the line.
// It has no event to wait for: a log is written after its answer was sent.
func waitFor(t *testing.T, log *buffer, part string) string {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(time.Millisecond) {
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, part) {
				return line
			}
		}
	}
	t.Fatalf("no %q in the log:\n%s", part, log.String())
	return ""
}

func TestWithProse(t *testing.T) {
	r, err := prose.New()
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, gate.Options{}, Options{Recognizer: r})
	answer := s.dial(t).want(200, post("Angela Merkel was born in Hamburg."))
	if want := `{"Angela Merkel":"PERSON","Hamburg":"GPE"}` + "\n"; !strings.HasSuffix(answer, "\n\n"+want) {
		t.Errorf("answer %s, want the body %s", answer, want)
	}
}

func TestSyncClosesAfterEachAnswer(t *testing.T) {
	s := serve(t, gate.Options{}, Options{})
	c := s.dial(t)
	if answer := c.want(200, post("Angela")); !strings.Contains(answer, "\nConnection: close\n") {
		t.Errorf("no Connection: close in %s", answer)
	}
	if c.isOpen() {
		t.Error("the connection is open")
	}
}

func TestPipelined(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute})
	c := s.dial(t)
	c.send(post("One") + getHealth + post("Two"))
	for _, want := range []string{`{"One":"LAST"}`, `{"status":"ok"}`, `{"Two":"LAST"}`} {
		if answer := c.wantAnswer(200); !strings.Contains(answer, want) {
			t.Errorf("answer %s, want %s", answer, want)
		}
	}
}

func TestContinue(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute})
	c := s.dial(t)
	head, body, _ := strings.Cut(post("Angela"), "\r\n\r\n")
	c.send(head + "\r\nExpect: 100-continue\r\n\r\n")
	const want = "HTTP/1.1 100 Continue\r\n\r\n"
	got := make([]byte, len(want))
	if _, err := io.ReadFull(c.r, got); err != nil || string(got) != want {
		t.Fatalf("before the body: %q, %v; want %q", got, err, want)
	}
	c.want(200, body)
}

func TestLimits(t *testing.T) {
	s := serve(t, gate.Options{}, Options{LimitBody: 100})
	fields := func(n int) string {
		return "GET /healthz HTTP/1.1\r\nHost: x\r\n" + strings.Repeat("A: b\r\n", n-1) + "\r\n"
	}
	field := func(size int) string {
		return "GET /healthz HTTP/1.1\r\nHost: x\r\nLong: " + strings.Repeat("x", size-len("Long: ")) + "\r\n\r\n"
	}
	target := func(size int) string {
		return "GET /healthz?" + strings.Repeat("x", size-len("/healthz?")) + " HTTP/1.1\r\nHost: x\r\n\r\n"
	}
	body := func(size int) string {
		return fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n", size) +
			`{"text":"` + strings.Repeat("x", size-len(`{"text":""}`)) + `"}`
	}
	chunks := func(size int) string {
		return "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n" +
			fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", size-1, `"text":""}`+strings.Repeat(" ", size-len(`{"text":""}`)))
	}
	for _, test := range []struct {
		name    string
		request string
		status  int
	}{
		{"fields", fields(100), 200},
		{"one field too many", fields(101), 431},
		{"field", field(8190), 200},
		{"field too long", field(8191), 431},
		{"target", target(4094), 200},
		{"target too long", target(4095), 414},
		{"head much too long", fields(5000), 431},
		{"field much too long", field(1 << 20), 431},
		{"target much too long", target(1 << 20), 431},
		{"body", body(100), 200},
		{"body too long", body(101), 413},
		{"body much too long", body(10 << 20), 413},
		{"chunks", chunks(100), 200},
		{"chunks too long", chunks(101), 413},
		{"chunks much too long", chunks(10 << 20), 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := s.dial(t)
			c.send(test.request)
			answer := c.wantAnswer(test.status)
			if !strings.Contains(answer, "\nConnection: close\n") {
				t.Errorf("no Connection: close in %s", answer)
			}
		})
	}
}

func TestSlowRequests(t *testing.T) {
	s := serve(t, gate.Options{}, Options{ReadTimeout: 50 * time.Millisecond})
	for name, request := range map[string]string{
		"request line": "POST ",
		"head":         "POST / HTTP/1.1\r\nHost: x\r\n",
		"body":         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
		"chunk":        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{",
	} {
		c := s.dial(t)
		if answer := c.want(408, request); !strings.Contains(answer, `"error_type":"request_timeout"`) {
			t.Errorf("slow %s: %s", name, answer)
		}
	}
}

// A client that sends nothing is not told anything either.
func TestSilentConnectionsAreClosed(t *testing.T) {
	s := serve(t, gate.Options{}, Options{ReadTimeout: 50 * time.Millisecond, KeepAlive: 50 * time.Millisecond})
	c := s.dial(t)
	if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 {
		t.Errorf("a silent client got %q, %v", b, err)
	}
	c = s.dial(t)
	c.want(200, post("Angela"))
	if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 {
		t.Errorf("a client silent after its first request got %q, %v", b, err)
	}
	if strings.Count(s.access.String(), "\n") > 1 {
		t.Errorf("silence was logged:\n%s", s.access.String())
	}
}

func TestClientThatLeavesInTheMiddle(t *testing.T) {
	s := serve(t, gate.Options{}, Options{})
	c := s.dial(t)
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
	c.Close()
	line := waitFor(t, &s.access, " 400 ")
	if !strings.Contains(line, `"- - -" 400`) {
		t.Errorf("access log: %s", line)
	}
}

func TestLimitOnRequests(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{Places: 2, Limit: 1}, Options{Recognizer: b, KeepAlive: time.Minute})
	first, second := s.dial(t), s.dial(t)
	first.send(post("first"))
	<-b.asked
	answer := second.want(503, post("second"))
	for _, want := range []string{"\nRetry-After: 1\n", `"error_type":"overloaded"`} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in %s", want, answer)
		}
	}
	second.want(200, getHealth)
	b.free <- struct{}{}
	first.wantAnswer(200)
	second.send(post("third"))
	<-b.asked
	b.free <- struct{}{}
	second.wantAnswer(200)
}

// Nothing is computed for a client that has hung up while it waited.
func TestClientThatDoesNotWait(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{Places: 1}, Options{Recognizer: b, KeepAlive: time.Minute})
	first, second, third := s.dial(t), s.dial(t), s.dial(t)
	second.want(200, getHealth) // their connections are accepted
	third.want(200, getHealth)
	first.send(post("first"))
	<-b.asked
	second.send(post("second"))
	for s.gate.InFlight() < 2 {
		time.Sleep(time.Millisecond)
	}
	second.Close()
	third.send(post("third"))
	b.free <- struct{}{}
	first.wantAnswer(200)
	if text := <-b.asked; text != "third" {
		t.Errorf("the recognizer was asked for %q, want third", text)
	}
	b.free <- struct{}{}
	third.wantAnswer(200)
	if line := waitFor(t, &s.access, " second\n"); !strings.Contains(line, `" 499 0 "`) {
		t.Errorf("access log: %s", line)
	}
}

func TestDelay(t *testing.T) {
	s := serve(t, gate.Options{Places: 1}, Options{Delay: time.Hour})
	c := s.dial(t)
	c.send(post("waits"))
	for s.gate.InFlight() < 1 {
		time.Sleep(time.Millisecond)
	}
	// One that waits has no place, and one that is refused does not wait.
	s.dial(t).want(200, getHealth)
	s.dial(t).want(422, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	c.Close()
	if line := waitFor(t, &s.access, " waits\n"); !strings.Contains(line, `" 499 0 "`) {
		t.Errorf("access log: %s", line)
	}
	s = serve(t, gate.Options{}, Options{Delay: time.Millisecond})
	s.dial(t).want(200, post("Angela"))
}

func TestPanicIsLoggedAndSurvived(t *testing.T) {
	s := serve(t, gate.Options{}, Options{KeepAlive: time.Minute})
	c := s.dial(t)
	c.want(500, post("panic"))
	c.want(200, post("Angela"))
	line := waitFor(t, &s.log, "level=ERROR")
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
	line := waitFor(t, &s.log, "level=ERROR")
	if !strings.Contains(line, errFake.Error()) || !strings.Contains(line, "request_id=fail") {
		t.Errorf("log: %s", line)
	}
}

// A worker that leaves answers what it has, and says that it leaves.
func TestLeaving(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{}, Options{Recognizer: b, KeepAlive: time.Hour})
	c, idle := s.dial(t), s.dial(t)
	idle.want(200, getHealth)
	c.send(post("last"))
	<-b.asked
	left := make(chan error)
	go func() { left <- s.gate.Drain(t.Context(), false, time.Hour) }()
	for !s.gate.Draining() {
		time.Sleep(time.Millisecond)
	}
	b.free <- struct{}{}
	if answer := c.wantAnswer(200); !strings.Contains(answer, "\nConnection: close\n") {
		t.Errorf("no Connection: close in %s", answer)
	}
	if answer := idle.want(200, getHealth); !strings.Contains(answer, "\nConnection: close\n") {
		t.Errorf("no Connection: close in %s", answer)
	}
	if err := <-left; err != nil {
		t.Error(err)
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
	waitFor(t, &s.access, `"- - -"`)
	for i, want := range []string{
		`"POST / HTTP/1\.1" 200 17 "http://r/" "curl/8" \d+\.\d{3} a\\"b`,
		`"GET /a%0a\\"b HTTP/1\.1" 404 \d+ "-" "\\"\\\\ \\xff\\x09200" \d+\.\d{3} [A-Z2-7]{26}`,
		`"POST / HTTP/1\.1" 413 \d+ "-" "-" 0\.000 3`,
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
	var e entry
	if err := json.Unmarshal([]byte(waitFor(t, &s.access, `"request_id"`)), &e); err != nil {
		t.Fatal(err)
	}
	if e.Time.IsZero() || e.DurationMS < 0 {
		t.Errorf("logged %+v", e)
	}
	e.Time, e.DurationMS = time.Time{}, 0
	if want := (entry{Remote: "127.0.0.1", Method: "GET", Path: "/healthz", Protocol: "HTTP/1.1", Status: 200, Bytes: 15,
		Agent: "\"\\ \ufffd", RequestID: "1"}); e != want {
		t.Errorf("logged %+v, want %+v", e, want)
	}
}
