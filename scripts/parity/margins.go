package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

// nearTie is how close spaCy's two best actions may be for a difference to count
// as rounding. float32 sums depend on their order, and two correct
// implementations were measured to differ by up to 2.7e-5 in a score; the
// difference of two scores can be off by twice that.
const nearTie = 6e-5

// maxTies is how many texts may differ by rounding in a million tokens. About
// ten decisions in a million tokens are that close, and most come out equal.
const maxTies = 5

// difference is a text on which the two sides differ.
type difference struct {
	index  int
	source string
	by     map[string]int
	text   string // for people
	tie    bool
}

// margin is spaCy's closest decision in a text, as margins.py finds it.
type margin struct {
	Margin  float64
	Between string
}

// markTies asks spaCy how close its decisions were in the texts that differ,
// and marks those where the difference can be rounding: tokens and ids are
// integers and never can.
func markTies(ctx context.Context, python, model, corpus string, diffs []*difference) error {
	indices := []int{}
	for _, d := range diffs {
		indices = append(indices, d.index)
	}
	in, err := json.Marshal(indices)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, python, "scripts/parity/margins.py", model, corpus)
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("margins.py: %w", err)
	}
	var margins map[int]map[string]margin
	if err := json.Unmarshal(out, &margins); err != nil {
		return fmt.Errorf("margins.py: %w", err)
	}
	for _, d := range diffs {
		d.judge(margins[d.index])
	}
	return nil
}

// judge decides whether all differences of a text can be rounding. A sentence
// that starts elsewhere can change an entity, so for those the parser's
// decisions count too.
func (d *difference) judge(margins map[string]margin) {
	d.tie = true
	for what := range d.by {
		var deciders []string
		switch what {
		case "sentence":
			deciders = []string{"parser"}
		case "entity":
			deciders = []string{"parser", "ner"}
		case "entity without parser":
			deciders = []string{"bare"}
		}
		near := false
		for _, name := range deciders {
			if m, ok := margins[name]; ok && m.Margin < nearTie {
				near = true
			}
		}
		d.tie = d.tie && near
	}
	var closest []string
	for _, name := range []string{"parser", "ner", "bare"} {
		if m, ok := margins[name]; ok {
			closest = append(closest, fmt.Sprintf("%s %.2g between %s", name, m.Margin, m.Between))
		}
	}
	d.text += "\n    spaCy's closest decisions: " + strings.Join(closest, "; ")
}
