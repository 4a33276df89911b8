"""Sleep, lifetimes, room and use: decided without anything that runs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from greenroom.cli.life import parse_span
from greenroom.errors import InvalidInput
from greenroom.gateway.sleep import wanted_sleep
from greenroom.hosting.base import Usage
from greenroom.hosting.limits import compare
from greenroom.hosting.room import MEGA, Resident, expected_bytes, refuse_memory
from greenroom.manifest import Health, Idle, Manifest, Resources, parse_manifest
from greenroom.store.life import Life, Wishes, describe_use, idle_of, lifetime_of

LIFE = Life("shop-1", "process", "", Idle(10, 100), Health(), 5)


@pytest.mark.parametrize(
    ("asleep", "unused", "in_flight", "wanted"),
    [
        ("", 9, 0, ""),
        ("", 10, 0, "paused"),
        ("", 10, 1, ""),
        ("", 1000, 1, ""),
        ("", 100, 0, "stopped"),
        ("paused", 99, 0, ""),
        ("paused", 100, 0, "stopped"),
        ("stopped", 1000, 0, ""),
    ],
)
def test_when_a_copy_is_put_to_sleep(
    asleep: str, unused: float, in_flight: int, wanted: str
) -> None:
    assert wanted_sleep(LIFE, asleep, unused, in_flight) == wanted


def test_zero_is_never() -> None:
    never = replace(LIFE, idle=Idle(0, 0))
    assert wanted_sleep(never, "", 10**9, 0) == ""
    assert wanted_sleep(replace(LIFE, idle=Idle(0, 50)), "", 60, 0) == "stopped"


def test_the_project_says_otherwise_than_its_manifest_and_production_stays_awake() -> None:
    manifest = Manifest()
    wishes = Wishes(pause_seconds=5, days=3).as_json()
    assert idle_of("staging", manifest, wishes) == Idle(5, manifest.idle.stop_seconds)
    assert lifetime_of("staging", manifest, wishes).days == 3
    assert idle_of("production", manifest, wishes) == Idle(0, 0)
    assert lifetime_of("production", manifest, wishes).days == 0


def test_a_size_by_name_and_what_differs_from_it() -> None:
    found = parse_manifest("resources: {size: large, memory: 768m}").resources
    assert found.memory_bytes == 768 * MEGA
    assert (found.cpu_share, found.most_processes) == (2.0, 512)
    assert Resources().memory_bytes == 512 * MEGA


@pytest.mark.parametrize(
    ("used", "expected"), [(None, 256), (0, 256), (40 * MEGA, 112), (400 * MEGA, 512)]
)
def test_what_a_copy_is_expected_to_use(used: int | None, expected: int) -> None:
    assert expected_bytes(512 * MEGA, used) == expected * MEGA


RESIDENTS = (
    Resident("shop/production", 900 * MEGA, is_production=True),
    Resident("shop/pr-1", 300 * MEGA),
    Resident("shop/pr-2", 100 * MEGA, is_paused=True),
    Resident("shop/production", 50 * MEGA, is_kept=True, is_production=True),
)


def test_a_copy_that_fits_is_not_refused() -> None:
    assert refuse_memory(512 * MEGA, 800 * MEGA, 200 * MEGA, RESIDENTS) is None


def test_a_copy_that_does_not_fit_is_told_what_would_make_room() -> None:
    refused = refuse_memory(512 * MEGA, 600 * MEGA, 200 * MEGA, RESIDENTS)
    assert refused is not None
    why, hint = refused
    assert "512 MiB" in why
    assert "600 MiB" in why
    order = [hint.index(word) for word in ("kept for rollback", "shop/pr-2", "shop/pr-1")]
    assert order == sorted(order)
    assert "destroy shop/production" not in hint


@pytest.mark.parametrize(
    ("found", "word"),
    [
        (Usage(memory_limit_bytes=512 * MEGA, cpu_limit=1.0, processes_limit=256), "as wanted"),
        (Usage(memory_limit_bytes=512 * MEGA, cpu_limit=1.0), "processes is held to nothing"),
        (Usage(memory_limit_bytes=MEGA, cpu_limit=1.0, processes_limit=256), "memory is held"),
        (Usage(), "by watching"),
    ],
)
def test_limits_are_compared_with_what_was_found(found: Usage, word: str) -> None:
    assert word in " ".join(compare(Resources(), found))


def test_use_in_words() -> None:
    used = {
        "memory_bytes": 64 * MEGA, "memory_limit_bytes": 512 * MEGA, "cpu_share": 0.25,
        "cpu_limit": 1.0, "processes": 3, "processes_limit": 256, "disk_bytes": 5 * MEGA,
    }  # fmt: skip
    assert describe_use(used) == (
        "memory 64 of 512 MiB, CPU 0.25 of 1, 3 of 256 processes, 5 MiB written"
    )
    assert describe_use({}) == "memory ? of ? MiB"


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5400), ("14d", 1209600), ("never", 0)]
)
def test_spans_of_time(text: str, seconds: float) -> None:
    assert parse_span(text) == seconds


def test_what_is_no_span_of_time() -> None:
    with pytest.raises(InvalidInput, match="no span"):
        parse_span("soon")
