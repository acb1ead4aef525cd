"""Makes a small training set of invented sentences about a zoo, for train.sh.

    train_data.py DIR

writes train.spacy and dev.spacy in spaCy's own format, for spacy train. It also writes
zoo.jsonl: other sentences, in the corpus's format, for the comparison.
"""

import json
import pathlib
import random
import sys

import spacy
from spacy.tokens import DocBin

ANIMAL = """red panda; pygmy hippo; okapi; snow leopard; king penguin; axolotl; aye-aye; tapir; two-toed sloth; Komodo dragon; capybara; giant otter; meerkat;
shoebill; honey badger; fennec fox; emperor tamarin; Bactrian camel; gelada; echidna""".replace("\n", " ").split("; ")
KEEPER = """Amara Diallo; Bjørn Lund; Chen Wei; Dolores O'Hara; Emre Kaya; Farah Nazari; Gwen Parry-Jones; Hugo St. Clair; Ines; old Mr. Okoro; Yuki; Tomasz
Wrona""".replace("\n", " ").split("; ")
HOUSE = """House 7; the Rain Forest Hall; Pen B-12; Cliff House; the nocturnal wing; Aviary No. 3; the quarantine barn; Polar Bay; Paddock East""".replace("\n", " ").split("; ")
FOOD = "bamboo; 3 kg of herring; termites; figs; frozen mice; hay; leaf-eater biscuit; half a melon".split("; ")
FRAMES = """The {A} in {H} was fed {F} by {K}.
{K} moved the {A} to {H} this morning.
Has {K} seen the {A}?
{H} is closed: the {A} bit {K}'s hand!
{K} and {K} weigh the {A} daily, then give it {F}.
No {F} left in {H}, says {K}.
We have a new {A}; it does not like {F}.
"The {A} ate my {F}," said {K} ({H}).
{K}: {H} -> {H}, with the {A}
Nobody knows why the gates were open at 5 p.m.
The roof of {H} leaks.
Please order {F} and {F} for the {A}.
visitors love the {A}...""".split("\n")
LABELS = {"A": ("ANIMAL", ANIMAL), "K": ("KEEPER", KEEPER), "H": ("ENCLOSURE", HOUSE), "F": ("FOOD", FOOD)}


def sentence(rng):
    text, ents = "", []
    frame = rng.choice(FRAMES)
    while "{" in frame:
        before, _, frame = frame.partition("{")
        label, words = LABELS[frame[0]]
        frame = frame[2:]
        word = rng.choice(words)
        text += before
        ents.append((len(text), len(text) + len(word), label))
        text += word
    return text + frame, ents


def main():
    out = pathlib.Path(sys.argv[1])
    rng = random.Random(7)
    nlp = spacy.blank("en")
    for name, n in (("train", 400), ("dev", 60)):
        docs = DocBin()
        for _ in range(n):
            text, ents = sentence(rng)
            doc = nlp.make_doc(text)
            # char_span returns None if a span ends inside a token. Leave such spans out.
            doc.ents = [s for s in (doc.char_span(a, b, label) for a, b, label in ents) if s]
            docs.add(doc)
        docs.to_disk(out / f"{name}.spacy")
    with (out / "zoo.jsonl").open("w", encoding="utf-8") as f:
        for _ in range(800):
            text = rng.choice([" ", "\n", "  "]).join(sentence(rng)[0] for _ in range(rng.randint(1, 8)))
            f.write(json.dumps({"source": "the zoo", "text": text}) + "\n")


if __name__ == "__main__":
    main()
