"""Everything the pages read, as small frozen values. No secret leaves the store through here."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from greenroom import orders, promotions
from greenroom.deltas import Delta, list_deltas
from greenroom.errors import NotFound
from greenroom.rights import current_actor
from greenroom.secrets import Redactor
from greenroom.settings import load_settings
from greenroom.sources.forges import webhook_address
from greenroom.store import audit, deployments, environments, projects
from greenroom.store.models import Deployment, Environment, Project, now
from greenroom.store.work import unit_of_work
from greenroom.variables import list_given

BOARD_SECONDS = 1.0
MOST_BOARDS = 200
_redact = Redactor()
_board: dict[frozenset[uuid.UUID] | None, tuple[float, Overview]] = {}
"""By what its viewers may see."""
_board_lock = threading.Lock()


@dataclass(frozen=True)
class Failure:
    """Why a deployment failed."""

    kind: str
    detail: str
    hint: str
    log_tail: str


@dataclass(frozen=True)
class DeploymentRow:
    """A deployment, as the pages show it."""

    id: uuid.UUID
    number: int
    kind: str
    ref: str
    status: str
    commit: str
    by: str
    requested_at: datetime
    seconds: float | None
    """From its start to its end, or until now; None while it waits."""
    phases: tuple[tuple[str, float], ...]
    failure: Failure | None
    is_final: bool
    is_stopping: bool

    @property
    def is_taken_back(self) -> bool:
        """Whether it went live, and the watch after the switch took it back."""
        return self.status in ("live", "retired") and self.failure is not None

    @property
    def what(self) -> str:
        """What was asked for, in words."""
        words = {"rollback": "rollback to ", "promote": "promotion of "}
        return words.get(self.kind, "") + self.ref


@dataclass(frozen=True)
class EnvironmentRow:
    """An environment and its newest deployment."""

    id: uuid.UUID
    project: str
    name: str
    kind: str
    status: str
    reason: str
    url: str
    branch: str
    commit: str
    is_leaving: bool
    """Its destruction was asked for."""
    last: DeploymentRow | None
    held_by: str = ""
    """Who rolled it back, since when pushes do not deploy it; empty when they do."""

    @property
    def reference(self) -> str:
        """Its unambiguous name."""
        return f"{self.project}/{self.name}"

    @property
    def is_production(self) -> bool:
        """Whether it is what visitors see."""
        return self.kind == "production"


@dataclass(frozen=True)
class ProjectRow:
    """A project."""

    name: str
    source: str
    production_branch: str
    runtime: str
    has_production_database: bool
    rule: str
    """How its production changes, in words."""
    production_by: str
    approvals_needed: int
    approvers: tuple[str, ...]
    client_approvals_needed: int
    review_pages: tuple[str, ...]
    author_may_approve: bool
    webhook_url: str
    created_at: datetime
    environments: int = 0


@dataclass(frozen=True)
class VariableRow:
    """A variable; ``value`` is None when it is secret."""

    name: str
    value: str | None
    scope: str
    given_at: str
    is_withheld: bool


@dataclass(frozen=True)
class AuditRow:
    """Who did what."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: str


@dataclass(frozen=True)
class Overview:
    """All that the dashboard shows."""

    projects: tuple[ProjectRow, ...]
    environments: tuple[EnvironmentRow, ...]


def _deployment(row: Deployment) -> DeploymentRow:
    error: dict[str, Any] = row.error or {}
    seconds = None
    if row.started_at is not None:
        seconds = ((row.completed_at or now()) - row.started_at).total_seconds()
    failure = Failure(
        str(error.get("error", "")), str(error.get("detail", "")), str(error.get("hint", "")),
        str(error.get("log_tail", "")),
    )  # fmt: skip
    is_final = row.status in deployments.FINAL
    return DeploymentRow(
        row.id, row.number, row.kind, row.ref, row.status, row.commit_hash, row.deployed_by,
        row.requested_at, seconds,
        tuple((k, float(v)) for k, v in row.phases.items() if isinstance(v, int | float)),
        failure if error else None, is_final,
        row.cancel_requested_at is not None and not is_final,
    )  # fmt: skip


def _environment(row: Environment, last: Deployment | None) -> EnvironmentRow:
    return EnvironmentRow(
        row.id, row.project.name, row.name, row.kind, row.status, row.status_reason, row.url,
        row.git_branch, row.last_deployed_commit or "", row.destroy_requested_at is not None,
        _deployment(last) if last else None, (row.held_by or "") if row.held_at else "",
    )  # fmt: skip


def _project(row: Project, count: int = 0) -> ProjectRow:
    settings = load_settings()
    hook = webhook_address(settings, row.name, row.source_url, row.forge)
    return ProjectRow(
        row.name, _redact(row.source_url), row.production_branch, row.runtime,
        row.production_database_url is not None, promotions.describe_rule(row), row.production_by,
        row.approvals_needed, tuple(row.approvers), row.client_approvals_needed,
        tuple(row.review_pages), row.author_may_approve, hook, row.created_at, count,
    )  # fmt: skip


def overview() -> Overview:
    """Read all projects and living environments."""
    with unit_of_work() as work:
        last = deployments.latest_deployments(work)
        rows = [_environment(e, last.get(e.id)) for e in environments.list_environments(work)]
        counts: dict[str, int] = {}
        for row in rows:
            counts[row.project] = counts.get(row.project, 0) + 1
        owners = tuple(_project(p, counts.get(p.name, 0)) for p in projects.list_projects(work))
    return Overview(owners, tuple(rows))


def board() -> Overview:
    """Give the overview, at most ``BOARD_SECONDS`` old: many dashboards share one reading."""
    seen = current_actor().visible()
    with _board_lock:
        kept = _board.get(seen)
        if kept is None or time.monotonic() - kept[0] >= BOARD_SECONDS:
            if len(_board) > MOST_BOARDS:
                _board.clear()
            kept = _board[seen] = (time.monotonic(), overview())
        return kept[1]


def forget_board() -> None:
    """Read the overview anew next time: somebody here changed something."""
    with _board_lock:
        _board.clear()


def list_references() -> tuple[str, ...]:
    """List the living environments by name, project by project."""
    return tuple(sorted(row.reference for row in overview().environments))


def environment(reference: str) -> EnvironmentRow:
    """Read one environment.

    Errors: NotFound.
    """
    with unit_of_work() as work:
        row = environments.get_environment(work, reference)
        last = deployments.list_deployments(work, row.id, limit=1)
        return _environment(row, last[0] if last else None)


def no_environment(reference: str) -> NotFound:
    """Make the error that says there is no such environment (any more)."""
    return NotFound(f"there is no environment {reference[:120]!r}", hint="Choose one below.")


def history(reference: str, limit: int = 50) -> tuple[DeploymentRow, ...]:
    """Read an environment's deployments, newest first."""
    with unit_of_work() as work:
        row = environments.get_environment(work, reference)
        return tuple(map(_deployment, deployments.list_deployments(work, row.id, limit=limit)))


def deltas(reference: str) -> dict[str, tuple[Delta, ...]]:
    """Read what comparisons and measurements found of an environment's versions, by commit."""
    with unit_of_work() as work:
        return list_deltas(work, environments.get_environment(work, reference))


def rollback_targets(reference: str) -> tuple[tuple[DeploymentRow, ...], int | None]:
    """Read what an environment can return to, newest first, and the number that is proposed."""
    with unit_of_work() as work:
        row = environments.get_environment(work, reference)
        rows = deployments.list_deployments(work, row.id, limit=1000)
        proposed = orders.pick_rollback_target(rows, row.release_id)
        kept = [
            d
            for d in rows
            if d.was_live and d.release is not None and d.release.removed_at is None
            and d.release_id != row.release_id
        ]  # fmt: skip
        return tuple(map(_deployment, kept)), proposed.number if proposed else None


def variables(reference: str) -> tuple[VariableRow, ...]:
    """Read the variables that an environment gets; never a secret's value."""
    return tuple(
        VariableRow(v.name, v.value, v.scope, v.given_at, v.is_withheld)
        for v in list_given(reference)
    )


def events(
    reference: str | None = None, *, project: str = "", actor: str = "", act: str = "",
    days: int = 0, limit: int = 200,
) -> tuple[AuditRow, ...]:  # fmt: skip
    """Read the audit trail, newest first: of an environment, a project, somebody, some acts."""
    with unit_of_work() as work:
        key = environments.get_environment(work, reference).id if reference else None
        rows = audit.list_audit(
            work, environment_id=key, actor=actor, action=act, limit=limit,
            project=projects.get_project(work, project) if project else None,
            since=now() - timedelta(days=days) if days else None,
        )  # fmt: skip
        return tuple(
            AuditRow(r.at, r.actor, r.action, r.subject, _pairs(r.detail.items())) for r in rows
        )


def _pairs(items: Iterable[tuple[str, Any]]) -> str:
    return _redact(", ".join(f"{key}: {value}" for key, value in items if value not in ("", None)))


def source_of(reference: str) -> str:
    """Give the git URL behind an environment."""
    with unit_of_work() as work:
        return environments.get_environment(work, reference).project.source_url


def source_of_project(name: str) -> str:
    """Give a project's git URL."""
    with unit_of_work() as work:
        return projects.get_project(work, name).source_url


def webhook_secret(project: str) -> str:
    """Give the secret that a forge signs with. Only for somebody who asked to see it."""
    with unit_of_work() as work:
        return projects.webhook_secret(projects.get_project(work, project))
