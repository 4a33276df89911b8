"""Accounts of the console."""

from __future__ import annotations

import pytest

from greenroom.errors import NotFound
from greenroom.store import users
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
