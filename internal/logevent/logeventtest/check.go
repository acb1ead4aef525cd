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

// Check fails unless a line of the log is an event of the table, with its level and fields.
// fields are the line's keys and values after the message. Fields in also may be there, too.
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

// CheckText checks a line that slog.TextHandler has written. It takes lines of level debug,
// and all that is no such line.
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
		if err != nil {
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
