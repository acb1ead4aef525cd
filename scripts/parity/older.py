"""Makes pipelines with an older spaCy, for older.sh, which runs it with that spaCy.

    older.py DIR

The pipelines in DIR are trained here for some steps:

    efficiency  tok2vec, tagger, morphologizer, parser and recognizer as spacy init config writes
                them, an attribute_ruler, and a lemmatizer with a lookup table
    accuracy    the same with word vectors
    default     an entity_ruler, and a senter and a recognizer with the networks that they have
                without a config
    version1    tagger, parser and recognizer with a network each, of the architectures of
                version 1 and with word vectors, and an attribute_ruler
    chars       a recognizer with version 1 of CharacterEmbed
"""

import pathlib
import random
import sys

import numpy
import spacy
from spacy.cli.init_config import init_config
from spacy.tokens import Doc, Span
from spacy.training import Example
from spacy.util import load_model_from_config
from spacy.vectors import Vectors

import invented
from docs_made import DEPS, MORPHS, POS, RULES, TAGS, lemmas
from train_data import ANIMAL, FOOD, HOUSE, KEEPER, sentence

HASHES = {"@architectures": "spacy.MultiHashEmbed.v1", "width": 32, "attrs": ["NORM", "PREFIX", "SUFFIX", "SHAPE"],
          "rows": [500, 300, 300, 200], "include_static_vectors": True}
CHARS = {"@architectures": "spacy.CharacterEmbed.v1", "width": 32, "rows": 500, "nM": 12, "nC": 7, "include_static_vectors": False}
CNN = {"@architectures": "spacy.HashEmbedCNN.v1", "pretrained_vectors": True, "width": 32, "depth": 2,
       "embed_size": 500, "window_size": 1, "maxout_pieces": 3, "subword_features": True}


def add_vectors(nlp):
    """Gives a vector to half of the words that the corpus often has."""
    words = set(" ".join(ANIMAL + FOOD + HOUSE + KEEPER + invented.FIRST + invented.FRAMES).split())
    words |= {w for w in nlp.Defaults.stop_words} | {"file", "option", "package", "string", "Debian", ",", "."}
    words = sorted(words)[::2]
    for word in words:
        nlp.vocab.strings.add(word)
    # A table that set_vector makes ends with rows of zeros. Here the last row is that of a word.
    nlp.vocab.vectors = Vectors(data=numpy.random.RandomState(7).normal(size=(len(words), 20)).astype("f"), keys=words)


def names(doc):
    """Returns entities of up to three words that begin with an upper case letter."""
    spans, at = [], 0
    while at < len(doc):
        end = at
        while end < min(len(doc), at + 3) and doc[end].is_title:
            end += 1
        if end > at:
            spans.append(Span(doc, at, end, label="NAME"))
        at = max(end, at + 1)
    return spans


def example(nlp, rng):
    """Returns some sentences. All that is to be found in them follows from the letters of words,
    so that the networks soon decide clearly."""
    text, starts = "", []
    for _ in range(rng.randint(1, 3)):
        starts.append(len(text))
        text += sentence(rng)[0] + " "
    doc = nlp.make_doc(text)
    heads, deps, first = [], [], 0
    for t in doc:
        if t.idx in starts:
            first = t.i
        heads.append(first if ord(t.text[0]) % 2 else max(first, t.i - 1))
        deps.append("ROOT" if t.i == first else DEPS[len(t) % len(DEPS)])
    gold = Doc(nlp.vocab, words=[t.text for t in doc], spaces=[bool(t.whitespace_) for t in doc],
               tags=[TAGS[ord(t.text[-1]) % len(TAGS)] for t in doc],
               pos=[POS[ord(t.text[0]) % len(POS)] for t in doc],
               morphs=[MORPHS[(ord(t.text[0]) + len(t)) % len(MORPHS)] for t in doc], heads=heads, deps=deps)
    gold.ents = names(gold)
    return Example(doc, gold)


def train(nlp):
    rng = random.Random(7)
    examples = [example(nlp, rng) for _ in range(60)]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01  # few steps must be enough
    for _ in range(40):
        nlp.update(rng.sample(examples, 8), sgd=optimizer)
    return nlp


def shrink(section):
    """Makes the networks of a config small: they need not be good, and training takes long."""
    for key, value in section.items():
        if isinstance(value, dict):
            shrink(value)
        elif key in ("width", "hidden_width"):
            section[key] = 32
        elif key == "depth":
            section[key] = 2


def configured(optimize):
    config = init_config(lang="en", pipeline=["tagger", "morphologizer", "parser", "ner"], optimize=optimize, gpu=False)
    config["initialize"]["vectors"] = None
    shrink(config["components"])
    config["components"]["parser"]["min_action_freq"] = 1
    nlp = load_model_from_config(config, auto_fill=True)
    if optimize == "accuracy":
        add_vectors(nlp)
    train(nlp)
    nlp.add_pipe("attribute_ruler", before="ner").add_patterns(RULES)
    lemmas(nlp, nlp.add_pipe("lemmatizer", before="ner", config={"mode": "lookup"}))
    return nlp


def default():
    nlp = spacy.blank("en")
    nlp.add_pipe("senter")
    nlp.add_pipe("ner")
    train(nlp)
    nlp.add_pipe("entity_ruler", before="ner").add_patterns([
        {"label": "NUMBER", "pattern": [{"LIKE_NUM": True}, {"LOWER": {"IN": ["files", "bytes", "lines", "times"]}}]},
        {"label": "SYSTEM", "pattern": "Debian", "id": "debian"}])
    return nlp


def tok2vec(embed):
    return {"@architectures": "spacy.Tok2Vec.v1", "embed": embed,
            "encode": {"@architectures": "spacy.MaxoutWindowEncoder.v1", "width": 32, "depth": 2, "window_size": 1, "maxout_pieces": 3}}


def transitions(state, network):
    return {"model": {"@architectures": "spacy.TransitionBasedParser.v1", "state_type": state, "extra_state_tokens": False,
                      "hidden_width": 32, "maxout_pieces": 2, "use_upper": True, "nO": None, "tok2vec": network}}


def version1():
    nlp = spacy.blank("en")
    add_vectors(nlp)
    nlp.add_pipe("tagger", config={"model": {"@architectures": "spacy.Tagger.v1", "nO": None, "tok2vec": CNN}})
    nlp.add_pipe("parser", config={"min_action_freq": 1, **transitions("parser", CNN)})
    nlp.add_pipe("ner", config=transitions("ner", tok2vec(HASHES)))
    train(nlp)
    nlp.add_pipe("attribute_ruler", before="ner").add_patterns(RULES)
    return nlp


def chars():
    nlp = spacy.blank("en")
    nlp.add_pipe("ner", config=transitions("ner", tok2vec(CHARS)))
    return train(nlp)


def main():
    out = pathlib.Path(sys.argv[1])
    out.mkdir(parents=True, exist_ok=True)
    spacy.util.fix_random_seed(7)
    configured("efficiency").to_disk(out / "efficiency")
    configured("accuracy").to_disk(out / "accuracy")
    default().to_disk(out / "default")
    version1().to_disk(out / "version1")
    chars().to_disk(out / "chars")


if __name__ == "__main__":
    main()
