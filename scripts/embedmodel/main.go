// Embedmodel fetches en_core_web_sm and writes it to the archive that go build embeds with
// -tags embed_model. It prints this tag to standard output, or nothing if it cannot get
// the model. So one line builds the best program that this machine can build:
//
//	go build -tags "$(go run ./scripts/embedmodel)" ./cmd/narwhal
//
// Run it in the root of the repository. It takes the model from ./models/en_core_web_sm. If
// that does not exist, it fetches the model to there: with pip, or else from Explosion's
// release over HTTPS. If pip is missing, and root runs it on Debian, it installs
// python3-pip before. -from names another directory or wheel of the same release.
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
	"github.com/narwhal-server/narwhal/internal/install"
	"github.com/narwhal-server/narwhal/internal/model"
)

const (
	tag     = "embed_model"
	archive = "internal/model/embedded/" + model.Default + ".zip"
)

// withoutModel is printed first when the model cannot be fetched.
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
			os.Exit(1) // -from was given, or the run was interrupted
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
			return restore() // an earlier run has written the archive
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
		mirror := os.Getenv(install.MirrorVariable)
		if mirror == "" && !install.HasPip(ctx) {
			installPip(ctx, os.Geteuid() == 0, os.Stderr)
		}
		return install.Pull(ctx, here, model.Default, install.PullOptions{Out: os.Stderr, Mirror: mirror})
	}
	path, err := filepath.Abs(from) // a name with a slash in it is a path to Find
	if err != nil {
		return nil, err
	}
	return here.Find(path)
}

// restore makes ./models/en_core_web_sm from the archive if it does not exist. The tests
// read it.
func restore() error {
	here := model.Places{User: "models"}
	_, err := here.Find(model.Default)
	if missing := (*model.NotFoundError)(nil); errors.As(err, &missing) {
		_, err = install.Add(here, archive, model.Default, nil)
	}
	return err
}

func verify(m *model.Model) error {
	if r := m.Release(); r == nil || r.Name != model.Default {
		return fmt.Errorf("%s is not a release of %s that narwhal knows", m.Name, model.Default)
	}
	return m.Verify()
}
