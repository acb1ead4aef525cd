package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"sync"

	"github.com/narwhal-server/narwhal/ner/spacy"
)

// gold maps spaCy's labels to those of the development texts.
var gold = map[string]string{"PERSON": "PER", "GPE": "LOC", "LOC": "LOC", "ORG": "ORG"}

// span is an entity for strict F1. It is right only if start, end and label are.
type span struct {
	start, end int
	label      string
}

// score counts the spans of one system: the right ones, all that it found, and all that the
// gold texts have.
type score struct{ right, said, there int }

func (s score) f1() float64 {
	if s.said+s.there == 0 {
		return 0
	}
	return 2 * float64(s.right) / float64(s.said+s.there)
}

func (s *score) count(said, there []span) {
	s.said += len(said)
	s.there += len(there)
	for _, g := range there {
		for _, got := range said {
			if got == g {
				s.right++
			}
		}
	}
}

// spans returns the entities of an answer whose labels the gold texts have, too.
func (r *record) spans(h *header) []span {
	var spans []span
	for _, e := range r.ents[0] {
		if label := gold[h.Labels[e.Label]]; label != "" {
			spans = append(spans, span{int(e.Start), int(e.End), label})
		}
	}
	return spans
}

// compareF1 prints the strict micro F1 of both sides on each file of gold texts. It takes
// spaCy's answers from answers, by text. It fails if the two differ by more than 0.1 points.
func compareF1(ctx context.Context, w io.Writer, dir string, nlp *spacy.Pipeline, answers *sync.Map) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		fmt.Fprintf(w, "no texts with gold entities in %s: F1 not compared\n", dir)
		return nil
	}
	for _, path := range files {
		ours, theirs, missing, err := scoreFile(ctx, path, nlp, answers)
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		if ours.there == 0 {
			fmt.Fprintf(w, "strict F1 %-16s not compared: none of its texts are in the corpus\n", filepath.Base(path))
			continue
		}
		fmt.Fprintf(w, "strict F1 %-16s narwhal %.4f, spaCy %.4f", filepath.Base(path), ours.f1(), theirs.f1())
		if missing > 0 {
			fmt.Fprintf(w, " (without %d texts the corpus does not hold)", missing)
		}
		fmt.Fprintln(w)
		if math.Abs(ours.f1()-theirs.f1()) > 0.001 {
			return fmt.Errorf("%s: F1 differs by more than 0.1 points", path)
		}
	}
	return nil
}

func scoreFile(ctx context.Context, path string, nlp *spacy.Pipeline, answers *sync.Map) (ours, theirs score, missing int, err error) {
	f, err := os.Open(path)
	if err != nil {
		return ours, theirs, 0, err
	}
	defer f.Close()
	for d := json.NewDecoder(bufio.NewReader(f)); ; {
		var row struct {
			Text string
			Gold [][3]any
		}
		if err := d.Decode(&row); errors.Is(err, io.EOF) {
			return ours, theirs, missing, nil
		} else if err != nil {
			return ours, theirs, missing, err
		}
		rec, ok := answers.Load(row.Text)
		if !ok {
			missing++
			continue
		}
		var there []span
		for _, g := range row.Gold {
			there = append(there, span{int(g[0].(float64)), int(g[1].(float64)), g[2].(string)})
		}
		ents, err := nlp.Entities(ctx, row.Text)
		if err != nil {
			return ours, theirs, missing, err
		}
		var said []span
		for _, e := range ents {
			if label := gold[e.Label]; label != "" {
				said = append(said, span{e.RuneStart, e.RuneEnd, label})
			}
		}
		ours.count(said, there)
		theirs.count(rec.([]span), there)
	}
}
