"""Comparisons: ordered, judged by people, and what does not count in them.

Recorded in the store first, then started at Prefect.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from greenroom.compare_rules import BASELINES, Ignored, Rules
from greenroom.compare_verdicts import APPROVED, REJECTED, chosen
from greenroom.errors import InvalidInput, InvalidManifest
from greenroom.manifest import Manifest
from greenroom.runs import Runs
from greenroom.settings import load_settings
from greenroom.store import comparisons, environments
from greenroom.store.models import Comparison, Environment, EnvironmentKind
from greenroom.store.work import Work, platform_work, unit_of_work

COMPARE = "compare_visual/on-demand"
MAX_NOTE, MAX_PIXELS = 500, 200_000
AFTER_DEPLOYMENT = "deployment"
"""Who asks for a comparison after a deployment."""


def start_comparison(comparison_id: uuid.UUID, runs: Runs | None = None) -> uuid.UUID:
    """Start the run of a recorded comparison. Idempotent.

    Errors: OrchestratorUnavailable; it stays recorded, and ``reconcile`` starts it later.
    """
    with unit_of_work() as work:
        row = comparisons.get_comparison(work, comparison_id)
        name = f"{row.environment.project.name}/{row.environment.name}"
    run_id = (runs or Runs()).start(
        COMPARE,
        {"request": {"comparison_id": str(comparison_id), "environment": name}},
        idempotency_key=str(comparison_id),
        tags=[name],
    )
    with platform_work() as work:
        work.get_one(Comparison, comparison_id).flow_run_id = run_id
    return run_id


def place_comparison(
    reference: str, paths: Sequence[str] = (), *, baseline: str = "", actor: str,
    runs: Runs | None = None,
) -> uuid.UUID:  # fmt: skip
    """Record and start a comparison of an environment with production; give its id.

    Errors: NotFound, InvalidInput.
    """
    with unit_of_work() as work:
        made = record_comparison(work, reference, paths, baseline=baseline, actor=actor).id
    start_comparison(made, runs)
    return made


def record_comparison(
    work: Work, reference: str, paths: Sequence[str], *, baseline: str = "", actor: str
) -> Comparison:
    """Record a comparison, with the baseline that is asked for, else the project's.

    Errors: NotFound, InvalidInput.
    """
    if baseline and baseline not in BASELINES:
        raise InvalidInput(
            f"{baseline!r} is no baseline", hint=f"There are: {', '.join(BASELINES)}."
        )
    environment = environments.get_environment(work, reference)
    base = baseline or rules_of(environment).baseline
    return comparisons.create_comparison(work, environment, paths, by=actor, baseline=base)


def is_wanted_after_deployment(work: Work, environment: Environment) -> bool:
    """Whether a deployment of an environment is followed by a comparison."""
    return (
        load_settings().compare_after_deployment
        and environment.kind != EnvironmentKind.PRODUCTION
        and environment.release is not None
        and comparisons.production_of(work, environment.project) is not None
        and rules_of(environment).after_deployment
    )


def rules_of(environment: Environment) -> Rules:
    """Give what an environment's project says of comparisons, at the commit that it shows."""
    if environment.release is None or not environment.release.manifest:
        return Rules()
    try:
        return Manifest.from_json(environment.release.manifest).comparison
    except (InvalidManifest, KeyError, TypeError):
        return Rules()  # of an earlier version of ours


def decide_changes(
    reference: str, verdict: str, *, number: int = 0, path: str = "", signature: str = "",
    note: str = "", actor: str,
) -> int:  # fmt: skip
    """Approve or reject a comparison's changes: all, a page's, or one wherever it shows.

    Gives how many. The last word on a change counts, and holds as long as the change is the same.

    Errors: NotFound, InvalidInput.
    """
    if verdict not in (APPROVED, REJECTED):
        raise InvalidInput(f"{verdict!r} is no verdict", hint="There are: approved, rejected.")
    if len(note) > MAX_NOTE:
        raise InvalidInput(f"a note has at most {MAX_NOTE} characters")
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        row = comparisons.find_comparison(work, environment, number)
        keys = list(chosen(row.pages, path, signature))
        if not keys:
            raise InvalidInput(
                f"comparison #{row.number} has no such change", hint="Look again: it may be newer."
            )
        return comparisons.record_decisions(work, row, keys, verdict, note.strip(), by=actor)


def ignore_part(
    reference: str, *, page: str = "*", viewport: str = "", selector: str = "",
    box: Sequence[int] | None = None, actor: str,
) -> uuid.UUID:  # fmt: skip
    """Say that a part of a project's pages does not count: an element, or a box.

    ``box`` is left, top, width and height in pixels of the picture.

    Errors: NotFound, InvalidInput.
    """
    if box and (min(box[:2]) < 0 or min(box[2:]) < 1 or max(box) > MAX_PIXELS):
        raise InvalidInput(
            "that box is no place on a page",
            hint=f"Left and top are from 0, width and height from 1, all up to {MAX_PIXELS}.",
        )
    said: dict[str, Any] = {"page": page, "viewport": viewport, "selector": selector}
    try:
        rule = Ignored.model_validate({**said, "box": tuple(box) if box else None})
    except ValidationError as error:
        raise InvalidInput(
            "that is no part of a page", hint="Give a selector, or left, top, width and height."
        ) from error
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        known = [window.name for window in rules_of(environment).windows]
        if viewport and viewport not in known:
            raise InvalidInput(
                f"no page is looked at in a viewport {viewport!r}",
                hint=f"There are: {', '.join(known)}.",
            )
        project = environment.project
        return comparisons.add_ignored(work, project, rule.model_dump(mode="json"), by=actor).id


def heed_part(reference: str, region_id: uuid.UUID, *, actor: str) -> None:
    """Let a part of a project's pages count again.

    Errors: NotFound.
    """
    with unit_of_work() as work:
        project = environments.get_environment(work, reference).project
        comparisons.remove_ignored(work, project, region_id, by=actor)


def folder_of(comparison_id: uuid.UUID) -> Path:
    """Give the folder of a comparison's report."""
    return load_settings().path("comparisons", str(comparison_id))


def pictures_root() -> Path:
    """Give the folder that the pictures of all comparisons are kept in."""
    return load_settings().path("comparisons")
