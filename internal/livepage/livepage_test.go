package livepage

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(path, tag string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	w := httptest.NewRecorder()
	Handler(path)(w, r)
	return w
}

// Every path has a file with its type and the policy. A browser that has the file gets it
// no second time.
func TestEveryPathHasAFile(t *testing.T) {
	all := 0
	for _, p := range Paths {
		w := get(p, "")
		h := w.Header()
		all += w.Body.Len()
		if w.Code != 200 || w.Body.Len() == 0 || h.Get("Content-Type") == "" || h.Get("Content-Security-Policy") != policy || h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d, %d bytes, %v", p, w.Code, w.Body.Len(), h)
		}
		if again := get(p, h.Get("ETag")); again.Code != 304 || again.Body.Len() > 0 {
			t.Errorf("%s again: %d, %d bytes", p, again.Code, again.Body.Len())
		}
	}
	if all > 30_000 {
		t.Errorf("the page has %d bytes, want at most 30,000", all)
	}
}

// Each address in the document is that of a file, or of the metrics.
func TestAddressesAreOurs(t *testing.T) {
	known := map[string]bool{"/metrics": true}
	for _, p := range Paths {
		known[p] = true
	}
	found := regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllStringSubmatch(get("/", "").Body.String(), -1)
	if len(found) < 5 {
		t.Errorf("the document has %d addresses, want more", len(found))
	}
	for _, m := range found {
		if !known["/"+m[1]] {
			t.Errorf("the document has the address %q", m[1])
		}
	}
}

// Nothing in the files is or makes what the policy forbids, and nothing names another host.
func TestNothingInline(t *testing.T) {
	bad := regexp.MustCompile(`(?i)\son[a-z]+=|\sstyle=|<style|<script>|innerHTML|insertAdjacentHTML|document\.write|eval\(`)
	host := regexp.MustCompile(`https?://[^"' )]*`)
	names, err := fs.Glob(files, "files/*")
	if err != nil || len(names) != len(Paths) {
		t.Fatalf("%d files for %d paths, %v", len(names), len(Paths), err)
	}
	for _, name := range names {
		b, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if found := bad.Find(b); found != nil {
			t.Errorf("%s has %q", name, found)
		}
		if found := string(host.Find(b)); found != "" && !strings.HasPrefix(found, "http://www.w3.org/") {
			t.Errorf("%s names %q", name, found)
		}
	}
}
