package web

import (
	"fmt"
	"strings"
	"testing"

	"github.com/narwhal-server/narwhal/internal/gate"
)

// An answer that reports an error does not send a large body back.
func TestErrorsDoNotEchoBodies(t *testing.T) {
	s := serve(t, gate.Options{}, Options{ModelID: "m-1"})
	number, word := strings.Repeat("9", 200_000), strings.Repeat("x", 200_000)
	const infer = "/v2/models/m/infer"
	for name, c := range map[string]struct {
		path, body string
		status     int
	}{
		"offsets":       {"/v1/entities", `{"text":"a","offsets":"` + word + `"}`, 422},
		"an item's key": {"/v1/entities", `{"texts":[{"` + word + `":1}]}`, 200},
		"the shape":     {infer, `{"inputs":[{"name":"text","datatype":"BYTES","shape":[1` + strings.Repeat(",1", 100_000) + `],"data":["a"]}]}`, 400},
		"a number":      {infer, `{"inputs":[{"name":"text","datatype":"BYTES","shape":[` + number + `],"data":["a"]}]}`, 400},
		"a tag":         {"/predict", `{"tasks":[],"label_config":"<View></` + word + `>"}`, 422},
		"a version":     {"/predict", `{"tasks":[],"label_config":"<?xml version=\"` + word + `\"?>"}`, 422},
	} {
		request := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", c.path, len(c.body), c.body)
		if answer := s.dial(t).want(c.status, request); len(answer) > 3000 {
			t.Errorf("%s: the answer has %d bytes: %.200s", name, len(answer), answer)
		}
	}
}
