package web

import (
	"context"
	"errors"

	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// entities answers with the entities of the text in the body.
func (s *server) entities(r *request) error {
	text, f := s.text(r)
	if f != nil {
		return f
	}
	if err := r.gate.Wait(s.Delay); err != nil {
		return err
	}
	if err := r.gate.Enter(); err != nil {
		return err
	}
	ctx := context.Background()
	// The recognizer gives up at 9/10 of the time, and only this request fails. At the
	// full time the master would replace the worker.
	limit := s.Timeout * 9 / 10
	if limit > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, limit)
		defer cancel()
	}
	found, err := s.Recognizer.Entities(s.gate.While(ctx), text)
	if errors.Is(err, context.DeadlineExceeded) {
		return tookTooLong(len(text), limit)
	}
	if long := (*ner.TooLongError)(nil); errors.As(err, &long) {
		return textTooLong(long)
	}
	if err != nil {
		return err
	}
	r.json(textjson.AppendLabels(nil, found))
	return nil
}

// json makes body, which is JSON, the body of the response.
func (r *request) json(body []byte) {
	r.Response.Header.SetContentType("application/json")
	r.Response.SetBodyRaw(body)
}
