package web

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
	"github.com/narwhal-server/narwhal/ner"
)

// postLines posts a body of lines and returns the answer.
func (s *service) postLines(t *testing.T, query string, body io.Reader) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest("POST", "http://"+s.addr+"/v1/entities"+query, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson; charset=utf-8")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("the answer ends after %q: %v", b, err)
	}
	return resp, string(b)
}

// Each line has its result in its place, also a bad one.
func TestLines(t *testing.T) {
	s := serve(t, gate.Options{}, Options{Timeout: 10 * time.Millisecond, LimitBody: 100})
	body := strings.Join([]string{
		`"Angela went"`,
		`{"id":7,"text":"😀 Angela"}`,
		"",
		" \t\r",
		"  {\"text\":\"Angela\"}\r",
		`{"id":[1,{}],"text":8}`,
		`{"text":"x"`,
		"\"Ren\xe9\"",
		`{"txt":"x"}`,
		`[1]`,
		`"\ud800"`,
		`"` + strings.Repeat("x", 99) + `"`,
		`"` + strings.Repeat("y", 100000) + `"`,
		`"panic"`,
		`"fail"`,
		`"hang"`,
		`"too long"`,
		`"The end"`,
	}, "\n")
	internal := `{"error":"the service failed on this request","error_type":"internal","hint":"report the request_id to who runs the service; its log has the reason"}`
	hint := `,"hint":"a line is a string or {\"id\": …, \"text\": \"…\"}"}`
	long := `{"error":"the line has more than 100 bytes","error_type":"body_too_large","hint":"send the text in parts, or have the server started with a larger --limit-body"}`
	want := strings.Join([]string{
		`{"ents":[{"text":"Angela","label":"NAME","start":0,"end":6},{"text":"went","label":"LAST","start":7,"end":11}]}`,
		`{"id":7,"ents":[{"text":"Angela","label":"LAST","start":3,"end":9}]}`,
		`{"ents":[{"text":"Angela","label":"LAST","start":0,"end":6}]}`,
		`{"id":[1,{}],"error":"the ` + "`text`" + ` of the line is a number, want a string","error_type":"invalid_request"` + hint,
		`{"error":"the line is not JSON: unexpected end of JSON input (byte 11)","error_type":"invalid_json"` + hint,
		`{"error":"the line is not UTF-8: byte 0xe9 at 4","error_type":"invalid_json","hint":"encode the JSON as UTF-8"}`,
		`{"error":"the line has no ` + "`text`" + `","error_type":"invalid_request"` + hint,
		`{"error":"the line is an array, want a string or an object","error_type":"invalid_request"` + hint,
		`{"error":"the line has \\ud800, half of a surrogate pair, which is no character","error_type":"invalid_request","hint":"escape a character beyond U+FFFF with both halves (\\ud83d\\ude00), or send it as it is in UTF-8"}`,
		long,
		long,
		internal,
		internal,
		`{"error":"no entities of 4 bytes of text within 9ms","error_type":"timeout","hint":"send a shorter text, or have the server started with a longer --timeout"}`,
		`{"error":"` + "`text`" + ` has 8 code points, want at most 7","error_type":"invalid_request","hint":"send the text in parts"}`,
		`{"ents":[{"text":"The","label":"NAME","start":0,"end":3},{"text":"end","label":"LAST","start":4,"end":7}]}`,
	}, "\n") + "\n"
	for name, read := range map[string]io.Reader{
		"with a length":             strings.NewReader(body),
		"in chunks":                 struct{ io.Reader }{strings.NewReader(body)},
		"with an end of line":       strings.NewReader(body + "\n"),
		"in chunks of a few letter": struct{ io.Reader }{&slowly{strings.NewReader(body)}},
	} {
		resp, got := s.postLines(t, "?offsets=utf16&labels=NAME,LAST", read)
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "application/x-ndjson" || resp.Header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %s with %v", name, resp.Status, resp.Header)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: want - got +\n%s", name, diff)
		}
	}
	s.log.waitFor(t, "a request failed")
	s.access.waitFor(t, `"POST /v1/entities HTTP/1.1" 200 `)
}

// What is to be included holds for every line.
func TestLinesInclude(t *testing.T) {
	s := serve(t, gate.Options{}, Options{})
	const ents, entsWithTokens = `"ents":[{"text":"Ada","label":"NAME","start":0,"end":3},{"text":"b","label":"LAST","start":10,"end":11}]`,
		`"ents":[{"text":"Ada","label":"NAME","start":0,"end":3,"start_token":0,"end_token":1},{"text":"b","label":"LAST","start":10,"end":11,"start_token":3,"end_token":4}]`
	const sents, tokens = `,"sents":[{"start":0,"end":9},{"start":10,"end":11}]`, `,"tokens":[{"start":0,"end":3},{"start":4,"end":8},{"start":8,"end":9},{"start":10,"end":11}]`
	for query, want := range map[string]string{
		"":                              ents,
		"?include=":                     ents,
		"?include=sents":                ents + sents,
		"?include=tokens":               entsWithTokens + tokens,
		"?include=tokens,sents":         entsWithTokens + sents + tokens,
		"?include=tokens%2Csents":       entsWithTokens + sents + tokens,
		"?include=tokens&include=sents": ents + sents, // as of the other parameters, the last value counts
	} {
		_, got := s.postLines(t, query, strings.NewReader("\"Ada went. b\"\n8\n{\"id\":2,\"text\":\"Ada went. b\"}\n"))
		first, rest, _ := strings.Cut(got, "\n")
		_, last, _ := strings.Cut(rest, "\n")
		if first != "{"+want+"}" || last != `{"id":2,`+want+"}\n" {
			t.Errorf("%s: %s", query, got)
		}
	}
}

// slowly reads a few bytes at a time.
type slowly struct{ r io.Reader }

func (s *slowly) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), 1+len(p)%97)]) }

// Lines of any number are answered in order.
func TestManyLines(t *testing.T) {
	s := serve(t, gate.Options{Limits: limits.Limits{LimitBuffers: 1 << 20}}, Options{})
	const n = 20000
	in, out := io.Pipe()
	go func() {
		w := bufio.NewWriter(out)
		for i := range n {
			fmt.Fprintf(w, "{\"id\":%d,\"text\":\"W%d\"}\n", i, i)
		}
		w.Flush()
		out.Close()
	}()
	_, got := s.postLines(t, "", in)
	i := 0
	for line := range strings.Lines(got) {
		var result struct {
			ID   int
			Ents []struct{ Text string }
		}
		if err := json.Unmarshal([]byte(line), &result); err != nil || result.ID != i || len(result.Ents) != 1 || result.Ents[0].Text != fmt.Sprintf("W%d", i) {
			t.Fatalf("line %d is %s, %v", i, line, err)
		}
		i++
	}
	if i != n {
		t.Errorf("%d results, want %d", i, n)
	}
}

const linesHead = "POST /v1/entities HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"

func (c *conn) sendLine(line string) { c.send(fmt.Sprintf("%x\r\n%s\r\n", len(line), line)) }

// wantRaw reads until the answer contains part.
func (c *conn) wantRaw(part string) {
	c.t.Helper()
	var got bytes.Buffer
	for !strings.Contains(got.String(), part) {
		b, err := c.r.ReadByte()
		if err != nil {
			c.t.Fatalf("no %q in %q: %v", part, got.String(), err)
		}
		got.WriteByte(b)
	}
}

// A line is answered before the next one is sent, and meanwhile the stream holds no place.
func TestLinesOneByOne(t *testing.T) {
	for _, sync := range []bool{false, true} {
		s := serve(t, gate.Options{Sync: sync, Limits: limits.Limits{Threads: 1}}, Options{})
		c := s.dial(t)
		c.send(linesHead)
		for i := range 3 {
			c.sendLine(fmt.Sprintf("{\"id\":%d,\"te", i))
			s.dial(t).want(200, post("Angela"))
			c.sendLine("xt\":\"Ada\"}\n")
			c.wantRaw(fmt.Sprintf(`{"id":%d,"ents":[{"text":"Ada","label":"LAST","start":0,"end":3}]}`+"\n\r\n", i))
			s.dial(t).want(200, post("Angela"))
		}
		c.send("0\r\n\r\n")
		c.wantRaw("0\r\n\r\n")
		if _, err := c.r.ReadByte(); err != io.EOF {
			t.Errorf("after the answer: %v, want the end of the connection", err)
		}
	}
}

// Another request has its turn between two lines that have arrived already.
func TestRequestDuringLines(t *testing.T) {
	h := held{newBlocking()}
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 1}}, Options{Recognizer: h, KeepAlive: time.Minute})
	single := s.dial(t)
	single.want(200, getHealth) // the worker holds this connection from now on
	c := s.dial(t)
	c.send(linesHead)
	pad := strings.Repeat(" ", 100) // so that a line is not due before a text that came earlier
	c.sendLine("\"T0" + pad + "\"\n\"T1" + pad + "\"\n")
	<-h.asked
	single.send(post("single"))
	s.waitInFlight(2)
	h.free <- struct{}{}
	if text := <-h.asked; text != "single" {
		t.Errorf("%q is computed after the first line, want the request that waits", text)
	}
	h.free <- struct{}{}
	single.wantAnswer(200)
	<-h.asked
	h.free <- struct{}{}
	c.send("0\r\n\r\n")
	c.wantRaw("0\r\n\r\n")
}

// A body that ends early ends the answer, which says why, and has no last chunk.
func TestLinesThatEndEarly(t *testing.T) {
	s := serve(t, gate.Options{}, Options{})
	c := s.dial(t)
	c.send(linesHead)
	c.sendLine("\"Ada\"\n")
	c.wantRaw("\"end\":3}]}\n\r\n")
	c.send("x\r\n")
	c.wantRaw(`{"error":"malformed HTTP: the size of a chunk is no hexadecimal number","error_type":"bad_request","hint":`)
	rest, err := io.ReadAll(c.r)
	if err != nil || !strings.HasSuffix(string(rest), "}\n\r\n") {
		t.Errorf("the answer ends with %q, %v", rest, err)
	}

	c = s.dial(t) // before anything was answered
	c.send(linesHead + "x\r\n")
	if answer := c.wantAnswer(400); !strings.Contains(answer, "no hexadecimal number") {
		t.Errorf("answer %s", answer)
	}
}

// No line is computed for a client that has gone.
func TestLinesOfWhoHasGone(t *testing.T) {
	h := held{newBlocking()}
	s := serve(t, gate.Options{}, Options{Recognizer: h})
	c := s.dial(t)
	c.send(linesHead)
	c.sendLine("\"T0\"\n\"T1\"\n")
	<-h.asked
	c.Close()
	h.free <- struct{}{}
	s.access.waitFor(t, `"POST /v1/entities HTTP/1.1" 499 0 `)
}

// many is a recognizer that finds very many entities. It does not tell tokens: of a
// recognizer that does, the server asks for these.
type many struct{}

func (many) Entities(ctx context.Context, text string) ([]ner.Entity, error) {
	found, err := fake{}.Entities(ctx, text)
	if text == "Many" {
		found = slices.Repeat(found, 200_000)
	}
	return found, err
}

// Results that are not sent count towards LimitBuffers: others are refused, or the stream is
// ended to make room for them.
func TestLinesOfWhoDoesNotRead(t *testing.T) {
	s := serve(t, gate.Options{Limits: limits.Limits{LimitBuffers: 4 << 20}}, Options{Recognizer: many{}, KeepAlive: time.Minute})
	other := s.dial(t)
	other.want(200, post("Ada")) // the worker holds this connection from now on
	c := s.dial(t)
	if err := c.Conn.(*net.TCPConn).SetReadBuffer(4 << 10); err != nil {
		t.Fatal(err)
	}
	c.send(linesHead)
	c.sendLine("\"Many\"\n") // the result has more than 10 MB
	c.wantRaw("HTTP/1.1 200")
	for range 100 {
		other.send(post("Grace"))
		if _, r := other.answer("POST"); r.StatusCode == 503 {
			return
		}
	}
	c.send("0\r\n\r\n")
	if b, err := io.ReadAll(c.r); errors.Is(err, os.ErrDeadlineExceeded) || bytes.HasSuffix(b, []byte("\r\n0\r\n\r\n")) {
		t.Errorf("100 requests were answered, and the stream was not ended: %d bytes, %v", len(b), err)
	}
}

func TestLinesRefused(t *testing.T) {
	s := serve(t, gate.Options{}, Options{More: []Model{{Recognizer: bare{fake{}}, ID: "bare"}}})
	for _, test := range []struct{ query, field, body, want string }{
		{"?offsets=utf7", "", "x", "422 `offsets` is \"utf7\", want"},
		{"?label=ORG", "", "x", "422 there is no parameter \"label\""},
		{"?include=sents,ents", "", "x", "422 `include` has \"ents\", want"},
		{"?include=tokens&model=bare", "", "x", "422 `include` has tokens, but the model finds only entities"},
		{"", "Content-Encoding: br\r\n", "x", "415 the lines are declared as Content-Encoding: br, want gzip or none"},
		{"", "Content-Encoding: gzip, gzip\r\n", "x", "415 the lines are declared as Content-Encoding: gzip, gzip, want gzip or none"},
		{"", "Content-Encoding: gzip\r\n", "\"Ada Lovelace\"\n", "400 the lines are declared as Content-Encoding: gzip, but cannot be uncompressed: gzip: invalid header"},
		{"", "Content-Encoding: gzip\r\n", "", "200 "},
		{"", "", "", "200 "},
	} {
		c := s.dial(t)
		c.send(fmt.Sprintf("POST /v1/entities%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-ndjson\r\n%sContent-Length: %d\r\n\r\n%s",
			test.query, test.field, len(test.body), test.body))
		answer, resp := c.answer("POST")
		status, message, _ := strings.Cut(test.want, " ")
		quoted, _ := json.Marshal(message)
		if fmt.Sprint(resp.StatusCode) != status || !strings.Contains(answer, strings.Trim(string(quoted), `"`)) {
			t.Errorf("%+v: %s", test, answer)
		}
	}
}

// To a client of HTTP/1.0 the end of the connection is the end of the answer.
func TestLinesByHTTP10(t *testing.T) {
	s := serve(t, gate.Options{}, Options{})
	c := s.dial(t)
	c.send("POST /v1/entities HTTP/1.0\r\nContent-Type: application/x-ndjson\r\nContent-Length: 5\r\n\r\n\"Ada\"")
	all, err := io.ReadAll(c.r)
	if head, body, _ := strings.Cut(string(all), "\r\n\r\n"); err != nil || strings.Contains(head, "chunked") || body != `{"ents":[{"text":"Ada","label":"LAST","start":0,"end":3}]}`+"\n" {
		t.Errorf("the answer is %q, %v", all, err)
	}
}

// A stream counts as one text, and is refused at once if that is one too many.
func TestLinesOverLimit(t *testing.T) {
	s := serve(t, gate.Options{Limits: limits.Limits{LimitConcurrency: 1}}, Options{})
	first := s.dial(t)
	first.send(linesHead)
	s.waitInFlight(1)
	second := s.dial(t)
	second.send(linesHead)
	second.wantAnswer(503)
	first.send("0\r\n\r\n")
	first.wantRaw("0\r\n\r\n")
}
