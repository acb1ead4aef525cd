package web

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
)

// postV1 returns a request of /v1/entities with so many texts.
func postV1(texts int) string {
	body := `{"texts":["a"` + strings.Repeat(`,"a"`, texts-1) + "]}"
	return fmt.Sprintf("POST /v1/entities HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

func TestMostTexts(t *testing.T) {
	s := serve(t, gate.Options{}, Options{Recognizer: fake{}})
	if answer := s.dial(t).want(200, postV1(mostTexts)); strings.Count(answer, `{"ents":`) != mostTexts {
		t.Errorf("of %d texts: %s", mostTexts, answer)
	}
	if answer := s.dial(t).want(422, postV1(mostTexts+1)); !strings.Contains(answer, "more than 256 items") {
		t.Errorf("of one text more: %s", answer)
	}
}

// No text is computed for a client that has hung up, beyond the one that is under way.
func TestTextsOfWhoHasGone(t *testing.T) {
	b := newBlocking()
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 1}}, Options{Recognizer: b})
	c := s.dial(t)
	c.send(postV1(3))
	<-b.asked
	c.Close()
	b.free <- struct{}{}
	other := s.dial(t)
	other.send(post("next"))
	if text := <-b.asked; text != "next" {
		t.Errorf("%q was computed for a client that has hung up", text)
	}
	b.free <- struct{}{}
	other.wantAnswer(200)
}

