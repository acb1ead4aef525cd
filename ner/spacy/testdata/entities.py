"""Write entities.jsonl: what spaCy makes of the texts in entities.txt. Also write
sentencizer.json, the file of spaCy's sentencizer.

    python entities.py en_core_web_sm    (a name or a directory; Python >= 3.12)

A line is {"text", "sents", "ents", "alone", "rule_sents", "rule_ents"}: where
sentences start, the entities of the whole pipeline, those without its parser,
and both with a sentencizer instead of the parser; an entity is
[start, end, label]. All offsets are in code points.
"""

import json
import pathlib
import sys

import spacy

here = pathlib.Path(__file__).parent
full = spacy.load(sys.argv[1])
alone = spacy.load(sys.argv[1], exclude=["parser"])
ruled = spacy.load(sys.argv[1], exclude=["parser"])
rule = ruled.add_pipe("sentencizer", before="ner")
(here / "sentencizer.json").write_text(
    json.dumps({"punct_chars": sorted(rule.punct_chars), "overwrite": rule.overwrite}) + "\n"
)


def entities(doc):
    return [[e.start_char, e.end_char, e.label_] for e in doc.ents]


with open(here / "entities.jsonl", "w", encoding="utf-8") as out:
    for line in open(here / "entities.txt", encoding="utf-8"):
        if line.startswith("#") or not line.strip():
            continue
        text = json.loads(line)
        doc = full(text)
        by_rule = ruled(text)
        record = {
            "text": text,
            "sents": [s.start_char for s in doc.sents],
            "ents": entities(doc),
            "alone": entities(alone(text)),
            "rule_sents": [s.start_char for s in by_rule.sents],
            "rule_ents": entities(by_rule),
        }
        out.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
