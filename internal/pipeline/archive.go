package pipeline

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
)

// Zip is a pipeline in a zip file, such as a wheel.
type Zip struct {
	entries map[string]*zip.File // by name, relative to config.cfg
	memory  []byte               // the whole archive; nil: it is in a file
}

// ReadZip opens an archive in memory. Files that are stored without compression are used in
// place.
func ReadZip(archive []byte) (*Zip, error) {
	r, err := zip.NewReader(bytes.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("not a wheel: %w", err)
	}
	return OpenZip(r, archive)
}

// OpenZip opens the pipeline in an archive: the folder with a config.cfg and a tokenizer. It
// fails if there is not exactly one such folder, or if a name leads out of the archive or
// occurs twice. memory is the whole archive, or nil if the archive is in a file. Names of
// entries are only looked up and never used as paths of this machine, so reading an archive
// cannot read or write another file.
func OpenZip(r *zip.Reader, memory []byte) (*Zip, error) {
	if len(r.File) > MaxEntries {
		return nil, fmt.Errorf("the archive has %d entries, more than %d", len(r.File), MaxEntries)
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
	root, err := Root(all)
	if err != nil {
		return nil, err
	}
	z := &Zip{entries: map[string]*zip.File{}, memory: memory}
	for name, f := range all {
		if rel, ok := strings.CutPrefix(name, root); ok {
			z.entries[rel] = f
		}
	}
	return z, nil
}

// Root returns the folder of an archive that has a config.cfg and a tokenizer. The result
// ends with a slash, or is "" for the top of the archive. Root returns an error that is
// ErrNotPipeline if there is not exactly one such folder, and ErrSpacy2 if there is a
// pipeline of spaCy 2 instead. files has the names of all files.
func Root[F any](files map[string]F) (string, error) {
	root, found, old := "", 0, 0
	for name := range files {
		dir, base := path.Split(name)
		_, ok := files[dir+"tokenizer"]
		switch {
		case ok && base == "config.cfg":
			root = dir
			found++
		case ok && base == "meta.json":
			old++
		}
	}
	if found == 0 && old > 0 {
		return "", ErrSpacy2
	}
	if found != 1 {
		return "", fmt.Errorf("%w: the archive has %d folders with config.cfg and tokenizer, want 1", ErrNotPipeline, found)
	}
	return root, nil
}

// Sizes implements Files.
func (z *Zip) Sizes() (map[string]int64, error) {
	sizes := make(map[string]int64, len(z.entries))
	for name, f := range z.entries {
		if f.UncompressedSize64 > uint64(MaxFile) {
			return nil, fmt.Errorf("the archive's %s is %d bytes, more than %d", name, f.UncompressedSize64, MaxFile)
		}
		sizes[name] = int64(f.UncompressedSize64)
	}
	return sizes, nil
}

// Open implements Files. Reading fails if the content is longer or shorter than the archive's
// directory says, or if the checksum is wrong. archive/zip checks that. So an archive of a
// few bytes cannot fill the disk.
func (z *Zip) Open(name string) (fs.File, error) {
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

// Bytes implements Files.
func (z *Zip) Bytes(name string) ([]byte, error) {
	f := z.entries[name]
	if f != nil && z.memory != nil && f.Method == zip.Store {
		return z.inPlace(f)
	}
	if f != nil && f.UncompressedSize64 > uint64(MaxFile) {
		return nil, fmt.Errorf("the archive's %s is %d bytes, more than %d", name, f.UncompressedSize64, MaxFile)
	}
	r, err := z.Open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	// The buffer grows with the content, because the size in the directory may be wrong.
	var b bytes.Buffer
	b.Grow(int(min(f.UncompressedSize64, 64<<20)))
	if _, err := io.Copy(&b, r); err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return b.Bytes(), nil
}

// inPlace returns the part of memory that has the content of a stored file.
func (z *Zip) inPlace(f *zip.File) ([]byte, error) {
	start, err := f.DataOffset()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", f.Name, err)
	}
	end := uint64(start) + f.UncompressedSize64
	if start < 0 || end < uint64(start) || end > uint64(len(z.memory)) {
		return nil, fmt.Errorf("read %s: the archive ends in the middle of it", f.Name)
	}
	return z.memory[start:end:end], nil
}
