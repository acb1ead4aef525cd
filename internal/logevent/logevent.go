// Package logevent has the events of a master and its workers. Each event is one line of
// the log. The line has the event's name in the field event, and the level and the fields
// of Table. The message beside it is for people and may change.
//
// Lines about a single request or connection are no events, and lines of level debug
// are none.
package logevent

import (
	"context"
	"log/slog"
)

// Name is the value of the field event. No name is the beginning of another one, so
// a reader may look for Text in a line.
type Name string

// Key is the field that has the name. It is the first field after the message.
const Key = "event"

// Log writes the line of the event. fields are keys and values, as slog.Logger.Info takes
// them. A field hint that is empty is left out.
func (n Name) Log(l *slog.Logger, message string, fields ...any) {
	all := append(make([]any, 0, len(fields)+1), slog.String(Key, string(n)))
	for i := 0; i < len(fields); i += 2 {
		if fields[i] != "hint" || fields[i+1] != "" {
			all = append(all, fields[i:i+2]...)
		}
	}
	l.Log(context.Background(), levels[n], message, all...)
}

// Text is the field as a text log has it.
func (n Name) Text() string { return Key + "=" + string(n) }

// Find returns the event with a name, nil if there is none.
func Find(n Name) *Event {
	for i := range Table {
		if Table[i].Name == n {
			return &Table[i]
		}
	}
	return nil
}

var levels = func() map[Name]slog.Level {
	all := map[Name]slog.Level{}
	for _, e := range Table {
		all[e.Name] = e.Level
	}
	return all
}()
