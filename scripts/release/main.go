// Release builds the files of a release for linux on amd64 and arm64:
//
//	narwhal_VERSION_linux_ARCH.tar.gz     the program, its manual page, completions and units
//	narwhal_VERSION_linux_ARCH.deb        the same as a package for Debian
//	narwhal_VERSION_linux_ARCH.rpm        the same as a package for Fedora and others
//	narwhal_VERSION_linux_ARCH.oci.tar    a container image
//	narwhal_VERSION_linux_ARCH.cdx.json   what the program is made of (CycloneDX)
//	SHA256SUMS
//
// The same source and version give the same bytes in every folder. With -check it proves
// that: it builds everything again from a copy of the source in another folder, with an
// empty build cache, and compares. With -image it builds only a container image, for tests.
//
// Its files, in the order of the work:
//
//	version.go   the version, the commit and the time of a release
//	compile.go   the program
//	notices.go   the licences of what the program contains
//	files.go     the files that belong to the program
//	tarball.go   the tar.gz
//	packages.go  the deb and the rpm, with what is in the folder scripts
//	image.go     the container image
//	sbom.go      the list of what the program is made of
//	sums.go      SHA256SUMS
//	check.go     the second build
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
)

// arches are the processors that a release is for, as Go names them.
var arches = []string{"amd64", "arm64"}

func main() {
	root := flag.String("root", "../..", "the `folder` of the source")
	out := flag.String("out", "../../dist", "the `folder` to write to; an older release there is removed")
	version := flag.String("version", "", "the `version`, such as 1.2.3 (default: from git's tags)")
	maintainer := flag.String("maintainer", "", "who answers for the packages, as `NAME <ADDRESS>` (default: nobody)")
	check := flag.Bool("check", false, "build everything a second time and compare")
	image := flag.Bool("image", false, "build only the container image, for this machine's processor")
	flag.Parse()
	if flag.NArg() > 0 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	build := all(*check)
	if *image {
		build = (*release).buildImage
	}
	if err := run(ctx, *root, *out, *version, cmp.Or(*maintainer, nobody), build); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// run writes to the folder out what build builds.
func run(ctx context.Context, root, out, version, maintainer string, build func(r *release, ctx context.Context, out string) error) error {
	root, err := filepath.Abs(root)
	if err != nil {
		return err
	}
	r, err := newRelease(ctx, root, version)
	if err != nil {
		return err
	}
	if err := checkMaintainer(maintainer); err != nil {
		return err
	}
	r.maintainer = maintainer
	if err := embedModel(ctx, root); err != nil {
		return err
	}
	if err := clear(out); err != nil {
		return err
	}
	fmt.Printf("building narwhal %s of %s\n", r.version, r.time.Format("2006-01-02"))
	if err := build(r, ctx, out); err != nil {
		return err
	}
	return show(out)
}

// all returns a function that writes all files of the release, and then checks them if it
// is asked to.
func all(check bool) func(r *release, ctx context.Context, out string) error {
	return func(r *release, ctx context.Context, out string) error {
		if err := r.build(ctx, out, ""); err != nil || !check {
			return err
		}
		fmt.Println("building it again in another folder, with an empty build cache")
		return r.checkAgain(ctx, out)
	}
}

// buildImage writes the container image for this machine's processor.
func (r *release) buildImage(ctx context.Context, out string) error {
	work, err := os.MkdirTemp("", "narwhal-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	parts, err := r.parts(ctx)
	if err != nil {
		return err
	}
	p := &product{release: r, arch: runtime.GOARCH, program: filepath.Join(work, "narwhal"), parts: parts}
	if err := r.compile(ctx, p.arch, p.program, ""); err != nil {
		return err
	}
	if err := p.writeImage(out); err != nil {
		return err
	}
	return writeSums(out)
}

// build writes all files of the release to the folder out. Go uses the folder cache for
// what it has compiled, or its own if cache is empty.
func (r *release) build(ctx context.Context, out, cache string) error {
	work, err := os.MkdirTemp("", "narwhal-release-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	parts, err := r.parts(ctx)
	if err != nil {
		return err
	}
	programs := map[string]string{}
	for _, arch := range arches {
		programs[arch] = filepath.Join(work, arch, "narwhal")
		if err := r.compile(ctx, arch, programs[arch], cache); err != nil {
			return err
		}
	}
	completions, err := completions(ctx, programs)
	if err != nil {
		return err
	}
	for _, arch := range arches {
		p := &product{release: r, arch: arch, program: programs[arch], parts: parts, completions: completions}
		for _, write := range []func(dir string) error{p.writeTarball, p.writeDeb, p.writeRPM, p.writeImage, p.writeSBOM} {
			if err := write(out); err != nil {
				return err
			}
		}
	}
	return writeSums(out)
}

// product is what the packages for one processor are made of.
type product struct {
	*release
	arch        string
	program     string // its file
	parts       *parts
	completions map[string][]byte // by the name of the shell
}

// name returns the name of a file of the release.
func (p *product) name(extension string) string {
	return fmt.Sprintf("narwhal_%s_linux_%s%s", p.version, p.arch, extension)
}

// clear makes out an empty folder. It removes what is in out only if that is a release.
func clear(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(entries) > 0 {
		if _, err := os.Stat(filepath.Join(out, sumsFile)); err != nil {
			return fmt.Errorf("%s has files and no %s, so it is no release: empty it, or name another folder with -out", out, sumsFile)
		}
		if err := os.RemoveAll(out); err != nil {
			return err
		}
	}
	return os.MkdirAll(out, 0o755)
}

// show prints the files of a release and their sizes.
func show(out string) error {
	entries, err := os.ReadDir(out)
	if err != nil {
		return err
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			return err
		}
		fmt.Printf("%8.1f MB  %s\n", float64(info.Size())/1e6, filepath.Join(filepath.Base(out), e.Name()))
	}
	return nil
}
