"""What a database refuses is told without what it quotes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import psycopg
import pytest

from greenroom.data.load import run_hooks
from greenroom.data.refusals import message
from greenroom.errors import SyncFailed

pytestmark = pytest.mark.unit


class Refused(psycopg.Error):
    """An error as a server sends it."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(f"{text}\nLINE 1: select 'hunter2'")
        self.sqlstate = code
        self._told = text

    @property
    def diag(self) -> Any:
        return SimpleNamespace(message_primary=self._told)


@pytest.mark.parametrize(
    ("code", "text", "said"),
    [
        ("22003", 'value "4915112345678" is out of range for type integer',
         'value "…" is out of range for type integer'),
        ("22P02", 'invalid input syntax for type date: "at Ada\'s: \'21"',
         "invalid input syntax for type date"),
        ("22007", 'invalid value "Ada" for "YYYY"', 'invalid value "…"'),
        ("42601", 'unterminated quoted string at or near "\'hunter2"',
         'unterminated quoted string at or near "…"'),
        ("42703", 'column "email" does not exist', 'column "email" does not exist'),
        ("P0001", "Ada may not", "a function raised an error"),
    ],
)  # fmt: skip
def test_a_message_holds_no_value(code: str, text: str, said: str) -> None:
    assert message(Refused(code, text)) == said


def test_a_hook_that_fails_is_told_by_its_number_alone() -> None:
    class Target:
        def execute(self, statement: bytes) -> None:
            raise Refused("42601", 'syntax error at or near "hunter2"')

    with pytest.raises(SyncFailed, match="hook 1 failed") as caught:
        run_hooks(cast(Any, Target()), [], ["select hunter2"])
    told = caught.value
    assert "hunter2" not in told.message
    assert told.__cause__ is None
    assert told.__suppress_context__, "a traceback would print the statement"
