"""The requests of Label Studio's server to a machine learning backend.

Label Studio sends them with requests. The fields, the deadlines, and what the server reads
of an answer are those of label_studio/ml/api_connector.py and label_studio/ml/models.py.
"""

import urllib.parse

import requests
from requests.adapters import HTTPAdapter

from common import model, results, same, texts, url

session = requests.Session()
session.headers.update({"User-Agent": "heartex/1.0"})
session.mount("http://", HTTPAdapter(max_retries=2))


def send(route, body=None, timeout=100.0):
    address = urllib.parse.urljoin(url + "/", route)
    if body is None:
        r = session.get(url=address, timeout=(1.0, timeout))
    else:
        r = session.post(url=address, json=body, timeout=(1.0, timeout))
    r.raise_for_status()
    return r.json()


name, version = model()
ents = [r["ents"] for r in results(texts)]
labels = sorted({e["label"] for es in ents for e in es})
renamed = {label: "My " + label.title() for label in labels[:1]}
config = '<View>\n  <Labels name="ner_tags" toName="text">\n'
for label in labels:
    if label in renamed:
        config += f'    <Label value="{renamed[label]}" predicted_values="x, {label}"/>\n'
    else:
        config += f'    <Label value="{label}" background="#FFA39E"/>\n'
config += '  </Labels>\n  <Text name="text" value="$text"/>\n</View>'


def task(i, text):
    return {
        "id": i, "data": {"text": text}, "meta": {}, "created_at": "2024-03-20T20:50:22.955810Z", "updated_at": "2024-03-20T20:50:22.955819Z",
        "is_labeled": False, "overlap": 1, "inner_id": i, "total_annotations": 0, "cancelled_annotations": 0, "total_predictions": 0,
        "comment_count": 0, "unresolved_comment_count": 0, "last_comment_updated_at": None, "project": 6, "updated_by": None, "file_upload": 8,
        "comment_authors": [], "annotations": [], "predictions": [],
    }


def predict(tasks, config, context=None):
    return send("predict", {
        "tasks": tasks, "project": "6.1710967805", "label_config": config, "params": {"login": None, "password": None, "context": context},
    })["results"]


same(send("health")["status"], "UP", "health")
model_version = send("setup", {
    "project": "6.1710967805", "schema": config, "hostname": "http://localhost:8080", "access_token": "secret", "extra_params": None,
})["model_version"]
same(model_version.startswith(name), True, f"model version {model_version}")

predictions = predict([task(i, t) for i, t in enumerate(texts)], config)
same(len(predictions), len(texts), "predictions")
for text, want, prediction in zip(texts, ents, predictions):
    same(prediction["model_version"], model_version, "the version of a prediction")
    regions = []
    for region in prediction["result"]:
        same((region["from_name"], region["to_name"], region["type"]), ("ner_tags", "text", "labels"), "the tags of a region")
        value = region["value"]
        # Python counts code points, and so does Label Studio's editor.
        same(text[value["start"]:value["end"]], value["text"], "the text at the offsets")
        regions.append((value["start"], value["end"], value["labels"]))
    same(regions, [(e["start"], e["end"], [renamed.get(e["label"], e["label"])]) for e in want], "regions")

# One task, as Label Studio asks while somebody annotates.
[one] = predict([task(0, texts[0])], config, context={"result": []})
same(one, predictions[0], "the prediction of one task")
# A project with other labels gets none of the model's.
same(predict([task(0, texts[0])], config.replace("<Label value=", "<Label value=\"x\" other=").replace("predicted_values", "nothing"))[0]["result"], [], "regions of other labels")

send("webhook", {"action": "ANNOTATION_CREATED", "project": {"id": 6, "label_config": config}, "task": task(0, texts[0]), "annotation": {"id": 1}})
send("webhook", {"action": "PROJECT_UPDATED", "project": {"id": 6}})
try:
    send("webhook", {"action": "START_TRAINING", "project": {"id": 6}})
except requests.exceptions.RequestException as e:
    same((e.response.status_code, e.response.json()["error"]), (422, "this service does not train"), "training")
else:
    same("no error", "one", "training")
