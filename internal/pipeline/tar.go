package pipeline

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
)

// IsTar reports whether a file looks like a tar archive, plain or compressed with gzip. The
// source archives (sdist) that spacy package makes are such files.
func IsTar(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 262)
	n, _ := io.ReadFull(f, head)
	head = head[:n]
	return strings.HasPrefix(string(head), gzipMagic) || strings.HasSuffix(string(head), "ustar")
}

const gzipMagic = "\x1f\x8b"

// Untar unpacks the files of a tar archive that a pipeline may need, below the empty folder
// dir. Unlike a wheel, a tar archive cannot be read in place. Untar returns the pipeline's
// folder, which is dir or below it. It writes nothing elsewhere. It fails if an entry is
// neither a regular file nor a folder, and has the limits and the rules of a wheel for names.
func Untar(archive io.Reader, dir string) (folder string, err error) {
	r := bufio.NewReader(archive)
	var content io.Reader = r
	if magic, _ := r.Peek(len(gzipMagic)); string(magic) == gzipMagic {
		if content, err = gzip.NewReader(r); err != nil {
			return "", err
		}
	}
	to, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer to.Close()
	files, err := unpack(content, to)
	if err != nil {
		return "", err
	}
	root, err := files.root()
	if err != nil {
		return "", err
	}
	return path.Join(dir, root), nil
}

// unpack writes the files of an archive that may be wanted to a folder. It returns the sizes
// of all files.
func unpack(content io.Reader, to *os.Root) (*index, error) {
	// Headers take space, too, and archive/tar skips some kinds of them.
	content = &capped{content, MaxSize + MaxEntries*8<<10}
	files := &index{}
	entries := 0
	for r := tar.NewReader(content); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		if entries++; entries > MaxEntries {
			return nil, errEntries
		}
		if h.Typeflag == tar.TypeDir || h.Typeflag == tar.TypeXGlobalHeader {
			continue
		}
		name := strings.TrimPrefix(h.Name, "./")
		if err := files.add(name, h.Size, h.Typeflag == tar.TypeReg); err != nil {
			return nil, err
		}
		if !mayBeWanted(name) {
			continue
		}
		if err := write(to, name, r); err != nil {
			return nil, fmt.Errorf("unpack %s: %w", name, err)
		}
	}
}

// write writes a new file.
func write(to *os.Root, name string, content io.Reader) error {
	if err := to.MkdirAll(path.Dir(name), 0o700); err != nil {
		return err
	}
	w, err := to.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	return errors.Join(err, w.Close())
}

// mayBeWanted reports whether a file of an archive would be wanted if one of its parent
// folders, or the top of the archive, were the pipeline's folder.
func mayBeWanted(name string) bool {
	for {
		if Wanted(name) {
			return true
		}
		var found bool
		if _, name, found = strings.Cut(name, "/"); !found {
			return false
		}
	}
}

// capped is a reader that fails after a number of bytes.
type capped struct {
	r    io.Reader
	left int64
}

func (c *capped) Read(p []byte) (int, error) {
	if c.left <= 0 {
		return 0, fmt.Errorf("the archive unpacks to more than %d bytes", MaxSize)
	}
	n, err := c.r.Read(p[:min(int64(len(p)), c.left)])
	c.left -= int64(n)
	return n, err
}
