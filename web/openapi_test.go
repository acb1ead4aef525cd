package web

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/http1/cases"
)

// The description has every route with its methods, and every status of the answers in
// testdata/http and of the cases of docs/http.md but 204, 404 and 405.
func TestDescription(t *testing.T) {
	var doc struct {
		Paths map[string]map[string]struct{ Responses map[string]any }
	}
	if err := json.Unmarshal(openAPI, &doc); err != nil {
		t.Fatal(err)
	}
	got, want := map[string][]string{}, map[string][]string{}
	for path, methods := range doc.Paths {
		for m := range methods {
			got[path] = append(got[path], strings.ToUpper(m))
		}
		slices.Sort(got[path])
	}
	for _, r := range routes {
		want[r.path] = slices.Sorted(slices.Values(r.methods))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("paths and methods, want - got +\n%s", diff)
	}

	files, err := os.ReadDir("testdata/http")
	if err != nil {
		t.Fatal(err)
	}
	described := doc.Paths["/"]["post"].Responses
	wired, err := cases.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range wired {
		for _, c := range f.Cases {
			if s := strconv.Itoa(c.Want[0].Status); described[s] == nil && s != "204" && s != "404" && s != "405" {
				t.Errorf("%s: status %s is not described", c.Name, s)
			}
		}
	}
	for _, f := range files {
		b, err := os.ReadFile("testdata/http/" + f.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^HTTP/1\.1 (\d+)`).FindAllSubmatch(b, -1) {
			if s := string(m[1]); described[s] == nil && s != "204" && s != "404" && s != "405" {
				t.Errorf("%s: status %s is not described", f.Name(), s)
			}
		}
	}
}

func TestDescriptionIsServed(t *testing.T) {
	s := serve(t, gate.Options{}, Options{})
	answer := s.dial(t).want(200, "GET /openapi.json HTTP/1.1\r\nHost: x\r\n\r\n")
	if !strings.Contains(answer, "\nContent-Length: "+strconv.Itoa(len(openAPI))+"\n") || !strings.HasSuffix(answer, "\n\n"+string(openAPI)) {
		t.Errorf("answer %.300s…", answer)
	}
}
