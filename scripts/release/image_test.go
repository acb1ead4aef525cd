package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

// The archive is an OCI layout, and what docker save writes.
func TestImage(t *testing.T) {
	p := sample(t)
	name := written(t, p, ".oci.tar", p.writeImage)
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, data := contents(t, f)
	dir := t.TempDir()
	for path, content := range data {
		if path[len(path)-1] == '/' {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, path)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, path), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(index); err != nil {
		t.Error(err)
	}
	docker, err := tarball.ImageFromPath(name, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(docker); err != nil {
		t.Error(err)
	}
	var saved []struct{ RepoTags []string }
	if err := json.Unmarshal(data["manifest.json"], &saved); err != nil || len(saved) != 1 || !slices.Equal(saved[0].RepoTags, []string{"narwhal:1.2.3-rc.1"}) {
		t.Errorf("manifest.json names %+v, %v", saved, err)
	}
	c, err := docker.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c.OS != "linux" || c.Architecture != p.arch || c.Config.User != "65532:65532" || !slices.Equal(c.Config.Entrypoint, []string{"/usr/bin/narwhal"}) ||
		c.Config.Healthcheck == nil || !slices.Equal(c.Config.Healthcheck.Test, []string{"CMD", "/usr/bin/narwhal", "health"}) ||
		c.Config.Labels["org.opencontainers.image.version"] != "1.2.3-rc.1" ||
		c.Config.Labels["org.opencontainers.image.revision"] != "1d06414c41a3b1e4a2f6d6d2d8e5f0a9b7c3e211" {
		t.Errorf("the configuration is %+v", c)
	}
	checkLayer(t, docker)
}

func checkLayer(t *testing.T, image v1.Image) {
	t.Helper()
	layers, err := image.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("%d layers, %v", len(layers), err)
	}
	r, err := layers[0].Uncompressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	all, _ := contents(t, r)
	for name, want := range map[string]struct {
		mode int64
		uid  int
	}{
		"usr/bin/narwhal": {0o755, 0}, "etc/narwhal/": {0o755, 0}, "tmp/": {0o1777, 0}, "var/lib/narwhal/": {0o755, imageUser},
		"etc/passwd": {0o644, 0}, "usr/share/doc/narwhal/third-party-licenses.txt": {0o644, 0},
	} {
		if h := all[name]; h == nil || h.Mode != want.mode || h.Uid != want.uid {
			t.Errorf("%s: %+v, want mode %o and owner %d", name, h, want.mode, want.uid)
		}
	}
}
