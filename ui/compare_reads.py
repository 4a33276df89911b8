"""What the pages know of comparisons; ordering one, and deciding on its changes."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from greenroom import comparing
from greenroom.compare.words import describe_ignored
from greenroom.compare_verdicts import decided
from greenroom.store import comparisons, environments
from greenroom.store.work import unit_of_work


@dataclass(frozen=True)
class ComparisonRow:
    """A comparison, its verdicts after what people said."""

    number: int
    status: str
    by: str
    at: datetime
    commit: str
    production_commit: str
    baseline: str
    views: int
    pages: tuple[dict[str, Any], ...]
    failure: str
    folder: Path


@dataclass(frozen=True)
class IgnoredRow:
    """A part of pages whose look does not count."""

    id: uuid.UUID
    told: str
    by: str


def listed(reference: str) -> tuple[ComparisonRow, ...]:
    """Give an environment's comparisons, newest first."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        said = comparisons.said_in(work, environment.project_id)
        return tuple(
            ComparisonRow(
                row.number, row.status, row.requested_by, row.requested_at, row.commit_hash,
                row.production_commit, row.baseline, row.views, tuple(decided(row.pages, said)),
                str((row.error or {}).get("detail", "")), comparing.folder_of(row.id),
            )
            for row in comparisons.list_comparisons(work, environment)
        )  # fmt: skip


def ignored(reference: str) -> tuple[IgnoredRow, ...]:
    """Give what does not count in a project's comparisons."""
    with unit_of_work() as work:
        project_id = environments.get_environment(work, reference).project_id
        return tuple(
            IgnoredRow(row.id, describe_ignored(row.rule), row.created_by)
            for row in comparisons.list_ignored(work, project_id)
        )


def order(reference: str, paths: Sequence[str], baseline: str, actor: str) -> str:
    """Order a comparison of an environment with production."""
    comparing.place_comparison(reference, paths, baseline=baseline, actor=actor)
    return "The comparison is on its way; it takes some seconds a page."


def obey(reference: str, said: Mapping[str, Any], heard: list[str], actor: str) -> str:
    """Do what the viewer says, and note in ``heard`` that it is kept."""
    told = (decide if said.get("verdict") else ignore)(reference, said, actor)
    heard.append(str(said.get("id")))
    return told


def decide(reference: str, said: Mapping[str, Any], actor: str) -> str:
    """Approve or reject what the viewer names."""
    verdict = str(said.get("verdict", ""))
    count = comparing.decide_changes(
        reference, verdict, number=int(said.get("number") or 0), path=str(said.get("path") or ""),
        signature=str(said.get("signature") or ""), actor=actor,
    )  # fmt: skip
    return f"{count} {'change' if count == 1 else 'changes'} {verdict}."


def ignore(reference: str, said: Mapping[str, Any], actor: str) -> str:
    """Let what the viewer names count no longer."""
    comparing.ignore_part(
        reference, page=str(said.get("page") or "*"), viewport=str(said.get("viewport") or ""),
        selector=str(said.get("selector") or ""), box=said.get("box"), actor=actor,
    )  # fmt: skip
    return "It does not count from the next comparison on."


def heed(reference: str, region: uuid.UUID, actor: str) -> str:
    """Let a part of pages count again."""
    comparing.heed_part(reference, region, actor=actor)
    return "It counts again from the next comparison on."
