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
	autoModel  = "auto"  // the pipeline that model.Places.Auto finds, or prose if there is none
	proseModel = "prose" // package prose, which is always built in
)

// openRecognizer opens the recognizer that --model and --exclude ask for. id is its
// name and version, such as en_core_web_sm-3.8.0. describe is one line for people: name
// and version, where it was found, and the components that are left out.
//
// auto means prose only if no pipeline is installed. An installed pipeline that is
// broken is an error, because prose would give other answers.
func openRecognizer(name string, exclude []string) (rec ner.Recognizer, id, describe string, err error) {
	m, err := findModel(name)
	switch {
	case err != nil:
		return nil, "", "", err
	case m != nil:
		return openModel(m, exclude)
	case name == proseModel && len(exclude) > 0:
		return nil, "", "", fmt.Errorf("--exclude %s: prose has no components to leave out", strings.Join(exclude, ","))
	}
	return openProse("prose, which is built in")
}

// findModel returns the model that --model asks for, or nil for prose.
func findModel(name string) (*model.Model, error) {
	switch name {
	case proseModel:
		return nil, nil
	case autoModel, "":
		m, err := model.Standard().Auto()
		if missing := (*model.NotFoundError)(nil); errors.As(err, &missing) {
			return nil, nil
		}
		return m, err
	}
	return model.Standard().Find(name)
}

// proseWarning returns a warning and a hint if prose answers although no --model asks for
// it. Otherwise both are "". Callers show the warning before anything else.
func proseWarning(names []string) (warning, hint string) {
	if !slices.Contains(names, autoModel) && !slices.Contains(names, "") {
		return "", ""
	}
	_, err := model.Standard().Auto()
	if missing := (*model.NotFoundError)(nil); !errors.As(err, &missing) {
		return "", ""
	}
	return "no spaCy pipeline is installed, so prose answers, and its answers differ from spaCy's",
		model.Command("pull") + " installs " + model.Default + "; --model prose means prose and ends this warning"
}

// warnOfProse writes the warning of proseWarning to w, if there is one.
func warnOfProse(w io.Writer, names ...string) {
	if warning, hint := proseWarning(names); warning != "" {
		fmt.Fprintf(w, "narwhal: warning: %s\nhint: %s\n", warning, hint)
	}
}

func openProse(describe string) (ner.Recognizer, string, string, error) {
	rec, err := prose.New()
	if err != nil {
		return nil, "", "", err
	}
	return rec, proseModel, describe, nil
}

func openModel(m *model.Model, exclude []string) (rec ner.Recognizer, id, describe string, err error) {
	p, err := openPipeline(m, exclude)
	if err != nil {
		return nil, "", "", err
	}
	meta := p.Meta()
	name, version := meta.Lang+"_"+meta.Name, meta.Version
	if r := m.Release(); r != nil {
		name, version = r.Name, r.Version
	}
	describe = fmt.Sprintf("%s %s from %s", name, version, where(m))
	if len(exclude) > 0 {
		describe += ", without " + strings.Join(slices.Compact(slices.Sorted(slices.Values(exclude))), ", ")
	}
	return p, name + "-" + version, describe, nil
}

// openPipeline opens a model in its place. The files of a directory, and those in the
// program, are mapped, so that all processes share one copy of them.
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
