"""Promotion: an artifact that was looked at, and approved, goes live; nothing is built again.

Approvals are bound to the artifact: a new commit, or the same one built anew, needs new ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from greenroom import orders
from greenroom.approving import (
    WHOLE,
    Judgement,
    Rule,
    authors_of,
    check_page,
    check_pages,
    judge,
    person,
    said_by,
    why_not_entitled,
)
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


def rule_of(project: Project) -> Rule:
    """Give a project's rule."""
    return Rule(
        int(project.approvals_needed), tuple(project.approvers), bool(project.author_may_approve),
        int(project.client_approvals_needed), tuple(project.review_pages),
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
    if found.review_pages:
        asked += f", of the whole or of each of {', '.join(found.review_pages)}"
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
    work: Work, environment: Environment, verdict: Verdict, note: str, *, by: str,
    page: str = WHOLE,
) -> Judgement:  # fmt: skip
    """Record what somebody says about the artifact that an environment shows; give where it stands.

    ``page`` is the one it is about; else the whole.

    Errors: InvalidInput (nothing is shown, a note is missing or too long), NotAllowed (the author,
    somebody who is no approver).
    """
    release, page = _shown(environment), check_page(page)
    note = note.strip()
    if verdict is Verdict.CHANGES and not note:
        raise InvalidInput("say what shall change", hint="Add a note: it is what the team reads.")
    if len(note) > MAX_NOTE or "\0" in note:
        raise InvalidInput(f"a note has at most {MAX_NOTE:,} characters")
    authors = authors_of(release.author, approvals.list_deployers(work, release))
    rule = rule_of(environment.project)
    if verdict is Verdict.APPROVED and page != WHOLE and page not in rule.pages:
        raise InvalidInput(
            f"{page} is none of the pages that are approved one by one",
            hint=f"These are: {', '.join(rule.pages) or 'none yet'}. Approve the whole, or name it:"
            f" greenroom project set-production {environment.project.name} --review-page {page}",
        )
    if verdict is Verdict.APPROVED:
        why = why_not_entitled(rule, authors, person(by))
        if why:
            raise NotAllowed(
                f"this approval would not count: {why}",
                hint="Somebody else approves, or the project's rule is changed:"
                f" greenroom project set-production {environment.project.name}",
            )
    approvals.add_approval(work, environment, release, verdict, note, by=by, page=page)
    judgement = judge(rule, authors, approvals.list_approvals(work, release))
    note_verdict(work, environment, verdict, note, said_by(by), judgement.words, page)
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


def place_verdict(
    reference: str, verdict: Verdict, note: str = "", *, page: str = WHOLE, actor: str
) -> Judgement:
    """Record what somebody says about what an environment shows."""
    with unit_of_work() as work:
        environment = environments.get_environment(work, reference)
        return record_verdict(work, environment, verdict, note, by=actor, page=page)


def set_rule(
    project_name: str, *, by: ProductionBy | None = None, needed: int | None = None,
    approvers: Sequence[str] | None = None, author_may: bool | None = None,
    clients: int | None = None, pages: Sequence[str] | None = None, actor: str,
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
        if pages is not None:
            project.review_pages = check_pages(pages)
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
            pages=list(project.review_pages),
        )  # fmt: skip
        return project
