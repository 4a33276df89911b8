"""A small sync that finds nothing compiled does not wait for a compiler: the same rows come out."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from greenroom.data import compiling, search
from greenroom.data.compiled import Kernels, load
from greenroom.data.compiling import go_plainly, goes_plainly
from greenroom.data.copy import TablePlan
from greenroom.data.identities import Identities
from greenroom.data.kernels import places
from greenroom.data.ops import op_of
from greenroom.data.pseudonyms import Pseudonyms
from greenroom.data.rows import row_masker
from greenroom.data.schema import Column, Table

pytestmark = pytest.mark.unit
PSEUDONYMS = Pseudonyms(b"k" * 32)


@pytest.fixture(autouse=True)
def _undecided(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setattr(compiling, "_loaded", threading.Event())
    monkeypatch.setattr(places, "folder", cache(lambda: tmp_path))  # the user keeps nothing yet
    yield
    go_plainly(False)


def plan_of_email() -> TablePlan:
    column = Column("c", "text", "text")
    kernel = PSEUDONYMS.for_column("email", column, {})
    table = Table("public", "t", (column, Column("rest", "text", "text")))
    return TablePlan(table, (("c", kernel),), ops=(op_of("email", column, {}, kernel),))


def through(plan: TablePlan, octets: bytes, *, is_binary: bool) -> bytes:
    made: list[bytes] = []
    masker = Kernels(PSEUDONYMS, Identities()).masker(plan, is_binary=is_binary)
    buffer = np.frombuffer(octets + b"beyond", np.uint8)
    masker(buffer, len(octets), lambda one: made.append(bytes(one)))
    return b"".join(made)


def test_its_rows_are_masked_by_the_plain_functions(tmp_path: Path) -> None:
    load(tmp_path, is_small=True)
    assert goes_plainly()
    plan = plan_of_email()
    lines = [b"ann@mail.test\tr\\te\\n\n", b"\\N\t\x0b\x85\x1e\n", b"Bob.Stone@mail.test\t\n"]
    expected = b"".join(map(row_masker(plan.field_maskers()), lines))
    assert b"ann@mail.test" not in expected
    assert through(plan, b"".join(lines), is_binary=False) == expected

    def row(*values: bytes | None) -> bytes:
        made = len(values).to_bytes(2, "big")
        for value in values:
            made += b"\xff" * 4 if value is None else len(value).to_bytes(4, "big") + value
        return made

    kernel = plan.masked[0][1]
    fake = kernel("ann@mail.test")
    assert fake is not None
    given = row(b"ann@mail.test", b"\n\xff\xff") + row(None, b"") + b"\xff\xff"
    wanted = row(fake.encode(), b"\n\xff\xff") + row(None, b"") + b"\xff\xff"
    assert through(plan, given, is_binary=True) == wanted


def test_what_was_compiled_once_is_used_and_so_is_what_is_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    armed: list[str] = []
    monkeypatch.setattr("greenroom.data.kernels.tables.arm", lambda: armed.append("armed"))
    load(tmp_path, is_small=True)
    assert armed == []
    load(tmp_path)
    assert armed == ["armed"]
    assert not goes_plainly()
    monkeypatch.setattr(compiling, "_loaded", threading.Event())
    (tmp_path / "batches.mask_tuples-kernels-112.py311.nbi").touch()
    load(tmp_path, is_small=True)
    assert len(armed) == 2
    assert not goes_plainly()


def test_originals_are_found_without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "compiled", lambda: pytest.fail("compiled"))
    for name in ("compiled_runs", "compiled_signs", "compiled_numbers"):
        monkeypatch.setattr(search, name, lambda: pytest.fail("compiled"))
    go_plainly(True)
    tables = search.Tables(np.frombuffer(b"original", "<u8"))
    assert tables.places(b"the original stays").tolist() == [4]
    assert tables.numbers(b"12345678", np.zeros(256, np.bool_)) is None
    assert search.places_of(b"a%20", b"%&") == [1]
    assert search.runs_of_code(b"a QWxhZGRpbjpvcGVu b", 8) == [(2, 18)]
