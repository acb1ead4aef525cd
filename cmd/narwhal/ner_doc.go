package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

// nerDocs prints a line with all that is found in each whole text. It stops at the first
// error.
func nerDocs(ctx context.Context, rec ner.Recognizer, in input, stdin io.Reader, w io.Writer) error {
	a, ok := rec.(ner.Analyzer)
	if !ok {
		return errors.New("--doc: the model finds only entities")
	}
	if err := a.Check(ner.Whole); err != nil {
		return fmt.Errorf("--doc: %w", err)
	}
	return in.texts(stdin, func(name, text string) error {
		err := textjson.CheckUTF8([]byte(text))
		var doc *ner.Doc
		if err == nil {
			doc, err = a.Analyze(ctx, text, ner.Whole)
		}
		if err != nil {
			return textError(name, err)
		}
		_, err = w.Write(append(textjson.AppendDoc(nil, text, doc), '\n'))
		return err
	})
}
