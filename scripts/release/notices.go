package main

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/google/licensecheck"
)

// part is a work that the program contains.
type part struct {
	name     string
	version  string
	texts    []string // its licences and notices
	licenses []string // their names in SPDX, as far as licensecheck knows them
}

// parts are all works that the program contains, beside narwhal itself.
type parts struct {
	goItself part // its library and run time
	modules  []part
	model    part
	modelSum string // the SHA-256 of its archive
	pages    part   // Swagger UI, at /docs
}

// parts finds the works that the program contains, for every processor. It fails if one of
// them has no licence.
func (r *release) parts(ctx context.Context) (*parts, error) {
	modules := map[string]*found{}
	for _, arch := range arches {
		if err := r.findModules(ctx, arch, modules); err != nil {
			return nil, err
		}
	}
	p := &parts{}
	for _, path := range slices.Sorted(maps.Keys(modules)) {
		m := modules[path]
		one, err := newPart(path, m.version, slices.Sorted(maps.Keys(m.files)))
		if err != nil {
			return nil, err
		}
		p.modules = append(p.modules, one)
	}
	var err error
	if p.goItself, err = r.goPart(ctx); err != nil {
		return nil, err
	}
	if p.model, p.modelSum, err = modelPart(filepath.Join(r.root, modelZip)); err != nil {
		return nil, err
	}
	p.pages, err = r.swaggerPart()
	return p, err
}

// found is a module and the files with its licences.
type found struct {
	version string
	files   map[string]bool
}

// findModules adds the modules of the program for arch.
func (r *release) findModules(ctx context.Context, arch string, modules map[string]*found) error {
	env, err := r.goEnv(ctx, arch)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-tags", modelTag, "-json=Dir,Module", "./cmd/narwhal")
	cmd.Dir, cmd.Env = r.root, env
	out, err := output(cmd)
	if err != nil {
		return err
	}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var pkg struct {
			Dir    string
			Module *struct {
				Path, Version, Dir string
				Main               bool
				Replace            *struct{ Path string }
			}
		}
		if err := d.Decode(&pkg); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("go list: %w", err)
		}
		m := pkg.Module
		if m == nil || m.Main { // the standard library, or narwhal
			continue
		}
		if m.Replace != nil {
			return fmt.Errorf("go.mod replaces %s by %s: a release has what go.mod requires", m.Path, m.Replace.Path)
		}
		if modules[m.Path] == nil {
			modules[m.Path] = &found{version: m.Version, files: map[string]bool{}}
		}
		// A folder of a module may have a licence of its own.
		for dir := pkg.Dir; ; dir = filepath.Dir(dir) {
			if err := addLicenses(modules[m.Path].files, dir); err != nil {
				return err
			}
			if dir == m.Dir || len(dir) < len(m.Dir) {
				break
			}
		}
	}
}

// licenseFile are the names that files with licences and notices have.
var licenseFile = regexp.MustCompile(`(?i)^(licen[cs]es?|copying|copyright|notices?|patents)([._-].*)?$`)

func addLicenses(files map[string]bool, dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.Type().IsRegular() && licenseFile.MatchString(e.Name()) && filepath.Ext(e.Name()) != ".go" {
			files[filepath.Join(dir, e.Name())] = true
		}
	}
	return nil
}

// newPart reads the licences of a part.
func newPart(name, version string, files []string) (part, error) {
	p := part{name: name, version: version}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return part{}, err
		}
		p.texts = append(p.texts, string(text))
	}
	return p, p.identify()
}

// identify finds the names of the licences. It fails if there is no licence.
func (p *part) identify() error {
	if len(p.texts) == 0 {
		return fmt.Errorf("%s %s has no file with a licence, so it may not be in a release", p.name, p.version)
	}
	names := map[string]bool{}
	for _, text := range p.texts {
		for _, m := range licensecheck.Scan([]byte(text)).Match {
			if !m.IsURL && m.ID != "GooglePatentsFile" { // which SPDX does not have
				names[m.ID] = true
			}
		}
	}
	p.licenses = slices.Sorted(maps.Keys(names))
	return nil
}

// goPart is Go's library and run time, which every program of Go contains.
func (r *release) goPart(ctx context.Context) (part, error) {
	env, err := r.goEnv(ctx, arches[0])
	if err != nil {
		return part{}, err
	}
	cmd := exec.CommandContext(ctx, "go", "env", "GOROOT", "GOVERSION")
	cmd.Dir, cmd.Env = r.root, env
	out, err := output(cmd)
	if err != nil {
		return part{}, err
	}
	root, version, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	files := map[string]bool{}
	for _, dir := range []string{root, filepath.Dir(root)} { // Debian's and others' GOROOT is a folder deeper
		if err := addLicenses(files, dir); err != nil {
			return part{}, err
		}
		if len(files) > 0 {
			break
		}
	}
	return newPart("Go's standard library and run time", strings.TrimPrefix(version, "go"), slices.Sorted(maps.Keys(files)))
}

// modelPart is the pipeline in the archive.
func modelPart(archive string) (part, string, error) {
	raw, err := os.ReadFile(archive)
	if err != nil {
		return part{}, "", err
	}
	sum := sha256.Sum256(raw)
	z, err := zip.NewReader(bytes.NewReader(raw), int64(len(raw)))
	if err != nil {
		return part{}, "", fmt.Errorf("read %s: %w", archive, err)
	}
	meta, err := fs.ReadFile(z, "meta.json")
	if err != nil {
		return part{}, "", fmt.Errorf("read %s: %w", archive, err)
	}
	var about struct{ Version string } // who packed the model again may have named it anew
	if err := json.Unmarshal(meta, &about); err != nil {
		return part{}, "", fmt.Errorf("read meta.json of %s: %w", archive, err)
	}
	p := part{name: strings.TrimSuffix(filepath.Base(archive), ".zip"), version: about.Version}
	for _, f := range z.File {
		if strings.HasPrefix(f.Name, "LICENSE") {
			text, err := fs.ReadFile(z, f.Name)
			if err != nil {
				return part{}, "", fmt.Errorf("read %s: %w", archive, err)
			}
			p.texts = append(p.texts, string(text))
		}
	}
	return p, hex.EncodeToString(sum[:]), p.identify()
}

// swaggerPart is Swagger UI, whose licences the program also shows at /docs/licenses.txt.
func (r *release) swaggerPart() (part, error) {
	text, err := os.ReadFile(filepath.Join(r.root, "web/page/files/licenses.txt"))
	if err != nil {
		return part{}, err
	}
	m := regexp.MustCompile(`Swagger UI (\d+\.\d+\.\d+)`).FindSubmatch(text)
	if m == nil {
		return part{}, errors.New("web/page/files/licenses.txt does not name the version of Swagger UI")
	}
	p := part{name: "Swagger UI", version: string(m[1]), texts: []string{string(text)}}
	return p, p.identify()
}

// notices returns the licences of all parts as one text.
func (p *parts) notices() []byte {
	var b bytes.Buffer
	b.WriteString(`narwhal itself is under the MIT licence. Its program contains the works of others that are listed here, each
with its licence.
`)
	for _, one := range slices.Concat([]part{p.goItself, p.model, p.pages}, p.modules) {
		fmt.Fprintf(&b, "\n%s\n%s %s\n%[1]s\n", strings.Repeat("=", 80), one.name, one.version)
		for _, text := range one.texts {
			fmt.Fprintf(&b, "\n%s\n", strings.Trim(strings.ReplaceAll(text, "\r\n", "\n"), "\n"))
		}
	}
	return b.Bytes()
}
