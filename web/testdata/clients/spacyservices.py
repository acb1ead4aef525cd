"""requests, as clients of spacy-services use it, against /models and /ent."""

import json

import requests

from common import model, results, same, texts, url

name, version = model()
models = requests.get(url + "/models").json()
same(list(models["models"]), [name], "models")
same(name in models["models"][name] and version in models["models"][name], True, f"the name {models['models'][name]}")
same(list(models["labels"][name]), ["ner"], "labels")

for text, want in zip(texts, results(texts)):
    want = [{"start": e["start"], "end": e["end"], "label": e["label"]} for e in want["ents"]]
    body = {"text": text, "model": name}
    same(requests.post(url + "/ent", json=body).json(), want, "entities")
    # displacy-ent.js declares its JSON as a text.
    r = requests.post(url + "/ent", data=json.dumps(body), headers={"Content-Type": "text/plain"})
    same(r.json(), want, "entities of a body that is declared as a text")

r = requests.post(url + "/ent", json={"text": "Ada", "model": "de_core_news_sm"})
same((r.status_code, "de_core_news_sm" in r.json()["error"]), (404, True), "an unknown model")
