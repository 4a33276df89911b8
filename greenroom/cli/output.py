"""How the command line speaks: tables for people, JSON for machines, errors with a hint."""

from __future__ import annotations

import json
import os
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

import click
from rich.console import Console
from rich.table import Table

from greenroom.errors import GreenroomError
from greenroom.secrets import Redactor
from greenroom.store.models import now

P = ParamSpec("P")
R = TypeVar("R")

out = Console(highlight=False, soft_wrap=True, width=None if sys.stdout.isatty() else 180)
err = Console(stderr=True, highlight=False, soft_wrap=True)

STATUS_STYLES = {
    "active": "green",
    "live": "green",
    "building": "blue",
    "queued": "blue",
    "releasing": "blue",
    "starting": "blue",
    "sleeping": "bright_black",
    "retired": "bright_black",
    "cancelled": "yellow",
    "error": "red",
    "failed": "red",
    "destroyed": "bright_black",
}

EXIT_CODES = """\
\b
Exit codes:
  0  done
  1  it failed (a build, a health check, a process of ours)
  2  the request is malformed or cannot be carried out as asked
  3  there is no such project, environment, deployment, branch
  4  it exists already
  5  the environment is held by somebody else
  6  not allowed
  7  a limit is reached (disk, size, number)
  8  the platform itself is not running or broken
"""


def say_json(data: Any) -> None:
    """Print data as JSON."""
    click.echo(json.dumps(data, indent=2, default=_plain))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def say_table(columns: Sequence[str], rows: Sequence[Sequence[Any]], empty: str) -> None:
    """Print rows as a table, or a sentence when there are none."""
    if not rows:
        out.print(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(styled(str(cell)) for cell in row))
    out.print(table)


def say_done(told: str, as_json: bool, **more: Any) -> None:
    """Say that something is done."""
    if as_json:
        say_json({"done": told, **more})
    else:
        out.print(told, markup=False)


def say_ordered(part: str, number: int, as_json: bool) -> None:
    """Say that a look at an environment is ordered, and where in the console it will be."""
    where = f"The console shows it on the environment's page, under {part}."
    if as_json:
        say_json({"number": number, "status": "queued"})
    else:
        out.print(f"#{number} is ordered. {where}", markup=False)


def styled(word: str) -> str:
    """Colour a status; everything else is shown as it is."""
    style = STATUS_STYLES.get(word)
    safe = word.replace("[", "\\[")
    return f"[{style}]{safe}[/]" if style else safe


def ago(moment: datetime | None) -> str:
    """Say how long ago something was."""
    if moment is None:
        return "never"
    seconds = int((now() - moment).total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit} ago"
    return f"{max(0, seconds)} s ago"


def fail(error: GreenroomError, as_json: bool = False) -> NoReturn:
    """Print an error with its hint and end with its exit code."""
    redact = Redactor()
    if as_json:
        click.echo(json.dumps({name: redact(told) for name, told in error.as_json().items()}))
    else:
        err.print(f"[bold red]ERROR ({type(error).__name__}):[/] ", end="")
        click.echo(redact(error.message), err=True)
        if error.hint:
            click.echo(f"  {redact(error.hint)}", err=True)
        tail = getattr(error, "log_tail", "")
        if tail:
            click.echo("\n".join(f"  | {line}" for line in tail.splitlines()[-15:]), err=True)
    if _is_verbose():
        traceback.print_exception(error, file=sys.stderr)
    raise SystemExit(error.exit_code)


def _is_verbose() -> bool:
    context = click.get_current_context(silent=True)
    return bool(context and context.find_root().params.get("verbose"))


def command(function: Callable[P, R]) -> Callable[P, R]:
    """Make errors of a command exit with their code, and add ``--json``'s shape of them."""

    @wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except GreenroomError as error:
            fail(error, bool(kwargs.get("as_json")))
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise SystemExit(0) from None

    return wrapped


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def read_secret(what: str) -> str:
    """Ask for a secret, or read it from standard input: it stays out of the shell's history."""
    if sys.stdin.isatty():
        return str(click.prompt(what, hide_input=True))
    return sys.stdin.read().rstrip("\r\n")


def printable(text: str, *, keep: str = "") -> str:
    """Give a text that a terminal shows and does not obey; ``keep`` names signs that it may."""
    return "".join(c if c.isprintable() or c in keep else repr(c)[1:-1] for c in text)
