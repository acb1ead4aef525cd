package main

import (
	"archive/tar"
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// writeTarball writes the tar.gz. It holds one folder, whose bin and share fit into
// /usr/local.
func (p *product) writeTarball(dir string) error {
	files, err := p.programFiles(places{zsh: "share/zsh/site-functions", units: "share/narwhal/systemd", dropin: "share/narwhal/systemd"})
	if err != nil {
		return err
	}
	for _, name := range []string{"LICENSE", "README.md", "CHANGELOG.md", "docs/install.md"} {
		data, err := p.source(name)
		if err != nil {
			return err
		}
		files = append(files, file{path: "share/doc/narwhal/" + filepath.Base(name), data: data})
	}
	files = append(files, file{path: "share/doc/narwhal/third-party-licenses.txt", data: p.parts.notices()})
	top := p.name("") + "/"
	for i := range files {
		files[i].path = top + files[i].path
	}
	packed, err := tarOf(sorted(files), p.time)
	if err != nil {
		return err
	}
	if packed, err = gzipped(packed); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, p.name(".tar.gz")), packed, 0o644)
}

// tarOf returns a tar archive of files, their folders and further folders. All have the same
// time. They belong to root, except further folders, which have headers of their own.
func tarOf(files []file, when time.Time, further ...tar.Header) ([]byte, error) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	headers := map[string]tar.Header{}
	all := slices.Clone(files)
	for _, h := range further {
		headers[h.Name] = h
		all = append(all, file{path: h.Name + "."}) // so that folders returns its parents, too
	}
	for _, dir := range folders(all) {
		h, ok := headers[dir+"/"]
		if !ok {
			h = tar.Header{Name: dir + "/", Mode: 0o755}
		}
		h.Typeflag, h.ModTime = tar.TypeDir, when
		if err := w.WriteHeader(&h); err != nil {
			return nil, err
		}
	}
	for _, f := range files {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: f.path, Mode: int64(f.mode), Size: int64(len(f.data)), ModTime: when}); err != nil {
			return nil, err
		}
		if _, err := w.Write(f.data); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
