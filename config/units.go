package config

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads Go's form (1m30s, 250ms) and Gunicorn's plain seconds (30, 0.5).
// A negative time is an error.
func ParseDuration(text string) (time.Duration, error) {
	d, err := time.ParseDuration(text)
	if err != nil {
		if d, err = parseSeconds(text); err != nil {
			return 0, err
		}
	}
	if d < 0 {
		return 0, fmt.Errorf("%s is negative: want 0 or more", short(text))
	}
	return d, nil
}

// parseSeconds reads seconds as a float64, whose 53 bits hold every nanosecond of a
// hundred days. Longer times are not exact, and need not be. A time that is too large is
// an error. A negative time that does not fit becomes the most negative one, which
// ParseDuration refuses.
func parseSeconds(text string) (time.Duration, error) {
	noTime := fmt.Errorf("%q is not a time: want seconds (30, 0.5) or a duration (1m30s, 250ms)", short(text))
	// ParseFloat takes words (inf, nan), hexadecimals and underscores, which nobody
	// means as seconds.
	if strings.Trim(text, "+-.0123456789") != "" {
		return 0, noTime
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) { // f is infinite if it is out of range
		return 0, noTime
	}
	switch nanoseconds := math.Round(f * 1e9); {
	case nanoseconds >= math.MaxInt64:
		return 0, tooLong(text)
	case nanoseconds <= math.MinInt64:
		return math.MinInt64, nil
	default:
		return time.Duration(nanoseconds), nil
	}
}

func tooLong(text string) error {
	return fmt.Errorf("%s is too large: want at most %d seconds (292 years)", short(text), math.MaxInt64/time.Second)
}

// short shortens a long value for a message.
func short(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		return fmt.Sprintf("%s… (%d characters)", string(runes[:most/2]), len(runes))
	}
	return text
}

// FormatDuration returns Go's form without units of zero at its end: 1m, not 1m0s.
func FormatDuration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10},
	{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}, {"B", 1},
}

// ParseSize reads a number of bytes: 1MiB, 512KiB, 1048576. The units kB, MB and GB are
// powers of ten. Case does not matter. A negative size is an error.
func ParseSize(text string) (int64, error) {
	number, unit := text, int64(1)
	for _, u := range sizeUnits {
		if len(text) > len(u.name) && strings.EqualFold(text[len(text)-len(u.name):], u.name) {
			number, unit = strings.TrimSpace(text[:len(text)-len(u.name)]), u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if errors.Is(err, strconv.ErrRange) || err == nil && n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%s is too large", short(text))
	}
	if err != nil {
		return 0, fmt.Errorf("%q is not a size: want bytes (1048576) or a unit (512KiB, 1MiB)", short(text))
	}
	if n < 0 {
		return 0, fmt.Errorf("%s is negative", short(text))
	}
	return n * unit, nil
}

// FormatSize returns a number of bytes in the largest binary unit that divides it, or
// without a unit.
func FormatSize(bytes int64) string {
	for _, u := range sizeUnits[:3] {
		if bytes > 0 && bytes%u.bytes == 0 {
			return strconv.FormatInt(bytes/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(bytes, 10)
}
