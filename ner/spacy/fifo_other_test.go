//go:build !unix

package spacy

import "errors"

func mkfifo(string) error { return errors.ErrUnsupported }
