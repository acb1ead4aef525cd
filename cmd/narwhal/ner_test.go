package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/ner"
)

// capitals is a recognizer with simple answers: every word that begins with a capital
// letter is a PERSON.
type capitals struct {
	before func(text string) error
}

func (c capitals) Entities(ctx context.Context, text string) ([]ner.Entity, error) {
	if c.before != nil {
		if err := c.before(text); err != nil {
			return nil, err
		}
	}
	var ents []ner.Entity
	at, runes := 0, 0
	for _, word := range strings.SplitAfter(text, " ") {
		name := strings.TrimRight(word, " .")
		if name != "" && name[0] >= 'A' && name[0] <= 'Z' {
			ents = append(ents, ner.Entity{Text: name, Label: "PERSON", Start: at, End: at + len(name), RuneStart: runes, RuneEnd: runes + len([]rune(name))})
		}
		at += len(word)
		runes += len([]rune(word))
	}
	return ents, ctx.Err()
}

func lines(t *testing.T, rec ner.Recognizer, stdin io.Reader) (string, error) {
	t.Helper()
	var out, stderr bytes.Buffer
	err := nerLines(context.Background(), rec, input{files: []string{"-"}}, stdin, &out, &stderr)
	if stderr.Len() > 0 {
		t.Errorf("standard error has %q: want nothing where there is no terminal", stderr.String())
	}
	return out.String(), err
}

func TestLines(t *testing.T) {
	in := "\ufeff" + `{"text":"so Ada and é Bo"}
{"id":7,"text":"","x":[1]}

{"text":1}
{"Text":"Ada"}
["Ada"]
{"text":"Ada"
{"text":"\ud83d and Ada"}
{"text":"\ude00\ud83d"}
{"text":"\ud83d\ude00 \\ud83d Ada <b>"}
` + "{\"text\":\"\xff\"}\r\n" + `{"text":"Zoe"}`
	want := `{"ents":[{"text":"Ada","label":"PERSON","start":3,"end":6},{"text":"Bo","label":"PERSON","start":13,"end":15}]}
{"id":7,"x":[1],"ents":[]}
line 3: the line is empty
line 4: text is not a string
{"Text":"Ada","error":"line 5: the object has no text
line 6: not a JSON object
line 7: not JSON: unexpected end of JSON input
line 8: text has half of a surrogate pair
line 9: text has half of a surrogate pair
{"ents":[{"text":"Ada","label":"PERSON","start":9,"end":12}]}
line 11: the line is not UTF-8: byte 0xff at 9
{"ents":[{"text":"Zoe","label":"PERSON","start":0,"end":3}]}
`
	got, err := lines(t, capitals{}, strings.NewReader(in))
	if err == nil || err.Error() != "8 of 12 lines have an error instead of entities" {
		t.Errorf("error is %v", err)
	}
	gotLines, wantLines := strings.Split(got, "\n"), strings.Split(want, "\n")
	if len(gotLines) != len(wantLines) {
		t.Fatalf("%d lines, want %d:\n%s", len(gotLines), len(wantLines), got)
	}
	for i, want := range wantLines {
		if strings.HasPrefix(want, "line ") {
			want = `{"error":"` + want
		}
		if !strings.HasPrefix(gotLines[i], want) {
			t.Errorf("line %d is %s, want %s", i+1, gotLines[i], want)
		}
	}
}

// The first line is answered last, but still written first.
func TestLinesKeepTheirOrder(t *testing.T) {
	const n = 50
	var in strings.Builder
	for i := range n {
		fmt.Fprintf(&in, "{\"text\":\"N%d\"}\n", i)
	}
	// With one core the lines are answered one by one, so the first cannot be the last.
	alone := runtime.GOMAXPROCS(0) == 1
	last := make(chan struct{})
	got, err := lines(t, capitals{before: func(text string) error {
		switch {
		case text == "N0" && !alone:
			<-last
		case text == fmt.Sprintf("N%d", n-1):
			close(last)
		}
		return nil
	}}, strings.NewReader(in.String()))
	if err != nil {
		t.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimSpace(got), "\n") {
		if !strings.Contains(line, fmt.Sprintf(`"N%d"`, i)) {
			t.Fatalf("line %d is %s", i, line)
		}
	}
}

// Each answer is written before the next line arrives. Otherwise a program that waits
// for the answer would wait for ever.
func TestLinesAnswerAtOnce(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	done := make(chan error, 1)
	go func() {
		done <- nerLines(context.Background(), capitals{}, input{files: []string{"-"}}, inR, outW, io.Discard)
		outW.Close()
	}()
	buf := make([]byte, 1000)
	for _, name := range []string{"Ada", "Bo", "Zoe"} {
		if _, err := fmt.Fprintf(inW, "{\"text\":%q}\n", name); err != nil {
			t.Fatal(err)
		}
		n, err := outR.Read(buf)
		if err != nil || !strings.Contains(string(buf[:n]), name) {
			t.Fatalf("after %s: %q, %v", name, buf[:n], err)
		}
	}
	inW.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestLinesEnd(t *testing.T) {
	broken := errors.New("broken")
	if got, err := lines(t, capitals{before: func(string) error { return broken }}, strings.NewReader(`{"text":"x"}`)); err == nil || !strings.Contains(got, `"error":"line 1: broken"`) {
		t.Errorf("a text the recognizer refuses: %q, %v", got, err)
	}
	// A text far over the limit fails only its own line.
	long := `{"text":"` + strings.Repeat("x", maxLine) + "\"}\n" + `{"text":"Ada"}`
	got, err := lines(t, capitals{}, strings.NewReader(long))
	if err == nil || !strings.Contains(got, "line 1: the line is longer") || !strings.Contains(got, "Ada") {
		t.Errorf("an endless line: %.300q, %v", got, err)
	}
	if err := nerLines(context.Background(), capitals{}, input{files: []string{"/none"}}, nil, io.Discard, io.Discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r, w := io.Pipe() // nothing is written, so reading waits
	defer w.Close()
	cancel()
	if err := nerLines(ctx, capitals{}, input{files: []string{"-"}}, r, io.Discard, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Only a limited part of a long input is in memory. While the first line is not
// answered, the others wait to be written, and the reader has to stop.
func TestLinesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		endless := &repeat{line: `{"text":"` + strings.Repeat("x", 1<<20) + "\"}\n"}
		ctx, cancel := context.WithCancel(t.Context())
		var first atomic.Bool
		stuck := capitals{before: func(string) error {
			if first.CompareAndSwap(false, true) {
				<-ctx.Done()
			}
			return nil
		}}
		done := make(chan error, 1)
		go func() {
			done <- nerLines(ctx, stuck, input{files: []string{"-"}}, endless, io.Discard, io.Discard)
		}()
		synctest.Wait() // until all goroutines wait
		if most := maxInFlight + 2<<20; endless.read > most {
			t.Errorf("read %d bytes while nothing was written, want at most %d", endless.read, most)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

// repeat is a reader that has the same line again and again, without end.
type repeat struct {
	line string
	at   int
	read int
}

func (r *repeat) Read(b []byte) (int, error) {
	n := copy(b, r.line[r.at:])
	r.at = (r.at + n) % len(r.line)
	r.read += n
	return n, nil
}

func TestBudget(t *testing.T) {
	b := newBudget(10)
	ctx, cancel := context.WithCancel(context.Background())
	if !b.take(ctx, 100) { // a line that is alone has room, whatever its size
		t.Fatal("a large line got no room")
	}
	got := make(chan bool)
	go func() { got <- b.take(ctx, 1) }()
	b.give(100)
	if !<-got {
		t.Error("no room after all was given back")
	}
	b.take(ctx, 9)
	go func() { got <- b.take(ctx, 1) }()
	cancel()
	if <-got {
		t.Error("took from a full budget after the end")
	}
}

func TestReadArgs(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, name := range []string{"a.txt", "London", "two words"} {
		if err := os.WriteFile(name, []byte("Ada"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		args []string
		want input
		err  string
	}{
		{nil, input{files: []string{"-"}}, ""},
		{[]string{"-"}, input{files: []string{"-"}}, ""},
		{[]string{"Tim Cook visited Paris"}, input{text: "Tim Cook visited Paris"}, ""},
		{[]string{"Tim", "Cook", "visited", "Paris."}, input{text: "Tim Cook visited Paris."}, ""},
		{[]string{"Paris"}, input{text: "Paris"}, ""},
		{[]string{"London"}, input{files: []string{"London"}}, ""},
		{[]string{"two words"}, input{files: []string{"two words"}}, ""},
		{[]string{"a.txt", "-"}, input{files: []string{"a.txt", "-"}}, ""},
		{[]string{"see a.txt"}, input{text: "see a.txt"}, ""},
		{[]string{"U.S."}, input{text: "U.S."}, ""},
		{[]string{"3.5"}, input{text: "3.5"}, ""},
		{[]string{"b.txt"}, input{}, "there is no file b.txt"},
		{[]string{"x/y"}, input{}, "there is no file x/y"},
		{[]string{dir}, input{}, "is a directory"},
		{[]string{"a.txt", "Ada"}, input{}, `a.txt is a file and "Ada" is not`},
		{[]string{"Ada was here", "--jsonl"}, input{}, "--jsonl comes after"},
		{[]string{"Ada", "--", "Bo"}, input{text: "Ada -- Bo"}, ""},
	} {
		got, err := readArgs(tc.args)
		if tc.err != "" {
			if err == nil || !strings.Contains(err.Error(), tc.err) {
				t.Errorf("readArgs(%q) = %v, want an error with %q", tc.args, err, tc.err)
			}
			continue
		}
		if err != nil || !cmp.Equal(got, tc.want, cmp.AllowUnexported(input{})) {
			t.Errorf("readArgs(%q) = %+v, %v, want %+v", tc.args, got, err, tc.want)
		}
	}
}

func TestMarked(t *testing.T) {
	text := "go Ada and\nB\x1b[2J at 5"
	found := []ner.Entity{{Text: "Ada", Label: "PERSON", Start: 3, End: 6}, {Text: "and\nB", Label: "ORG", Start: 7, End: 12}, {Text: "5", Label: "MADE_UP", Start: 20, End: 21}}
	for p, want := range map[palette]string{
		noColor: "go [Ada PERSON] [and\nB ORG]␛[2J at [5 MADE_UP]\n",
		trueColor: "go \x1b[38;5;16;48;2;170;156;252m Ada \x1b[1mPERSON \x1b[0m \x1b[38;5;16;48;2;122;236;236m and\x1b[0m\n" +
			"\x1b[38;5;16;48;2;122;236;236mB \x1b[1mORG \x1b[0m␛[2J at \x1b[38;5;16;48;2;221;221;221m 5 \x1b[1mMADE_UP \x1b[0m\n",
		colors256: "go \x1b[38;5;16;48;5;147m Ada \x1b[1mPERSON \x1b[0m \x1b[38;5;16;48;5;123m and\x1b[0m\n" +
			"\x1b[38;5;16;48;5;123mB \x1b[1mORG \x1b[0m␛[2J at \x1b[38;5;16;48;5;188m 5 \x1b[1mMADE_UP \x1b[0m\n",
	} {
		var b bytes.Buffer
		if err := printMarked(p, false)(&b, answer{Text: text}, found); err != nil {
			t.Fatal(err)
		}
		if b.String() != want {
			t.Errorf("palette %d:\n got %q\nwant %q", p, b.String(), want)
		}
	}
	for env, want := range map[string]palette{"": colors256, "NO_COLOR=1": noColor, "TERM=dumb": noColor, "COLORTERM=truecolor": trueColor, "COLORTERM=24bit": trueColor} {
		name, value, _ := strings.Cut(env, "=")
		got := newPalette(func(n string) string {
			if n == name {
				return value
			}
			return ""
		})
		if got != want {
			t.Errorf("%s: palette %d, want %d", env, got, want)
		}
	}
	for _, c := range labelColors { // cube finds the nearest level for every colour
		for _, v := range []rgb{c >> 16, c >> 8 & 0xff, c & 0xff} {
			levels := []rgb{0, 95, 135, 175, 215, 255}
			off := func(l rgb) int { return max(int(v)-int(l), int(l)-int(v)) }
			for _, l := range levels {
				if off(l) < off(levels[cube(v)]) {
					t.Errorf("%d becomes %d, and %d is nearer", v, levels[cube(v)], l)
				}
			}
		}
	}
}

func TestOpenRecognizer(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	if _, _, _, err := openRecognizer("prose", []string{"parser"}); err == nil || !strings.Contains(err.Error(), "prose has no components") {
		t.Errorf("prose without parser: %v", err)
	}
	if _, _, _, err := openRecognizer("./none", nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no such directory: %v", err)
	}
	missing := (*model.NotFoundError)(nil)
	if _, _, _, err := openRecognizer("en_none", nil); !errors.As(err, &missing) {
		t.Errorf("no such model: %v", err)
	}

	_, findErr := model.Standard().Find(model.Default) // no error if one is built in

	// If an installed model is broken, auto is an error and not prose. A built-in model
	// would be used before the broken one.
	broken := filepath.Join("models", model.Default)
	if err := os.MkdirAll(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, _, describe, err := openRecognizer("auto", nil); findErr != nil && (err == nil || errors.As(err, &missing)) {
		t.Errorf("auto with a broken model: %s, %v", describe, err)
	}
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}

	rec, _, describe, err := openRecognizer("auto", []string{"parser"})
	if err != nil {
		t.Fatal(err)
	}
	ents, err := rec.Entities(t.Context(), "Angela Merkel was born in Hamburg.")
	if err != nil || len(ents) != 2 || ents[0].Text != "Angela Merkel" || ents[1].Label != "GPE" {
		t.Errorf("%s: entities are %+v, %v", describe, ents, err)
	}
	want := "prose, which is built in"
	if findErr == nil {
		want = "en_core_web_sm 3.8.0 from this program, without parser"
	}
	if describe != want {
		t.Errorf("auto is %q, want %q", describe, want)
	}
}
