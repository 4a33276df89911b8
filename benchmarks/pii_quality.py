"""How many of those in texts are found: by layer and entity, on texts of our own and a yardstick.

Our set is made here, from frames that the model was not trained on, and names of Faker's lists, on
which it was: nobody in it exists. The yardstick is presidio-research's synthetic set v2, read from
the path in the setting ``GREENROOM_BENCH_PRESIDIO_SET`` (it is not copied in, and nothing was
trained or tuned on it). Of it are given the share that would be hidden, and what its own evaluator
says, installed by uv into a folder that goes at the end: what is found must cover the same words,
nine tenths of their letters, whatever kind it is.
"""

from __future__ import annotations

import json
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from faker import Faker

from benchmarks.apart import install
from benchmarks.line import Line
from greenroom.data.identities import Identities
from greenroom.data.models import Models, active_models
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.text import TextMasker
from greenroom.settings import process_environment

ROWS, KNOWN = 600, 0.8
GOAL_TEXT, GOAL_HARM = 0.95, 0.005
EVALUATOR = "presidio-evaluator==0.3.2"
SETTING = "GREENROOM_BENCH_PRESIDIO_SET"
FRAMES = (
    "The courier asked for {PERSON} but nobody opened at {ADDRESS}.",
    "{PERSON} wants the receipt at {EMAIL_ADDRESS}, not on paper.",
    "Reach the caretaker under {PHONE_NUMBER} or {EMAIL_ADDRESS}.",
    "Booked by {PERSON} with card {CREDIT_CARD}; table for four.",
    "Refund goes to {IBAN_CODE}, {PERSON} agreed on the phone ({PHONE_NUMBER}).",
    "Login of {PERSON} came from {IP_ADDRESS} in the night.",
    "We swapped the boiler at {ADDRESS}; {PERSON} signed for it.",
    "Note for the night shift: {PERSON} moved to {ADDRESS}.",
    "Complaint of {PERSON}: heating off again. Second visit agreed.",
    "Minutes were taken by {PERSON}, corrections by {PERSON}.",
    "Voucher for {PERSON} sent again to {EMAIL_ADDRESS}.",
    "Deposit of {PERSON} is on {IBAN_CODE}.",
)
THINGS = (
    "{d8}", "ORD-2026-{d6}", "17{d8}", "2026-0{d}-1{d} 10:1{d}:42", "{d}.1{d}.0", "{d4}.{d}9",
    "INV{d6}/{d}", "SKU-{d6}", "17{d8}{d3}", "{d2}.{d6},{d}.{d6}", "build {d4}", "#{d6}",
)  # fmt: skip
Found = set[tuple[int, int]]
Find = Callable[[str], Found]


def _labelled(seed: int) -> list[tuple[str, list[tuple[str, int, int]]]]:
    dice = random.Random(seed)
    fakes = [Faker(locale) for locale in ("en_US", "en_GB", "de_DE", "fr_FR", "nl_NL", "es_ES")]
    for fake in fakes:
        fake.seed_instance(seed)
    made = []
    for number in range(ROWS):
        fake, text, spans = dice.choice(fakes), "", []
        makers = {
            "PERSON": lambda f=fake: f"{f.first_name()} {f.last_name()}",
            "ADDRESS": lambda f=fake: f.street_address().replace("\n", ", "),
            "EMAIL_ADDRESS": fake.email, "PHONE_NUMBER": fake.phone_number,
            "CREDIT_CARD": lambda f=fake: f.credit_card_number("visa16"), "IBAN_CODE": fake.iban,
            "IP_ADDRESS": fake.ipv4_public,
        }  # fmt: skip
        for piece in FRAMES[number % len(FRAMES)].replace("}", "{").split("{"):
            if piece in makers:
                value = makers[piece]()
                spans.append((piece, len(text), len(text) + len(value)))
                text += value
            else:
                text += piece
        made.append((text, spans))
    return made


def _things(seed: int) -> list[str]:
    dice = random.Random(seed)
    digits = {f"d{n}": 10**n for n in (2, 3, 4, 6, 8)}
    return [
        THINGS[at % len(THINGS)].format(
            d=dice.randint(1, 9), **{k: f"{dice.randrange(n):0{len(str(n)) - 1}}"
                                     for k, n in digits.items()}
        )
        for at in range(2400)
    ]  # fmt: skip


def _scores(find: Find, rows: Sequence[tuple[str, list[tuple[str, int, int]]]]) -> dict[str, Any]:
    """Give recall by entity (nine tenths of it covered), precision and F2 of everything."""
    there, hidden = Counter[str](), Counter[str]()
    made = right = 0
    for text, spans in rows:
        found = find(text)
        covered = {at for start, end in found for at in range(start, end)}
        for kind, start, end in spans:
            there[kind] += 1
            hidden[kind] += len(covered & set(range(start, end))) >= 0.9 * (end - start)
        made += len(found)
        right += sum(any(a < end and start < b for _, start, end in spans) for a, b in found)
    recall, precision = sum(hidden.values()) / sum(there.values()), right / max(1, made)
    return {
        "recall": round(recall, 3), "precision": round(precision, 3),
        "f2": round(5 * precision * recall / max(1e-9, 4 * precision + recall), 3),
        "by_entity": {kind: round(hidden[kind] / count, 3) for kind, count in there.items()},
    }  # fmt: skip


def _layers(known: Identities) -> dict[str, Find]:
    def make(people: Identities, models: Models | None, *, is_strict: bool = False) -> Find:
        masker = TextMasker(Pseudonyms(bytes(32)), people, models, is_strict=is_strict)
        return lambda text: {(found.start, found.end) for found in masker.find(text)}

    models, nobody = active_models(), Identities()
    return {
        "patterns and lists": make(nobody, None), "and known people": make(known, None),
        "and the model": make(nobody, models), "all": make(known, models),
        "strict, nobody known": make(nobody, models, is_strict=True),
        "strict": make(known, models, is_strict=True),
    }  # fmt: skip


def _some_known(values: Sequence[tuple[str, str]]) -> Identities:
    known, dice = Identities(), random.Random(4)
    for method, value in values:
        if dice.random() < KNOWN:
            known.harvest(method, [value])
    return known


_METHODS = {"PERSON": "full_name", "ADDRESS": "street", "EMAIL_ADDRESS": "email",
            "PHONE_NUMBER": "phone", "STREET_ADDRESS": "street"}  # fmt: skip


def _yardstick(path: Path) -> dict[str, Any]:
    """Give by layer the share hidden, and precision, recall and F2 by the set's own evaluator."""
    rows = [
        (row["full_text"],
         [(s["entity_type"], s["start_position"], s["end_position"]) for s in row["spans"]])
        for row in json.loads(path.read_text())
    ]  # fmt: skip
    layers = _layers(_known_of(rows))
    with tempfile.TemporaryDirectory(prefix="gr-bench-") as folder:
        python = install(EVALUATOR, Path(folder)) / "python"
        scored = {name: _by_its_own(python, find, rows) for name, find in layers.items()}
    return {"by": EVALUATOR, "scored": scored,
            "hidden": {name: _scores(find, rows) for name, find in layers.items()}}  # fmt: skip


def _by_its_own(
    python: Path, find: Find, rows: Sequence[tuple[str, list[tuple[str, int, int]]]]
) -> Any:
    asked = [(text, spans, [("PII", *span) for span in find(text)]) for text, spans in rows]
    child = Path(__file__).with_name("yardstick_child.py")
    done = subprocess.run(
        [python, child], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout)


def _known_of(rows: Sequence[tuple[str, list[tuple[str, int, int]]]]) -> Identities:
    values = {(_METHODS[kind], text[a:b]) for text, spans in rows for kind, a, b in spans
              if kind in _METHODS}  # fmt: skip
    return _some_known(sorted(values))


def run() -> Line:
    """Measure; the value is the recall of all layers together on our own texts."""
    rows = _labelled(8)
    begun = time.process_time()
    ours = {name: _scores(find, rows) for name, find in _layers(_known_of(rows)).items()}
    layers = _layers(Identities())
    things = _things(3)
    harmed = sum(bool(layers["and the model"](thing)) for thing in things) / len(things)
    details: dict[str, Any] = {
        "texts": len(rows), "layers": ours, "ids_and_times": len(things),
        "ids_and_times_harmed": round(harmed, 4), "models": active_models().words,
        "cpu_seconds": round(time.process_time() - begun, 1),
    }  # fmt: skip
    path = process_environment().get(SETTING)
    if path:
        details["yardstick"] = _yardstick(Path(path))
    recall = ours["all"]["recall"]
    return Line(
        "pii_quality", recall, "recall in texts of our own, four in five people known",
        "patterns and lists alone", ours["patterns and lists"]["recall"],
        f">= {GOAL_TEXT:g} in texts, <= {GOAL_HARM:g} of ids and times harmed",
        recall >= GOAL_TEXT and harmed <= GOAL_HARM, details,
    )  # fmt: skip
