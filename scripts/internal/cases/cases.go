// Package cases compares narwhal with what another program has answered.
package cases

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// longest is the length in bytes of the longest case.
const longest = 64 << 20

// Each reads files with a case in JSON on each line, and calls compare with each of them.
// compare returns a description of a difference, or "". Each prints the first show
// differences, and returns how many there are.
func Each[T any](files []string, show int, compare func(*T) string) (different int, err error) {
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			return different, err
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, longest)
		for line := 1; lines.Scan(); line++ {
			var c T
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				return different, errors.Join(fmt.Errorf("%s: line %d: %w", name, line, err), file.Close())
			}
			if diff := compare(&c); diff != "" {
				if different++; different <= show {
					fmt.Printf("%s, line %d: %s\n", filepath.Base(name), line, diff)
				}
			}
		}
		if err := errors.Join(lines.Err(), file.Close()); err != nil {
			return different, err
		}
	}
	return different, nil
}

// PrintRefused prints how many cases only narwhal refuses, by reason.
func PrintRefused(cases map[string]int) {
	for reason, n := range cases {
		fmt.Printf("only narwhal refuses %d cases: %s\n", n, reason)
	}
}
