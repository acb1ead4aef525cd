"""Asks real spaCy for everything that the parity test compares.

    reference.py MODEL CORPUS OUT [--processes 2] [--exclude NAME,…]

Each process writes one file: OUT.0, OUT.1, … stream.go reads them. Little-endian:

    "narwhal parity 1\n", uint32 length, header (JSON)
    then for each text:
      uint32 index in the corpus, uint32 tokens n, uint32 entities e, uint32 entities without sentences x
      n × uint32 start, n × uint32 length (code points)
      n × uint8  1 = a blank follows, 2 = white space, 4 = first of a sentence
      n × uint64 ORTH, the same of NORM, PREFIX, SUFFIX, SHAPE
      e × 3 × uint32 start, end (code points), index of the label in the header
      x × 3 × uint32
"""

import argparse
import itertools
import json
import multiprocessing
import os
import struct
import sys
import unicodedata

for variable in ("OMP_NUM_THREADS", "BLIS_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy
import spacy
import thinc
from spacy.attrs import LENGTH, NORM, ORTH, PREFIX, SHAPE, SUFFIX
from spacy.pipeline.tok2vec import Tok2VecListener


def unassigned():
    """Returns the code points that this Python's tables do not know, as ranges."""
    ranges, start = [], None
    for c in range(0x110001):
        unknown = c < 0x110000 and unicodedata.category(chr(c)) == "Cn"
        if unknown and start is None:
            start = c
        elif not unknown and start is not None:
            ranges.append([start, c])
            start = None
    return ranges


def finders(nlp):
    """Returns the components that find entities, by name."""
    found = {}
    for name in nlp.pipe_names:
        pipe = nlp.get_pipe(name)
        if nlp.get_pipe_meta(name).factory in ("ner", "entity_ruler", "future_entity_ruler", "span_ruler") and getattr(pipe, "annotate_ents", True):
            found[name] = pipe
    return found


def header(nlp):
    return {
        "spacy": spacy.__version__,
        "thinc": thinc.__version__,
        "python": sys.version.split()[0],
        "unicode": unicodedata.unidata_version,
        "unassigned": unassigned(),
        "labels": sorted({label for pipe in finders(nlp).values() for label in pipe.labels if label}),
        "sents": nlp("One. Two.").has_annotation("SENT_START"),
    }


def load_without_sentences(nlp, model, exclude):
    """Loads the pipeline without what finds sentences, and without the other components that
    cannot change an entity: these take as long as all that is compared."""
    found = finders(nlp)
    keep = set(found)
    models = [pipe.model for pipe in found.values() if hasattr(pipe, "model")]
    if any(isinstance(node, Tok2VecListener) for model in models for node in model.walk()):
        keep |= {name for name in nlp.pipe_names if nlp.get_pipe_meta(name).factory == "tok2vec"}
    return spacy.load(model, exclude=exclude + [name for name in nlp.component_names if name not in keep])


def ask(job):
    number, count, model, corpus, out, exclude = job
    nlp = spacy.load(model, exclude=exclude)
    head = header(nlp)
    without = load_without_sentences(nlp, model, exclude) if head["sents"] else None
    labels = {label: i for i, label in enumerate(head["labels"])}
    with open(corpus, encoding="utf-8") as f:
        texts = [(i, json.loads(line)["text"]) for i, line in enumerate(f)][number::count]
    tokens = 0
    with open(f"{out}.{number}", "wb") as f:
        raw = json.dumps(head).encode()
        f.write(b"narwhal parity 1\n" + struct.pack("<I", len(raw)) + raw)

        pairs = ((text, i) for i, text in texts)
        full = nlp.pipe(pairs, as_tuples=True, batch_size=64)
        if without:
            again = ((text, i) for i, text in texts)
            other = without.pipe(again, as_tuples=True, batch_size=64)
        else:
            other = itertools.repeat((None, None))
        for (doc, i), (bare, _) in zip(full, other):
            f.write(record(doc, bare, i, labels, head["sents"]))
            tokens += len(doc)
    return tokens


def record(doc, bare, index, labels, sents):
    n = len(doc)
    ids = doc.to_array([ORTH, NORM, PREFIX, SUFFIX, SHAPE, LENGTH]).reshape(n, 6)
    start = numpy.array([t.idx for t in doc], dtype="<u4")
    starts = {s.start for s in doc.sents} if sents else ()
    flags = bytes((1 if t.whitespace_ else 0) | (2 if t.is_space else 0) | (4 if t.i in starts else 0) for t in doc)
    ents = entities(doc, labels)
    bare_ents = entities(bare, labels) if bare is not None else []
    parts = [struct.pack("<4I", index, n, len(ents), len(bare_ents)), start.tobytes(), ids[:, 5].astype("<u4").tobytes(), flags]
    parts += [ids[:, k].astype("<u8").tobytes() for k in range(5)]
    parts += [struct.pack("<3I", *e) for e in ents + bare_ents]
    return b"".join(parts)


def entities(doc, labels):
    return [(e.start_char, e.end_char, labels[e.label_]) for e in doc.ents]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("corpus")
    parser.add_argument("out")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--exclude", default="")
    args = parser.parse_args()
    exclude = [name for name in args.exclude.split(",") if name]
    jobs = [(k, args.processes, args.model, args.corpus, args.out, exclude) for k in range(args.processes)]
    if len(jobs) == 1:
        tokens = ask(jobs[0])
    else:
        with multiprocessing.get_context("spawn").Pool(len(jobs)) as pool:
            tokens = sum(pool.map(ask, jobs, chunksize=1))
    print(f"reference: {tokens:,} tokens by spaCy {spacy.__version__}, Python {sys.version.split()[0]}, "
          f"Unicode {unicodedata.unidata_version}", file=sys.stderr)


if __name__ == "__main__":
    main()
