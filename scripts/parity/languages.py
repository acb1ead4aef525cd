"""Compares the languages of narwhal with those of spaCy, and makes pipelines of them, for languages.sh.

    languages.py check docs/engine.md       compares the table of languages with spaCy's classes
    languages.py list                       prints the languages that narwhal runs
    languages.py make DIR TOKENS LANG…      makes a small pipeline of each language in DIR/LANG
    languages.py texts MODEL OUT TOKENS     makes the texts for a pipeline that is there already

make trains an entity recognizer on texts of the language until it finds some names or numbers,
and fails if it does not. A rule has marked them, so it finds entities of one and of several
tokens in every script. Each pipeline also has some norms of its own, and a rule about LIKE_NUM
if narwhal runs that for the language. With the pipeline there are DIR/LANG.jsonl, its texts, and
DIR/LANG.0, spaCy's answers.

The texts are those of this machine: message catalogues, manual pages, the software catalogue,
spaCy's examples, and texts that you have put below .cache/parity/texts. A language that
has too few of them gets more that are made of its words.
"""

import collections
import glob
import json
import multiprocessing
import os
import pathlib
import random
import re
import sys
import warnings

for variable in ("OMP_NUM_THREADS", "BLIS_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import spacy
from spacy.attrs import IDS, IS_STOP, LANG
from spacy.lang.lex_attrs import LEX_ATTRS
from spacy.training import Example
from spacy.util import get_lang_class

import invented
import reference
import sources

RULES = "spacy.Tokenizer.v1"
LEAST = 10  # with fewer entities that the recognizer finds, a comparison says little
LACKS = {"LIKE_NUM", "IS_CURRENCY"}  # a rule with one of these is refused if the language has words for it
DOCUMENT = pathlib.Path(__file__).parent.parent.parent / "docs" / "engine.md"


def all_languages():
    root = pathlib.Path(spacy.__file__).parent / "lang"
    return sorted(path.parent.name for path in root.glob("*/__init__.py"))


def spacys():
    """What narwhal must do with each language, by the classes of spaCy."""
    names = {number: name for name, number in IDS.items()}
    want = {}
    for lang in all_languages():
        defaults = get_lang_class(lang).Defaults
        own = {names[a] for a, getter in defaults.lex_attr_getters.items() if a not in (LANG, IS_STOP) and getter is not LEX_ATTRS.get(a)}
        own -= {"NORM"} if lang in ("hi", "ht", "ne") else set()  # narwhal has the functions
        tokenizer = defaults.config.get("nlp", {}).get("tokenizer", {}).get("@tokenizers", RULES)
        rules = "refuses" if own - LACKS else "runs" if lang == "en" or not own else "runs, but " + " ".join(sorted(own))
        want[lang] = "refuses" if tokenizer != RULES else rules
        if tokenizer != RULES:
            want[f"{lang} with {RULES}"] = rules
    return want


def narwhals(document=DOCUMENT):
    """What narwhal does with each language, by its table, which a test in Go makes."""
    text = pathlib.Path(document).read_text(encoding="utf-8")
    table = text.split("<!-- Made of ner/spacy/language.go ", 1)[1].split("<!-- The end", 1)[0]
    does = {}
    for who, what in re.findall(r"(?m)^\| (`.*?|any.*?) \| (.*) \|$", table):
        lacks = [name for name in sorted(LACKS) if f"`{name}`" in what]
        short = "refuses" if what.startswith("refuses") else "runs, but " + " ".join(lacks) if lacks else what
        for lang in who.replace("`", "").split(", "):
            does[lang] = short
    does.pop("lang", None)
    return does


def check(document):
    want, got = spacys(), narwhals(document)
    if got.pop("any other code", None) != "refuses":
        sys.exit("languages: narwhal does not refuse a language that spaCy does not have")
    bad = [f"{lang}: spaCy {want.get(lang, 'has no such language')}, narwhal {got.get(lang, 'does not know it')}"
           for lang in sorted(want.keys() | got.keys()) if want.get(lang) != got.get(lang)]
    if bad:
        sys.exit("languages: what spaCy's classes need, and what narwhal does, differ:\n  " + "\n  ".join(bad))
    print(f"languages: {len(want)} languages and tokenizers are as in spaCy {spacy.__version__}")


def runnable():
    return sorted({lang.split()[0] for lang, does in narwhals().items() if does.startswith("runs")})


# The codes of languages in the folders of translations, where they differ from spaCy's.
FOLDERS = {"nb": ["nb", "no"], "zh": ["zh_CN", "zh_TW", "zh_HK"], "kmr": ["ku"], "tl": ["tl", "fil"], "grc": ["grc", "el"]}


def real_texts(lang, rng, root):
    """The texts of a language that this machine has."""
    yield from sources.language_examples(rng, lang)
    names = FOLDERS.get(lang, [lang])
    forms = [form for name in names for form in (name, f"{name}_*", f"{name}@*")]
    catalogues, pages = [], []
    for top in ("", root):
        for form in forms:
            catalogues += glob.glob(f"{top}/usr/share/locale/{form}/LC_MESSAGES/*.mo")
            catalogues += glob.glob(f"{top}/usr/share/vim/*/lang/{form}/LC_MESSAGES/*.mo")
            pages += glob.glob(f"{top}/usr/share/man/{form}/man*/*.gz")
    pools = [sources.catalogues(rng, sorted(set(catalogues))), sources.foreign_pages(rng, sorted(set(pages)))]
    while pools:
        for pool in list(pools):
            for _ in range(20):
                text = next(pool, None)
                if text is None:
                    pools.remove(pool)
                    break
                yield text


def made_texts(words, rng):
    """Words of the language in any order, with punctuation and numbers."""
    ends = [",", ".", "?", "!", ":", ";", "…", "»", "”", ")", "%", "'", "’", "।", "،", "。"]
    while True:
        out = []
        for _ in range(rng.randint(1, 40)):
            word = rng.choice(words)
            roll = rng.random()
            if roll < 0.1:
                word = word[:1].upper() + word[1:]
            elif roll < 0.15:
                word = word.upper()
            elif roll < 0.25:
                word = rng.choice(["(", "«", "“", "\"", "'", "-", "$", "l'", "d’", "„"]) + word
            elif roll < 0.4:
                word += rng.choice(ends)
            elif roll < 0.5:
                word += rng.choice(["-", "/", "'", "’", ":", ".", ",", "–", "=", "@"]) + rng.choice(words)
            elif roll < 0.58:
                word = str(rng.randint(0, 5000)) + rng.choice(["", "%", "km", "kg", ".", ",5", "€", "°C", "-", "."]) + rng.choice(["", "", word])
            elif roll < 0.68:  # endings, for languages whose norms have none
                word += rng.choice(words)[-rng.randint(1, 4):]
            out.append(word)
        yield rng.choice([" ", " ", " ", "  ", "\n"]).join(out)


def corpus(nlp, tokens):
    """Returns texts of about so many tokens, with the name of their source."""
    lang = nlp.lang
    rng = random.Random(f"language {lang}")
    root = str(pathlib.Path(".cache/parity/texts").resolve())
    rows, seen = [], set()

    def take(source, texts, budget):
        for text in texts:
            if budget <= 0:
                return
            if text in seen or len(text) > min(2 * tokens, 100_000):
                continue
            seen.add(text)
            rows.append({"source": source, "text": text})
            budget -= len(nlp.tokenizer(text))

    real = sources.other_languages(rng, None) if lang == "xx" else real_texts(lang, rng, root)
    take("real", real, tokens * 3 // 4)
    words = sorted({w for row in rows for w in row["text"].split() if len(w) < 30} | set(nlp.Defaults.stop_words) | {"Ada", "5"})
    have = sum(len(nlp.tokenizer(row["text"])) for row in rows)
    take("special cases", sources.special_cases(rng, sorted(nlp.tokenizer.rules)), tokens // 10)
    take("fuzz", invented.fuzz(rng, None), tokens // 20)
    take("made", made_texts(words, rng), tokens - have - tokens * 3 // 20)
    rng.shuffle(rows)
    return rows


def write(rows, path):
    with open(path, "w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(row) + "\n")


def marked(nlp, text):
    """Returns an example with the entities of a rule: up to three tokens that begin with an upper
    case letter, or long words with some first letters in scripts without case, and numbers
    with the word after them."""
    doc = nlp.make_doc(text)
    spans, at = [], 0
    while at < len(doc):
        end = at
        while end < min(len(doc), at + 3) and is_name(doc[end]):
            end += 1
        if end > at:
            spans.append(spacy.tokens.Span(doc, at, end, label="NAME"))
        elif doc[at].is_digit:
            end = at + 1 + (at + 1 < len(doc) and doc[at + 1].is_alpha)
            spans.append(spacy.tokens.Span(doc, at, end, label="NUM"))
        at = max(end, at + 1)
    gold = nlp.make_doc(text)
    gold.set_ents([spacy.tokens.Span(gold, s.start, s.end, label=s.label_) for s in spans])
    return Example(doc, gold)


def is_name(token):
    first = token.text[0]
    return token.is_title or token.is_alpha and first.lower() == first.upper() and len(token) > 3 and ord(first) % 3 == 0


def blank(lang):
    return spacy.blank(lang, config={"nlp": {"tokenizer": {"@tokenizers": RULES}}})


def make(lang, folder, tokens, like_num):
    """Makes a pipeline, its texts and spaCy's answers. Returns what it finds if that is too little."""
    warnings.simplefilter("ignore")
    spacy.util.fix_random_seed(7)
    nlp = blank(lang)
    rows = corpus(nlp, tokens)
    write(rows, folder / f"{lang}.jsonl")
    rng = random.Random(lang)
    words = sorted({w for row in rows[:500] for w in row["text"].split()})
    nlp.vocab.lookups.add_table("lexeme_norm", {w: w.swapcase() for w in rng.sample(words, len(words) // 20)})
    ner = nlp.add_pipe("ner", config={"model": {
        "@architectures": "spacy.TransitionBasedParser.v2", "state_type": "ner", "extra_state_tokens": False,
        "hidden_width": 32, "maxout_pieces": 2, "use_upper": True, "nO": None,
        "tok2vec": {"@architectures": "spacy.HashEmbedCNN.v2", "pretrained_vectors": None, "width": 32, "depth": 2,
                    "embed_size": 500, "window_size": 1, "maxout_pieces": 3, "subword_features": True}}})
    for label in ("NAME", "NUM"):  # the texts may have no number, and the rule below has this label
        ner.add_label(label)
    pieces = [" ".join(row["text"].split()[:25]) for row in rows]
    examples = [e for e in (marked(nlp, p) for p in pieces[:400] if p) if len(e.x)]
    optimizer = nlp.initialize(lambda: examples)
    optimizer.learn_rate = 0.01  # few steps must be enough
    for steps in range(40, 440, 40):
        for _ in range(40):
            nlp.update(rng.sample(examples, min(16, len(examples))), sgd=optimizer)
        found = collections.Counter(ent.label_ for doc in nlp.pipe(row["text"] for row in rows[:1000]) for ent in doc.ents)
        if found.total() >= LEAST:
            break
    else:
        return f"{lang} finds {dict(found)}"
    print(f"languages: {lang:22} {found['NAME']:>5} names, {found['NUM']:>5} numbers after {steps} steps", file=sys.stderr)
    if like_num:
        nlp.add_pipe("entity_ruler").add_patterns([{"label": "NUM", "pattern": [{"LIKE_NUM": True}, {"LIKE_URL": True, "OP": "?"}]}])
    nlp.to_disk(folder / lang)
    answer(folder / lang, folder / f"{lang}.jsonl", folder / lang)
    return None


def answer(model, texts, out):
    tokens = reference.ask((0, 1, str(model), str(texts), str(out), []))
    print(f"languages: {pathlib.Path(out).name:22} {tokens:>9,} tokens by spaCy {spacy.__version__}", file=sys.stderr)


def texts(model, out, tokens):
    """Makes the texts for a pipeline, and spaCy's answers."""
    warnings.simplefilter("ignore")
    rows = corpus(spacy.load(model), tokens)
    write(rows, f"{out}.jsonl")
    answer(model, f"{out}.jsonl", out)


def main():
    command, *args = sys.argv[1:]
    match command:
        case "check":
            check(*args)
        case "list":
            print(*runnable())
        case "make":
            folder, tokens, does = pathlib.Path(args[0]), int(args[1]), narwhals()
            jobs = []
            for lang in args[2:]:
                jobs.append((lang, folder, tokens, does[lang] == "runs" or does.get(f"{lang} with {RULES}") == "runs"))
            with multiprocessing.get_context("spawn").Pool(min(2, os.cpu_count())) as pool:
                bad = [found for found in pool.starmap(make, jobs, chunksize=1) if found]
            if bad:
                sys.exit(f"languages: want at least {LEAST} entities after 400 steps: {', '.join(bad)}")
        case "texts":
            texts(args[0], args[1], int(args[2]))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
