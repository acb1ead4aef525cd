package web

import (
	"net/http"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/gate"
)

// The access log has the right-most address that is not a trusted proxy's, and nothing that
// a client could have invented.
func TestForwarded(t *testing.T) {
	const peer = "127.0.0.1 http"
	for _, c := range []struct {
		trusted string
		fields  http.Header
		want    string
	}{
		{"127.0.0.1", http.Header{}, peer},
		{"", http.Header{"X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Proto": {"https"}}, peer},
		{"192.0.2.0/24", http.Header{"X-Forwarded-For": {"192.0.2.1"}}, peer},
		{"127.0.0.1", http.Header{"X-Forwarded-For": {"192.0.2.1"}, "X-Forwarded-Proto": {"HTTPS"}}, "192.0.2.1 https"},
		{"127.0.0.1", http.Header{"X-Forwarded-For": {"198.51.100.9, 192.0.2.1"}}, "192.0.2.1 http"},
		{"127.0.0.1,192.0.2.0/24", http.Header{"X-Forwarded-For": {"203.0.113.5, 198.51.100.9:80, 192.0.2.1"}}, "198.51.100.9 http"},
		{"127.0.0.1,192.0.2.0/24", http.Header{"X-Forwarded-For": {"198.51.100.9", "192.0.2.1"}}, "198.51.100.9 http"},
		{"127.0.0.1", http.Header{"X-Forwarded-For": {"nobody\" \"forged"}}, peer},
		{"127.0.0.1,192.0.2.0/24", http.Header{"X-Forwarded-For": {"unknown, 192.0.2.1"}}, "192.0.2.1 http"},
		{"*", http.Header{"X-Forwarded-For": {"203.0.113.5, 192.0.2.1"}}, "203.0.113.5 http"},
		{"127.0.0.1", http.Header{"Forwarded": {`for=198.51.100.9;proto=http, For="[2001:db8::1]:4711";Proto=https`}}, "2001:db8::1 http"},
		{"127.0.0.1", http.Header{"Forwarded": {`by="a,b;for=1.2.3.4";proto=https;for="\1\92.0.2.1"`}}, "192.0.2.1 https"},
		{"127.0.0.1", http.Header{"Forwarded": {"for=192.0.2.1"}, "X-Forwarded-For": {"192.0.2.2"}}, "192.0.2.2 http"},
		{"127.0.0.1", http.Header{"Forwarded": {"for=_hidden"}}, peer},
		{"127.0.0.1", http.Header{"X-Forwarded-Proto": {"javascript"}}, peer},
	} {
		s := serve(t, gate.Options{}, Options{AccessLogFormat: "%(h)s %({wsgi.url_scheme}e)s.", ForwardedAllowIPs: strings.FieldsFunc(c.trusted, func(r rune) bool { return r == ',' })})
		s.get(t, "GET", "/healthz", c.fields, "")
		if got := strings.TrimSuffix(strings.TrimSpace(s.access.waitFor(t, ".\n")), "."); got != c.want {
			t.Errorf("trusted %q, %v: %s, want %s", c.trusted, c.fields, got, c.want)
		}
	}
}
