"""The steps of a comparison: wake both sides, choose pages, take and compare pictures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from prefect import get_run_logger

from greenroom.compare.alone import alone, turn_file
from greenroom.compare.capture import View
from greenroom.compare.judge import empty
from greenroom.compare.kept import is_kept
from greenroom.compare.pool import ask_all, count_programs
from greenroom.compare_rules import Rules, joined_paths
from greenroom.comparing import pictures_root, rules_of
from greenroom.settings import load_settings
from greenroom.store import comparisons
from greenroom.store.models import Comparison, Environment
from greenroom.store.work import Work, unit_of_work
from greenroom.waking import wake
from tasks.policies import step
from tasks.shown import look_at_one_version
from tasks.values import Sides
from tasks.visiting import Side, logged_in, side_of

WAKE_SECONDS = 90.0
SAVE_SECONDS = 1.0
"""How often what is known so far is written."""


@step
def wake_sides(sides: Sides) -> None:
    """Ask both sides until they answer: one that sleeps wakes, and is not measured cold.

    Idempotent. One that never answers is left to the pages: each says what it answered.
    """
    for site in (sides.production, sides.environment):
        wake(urlsplit(site).hostname or "")
    questions = [
        {"ask": "wake", "side": _side(sides, site), "seconds": WAKE_SECONDS}
        for site in (sides.production, sides.environment)
    ]
    for _ in ask_all(questions, 2):
        pass


@step
def choose_pages(sides: Sides) -> Sides:
    """Give the pages: those asked for, else those that the project's rules find on either side.

    Errors: PlatformError (the login failed).
    """
    if sides.paths:
        return sides
    with unit_of_work() as work:
        rules = rules_of(_environment(work, sides))
    pages = _find_pages(sides, rules) if isinstance(rules.pages, str) else list(rules.pages)
    # A state that somebody described is looked at, whether its page was found or not.
    return replace(sides, paths=tuple(dict.fromkeys([*pages, *(s.page for s in rules.states)])))


def _find_pages(sides: Sides, rules: Rules) -> list[str]:
    named = {"production": sides.production, "the environment": sides.environment}
    questions = [
        {"ask": "paths", "side": logged_in(_side(sides, site), name)}
        for name, site in named.items()
    ]
    found: list[list[str]] = [[], []]
    for number, paths, broke in ask_all(questions, 2, rules.view_seconds):
        found[number] = paths or []
        if broke:
            get_run_logger().warning("pages of %s were not found: %s", list(named)[number], broke)
    return joined_paths(found[0], found[1], rules.max_pages) or ["/"]


@step
def compare_pages(sides: Sides) -> None:
    """Compare every page at every width; what breaks is told of that page alone. Idempotent."""
    with alone(turn_file()):  # a measurement beside it would find each page late
        look_at_one_version(
            lambda work: work.get_one(Comparison, sides.comparison_id),
            lambda: _compare_pages(sides), with_production=sides.baseline_id is None,
        )  # fmt: skip


def _compare_pages(sides: Sides) -> None:
    log = get_run_logger()
    with unit_of_work() as work:
        environment = _environment(work, sides)
        rules = rules_of(environment)
        ignored = [one.rule for one in comparisons.list_ignored(work, environment.project_id)]
        kept = _kept_pictures(work, sides)
    views = plan_views(sides.paths, rules)
    with unit_of_work() as work:
        row = work.get_one(Comparison, sides.comparison_id)
        row.views, row.pages = len(views), []
    before = logged_in(_side(sides, sides.production), "production")
    after = logged_in(_side(sides, sides.environment), "the environment")
    questions = [
        {
            "ask": "view", "before": before, "after": after, "view": _as_json(view),
            "folder": str(pictures_root()),
            "ignored": [*(one.model_dump(mode="json") for one in rules.ignore), *ignored],
            "baseline": kept.get(_key(empty(view))) if sides.baseline_id else None,
        }
        for view in views
    ]  # fmt: skip
    found: dict[int, dict[str, Any]] = {}
    saved_at = time.monotonic()
    programs = load_settings().compare_browsers or count_programs()
    for number, said, broke in ask_all(questions, programs, rules.view_seconds):
        view = views[number]
        if sides.baseline_id and questions[number]["baseline"] is None and said:
            said = {
                **said,
                "notes": [*said["notes"], "no kept picture: production as it is now"],
            }
        found[number] = said if said is not None else {**empty(view), "failure": broke}
        log.info("%s %s: %s", view.path, view.viewport.name, found[number]["verdict"])
        if time.monotonic() - saved_at > SAVE_SECONDS:
            _save(sides.comparison_id, found)
            saved_at = time.monotonic()
    _save(sides.comparison_id, found)


def plan_views(paths: tuple[str, ...], rules: Rules) -> list[View]:
    """Give every page at every width and colour scheme, and its states. Pure."""
    views = []
    for path in paths:
        states = [None, *(state for state in rules.states if state.page == path)]
        views += [
            View(path, window, scheme, state)
            for state in states
            for scheme in rules.colour_schemes
            for window in rules.windows
        ]
    return views


def _as_json(view: View) -> dict[str, Any]:
    return {
        "path": view.path, "viewport": view.viewport.model_dump(mode="json"),
        "scheme": view.scheme,
        "state": view.state.model_dump(mode="json") if view.state else None,
    }  # fmt: skip


def _key(page: Mapping[str, Any]) -> tuple[str, ...]:
    names = ("path", "state", "viewport", "scheme")
    return tuple(str(page.get(name, "")) for name in names)


def _kept_pictures(work: Work, sides: Sides) -> dict[tuple[str, ...], Any]:
    """Give the pictures of an earlier comparison that stand for production."""
    if sides.baseline_id is None:
        return {}
    row = work.get_one(Comparison, sides.baseline_id)
    rows = [row]
    if sides.baseline == "merge-base":  # one of them may be of some pages only
        project_id = _environment(work, sides).project_id
        rows = comparisons.list_of_production(work, project_id, row.production_commit)
    side, root = sides.baseline_side, pictures_root()
    return {
        _key(page): {**page[side], "masked": dict(page.get("masked") or {}).get(side, [])}
        for row in rows for page in row.pages if is_kept(root, page[side])
    }  # fmt: skip


def _environment(work: Work, sides: Sides) -> Environment:
    row = work.get_one(Comparison, sides.comparison_id)
    return work.get_one(Environment, row.environment_id)


def _side(sides: Sides, site: str) -> Side:
    with unit_of_work() as work:
        return side_of(work, _environment(work, sides), site)


def _save(comparison_id: UUID, found: Mapping[int, dict[str, Any]]) -> None:
    with unit_of_work() as work:
        row = work.get_one(Comparison, comparison_id)
        row.pages = [found[number] for number in sorted(found)]
