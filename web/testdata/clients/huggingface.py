"""huggingface_hub's client of an inference endpoint against /."""

from huggingface_hub import InferenceClient
from huggingface_hub.errors import HfHubHTTPError

from common import results, same, texts, url


def groups(ents):
    return [(e["label"], 1.0, e["text"], e["start"], e["end"]) for e in ents]


def got(elements):
    return [(e.entity_group, e.score, e.word, e.start, e.end) for e in elements]


client = InferenceClient(model=url)
for text, want in zip(texts, results(texts)):
    same(got(client.token_classification(text)), groups(want["ents"]), "token_classification")

text, ents = texts[0], results(texts)[0]["ents"]
same(got(InferenceClient().token_classification(text, model=url + "/")), groups(ents), "the model in the call")
for strategy in "simple", "first", "average", "max":
    same(got(client.token_classification(text, aggregation_strategy=strategy, stride=8)), groups(ents), strategy)
for label in {e["label"] for e in ents}:
    some = [e for e in ents if e["label"] != label]
    same(got(client.token_classification(text, ignore_labels=[label])), groups(some), f"without {label}")

try:
    client.token_classification(text, aggregation_strategy="none")
except HfHubHTTPError as e:
    same((e.response.status_code, "whole entities" in str(e)), (422, True), f"the error {e}")
else:
    same("no error", "one", "the strategy none")
