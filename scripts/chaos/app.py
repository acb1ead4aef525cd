"""The application that Gunicorn serves in the comparison with narwhal: 2 ms of work on
a processor, and an answer of the same form. In both, clients wait for a worker most of
the time."""

import json
import os
import time

WORK = 0.002  # seconds


def app(environ, start_response):
    text = json.loads(environ["wsgi.input"].read(int(environ["CONTENT_LENGTH"])))["text"]
    end = time.thread_time() + WORK
    while time.thread_time() < end:
        pass
    body = json.dumps({w: "WORD" for w in text.split() if w[0].isupper()}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]


# Gunicorn logs "Booting worker" before the application is loaded, so the application says
# when it is. One write, because several workers write at once.
os.write(2, f"application ready in {os.getpid()}\n".encode())
