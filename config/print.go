package config

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// Print writes the settings in force as a configuration file, which [Load] reads as the
// same settings. A comment behind each value says where the value was set.
func (s *Settings) Print(w io.Writer) error {
	var lines, origins []string
	width := 0
	for _, setting := range Table() {
		if setting.Key() == "" {
			continue
		}
		line, err := setting.assignment(s)
		if err != nil {
			return err
		}
		lines = append(lines, line)
		origins = append(origins, string(s.Origin(setting.Name)))
		width = max(width, min(len(line), 40))
	}
	file := s.ConfigFile
	if file == "" {
		file = "none"
	}
	if _, err := fmt.Fprintf(w, "# configuration file: %s\n", file); err != nil {
		return err
	}
	for i, line := range lines {
		if _, err := fmt.Fprintf(w, "%-*s  # %s\n", width, line, origins[i]); err != nil {
			return err
		}
	}
	return nil
}

// assignment returns the setting's line of a configuration file.
func (setting Setting) assignment(s *Settings) (string, error) {
	var value any
	switch field := setting.field(s).(type) {
	case *[]string:
		value = append([]string{}, *field...) // TOML has an empty list, but no nil
	case *string:
		value = *field
	case *int:
		if value = *field; setting.Auto && *field == AutoNumber {
			value = Auto
		}
	case *int64:
		if value = FormatSize(*field); setting.Auto && *field == AutoNumber {
			value = Auto
		}
	case *time.Duration:
		value = FormatDuration(*field)
	}
	var line bytes.Buffer
	if err := toml.NewEncoder(&line).Encode(map[string]any{setting.Key(): value}); err != nil {
		return "", fmt.Errorf("write %s as TOML: %w", setting.Key(), err)
	}
	return strings.TrimSuffix(line.String(), "\n"), nil
}
