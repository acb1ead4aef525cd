package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// checkAgain builds the release again, from a copy of the source in another folder and
// with an empty build cache. It fails if a file is not equal to that in out.
func (r *release) checkAgain(ctx context.Context, out string) error {
	dir, err := os.MkdirTemp("", "narwhal-release-again-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	other := *r
	other.root = filepath.Join(dir, "elsewhere")
	if err := copySource(ctx, r.root, other.root); err != nil {
		return err
	}
	again := filepath.Join(dir, "dist")
	if err := os.Mkdir(again, 0o755); err != nil {
		return err
	}
	if err := other.build(ctx, again, filepath.Join(dir, "cache")); err != nil {
		return fmt.Errorf("build it again: %w", err)
	}
	return compare(out, again)
}

// copySource copies the source, and the model.
func copySource(ctx context.Context, from, to string) error {
	names, err := sourceFiles(ctx, from)
	if err != nil {
		return err
	}
	for _, name := range append(names, modelZip) {
		info, err := os.Lstat(filepath.Join(from, name))
		if os.IsNotExist(err) { // deleted, and not committed
			continue
		}
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(from, name))
		if err != nil {
			return err
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(to, name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(to, name), data, info.Mode().Perm()); err != nil {
			return err
		}
	}
	return nil
}

// sourceFiles returns the files that git knows or would add. Without git it returns all
// files, except what make writes and what begins with a dot.
func sourceFiles(ctx context.Context, root string) ([]string, error) {
	list, gitErr := output(exec.CommandContext(ctx, "git", "-C", root, "ls-files", "-z", "--cached", "--others", "--exclude-standard"))
	if gitErr == nil {
		return strings.Split(strings.TrimSuffix(string(list), "\x00"), "\x00"), nil
	}
	var names []string
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case e.IsDir() && (slices.Contains([]string{"bin", "dist", "models"}, name) || len(name) > 1 && name[0] == '.'):
			return fs.SkipDir
		case e.Type().IsRegular():
			names = append(names, name)
		}
		return nil
	})
	return names, err
}

// compare returns an error that names the files that differ between two folders.
func compare(a, b string) error {
	names := map[string]bool{}
	for _, dir := range []string{a, b} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, e := range entries {
			names[e.Name()] = true
		}
	}
	var differ []string
	for name := range names {
		one, errOne := fs.ReadFile(os.DirFS(a), name)
		two, errTwo := fs.ReadFile(os.DirFS(b), name)
		if errOne != nil || errTwo != nil || !bytes.Equal(one, two) {
			differ = append(differ, name)
		}
	}
	if len(differ) == 0 {
		return nil
	}
	slices.Sort(differ)
	return fmt.Errorf("the second build is not equal to the first: %s differ", strings.Join(differ, ", "))
}
