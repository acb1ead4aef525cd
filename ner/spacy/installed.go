package spacy

import "github.com/narwhal-server/narwhal/internal/model"

// Load opens a pipeline by its name, as spacy.load(name, exclude=[…]) does: the
// first of ./models/NAME, NAME in the folder in which narwhal model pull and add
// install ($XDG_DATA_HOME/narwhal/models), and /usr/share/narwhal/models/NAME.
// A path, which has a slash, is opened as by [Open].
func Load(nameOrPath string, exclude ...string) (*Pipeline, error) {
	m, err := model.Standard().Find(nameOrPath)
	if err != nil {
		return nil, err
	}
	opts := Options{Exclude: exclude}
	if m.Path == "" { // in this program
		return OpenFiles(m.Bytes, opts)
	}
	return Open(m.Path, opts)
}
