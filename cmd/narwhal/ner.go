package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

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
		Description: `The arguments are files, or the words of one text. Without arguments, or with
the file -, the text comes from standard input.

On a terminal narwhal prints the text and marks its entities, in colour unless
NO_COLOR is set. Elsewhere it prints one line of JSON for each text, in the
form that displaCy takes, with offsets in code points:

   {"text": …, "ents": [{"text", "label", "start", "end"}]}

With --jsonl each line of the input is an object with a "text". The output has
one line with the entities for each of them, in the same order. The input can
have any length. Other keys are copied, in their order:

   {"id": 7, "text": …}
   {"id": 7, "ents": [{"text", "label", "start", "end"}]}

The text is left out, and "ents" of the input is replaced. If an object has a
key twice, the last value counts. A line that cannot be answered gets "error",
"error_type" and "hint" instead of "ents". Then the other lines are answered,
and the exit status is 1.

With --doc the output for each text is what spaCy's Doc.to_json() gives: the
text, its entities, sentences and tokens, with tag, pos, morph, lemma, dep and
head of each token, as far as the pipeline finds them.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "model", Value: autoModel, EnvVars: []string{"NARWHAL_MODEL"},
				Usage: "`MODEL` is auto, prose, the name of an installed pipeline, or a path"},
			&cli.StringSliceFlag{Name: "exclude", EnvVars: []string{"NARWHAL_EXCLUDE"},
				Usage: "a `COMPONENT` of the pipeline to leave out, as in spacy.load(exclude=…)"},
			&cli.BoolFlag{Name: "json", Usage: "write JSON, also to a terminal"},
			&cli.BoolFlag{Name: "jsonl", Usage: "read lines such as {\"text\": \"…\"}, write a line of entities for each"},
			&cli.BoolFlag{Name: "doc", Usage: "write what spaCy's Doc.to_json() gives, also tokens, tags, lemmas and dependencies"},
		},
		Action: runNER,
	}
}

func runNER(c *cli.Context) error {
	in, err := readArgs(c.Args().Slice())
	if err != nil {
		return err
	}
	if c.Bool("jsonl") && c.Bool("doc") {
		return &usageError{what: "ner: --jsonl and --doc cannot be together", hint: "--jsonl writes entities, --doc everything; with --doc each argument is one text"}
	}
	if c.Bool("jsonl") && in.text != "" {
		return &usageError{what: fmt.Sprintf("ner --jsonl: there is no file %q", in.text), hint: "with --jsonl the texts come from files or from standard input, one object with a text in each line"}
	}
	name := c.String("model")
	if name == os.Getenv("NARWHAL_MODEL") { // it may have several for the server, whose default model answers here
		name, _, _ = strings.Cut(name, ",")
	}
	warnOfProse(c.App.ErrWriter, name)
	rec, _, _, err := openRecognizer(name, c.StringSlice("exclude"))
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
	if c.Bool("doc") {
		return nerDocs(c.Context, rec, in, stdin, c.App.Writer)
	}
	var print printer = printJSON
	if isTerminal(c.App.Writer) && !c.Bool("json") {
		print = printMarked(newPalette(os.Getenv), len(in.files) > 1)
	}
	return nerTexts(c.Context, rec, in, stdin, c.App.Writer, print)
}

// nerTexts finds the entities of whole texts, one text after the other, and prints them.
// It stops at the first error.
func nerTexts(ctx context.Context, rec ner.Recognizer, in input, stdin io.Reader, w io.Writer, print printer) error {
	return in.texts(stdin, func(name, text string) error {
		err := textjson.CheckUTF8([]byte(text))
		var ents []ner.Entity
		if err == nil {
			ents, err = rec.Entities(ctx, text)
		}
		if err != nil {
			return textError(name, err)
		}
		return print(w, answer{Text: text, Title: name, Ents: textjson.AppendEnts(nil, text, ents, textjson.CodePoint)}, ents)
	})
}

// textError adds the name of a text's file to an error.
func textError(name string, err error) error {
	if name == "" {
		name = "the text"
	}
	return fmt.Errorf("%s: %w", name, err)
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

// isTerminal reports whether a reader or writer is a terminal.
func isTerminal(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
