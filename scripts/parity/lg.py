"""Makes a pipeline of the shape of en_core_web_lg, for lg.sh.

    lg.py MODEL OUT ROWS

MODEL is en_core_web_md. It has vectors of 300 numbers for 684,830 words, as many as
en_core_web_lg, but only 20,000 different ones. OUT is the same pipeline with ROWS vectors: one
for each of the first ROWS words. It is the vector of the word in MODEL with noise, so that
no two are equal.
"""

import sys

import numpy
import spacy
from spacy.vectors import Vectors


def main():
    model, out, rows = sys.argv[1], sys.argv[2], int(sys.argv[3])
    nlp = spacy.load(model)
    old = nlp.vocab.vectors
    keys = numpy.fromiter(old.key2row.keys(), dtype="uint64")[:rows]
    if len(keys) != rows:
        sys.exit(f"{model} has {len(keys)} words, not {rows}")
    at = numpy.fromiter(old.key2row.values(), dtype="int64")[:rows]
    rng = numpy.random.default_rng(7)
    data = numpy.empty((rows, old.data.shape[1]), dtype="float32")
    for i in range(0, rows, 10_000):
        part = old.data[at[i : i + 10_000]]
        data[i : i + 10_000] = part + rng.normal(scale=0.05, size=part.shape)
    nlp.vocab.vectors = Vectors(strings=nlp.vocab.strings, data=data, keys=keys, name=old.name)
    nlp.to_disk(out)


if __name__ == "__main__":
    main()
