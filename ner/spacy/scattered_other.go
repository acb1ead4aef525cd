//go:build !linux

package spacy

// scattered does nothing: only Linux has the advice.
func (mapping) scattered() {}
