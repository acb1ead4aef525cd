"""Measures real spaCy for scripts/measure: one answer for each line of input.

    spacy_time.py MODEL TEXT_FILE

It first prints a greeting. For each line on standard input it runs a pipeline over the text
ten times, and prints the seconds of the fastest call: for "full" and "doc" the whole
pipeline, which computes all annotations, and for "ner" the entity recognizer.
"""

import sys
import time

import spacy

model, path = sys.argv[1:]
text = open(path, encoding="utf8").read()
others = ["tok2vec", "tagger", "morphologizer", "parser", "senter", "attribute_ruler", "lemmatizer"]
pipelines = {"full": spacy.load(model), "ner": spacy.load(model, exclude=others)}
pipelines["doc"] = pipelines["full"]
print(f"spaCy {spacy.__version__}, {len(pipelines['full'](text))} tokens", flush=True)
for line in sys.stdin:
    nlp, best = pipelines[line.strip()], float("inf")
    for _ in range(10):
        start = time.perf_counter()
        nlp(text)
        best = min(best, time.perf_counter() - start)
    print(best, flush=True)
