"""The states that rows of the store can be in."""

from __future__ import annotations

import enum


class EnvironmentKind(enum.StrEnum):
    """What an environment is for."""

    STAGING = "staging"
    PRODUCTION = "production"


class EnvironmentStatus(enum.StrEnum):
    """Where an environment stands; see ``greenroom.store.transitions``."""

    ACTIVE = "active"
    BUILDING = "building"
    ERROR = "error"
    SLEEPING = "sleeping"
    DESTROYED = "destroyed"


class DeploymentStatus(enum.StrEnum):
    """Where a deployment stands. The last four are final."""

    QUEUED = "queued"
    BUILDING = "building"
    RELEASING = "releasing"
    STARTING = "starting"
    LIVE = "live"
    RETIRED = "retired"
    """It was live until a newer one took over."""
    FAILED = "failed"
    CANCELLED = "cancelled"


class DeploymentKind(enum.StrEnum):
    """Why a deployment happens."""

    DEPLOY = "deploy"
    ROLLBACK = "rollback"
    PROMOTE = "promote"


class ProductionBy(enum.StrEnum):
    """How a project's production changes."""

    PUSH = "push"
    PROMOTION = "promotion"


class PreviewAccess(enum.StrEnum):
    """Who sees a project's environments that are not production."""

    AUTO = "auto"
    """closed, unless only this machine reaches them."""
    CLOSED = "closed"
    OPEN = "open"


class Verdict(enum.StrEnum):
    """What somebody says about an artifact."""

    APPROVED = "approved"
    CHANGES = "changes"
    WITHDRAWN = "withdrawn"


class NoticeKind(enum.StrEnum):
    """What people can be told of."""

    FAILED = "failed"
    REVIEW = "review"
    VERDICT = "verdict"
    COMMENT = "comment"
    CHANGED = "changed"
    REGRESSION = "regression"
    SHOWN = "shown"
    LIVE = "live"
    SYNC_FAILED = "sync-failed"
    SYNCED = "synced"
    EXPIRING = "expiring"


class InstanceState(enum.StrEnum):
    """Where a running copy stands."""

    STARTING = "starting"
    SERVING = "serving"
    DRAINING = "draining"
    KEPT = "kept"
    """It served until a moment ago, and is kept paused for a rollback."""
    STOPPED = "stopped"


class SyncStatus(enum.StrEnum):
    """Where a sync stands. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Asleep(enum.StrEnum):
    """How a copy that serves nobody sleeps."""

    AWAKE = ""
    PAUSED = "paused"
    """In memory, but given no CPU: awake within milliseconds."""
    STOPPED = "stopped"
    """Ended; started again at the same address."""


class GivenAt(enum.StrEnum):
    """When a variable is given to the project's own code."""

    BOTH = "both"
    BUILD = "build"
    RUN = "run"
