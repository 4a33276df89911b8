"""``demo``: the main job, played live."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click

from greenroom.cli.looking import have_speed_measured
from greenroom.cli.narration import Narration
from greenroom.cli.output import command, out, say_json
from greenroom.cli.platform import wait_for_interrupt
from greenroom.cli.play import Play
from greenroom.cli.stage import prepare_stage
from greenroom.errors import GreenroomError
from greenroom.platform.up import Platform
from greenroom.settings import default_home, is_home_chosen, load_settings, use_home


def demo_home() -> Path:
    """Give the demo's own home: never that of a platform in use."""
    if is_home_chosen():
        return load_settings().home
    home = default_home()
    return home.with_name(f"{home.name}-demo")


@click.command()
@click.option(
    "--exit", "ends", is_flag=True, help="End when it is played, by whether it was right."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, nothing else.")
@click.option("--fresh", is_flag=True, help="Forget the demo's data first.")
@command
def demo(ends: bool, as_json: bool, fresh: bool) -> None:
    """Play the main job on a sample shop: deploy, preview, a broken commit, a rollback."""
    home = demo_home()
    if fresh and home.exists():
        Platform(use_home(home)).stop()
        shutil.rmtree(home)
    settings = use_home(prepare_stage(home))
    narration = Narration(quiet=as_json)
    play = Play(settings, narration)
    try:
        summary = play.perform()
        if ends:
            say_json(summary)
        elif as_json:
            say_json(summary)
            wait_for_interrupt(play.platform)
        else:
            have_speed_measured(play)
            play.show_addresses()
            out.print("  Ctrl-C stops everything; the next `make demo` finds it again.")
            wait_for_interrupt(play.platform)
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    except GreenroomError as error:
        if as_json:
            say_json({"ok": False, "steps": play.steps, **error.as_json()})
            raise SystemExit(error.exit_code) from error
        raise
    finally:
        narration.end()
        if not as_json:
            out.print("  Stopping every process …", style="bright_black")
        play.platform.stop()
        sys.stdout.flush()
