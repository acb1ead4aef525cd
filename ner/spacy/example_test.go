package spacy_test

import (
	"cmp"
	"context"
	"fmt"
	"os"

	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy"
)

// model is a path. When "narwhal model pull" has installed the pipeline, its name
// "en_core_web_sm" works as well.
var model = cmp.Or(os.Getenv("NARWHAL_TEST_MODEL"), "../../models/en_core_web_sm")

func Example() {
	nlp, err := spacy.Load(model)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nlp.Close()
	ents, err := nlp.Entities(context.Background(), "Tim Cook visited Paris on Monday.")
	if err != nil {
		fmt.Println(err)
		return
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
	nlp, err := spacy.Load(model)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer nlp.Close()
	const text = "They don't know. Anna does."
	doc, err := nlp.Analyze(context.Background(), text, ner.Sents)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, sent := range doc.Sents {
		for _, t := range doc.Tokens[sent.Start:sent.End] {
			fmt.Printf("%s|", text[t.Start:t.End])
		}
		fmt.Println()
	}
	// Output:
	// They|do|n't|know|.|
	// Anna|does|.|
}
