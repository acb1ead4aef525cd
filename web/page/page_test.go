package page

import (
	"bytes"
	"io/fs"
	"regexp"
	"strings"
	"testing"
)

func TestEveryPathHasAFile(t *testing.T) {
	for _, p := range Paths {
		if f := Open(p); len(f.Body) == 0 || f.Type == "" || !strings.HasPrefix(f.Policy, "default-src 'none'") {
			t.Errorf("%s: %d bytes, type %q, policy %q", p, len(f.Body), f.Type, f.Policy)
		}
	}
	if f := Open("/page/nothing"); f != nil {
		t.Errorf("a path that is not listed has %v", f)
	}
}

// Each address in a document is that of a file, of the page itself or of the description.
func TestAddressesAreOurs(t *testing.T) {
	known := map[string]bool{"/": true, "/openapi.json": true}
	for _, p := range Paths {
		known[p] = true
	}
	for name, body := range map[string][]byte{"index.html": Index([]string{"m"}, 1).Body, "docs.html": Open("/docs").Body} {
		found := regexp.MustCompile(`(?:href|src)="([^"]*)"`).FindAllSubmatch(body, -1)
		if len(found) < 4 {
			t.Errorf("%s has %d addresses, want more", name, len(found))
		}
		for _, m := range found {
			if at := "/" + strings.TrimPrefix(string(m[1]), "./"); !known[at] {
				t.Errorf("%s has the address %q", name, m[1])
			}
		}
	}
}

// The page loads no more than this when a browser first sees it.
func TestSize(t *testing.T) {
	all := len(Index([]string{"en_core_web_sm-3.8.0", "en_core_web_md-3.8.0"}, 1<<20).Body)
	for _, p := range Paths {
		if strings.HasPrefix(p, "/page/") {
			all += len(Open(p).Body)
		}
	}
	if all > 60_000 {
		t.Errorf("the page has %d bytes, want at most 60,000", all)
	}
}

// Nothing in our files is or makes what the policy forbids, and nothing names another host.
func TestNothingInline(t *testing.T) {
	bad := regexp.MustCompile(`(?i)\son[a-z]+=|\sstyle=|<style|<script>|innerHTML|insertAdjacentHTML|document\.write|eval\(`)
	host := regexp.MustCompile(`https?://[^"' )]*`)
	err := fs.WalkDir(own, "files", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasSuffix(name, ".txt") {
			return err
		}
		b, err := own.ReadFile(name)
		if found := bad.Find(b); found != nil {
			t.Errorf("%s has %q", name, found)
		}
		if found := host.Find(b); found != nil && string(found) != "http://www.w3.org/2000/svg" {
			t.Errorf("%s names %q", name, found)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestModelIsEscaped(t *testing.T) {
	b := Index([]string{`<script>"&`}, 77).Body
	if !bytes.Contains(b, []byte(`>&lt;script&gt;&#34;&amp;</code>`)) || !bytes.Contains(b, []byte(`data-limit="77"`)) {
		t.Errorf("the page is %.1500s", b)
	}
	b = Index([]string{"a", `<script>"&`}, 77).Body
	if !bytes.Contains(b, []byte(`<option value="a">a</option><option value="&lt;script&gt;&#34;&amp;">&lt;script&gt;&#34;&amp;</option></select>`)) {
		t.Errorf("the page with two models is %.1500s", b)
	}
}
