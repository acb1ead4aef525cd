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

	place int // among the components that run in spaCy

	// sents says that a component before this ruler finds sentences.
	sents bool
}

// isRuler reports whether a component that is planned to run finds entities by rules.
func (c component) isRuler() bool { return slices.Contains(rulerFactories, c.factory) }

// plan says how to run a pipeline.
type plan struct {
	lang string // the code of the language

	// run has the components to load, in the order of the pipeline. Their factories are
	// ner, parser, senter, sentencizer, attribute_ruler, doc_cleaner, and those of the
	// rulers that set entities. It does not contain tok2vec components: a component runs the one that it listens to.
	run []component

	// annotate has the components that set annotations, in the order of the pipeline.
	annotate []annotating

	noTokens error // why the tokens cannot be answered; nil: they can
	noSents  error // why the sentences cannot be answered; nil: they can
	noDoc    error // why Doc has no place for all that the pipeline finds; nil: it has
}

// findsSents lists the factories of the components that find sentences.
var findsSents = []string{"parser", "beam_parser", "senter", "sentencizer"}

// harmless lists the factories whose components change neither entities, nor tokens, nor
// sentence starts. Files of such components are not read. merge_subtokens joins tokens that
// the parser has labelled subtok, and this package runs no parser with that label. Only
// components that listen to a transformer read its vectors.
var harmless = []string{
	"tagger", "morphologizer", "lemmatizer", "trainable_lemmatizer", "entity_linker",
	"textcat", "textcat_multilabel", "spancat", "spancat_singlelabel", "span_finder",
	"merge_subtokens", "curated_transformer",
}

// retokenizes lists the factories whose components change the tokens, but no entity: after
// the recognizer. An entity keeps its text, its label and its offsets.
//
// merge_noun_chunks is not one of them: an entity that is a part of a noun chunk grows, or
// is lost.
var retokenizes = map[string]string{
	"merge_entities": "joins the tokens of each entity",
	"token_splitter": "splits long tokens",
}

// refusals has the reasons why some factories cannot be run. For a factory that is not
// listed the error says that its effect is unknown.
var refusals = map[string]string{
	"beam_ner":          "it finds entities with a beam search",
	"merge_noun_chunks": "it joins the tokens of noun chunks, which can change or remove entities",
}

// plan returns how to run the pipeline without the excluded components. If a component
// cannot be run and could change entities, it returns an error that names it.
func (c config) plan(exclude []string) (*plan, error) {
	lang, err := c.language()
	if err != nil {
		return nil, err
	}
	if err := c.checkHooks(); err != nil {
		return nil, err
	}
	active, err := c.active(exclude)
	if err != nil {
		return nil, err
	}
	at, err := c.recognizer(active, exclude)
	if err != nil {
		return nil, err
	}
	if at >= 0 {
		if active[at].listensTo, err = c.upstream(active[at], active[:at]); err != nil {
			return nil, err
		}
	}
	absent := c.noSents(exclude)
	p := &plan{lang: lang, noSents: absent, annotate: c.annotators(active), noDoc: c.noDoc(active)}
	var sents *component // what finds the sentences
	late := -1           // its place in p.run, if it is after the recognizer
	for i, comp := range active {
		after := i > at
		sets, err := c.setsEnts(comp)
		if err != nil {
			return nil, err
		}
		switch {
		case sets && p.noTokens != nil:
			return nil, fmt.Errorf("component %q (factory %s) finds entities by rules after another one has changed the tokens: %w", comp.name, comp.factory, p.noTokens)
		case sets:
			comp.sents = sents != nil
			p.run = append(p.run, comp)
		case i == at:
			p.run = append(p.run, comp)
		case slices.Contains(findsSents, comp.factory):
			comp.listensTo, err = c.upstream(comp, active[:i])
			switch {
			case sents != nil:
				err = fmt.Errorf("components %q and %q both find sentences: exclude one", sents.name, comp.name)
			case err != nil && !after:
				err = fmt.Errorf("%w; exclude %q to run the pipeline without its sentences", err, comp.name)
			}
			sents = &comp
			switch {
			case err == nil:
				if after {
					late = len(p.run)
				}
				p.run = append(p.run, comp)
			case after: // it changes no entity
				p.noSents = fmt.Errorf("the pipeline finds no sentences: %w", err)
			default:
				return nil, err
			}
		case comp.factory == "attribute_ruler" || comp.factory == "doc_cleaner": // load reads what they do
			p.run = append(p.run, comp)
		case retokenizes[comp.factory] != "":
			what := fmt.Sprintf("component %q (factory %s) %s", comp.name, comp.factory, retokenizes[comp.factory])
			if !after {
				return nil, fmt.Errorf("%s, before %q reads them: exclude %q, or save the pipeline without it", what, active[at].name, comp.name)
			}
			p.noTokens = fmt.Errorf("the pipeline's %s: exclude %q to get the tokens of the tokenizer", what, comp.name)
		default:
			if err := c.checkFactory(comp); err != nil {
				return nil, err
			}
		}
	}
	if p.noTokens != nil {
		p.noSents = p.noTokens
	}
	if p.noSents != nil && absent == nil {
		p.noDoc = p.noSents
	}
	if p.noSents != nil && late >= 0 && !slices.ContainsFunc(p.run[late:], component.isRuler) { // nobody gets its sentences, and no rule looks at them
		p.run = slices.Delete(p.run, late, late+1)
	}
	return p, nil
}

// recognizer returns the index of the entity recognizer, or -1 if only rulers find entities.
// It returns an error that says what the pipeline has instead if no component finds
// entities, or if the recognizer cannot be run.
func (c config) recognizer(active []component, exclude []string) (int, error) {
	at := -1
	for i, comp := range active {
		if comp.factory != "ner" {
			continue
		}
		if at >= 0 {
			return 0, fmt.Errorf("components %q and %q both find entities, and the entities of the first limit those of the second, which is not implemented: exclude one", active[at].name, comp.name)
		}
		at = i
	}
	if at >= 0 {
		return at, nil
	}
	for _, comp := range active {
		if sets, err := c.setsEnts(comp); sets || err != nil {
			return -1, err
		}
	}
	var names []string
	_, _ = c.get("nlp", "pipeline", &names) // active has returned this error
	for _, name := range names {
		var factory string
		_, _ = c.get("components."+name, "factory", &factory)
		switch {
		case factory != "ner":
		case slices.Contains(exclude, name):
			return 0, fmt.Errorf("exclude %q: it is the component that finds the entities", name)
		default:
			return 0, fmt.Errorf("component %q, which finds the entities, is disabled in config.cfg: save the pipeline after nlp.enable_pipe(%[1]q)", name)
		}
	}
	for _, comp := range active {
		switch comp.factory {
		case "beam_ner":
			return 0, fmt.Errorf("component %q (factory beam_ner) finds entities with a beam search, and this package decodes greedily: train a component of the factory ner", comp.name)
		case "spancat", "spancat_singlelabel":
			return 0, fmt.Errorf("component %q (factory %s) finds spans, which spaCy keeps in Doc.spans and not in Doc.ents, and no component of the factory ner finds entities: train one, with spacy init config --pipeline ner", comp.name, comp.factory)
		}
	}
	for _, comp := range active {
		if !knownName(comp.factory) {
			return 0, fmt.Errorf("component %q (factory %s) needs Python code, and no component of the factory ner and no ruler finds entities: train a recognizer, with spacy init config --pipeline ner", comp.name, comp.factory)
		}
	}
	for _, comp := range active {
		if comp.factory == "span_ruler" {
			return 0, fmt.Errorf("component %q (factory span_ruler) finds spans, which spaCy keeps in Doc.spans and not in Doc.ents: save the pipeline with annotate_ents = true in [components.%[1]s]", comp.name)
		}
	}
	return 0, fmt.Errorf("the pipeline has no component of the factory ner and no ruler, so it finds no entities: train a recognizer, with spacy init config --pipeline ner")
}

// noSents returns an error that says why no component finds sentences, or nil if one
// does.
func (c config) noSents(exclude []string) error {
	why := c.left(findsSents, exclude)
	if why == nil {
		return nil
	}
	if len(why) == 0 {
		why = []string{"it has no parser, senter or sentencizer"}
	}
	return fmt.Errorf("the pipeline finds no sentences: %s", strings.Join(why, ", "))
}

// left returns why no component of the factories is active: which are excluded or disabled,
// and nothing if there is none. It returns nil if one is active.
func (c config) left(factories, exclude []string) []string {
	var names, disabled []string
	_, _ = c.get("nlp", "pipeline", &names) // plan has returned these errors
	_, _ = c.get("nlp", "disabled", &disabled)
	why := []string{}
	for _, name := range names {
		var factory string
		_, _ = c.get("components."+name, "factory", &factory)
		switch {
		case !slices.Contains(factories, factory):
		case slices.Contains(exclude, name):
			why = append(why, fmt.Sprintf("%q is excluded", name))
		case slices.Contains(disabled, name):
			why = append(why, fmt.Sprintf("%q is disabled in config.cfg", name))
		default:
			return nil
		}
	}
	return why
}

// upstream checks the model of a component that has a network. It returns the name
// of the tok2vec component that the model listens to, or "" if the model has its own
// network. before has the components that run earlier.
//
// The last tok2vec component before the listener is the one, whatever name the listener
// has for it: spaCy reads Doc.tensor, which each tok2vec component overwrites.
func (c config) upstream(comp component, before []component) (string, error) {
	if comp.factory == "sentencizer" {
		return "", nil
	}
	if comp.factory == "beam_parser" {
		return "", fmt.Errorf("component %q (factory beam_parser) finds sentences with a beam search, and this package decodes greedily: train a component of the factory parser", comp.name)
	}
	name, err := c.checkModel(comp)
	if name == "" || err != nil {
		return "", err
	}
	for _, a := range slices.Backward(before) {
		if a.factory == "tok2vec" {
			return a.name, c.checkTok2Vec("components." + a.name + ".model")
		}
	}
	return "", fmt.Errorf("component %q listens to %q, which is not in the pipeline before it, or excluded", comp.name, name)
}

// checkHooks returns an error if Python code changes the pipeline when spaCy makes it.
func (c config) checkHooks() error {
	for _, hook := range []string{"before_creation", "after_creation", "after_pipeline_creation"} {
		if v := c["nlp"][hook]; v != "" && v != "null" || c["nlp."+hook] != nil {
			return fmt.Errorf("[nlp] %s calls Python code when the pipeline is made: cannot run it", hook)
		}
	}
	return nil
}

// active returns the components of the pipeline, without the disabled and the excluded
// ones.
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
		if !slices.Contains(exclude, name) && !slices.Contains(disabled, name) {
			active = append(active, component{name: name, factory: factory, place: len(active)})
		}
	}
	return active, nil
}

// knownName reports whether name is one that Exclude accepts although the pipeline has
// no such component: the name of a factory of spaCy. So the same command line works
// for all pipelines. Any other name is probably a typing error. (spaCy accepts any
// name.)
func knownName(name string) bool {
	return refusals[name] != "" || retokenizes[name] != "" || slices.Contains(harmless, name) || slices.Contains(findsSents, name) ||
		slices.Contains(rulerFactories, name) || slices.Contains([]string{"tok2vec", "attribute_ruler", "doc_cleaner", "transformer"}, name)
}

// checkFactory returns an error if a component could change entities.
func (c config) checkFactory(comp component) error {
	switch {
	case comp.factory == "tok2vec" || comp.factory == "span_ruler" || slices.Contains(harmless, comp.factory):
		return nil
	case comp.factory == "transformer":
		_, err := c.want("components."+comp.name+".set_extra_annotations", "@annotation_setters", "spacy-transformers.null_annotation_setter.v1")
		return err
	}
	why := refusals[comp.factory]
	if why == "" {
		why = "what it does to entities is unknown"
	}
	return fmt.Errorf("component %q (factory %s) cannot be run, because %s: exclude %[1]q, or save the pipeline without it", comp.name, comp.factory, why)
}

// checkModel checks the architecture of a component that has a network. It returns
// the name in the config of the component that the model listens to, which may be "*", or
// "" if the model has its own tok2vec.
func (c config) checkModel(comp component) (string, error) {
	section := "components." + comp.name + ".model"
	architectures := []string{"spacy.TransitionBasedParser.v2", "spacy.TransitionBasedParser.v1"}
	if slices.Contains([]string{"senter", "tagger", "morphologizer"}, comp.factory) {
		architectures = []string{"spacy.Tagger.v2", "spacy.Tagger.v1"}
	} else if _, err := c.want(section, "state_type", comp.factory); err != nil {
		return "", err
	}
	if _, err := c.architecture(section, architectures...); err != nil {
		return "", err
	}
	var more bool
	if _, err := c.get(section, "extra_state_tokens", &more); err != nil {
		return "", err
	}
	if more && comp.factory == "parser" {
		return "", fmt.Errorf("[%s] extra_state_tokens = true: only the entity recognizer can have it", section)
	}
	var name string
	if _, err := c.get(section+".tok2vec", "@architectures", &name); err != nil {
		return "", err
	}
	for _, library := range []string{"spacy-transformers.", "spacy-curated-transformers."} {
		if strings.HasPrefix(name, library) {
			return "", fmt.Errorf("component %q reads the vectors of a transformer ([%s.tok2vec] @architectures is %s), which needs PyTorch: use a pipeline with a convolutional network, such as en_core_web_lg, or train one with spacy init config --optimize efficiency",
				comp.name, section, name)
		}
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
// in the config (width, depth, rows, pieces): they are read from the model file. The networks
// of version 1 are those of spaCy 3.0 (package spacy-legacy). They compute the same as those
// of version 2, but for words without a vector (see oldVectors).
func (c config) checkTok2Vec(section string) error {
	network, err := c.architecture(section, "spacy.Tok2Vec.v2", "spacy.HashEmbedCNN.v2", "spacy.Tok2Vec.v1", "spacy.HashEmbedCNN.v1")
	if err != nil || strings.HasPrefix(network, "spacy.HashEmbedCNN.") {
		return err
	}
	if _, err := c.architecture(section+".embed", "spacy.MultiHashEmbed.v2", "spacy.CharacterEmbed.v2", "spacy.MultiHashEmbed.v1", "spacy.CharacterEmbed.v1"); err != nil {
		return err
	}
	var encoder string
	if _, err = c.get(section+".encode", "@architectures", &encoder); err == nil && strings.HasPrefix(encoder, "spacy.MishWindowEncoder.") {
		return fmt.Errorf("[%s.encode] @architectures is %s: it does not pad texts, so in spaCy the answers for a text depend on the other texts of its batch: train with spacy.MaxoutWindowEncoder.v2", section, encoder)
	}
	// Tok2Vec takes only an encoder of its own version, because in version 1 Tok2Vec itself pads.
	version := strings.TrimPrefix(network, "spacy.Tok2Vec")
	_, err = c.architecture(section+".encode", "spacy.MaxoutWindowEncoder"+version)
	return err
}

// oldVectors reports whether the network of a component has the layer StaticVectors.v1.
func (c config) oldVectors(name string) bool {
	model := "components." + name + ".model"
	for _, section := range []string{model, model + ".embed", model + ".tok2vec", model + ".tok2vec.embed"} {
		var network string
		_, _ = c.get(section, "@architectures", &network) // checkTok2Vec has returned this error
		if slices.Contains([]string{"spacy.HashEmbedCNN.v1", "spacy.MultiHashEmbed.v1", "spacy.CharacterEmbed.v1"}, network) {
			return true
		}
	}
	return false
}

// annotators returns the components that set annotations. One that cannot be run has the
// error.
func (c config) annotators(active []component) []annotating {
	var list []annotating
	for i, comp := range active {
		sets := annotatorSets[comp.factory]
		if sets == 0 {
			continue
		}
		a := annotating{component: comp, sets: sets}
		if comp.factory == "tagger" || comp.factory == "morphologizer" {
			a.listensTo, a.err = c.upstream(comp, active[:i])
			if j := cleanerOf(active[:i], a.listensTo); a.err == nil && j != "" {
				a.err = fmt.Errorf("component %q (factory doc_cleaner) can clear the vectors that %q reads: exclude %[1]q", j, comp.name)
			}
			if a.err != nil {
				a.err = fmt.Errorf("config.cfg: %w", a.err)
			}
		}
		list = append(list, a)
	}
	return list
}

// cleanerOf returns the name of a doc_cleaner after the tok2vec component with that name, or
// "" if there is none.
func cleanerOf(before []component, tok2vec string) string {
	for _, b := range slices.Backward(before) {
		switch {
		case tok2vec == "" || b.name == tok2vec:
			return ""
		case b.factory == "doc_cleaner":
			return b.name
		}
	}
	return ""
}

// setsMore has what the components of some factories set in spaCy's Doc that ner.Doc has no
// place for.
var setsMore = map[string]string{
	"textcat": "Doc.cats", "textcat_multilabel": "Doc.cats", "spancat": "Doc.spans", "spancat_singlelabel": "Doc.spans",
	"span_finder": "Doc.spans", "span_ruler": "Doc.spans",
}

// noDoc returns an error if a component sets something that ner.Doc has no place for.
func (c config) noDoc(active []component) error {
	for _, comp := range active {
		if what := setsMore[comp.factory]; what != "" {
			return fmt.Errorf("component %q (factory %s) sets %s, which is not implemented: exclude %[1]q", comp.name, comp.factory, what)
		}
	}
	return nil
}
