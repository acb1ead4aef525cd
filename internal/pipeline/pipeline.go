// Package pipeline reads the files of a spaCy pipeline, from its folder or from a wheel, and
// unpacks tar archives. The files need not be trusted: the package never reads anything
// outside of the folder or the archive, and refuses files that are together larger than
// MaxSize. It does not know what the files mean.
package pipeline

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
)

// Files are the files of one pipeline. Names have slashes and are relative to the folder of
// config.cfg, as in "ner/model". For a missing file the error is fs.ErrNotExist.
type Files interface {
	// Sizes returns the size of each file, by name.
	Sizes() (map[string]int64, error)

	// Open opens a file for reading.
	Open(name string) (fs.File, error)

	// Bytes returns the content of a file. It must not be written to.
	Bytes(name string) ([]byte, error)
}

const (
	// MaxSize is the largest size of the files of a pipeline together, in bytes. The
	// files of the largest known pipeline, en_core_web_lg 3.7, have 0.65 GB. A million
	// vectors of 300 numbers have 1.2 GB.
	MaxSize int64 = 2 << 30

	// MaxEntries is the largest number of entries of an archive.
	MaxEntries = 10_000
)

// Wanted reports whether narwhal reads a file of a pipeline, or keeps it for people. Wanted
// are the models of components, the rules of rulers, of the attribute_ruler and of the
// sentencizer, the tables of the lemmatizer, the tokenizer, the tables of the vocabulary, and
// the licence. Not wanted is the list of all strings, which only debugging needs.
func Wanted(name string) bool {
	switch name {
	case "config.cfg", "meta.json", "tokenizer", "accuracy.json", "README.md",
		"vocab/lookups.bin", "vocab/vectors", "vocab/key2row", "vocab/vectors.cfg":
		return true
	}
	if IsLicense(name) {
		return true
	}
	_, file, inFolder := strings.Cut(name, "/")
	if !inFolder {
		// A sentencizer, or the rules of an entity_ruler of an older spaCy.
		return strings.HasSuffix(name, ".json") || strings.HasSuffix(name, ".jsonl")
	}
	return slices.Contains([]string{"model", "moves", "cfg", "patterns", "patterns.jsonl", "lookups/lookups.bin"}, file)
}

// IsLicense reports whether a file of a pipeline is a licence: its name begins with LICENSE.
func IsLicense(name string) bool {
	return strings.HasPrefix(name, "LICENSE") && !strings.Contains(name, "/")
}

// Check returns an error that is ErrNotPipeline if f has no config.cfg, or no tokenizer and
// no other one in its config.cfg.
func Check(f Files) error {
	config, err := f.Bytes("config.cfg")
	if errors.Is(err, fs.ErrNotExist) {
		return missing(f, "config.cfg")
	}
	if err != nil {
		return err
	}
	// Only a tokenizer that works by rules has a file of that name.
	if m := tokenizers.FindSubmatch(config); m != nil && string(m[1]) != "spacy.Tokenizer.v1" {
		return nil
	}
	file, err := f.Open("tokenizer")
	if errors.Is(err, fs.ErrNotExist) {
		return missing(f, "tokenizer")
	}
	if err != nil {
		return err
	}
	return file.Close()
}

// tokenizers matches the line of a config.cfg that names the tokenizer.
var tokenizers = regexp.MustCompile(`(?m)^@tokenizers *= *"([^"]*)"`)

// missing returns the error for a folder or an archive that does not have a file.
func missing(f Files, name string) error {
	if file, err := f.Open("meta.json"); err == nil && name == "config.cfg" {
		file.Close()
		if file, err = f.Open("tokenizer"); err == nil {
			file.Close()
			return ErrSpacy2
		}
	}
	return fmt.Errorf("%w: it has no %s", ErrNotPipeline, name)
}

// ErrNotPipeline is the error for a folder or an archive that is not a pipeline.
var ErrNotPipeline = errors.New("not a spaCy pipeline")
