"""aiohttp, httpx and requests against / and /v1/entities: in every way in which they send a
body, on new and on kept connections, one after the other and many at once."""

import asyncio
import gzip
import json

import aiohttp
import httpx
import requests

from common import results, same, texts, url

text = texts[2]
[want] = results([text])
merged = {e["text"]: e["label"] for e in want["ents"]}
all_wanted = results(texts)
body = json.dumps({"texts": texts}).encode()
lines = [json.dumps({"text": t}).encode() + b"\n" for t in texts] * 50
headers = {"Content-Type": "application/json"}
ndjson = {"Content-Type": "application/x-ndjson"}


def check(status, answer, what, results=all_wanted):
    same((status, answer.get("results")), (200, results), what)


def check_lines(status, answer, what):
    same((status, [json.loads(line)["ents"] for line in answer.splitlines()]), (200, [r["ents"] for r in all_wanted] * 50), what)


def pieces():
    for at in range(0, len(body), 1000):
        yield body[at : at + 1000]


# requests. A generator is sent chunked.
with requests.Session() as session:
    for get in (requests.get, session.get):
        for _ in range(3):
            r = get(url + "/", json={"i_request": 1, "text": text})
            same((r.status_code, r.json()), (200, merged), "requests: GET with a body")
    for what, r in {
        "json": session.post(url + "/v1/entities", json={"texts": texts}),
        "chunked": session.post(url + "/v1/entities", data=pieces(), headers=headers),
        "gzip": session.post(url + "/v1/entities", data=gzip.compress(body), headers={**headers, "Content-Encoding": "gzip"}),
        "Expect": session.post(url + "/v1/entities", data=body, headers={**headers, "Expect": "100-continue"}),
        "no kept connection": session.post(url + "/v1/entities", data=body, headers={**headers, "Connection": "close"}),
    }.items():
        check(r.status_code, r.json(), "requests: " + what)
    r = session.post(url + "/v1/entities", data=iter(lines), headers=ndjson)
    check_lines(r.status_code, r.text, "requests: lines")

# httpx
with httpx.Client(timeout=60) as client:
    for _ in range(3):
        r = client.request("GET", url + "/", json={"i_request": 1, "text": text})
        same((r.status_code, r.json()), (200, merged), "httpx: GET with a body")
    r = client.post(url + "/v1/entities", json={"texts": texts})
    check(r.status_code, r.json(), "httpx: json")
    r = client.post(url + "/v1/entities", content=pieces(), headers=headers)
    check(r.status_code, r.json(), "httpx: chunked")
    with client.stream("POST", url + "/v1/entities", content=iter(lines), headers=ndjson) as r:
        check_lines(r.status_code, r.read().decode(), "httpx: lines")


async def with_httpx():
    async with httpx.AsyncClient(timeout=60) as client:
        answers = await asyncio.gather(*(client.post(url + "/v1/entities", json={"texts": texts}) for _ in range(50)))
    for r in answers:
        check(r.status_code, r.json(), "httpx: many at once")


async def with_aiohttp():
    async def lines_later():
        for line in lines:
            yield line
            await asyncio.sleep(0)

    async with aiohttp.ClientSession() as session:

        async def get():
            async with session.get(url + "/", json={"i_request": 1, "text": text}) as r:
                same((r.status, await r.json()), (200, merged), "aiohttp: GET with a body")

        async def post(what, **args):
            async with session.post(url + "/v1/entities", **args) as r:
                check(r.status, await r.json(), "aiohttp: " + what)

        await asyncio.gather(*(get() for _ in range(100)))
        await asyncio.gather(*(post("json", json={"texts": texts}) for _ in range(50)))
        await post("deflate", data=body, headers=headers, compress="deflate")
        await post("Expect", data=body, headers=headers, expect100=True)
        async with session.post(url + "/v1/entities", data=lines_later(), headers=ndjson) as r:
            check_lines(r.status, await r.text(), "aiohttp: lines")


asyncio.run(with_httpx())
asyncio.run(with_aiohttp())
