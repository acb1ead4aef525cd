package web

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/limits"
	"github.com/narwhal-server/narwhal/ner"
)

// held is blocking with the entities of fake.
type held struct{ blocking }

func (h held) Entities(ctx context.Context, text string) ([]ner.Entity, error) {
	h.blocking.Entities(ctx, strings.TrimSpace(text))
	return fake{}.Entities(ctx, text)
}

// batchOf returns a request of /v1/entities with the texts T0, T1 and so on.
func batchOf(n int) string {
	texts := make([]string, n)
	for i := range texts {
		texts[i] = `"T` + strconv.Itoa(i) + strings.Repeat(" ", 100) + `"` // not due before a text that came earlier
	}
	body := `{"texts":[` + strings.Join(texts, ",") + "]}"
	return fmt.Sprintf("POST /v1/entities HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
}

// wantTexts checks that an answer has a result for each text of batchOf(n), in order.
func wantTexts(t *testing.T, answer string, n int) {
	t.Helper()
	at := 0
	for i := range n {
		part := fmt.Sprintf(`{"ents":[{"text":"T%d",`, i)
		j := strings.Index(answer[at:], part)
		if j < 0 {
			t.Fatalf("no %s in its place in %s", part, answer)
		}
		at += j
	}
}

// The texts of a request are computed at once while places are free, and their results
// have their order.
func TestBatchUsesFreePlaces(t *testing.T) {
	h := held{newBlocking()}
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 3}}, Options{Recognizer: h})
	c := s.dial(t)
	c.send(batchOf(7))
	asked := []string{<-h.asked, <-h.asked, <-h.asked} // none of them has ended
	slices.Sort(asked)
	if want := []string{"T0", "T1", "T2"}; !slices.Equal(asked, want) {
		t.Errorf("%q are computed at once, want %q", asked, want)
	}
	for range 4 {
		h.free <- struct{}{}
		<-h.asked
	}
	for range 3 {
		h.free <- struct{}{}
	}
	wantTexts(t, c.wantAnswer(200), 7)
}

// A request that waits is computed before the next text of a batch.
func TestRequestDuringBatch(t *testing.T) {
	h := held{newBlocking()}
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 1}}, Options{Recognizer: h, KeepAlive: time.Minute})
	single := s.dial(t)
	single.want(200, getHealth) // the worker holds this connection from now on
	c := s.dial(t)
	c.send(batchOf(3))
	for i := range 2 {
		if text, want := <-h.asked, "T"+strconv.Itoa(i); text != want {
			t.Fatalf("%q is computed, want %q", text, want)
		}
		single.send(post("single"))
		s.waitInFlight(2)
		h.free <- struct{}{}
		if text := <-h.asked; text != "single" {
			t.Fatalf("%q is computed after text %d of the batch, want the request that waits", text, i)
		}
		h.free <- struct{}{}
		single.wantAnswer(200)
	}
	<-h.asked
	h.free <- struct{}{}
	wantTexts(t, c.wantAnswer(200), 3)
}

// A sync worker computes all texts of a request before the next request.
func TestBatchOfSync(t *testing.T) {
	h := held{newBlocking()}
	s := serve(t, gate.Options{Sync: true, Limits: limits.Limits{LimitConcurrency: 100}}, Options{Recognizer: h})
	c := s.dial(t)
	c.send(batchOf(3))
	first := <-h.asked
	single := s.dial(t)
	single.send(post("single"))
	s.waitInFlight(2)
	asked := []string{first}
	for range 3 {
		h.free <- struct{}{}
		asked = append(asked, <-h.asked)
	}
	if want := []string{"T0", "T1", "T2", "single"}; !slices.Equal(asked, want) {
		t.Errorf("%q were computed, want %q", asked, want)
	}
	wantTexts(t, c.wantAnswer(200), 3)
	h.free <- struct{}{}
	single.wantAnswer(200)
}

// LimitConcurrency counts texts.
func TestLimitConcurrencyCountsTexts(t *testing.T) {
	h := held{newBlocking()}
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 1, LimitConcurrency: 3}}, Options{Recognizer: h, KeepAlive: time.Minute})
	c := s.dial(t)
	c.send(batchOf(2))
	<-h.asked
	other := s.dial(t)
	other.send(batchOf(2)) // counts as one until it has a place
	s.waitInFlight(2)
	s.dial(t).want(503, post("too many"))
	time.Sleep(10 * time.Millisecond) // now the other batch is due before the next text of the first
	h.free <- struct{}{}
	if answer := other.wantAnswer(503); !strings.Contains(answer, "\nRetry-After: 1\n") || !strings.Contains(answer, `"overloaded"`) {
		t.Errorf("2 texts and 2 of a limit of 3: %s", answer)
	}
	if text := <-h.asked; text != "T1" {
		t.Errorf("%q is computed, want the other text of the batch", text)
	}
	h.free <- struct{}{}
	wantTexts(t, c.wantAnswer(200), 2)

	c.send(batchOf(5)) // alone it is served
	for range 5 {
		<-h.asked
		h.free <- struct{}{}
	}
	wantTexts(t, c.wantAnswer(200), 5)
}

// A fault of the recognizer in one of the texts fails the request, wherever the text is
// computed.
func TestFaultInBatch(t *testing.T) {
	s := serve(t, gate.Options{Limits: limits.Limits{Threads: 2}}, Options{KeepAlive: time.Minute})
	c := s.dial(t)
	for _, texts := range []string{`"panic","a"`, `"a","panic"`, `"a","fail","b"`, `"fail","a"`} {
		body := `{"texts":[` + texts + "]}"
		c.want(500, fmt.Sprintf("POST /v1/entities HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
	}
	wantTexts(t, c.want(200, batchOf(4)), 4)
}
