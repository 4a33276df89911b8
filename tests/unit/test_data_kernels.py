"""What every value passes on its way: fast forms against plain ones."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from greenroom.data.identities import Identities, fold, fold_letter

pytestmark = pytest.mark.unit
SPACES = st.text("a Z\t\n\r\x0b\x0c\x1c\x1f\x85\xa0\u2003\u3000\u0130\u03a3\u00df")


@given(st.one_of(st.text(), SPACES))
def test_a_text_is_folded_letter_by_letter(text: str) -> None:
    assert fold(text) == "".join(map(fold_letter, text))
    assert len(fold(text)) == len(text)


@given(SPACES)
def test_layout_of_spaces_is_read_as_a_pattern_would(text: str) -> None:
    assert " ".join(fold(text).split()) == re.sub(r"\s+", " ", fold(text)).strip()


def test_a_number_without_digits_makes_no_name_known() -> None:
    known = Identities()
    known.harvest("phone", ["unknown", "+1 212 555 0100"])
    known.harvest("full_name", ["Ann  Other"])
    assert not known.knows("Somebody Else")
    assert known.knows("12125550100")
    assert known.knows("ann other")
