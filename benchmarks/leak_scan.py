"""The search for originals: octets read per CPU-second of the client, with everything found.

Rival: an Aho-Corasick automaton (ahocorasick_rs) over the same patterns, on the same folded text,
without encodings, numbers and word boundaries.
"""

from __future__ import annotations

import base64
import html
import json
import quopri
import random
import time
import unicodedata
from collections.abc import Callable
from urllib.parse import quote

from ahocorasick_rs import BytesAhoCorasick, Implementation
from faker import Faker

from benchmarks.line import Line
from greenroom.data.proof import BLOCK_OCTETS, SEPARATOR
from greenroom.data.verify import Needles, Origin

PEOPLE, MEGABYTES, PLANTED = 60_000, 100, 40
GOAL = 100.0
ESCAPED = 0.05
EMAIL, NAME, PHONE = (Origin("public.users", name) for name in ("email", "full_name", "phone"))
ENCODED: dict[str, Callable[[str], str]] = {
    "plain": lambda text: text,
    "upper": str.upper,
    "json": lambda text: json.dumps(text)[1:-1].replace("@", "\\u0040"),
    "url": lambda text: quote(text, safe=""),
    "html": lambda text: html.escape(text).replace("@", "&#64;").replace(" ", "&#32;"),
    "hex": lambda text: text.lower().encode().hex(),
    "base64": lambda text: base64.b64encode(f"to {text}!".encode()).decode(),
    "url twice": lambda text: quote(quote(text, safe=""), safe=""),
    "json in json": lambda text: json.dumps(json.dumps({"to": text})),
    "json in url": lambda text: quote(json.dumps({"to": f"\u00e4 {text}"})),
    "url in base64": lambda text: base64.b64encode(quote(f"?to={text}&").encode()).decode(),
    "base64 twice": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "lines of base64": lambda text: base64.encodebytes(f"{'lorem ' * 40}{text}".encode()).decode(),
    "utf-16 in base64": lambda text: base64.b64encode(text.encode("utf-16")).decode(),
    "utf-16 in hex": lambda text: text.encode("utf-16-be").hex(),
    "quoted-printable": lambda text: (
        quopri.encodestring(f"{'lorem ' * 10}{text}".replace("@", "=40").encode())
        .decode()
        .replace("=3D40", "=40")
    ),
    "decomposed": lambda text: unicodedata.normalize("NFD", text),
}


def _people(count: int, seed: int) -> dict[Origin, list[str]]:
    Faker.seed(seed)
    fake, dice = Faker(["en_US", "de_DE", "fr_FR"]), random.Random(seed)
    first = [fake.first_name() for _ in range(1500)]
    last = [fake.last_name() for _ in range(4000)]
    found: dict[Origin, list[str]] = {EMAIL: [], NAME: [], PHONE: []}
    for number in range(count):
        given, family = dice.choice(first), dice.choice(last)
        found[NAME].append(f"{given} {family}-{dice.choice(last)}")
        found[EMAIL].append(f"{given}.{family}{number}@mail.example".lower())
        found[PHONE].append(f"+49 {dice.randint(30, 999)} {dice.randint(1_000_000, 9_999_999)}")
    return found


def _blocks(megabytes: int, seed: int, links: float = 0) -> list[bytes]:
    """Rows of ids, times, words and documents, in which nobody is; a share holds escapes."""
    dice = random.Random(seed)
    words = [word for word in Faker("la").words(800) if len(word) > 2]
    rows, size, blocks = [], 0, []
    while len(blocks) < megabytes:
        text = " ".join(dice.choices(words, k=24))
        link = f" {quote(text[:30])}" if dice.random() < links else ""
        row = (f'{dice.randint(1, 10**7)} 2026-0{dice.randint(1, 9)}-11 {text}{link} {{"sku": "SKU-'
               f'{dice.randint(0, 999_999)}", "n": {dice.random():.4f}}}').encode()  # fmt: skip
        rows.append(row)
        size += len(row)
        if size > BLOCK_OCTETS:
            blocks.append(SEPARATOR.join(rows))
            rows, size = [], 0
    return blocks


def run(people: int = PEOPLE, megabytes: int = MEGABYTES) -> Line:
    """Scan generated text for generated people; then text in which some were planted."""
    known = _people(people, 1)
    begun = time.process_time()
    needles = Needles()
    for origin, values in known.items():
        needles.add(origin, values)
    scanner = needles.build()
    build = time.process_time() - begun
    begun = time.process_time()
    scanner.find(b"the first search compiles, or loads what was compiled")
    start = time.process_time() - begun
    blocks = _blocks(megabytes, 2)
    octets = sum(map(len, blocks))
    begun = time.process_time()
    false_hits = sum(len(scanner.find(block)) for block in blocks)
    rate = octets / 1e6 / (time.process_time() - begun)
    escaped = _blocks(megabytes // 4, 3, ESCAPED)
    begun = time.process_time()
    false_hits += sum(len(scanner.find(block)) for block in escaped)
    escaped_rate = sum(map(len, escaped)) / 1e6 / (time.process_time() - begun)
    missed = _missed(scanner.find, known)
    rival = _rival(known, blocks, octets)
    met = rate >= GOAL and not missed and not false_hits
    return Line(
        "leak_scan", rate, "MB per client CPU-second", "an Aho-Corasick automaton, plain only",
        rival, f">= {GOAL:g} MB/s, every planted original found, no false hit", met,
        {"patterns": len(needles), "megabytes": round(octets / 1e6),
         "build_cpu_seconds": round(build, 2), "start_cpu_seconds": round(start, 2),
         "rate_where_one_row_in_twenty_has_escapes": round(escaped_rate, 1),
         "planted": PLANTED * (2 * len(ENCODED) + 3), "missed": missed,
         "false_hits": false_hits},
    )  # fmt: skip


def _missed(
    find: Callable[[bytes], list[tuple[Origin, str]]], known: dict[Origin, list[str]]
) -> dict[str, int]:
    """Count the planted originals that are not found, by encoding."""
    missed: dict[str, int] = {}
    layouts: dict[str, Callable[[str], str]] = {
        "digits": lambda text: text.replace(" ", ""),
        "dots": lambda text: text.replace(" ", "."),
        "dashes": lambda text: text.replace(" ", "-"),
    }
    cases = [(o, name, encode) for o in (EMAIL, NAME) for name, encode in ENCODED.items()]
    cases += [(PHONE, name, encode) for name, encode in layouts.items()]
    for origin, name, encode in cases:
        for value in known[origin][:PLANTED]:
            text = f"lorem 12 {encode(value)}, ipsum".encode()
            if not any(found == origin for found, _ in find(text)):
                missed[name] = missed.get(name, 0) + 1
    return missed


def _rival(known: dict[Origin, list[str]], blocks: list[bytes], octets: int) -> float:
    patterns = [value.lower().encode() for values in known.values() for value in values]
    automaton = BytesAhoCorasick(patterns, implementation=Implementation.ContiguousNFA)
    begun = time.process_time()
    for block in blocks:
        automaton.find_matches_as_indexes(block.lower(), overlapping=True)
    return octets / 1e6 / (time.process_time() - begun)
