package web

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
	"github.com/narwhal-server/narwhal/ner"
)

var update = flag.Bool("update", false, "write the answers in testdata anew")

// fake is a recognizer that calls every capitalized word a NAME and the last
// word of the text LAST. Four texts make it misbehave.
type fake struct{}

var errFake = errors.New("the model is out of order")

func (fake) Entities(ctx context.Context, text string) ([]ner.Entity, error) {
	switch text {
	case "panic":
		panic("a bug")
	case "fail":
		return nil, errFake
	case "too long":
		return nil, fmt.Errorf("a frame: %w", &ner.TooLongError{Length: 8, Limit: 7})
	case "hang": // as a recognizer whose time is over; TestTimeout has a real wait
		if _, ok := ctx.Deadline(); !ok {
			return nil, errors.New("there is no deadline")
		}
		return nil, context.DeadlineExceeded
	case "wait":
		<-ctx.Done()
		return nil, ctx.Err()
	}
	var found []ner.Entity
	words := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == '.' })
	at, before, counted := 0, 0, 0 // text[:counted] has before runes
	for i, w := range words {
		start := at + strings.Index(text[at:], w)
		at = start + len(w)
		before += utf8.RuneCountInString(text[counted:start])
		counted = start
		e := ner.Entity{Text: w, Label: "NAME", Start: start, End: at, RuneStart: before, RuneEnd: before + utf8.RuneCountInString(w)}
		if i == len(words)-1 {
			e.Label = "LAST"
		} else if strings.IndexFunc(w, unicode.IsUpper) != 0 {
			continue
		}
		found = append(found, e)
	}
	return found, nil
}

// Analyze finds the tokens of a text: its words and dots. A sentence ends with a dot. The
// lemma of a token is its text in lower case, and its head is the token before it.
func (f fake) Analyze(ctx context.Context, text string, want ner.Want) (*ner.Doc, error) {
	found, err := f.Entities(ctx, text)
	if err != nil {
		return nil, err
	}
	doc := &ner.Doc{Ents: found, Has: want}
	first, before, counted := 0, 0, 0
	for i, at := range regexp.MustCompile(`[^ .]+|[.]`).FindAllStringIndex(text, -1) {
		before += utf8.RuneCountInString(text[counted:at[0]])
		counted = at[0]
		t := ner.Token{Start: at[0], End: at[1], RuneStart: before, RuneEnd: before + utf8.RuneCountInString(text[at[0]:at[1]])}
		doc.Tokens = append(doc.Tokens, t)
		if len(found) > 0 && found[0].Start == t.Start {
			doc.EntTokens = append(doc.EntTokens, ner.Span{Start: i, End: i + 1})
			found = found[1:]
		}
		if want&ner.Lemma != 0 || want&ner.Dep != 0 {
			doc.Annotations = append(doc.Annotations, ner.Annotation{Lemma: strings.ToLower(text[at[0]:at[1]]), Dep: "dep", Head: max(i-1, 0)})
		}
		if want&ner.Sents != 0 && (text[at[0]] == '.' || at[1] == len(text)) {
			doc.Sents = append(doc.Sents, ner.Span{Start: first, End: i + 1})
			first = i + 1
		}
	}
	if want&ner.NounChunks != 0 {
		doc.NounChunks = []ner.Span{{Start: 0, End: len(doc.Tokens)}}
	}
	return doc, nil
}

func (fake) Check(want ner.Want) error {
	if want&ner.Tag != 0 {
		return errors.New("there is no tagger")
	}
	return nil
}

// decodeText returns the text in a request body.
func decodeText(body []byte) (string, *failure) {
	o, f := decode(body)
	if f != nil {
		return "", f
	}
	return textOf(o)
}

// service is a server on a loopback socket.
type service struct {
	addr   string
	gate   *gate.Gate
	log    buffer // what Options.Log wrote
	access buffer
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu      sync.Mutex
	written sync.Cond
	b       bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.written.Broadcast()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// serve starts a server. change may change it before it serves.
func serve(t testing.TB, g gate.Options, o Options, change ...func(*Server)) *service {
	t.Helper()
	if g.WorkerConnections == 0 {
		g.WorkerConnections = 100
	}
	s := &service{gate: gate.New(g)}
	s.log.written.L, s.access.written.L = &s.log.mu, &s.access.mu
	if o.Recognizer == nil {
		o.Recognizer = fake{}
	}
	o.Log = slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.AccessLog = &s.access
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.addr = ln.Addr().String()
	server := New(o)
	for _, f := range change {
		f(server)
	}
	gated := listen(t, s.gate, ln.(*net.TCPListener))
	done := make(chan error, 1)
	go func() { done <- server.Serve(gated) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := s.gate.Drain(ctx, gate.Departure{}); err != nil {
			t.Errorf("connections stay open: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("Serve: %v", err)
		}
		if n := s.gate.InFlight(); n != 0 {
			t.Errorf("%d requests were begun and not ended", n)
		}
	})
	return s
}

// listen makes a gate accept connections from a listening socket.
func listen(t testing.TB, g *gate.Gate, ln interface {
	net.Listener
	syscall.Conn
}) net.Listener {
	t.Helper()
	rc, err := ln.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var fd int
	if cerr := rc.Control(func(s uintptr) { fd, err = unix.FcntlInt(s, unix.F_DUPFD_CLOEXEC, 3) }); cerr != nil || err != nil {
		t.Fatal(cerr, err)
	}
	if err := g.Listen(os.NewFile(uintptr(fd), ln.Addr().String())); err != nil {
		t.Fatal(err)
	}
	ln.Close()
	return g
}

// conn is a client's end.
type conn struct {
	net.Conn
	t testing.TB
	r *bufio.Reader
}

func (s *service) dial(t testing.TB) *conn {
	t.Helper()
	c, err := net.Dial("tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(30 * time.Second))
	return &conn{c, t, bufio.NewReader(c)}
}

func (c *conn) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads a response to a request of this method. It returns the response as text
// without what differs each time.
func (c *conn) answer(method string) (string, *http.Response) {
	c.t.Helper()
	var head strings.Builder
	for {
		line, err := c.r.ReadString('\n')
		if err != nil {
			c.t.Fatalf("the answer ends after %q: %v", head.String()+line, err)
		}
		head.WriteString(line)
		if line == "\r\n" {
			break
		}
	}
	r, err := http.ReadResponse(bufio.NewReader(strings.NewReader(head.String())), &http.Request{Method: method})
	if err != nil {
		c.t.Fatalf("the answer %q: %v", head.String(), err)
	}
	if r.StatusCode == 100 {
		c.t.Fatalf("an unexpected 100 Continue")
	}
	var body []byte
	if method != "HEAD" {
		body = make([]byte, r.ContentLength)
		if _, err := io.ReadFull(c.r, body); err != nil {
			c.t.Fatalf("the body of %q: %v", head.String(), err)
		}
	}
	var b strings.Builder
	for line := range strings.Lines(head.String()) {
		switch {
		case !strings.HasSuffix(line, "\r\n"):
			c.t.Fatalf("line %q does not end with CR LF", line)
		case !differs(line):
			b.WriteString(strings.TrimSuffix(line, "\r\n") + "\n")
		}
	}
	return strings.TrimRight(b.String()+string(body), "\n") + "\n", r
}

// differs reports whether a line of an answer's head differs each time.
func differs(line string) bool {
	return strings.HasPrefix(line, "Date: ") || strings.HasPrefix(line, "Server-Timing: ")
}

// isOpen reports whether the server still answers on the connection.
func (c *conn) isOpen() bool {
	c.t.Helper()
	if _, err := io.WriteString(c, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		return false
	}
	if _, err := c.r.Peek(1); err != nil {
		return false
	}
	_, r := c.answer("GET")
	return r.StatusCode == 200
}

// Every file of testdata/http is a list of requests with the answers they get
// on a connection that the server would keep: see basics.txt.
func TestRequests(t *testing.T) {
	files, err := os.ReadDir("testdata/http")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		t.Run(strings.TrimSuffix(f.Name(), ".txt"), func(t *testing.T) { testRequests(t, "testdata/http/"+f.Name()) })
	}
}

// newID matches an id that the server has made.
var newID = regexp.MustCompile(`\b[A-Z2-7]{26}\b`)

func testRequests(t *testing.T, name string) {
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2}}, Options{KeepAlive: 20 * time.Second, LimitBody: 1000, Model: "fake", ModelID: "fake-1.0", Version: "v0", Timeout: 30 * time.Second})
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	for i, block := range strings.Split(strings.TrimSuffix(string(b), "\n"), "\n\n== ") {
		if i > 0 {
			out.WriteString("\n\n== ")
		}
		title, rest, _ := strings.Cut(block, "\n")
		request, _, _ := strings.Cut(rest, "\n----")
		out.WriteString(title + "\n" + request + "\n----\n")
		if i == 0 {
			out.Reset()
			out.WriteString(strings.TrimSuffix(block, "\n")) // what the file is about
			continue
		}
		c := s.dial(t)
		raw := wire(t, request)
		c.send(raw)
		method, _, _ := strings.Cut(raw, " ")
		answer, _ := c.answer(method)
		out.WriteString(newID.ReplaceAllString(answer, "(a new id)"))
		if c.isOpen() {
			out.WriteString("(open)")
		} else {
			out.WriteString("(closed)")
		}
	}
	out.WriteString("\n")
	if *update {
		if err := os.WriteFile(name, []byte(out.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(string(b), out.String()); diff != "" && !*update {
		t.Errorf("%s, want - got +\n%s", name, diff)
	}
}

// wire returns the bytes of a request that is written in a file. Lines end with CR LF.
// An empty line is followed by the body. A line in quotes is a Go string without an end
// of line. Content-Length: * becomes the right number. A request without Host and
// X-Request-Id gets them, unless it has quoted lines.
func wire(t testing.TB, request string) string {
	t.Helper()
	head, body, _ := strings.Cut(request+"\n", "\n\n")
	body = strings.TrimSuffix(body, "\n")
	if strings.HasPrefix(body, `"`) {
		body = unquote(t, body)
	}
	var b strings.Builder
	quoted := false
	for _, line := range strings.Split(strings.TrimSuffix(head, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, `"`):
			quoted = true
			b.WriteString(unquote(t, line))
			continue
		case line == "Content-Length: *":
			line = "Content-Length: " + strconv.Itoa(len(body))
		}
		b.WriteString(line + "\r\n")
	}
	if !quoted {
		for _, field := range []string{"Host: example.org", "X-Request-Id: 1"} {
			name, _, _ := strings.Cut(field, " ")
			if !strings.Contains(b.String(), "\r\n"+name) {
				b.WriteString(field + "\r\n")
			}
		}
		b.WriteString("\r\n")
	}
	return b.String() + body
}

func unquote(t testing.TB, line string) string {
	t.Helper()
	s, err := strconv.Unquote(line)
	if err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return s
}
