"""The fast scanner against plain per-row Presidio with the same recognizers: the same findings.

The rows are invented; a third rival is Presidio as it comes (its own 17 recognizers), which finds
other things. Long cells are one text repeated with other people: the time per octet must not grow.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from faker import Faker
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry, RecognizerResult

from benchmarks.line import Line
from benchmarks.talk import Talk
from greenroom.data.identities import Identities
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.recognizers import LANGUAGE, THRESHOLD, BlankEngine, analyzer
from greenroom.data.text import KINDS, TextMasker

ROWS, PEOPLE = 1500, 20_000
GOALS = {"dense": (1.0, 5.0), "one_in_five": (0.2, 14.0), "none": (0.0, 25.0)}
CELLS = (10_000, 100_000, 1_000_000, 10_000_000)
MOST_GROWTH = 1.5


def _known() -> Identities:
    known, fake = Identities(), Faker(["en_US", "de_DE"])
    Faker.seed(11)
    known.harvest("full_name", (fake.name() for _ in range(PEOPLE)))
    known.harvest("email", (f"{fake.user_name()}{n}@mail.example" for n in range(PEOPLE)))
    return known


def _as_it_comes() -> AnalyzerEngine:
    engine = BlankEngine()
    engine.load()
    registry = RecognizerRegistry(supported_languages=[LANGUAGE])
    registry.load_predefined_recognizers(languages=[LANGUAGE], nlp_engine=engine)
    return AnalyzerEngine(
        registry=registry, nlp_engine=engine, supported_languages=[LANGUAGE],
        default_score_threshold=THRESHOLD,
    )  # fmt: skip


def _timed(find: Callable[[str], list[RecognizerResult]], rows: list[str]) -> tuple[float, Any]:
    begun = time.process_time()
    found = [find(row) for row in rows]
    seconds = time.process_time() - begun
    return seconds, [
        sorted((r.entity_type, r.start, r.end, round(r.score, 6)) for r in results)
        for results in found
    ]


def _cells() -> dict[str, float]:
    """Give microseconds per thousand octets, by the octets of a cell."""
    masker, talk = TextMasker(Pseudonyms(bytes(32)), _known()), Talk(5)
    masker.mask(talk.text(3))
    cell = "\n".join(talk.texts(CELLS[-1] // 250, 0.2))[: CELLS[-1]]
    taken = {}
    for size in CELLS:
        begun = time.process_time()
        masker.mask(cell[:size])
        taken[f"{size:,}"] = (time.process_time() - begun) / size * 1e9
    return taken


def run(rows: int = ROWS) -> Line:
    """Find in three sorts of rows; the value is the smallest of how many times faster over goal."""
    engine, stock = analyzer(_known()), _as_it_comes()

    def plain(text: str) -> list[RecognizerResult]:
        return list(engine.analyze(text, language=LANGUAGE, entities=KINDS))

    def fast(text: str) -> list[RecognizerResult]:
        return list(engine.find(text, KINDS))

    for text in Talk(1).texts(300, 1.0):
        plain(text), fast(text), stock.analyze(text, language=LANGUAGE)
    details: dict[str, Any] = {"rows": rows}
    shares, differing = [], 0
    for name, (share, goal) in GOALS.items():
        texts = list(Talk(2).texts(rows, share))
        spent_plain, found_plain = _timed(plain, texts)
        spent_fast, found_fast = _timed(fast, texts)
        spent_stock, _ = _timed(lambda t: list(stock.analyze(t, language=LANGUAGE)), texts)
        differing += sum(a != b for a, b in zip(found_plain, found_fast, strict=True))
        shares.append(spent_plain / spent_fast / goal)
        details[name] = {
            "rows_per_cpu_second": round(rows / spent_fast),
            "plain": round(rows / spent_plain), "times": round(spent_plain / spent_fast, 1),
            "goal": goal, "as_it_comes": round(rows / spent_stock),
            "times_as_it_comes": round(spent_stock / spent_fast, 1),
            "rows_with_findings": sum(map(bool, found_fast)),
        }  # fmt: skip
    cells = _cells()
    growth = cells[f"{CELLS[-1]:,}"] / cells[f"{CELLS[1]:,}"]
    # fmt: off
    details |= {"differing_rows": differing, "growth_to_10_mb": round(growth, 2),
                "microseconds_per_kb": {size: round(taken) for size, taken in cells.items()}}
    # fmt: on
    return Line(
        "text",
        min(shares),
        "times faster than plain Presidio, as a share of the goal, at worst",
        "plain per-row Presidio, same recognizers",
        1.0,
        "5x dense, 14x one row in five, 25x none, same findings, flat to 10 MB",
        min(shares) >= 1 and not differing and growth <= MOST_GROWTH,
        details,
    )  # fmt: skip
