"""Makes pipelines that find sentences without a parser, for sents.sh.

    sents.py MODEL DIR

MODEL is en_core_web_sm with its disabled senter. The pipelines in DIR are:

    senter       MODEL with its senter instead of its parser
    sentencizer  MODEL with a sentencizer before the entity recognizer, instead of the parser
    rules        the same with other punct_chars after the entity recognizer, which changes
                 no entity
    listener     a small pipeline whose senter and recognizer listen to one tok2vec; it is
                 trained here for some steps
"""

import pathlib
import random
import sys

import spacy
from spacy.training import Example

from train_data import sentence

SMALL = {"tok2vec": {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": "*"}}


def without_parser(model, *more):
    return spacy.load(model, exclude=["tok2vec", "tagger", "parser", "attribute_ruler", "lemmatizer", *more])


def example(nlp, rng):
    """Returns a text of some sentences with their starts and entities."""
    text, starts, ents = "", [], []
    for _ in range(rng.randint(1, 5)):
        if text:
            text += rng.choice([" ", "\n", "  "])
        one, found = sentence(rng)
        starts.append(len(text))
        ents += [(len(text) + a, len(text) + b, label) for a, b, label in found]
        text += one
    doc = nlp.make_doc(text)
    for token in doc:
        token.is_sent_start = token.idx in starts
    doc.ents = [s for s in (doc.char_span(*e) for e in ents) if s]
    return Example(nlp.make_doc(text), doc)


def listener():
    rng = random.Random(7)
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", config={"model": {
        "@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 32, "depth": 3,
        "embed_size": 500, "window_size": 1, "maxout_pieces": 3, "subword_features": True}})
    nlp.add_pipe("senter", config={"model": {"@architectures": "spacy.Tagger.v2", "nO": None, **SMALL}})
    nlp.add_pipe("ner", config={"model": {
        "@architectures": "spacy.TransitionBasedParser.v2", "state_type": "ner", "extra_state_tokens": False,
        "hidden_width": 32, "maxout_pieces": 2, "use_upper": True, "nO": None, **SMALL}})
    examples = [example(nlp, rng) for _ in range(300)]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(60):
        nlp.update(rng.sample(examples, 20), sgd=optimizer)
    return nlp


def main():
    model, out = sys.argv[1], pathlib.Path(sys.argv[2])
    spacy.util.fix_random_seed(7)

    nlp = without_parser(model)
    nlp.enable_pipe("senter")
    nlp.to_disk(out / "senter")

    nlp = without_parser(model, "senter")
    nlp.add_pipe("sentencizer", before="ner")
    nlp.to_disk(out / "sentencizer")

    nlp = without_parser(model, "senter")
    nlp.add_pipe("sentencizer", config={"punct_chars": [".", "...", ";", ")", "and"]})
    nlp.to_disk(out / "rules")

    listener().to_disk(out / "listener")


if __name__ == "__main__":
    main()
