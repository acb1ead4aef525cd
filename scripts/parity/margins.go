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

// difference is a text on which the two sides differ.
type difference struct {
	index  int
	source string
	by     map[string]int
	text   string // describes the difference, for the reader
}

// margin is spaCy's closest decision in a text, as margins.py prints it.
type margin struct {
	Margin  float64
	Between string
}

// addMargins asks spaCy how close its decisions were in the texts that differ, and adds
// that to their text. float32 sums depend on the order of their terms. So if the scores of
// two actions are only 1e-6 apart, a difference may come from rounding alone.
func addMargins(ctx context.Context, python, model, corpus string, diffs []*difference) error {
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
		var closest []string
		for _, name := range []string{"parser", "ner", "bare"} {
			if m, ok := margins[d.index][name]; ok {
				closest = append(closest, fmt.Sprintf("%s %.2g between %s", name, m.Margin, m.Between))
			}
		}
		d.text += "\n    spaCy's closest decisions: " + strings.Join(closest, "; ")
	}
	return nil
}
