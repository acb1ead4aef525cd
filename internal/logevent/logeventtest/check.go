// Package logeventtest checks lines of a log in tests.
package logeventtest

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"

	"github.com/narwhal-server/narwhal/internal/logevent"
)

// Check checks a line of the log. It returns an error unless the line is an event of the
// table (logevent.Find), with the level of that event, with all fields that the event must
// have, and with no others than it may have. fields are the keys and values of the line
// after its message. also names further fields that the line may have.
func Check(level slog.Level, fields map[string]string, also ...string) error {
	name := fields[logevent.Key]
	e := logevent.Find(logevent.Name(name))
	if e == nil {
		return fmt.Errorf("the table has no event %q", name)
	}
	if level != e.Level {
		return fmt.Errorf("%s has the level %s, want %s", name, level, e.Level)
	}
	must := strings.Fields(e.Fields)
	known := slices.Concat(must, strings.Fields(e.May), also, []string{logevent.Key})
	for f := range fields {
		if !slices.Contains(known, f) {
			return fmt.Errorf("%s has the field %s, which the table does not name", name, f)
		}
	}
	for _, f := range must {
		if _, ok := fields[f]; !ok {
			return fmt.Errorf("%s lacks the field %s", name, f)
		}
	}
	return nil
}

// CheckText does what Check does, for a line that slog.TextHandler has written:
//
//	time=2026-12-01T04:44:07.733Z level=INFO msg=stopped pid=5364 event=stopped
//
// It returns nil for a line of level debug, because such lines are not in the table, and for
// a line that slog.TextHandler has not written, such as a stack.
func CheckText(line string) error {
	if !strings.HasPrefix(line, "time=") {
		return nil
	}
	fields := map[string]string{}
	for rest := line; rest != ""; {
		key, after, ok := strings.Cut(rest, "=")
		if !ok {
			return fmt.Errorf("%q has no value", rest)
		}
		value, err := strconv.QuotedPrefix(after)
		if err != nil { // the value is not in quotes
			value, _, _ = strings.Cut(after, " ")
		}
		if _, twice := fields[key]; twice {
			return fmt.Errorf("the field %s is there twice: %s", key, line)
		}
		fields[key] = value
		rest = strings.TrimPrefix(after[len(value):], " ")
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(fields["level"])); err != nil || level < slog.LevelInfo {
		return err
	}
	if err := Check(level, fields, "time", "level", "msg"); err != nil {
		return fmt.Errorf("%w: %s", err, line)
	}
	return nil
}
