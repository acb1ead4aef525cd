package config

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"30":            30 * time.Second,
		"0":             0,
		"0.5":           500 * time.Millisecond,
		".1":            100 * time.Millisecond,
		"+2":            2 * time.Second,
		"1m30s":         90 * time.Second,
		"250ms":         250 * time.Millisecond,
		"0.000000001":   1,
		"1.0000000001":  time.Second, // rounded to a nanosecond
		"8640000":       100 * 24 * time.Hour,
		"86400.0000001": 24*time.Hour + 100,
	} {
		if got, err := ParseDuration(text); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		"":                              `"" is not a time: want seconds (30, 0.5) or a duration (1m30s, 250ms)`,
		"soon":                          `"soon" is not a time: want seconds (30, 0.5) or a duration (1m30s, 250ms)`,
		"1_000":                         `"1_000" is not a time: want seconds (30, 0.5) or a duration (1m30s, 250ms)`,
		"inf":                           `"inf" is not a time: want seconds (30, 0.5) or a duration (1m30s, 250ms)`,
		"0x10":                          `"0x10" is not a time: want seconds (30, 0.5) or a duration (1m30s, 250ms)`,
		"1e3":                           `"1e3" is not a time: want seconds (30, 0.5) or a duration (1m30s, 250ms)`,
		"99999999999999999999":          "99999999999999999999 is too large: want at most 9223372036 seconds (292 years)",
		"1" + strings.Repeat("0", 400):  "10000000000000000000… (401 characters) is too large: want at most 9223372036 seconds (292 years)",
		"-1" + strings.Repeat("0", 400): "-1000000000000000000… (402 characters) is negative: want 0 or more",
		"-1":                            "-1 is negative: want 0 or more",
		"-1ns":                          "-1ns is negative: want 0 or more",
	} {
		if got, err := ParseDuration(text); err == nil || err.Error() != why {
			t.Errorf("ParseDuration(%q) = %v, %v; want the error %s", text, got, err, why)
		}
	}
}

func TestFormatDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0:                          "0s",
		time.Second:                "1s",
		10 * time.Second:           "10s",
		time.Minute:                "1m",
		10 * time.Minute:           "10m",
		90 * time.Second:           "1m30s",
		time.Hour:                  "1h",
		time.Hour + 5*time.Second:  "1h0m5s",
		20*time.Hour + time.Minute: "20h1m",
		100 * time.Millisecond:     "100ms",
	} {
		if got := FormatDuration(d); got != want {
			t.Errorf("FormatDuration(%d) = %s, want %s", d, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "1048576": 1 << 20, "1MiB": 1 << 20, "512KiB": 512 << 10, "1 MiB": 1 << 20,
		"2mb": 2e6, "3kB": 3000, "7B": 7, "1GiB": 1 << 30, "9223372036854775807": math.MaxInt64,
	} {
		if got, err := ParseSize(text); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %d, %v; want %d", text, got, err, want)
		}
	}
	for text, why := range map[string]string{
		"":                     `"" is not a size: want bytes (1048576) or a unit (512KiB, 1MiB)`,
		"MiB":                  `"MiB" is not a size: want bytes (1048576) or a unit (512KiB, 1MiB)`,
		"1.5MiB":               `"1.5MiB" is not a size: want bytes (1048576) or a unit (512KiB, 1MiB)`,
		"1M":                   `"1M" is not a size: want bytes (1048576) or a unit (512KiB, 1MiB)`,
		"-1":                   "-1 is negative",
		"9223372036854775808":  "9223372036854775808 is too large",
		"9223372036854775GiB":  "9223372036854775GiB is too large",
		"99999999999999999GiB": "99999999999999999GiB is too large",
	} {
		if got, err := ParseSize(text); err == nil || err.Error() != why {
			t.Errorf("ParseSize(%q) = %d, %v; want the error %s", text, got, err, why)
		}
	}
}

// ParseDuration reads what FormatDuration writes as the same time.
func FuzzDuration(f *testing.F) {
	for _, text := range []string{"30", "0.5", "1m30s", "2562047h47m16.854775807s", "-3", "9223372036.854775807", "1h0m0.000000001s"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			return
		}
		if d < 0 {
			t.Fatalf("ParseDuration(%q) = %v, which is negative", text, d)
		}
		if again, err := ParseDuration(FormatDuration(d)); err != nil || again != d {
			t.Fatalf("%q is %v, printed %s, read as %v, %v", text, d, FormatDuration(d), again, err)
		}
	})
}

func FuzzSize(f *testing.F) {
	for _, text := range []string{"1MiB", "1048577", "0", "-1B", "8388607TiB", "8589934591GiB"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := ParseSize(text)
		if err != nil {
			return
		}
		if n < 0 {
			t.Fatalf("ParseSize(%q) = %d, which is negative", text, n)
		}
		if again, err := ParseSize(FormatSize(n)); err != nil || again != n {
			t.Fatalf("%q is %d, printed %s, read as %d, %v", text, n, FormatSize(n), again, err)
		}
	})
}
