package logevent

import (
	"context"
	"log/slog"
)

// Hear returns a handler that passes lines on to h, and calls hear for each line of level
// from or above, also if h is not enabled for it.
func Hear(h slog.Handler, from slog.Level, hear func(slog.Record)) slog.Handler {
	return hearing{h, from, hear}
}

type hearing struct {
	slog.Handler
	from slog.Level
	hear func(slog.Record)
}

func (h hearing) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= h.from || h.Handler.Enabled(ctx, level)
}

func (h hearing) Handle(ctx context.Context, r slog.Record) error {
	if r.Level >= h.from {
		h.hear(r)
	}
	if !h.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h hearing) WithAttrs(attrs []slog.Attr) slog.Handler {
	return hearing{h.Handler.WithAttrs(attrs), h.from, h.hear}
}

func (h hearing) WithGroup(name string) slog.Handler {
	return hearing{h.Handler.WithGroup(name), h.from, h.hear}
}
