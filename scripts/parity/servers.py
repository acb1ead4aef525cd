"""Sends the same texts to the original's two programs and to narwhal, and compares the
answers. Then it compares narwhal's /v1/entities, with tokens and sentences, with spaCy.

    servers.py --narwhal PATH --model DIR --corpus corpus.jsonl --texts 1200

The two programs are those of scripts/compare/app.py: Flask with gunicorn and FastAPI with
uvicorn. All three servers listen on unix sockets in a temporary folder. Exits with 1 at
the first answers that differ.
"""

import argparse
import http.client
import json
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import time

COMPARE = pathlib.Path(__file__).resolve().parent.parent / "compare"


class Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def ask(path, text):
    """Returns the body and the content type of the answer. Exits unless the status is 200."""
    return request(path, "GET", "/", {"i_request": 1, "text": text})


def request(path, method, target, question):
    connection = Connection(path)
    try:
        connection.request(method, target, json.dumps(question), {"Content-Type": "application/json"})
        response = connection.getresponse()
        body = response.read()
        if response.status != 200:
            sys.exit(f"servers: {path.name} answers {response.status} to {question!r}: {body!r}")
        return body, response.getheader("Content-Type")
    finally:
        connection.close()


def start(name, command, path, **environment):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
    process = subprocess.Popen(command, cwd=COMPARE, env=environment, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(str(path))
            return process
        except OSError as e:
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                sys.exit(f"servers: {name} does not listen: {e}")
            time.sleep(0.1)


def texts(corpus, count):
    """Returns the first texts of the corpus that have at most 4000 characters."""
    found = []
    with open(corpus, encoding="utf-8") as f:
        for line in f:
            text = json.loads(line)["text"]
            if len(text) <= 4000:
                found.append(text)
            if len(found) == count:
                return found
    sys.exit(f"servers: {corpus} has {len(found)} texts that fit, want {count}")


def compare(paths, all_texts):
    entities = repeated = sorted_otherwise = 0
    for i, text in enumerate(all_texts):
        ours, kind = ask(paths["narwhal"], text)
        fastapi, fastapi_kind = ask(paths["fastapi"], text)
        flask, _ = ask(paths["flask"], text)
        if (ours, kind) != (fastapi, fastapi_kind):
            sys.exit(f"servers: text {i}, {text!r}:\n  FastAPI {fastapi_kind} {fastapi!r}\n  narwhal {kind} {ours!r}")
        answer = json.loads(ours)
        if answer != json.loads(flask):
            sys.exit(f"servers: text {i}, {text!r}:\n  Flask   {flask!r}\n  narwhal {ours!r}")
        entities += len(answer)
        repeated += any(text.count(e) > 1 for e in answer)
        sorted_otherwise += list(answer) != sorted(answer)
    print(f"servers: {len(all_texts)} texts, {entities} entities, in {repeated} texts one of them twice or more, "
          f"in {sorted_otherwise} not in the order of the alphabet: FastAPI's bytes and Flask's objects")
    # With too few of these, the comparison would not test anything.
    if not (entities > len(all_texts) and repeated > 50 and sorted_otherwise > 50):
        sys.exit("servers: the texts do not try what they are for")


# How long a text is in each unit of offsets.
UNITS = {
    "codepoint": len,
    "utf8": lambda text: len(text.encode()),
    "utf16": lambda text: len(text.encode("utf-16-le")) // 2,
}


def compare_v1(path, all_texts, model):
    """Compares /v1/entities with spaCy's Doc.to_json, in each unit of offsets, and reads
    the answer with spaCy's Doc.from_json."""
    import spacy

    nlp = spacy.load(model)
    counts = dict.fromkeys(("ents", "sents", "tokens"), 0)
    for at in range(0, len(all_texts), 50):
        texts = all_texts[at : at + 50]
        docs = list(nlp.pipe(texts))
        for unit, length in UNITS.items():
            question = {"texts": texts, "include": ["sents", "tokens"], "offsets": unit}
            answer = json.loads(request(path, "POST", "/v1/entities", question)[0])
            for text, doc, got in zip(texts, docs, answer["results"], strict=True):
                want = wanted(doc, length)
                if got != want:
                    sys.exit(f"servers: /v1/entities, {unit}, {text!r}:\n  spaCy   {want!r}\n  narwhal {got!r}")
                if unit == "codepoint":
                    check_doc(spacy.tokens.Doc(nlp.vocab).from_json({"text": text, **got}, validate=True), doc)
                    for name in counts:
                        counts[name] += len(got[name])
    print(f"servers: {len(all_texts)} texts by /v1/entities, {counts['tokens']} tokens, {counts['sents']} sentences, "
          f"{counts['ents']} entities: spaCy's, in code points, UTF-8 and UTF-16")
    if not min(counts.values()) > len(all_texts):
        sys.exit("servers: the texts do not try what they are for")


def wanted(doc, length):
    """Returns what narwhal should answer for a text."""
    found = doc.to_json()
    units = [0]
    for character in found["text"]:
        units.append(units[-1] + length(character))

    def ranges(name):
        return [{"start": units[part["start"]], "end": units[part["end"]]} for part in found[name]]

    ents = [
        {"text": ent.text, "label": ent.label_, "start": units[ent.start_char], "end": units[ent.end_char],
         "start_token": ent.start, "end_token": ent.end}
        for ent in doc.ents
    ]
    return {"ents": ents, "sents": ranges("sents"), "tokens": ranges("tokens")}


def check_doc(got, want):
    """Exits unless two docs have the same tokens, sentences and entities."""
    for parts in (list, lambda doc: list(doc.sents), lambda doc: list(doc.ents)):
        a, b = ([(part.text, part.start_char if hasattr(part, "start_char") else part.idx) for part in parts(doc)] for doc in (got, want))
        if a != b:
            sys.exit(f"servers: from_json makes {a!r} of {want.text!r}, want {b!r}")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--narwhal", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--corpus", required=True)
    parser.add_argument("--texts", type=int, default=1200)
    args = parser.parse_args()
    model = os.path.abspath(args.model)
    all_texts = texts(args.corpus, args.texts)

    with tempfile.TemporaryDirectory() as folder:
        paths = {name: pathlib.Path(folder, name) for name in ("flask", "fastapi", "narwhal")}
        python = [sys.executable, "-m"]
        commands = {
            "flask": python + ["gunicorn", "--bind", f"unix:{paths['flask']}", "--log-level", "warning", "--no-control-socket", "app:flask_app"],
            "fastapi": python + ["uvicorn", "--uds", str(paths["fastapi"]), "--log-level", "warning", "app:fastapi_app"],
            "narwhal": [os.path.abspath(args.narwhal), "--bind", f"unix:{paths['narwhal']}", "--model", model, "--log-level", "warning"],
        }
        running = []
        try:
            for name, command in commands.items():
                running.append(start(name, command, paths[name], APP=name, MODEL=model, PYTHONDONTWRITEBYTECODE="1"))
            compare(paths, all_texts)
            compare_v1(paths["narwhal"], all_texts[:400], model)
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                process.wait(30)


if __name__ == "__main__":
    main()
