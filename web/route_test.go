package web

import (
	"testing"

	"github.com/valyala/fasthttp"
)

func TestMatch(t *testing.T) {
	for _, c := range []struct {
		pattern, path string
		want          bool
	}{
		{"/", "/", true},
		{"/", "", false},
		{"/", "//", false},
		{"/a", "/a", true},
		{"/a", "/a/", false},
		{"/a/", "/a", false},
		{"/a/", "/a/", true},
		{"/a/{x}", "/a/b", true},
		{"/a/{x}", "/a/", false},
		{"/a/{x}", "/a", false},
		{"/a/{x}", "/a/b/", false},
		{"/a/{x}", "/a/b/c", false},
		{"/a/{x}/c", "/a/b/c", true},
		{"/a/{x}/c", "/a/b/d", false},
		{"/a/{x}/c", "/a//c", false},
		{"/a/{x}/c/{y}/d", "/a/b/c/1.0/d", true},
		{"/a/{x}/c/{y}/d", "/a/b/c/1.0", false},
	} {
		if got := match(c.pattern, c.path); got != c.want {
			t.Errorf("match(%q, %q) = %v", c.pattern, c.path, got)
		}
	}
}

func TestPart(t *testing.T) {
	r := &request{RequestCtx: &fasthttp.RequestCtx{}, route: &route{path: "/a/{x}/c/{y}/d"}}
	r.Request.SetRequestURI("/a/b%20b/c/1.0/d")
	if x, y, z := r.part("x"), r.part("y"), r.part("z"); x != "b b" || y != "1.0" || z != "" {
		t.Errorf("parts %q, %q, %q", x, y, z)
	}
}

// The gate reads a target before the server does. Both find the same route.
func TestFindTarget(t *testing.T) {
	for target, want := range map[string]string{
		"/v2/models/m/infer":                "/v2/models/{name}/infer",
		"/v2/models/m/infer?q":              "/v2/models/{name}/infer",
		"/v2/models/%6d/infer":              "/v2/models/{name}/infer",
		"http://x/v2/models/m/ready":        "/v2/models/{name}/ready",
		"/v2/models/stats":                  "/v2/models/stats",
		"/v2/models/a%2Fb/infer":            "",
		"/v2/models/m/versions/../infer":    "/v2/models/{name}/infer",
		"/v2/models/../infer":               "",
		"/v2/models/x/%2e%2e/m/stats":       "/v2/models/{name}/stats",
		"/v2//models/m/versions/1/config":   "/v2/models/{name}/versions/{version}/config",
		"/v2/models/m/versions/1/config/":   "",
		"/v2/models/m/versions//config":     "/v2/models/{name}/versions/{version}", // as …/versions/config
		"/v2/models//infer":                 "/v2/models/{name}",                    // as /v2/models/infer
		"/v2/models/m/versions/1/config%2F": "",
	} {
		ctx := &fasthttp.RequestCtx{}
		ctx.Request.SetRequestURI(target)
		for how, route := range map[string]*route{"gate": findTarget(target), "server": find(string(ctx.Path()))} {
			got := ""
			if route != nil {
				got = route.path
			}
			if got != want {
				t.Errorf("the %s finds %q for %s, want %q", how, got, target, want)
			}
		}
	}
}
