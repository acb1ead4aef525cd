"""Writes what displaCy makes of texts with entities, for web's tests. Needs spaCy.

    python3 web/testdata/python/displacy.py > web/testdata/python/displacy.jsonl

A line is {"text", "ents": [{"start", "end", "label"}], "labels": the labels that are
shown, or null for all, "html": the markup}.
"""

import json
import random
import warnings

import spacy
from spacy import displacy

warnings.simplefilter("ignore")  # displaCy warns of texts without entities
LABELS = sorted(displacy.render.__globals__["EntityRenderer"]().colors) + ["SPECIES", "drug", "Ключ"]
HOSTILE = [
    "<script>alert(1)</script>", "</mark></div><img src=x onerror=alert(1)>", "a & b &amp; c &lt;", '"quoted" \'single\'',
    "<!-- x", "]]>", "{text} {0} %s", "\u2028line\u2029", "\0", "\x1b[0m", "a\r\nb", "\t", "<br>", "&#60;", "\ufeff",
]
PIECES = HOSTILE + ["Ada", "Angela Merkel", "😀 and 👩‍👩‍👧", "e\u0301 é", "日本語", "\n", "\n\n", " ", "  ", "x" * 50, ".", "New\nYork"]


def case(text, ents, labels=None):
    options = {} if labels is None else {"ents": labels}
    data = {"text": text, "ents": [{"start": s, "end": e, "label": l} for s, e, l in ents]}
    html = displacy.render(json.loads(json.dumps(data)), style="ent", page=False, manual=True, jupyter=False, options=options)
    print(json.dumps({**data, "labels": labels, "html": html}))


def document():
    """The same by a Doc: manual=True must not be a way of its own."""
    nlp = spacy.blank("en")
    doc = nlp("Angela Merkel was born in Hamburg & <b>.\n")
    doc.ents = [doc.char_span(0, 13, label="PERSON"), doc.char_span(26, 33, label="GPE")]
    ents = [(e.start_char, e.end_char, e.label_) for e in doc.ents]
    html = displacy.render(doc, style="ent", page=False, jupyter=False)
    data = {"text": doc.text, "ents": [{"start": s, "end": e, "label": l} for s, e, l in ents]}
    print(json.dumps({**data, "labels": None, "html": html}))


document()
case("", [])
case("\n", [])
for hostile in HOSTILE:
    case(hostile, [])
    case(hostile, [(0, len(hostile), "PERSON")])
for label in LABELS:
    case("Ada\n", [(0, 3, label)])
random.seed(7)
for _ in range(60):
    text, ents = "", []
    for _ in range(random.randrange(1, 12)):
        piece = random.choice(PIECES)
        if random.random() < 0.4:
            ents.append((len(text), len(text) + len(piece), random.choice(LABELS)))
        text += piece
    case(text, ents, random.choice([None, None, sorted(random.sample(LABELS, 5))]))
