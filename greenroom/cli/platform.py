"""``up``, ``down``, ``status``, ``doctor``."""

from __future__ import annotations

import signal
import time
from types import FrameType

import click

from greenroom.cli.main import actor
from greenroom.cli.output import command, json_option, out, say_json, say_table
from greenroom.errors import PlatformError
from greenroom.hosting.hosts import examine_hosts
from greenroom.hosting.tunnel import close_tunnels
from greenroom.isolating import describe_check, place_check
from greenroom.platform.doctor import Finding, examine
from greenroom.platform.up import Platform, Started
from greenroom.programs import Programs
from greenroom.settings import load_settings
from greenroom.store import isolation
from greenroom.store.models import IsolationCheck
from greenroom.store.work import unit_of_work

ESCAPED = 9
"""Exit code where something got out: for scripts."""
WATCH_SECONDS = 2.0
"""How soon we notice that the process manager has ended."""


def show_addresses(started: Started) -> None:
    """Print where everything is, and the one-time password if it was made just now."""
    out.print()
    out.print(f"  Console    [bold]{started.console_url}[/]")
    out.print(f"  Prefect    {started.prefect_url}")
    out.print(f"  Gateway    {started.gateway_url}")
    if started.admin_password:
        out.print()
        out.print(f"  First login: [bold]admin[/] / [bold]{started.admin_password}[/]")
        out.print("  This password is shown once; you choose your own at the first login.")
    out.print()


def wait_for_interrupt(platform: Platform) -> None:
    """Sleep until Ctrl-C, SIGTERM, or somebody's `greenroom down`.

    Errors: PlatformError when the process manager was killed; the next start ends what it left.
    """

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)  # a background shell leaves it ignored
    try:
        while platform.is_up():
            time.sleep(WATCH_SECONDS)
    except KeyboardInterrupt:
        return
    time.sleep(1)  # one that ends by itself takes its mark away last
    if platform.was_killed:
        raise PlatformError(
            "the process manager was killed", hint="Start again: everything is found as it was."
        )


@click.command()
@click.option("-d", "--detach", is_flag=True, help="Leave it running and return.")
@json_option
@command
def up(detach: bool, as_json: bool) -> None:
    """Start the platform; stop it with Ctrl-C, or with `greenroom down` when detached."""
    platform = Platform(load_settings(), (lambda line: None) if as_json else _say)
    started = platform.start()
    if as_json:
        say_json(started.__dict__)
    else:
        show_addresses(started)
    if detach:
        return
    if not as_json:
        out.print("  Ctrl-C stops everything.")
    wait_for_interrupt(platform)
    if not as_json:
        out.print("Stopping …")
    platform.stop()


def _say(line: str) -> None:
    out.print(f"[bright_black]·[/] {line} …")


@click.command()
@command
def down() -> None:
    """Stop every process of the platform. Data stays."""
    Platform(load_settings()).stop()
    close_tunnels(load_settings())
    out.print("Stopped.")


@click.command()
@json_option
@command
def status(as_json: bool) -> None:
    """Show the platform's processes."""
    states = sorted(Programs().states().values(), key=lambda s: s.name)
    if as_json:
        say_json([s.__dict__ for s in states])
        return
    say_table(
        ["process", "state", "since"],
        [(s.name, s.state.lower(), s.description) for s in states],
        "Nothing runs.",
    )


@click.group(invoke_without_command=True)
@json_option
@click.pass_context
def doctor(context: click.Context, as_json: bool) -> None:
    """Examine machine and platform, and say what is missing and what to do."""
    if context.invoked_subcommand is None:
        examined(as_json)


@doctor.command("isolation")
@click.argument("environment")
@json_option
@command
def doctor_isolation(environment: str, as_json: bool) -> None:
    """Try to get out of ENVIRONMENT, and show what got out. Ends with 9 where anything did."""
    check_id = place_check(environment, actor=actor())
    while True:
        with unit_of_work() as work:
            row = isolation.get_check(work, check_id)
        if row.status in isolation.FINAL:
            break
        time.sleep(0.5)
    if as_json:
        say_json(
            {
                "status": row.status, "verdict": row.verdict, "packets": row.packets,
                "probes": row.probes, "error": row.error,
            }
        )  # fmt: skip
    elif row.error:
        click.echo(f"ERROR ({row.error['error']}): {row.error['detail']}", err=True)
    else:
        _say_check(row)
    if row.status == "failed":
        raise SystemExit(1)
    if row.verdict == "open":
        raise SystemExit(ESCAPED)


def _say_check(row: IsolationCheck) -> None:
    say_table(
        ["what", "tried", "outcome", ""],
        [(one["group"], one["what"], one["outcome"], one["detail"]) for one in row.probes],
        "Nothing was tried.",
    )
    out.print(f"\n{describe_check(row.verdict, len(row.probes), row.packets)}", markup=False)


@command
def examined(as_json: bool) -> None:
    """Examine, and say what was found."""
    findings = examine(load_settings())
    if Programs(load_settings()).is_alive():  # where hosts are is in the store
        findings += [Finding(*one) for one in examine_hosts(load_settings())]
    if as_json:
        say_json([f.__dict__ for f in findings])
    else:
        marks = {"ok": "[green]ok  [/]", "note": "[yellow]note[/]", "bad": "[red]BAD [/]"}
        for finding in findings:
            out.print(f"{marks[finding.grade]} [bold]{finding.subject}[/]  {finding.text}")
            if finding.hint and finding.grade != "ok":
                out.print(f"      {finding.hint}")
    if any(f.grade == "bad" for f in findings):
        raise SystemExit(1)
