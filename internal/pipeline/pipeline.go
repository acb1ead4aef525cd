// Package pipeline reads the files of a spaCy pipeline, from its folder or from a
// wheel. The files may come from anywhere: nothing outside of the folder or the
// archive is ever read, and no file is larger than MaxFile. What the files mean is
// the caller's.
package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
)

// Files are the files of one pipeline. Names have slashes and are relative to
// config.cfg, as in "ner/model". A file that is not there is fs.ErrNotExist.
type Files interface {
	// Sizes returns the size of each file, by name.
	Sizes() (map[string]int64, error)

	// Open opens a file for reading.
	Open(name string) (fs.File, error)

	// Bytes returns the content of a file, which must not be written to.
	Bytes(name string) ([]byte, error)
}

const (
	// MaxFile is the size, in bytes, beyond which a file is refused. The largest
	// of a known pipeline, the vectors of en_core_web_lg 3.7, has 617 MB; a
	// million vectors of 300 numbers have 1.2 GB.
	MaxFile int64 = 2 << 30

	// MaxEntries is how many entries an archive may have.
	MaxEntries = 10_000
)

// Wanted reports whether narwhal reads a file of a pipeline or keeps it for people:
// what its components learned, the rules of the attribute_ruler (which are read
// to see that they leave entities alone), the tokenizer, the vocabulary's
// tables, the licence. The components that cannot change an entity are left
// out, and so is the list of all strings, which only they and debugging need.
func Wanted(name string) bool {
	switch name {
	case "config.cfg", "meta.json", "tokenizer", "accuracy.json", "README.md",
		"vocab/lookups.bin", "vocab/vectors", "vocab/key2row", "vocab/vectors.cfg":
		return true
	}
	if IsLicense(name) {
		return true
	}
	component, file, _ := strings.Cut(name, "/")
	switch component {
	case "tagger", "senter", "morphologizer", "lemmatizer", "trainable_lemmatizer":
		return false
	}
	return file == "model" || file == "moves" || file == "cfg" || file == "patterns"
}

// IsLicense reports whether a file of a pipeline is its licence.
func IsLicense(name string) bool {
	return strings.HasPrefix(name, "LICENSE") && !strings.Contains(name, "/")
}

// Check returns an ErrNotPipeline of a folder or archive that is something else.
func Check(f Files) error {
	for _, name := range []string{"config.cfg", "tokenizer"} {
		file, err := f.Open(name)
		if errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%w: it has no %s", ErrNotPipeline, name)
		}
		if err != nil {
			return err
		}
		file.Close()
	}
	return nil
}

// ErrNotPipeline says that a folder or an archive is something else.
var ErrNotPipeline = errors.New("not a spaCy pipeline")
