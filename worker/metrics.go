package worker

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/narwhal-server/narwhal/internal/wire"
)

// asking asks the master for its metrics: only the master knows those of all workers.
type asking struct {
	mu     sync.Mutex        // held while a question is open: there is one at a time
	number int               // of the last question
	answer chan wire.Message // has room for one
}

// metrics returns the metrics of the whole service in a format that accept, a field Accept,
// allows. It waits for the master until ctx ends.
func (w *worker) metrics(ctx context.Context, accept string) (contentType string, text []byte, err error) {
	a := &w.asking
	a.mu.Lock()
	defer a.mu.Unlock()
	a.number++
	if err := w.ctl.Send(wire.Message{Kind: wire.Metrics, Number: a.number, Accept: accept}); err != nil {
		return "", nil, fmt.Errorf("ask the master for its metrics: %w", err)
	}
	for {
		select {
		case m := <-a.answer:
			switch {
			case m.Number != a.number: // of a question that was given up
				continue
			case m.Error != "":
				return "", nil, errors.New(m.Error)
			}
			z, err := gzip.NewReader(bytes.NewReader(m.Body))
			if err != nil {
				return "", nil, err
			}
			text, err = io.ReadAll(z)
			return m.ContentType, text, err
		case <-ctx.Done():
			return "", nil, fmt.Errorf("the master has not told its metrics: %w", ctx.Err())
		}
	}
}

// answered notes the master's answer. Only one goroutine may call it.
func (a *asking) answered(m wire.Message) {
	select {
	case <-a.answer: // nobody has waited for that one
	default:
	}
	a.answer <- m
}
