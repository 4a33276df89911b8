"""What answers look like: projects, environments, deployments, orders. No secret is in them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from greenroom import orders
from greenroom.api.noun import Shown
from greenroom.approving import Judgement
from greenroom.compare_verdicts import Said, decided, worst
from greenroom.errors import OrchestratorUnavailable
from greenroom.secrets import Redactor
from greenroom.store.models import Comparison, Deployment, Environment, Project, Sync

_redact = Redactor()


class ProjectShape(Shown):
    """A project."""

    name: str
    source: str
    production_branch: str
    runtime: str
    has_production_database: bool
    production_by: str
    approvals_needed: int
    client_approvals_needed: int
    approvers: list[str]
    review_pages: list[str]
    author_may_approve: bool
    preview_access: str
    previews: dict[str, Any]
    forge: str
    forge_repository: str
    created_at: datetime

    @classmethod
    def of(cls, row: Project) -> ProjectShape:
        """Show a row."""
        return cls(
            name=row.name, source=_redact(row.source_url), production_branch=row.production_branch,
            runtime=row.runtime, has_production_database=row.production_database_url is not None,
            production_by=row.production_by, approvals_needed=row.approvals_needed,
            client_approvals_needed=row.client_approvals_needed, approvers=row.approvers,
            review_pages=row.review_pages,
            author_may_approve=row.author_may_approve, preview_access=row.preview_access,
            previews=row.previews, forge=row.forge, forge_repository=row.forge_repository,
            created_at=row.created_at,
        )  # fmt: skip


class DeploymentShape(Shown):
    """One attempt to bring an environment to a commit, or back to a release."""

    id: uuid.UUID
    number: int
    kind: str
    ref: str
    commit_hash: str
    status: str
    deployed_by: str
    requested_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    phases: dict[str, Any]
    error: dict[str, Any] | None

    @classmethod
    def of(cls, row: Deployment) -> DeploymentShape:
        """Show a row."""
        return cls.model_validate(row)


class ReviewShape(Shown):
    """Whether what an environment shows may go live."""

    is_open: bool
    words: str
    approved_by: list[str]
    objected_by: list[str]
    missing: int
    clients_missing: int
    in_part: list[tuple[str, int]]
    """Who approved some of the project's pages so far, and how many."""
    pages: int

    @classmethod
    def of(cls, found: Judgement) -> ReviewShape:
        """Show a judgement."""
        return cls.model_validate(found)


class EnvironmentShape(Shown):
    """One running copy of a project."""

    id: uuid.UUID
    project: str
    name: str
    kind: str
    status: str
    status_reason: str
    url: str
    git_branch: str
    last_deployed_commit: str | None
    held_at: datetime | None
    held_by: str
    is_leaving: bool
    machine: str
    """Host that its newest copy was placed at; empty: Greenroom's own machine."""
    created_at: datetime
    last_deployment: DeploymentShape | None = None

    @classmethod
    def of(cls, row: Environment, last: Deployment | None = None) -> EnvironmentShape:
        """Show a row."""
        return cls(
            id=row.id, project=row.project.name, name=row.name, kind=row.kind, status=row.status,
            status_reason=row.status_reason, url=row.url, git_branch=row.git_branch,
            last_deployed_commit=row.last_deployed_commit, held_at=row.held_at, held_by=row.held_by,
            is_leaving=row.destroy_requested_at is not None, created_at=row.created_at,
            machine=row.machine,
            last_deployment=DeploymentShape.of(last) if last else None,
        )  # fmt: skip


class Ordered(Shown):
    """Something is recorded, and on its way."""

    id: uuid.UUID
    number: int
    kind: str
    of: str
    """What it is about: ``<project>/<environment>``, or a project."""
    url: str = ""
    is_started: bool
    """False while the orchestrator does not answer: it starts by itself when it does."""


def is_started(start: Callable[[], object]) -> bool:
    """Start what is recorded; it is no failure that it starts later."""
    try:
        start()
    except OrchestratorUnavailable:
        return False
    return True


def ordered(order: orders.Order) -> Ordered:
    """Start a recorded order, and show it."""
    return Ordered(
        id=order.deployment_id, number=order.number, kind=order.kind, of=order.environment,
        url=order.url, is_started=is_started(lambda: orders.start_order(order)),
    )  # fmt: skip


class SyncShape(Shown):
    """One copy of production's data without its people."""

    id: uuid.UUID
    project: str
    environment: str | None
    number: int
    tables: list[str]
    status: str
    phase: str
    requested_by: str
    requested_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    snapshot_at: datetime | None
    phases: dict[str, Any]
    progress: dict[str, Any]
    error: dict[str, Any] | None
    has_report: bool

    @classmethod
    def of(cls, row: Sync, project: str) -> SyncShape:
        """Show a row."""
        return cls(
            id=row.id, project=project, number=row.number, tables=row.tables, status=row.status,
            environment=row.environment.name if row.environment else None, phase=row.phase,
            requested_by=row.requested_by, requested_at=row.requested_at,
            started_at=row.started_at, completed_at=row.completed_at, snapshot_at=row.snapshot_at,
            phases=row.phases, progress=row.progress, error=row.error,
            has_report=row.report is not None,
        )  # fmt: skip


class ComparisonShape(Shown):
    """One comparison of an environment's pages with production's."""

    id: uuid.UUID
    number: int
    status: str
    paths: list[str]
    requested_by: str
    requested_at: datetime
    completed_at: datetime | None
    commit_hash: str
    production_commit: str
    baseline: str
    verdict: str = ""
    """The worst of its pages', after what people said; empty until it is done."""
    pages: list[dict[str, Any]]
    error: dict[str, Any] | None

    @classmethod
    def of(cls, row: Comparison, said: Said) -> ComparisonShape:
        """Show a row, after what people said of the project's changes."""
        pages = decided(row.pages, said)
        verdict = worst(pages) if row.status == "done" else ""
        return cls.model_validate(row).model_copy(update={"pages": pages, "verdict": verdict})
