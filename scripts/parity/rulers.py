"""Makes rulers with random rules, and asks real spaCy for their entities.

    rulers.py OUT MODEL... [--cases 300] [--texts 8] [--seed 1]

The first MODEL is en_core_web_sm. A case has one to three rulers before and after the entity
recognizer, which is disabled in every fifth case, with random settings, and random texts. In
every second case rules also look at what the other components of a MODEL find (TAG, POS,
MORPH, LEMMA, DEP, SENT_START). These components and the rulers are then in a random order, and
some are disabled. OUT gets a line of JSON for each case:

    model   the folder of the pipeline
    files   the files of the case: config.cfg, and those of the rulers as spaCy wrote them
    binary  the same for files that are not text, in base64
    texts   the texts
    ents    for each text its entities: [start, end, label, id], in code points; or an error
    error   instead of ents: spaCy refuses the rules

rulers/main.go compares narwhal with that.
"""

import argparse
import base64
import json
import logging
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
from train_data import sentence

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
ANNOTATIONS = ["TAG", "POS", "MORPH", "LEMMA", "DEP"]
# The rules of a second attribute_ruler. They set something only in some tokens.
MORE = [
    {"patterns": [[{"LOWER": "the"}], [{"TAG": "NNP"}, {"IS_PUNCT": True}]], "attrs": {"LEMMA": "The", "MORPH": "B=2,1|A=x", "TAG": "T"}, "index": 0},
    {"patterns": [[{"MORPH": {"IS_SUPERSET": ["Number=Sing"]}}], [{"MORPH": {"IN": ["B=1,2|A=x"]}}]], "attrs": {"POS": "X", "DEP": "x"}, "index": 0},
]
FILTERS = ["spacy.first_longest_spans_filter.v1", "spacy.prioritize_new_ents_filter.v1", "spacy.prioritize_existing_ents_filter.v1"]


def text(rng, words):
    if rng.random() < 0.2:
        return rng.choice(SPACES).join(sentence(rng)[0] for _ in range(rng.randint(1, 3)))
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
    """Random rules about some words, and about the annotations of some tokens."""

    def __init__(self, rng, nlp, words, annotated):
        self.rng, self.nlp, self.words, self.annotated = rng, nlp, words, annotated
        self.attrs = ANNOTATIONS

    def token(self):
        """Returns a token of a random text."""
        while True:
            doc = self.nlp.make_doc(text(self.rng, self.words))
            if len(doc):
                return self.rng.choice(list(doc))

    def value(self, attr):
        if attr in ANNOTATIONS:
            t = self.rng.choice(self.annotated)
            return str(t.morph) or self.rng.choice(["_", ""]) if attr == "MORPH" else getattr(t, attr.lower() + "_")
        t = self.token()
        if attr in ("ORTH", "TEXT"):
            return t.text
        return getattr(t, attr.lower() + "_")

    def feats(self):
        """Returns features, some of them in another order than spaCy's."""
        rng = self.rng
        feats = self.value("MORPH").split("|")
        rng.shuffle(feats)
        return rng.choice([rng.choice(feats), rng.choice(feats), "|".join(feats), "PronType=Rel,Int", "Number=Sing"])

    def annotation(self):
        rng = self.rng
        attr = rng.choice(self.attrs + ["SENT_START"])
        if attr == "SENT_START":
            return rng.choice([("SENT_START", True), ("IS_SENT_START", True), ("sent_start", False), ("SENT_START", 1), ("SENT_START", {"IN": [0]}), ("SENT_START", {">": 0})])
        if attr == "MORPH" and rng.random() < 0.5:
            return attr, {rng.choice(["IN", "NOT_IN", "IS_SUBSET", "IS_SUPERSET", "INTERSECTS"]): [self.feats() for _ in range(rng.choice([0, 1, 1, 2, 3, 10]))]}
        return attr, self.predicate(attr) if rng.random() < 0.5 else self.value(attr)

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
        value = self.feats if attr == "MORPH" else lambda: self.value(attr)
        return {op: [value() for _ in range(rng.choice([0, 1, 1, 1, 2, 5, 12]))]}

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
            if self.annotated and rng.random() < 0.65:
                attr, value = self.annotation()
                out[self.case(attr)] = value
            elif roll < 0.5:
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


def settings(rng, factory, annotated):
    attr = rng.choice([None, None, "ORTH", "LOWER", "lower", "NORM", "SHAPE", "LENGTH", "IS_ALPHA", "TEXT", "LIKE_NUM", "SPACY"])
    if annotated and rng.random() < 0.3:
        attr = rng.choice(ANNOTATIONS + ["tag", 73, 74])
    out = {"phrase_matcher_attr": attr, "validate": rng.random() < 0.1}
    if factory == "span_ruler":
        out |= {"annotate_ents": True, "overwrite": rng.random() < 0.5, "ents_filter": {"@misc": rng.choice(FILTERS)}, "spans_key": rng.choice(["ruler", None, "x"])}
    else:
        out["overwrite_ents"] = rng.random() < 0.5
        if factory == "entity_ruler":
            out["ent_id_sep"] = rng.choice(["||", "||", "||", "-"])
    return out


def save(rng, ruler, factory, name, rules, folder):
    """Writes the rules as spaCy does, or as a user would by hand. It returns the path."""
    lines = "".join(json.dumps(r, ensure_ascii=rng.random() < 0.5) + "\n" for r in rules)
    form = rng.choice(["spacy", "spacy", "hand", "old"]) if factory == "entity_ruler" else "hand"
    if form == "old":
        (folder / f"{name}.jsonl").write_text(lines)
        return folder / name
    if form == "spacy":
        try:
            ruler.add_patterns(rules)
        except Exception:
            form = "hand"  # from_disk will say why
    ruler.to_disk(folder / name)
    if form == "hand":
        file = "patterns.jsonl" if factory == "entity_ruler" else "patterns"
        (folder / name / file).write_text(lines)
    return folder / name


class Arranged:
    """A pipeline for one case: in the order of its file, or with other components in another
    order. restore makes it what it was."""

    def __init__(self, rng, nlp, folder, mixed):
        self.nlp, self.before, self.added = nlp, list(nlp._components), []
        self.disabled = list(nlp.disabled)
        if not mixed:
            return
        if "attribute_ruler" in nlp.pipe_names and rng.random() < 0.3:
            more = self.add("attribute_ruler", "more", last=True)
            more.add_patterns(MORE)
            more.to_disk(folder / "more")
        if rng.random() < 0.4:
            first = [c for c in nlp._components if c[0] == "tok2vec"]
            rest = [c for c in nlp._components if c[0] != "tok2vec"]
            rng.shuffle(rest)
            nlp._components[:] = first + rest
        for name in nlp.pipe_names:
            if name not in ("tok2vec", "ner") and rng.random() < 0.06:
                nlp.disable_pipe(name)
        if "senter" in nlp.disabled and "parser" not in nlp.pipe_names and rng.random() < 0.5:
            nlp.enable_pipe("senter")

    def add(self, factory, name, **more):
        self.added.append(name)
        return self.nlp.add_pipe(factory, name, **more)

    def restore(self):
        for name in self.added:
            self.nlp.remove_pipe(name)
        self.nlp._components[:] = self.before
        for name in self.nlp.component_names:
            if name in self.disabled and name in self.nlp.pipe_names:
                self.nlp.disable_pipe(name)
            elif name not in self.disabled and name not in self.nlp.pipe_names:
                self.nlp.enable_pipe(name)


def known(nlp, name, texts):
    """Returns the annotations that texts have at the place of a component."""
    attrs = set(ANNOTATIONS)
    for text in texts:
        doc = nlp.make_doc(text)
        for other, pipe in nlp.pipeline:
            if other == name:
                break
            if other in ("more", "attribute_ruler") or "ruler" not in other:
                doc = pipe(doc)
        attrs = {a for a in attrs if doc.has_annotation(a)}
    return sorted(attrs)


def answer(nlp, text):
    # e.id_ is the id of the entity's first token, and e.ent_id_ that of the root of its tree.
    try:
        return [[e.start_char, e.end_char, e.label_, e.id_] for e in nlp(text).ents]
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def case(rng, nlp, count, folder, mixed):
    """Adds rulers to nlp, and returns a line of OUT."""
    words = rng.sample(WORDS, rng.choice([3, 8, 20]))
    out = {"texts": [text(rng, words) for _ in range(count)]}
    pipeline = Arranged(rng, nlp, folder, mixed)
    if "ner" in nlp.pipe_names and rng.random() < 0.2:  # only rules find entities
        nlp.disable_pipe("ner")
    finds_sents = any(name in nlp.pipe_names for name in ("parser", "senter"))
    if not finds_sents and rng.random() < 0.2:
        pipeline.add("sentencizer", "sentencizer", **rng.choice([{"before": "ner"}, {"last": True}])).to_disk(folder / "sentencizer")
    annotated = [t for text in out["texts"] for t in nlp(text)] if mixed else []
    rules = Rules(rng, nlp, words, annotated)
    saved = {}
    try:
        for i in range(rng.choice([1, 1, 1, 2, 3])):
            factory = rng.choice(["entity_ruler", "entity_ruler", "entity_ruler", "span_ruler", "future_entity_ruler"])
            name = f"{factory}{i}"
            where = {"before": rng.choice(nlp.component_names) if mixed else "ner"} if rng.random() < 0.5 else {"last": True}
            ruler = pipeline.add(factory, name, config=settings(rng, factory, annotated), **where)
            if mixed:  # mostly annotations that are there: spaCy fails otherwise
                rules.attrs = known(nlp, name, out["texts"][:4]) if rng.random() < 0.8 else ANNOTATIONS
            saved[name] = save(rng, ruler, factory, name, [rules.rule() for _ in range(rng.choice([0, 1, 2, 4, 8, 15]))], folder)
        for name in nlp.pipe_names:  # as spacy.load does
            if name in saved:
                nlp.get_pipe(name).from_disk(saved[name])
        out["ents"] = [answer(nlp, t) for t in out["texts"]]
    except Exception as error:
        out["error"] = f"{type(error).__name__}: {error}"
    out["files"], out["binary"] = {"config.cfg": nlp.config.to_str()}, {}
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            name, data = str(path.relative_to(folder)), path.read_bytes()
            if name == "more/patterns":
                out["binary"][name] = base64.b64encode(data).decode()
            elif not name.startswith("more/"):
                out["files"][name] = data.decode()
    pipeline.restore()
    # spaCy runs the rules of earlier rulers over the texts of later ones when it loads these.
    # narwhal does not, so it does not notice if that fails.
    out["skip"] = len(saved) > 1 and "[E155]" in out.get("error", "")
    return out


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out")
    parser.add_argument("models", nargs="+")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--texts", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.getLogger("spacy").setLevel(logging.ERROR)
    plain = spacy.load(args.models[0], exclude=["tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer"])
    whole = [spacy.load(m) for m in args.models]
    with open(args.out, "w", encoding="utf-8") as f:
        for i in range(args.cases):
            rng = random.Random(f"{args.seed} {i}")
            folder = pathlib.Path(tempfile.mkdtemp())
            at = i // 2 % len(whole)
            try:
                line = case(rng, whole[at] if i % 2 else plain, args.texts, folder, bool(i % 2))
                line["model"] = args.models[at if i % 2 else 0]
                f.write(json.dumps(line) + "\n")
            finally:
                shutil.rmtree(folder)


if __name__ == "__main__":
    main()
