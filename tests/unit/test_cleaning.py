"""What goes and what stays: the plan of a clearing."""

from __future__ import annotations

import pytest

from greenroom.cleaning import DAY, HOUR, Kind, Limits, Needed, Thing, is_full, plan_cleanup

NEEDED = Needed(
    artifacts=frozenset({"/releases/kept", "sha256:kept"}), projects=frozenset({"shop"}),
    with_files=frozenset({"p1"}), environments=frozenset({"lives"}),
    destroyed=frozenset({"gone"}), copies=frozenset({"runs"}), comparisons=frozenset({"c1"}),
    measurements=frozenset({"m1"}), backups=frozenset({"/backups/kept"}),
    left_places=frozenset({"left"}),
)  # fmt: skip
CASES = [
    (Kind.RELEASE, "/releases/kept", "/releases/old"),
    (Kind.IMAGE, "sha256:kept", "sha256:old"),
    (Kind.CACHE, "shop", "forgotten"),
    (Kind.LOG, "runs", "ended"),
    (Kind.PICTURES, "c1", "c0"),
    (Kind.MEASUREMENT, "m1", "m0"),
    (Kind.BACKUP, "/backups/kept", "/backups/old"),
    (Kind.REPOSITORY, "shop", "forgotten"),
    (Kind.FILES, "p1", "p0"),
    (Kind.DATABASE, "lives", "gone"),
    (Kind.NETWORK, "lives", "gone"),
    (Kind.VOLUME, "lives", "never heard of"),
]


def _plan(kind: Kind, owner: str, age: float, limits: Limits | None = None) -> list[str]:
    thing = Thing(kind, "n", owner, 1, age)
    return [removal.why for removal in plan_cleanup([thing], NEEDED, limits or Limits())]


@pytest.mark.parametrize(("kind", "kept", "old"), CASES)
def test_what_is_needed_stays_and_what_is_not_goes(kind: Kind, kept: str, old: str) -> None:
    assert not _plan(kind, kept, 20 * DAY)
    assert _plan(kind, old, 20 * DAY)


UNOWNED = (Kind.DATABASE, Kind.CACHE)


@pytest.mark.parametrize("kind", [k for k in Kind if k not in UNOWNED])
def test_what_is_being_made_now_stays(kind: Kind) -> None:
    assert not _plan(kind, "not recorded yet", HOUR / 2)


def test_a_database_that_the_store_does_not_know_is_another_installations() -> None:
    assert not _plan(Kind.DATABASE, "another's", 900 * DAY)


def test_caches_go_when_unused_or_when_the_disk_is_full() -> None:
    assert not _plan(Kind.CACHE, "shop", 29 * DAY)
    assert _plan(Kind.CACHE, "shop", 31 * DAY)
    assert _plan(Kind.CACHE, "shop", 0, Limits(is_full=True))
    assert not _plan(Kind.RELEASE, "/releases/kept", 900 * DAY, Limits(is_full=True))
    assert not _plan(Kind.BACKUP, "/backups/kept", 900 * DAY, Limits(is_full=True))


def test_mails_and_logs_have_their_days() -> None:
    assert not _plan(Kind.MAIL, "lives", 13 * DAY)
    assert _plan(Kind.MAIL, "lives", 15 * DAY)
    assert not _plan(Kind.LOG, "ended", 13 * DAY)
    assert (bool(_plan(Kind.LINES, "", 13 * DAY)), bool(_plan(Kind.LINES, "", 15 * DAY))) == (
        False, True,
    )  # fmt: skip
    assert not _plan(Kind.LOG_TEXT, "", 179 * DAY)
    assert _plan(Kind.LOG_TEXT, "", 181 * DAY)


def test_a_place_that_was_left_goes_after_a_week_unless_somebody_names_it() -> None:
    assert _plan(Kind.PLACE, "left", 8 * DAY)
    assert not _plan(Kind.PLACE, "left", 6 * DAY)
    assert not _plan(Kind.PLACE, "named again", 900 * DAY)


def test_the_engines_cache_goes_only_when_asked_for() -> None:
    assert not _plan(Kind.ENGINE_CACHE, "", 900 * DAY, Limits(is_full=True))
    assert _plan(Kind.ENGINE_CACHE, "", 0, Limits(with_engine_cache=True))


def test_the_largest_is_first() -> None:
    things = [Thing(Kind.IMAGE, str(n), "old", n, DAY) for n in (1, 3, 2)]
    removals = plan_cleanup(things, NEEDED, Limits())
    assert [removal.thing.size_bytes for removal in removals] == [3, 2, 1]


def test_a_disk_is_full_by_either_threshold() -> None:
    assert is_full(1, 100, 2, 0.0)
    assert is_full(4, 100, 0, 0.05)
    assert not is_full(6, 100, 2, 0.05)
