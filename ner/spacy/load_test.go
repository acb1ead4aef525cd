package spacy

import (
	"bytes"
	"errors"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tinylib/msgp/msgp"

	"github.com/narwhal-server/narwhal/ner"
)

// edit replaces old by new in a file. It fails the test if the file does not have old.
func edit(t *testing.T, files map[string][]byte, name, old, new string) {
	t.Helper()
	if !bytes.Contains(files[name], []byte(old)) {
		t.Fatalf("%s has no %q", name, old)
	}
	files[name] = bytes.Replace(files[name], []byte(old), []byte(new), 1)
}

// addComponent adds a component to the pipeline, before the recognizer.
func addComponent(t *testing.T, files map[string][]byte, name, factory, settings string) {
	t.Helper()
	edit(t, files, "config.cfg", `"ner"]`, `"`+name+`","ner"]`)
	files["config.cfg"] = append(files["config.cfg"], "\n[components."+name+"]\nfactory = \""+factory+"\"\n"+settings+"\n"...)
}

// addComponentLast adds a component to the pipeline, after the recognizer.
func addComponentLast(t *testing.T, files map[string][]byte, name, factory string) {
	t.Helper()
	edit(t, files, "config.cfg", `"ner"]`, `"ner","`+name+`"]`)
	files["config.cfg"] = append(files["config.cfg"], "\n[components."+name+"]\nfactory = \""+factory+"\"\n"...)
}

// addFiles adds files: a name and a content in turn.
func addFiles(files map[string][]byte, more []string) {
	for i := 0; i < len(more); i += 2 {
		files[more[i]] = []byte(more[i+1])
	}
}

// TestRefusals checks that opening a pipeline that cannot be run fails with an error
// that names the cause.
func TestRefusals(t *testing.T) {
	withLayers := func(change func([]node) []node) func(*testing.T, map[string][]byte) {
		return func(t *testing.T, files map[string][]byte) {
			files["ner/model"] = encodeNodes(change(small.parserNodes(rand.New(rand.NewPCG(1, 0)), entitySlots, 10)))
		}
	}
	param := func(layer, nth int, name string, shape ...int) func(*testing.T, map[string][]byte) {
		return withLayers(func(nodes []node) []node {
			nodes[layer+nth].params[name] = random(rand.New(rand.NewPCG(1, 1)), shape...)
			return nodes
		})
	}
	set := func(name, old, new string) func(*testing.T, map[string][]byte) {
		return func(t *testing.T, files map[string][]byte) { edit(t, files, name, old, new) }
	}
	add := func(name, factory, settings string, more ...string) func(*testing.T, map[string][]byte) {
		return func(t *testing.T, files map[string][]byte) {
			addComponent(t, files, name, factory, settings)
			addFiles(files, more)
		}
	}
	addLast := func(name, factory string, more ...string) func(*testing.T, map[string][]byte) {
		return func(t *testing.T, files map[string][]byte) {
			addComponentLast(t, files, name, factory)
			addFiles(files, more)
		}
	}
	for _, c := range []struct {
		name   string
		change func(*testing.T, map[string][]byte)
		want   string
	}{
		{"no language", set("config.cfg", `lang =`, `long =`), `config.cfg: the pipeline's language is "", which spaCy 3.8 does not have`},
		{"another tokenizer", set("config.cfg", "disabled", "tokenizer = {\"@tokenizers\":\"spacy.ja.JapaneseTokenizer\"}\ndisabled"), "[nlp.tokenizer] @tokenizers is spacy.ja.JapaneseTokenizer: can run only spacy.Tokenizer.v1"},
		{"a callback", set("config.cfg", "disabled", "after_creation = {\"@callbacks\":\"x\"}\ndisabled"), "[nlp] after_creation calls Python code"},
		{"a transformer", set("config.cfg", `"spacy.Tok2Vec.v2"`, `"spacy-transformers.TransformerListener.v1"`), `component "ner" reads the vectors of a transformer ([components.ner.model.tok2vec] @architectures is spacy-transformers.TransformerListener.v1), which needs PyTorch: use a pipeline with a convolutional network, such as en_core_web_lg, or train one with spacy init config --optimize efficiency`},
		{"a curated transformer", set("config.cfg", `"spacy.Tok2Vec.v2"`, `"spacy-curated-transformers.LastTransformerLayerListener.v1"`), `component "ner" reads the vectors of a transformer`},
		{"a transformer that calls code", add("trf", "transformer", "set_extra_annotations = {\"@annotation_setters\":\"mine.v1\"}"), `[components.trf.set_extra_annotations] @annotation_setters is mine.v1: can run only`},
		{"a parser with a transformer", add("deps", "parser", "[components.deps.model.tok2vec]\n@architectures = \"spacy-transformers.TransformerListener.v1\"\n"), `component "deps" reads the vectors of a transformer`},
		{"a parser with a transformer: what to do", add("deps", "parser", "[components.deps.model.tok2vec]\n@architectures = \"spacy-transformers.TransformerListener.v1\"\n"), `; exclude "deps" to run the pipeline without its sentences`},
		{"a parser with more tokens", add("deps", "parser", "[components.deps.model]\nextra_state_tokens = true\n"), "[components.deps.model] extra_state_tokens = true: only the entity recognizer can have it"},
		{"a beam for sentences", add("deps", "beam_parser", ""), `component "deps" (factory beam_parser) finds sentences with a beam search, and this package decodes greedily`},
		{"merged entities", add("merge", "merge_entities", ""), `component "merge" (factory merge_entities) joins the tokens of each entity, before "ner" reads them: exclude "merge"`},
		{"split tokens", add("split", "token_splitter", ""), `component "split" (factory token_splitter) splits long tokens, before "ner" reads them`},
		{"merged noun chunks", add("merge", "merge_noun_chunks", ""), `component "merge" (factory merge_noun_chunks) cannot be run, because it joins the tokens of noun chunks, which can change or remove entities: exclude "merge"`},
		{"merged noun chunks at last", addLast("merge", "merge_noun_chunks"), `component "merge" (factory merge_noun_chunks) cannot be run`},
		{"rules without settings", addLast("ruler", "entity_ruler"), "read ruler/cfg: "},
		{"rules without a file", addLast("ruler", "entity_ruler", "ruler/cfg", "{}"), "read ruler/patterns.jsonl: "},
		{"a rule that is no JSON", addLast("ruler", "entity_ruler", "ruler.jsonl", "\n{\"label\":}"), "ruler.jsonl: line 2: "},
		{"a rule for tags", addLast("ruler", "entity_ruler", "ruler.jsonl", `{"label":"A","pattern":[{"TAG":"NN"}]}`), `component "ruler": its rules have TAG, for which spaCy fails: the pipeline finds no tags: it has no tagger: save the pipeline without these rules, or exclude "ruler"`},
		{"a rule for tags, and no other finds entities", func(t *testing.T, files map[string][]byte) {
			addLast("ruler", "entity_ruler", "ruler.jsonl", `{"label":"A","pattern":[{"TAG":"NN"}]}`)(t, files)
			edit(t, files, "config.cfg", `disabled = []`, `disabled = ["ner"]`)
		}, `it has no tagger: save the pipeline without these rules` + "\n"},
		{"a pointer of Git LFS", func(_ *testing.T, files map[string][]byte) {
			files["ner/model"] = []byte("version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 2\n")
		}, "read ner/model: it is a pointer of Git LFS, not the file: in the repository run git lfs pull"},
		{"vectors that were not saved", func(t *testing.T, files map[string][]byte) {
			s := small
			s.vectors = 5
			clear(files)
			for name, data := range s.files(t, 1) {
				if !strings.HasPrefix(name, "vocab/") {
					files[name] = data
				}
			}
		}, "the network needs the word vectors in vocab: save the pipeline without exclude=[\"vocab\"]"},
		{"phrases by lemma", add("ruler", "span_ruler", "annotate_ents = true\nphrase_matcher_attr = \"LEMMA\"", "ruler/patterns", `{"label":"A","pattern":"a b"}`), `component "ruler": its rules have LEMMA, for which spaCy fails: the pipeline finds no lemmas: it has no lemmatizer: save the pipeline without these rules, or exclude "ruler"`},
		{"phrases by a bad attribute", add("ruler", "entity_ruler", "", "ruler/cfg", `{"phrase_matcher_attr":[1]}`), "ruler/cfg: phrase_matcher_attr is [1], want the name of an attribute"},
		{"a filter of its own", add("ruler", "span_ruler", "annotate_ents = true\nents_filter = {\"@misc\":\"mine.v1\"}"), "[components.ruler.ents_filter] @misc is mine.v1: can run only spacy.first_longest_spans_filter.v1, spacy.prioritize_existing_ents_filter.v1, spacy.prioritize_new_ents_filter.v1"},
		{"a fuzzy comparison of its own", add("ruler", "entity_ruler", "matcher_fuzzy_compare = {\"@misc\":\"mine.v1\"}"), "[components.ruler.matcher_fuzzy_compare] @misc is mine.v1: can run only spacy.levenshtein_compare.v1"},
		{"a rule that validate refuses", add("ruler", "future_entity_ruler", "validate = true", "ruler/patterns", `{"label":"A","pattern":[{"PREFIX":"a"}]}`), `ruler/patterns: line 1: token 1 of the pattern: PREFIX is "a", which spaCy refuses because of validate = true`},
		{"rules after merged tokens", func(t *testing.T, files map[string][]byte) {
			addLast("ruler", "entity_ruler")(t, files)
			edit(t, files, "config.cfg", `"ner","ruler"`, `"ner","merge","ruler"`)
			files["config.cfg"] = append(files["config.cfg"], "[components.merge]\nfactory = \"merge_entities\"\n"...)
		}, `component "ruler" (factory entity_ruler) finds entities by rules after another one has changed the tokens: the pipeline's component "merge" (factory merge_entities) joins the tokens of each entity: exclude "merge"`},
		{"own code at last", addLast("mine", "my_factory"), `component "mine" (factory my_factory) cannot be run, because what it does to entities is unknown`},
		{"two sources of sentences", func(t *testing.T, files map[string][]byte) {
			add("one", "senter", "")(t, files)
			add("two", "sentencizer", "")(t, files)
		}, `components "one" and "two" both find sentences: exclude one`},
		{"a senter without model", add("senter", "senter", ""), "read senter/model: "},
		{"another tagger", add("senter", "senter", "[components.senter.model]\n@architectures = \"spacy.Tagger.v3\""), "[components.senter.model] @architectures is spacy.Tagger.v3: can run only spacy.Tagger.v2, spacy.Tagger.v1"},
		{"a model of another component", func(t *testing.T, files map[string][]byte) {
			add("senter", "senter", "")(t, files)
			files["senter/model"] = files["ner/model"]
		}, "senter/model: no layer softmax: not a model of Tagger.v2"},
		{"a sentencizer without file", add("rules", "sentencizer", ""), "read rules.json: "},
		{"a sentencizer without rules", func(t *testing.T, files map[string][]byte) {
			add("rules", "sentencizer", "")(t, files)
			files["rules.json"] = []byte(`{"overwrite":false}`)
		}, "rules.json: it has no punct_chars"},
		{"a broken sentencizer", func(t *testing.T, files map[string][]byte) {
			add("rules", "sentencizer", "")(t, files)
			files["rules.json"] = []byte(`{"punct_chars":"."}`)
		}, "rules.json: json: "},
		{"own code", add("mine", "my_factory", ""), `component "mine" (factory my_factory) cannot be run, because what it does to entities is unknown`},
		{"two recognizers", add("ner2", "ner", ""), `components "ner2" and "ner" both find entities, and the entities of the first limit those of the second, which is not implemented: exclude one`},
		{"a disabled recognizer", set("config.cfg", `disabled = []`, `disabled = ["ner"]`), `component "ner", which finds the entities, is disabled in config.cfg: save the pipeline after nlp.enable_pipe("ner")`},
		{"a beam only", set("config.cfg", `factory = "ner"`, `factory = "beam_ner"`), `component "ner" (factory beam_ner) finds entities with a beam search, and this package decodes greedily: train a component of the factory ner`},
		{"spans only", set("config.cfg", `factory = "ner"`, `factory = "spancat"`), `component "ner" (factory spancat) finds spans, which spaCy keeps in Doc.spans and not in Doc.ents, and no component of the factory ner finds entities: train one`},
		{"own code only", set("config.cfg", `factory = "ner"`, `factory = "llm"`), `component "ner" (factory llm) needs Python code, and no component of the factory ner and no ruler finds entities: train a recognizer`},
		{"rules for spans, and own code", func(t *testing.T, files map[string][]byte) {
			addLast("mine", "my_factory")(t, files)
			edit(t, files, "config.cfg", `factory = "ner"`, `factory = "span_ruler"`)
		}, `component "mine" (factory my_factory) needs Python code, and no component`},
		{"rules for spans only", set("config.cfg", `factory = "ner"`, `factory = "span_ruler"`), `component "ner" (factory span_ruler) finds spans, which spaCy keeps in Doc.spans and not in Doc.ents: save the pipeline with annotate_ents = true in [components.ner]`},
		{"a component without section", set("config.cfg", `"ner"]`, `"tagger","ner"]`), `component "tagger" has no factory`},
		{"no recognizer", set("config.cfg", `["ner"]`, `[]`), "the pipeline has no component of the factory ner and no ruler, so it finds no entities: train a recognizer"},
		{"a listener to nothing", set("config.cfg", `"spacy.Tok2Vec.v2"`, "\"spacy.Tok2VecListener.v1\"\nupstream = \"tok2vec\""), `component "ner" listens to "tok2vec", which is not in the pipeline before it, or excluded`},
		{"another architecture", set("config.cfg", "TransitionBasedParser.v2", "TransitionBasedParser.v3"), "[components.ner.model] @architectures is spacy.TransitionBasedParser.v3: can run only spacy.TransitionBasedParser.v2, spacy.TransitionBasedParser.v1"},
		{"another embedding", set("config.cfg", "MultiHashEmbed.v2", "MultiHashEmbed.v3"), "[components.ner.model.tok2vec.embed] @architectures is spacy.MultiHashEmbed.v3: can run only spacy.MultiHashEmbed.v2, spacy.CharacterEmbed.v2, "},
		{"an encoder of another version", set("config.cfg", "Tok2Vec.v2", "Tok2Vec.v1"), "[components.ner.model.tok2vec.encode] @architectures is spacy.MaxoutWindowEncoder.v2: can run only spacy.MaxoutWindowEncoder.v1"},
		{"mish", set("config.cfg", "MaxoutWindowEncoder.v2", "MishWindowEncoder.v2"), "[components.ner.model.tok2vec.encode] @architectures is spacy.MishWindowEncoder.v2: it does not pad texts"},
		{"another encoder", set("config.cfg", "MaxoutWindowEncoder.v2", "TorchBiLSTMEncoder.v1"), "[components.ner.model.tok2vec.encode] @architectures is spacy.TorchBiLSTMEncoder.v1"},
		{"not a config", set("config.cfg", "[nlp]", "[nope]"), "config.cfg: no section [nlp]"},
		{"a beam", set("ner/cfg", `"beam_width":1`, `"beam_width":8`), "ner/cfg: beam_width 8 is a beam search, and this package decodes greedily"},
		{"joined tokens", set("ner/cfg", "false", "true"), "ner/cfg: learn_tokens"},
		{"bad meta", set("meta.json", "{", "["), "meta.json: "},
		{"more labels than outputs", func(t *testing.T, files map[string][]byte) {
			files["ner/moves"] = movesOf(`{"1":{"A":1},"5":{"":1}}`)
		}, "ner/model: layer 3 (linear): W has shape [10 6], want [2 6] (the moves file makes 2 classes)"},
		{"no labels", func(t *testing.T, files map[string][]byte) {
			files["ner/moves"] = movesOf(`{"5":{"":1}}`)
			files["ner/model"] = encodeNodes(small.parserNodes(rand.New(rand.NewPCG(1, 0)), entitySlots, 1))
		}, "ner/moves: no labels"},
		{"a parser's state", func(t *testing.T, files map[string][]byte) {
			files["ner/model"] = encodeNodes(small.parserNodes(rand.New(rand.NewPCG(1, 0)), 8, 10))
		}, "ner/model: layer 2 (precomputable_affine): the model looks at 8 tokens, can run [3 6]"},
		{"scores without an upper layer", withLayers(func(n []node) []node { n[3] = node{name: "noop"}; return n }), "ner/model: the model has 6 scores and no upper layer (use_upper = false), and the moves file makes 10 classes"},
		{"no upper layer", withLayers(func(n []node) []node { delete(n[0].refs, "upper"); return n }), "ner/model: no upper layer linear: not a model of TransitionBasedParser.v2"},
		{"a reference to nowhere", withLayers(func(n []node) []node { n[0].refs["lower"] = 99; return n }), "ner/model: no lower layer"},
		{"lower width", param(2, 0, "W", 3, 6, 2, 5), "layer 2 (precomputable_affine): W has shape [3 6 2 5], want [any any any 7]"},
		{"lower bias", param(2, 0, "b", 6, 3), "layer 2 (precomputable_affine): b has shape [6 3], want [6 2]"},
		{"pad", param(2, 0, "pad", 1, 3, 2, 6), "layer 2 (precomputable_affine): pad has shape"},
		{"too many pieces", func(t *testing.T, files map[string][]byte) {
			s := small
			s.pieces = 4
			files["ner/model"] = encodeNodes(s.parserNodes(rand.New(rand.NewPCG(1, 0)), entitySlots, 10))
		}, "(maxout): 4 pieces: the layer that mixes the embeddings can have 1 to 3"},
		{"an unknown layer", withLayers(func(n []node) []node { return append(n, node{name: "mish"}) }), `is of the unknown kind "mish"`},
		{"an unknown column", withLayers(func(n []node) []node { n[7].attrs["columns"] = []string{"NORM", "LEMMA"}; return n }), `column "LEMMA": can embed only NORM,`},
		{"a column out of range", withLayers(func(n []node) []node { n[12].attrs["column"] = 2; return n }), "layer 12 (hashembed): column 2 of 2"},
		{"no window", withLayers(func(n []node) []node { n[16].attrs["window_size"] = 0; return n }), "layer 16 (expand_window): window_size 0: can run 1 to 64"},
		{"two windows", withLayers(func(n []node) []node { n[16].attrs["window_size"] = 2; return n }), "window_size 1, and 2 in an earlier layer: can run only one size"},
		{"a wrong pad", withLayers(func(n []node) []node { n[6].attrs["pad"] = 3; return n }), "layer 6: pad 3 (<nil>) around 2 layers of window_size 1: want 2"},
		{"no pad", withLayers(func(n []node) []node { n[6].attrs["pad"] = 0; return n }), "layer 6: pad 0 (<nil>) around 2 layers of window_size 1: want 2"},
		{"no residuals", withLayers(func(n []node) []node { n[15].name = "chain>>x"; return n }), "not a MaxoutWindowEncoder"},
		{"untrained", withLayers(func(n []node) []node { n[9].params = nil; return n }), "layer 9 (maxout) has no W"},
		{"a table of another width", withLayers(func(n []node) []node {
			n[14].params["E"] = random(rand.New(rand.NewPCG(1, 0)), 20, 9)
			return n
		}), "layer 14 (hashembed): E has shape [20 9], want [any 8]"},
		{"a table without rows", withLayers(func(n []node) []node { n[14].params["E"] = tensor{shape: []int{0, 8}}; return n }), "layer 14 (hashembed): no rows"},
		{"a layernorm of another width", withLayers(func(n []node) []node {
			n[10].params["G"] = random(rand.New(rand.NewPCG(1, 0)), 9)
			return n
		}), "layer 10 (layernorm): G has shape [9], want [8]"},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := small.files(t, 1)
			c.change(t, files)
			_, err := openFiles(files, Options{})
			if err == nil || !strings.Contains(err.Error()+"\n", c.want) || !strings.HasPrefix(err.Error(), "open pipeline: ") {
				t.Errorf("error %v, want …%s…", err, c.want)
			}
		})
	}
}

// TestMissingAndCutFiles checks that opening fails if one of the files that are read is
// missing or cut short.
func TestMissingAndCutFiles(t *testing.T) {
	s := small
	s.listen, s.parser, s.vectors = true, true, 5
	whole := s.files(t, 1)
	if _, err := openFiles(whole, Options{}); err != nil {
		t.Fatal(err)
	}
	for name := range whole {
		files := s.files(t, 1)
		delete(files, name)
		_, err := openFiles(files, Options{})
		if name == "vocab/lookups.bin" || name == "vocab/vectors.cfg" { // saved with exclude=["vocab"], or by spaCy 3.1
			if err != nil {
				t.Errorf("without %s: %v", name, err)
			}
		} else if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
		if name == "config.cfg" { // a part of it may be another valid config
			continue
		}
		for _, n := range []int{0, 1, len(whole[name]) / 2, len(whole[name]) - 1} {
			files[name] = whole[name][:n]
			if _, err := openFiles(files, Options{}); err == nil {
				t.Errorf("%s cut to %d of %d bytes: no error", name, n, len(whole[name]))
			}
		}
	}
}

// TestExclude checks which names Exclude accepts and what it changes.
func TestExclude(t *testing.T) {
	open := func(change func(files map[string][]byte), exclude ...string) (*Pipeline, error) {
		s := small
		s.listen, s.parser = true, true
		files := s.files(t, 1)
		if change != nil {
			change(files)
		}
		return openFiles(files, Options{Exclude: exclude})
	}
	p, err := open(nil)
	if err != nil || p.parser == nil || !p.sentences {
		t.Fatalf("whole pipeline: %v", err)
	}
	p, err = open(func(files map[string][]byte) { delete(files, "parser/model") }, "parser")
	if err != nil || p.parser != nil || p.sentences {
		t.Errorf("without parser: %v", err)
	}
	if doc, err := p.Analyze(t.Context(), "One. Two.", 0); err != nil || doc.Sents != nil || len(doc.Tokens) != 4 {
		t.Errorf("without parser: %v, %v", doc, err)
	}
	if _, err := p.Analyze(t.Context(), "One. Two.", ner.Sents); err == nil || err != p.Check(ner.Sents) {
		t.Errorf("sentences without parser: %v, Check(Sents) says %v", err, p.Check(ner.Sents))
	}
	if _, err = open(nil, "tagger", "senter", "attribute_ruler", "lemmatizer"); err != nil {
		t.Errorf("spaCy's other components, which this pipeline lacks: %v", err)
	}
	for exclude, want := range map[string]string{
		"ner":     `exclude "ner": it is the component that finds the entities`,
		"parsr":   `exclude "parsr": no such component; the pipeline has tok2vec, parser, ner`,
		"tok2vec": `component "ner" listens to "*", which is not in the pipeline before it, or excluded`,
	} {
		if _, err := open(nil, exclude); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("exclude %s: %v, want %s", exclude, err, want)
		}
	}
	ruler := func(files map[string][]byte) { addComponent(t, files, "ruler", "entity_ruler", "") }
	if _, err := open(ruler, "ruler"); err != nil {
		t.Errorf("a component that cannot be run, excluded: %v", err)
	}
	off := func(files map[string][]byte) {
		ruler(files)
		edit(t, files, "config.cfg", "disabled = []", `disabled = ["ruler"]`)
	}
	if _, err := open(off); err != nil {
		t.Errorf("a component that cannot be run, disabled: %v", err)
	}
}

// TestParserAfterNer has a parser after the recognizer. Analyze then returns the
// parser's sentences, and they do not change entities.
func TestParserAfterNer(t *testing.T) {
	s := small
	s.parser = true
	files := s.files(t, 2)
	edit(t, files, "config.cfg", `["parser","ner"]`, `["ner","parser"]`)
	after, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := openFiles(files, Options{Exclude: []string{"parser"}})
	if err != nil {
		t.Fatal(err)
	}
	const text = "Tim Cook isn't in Paris, he is there. Or she? They don't care."
	doc, err := after.Analyze(t.Context(), text, ner.Sents)
	if err != nil || len(doc.Sents) == 0 {
		t.Fatalf("%d sentences, %v", len(doc.Sents), err)
	}
	want, err := alone.Entities(t.Context(), text)
	if err != nil || len(want) == 0 || len(want) != len(doc.Ents) {
		t.Errorf("entities %v, without parser %v, %v", doc.Ents, want, err)
	}
}

// TestExcludeOneOfTwoRecognizers follows the advice of the error.
func TestExcludeOneOfTwoRecognizers(t *testing.T) {
	files := small.files(t, 1)
	addComponentLast(t, files, "second", "ner")
	if _, err := openFiles(files, Options{Exclude: []string{"second"}}); err != nil {
		t.Errorf("the first one: %v", err)
	}
	if _, err := openFiles(files, Options{Exclude: []string{"ner"}}); err == nil || !strings.Contains(err.Error(), "second/cfg") {
		t.Errorf("the second one, which has no files: %v", err)
	}
}

// TestAfterNer has components after the recognizer that change no entity. What they change
// is not answered, and the error names them.
func TestAfterNer(t *testing.T) {
	const text = "Tim Cook isn't in Paris, he is there. Or she? They don't care."
	for _, c := range []struct {
		name, factory, tokens, sents string
	}{
		{"merge", "merge_entities", `the pipeline's component "merge" (factory merge_entities) joins the tokens of each entity: exclude "merge" to get the tokens of the tokenizer`, ""},
		{"split", "token_splitter", `the pipeline's component "split" (factory token_splitter) splits long tokens: exclude "split"`, ""},
		{"sub", "merge_subtokens", "", ""},
		{"senter2", "senter", "", `the pipeline finds no sentences: components "parser" and "senter2" both find sentences: exclude one`},
		{"deps", "beam_parser", "", `the pipeline finds no sentences: components "parser" and "deps" both find sentences: exclude one`},
		{"transformer", "curated_transformer", "", ""},
	} {
		s := small
		s.parser = true
		files := s.files(t, 2)
		alone, err := openFiles(files, Options{})
		if err != nil {
			t.Fatal(err)
		}
		addComponentLast(t, files, c.name, c.factory)
		p, err := openFiles(files, Options{})
		if err != nil {
			t.Errorf("%s: %v", c.factory, err)
			continue
		}
		got, err := p.Entities(t.Context(), text)
		want, _ := alone.Entities(t.Context(), text)
		if err != nil || !slices.Equal(got, want) || len(want) == 0 {
			t.Errorf("%s: entities %v, %v, want %v", c.factory, got, err, want)
		}
		has := func(err error, want string) bool {
			return (err == nil) == (want == "") && (err == nil || strings.Contains(err.Error(), want))
		}
		if c.sents == "" {
			c.sents = c.tokens
		}
		_, err = p.Analyze(t.Context(), text, 0)
		if !has(p.Check(0), c.tokens) || !has(err, c.tokens) {
			t.Errorf("%s: Check(0) %v, Analyze %v, want %s", c.factory, p.Check(0), err, c.tokens)
		}
		_, err = p.Analyze(t.Context(), text, ner.Sents)
		if !has(p.Check(ner.Sents), c.sents) || !has(err, c.sents) {
			t.Errorf("%s: Check(Sents) %v, Analyze %v, want %s", c.factory, p.Check(ner.Sents), err, c.sents)
		}
		if p, err = openFiles(files, Options{Exclude: []string{c.name}}); err != nil || p.Check(0) != nil || p.Check(ner.Sents) != nil {
			t.Errorf("%s, excluded: %v", c.factory, err)
		}
	}
}

// TestDocCleaner checks which attributes of a Doc a doc_cleaner may overwrite.
func TestDocCleaner(t *testing.T) {
	s := small
	s.listen = true
	for _, c := range []struct {
		last  bool
		attrs string
		want  string
	}{
		{true, `{"tensor":null,"_.trf_data":null}`, ""},
		{true, `{"ents":[]}`, `clean/cfg: the component overwrites ents, which can change entities: exclude "clean"`},
		{true, `{"user_hooks.sents":null}`, `clean/cfg: the component overwrites user_hooks.sents`},
		{false, `{"tensor":null}`, `clean/cfg: the component overwrites tensor, and "ner" after it reads the vectors there: exclude "clean"`},
		{false, `{"cats":{}}`, ""},
	} {
		files := s.files(t, 1)
		if c.last {
			addComponentLast(t, files, "clean", "doc_cleaner")
		} else {
			addComponent(t, files, "clean", "doc_cleaner", "")
		}
		files["clean/cfg"] = []byte(`{"attrs":` + c.attrs + `,"silent":true}`)
		_, err := openFiles(files, Options{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("attrs %s, last %v: %v, want %s", c.attrs, c.last, err, c.want)
		}
	}
}

// TestTwoNetworks has a parser and a recognizer that listen to two tok2vec components.
func TestTwoNetworks(t *testing.T) {
	s := small
	s.listen, s.parser = true, true
	files := s.files(t, 1)
	edit(t, files, "config.cfg", `"ner"]`, `"tok2vec2","ner"]`)
	files["config.cfg"] = append(files["config.cfg"], "\n[components.tok2vec2]\nfactory = \"tok2vec\"\n"...)
	files["tok2vec2/model"] = encodeNodes(s.tok2vecNodes(rand.New(rand.NewPCG(3, 0))))
	p, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.networks()) != 2 || p.ner.tok2vec == p.parser.tok2vec {
		t.Fatal("the components listen to one network")
	}
	// Each component computes what it computes in a pipeline with only its network.
	const text = "Tim Cook isn't in Paris, he is there. Or she? They don't care."
	got, err := p.Analyze(t.Context(), text, ner.Sents)
	if err != nil {
		t.Fatal(err)
	}
	files["config.cfg"] = bytes.Replace(files["config.cfg"], []byte(`"tok2vec2","ner"]`), []byte(`"ner"]`), 1)
	first, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if want, err := first.Analyze(t.Context(), text, ner.Sents); err != nil || !slices.Equal(got.Sents, want.Sents) {
		t.Errorf("sentences %v, want %v, %v", got.Sents, want.Sents, err)
	}
	files["tok2vec/model"] = files["tok2vec2/model"]
	second, err := openFiles(files, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(p.Labels(), second.Labels()) || p.ner.tok2vec.encoder[0].gain[0] != second.ner.tok2vec.encoder[0].gain[0] {
		t.Error("the recognizer does not listen to the second network")
	}
}

// TestHarmlessComponents checks that files of harmless components are not needed.
func TestHarmlessComponents(t *testing.T) {
	files := small.files(t, 1)
	addComponent(t, files, "tagger", "tagger", "")
	addComponent(t, files, "my_lemmas", "lemmatizer", "")
	addComponent(t, files, "spans", "span_ruler", "annotate_ents = false")
	if _, err := openFiles(files, Options{}); err != nil {
		t.Error(err)
	}
}

// TestAttributeRuler checks which rules of an attribute_ruler are accepted: those that
// set no norm, sentence start or entity.
func TestAttributeRuler(t *testing.T) {
	value := "X"
	rule := func(attr string) []byte {
		b := msgp.AppendArrayHeader(nil, 1)
		b = msgp.AppendMapHeader(b, 3)
		b = msgp.AppendArrayHeader(msgp.AppendString(b, "patterns"), 0)
		b = msgp.AppendMapHeader(msgp.AppendString(b, "attrs"), 1)
		b = msgp.AppendString(msgp.AppendString(b, attr), value)
		return msgp.AppendInt(msgp.AppendString(b, "index"), 0)
	}
	files := small.files(t, 1)
	addComponent(t, files, "rules", "attribute_ruler", "")
	files["rules/patterns"] = rule("TAG")
	if _, err := openFiles(files, Options{}); err != nil {
		t.Errorf("a rule that sets TAG: %v", err)
	}
	files["rules/patterns"] = rule("NORM")
	if _, err := openFiles(files, Options{}); err == nil || !strings.Contains(err.Error(), `rules/patterns: a rule sets NORM, which can change entities: exclude "rules"`) {
		t.Errorf("a rule that sets NORM: %v", err)
	}
	value = "subtok"
	files["rules/patterns"] = rule("DEP")
	if _, err := openFiles(files, Options{}); err == nil || !strings.Contains(err.Error(), `rules/patterns: a rule sets DEP to subtok`) {
		t.Errorf("a rule that sets DEP to subtok: %v", err)
	}
	files["rules/patterns"] = []byte("\xc1")
	if _, err := openFiles(files, Options{}); err == nil {
		t.Error("rules that cannot be read: no error")
	}
	if _, err := openFiles(files, Options{Exclude: []string{"rules"}}); err != nil {
		t.Errorf("excluded rules: %v", err)
	}
}

// BenchmarkOpen measures the time to open a pipeline and to get a first answer.
func BenchmarkOpen(b *testing.B) {
	dir := modelDir(b)
	best := 1e9
	for b.Loop() {
		before := b.Elapsed()
		p, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		if _, err := p.Entities(b.Context(), "Tim Cook visited Paris on Monday."); err != nil {
			b.Fatal(err)
		}
		best = min(best, (b.Elapsed() - before).Seconds())
		p.Close()
	}
	b.ReportMetric(best*1e3, "best-ms")
}
