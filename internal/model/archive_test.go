package model

import (
	"archive/zip"
	"bytes"
	"errors"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/narwhal-server/narwhal/internal/model/modeltest"
	"github.com/narwhal-server/narwhal/internal/pipeline"
)

func TestArchiveInPlace(t *testing.T) {
	m, err := Places{}.Find(modeltest.WriteDir(t, t.TempDir(), modeltest.Tiny))
	if err != nil {
		t.Fatal(err)
	}
	var first, second bytes.Buffer
	for _, w := range []*bytes.Buffer{&first, &second} {
		if err := WriteArchive(w, m); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same model gave two different archives")
	}
	archive := first.String()
	e, err := Places{Archive: archive}.Find(Default)
	if err != nil {
		t.Fatal(err)
	}
	sizes, err := e.files.Sizes()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := slices.Sorted(maps.Keys(sizes)), modeltest.Wanted(); !slices.Equal(got, want) {
		t.Errorf("the archive has %q, want %q", got, want)
	}
	begin := uintptr(unsafe.Pointer(unsafe.StringData(archive)))
	for name := range sizes {
		b, err := e.Bytes(name)
		if err != nil {
			t.Fatal(err)
		}
		if string(b) != modeltest.Tiny[name] {
			t.Errorf("%s reads %q, want %q", name, b, modeltest.Tiny[name])
		}
		if len(b) == 0 {
			continue
		}
		if at := uintptr(unsafe.Pointer(&b[0])); at < begin || at >= begin+uintptr(len(archive)) {
			t.Errorf("%s was copied out of the archive", name)
		}
	}
}

func TestArchiveRefused(t *testing.T) {
	header := func(mode fs.FileMode, names ...string) func(*zip.Writer) {
		return func(z *zip.Writer) {
			for _, name := range names {
				h := &zip.FileHeader{Name: name}
				h.SetMode(mode)
				if _, err := z.CreateHeader(h); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for name, tc := range map[string]struct {
		add  func(*zip.Writer)
		want string
	}{
		"empty":       {func(*zip.Writer) {}, "no folder with a config.cfg, and a tokenizer or a meta.json"},
		"up":          {header(0o644, "m/config.cfg", "m/tokenizer", "m/../../evil"), "leads outside"},
		"absolute":    {header(0o644, "m/config.cfg", "m/tokenizer", "/evil"), "leads outside"},
		"dot":         {header(0o644, "./config.cfg", "./tokenizer"), "leads outside"},
		"twice":       {header(0o644, "m/config.cfg", "m/tokenizer", "m/tokenizer"), "two entries"},
		"two models":  {header(0o644, "a/config.cfg", "a/tokenizer", "b/config.cfg", "b/tokenizer"), "the archive has 2 pipelines (a, b): unpack it"},
		"symlink":     {header(fs.ModeSymlink|0o777, "m/config.cfg", "m/tokenizer"), "not a file"},
		"no pipeline": {header(0o644, "m/__init__.py"), "not a spaCy pipeline"},
		"overflow": {func(z *zip.Writer) {
			header(0o644, "m/config.cfg", "m/tokenizer")(z)
			for _, name := range []string{"m/ner/model", "m/parser/model"} {
				if _, err := z.CreateRaw(&zip.FileHeader{Name: name, UncompressedSize64: uint64(pipeline.MaxSize)}); err != nil {
					t.Fatal(err)
				}
			}
		}, "unpacks to more than"},
		"huge": {func(z *zip.Writer) {
			header(0o644, "m/config.cfg", "m/tokenizer")(z)
			if _, err := z.CreateRaw(&zip.FileHeader{Name: "m/ner/model", UncompressedSize64: 1 << 63}); err != nil {
				t.Fatal(err)
			}
		}, "unpacks to more than"},
		"crowded": {func(z *zip.Writer) {
			header(0o644, slices.Repeat([]string{"x"}, pipeline.MaxEntries+1)...)(z)
		}, "more than 10000"},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			z := zip.NewWriter(&b)
			tc.add(z)
			if err := z.Close(); err != nil {
				t.Fatal(err)
			}
			path := t.TempDir() + "/x.whl"
			if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenWheel(path); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("OpenWheel: %v, want an error with %q", err, tc.want)
			}
		})
	}
}

// TestArchiveLies has archives with a wrong size of a file in its header.
func TestArchiveLies(t *testing.T) {
	for name, size := range map[string]uint64{"small": 3, "large": 50, "most": uint64(pipeline.MaxSize)} {
		archive := modeltest.Lie(t, size)
		m, err := OpenWheel(modeltest.WriteFile(t, "x.whl", archive))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.Bytes("ner/model"); err == nil {
			t.Errorf("%s: read %q without an error", name, got)
		}
		// When the archive is read in place, the wrong size must not lead out of it.
		inside, err := Places{Archive: string(archive)}.Find(Default)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := inside.Bytes("ner/model"); err == nil && len(got) > len(archive) {
			t.Errorf("%s: %d bytes of an archive of %d", name, len(got), len(archive))
		}
	}
}

// TestArchiveBomb reads a file that inflates to far more bytes than its header says.
func TestArchiveBomb(t *testing.T) {
	m, err := openEmbedded(string(modeltest.Bomb(t)))
	if err != nil {
		t.Fatal(err)
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err = m.Bytes("ner/model")
	runtime.ReadMemStats(&after)
	if !errors.Is(err, zip.ErrFormat) {
		t.Errorf("a bomb reads: %v", err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("reading a bomb allocated %d bytes", grown)
	}
}

func FuzzWheel(f *testing.F) {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range []string{"m/config.cfg", "m/tokenizer", "m/ner/model"} {
		w, _ := z.Create(name)
		w.Write([]byte(name))
	}
	z.Close()
	f.Add(b.Bytes())
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := openEmbedded(string(data))
		if err != nil {
			return
		}
		sizes, err := m.files.Sizes()
		if err != nil {
			return
		}
		for name := range sizes {
			if got, err := m.Bytes(name); err == nil && len(got) > 1<<20 {
				t.Errorf("%s: %d bytes", name, len(got))
			}
		}
	})
}
