"""Queries about notifications: whom to tell of what, and what is still to be told."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import joinedload

from greenroom.errors import AlreadyExists, InvalidInput, NotFound
from greenroom.rights import check_right, current_actor
from greenroom.store.audit import record_audit
from greenroom.store.crypto import seal, unseal
from greenroom.store.later import next_attempt
from greenroom.store.models import Notice, NoticeTarget, Project, now
from greenroom.store.states import NoticeKind
from greenroom.store.work import Work

_ADDRESS = "notice_targets.address"
MOST_AT_ONCE = 50
KEPT_DAYS = 30
DIGESTS = ("", "hour", "day")
DAY_HOUR = 7
"""Of the day, in UTC, at which a day's news are told."""
LONGEST_NAME = 60
QUIET = (NoticeKind.FAILED, NoticeKind.REVIEW, NoticeKind.SYNC_FAILED, NoticeKind.EXPIRING)
"""What a target hears of where nothing else is said: what fails, and what waits for people."""


@dataclass(frozen=True)
class Claim:
    """What one target shall be told now."""

    target_id: uuid.UUID
    address: str
    notices: tuple[tuple[int, str, str], ...]
    """Id, title and body of each."""


def add_target(
    work: Work, name: str, service: str, address: str, *, project: Project | None = None,
    kinds: tuple[NoticeKind, ...] = QUIET, environments: str = "*", digest: str = "", actor: str,
) -> NoticeTarget:  # fmt: skip
    """Add somebody to tell.

    Errors: AlreadyExists, InvalidInput.
    """
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(f"a name has 1 to {LONGEST_NAME} characters", hint="Like: team-slack")
    if not kinds:
        raise InvalidInput("nothing is to be told", hint=f"Choose of {', '.join(NoticeKind)}.")
    if digest not in DIGESTS:
        raise InvalidInput(f"there is no digest by {digest!r}", hint="One of: hour, day.")
    if work.scalar(select(NoticeTarget.id).where(NoticeTarget.name == name)) is not None:
        raise AlreadyExists(f"{name} is told already", hint=f"greenroom notify remove {name}")
    made = NoticeTarget(
        name=name, project_id=project and project.id, service=service,
        address=seal(address, _ADDRESS), kinds=[str(kind) for kind in kinds],
        environments=environments.strip() or "*", digest=digest, created_by=actor,
    )  # fmt: skip
    work.add(made)
    record_audit(work, actor, "notice_target.add", project=project, subject=name, service=service)
    return made


def remove_target(work: Work, name: str, *, actor: str) -> None:
    """Tell somebody nothing more, not even what is still to be told.

    Errors: NotFound.
    """
    found = get_target(work, name)
    record_audit(work, actor, "notice_target.remove", project=found.project, subject=found.name)
    work.delete(found)


def get_target(work: Work, name: str) -> NoticeTarget:
    """Get a target by its name.

    Errors: NotFound.
    """
    query = select(NoticeTarget).options(joinedload(NoticeTarget.project))
    found = work.scalar(query.where(NoticeTarget.name == name))
    if found is None:
        raise NotFound(f"nobody named {name!r} is told", hint="`greenroom notify list` lists them.")
    return found


def list_targets(work: Work) -> list[NoticeTarget]:
    """List everybody who is told, by name."""
    query = select(NoticeTarget).options(joinedload(NoticeTarget.project))
    return list(work.scalars(query.order_by(NoticeTarget.name)))


def target_address(target: NoticeTarget) -> str:
    """Open a target's address: it holds secrets.

    Errors: NotAllowed.
    """
    check_right(current_actor(), "notice_target.test", target.project_id)
    return unseal(target.address, _ADDRESS)


def is_wanted(target: NoticeTarget, kind: NoticeKind, environment: str) -> bool:
    """Whether a target wants to hear of something. Pure."""
    fits = not environment or fnmatchcase(environment, target.environments)
    return str(kind) in target.kinds and fits


def record_notice(
    work: Work, kind: NoticeKind, project: Project, environment: str, title: str, body: str = "",
    *, called: frozenset[str] = frozenset(),
) -> None:  # fmt: skip
    """Write down that whoever wants to, or is ``called`` by name, shall be told.

    ``title`` and ``body`` hold no secret.
    """
    mine = or_(NoticeTarget.project_id.is_(None), NoticeTarget.project_id == project.id)
    for target in work.scalars(select(NoticeTarget).where(mine)):
        is_called = target.name.lower() in called
        if is_wanted(target, kind, environment) or is_called:
            is_urgent = is_called or kind in QUIET
            at = now() if is_urgent else next_digest(now(), target.digest)
            work.add(Notice(target_id=target.id, kind=kind, title=title, body=body, next_at=at))


def next_digest(moment: datetime, digest: str) -> datetime:
    """Give when to tell what is not urgent: now, at the full hour, or in the morning. Pure."""
    if digest == "hour":
        return moment.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    if digest == "day":
        morning = moment.replace(hour=DAY_HOUR, minute=0, second=0, microsecond=0)
        return morning if morning > moment else morning + timedelta(days=1)
    return moment


def has_due(work: Work) -> bool:
    """Whether anything is to be told now."""
    return work.scalar(select(Notice.id).where(Notice.next_at <= now()).limit(1)) is not None


def claim_due(work: Work) -> Claim | None:
    """Take what one target shall be told now; nobody else takes it until its next attempt.

    A process that is killed after this leaves it for that attempt: told twice at worst.
    """
    first = work.scalar(
        select(Notice)
        .where(Notice.next_at <= now())
        .order_by(Notice.next_at, Notice.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if first is None:
        return None
    due = list(
        work.scalars(
            select(Notice)
            .where(Notice.target_id == first.target_id, Notice.next_at <= now())
            .order_by(Notice.id)
            .limit(MOST_AT_ONCE)
            .with_for_update(skip_locked=True)
        )
    )
    for notice in due:
        notice.next_at = next_attempt(now(), notice.attempts)
        notice.attempts += 1
    target = work.get_one(NoticeTarget, first.target_id)
    return Claim(
        target.id, target_address(target), tuple((n.id, n.title, n.body) for n in due)
    )  # fmt: skip


def record_told(work: Work, claim: Claim, refused: str = "") -> None:
    """Record that a claim was told, or why it was not. Idempotent."""
    target = work.get(NoticeTarget, claim.target_id)
    if target is None:
        return  # removed meanwhile
    target.refused = refused
    if not refused:
        mine = Notice.id.in_([number for number, _, _ in claim.notices])
        work.execute(update(Notice).where(mine).values(told_at=now(), next_at=None))


def prune_notices(work: Work) -> None:
    """Forget what was told, or given up, long ago."""
    before = now() - timedelta(days=KEPT_DAYS)
    work.execute(delete(Notice).where(Notice.next_at.is_(None), Notice.at < before))
