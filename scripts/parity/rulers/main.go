// Rulers compares narwhal's rulers with those of real spaCy. rulers.py makes the cases, and
// asks spaCy.
//
//	rulers -model DIR -min 1000 cases.jsonl …
//
// It prints what was compared and the first differences, and exits with 1 if there is any
// difference. If spaCy refuses the rules of a case, or fails when it runs them, narwhal
// must refuse them, too. If only narwhal refuses a case, that is a difference, unless a
// known limit is the reason.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/ner/spacy"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "rulers:", err)
		os.Exit(1)
	}
}

// testCase is a line of the file that rulers.py writes.
type testCase struct {
	Files map[string]string
	Texts []string
	Ents  [][]entity
	Error string
}

type entity struct {
	start, end int
	label, id  string
}

func (e *entity) UnmarshalJSON(b []byte) error {
	return json.Unmarshal(b, &[]any{&e.start, &e.end, &e.label, &e.id})
}

// count says what was compared.
type count struct {
	cases, rules, texts, entities, withID, bothRefuse int
	limits                                            map[string]int // cases that only narwhal refuses
	different                                         int
}

// limits are parts of the errors for which a case may be refused only by narwhal.
var limits = []string{
	"is not implemented",
	"inside of",
	"is there twice",
	"the pattern takes no token", // spaCy reads memory outside of such a pattern
}

func run(ctx context.Context) error {
	model := flag.String("model", "", "directory of en_core_web_sm")
	least := flag.Int("min", 0, "fail unless so many rules were compared")
	show := flag.Int("show", 10, "differences to print")
	flag.Parse()
	n := count{limits: map[string]int{}}
	for _, name := range flag.Args() {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		lines := bufio.NewScanner(file)
		lines.Buffer(nil, 64<<20)
		for line := 1; lines.Scan(); line++ {
			var c testCase
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				return fmt.Errorf("%s: line %d: %w", name, line, err)
			}
			if diff := n.compare(ctx, *model, &c); diff != "" {
				n.different++
				if n.different <= *show {
					fmt.Printf("%s, line %d: %s\n", filepath.Base(name), line, diff)
				}
			}
		}
		if err := errors.Join(lines.Err(), file.Close()); err != nil {
			return err
		}
	}
	fmt.Printf("%d cases with %d rules, %d texts, %d entities, %d of them with an id; both refuse %d cases\n", n.cases, n.rules, n.texts, n.entities, n.withID, n.bothRefuse)
	for limit, cases := range n.limits {
		fmt.Printf("only narwhal refuses %d cases: %s\n", cases, limit)
	}
	fmt.Printf("%d differences\n", n.different)
	switch {
	case n.different > 0:
		return errors.New("narwhal and spaCy differ")
	case n.rules < *least:
		return fmt.Errorf("compared %d rules, want at least %d", n.rules, *least)
	}
	return nil
}

// compare runs a case, and returns a description of the first difference, or "".
func (n *count) compare(ctx context.Context, model string, c *testCase) string {
	n.cases++
	p, err := spacy.OpenFiles(c.read(model), spacy.Options{})
	if err != nil {
		if c.Error != "" {
			n.bothRefuse++
			return ""
		}
		for _, limit := range limits {
			if strings.Contains(err.Error(), limit) {
				n.limits[limit]++
				return ""
			}
		}
		return fmt.Sprintf("narwhal refuses it: %v", err)
	}
	defer p.Close()
	if c.Error != "" {
		return fmt.Sprintf("spaCy refuses it: %s", c.Error)
	}
	for name, data := range c.Files {
		if strings.Contains(name, "ruler") && filepath.Base(name) != "cfg" {
			n.rules += strings.Count(data, "\n")
		}
	}
	for i, text := range c.Texts {
		ents, err := p.Entities(ctx, text)
		if err != nil {
			return fmt.Sprintf("%q: %v", text, err)
		}
		var got []entity
		for _, e := range ents {
			got = append(got, entity{e.RuneStart, e.RuneEnd, e.Label, e.ID})
			if e.ID != "" {
				n.withID++
			}
		}
		n.texts++
		n.entities += len(got)
		if !slices.Equal(got, c.Ents[i]) {
			return fmt.Sprintf("%q:\n    got  %v\n    want %v", text, got, c.Ents[i])
		}
	}
	return ""
}

// read returns a function that reads the files of the case, and other files of the model.
func (c *testCase) read(model string) func(name string) ([]byte, error) {
	return func(name string) ([]byte, error) {
		if data, ok := c.Files[name]; ok {
			return []byte(data), nil
		}
		if strings.Contains(name, "ruler") {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		return os.ReadFile(filepath.Join(model, name))
	}
}
