package config

import "path/filepath"

// absolute makes a path independent of the working directory.
func absolute(path, dir string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
