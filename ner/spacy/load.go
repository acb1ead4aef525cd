package spacy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/narwhal-server/narwhal/internal/msgpack"
	"github.com/narwhal-server/narwhal/internal/pipeline"
	"github.com/narwhal-server/narwhal/ner"
	"github.com/narwhal-server/narwhal/ner/spacy/tokenizer"
)

// Open opens a pipeline. path is the folder that holds config.cfg, the folder of an
// installed package that contains that folder, or a wheel (.whl).
//
// Open maps the files into memory. They must not be changed in place while the
// pipeline is in use. To replace a pipeline, rename a new one over it.
func Open(path string, opts Options) (*Pipeline, error) {
	p, err := open(path, opts)
	if err != nil {
		return nil, fmt.Errorf("open pipeline %s: %w", path, err)
	}
	return p, nil
}

func open(path string, opts Options) (*Pipeline, error) {
	info, err := os.Stat(path)
	if err != nil {
		if errors.As(err, new(*os.PathError)) {
			err = errors.Unwrap(err) // Open adds the path to the error
		}
		return nil, err
	}
	if !info.IsDir() {
		if !info.Mode().IsRegular() { // opening a named pipe would wait for a writer
			return nil, errors.New("not a regular file")
		}
		if pipeline.IsTar(path) {
			return nil, errors.New("a tar archive cannot be read in place: unpack it, or install it with narwhal model add")
		}
		file, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer file.Close()
		m, err := mapFile(file)
		if err != nil {
			return nil, err
		}
		p, err := openBytes(m.data, opts)
		if err != nil {
			m.close()
			return nil, err
		}
		m.forget()
		p.close = m.close
		return p, nil
	}
	dir, err := pipeline.Folder(path)
	if err != nil {
		return nil, err
	}
	files := &folder{dir: dir}
	p, err := load(files.read, true, opts)
	if err != nil {
		files.close()
		return nil, err
	}
	files.forget()
	p.close = files.close
	return p, nil
}

// OpenBytes opens a wheel, or any zip file that holds a pipeline, in memory. Members
// that are stored without compression are used in place. So a program that embeds
// such a wheel, with go:embed into a []byte, shares its pages with all processes that
// run the same executable. wheel must not be written to.
func OpenBytes(wheel []byte, opts Options) (*Pipeline, error) {
	p, err := openBytes(wheel, opts)
	if err != nil {
		return nil, fmt.Errorf("open pipeline: %w", err)
	}
	return p, nil
}

func openBytes(wheel []byte, opts Options) (*Pipeline, error) {
	files, err := pipeline.ReadZip(wheel)
	if err != nil {
		return nil, err
	}
	return load(files.Bytes, false, opts)
}

// OpenFiles opens a pipeline whose files read returns. read gets a name relative to
// config.cfg, such as "ner/model". The bytes must not be written to. For a missing
// file read returns an error that is fs.ErrNotExist. Some files are read only when Analyze or
// Check first needs them. To open a pipeline in an fs.FS:
//
//	spacy.OpenFiles(func(name string) ([]byte, error) { return fs.ReadFile(fsys, name) }, opts)
//
// An embed.FS copies the files that it returns. [OpenBytes] uses an embedded pipeline
// in place.
func OpenFiles(read func(name string) ([]byte, error), opts Options) (*Pipeline, error) {
	p, err := load(read, false, opts)
	if err != nil {
		return nil, fmt.Errorf("open pipeline: %w", err)
	}
	return p, nil
}

// loader has the data that the steps of load share.
type loader struct {
	src     source
	config  config
	lang    string              // the code of the language
	cache   int                 // entries of each network's cache; negative: no cache
	vectors *vectors            // nil until a model that needs them is read
	shared  map[string]*tok2vec // those that a component listens to, by name
}

// load reads a pipeline. It checks config.cfg and the rules of attribute rulers before
// it reads the large files. hold says that no file can be opened after load.
func load(src source, hold bool, opts Options) (*Pipeline, error) {
	raw, err := src.read("config.cfg")
	if err != nil {
		return nil, err
	}
	cfg, err := parseConfig(raw)
	if err != nil {
		return nil, fmt.Errorf("config.cfg: %w", err)
	}
	plan, err := cfg.plan(opts.Exclude)
	if err != nil {
		return nil, fmt.Errorf("config.cfg: %w", err)
	}
	p := &Pipeline{noTokens: plan.noTokens, noSents: plan.noSents}
	if p.meta, err = loadMeta(src); err != nil {
		return nil, err
	}
	l := &loader{src: src, config: cfg, lang: plan.lang, cache: opts.CacheEntries, shared: map[string]*tok2vec{}}
	if l.cache == 0 {
		l.cache = defaultCacheEntries
	}
	for i, c := range plan.run {
		switch c.factory {
		case "attribute_ruler":
			err = l.checkRules(c.name)
		case "doc_cleaner":
			err = l.checkCleaner(c.name, plan.run[i+1:])
		}
		if err != nil {
			return nil, err
		}
	}
	for _, c := range plan.run {
		switch c.factory {
		case "parser":
			p.parser, err = l.parser(c)
			for j := range plan.annotate {
				if plan.annotate[j].name == c.name {
					plan.annotate[j].run = p.parser
				}
			}
		case "senter":
			p.senter, err = l.senter(cfg, c)
		case "sentencizer":
			p.sentencizer, err = l.sentencizer(c)
		case "ner":
			p.ner, err = l.recognizer(c)
			// What finds sentences after the recognizer changes no entity.
			p.sentences = p.parser != nil || p.senter != nil || p.sentencizer != nil
		}
		if err != nil {
			return nil, err
		}
	}
	if p.tokenizer, err = l.tokenizer(); err != nil {
		return nil, err
	}
	p.annotators = l.annotators(p, plan, opts.Exclude)
	if err := l.rulers(p, plan.run); err != nil {
		return nil, err
	}
	if hold {
		l.hold(p.annotators.list)
	}
	return p, nil
}

// rulers reads the components that find entities by rules.
func (l *loader) rulers(p *Pipeline, run []component) error {
	finders := 0 // the components that find entities
	for _, c := range run {
		if c.factory == "ner" || c.isRuler() {
			finders++
		}
	}
	list := &p.before
	for _, c := range run {
		if c.factory == "ner" {
			list = &p.after
		}
		if !c.isRuler() {
			continue
		}
		s, err := l.config.rulerSettings(c)
		if err != nil {
			return fmt.Errorf("config.cfg: %w", err)
		}
		r, err := l.ruler(c, s, p)
		if without := (*ruleError)(nil); errors.As(err, &without) && finders > 1 {
			err = fmt.Errorf("%w, or exclude %q", err, c.name)
		}
		if err != nil {
			return err
		}
		*list = append(*list, r)
		p.looking = p.looking || r.needs&ner.Annotations != 0
		p.looks = join(p.looks, r.looks)
	}
	return nil
}

const defaultCacheEntries = 4096

func loadMeta(src source) (Meta, error) {
	var m Meta
	raw, err := src.read("meta.json")
	if err != nil {
		return m, err
	}
	if err := json.Unmarshal(raw, &m); err != nil {
		return m, fmt.Errorf("meta.json: %w", err)
	}
	return m, nil
}

func (l *loader) tokenizer() (*tokenizer.Tokenizer, error) {
	rules, lookups, err := l.tokenizerFiles()
	if err != nil {
		return nil, err
	}
	return tokenizer.NewFor(l.lang, rules, lookups)
}

// tokenizerFiles reads the rules of the tokenizer, and the tables of the vocabulary. A
// pipeline that was saved with exclude=["vocab"] has no tables. spaCy then loads it with a
// vocabulary without tables.
func (l *loader) tokenizerFiles() (rules, lookups []byte, err error) {
	if rules, err = l.src.read("tokenizer"); err != nil {
		return nil, nil, err
	}
	lookups, ok, err := l.src.optional("vocab/lookups.bin")
	if ok && len(lookups) == 0 {
		err = fmt.Errorf("read vocab/lookups.bin: the file is empty")
	}
	return rules, lookups, err
}

func (l *loader) parser(c component) (*parserModel, error) {
	t, err := l.transition(c, &parserSystem)
	if err != nil {
		return nil, err
	}
	if i := slices.IndexFunc(t.classes, func(c class) bool { return c.label == "subtok" }); i >= 0 {
		return nil, fmt.Errorf("%s/moves: the parser joins tokens (label subtok): cannot run it", c.name)
	}
	return newParserModel(t), nil
}

func (l *loader) senter(cfg config, c component) (*senterModel, error) {
	var file struct{ Overwrite bool }
	if _, err := cfg.get("components."+c.name, "overwrite", &file.Overwrite); err != nil {
		return nil, fmt.Errorf("config.cfg: %w", err)
	}
	if data, ok, err := l.src.optional(c.name + "/cfg"); err != nil {
		return nil, err
	} else if ok {
		if err := json.Unmarshal(data, &file); err != nil {
			return nil, fmt.Errorf("%s/cfg: %w", c.name, err)
		}
	}
	m, err := l.tagModel(c, 2)
	return &senterModel{m, file.Overwrite}, err
}

func (l *loader) sentencizer(c component) (*sentencizer, error) {
	file := c.name + ".json"
	raw, err := l.src.read(file)
	if err != nil {
		return nil, err
	}
	z, err := newSentencizer(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return z, nil
}

func (l *loader) recognizer(c component) (*entityModel, error) {
	t, err := l.transition(c, &entitySystem)
	if err != nil {
		return nil, err
	}
	m := newEntityModel(t)
	if len(m.labels) == 0 {
		return nil, fmt.Errorf("%s/moves: no labels: the recognizer was not trained", c.name)
	}
	return m, nil
}

// upstream returns the network that a component listens to. It is nil if the component
// has its own.
func (l *loader) upstream(c component) (*tok2vec, error) {
	name := c.listensTo
	if name == "" || l.shared[name] != nil {
		return l.shared[name], nil
	}
	layers, err := l.model(name)
	if err != nil {
		return nil, err
	}
	t, err := newTok2Vec(layers, l.vectorsOf(name), l.cache)
	if err != nil {
		return nil, fmt.Errorf("%s/model: %w", name, err)
	}
	l.shared[name] = t
	return t, nil
}

// model returns the layers of a component's model. It also loads the word vectors if
// a layer uses them.
func (l *loader) model(name string) ([]layer, error) {
	raw, err := l.src.read(name + "/model")
	if err != nil {
		return nil, err
	}
	layers, err := parseModel(raw)
	if err != nil {
		return nil, fmt.Errorf("%s/model: %w", name, err)
	}
	isStatic := func(l layer) bool { return l.name == "static_vectors" }
	if l.vectors == nil && slices.ContainsFunc(layers, isStatic) {
		if l.vectors, err = loadVectors(l.src); err != nil {
			return nil, err
		}
	}
	return layers, nil
}

// vectorsOf returns the word vectors as the network of a component reads them.
func (l *loader) vectorsOf(name string) *vectors {
	if l.vectors == nil || !l.config.oldVectors(name) {
		return l.vectors
	}
	v := *l.vectors
	v.lastForUnknown = true
	return &v
}

// transition loads the model of a parser or entity recognizer, and the network that it
// listens to.
func (l *loader) transition(c component, sys *system) (*transition, error) {
	shared, err := l.upstream(c)
	if err != nil {
		return nil, err
	}
	if err := l.checkCfg(c.name); err != nil {
		return nil, err
	}
	raw, err := l.src.read(c.name + "/moves")
	if err != nil {
		return nil, err
	}
	classes, err := readMoves(raw, sys)
	if err != nil {
		return nil, fmt.Errorf("%s/moves: %w", c.name, err)
	}
	layers, err := l.model(c.name)
	if err != nil {
		return nil, err
	}
	t, err := newTransition(layers, classes, sys.slots, shared, l.vectorsOf(c.name), l.cache)
	if err != nil {
		return nil, fmt.Errorf("%s/model: %w", c.name, err)
	}
	return t, nil
}

// checkCfg returns an error if a component needs a decoder that this package does not
// have: a beam search, or a parser that joins tokens.
func (l *loader) checkCfg(name string) error {
	raw, err := l.src.read(name + "/cfg")
	if err != nil {
		return err
	}
	cfg := struct {
		BeamWidth   int  `json:"beam_width"`
		LearnTokens bool `json:"learn_tokens"`
	}{BeamWidth: 1}
	if err := json.Unmarshal(raw, &cfg); err != nil {
		return fmt.Errorf("%s/cfg: %w", name, err)
	}
	if cfg.BeamWidth != 1 {
		return fmt.Errorf("%s/cfg: beam_width %d is a beam search, and this package decodes greedily (beam_width 1): train %[1]q without a beam", name, cfg.BeamWidth)
	}
	if cfg.LearnTokens {
		return fmt.Errorf("%s/cfg: learn_tokens: the parser joins tokens, cannot run it", name)
	}
	return nil
}

// checkRules returns an error if a rule of an attribute_ruler sets an attribute that
// can change entities. Rules may set TAG, POS, MORPH, LEMMA and DEP, but not the DEP
// whose tokens merge_subtokens joins.
func (l *loader) checkRules(name string) error {
	file := name + "/patterns"
	raw, err := l.src.read(file)
	if err != nil {
		return err
	}
	c := msgpack.NewReader(raw)
	for range c.Array() {
		for range c.Map() {
			if string(c.Text()) != "attrs" {
				c.Skip()
				continue
			}
			for range c.Map() {
				key := string(c.Text())
				if c.Err() == nil && !slices.Contains([]string{"TAG", "POS", "MORPH", "LEMMA", "DEP"}, key) {
					return fmt.Errorf("%s: a rule sets %s, which can change entities: exclude %q, or save the pipeline without it", file, key, name)
				}
				left := c.Len()
				c.Skip()
				if value := raw[len(raw)-left : len(raw)-c.Len()]; key == "DEP" && bytes.HasSuffix(value, []byte("subtok")) {
					return fmt.Errorf("%s: a rule sets DEP to subtok, and merge_subtokens joins such tokens: exclude %q, or save the pipeline without it", file, name)
				}
			}
		}
		if c.Err() != nil {
			break
		}
	}
	if err := c.End(); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// checkCleaner returns an error if a doc_cleaner overwrites an attribute of the Doc that
// can change entities. later has the components that run after it.
func (l *loader) checkCleaner(name string, later []component) error {
	file := name + "/cfg"
	raw, err := l.src.read(file)
	if err != nil {
		return err
	}
	var cfg struct{ Attrs map[string]any }
	if err := json.Unmarshal(raw, &cfg); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	for _, attr := range slices.Sorted(maps.Keys(cfg.Attrs)) {
		reader := slices.IndexFunc(later, func(c component) bool { return c.listensTo != "" })
		switch {
		case attr == "tensor" && reader >= 0:
			return fmt.Errorf("%s: the component overwrites tensor, and %q after it reads the vectors there: exclude %q, or save the pipeline without it", file, later[reader].name, name)
		case slices.Contains([]string{"tensor", "cats", "sentiment", "user_data"}, attr), strings.HasPrefix(attr, "_."):
		default:
			return fmt.Errorf("%s: the component overwrites %s, which can change entities: exclude %q, or save the pipeline without it", file, attr, name)
		}
	}
	return nil
}
