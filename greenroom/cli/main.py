"""``greenroom``: the command line. Commands start work by deployment name, like every face."""

from __future__ import annotations

import difflib
import getpass
import importlib
from typing import Any

import click

from greenroom import __version__
from greenroom.cli.output import EXIT_CODES

_COMMANDS = {
    "up": "platform",
    "down": "platform",
    "status": "platform",
    "doctor": "platform",
    "demo": "demo",
    "init": "projects",
    "project": "projects",
    "variable": "projects",
    "env": "environments",
    "deploy": "deployments",
    "approve": "promotion",
    "request-changes": "promotion",
    "promote": "promotion",
    "rollback": "deployments",
    "cancel": "deployments",
    "logs": "deployments",
    "data": "data",
    "sync": "sync",
    "assets": "assets",
    "cleanup": "cleanup",
    "backup": "promotion",
    "compare": "compare",
    "performance": "performance",
    "changes": "compare",
    "ignore": "compare",
    "share": "share",
    "comments": "comments",
    "tracker": "tracker",
    "mail": "mail",
    "notify": "notify",
    "user": "users",
    "domain": "domain",
    "hosts": "hosts",
    "member": "users",
    "token": "tokens",
    "audit": "audit",
}


class _Lazy(click.Group):
    """Loads a command's module when it is used: `greenroom --help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"greenroom.cli.{_COMMANDS[cmd_name]}")
        found: click.Command = getattr(module, cmd_name.replace("-", "_"))
        return found

    def resolve_command(self, ctx: click.Context, args: list[str]) -> Any:
        if args and args[0] not in _COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], _COMMANDS, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)


@click.group(cls=_Lazy, epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="greenroom")
@click.option("-v", "--verbose", is_flag=True, help="Show tracebacks.")
def main(verbose: bool) -> None:
    """Staging environments of your own: every branch a running copy, on a private address."""


def actor() -> str:
    """Name who types: for the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError):
        return "cli"
