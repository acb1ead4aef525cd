package errorbody

import (
	"encoding/json"
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
