package spacy

import (
	"context"
	"errors"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/ner"
)

// longTextOf returns a text of at least n tokens with entities and sentences of all kinds.
func longTextOf(t testing.TB, n int) string {
	t.Helper()
	paragraphs, err := os.ReadFile("testdata/entities.txt")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for words := 0; words < n; words += len(strings.Fields(string(paragraphs))) {
		b.Write(paragraphs)
	}
	return b.String()
}

// onProcessors sets GOMAXPROCS until the test ends.
func onProcessors(t *testing.T, n int) {
	before := runtime.GOMAXPROCS(n)
	t.Cleanup(func() { runtime.GOMAXPROCS(before) })
}

// TestHelpingGoroutines compares the answers for long texts with and without helpers. All
// helpers have left when a call returns.
func TestHelpingGoroutines(t *testing.T) {
	long := longTextOf(t, 5*encodeRows)
	texts := map[string]string{
		"all kinds":         long,
		"few entities":      strings.Repeat("It rained, and then it rained some more. ", 150) + long[:2000],
		"one long sentence": strings.Repeat("Anna and ", 700),
	}
	for _, exclude := range [][]string{nil, {"parser"}} {
		p := openModel(t, Options{Exclude: exclude})
		for name, text := range texts {
			onProcessors(t, 1)
			what := ner.Want(0)
			if exclude == nil {
				what = ner.Sents
			}
			want, err := p.Analyze(t.Context(), text, what)
			if err != nil {
				t.Fatal(err)
			}
			onProcessors(t, 4)
			for range 2 {
				got, err := p.Analyze(t.Context(), text, what)
				if diff := cmp.Diff(want, got); err != nil || diff != "" {
					t.Errorf("%s, without %v: %v (-one goroutine +several):\n%s", name, exclude, err, diff)
				}
				ents, err := p.Entities(t.Context(), text)
				if diff := cmp.Diff(want.Ents, ents); err != nil || diff != "" {
					t.Errorf("%s, without %v: Entities: %v (-one goroutine +several):\n%s", name, exclude, err, diff)
				}
			}
		}
	}
	if n := computing.Load(); n != 0 {
		t.Errorf("%d goroutines count as computing after all calls", n)
	}
}

// TestHelpersWork checks that helpers compute pieces, and that a text that is not long has
// none.
func TestHelpersWork(t *testing.T) {
	onProcessors(t, 4)
	p := openModel(t, Options{})
	w := begun(t, p, longTextOf(t, 8*encodeRows))
	if w.ahead == nil {
		t.Fatal("a long text has no helpers")
	}
	// The recognizer does not move on, so all pieces in the two windows are computed.
	w.ahead.recruit()
	w.ahead.mu.Lock()
	defer w.ahead.mu.Unlock()
	for _, f := range w.ahead.decoders {
		for i := range window {
			for f.coming[i].state != computed {
				w.ahead.changed.Wait()
			}
		}
		if f.coming[window].state != notBegun {
			t.Error("helpers compute beyond the window")
		}
	}
	if short := begun(t, p, "Tim Cook visited Paris."); short.ahead != nil {
		t.Error("a short text has helpers")
	}
}

// TestHelpersOnlyOnIdleProcessors checks that a text gets as many helpers as processors
// are left by other calls, and that a helper leaves when another call begins.
func TestHelpersOnlyOnIdleProcessors(t *testing.T) {
	onProcessors(t, 3)
	p := openModel(t, Options{})
	w := begun(t, p, longTextOf(t, 8*encodeRows))
	helpers := func() int {
		w.ahead.mu.Lock()
		defer w.ahead.mu.Unlock()
		return w.ahead.helpers
	}
	for range 5 {
		w.ahead.recruit()
	}
	if n := helpers(); n != 2 {
		t.Errorf("%d helpers on three processors, want 2", n)
	}
	other := p.getWork()
	w.ahead.mu.Lock()
	for w.ahead.helpers != 1 {
		w.ahead.changed.Broadcast()
		w.ahead.changed.Wait()
	}
	w.ahead.mu.Unlock()
	if w.ahead.recruit(); helpers() != 1 {
		t.Errorf("%d helpers beside two calls on three processors, want 1", helpers())
	}
	p.putWork(other)
	if w.ahead.recruit(); helpers() != 2 {
		t.Errorf("%d helpers after the other call has ended, want 2", helpers())
	}
}

// TestHelpingGoroutinesStop cancels calls in the middle, while other calls run.
func TestHelpingGoroutinesStop(t *testing.T) {
	onProcessors(t, 4)
	p := openModel(t, Options{})
	text := longTextOf(t, 3*encodeRows)
	want, err := p.Entities(t.Context(), text)
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	for i := range 3 {
		all.Go(func() {
			for left := i; left < 30; left += 3 {
				ctx := &countingContext{Context: t.Context(), left: left}
				ents, err := p.Entities(ctx, text)
				if errors.Is(err, context.Canceled) {
					continue
				}
				if diff := cmp.Diff(want, ents); err != nil || diff != "" {
					t.Errorf("%v (-alone +beside):\n%s", err, diff)
				}
			}
		})
	}
	all.Wait()
	if n := computing.Load(); n != 0 {
		t.Errorf("%d goroutines count as computing after all calls", n)
	}
}

// A panic in a helper does not end the process: the call panics, and its caller recovers.
func TestPanicOfAHelper(t *testing.T) {
	onProcessors(t, 4)
	p, err := openFiles(small.files(t, 1), Options{})
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Repeat("a ", 8*encodeRows)
	w := begun(t, p, text)
	p.ner.tok2vec.encoder[0].conv = nil
	w.ahead.recruit()
	w.ahead.mu.Lock()
	for w.ahead.helpers > 0 {
		w.ahead.changed.Wait()
	}
	w.ahead.mu.Unlock()
	defer func() {
		if recover() == nil {
			t.Error("the call did not panic")
		}
	}()
	_ = p.findEntities(t.Context(), w)
}
