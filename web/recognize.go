package web

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"unsafe"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/internal/metrics"
	"github.com/narwhal-server/narwhal/ner"
)

// result is what was found in a text of a request, or why nothing was.
type result struct {
	doc   *ner.Doc
	fault *failure
}

// size returns about how many bytes of memory the result takes.
func (r *result) size() int {
	if r.doc == nil {
		return 0
	}
	return len(r.doc.Ents)*int(unsafe.Sizeof(ner.Entity{})) + len(r.doc.Tokens)*int(unsafe.Sizeof(ner.Token{})) +
		len(r.doc.Annotations)*int(unsafe.Sizeof(ner.Annotation{})) +
		(len(r.doc.Sents)+len(r.doc.EntTokens))*int(unsafe.Sizeof(ner.Span{}))
}

// recognizeOne waits for the request's turn to compute, and returns the entities that the
// model finds in a text. The error is a *failure if the text is to blame, or if the time is
// over.
func (s *server) recognizeOne(r *request, m *model, text string) ([]ner.Entity, error) {
	results, err := s.recognize(r, m, []string{text}, include{})
	if err != nil {
		return nil, err
	}
	if f := results[0].fault; f != nil {
		return nil, f
	}
	return results[0].doc.Ents, nil
}

// recognize waits for the request's turn to compute, and returns a result for each text,
// in their order. A text with a fault costs only its own result. When the client has hung
// up, recognize computes no further text and returns gate.ErrGone.
//
// A concurrent worker treats the texts as requests of their own: other requests have their
// turn between two of them, and several are computed at once while no other request needs
// the places.
func (s *server) recognize(r *request, m *model, texts []string, in include) ([]result, error) {
	if !r.gate.Computations(len(texts)) {
		return nil, errOver
	}
	if s.Delay > 0 || len(texts) > 1 { // the request will be without a place for some time
		size := len(r.Request.Body())
		for _, text := range texts {
			size += len(text)
		}
		r.gate.Hold(size)
	}
	if err := r.gate.Wait(s.Delay); err != nil {
		return nil, err
	}
	if len(texts) > 0 {
		r.gate.First(len(texts[0])) // the body may be compressed, or have other keys
	}
	if err := r.gate.Enter(); err != nil {
		return nil, err
	}
	if s.Timeout > 0 && r.gate.Queued() > s.Timeout {
		return nil, errLate
	}
	b := &batch{s: s, model: m, texts: texts, include: in, results: make([]result, len(texts))}
	return b.results, b.run(r.gate)
}

// batch computes the texts of a request.
type batch struct {
	s       *server
	model   *model
	texts   []string
	include include
	results []result
	next    atomic.Int64 // index of the next text
	grown   atomic.Int64 // bytes of results that the gate has not counted
	helpers sync.WaitGroup
	helping atomic.Int32          // number of helpers that have not ended
	err     atomic.Pointer[error] // the first error that is not the fault of a text
}

// run computes all texts. The request has a place.
func (b *batch) run(r *gate.Request) error {
	for i := b.take(); i >= 0; {
		b.spread(r)
		b.compute(r, i)
		if i = b.take(); i >= 0 {
			if err := r.Next(len(b.texts[i]), int(b.grown.Swap(0))); err != nil {
				b.fail(err)
				break
			}
		}
	}
	if b.helping.Load() > 0 {
		r.Rest()
		b.helpers.Wait()
		if err := r.Enter(); err != nil {
			return err
		}
	}
	if err := b.err.Load(); err != nil {
		return *err
	}
	return nil
}

// spread starts a helper for each further place that the request can have, while texts are
// left.
func (b *batch) spread(r *gate.Request) {
	for {
		next := int(b.next.Load())
		if next >= len(b.texts) {
			return
		}
		place := r.Extra(len(b.texts[next]))
		if place == nil {
			return
		}
		b.helpers.Add(1)
		b.helping.Add(1)
		go b.help(place, b.take())
	}
}

// help computes texts in a further place, first text i, until none is left or others need
// the place.
func (b *batch) help(place *gate.Extra, i int) {
	defer b.helpers.Done()
	defer b.helping.Add(-1)
	for i >= 0 {
		b.compute(&place.Request, i)
		next := int(b.next.Load())
		if next >= len(b.texts) {
			break
		}
		if !place.Next(len(b.texts[next])) {
			return
		}
		i = b.take()
	}
	place.End()
}

// take returns the index of the next text, or -1 if none is left.
func (b *batch) take() int {
	if i := int(b.next.Add(1)) - 1; i < len(b.texts) {
		return i
	}
	return -1
}

// fail notes an error, and leaves no text to take.
func (b *batch) fail(err error) {
	b.err.CompareAndSwap(nil, &err)
	b.next.Store(int64(len(b.texts)))
}

// compute computes text i in a place.
func (b *batch) compute(place *gate.Request, i int) {
	result, err := b.s.compute(place, b.model, b.texts[i], b.include)
	if err != nil {
		b.fail(err)
		return
	}
	b.results[i] = result
	b.grown.Add(int64(result.size()))
}

// compute returns the result of one text. It fails if the service is to blame, and with
// gate.ErrGone. A panic of the recognizer becomes a *panicError: handle could recover it
// only in the request's own goroutine, and not once an answer has begun.
func (s *server) compute(place *gate.Request, m *model, text string, in include) (_ result, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = &panicError{v, debug.Stack()}
		}
	}()
	ctx := context.Background()
	// The recognizer gives up at 9/10 of the time, and only this text fails. At the full
	// time the master would replace the worker.
	limit := s.Timeout * 9 / 10
	if limit > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, limit)
		defer end()
	}
	doc, tokens, err := m.find(place.While(ctx), text, in)
	if errors.Is(err, context.DeadlineExceeded) {
		return result{fault: tookTooLong(len(text), limit)}, nil
	}
	if long := (*ner.TooLongError)(nil); errors.As(err, &long) {
		return result{fault: textTooLong(long)}, nil
	}
	if err == nil {
		place.Computed()
		s.count(len(text), tokens, doc.Ents)
	}
	return result{doc: doc}, err
}

// count counts a text, its tokens and its entities.
func (s *server) count(size, tokens int, found []ner.Entity) {
	s.counts.Text(size, tokens)
	for i := range found {
		label, ok := s.labels[found[i].Label]
		if !ok {
			label = metrics.OtherLabel
		}
		s.counts.Entity(label)
	}
}

// panicError is a panic that was recovered.
type panicError struct {
	value any
	stack []byte
}

func (p *panicError) Error() string { return fmt.Sprintf("panic: %v", p.value) }

// logFault logs an error of a request that is no fault of its client.
func (s *server) logFault(r *request, err error) {
	if p := (*panicError)(nil); errors.As(err, &p) {
		s.Log.Error("panic in a request", "panic", p.value, "request_id", requestID(r.RequestCtx), "stack", string(p.stack))
		return
	}
	s.Log.Error("a request failed", "err", err, "request_id", requestID(r.RequestCtx))
}
