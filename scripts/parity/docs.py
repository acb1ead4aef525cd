"""Asks real spaCy for all that it finds in texts: Doc.to_json(). docs.sh runs it.

    docs.py MODEL CORPUS OUT

CORPUS has lines with a "text". OUT gets a line with the versions of spaCy and of Python's
Unicode tables, and then a line for each text.
"""

import json
import sys
import unicodedata
import warnings

import spacy

warnings.simplefilter("ignore")  # the lemmatizer warns of tokens without part of speech


def main():
    model, corpus, out = sys.argv[1:]
    nlp = spacy.load(model)
    with open(corpus, encoding="utf-8") as f:
        texts = [json.loads(line)["text"] for line in f]
    # Texts with code points that this Python does not know are left out if it has other
    # tables than Go.
    same = unicodedata.unidata_version == "15.0.0"
    known = [t for t in texts if same or not any(unicodedata.category(c) == "Cn" for c in t)]
    with open(out, "w", encoding="utf-8") as f:
        head = {"spacy": spacy.__version__, "unicode": unicodedata.unidata_version, "left_out": len(texts) - len(known)}
        f.write(json.dumps(head) + "\n")
        for doc in nlp.pipe(known, batch_size=64):
            answer = doc.to_json()
            if "dep" in (answer["tokens"] or [{}])[0]:
                answer["noun_chunks"] = [{"start": c.start_char, "end": c.end_char} for c in doc.noun_chunks]
            f.write(json.dumps(answer, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
