package main

import (
	"bytes"
	"compress/gzip"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// file is a file of a package.
type file struct {
	path string // with slashes, and none at its beginning: usr/bin/narwhal
	mode fs.FileMode
	data []byte
	kind kind
}

// kind is what a package manager does with a file.
type kind int

const (
	plain   kind = iota
	config       // the administrator's changes are kept
	license      // rpm knows it as a licence
)

// places says where the files of a package are. Each is a folder.
type places struct {
	prefix string // "usr/", or "" in a tar.gz
	zsh    string // for completions, relative to prefix
	units  string // relative to prefix
	dropin string // relative to prefix
}

// programFiles returns the files that all packages have: the program, its manual page, the
// completions of shells and the units of systemd.
func (p *product) programFiles(l places) ([]file, error) {
	program, err := os.ReadFile(p.program)
	if err != nil {
		return nil, err
	}
	files := []file{
		{path: l.prefix + "bin/narwhal", mode: 0o755, data: program},
		{path: l.prefix + "share/bash-completion/completions/narwhal", data: p.completions["bash"]},
		{path: l.prefix + l.zsh + "/_narwhal", data: p.completions["zsh"]},
		{path: l.prefix + "share/fish/vendor_completions.d/narwhal.fish", data: p.completions["fish"]},
	}
	for from, to := range map[string]string{
		"docs/narwhal.1":                   "share/man/man1/narwhal.1",
		"scripts/systemd/narwhal.service":  l.units + "/narwhal.service",
		"scripts/systemd/narwhal.socket":   l.units + "/narwhal.socket",
		"scripts/systemd/narwhal-252.conf": l.dropin + "/narwhal-252.conf",
	} {
		data, err := p.source(from)
		if err != nil {
			return nil, err
		}
		files = append(files, file{path: l.prefix + to, data: data})
	}
	return sorted(files), nil
}

// source reads a file of the source.
func (p *product) source(name string) ([]byte, error) {
	return os.ReadFile(filepath.Join(p.root, name))
}

// sorted sorts files by their path, and gives those without a mode the usual one.
func sorted(files []file) []file {
	for i := range files {
		if files[i].mode == 0 {
			files[i].mode = 0o644
		}
	}
	slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.path, b.path) })
	return files
}

// folders returns the folders of files, each before what is in it.
func folders(files []file) []string {
	var all []string
	for _, f := range files {
		for dir := filepath.Dir(f.path); dir != "."; dir = filepath.Dir(dir) {
			all = append(all, dir)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// gzipped compresses data. The same data gives the same bytes.
func gzipped(data []byte) ([]byte, error) {
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(data); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
