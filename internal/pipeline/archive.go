package pipeline

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"math"
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

// OpenZip opens the pipeline in an archive: the folder with a config.cfg, and a tokenizer or
// a meta.json. It fails if there is not exactly one such folder, if a name leads out of the archive or
// occurs twice, and if the files together are larger than MaxSize. memory is the whole
// archive, or nil if the archive is in a file. Names of entries are only looked up and never
// used as paths of this machine, so reading an archive cannot read or write another file.
func OpenZip(r *zip.Reader, memory []byte) (*Zip, error) {
	if len(r.File) > MaxEntries { // folders count, too
		return nil, errEntries
	}
	files := &index{}
	for _, f := range r.File {
		if f.FileInfo().IsDir() {
			continue
		}
		if err := files.add(f.Name, int64(min(f.UncompressedSize64, math.MaxInt64)), f.Mode().IsRegular()); err != nil {
			return nil, err
		}
	}
	root, err := files.root()
	if err != nil {
		return nil, err
	}
	z := &Zip{entries: map[string]*zip.File{}, memory: memory}
	for _, f := range r.File {
		if rel, ok := strings.CutPrefix(f.Name, root); ok && !f.FileInfo().IsDir() {
			z.entries[rel] = f
		}
	}
	return z, nil
}

// Sizes implements Files. The sizes are those of the archive's directory.
func (z *Zip) Sizes() (map[string]int64, error) {
	sizes := make(map[string]int64, len(z.entries))
	for name, f := range z.entries {
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
