package web

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"github.com/narwhal-server/narwhal/internal/accesslog"
	"github.com/narwhal-server/narwhal/internal/gate"
)

// get sends a request and returns the answer with its whole head.
func (s *service) get(t *testing.T, method, path string, header http.Header, body string) *http.Response {
	t.Helper()
	req, err := http.NewRequest(method, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp
}

var timingField = regexp.MustCompile(`^queue;dur=\d+\.\d{3}, compute;dur=\d+\.\d{3}$`)

// An answer that was computed says how long it took, and so does the log. The delay does not
// count.
func TestServerTiming(t *testing.T) {
	for _, sync := range []bool{false, true} {
		s := serve(t, gate.Options{Sync: sync}, Options{AccessLogFormat: "json", Delay: time.Second})
		resp := s.get(t, "GET", "/", http.Header{}, `{"text":"Angela"}`)
		if !timingField.MatchString(resp.Header.Get("Server-Timing")) {
			t.Fatalf("Server-Timing: %q", resp.Header.Get("Server-Timing"))
		}
		var e accesslog.Entry
		if err := json.Unmarshal([]byte(s.access.waitFor(t, `"request_id"`)), &e); err != nil {
			t.Fatal(err)
		}
		if e.ComputeMS > e.DurationMS-1000 {
			t.Errorf("sync %v: computed for %v of %v ms: the delay counts", sync, e.ComputeMS, e.DurationMS)
		}
		if resp := s.get(t, "GET", "/none", http.Header{}, ""); resp.Header.Get("Server-Timing") != "" {
			t.Errorf("an answer that was not computed has %q", resp.Header.Get("Server-Timing"))
		}
	}
}

// A valid trace context is repeated in the answer and logged. Anything else is not.
func TestTraceparent(t *testing.T) {
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	s := serve(t, gate.Options{}, Options{AccessLogFormat: "json"})
	if got := s.get(t, "GET", "/healthz", http.Header{"Traceparent": {trace}}, "").Header.Get("Traceparent"); got != trace {
		t.Errorf("echoed %q", got)
	}
	s.access.waitFor(t, `"traceparent":"`+trace+`"`)
	if got := s.get(t, "GET", "/healthz", http.Header{"Traceparent": {"nonsense"}}, "").Header.Get("Traceparent"); got != "" {
		t.Errorf("echoed %q", got)
	}
}

func TestAppendMilliseconds(t *testing.T) {
	for d, want := range map[time.Duration]string{0: "0.000", 999: "0.000", 1234567: "1.234", 12 * time.Second: "12000.000", 50 * time.Microsecond: "0.050"} {
		if got := string(appendMilliseconds(nil, d)); got != want {
			t.Errorf("%d ns: %s, want %s", d, got, want)
		}
	}
}

func BenchmarkServerTiming(b *testing.B) {
	t := timing{123 * time.Microsecond, 4567 * time.Microsecond}
	var h fasthttp.ResponseHeader
	b.ReportAllocs()
	for b.Loop() {
		var field [64]byte
		h.SetCanonical(serverTiming, t.append(field[:0]))
	}
}
