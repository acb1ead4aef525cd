package logevent

import (
	"bytes"
	"log/slog"
	"slices"
	"strings"
	"testing"
)

// Hear hears each line from a level on, also of loggers made of the first one, and the
// handler behind it writes what it is enabled for.
func TestHear(t *testing.T) {
	var out bytes.Buffer
	var heard []string
	to := slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelError})
	log := slog.New(Hear(to, slog.LevelWarn, func(r slog.Record) { heard = append(heard, r.Message) }))
	log.Info("info")
	log.Warn("warn")
	log.With("a", 1).WithGroup("b").Error("error", "c", 2)
	if want := []string{"warn", "error"}; !slices.Equal(heard, want) {
		t.Errorf("heard %q, want %q", heard, want)
	}
	if got := out.String(); strings.Count(got, "\n") != 1 || !strings.HasSuffix(got, "msg=error a=1 b.c=2\n") {
		t.Errorf("written: %q", got)
	}
}
