// Parity compares narwhal's engine with real spaCy, text by text: tokens, white
// space, attribute ids, sentence starts and entities with their offsets, with
// all components and without those that find sentences. parity.sh runs it; corpus.py collects
// the texts and reference.py asks spaCy.
//
//	parity -model DIR -corpus corpus.jsonl -min 1000000 reference.0 reference.1
//
// It prints what was compared and the first differences, and exits with 1 if there is any
// difference. A text that differs is excused, and counted as such, if it contains a code
// point that only one side's Unicode tables know. The reference lists the code points that
// its Python does not know. With -python, parity also asks spaCy how close its own
// decisions were in the texts that differ.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/narwhal-server/narwhal/ner/spacy"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "parity:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	model := flag.String("model", "", "pipeline directory")
	corpus := flag.String("corpus", "", "texts, as corpus.py writes them")
	data := flag.String("data", "", "folder of texts with gold entities: compare F1 too")
	least := flag.Int("min", 0, "fail unless so many tokens were compared")
	ents := flag.Int("entities", 0, "fail unless so many entities were compared")
	show := flag.Int("show", 20, "differences to print")
	python := flag.String("python", "", "Python with spaCy, to tell how close the decisions of texts that differ were")
	procs := flag.Int("j", runtime.GOMAXPROCS(0), "texts at once")
	exclude := flag.String("exclude", "", "components to leave out, separated by commas")
	flag.Parse()
	var without []string
	if *exclude != "" {
		without = strings.Split(*exclude, ",")
	}

	texts, err := readCorpus(*corpus)
	if err != nil {
		return err
	}
	full, err := spacy.Open(*model, spacy.Options{Exclude: without})
	if err != nil {
		return err
	}
	bare, err := spacy.Open(*model, spacy.Options{Exclude: append(without, "parser", "senter", "sentencizer")})
	if err != nil {
		return err
	}
	both := engines{full, bare}

	total := newTally()
	var answers sync.Map // text → []span: spaCy's answers, for F1
	for i, path := range flag.Args() {
		head, err := eachRecord(path, *procs, func(h *header, r *record) error {
			if r.index >= len(texts) {
				return fmt.Errorf("%s is of another corpus: it has a text %d of %d", path, r.index, len(texts))
			}
			if *data != "" {
				answers.Store(texts[r.index].Text, r.spans(h))
			}
			t, err := both.compare(ctx, h, texts[r.index], r)
			if err != nil {
				return err
			}
			total.add(t)
			return nil
		})
		if err != nil {
			return err
		}
		if i == 0 {
			fmt.Println(head)
			if got := slices.Sorted(slices.Values(full.Labels())); !slices.Equal(got, head.Labels) {
				return fmt.Errorf("labels are %q, spaCy's are %q", got, head.Labels)
			}
		}
	}
	if *python != "" && len(total.diffs) > 0 {
		if err := addMargins(ctx, *python, *model, *corpus, total.diffs[:min(len(total.diffs), *show)]); err != nil {
			return err
		}
	}
	total.print(os.Stdout, *show)
	if *data != "" {
		if err := compareF1(ctx, os.Stdout, *data, full, &answers); err != nil {
			return err
		}
	}
	switch n := total.sum(); {
	case n.texts != len(texts):
		return fmt.Errorf("compared %d of the corpus's %d texts", n.texts, len(texts))
	case n.tokens < *least:
		return fmt.Errorf("compared %d tokens, want at least %d", n.tokens, *least)
	case n.different > 0:
		return errors.New("narwhal and spaCy differ")
	case n.ents[0] < *ents:
		return fmt.Errorf("compared %d entities, want at least %d", n.ents[0], *ents)
	}
	return nil
}
