"""Makes rulers with random rules, and asks real spaCy for their entities.

    rulers.py MODEL OUT [--cases 300] [--texts 8] [--seed 1]

MODEL is en_core_web_sm. A case has one to three rulers before and after the entity
recognizer, which is disabled in every fifth case, with random settings, and random texts.
OUT gets a line of JSON for each case:

    files   the files of the case: config.cfg, and those of the rulers as spaCy wrote them
    texts   the texts
    ents    for each text its entities: [start, end, label, id], in code points
    error   instead of ents: spaCy refuses the rules, or fails when it runs them

rulers/main.go compares narwhal with that.
"""

import argparse
import json
import os
import pathlib
import random
import shutil
import tempfile
import warnings

for variable in ("OMP_NUM_THREADS", "BLIS_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import spacy

from invented import FIRST, LAST, ORGS, PLACES, TIMES

WORDS = """Apple apple APPLE Inc Inc. Inc , ; : ( ) [ ] { } < > the The THE of and 5 five 5th 12 1,000 1/2 -3 ± $ € £ http://a.com www.foo.org a.com:80/
me@b.co New York new york N.Y. 's n't don't can't ’s - -- – " ' `` '' « foo Foo FOO foobar bar baz Ünïcode ß ẞ İ i ı ΣΑΣ σας ſ s K K k µ μ 🎉 👍🏽 fox foxes acme Acme ACME
GmbH x X xx XX Xxxx ORG GPE number mark agent third 3rd Third half Dž ǅ Ⅳ ⅳ ² ½ ١٢ 漢字 a b c aa ab abc abcd a1 A-1 iPhone iphone e-mail email U.S. us US 's I you
not never 100km 10% #tag @you ... … kitten sitting mitten color colour Colour""".split()
SPACES = [" ", " ", " ", " ", " ", " ", "", "  ", "\n", "\t", " \n "]
LABELS = ["ORG", "GPE", "PERSON", "DATE", "THING", "thing", "A", "B||b", "ORG||1", "x", ""]
IDS = ["", "1", "b", "apple", "ORG", "a||b", "Ünï"]
STRINGS = ["ORTH", "TEXT", "LOWER", "NORM", "SHAPE", "PREFIX", "SUFFIX"]
FLAGS = """IS_ALPHA IS_ASCII IS_DIGIT IS_LOWER IS_UPPER IS_TITLE IS_PUNCT IS_SPACE IS_BRACKET IS_QUOTE IS_LEFT_PUNCT IS_RIGHT_PUNCT IS_CURRENCY
LIKE_NUM LIKE_URL LIKE_EMAIL SPACY""".split()
OPS = ["!", "?", "+", "*", "{2}", "{1,2}", "{,2}", "{2,}", "{0,1}", "{1,}", "{,1}", "{3}", "{2, 3}", "{0}"]
FILTERS = ["spacy.first_longest_spans_filter.v1", "spacy.prioritize_new_ents_filter.v1", "spacy.prioritize_existing_ents_filter.v1"]


def text(rng, words):
    out = ""
    for _ in range(rng.choice([0, 1, 2, 3, 5, 8, 12, 20, 30])):
        roll = rng.random()
        if roll < 0.75:
            out += rng.choice(words)
        else:
            out += rng.choice(rng.choice([FIRST, LAST, ORGS, PLACES, TIMES]))
        out += rng.choice(SPACES)
    return out


class Rules:
    """Random rules about some words."""

    def __init__(self, rng, nlp, words):
        self.rng, self.nlp, self.words = rng, nlp, words

    def token(self):
        """Returns a token of a random text."""
        while True:
            doc = self.nlp.make_doc(text(self.rng, self.words))
            if len(doc):
                return self.rng.choice(list(doc))

    def value(self, attr):
        t = self.token()
        if attr in ("ORTH", "TEXT"):
            return t.text
        return getattr(t, attr.lower() + "_")

    def regex(self, word):
        rng = self.rng
        roll = rng.random()
        if roll < 0.4 and word:
            start = rng.randrange(len(word))
            part = "".join("\\" + c if not (c.isalnum() or c == "_" or c.isspace() or ord(c) > 127) else c for c in word[start : start + rng.randint(1, 5)])
            return rng.choice(["^%s", "%s$", "^%s$", "(?i)%s", "%s", "(?i)^%s$", "\\b%s\\b", "^(?:%s)+", "%s|x"]) % part
        pieces = ["a", "b", "x", "A", "o", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", ".", "[a-z]", "[^a-z]", "[A-Zß]", "[0-9,.]", "\\.", "\\b", "\\B", "^", "$",
                  "(a|b)", "(?:oo|x)", "(?P<n>o)", "[\\w-]", "[^\\d\\s]", "i", "s", "K", "ı", "(?i:k)", "(?-i:k)", "\\A", "\\Z", "(?#c)", "()", "[]a]", "[^]a]", "\\x41",
                  "\\u00e9", "\\-", "-", "é", "σ", "[σ-ω]", "(?=a)", "(?!o)", "(?<=o)", "(?<!a)", "(?=.*x)", "(?<=[ab])", "(?!.*foo)", "{", "a{", "(?s:.)", "\\n"]
        out = "".join(rng.choice(pieces) + rng.choice(["", "", "", "*", "+", "?", "{2}", "{1,3}", "{,2}", "+?", "*?"]) for _ in range(rng.randint(1, 5)))
        return rng.choice(["", "", "(?i)", "(?s)", "(?m)", "(?im)"]) + out

    def predicate(self, attr):
        rng = self.rng
        if attr in ("LENGTH", "SPACY"):
            values = [rng.randint(0, 8) for _ in range(rng.randint(0, 3))]
            return rng.choice([{rng.choice(["==", "!=", ">=", "<=", ">", "<"]): rng.choice([rng.randint(-1, 9), rng.randint(0, 9) + 0.5, 3.0])},
                               {">": rng.randint(0, 3), "<=": rng.randint(3, 9)}, {rng.choice(["IN", "NOT_IN"]): values}])
        op = rng.choice(["IN", "NOT_IN", "REGEX", "REGEX", "FUZZY", "FUZZY1", "FUZZY2", "FUZZY9", "IS_SUBSET", "IS_SUPERSET", "INTERSECTS", "regex", "in"])
        if op.upper() == "REGEX":
            if rng.random() < 0.15:
                return {op: {rng.choice(["IN", "NOT_IN"]): [self.regex(self.value(attr)) for _ in range(rng.randint(0, 3))]}}
            return {op: self.regex(self.value(attr))}
        if op.startswith("FUZZY"):
            if rng.random() < 0.2:
                return {op: {rng.choice(["IN", "NOT_IN"]): [self.value(attr) for _ in range(rng.randint(0, 3))]}}
            word = self.value(attr)
            if word and rng.random() < 0.6:
                at = rng.randrange(len(word))
                word = word[:at] + rng.choice(["", "q", "qq"]) + word[at + rng.randint(0, 1) :]
            return {op: word}
        return {op: [self.value(attr) for _ in range(rng.choice([0, 1, 1, 1, 2, 5, 12]))]}

    def entity(self):
        rng = self.rng
        return rng.choice([("ENT_TYPE", rng.choice(LABELS)), ("ENT_TYPE", {rng.choice(["IN", "NOT_IN"]): rng.sample(LABELS, 3)}),
                           ("ENT_TYPE", {"REGEX": rng.choice(["^$", "G", "^(ORG|DATE)$", "(?i)t"])}), ("ENT_IOB", rng.choice(["B", "I", "O", "", 0, 1, 2, 3])),
                           ("ENT_IOB", {"IN": rng.choice([[1, 3], ["B"], [2]])}), ("ENT_ID", rng.choice(IDS)), ("ENT_TYPE", {"FUZZY": "ORF"})])

    def spec(self):
        rng = self.rng
        out = {}
        for _ in range(rng.choice([0, 1, 1, 1, 1, 2])):
            roll = rng.random()
            if roll < 0.5:
                attr = rng.choice(STRINGS)
                out[self.case(attr)] = self.value(attr) if rng.random() < 0.6 else self.predicate(attr)
            elif roll < 0.8:
                out[self.case(rng.choice(FLAGS))] = rng.random() < 0.8
            elif roll < 0.9:
                attr = rng.choice(["LENGTH", "LENGTH", "SPACY"])
                out[attr] = rng.randint(0, 6) if rng.random() < 0.4 else self.predicate(attr)
            elif roll < 0.98:
                attr, value = self.entity()
                out[attr] = value
            else:
                attr, value = rng.choice([("LOWER", 5), ("IS_ALPHA", "IS_ALPHA"), ("LENGTH", "5"), ("IS_TITLE", {"IN": [1]}), ("IS_TITLE", 1), ("LENGTH", True), ("SPACY", 1)])
                out[attr] = value
        if rng.random() < 0.35:
            out[self.case("OP")] = rng.choice(OPS)
        return out

    def case(self, name):
        roll = self.rng.random()
        return name if roll < 0.85 else name.lower() if roll < 0.97 else name.title()

    def rule(self):
        rng = self.rng
        out = {"label": rng.choice(LABELS)}
        if rng.random() < 0.45:
            doc = self.nlp.make_doc(text(rng, self.words) or "a")
            start = rng.randrange(max(1, len(doc)))
            out["pattern"] = rng.choice([doc[start : start + rng.randint(1, 3)].text, text(rng, self.words), rng.choice(self.words)])
        else:
            out["pattern"] = [self.spec() for _ in range(rng.choice([1, 1, 1, 2, 2, 3, 4]))]
        if rng.random() < 0.3:
            out["id"] = rng.choice(IDS)
        return out


def settings(rng, factory):
    attr = rng.choice([None, None, "ORTH", "LOWER", "lower", "NORM", "SHAPE", "LENGTH", "IS_ALPHA", "TEXT", "LIKE_NUM", "SPACY"])
    out = {"phrase_matcher_attr": attr, "validate": rng.random() < 0.1}
    if factory == "span_ruler":
        out |= {"annotate_ents": True, "overwrite": rng.random() < 0.5, "ents_filter": {"@misc": rng.choice(FILTERS)}, "spans_key": rng.choice(["ruler", None, "x"])}
    else:
        out["overwrite_ents"] = rng.random() < 0.5
        if factory == "entity_ruler":
            out["ent_id_sep"] = rng.choice(["||", "||", "||", "-"])
    return out


def save(rng, ruler, factory, name, rules, folder):
    """Writes the rules as spaCy does, or as a user would by hand. It returns the form."""
    lines = "".join(json.dumps(r, ensure_ascii=rng.random() < 0.5) + "\n" for r in rules)
    form = rng.choice(["spacy", "spacy", "hand", "old"]) if factory == "entity_ruler" else "hand"
    if form == "old":
        (folder / f"{name}.jsonl").write_text(lines)
        return folder / name
    if form == "spacy":
        ruler.add_patterns(rules)
    ruler.to_disk(folder / name)
    if form == "hand":
        file = "patterns.jsonl" if factory == "entity_ruler" else "patterns"
        (folder / name / file).write_text(lines)
    return folder / name


def case(rng, nlp, count, folder):
    """Adds rulers to nlp, and returns a line of OUT."""
    words = rng.sample(WORDS, rng.choice([3, 8, 20]))
    rules = Rules(rng, nlp, words)
    names = []
    out = {"texts": [text(rng, words) for _ in range(count)]}
    alone = rng.random() < 0.2
    if alone:  # only rules find entities
        nlp.disable_pipe("ner")
    if rng.random() < 0.2:
        nlp.add_pipe("sentencizer", before="ner").to_disk(folder / "sentencizer")
        names.append("sentencizer")
    try:
        for i in range(rng.choice([1, 1, 1, 2, 3])):
            factory = rng.choice(["entity_ruler", "entity_ruler", "entity_ruler", "span_ruler", "future_entity_ruler"])
            name = f"{factory}{i}"
            where = {"before": "ner"} if rng.random() < 0.5 else {"last": True}
            config = settings(rng, factory)
            ruler = nlp.add_pipe(factory, name, config=config, **where)
            names.append(name)
            saved = save(rng, ruler, factory, name, [rules.rule() for _ in range(rng.choice([0, 1, 2, 4, 8, 15]))], folder)
            ruler.from_disk(saved)
        out["ents"] = [[[e.start_char, e.end_char, e.label_, e.ent_id_] for e in nlp(t).ents] for t in out["texts"]]
    except Exception as error:
        out.pop("ents", None)
        out["error"] = f"{type(error).__name__}: {error}"
    out["files"] = {"config.cfg": nlp.config.to_str()}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            out["files"][str(path.relative_to(folder))] = path.read_text()
    for name in names:
        nlp.remove_pipe(name)
    if alone:
        nlp.enable_pipe("ner")
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--texts", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    nlp = spacy.load(args.model, exclude=["tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer"])
    with open(args.out, "w", encoding="utf-8") as f:
        for i in range(args.cases):
            rng = random.Random(f"{args.seed} {i}")
            folder = pathlib.Path(tempfile.mkdtemp())
            try:
                f.write(json.dumps(case(rng, nlp, args.texts, folder)) + "\n")
            finally:
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()
