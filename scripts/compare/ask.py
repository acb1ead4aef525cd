"""The original kind of client. It keeps running between trials.

    ask.py TEXTS ANSWERS

Reads commands from standard input, one JSON object a line:
    {"url": …, "requests": n, "first": index of the first text, "texts": how many of them}
and writes one JSON object for each: the seconds of the trial, the seconds of each right
answer, the CPU seconds of this process, and the errors by kind. It sends requests as
scripts/client.py does. It compares the answers after it has taken the time.
"""

import asyncio
import collections
import json
import pathlib
import sys
import time

import aiohttp

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import client


async def timed(session, url, number, text, start):
    answer, error = await client.ask(session, url, number, text)
    return answer, error, time.perf_counter() - start


async def trial(url, texts, count):
    async with aiohttp.ClientSession() as session:
        start = time.perf_counter()
        return await asyncio.gather(*(timed(session, url, i, texts[i % len(texts)], start) for i in range(count)))


def main():
    texts, answers = (
        [json.loads(line) for line in pathlib.Path(p).read_text(encoding="utf-8").splitlines()] for p in sys.argv[1:3]
    )
    texts = [t["text"] for t in texts]
    for line in sys.stdin:
        c = json.loads(line)
        first, count = c["first"], c["texts"]
        cpu, start = time.process_time(), time.perf_counter()
        results = asyncio.run(trial(c["url"], texts[first : first + count], c["requests"]))
        seconds, cpu = time.perf_counter() - start, time.process_time() - cpu

        errors, latencies = collections.Counter(), []
        for i, (answer, error, latency) in enumerate(results):
            if error is not None:
                errors[error] += 1
            elif answer != answers[first + i % count]:
                errors["not spaCy's answer"] += 1
            else:
                latencies.append(latency)
        print(json.dumps({"seconds": seconds, "cpu": cpu, "latencies": latencies, "errors": errors}), flush=True)


if __name__ == "__main__":
    main()
