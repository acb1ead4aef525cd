package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The user of the image is no user of the machine.
const (
	imageUser = 65532
	passwd    = "root:x:0:0:root:/root:/sbin/nologin\nnarwhal:x:65532:65532:narwhal:/var/lib/narwhal:/sbin/nologin\n"
	group     = "root:x:0:\nnarwhal:x:65532:\n"
)

// writeImage writes the container image as a tar archive. The archive is an OCI layout, and
// has the manifest.json that docker load reads.
func (p *product) writeImage(dir string) error {
	image, err := p.image()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "narwhal-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	to, err := layout.Write(work, empty.Index)
	if err != nil {
		return err
	}
	tag := strings.ReplaceAll(p.version, "+", "-") // a tag has no +
	if err := to.AppendImage(image, layout.WithPlatform(v1.Platform{OS: "linux", Architecture: p.arch}), layout.WithAnnotations(map[string]string{
		"org.opencontainers.image.ref.name": tag,
		"io.containerd.image.name":          "docker.io/library/narwhal:" + tag, // for ctr images import
	})); err != nil {
		return err
	}
	if err := dockerManifest(to, image, "narwhal:"+tag); err != nil {
		return err
	}
	packed, err := tarFolder(work, p.time)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, p.name(".oci.tar")), packed, 0o644)
}

// image returns the image: one layer, and how a container starts.
func (p *product) image() (v1.Image, error) {
	layer, err := p.layer()
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	image, err = mutate.Append(image, mutate.Addendum{Layer: layer, History: v1.History{Created: v1.Time{Time: p.time}, CreatedBy: "narwhal's scripts/release"}})
	if err != nil {
		return nil, err
	}
	c, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	c = c.DeepCopy()
	c.OS, c.Architecture, c.Created = "linux", p.arch, v1.Time{Time: p.time}
	c.Author = p.maintainer
	revision, _, _ := strings.Cut(p.commit, " ")
	c.Config = v1.Config{
		Entrypoint: []string{"/usr/bin/narwhal"},
		// An address of the container, so that its port can be published.
		Env:          []string{"PATH=/usr/bin", "HOME=/var/lib/narwhal", "NARWHAL_BIND=0.0.0.0:8000"},
		User:         fmt.Sprintf("%d:%[1]d", imageUser),
		WorkingDir:   "/etc/narwhal", // where narwhal.toml is read
		ExposedPorts: map[string]struct{}{"8000/tcp": {}},
		StopSignal:   "SIGTERM",
		Healthcheck: &v1.HealthConfig{
			// The program ends after 5 s by itself, with the reason.
			Test:     []string{"CMD", "/usr/bin/narwhal", "health"},
			Interval: 10 * time.Second, Timeout: 10 * time.Second, StartPeriod: 30 * time.Second,
		},
		Labels: map[string]string{
			"org.opencontainers.image.title":         "narwhal",
			"org.opencontainers.image.description":   summary,
			"org.opencontainers.image.version":       p.version,
			"org.opencontainers.image.revision":      revision,
			"org.opencontainers.image.created":       p.time.Format(time.RFC3339),
			"org.opencontainers.image.source":        homepage,
			"org.opencontainers.image.documentation": homepage + "/blob/main/docs/install.md",
			"org.opencontainers.image.licenses":      "MIT",
		},
	}
	return mutate.ConfigFile(image, c)
}

// layer returns the files of the image.
func (p *product) layer() (v1.Layer, error) {
	program, err := os.ReadFile(p.program)
	if err != nil {
		return nil, err
	}
	license, err := p.source("LICENSE")
	if err != nil {
		return nil, err
	}
	files := sorted([]file{
		{path: "etc/group", data: []byte(group)},
		{path: "etc/passwd", data: []byte(passwd)},
		{path: "usr/bin/narwhal", mode: 0o755, data: program},
		{path: "usr/share/doc/narwhal/LICENSE", data: license},
		{path: "usr/share/doc/narwhal/third-party-licenses.txt", data: p.parts.notices()},
	})
	packed, err := tarOf(files, p.time,
		tar.Header{Name: "etc/narwhal/", Mode: 0o755},
		tar.Header{Name: "tmp/", Mode: 0o1777}, // the control socket is there
		tar.Header{Name: "var/lib/narwhal/", Mode: 0o755, Uid: imageUser, Gid: imageUser})
	if err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(packed)), nil },
		tarball.WithMediaType(types.OCILayer), tarball.WithCompressionLevel(gzip.BestCompression), tarball.WithCompressedCaching)
}

// dockerManifest adds manifest.json, in which docker load finds the same blobs.
func dockerManifest(to layout.Path, image v1.Image, tag string) error {
	m, err := image.Manifest()
	if err != nil {
		return err
	}
	blob := func(h v1.Hash) string { return "blobs/" + h.Algorithm + "/" + h.Hex }
	one := struct {
		Config   string
		RepoTags []string
		Layers   []string
	}{Config: blob(m.Config.Digest), RepoTags: []string{tag}}
	for _, l := range m.Layers {
		one.Layers = append(one.Layers, blob(l.Digest))
	}
	text, err := json.Marshal([]any{one})
	if err != nil {
		return err
	}
	return to.WriteFile("manifest.json", text, 0o644)
}

// tarFolder returns a tar archive of the files in a folder.
func tarFolder(dir string, when time.Time) ([]byte, error) {
	var files []file
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		data, err := os.ReadFile(filepath.Join(dir, path))
		files = append(files, file{path: path, data: data})
		return err
	})
	if err != nil {
		return nil, err
	}
	return tarOf(sorted(files), when)
}
