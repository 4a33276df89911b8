"""Promotion: an artifact that was looked at, and approved, goes live; nothing is built again.

Approvals are bound to the artifact: a new commit, or the same one built anew, needs new ones.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from greenroom import orders
from greenroom.errors import InvalidInput, NotAllowed
from greenroom.notices import note_verdict, note_waiting
from greenroom.runs import Runs
from greenroom.store import approvals, deployments, environments, projects
from greenroom.store.audit import record_audit
from greenroom.store.models import (
    Deployment,
    DeploymentKind,
    Environment,
    EnvironmentKind,
    Project,
    Release,
    now,
)
from greenroom.store.states import ProductionBy, Verdict
from greenroom.store.work import Work, unit_of_work

MOST_APPROVALS = 10
MAX_NOTE = 2_000
MOST_REMINDERS, REMINDED_AFTER = 3, timedelta(days=1)
_AUTHOR = re.compile(r"\s*(?P<name>[^<]*?)\s*<(?P<address>[^>]*)>\s*")
CLIENT = "client:"
"""Before the label of the link through which a client decided: no name of the team begins so."""
_VIA = ("cli:", "webhook:", "api:")


@dataclass(frozen=True)
class Rule:
    """What a project asks for before an artifact goes live."""

    needed: int = 1
    approvers: tuple[str, ...] = ()
    """Nobody named: everybody may."""
    author_may: bool = False
    clients_needed: int = 0
    """Approvals through preview links, besides those of the team."""


class Said(Protocol):
    """What somebody said about an artifact."""

    verdict: str
    decided_by: str


@dataclass(frozen=True)
class Judgement:
    """Whether an artifact may go live, and why not."""

    approved_by: tuple[str, ...]
    objected_by: tuple[str, ...]
    missing: int
    clients_missing: int = 0

    @property
    def is_open(self) -> bool:
        """Whether it may go live."""
        return not self.missing and not self.clients_missing and not self.objected_by

    @property
    def words(self) -> str:
        """Say it."""
        if self.objected_by:
            return f"{_listed(self.objected_by)} asked for changes"
        missing = [
            f"{many} {whose}{'approvals' if many > 1 else 'approval'}"
            for many, whose in ((self.missing, ""), (self.clients_missing, "client's "))
            if many
        ]
        if missing:
            is_one = self.missing + self.clients_missing == 1
            return f"{' and '.join(missing)} {'is' if is_one else 'are'} missing"
        return f"approved by {_listed(self.approved_by)}" if self.approved_by else "free to go"


def said_by(who: str) -> str:
    """Give somebody's name for people to read. Pure."""
    label = who.removeprefix(CLIENT)
    return f"{label} (client)" if label != who else person(who)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(said_by, names))


def person(actor: str) -> str:
    """Give who acts, whichever way: ``cli:ada`` and ``webhook:ada`` are ``ada``. Pure."""
    for via in _VIA:
        if actor.startswith(via):
            return actor.removeprefix(via)
    return actor


def authors_of(author: str, deployers: Iterable[str]) -> frozenset[str]:
    """Give every name that an artifact's author goes by, folded. Pure.

    ``author`` is git's, ``Ada Berg <ada@x.test>``; the part before the ``@`` is often a login.
    """
    names = {person(deployer) for deployer in deployers}
    found = _AUTHOR.fullmatch(author)
    if found is not None:
        address = found["address"]
        names |= {found["name"], address, address.partition("@")[0]}
    return frozenset(name.casefold() for name in names if name)


def why_not_entitled(rule: Rule, authors: Collection[str], who: str) -> str:
    """Say why somebody's approval does not count; nothing when it does. Pure."""
    named = {name.casefold() for name in rule.approvers}
    if named and not who.startswith(CLIENT) and who.casefold() not in named:
        return f"{who} is none of the approvers"
    if not rule.author_may and who.casefold() in authors:
        return f"{who} is its author"
    return ""


def judge(rule: Rule, authors: Collection[str], said: Sequence[Said]) -> Judgement:
    """Decide whether an artifact may go live. Pure. ``said`` is oldest first.

    The newest word of each person counts. Anybody who is asked may object; an objection stands
    until it is taken back.
    """
    last = {person(one.decided_by): one.verdict for one in said}
    approved = tuple(
        who for who, verdict in last.items()
        if verdict == Verdict.APPROVED and not why_not_entitled(rule, authors, who)
    )  # fmt: skip
    everybody = Rule(approvers=rule.approvers, author_may=True)
    objected = tuple(
        who for who, verdict in last.items()
        if verdict == Verdict.CHANGES and not why_not_entitled(everybody, authors, who)
    )  # fmt: skip
    clients = sum(who.startswith(CLIENT) for who in approved)
    return Judgement(
        approved, objected, max(0, rule.needed - len(approved) + clients),
        max(0, rule.clients_needed - clients),
    )  # fmt: skip


def rule_of(project: Project) -> Rule:
    """Give a project's rule."""
    return Rule(
        int(project.approvals_needed), tuple(project.approvers), bool(project.author_may_approve),
        int(project.client_approvals_needed),
    )  # fmt: skip


def describe_rule(found: Project) -> str:
    """Say how a project's production changes, in words."""
    who = ", ".join(found.approvers) or "anybody"
    author = "" if found.author_may_approve else " but its author"
    many = found.approvals_needed
    asked = f"{many} approval{'s' if many > 1 else ''} by {who}{author}" if many else "no approval"
    clients = found.client_approvals_needed
    if clients:
        asked += f" and {clients} by client{'s' if clients > 1 else ''}"
    way = "promotion" if found.production_by == ProductionBy.PROMOTION else "push and by promotion"
    return f"{way}, which needs {asked}"


def judge_release(work: Work, project: Project, release: Release) -> Judgement:
    """Decide whether a release's present artifact may go live."""
    authors = authors_of(release.author, approvals.list_deployers(work, release))
    return judge(rule_of(project), authors, approvals.list_approvals(work, release))


def judge_environment(work: Work, environment: Environment) -> Judgement | None:
    """Decide whether what a staging environment shows may go live; None where there is nothing."""
    if environment.kind == EnvironmentKind.PRODUCTION or environment.release is None:
        return None
    return judge_release(work, environment.project, environment.release)


def what_is_missing(work: Work, environment: Environment) -> str:
    """Say what a staging environment's version waits for, where production changes by promotion."""
    if environment.project.production_by != ProductionBy.PROMOTION:
        return ""
    judgement = judge_environment(work, environment)
    return "" if judgement is None or judgement.is_open else judgement.words


def remind(work: Work) -> int:
    """Remind people of versions that have waited for a day, three times at most; give how many."""
    count = 0
    for environment in environments.list_environments(work):
        serving = environments.serving_instance(work, environment.id)
        shown = work.get(Deployment, serving.deployment_id) if serving else None
        if shown is None or shown.completed_at is None or shown.reminders >= MOST_REMINDERS:
            continue
        waited = now() - (shown.reminded_at or shown.completed_at)
        missing = what_is_missing(work, environment) if waited >= REMINDED_AFTER else ""
        if missing:
            days = max(1, (now() - shown.completed_at).days)
            note_waiting(work, environment, shown, missing, days)
            shown.reminded_at, shown.reminders = now(), shown.reminders + 1
            count += 1
    return count


def record_verdict(
    work: Work, environment: Environment, verdict: Verdict, note: str, *, by: str
) -> Judgement:
    """Record what somebody says about the artifact that an environment shows; give where it stands.

    Errors: InvalidInput (nothing is shown, a note is missing or too long), NotAllowed (the author,
    somebody who is no approver).
    """
    release = _shown(environment)
    note = note.strip()
    if verdict is Verdict.CHANGES and not note:
        raise InvalidInput("say what shall change", hint="Add a note: it is what the team reads.")
    if len(note) > MAX_NOTE or "\0" in note:
        raise InvalidInput(f"a note has at most {MAX_NOTE:,} characters")
    authors = authors_of(release.author, approvals.list_deployers(work, release))
    rule = rule_of(environment.project)
    if verdict is Verdict.APPROVED:
        why = why_not_entitled(rule, authors, person(by))
        if why:
            raise NotAllowed(
                f"this approval would not count: {why}",
                hint="Somebody else approves, or the project's rule is changed:"
                f" greenroom project set-production {environment.project.name}",
            )
    approvals.add_approval(work, environment, release, verdict, note, by=by)
    judgement = judge(rule, authors, approvals.list_approvals(work, release))
    note_verdict(work, environment, verdict, note, said_by(by), judgement.words)
    return judgement


def _shown(environment: Environment) -> Release:
    if environment.kind == EnvironmentKind.PRODUCTION:
        raise InvalidInput(
            f"{environment.name} is live already", hint="Name the staging environment."
        )
    release = environment.release
    if release is None:
        raise InvalidInput(f"{environment.name} shows nothing yet", hint="Deploy it first.")
    return release


def record_promotion(work: Work, environment: Environment, *, actor: str) -> orders.Order:
    """Record that the very artifact that ``environment`` shows shall go live.

    Errors: InvalidInput (nothing is shown, it is live already, a promotion is under way),
    NotAllowed (approvals are missing, or somebody asked for changes).
    """
    release, project = _shown(environment), environment.project
    production = environments.ensure_environment(
        work, project, project.production_branch, actor=actor
    )
    if production.destroy_requested_at is not None:
        raise InvalidInput("production is being destroyed")
    if production.release_id == release.id:
        raise InvalidInput(
            f"production shows {release.commit_hash[:12]} already",
            hint="There is nothing to promote.",
        )
    if release.removed_at is not None:
        raise InvalidInput(
            f"the artifact of {environment.name} was cleaned up",
            hint=f"Deploy it anew: greenroom deploy {project.name}/{environment.name}",
        )
    check_approved(work, project, release, environment)
    unfinished = [
        one for one in deployments.list_unfinished(work, production.id)
        if one.kind == DeploymentKind.PROMOTE
    ]  # fmt: skip
    if unfinished:
        raise InvalidInput(
            f"promotion #{unfinished[0].number} by {unfinished[0].deployed_by} is under way",
            hint="Wait for it to end, or cancel it.",
        )
    return orders.record_kept_release(
        work, production, release, kind=DeploymentKind.PROMOTE, ref=environment.name, actor=actor
    )


def check_approved(
    work: Work, project: Project, release: Release, environment: Environment | None = None
) -> None:
    """Return if a release may go live.

    Errors: NotAllowed.
    """
    judgement = judge_release(work, project, release)
    if not judgement.is_open:
        name = f"{project.name}/{environment.name}" if environment else "<environment>"
        raise NotAllowed(
            f"{release.commit_hash[:12]} may not go live: {judgement.words}",
            hint=f"Whoever looked at it says: greenroom approve {name}",
        )


def place_promotion(reference: str, *, actor: str, runs: Runs | None = None) -> orders.Order:
    """Record and start the promotion of what an environment shows."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        order = record_promotion(work, environment, actor=actor)
    orders.start_order(order, runs)
    return order


def place_verdict(reference: str, verdict: Verdict, note: str = "", *, actor: str) -> Judgement:
    """Record what somebody says about what an environment shows."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        return record_verdict(work, environment, verdict, note, by=actor)


def set_rule(
    project_name: str, *, by: ProductionBy | None = None, needed: int | None = None,
    approvers: Sequence[str] | None = None, author_may: bool | None = None,
    clients: int | None = None, actor: str,
) -> Project:  # fmt: skip
    """Change how a project's production changes; what is None stays.

    Errors: NotFound, InvalidInput.
    """
    with unit_of_work() as work:
        project = projects.get_project(work, project_name)
        if by is not None:
            project.production_by = by
        if needed is not None:
            if not 0 <= needed <= MOST_APPROVALS:
                raise InvalidInput(f"0 to {MOST_APPROVALS} approvals can be asked for")
            project.approvals_needed = needed
        if clients is not None:
            if not 0 <= clients <= MOST_APPROVALS:
                raise InvalidInput(f"0 to {MOST_APPROVALS} clients' approvals can be asked for")
            project.client_approvals_needed = clients
        if approvers is not None:
            project.approvers = sorted({name.strip() for name in approvers if name.strip()})
        if author_may is not None:
            project.author_may_approve = author_may
        if project.approvers and len(project.approvers) < project.approvals_needed:
            raise InvalidInput(
                f"{project.approvals_needed} approvals are asked of {len(project.approvers)} people"
            )
        record_audit(
            work, actor, "project.set_production", project=project, by=project.production_by,
            needed=project.approvals_needed, approvers=list(project.approvers),
            author_may=project.author_may_approve, clients=project.client_approvals_needed,
        )  # fmt: skip
        return project
