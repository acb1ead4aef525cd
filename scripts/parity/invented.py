"""Invented texts: chat that is put together from parts, and strings that are difficult
for a tokenizer."""

import random

FIRST = """Ada Bao Chidi Dmitri Elif Fatima Giulia Hiro Ingrid João Kwame Léa Mateusz Nguyen Olga Priya Quentin
Rosa Søren Tamar Uma Viktor Wei Ximena Yusuf Zoë Jean-Luc Mary-Kate O'Brien DJ J.R. Mike dave sarah TIM""".split()
LAST = """Okafor Nakamura Smith Müller García Petrov Yılmaz Rossi O'Neill McDonald van der Berg bin-Salman Šimek
Nowak Li Johansson Dubois Silva Haddad Cohen Kim Jr. III""".split()
PLACES = ["Lagos", "São Paulo", "New York", "NYC", "the Alps", "Lake Victoria", "Côte d'Ivoire", "Wales", "u.k.", "U.S.",
          "Trinidad and Tobago", "Route 66", "Shibuya", "Kyiv", "the Moon", "Paris", "paris", "PARIS", "St. Louis", "Washington D.C."]
ORGS = ["Acme Corp.", "AT&T", "the WHO", "NASA", "Yahoo!", "Barnes & Noble", "ACME GmbH", "Toys 'R' Us", "the Red Cross", "UN",
        "Ben & Jerry's", "3M", "H&M", "Manchester United", "University of Ghana", "BBC", "Goldman Sachs Group, Inc."]
TIMES = ["5pm", "at 10:30 a.m.", "tmrw", "on Monday", "next Tues", "in 2019", "the 1990s", "Dec. 24th", "2024-02-29", "half past six",
         "3 weeks ago", "Q3", "5-6pm", "this morning", "09/11/2001", "midnight"]
AMOUNTS = ["$5", "$1,000.00", "€20", "20 quid", "10%", "about 3.5 million", "5km", "12kg", "1/2", "a dozen", "100s", "£3bn", "US$40m",
           "ten percent", "-40°C", "2nd", "3x", "1e-9", "42", "IV"]
WORKS = ["The Matrix", "\"Purple Rain\"", "Harry Potter and the Goblet of Fire", "World War II", "the Olympics", "iPhone 15 Pro", "the Civil Rights Act",
         "Hurricane Katrina", "Windows 11", "Mona Lisa", "Swahili", "Portuguese"]
NOISE = ["lol", "omg", "smh", ":)", ":-(", "<3", "xD", "¯\\_(ツ)_/¯", "🎉", "👩‍👩‍👧‍👦", "🇳🇬", "❤️", "👍🏽", "#blessed", "@ada_99", "...", "!!!", "?!", "—",
         "https://example.org/a?b=c#d", "www.example.com", "me@example.com", "`x = y`", "**bold**", "_so_ good", "soooooo", "c'mon", "gonna",
         "y'all", "it's", "don't", "dont", "I'd've", "w/", "b/c", "RT", "ok", "k", "haha", "&amp;", "1.2.3.4:80", "v2.0", "C++", "A/B", "\n", "  ", "\t"]
FRAMES = """{p} and {p} are in {l}
did u see {p} {t}? {n}
{p} paid {a} for {w}
meeting w/ {p} from {o} {t}
{n} {o} just bought {o} for {a}
im so tired {n} {n}
{l} > {l} {n}
anyone in {l} {t}? bring {a}
{p}: {w} was better than {w}
flight from {l} to {l} is {a} {n}
{o} ({l}) hires {p}, ex-{o}
ask {p}'s sister about {w}
{t}, {p} left {o}.
{a} of people in {l} speak {w}
no. {n}
yes
{p}??
happy bday {p} {n} {n}
The {o} said {t} that {p}, {a}, would move to {l}; {p} did not comment.
"{w}" by {p} ({t}) - {a}/10
- {p}
- {o}
[{t}] <{p}> {l}? {n}
> {o} is hiring
Dear {p},""".split("\n")


def chat(rng, data):
    def fill(frame):
        out = frame
        while "{" in out:
            at = out.index("{")
            kind = out[at + 1]
            if kind == "p":
                word = rng.choice(FIRST) + (" " + rng.choice(LAST) if rng.random() < 0.5 else "")
            else:
                word = rng.choice({"l": PLACES, "o": ORGS, "t": TIMES, "a": AMOUNTS, "w": WORKS, "n": NOISE}[kind])
            out = out[:at] + word.replace("{", "(") + out[at + 3 :]
        return out

    while True:
        lines = [fill(rng.choice(FRAMES)) for _ in range(rng.choices([1, 2, 5, 20], [50, 30, 15, 5])[0])]
        text = rng.choice(["\n", " ", ". ", "\n\n"]).join(lines)
        roll = rng.random()
        if roll < 0.1:
            text = text.lower()
        elif roll < 0.15:
            text = text.upper()
        elif roll < 0.25 and text:  # a typing error
            at = rng.randrange(len(text))
            text = text[:at] + rng.choice(["", " ", text[at] * 3, rng.choice("qwertyuiop")]) + text[at + 1 :]
        yield text


PIECES = """.. ... US$ C$ km² m³ --- — – http:// https:// ftp:// 192.168 10.0.0 .com .co.uk :80 /path ?q=1 #frag user:pw@ @ mailto:
'll n't 's ’s 'S '' `` “ ” ‘ ’ « » „ ( ) [ ] { } < > * / \\ | ~ ^ _ = + % ‰ ° § © ™ № … ‥ ･ 。 、 「 」 ؟ ، ٪ ¿ ¡
1 12 1,000 3.14 1e5 0x1F ½ ² ³ ¹ Ⅳ ٣ ५ a b I A Z aa aA Aa AA xxx Xxxxx don't U.S. e.g. i.e. Ph.D. a.m. 10a.m. Mr. St. vs. O'Reilly
ß ẞ İ ı Σ ς ΣΑΣ Ǆ ﬁ é é ñ ü Ø þ ð ѣ Ж щ א ש ع غ ก ไ 漢 字 か カ 한 글 ऀ ॐ 𝔘 𝒳 𐐀 𐐨 👍 👍🏽 👩‍💻 🇫🇷 ❤️ ☺ ‍ ️ ​ ‎ ﻿ : :) :-) ;-) :D :'( (: <3 ^_^ o_O
mark number X _ NORM ORG root agent the The THE of and a-b a--b a—b x.Y x,y x:y x/y x;y 5km 10% $5 5$ -5 +5 #5 5th 1st 2nd 1990s ’90s '90s""".split()
SPACES = ["", "", "", " ", " ", "  ", "\n", "\n\n", "\t", "\r\n", "\u00a0", "\u3000", "\u2009", "\u001c", "\x00", "\u200b", "\u2028", "\x85"]


def fuzz(rng, data):
    yield from ["", " ", "  ", "\n", "\n\n", "a", " a", "a ", "a  b", "\x00", "x" * 99, "x" * 100, "x" * 101, "." * 1000, "é" * 100,
                "ab " * 20_000, "😀" * 200, "\u0301" * 50, "a" * 5000, "(" * 500 + ")" * 500, "\n" * 300, "'" * 200, "Tim Cook " * 3000]
    for n in range(12):
        yield " ".join(["Ada"] * n)
    while True:
        roll = rng.random()
        n = rng.choices([1, 3, 10, 40, 200], [10, 20, 40, 25, 5])[0]
        if roll < 0.6:
            yield "".join(rng.choice(PIECES) + rng.choice(SPACES) for _ in range(n))
        elif roll < 0.75:
            yield "".join(rng.choice(PIECES) for _ in range(n))
        elif roll < 0.9:  # letters, marks and symbols of one block of Unicode, with blanks
            start = rng.randrange(0, 0x2FFF, 64)
            yield "".join(point(rng, start, start + 128) if rng.random() < 0.85 else rng.choice(SPACES) for _ in range(n * 3))
        else:  # any code point, unassigned ones too
            yield "".join(point(rng, 0, 0x110000) if rng.random() < 0.7 else rng.choice(SPACES) for _ in range(n))


def point(rng, low, high):
    c = rng.randrange(low, high)
    return "a" if 0xD800 <= c < 0xE000 else chr(c)
