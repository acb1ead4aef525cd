package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal opens a terminal: what is written to tty can be read from screen.
func openTerminal(t *testing.T) (screen, tty *os.File) {
	t.Helper()
	screen, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { screen.Close() })
	if err := unix.IoctlSetPointerInt(int(screen.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(int(screen.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	tty, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tty.Close() })
	return screen, tty
}

// onTerminal runs narwhal with its standard output or error on a terminal and
// returns what is on the screen in the end.
func onTerminal(t *testing.T, run func(tty *os.File) int) (string, int) {
	t.Helper()
	screen, tty := openTerminal(t)
	seen := make(chan string)
	go func() {
		b, _ := io.ReadAll(screen) // ends with an error when the last writer closes
		seen <- string(b)
	}()
	status := run(tty)
	tty.Close()
	return strings.ReplaceAll(<-seen, "\r\n", "\n"), status
}

func TestNEROnATerminal(t *testing.T) {
	clear := filepath.Join(t.TempDir(), "clear.txt")
	if err := os.WriteFile(clear, []byte("She was born in Hamburg.\n\x1b[2J gone"), 0o644); err != nil {
		t.Fatal(err)
	}
	merkel := []string{"Angela Merkel was born in Hamburg."}
	for _, tc := range []struct {
		env  string
		args []string
		want string
	}{
		{"COLORTERM=truecolor", merkel, "\x1b[38;5;16;48;2;170;156;252m Angela Merkel \x1b[1mPERSON \x1b[0m was born in \x1b[38;5;16;48;2;254;202;116m Hamburg \x1b[1mGPE \x1b[0m.\n"},
		{"COLORTERM=", merkel, "\x1b[38;5;16;48;5;147m Angela Merkel \x1b[1mPERSON \x1b[0m was born in \x1b[38;5;16;48;5;222m Hamburg \x1b[1mGPE \x1b[0m.\n"},
		{"NO_COLOR=1", merkel, "[Angela Merkel PERSON] was born in [Hamburg GPE].\n"},
		{"NO_COLOR=1", []string{clear}, "She was born in [Hamburg GPE].\n␛[2J gone\n"},
		{"NO_COLOR=1", append([]string{"--json"}, merkel...), `{"text":"Angela Merkel was born in Hamburg.","ents":[{"text":"Angela Merkel","label":"PERSON","start":0,"end":13},{"text":"Hamburg","label":"GPE","start":26,"end":33}]}` + "\n"},
	} {
		t.Run(tc.env, func(t *testing.T) {
			for _, name := range []string{"COLORTERM", "NO_COLOR"} {
				t.Setenv(name, "")
			}
			t.Setenv("TERM", "xterm")
			name, value, _ := strings.Cut(tc.env, "=")
			t.Setenv(name, value)
			var stderr bytes.Buffer
			got, status := onTerminal(t, func(tty *os.File) int {
				args := append([]string{"narwhal", "ner", "--model", "prose"}, tc.args...)
				return run(context.Background(), args, nil, t.TempDir(), tty, &stderr)
			})
			if got != tc.want || status != exitOK || stderr.Len() > 0 {
				t.Errorf("narwhal ner %q:\n got %q, status %d, stderr %q\nwant %q", tc.args, got, status, stderr.String(), tc.want)
			}
		})
	}
}

// If the answers do not go to the terminal, long input has a bar there. Short input has
// none.
func TestProgress(t *testing.T) {
	for _, tc := range []struct {
		lines int
		bar   bool
	}{{1, false}, {30_000, true}} {
		in := strings.NewReader(strings.Repeat("{\"text\": \"no names in here, none at all\"}\n", tc.lines))
		var out bytes.Buffer
		got, _ := onTerminal(t, func(tty *os.File) int {
			if err := nerLines(context.Background(), capitals{}, input{files: []string{"-"}}, in, &out, tty); err != nil {
				t.Error(err)
			}
			return 0
		})
		if strings.Contains(got, "narwhal ner") != tc.bar {
			t.Errorf("%d lines: the terminal shows %q", tc.lines, got)
		}
		if n := strings.Count(out.String(), "\n"); n != tc.lines {
			t.Errorf("%d lines out of %d", n, tc.lines)
		}
		// If the answers go to the same terminal, there is no bar.
		_, tty := openTerminal(t)
		if p := newProgress(-1, tty, tty); p != nil {
			t.Error("a bar on the terminal the answers go to")
		}
	}
}
