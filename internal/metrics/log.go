package metrics

import "log/slog"

// Severity is how serious a message of the log is.
type Severity int

// The severities that are counted.
const (
	Warning Severity = iota
	Error
)

// Severities has the values of the label level, by Severity.
var Severities = []string{"warning", "error"}

// SeverityOf returns the severity of a message of level warning or above.
func SeverityOf(l slog.Level) Severity {
	if l >= slog.LevelError {
		return Error
	}
	return Warning
}
