"""``env extend``, ``env wake``, ``project set-life``: how long environments live, and asleep."""

from __future__ import annotations

import re

import click

from greenroom import living
from greenroom.cli.deployments import follow
from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out
from greenroom.errors import InvalidInput
from greenroom.store.life import Wishes

_SPAN = re.compile(r"(\d{1,6}(?:\.\d+)?)([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def parse_span(text: str) -> float:
    """Read a span of time, like ``90s``, ``10m``, ``2h``, ``14d``; ``never`` is 0. Pure.

    Errors: InvalidInput.
    """
    plain = text.strip().lower()
    if plain in ("0", "never"):
        return 0.0
    found = _SPAN.fullmatch(plain)
    if found is None:
        raise InvalidInput(f"{text!r} is no span of time", hint="Like: 10m, 2h, 14d or never")
    return float(found[1]) * _SECONDS[found[2]]


@click.command("extend")
@click.argument("environment")
@click.argument("span", default="7d")
@command
def env_extend(environment: str, span: str) -> None:
    """Let ENVIRONMENT live SPAN longer (default: 7d); ``never`` lets it stay for good."""
    end = living.place_extend(environment, parse_span(span) / 86400, actor=actor())
    out.print(f"It goes on {end:%Y-%m-%d %H:%M} UTC." if end else "It stays until it is destroyed.")


@click.command("wake")
@click.argument("environment")
@command
def env_wake(environment: str) -> None:
    """Wake ENVIRONMENT and wait until it answers."""
    out.print(f"awake  {living.wake_environment(environment, actor=actor())}", markup=False)


@click.command("approve-fork")
@click.argument("environment")
@click.option("--commit", default="", help="The commit that you read; default: its head, asked.")
@click.option("--with-secrets", is_flag=True, help="It gets the project's secrets and data.")
@click.option("--no-wait", is_flag=True, help="Return when it is ordered.")
@json_option
@command
def env_approve_fork(
    environment: str, commit: str, with_secrets: bool, no_wait: bool, as_json: bool
) -> None:
    """Deploy the commit of a stranger's pull request to ENVIRONMENT, after reading it.

    Its code runs on this machine. A new commit asks anew.
    """
    if not commit:
        commit = living.fork_commit(environment)
        may = "with the project's secrets and data" if with_secrets else "without any secret"
        click.confirm(f"Did you read {commit[:12]}, and shall it run {may}?", abort=True)
    order = living.approve_fork(environment, commit, with_secrets=with_secrets, actor=actor())
    follow(order, wait=not no_wait, as_json=as_json)


@click.command("set-life")
@click.argument("name")
@click.option("--pause-after", metavar="SPAN", help="Unvisited staging is paused. Like: 10m, never")
@click.option("--stop-after", metavar="SPAN", help="Unvisited staging is stopped. Like: 2h, never")
@click.option("--expire-after", metavar="SPAN", help="Staging goes so long after its deployment.")
@click.option("--warn", metavar="SPAN", help="People are told so long before. Like: 24h")
@command
def project_set_life(
    name: str, pause_after: str | None, stop_after: str | None, expire_after: str | None,
    warn: str | None,
) -> None:  # fmt: skip
    """Say when staging of project NAME sleeps and goes; what is not given is as its manifest says.

    The time to live counts from the next deployment of each environment.
    """

    def of(text: str | None, unit: float = 1) -> float | None:
        return None if text is None else parse_span(text) / unit

    wishes = Wishes(of(pause_after), of(stop_after), of(expire_after, 86400), of(warn, 3600))
    living.place_wishes(name, wishes, actor=actor())
    said = ", ".join(f"{key} {value:g}" for key, value in wishes.as_json().items())
    out.print(f"{name}: {said or 'as its manifest says'}", markup=False)
