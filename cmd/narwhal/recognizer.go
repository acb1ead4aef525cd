package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/prose"
	"github.com/narwhal-server/narwhal/ner/spacy"
)

const (
	autoModel  = "auto"  // the pipeline model.Places.Auto finds, else prose
	proseModel = "prose" // what is built in
)

// openRecognizer opens what --model and --exclude ask for. Describe is one line
// for people: what it is, where it was found, and what to do if that is not
// what they want.
//
// Only a model that is in no place at all gives way to prose: one that is there
// and broken is an error, not another set of answers.
func openRecognizer(name string, exclude []string) (rec ner.Recognizer, describe string, err error) {
	switch name {
	case proseModel:
		if len(exclude) > 0 {
			return nil, "", fmt.Errorf("--exclude %s: prose has no components to leave out", strings.Join(exclude, ","))
		}
		return openProse("prose, which is built in")
	case autoModel, "":
		m, err := model.Standard().Auto()
		if missing := (*model.NotFoundError)(nil); errors.As(err, &missing) {
			return openProse("prose, which is built in")
		}
		if err != nil {
			return nil, "", err
		}
		return openModel(m, exclude)
	}
	m, err := model.Standard().Find(name)
	if err != nil {
		return nil, "", err
	}
	return openModel(m, exclude)
}

// proseWarning says that prose answers although nobody asked for it, or is "".
// Whoever starts a recognizer shows it before anything else.
func proseWarning(name string) (warning, hint string) {
	if name != autoModel && name != "" {
		return "", ""
	}
	_, err := model.Standard().Auto()
	if missing := (*model.NotFoundError)(nil); !errors.As(err, &missing) {
		return "", ""
	}
	return "no spaCy pipeline is installed, so prose answers, and its answers differ from spaCy's",
		"narwhal model pull installs " + model.Default + "; --model prose means prose and ends this warning"
}

// warnOfProse shows it on a terminal.
func warnOfProse(w io.Writer, name string) {
	if warning, hint := proseWarning(name); warning != "" {
		fmt.Fprintf(w, "narwhal: warning: %s\nhint: %s\n", warning, hint)
	}
}

func openProse(describe string) (ner.Recognizer, string, error) {
	rec, err := prose.New()
	if err != nil {
		return nil, "", err
	}
	return rec, describe, nil
}

func openModel(m *model.Model, exclude []string) (ner.Recognizer, string, error) {
	p, err := openPipeline(m, exclude)
	if err != nil {
		return nil, "", err
	}
	meta := p.Meta()
	describe := fmt.Sprintf("%s_%s %s from %s", meta.Lang, meta.Name, meta.Version, where(m))
	if r := m.Release(); r != nil {
		describe = fmt.Sprintf("%s %s from %s", r.Name, r.Version, where(m))
	}
	if len(exclude) > 0 {
		describe += ", without " + strings.Join(slices.Compact(slices.Sorted(slices.Values(exclude))), ", ")
	}
	return p, describe, nil
}

// openPipeline opens a model where it lies: the files of a directory and of the
// program are mapped, and shared by all processes that use them.
func openPipeline(m *model.Model, exclude []string) (*spacy.Pipeline, error) {
	opts := spacy.Options{Exclude: exclude}
	if m.Path == "" {
		return spacy.OpenFiles(m.Bytes, opts)
	}
	return spacy.Open(m.Path, opts)
}

func where(m *model.Model) string {
	if m.Path == "" {
		return "this program"
	}
	return m.Path
}
