"""Finds how sure spaCy was of its answers: its closest decision in each text that differs.

    margins.py MODEL CORPUS < indices (JSON) > margins (JSON)

Parser and entity recognizer choose the action with the best score at each step. Scores are
float32 sums. Their last digits depend on the order of the terms, and spaCy's library adds
in another order on each kind of CPU. If the scores of the two best actions differ only in
these digits, spaCy itself may choose another action on another CPU.

For each index it prints the smallest difference, over all steps, between the best action
and the best one that leads to another result: for the parser ("parser"), the recognizer
("ner") and the recognizer without a parser ("bare").
"""

import json
import os
import sys

os.environ["OMP_NUM_THREADS"] = "1"

import numpy
import spacy


def closest(component, doc):
    """Returns the smallest margin of a component's steps, and the two actions."""
    moves = component.moves
    names = [moves.get_class_name(i) for i in range(moves.n_moves)]
    # The label of an arc does not change where sentences start.
    kind = [n.split("-")[0] if component.name == "parser" else n for n in names]
    step = component.model.predict([doc])
    states = moves.init_batch([doc])
    least, between = float("inf"), ""
    while states and not states[0].is_final():
        scores = numpy.asarray(step.predict(states))
        order = [i for i in numpy.argsort(-scores[0]) if moves.is_valid(states[0], names[i])]
        for other in order[1:]:
            if kind[other] != kind[order[0]]:
                margin = float(scores[0, order[0]] - scores[0, other])
                if margin < least:
                    least, between = margin, f"{names[order[0]]} and {names[other]}"
                break
        states = component.transition_states(states, scores)
    return least, between


def main():
    model, corpus = sys.argv[1:3]
    wanted = set(json.load(sys.stdin))
    nlp = spacy.load(model)
    ner = nlp.get_pipe("ner")
    answer = {}
    for index, line in enumerate(open(corpus, encoding="utf-8")):
        if index not in wanted:
            continue
        doc = nlp.make_doc(json.loads(line)["text"])
        bare = nlp.make_doc(doc.text)
        found = {}
        for name, component in nlp.pipeline:
            if name in ("parser", "ner") and len(doc):
                found[name] = closest(component, doc)
            doc = component(doc)
        for name, component in nlp.pipeline:
            if name not in ("parser", "ner"):
                bare = component(bare)
        if len(bare):
            found["bare"] = closest(ner, bare)
        answer[index] = {k: {"margin": m, "between": b} for k, (m, b) in found.items() if m < float("inf")}
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main()
