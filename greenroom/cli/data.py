"""``data``: what becomes of production's columns, and what was made of them."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, say_json, say_table
from greenroom.cli.sync import COMMANDS
from greenroom.data.discover import Discovery, discover
from greenroom.data.introspect import read_schema
from greenroom.data.options import read_options
from greenroom.data.place import Place
from greenroom.data.plan import suggest_truncates
from greenroom.data.policy import (
    FILE_NAME,
    METHODS,
    Decision,
    Policy,
    dump_policy,
    load_policy,
    undecided,
    with_decision,
)
from greenroom.data.preflight import look
from greenroom.data.review import Problem, find_problems
from greenroom.data.schema import Schema
from greenroom.data.source import opened, read_warnings
from greenroom.errors import InvalidInput, NotFound
from greenroom.store import policies, projects
from greenroom.store.work import database_url, unit_of_work

LOW = 0.75
"""Confidence under which a proposal is listed to be looked at first."""
_file = click.option(
    "--file", "file", type=click.Path(dir_okay=False, path_type=Path), default=FILE_NAME,
    show_default=True, help="The policy's file.",
)  # fmt: skip


@click.group()
def data() -> None:
    """Production's data in staging: what becomes of each column, syncs, reports."""


for _part in COMMANDS:
    data.add_command(_part)


def _production(project_name: str) -> str:
    with unit_of_work() as work:
        project = projects.get_project(work, project_name)
        url = projects.production_database_url(project)
    if url is None:
        raise InvalidInput(
            f"{project_name} names no production database",
            hint=f"greenroom project set-database {project_name}",
        )
    return url


def _read(file: Path, project_name: str = "") -> Policy | None:
    """Read the file; where there is none, the policy in force of the project."""
    if file.exists():
        return load_policy(file.read_bytes())
    if not project_name:
        return None
    with unit_of_work() as work:
        text = policies.current_policy(work, projects.get_project(work, project_name))
    return load_policy(text) if text is not None else None


def _write(file: Path, text: str) -> None:
    """Write the whole policy or, killed meanwhile, none of it: many decisions stand in the old."""
    place = file.resolve()
    part = place.with_name(f".{place.name}.{os.getpid()}")
    part.write_text(text)
    if place.exists():
        shutil.copymode(place, part)
    part.replace(place)


def _needed(file: Path, project_name: str = "") -> Policy:
    known = _read(file, project_name)
    if known is None:
        name = project_name or "PROJECT"
        raise NotFound(f"there is no {file}", hint=f"`greenroom data discover {name}` writes one.")
    return known


@data.command("discover")
@click.argument("project_name")
@_file
@click.option("--print", "only_print", is_flag=True, help="Print it, write nothing.")
@json_option
@command
def data_discover(project_name: str, file: Path, only_print: bool, as_json: bool) -> None:
    """Look at production's columns and propose what becomes of each, in a file to review.

    Reads at most 200 rows of a table and keeps no value. What the file decides already stays.
    """
    url, known = _production(project_name), _read(file, project_name)
    quiet = as_json or only_print
    with opened(url) as connection:
        schema = read_schema(connection)
        found = discover(connection, schema, known)
        warnings = read_warnings(connection)
    text = dump_policy(found.policy)
    if only_print:
        click.echo(text, nl=False)
        return
    is_new = bool(found.new_columns or found.new_tables) or not file.exists()
    if is_new:
        _write(file, text)
    if as_json:
        say_json(_describe(found, file))
    if not quiet and not is_new:
        _say_gone(found)
        out.print(f"Nothing is new: {file} decides every column.", markup=False)
    elif not quiet:
        _say_found(project_name, schema, found, file, warnings)


def _describe(found: Discovery, file: Path) -> dict[str, Any]:
    return {
        "file": str(file),
        "new_columns": [
            {"table": table, "column": name, **_row(found.policy.tables[table].columns[name])}
            for table, name in found.new_columns
        ],
        "emptied_tables": list(found.new_tables),
        "vanished": list(found.vanished),
        "unread": list(found.unread),
    }


def _row(decision: Decision) -> dict[str, Any]:
    return {
        "method": decision.method, "confidence": decision.confidence, "why": decision.why,
    }  # fmt: skip


def _say_found(
    project_name: str, schema: Schema, found: Discovery, file: Path, warnings: list[str]
) -> None:
    for warning in warnings:
        out.print(f"Note: {warning}.", markup=False)
    rows = [
        (table, name, found.policy.tables[table].columns[name]) for table, name in found.new_columns
    ]
    counts = Counter(decision.method for _, _, decision in rows)
    kinds = ", ".join(f"{count} {method}" for method, count in counts.most_common())
    out.print(f"{len(rows)} columns proposed ({kinds or 'none'}).", markup=False)
    for key in found.new_tables:
        out.print(
            f"  {key} stays empty: its rows act, let somebody in, or copy others", markup=False
        )
    first = sorted(
        (row for row in rows if (row[2].confidence or 0.0) < LOW),
        key=lambda row: row[2].confidence or 0.0,
    )
    if first:
        say_table(
            ["look at these first", "proposed", "sure", "why"],
            [(f"{t}.{n}", d.method, f"{d.confidence:.0%}", d.why) for t, n, d in first[:40]],
            "",
        )
    _say_gone(found)
    for key in found.unread:
        out.print(f"  {key} could not be read: decided by names alone", markup=False)
    emptied = [key for key in suggest_truncates(schema) if key not in found.policy.truncate
               and found.policy.tables.get(key) is None]  # fmt: skip
    if emptied:
        out.print(f"  Consider hooks.truncate for {', '.join(emptied)}", markup=False)
    out.print(f"Wrote [bold]{file}[/]. Read it, change what is wrong, then:")
    out.print(f"  greenroom data approve {project_name}", markup=False)


def _say_gone(found: Discovery) -> None:
    for gone in found.vanished:
        out.print(f"  {gone} is not there any more: delete its entry", markup=False)


@data.command("check")
@click.argument("project_name")
@_file
@json_option
@command
def data_check(project_name: str, file: Path, as_json: bool) -> None:
    """Say whether the file decides every column of production, and what else would stop a sync."""
    policy, url = _needed(file, project_name), _production(project_name)
    with opened(url) as connection:
        schema = read_schema(connection)
    missing = [f"{t.policy_key}.{c.name}" for t, c in undecided(policy, schema)]
    missing = list(dict.fromkeys(missing))
    problems = find_problems(policy, schema)
    obstacles = look(url, Place(database_url(), project_name), policy)
    if missing and not problems[:-1] and problems and not problems[-1].place:
        problems = []  # only that columns are not decided, which is said anyway
    if as_json:
        say_json({"undecided": missing, "problems": [asdict(problem) for problem in problems],
                  "obstacles": [asdict(obstacle) for obstacle in obstacles]})  # fmt: skip
    else:
        _say_wrong(project_name, missing, problems)
        for obstacle in obstacles:
            out.print(f"{obstacle.message[0].upper()}{obstacle.message[1:]}. {obstacle.hint}",
                      markup=False)  # fmt: skip
    if missing or problems or obstacles:
        raise SystemExit(1)


def _say_wrong(project_name: str, missing: list[str], problems: list[Problem]) -> None:
    if missing:
        out.print(f"{len(missing)} columns are not decided:")
        for name in missing:
            out.print(f"  {name}", markup=False)
        out.print(f"Propose: greenroom data discover {project_name}", markup=False)
    for problem in problems:
        place = f"{problem.place}: " if problem.place else ""
        out.print(f"{place}{problem.message}. {problem.hint}", markup=False)
        if problem.place and problem.hint != "Delete its entry.":
            out.print(f"  Decide: greenroom data decide {problem.place} METHOD", markup=False)
    if not missing and not problems:
        out.print("Every column is decided, and every method fits.")


@data.command("decide")
@click.argument("column", metavar="TABLE.COLUMN")
@click.argument("method", type=click.Choice(sorted(METHODS)), metavar="METHOD")
@click.option(
    "--option", "options", multiple=True, metavar="NAME=VALUE",
    help="An option of the method: keep=2 for postcode. docs/data/policy.md lists them.",
)  # fmt: skip
@click.option("--why", default="", help="The reason, for who reads it after you.")
@click.option("--by", default="", help="Who decides; default: who types.")
@_file
@command
def data_decide(
    column: str, method: str, options: tuple[str, ...], why: str, by: str, file: Path
) -> None:
    """Decide about one column, in the file: TABLE.COLUMN becomes METHOD."""
    policy = _needed(file)
    given = read_options(method, dict(map(_option, options)))
    decision = Decision(method, given, why, by or actor())
    changed = with_decision(policy, column, decision)
    _write(file, dump_policy(changed))
    out.print(f"{column}: {METHODS[method]}.", markup=False)


def _option(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InvalidInput(f"{text!r} is no option", hint="Write --option keep=2.")
    return name, value


@data.command("approve")
@click.argument("project_name")
@_file
@click.option("--by", default="", help="Who approves; default: who types.")
@command
def data_approve(project_name: str, file: Path, by: str) -> None:
    """Put the file in force: the next sync follows it. The version before is kept."""
    if not file.exists():
        raise NotFound(
            f"there is no {file}", hint=f"`greenroom data discover {project_name}` writes one."
        )
    policy = load_policy(file.read_bytes())
    with unit_of_work() as work:
        project = projects.get_project(work, project_name)
        made = policies.record_policy(
            work, project, file.read_text(), policy.fingerprint(), by=by or actor()
        )
        number, who = made.number, made.approved_by
    out.print(f"Policy {number} of {project_name} is in force, approved by {who}.", markup=False)
    out.print(f"  greenroom sync {project_name}", markup=False)


@data.command("policy")
@click.argument("project_name")
@json_option
@command
def data_policy(project_name: str, as_json: bool) -> None:
    """Print the policy in force, as it was approved."""
    with unit_of_work() as work:
        found = policies.find_policy(work, projects.get_project(work, project_name))
    if found is None:
        raise NotFound(
            f"{project_name} has no approved policy",
            hint=f"greenroom data discover {project_name}, read it, then approve it.",
        )
    if as_json:
        say_json(
            {
                "number": found.number,
                "approved_by": found.approved_by,
                "approved_at": found.approved_at,
                "fingerprint": found.fingerprint,
                "text": found.text,
            }
        )
        return
    click.echo(found.text, nl=False)
