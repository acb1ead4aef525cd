package web

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/http1/cases"
	"github.com/narwhal-server/narwhal/limits"
)

// Every case of internal/http1/cases gets the answers that it names, over TCP, from gate,
// fasthttp and routes together: sent whole, byte by byte, and split at random. The answers
// are the same, byte for byte. docs/http.md has a table of the cases and of the sentences
// with which they are refused. Write it anew with go test ./web -run TestWire -update.
func TestWire(t *testing.T) {
	files, err := cases.All()
	if err != nil {
		t.Fatal(err)
	}
	w := &wired{read: map[string][]string{}}
	w.service = serve(t, gate.Options{Limits: limits.Limits{Threads: 2}}, Options{KeepAlive: 20 * time.Second, LimitBody: 1000}, w.listen)
	n := 0
	sentences := map[*cases.Case]string{}
	for _, f := range files {
		for i := range f.Cases {
			n++
			c := &f.Cases[i]
			t.Run(f.Title+"/"+c.Name, func(t *testing.T) { sentences[c] = w.try(t, c) })
		}
	}
	if n < 150 {
		t.Errorf("there are %d cases, want at least 150", n)
	}
	if t.Failed() {
		return
	}
	document(t, "../docs/http.md", "cases", casesTable(files, sentences))
}

// wired is a server that notes what it reads.
type wired struct {
	*service
	mu   sync.Mutex
	read map[string][]string // by the client's address
}

// listen makes a server note the requests that it accepts.
func (w *wired) listen(s *Server) {
	next := s.small.Handler
	note := func(ctx *fasthttp.RequestCtx) {
		is := described(&ctx.Request)
		next(ctx)
		if ctx.Response.StatusCode() < 400 {
			from := ctx.RemoteAddr().String()
			w.mu.Lock()
			w.read[from] = append(w.read[from], is)
			w.mu.Unlock()
		}
	}
	s.small.Handler, s.large.Handler = note, note
}

// described returns a request as the cases write it.
func described(r *fasthttp.Request) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s Host(%s)", r.Header.Method(), r.Header.RequestURI(), r.Header.Protocol(), r.URI().Host())
	for name, value := range r.Header.All() {
		switch string(name) {
		case "Host", "Content-Length", "Connection":
		default:
			fmt.Fprintf(&b, " %s(%s)", name, value)
		}
	}
	if body := r.Body(); len(body) > 0 {
		fmt.Fprintf(&b, " %s", body)
	}
	var escaped strings.Builder
	for _, c := range []byte(b.String()) {
		if c < ' ' || c >= 0x7f {
			fmt.Fprintf(&escaped, `\x%02x`, c)
		} else {
			escaped.WriteByte(c)
		}
	}
	return escaped.String()
}

// try sends the bytes of a case in three ways and checks the answers. It returns the error
// sentence of the last answer to the case, or "".
func (w *wired) try(t *testing.T, c *cases.Case) string {
	raw := c.Bytes
	if !c.EOF {
		raw += cases.Probe
	}
	got, read := w.exchange(t, raw)
	sum := fnv.New64()
	sum.Write([]byte(c.Name))
	for how, pieces := range map[string][]string{
		"byte by byte": strings.Split(raw, ""),
		"at random":    atRandom(raw, rand.New(rand.NewPCG(1, sum.Sum64()))),
	} {
		if len(raw) > 20_000 && how == "byte by byte" {
			pieces = inPieces(raw, 101)
		}
		again, readAgain := w.exchange(t, pieces...)
		if diff := cmp.Diff(got, again) + cmp.Diff(read, readAgain); diff != "" {
			t.Errorf("whole - split %s +\n%s", how, diff)
		}
	}

	answers := parsedAnswers(t, got)
	want := slices.Clone(c.Want)
	if !c.EOF && c.Keeps() {
		want = append(want, cases.Answer{Status: 200, Keep: true, Read: "GET /healthz?probe HTTP/1.1 Host(probe) X-Request-Id(probe)"})
	}
	if len(answers) != len(want) {
		t.Fatalf("%d answers, want %d:\n%s", len(answers), len(want), got)
	}
	sentence := ""
	var wantRead, hasRead []string
	for i, a := range answers {
		kept := !a.resp.Close
		if a.resp.StatusCode != want[i].Status || a.kind != want[i].Type || kept != want[i].Keep {
			t.Errorf("answer %d is %d %s, kept: %t; want %+v\n%s", i+1, a.resp.StatusCode, a.kind, kept, want[i], got)
		}
		if i < len(c.Want) {
			sentence = a.sentence
		}
		if is := len(wantRead); want[i].Status < 400 && is < len(read) {
			wantRead, hasRead = append(wantRead, want[i].Read), append(hasRead, read[is])
			if want[i].Read == "" { // it does not matter
				wantRead[is] = read[is]
			}
		}
	}
	if diff := cmp.Diff(wantRead, hasRead); diff != "" || len(read) != len(hasRead) {
		t.Errorf("the server has read %q; want - got +\n%s", read, diff)
	}
	return sentence
}

// exchange sends pieces and returns the answers, and what the server has read.
func (w *wired) exchange(t *testing.T, pieces ...string) (answers string, read []string) {
	t.Helper()
	c := w.dial(t)
	address := c.LocalAddr().String()
	w.mu.Lock()
	delete(w.read, address) // an earlier connection may have had the same port
	w.mu.Unlock()
	answers = allOf(t, c, pieces...)
	w.mu.Lock()
	defer w.mu.Unlock()
	return answers, w.read[address]
}

func inPieces(s string, size int) (pieces []string) {
	for s != "" {
		n := min(size, len(s))
		pieces, s = append(pieces, s[:n]), s[n:]
	}
	return pieces
}

// atRandom cuts a string into about ten pieces.
func atRandom(s string, r *rand.Rand) (pieces []string) {
	for s != "" {
		n := min(1+r.IntN(max(len(s)/5, 2)), len(s))
		pieces, s = append(pieces, s[:n]), s[n:]
	}
	return pieces
}

// parsedAnswer is an answer to a case.
type parsedAnswer struct {
	resp           *http.Response
	kind, sentence string // error_type and error of the body
}

// parsedAnswers splits what a server has sent into answers. An answer to HEAD has no body,
// so the next answer follows its head.
func parsedAnswers(t *testing.T, all string) (answers []parsedAnswer) {
	t.Helper()
	for rest := all; rest != ""; {
		resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(rest)), nil)
		if err != nil {
			t.Fatalf("the answers are %q: %v at %q", all, err, rest)
		}
		_, rest, _ = strings.Cut(rest, "\r\n\r\n")
		a := parsedAnswer{resp: resp}
		if n := int(resp.ContentLength); n > 0 && strings.HasPrefix(rest, "{") {
			body, err := io.ReadAll(resp.Body)
			if err != nil {
				t.Fatalf("the answers are %q: %v", all, err)
			}
			rest = rest[n:]
			if resp.StatusCode >= 400 {
				var e struct{ Error, Hint, Error_type string }
				if err := json.Unmarshal(bytes.TrimSpace(body), &e); err != nil || e.Error == "" || e.Hint == "" {
					t.Errorf("the body of an error is %q: %v", body, err)
				}
				a.kind, a.sentence = e.Error_type, e.Error
			}
		}
		answers = append(answers, a)
	}
	return answers
}

// casesTable returns the part of docs/http.md that lists the cases.
func casesTable(files []cases.File, sentences map[*cases.Case]string) string {
	cell := func(s string) string {
		s = strings.ReplaceAll(s, "|", `\|`)
		return strings.NewReplacer("<", "&lt;", ">", "&gt;", "*", `\*`, "_", `\_`).Replace(s)
	}
	code := func(s string) string {
		s = strings.ReplaceAll(s, "|", `\|`)
		if strings.Contains(s, "`") {
			return "`` " + s + " ``"
		}
		return "`" + s + "`"
	}
	var b strings.Builder
	for _, f := range files {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n\n| case | bytes | clause | answer |\n| --- | --- | --- | --- |\n", f.Title, f.Text)
		for i := range f.Cases {
			c := &f.Cases[i]
			name := cell(c.Name)
			if c.Note != "" {
				name += " (" + c.Note + ")"
			}
			var answer []string
			for j, a := range c.Want {
				s := fmt.Sprint(a.Status)
				if j == len(c.Want)-1 && sentences[c] != "" {
					s += " " + cell(strings.TrimPrefix(sentences[c], "malformed HTTP: "))
				}
				answer = append(answer, s)
			}
			end := "kept"
			if !c.Keeps() {
				end = "**closed**"
			}
			shown := c.Shown
			if c.EOF {
				shown += " (end)"
			}
			fmt.Fprintf(&b, "| %s | %s | %s | %s; %s |\n", name, code(shown), c.Clause, strings.Join(answer, ", then "), end)
		}
	}
	return b.String()
}

// document compares a part of a document, between markers, with what it should be. With
// -update it writes the part.
func document(t *testing.T, file, name, want string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	begin, end := "<!-- "+name+" -->\n", "<!-- /"+name+" -->"
	before, rest, ok1 := strings.Cut(string(text), begin)
	old, after, ok2 := strings.Cut(rest, end)
	switch {
	case !ok1 || !ok2:
		t.Errorf("%s has no lines %q and %q", file, begin, end)
	case *update:
		if err := os.WriteFile(file, []byte(before+begin+want+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		if diff := cmp.Diff(want, old); diff != "" {
			t.Errorf("%s, %s (-want +got; go test ./web -update mends it):\n%s", file, name, diff)
		}
	}
}

// A head that is larger than the buffers of the usual server is read by the other one, up
// to what the settings allow. Without limits of its own parts, it has at most
// limits.MaxRequestHead bytes and limits.MaxRequestFields fields.
func TestLargeHeads(t *testing.T) {
	const get, end = "GET /healthz HTTP/1.1\r\nHost: a\r\n", "\r\n"
	field := func(size int) string { return "X: " + strings.Repeat("y", size-3) + "\r\n" }
	all := limits.Limits{Threads: 2, LimitRequestLine: -1, LimitRequestFields: -1, LimitRequestFieldSize: -1}
	for _, test := range []struct {
		name   string
		limits limits.Limits
		head   string
		status int
	}{
		{"just small", limits.Limits{}, get + field(8190) + field(smallHead-len(get+field(8190)+end)-2) + end, 200},
		{"just large", limits.Limits{}, get + field(8190) + field(smallHead-len(get+field(8190)+end)-1) + end, 200},
		{"all that the defaults allow", limits.Limits{}, get + strings.Repeat(field(8190), 99) + end, 200},
		{"one field more", limits.Limits{}, get + strings.Repeat(field(8190), 100) + end, 431},
		{"a line without its limit", all, "GET /healthz?" + strings.Repeat("x", 1_000_000) + " HTTP/1.1\r\nHost: a\r\n\r\n", 200},
		{"a line of more than a head", all, "GET /healthz?" + strings.Repeat("x", 1<<20), 414},
		{"a field without its limit", all, get + field(1_000_000) + end, 200},
		{"a field of more than a head", all, get + field(1<<20) + end, 431},
		{"as many fields as there can be", all, get + strings.Repeat("X:\r\n", limits.MaxRequestFields-1) + end, 200},
		{"still one field more", all, get + strings.Repeat("X:\r\n", limits.MaxRequestFields) + end, 431},
		{"all that a head can have", all, get + field(limits.MaxRequestHead-len(get+end)-2) + end, 200},
		{"one byte more", all, get + field(limits.MaxRequestHead-len(get+end)-1) + end, 431},
		{"a low limit of the line", limits.Limits{LimitRequestLine: 20}, get + end, 414},
		{"a low limit of fields", limits.Limits{LimitRequestFields: 1}, get + "X: y\r\n" + end, 431},
		{"a low limit of a field", limits.Limits{LimitRequestFieldSize: 7}, get + "X: 67890\r\n" + end, 431},
		{"low limits, kept", limits.Limits{LimitRequestLine: 27, LimitRequestFields: 2, LimitRequestFieldSize: 19}, get + field(19) + end, 200},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, gate.Options{Limits: test.limits}, Options{KeepAlive: 20 * time.Second})
			got := s.allAnswers(t, inPieces(test.head+cases.Probe, 60_000)...)
			answers := parsedAnswers(t, got)
			want := 1
			if test.status == 200 {
				want = 2
			}
			if len(answers) != want || answers[0].resp.StatusCode != test.status {
				t.Errorf("%d answers:\n%s\nwant %d", len(answers), got, test.status)
			}
		})
	}
}

// allOf sends pieces, each by itself, and closes the sending side. It returns all answers
// without what differs each time: the date and new ids.
func allOf(t *testing.T, c *conn, pieces ...string) string {
	t.Helper()
	defer c.Close()
	go func() { // send while the answers are read, or each side would wait for the other
		for _, p := range pieces {
			if _, err := io.WriteString(c, p); err != nil {
				return // the server may close before it has read everything
			}
		}
		_ = c.Conn.(*net.TCPConn).CloseWrite() // fails if the server has closed already
	}()
	b, err := io.ReadAll(c.r)
	if err != nil {
		t.Fatalf("%.300q: %v after %.300q", pieces, err, b)
	}
	// Whether a 100 Continue comes depends on what has arrived when the server looks: the
	// body, or the end of what the client sends (gate.Request.While). TestContinue has a
	// client that waits for it.
	all := strings.ReplaceAll(string(b), "HTTP/1.1 100 Continue\r\n\r\n", "")
	var out strings.Builder
	for line := range strings.Lines(newID.ReplaceAllString(all, strings.Repeat("N", 26))) {
		if !differs(line) {
			out.WriteString(line)
		}
	}
	return out.String()
}
