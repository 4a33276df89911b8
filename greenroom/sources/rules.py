"""What we decide to do about an event: a pure table."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from typing import Any

from greenroom.sources.events import Event, EventKind


class Action(enum.StrEnum):
    """What to do."""

    DEPLOY = "deploy"
    TEARDOWN = "teardown"
    ASK = "ask"
    """Ask a member of the project first: the code is a stranger's."""
    NOTHING = "nothing"


class Forks(enum.StrEnum):
    """What becomes of a pull request from somebody else's copy of the repository."""

    IGNORE = "ignore"
    ASK = "ask"


@dataclass(frozen=True)
class Rules:
    """What a project wants of its previews. Nothing here but ``forks`` concerns production.

    Patterns are those of ``fnmatch``: ``*`` matches slashes, too. An empty tuple matches all.
    """

    production_branch: str = "main"
    include: tuple[str, ...] = ()
    """Branches that may have an environment."""
    exclude: tuple[str, ...] = ()
    """Branches that may not, of those."""
    targets: tuple[str, ...] = ()
    """Branches that a pull request must go to."""
    paths: tuple[str, ...] = ()
    """A push that surely changed nothing here is passed over."""
    label: str = ""
    """Only a pull request with this label has an environment."""
    drafts: bool = True
    """Whether a draft has an environment."""
    pulls_only: bool = False
    """Whether a push makes no environment: it only brings one that exists up to date."""
    limit: int | None = None
    """How many environments there may be beside production."""
    forks: Forks = Forks.IGNORE

    @classmethod
    def from_json(cls, production_branch: str, data: Mapping[str, Any]) -> Rules:
        """Rebuild rules from what :meth:`as_json` gave; what is not there is as by default."""
        known = {f.name for f in fields(cls)} - {"production_branch"}
        values: dict[str, Any] = {
            k: tuple(v) if isinstance(v, list) else v for k, v in data.items() if k in known
        }
        if "forks" in values:
            values["forks"] = Forks(values["forks"])
        return cls(production_branch=production_branch, **values)

    def as_json(self) -> dict[str, Any]:
        """Give what is not as by default, as plain data."""
        plain = Rules()
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        del found["production_branch"]
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in found.items()
            if value != getattr(plain, name)
        }

    @property
    def needs_pull(self) -> bool:
        """Whether only a pull request can tell that an environment is wanted."""
        return self.pulls_only or bool(self.label or self.targets) or not self.drafts


@dataclass(frozen=True)
class Decision:
    """What to do about an event, and why."""

    action: Action
    reason: str
    branch: str = ""
    """The environment's: a branch, or the ref of a fork's pull request."""
    commit: str = ""
    from_fork: bool = False
    """Whether it must get no secrets and no data until a member approves."""


_WANTS = {
    EventKind.PUSH, EventKind.PULL_OPENED, EventKind.PULL_UPDATED, EventKind.PULL_READY,
    EventKind.PULL_DRAFTED, EventKind.PULL_LABELED,
}  # fmt: skip
_ENDS = {EventKind.BRANCH_DELETED, EventKind.PULL_CLOSED}
_NO_CHANGE = "this event changes nothing"


def decide(event: Event, rules: Rules, environments: frozenset[str]) -> Decision:
    """Decide what an event leads to. Pure.

    ``environments`` are the branches that have a living environment. A push to any branch
    creates or updates its environment; its deletion, or the end of its pull request, removes it.
    Production never goes by an event, and a fork's code is not run unasked.
    """
    if event.kind in _ENDS:
        return _end(event, rules, environments)
    if event.kind in _WANTS:
        if event.from_fork:
            return _fork(event, rules, environments)
        return _want(event, rules, environments)
    return _nothing("pong" if event.kind is EventKind.PING else _NO_CHANGE)


def _nothing(reason: str) -> Decision:
    return Decision(Action.NOTHING, reason)


def _end(event: Event, rules: Rules, environments: frozenset[str]) -> Decision:
    name = event.pull_ref if event.from_fork else event.branch
    if name == rules.production_branch or (event.from_fork and name not in environments):
        return _nothing("production and forks are not torn down")
    if name not in environments:
        return _nothing("there is no environment of that branch")
    return Decision(Action.TEARDOWN, str(event.kind), name, from_fork=event.from_fork)


def _want(event: Event, rules: Rules, environments: frozenset[str]) -> Decision:
    if not event.branch:
        return _nothing("not a branch")
    deploy = Decision(Action.DEPLOY, f"{event.kind} on staging", event.branch, event.commit)
    if event.branch == rules.production_branch:
        if not _brings_code(event.kind):
            return _nothing(_NO_CHANGE)
        return Decision(Action.DEPLOY, f"{event.kind} on production", event.branch, event.commit)
    refused = _refusal(event, rules, event.branch, environments)
    return refused or deploy


def _fork(event: Event, rules: Rules, environments: frozenset[str]) -> Decision:
    if rules.forks is Forks.IGNORE:
        return _nothing("from a fork: its code is not run unasked")
    if not event.pull_ref:
        return _nothing("from a fork: this forge keeps no ref of it in the repository")
    refused = _refusal(event, rules, event.pull_ref, environments)
    if refused:
        return refused
    reason = "from a fork: a member is asked first"
    return Decision(Action.ASK, reason, event.pull_ref, event.commit, from_fork=True)


def _refusal(
    event: Event, rules: Rules, name: str, environments: frozenset[str]
) -> Decision | None:
    """Say why there is nothing to deploy; None when there is."""
    is_living = name in environments
    if rules.include and not _matches(event.branch, rules.include):
        return _nothing("the branch is none of those that are included")
    if _matches(event.branch, rules.exclude):
        return _nothing("the branch is excluded")
    if event.kind is EventKind.PUSH:
        if rules.needs_pull and not is_living:
            return _nothing("only a pull request gets an environment")
        if _is_elsewhere(event, rules):
            return _nothing("nothing changed under the project's paths")
    elif rules.targets and not _matches(event.target, rules.targets):
        return _nothing("the pull request goes to another branch")
    else:
        unwanted = _unwanted(event, rules)
        if unwanted and is_living:
            return Decision(Action.TEARDOWN, unwanted, name, from_fork=event.from_fork)
        if unwanted:
            return _nothing(unwanted)
        if not _brings_code(event.kind) and (is_living or not _is_awaited(event, rules)):
            return _nothing(_NO_CHANGE)
    others = len(environments - {rules.production_branch})
    if not is_living and rules.limit is not None and others >= rules.limit:
        return _nothing(f"the limit of {rules.limit} environments is reached")
    return None


def _unwanted(event: Event, rules: Rules) -> str:
    """Say why a pull request has no environment by its state; empty when it may have one."""
    if event.is_draft and not rules.drafts:
        return "the pull request is a draft"
    if rules.label and rules.label not in event.labels:
        return f"the pull request has not the label {rules.label}"
    return ""


def _is_awaited(event: Event, rules: Rules) -> bool:
    """Tell whether a label is what an environment was waiting for."""
    return event.kind is EventKind.PULL_LABELED and bool(rules.label)


def _brings_code(kind: EventKind) -> bool:
    return kind not in (EventKind.PULL_LABELED, EventKind.PULL_DRAFTED)


def _is_elsewhere(event: Event, rules: Rules) -> bool:
    """Tell whether a push surely changed nothing that concerns the project."""
    if not rules.paths or event.paths is None:
        return False
    return not any(_matches(path, rules.paths) for path in event.paths)


def _matches(name: str, patterns: Iterable[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
