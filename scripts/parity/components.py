"""Makes pipelines with other components and other networks than en_core_web_sm, for components.sh.

    components.py MODEL DIR

MODEL is en_core_web_sm. The pipelines in DIR are:

    after     MODEL with merge_entities, token_splitter, doc_cleaner and merge_subtokens after
              the recognizer: they change tokens, but no entity
    two       a senter and a recognizer that listen to two tok2vec components
    crossed   the same, and the recognizer names the first tok2vec component, but reads the
              vectors of the second one, because it runs later
    window    a recognizer with window_size = 2 and three maxout pieces in its state
    flat      a recognizer without upper layer and without maxout, and four pieces in its encoder
    extra     a recognizer with extra_state_tokens, one piece and a wide hidden layer
    chars     a recognizer with CharacterEmbed
    all       a recognizer with the settings of window, flat and extra
    novocab   MODEL, saved without its vocabulary
    rules     a sentencizer, an entity_ruler and a span_ruler, and no recognizer
    version1  what older.py makes: networks of version 1 with word vectors, without vectors.cfg
    chars1    what older.py makes: version 1 of CharacterEmbed

Those from two to all, and the last two, are small pipelines that are trained here for some steps.
"""

import pathlib
import random
import sys

import spacy

import older
from sents import example


def after(model):
    nlp = spacy.load(model, exclude=["senter", "attribute_ruler", "lemmatizer"])
    nlp.add_pipe("merge_entities")
    nlp.add_pipe("token_splitter", config={"min_length": 9, "split_length": 4})
    nlp.add_pipe("doc_cleaner")
    nlp.add_pipe("merge_subtokens")
    return nlp


def rules():
    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("entity_ruler").add_patterns([
        {"label": "NAME", "pattern": [{"IS_TITLE": True}, {"IS_TITLE": True, "OP": "+"}], "id": "name"},
        {"label": "NUMBER", "pattern": [{"LIKE_NUM": True}, {"LOWER": {"IN": ["files", "bytes", "lines", "times"]}}]},
        {"label": "SYSTEM", "pattern": "Debian", "id": "debian"},
        {"label": "SYSTEM", "pattern": "GNU/Linux", "id": "linux"},
    ])
    spans = nlp.add_pipe("span_ruler", config={"annotate_ents": True, "overwrite": False, "phrase_matcher_attr": "LOWER"})
    spans.add_patterns([{"label": "LANGUAGE", "pattern": "python", "id": "py"}, {"label": "PARENS", "pattern": [{"ORTH": "("}, {"OP": "{1,3}"}, {"ORTH": ")"}]}])
    return nlp


def network(window=1, pieces=3):
    return {"@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 32, "depth": 3,
            "embed_size": 500, "window_size": window, "maxout_pieces": pieces, "subword_features": True}


def characters():
    return {"@architectures": "spacy.Tok2Vec.v2",
            "embed": {"@architectures": "spacy.CharacterEmbed.v2", "width": 32, "rows": 500, "nM": 12, "nC": 7,
                      "include_static_vectors": False, "feature": "LOWER"},
            "encode": {"@architectures": "spacy.MaxoutWindowEncoder.v2", "width": 32, "depth": 2, "window_size": 1, "maxout_pieces": 3}}


def listener(upstream):
    return {"@architectures": "spacy.Tok2VecListener.v1", "width": 32, "upstream": upstream}


def add_recognizer(nlp, tok2vec, extra=False, hidden=32, pieces=2, upper=True):
    nlp.add_pipe("ner", config={"model": {
        "@architectures": "spacy.TransitionBasedParser.v2", "state_type": "ner", "extra_state_tokens": extra,
        "hidden_width": hidden, "maxout_pieces": pieces, "use_upper": upper, "nO": None, "tok2vec": tok2vec}})


def train(nlp):
    rng = random.Random(7)
    examples = [example(nlp, rng) for _ in range(200)]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(40):
        nlp.update(rng.sample(examples, 16), sgd=optimizer)
    return nlp


def two(upstream):
    nlp = spacy.blank("en")
    nlp.add_pipe("tok2vec", name="first", config={"model": network()})
    nlp.add_pipe("senter", config={"model": {"@architectures": "spacy.Tagger.v2", "nO": None, "tok2vec": listener("*")}})
    nlp.add_pipe("tok2vec", name="second", config={"model": network(pieces=2)})
    add_recognizer(nlp, listener(upstream))
    return train(nlp)


def alone(tok2vec, **settings):
    nlp = spacy.blank("en")
    add_recognizer(nlp, tok2vec, **settings)
    return train(nlp)


def main():
    model, out = sys.argv[1], pathlib.Path(sys.argv[2])
    spacy.util.fix_random_seed(7)
    after(model).to_disk(out / "after")
    two("*").to_disk(out / "two")
    two("first").to_disk(out / "crossed")
    alone(network(window=2), pieces=3).to_disk(out / "window")
    alone(network(pieces=4), pieces=1, upper=False).to_disk(out / "flat")
    alone(network(), pieces=1, extra=True, hidden=300).to_disk(out / "extra")
    alone(characters()).to_disk(out / "chars")
    alone(network(window=3, pieces=5), pieces=4, extra=True, upper=False).to_disk(out / "all")
    spacy.load(model).to_disk(out / "novocab", exclude=["vocab"])
    rules().to_disk(out / "rules")
    older.version1().to_disk(out / "version1")
    (out / "version1" / "vocab" / "vectors.cfg").unlink()
    older.chars().to_disk(out / "chars1")


if __name__ == "__main__":
    main()
