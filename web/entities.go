package web

import (
	"context"
	"errors"
	"time"

	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// entities answers with the entities of the text in the body.
func (s *server) entities(r *request) error {
	text, f := s.text(r)
	if f != nil {
		return f
	}
	t, err := s.takeTurn(r)
	if err != nil {
		return err
	}
	defer t.end()
	found, err := t.entities(text)
	if err != nil {
		return err
	}
	r.json(textjson.AppendLabels(nil, found))
	return nil
}

// turn is the time in which a request may compute.
type turn struct {
	s     *server
	ctx   context.Context
	end   context.CancelFunc // call it when the request has computed
	limit time.Duration      // 0: none
}

// takeTurn waits for the request's turn to compute.
func (s *server) takeTurn(r *request) (*turn, error) {
	if err := r.gate.Wait(s.Delay); err != nil {
		return nil, err
	}
	if err := r.gate.Enter(); err != nil {
		return nil, err
	}
	if s.Timeout > 0 && r.gate.Queued() > s.Timeout {
		return nil, errLate
	}
	// The recognizer gives up at 9/10 of the time, and only this request fails. At the
	// full time the master would replace the worker.
	t := &turn{s: s, ctx: context.Background(), end: func() {}, limit: s.Timeout * 9 / 10}
	if t.limit > 0 {
		t.ctx, t.end = context.WithTimeout(t.ctx, t.limit)
	}
	t.ctx = r.gate.While(t.ctx)
	return t, nil
}

// entities returns the entities of a text. The error is a *failure if the text is to
// blame, or if the time is over.
func (t *turn) entities(text string) ([]ner.Entity, error) {
	found, err := t.s.Recognizer.Entities(t.ctx, text)
	if errors.Is(err, context.DeadlineExceeded) {
		return nil, tookTooLong(len(text), t.limit)
	}
	if long := (*ner.TooLongError)(nil); errors.As(err, &long) {
		return nil, textTooLong(long)
	}
	return found, err
}

// json makes body, which is JSON, the body of the response.
func (r *request) json(body []byte) {
	r.Response.Header.SetContentType("application/json")
	r.Response.SetBodyRaw(body)
}
