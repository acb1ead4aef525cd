package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/narwhal-server/narwhal/internal/textjson"
	"github.com/narwhal-server/narwhal/ner"
)

func nerCommand() *cli.Command {
	return &cli.Command{
		Name:      "ner",
		Usage:     "find the named entities of a text, of files or of standard input",
		ArgsUsage: "[TEXT | FILE ...]",
		Description: `An argument that names a file is read; others are the text itself. Without
arguments, or with -, the text comes from standard input.

To a terminal the text is written with its entities marked, in colour unless
NO_COLOR is set. Anywhere else each text becomes one line of JSON, in the form
displaCy takes, with offsets in code points:

   {"text": …, "ents": [{"text", "label", "start", "end"}]}

With --jsonl each line of the input is an object with a "text", and each line
of the output has its entities, in the same order, whatever the length of the
input. The other keys are passed through as they are, in their order:

   {"id": 7, "text": …}
   {"id": 7, "ents": [{"text", "label", "start", "end"}]}

The text is left out, and "ents" of the input is replaced. A key that is there
twice has its last value. A line that cannot be answered gets "error",
"error_type" and "hint" in the place of "ents", the others are answered, and
the exit status is 1.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "model", Value: autoModel, EnvVars: []string{"NARWHAL_MODEL"},
				Usage: "auto, prose, the name of an installed pipeline, or a path"},
			&cli.StringSliceFlag{Name: "exclude", EnvVars: []string{"NARWHAL_EXCLUDE"},
				Usage: "leave a component of the pipeline out, as spacy.load(exclude=…)"},
			&cli.BoolFlag{Name: "json", Usage: "write JSON to a terminal too"},
			&cli.BoolFlag{Name: "jsonl", Usage: "read an object with a text a line, write it with its entities a line"},
		},
		Action: runNER,
	}
}

func runNER(c *cli.Context) error {
	in, err := readArgs(c.Args().Slice())
	if err != nil {
		return err
	}
	if c.Bool("jsonl") && in.text != "" {
		return &usageError{what: fmt.Sprintf("ner --jsonl: there is no file %q", in.text), hint: "texts come from files or standard input, an object with a text a line"}
	}
	warnOfProse(c.App.ErrWriter, c.String("model"))
	rec, _, _, err := openRecognizer(c.String("model"), c.StringSlice("exclude"))
	if err != nil {
		return err
	}
	stdin := c.App.Reader
	if in.stdin() && isTerminal(stdin) {
		fmt.Fprintln(c.App.ErrWriter, "reading from the terminal; Ctrl-D ends the text")
	}
	if c.Bool("jsonl") {
		return nerLines(c.Context, rec, in, stdin, c.App.Writer, c.App.ErrWriter)
	}
	var print printer = printJSON
	if isTerminal(c.App.Writer) && !c.Bool("json") {
		print = printMarked(newPalette(os.Getenv), len(in.files) > 1)
	}
	return nerTexts(c.Context, rec, in, stdin, c.App.Writer, print)
}

// nerTexts answers whole texts, one after the other. It stops at the first error.
func nerTexts(ctx context.Context, rec ner.Recognizer, in input, stdin io.Reader, w io.Writer, print printer) error {
	return in.texts(stdin, func(name, text string) error {
		err := textjson.CheckUTF8([]byte(text))
		var ents []ner.Entity
		if err == nil {
			ents, err = rec.Entities(ctx, text)
		}
		if err != nil {
			if name == "" {
				name = "the text"
			}
			return fmt.Errorf("%s: %w", name, err)
		}
		return print(w, answer{Text: text, Title: name, Ents: textjson.AppendEnts(nil, text, ents, textjson.CodePoint)}, ents)
	})
}

// answer has the form that displaCy's manual mode takes. Each entity also has its text.
type answer struct {
	Text  string          `json:"text"`
	Ents  json.RawMessage `json:"ents"`
	Title string          `json:"title,omitempty"` // the file's name
}

// printer writes the answer to one text.
type printer func(w io.Writer, a answer, found []ner.Entity) error

func printJSON(w io.Writer, a answer, _ []ner.Entity) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(a)
}

func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
