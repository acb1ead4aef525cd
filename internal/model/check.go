package model

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
)

// Sentence is what Check has the engine read.
const Sentence = "Tim Cook visited Paris on Monday."

// sentenceEntities is what every known release answers to it.
var sentenceEntities = []string{"Tim Cook PERSON", "Paris GPE", "Monday DATE"}

// Engine loads a model and runs it on one sentence: cmd/narwhal has one, this
// package knows none. Entities are given as "text LABEL", in order.
type Engine func(m *Model, sentence string) (labels, entities []string, err error)

// Report is what Check found.
type Report struct {
	Release  *Release // nil: none that narwhal knows, so there are no hashes to compare with
	Files    int      // how many had the right hash
	Labels   []string
	Entities []string
	Problems []error // empty: all is well
}

// Verify compares every file with the release the model claims to be, and
// returns the first difference. It is an error to claim none. Of a release whose
// files narwhal does not know there is nothing to compare.
func (m *Model) Verify() error {
	r := m.Release()
	if r == nil {
		return fmt.Errorf("model %s: not a release that narwhal knows", m.Name)
	}
	if err := r.check(m); err != nil {
		return fmt.Errorf("model %s: %w", m.Name, err)
	}
	return nil
}

// Check compares each file with the release the model claims to be, loads it,
// and asks it for the entities of a sentence.
func (m *Model) Check(run Engine) Report {
	r := Report{Release: m.Release()}
	if r.Release != nil {
		for _, f := range r.Release.Files {
			got, err := m.hash(f.Path)
			if err == nil && got != f.SHA256 {
				err = &HashError{File: f.Path, Got: got, Want: f.SHA256}
			}
			if err != nil {
				r.Problems = append(r.Problems, err)
				continue
			}
			r.Files++
		}
	}
	var err error
	r.Labels, r.Entities, err = run(m, Sentence)
	switch {
	case err != nil:
		r.Problems = append(r.Problems, fmt.Errorf("load: %w", err))
	case r.Release != nil:
		if got := slices.Sorted(slices.Values(r.Labels)); !slices.Equal(got, r.Release.Labels) {
			r.Problems = append(r.Problems, fmt.Errorf("labels are %q, want %q", got, r.Release.Labels))
		}
		if !slices.Equal(r.Entities, sentenceEntities) {
			r.Problems = append(r.Problems, fmt.Errorf("entities of %q are %q, want %q", Sentence, r.Entities, sentenceEntities))
		}
	}
	return r
}

// hash is the SHA-256 of one file.
func (m *Model) hash(name string) (string, error) {
	f, err := m.files.Open(name)
	if err != nil {
		return "", err
	}
	defer f.Close()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return sum(h), nil
}
