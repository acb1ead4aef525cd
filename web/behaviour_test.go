package web

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/prose"
)

// post returns a request for the entities of a text. The text is also the request's id,
// and must not need escaping.
func post(text string) string {
	body := `{"text":"` + text + `"}`
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nX-Request-Id: %s\r\nContent-Length: %d\r\n\r\n%s", text, len(body), body)
}

const getHealth = "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"

// blocking is a recognizer that sends each text to asked, and then waits for free.
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

// waitFor waits for a line that contains part, and returns the line. A test must wait
// because a line is written only after the answer was sent.
func (b *buffer) waitFor(t *testing.T, part string) string {
	t.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	over := false
	defer time.AfterFunc(20*time.Second, func() {
		b.mu.Lock()
		over = true
		b.mu.Unlock()
		b.written.Broadcast()
	}).Stop()
	for !over {
		for line := range strings.Lines(b.b.String()) {
			if strings.Contains(line, part) {
				return line
			}
		}
		b.written.Wait()
	}
	t.Fatalf("no %q in the log:\n%s", part, b.b.String())
	return ""
}

// waitInFlight waits until the gate has n requests. It looks again and again, because
// the gate does not tell when a request begins to wait.
func (s *service) waitInFlight(n int) {
	for s.gate.InFlight() < n {
		time.Sleep(time.Millisecond)
	}
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
	line := func(size int) string {
		return "GET /healthz?" + strings.Repeat("x", size-len("GET /healthz? HTTP/1.1")) + " HTTP/1.1\r\nHost: x\r\n\r\n"
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
		{"line", line(4094), 200},
		{"line too long", line(4095), 414},
		{"head much too long", fields(5000), 431},
		{"field much too long", field(1 << 20), 431},
		{"line much too long", line(1 << 20), 414},
		{"body", body(100), 200},
		{"body too long", body(101), 413},
		{"body much too long", body(10 << 20), 413},
		{"chunks", chunks(100), 200},
		{"chunks too long", chunks(101), 413},
		{"chunks much too long", chunks(10 << 20), 413},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := s.dial(t)
			// Read the answer while the request is sent: the server reads a refused
			// request only for a limited time.
			go io.WriteString(c, test.request)
			answer := c.wantAnswer(test.status)
			if !strings.Contains(answer, "\nConnection: close\n") {
				t.Errorf("no Connection: close in %s", answer)
			}
		})
	}
}

func TestSlowRequests(t *testing.T) {
	for name, request := range map[string]string{
		"request line": "POST ",
		"head":         "POST / HTTP/1.1\r\nHost: x\r\n",
		"body":         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{",
		"chunk":        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\n{",
	} {
		// If nothing has arrived within timeout, the connection is closed without an
		// answer. A slow machine needs more time to send.
		answer := ""
		for timeout := 50 * time.Millisecond; answer == "" && timeout < time.Minute; timeout *= 2 {
			c := serve(t, gate.Options{}, Options{ReadTimeout: timeout}).dial(t)
			c.send(request)
			b, _ := io.ReadAll(c.r)
			answer = string(b)
		}
		if !strings.HasPrefix(answer, "HTTP/1.1 408 ") || !strings.Contains(answer, `"error_type":"request_timeout"`) {
			t.Errorf("slow %s: %q", name, answer)
		}
	}
}

// A connection on which the client sends nothing is closed without an answer.
func TestSilentConnectionsAreClosed(t *testing.T) {
	silent := serve(t, gate.Options{}, Options{ReadTimeout: 50 * time.Millisecond})
	c := silent.dial(t)
	if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 {
		t.Errorf("a silent client got %q, %v", b, err)
	}
	idle := serve(t, gate.Options{}, Options{KeepAlive: 50 * time.Millisecond})
	c = idle.dial(t)
	c.want(200, post("Angela"))
	if b, err := io.ReadAll(c.r); err != nil || len(b) > 0 {
		t.Errorf("a client silent after its first request got %q, %v", b, err)
	}
	if silent.access.String() != "" || strings.Count(idle.access.String(), "\n") > 1 {
		t.Errorf("silence was logged:\n%s%s", silent.access.String(), idle.access.String())
	}
}

// A client that does not take its answer in time loses the connection. Without the
// deadline Drain would not return: the connection would stay open.
func TestAnswerNotTakenInTime(t *testing.T) {
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 1}}, Options{Recognizer: verbose{}, ReadTimeout: 50 * time.Millisecond, KeepAlive: time.Minute})
	c := s.dial(t)
	if err := c.Conn.(*net.TCPConn).SetReadBuffer(4096); err != nil {
		t.Fatal(err)
	}
	c.send(post("much"))
	s.access.waitFor(t, " much\n")
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := s.gate.Drain(ctx, gate.Departure{}); err != nil {
		t.Fatalf("the connection stays open: %v", err)
	}
}

// verbose is a recognizer whose answers are larger than what the kernel keeps for a client
// that does not read.
type verbose struct{}

func (verbose) Entities(context.Context, string) ([]ner.Entity, error) {
	return []ner.Entity{{Text: strings.Repeat("x", 16<<20), Label: "NAME"}}, nil
}

func TestClientThatLeavesInTheMiddle(t *testing.T) {
	s := serve(t, gate.Options{}, Options{})
	c := s.dial(t)
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n{")
	c.Close()
	s.access.waitFor(t, `"POST / HTTP/1.1" 400 `)
}

func TestLimitOnRequests(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2, LimitConcurrency: 1}}, Options{Recognizer: b, KeepAlive: time.Minute})
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

// A request is not computed if its client has hung up while it waited. It is logged at once.
func TestClientThatDoesNotWait(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 1}}, Options{Recognizer: b, KeepAlive: time.Minute})
	first, second, third := s.dial(t), s.dial(t), s.dial(t)
	second.want(200, getHealth) // after an answer the connections are accepted
	third.want(200, getHealth)
	first.send(post("first"))
	<-b.asked
	second.send(post("second"))
	s.waitInFlight(2)
	second.Close()
	if line := s.access.waitFor(t, " second\n"); !strings.Contains(line, `" 499 0 "`) {
		t.Errorf("access log: %s", line)
	}
	third.send(post("third"))
	b.free <- struct{}{}
	first.wantAnswer(200)
	if text := <-b.asked; text != "third" {
		t.Errorf("the recognizer was asked for %q, want third", text)
	}
	b.free <- struct{}{}
	third.wantAnswer(200)
}

func TestDelay(t *testing.T) {
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 1}}, Options{Delay: time.Hour})
	c := s.dial(t)
	c.send(post("waits"))
	s.waitInFlight(1)
	// A request that waits for its delay has no place. One that is refused does not wait.
	s.dial(t).want(200, getHealth)
	s.dial(t).want(422, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}")
	c.Close()
	if line := s.access.waitFor(t, " waits\n"); !strings.Contains(line, `" 499 0 "`) {
		t.Errorf("access log: %s", line)
	}
	s = serve(t, gate.Options{}, Options{Delay: time.Millisecond})
	s.dial(t).want(200, post("Angela"))
}

// A worker that leaves answers the requests it has, and says Connection: close.
func TestLeaving(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{}, Options{Recognizer: b, KeepAlive: time.Hour})
	c, idle := s.dial(t), s.dial(t)
	idle.want(200, getHealth)
	c.send(post("last"))
	<-b.asked
	s.gate.Stop()
	b.free <- struct{}{}
	if answer := c.wantAnswer(200); !strings.Contains(answer, "\nConnection: close\n") {
		t.Errorf("no Connection: close in %s", answer)
	}
	if answer := idle.want(200, getHealth); !strings.Contains(answer, "\nConnection: close\n") {
		t.Errorf("no Connection: close in %s", answer)
	}
}

// A request that has waited for its turn for longer than --timeout is not computed.
func TestRequestThatHasWaitedTooLong(t *testing.T) {
	b := newBlocking()
	const limit = 50 * time.Millisecond
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 1}}, Options{Recognizer: b, KeepAlive: time.Minute, Timeout: limit})
	first, second := s.dial(t), s.dial(t)
	second.want(200, getHealth) // after an answer the connection is accepted
	first.send(post("first"))
	<-b.asked
	second.send(post("second"))
	s.waitInFlight(2)
	time.Sleep(limit + time.Millisecond) // it has waited at least so long
	b.free <- struct{}{}
	answer := second.wantAnswer(503)
	for _, want := range []string{"\nRetry-After: 1\n", "for longer than --timeout"} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in %s", want, answer)
		}
	}
}
