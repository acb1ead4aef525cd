package bench

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRequestBytes(t *testing.T) {
	o := Options{URL: "http://127.0.0.1:5000/a?b=c", Method: "POST", DisableKeepAlive: true}
	target, err := findTarget(t.Context(), &o)
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "Angela Merkel", "a \"b\" \\ \n <&> é 😀 \u2028", Paragraph} {
		r, err := makeRequest(target, &o, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, number := range []int{0, 7, 999_999_999_999} {
			wire := r.appendTo([]byte("before"), number)
			wire, ok := bytes.CutPrefix(wire, []byte("before"))
			if !ok {
				t.Fatalf("%q does not begin with what was there", wire)
			}
			in := bufio.NewReader(bytes.NewReader(wire))
			a, req, ok := read(t, in)
			if !ok {
				t.Fatalf("%q is no request", wire)
			}
			if a.Number != number || a.Text != text {
				t.Errorf("the body has %d and %q, want %d and %q", a.Number, a.Text, number, text)
			}
			got := fmt.Sprint(req.Method, " ", req.URL, " ", req.Host, " ", req.Close, " ", req.Header["Content-Type"])
			if want := "POST /a?b=c 127.0.0.1:5000 true [application/json]"; got != want {
				t.Errorf("request %s, want %s", got, want)
			}
			if in.Buffered() != 0 {
				t.Errorf("%d bytes too many", in.Buffered())
			}
		}
	}
}

// In all trials together each number is sent once, with the text whose turn it is.
func TestNumbersAndTexts(t *testing.T) {
	var mu sync.Mutex
	seen := map[int]string{}
	url := listen(t, answerAll(t, func(a asked) string {
		mu.Lock()
		defer mu.Unlock()
		if before, twice := seen[a.Number]; twice {
			t.Errorf("number %d twice, with %q and %q", a.Number, before, a.Text)
		}
		seen[a.Number] = a.Text
		return ok(fmt.Sprintf("%q", a.Text))
	}))
	o := Options{URL: url, Requests: 20, Trials: 3, Texts: []string{"a", "b", "c"}, Check: true}
	r, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	want := map[int]string{}
	for i := range 60 {
		want[i] = o.Texts[i%3]
	}
	if diff := cmp.Diff(want, seen); diff != "" || r.OK != 60 {
		t.Errorf("%d right; texts by number (- want, + got):\n%s", r.OK, diff)
	}
}

func TestReadTexts(t *testing.T) {
	got, err := ReadTexts(strings.NewReader("{\"text\":\"a\"}\n\n  {\"id\":1,\"text\":\"\\u00e9\"}  \r\n{\"text\":\"\"}"))
	if diff := cmp.Diff([]string{"a", "é", ""}, got); diff != "" || err != nil {
		t.Errorf("%v (- want, + got):\n%s", err, diff)
	}
	for in, want := range map[string]string{
		"":                               "no text",
		"\n\n":                           "no text",
		"{\"text\":\"a\"}\n{\"t\":1}":    `line 2: no "text"`,
		"{\"text\":1}":                   "line 1: ",
		"\n\n{\"text\":\"a\"":            "line 3: ",
		"\"a\"":                          "line 1: ",
		"{\"text\":null}":                `line 1: no "text"`,
		"{\"text\":\"a\"} {\"text\":\"b": "line 1: ",
	} {
		if got, err := ReadTexts(strings.NewReader(in)); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("ReadTexts(%q) = %q, %v, want an error that begins with %q", in, got, err, want)
		}
	}
}
