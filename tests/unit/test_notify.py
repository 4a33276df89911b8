"""Telling people: what one message says, who wants it, and when it is tried again."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from greenroom.errors import InvalidInput
from greenroom.notices import MEANINGS
from greenroom.notify.sending import MOST_TITLES, compose, service_of
from greenroom.store.later import DELAYS_SECONDS, next_attempt
from greenroom.store.models import NoticeTarget
from greenroom.store.notices import (
    DAY_HOUR,
    QUIET,
    is_wanted,
    next_digest,
)
from greenroom.store.states import NoticeKind

pytestmark = pytest.mark.unit
SECRET = "t0k3n-of-nobody"


def test_one_thing_is_told_as_it_is() -> None:
    assert compose([("title", "body")]) == ("title", "body")


def test_many_things_come_as_one_message() -> None:
    title, body = compose([(f"title {n}", "" if n else "why") for n in range(MOST_TITLES + 3)])
    assert title == f"Greenroom: {MOST_TITLES + 3} news"
    assert body.startswith("title 0\nwhy\n\ntitle 1\n\ntitle 2")
    assert body.endswith("… and 3 more")
    assert f"title {MOST_TITLES}" not in body


@pytest.mark.parametrize(
    ("kind", "environment", "wanted"),
    [
        (NoticeKind.FAILED, "feature-a", True),
        (NoticeKind.FAILED, "fix-a", False),
        (NoticeKind.FAILED, "", True),
        (NoticeKind.LIVE, "feature-a", False),
    ],
)
def test_a_target_hears_what_it_wants(kind: NoticeKind, environment: str, wanted: bool) -> None:
    target = NoticeTarget(kinds=[str(kind) for kind in QUIET], environments="feature-*")
    assert is_wanted(target, kind, environment) is wanted


def test_attempts_come_later_and_later_and_end() -> None:
    moment = datetime(2026, 11, 24, tzinfo=UTC)
    waits = [next_attempt(moment, attempts) for attempts in range(len(DELAYS_SECONDS) + 1)]
    seconds = [(at - moment).total_seconds() for at in waits[:-1] if at is not None]
    assert seconds == sorted(DELAYS_SECONDS)
    assert waits[-1] is None


@pytest.mark.parametrize("address", ["json://localhost/x", "JSON://localhost/x", " json://h "])
def test_an_address_names_its_service(address: str) -> None:
    assert service_of(address) == "json"


@pytest.mark.parametrize(
    "address", ["", "no address", f"slack://{SECRET}", f"nothing://{SECRET}@host", "https://"]
)
def test_what_is_no_address_is_refused_and_not_repeated(address: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        service_of(address)
    assert SECRET not in f"{caught.value} {caught.value.hint}"


def test_every_kind_has_a_meaning() -> None:
    assert set(MEANINGS) == set(NoticeKind)


def test_a_digest_comes_at_the_full_hour_or_in_the_morning() -> None:
    at = datetime(2026, 11, 24, 6, 30, tzinfo=UTC)
    assert next_digest(at, "") == at
    assert next_digest(at, "hour") == datetime(2026, 11, 24, 7, tzinfo=UTC)
    assert next_digest(at, "day") == datetime(2026, 11, 24, DAY_HOUR, tzinfo=UTC)
    assert next_digest(at.replace(hour=DAY_HOUR), "day") == datetime(2026, 11, 25, 7, tzinfo=UTC)
