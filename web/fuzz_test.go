package web

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
)

// A body is decoded as encoding/json decodes it, or refused with a reason. Bodies with
// numbers that only Python knows are not compared: encoding/json refuses them.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"text":"Angela"}`, `{"text":"\ud83d\ude00\ud83d"}`, `{"text":"a","text":null}`, `{"Text":"a"}`, `{"inputs":"a"}`,
		"\ufeff{}", `[`, strings.Repeat("[", 20000), `{"a":` + strings.Repeat(`{"a":`, 9990), `"`, `{"a":[NaN, -Infinity], "text":"NaN"}`, `{"text":NaN}`, `{"text":"\`, `{"text":"\u`, `{"text":"\ud8`, "nul", "\xff",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		text, failure := decodeText(body)
		var want struct{ fields map[string]any }
		err := json.Unmarshal(bytes.TrimPrefix(body, []byte("\ufeff")), &want.fields)
		is, ok := want.fields["text"].(string)
		switch {
		case failure == nil:
			if err != nil && (bytes.Contains(body, []byte("NaN")) || bytes.Contains(body, []byte("Infinity"))) {
				return
			}
			if err != nil || !ok || is != text || !utf8.ValidString(text) {
				t.Fatalf("decode(%q) = %q; encoding/json says %q, %v", body, text, is, err)
			}
		case failure.message == "" || failure.hint == "" || failure.status != 400 && failure.status != 422:
			t.Fatalf("decode(%q): %+v", body, failure)
		case ok && err == nil && utf8.Valid(body) && !strings.ContainsRune(is, utf8.RuneError):
			t.Fatalf("decode(%q): %s; encoding/json says %q", body, failure.message, is)
		}
	})
}

// Whatever bytes come, the server answers with whole responses, closes the connection,
// and answers the next client.
func FuzzHTTP(f *testing.F) {
	files, err := os.ReadDir("testdata/http")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile("testdata/http/" + file.Name())
		if err != nil {
			f.Fatal(err)
		}
		for _, block := range strings.Split(string(b), "\n\n== ")[1:] {
			_, rest, _ := strings.Cut(block, "\n")
			request, _, _ := strings.Cut(rest, "\n----")
			f.Add([]byte(wire(f, request)))
		}
	}
	f.Add([]byte(post("One") + getHealth + post("panic") + post("Two")))
	f.Add([]byte(post("One")[1:]))
	f.Add([]byte(linesHead + "d\r\n\"One\"\n\"Two\"\n\r\n0\r\n\r\n" + post("Three")))
	f.Add([]byte(linesHead + "5\r\n\"One\"\r\nx"))
	f.Add([]byte("POST /v1/entities?offsets=utf8 HTTP/1.1\r\nHost: x\r\nContent-Type: application/jsonl\r\nContent-Length: 9\r\n\r\n\"Ada\"\n{}\n"))

	// A unix socket, because each TCP connection keeps a port busy for a minute.
	path := filepath.Join(f.TempDir(), "socket")
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path})
	if err != nil {
		f.Fatal(err)
	}
	ln.SetUnlinkOnClose(false)
	o := Options{Recognizer: fake{}, KeepAlive: time.Minute, Timeout: time.Minute, LimitBody: 1000, AccessLog: io.Discard,
		Log: slog.New(slog.DiscardHandler)}
	g := gate.New(gate.Options{Limits: limits.Limits{Threads: 1, WorkerConnections: 10}})
	gated := listen(f, g, ln)
	done := make(chan error, 1)
	go func() { done <- New(o).Serve(gated) }()
	f.Cleanup(func() {
		gated.Close()
		if err := <-done; err != nil {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, raw []byte) {
		exchange(t, path, raw)
		if got := exchange(t, path, []byte(post("Angela"))); len(got) != 1 || got[0] != 200 {
			t.Fatalf("after %q the next client gets %d", raw, got)
		}
		if n := g.InFlight(); n != 0 {
			t.Fatalf("after %q %d requests were begun and not ended", raw, n)
		}
	})
}

// exchange sends bytes, closes the sending side, and returns the statuses of the
// answers.
func exchange(t *testing.T, path string, raw []byte) (statuses []int) {
	c, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	got := make(chan []byte)
	go func() {
		b, err := io.ReadAll(c)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("to %q the answer is %q and no end", raw, b)
		}
		got <- b
	}()
	_, _ = c.Write(raw) // the server may have closed already
	_ = c.CloseWrite()
	all := <-got
	for rest := all; len(rest) > 0; {
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(rest)), nil)
		if err != nil {
			t.Fatalf("to %q the answer is %q: %v", raw, all, err)
		}
		if resp.StatusCode != 100 {
			statuses = append(statuses, resp.StatusCode)
		}
		if len(resp.TransferEncoding) > 0 { // lines, which end the connection
			if b, err := io.ReadAll(resp.Body); err != nil && !bytes.Contains(b, []byte(`{"error":`)) {
				t.Fatalf("to %q the answer is %q: %v", raw, all, err)
			}
			break
		}
		_, rest, _ = bytes.Cut(rest, []byte("\r\n\r\n"))
		if n := int(resp.ContentLength); n <= len(rest) && n > 0 && !bytes.HasPrefix(rest, []byte("HTTP/1.1 ")) { // not the answer to a HEAD
			rest = rest[n:]
		}
		if len(rest) > 0 && !bytes.HasPrefix(rest, []byte("HTTP/1.1 ")) {
			t.Fatalf("to %q the answer is %q, which does not go on well at %q", raw, all, rest)
		}
	}
	return statuses
}
