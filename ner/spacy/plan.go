package spacy

import (
	"fmt"
	"slices"
	"strings"
)

// component is one step of the pipeline.
type component struct {
	name    string // also its folder
	factory string

	// listensTo is the name of the tok2vec component whose vectors the model reads. It
	// is "" if the model has its own network.
	listensTo string
}

// plan is the list of components that matter to the entities, in the order in which
// the pipeline runs them. Their factories are ner, parser, senter, sentencizer and
// attribute_ruler. It does
// not contain tok2vec components: a component runs the one that it listens to.
type plan []component

// find returns the first component of a factory, or nil if there is none.
func (p plan) find(factory string) *component {
	i := slices.IndexFunc(p, func(c component) bool { return c.factory == factory })
	if i < 0 {
		return nil
	}
	return &p[i]
}

// harmless lists the factories whose components change neither entities nor sentence
// starts. Files of such components are not read.
var harmless = []string{
	"tagger", "morphologizer", "lemmatizer", "trainable_lemmatizer", "entity_linker",
	"textcat", "textcat_multilabel", "spancat", "spancat_singlelabel", "span_finder",
}

// refusals has the reasons why some factories cannot be run. For a factory that is not
// listed the error says that its effect is unknown.
var refusals = map[string]string{
	"entity_ruler":      "it sets entities by rules",
	"beam_ner":          "it searches with a beam, this package decodes greedily",
	"beam_parser":       "it searches with a beam, this package decodes greedily",
	"transformer":       "transformers need PyTorch",
	"merge_entities":    "it changes the tokens",
	"merge_noun_chunks": "it changes the tokens",
	"merge_subtokens":   "it changes the tokens",
	"token_splitter":    "it changes the tokens",
}

// plan returns the components to run. It returns an error that names the component if
// one cannot be run.
func (c config) plan(exclude []string) (plan, error) {
	if err := c.checkLanguage(); err != nil {
		return nil, err
	}
	active, err := c.active(exclude)
	if err != nil {
		return nil, err
	}
	// Only one component can do each of these things.
	finds := map[string]string{"ner": "entities", "parser": "sentences", "senter": "sentences", "sentencizer": "sentences"}
	var p plan
	for _, comp := range active {
		what := finds[comp.factory]
		if i := slices.IndexFunc(p, func(c component) bool { return what != "" && finds[c.factory] == what }); i >= 0 {
			return nil, fmt.Errorf("components %q and %q both find %s: exclude one", p[i].name, comp.name, what)
		}
		if what != "" || comp.factory == "attribute_ruler" {
			p = append(p, comp)
		}
	}
	if p.find("ner") == nil {
		return nil, fmt.Errorf("the pipeline has no component of factory ner: it finds no entities")
	}
	shared := ""
	for _, factory := range []string{"ner", "parser", "senter"} {
		comp := p.find(factory)
		if comp == nil {
			continue
		}
		if comp.listensTo, err = c.upstream(*comp, active); err != nil {
			return nil, err
		}
		if comp.listensTo == "" {
			continue
		}
		if shared != "" && shared != comp.listensTo {
			return nil, fmt.Errorf("components %q and %q listen to different tok2vec components: can run only one", p.find("ner").name, comp.name)
		}
		shared = comp.listensTo
		if err := c.checkTok2Vec("components." + shared + ".model"); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// noSents returns an error that says why no component finds sentences, or nil if one
// does.
func (c config) noSents(exclude []string) error {
	var names, disabled, why []string
	_, _ = c.get("nlp", "pipeline", &names) // plan has returned these errors
	_, _ = c.get("nlp", "disabled", &disabled)
	for _, name := range names {
		var factory string
		_, _ = c.get("components."+name, "factory", &factory)
		switch {
		case !slices.Contains([]string{"parser", "senter", "sentencizer"}, factory):
		case slices.Contains(exclude, name):
			why = append(why, fmt.Sprintf("%q is excluded", name))
		case slices.Contains(disabled, name):
			why = append(why, fmt.Sprintf("%q is disabled in config.cfg", name))
		default:
			return nil
		}
	}
	if why == nil {
		why = []string{"it has no parser, senter or sentencizer"}
	}
	return fmt.Errorf("the pipeline finds no sentences: %s", strings.Join(why, ", "))
}

// upstream checks the model of a parser, entity recognizer or senter. It returns the name
// of the tok2vec component that the model listens to, or "" if the model has its own
// network.
func (c config) upstream(comp component, active []component) (string, error) {
	name, err := c.checkModel(comp)
	if name == "" || err != nil {
		return "", err
	}
	last := "" // the last tok2vec component: "*" means this one
	for _, a := range active {
		if a.factory != "tok2vec" {
			continue
		}
		if a.name == name {
			return name, nil
		}
		last = a.name
	}
	if name != "*" || last == "" {
		return "", fmt.Errorf("component %q listens to %q, which is not in the pipeline or excluded", comp.name, name)
	}
	return last, nil
}

func (c config) checkLanguage() error {
	var lang string
	if _, err := c.get("nlp", "lang", &lang); err != nil {
		return err
	}
	if lang != "en" {
		return fmt.Errorf("the pipeline's language is %q: only English (\"en\") is implemented", lang)
	}
	if _, err := c.want("nlp.tokenizer", "@tokenizers", "spacy.Tokenizer.v1"); err != nil {
		return err
	}
	for _, hook := range []string{"before_creation", "after_creation", "after_pipeline_creation"} {
		if v := c["nlp"][hook]; v != "" && v != "null" || c["nlp."+hook] != nil {
			return fmt.Errorf("[nlp] %s calls Python code when the pipeline is made: cannot run it", hook)
		}
	}
	return nil
}

// active returns the components of the pipeline, without the disabled and the excluded
// ones. It fails if one of them could change entities and is not implemented.
func (c config) active(exclude []string) ([]component, error) {
	var names, disabled []string
	if _, err := c.get("nlp", "pipeline", &names); err != nil {
		return nil, err
	}
	if _, err := c.get("nlp", "disabled", &disabled); err != nil {
		return nil, err
	}
	for _, name := range exclude {
		if !slices.Contains(names, name) && !knownName(name) {
			return nil, fmt.Errorf("exclude %q: no such component; the pipeline has %s", name, strings.Join(names, ", "))
		}
	}
	var active []component
	for _, name := range names {
		var factory string
		if ok, err := c.get("components."+name, "factory", &factory); !ok {
			return nil, fmt.Errorf("component %q has no factory (%v)", name, err)
		}
		if slices.Contains(exclude, name) {
			if factory == "ner" {
				return nil, fmt.Errorf("exclude %q: it is the component that finds the entities", name)
			}
			continue
		}
		if slices.Contains(disabled, name) {
			continue
		}
		if err := c.checkFactory(name, factory); err != nil {
			return nil, err
		}
		active = append(active, component{name: name, factory: factory})
	}
	return active, nil
}

// knownName reports whether name is one that Exclude accepts although the pipeline has
// no such component: the name of a factory of spaCy. So the same command line works
// for all pipelines. Any other name is probably a typing error. (spaCy accepts any
// name.)
func knownName(name string) bool {
	_, refused := refusals[name]
	return refused || slices.Contains(harmless, name) ||
		slices.Contains([]string{"tok2vec", "parser", "senter", "sentencizer", "attribute_ruler", "span_ruler"}, name)
}

func (c config) checkFactory(name, factory string) error {
	switch factory {
	case "ner", "parser", "senter", "sentencizer", "tok2vec", "attribute_ruler":
		return nil // load checks the rules of an attribute_ruler
	case "span_ruler":
		var sets bool
		if _, err := c.get("components."+name, "annotate_ents", &sets); err != nil {
			return err
		}
		if !sets {
			return nil
		}
		return fmt.Errorf("component %q: annotate_ents lets its rules set entities: exclude it, or save the pipeline without it", name)
	}
	if slices.Contains(harmless, factory) {
		return nil
	}
	why := refusals[factory]
	if why == "" {
		why = "what it does to entities is unknown"
	}
	return fmt.Errorf("component %q (factory %s) cannot be run, %s: exclude it, or save the pipeline without it", name, factory, why)
}

// checkModel checks the architecture of a parser, entity recognizer or senter. It returns
// the name in the config of the component that the model listens to, which may be "*", or
// "" if the model has its own tok2vec.
func (c config) checkModel(comp component) (string, error) {
	section := "components." + comp.name + ".model"
	architecture := "spacy.TransitionBasedParser.v2"
	if comp.factory == "senter" {
		architecture = "spacy.Tagger.v2"
	} else if _, err := c.want(section, "state_type", comp.factory); err != nil {
		return "", err
	}
	if _, err := c.want(section, "@architectures", architecture); err != nil {
		return "", err
	}
	var name string
	if _, err := c.get(section+".tok2vec", "@architectures", &name); err != nil {
		return "", err
	}
	if name != "spacy.Tok2VecListener.v1" {
		return "", c.checkTok2Vec(section + ".tok2vec")
	}
	var upstream string
	ok, err := c.get(section+".tok2vec", "upstream", &upstream)
	if !ok && err == nil {
		upstream = "*"
	}
	return upstream, err
}

// checkTok2Vec checks the architecture of an embedding network. It ignores the numbers
// in the config (width, depth, rows, pieces): they are read from the model file.
func (c config) checkTok2Vec(section string) error {
	name, err := c.want(section, "@architectures", "spacy.Tok2Vec.v2", "spacy.HashEmbedCNN.v2")
	if err != nil || name == "spacy.HashEmbedCNN.v2" {
		return err
	}
	if _, err := c.want(section+".embed", "@architectures", "spacy.MultiHashEmbed.v2"); err != nil {
		return err
	}
	_, err = c.want(section+".encode", "@architectures", "spacy.MaxoutWindowEncoder.v2")
	return err
}
