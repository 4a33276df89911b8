"""Accounts of the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from greenroom.errors import NotFound
from greenroom.rights import Scope
from greenroom.store import tokens, users
from greenroom.store.work import unit_of_work

pytestmark = [pytest.mark.contract, pytest.mark.needs_postgres]


def test_a_lost_password_is_replaced_and_ends_every_session(store_url: str) -> None:
    with unit_of_work() as work:
        first = users.ensure_admin(work)
    assert first is not None
    with unit_of_work() as work:
        token = users.log_in(work, "admin", first)
    assert token is not None
    with unit_of_work() as work:
        second = users.reset_password(work, "admin", actor="ada")
    with unit_of_work() as work:
        assert users.find_session_user(work, token) is None
        assert users.log_in(work, "admin", first) is None
        assert users.log_in(work, "admin", second) is not None


def test_nobody_has_no_password(store_url: str) -> None:
    with pytest.raises(NotFound, match="nobody"), unit_of_work() as work:
        users.reset_password(work, "nobody", actor="ada")


def test_tokens_that_are_made_at_once_have_numbers_of_their_own(
    store_url: str, at_once: Callable[[int, Callable[[int], Any]], list[Any]]
) -> None:
    def make(which: int) -> int:
        with unit_of_work() as work:
            return tokens.add_token(work, f"ci {which}", [Scope.READ], actor="ada")[0].number

    assert sorted(at_once(6, make)) == [1, 2, 3, 4, 5, 6]
