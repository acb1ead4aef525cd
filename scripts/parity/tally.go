package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"text/tabwriter"
)

// count counts what was compared of one source, and the differences.
type count struct {
	texts, tokens, sents int
	ents                 [2]int         // with all components, without sentences
	different            int            // texts with any difference
	excused              int            // texts that differ and have a code point only one side knows
	by                   map[string]int // differences by kind
}

// tally has the counts by source. Several goroutines may call add at once, but no other
// method.
type tally struct {
	mu      *sync.Mutex
	sources map[string]*count
	diffs   []*difference
}

func newTally() tally { return tally{mu: new(sync.Mutex), sources: map[string]*count{}} }

func (t tally) of(source string) *count {
	c := t.sources[source]
	if c == nil {
		c = &count{by: map[string]int{}}
		t.sources[source] = c
	}
	return c
}

func (t *tally) add(other tally) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, from := range other.sources {
		t.of(name).add(from)
	}
	t.diffs = append(t.diffs, other.diffs...)
}

func (c *count) add(from *count) {
	c.texts += from.texts
	c.tokens += from.tokens
	c.sents += from.sents
	c.ents[0] += from.ents[0]
	c.ents[1] += from.ents[1]
	c.different += from.different
	c.excused += from.excused
	for what, n := range from.by {
		c.by[what] += n
	}
}

func (t tally) sum() *count {
	sum := &count{by: map[string]int{}}
	for _, c := range t.sources {
		sum.add(c)
	}
	return sum
}

func (t tally) print(w io.Writer, show int) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(tw, "\ttexts\ttokens\tsentences\tentities\twithout sentences\ttexts that differ\texcused\t")
	row := func(name string, c *count) {
		fmt.Fprintf(tw, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t\n", name, c.texts, c.tokens, c.sents, c.ents[0], c.ents[1], c.different, c.excused)
	}
	for _, name := range slices.Sorted(maps.Keys(t.sources)) {
		row(name, t.sources[name])
	}
	sum := t.sum()
	row("all", sum)
	tw.Flush()
	fmt.Fprintf(w, "differences in %d tokens: ", sum.tokens)
	for i, what := range append([]string{"token", "white space", "IS_SPACE"}, append(idNames[:], "sentence", "entity", "entity of Analyze", "tokens of an entity", "entity without sentences")...) {
		if i > 0 {
			fmt.Fprint(w, ", ")
		}
		fmt.Fprintf(w, "%s %d", what, sum.by[what])
	}
	fmt.Fprintln(w)
	slices.SortFunc(t.diffs, func(a, b *difference) int { return cmp.Compare(a.index, b.index) })
	for _, d := range t.diffs[:min(len(t.diffs), show)] {
		fmt.Fprintln(w, d.text)
	}
	if n := len(t.diffs) - show; n > 0 {
		fmt.Fprintf(w, "and %d texts more\n", n)
	}
}
