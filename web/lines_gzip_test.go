package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/narwhal-server/narwhal/internal/gate"
)

// zip returns the texts compressed, each in a member of its own.
func zip(t testing.TB, texts ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	for _, text := range texts {
		z := gzip.NewWriter(&b)
		if _, err := io.WriteString(z, text); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes()
}

// postZipped posts a compressed body of lines and returns the answer, and whether it ended
// as it should.
func (s *service) postZipped(t *testing.T, body io.Reader) (status int, answer string, whole bool) {
	t.Helper()
	req, err := http.NewRequest("POST", "http://"+s.addr+"/v1/entities", body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-ndjson")
	req.Header.Set("Content-Encoding", "gzip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(b), err == nil
}

// Lines that are compressed are answered as if they were not, however they were compressed.
func TestLinesZipped(t *testing.T) {
	s := serve(t, gate.Options{}, Options{LimitBody: 100 << 10})
	long := strings.Repeat("x", 90<<10)
	in := []string{"\"Ada\"\n", "{\"id\":1,\"text\":\"Gra", "ce\"}\n\n7\n", "", "\"" + long + "\"\n", "\"b\""}
	want := `{"ents":[{"text":"Ada","label":"LAST","start":0,"end":3}]}
{"id":1,"ents":[{"text":"Grace","label":"LAST","start":0,"end":5}]}
{"error":"the line is a number, want a string or an object","error_type":"invalid_request","hint":"a line is a string or {\"id\": …, \"text\": \"…\"}"}
{"ents":[{"text":"` + long + `","label":"LAST","start":0,"end":92160}]}
{"ents":[{"text":"b","label":"LAST","start":0,"end":1}]}
`
	for name, body := range map[string]io.Reader{
		"one member":      bytes.NewReader(zip(t, strings.Join(in, ""))),
		"several members": bytes.NewReader(zip(t, in...)),
		"byte by byte":    iotest.OneByteReader(bytes.NewReader(zip(t, in...))),
	} {
		if status, got, whole := s.postZipped(t, body); status != 200 || got != want || !whole {
			t.Errorf("%s: %d, whole %v, %.1000s", name, status, whole, got)
		}
	}
}

// A compressed line is answered when it has arrived, after a flush and at the end of a
// member.
func TestLinesZippedOneByOne(t *testing.T) {
	s := serve(t, gate.Options{}, Options{})
	c := s.dial(t)
	c.send(strings.Replace(linesHead, "\r\n\r\n", "\r\nContent-Encoding: gzip\r\n\r\n", 1))
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	for i, end := range []func() error{z.Flush, z.Flush, z.Close} {
		fmt.Fprintf(z, "{\"id\":%d,\"text\":\"Ada\"}\n", i)
		if err := end(); err != nil {
			t.Fatal(err)
		}
		c.sendLine(b.String())
		b.Reset()
		c.wantRaw(fmt.Sprintf(`{"id":%d,"ents":[{"text":"Ada","label":"LAST","start":0,"end":3}]}`+"\n\r\n", i))
	}
	c.sendLine(string(zip(t, "\"Grace\"\n")))
	c.wantRaw(`"Grace"`)
	c.send("0\r\n\r\n")
	c.wantRaw("0\r\n\r\n")
}

// What is wrong with a compressed body ends the answer, after the lines before it.
func TestLinesZippedWrongly(t *testing.T) {
	s := serve(t, gate.Options{}, Options{LimitBody: 100 << 10})
	first := zip(t, "\"Ada\"\n")
	whole := zip(t, "\"Ada\"\n\"Grace\"\n")
	wrong := bytes.Clone(whole)
	wrong[len(wrong)-6]++ // in the checksum
	many := strings.Repeat(" ", 200<<10)
	for name, test := range map[string]struct {
		body []byte
		want string
	}{
		"ends early":      {whole[:len(whole)-1], `,"error_type":"invalid_encoding",`},
		"checksum":        {wrong, "cannot be uncompressed: gzip: invalid checksum"},
		"not gzip":        {append(bytes.Clone(first), "hello, world"...), "cannot be uncompressed: gzip: invalid header"},
		"half a head":     {append(bytes.Clone(first), whole[:5]...), "cannot be uncompressed: unexpected EOF"},
		"a long line":     {zip(t, "\"Ada\"\n"+strings.Repeat("x", 200<<10)), "more than 102400 bytes in one line or in blank lines"},
		"a blank line":    {zip(t, "\"Ada\"\n"+many), "more than 102400 bytes in one line or in blank lines"},
		"blank lines":     {zip(t, "\"Ada\"\n"+strings.ReplaceAll(many, " ", "\n")), "more than 102400 bytes in one line or in blank lines"},
		"and then a text": {zip(t, "\"Ada\"\n"+strings.ReplaceAll(many, " ", " \n")+"\"Ada\"\n"), "more than 102400 bytes in one line or in blank lines"},
	} {
		status, got, ended := s.postZipped(t, struct{ io.Reader }{bytes.NewReader(test.body)})
		if status != 200 || ended || !strings.HasPrefix(got, `{"ents":[{"text":"Ada"`) || !strings.Contains(got, test.want) {
			t.Errorf("%s: %d, ended %v, %s", name, status, ended, got)
		}
	}
	if status, got, _ := s.postZipped(t, bytes.NewReader(zip(t, many))); status != 413 {
		t.Errorf("blanks only: %d, %s", status, got)
	}
}

// To uncompress a stream takes about the memory that the gate counts.
func TestUnzipMemory(t *testing.T) {
	z := zip(t, strings.Repeat("Angela Merkel was born in Hamburg. ", 10_000))
	const n = 16
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range n {
		if size, err := io.Copy(io.Discard, newUnzip(bytes.NewReader(z))); err != nil || size != 350_000 {
			t.Fatal(size, err)
		}
	}
	runtime.ReadMemStats(&after)
	if took := (after.TotalAlloc - before.TotalAlloc) / n; took > unzipMemory+32<<10 { // io.Copy has 32 KiB
		t.Errorf("it takes %d bytes, %d are counted", took, unzipMemory)
	}
}

// An error of the connection stays what it is.
func TestUnzipOfBrokenConnection(t *testing.T) {
	broken := errors.New("broken")
	z := zip(t, "hello", "world")
	for n := range len(z) {
		_, err := io.ReadAll(newUnzip(io.MultiReader(bytes.NewReader(z[:n]), iotest.ErrReader(broken))))
		if !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}
