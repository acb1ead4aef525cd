package web

import (
	"context"
	"errors"

	"github.com/narwhal-server/narwhal/internal/gate"
	"github.com/narwhal-server/narwhal/ner"
)

// result is what was found in a text of a request, or why nothing was.
type result struct {
	doc   *ner.Doc
	fault *failure
}

// recognizeOne waits for the request's turn to compute, and returns the entities of a
// text. The error is a *failure if the text is to blame, or if the time is over.
func (s *server) recognizeOne(r *request, text string) ([]ner.Entity, error) {
	results, err := s.recognize(r, []string{text}, include{})
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
func (s *server) recognize(r *request, texts []string, in include) ([]result, error) {
	if err := r.gate.Wait(s.Delay); err != nil {
		return nil, err
	}
	if err := r.gate.Enter(); err != nil {
		return nil, err
	}
	if s.Timeout > 0 && r.gate.Queued() > s.Timeout {
		return nil, errLate
	}
	ctx := context.Background()
	// The recognizer gives up at 9/10 of the time, and only this request fails. At the
	// full time the master would replace the worker.
	if limit := s.Timeout * 9 / 10; limit > 0 {
		var end context.CancelFunc
		ctx, end = context.WithTimeout(ctx, limit)
		defer end()
	}
	ctx = r.gate.While(ctx)
	results := make([]result, len(texts))
	for i, text := range texts {
		if i > 0 && r.gate.Gone() {
			return nil, gate.ErrGone
		}
		var err error
		if results[i], err = s.compute(ctx, text, in); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// compute returns the result of one text. It fails if the service is to blame. The
// caller's request has its turn.
func (s *server) compute(ctx context.Context, text string, in include) (result, error) {
	doc, err := s.find(ctx, text, in)
	if errors.Is(err, context.DeadlineExceeded) {
		return result{fault: tookTooLong(len(text), s.Timeout*9/10)}, nil
	}
	if long := (*ner.TooLongError)(nil); errors.As(err, &long) {
		return result{fault: textTooLong(long)}, nil
	}
	return result{doc: doc}, err
}
