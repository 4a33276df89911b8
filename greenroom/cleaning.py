"""Clearing of what nobody needs any more: the plan, which is pure, and its orders."""

from __future__ import annotations

import enum
import uuid
from collections.abc import Iterable
from dataclasses import dataclass

from greenroom.runs import Runs
from greenroom.store import cleanups
from greenroom.store.models import Cleanup
from greenroom.store.work import platform_work, unit_of_work

CLEAN = "clean_up/on-demand"
HOUR, DAY = 3600.0, 86_400.0


class Kind(enum.StrEnum):
    """What can be cleared."""

    RELEASE = "release"
    IMAGE = "image"
    CACHE = "build cache"
    ENGINE_CACHE = "engine's build cache"
    LOG = "log"
    LINES = "log lines"
    LOG_TEXT = "log text"
    MAIL = "mail"
    PICTURES = "pictures"
    MEASUREMENT = "measurement"
    BACKUP = "backup"
    REPOSITORY = "repository"
    FILES = "files' state"
    PLACE = "place of files"
    DATABASE = "database"
    NETWORK = "network"
    VOLUME = "volume"


@dataclass(frozen=True)
class Thing:
    """Something of ours that takes room."""

    kind: Kind
    name: str
    """How its kind's remover finds it."""
    owner: str
    """What it belongs to: an artifact, a project, an environment, a comparison …"""
    size_bytes: int
    age_seconds: float
    """Since it was last changed."""


@dataclass(frozen=True)
class Needed:
    """What must stay."""

    artifacts: frozenset[str]
    """What runs, is being deployed, or is kept for a rollback or a promotion."""
    projects: frozenset[str]
    with_files: frozenset[str]
    """Ids of projects that name files."""
    environments: frozenset[str]
    """Ids of those that are not destroyed."""
    destroyed: frozenset[str]
    """Ids of those of ours that are."""
    copies: frozenset[str]
    """Names of copies that are not stopped."""
    comparisons: frozenset[str]
    measurements: frozenset[str]
    backups: frozenset[str]
    """Files that the store lists and the setting keeps."""
    left_places: frozenset[str]
    """Ids of places of files that their project left, and that nobody names now: they may go."""


@dataclass(frozen=True)
class Limits:
    """How old things get."""

    log_days: int = 14
    log_text_days: int = 180
    place_days: int = 7
    mail_days: int = 14
    cache_days: int = 30
    is_full: bool = False
    """The disk has less room than the threshold: caches go whatever their age."""
    with_engine_cache: bool = False
    """The engine's build cache was asked for: the engine cannot say what of it is ours."""


@dataclass(frozen=True)
class Removal:
    """One thing that shall go."""

    thing: Thing
    why: str


def plan_cleanup(things: Iterable[Thing], needed: Needed, limits: Limits) -> list[Removal]:
    """Say what goes and why; all else stays. Pure. The largest first."""
    found = [Removal(thing, why) for thing in things if (why := _why(thing, needed, limits))]
    return sorted(found, key=lambda r: (-r.thing.size_bytes, r.thing.kind, r.thing.name))


def _why(thing: Thing, needed: Needed, limits: Limits) -> str:
    """Say why a thing may go; nothing when it stays."""
    days = thing.age_seconds / DAY
    match thing.kind:
        case Kind.RELEASE | Kind.IMAGE:
            if thing.owner in needed.artifacts or thing.age_seconds < HOUR:
                return ""  # a build may be about to record it
            return "no environment runs it or can go back to it"
        case Kind.CACHE:
            if thing.owner not in needed.projects:
                return "its project is gone"
            if limits.is_full:
                return "the disk is nearly full; the next build makes it anew"
            return f"unused for {days:.0f} days" if days > limits.cache_days else ""
        case Kind.LOG:
            if thing.owner in needed.copies or days <= limits.log_days:
                return ""
            return f"its copy ended {days:.0f} days ago"
        case Kind.LINES:
            old = days > limits.log_days
            return "their deployments ended; the text of each stays" if old else ""
        case Kind.LOG_TEXT:
            old = days > limits.log_text_days
            return f"older than {limits.log_text_days} days" if old else ""
        case Kind.ENGINE_CACHE:
            return "it was asked for; whose it is, the engine does not say" if (
                limits.with_engine_cache) else ""  # fmt: skip
        case Kind.MAIL:
            return f"older than {limits.mail_days} days" if days > limits.mail_days else ""
        case Kind.PICTURES:
            return _absent(thing, needed.comparisons, "its comparison is not among those kept")
        case Kind.MEASUREMENT:
            return _absent(thing, needed.measurements, "its measurement is gone")
        case Kind.BACKUP:
            if thing.age_seconds < DAY:
                return ""
            return _absent(thing, needed.backups, "more are kept than the setting says, or none"
                           " knows it")  # fmt: skip
        case Kind.REPOSITORY:
            return _absent(thing, needed.projects, "its project is gone")
        case Kind.FILES:
            return _absent(thing, needed.with_files, "its project names no files any more")
        case Kind.PLACE:
            may_go = thing.owner in needed.left_places and days > limits.place_days
            return f"its project left it {days:.0f} days ago" if may_go else ""
        case Kind.DATABASE:  # whose it is, the store must know: the server may be shared
            is_ours = thing.owner in needed.destroyed and thing.owner not in needed.environments
            return "its environment is destroyed" if is_ours else ""
        case Kind.NETWORK | Kind.VOLUME:
            return _absent(thing, needed.environments, "its environment is gone")


def _absent(thing: Thing, known: frozenset[str], why: str) -> str:
    return "" if thing.owner in known or thing.age_seconds < HOUR else why


def is_full(free_bytes: int, total_bytes: int, least_bytes: int, least_ratio: float) -> bool:
    """Whether a disk has less room than either threshold. Pure."""
    return free_bytes < least_bytes or (total_bytes > 0 and free_bytes / total_bytes < least_ratio)


def place_cleanup(
    *, is_plan: bool, actor: str, why: str = "", with_engine_cache: bool = False,
    runs: Runs | None = None,
) -> int:  # fmt: skip
    """Record and start a clearing, or the plan of one; give its number."""
    with unit_of_work() as work:
        number = cleanups.create_cleanup(
            work, is_plan=is_plan, why=why, by=actor, with_engine_cache=with_engine_cache
        ).number
    start_cleanup(number, runs)
    return number


def start_cleanup(number: int, runs: Runs | None = None) -> uuid.UUID:
    """Start the run of a recorded clearing. Idempotent.

    Errors: OrchestratorUnavailable.
    """
    run_id = (runs or Runs()).start(
        CLEAN, {"number": number}, idempotency_key=f"cleanup-{number}", tags=["platform"]
    )
    with platform_work() as work:
        work.get_one(Cleanup, number).flow_run_id = run_id
    return run_id
