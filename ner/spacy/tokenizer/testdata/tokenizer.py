"""Write tokenizer.jsonl: what spaCy makes of the texts in tokenizer.txt.

    python tokenizer.py en_core_web_sm    (a name or a directory; Python >= 3.12)

A line is {"text", "tokens": [[text, norm, followed by a blank]], "ids": [[ORTH,
NORM, PREFIX, SUFFIX, SHAPE, IS_SPACE]]}, with a row for each token.
"""

import json
import pathlib
import sys

import spacy

here = pathlib.Path(__file__).parent
nlp = spacy.load(sys.argv[1])
ids = ["ORTH", "NORM", "PREFIX", "SUFFIX", "SHAPE", "IS_SPACE"]
with open(here / "tokenizer.jsonl", "w", encoding="utf-8") as out:
    for line in open(here / "tokenizer.txt", encoding="utf-8"):
        if line.startswith("#") or not line.strip():
            continue
        doc = nlp.make_doc(json.loads(line))
        record = {
            "text": doc.text,
            "tokens": [[t.text, t.norm_, bool(t.whitespace_)] for t in doc],
            "ids": doc.to_array(ids).tolist(),
        }
        out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
