"""Doing what somebody asked for on the page about data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from greenroom import data_orders
from greenroom.data.discover import Discovery, discover
from greenroom.data.introspect import read_schema
from greenroom.data.plan import try_plan
from greenroom.data.policy import Decision, Policy, dump_policy, load_policy
from greenroom.data.schema import Schema
from greenroom.data.source import opened
from greenroom.errors import InvalidInput
from greenroom.store import policies, projects
from greenroom.store.work import ask_right, unit_of_work


def sync(target: str, actor: str) -> str:
    """Order fresh data for a project or an environment."""
    order = data_orders.place_sync(target, actor=actor)
    return f"Sync #{order.number} of {target} is on its way. Production is only read."


def stop(project: str, number: int, actor: str) -> str:
    """Ask a sync to stop."""
    data_orders.place_cancel_sync(project, f"#{number}", actor=actor)
    return f"Sync #{number} stops at its next step. Staging keeps what it has."


def look_at_production(project: str, known: Policy | None) -> tuple[Schema, Discovery]:
    """Propose what becomes of the columns that nobody decided about; keeps no value.

    Errors: InvalidInput, SourceUnavailable, SyncFailed.
    """
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        ask_right(work, "data.look", found.id)
        url = projects.production_database_url(found)
    if url is None:
        raise InvalidInput(
            "the project names no production database", hint="Name it on the page Projects."
        )
    with opened(url) as connection:
        schema = read_schema(connection)
        return schema, discover(connection, schema, known)


def changed(policy: Policy, methods: Mapping[tuple[str, str], str], actor: str) -> Policy:
    """Give a policy with other methods for some columns, and some tables without rows. Pure."""
    tables = dict(policy.tables)
    for (key, name), method in methods.items():
        table = tables[key]
        before = table.columns.get(name)
        if before is not None and before.method == method:
            continue
        columns = {**table.columns, name: Decision(method, {}, "", actor)}
        tables[key] = replace(table, columns=columns)
    return replace(policy, tables=tables)


def approve(
    project: str, schema: Schema, known: Policy | None, policy: Policy, actor: str
) -> str:  # fmt: skip
    """Put a policy in force in the place of ``known``, if it decides every column and fits.

    Errors: Undecided, InvalidPolicy, InvalidInput when another one was approved meanwhile.
    """
    try_plan(policy, schema)
    with unit_of_work() as work:
        found = projects.get_project(work, project)
        text = policies.current_policy(work, found, for_update=True)
        if (load_policy(text).fingerprint() if text else "") != (
            known.fingerprint() if known else ""
        ):
            raise InvalidInput(
                "another policy was approved meanwhile",
                hint="Look at production's columns again: what was decided there is kept.",
            )
        made = policies.record_policy(
            work, found, dump_policy(policy), policy.fingerprint(), by=actor
        )
        return f"Policy {made.number} is in force."
