"""The sources of the texts: one generator for each. Some are endless.

Each takes a random.Random of its own and the folder of development texts. The order of its
texts depends only on these and on this machine's files.
"""

import ast
import collections
import email
import gettext
import glob
import gzip
import html
import json
import os
import pathlib
import re
import subprocess
import sys
import sysconfig

import invented


def shared_data(rng, data):
    """The development texts, all of them: their F1 is computed from the same run."""
    files = sorted(pathlib.Path(data).glob("*.jsonl"))
    for path in files:
        for line in path.open(encoding="utf-8"):
            yield json.loads(line)["text"]


def package_descriptions(rng, data):
    """Descriptions of Debian's packages. A package without a long description has its name
    and its maintainer added."""
    texts = []
    for command in (["cat", "/var/lib/dpkg/status"], ["apt-cache", "dumpavail"]):
        try:
            dump = subprocess.run(command, capture_output=True, timeout=60, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            continue
        for block in dump.decode("utf-8", "replace").split("\n\n"):
            fields = dict(email.message_from_string(block).items())
            short, _, long = fields.get("Description", "").partition("\n")
            if not short:
                continue
            long = re.sub(r"(?m)^ ?\.?", "", long)
            people = fields.get("Maintainer", "")
            texts.append(short + ("\n" + long if long else f" ({fields.get('Package')}, maintained by {people})"))
    texts = sorted(set(texts))
    rng.shuffle(texts)
    at = 0
    while at < len(texts):
        n = rng.choices([1, 3, 12], [50, 40, 10])[0]
        yield rng.choice(["\n", "; ", "\n\n"]).join(texts[at : at + n])
        at += n


def manual_pages(rng, data):
    """The roff sources of manual pages, without their commands."""
    paths = sorted(glob.glob("/usr/share/man/man*/*.gz"))
    rng.shuffle(paths)
    family = collections.Counter()
    for path in paths:
        name = re.split(r"[-_.]", os.path.basename(path))[0]
        family[name] += 1
        if family[name] <= 40:  # one program can have thousands of similar pages
            yield from paragraphs(rng, roff(path))


def roff(path):
    try:
        raw = gzip.open(path).read(300_000).decode("utf-8", "replace")
    except (OSError, EOFError):
        return ""
    lines = []
    for line in raw.split("\n"):
        if line.startswith((".SH", ".PP", ".P", ".TP", ".IP", ".sp", ".Sh", ".Pp")):
            lines.append("")
        elif line.startswith((".B", ".I", ".Nm", ".Fl", ".Ar")):
            lines.append(line.partition(" ")[2])
        elif not line.startswith((".", "'")):
            lines.append(line)
    text = "\n".join(lines)
    text = re.sub(r"\\f(\[.*?\]|\(..|.)|\\&|\\s[+-]?\d+", "", text)
    return text.replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\").replace("\\|", "")


def paragraphs(rng, text):
    """Cuts a text into pieces like those that people send: mostly a paragraph, sometimes a
    page, rarely a whole document."""
    parts = [p for p in re.split(r"\n[ \t]*\n+", text) if p.strip()]
    at = 0
    while at < len(parts):
        n = rng.choices([1, 3, 10, 300], [60, 25, 14, 1])[0]
        piece = "\n\n".join(parts[at : at + n])
        at += n
        if rng.random() < 0.7:
            piece = re.sub(r"\s*\n\s*", " ", piece).strip()
        yield piece[:150_000]


def python_files():
    roots = [sysconfig.get_paths()["stdlib"], sysconfig.get_paths()["purelib"]]
    files = [f for root in roots for f in glob.glob(os.path.join(root, "**", "*.py"), recursive=True)]
    return sorted(set(files))


def python_documentation(rng, data):
    """The documentation strings of the standard library and of the installed packages."""
    files = python_files()
    rng.shuffle(files)
    for path in files:
        try:
            tree = ast.parse(pathlib.Path(path).read_text(encoding="utf-8"))
        except (OSError, SyntaxError, ValueError, RecursionError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
                doc = ast.get_docstring(node)
                if doc and len(doc) > 20:
                    yield from paragraphs(rng, doc)


def source_code(rng, data):
    """Go, Python, Perl, Vim script, C headers and shell, in pieces of some lines."""
    files = python_files()
    for pattern in ("/usr/local/go/src/**/*.go", "/usr/lib/go*/src/**/*.go", "/usr/include/**/*.h",
                    "/etc/init.d/*", "/usr/share/vim/**/*.vim", "/usr/share/perl/**/*.pm"):
        files += sorted(glob.glob(pattern, recursive=True))[:3000]
    rng.shuffle(files)
    for path in files:
        try:
            lines = pathlib.Path(path).read_text(encoding="utf-8").split("\n")[:400]
        except (OSError, UnicodeDecodeError):
            continue
        at = 0
        while at < len(lines):
            n = rng.randint(3, 60)
            yield "\n".join(lines[at : at + n])
            at += n


def other_languages(rng, data):
    """Message catalogues, manual pages and software descriptions in all languages that are
    installed. Before them come the examples in spaCy's own package, which every machine
    has."""
    yield from language_examples(rng)
    pools = [catalogues(rng), foreign_pages(rng), appstream(rng)]
    while pools:
        for pool in list(pools):
            for _ in range(20):
                text = next(pool, None)
                if text is None:
                    pools.remove(pool)
                    break
                yield text


def language_examples(rng, lang="*"):
    import spacy

    root = pathlib.Path(spacy.__file__).parent
    texts = []
    for path in sorted(root.glob(f"lang/{lang}/examples.py")) + sorted(root.glob(f"tests/lang/{lang}/*.py")):
        try:
            tree = ast.parse(path.read_text(encoding="utf-8"))
        except (OSError, SyntaxError):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(node.value) > 15:
                texts.append(node.value)
    rng.shuffle(texts)
    yield from texts


def catalogues(rng, paths=None):
    if paths is None:
        paths = sorted(glob.glob("/usr/share/locale/*/LC_MESSAGES/*.mo") + glob.glob("/usr/share/vim/*/lang/*UTF-8/LC_MESSAGES/*.mo"))
    rng.shuffle(paths)
    for path in paths:
        try:
            with open(path, "rb") as f:
                messages = gettext.GNUTranslations(f)._catalog
        except (OSError, UnicodeDecodeError, ValueError):
            continue
        texts = sorted({m for m in messages.values() if isinstance(m, str) and len(m) > 3})
        rng.shuffle(texts)
        at = 0
        while at < min(len(texts), 300):
            n = rng.randint(1, 8)
            yield rng.choice(["\n", " "]).join(texts[at : at + n])
            at += n


def foreign_pages(rng, paths=None):
    if paths is None:
        paths = sorted(glob.glob("/usr/share/man/[a-z][a-z]*/man*/*.gz"))
        paths = [p for p in paths if not re.match(r"/usr/share/man/man", p)]
    rng.shuffle(paths)
    for path in paths:
        yield from paragraphs(rng, roff(path))


def appstream(rng):
    """The software catalogue: descriptions in about fifty languages."""
    texts = set()
    for path in sorted(glob.glob("/var/lib/apt/lists/*Components*.yml.gz")):
        try:
            raw = gzip.open(path).read(60_000_000).decode("utf-8", "replace")
        except (OSError, EOFError):
            continue
        for block in re.findall(r"(?m)^    ?[a-z]{2,3}(?:[_@-]\w+)*: >-\n((?:      .*\n|\n)+)", raw):
            text = html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", block))).strip()
            if len(text) > 40:
                texts.add(text)
    texts = sorted(texts)
    rng.shuffle(texts)
    yield from texts


def exceptions(rng, data):
    """Every special case of spaCy's English tokenizer."""
    from spacy.lang.en import English

    yield from special_cases(rng, sorted(English().tokenizer.rules))


def special_cases(rng, rules):
    """Every special case, alone and with characters before and after it."""
    before = ["", "(", "\"", "'", "“", "...", "-", "$", "#", "a", "(\"", "<", "—", " ", "\n"]
    after = ["", ")", "\"", "'s", "’s", "...", ",", ".", "?!", ";", "-", "%", "km", ".\"", ")", "  ", "\n\n", "—"]
    keys = list(rules)
    rng.shuffle(keys)
    while True:
        for key in keys:
            words = []
            for _ in range(rng.randint(1, 6)):
                words.append(rng.choice(before) + (key if rng.random() < 0.6 else rng.choice(rules)) + rng.choice(after))
            yield rng.choice([" ", "  ", "", "\n"]).join(words)


ALL = {
    "shared data": shared_data,
    "package descriptions": package_descriptions,
    "manual pages": manual_pages,
    "python documentation": python_documentation,
    "chat": invented.chat,
    "source code": source_code,
    "other languages": other_languages,
    "fuzz": invented.fuzz,
    "tokenizer exceptions": exceptions,
}

if __name__ == "__main__":
    import random

    for text, _ in zip(ALL[sys.argv[1]](random.Random(1), "../shared/data"), range(int(sys.argv[2]))):
        print(repr(text[:300]))
