package model

import (
	"archive/zip"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"unsafe"

	"github.com/narwhal-server/narwhal/internal/pipeline"
)

// Places has the directories in which models are looked for. In each directory a model has
// its own directory. A place that is "" is not searched.
type Places struct {
	Local  string
	User   string // internal/install installs here
	System string

	Archive string // the zip file in the program, as WriteArchive writes it; "": there is none
}

// Standard returns the places of this process.
func Standard() Places {
	p := Places{Local: "models", System: "/usr/share/narwhal/models", Archive: archive}
	data := os.Getenv("XDG_DATA_HOME")
	if !filepath.IsAbs(data) { // the XDG specification says to ignore a relative path
		data = ""
		if home, err := os.UserHomeDir(); err == nil && home != "" {
			data = filepath.Join(home, ".local", "share")
		}
	}
	if data != "" {
		p.User = filepath.Join(data, "narwhal", "models")
	}
	return p
}

// NotFoundError is the error of Find if no place has a model of that name. A caller may then
// use something else. For a model that is found and is broken, Find returns another error.
type NotFoundError struct {
	Name   string
	Looked []string // the places that were searched
	Hint   string   // what to do
}

func (e *NotFoundError) Error() string {
	return fmt.Sprintf("model %s is not installed (looked in %s); %s", e.Name, strings.Join(e.Looked, ", "), e.Hint)
}

var nameForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// ValidName reports whether a model can have this name.
func ValidName(name string) bool { return nameForm.MatchString(name) }

// Find finds a model by name or path. Only the first place that has a directory of that name
// counts. If the model there is broken, Find returns an error and does not look in other
// places. If no place has the name, the error is a NotFoundError.
func (p Places) Find(nameOrPath string) (*Model, error) {
	if strings.ContainsRune(nameOrPath, filepath.Separator) || strings.HasSuffix(nameOrPath, ".whl") ||
		nameOrPath == "." || nameOrPath == ".." {
		return Open(nameOrPath)
	}
	name := nameOrPath
	if !ValidName(name) {
		return nil, fmt.Errorf("model %q: a name has letters, digits, dots, hyphens and underscores; a path has a slash", name)
	}
	for _, place := range p.list() {
		dir := filepath.Join(place.dir, name)
		if _, err := os.Stat(dir); absent(err) {
			continue
		}
		return OpenDir(name, place.origin, dir)
	}
	if name == Default && p.Archive != "" {
		return openEmbedded(p.Archive)
	}
	return nil, p.notFound(name)
}

// absent reports whether err means that there is no such file or directory, or that one of
// its parents is a file.
func absent(err error) bool { return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) }

func (p Places) notFound(name string) error {
	e := &NotFoundError{Name: name}
	for _, place := range p.list() {
		dir := place.dir
		if !filepath.IsAbs(dir) {
			dir = "." + string(filepath.Separator) + dir
		}
		e.Looked = append(e.Looked, dir)
	}
	if p.Archive != "" {
		e.Looked = append(e.Looked, "this program")
	}
	if info, err := os.Stat(name); err == nil && info.IsDir() {
		e.Hint = fmt.Sprintf("to use the directory of that name: ./%s", name)
	} else if ReleaseNamed(name) != nil {
		e.Hint = "to install it: " + Command("pull "+name)
	} else {
		e.Hint = fmt.Sprintf("to install a directory or wheel: %s; to see what is installed: %s", Command("add PATH"), Command("list"))
	}
	return e
}

// Command returns the command narwhal model with these words, for a hint. If XDG_DATA_HOME is
// set here, the command sets it, too. Otherwise it might install in another folder than the one
// in which this process looks: the unit for systemd sets XDG_DATA_HOME, a root shell does not.
func Command(words string) string {
	command := "narwhal model " + words
	if data := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(data) {
		if !plainPath.MatchString(data) {
			data = "'" + strings.ReplaceAll(data, "'", `'\''`) + "'"
		}
		command = "XDG_DATA_HOME=" + data + " " + command
	}
	return command
}

// plainPath matches a path that a shell takes without quotes.
var plainPath = regexp.MustCompile(`^[A-Za-z0-9/._+-]+$`)

type place struct {
	origin Origin
	dir    string
}

func (p Places) list() []place {
	all := []place{{Local, p.Local}, {User, p.User}, {System, p.System}}
	return slices.DeleteFunc(all, func(pl place) bool { return pl.dir == "" })
}

// Listed is an entry of List: a model, or the error of a broken model.
type Listed struct {
	Name   string
	Origin Origin
	Dir    string
	Model  *Model
	Err    error

	// Hidden reports whether an earlier place has a model of this name. Find returns
	// that one.
	Hidden bool
}

// List returns the models of all places, sorted by name. Models of the same name are in the
// order in which Find looks for them.
func (p Places) List() ([]Listed, error) {
	var all []Listed
	for _, place := range p.list() {
		entries, err := os.ReadDir(place.dir)
		if err != nil && !absent(err) {
			return nil, fmt.Errorf("list models: %w", err)
		}
		for _, e := range entries {
			if !ValidName(e.Name()) {
				continue // such as a name with a dot first: an installation that was cut off
			}
			dir := filepath.Join(place.dir, e.Name())
			if info, err := os.Stat(dir); err != nil || !info.IsDir() {
				continue
			}
			l := Listed{Name: e.Name(), Origin: place.origin, Dir: dir}
			l.Model, l.Err = OpenDir(l.Name, l.Origin, dir)
			all = append(all, l)
		}
	}
	if p.Archive != "" {
		l := Listed{Name: Default, Origin: Embedded}
		l.Model, l.Err = openEmbedded(p.Archive)
		all = append(all, l)
	}
	slices.SortStableFunc(all, func(a, b Listed) int { return cmp.Compare(a.Name, b.Name) })
	for i := 1; i < len(all); i++ {
		all[i].Hidden = all[i].Name == all[i-1].Name
	}
	return all, nil
}

// Open opens the pipeline at a path. For a tar archive the error is a TarError.
func Open(path string) (*Model, error) {
	info, err := os.Stat(path)
	if err != nil {
		if pathErr := (*fs.PathError)(nil); errors.As(err, &pathErr) {
			err = pathErr.Err // the error below has the path
		}
		return nil, fmt.Errorf("model %s: %w: want the folder of a pipeline or a wheel", path, err)
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("model %s: neither a directory nor a wheel: it is not a regular file", path)
	}
	if !info.IsDir() && pipeline.IsTar(path) {
		return nil, &TarError{path}
	}
	if !info.IsDir() {
		return OpenWheel(path)
	}
	dir, err := pipeline.Folder(path)
	if errors.Is(err, pipeline.ErrNoConfig) {
		dir, err = path, nil // OpenDir returns an error that names what is missing
	}
	if err != nil {
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return OpenDir(path, Path, dir)
}

// TarError is the error for a tar archive. Unlike a wheel it cannot be read in place, but it
// can be unpacked and installed.
type TarError struct{ path string }

func (e *TarError) Error() string {
	return fmt.Sprintf("model %s: a tar archive cannot be read in place; to unpack and install it: narwhal model add %[1]s", e.path)
}

// OpenDir opens the pipeline in the folder dir. It fails if a file is missing that every
// pipeline has.
func OpenDir(name string, origin Origin, dir string) (*Model, error) {
	m := &Model{Name: name, Origin: origin, Path: dir, files: pipeline.Dir(dir)}
	if err := pipeline.Check(m.files); err != nil {
		return nil, fmt.Errorf("model %s: %s: %w", name, dir, err)
	}
	return m, nil
}

// OpenWheel opens a wheel. The file stays open, because the model's files are read from it
// later.
func OpenWheel(path string) (*Model, error) {
	r, err := zip.OpenReader(path)
	if err != nil {
		return nil, fmt.Errorf("model %s: neither a directory nor a wheel nor a source archive (.tar.gz): %w", path, err)
	}
	f, err := pipeline.OpenZip(&r.Reader, nil)
	if err != nil {
		r.Close()
		return nil, fmt.Errorf("model %s: %w", path, err)
	}
	return &Model{Name: path, Origin: Path, Path: path, files: f}, nil
}

// openEmbedded opens the archive in the program. Its bytes are read-only pages of the
// program.
func openEmbedded(archive string) (*Model, error) {
	r, err := zip.NewReader(strings.NewReader(archive), int64(len(archive)))
	if err != nil {
		return nil, fmt.Errorf("the model in this program: %w", err)
	}
	f, err := pipeline.OpenZip(r, unsafe.Slice(unsafe.StringData(archive), len(archive)))
	if err != nil {
		return nil, fmt.Errorf("the model in this program: %w", err)
	}
	return &Model{Name: Default, Origin: Embedded, files: f}, nil
}
