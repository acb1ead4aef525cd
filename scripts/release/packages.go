package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"net/mail"
	"os"
	"path/filepath"
	"strings"

	"github.com/goreleaser/nfpm/v2"
	"github.com/goreleaser/nfpm/v2/deb"
	nfpmfiles "github.com/goreleaser/nfpm/v2/files"
	"github.com/goreleaser/nfpm/v2/rpm"
)

const (
	homepage    = "https://github.com/narwhal-server/narwhal"
	summary     = "serve a named-entity recognizer over HTTP"
	description = summary + `
narwhal serves a named-entity recognizer over HTTP from several processes,
as Gunicorn serves a Python program. It runs spaCy's pipeline
en_core_web_sm, which is built in, and other English spaCy pipelines, with
spaCy's answers and without Python.`
)

// nobody is the maintainer if none is named. Debian wants an address. No host has a name that
// ends with .invalid (RFC 2606), so what is sent there reaches nobody.
const nobody = "the narwhal authors <nobody@narwhal.invalid>"

// checkMaintainer returns an error unless a maintainer has the form that package managers
// know.
func checkMaintainer(name string) error {
	if a, err := mail.ParseAddress(name); err != nil || a.Name == "" {
		return fmt.Errorf("%q is not a maintainer: want a name and an address, such as MAINTAINER='Ada Example <ada@example.org>'", name)
	}
	return nil
}

// The scripts that package managers run, and the settings that they install.
var (
	//go:embed scripts/common.sh
	common string
	//go:embed scripts/deb.postinst
	debPostinst string
	//go:embed scripts/deb.prerm
	debPrerm string
	//go:embed scripts/deb.postrm
	debPostrm string
	//go:embed scripts/rpm.post
	rpmPost string
	//go:embed scripts/rpm.preun
	rpmPreun string
	//go:embed scripts/rpm.postun
	rpmPostun string
	//go:embed scripts/narwhal.toml
	settings []byte
)

// script returns a script of a package manager.
func script(parts ...string) string {
	return "#!/bin/sh\nset -e\n\n" + strings.Join(parts, "\n")
}

func (p *product) writeDeb(dir string) error {
	files, err := p.packageFiles("share/zsh/vendor-completions")
	if err != nil {
		return err
	}
	source, err := p.source("CHANGELOG.md")
	if err != nil {
		return err
	}
	license, err := p.source("LICENSE")
	if err != nil {
		return err
	}
	copyright := "narwhal, " + homepage + "\n\n" + string(license) +
		"\nThe licences of what the program contains are in third-party-licenses.txt.gz.\n"
	doc := "usr/share/doc/narwhal/"
	files = append(files,
		file{path: doc + "copyright", data: []byte(copyright)},
		file{path: "usr/share/lintian/overrides/narwhal", data: []byte(overrides)})
	for name, data := range map[string][]byte{
		"changelog.gz":                []byte(p.debChangelog()),
		"CHANGELOG.md.gz":             source,
		"third-party-licenses.txt.gz": p.parts.notices(),
	} {
		packed, err := gzipped(data)
		if err != nil {
			return err
		}
		files = append(files, file{path: doc + name, data: packed})
	}
	return p.pack(deb.Default, filepath.Join(dir, p.name(".deb")), files, map[string]string{
		"postinst": script(common, debPostinst), "prerm": script(debPrerm), "postrm": script(common, debPostrm),
	})
}

// overrides says which of lintian's remarks are intended.
const overrides = `# A program of Go needs no library, and runs on every Debian.
narwhal: statically-linked-binary [usr/bin/narwhal]
# deb-systemd-helper cannot upgrade a running program.
narwhal: maintainer-script-calls-systemctl *
`

// debChangelog returns the changelog in Debian's form. It has one entry, which refers to
// CHANGELOG.md.
func (p *product) debChangelog() string {
	return fmt.Sprintf("narwhal (%s) unstable; urgency=medium\n\n  * /usr/share/doc/narwhal/CHANGELOG.md.gz says what has changed.\n\n -- %s  %s\n",
		p.debVersion(), p.maintainer, p.time.Format("Mon, 02 Jan 2006 15:04:05 -0700"))
}

func (p *product) writeRPM(dir string) error {
	files, err := p.packageFiles("share/zsh/site-functions")
	if err != nil {
		return err
	}
	mit, err := p.source("LICENSE")
	if err != nil {
		return err
	}
	licenses := "usr/share/licenses/narwhal/"
	files = append(files,
		file{path: licenses + "LICENSE", data: mit, kind: license},
		file{path: licenses + "third-party-licenses.txt", data: p.parts.notices(), kind: license})
	return p.pack(rpm.DefaultRPM, filepath.Join(dir, p.name(".rpm")), files, map[string]string{
		"postinst": script(common, rpmPost), "prerm": script(rpmPreun), "postrm": script(common, rpmPostun),
	})
}

// packageFiles returns the files that deb and rpm have in common.
func (p *product) packageFiles(zsh string) ([]file, error) {
	files, err := p.programFiles(places{prefix: "usr/", zsh: zsh, units: "lib/systemd/system", dropin: "share/narwhal"})
	if err != nil {
		return nil, err
	}
	for i := range files {
		if strings.HasPrefix(files[i].path, "usr/share/man/") {
			if files[i].data, err = gzipped(files[i].data); err != nil {
				return nil, err
			}
			files[i].path += ".gz"
		}
	}
	return append(files, file{path: "etc/narwhal/narwhal.toml", data: settings, kind: config}), nil
}

// semver returns the parts of the version. Package managers sort a pre-release before its
// release when ~ stands before it, and do not allow a - in it.
func (p *product) semver() (number, pre, build string) {
	number, build, _ = strings.Cut(p.version, "+")
	number, pre, _ = strings.Cut(number, "-")
	return number, strings.ReplaceAll(pre, "-", "."), strings.ReplaceAll(build, "-", ".")
}

// debVersion returns the version as dpkg knows it.
func (p *product) debVersion() string {
	number, pre, build := p.semver()
	if pre != "" {
		number += "~" + pre
	}
	if build != "" {
		number += "+" + build
	}
	return number
}

// pack writes a package.
func (p *product) pack(format nfpm.Packager, name string, files []file, scripts map[string]string) error {
	work, err := os.MkdirTemp("", "narwhal-package-") // nfpm reads files from disk
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	number, pre, build := p.semver()
	info := &nfpm.Info{
		Name: "narwhal", Arch: p.arch, Platform: "linux", Version: number, Prerelease: pre, VersionMetadata: build,
		Section: "net", Priority: "optional", Maintainer: p.maintainer, Vendor: "narwhal", Homepage: homepage,
		License: "MIT", Description: description, MTime: p.time, DisableGlobbing: true,
	}
	info.Deb.Compression = "gzip:9"
	info.Deb.Predepends = []string{"init-system-helpers (>= 1.54~)"}
	info.RPM.Compression = "gzip:9"
	info.RPM.Summary = summary
	info.RPM.BuildHost = "localhost" // not the name of this machine
	info.RPM.Packager = p.maintainer
	for i, f := range sorted(files) {
		from := filepath.Join(work, fmt.Sprint(i))
		if err := os.WriteFile(from, f.data, 0o600); err != nil {
			return err
		}
		info.Contents = append(info.Contents, &nfpmfiles.Content{
			Source: from, Destination: "/" + f.path, Type: [...]string{"", "config|noreplace", "license"}[f.kind],
			FileInfo: &nfpmfiles.ContentFileInfo{Owner: "root", Group: "root", Mode: f.mode, MTime: p.time},
		})
	}
	info.Contents = append(info.Contents, &nfpmfiles.Content{
		Destination: "/etc/narwhal", Type: "dir",
		FileInfo: &nfpmfiles.ContentFileInfo{Owner: "root", Group: "root", Mode: 0o755, MTime: p.time},
	})
	for script, to := range map[string]*string{
		"postinst": &info.Scripts.PostInstall, "prerm": &info.Scripts.PreRemove, "postrm": &info.Scripts.PostRemove,
	} {
		*to = filepath.Join(work, script)
		if err := os.WriteFile(*to, []byte(scripts[script]), 0o700); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := format.Package(info, &b); err != nil {
		return fmt.Errorf("make %s: %w", filepath.Base(name), err)
	}
	return os.WriteFile(name, b.Bytes(), 0o644)
}
