package config

import (
	"os"
	"path/filepath"
)

// absolute makes a path independent of the working directory.
func absolute(path, dir string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}

// exists reports whether something is at a path.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
