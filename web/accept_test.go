package web

import (
	"testing"

	"github.com/valyala/fasthttp"
)

func TestPrefersHTML(t *testing.T) {
	for _, test := range []struct {
		accept string
		html   bool
	}{
		{"", false},
		{"*/*", false},
		{"text/html", true},
		{"TEXT/HTML", true},
		{"text/*", true},
		{"application/json", false},
		{"text/html, application/json", false}, // alike
		{"text/html, application/json;q=0.9", true},
		{"text/html;q=0.9, application/json", false},
		{"text/html;q=0.5, application/*;q=0.4", true},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", true}, // a browser
		{"text/html;q=0, */*", false},
		{"application/json;q=0, */*", true},
		{"text/html;charset=utf-8, */*;q=0.1", true},
		{`text/html;x="a,application/json;q=1";q=0.2, application/json;q=0.3`, false},
		{`text/html;x="\",application/json"`, true},
		{"text/html;Q=0.3, application/json;q=0.2", true},
		{"text/html;q=1.001, application/json;q=0.1", false}, // not valid: left out
		{"text/html;q=0.1234, application/json;q=0.1", false},
		{"text/html;q=, application/json;q=0.1", false},
		{"text/html;q=-1, application/json;q=0.1", false},
		{"text/html;q=0.002, application/json;q=0.001", true},
		{"text/html ; q=0.2 , application/json\t;\tq=0.1", true},
		{", ,text/html,", true},
		{"image/png", false}, // neither
		{`text/html;x="`, true},
	} {
		r := &request{RequestCtx: &fasthttp.RequestCtx{}}
		if test.accept != "" {
			r.Request.Header.Set(fasthttp.HeaderAccept, test.accept)
		}
		if got := r.prefersHTML(); got != test.html {
			t.Errorf("Accept: %s: HTML %v, want %v", test.accept, got, test.html)
		}
	}
}

func TestPreferencesOfTwoFields(t *testing.T) {
	r := &request{RequestCtx: &fasthttp.RequestCtx{}}
	r.Request.Header.Add(fasthttp.HeaderAccept, "application/json;q=0.1")
	r.Request.Header.Add(fasthttp.HeaderAccept, "text/html")
	if !r.prefersHTML() {
		t.Error("the second Accept field was not read")
	}
}
