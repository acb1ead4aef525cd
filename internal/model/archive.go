package model

import (
	"archive/zip"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"unsafe"
)

// A wheel is a zip, and may come from anywhere. The largest file of the largest
// pipeline, the vectors of en_core_web_lg, is 0.4 GB.
const (
	maxFile    = 1 << 30
	maxEntries = 10_000
)

// zipFiles is a pipeline in a zip: a wheel, or the archive in the program.
type zipFiles struct {
	entries map[string]*zip.File

	// memory is the whole archive if it is part of the program. Files that
	// are stored, not compressed, are then read where they lie.
	memory string
}

// newZip finds the pipeline in an archive: the folder with a config.cfg and a
// tokenizer. Names are only ever looked up, never used as paths of this
// machine, so an archive cannot make anyone read or write outside its target.
func newZip(r *zip.Reader, memory string) (*zipFiles, error) {
	if len(r.File) > maxEntries {
		return nil, fmt.Errorf("the archive has %d entries, more than %d", len(r.File), maxEntries)
	}
	all := make(map[string]*zip.File, len(r.File))
	for _, f := range r.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if !fs.ValidPath(f.Name) {
			return nil, fmt.Errorf("the archive has an entry %q, which leads outside of it", f.Name)
		}
		if all[f.Name] != nil {
			return nil, fmt.Errorf("the archive has two entries %q", f.Name)
		}
		if !f.Mode().IsRegular() {
			return nil, fmt.Errorf("the archive's entry %q is not a file", f.Name)
		}
		all[f.Name] = f
	}
	root, err := pipelineRoot(all)
	if err != nil {
		return nil, err
	}
	z := &zipFiles{entries: map[string]*zip.File{}, memory: memory}
	for name, f := range all {
		if rel, ok := strings.CutPrefix(name, root); ok {
			z.entries[rel] = f
		}
	}
	return z, nil
}

// pipelineRoot is the one folder of an archive that has a config.cfg and a
// tokenizer, with a slash at its end unless it is the archive's own.
func pipelineRoot[F any](files map[string]F) (string, error) {
	root, found := "", 0
	for name := range files {
		dir, base := path.Split(name)
		if _, ok := files[dir+"tokenizer"]; ok && base == "config.cfg" {
			root = dir
			found++
		}
	}
	if found != 1 {
		return "", fmt.Errorf("%w: the archive has %d folders with config.cfg and tokenizer, want 1", errNotPipeline, found)
	}
	return root, nil
}

func (z *zipFiles) sizes() (map[string]int64, error) {
	sizes := make(map[string]int64, len(z.entries))
	for name, f := range z.entries {
		if f.UncompressedSize64 > maxFile {
			return nil, fmt.Errorf("the archive's %s is %d bytes, more than %d", name, f.UncompressedSize64, maxFile)
		}
		sizes[name] = int64(f.UncompressedSize64)
	}
	return sizes, nil
}

// open gives a reader that fails at the first byte more than the archive's
// directory says, and at the end if there was less or something else:
// archive/zip sees to that, so a few bytes cannot become a full disk.
func (z *zipFiles) open(name string) (fs.File, error) {
	f := z.entries[name]
	if f == nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	r, err := f.Open()
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return zipFile{r, f.FileInfo()}, nil
}

type zipFile struct {
	io.ReadCloser
	info fs.FileInfo
}

func (f zipFile) Stat() (fs.FileInfo, error) { return f.info, nil }

func (z *zipFiles) bytes(name string) ([]byte, error) {
	f := z.entries[name]
	if f != nil && z.memory != "" && f.Method == zip.Store {
		return z.inPlace(f)
	}
	if f != nil && f.UncompressedSize64 > maxFile {
		return nil, fmt.Errorf("the archive's %s is %d bytes, more than %d", name, f.UncompressedSize64, maxFile)
	}
	r, err := z.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	b, err := io.ReadAll(r) // grows as the bytes come: the size in the directory may be a lie
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b, nil
}

// inPlace is the part of memory that is the content of a stored file.
func (z *zipFiles) inPlace(f *zip.File) ([]byte, error) {
	start, err := f.DataOffset()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name, err)
	}
	end := uint64(start) + f.UncompressedSize64
	if start < 0 || end < uint64(start) || end > uint64(len(z.memory)) {
		return nil, fmt.Errorf("read %s: the archive ends before it does", f.Name)
	}
	s := z.memory[start:end]
	if s == "" {
		return []byte{}, nil
	}
	return unsafe.Slice(unsafe.StringData(s), len(s)), nil
}
