package spacy

import "github.com/narwhal-server/narwhal/internal/model"

// Load opens a pipeline by its name, as spacy.load(name, exclude=[…]) does. It opens
// the first of these that exists:
//
//	./models/NAME
//	$XDG_DATA_HOME/narwhal/models/NAME   (default ~/.local/share), where
//	                                     narwhal model pull and add install
//	/usr/share/narwhal/models/NAME
//	en_core_web_sm in the program, if the program was built with it
//
// An argument with a slash, or that ends in .whl, is a path. Load opens it like
// [Open].
func Load(nameOrPath string, exclude ...string) (*Pipeline, error) {
	m, err := model.Standard().Find(nameOrPath)
	if err != nil {
		return nil, err
	}
	opts := Options{Exclude: exclude}
	if m.Path == "" { // the pipeline is a part of this program
		return OpenFiles(m.Bytes, opts)
	}
	return Open(m.Path, opts)
}
