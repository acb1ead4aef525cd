"""Collects varied texts for the parity test: one {"source", "text"} a line.

    corpus.py --tokens 1000000 --out corpus.jsonl [--data DIR]

A source that this machine lacks is left out, with a message. The share of the others then
grows, so that there are always about as many tokens as asked for. The same machine and the
same seed give the same file.
"""

import argparse
import collections
import json
import pathlib
import random
import re
import sys
import warnings

import sources

# The share of each source, if it has so many texts. The sources in FILL give the rest.
SHARES = {
    "shared data": 0.12,
    "package descriptions": 0.14,
    "manual pages": 0.16,
    "python documentation": 0.14,
    "chat": 0.10,
    "source code": 0.10,
    "other languages": 0.14,
    "fuzz": 0.08,
    "tokenizer exceptions": 0.02,
}
FILL = ["manual pages", "python documentation", "package descriptions", "source code", "chat"]

ROUGH = re.compile(r"\w+|[^\w\s]")


def rough_tokens(text):
    """Estimates the number of spaCy's tokens. The reference counts the real ones."""
    return max(1, len(ROUGH.findall(text)) * 4 // 5)


class Corpus:
    def __init__(self):
        self.rows = []
        self.seen = set()
        self.tokens = collections.Counter()

    def take(self, source, texts, budget):
        """Takes texts until the budget is used up. Returns False if the texts end before."""
        used = 0
        for text in texts:
            if used >= budget:
                return True
            if text in self.seen:
                continue
            self.seen.add(text)
            self.rows.append((source, text))
            n = rough_tokens(text)
            used += n
            self.tokens[source] += n
        return used >= budget


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--tokens", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=20)
    parser.add_argument("--data", default="../shared/data", help="texts with gold entities, *.jsonl")
    parser.add_argument("--out", required=True)
    args = parser.parse_args()
    warnings.simplefilter("ignore")  # of the Python files whose documentation is read

    streams = {}
    for name in SHARES:
        rng = random.Random(f"{args.seed} {name}")
        streams[name] = sources.ALL[name](rng, args.data)

    corpus = Corpus()
    left = {}
    for name, share in SHARES.items():
        left[name] = corpus.take(name, streams[name], int(args.tokens * share))
        if not corpus.tokens[name]:
            print(f"corpus: no {name} on this machine; going on without", file=sys.stderr)
    while sum(corpus.tokens.values()) < args.tokens:
        open_ones = [name for name in FILL if left[name]]
        missing = args.tokens - sum(corpus.tokens.values())
        if not open_ones:
            sys.exit(f"corpus: only about {sum(corpus.tokens.values()):,} tokens to be had on this machine")
        for name in open_ones:
            left[name] = corpus.take(name, streams[name], missing // len(open_ones) + 1)

    random.Random(args.seed).shuffle(corpus.rows)
    with pathlib.Path(args.out).open("w", encoding="utf-8") as out:
        for source, text in corpus.rows:
            out.write(json.dumps({"source": source, "text": text}) + "\n")
    for name, n in corpus.tokens.most_common():
        print(f"corpus: {name:22} about {n:>9,} tokens", file=sys.stderr)


if __name__ == "__main__":
    main()
