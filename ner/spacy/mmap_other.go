//go:build !unix

package spacy

import "os"

// mapping is a file in memory.
type mapping struct{ data []byte }

// mapFile reads the file: this system has no mmap that x/sys offers.
func mapFile(name string) (mapping, error) {
	data, err := os.ReadFile(name)
	return mapping{data}, err
}

func (m mapping) forget() {}

func (m mapping) close() error { return nil }
