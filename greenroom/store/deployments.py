"""Queries about deployments, their logs, and the fencing lock of an environment."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from sqlalchemy import func, insert, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import joinedload

from greenroom.errors import (
    EnvironmentLocked,
    GreenroomError,
    InvalidInput,
    LockLost,
    NotFound,
    Overtaken,
)
from greenroom.store.audit import record_audit
from greenroom.store.models import (
    Deployment,
    DeploymentKind,
    DeploymentLog,
    DeploymentStatus,
    Environment,
    EnvironmentLock,
    Release,
    now,
)
from greenroom.store.work import Work

FINAL = frozenset(
    {
        DeploymentStatus.LIVE,
        DeploymentStatus.RETIRED,
        DeploymentStatus.FAILED,
        DeploymentStatus.CANCELLED,
    }
)
"""A deployment that is one of these is not running any more."""


def create_deployment(
    work: Work,
    environment: Environment,
    *,
    ref: str,
    commit_hash: str = "",
    kind: DeploymentKind = DeploymentKind.DEPLOY,
    deployed_by: str,
    release_id: uuid.UUID | None = None,
) -> Deployment:
    """Record that a deployment was asked for; it is ``queued``."""
    work.scalar(select(Environment.id).where(Environment.id == environment.id).with_for_update())
    number = work.scalar(
        select(func.coalesce(func.max(Deployment.number), 0) + 1).where(
            Deployment.environment_id == environment.id
        )
    )
    deployment = Deployment(
        environment_id=environment.id,
        number=number,
        kind=kind,
        ref=ref,
        commit_hash=commit_hash,
        release_id=release_id,
        deployed_by=deployed_by,
    )
    work.add(deployment)
    work.flush()
    record_audit(
        work,
        deployed_by,
        f"deployment.{kind}",
        environment=environment,
        subject=f"{environment.name}#{number}",
        ref=ref,
    )
    return deployment


def get_deployment(work: Work, deployment_id: uuid.UUID) -> Deployment:
    """Get a deployment by id.

    Errors: NotFound.
    """
    deployment = work.get(Deployment, deployment_id, options=[joinedload(Deployment.release)])
    if deployment is None:
        raise NotFound(f"there is no deployment {deployment_id}")
    return deployment


def find_deployment(work: Work, environment: Environment, reference: str) -> Deployment:
    """Find a deployment of an environment by ``#number``, number, id or commit prefix (newest).

    Errors: NotFound, InvalidInput.
    """
    query = (
        select(Deployment)
        .options(joinedload(Deployment.release))
        .where(Deployment.environment_id == environment.id)
        .order_by(Deployment.number.desc())
    )
    plain = reference.removeprefix("#")
    if plain.isdigit() and len(plain) < 7:
        query = query.where(Deployment.number == int(plain))
    elif len(plain) == 36:
        try:
            query = query.where(Deployment.id == uuid.UUID(plain))
        except ValueError as error:
            raise InvalidInput(f"{reference!r} is no deployment id") from error
    elif len(plain) >= 7:
        query = query.where(Deployment.commit_hash.startswith(plain, autoescape=True))
    else:
        raise InvalidInput(f"{reference!r} names no deployment", hint="Say its number, like #12.")
    found = work.scalar(query.limit(1))
    if found is None:
        raise NotFound(
            f"{environment.name} has no deployment {reference!r}",
            hint=f"`greenroom env show {environment.name}` lists them.",
        )
    return found


def list_deployments(work: Work, environment_id: uuid.UUID, *, limit: int = 50) -> list[Deployment]:
    """List an environment's deployments, newest first."""
    return list(
        work.scalars(
            select(Deployment)
            .options(joinedload(Deployment.release))
            .where(Deployment.environment_id == environment_id)
            .order_by(Deployment.number.desc())
            .limit(limit)
        )
    )


def latest_deployments(work: Work) -> dict[uuid.UUID, Deployment]:
    """Give the newest deployment of each environment, by environment id."""
    rows = work.scalars(
        select(Deployment)
        .distinct(Deployment.environment_id)
        .order_by(Deployment.environment_id, Deployment.number.desc())
    )
    return {row.environment_id: row for row in rows}


def find_live(work: Work, environment_id: uuid.UUID) -> Deployment | None:
    """Find the deployment whose version an environment shows; each switch has one of its own."""
    return work.scalars(
        select(Deployment)
        .where(
            Deployment.environment_id == environment_id,
            Deployment.status == DeploymentStatus.LIVE,
        )
        .order_by(Deployment.number.desc())
    ).first()


def list_unfinished(work: Work, environment_id: uuid.UUID | None = None) -> list[Deployment]:
    """List deployments that are not final, oldest first."""
    query = select(Deployment).where(Deployment.status.not_in(FINAL)).order_by(Deployment.number)
    if environment_id is not None:
        query = query.where(Deployment.environment_id == environment_id)
    return list(work.scalars(query))


def list_kept_releases(work: Work, environment_id: uuid.UUID) -> list[Release]:
    """List the releases an environment has served that are still kept, newest first."""
    seen: dict[uuid.UUID, Release] = {}
    for deployment in list_deployments(work, environment_id, limit=1000):
        release = deployment.release
        if deployment.was_live and release is not None and release.removed_at is None:
            seen.setdefault(release.id, release)
    return list(seen.values())


def supersede_older(work: Work, newest: Deployment) -> list[Deployment]:
    """Ask every unfinished older deployment of the environment to stop in favour of ``newest``.

    One that never started is cancelled here; one that runs sees the wish and ends itself.
    """
    older = [d for d in list_unfinished(work, newest.environment_id) if d.number < newest.number]
    for deployment in older:
        deployment.superseded_by = newest.id
        deployment.cancel_requested_at = deployment.cancel_requested_at or now()
        if deployment.status == DeploymentStatus.QUEUED:
            deployment.status = DeploymentStatus.CANCELLED
            deployment.completed_at = now()
    return older


def check_wanted(work: Work, deployment_id: uuid.UUID) -> None:
    """Return if a deployment shall go on.

    Errors: Overtaken, saying by whom.
    """
    row = work.execute(
        select(Deployment.cancel_requested_at, Deployment.superseded_by, Deployment.status).where(
            Deployment.id == deployment_id
        )
    ).one()
    if row.cancel_requested_at is not None or row.status == DeploymentStatus.CANCELLED:
        newer = work.get(Deployment, row.superseded_by) if row.superseded_by else None
        why = f"overtaken by deployment #{newer.number}" if newer else "cancelled"
        raise Overtaken(why, superseded_by=str(row.superseded_by or ""))


def finish(
    deployment: Deployment, status: DeploymentStatus, error: GreenroomError | None = None
) -> None:
    """Give a deployment its final status."""
    deployment.status = status
    deployment.completed_at = now()
    if error is not None:
        tail = getattr(error, "log_tail", "")
        deployment.error = {**error.as_json(), "log_tail": tail}


def append_log(work: Work, deployment_id: uuid.UUID, section: str, lines: Iterable[str]) -> None:
    """Add redacted log lines; a NUL, which Postgres refuses, is written out."""
    rows = [
        {"deployment_id": deployment_id, "section": section, "line": line.replace("\0", "\\0")}
        for line in lines
    ]
    if rows:
        work.execute(insert(DeploymentLog), rows)


def read_log(
    work: Work, deployment_id: uuid.UUID, *, after: int = 0, limit: int = 2000
) -> list[DeploymentLog]:
    """Read log lines with an id above ``after``, in order."""
    return list(
        work.scalars(
            select(DeploymentLog)
            .where(DeploymentLog.deployment_id == deployment_id, DeploymentLog.id > after)
            .order_by(DeploymentLog.id)
            .limit(limit)
        )
    )


MAX_LOG_LINES = 20_000
"""Lines kept of one deployment's log: the first and last halves."""


def seal_log(work: Work, deployment_id: uuid.UUID) -> None:
    """Copy the finished log into ``deployments.log_output``, its middle cut when it is too long."""
    lines = work.execute(
        select(DeploymentLog.section, DeploymentLog.line)
        .where(DeploymentLog.deployment_id == deployment_id)
        .order_by(DeploymentLog.id)
    ).all()
    texts = [f"[{row.section}] {row.line}" for row in lines]
    if len(texts) > MAX_LOG_LINES:
        half, cut = MAX_LOG_LINES // 2, len(texts) - MAX_LOG_LINES
        texts = [*texts[:half], f"[log] … {cut} lines left out …", *texts[-half:]]
    work.execute(
        update(Deployment).where(Deployment.id == deployment_id).values(log_output="\n".join(texts))
    )


def take_lock(
    work: Work,
    environment_id: uuid.UUID,
    *,
    purpose: str,
    holder: str,
    host: str,
    process: str,
    deployment_id: uuid.UUID | None = None,
    flow_run_id: uuid.UUID | None = None,
) -> int:
    """Take an environment's lock and give its fencing token.

    Errors: EnvironmentLocked (who, what, since when).
    """
    lock = work.scalar(
        select(EnvironmentLock)
        .where(EnvironmentLock.environment_id == environment_id)
        .with_for_update()
    )
    if lock is not None and lock.held:
        if lock.host == host and lock.process == process and lock.deployment_id == deployment_id:
            return lock.token
        raise locked_error(lock)
    values = {
        "held": True,
        "purpose": purpose,
        "holder": holder,
        "host": host,
        "process": process,
        "deployment_id": deployment_id,
        "flow_run_id": flow_run_id,
        "acquired_at": now(),
    }
    statement = (
        upsert(EnvironmentLock)
        .values(environment_id=environment_id, token=1, **values)
        .on_conflict_do_update(
            index_elements=[EnvironmentLock.environment_id],
            set_={**values, "token": EnvironmentLock.token + 1},
            where=EnvironmentLock.held.is_(False),
        )
        .returning(EnvironmentLock.token)
    )
    token = work.scalar(statement)
    if token is None:  # somebody was faster between our look and our write
        winner = work.get(EnvironmentLock, environment_id, populate_existing=True)
        raise locked_error(winner) if winner else EnvironmentLocked()
    return token


def locked_error(lock: EnvironmentLock) -> EnvironmentLocked:
    """Make the refusal that names who holds the lock, why, and since when."""
    since = lock.acquired_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    return EnvironmentLocked(
        f"the environment is held by {lock.holder} for {lock.purpose} since {since}",
        hint="Wait for it to end. If it died, `reconcile` frees the lock within a minute.",
    )


def find_lock(work: Work, environment_id: uuid.UUID) -> EnvironmentLock | None:
    """Give the held lock of an environment, if it is held."""
    lock = work.get(EnvironmentLock, environment_id, populate_existing=True)
    return lock if lock is not None and lock.held else None


def list_locks(work: Work) -> list[EnvironmentLock]:
    """List the locks that are held."""
    return list(work.scalars(select(EnvironmentLock).where(EnvironmentLock.held)))


def check_lock(work: Work, environment_id: uuid.UUID, token: int) -> None:
    """Return, keeping the row locked until the transaction ends, if ``token`` still holds.

    Errors: LockLost.
    """
    lock = work.scalar(
        select(EnvironmentLock)
        .where(EnvironmentLock.environment_id == environment_id)
        .with_for_update()
    )
    if lock is None or not lock.held or lock.token != token:
        raise LockLost(
            "another run has taken this environment over",
            hint="This run was believed dead. The newer one decides now.",
        )


def release_lock(work: Work, environment_id: uuid.UUID, token: int) -> bool:
    """Give a lock back; False when it was not ours any more. Idempotent."""
    done = work.execute(
        update(EnvironmentLock)
        .where(
            EnvironmentLock.environment_id == environment_id,
            EnvironmentLock.token == token,
            EnvironmentLock.held,
        )
        .values(held=False)
    )
    return bool(done.rowcount)  # type: ignore[attr-defined]
