package config

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// assign parses texts into the setting's field. A list takes all texts. Another setting
// takes the last one, as on Gunicorn's command line. assign fails if that is not a
// value of the setting.
func (s Setting) assign(into *Settings, texts []string) error {
	if list, ok := s.field(into).(*[]string); ok {
		*list = texts
		return nil
	}
	last := texts[len(texts)-1]
	switch field := s.field(into).(type) {
	case *string:
		value, err := s.choose(last)
		if err != nil {
			return err
		}
		*field = value
	case *int:
		if s.Auto && last == Auto {
			*field = AutoNumber
			return nil
		}
		n, err := parseCount(last)
		if err != nil {
			return err
		}
		if n < s.min {
			return fmt.Errorf("%d is too few: want at least %d", n, s.min)
		}
		if s.max > 0 && n > s.max {
			return fmt.Errorf("%d is too many: want at most %d", n, s.max)
		}
		*field = n
	case *int64:
		if s.Auto && last == Auto {
			*field = AutoNumber
			return nil
		}
		n, err := ParseSize(last)
		if err != nil {
			return err
		}
		if n < int64(s.min) {
			return fmt.Errorf("%d bytes are too few: want at least %d", n, s.min)
		}
		*field = n
	case *time.Duration:
		d, err := ParseDuration(last)
		if err != nil {
			return err
		}
		*field = d
	}
	return nil
}

// choose returns the choice that a word stands for. It fails if the word stands for
// none. If the setting has no choices, it returns the word.
func (s Setting) choose(text string) (string, error) {
	if s.Choices == nil || slices.Contains(s.Choices, text) {
		return text, nil
	}
	if ours, ok := s.words[text]; ok {
		return ours, nil
	}
	if s.means != nil {
		if ours, ok := s.means(text); ok {
			return ours, nil
		}
	}
	return "", fmt.Errorf("%q is not one of %s", text, strings.Join(s.Choices, ", "))
}

func parseCount(text string) (int, error) {
	n, err := strconv.Atoi(text)
	switch {
	case errors.Is(err, strconv.ErrRange) || n > math.MaxInt32:
		return 0, fmt.Errorf("%s is too large", short(text))
	case err != nil:
		return 0, fmt.Errorf("%q is not a whole number", short(text))
	}
	return n, nil
}

// splitList splits a list that is written as one text with commas. It drops empty items.
func splitList(text string) []string {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}

// isList reports whether the setting holds several values.
func (s Setting) isList() bool {
	if s.Switch {
		return false
	}
	_, list := s.field(new(Settings)).(*[]string)
	return list
}

// texts turns a value of the file into the texts that a flag would have. It fails if
// the value has another TOML type than the setting needs.
func (s Setting) texts(value any) ([]string, error) {
	var want string
	switch s.field(new(Settings)).(type) {
	case *[]string:
		if texts, ok := textsOfList(value); ok {
			return texts, nil
		}
		want = `a string or a list of strings: ["one", "two"]`
	case *string:
		if text, ok := value.(string); ok {
			return []string{text}, nil
		}
		want = "a string in quotes"
	case *int:
		if n, ok := value.(int64); ok {
			return []string{strconv.FormatInt(n, 10)}, nil
		}
		want = "a whole number without quotes"
		if s.Auto {
			if value == Auto {
				return []string{Auto}, nil
			}
			want += `, or "auto"`
		}
	case *int64:
		switch v := value.(type) {
		case int64:
			return []string{strconv.FormatInt(v, 10)}, nil
		case string:
			return []string{v}, nil
		}
		want = `bytes (1048576) or a size in quotes ("1MiB")`
	case *time.Duration:
		switch v := value.(type) {
		case int64:
			return []string{strconv.FormatInt(v, 10)}, nil
		case float64:
			if v*1e9 >= math.MaxInt64 {
				return nil, tooLong(fmt.Sprint(v)) // 1e+300, not 301 digits
			}
			return []string{strconv.FormatFloat(v, 'f', -1, 64)}, nil
		case string:
			return []string{v}, nil
		}
		want = `seconds (30) or a duration in quotes ("1m30s")`
	}
	return nil, fmt.Errorf("%s: want %s", describe(value), want)
}

func textsOfList(value any) ([]string, bool) {
	switch v := value.(type) {
	case string:
		return splitList(v), true
	case []any:
		texts := make([]string, 0, len(v))
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, false
			}
			texts = append(texts, text)
		}
		return texts, true
	}
	return nil, false
}

// describe says what type a TOML value has, in the words of TOML.
func describe(value any) string {
	switch v := value.(type) {
	case string:
		return fmt.Sprintf("%q is a string", short(v))
	case int64:
		return fmt.Sprintf("%d is a number", v)
	case float64:
		return fmt.Sprintf("%v is a number with a fraction", v)
	case bool:
		return fmt.Sprintf("%v is a boolean", v)
	case time.Time:
		return "this is a date"
	case []any:
		return "this is a list"
	}
	return "this is a table"
}
