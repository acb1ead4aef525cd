"""Writes what Python makes of strings and of request bodies, for web's tests.

    python3 web/testdata/python/goldens.py web/testdata/python

strings.jsonl: {"hex": a string in UTF-8, "json": the bytes Starlette's
JSONResponse sends for it}. bodies.jsonl: {"hex": a body, "text": what
Starlette's (await request.json())["text"] is, or null if it raises or is no
string of characters}. Needs nothing but Python.
"""

import json
import pathlib
import sys

folder = pathlib.Path(sys.argv[1])

strings = [
    "", "Angela Merkel", 'a "quoted" word', "back\\slash", "/", "<script>&amp;</script>",
    "é ü ß", "日本語", "😀", "\u2028\u2029", "\u007f\u0080\u009f", "\ufeff", "\ufffd\uffff",
    "New\nYork\r\n\t", "\b\f\v\0", "a\x1b[0m", "e\u0301", "\u200d\u00a0",
] + [chr(i) for i in range(0x100)] + [chr(1 << i) for i in range(8, 21) if not 0xD800 <= 1 << i < 0xE000]

bodies = [
    '{"text": "Angela"}', '{"text":""}', ' \t\r\n{ "text" \n:\t"x" } \r\n',
    '{"i_request": 1, "text": "x"}', '{"text": "a", "text": "b"}', '{"text": 1, "text": "b"}',
    '{"text": "b", "text": null}', '{"Text": "x"}', '{"TEXT": "y", "text": "x"}', '{"te\\u0078t": "x"}',
    '{"text": "\\u00e9\\n\\"\\\\\\/\\b\\f\\r\\t\\u0000"}', '{"text": "\\ud83d\\ude00"}', '{"text": "\\uD83D\\uDE00"}',
    '{"text": "\\ud83d"}', '{"text": "\\ude00\\ud83d"}', '{"text": "\\ud83d\\u0041"}', '{"text": "\\\\ud83d"}',
    '{"text": "\\ud83d\\ud83d\\ude00"}', '{"text": "\\ud83dx"}', '{"text": "\\u12"}', '{"text": "\\x41"}', '{"text": "\\u{41}"}',
    '{"text": "é😀\u2028\u007f"}', '{"text": "a\nb"}', '{"text": "a\x00b"}', '{"text": "a\tb"}',
    "{'text': 'x'}", '{"text": "x",}', '{text: "x"}', '{"text": "x"', '{"text": "x"}}', '{"text": "x"} 1',
    '// c\n{"text": "x"}', '{"text": "x" "a": 1}', '{"text" "x"}', '{"text": "x", "a"}', '{"a": tru, "text": "x"}',
    '{"a": 01, "text": "x"}', '{"a": 1., "text": "x"}', '{"a": .5, "text": "x"}', '{"a": +1, "text": "x"}', '{"a": -, "text": "x"}',
    '{"a": 1e999999, "text": "x"}', '{"a": 1E+2, "text": "x"}', '{"a": -0.0e-0, "text": "x"}', '{"a": ' + "9" * 4000 + ', "text": "x"}',
    '{"a": 0x10, "text": "x"}', '{"a": 1_000, "text": "x"}',
    '{"a": ' + "[" * 900 + "]" * 900 + ', "text": "x"}', '{"a": [[], {}, [{"text": "no"}]], "text": "x"}',
    '{"a": NaN, "text": "x"}', '{"a": Infinity, "text": "x"}', '{"a": -Infinity, "text": "x"}',
    '{"text": null}', '{"text": 1}', '{"text": true}', '{"text": ["x"]}', '{"text": {"text": "x"}}',
    '{}', '[]', '["text"]', '"text"', '1', 'null', 'true', '', ' ', '\ufeff', '\u00a0{"text": "x"}',
    '{"": "", "text": "x"}', '{"text ": "x"}', '\ufeff{"text": "x"}', '\ufeff\ufeff{"text": "x"}',
]
raw = [b.encode() for b in bodies] + [
    b'{"text": "Ren\xe9"}', b'{"text": "\xc0\x80"}', b'{"text": "\xed\xa0\xbd"}', b'{"text": "\xf4\x90\x80\x80"}', b'\xff',
    b'{"a\xff": 1, "text": "x"}', '{"text": "x"}'.encode("utf-16"), '{"text": "x"}'.encode("utf-16-be"), '{"text": "x"}'.encode("utf-32-le"),
]


def text_of(body):
    try:
        text = json.loads(body)["text"]
        text.encode()  # a string with half a surrogate pair is not one of characters
        return text
    except Exception:
        return None


with (folder / "strings.jsonl").open("w") as f:
    for s in strings:
        rendered = json.dumps(s, ensure_ascii=False, allow_nan=False, indent=None, separators=(",", ":")).encode("utf-8")
        print(json.dumps({"hex": s.encode().hex(), "json": rendered.hex()}), file=f)

with (folder / "bodies.jsonl").open("w") as f:
    for b in raw:
        print(json.dumps({"hex": b.hex(), "text": text_of(b)}), file=f)
