"""Become one of the platform's programs, with its secrets in the environment.

The process manager's file holds no secret: this reads them and replaces itself.
"""

from __future__ import annotations

import os
import sys

from greenroom.errors import PlatformError
from greenroom.platform.orchestrator import (
    prefect_environment,
    secret_environment,
    server_environment,
)
from greenroom.platform.postgres import ORCHESTRATOR
from greenroom.runs import POOL
from greenroom.settings import Settings, load_settings, process_environment
from greenroom.store.work import database_url


def _orchestrator_database(settings: Settings) -> str:
    store = database_url(settings)
    head, _, _ = store.rpartition("/")
    return f"{head}/{ORCHESTRATOR}"


def plan_launch(name: str, settings: Settings) -> tuple[list[str], dict[str, str]]:
    """Give command and environment of a program.

    Errors: PlatformError for an unknown name.
    """
    python = sys.executable
    client = {**prefect_environment(settings), **secret_environment(settings)}
    ours = {"GREENROOM_HOME": str(settings.home)}
    match name:
        case "prefect":
            return (
                [python, "-m", "prefect", "server", "start"],
                server_environment(settings, _orchestrator_database(settings)),
            )
        case "engine":
            return [python, "-m", "greenroom.platform.forkserver"], client
        case "worker":
            command = [python, "-m", "prefect", "worker", "start", "--pool", POOL]
            return [*command, "--type", "process", "--limit", "8"], client
        case "gateway":
            return [python, "-m", "greenroom.gateway"], ours
        case "mail" | "egress":
            return [python, "-m", "greenroom.isolation", name], ours
        case "api":
            return [python, "-m", "greenroom.api"], ours
        case "console":
            return [python, "-m", "ui"], ours
    raise PlatformError(f"there is no program {name!r}")


def main() -> None:
    """Replace this process by the program named on the command line."""
    command, environment = plan_launch(sys.argv[1], load_settings())
    os.execve(command[0], command, process_environment(**environment))


if __name__ == "__main__":
    main()
