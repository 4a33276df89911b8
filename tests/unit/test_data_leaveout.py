"""Recall is estimated by hiding some of those whom the database knows."""

from __future__ import annotations

import pytest

from greenroom.data.identities import Identities
from greenroom.data.leaveout import leave_out

pytestmark = pytest.mark.unit


def people() -> Identities:
    known = Identities()
    known.harvest("email", [f"person{n}@gmail.com" for n in range(60)])
    known.harvest("full_name", [f"Zarko Person{n}son" for n in range(60)])
    return known


def test_addresses_are_found_without_knowing_whose() -> None:
    found = leave_out(people(), [f"write to person{n}@gmail.com" for n in range(60)])
    assert found["occurrences"] > 3
    assert found["recall"] == 1.0
    assert "100%" in found["words"]


def test_names_are_not() -> None:
    found = leave_out(people(), [f"it was Zarko Person{n}son again" for n in range(60)])
    assert found["occurrences"] > 3
    assert found["recall"] == 0.0
    assert "Zarko" not in str(found)


def test_nobody_is_named() -> None:
    assert leave_out(people(), ["nothing at all"])["recall"] is None
    assert "names anybody" in leave_out(people(), [])["words"]
