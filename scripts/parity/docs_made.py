"""Makes small pipelines that annotate tokens in other ways than those of spaCy's authors, for
docs.sh.

    docs_made.py MODEL DIR

MODEL is en_core_web_sm. The pipelines in DIR are:

    morph    tagger, morphologizer, parser and recognizer that listen to one tok2vec, an
             attribute_ruler, and a lemmatizer with a lookup table. They are trained here for
             some steps, with labels that follow from the letters of words. The trees have arcs
             that cross.
    extend   the same with a morphologizer that only adds features, and runs last
    alone    without parser, with a tagger of its own network
    twice    MODEL with a second attribute_ruler, and a lookup lemmatizer that overwrites
"""

import pathlib
import random
import sys

import spacy
from spacy.training import Example

from train_data import sentence

LISTEN = {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "*"}
CNN = {"@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 32, "depth": 2,
       "embed_size": 500, "window_size": 1, "maxout_pieces": 3, "subword_features": True}
TAGS = ["NN", "VB", "_SP", "", "X-1"]
POS = ["NOUN", "VERB", "PROPN", "SPACE", "X", "ADJ"]
MORPHS = ["", "Number=Sing", "Number=Plur|Person=3", "Case=Acc,Nom|Number=Sing", "VerbForm=Inf"]
DEPS = ["nsubj", "dobj", "relcl", "punct", "a b"]
# Rules with several patterns, with tokens before and after, and with each attribute.
RULES = [
    {"patterns": [[{"TAG": "NN"}], [{"TAG": "X-1"}]], "attrs": {"MORPH": "B=2|A=y,x", "POS": "ADV"}, "index": 0},
    {"patterns": [[{"LOWER": "the"}, {"POS": {"IN": ["NOUN", "VERB"]}}]], "attrs": {"LEMMA": "The", "POS": "DET"}, "index": 0},
    {"patterns": [[{"LOWER": "the"}, {"IS_ALPHA": True, "OP": "*"}, {"IS_PUNCT": True}]], "attrs": {"TAG": "END", "DEP": "end"}, "index": -1},
    {"patterns": [[{"DEP": {"REGEX": "^(nsubj|a)"}}, {"LEMMA": ""}]], "attrs": {"LEMMA": "l"}, "index": 1},
    {"patterns": [[{"MORPH": "Number=Sing"}]], "attrs": {"MORPH": ""}, "index": 0},
    {"patterns": [[{"IS_SPACE": True}]], "attrs": {"POS": "SPACE", "TAG": "_SP"}, "index": 0},
]


def tree(rng, doc, starts):
    """Returns heads and labels: a random tree for each sentence, in which arcs may cross."""
    heads, deps = list(range(len(doc))), ["ROOT"] * len(doc)
    ends = starts[1:] + [len(doc)]
    for first, end in zip(starts, ends):
        order = list(range(first, end))
        rng.shuffle(order)
        for i, token in enumerate(order[1:], 1):
            near = sorted(order[:i], key=lambda t: abs(t - token))
            heads[token] = rng.choice(near[:3])
            deps[token] = DEPS[len(doc[token].text) % len(DEPS)]
    return heads, deps


def example(nlp, rng):
    text, starts = "", []
    for _ in range(rng.randint(1, 3)):
        if text:
            text += rng.choice([" ", "\n", "  "])
        one, _ = sentence(rng)
        starts.append(len(text))
        text += one
    doc = nlp.make_doc(text)
    first = [t.i for t in doc if t.idx in starts]
    heads, deps = tree(rng, doc, first)
    gold = spacy.tokens.Doc(
        nlp.vocab, words=[t.text for t in doc], spaces=[bool(t.whitespace_) for t in doc],
        tags=[TAGS[ord(t.text[-1]) % len(TAGS)] for t in doc],
        pos=[POS[ord(t.text[0]) % len(POS)] for t in doc],
        morphs=[MORPHS[(ord(t.text[0]) + len(t)) % len(MORPHS)] for t in doc],
        heads=heads, deps=deps)
    gold.ents = [spacy.tokens.Span(gold, t.i, t.i + 1, label="UPPER") for t in doc if t.text[0].isupper() and t.is_alpha][:3]
    return Example(doc, gold)


def lemmas(nlp, component):
    table = component.lookups.add_table("lemma_lookup")
    for word in ["number", "The", "mice", "was", "ran", "isn", "X", "naïve"]:
        table[word] = word + "-lemma"
    for word in ["is", "files"]:
        table[word] = [word + "-1", word + "-2"]
    component._validated = True


def train(nlp, rng):
    examples = [example(nlp, rng) for _ in range(100)]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(20):
        nlp.update(rng.sample(examples, 8), sgd=optimizer)


def tagging(model, **more):
    return {"model": {"@architectures": "spacy.Tagger.v2", "nO": None, "tok2vec": model}, **more}


def parsing(state, model):
    more = {"min_action_freq": 1} if state == "parser" else {}
    return {"model": {"@architectures": "spacy.TransitionBasedParser.v2", "state_type": state, "extra_state_tokens": False,
                      "hidden_width": 32, "maxout_pieces": 2, "use_upper": True, "nO": None, "tok2vec": model}, **more}


def morph(rng, extend):
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": CNN})
    nlp.add_pipe("tagger", config=tagging(LISTEN))
    nlp.add_pipe("parser", config=parsing("parser", LISTEN))
    nlp.add_pipe("morphologizer", config=tagging(LISTEN, overwrite=not extend, extend=extend))
    nlp.add_pipe("ner", config=parsing("ner", LISTEN))
    train(nlp, rng)
    where = {"before": "morphologizer"} if extend else {"after": "morphologizer"}
    nlp.add_pipe("attribute_ruler", **where).add_patterns(RULES)
    lemmas(nlp, nlp.add_pipe("lemmatizer", config={"mode": "lookup"}))
    return nlp


def alone(rng):
    nlp = spacy.blank("en")
    nlp.add_pipe("tagger", config=tagging(CNN, overwrite=True))
    nlp.add_pipe("ner", config=parsing("ner", CNN))
    train(nlp, rng)
    return nlp


def twice(model):
    nlp = spacy.load(model)
    nlp.add_pipe("attribute_ruler", name="more", after="attribute_ruler").add_patterns(RULES)
    lemmas(nlp, nlp.add_pipe("lemmatizer", name="again", config={"mode": "lookup", "overwrite": True}, before="ner"))
    return nlp


def main():
    model, out = sys.argv[1], pathlib.Path(sys.argv[2])
    spacy.util.fix_random_seed(7)
    rng = random.Random(7)
    morph(rng, False).to_disk(out / "morph")
    morph(rng, True).to_disk(out / "extend")
    alone(rng).to_disk(out / "alone")
    twice(model).to_disk(out / "twice")


if __name__ == "__main__":
    main()
