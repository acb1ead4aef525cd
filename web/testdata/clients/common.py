"""What the programs of the clients share: the address, and the right answers."""

import sys

import requests

url = sys.argv[1].rstrip("/")

texts = [
    "Angela Merkel went to Hamburg.",
    "",
    "Ada 😀 and <b>Grace</b> met in Zürich.\n\"Yes,\" said Ada\u2028.",
    "Paris. " * 2000,
]


def results(texts):
    """Returns the results of /v1/entities, which other tests check."""
    r = requests.post(url + "/v1/entities", json={"texts": texts})
    r.raise_for_status()
    return r.json()["results"]


def model():
    """Returns the name and the version of the model."""
    r = requests.post(url + "/v2/repository/index")
    r.raise_for_status()
    [m] = r.json()
    return m["name"], m["version"]


def same(got, want, what):
    if got != want:
        sys.exit(f"{what}:\n got {str(got)[:2000]}\nwant {str(want)[:2000]}")
