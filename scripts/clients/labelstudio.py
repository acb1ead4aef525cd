"""Makes a project in Label Studio, connects narwhal to it, and compares the predictions.

    labelstudio.py NARWHAL STUDIO USER PASSWORD TEXTS…

scripts/clients/labelstudio.sh starts both servers and runs this.
"""

import json
import sys
import time

import requests

narwhal, studio, user, password, *files = sys.argv[1:]


class Studio(requests.Session):
    """Somebody who is logged in at Label Studio, as in a browser."""

    def __init__(self):
        super().__init__()
        self.trust_env = False
        deadline = time.monotonic() + 600  # the first start makes the database
        while True:
            try:
                if self.get(studio + "/health").ok:
                    break
            except requests.ConnectionError:
                pass
            if time.monotonic() > deadline:
                sys.exit("Label Studio did not start within 10 minutes")
            time.sleep(1)
        self.get(studio + "/user/login/")
        r = self.post(studio + "/user/login/", data={"email": user, "password": password, "csrfmiddlewaretoken": self.cookies["csrftoken"]})
        if r.url.rstrip("/").endswith("/user/login"):
            sys.exit("Label Studio does not let the user in")

    def ask(self, method, path, body=None, **params):
        r = self.request(method, studio + path, json=body, params=params, headers={"X-CSRFToken": self.cookies["csrftoken"]})
        if not r.ok:
            sys.exit(f"{method} {path}: {r.status_code} {r.text[:2000]}")
        return r.json()


def same(got, want, what):
    if got != want:
        sys.exit(f"{what}:\n got {str(got)[:2000]}\nwant {str(want)[:2000]}")


def read(files):
    texts = []
    for name in files:
        for line in open(name, encoding="utf-8"):
            if line[:1] in ('"', "{"):
                text = json.loads(line)
                texts.append(text if isinstance(text, str) else text["text"])
    return list(dict.fromkeys(t for t in texts if t.strip()))  # Label Studio wants no empty text


texts = read(files)
answers = []
for i in range(0, len(texts), 256):
    r = requests.post(narwhal + "/v1/entities", json={"texts": texts[i : i + 256]})
    r.raise_for_status()
    answers += [result["ents"] for result in r.json()["results"]]
[about] = requests.get(narwhal + "/v1/models").json()["models"]

# A label of the model under another name, two under one, one with the name of the model but
# in small letters, and the others.
renamed = {"GPE": "Place", "LOC": "Place", "PERSON": "person"}
config = '<View>\n<Labels name="label" toName="text">\n<Label value="Place" predicted_values="GPE, LOC"/>\n<Label value="person"/>\n'
for label in about["labels"]:
    if label["label"] not in renamed:
        config += f'<Label value="{label["label"]}"/>\n'
config += '</Labels>\n<Text name="text" value="$text"/>\n</View>'

s = Studio()
version = s.ask("GET", "/api/version")["release"]
project = s.ask("POST", "/api/projects", {"title": "narwhal", "label_config": config})["id"]
backend = s.ask("POST", "/api/ml", {"project": project, "url": narwhal, "title": "narwhal"})
same((backend["readable_state"], backend["model_version"]), ("Connected", about["id"]), "the state and the version of the model")
tasks = s.ask("POST", f"/api/projects/{project}/import", [{"text": t} for t in texts], return_task_ids="true")["task_ids"]
same(len(tasks), len(texts), "imported tasks")
began = time.monotonic()
s.ask("POST", "/api/dm/actions", {"selectedItems": {"all": True, "excluded": []}}, id="retrieve_tasks_predictions", project=project)
took = time.monotonic() - began

regions = without = 0
for task, text, ents in zip(tasks, texts, answers):
    task = s.ask("GET", f"/api/tasks/{task}")
    same(task["data"]["text"], text, "the text of a task")
    [prediction] = task["predictions"]
    same(prediction["model_version"], about["id"], "the version of a prediction")
    got = [(r["from_name"], r["to_name"], r["type"], r["value"]) for r in prediction["result"]]
    want = [
        ("label", "text", "labels", {"start": e["start"], "end": e["end"], "text": e["text"], "labels": [renamed.get(e["label"], e["label"])]})
        for e in ents
    ]
    same(got, want, f"the regions of {text!r}")
    regions += len(got)
    without += not got
print(f"Label Studio {version}: {len(texts)} tasks have the {regions} entities of {about['id']}, {without} of them none; the predictions took {took:.1f} s")
print(f"{studio}/projects/{project}/data?task={tasks[0]}")
