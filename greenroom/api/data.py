"""Production's data in staging: the policy, decisions, syncs, reports. No value of production."""

from __future__ import annotations

import re
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any

from fastapi import Path
from fastapi.responses import HTMLResponse
from pydantic import Field

from greenroom import data_orders
from greenroom.api.noun import Done, Given, Limit, Noun, Number, Project, Short, Shown, Text
from greenroom.api.shapes import Ordered, SyncShape, is_started
from greenroom.data.back import return_data
from greenroom.data.discover import discover
from greenroom.data.introspect import read_schema
from greenroom.data.paper import render
from greenroom.data.place import Place
from greenroom.data.policy import (
    METHODS,
    Decision,
    Policy,
    dump_policy,
    load_policy,
    undecided,
    with_decision,
)
from greenroom.data.preflight import look
from greenroom.data.review import find_problems
from greenroom.data.source import opened
from greenroom.errors import InvalidInput, NotFound, OrchestratorUnavailable
from greenroom.rights import current_actor
from greenroom.store import environments, policies, projects, syncs
from greenroom.store.models import Project as Owner
from greenroom.store.work import Work, ask_right, database_url, unit_of_work

router = Noun("data")
LONGEST_POLICY = 500_000
_OF = "/projects/{project}/data"
_COLUMN = re.compile(r"[^\s./]+(\.[^\s./]+){1,2}")


class PolicyShape(Shown):
    """What becomes of each column, as somebody approved it."""

    number: int
    text: str
    fingerprint: str
    approved_by: str
    approved_at: datetime


@router.reads(_OF + "/policy")
def get_policy(project: Project) -> PolicyShape:
    """Show the policy in force."""
    with unit_of_work() as work:
        found = policies.find_policy(work, projects.get_project(work, project))
    if found is None:
        raise _no_policy(project)
    return PolicyShape.model_validate(found)


@router.reads(_OF + "/policies")
def list_policies(project: Project) -> list[PolicyShape]:
    """List every policy that was ever in force, the newest first."""
    with unit_of_work() as work:
        rows = policies.list_policies(work, projects.get_project(work, project))
        return [PolicyShape.model_validate(row) for row in rows]


class NewPolicy(Given):
    """A policy to put in force, as anonymization.yaml."""

    text: Annotated[str, Field(max_length=LONGEST_POLICY)]


def _approve(work: Work, found: Owner, policy: Policy, text: str) -> PolicyShape:
    made = policies.record_policy(work, found, text, policy.fingerprint(), by=current_actor().name)
    work.flush()
    return PolicyShape.model_validate(made)


@router.writes("PUT", _OF + "/policy", "policy.approve")
def approve_policy(project: Project, given: NewPolicy) -> PolicyShape:
    """Put a policy in force: the next sync follows it. The one before is kept."""
    policy = load_policy(given.text.encode())
    with unit_of_work() as work:
        return _approve(work, projects.get_project(work, project), policy, given.text)


class Choice(Given):
    """What becomes of one column."""

    method: Short = Field(description="One of: " + ", ".join(sorted(METHODS)))
    options: dict[Short, bool | int | float | Short] = Field({}, max_length=20)
    why: Text = ""


@router.writes("PUT", _OF + "/decisions/{column}", "policy.approve")
def decide_column(
    project: Project, given: Choice,
    column: Annotated[str, Path(max_length=300, examples=["people.email"])],
) -> PolicyShape:  # fmt: skip
    """Decide about one column, and put the policy with that in force."""
    if given.method not in METHODS:
        raise InvalidInput(f"{given.method!r} is no method", hint=", ".join(sorted(METHODS)))
    if not _COLUMN.fullmatch(column):
        raise InvalidInput(f"{column!r} is no column", hint="Like: people.email")
    decision = Decision(given.method, dict(given.options), given.why, current_actor().name)
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        text = policies.current_policy(work, found, for_update=True)
        if text is None:
            raise _no_policy(project)
        changed = with_decision(load_policy(text), column, decision)
        return _approve(work, found, changed, dump_policy(changed))


def _no_policy(project: str) -> NotFound:
    return NotFound(f"{project} has no approved policy", hint="Propose one, then approve it.")


class Proposal(Shown):
    """What is proposed for production's columns, to be read, changed and approved."""

    text: str
    new_columns: list[str]
    vanished: list[str]
    unread: list[str]


def _seen(project: str) -> tuple[str, str | None]:
    """Give production's address and the policy in force, to whoever may look at production."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        ask_right(work, "data.look", found.id)
        url = projects.production_database_url(found)
        known = policies.current_policy(work, found)
    if url is None:
        raise InvalidInput(f"{project} names no production database")
    return url, known


@router.writes("POST", _OF + "/proposal", "data.look")
def propose_policy(project: Project) -> Proposal:
    """Look at production and propose what becomes of each column. No value is kept or shown."""
    url, known = _seen(project)
    with opened(url) as connection:
        schema = read_schema(connection)
        seen = discover(connection, schema, load_policy(known) if known else None)
    return Proposal(
        text=dump_policy(seen.policy), new_columns=[f"{t}.{c}" for t, c in seen.new_columns],
        vanished=list(seen.vanished), unread=list(seen.unread),
    )  # fmt: skip


class Obstacles(Shown):
    """What would stop a sync."""

    undecided: list[str]
    problems: list[dict[str, str]]
    obstacles: list[dict[str, str]]


@router.writes("POST", _OF + "/check", "data.look")
def check_policy(project: Project) -> Obstacles:
    """Say whether the policy in force decides every column, and what else would stop a sync."""
    url, known = _seen(project)
    if known is None:
        raise InvalidInput(f"{project} has no approved policy")
    policy = load_policy(known)
    with opened(url) as connection:
        schema = read_schema(connection)
    missing_columns = [f"{t.policy_key}.{c.name}" for t, c in undecided(policy, schema)]
    obstacles = look(url, Place(database_url(), project), policy)
    return Obstacles(
        undecided=list(dict.fromkeys(missing_columns)),
        problems=[_texts(one) for one in find_problems(policy, schema)],
        obstacles=[_texts(one) for one in obstacles],
    )  # fmt: skip


def _texts(row: Any) -> dict[str, str]:
    return {name: str(value) for name, value in asdict(row).items()}


@router.writes("POST", _OF + "/back", "sync.back")
def go_back(project: Project) -> Done:
    """Return to the anonymized data before the last sync; again, to the newer one."""
    return_data(project, actor=current_actor().name)
    return Done(done="New environments get the data of before; others keep theirs.")


@router.reads(_OF + "/syncs")
def list_syncs(project: Project, limit: Limit = 30) -> list[SyncShape]:
    """List a project's syncs, the newest first."""
    with unit_of_work() as work:
        rows = syncs.list_syncs(work, projects.get_project(work, project), limit=limit)
        return [SyncShape.of(row, project) for row in rows]


@router.reads(_OF + "/syncs/{number}")
def get_sync(project: Project, number: Number) -> SyncShape:
    """Show a sync, and how far it is."""
    with unit_of_work() as work:
        row = syncs.find_sync(work, projects.get_project(work, project), f"#{number}")
        return SyncShape.of(row, project)


class SyncLog(Shown):
    """What a sync wrote."""

    log: list[str]


@router.reads(_OF + "/syncs/{number}/log")
def get_sync_log(project: Project, number: Number) -> SyncLog:
    """Show what a sync does, table by table."""
    with unit_of_work() as work:
        row = syncs.find_sync(work, projects.get_project(work, project), f"#{number}")
        return SyncLog(log=row.log_output.splitlines())


class Report(Shown):
    """A signed report."""

    report: dict[str, Any]
    signature: dict[str, Any] | None


def _report(project: str, number: int) -> Report:
    with unit_of_work() as work:
        row = syncs.find_sync(work, projects.get_project(work, project), f"#{number}")
        if row.report is None:
            raise NotFound(f"sync #{number} has no report: it is {row.status}")
        return Report(report=row.report, signature=row.signature)


@router.reads(_OF + "/syncs/{number}/report")
def get_report(project: Project, number: Number) -> Report:
    """Show a sync's report, as it is signed."""
    return _report(project, number)


@router.reads(_OF + "/syncs/{number}/report.html", response_class=HTMLResponse)
def get_report_page(project: Project, number: Number) -> HTMLResponse:
    """Give a sync's report as a page."""
    found = _report(project, number)
    policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox"
    return HTMLResponse(
        render(found.report, found.signature or {}), headers={"Content-Security-Policy": policy}
    )


class SyncWish(Given):
    """What shall be brought over."""

    environment: Short = Field("", description="Default: for new environments.")
    tables: list[Short] = Field([], max_length=500)


@router.writes("POST", _OF + "/syncs", "sync.request", status_code=202)
def sync(project: Project, given: SyncWish | None = None) -> Ordered:
    """Copy production's data without its people. Production is only read."""
    given = given or SyncWish()
    with unit_of_work() as work:
        owner = projects.get_project(work, project)
        found = None
        if given.environment:
            found = environments.get_environment(work, f"{project}/{given.environment}")
        order = data_orders.record_sync(
            work, owner, found, tables=given.tables, actor=current_actor().name
        )
    return Ordered(
        id=order.sync_id, number=order.number, kind="sync", of=order.environment or order.project,
        is_started=is_started(lambda: data_orders.start_sync(order)),
    )  # fmt: skip


@router.writes("POST", _OF + "/syncs/{number}/cancel", "sync.cancel", status_code=202)
def cancel_sync(project: Project, number: Number) -> Done:
    """Stop a sync while it runs. Staging keeps what it has."""
    try:
        data_orders.place_cancel_sync(project, f"#{number}", actor=current_actor().name)
    except OrchestratorUnavailable:
        pass  # recorded: its first step sees the wish
    return Done(done="It is being stopped.")


@router.writes("POST", _OF + "/key", "key.rotate")
def rotate_key(project: Project) -> Done:
    """Make a new key: from the next sync on everybody is somebody else."""
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        policies.rotate_pseudonym_key(work, found, by=current_actor().name)
    return Done(done="There is a new key; the old one is deleted.")
