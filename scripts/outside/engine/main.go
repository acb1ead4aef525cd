// Engine prints the entities of the texts on the command line, each with its label and its
// place.
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy"
)

func run(model string, texts []string) error {
	nlp, err := spacy.Load(model)
	if err != nil {
		return err
	}
	defer nlp.Close()
	var r ner.Recognizer = nlp // or prose.New(), which needs no files
	for _, text := range texts {
		found, err := r.Entities(context.Background(), text)
		if err != nil {
			return err
		}
		for _, e := range found {
			fmt.Printf("%s %s %d:%d\n", e.Text, e.Label, e.Start, e.End)
		}
	}
	return nil
}

func main() {
	if len(os.Args) < 3 {
		log.Fatal("usage: engine MODEL TEXT...")
	}
	if err := run(os.Args[1], os.Args[2:]); err != nil {
		log.Fatal(err)
	}
}
