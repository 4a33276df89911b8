"""What others wrote is shown by a terminal, and not obeyed."""

from __future__ import annotations

import pytest

from greenroom.cli.output import printable

pytestmark = pytest.mark.unit


def test_no_sign_of_others_moves_the_cursor() -> None:
    assert printable("Öl\x1b[2J\a\u202e ☂") == "Öl\\x1b[2J\\x07\\u202e ☂"
    assert printable("two\nlines\r", keep="\n") == "two\nlines\\r"
