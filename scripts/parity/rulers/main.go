// Rulers compares narwhal's rulers with those of real spaCy. rulers.py makes the cases, and
// asks spaCy.
//
//	rulers -min 1000 cases.jsonl …
//
// It prints what was compared and the first differences, and exits with 1 if there is any
// difference. If spaCy refuses the rules of a case, narwhal must refuse them, too. If spaCy
// fails for a text, narwhal must fail for it, or refuse the case if spaCy fails for all of its
// texts. If only narwhal refuses a case, that is a difference, unless a known limit is the
// reason.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/ner/spacy"
	"github.com/narwhal-server/narwhal/scripts/internal/cases"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "rulers:", err)
		os.Exit(1)
	}
}

// testCase is a line of the file that rulers.py writes.
type testCase struct {
	Model  string
	Files  map[string]string
	Binary map[string][]byte
	Texts  []string
	Ents   []answer
	Error  string
	Skip   bool
}

// answer has the entities of a text, or spaCy's error.
type answer struct {
	ents []entity
	err  string
}

func (a *answer) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, &a.ents)
	}
	var failed struct{ Error string }
	err := json.Unmarshal(b, &failed)
	a.err = failed.Error
	return err
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
	cases, rules, texts, entities, withID int
	bothRefuse, bothFail, skipped         int
	annotated                             int            // rules about annotations or sentences
	limits                                map[string]int // cases that only narwhal refuses
}

// annotations are parts of the rules that look at what other components find.
var annotations = regexp.MustCompile(`(?i)"(tag|pos|morph|lemma|dep|(is_)?sent_start)":`)

// whereSpacyFails is a part of narwhal's error for rules with which spaCy fails for every text.
const whereSpacyFails = "for which spaCy fails"

// limits are parts of the errors for which a case may be refused only by narwhal.
var limits = []string{
	"is not implemented",
	"inside of",
	"is there twice",
	"the pattern takes no token", // spaCy reads memory outside of such a pattern
}

func run(ctx context.Context) error {
	least := flag.Int("min", 0, "fail unless so many rules were compared")
	show := flag.Int("show", 10, "differences to print")
	flag.Parse()
	n := count{limits: map[string]int{}}
	different, err := cases.Each(flag.Args(), *show, func(c *testCase) string { return n.compare(ctx, c) })
	if err != nil {
		return err
	}
	fmt.Printf("%d cases with %d rules, %d of them about annotations, %d texts, %d entities, %d of them with an id\n", n.cases, n.rules, n.annotated, n.texts, n.entities, n.withID)
	fmt.Printf("both refuse %d cases, and fail for %d texts of others; %d cases are not compared\n", n.bothRefuse, n.bothFail, n.skipped)
	cases.PrintRefused(n.limits)
	fmt.Printf("%d differences\n", different)
	switch {
	case different > 0:
		return errors.New("narwhal and spaCy differ")
	case n.rules < *least:
		return fmt.Errorf("compared %d rules, want at least %d", n.rules, *least)
	}
	return nil
}

// compare runs a case, and returns a description of the first difference, or "".
func (n *count) compare(ctx context.Context, c *testCase) string {
	n.cases++
	if c.Skip {
		n.skipped++
		return ""
	}
	p, err := spacy.OpenFiles(c.read, spacy.Options{})
	if err != nil {
		return n.refused(c, err)
	}
	defer p.Close()
	if c.Error != "" {
		return fmt.Sprintf("spaCy refuses it: %s", c.Error)
	}
	for name, data := range c.Files {
		if isRuler(name) && filepath.Base(name) != "cfg" {
			for line := range strings.Lines(data) {
				n.rules++
				if annotations.MatchString(line) {
					n.annotated++
				}
			}
		}
	}
	for i, text := range c.Texts {
		n.texts++
		ents, err := p.Entities(ctx, text)
		doc, err2 := p.Analyze(ctx, text, 0)
		switch want := c.Ents[i]; {
		case fmt.Sprint(err) != fmt.Sprint(err2) || err == nil && !slices.Equal(ents, doc.Ents):
			return fmt.Sprintf("%q: Analyze finds others than Entities: %v, %v", text, err, err2)
		case err != nil && want.err != "":
			n.bothFail++
			continue
		case err != nil:
			return fmt.Sprintf("%q: %v", text, err)
		case want.err != "":
			return fmt.Sprintf("%q: spaCy fails: %s", text, want.err)
		}
		var got []entity
		for _, e := range ents {
			got = append(got, entity{e.RuneStart, e.RuneEnd, e.Label, e.ID})
			if e.ID != "" {
				n.withID++
			}
		}
		n.entities += len(got)
		if !slices.Equal(got, c.Ents[i].ents) {
			return fmt.Sprintf("%q:\n    got  %v\n    want %v", text, got, c.Ents[i].ents)
		}
	}
	return ""
}

// refused compares a case that narwhal refuses.
func (n *count) refused(c *testCase, err error) string {
	if strings.Contains(err.Error(), whereSpacyFails) {
		for i, a := range c.Ents {
			if c.Texts[i] != "" && a.err == "" {
				return fmt.Sprintf("narwhal refuses it: %v; spaCy does not fail for %q", err, c.Texts[i])
			}
		}
		n.bothRefuse++
		return ""
	}
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

// isRuler reports whether a file belongs to a ruler of the case.
func isRuler(name string) bool {
	return strings.Contains(name, "entity_ruler") || strings.Contains(name, "span_ruler")
}

// read reads a file of the case, or another file of the model.
func (c *testCase) read(name string) ([]byte, error) {
	if data, ok := c.Files[name]; ok {
		return []byte(data), nil
	}
	if data, ok := c.Binary[name]; ok {
		return data, nil
	}
	if isRuler(name) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return os.ReadFile(filepath.Join(c.Model, name))
}
