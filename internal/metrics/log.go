package metrics

import (
	"context"
	"log/slog"
)

// Severity is how serious a message of the log is.
type Severity int

// The severities that are counted.
const (
	Warning Severity = iota
	Error
)

// Severities has the values of the label level, by Severity.
var Severities = []string{"warning", "error"}

// CountLog returns a handler that passes messages on to h, and calls count for each
// warning and each error, also if h is not enabled for them.
func CountLog(h slog.Handler, count func(Severity)) slog.Handler { return logCounter{h, count} }

type logCounter struct {
	slog.Handler
	count func(Severity)
}

func (l logCounter) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn || l.Handler.Enabled(ctx, level)
}

func (l logCounter) Handle(ctx context.Context, r slog.Record) error {
	switch {
	case r.Level >= slog.LevelError:
		l.count(Error)
	case r.Level >= slog.LevelWarn:
		l.count(Warning)
	}
	if !l.Handler.Enabled(ctx, r.Level) {
		return nil
	}
	return l.Handler.Handle(ctx, r)
}

func (l logCounter) WithAttrs(attrs []slog.Attr) slog.Handler {
	return logCounter{l.Handler.WithAttrs(attrs), l.count}
}

func (l logCounter) WithGroup(name string) slog.Handler {
	return logCounter{l.Handler.WithGroup(name), l.count}
}
