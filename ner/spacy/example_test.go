package spacy_test

import (
	"context"
	"fmt"
	"log"

	"github.com/narwhal-server/narwhal/ner/spacy"
)

func Example() {
	nlp, err := spacy.Open("../../models/en_core_web_sm", spacy.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer nlp.Close()
	ents, err := nlp.Entities(context.Background(), "Tim Cook visited Paris on Monday.")
	if err != nil {
		log.Fatal(err)
	}
	for _, e := range ents {
		fmt.Println(e.Text, e.Label)
	}
	// Output:
	// Tim Cook PERSON
	// Paris GPE
	// Monday DATE
}

func ExamplePipeline_Analyze() {
	nlp, err := spacy.Open("../../models/en_core_web_sm", spacy.Options{})
	if err != nil {
		log.Fatal(err)
	}
	defer nlp.Close()
	doc, err := nlp.Analyze(context.Background(), "They don't know. Anna does.")
	if err != nil {
		log.Fatal(err)
	}
	for _, sent := range doc.Sents {
		for _, t := range sent {
			fmt.Printf("%s|", doc.Text[t.Start:t.End])
		}
		fmt.Println()
	}
	// Output:
	// They|do|n't|know|.|
	// Anna|does|.|
}
