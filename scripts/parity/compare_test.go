package main

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy"
)

// example returns the analysis of a text by both sides. They agree.
func example() (analysis, *record) {
	text := "Zoë left. Bo"
	tokens := []spacy.Token{
		{Start: 0, End: 4, RuneStart: 0, RuneEnd: 3, Space: true, Orth: 1, Norm: 2, Prefix: 3, Suffix: 4, Shape: 5},
		{Start: 5, End: 9, RuneStart: 4, RuneEnd: 8, Orth: 6},
		{Start: 9, End: 10, RuneStart: 8, RuneEnd: 9, Space: true, Orth: 7},
		{Start: 11, End: 13, RuneStart: 10, RuneEnd: 12, Orth: 8},
	}
	doc := &ner.Doc{
		Sents: []ner.Span{{Start: 0, End: 3}, {Start: 3, End: 4}},
		Ents: []ner.Entity{
			{Text: "Zoë", Label: "PERSON", Start: 0, End: 4, RuneStart: 0, RuneEnd: 3},
			{Text: "Bo", Label: "GPE", Start: 11, End: 13, RuneStart: 10, RuneEnd: 12},
		},
		EntTokens: []ner.Span{{Start: 0, End: 1}, {Start: 3, End: 4}},
	}
	for _, t := range tokens {
		doc.Tokens = append(doc.Tokens, ner.Token{Start: t.Start, End: t.End, RuneStart: t.RuneStart, RuneEnd: t.RuneEnd})
	}
	want := &record{
		start: []uint32{0, 4, 8, 10}, length: []uint32{3, 4, 1, 2},
		flags: []byte{flagSpace | flagSent, 0, flagSpace, flagSent},
		ids:   [5][]uint64{{1, 6, 7, 8}, {2, 0, 0, 0}, {3, 0, 0, 0}, {4, 0, 0, 0}, {5, 0, 0, 0}},
		ents:  [2][]entity{{{0, 3, 1}, {10, 12, 0}}, nil},
	}
	return analysis{text, doc, tokens}, want
}

// Every kind of difference is noticed, and counted under its name.
func TestDifferences(t *testing.T) {
	for name, tc := range map[string]struct {
		change func(*analysis, *record)
		want   map[string]int
	}{
		"none":        {func(*analysis, *record) {}, map[string]int{}},
		"cut":         {func(_ *analysis, r *record) { r.length[1] = 3 }, map[string]int{"token": 1}},
		"fewer":       {func(a *analysis, _ *record) { a.tokens, a.Tokens = a.tokens[:3], a.Tokens[:3] }, map[string]int{"token": 1}},
		"white space": {func(_ *analysis, r *record) { r.flags[1] |= flagSpace }, map[string]int{"white space": 1}},
		"is space":    {func(a *analysis, _ *record) { a.tokens[2].IsSpace = true }, map[string]int{"IS_SPACE": 1}},
		"norm":        {func(a *analysis, _ *record) { a.tokens[0].Norm = 9 }, map[string]int{"NORM": 1}},
		"shape":       {func(_ *analysis, r *record) { r.ids[4][3] = 9 }, map[string]int{"SHAPE": 1}},
		"sentence":    {func(_ *analysis, r *record) { r.flags[2] |= flagSent }, map[string]int{"sentence": 1}},
		"one sentence": {func(a *analysis, _ *record) { a.Sents = []ner.Span{{Start: 0, End: 4}} },
			map[string]int{"sentence": 1}},
		"lost tokens": {func(a *analysis, _ *record) { a.Sents = a.Sents[:1] }, map[string]int{"sentence": 1}},
		"overlap":     {func(a *analysis, _ *record) { a.Sents[1].Start = 2 }, map[string]int{"sentence": 1}},
		"other ids":   {func(a *analysis, _ *record) { a.Tokens[3].Start = 10 }, map[string]int{"token": 1}},
		"no ids":      {func(a *analysis, _ *record) { a.tokens = a.tokens[:3] }, map[string]int{"token": 1}},
		"ent tokens":  {func(a *analysis, _ *record) { a.EntTokens[1].Start = 2 }, map[string]int{"tokens of an entity": 1}},
		"no span":     {func(a *analysis, _ *record) { a.EntTokens = nil }, map[string]int{"tokens of an entity": 1}},
		"label":       {func(a *analysis, _ *record) { a.Ents[0].Label = "ORG" }, map[string]int{"entity": 1}},
		"end":         {func(_ *analysis, r *record) { r.ents[0][1].End = 11 }, map[string]int{"entity": 1}},
		"start":       {func(_ *analysis, r *record) { r.ents[0][1].Start = 8 }, map[string]int{"entity": 2}},
		"missing":     {func(a *analysis, _ *record) { a.Ents, a.EntTokens = a.Ents[1:], a.EntTokens[1:] }, map[string]int{"entity": 1}},
		"extra":       {func(_ *analysis, r *record) { r.ents[0] = r.ents[0][:1] }, map[string]int{"entity": 1}},
		"bytes":       {func(a *analysis, _ *record) { a.Ents[0].End = 3 }, map[string]int{"entity": 1, "tokens of an entity": 1}},
		"text":        {func(a *analysis, _ *record) { a.Ents[1].Text = "Bob" }, map[string]int{"entity": 1}},
	} {
		a, want := example()
		tc.change(&a, want)
		got := map[string]int{}
		differ := func(what, format string, args ...any) {
			got[what]++
			_ = fmt.Sprintf(format, args...)
		}
		if compareTokens(a, want, differ) {
			compareIDs(a, want, differ)
			compareSentences(a, want, differ)
			compareEntTokens(a, differ)
		}
		compareEntities("entity", a.text, a.Ents, want.ents[0], []string{"GPE", "PERSON"}, differ)
		if !maps.Equal(got, tc.want) {
			t.Errorf("%s: differences %v, want %v", name, got, tc.want)
		}
	}
}

func TestStream(t *testing.T) {
	_, want := example()
	want.ents[1] = []entity{{1, 2, 0}}
	want.index = 3
	head := `{"spacy":"3.8.18","unassigned":[[888,890]],"labels":["GPE","PERSON"],"sents":true}`
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			if err := binary.Write(&b, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
	}
	put([]byte(magic), uint32(len(head)), []byte(head))
	put([]uint32{3, 4, 2, 1}, want.start, want.length, want.flags)
	for _, ids := range want.ids {
		put(ids)
	}
	put(want.ents[0], want.ents[1])
	path := filepath.Join(t.TempDir(), "answers")
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	n := 0
	h, err := eachRecord(path, 2, func(_ *header, got *record) error {
		n++
		if !cmp.Equal(got, want, cmp.AllowUnexported(record{})) {
			t.Errorf("read %+v, want %+v", got, want)
		}
		return nil
	})
	if err != nil || n != 1 {
		t.Fatalf("%d records, %v", n, err)
	}
	// In this header only U+0378 and U+0379 are unassigned. Go agrees, so they excuse
	// nothing. Every other code point that Go does not know is one that the header knows.
	if h.excuses("a\u0378") || h.excuses("Zoë") || !h.excuses("\u0380") {
		t.Error("the wrong code points are excused")
	}

	failed := errors.New("no")
	if _, err := eachRecord(path, 1, func(*header, *record) error { return failed }); !errors.Is(err, failed) {
		t.Errorf("a failure is %v", err)
	}
	if err := os.WriteFile(path, b.Bytes()[:b.Len()-1], 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := eachRecord(path, 1, func(*header, *record) error { return nil }); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a stream that is cut off: %v", err)
	}
}
