"""Every compiled function, called once: what it compiles is kept for the first sync."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from greenroom.data import search
from greenroom.data.compiled import Kernels
from greenroom.data.copy import TablePlan
from greenroom.data.identities import Identities
from greenroom.data.index import IdentityIndex
from greenroom.data.kernels import reading, tagging
from greenroom.data.kernels.fakes import Fakes
from greenroom.data.kernels.sieve import Sieve
from greenroom.data.needles import MarkedNeedles
from greenroom.data.ner.features import COLUMNS
from greenroom.data.ner.tagger import load_tagger
from greenroom.data.ops import op_of
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.schema import Column, Table
from greenroom.data.verify import Origin


class _Nobody:
    """Stands for a masker of texts: Presidio takes seconds to load."""

    methods: ClassVar[dict[str, str]] = {}

    def text_of(self, text: str, context: str) -> str:
        return text


_DOCUMENT = b'{"a": "b"}'


def warm() -> None:
    """Compile, or load what was compiled before. Idempotent; the kernels must be loaded."""
    column = Column("a", "jsonb", "jsonb")
    plan = TablePlan(
        Table("public", "t", columns=(column,)), (("a", str),),
        ops=(op_of("json", column, {}, str),),
    )  # fmt: skip
    nobody: Any = _Nobody()
    kernels = Kernels(Pseudonyms(bytes(32)), Identities(), nobody)
    tuple_ = b"\0\1" + (len(_DOCUMENT) + 1).to_bytes(4, "big") + b"\1" + _DOCUMENT
    Fakes(Pseudonyms(bytes(32)), kernels.known, {"PERSON": "full_name"})([("PERSON", "Ann")])
    made: list[Any] = []
    for is_binary, row in ((False, _DOCUMENT + b"\n"), (True, tuple_)):
        masker = kernels.masker(plan, is_binary=is_binary)
        masker(np.frombuffer(row, np.uint8), len(row), made.append)
    if reading.libpq() is not None:
        state, slot = reading.new_state()
        # libpq answers a missing connection with an error. Source: its PQgetCopyData.
        reading.read_batch(np.intp(0), np.zeros(16, np.uint8), 1, state, slot)
    index = IdentityIndex()
    index.harvest("full_name", ["Ann Other"])
    index.harvest("phone", ["+1 212 555 0100"])
    index.find("Ann Other, +1 212 555 0100")
    index.harvest("email", (f"{number}@mail.test" for number in range(3000)))  # it must grow
    needles = MarkedNeedles()
    needles.add(Origin("t", "c"), ["ann other", "ann\\other", "+1 212 555 0100", "a" * 9000])
    needles.add(Origin("t", "c"), (f"{number}@mail.test" for number in range(3000)))
    scanner = needles.build()
    scanner.find(b"ann other, +1 212 555 0100")
    scanner.whole(b"somebody")
    scanner.likely(b"somebody else\n")
    tables = search.Tables(np.ones(1, np.uint64))
    tables.places(b"a text of some octets")
    tables.numbers(b"12345678", np.zeros(256, np.bool_))
    search.places_of(b"a%20", b"%")
    search.runs_of_code(b"a1text0f50me0ctets", 8)
    tagger = load_tagger()
    tagger.find("Ann Berg")
    tagger.find_plainly("Ann Berg")
    words = (np.zeros((2, tagging.KEY_WORDS), np.uint64), np.zeros((2, COLUMNS), np.uint32))
    tagging.move(*words, *words)
    sieve = Sieve({}, ["ann"])
    sieve.flags("Mr. Ann Berg")
    sieve.runs("Mr. Ann Berg")
