package pipeline

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// index has the sizes of the files of an archive, by name. Wheels and tar archives have the
// same rules.
type index struct {
	sizes map[string]int64
	total int64
}

// add adds a file. It fails if the entry is not a regular file, if its name leads out of the
// archive or occurs twice, and if the archive has too many entries or bytes.
func (x *index) add(name string, size int64, regular bool) error {
	_, twice := x.sizes[name]
	switch {
	case !fs.ValidPath(name):
		return fmt.Errorf("the archive has an entry %q, which leads outside of it", name)
	case !regular:
		return fmt.Errorf("the archive's entry %q is not a file", name)
	case twice:
		return fmt.Errorf("the archive has two entries %q", name)
	case size < 0 || size > MaxSize-x.total:
		return fmt.Errorf("the archive unpacks to more than %d bytes", MaxSize)
	case len(x.sizes) == MaxEntries:
		return errEntries
	}
	if x.sizes == nil {
		x.sizes = map[string]int64{}
	}
	x.sizes[name] = size
	x.total += size
	return nil
}

var errEntries = fmt.Errorf("the archive has more than %d entries", MaxEntries)

// root returns the folder of the archive that has a config.cfg, and a tokenizer or a
// meta.json. (A tokenizer that does not work by rules has no such file.) The result ends
// with a slash, or is "" for the top of the archive. root returns ErrSpacy2 if there is a
// pipeline of spaCy 2 instead, another error that is ErrNotPipeline if there is nothing of
// the kind, and an error with the folders if there are several.
func (x *index) root() (string, error) {
	var found []string
	old := false
	for name := range x.sizes {
		dir, base := path.Split(name)
		_, ok := x.sizes[dir+"tokenizer"]
		_, meta := x.sizes[dir+"meta.json"]
		switch {
		case (ok || meta) && base == "config.cfg":
			found = append(found, dir)
		case ok && base == "meta.json":
			old = true
		}
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		for i, dir := range found {
			found[i] = path.Clean(dir)
		}
		slices.Sort(found)
		return "", fmt.Errorf("the archive has %d pipelines (%s): unpack it, and name the folder of one of them", len(found), strings.Join(found, ", "))
	case old:
		return "", ErrSpacy2
	}
	return "", fmt.Errorf("%w: the archive has no folder with a config.cfg, and a tokenizer or a meta.json", ErrNotPipeline)
}
