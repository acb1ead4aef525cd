// Docs compares all that narwhal finds in texts with real spaCy's Doc.to_json: entities,
// sentences, and the tag, pos, morph, lemma, dep and head of each token. docs.py asks spaCy.
//
//	docs -model DIR -min 100000 answers.jsonl
//
// It prints what was compared and the first differences, and exits with 1 if there is any
// difference.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"unicode"

	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

// head is the first line of the answers.
type head struct {
	Spacy   string
	Unicode string
	LeftOut int `json:"left_out"`
}

// count says what was compared, and what differs.
type count struct {
	mu                             sync.Mutex
	texts, tokens, sents, ents     int
	chunks                         int            // noun chunks
	fields                         map[string]int // tokens that have a field
	values                         map[string]map[string]bool
	leftOut, different, left, show int
	by                             map[string]int // differences, by field
}

func run(ctx context.Context) error {
	model := flag.String("model", "", "pipeline directory")
	least := flag.Int("min", 0, "fail unless so many tokens were compared")
	show := flag.Int("show", 20, "differences to print")
	flag.Parse()
	p, err := spacy.Open(*model, spacy.Options{})
	if err != nil {
		return err
	}
	if err := p.Check(ner.Whole); err != nil {
		return err
	}
	file, err := os.Open(flag.Arg(0))
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 256<<20)
	var h head
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &h) != nil {
		return fmt.Errorf("%s: no first line: %v", flag.Arg(0), lines.Err())
	}
	c := &count{fields: map[string]int{}, values: map[string]map[string]bool{}, by: map[string]int{}, leftOut: h.LeftOut, show: *show}
	work := make(chan []byte)
	errs := make(chan error, 1)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for line := range work {
				if err := c.compare(ctx, p, h, line); err != nil {
					select {
					case errs <- err:
					default:
					}
				}
			}
		})
	}
	for lines.Scan() {
		work <- slices.Clone(lines.Bytes())
	}
	close(work)
	workers.Wait()
	select {
	case err := <-errs:
		return err
	default:
	}
	c.print(h)
	switch {
	case lines.Err() != nil:
		return lines.Err()
	case c.tokens < *least:
		return fmt.Errorf("compared %d tokens, want at least %d", c.tokens, *least)
	case c.different > 0:
		return errors.New("narwhal and spaCy differ")
	}
	return nil
}

func (c *count) print(h head) {
	fmt.Printf("spaCy %s: %d texts, %d tokens, %d sentences, %d entities, %d noun chunks; left out because of Unicode %s: %d\n", h.Spacy, c.texts, c.tokens, c.sents, c.ents, c.chunks, h.Unicode, c.leftOut)
	for _, f := range slices.Sorted(maps.Keys(c.fields)) {
		fmt.Printf("  %-6s %8d tokens, %5d values, %d differences\n", f, c.fields[f], len(c.values[f]), c.by[f])
	}
	fmt.Printf("%d texts differ %v\n", c.different, c.by)
}

// compare compares one text. line is spaCy's answer.
func (c *count) compare(ctx context.Context, p *spacy.Pipeline, h head, line []byte) error {
	var want map[string]any
	if err := json.Unmarshal(line, &want); err != nil {
		return err
	}
	text := want["text"].(string)
	ask := ner.Whole
	if want["noun_chunks"] != nil {
		ask |= ner.NounChunks
	}
	doc, err := p.Analyze(ctx, text, ask)
	if err != nil {
		return fmt.Errorf("%.60q: %w", text, err)
	}
	var got map[string]any
	if err := json.Unmarshal(textjson.AppendDoc(nil, text, doc), &got); err != nil {
		return err
	}
	if want["noun_chunks"] != nil {
		var chunks any
		if err := json.Unmarshal(textjson.AppendSpans(nil, text, doc, doc.NounChunks, textjson.CodePoint), &chunks); err != nil {
			return err
		}
		got["noun_chunks"] = chunks
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if h.Unicode != unicode.Version && slices.ContainsFunc([]rune(text), unassigned) {
		c.leftOut++
		return nil
	}
	c.texts++
	c.tokens += len(doc.Tokens)
	c.sents += len(doc.Sents)
	c.ents += len(doc.Ents)
	c.chunks += len(doc.NounChunks)
	for _, t := range list(want["tokens"]) {
		for key, value := range t.(map[string]any) {
			if c.fields[key]++; c.values[key] == nil {
				c.values[key] = map[string]bool{}
			}
			c.values[key][fmt.Sprint(value)] = true
		}
	}
	if reflect.DeepEqual(got, want) {
		return nil
	}
	c.different++
	c.differ(text, "", got, want)
	return nil
}

// differ counts the differences of two JSON values, and prints the first ones.
func (c *count) differ(text, key string, got, want any) {
	g, ok := got.(map[string]any)
	w, ok2 := want.(map[string]any)
	if ok && ok2 {
		keys := maps.Clone(g)
		maps.Copy(keys, w)
		for _, k := range slices.Sorted(maps.Keys(keys)) {
			c.differ(text, k, g[k], w[k])
		}
		return
	}
	if a, b := list(got), list(want); len(a) > 0 && len(a) == len(b) {
		for i := range a {
			if !reflect.DeepEqual(a[i], b[i]) {
				c.differ(fmt.Sprintf("%s %d of %.300q: want %v", key, i, text, b[i]), key, a[i], b[i])
			}
		}
		return
	}
	if !reflect.DeepEqual(got, want) {
		if c.by[key]++; c.left < c.show {
			c.left++
			fmt.Printf("%s: %v, want %v, in %.500s\n", key, got, want, text)
		}
	}
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// unassigned reports whether Go's tables do not know a code point.
func unassigned(r rune) bool {
	return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z, unicode.C)
}
