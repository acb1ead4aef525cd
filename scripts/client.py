#!/usr/bin/env python3
"""A client to measure narwhal with: it sends many GET requests at once, with aiohttp.

Each trial opens a session of its own and starts all its requests together:
GET / with the JSON body {"i_request": n, "text": ...}. The session has aiohttp's
defaults, because most people use these: it keeps at most 100 connections open, and
the other requests wait inside the client.

Prints the seconds of each trial and their average. Exits with 1 if a request
failed, or if two answers differ, or if they differ from --expect.

Needs Python 3.9 and aiohttp:
    python3 -m venv venv && venv/bin/pip install aiohttp
    venv/bin/python scripts/client.py --url http://127.0.0.1:8000/
"""

import argparse
import asyncio
import collections
import json
import pathlib
import sys
import time

import aiohttp


def arguments():
    here = pathlib.Path(__file__).resolve().parent
    p = argparse.ArgumentParser(
        description="Send many GET requests at once and print the seconds it takes.",
        epilog="The requests share aiohttp's default of 100 connections.",
    )
    p.add_argument("--url", default="http://127.0.0.1:8000/", help="default: %(default)s")
    p.add_argument("--requests", type=positive, default=1000, metavar="N", help="requests in a trial (default: 1000)")
    p.add_argument("--trials", type=positive, default=5, metavar="N", help="trials, one after the other (default: 5)")
    p.add_argument("--text-file", type=pathlib.Path, default=here / "paragraph.txt", metavar="FILE",
                   help="the text to send (default: paragraph.txt beside this program)")
    p.add_argument("--expect", metavar="JSON",
                   help="what every answer must be, for example '{\"Hamburg\": \"GPE\"}', or @FILE")
    return p.parse_args()


def positive(s):
    n = int(s)
    if n < 1:
        raise argparse.ArgumentTypeError(f"{n}: want at least 1")
    return n


def parse(s):
    """Reads JSON and keeps the order of its keys: answers in another order differ."""
    return json.loads(s, object_pairs_hook=collections.OrderedDict)


async def ask(session, url, number, text):
    """Sends one request. Returns (answer, None), or (None, what went wrong)."""
    try:
        async with session.get(url, json={"i_request": number, "text": text}) as response:
            if response.status != 200:
                await response.read()
                return None, f"status {response.status}"
            # Fails too if the content type is not application/json.
            return await response.json(loads=parse), None
    except asyncio.TimeoutError:
        return None, "timeout"
    except (aiohttp.ClientError, OSError, ValueError) as e:
        return None, f"{type(e).__name__}: {e}"


async def trial(url, first, count, text):
    async with aiohttp.ClientSession() as session:
        return await asyncio.gather(*(ask(session, url, first + i, text) for i in range(count)))


def expected(argument):
    if argument is None:
        return None
    try:
        raw = pathlib.Path(argument[1:]).read_text(encoding="utf-8") if argument.startswith("@") else argument
        return parse(raw)
    except (OSError, ValueError) as e:
        sys.exit(f"client.py: --expect: {e}")


def main():
    args = arguments()
    want = expected(args.expect)
    try:
        text = args.text_file.read_text(encoding="utf-8")
    except (OSError, ValueError) as e:
        sys.exit(f"client.py: --text-file: {e}")

    seconds, errors, wrong, answered = [], collections.Counter(), 0, 0
    for i in range(args.trials):
        start = time.perf_counter()
        results = asyncio.run(trial(args.url, i * args.requests, args.requests, text))
        seconds.append(time.perf_counter() - start)
        print(f"trial {i + 1}: {seconds[-1]:.3f} s", flush=True)

        for answer, error in results:
            if error is not None:
                errors[error] += 1
                continue
            answered += 1
            if want is None:
                want = answer  # the first answer is the one the others must equal
            if answer != want:
                wrong += 1
                if wrong == 1:
                    print(f"differs: {json.dumps(answer, ensure_ascii=False)}\n"
                          f"   from: {json.dumps(want, ensure_ascii=False)}", file=sys.stderr)

    print(f"average: {sum(seconds) / len(seconds):.3f} s")
    print(f"answered: {answered}, errors: {sum(errors.values())}, different answers: {wrong}")
    for error, count in errors.most_common():
        print(f"  {count} x {error}", file=sys.stderr)
    return 1 if errors or wrong else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
