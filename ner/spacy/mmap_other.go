//go:build !unix

package spacy

import (
	"io"
	"os"
)

// mapping is a file in memory.
type mapping struct{ data []byte }

// mapFile reads the whole file, because golang.org/x/sys has no mmap for this system.
func mapFile(f *os.File) (mapping, error) {
	data, err := io.ReadAll(f)
	return mapping{data}, err
}

func (m mapping) forget() {}

func (m mapping) close() error { return nil }
