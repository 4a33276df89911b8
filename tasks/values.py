"""The small frozen values that tasks pass to each other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True)
class DeployRequest:
    """A recorded deployment or rollback that shall be carried out."""

    deployment_id: UUID
    environment_id: UUID
    environment: str
    """``<project>/<name>``, for reading only."""
    ref: str


@dataclass(frozen=True)
class CompareRequest:
    """A recorded comparison that shall be carried out."""

    comparison_id: UUID
    environment: str
    """``<project>/<name>``, for reading only."""


@dataclass(frozen=True)
class Sides:
    """The two sites of a comparison."""

    comparison_id: UUID
    production: str
    """Its address, without a path."""
    environment: str
    paths: tuple[str, ...]
    baseline: str = "production"
    baseline_id: UUID | None = None
    """An earlier comparison whose pictures stand for production."""
    baseline_side: str = "before"
    """Which of its pictures: ``before`` or ``after``."""


@dataclass(frozen=True)
class MeasureRequest:
    """A recorded measurement that shall be carried out."""

    measurement_id: UUID
    environment: str
    """``<project>/<name>``, for reading only."""


@dataclass(frozen=True)
class Measured:
    """The sites of a measurement."""

    measurement_id: UUID
    production: str
    """Its address, without a path."""
    environment: str
    """Empty: production is measured alone."""
    paths: tuple[str, ...]
    with_lighthouse: bool = False


@dataclass(frozen=True)
class CheckRequest:
    """A recorded isolation check that shall be made."""

    check_id: UUID
    environment: str
    """``<project>/<name>``, for reading only."""


@dataclass(frozen=True)
class TeardownRequest:
    """An environment that shall be destroyed."""

    environment_id: UUID
    environment: str


@dataclass(frozen=True)
class Held:
    """An environment's lock, held for one deployment (or for none: teardown, reconcile)."""

    environment_id: UUID
    token: int
    deployment_id: UUID | None = None

    @property
    def deployment(self) -> UUID:
        """The deployment it is held for."""
        if self.deployment_id is None:
            raise ValueError("this lock is not held for a deployment")
        return self.deployment_id


@dataclass(frozen=True)
class Source:
    """A checkout."""

    folder: str
    commit: str
    author: str
    """Name and address, as git writes them."""
    manifest_text: bytes | None


@dataclass(frozen=True)
class Candidate:
    """A new running copy that does not serve yet."""

    instance_id: UUID
    name: str
    runtime: str
    release_id: UUID


@dataclass(frozen=True)
class Outcome:
    """How a deployment ended."""

    environment: str
    url: str
    number: int
    status: str
    commit: str
    seconds: float


@dataclass(frozen=True)
class SyncRequest:
    """A recorded sync that shall be carried out."""

    sync_id: UUID
    project: str
    """For reading only."""
    number: int


@dataclass(frozen=True)
class Syncing:
    """A sync that is under way."""

    sync_id: UUID
    project_id: UUID
    environment_id: UUID | None
    tables: tuple[str, ...]
    template: str
    """Name of the project's anonymized database, and of the role that owns what is in it."""
    policy_number: int = 0
    """Of the policy that was in force when it began; one approved since is for the next sync."""


@dataclass(frozen=True)
class Moment:
    """Production at one moment, as somebody holds it."""

    snapshot: str
    taken_at: datetime
    server_version: int


@dataclass(frozen=True)
class SyncOutcome:
    """How a sync ended."""

    project: str
    number: int
    status: str
    rows: int
    seconds: float


@dataclass(frozen=True)
class AssetRequest:
    """A recorded sync of files that shall be carried out."""

    sync_id: UUID
    project: str
    """For reading only."""
    number: int


@dataclass(frozen=True)
class AssetsHeld:
    """A sync of files that is under way."""

    sync_id: UUID
    project_id: UUID
    is_plan: bool
    deletes: bool
