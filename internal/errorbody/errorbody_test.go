package errorbody

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestAppend(t *testing.T) {
	for _, c := range []struct {
		body Body
		want string
	}{
		{Body{"no", "bad", "do it", "7"}, `{"error":"no","error_type":"bad","hint":"do it","request_id":"7"}`},
		{Body{Message: "no", Type: "bad"}, `{"error":"no","error_type":"bad"}`},
		{Body{Message: "\"<&>\"\n\xff", Type: "bad"}, `{"error":"\"<&>\"\n\ufffd","error_type":"bad"}`},
	} {
		got := c.body.Append([]byte("before "))
		if string(got) != "before "+c.want {
			t.Errorf("Append of %+v is %s, want %s", c.body, got, c.want)
		}
		if !json.Valid(got[len("before "):]) {
			t.Errorf("%s is no JSON", got)
		}
	}
}

func TestLongMessage(t *testing.T) {
	for name, middle := range map[string]string{"ASCII": strings.Repeat("9", 1<<20), "cut in a character": strings.Repeat("x😀", 1<<18)} {
		got := Body{Message: "the shape is " + middle + ", want [n]", Type: "bad"}.Append(nil)
		var e Body
		if err := json.Unmarshal(got, &e); err != nil {
			t.Fatal(name, err)
		}
		if len(got) > 2*longest || !strings.HasPrefix(e.Message, "the shape is ") || !strings.HasSuffix(e.Message, ", want [n]") || strings.Contains(e.Message, "\ufffd") {
			t.Errorf("%s: %d bytes: %.40s … %s", name, len(got), got, got[max(0, len(got)-60):])
		}
	}
}
