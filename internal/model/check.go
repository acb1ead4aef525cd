package model

import (
	"crypto/sha256"
	"fmt"
	"io"
	"slices"
)

// Sentence is the text on which Check runs a model.
const Sentence = "Tim Cook visited Paris on Monday."

// sentenceEntities has the entities that every known release finds in Sentence.
var sentenceEntities = []string{"Tim Cook PERSON", "Paris GPE", "Monday DATE"}

// Engine loads a model and runs it on one sentence. It returns the model's labels, and the
// entities of the sentence as "text LABEL", in the order of the text. cmd/narwhal has an
// Engine. This package has none, because it does not run models.
type Engine func(m *Model, sentence string) (labels, entities []string, err error)

// Report is the result of Check.
type Report struct {
	Release  *Release // nil: no known release, so there are no hashes to compare with
	Files    int      // number of files with the right hash
	Labels   []string
	Entities []string // in Sentence, as "text LABEL"
	Problems []error  // empty if there are none
}

// Verify compares the model's files with those of its Release, and returns the first
// difference. It fails if the model has no Release. If only the hash of the release's wheel
// is known, Verify compares no files.
func (m *Model) Verify() error {
	r := m.Release()
	if r == nil {
		return fmt.Errorf("model %s: not a release that narwhal knows", m.Name)
	}
	if err := r.Compare(m); err != nil {
		return fmt.Errorf("model %s: %w", m.Name, err)
	}
	return nil
}

// Compare compares a model with the release and returns the first difference. If only the
// hash of the release's wheel is known, Compare compares the name and the version in
// meta.json, and no files.
func (r *Release) Compare(m *Model) error {
	if len(r.Files) == 0 && m.Release() != r {
		return fmt.Errorf("meta.json does not say that it is %s %s", r.Name, r.Version)
	}
	for _, f := range r.Files {
		got, err := m.hash(f.Path)
		if err != nil {
			return err
		}
		if got != f.SHA256 {
			return &HashError{File: f.Path, Got: got, Want: f.SHA256}
		}
	}
	return nil
}

// Check compares the model's files with those of its Release. Then it loads the model and
// runs it on Sentence. For a known release it compares the labels and the entities, too. All
// differences and errors are in the Report.
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

// hash returns the SHA-256 of one file.
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
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// HashError is the error for a file with the wrong SHA-256.
type HashError struct{ File, Got, Want string }

func (e *HashError) Error() string {
	return fmt.Sprintf("%s has SHA-256 %s, want %s", e.File, e.Got, e.Want)
}
