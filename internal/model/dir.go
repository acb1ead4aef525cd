package model

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// dirFiles is a pipeline directory.
type dirFiles string

func (d dirFiles) sizes() (map[string]int64, error) {
	sizes := map[string]int64{}
	root, err := filepath.EvalSymlinks(string(d)) // WalkDir does not follow the first one
	if err != nil {
		return nil, err
	}
	err = filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		// Stat and not the entry's own info: a cache of downloads is often
		// a directory of symbolic links.
		info, err := os.Stat(path)
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		sizes[filepath.ToSlash(rel)] = info.Size()
		return nil
	})
	return sizes, err
}

func (d dirFiles) open(name string) (fs.File, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	return os.Open(path)
}

func (d dirFiles) bytes(name string) ([]byte, error) {
	path, err := d.path(name)
	if err != nil {
		return nil, err
	}
	return os.ReadFile(path)
}

func (d dirFiles) path(name string) (string, error) {
	local, err := filepath.Localize(name)
	if err != nil {
		return "", fmt.Errorf("open %q: %w", name, err)
	}
	return filepath.Join(string(d), local), nil
}

// pipelineDir is the pipeline directory a path leads to: itself, or the one
// below it that holds a config.cfg, as in an installed package or an unpacked
// wheel.
func pipelineDir(path string) (string, error) {
	for _, below := range []string{".", "*", "*/*"} {
		found, err := filepath.Glob(filepath.Join(globQuote(path), filepath.FromSlash(below), "config.cfg"))
		if err != nil {
			return "", err
		}
		if len(found) == 1 {
			return filepath.Dir(found[0]), nil
		}
		if len(found) > 1 {
			return "", fmt.Errorf("%d pipelines in it; say which: %s", len(found), filepath.Dir(found[0]))
		}
	}
	return path, nil // and isPipeline will say what it lacks
}

// globQuote makes a pattern that matches only the path itself.
func globQuote(path string) string {
	var quoted []byte
	for i := range len(path) {
		switch path[i] {
		case '*', '?', '[', '\\':
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, path[i])
	}
	return string(quoted)
}
