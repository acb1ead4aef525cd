"""Makes tokenizers and regular expressions, and asks real spaCy and Python's re.

    tokenizers.py MODEL OUT [--cases 300] [--texts 20] [--seed 1] [--old FOLDER …] [--pipelines FOLDER]

MODEL is en_core_web_sm. A FOLDER of --old has the files of an older spaCy, from which the
patterns and special cases for English are taken. OUT gets lines of JSON, which
tokenizers/main.go compares with narwhal:

    tokenizer, texts, tokens    the file "tokenizer" in base64; for each text its tokens:
                                [start, end, whether a space follows, id of NORM]
    pattern, texts, spans, match
                                a regular expression; for each text the places that
                                finditer finds, and whether match matches
    class, ranges               a regular expression for one code point, and the ranges of
                                all code points for which it matches
    error                       instead of tokens, spans or ranges: Python refuses the
                                expression, or spaCy the tokenizer

Offsets count code points. --pipelines makes pipelines: MODEL with other tokenizers.
"""

import argparse
import base64
import importlib
import json
import pathlib
import random
import re
import signal
import sys
import types
import warnings

import spacy
from spacy.lang import char_classes
from spacy.tokenizer import Tokenizer
from spacy.util import compile_infix_regex, compile_prefix_regex, compile_suffix_regex

PIECES = """. .. … , ; : ! ? ' " ’ 's ’S n't - -- – — ~ + * ^ = < > / @ # _ & % $ US$ € a b Z AB abc é É ß ẞ Σ ς ʰ 漢 я Я İ ı ſ K s k Ⅳ ⅳ ² ٣ 0 1 2 12 25
255 km km² kg ° °C F 😀 © ( ) [ ] { } « 」 http:// www. .com :80 user@ a.b. U.S. \\ | x-ray IL-2 p53 (+)-x 2,4-D CD4+ 10mg 5'-end camelCase _a a_ tel:1 <b> $1.50 don't :) :-) o.O
\u0301 \u200d \u0345 \x00 \x1c""".split() + ["\u3000", "\u00a0", "\u2028", "\x85"]
SPACES = [" ", " ", " ", " ", " ", "", "", "", "  ", "\n", "\t", " \n", "\n\n"]


def text(rng, pieces, most=14):
    return "".join(rng.choice(pieces) + rng.choice(SPACES) for _ in range(rng.randint(0, most)))


def chunk(rng, pieces, most=6):
    return "".join(rng.choice(pieces) for _ in range(rng.randint(0, most)))


def stop(*_):
    raise TimeoutError


def limited(function, *args):
    """Calls a function. It returns None if that takes too long: Python can take exponential time."""
    signal.setitimer(signal.ITIMER_REAL, 5)
    try:
        return function(*args)
    except TimeoutError:
        return None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


# Regular expressions.

ATOMS = ["a", "b", "A", "é", "-", "\\.", ".", "1", "0", ":", "s", "K", "i", "ß", "σ", "\\d", "\\w", "\\s", "\\D", "\\W", "\\S", "[a-z]", "[^a-z]", "[A-Zß]", "[0-9,.]",
         "[\\w-]", "[^\\d\\s]", "[]a]", "[^]a]", "[.…]", "(?:ab|a)", "(a|ab)", "(?:a|b|)", "(?:|a)", "(?P<n>a)", "(?i:k)", "(?-i:k)", "(?s:.)", "km", "\\x41", "\\u00e9",
         "(?#c)", "()", "ab", "n't", "(?:\\.\\d{1,3})", "\\n", "{", "a{"]
PLACES = ["^", "$", "\\b", "\\B", "\\A", "\\Z", "(?=a)", "(?!a)", "(?<=a)", "(?<!a)", "(?<=[a-z])", "(?=[a-z])", "(?<=[0-9])", "(?<![0-9])", "(?![0-9])", "(?<=ab)", "(?=ab)",
          "(?!ab|b)", "(?<!a.)", "(?<=^a)", "(?=.*b)", "(?!.*b$)", "(?=a|$)", "(?<=\\b)", "(?=(?<=a)b)", "(?<=(?=a)[ab])", "(?=a+(?!b))", "(?=[a-z]*-)"]
HOW_OFTEN = ["", "", "", "", "", "*", "+", "?", "{2}", "{1,3}", "{,2}", "{2,}", "*?", "+?", "??", "{1,3}?", "{0}"]


def regex(rng, depth=0):
    parts = []
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        part = ""
        for _ in range(rng.choice([0, 1, 1, 2, 3, 4])):
            roll = rng.random()
            if roll < 0.2:
                part += rng.choice(PLACES)
            elif roll < 0.35 and depth < 3:
                part += rng.choice(["(", "(?:", "(?:", "(?=", "(?!"]) + regex(rng, depth + 1) + ")" + rng.choice(HOW_OFTEN)
            else:
                part += rng.choice(ATOMS) + rng.choice(HOW_OFTEN)
        parts.append(part)
    out = "|".join(parts)
    if depth == 0:
        out = rng.choice(["", "", "", "", "(?i)", "(?u)", "(?s)", "(?m)", "(?im)"]) + out
    return out


def regex_case(rng, texts):
    pattern = regex(rng)
    out = {"pattern": pattern, "texts": [chunk(rng, list("aabbAéK-.1:0sßσſ\n kmab") + ["ab", "12", "İ", "ı", "Σ", "n't"], 12) for _ in range(texts)]}
    try:
        compiled = re.compile(pattern)
        out["spans"] = [[m.span() for m in compiled.finditer(t)] for t in out["texts"]]
        out["match"] = [compiled.match(t) is not None for t in out["texts"]]
    except re.error as error:
        out["error"] = str(error)
    return out


CLASSES = ["\\w", "\\W", "\\d", "\\s", "\\S", ".", "(?s).", "[^\\w]", "[\\w\\s]", "[^\\n]", "(?i)[a-z]", "(?i)[^a-z]", "(?i)k", "(?i)s", "(?i)ß", "(?i)İ", "(?i)ı", "(?i)σ",
           "(?i)µ", "(?i)ǆ", "(?i)ﬅ", "(?i)[à-ÿ]", "(?i)[α-ω]", "(?i)[^α-ω]", "(?i)ι", "(?i)[\\w]", "(?i)[а-я]", "[\\U00010000-\\U0010ffff]", "\\b.", ".\\b", "(?i)[\\u1c80-\\u1c88]",
           "(?i)Ᲊ", "(?i)[\\u0100-\\u024f]", "(?i)[\\u1e00-\\u1fff]", "(?i)[\\u2c00-\\ua7ff]", "(?i)[^\\u2c00-\\ua7ff]"]
EVERY = "\n".join(chr(c) for c in range(0x110000) if not 0xD800 <= c < 0xE000)


def class_case(pattern):
    compiled = re.compile(pattern)
    ranges = []
    for m in compiled.finditer(EVERY):
        c = ord(m.group())
        if m.group() == "\n" and m.start() != 20:  # the newline among the code points is the 21st
            continue
        if ranges and ranges[-1][1] == c - 1:
            ranges[-1][1] = c
        else:
            ranges.append([c, c])
    return {"class": pattern, "ranges": ranges}


def class_patterns():
    yield from CLASSES
    for name in ("ALPHA", "ALPHA_LOWER", "ALPHA_UPPER", "CONCAT_ICONS"):
        value = getattr(char_classes, name)
        yield from (f"[{value}]", f"(?i)[{value}]", f"[^{value}]")


# Tokenizers.


def sciences():
    """Patterns for chemistry and biology: hyphens and brackets stay inside of words."""
    alpha = char_classes.ALPHA
    prefixes = ["§", "%", r"\+(?![0-9])", "'s", r"\((?![^\(\s]+\)\S)", r"\[(?![^\[\s]+\]\S)", r"\{(?![^\{\s]+\}\S)", *char_classes.LIST_ELLIPSES, *[q for q in char_classes.LIST_QUOTES if q != "'"],
                ",", ":", ";", r"\!", r"\?", "¿", "~", r"(?:\$|£|€)"]
    suffixes = [",", ":", ";", r"\!", r"\?", r"(?<=[a-z0-9)])\.", r"(?<![\(\[][^\s\)\]]{3})\)", r"(?<=\d)(?:mg|ml|kg|µ[gl]|°C|%)", r"(?<=[A-Z]{2})\.", "'s", "’s", *char_classes.LIST_ELLIPSES, *char_classes.LIST_QUOTES]
    infixes = [*char_classes.LIST_ELLIPSES, r"×", r"(?<=[0-9])[+\-\*^](?=[0-9-])", rf"(?<=[{char_classes.ALPHA_LOWER}])\.(?=[{char_classes.ALPHA_UPPER}])", rf"(?<=[{alpha}]),(?=[{alpha}])",
               rf"(?<=[{alpha}])(?:--|---|——|~)(?=[{alpha}])", rf"(?<=[{alpha}0-9])[:<>=](?=[{alpha}])", r"(?<=[a-z])/(?=[a-z]{3})", r"(?<=\))-(?=[a-z]+)", r"[\(\)\[\]](?=[A-Z][a-z]+\b)"]
    return prefixes, suffixes, infixes


EXTRA = [r"\-", r"(?<=[a-z])(?=[A-Z])", r"_", r"(?<=\d)(?=[a-z])", r"[/:=]", r"a|b", r"(?i:x)", r"\.(?=\w)", r"(?<=[0-9]):(?=[0-9])", r"n't", r"[^\w\s]", r"\d+", r"\b", r"(?=-)", r"--+", r"(?:km|kg)", r"\\", r"",
         r"(?<!^)@", r"#\w+", r".", r"(?<=ab)-", r"(?<=\w\w)\.", r"\s+", r"\n", r"$", r"^", r"(?=.*\))\(", r"[\(\[]", r"(?:(?<=\d)|(?<=[A-Z]))['’]", r"°[CF]?", r"(?<=°[FfCcKk])\.", r"\.{2,}"]
MATCHES = [r"^\d+$", r"^[a-z]+-[a-z]+$", r"(?i)^[a-z]{2,}\d", r"https?://", r".*@", r"^(?:[A-Z]\.)+$", r"\w+\.\w+$", r"", r"^#", r"[^a]*$", r":\)", r"^(?=.*\d)(?=.*[a-z])\w+$", r"(?u)^\w+[-'’]\w+$", r"\S+?-\d+\Z"]


def compiled(rng, kind, pieces):
    pieces = list(pieces)
    rng.shuffle(pieces)
    if rng.random() < 0.2:
        form = "|".join(pieces)
    elif kind == "prefix":
        form = compile_prefix_regex(pieces).pattern
    elif kind == "suffix":
        form = compile_suffix_regex(pieces).pattern
    else:
        form = compile_infix_regex(pieces).pattern
    return form


def affix(rng, kind, defaults):
    roll = rng.random()
    if roll < 0.25:
        return compiled(rng, kind, defaults)
    if roll < 0.35:
        return None
    if roll < 0.7:
        keep = [p for p in defaults if rng.random() < 0.8]
        return compiled(rng, kind, keep + rng.sample(EXTRA, rng.randint(1, 4)))
    if roll < 0.9:
        return compiled(rng, kind, rng.sample(EXTRA, rng.randint(1, 6)))
    return regex(rng)


def rules(rng, defaults):
    out = dict(defaults) if rng.random() < 0.5 else {k: v for k, v in defaults.items() if rng.random() < 0.02}
    for _ in range(rng.choice([0, 2, 5, 12])):
        whole = chunk(rng, PIECES, 4)
        if rng.random() < 0.15:
            whole += " " + chunk(rng, PIECES, 3)
        if not whole.strip():
            continue
        cuts = sorted({0, len(whole), *(rng.randrange(len(whole)) for _ in range(rng.choice([0, 1, 2])))})
        tokens = []
        for a, b in zip(cuts, cuts[1:]):
            tokens.append({65: whole[a:b]} | ({67: rng.choice(["norm", "x", whole[a:b]])} if rng.random() < 0.4 else {}))
        out[whole] = tokens
    return out


def tokenizer_case(rng, nlp, base, texts):
    """A random tokenizer. base has the prefixes, suffixes, infixes, url, rules of a version."""
    prefixes, suffixes, infixes, url, defaults = base
    tk = Tokenizer(nlp.vocab)
    out = {"texts": [text(rng, PIECES) for _ in range(texts)]}
    roll = rng.random()
    if roll < 0.15:
        prefixes, suffixes, infixes = sciences()
    try:
        if roll < 0.3:
            patterns = [compile_prefix_regex(prefixes).pattern, compile_suffix_regex(suffixes).pattern, compile_infix_regex(infixes).pattern]
        else:
            patterns = [affix(rng, "prefix", prefixes), affix(rng, "suffix", suffixes), affix(rng, "infix", infixes)]
        for name, p, method in zip(["prefix_search", "suffix_search", "infix_finditer"], patterns, ["search", "search", "finditer"]):
            setattr(tk, name, None if p is None else getattr(re.compile(p), method))
        for name in ("token_match", "url_match"):
            p = rng.choice([None, None, url, url, rng.choice(MATCHES), rng.choice(MATCHES)])
            setattr(tk, name, None if p is None else re.compile(p).match)
        tk.faster_heuristics = rng.random() < 0.7
        tk.rules = rules(rng, defaults)
    except re.error:
        return None
    return finish(out, nlp, tk)


def finish(out, nlp, tk):
    """Adds the file of a tokenizer to a case, and what it answers after it is loaded."""
    data = tk.to_bytes(exclude=["vocab"])
    out["tokenizer"] = base64.b64encode(data).decode()
    # As in a pipeline that is loaded, the tokenizer has not seen any text.
    out["tokens"] = []
    try:
        loaded = Tokenizer(nlp.vocab).from_bytes(data)
        for t in out["texts"]:
            doc = loaded(t)
            out["tokens"].append([[w.idx, w.idx + len(w), bool(w.whitespace_), w.norm] for w in doc])
    except TimeoutError:
        raise
    except Exception as error:
        del out["tokens"]
        out["error"] = f"{type(error).__name__}: {error}"
    return out


def current(nlp):
    d = nlp.Defaults
    return d.prefixes, d.suffixes, d.infixes, d.url_match.__self__.pattern if hasattr(d.url_match, "__self__") else d.url_match, d.tokenizer_exceptions


def older(folder):
    """Reads the patterns and special cases for English from the files of an older spaCy."""
    root = pathlib.Path(folder) / "spacy"
    name = "old" + re.sub(r"\W", "_", pathlib.Path(folder).name)
    for package, path in (("", root), (".lang", root / "lang"), (".lang.en", root / "lang" / "en")):
        module = types.ModuleType(name + package)
        module.__path__ = [str(path)]
        sys.modules[name + package] = module
    for shared in ("symbols", "util", "attrs", "language"):
        sys.modules[f"{name}.{shared}"] = importlib.import_module(f"spacy.{shared}")
    punctuation = importlib.import_module(f"{name}.lang.punctuation")
    general = importlib.import_module(f"{name}.lang.tokenizer_exceptions")
    infixes = punctuation.TOKENIZER_INFIXES
    if (root / "lang" / "en" / "punctuation.py").exists():
        infixes = importlib.import_module(f"{name}.lang.en.punctuation").TOKENIZER_INFIXES
    english = importlib.import_module(f"{name}.lang.en.tokenizer_exceptions").TOKENIZER_EXCEPTIONS
    return punctuation.TOKENIZER_PREFIXES, punctuation.TOKENIZER_SUFFIXES, infixes, general.URL_MATCH.__self__.pattern, english


def plain(nlp, base):
    """The tokenizer of a version as it is."""
    prefixes, suffixes, infixes, url, defaults = base
    return Tokenizer(nlp.vocab, rules=defaults, prefix_search=compile_prefix_regex(prefixes).search, suffix_search=compile_suffix_regex(suffixes).search,
                     infix_finditer=compile_infix_regex(infixes).finditer, url_match=re.compile(url).match)


def pipelines(model, folder, bases):
    """Saves MODEL with other tokenizers, and prints their names."""
    folder = pathlib.Path(folder)
    for name in ["sciences", "infixes", "bare", *list(bases)[:1]]:
        nlp = spacy.load(model)
        if name in bases:
            nlp.tokenizer = plain(nlp, bases[name])
        elif name == "sciences":
            prefixes, suffixes, infixes = sciences()
            nlp.tokenizer.prefix_search = compile_prefix_regex(prefixes).search
            nlp.tokenizer.suffix_search = compile_suffix_regex(suffixes).search
            nlp.tokenizer.infix_finditer = compile_infix_regex(infixes).finditer
            nlp.tokenizer.token_match = re.compile(r"^[A-Z]+[a-z]?-\d+$").match
        elif name == "infixes":
            nlp.tokenizer.infix_finditer = compile_infix_regex([*nlp.Defaults.infixes, r"(?<=[a-z])(?=[A-Z])", r"[_/]", r"\-"]).finditer
            nlp.tokenizer.add_special_case("e-mail", [{65: "e-mail", 67: "email"}])
        else:
            nlp.tokenizer = Tokenizer(nlp.vocab, suffix_search=re.compile(r"[.,:;!?]$").search)
        nlp.to_disk(folder / name)
        print(name)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--cases", type=int, default=300)
    parser.add_argument("--texts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--old", nargs="*", default=[])
    parser.add_argument("--pipelines")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGALRM, stop)
    nlp = spacy.load(args.model, exclude=["tok2vec", "tagger", "parser", "senter", "attribute_ruler", "lemmatizer", "ner"])
    bases = {pathlib.Path(folder).name: older(folder) for folder in args.old}
    with open(args.out, "w", encoding="utf-8") as f:

        def write(case):
            if case is not None:
                f.write(json.dumps(case) + "\n")

        for pattern in class_patterns():
            write(class_case(pattern))
        for i in range(4 * args.cases):
            write(limited(regex_case, random.Random(f"{args.seed} regex {i}"), args.texts))
        for name, base in bases.items():
            rng = random.Random(f"{args.seed} {name}")
            write(finish({"texts": [text(rng, PIECES) for _ in range(20 * args.texts)]}, nlp, plain(nlp, base)))
        versions = [current(nlp), current(nlp), *bases.values()]
        for i in range(args.cases):
            rng = random.Random(f"{args.seed} tokenizer {i}")
            write(limited(tokenizer_case, rng, nlp, rng.choice(versions), args.texts))
    if args.pipelines:
        pipelines(args.model, args.pipelines, bases)


if __name__ == "__main__":
    main()
